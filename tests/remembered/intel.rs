//! One carrier warns another: real nodes, a file between them, and PyPI's `stix2` as the judge of what stands in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::node::{Folder, Node, journal, until};
use crate::peer::{OK, Peer, Smsc, bound};
use crate::served::server;
use crate::{RULES, TRX, blocked, passed, reputation, say, standing};
use tapis::wire::command::CommandId;

/// Runs `tapis intel …`: its exit code, what it said, and what it said beside that.
fn run(args: &[&str]) -> (i32, String, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_tapis")).arg("intel").args(args).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

/// A node of a carrier that has blocked a dozen messages of a campaign.
fn teller(folder: &Folder, smsc: &Smsc) -> Node {
    let node = Node::start(folder, &[smsc.address()], RULES, &reputation(folder, ", intel: { source: Carrier A }"));
    let (mut esme, _centre) = bound(&node.smpp, smsc, TRX, "acme");
    for n in 2..14 {
        let text = "Dear client, your tapisscam parcel is held: see https://a.kbnk-th.xyz/p or call +85291234567 for +6591234567, quoting";
        blocked(&mut esme, n, text);
    }
    node
}

fn export(node: &Node, file: &Path, more: &[&str]) -> Value {
    let file = file.display().to_string();
    let (code, out, err) = run(&[&["export", "--admin", &node.admin, "--out", &file], more].concat());
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap()
}

fn patterns(bundle: &Value) -> Vec<&str> {
    let mut all: Vec<&str> =
        bundle["objects"].as_array().unwrap().iter().filter_map(|o| o["pattern"].as_str()).collect();
    all.sort_unstable();
    all
}

/// A rule on a list that a feed fills, which must spare the operator's own site.
const OF_FEED: &str = r#"
lists:
  warned: { domains: { intel: peer, confidence_min: 50 } }
rules:
  - id: warned-domain
    about: a domain that another carrier warns of
    category: other
    action: block
    when: { link: { domain_in: warned } }
    cases:
      - { from: A, to: "+6590000002", text: "see own-bank.com", expect: silent }
"#;

fn fetches(node: &Node, result: &str) -> u64 {
    node.metric("tapis_intel_fetches_total", &["peer", &format!("\"{result}\"")])
}

/// Sends a message with the link that is warned of; whether it was blocked.
fn is_blocked(node: &Node, esme: &mut Peer, centre: &mut Peer, number: u32) -> bool {
    let count = |action: &str| node.metric("tapis_messages_total", &[action]);
    let before = (count("block"), count("pass"));
    esme.submit(number, &format!("lunch? see https://kbnk-th.xyz/{number}"));
    until("it is decided on", || (count("block"), count("pass")) != before);
    let is_blocked = count("block") > before.0;
    if !is_blocked {
        let got = centre.expect(CommandId::SUBMIT_SM);
        centre.answer(&got, OK, Some(b"1\0"));
    }
    assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status() == OK, !is_blocked);
    is_blocked
}

