//! A running node's policies: history, rollback, and trials on a share of the sessions.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Folder, Running, http_get, next, tapis};
use crate::{CONFIG, FINE, RULE, USAGE, top};

/// A node between a simulated SMSC and whoever connects.
struct Node {
    folder: Folder,
    node: Running,
    _smsc: Running,
    smpp: String,
    admin: String,
}

impl Node {
    fn start(more: &str) -> Self {
        let folder = Folder::new();
        folder.write("rules/casino.yaml", RULE);
        let config = folder.write("tapis.yaml", format!("rules: [rules]\njournal: {{ dir: j }}\n{more}"));
        let smsc = Running::start(top(), &["sim", "smsc", "--listen", "127.0.0.1:0", "--no-receipts"]);
        let address = smsc.told("listening smpp ");
        let args =
            ["run", "--config", &config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--smsc", &address];
        let node = Running::start(&folder.0, &args);
        let (smpp, admin) = (node.told("listening smpp "), node.told("listening admin "));
        next(&node.err, "ready");
        Self { folder, node, _smsc: smsc, smpp, admin }
    }

    fn ask(&self, args: &[&str]) -> (i32, Value) {
        let ended = tapis(&[args, &["--admin", &self.admin, "--format", "json"]].concat());
        (ended.code, ended.objects().into_iter().next().unwrap_or(Value::Null))
    }

    fn policies(&self) -> Value {
        self.ask(&["policy", "list"]).1
    }

    /// Messages that no rule of this test fires on, over several sessions; the answers to them.
    fn lunch(&self, sessions: &str, messages: &str) -> Value {
        let corpus = self.folder.write("corpus.tsv", "from\tto\ttext\nA\t+6590000002\tlunch at 12?\n");
        let args = ["--sessions", sessions, "--messages", messages, "--corpus", &corpus];
        let ended = tapis(&[&["sim", "esme", "--connect", &self.smpp][..], &args].concat());
        assert_eq!(ended.code, FINE, "{}", ended.err);
        ended.objects()[0]["answers"].clone()
    }

    fn metric(&self, start: &str) -> Option<String> {
        let all = http_get(&self.admin, "/metrics");
        all.lines().find_map(|line| line.strip_prefix(start)).map(|rest| rest.trim().to_owned())
    }

    /// Waits for the trial to end.
    fn settled(&self) -> Value {
        let start = Instant::now();
        loop {
            let policies = self.policies();
            if policies["canary"].is_null() {
                return policies;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "the trial does not end: {policies}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is in the journal once the node has ended.
    fn controls(self) -> Vec<Value> {
        self.node.signal("TERM");
        assert_eq!(self.node.end().0, FINE);
        let files = fs::read_dir(self.folder.0.join("j")).unwrap().map(|e| e.unwrap().path());
        let lines: Vec<String> = files
            .filter(|f| f.extension().is_some_and(|e| e == "jsonl"))
            .flat_map(|f| fs::read_to_string(f).unwrap().lines().map(ToOwned::to_owned).collect::<Vec<_>>())
            .collect();
        let records = lines.iter().map(|l| serde_json::from_str::<Value>(l).unwrap());
        records.filter(|r| r["kind"] == "control").collect()
    }
}

/// Blocks all that the traffic of these tests is.
const BLOCKS: &str = "rules:\n  - { id: lunch, action: block, when: { text: { words: [lunch] } } }\n";

#[test]
fn a_canary_that_blocks_too_much_is_rolled_back_by_itself() {
    let node = Node::start("");
    let old = node.policies()["in_force"].clone();
    node.folder.write("rules/lunch.yaml", BLOCKS);
    let bounds = ["--canary", "50%", "--for", "10m", "--block-above", "10%", "--after", "20"];
    let (code, answer) = node.ask(&[&["reload", "--actor", "mei", "--comment", "less lunch"][..], &bounds].concat());
    assert_eq!((code, &answer["canary"]["share"], &answer["old_digest"]), (FINE, &json!("50%"), &old));
    assert_eq!(node.policies()["in_force"], old, "it is not in force");
    assert_eq!(node.metric("tapis_canary_share").unwrap(), "0.5");

    let answers = node.lunch("20", "2000");
    let refused = answers["ESME_RSUBMITFAIL"].as_u64().unwrap();
    assert!((20..2_000).contains(&refused), "{answers}");
    let settled = node.settled();
    assert_eq!((&settled["in_force"], &settled["last_canary"]["result"]), (&old, &json!("rolled_back")));
    let text = tapis(&["policy", "list", "--admin", &node.admin]).out;
    assert!(text.contains(" rolled back at ") && text.contains("are blocked, above 10%"), "{text}");
    assert_eq!(node.lunch("20", "200"), json!({ "ESME_ROK": 200 }), "it is gone from every session");
    assert_eq!(node.metric("tapis_canaries_total{result=\"rolled_back\"}").unwrap(), "1");
    assert_eq!(node.metric("tapis_canary_share").unwrap(), "0");
    // What was read before the rollback is judged to its end, and is no longer of a trial.
    let blocked = node.metric("tapis_canary_messages_total{policy=\"new\",action=\"block\"}").unwrap();
    assert!((20..=refused).contains(&blocked.parse().unwrap()), "{blocked} of {refused}");
    assert_eq!(node.metric("tapis_canary_messages_total{policy=\"old\",action=\"block\"}").unwrap(), "0");

    let controls = node.controls();
    let of = |what: &str| controls.iter().find(|c| c["what"] == what).map(|c| c["details"].clone()).unwrap();
    assert_eq!((&of("reload")["comment"], &of("reload")["canary"]), (&json!("less lunch"), &json!("50%")));
    assert!(of("canary-rollback")["why"].as_str().unwrap().contains("are blocked, above 10%"));
    assert_eq!(of("canary-rollback")["canary"]["actor"], "mei");
}

#[test]
fn a_canary_within_its_bounds_is_taken_for_all_and_a_running_one_can_be_replaced() {
    let node = Node::start("canary: { share: 50%, for: 1ms, after: 30, block_above: 10% }\n");
    let first = node.policies()["in_force"].as_str().unwrap().to_owned();
    node.folder.write("rules/more.yaml", BLOCKS.replace("lunch", "dinner"));
    let (code, answer) = node.ask(&["reload"]);
    assert_eq!((code, &answer["canary"]["share"]), (FINE, &json!("50%")), "the configuration says so");
    assert!(!node.policies()["canary"].is_null(), "it has judged nothing yet");
    // The same files again are the same trial; other files are another.
    node.ask(&["reload"]);
    node.folder.write("rules/more.yaml", BLOCKS.replace("lunch", "supper"));
    node.ask(&["reload"]);
    assert_eq!(node.metric("tapis_canaries_total{result=\"replaced\"}").unwrap(), "1");
    let on_trial = node.policies()["canary"]["digest"].clone();
    node.lunch("20", "400");
    let settled = node.settled();
    assert_eq!((&settled["in_force"], &settled["policies"][0]["how"]), (&on_trial, &json!("canary")));
    assert_eq!(settled["policies"][0]["previous"], json!(first));
    assert_eq!(node.metric("tapis_canaries_total{result=\"promoted\"}").unwrap(), "1");

    node.folder.write("rules/more.yaml", "rules: []\n");
    let (_, answer) = node.ask(&["reload", "--now"]);
    assert!(answer["canary"].is_null() && node.policies()["in_force"] == answer["new_digest"]);
}

#[test]
fn what_was_in_force_is_listed_shown_and_taken_again() {
    let node = Node::start("");
    let first = node.policies()["in_force"].as_str().unwrap().to_owned();
    node.folder.write("rules/lunch.yaml", BLOCKS);
    let comment = "Mei & Tan: 100% sure?";
    let (code, answer) = node.ask(&["reload", "--actor", "mei@noc", "--comment", comment, "--if-digest", &first]);
    assert_eq!((code, &answer["added"]), (FINE, &json!(["lunch"])));
    let second = answer["new_digest"].as_str().unwrap().to_owned();
    assert_eq!(node.lunch("1", "10"), json!({ "ESME_RSUBMITFAIL": 10 }));

    let listed = node.policies();
    assert_eq!((&listed["in_force"], &listed["last_reload"]["ok"]), (&json!(second), &json!(true)));
    let (new, old) = (&listed["policies"][0], &listed["policies"][1]);
    assert_eq!((&new["digest"], &new["previous"], &new["how"]), (&json!(second), &json!(first), &json!("reload")));
    assert_eq!(
        (&new["actor"], &new["comment"], &new["added"]),
        (&json!("mei@noc"), &json!(comment), &json!(["lunch"]))
    );
    assert_eq!((&old["digest"], &old["how"]), (&json!(first), &json!("start")));
    let text = tapis(&["policy", "list", "--admin", &node.admin]).out;
    assert!(text.contains(&format!("in force   {second} since 20")) && text.contains(comment), "{text}");

    let (_, shown) = node.ask(&["policy", "show", &first[..8]]);
    assert_eq!((&shown["digest"], &shown["in_force"]), (&json!(first), &json!(false)));
    assert_eq!(shown["difference"]["removed"], json!(["lunch"]));
    assert!(shown["files"].as_array().unwrap().iter().any(|f| f["role"] == "rules" && f["text"] == RULE));
    let text = tapis(&["policy", "show", &first, "--admin", &node.admin]).out;
    assert!(text.contains("taken now, it would have\n  removed lunch") && text.contains("# main "), "{text}");

    // Two editors: the second does not know what is in force.
    let (code, answer) = node.ask(&["policy", "rollback", &first, "--if-digest", &first]);
    assert!(code == CONFIG && answer["error"].as_str().unwrap().contains(&second), "{answer}");
    assert_eq!(node.ask(&["policy", "rollback", "nosuch"]).0, CONFIG);
    assert_eq!(node.ask(&["policy", "rollback", &first, "--dry-run"]).1["removed"], json!(["lunch"]));
    assert_eq!(node.policies()["in_force"], json!(second));
    let (code, answer) = node.ask(&["policy", "rollback", &first[..8], "--actor", "tan", "--if-digest", &second]);
    assert_eq!((code, &answer["new_digest"]), (FINE, &json!(first)));
    assert_eq!(node.lunch("1", "10"), json!({ "ESME_ROK": 10 }));

    // A mistake is told where the node is asked, and counted.
    node.folder.write("rules/lunch.yaml", BLOCKS.replace("action", "acton"));
    assert_eq!(node.ask(&["reload"]).0, CONFIG);
    let last = node.policies()["last_reload"].clone();
    let codes: Vec<&Value> = last["diagnostics"].as_array().unwrap().iter().map(|d| &d["code"]).collect();
    assert!(last["ok"] == false && codes.contains(&&json!("unknown-key")), "{last}");
    assert_ne!(node.metric("tapis_config_last_reload_diagnostics{severity=\"error\"}").unwrap(), "0");

    let controls = node.controls();
    let rollback = controls.iter().find(|c| c["what"] == "rollback").unwrap();
    assert_eq!((&rollback["details"]["actor"], &rollback["details"]["new_digest"]), (&json!("tan"), &json!(first)));
}

#[test]
fn a_canary_that_says_too_little_is_refused() {
    let node = Node::start("");
    for (args, why) in [
        (&["--canary", "10%", "--for", "5m"][..], "never rolled back"),
        (&["--canary", "10", "--for", "5m", "--block-above", "2%"], "`share` must be a share"),
        (&["--block-above", "2%"], "needs a `share`"),
    ] {
        let (code, answer) = node.ask(&[&["reload"][..], args].concat());
        assert!(code == CONFIG && answer["error"].as_str().unwrap().contains(why), "{answer}");
    }
    assert_eq!(tapis(&["reload", "--now", "--canary", "10%"]).code, USAGE);
    let folder = Folder::new();
    let config = folder.write("tapis.yaml", "smsc: 127.0.0.1:1\nrules: []\ncanary: { share: 10%, for: 5m }\n");
    assert!(tapis(&["check", &config]).err.contains("error[canary]: a canary without bounds"));
}

#[test]
fn what_a_rule_in_shadow_would_have_changed_is_told_by_metrics_and_api() {
    let node = Node::start("");
    node.folder.write("rules/lunch.yaml", BLOCKS.replace("action", "mode: shadow, action"));
    assert_eq!(node.ask(&["reload"]).0, FINE);
    assert_eq!(node.lunch("1", "10"), json!({ "ESME_ROK": 10 }));
    assert_eq!(node.metric("tapis_shadow_changes_total{rule=\"lunch\",action=\"block\"}").unwrap(), "10");
    let start = Instant::now();
    loop {
        // Sessions hand in their counts when they end, and each second.
        let policy: Value = serde_json::from_str(&http_get(&node.admin, "/api/policy")).unwrap();
        let rule = policy["rules"].as_array().unwrap().iter().find(|r| r["id"] == "lunch").unwrap();
        if rule["would_have_changed"] == json!({ "pass→block": 10 }) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{rule}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_list_that_changes_meanwhile_changes_what_is_in_force_and_what_is_on_trial_and_no_more() {
    let node = Node::start("state: s\n");
    let list = "lists: { meals: { words: [brunch] } }\nrules:\n  - { id: meal, action: block, when: { text: { word_in: meals } } }\n";
    node.folder.write("rules/meals.yaml", list);
    assert_eq!(node.ask(&["reload"]).0, FINE);
    // The files hold what is on trial, and after that what was rolled back.
    node.folder.write("rules/lunch.yaml", BLOCKS);
    let trial = ["reload", "--canary", "50%", "--for", "10m", "--block-above", "10%", "--after", "20"];
    let (_, answer) = node.ask(&trial);
    let (old, tried) = (answer["old_digest"].clone(), answer["new_digest"].clone());
    assert_eq!(node.ask(&["list", "add", "meals", "elevenses", "--actor", "mei"]).0, FINE);
    let policies = node.policies();
    let (in_force, on_trial) = (&policies["in_force"], &policies["canary"]["digest"]);
    assert!(*in_force != old && *on_trial != tried && in_force != on_trial, "{policies}");
    assert_eq!(policies["policies"][0]["how"], "list");
    assert_eq!(policies["policies"][0]["added"], json!([]), "what is on trial does not come with it");

    let refused = node.lunch("20", "2000")["ESME_RSUBMITFAIL"].as_u64().unwrap();
    assert!((20..2_000).contains(&refused), "{refused}");
    assert_eq!(node.settled()["last_canary"]["result"], "rolled_back");
    assert_eq!(node.ask(&["list", "add", "meals", "supper"]).0, FINE);
    assert_eq!(node.lunch("20", "200"), json!({ "ESME_ROK": 200 }), "nor does what was rolled back");
    let edits = fs::read_to_string(node.folder.0.join("s/list-edits.jsonl")).unwrap();
    assert_eq!(edits.lines().count(), 2, "{edits}");
}
