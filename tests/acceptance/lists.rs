//! Lists that change while a node runs: fetched ones, and entries that operators add and remove.

use std::process::Command;

use serde_json::Value;

use super::node::{Folder, Node, journal, until};
use super::peer::Smsc;
use super::served::server;

pub fn rules(address: &str) -> String {
    format!(
        r#"
lists:
  bad: {{ domains: {{ url: "http://{address}/bad.txt", every: 1s, entries_max: 3 }} }}
  words: {{ words: [casino] }}
rules:
  - id: bad-domain
    about: a fetched domain
    category: other
    action: block
    when: {{ link: {{ domain_in: bad }} }}
    cases:
      - {{ from: A, to: "+6590000002", text: "see own-bank.com", expect: silent }}
  - {{ id: word, about: a word, category: other, action: block, when: {{ text: {{ word_in: words }} }} }}
"#
    )
}

fn policy(node: &Node) -> Value {
    serde_json::from_str(&node.http("GET", "/api/policy").1).unwrap()
}

#[test]
fn a_fetched_list_is_taken_when_the_policy_holds_with_it_and_else_the_old_copy_stays() {
    let (address, served) = server();
    let serve = |text: &str, etag: &str| {
        let mut served = served.lock().unwrap();
        (served.text, served.etag) = (text.into(), etag.into());
    };
    serve("# a comment\nbad.top\nworse.top\n", "\"1\"");
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], &rules(&address), "");
    let fetches = |node: &Node, result: &str| node.metric("tapis_list_fetches_total", &["bad", result]);
    until("the list is fetched", || node.metric("tapis_list_entries", &["bad"]) == 2);
    until("it is asked for again", || fetches(&node, "same") >= 1);
    assert_eq!(fetches(&node, "changed"), 1);
    assert!(node.metric("tapis_list_update_timestamp_seconds", &["bad"]) > 1_600_000_000);
    assert!(served.lock().unwrap().asked.iter().any(|r| r.contains("if-none-match: \"1\"")), "the ETag is sent back");
    let before = policy(&node)["digest"].clone();

    // A feed that lists a bank's own domain breaks a case; one that is too long is not even tried.
    serve("bad.top\nown-bank.com\n", "\"2\"");
    until("it is refused", || fetches(&node, "refused") >= 1);
    serve("a.top\nb.top\nc.top\nd.top\n", "\"3\"");
    until("it is too long", || fetches(&node, "failed") >= 1);
    assert_eq!((policy(&node)["digest"].clone(), node.metric("tapis_list_entries", &["bad"])), (before.clone(), 2));
    node.stop();

    // The last good copy outlives the server and the node.
    serve("", "\"4\"");
    let again = rules("127.0.0.1:9").replace("127.0.0.1:9/", &format!("{address}/"));
    served.lock().unwrap().text = "a.top\nb.top\nc.top\nd.top\n".into();
    let node = Node::start(&folder, &[smsc.address()], &again, "");
    assert_eq!((policy(&node)["digest"].clone(), node.metric("tapis_list_entries", &["bad"])), (before.clone(), 2));
    serve("bad.top\n", "\"5\"");
    node.stop();
    let node = Node::start(&folder, &[smsc.address()], &again, "");
    until("the new one is taken", || node.metric("tapis_list_entries", &["bad"]) == 1);
    assert_ne!(policy(&node)["digest"], before, "each change is a new digest");
    node.stop();
    let controls: Vec<Value> = journal(&folder.0).into_iter().filter(|r| r["what"] == "list").collect();
    let told = |ok: bool| controls.iter().filter(|r| r["details"]["ok"] == ok).count();
    let details: Vec<&Value> = controls.iter().map(|r| &r["details"]).collect();
    assert!(told(true) == 2 && told(false) >= 1, "{details:#?}");
}

#[test]
fn an_entry_is_added_and_removed_at_run_time_and_stays_so_over_a_restart() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let rules = rules("127.0.0.1:9").replace("every: 1s", "every: 24h");
    let node = Node::start(&folder, &[smsc.address()], &rules, "");
    let before = policy(&node)["digest"].clone();
    let entries = |node: &Node, list: &str| node.metric("tapis_list_entries", &[list]);
    let edit = |node: &Node, path: &str| {
        let (status, answer) = node.http("POST", path);
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    let (status, answer) = edit(&node, "/api/lists/words?add=jack%20pot&actor=ana");
    assert_eq!((status, &answer["old_digest"]), (200, &before), "{answer}");
    assert_ne!(answer["new_digest"], before);
    assert_eq!(entries(&node, "words"), 2);
    let (status, answer) = edit(&node, "/api/lists/wrods?add=x");
    assert!(status == 404 && answer["lists"][1] == "words", "{answer}");
    assert_eq!(edit(&node, "/api/lists/words").0, 400);
    let (status, answer) = edit(&node, "/api/lists/bad?add=not%20a%20domain");
    let says = |code: &str| answer["diagnostics"].as_array().unwrap().iter().any(|d| d["code"] == code);
    assert!(status == 422 && says("domain"), "{answer}");
    let (status, _) = edit(&node, "/api/lists/bad?add=own-bank.com");
    assert_eq!(status, 422, "it breaks a case");

    let tapis = |args: &[&str]| {
        let ended =
            Command::new(env!("CARGO_BIN_EXE_tapis")).args(args).args(["--admin", &node.admin]).output().unwrap();
        (ended.status.code().unwrap(), String::from_utf8(ended.stdout).unwrap())
    };
    let (code, out) = tapis(&["list", "remove", "words", "casino", "--actor", "ben"]);
    assert!(code == 0 && out.starts_with("changed "), "{out}");
    assert_eq!(tapis(&["list", "add", "nowhere", "x"]).0, 78);
    assert_eq!(entries(&node, "words"), 1);
    let edited = policy(&node)["digest"].clone();
    let node = node.restart(&folder);
    assert_eq!((policy(&node)["digest"].clone(), entries(&node, "words")), (edited, 1));
    // Taking both back leaves what the files say.
    assert_eq!(edit(&node, "/api/lists/words?add=Casino").0, 200);
    assert_eq!(edit(&node, "/api/lists/words?remove=jack%20pot").0, 200);
    assert_eq!(entries(&node, "words"), 1);
    node.stop();
    let controls: Vec<Value> = journal(&folder.0).into_iter().filter(|r| r["what"] == "list").collect();
    let by =
        |actor: &str| controls.iter().any(|r| r["details"]["change"]["actor"] == actor && r["details"]["ok"] == true);
    assert!(by("ana") && by("ben"), "{controls:?}");
}