#[test]
fn what_one_carrier_learned_another_blocks_by() {
    let (one, two, smsc) = (Folder::new(), Folder::new(), Smsc::new());
    let a = teller(&one, &smsc);
    let bundle = export(&a, &one.0.join("out.json"), &[]);
    assert_eq!(
        patterns(&bundle)[..3],
        ["[domain-name:value = 'kbnk-th.xyz']", "[sms-callback:value = '+85291234567']", "[sms-sender:value = 'info']"]
    );
    let text = bundle.to_string();
    assert!(!text.contains("6591234567") && !text.contains("acme"), "no recipient, no account: {text}");
    assert!(text.contains("your tapisscam parcel is held"), "the campaign, masked: {text}");
    let again = export(&a, &one.0.join("again.json"), &[]);
    assert_eq!(again, bundle, "nothing was learned meanwhile");

    // B fetches it, stands lower, and a rule fires.
    let (address, served) = server();
    let serve = |text: &str, etag: &str| {
        let mut served = served.lock().unwrap();
        (served.text, served.etag) = (text.to_owned(), format!("\"{etag}\""));
    };
    serve(r#"{"type":"bundle","id":"bundle--1"}"#, "0");
    let feed = format!("{{ id: peer, url: \"http://{address}/a.json\", every: 1s }}");
    let more = format!(", intel: {{ source: Carrier B, feeds: [ {feed} ] }}");
    let b = Node::start(&two, &[smsc.address()], OF_FEED, &reputation(&two, &more));
    let (mut esme, mut centre) = bound(&b.smpp, &smsc, TRX, "acme");
    until("an empty bundle is taken", || fetches(&b, "changed") == 1);
    assert!(!is_blocked(&b, &mut esme, &mut centre, 2));
    serve(&text, "1");
    until("B has heard", || standing(&b, "domain:kbnk-th.xyz") < 40.0);
    assert!(standing(&b, "domain:kbnk-th.xyz") >= 20.0, "one source alone condemns nobody");
    assert!(standing(&b, "sender:INFO") < 40.0 && standing(&b, "phone:+85291234567") < 40.0);
    for n in 3..9 {
        assert!(is_blocked(&b, &mut esme, &mut centre, n));
    }
    let same = fetches(&b, "same");
    until("it is asked again", || fetches(&b, "same") > same);
    assert!(served.lock().unwrap().asked.iter().any(|r| r.contains("if-none-match: \"1\"")), "the ETag is sent back");
    // What B blocked on A's word is no evidence of B's: A will not hear its own word from B.
    let back = export(&b, &two.0.join("out.json"), &["--min-confidence", "1"]);
    assert_eq!(patterns(&back), [""; 0]);

    // A broken bundle, and one that would break a case, change nothing; not over a restart either.
    serve("{\"type\":\"bundle\",", "2");
    until("it is refused", || fetches(&b, "refused") >= 1);
    let (code, shown, _) = run(&["feeds", "--admin", &b.admin]);
    assert!(code == 0 && shown.contains("it is no JSON: EOF"), "{shown}");
    serve(&text.replace("kbnk-th.xyz", "own-bank.com"), "3");
    let refused = fetches(&b, "refused");
    until("it is refused too", || fetches(&b, "refused") > refused);
    let (_, shown, _) = run(&["feeds", "--admin", &b.admin]);
    assert!(shown.contains("a list that it fills does not hold"), "{shown}");
    assert!(is_blocked(&b, &mut esme, &mut centre, 9) && standing(&b, "domain:own-bank.com") == 50.0);
    drop((esme, centre));
    let b = b.restart(&two);
    let (mut esme, mut centre) = bound(&b.smpp, &smsc, TRX, "acme");
    assert!(is_blocked(&b, &mut esme, &mut centre, 2) && standing(&b, "domain:kbnk-th.xyz") < 40.0);

    // What A takes back is gone.
    serve(r#"{"type":"bundle","id":"bundle--1"}"#, "4");
    until("it is gone", || standing(&b, "domain:kbnk-th.xyz") == 50.0);
    assert!(!is_blocked(&b, &mut esme, &mut centre, 3));
    a.stop();
    b.stop();
    let controls = |folder: &Folder, what: &str| {
        journal(&folder.0).iter().filter(|r| r["what"] == what).cloned().collect::<Vec<_>>()
    };
    assert_eq!(controls(&one, "intel-export").len(), 2);
    let imports = controls(&two, "intel-import");
    assert!(
        imports.iter().any(|r| r["details"]["came_to"]["taken"] == 4 && r["details"]["feed"] == "peer"),
        "{imports:?}"
    );
    assert!(imports.iter().any(|r| r["details"]["came_to"]["ok"] == false), "{imports:?}");
}

#[test]
fn an_operator_puts_bundles_in_by_hand() {
    let (one, two, smsc) = (Folder::new(), Folder::new(), Smsc::new());
    let a = teller(&one, &smsc);
    let file = one.0.join("out.json");
    export(&a, &file, &["--tlp", "green", "--days", "7", "--no-templates"]);
    let own = run(&["import", "--admin", &a.admin, &file.display().to_string()]);
    assert!(own.0 == 0 && own.1.ends_with("0 taken, 3 skipped\n") && own.2.contains("this carrier's own"), "{own:?}");
    let rules = OF_FEED.replace("intel: peer", "intel: by-hand");
    let b = Node::start(&two, &[smsc.address()], &rules, &reputation(&two, ""));
    let at = ["--admin", &b.admin];
    let put = |file: &Path, more: &[&str]| run(&[&["import", &file.display().to_string()], &at[..], more].concat());
    let (code, out, _) = put(&file, &["--dry-run"]);
    assert!(code == 0 && out.contains("domain kbnk-th.xyz") && out.ends_with("3 would be taken, 0 skipped\n"), "{out}");
    assert_eq!(standing(&b, "domain:kbnk-th.xyz"), 50.0);
    assert_eq!(put(&file, &["--actor", "mei"]).0, 0);
    let low = standing(&b, "domain:kbnk-th.xyz");
    assert!(low < 40.0);
    assert_eq!(put(&file, &[]).0, 0);
    assert_eq!(standing(&b, "domain:kbnk-th.xyz"), low, "twice is once");
    // Another one is put beside it, and what is wrong is told with its place.
    let other = json!({ "type": "bundle", "id": "bundle--1", "objects": [
        { "type": "indicator", "spec_version": "2.1", "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
          "created": "2026-11-01T00:00:00.000Z", "modified": "2095-11-10T00:00:00.000Z", "pattern_type": "stix",
          "pattern": "[domain-name:value = 'other.top']", "valid_from": "2026-11-01T00:00:00Z", "confidence": 95 },
        { "type": "indicator", "id": "indicator--1" },
    ] });
    let (code, out, err) = put(&two.write("other.json", &other.to_string()), &[]);
    assert!(
        code == 0 && out.ends_with("1 taken, 1 skipped\n") && err.contains("objects[1] indicator--1: `id`"),
        "{out}{err}"
    );
    assert!(standing(&b, "domain:other.top") < 50.0 && standing(&b, "domain:kbnk-th.xyz") == low);
    let (code, _, err) = put(&two.write("none.json", "[]"), &[]);
    assert!(code == 78 && err.contains("it is no STIX bundle"), "{err}");
    let (code, _, err) = put(&file, &["--feed", "peer"]);
    assert!(code == 78 && err.contains("there is no feed `peer`: there are by-hand"), "{err}");
    let (mut esme, mut centre) = bound(&b.smpp, &smsc, TRX, "acme");
    assert!(is_blocked(&b, &mut esme, &mut centre, 2));
    passed(&mut esme, &mut centre, 3, "lunch at noon?");
    a.stop();
    b.stop();
}

/// The Python of the peers.
fn python() -> Option<PathBuf> {
    if std::env::var("TAPIS_PEERS").is_ok_and(|v| v == "1") {
        let home = std::env::var("TAPIS_PEERS_HOME").map(PathBuf::from);
        let home = home.unwrap_or_else(|_| Path::new(&std::env::var("HOME").unwrap()).join(".cache/tapis-peers"));
        return Some(home.join("venv/bin/python"));
    }
    say("intel: stix2: not run: install PyPI stix2 with tests/peers/install and set TAPIS_PEERS=1");
    None
}

#[test]
fn what_is_told_is_stix_to_the_letter_and_what_stix2_writes_is_taken() {
    let Some(python) = python() else { return };
    let (one, two, smsc) = (Folder::new(), Folder::new(), Smsc::new());
    let a = teller(&one, &smsc);
    let (told, back) = (one.0.join("told.json"), one.0.join("back.json"));
    let bundle = export(&a, &told, &[]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/stix2_bundle.py");
    let ran = Command::new(python).arg(script).args([&told, &back]).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let said: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(
        said["types"],
        json!({ "marking-definition": 1, "identity": 2, "extension-definition": 1, "indicator": 4 })
    );
    assert_eq!(said["compared"].as_array().unwrap().len(), 4, "each pattern is one comparison: {said}");
    let again: Value = serde_json::from_str(&std::fs::read_to_string(&back).unwrap()).unwrap();
    assert_eq!(patterns(&again), patterns(&bundle));
    let b = Node::start(&two, &[smsc.address()], RULES, &reputation(&two, ""));
    let put = |file: &Path| {
        let (code, out, err) =
            run(&["import", "--admin", &b.admin, "--dry-run", "--format", "json", &file.display().to_string()]);
        assert_eq!(code, 0, "{out}{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let (from_us, from_stix2) = (put(&told), put(&back));
    assert_eq!((&from_us["taken"], &from_us["indicators"]), (&json!(4), &from_stix2["indicators"]));
    a.stop();
    b.stop();
}
