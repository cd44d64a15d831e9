//! `tapis reputation` against a running node.

use std::process::Command;

use serde_json::{Value, json};

use crate::node::{Folder, Node, journal};
use crate::peer::{Smsc, bound};
use crate::{RULES, TRX, blocked, passed, reputation};

/// Runs `tapis reputation …`: its exit code, what it said, and what it said beside that.
fn run(args: &[&str]) -> (i32, String, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_tapis")).arg("reputation").args(args).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (ended.status.code().unwrap(), text(ended.stdout), text(ended.stderr))
}

fn json(args: &[&str]) -> Value {
    let (code, out, err) = run(&[args, &["--format", "json"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn an_operator_sees_explains_and_overrules() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, &reputation(&folder, ""));
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    passed(&mut esme, &mut centre, 2, "lunch at noon?");
    for n in 3..9 {
        blocked(
            &mut esme,
            n,
            &format!("Dear client {n}, your tapisscam parcel waits at https://tapis-{n}.kbnk-th.xyz/a now"),
        );
    }
    let at = ["--admin", &node.admin];
    let ask = |args: &[&str]| json(&[args, &at].concat());

    // What speaks against a key, term by term, adds up to its standing.
    let domain = ask(&["show", "domain:kbnk-th.xyz"]);
    assert_eq!((&domain["known"], &domain["name"]), (&json!(true), &json!("kbnk-th.xyz")), "{domain}");
    let low = domain["standing"].as_f64().unwrap();
    let sum: f64 = domain["terms"].as_array().unwrap().iter().map(|t| t["nats"].as_f64().unwrap()).sum();
    assert!(low < 40.0 && (100.0 / (1.0 + (-sum).exp()) - low).abs() < 0.2, "{domain}");
    let (_, shown, _) = run(&[&["show", "domain:kbnk-th.xyz"], &at[..]].concat());
    assert!(shown.contains("cold start") && shown.contains("6.0 caught") && shown.contains("1 senders"), "{shown}");
    let (code, _, err) = run(&[&["show", "pigeon:x"], &at[..]].concat());
    assert!(code == 78 && err.contains("there is no kind `pigeon`"), "{err}");

    // Lists name what was evidence.
    let all = ask(&["list"]);
    let names: Vec<&str> = all["keys"].as_array().unwrap().iter().filter_map(|k| k["name"].as_str()).collect();
    assert!(names.contains(&"kbnk-th.xyz") && names.contains(&"info") && names.contains(&"acme"), "{all}");
    let only = ask(&["list", "--kind", "domain"]);
    assert_eq!((&only["known"], &only["keys"][0]["name"]), (&json!(1), &json!("kbnk-th.xyz")));
    let live = ask(&["campaigns"]);
    let live = &live["campaigns"][0];
    assert!(live["messages"] == 6 && live["sample"].as_str().unwrap().contains("parcel waits"), "{live}");
    assert!(ask(&["show", live["key"].as_str().unwrap()])["standing"].as_f64().unwrap() < 50.0);

    // An operator's word counts before evidence, and is taken back.
    let why = ["--actor", "mei", "--comment", "the bank called"];
    let pinned = ask(&[&["pin", "domain:KBNK-TH.xyz", "good"][..], &why].concat());
    assert_eq!((&pinned["new_standing"], &pinned["pin"]), (&json!(100.0), &json!("good")));
    assert_eq!(ask(&["unpin", "domain:kbnk-th.xyz"])["new_standing"], json!(low));
    assert_eq!(ask(&["pin", "sender:+85291234567", "bad"])["new_standing"], json!(0.0));
    let lifted = ask(&[&["unblock", "domain:kbnk-th.xyz"][..], &why].concat());
    assert!(lifted["new_standing"].as_f64().unwrap() >= 50.0, "{lifted}");
    assert_eq!(ask(&["reset", "sender:INFO"])["new_standing"], json!(50.0));

    // What is exported can be taken in again, elsewhere too.
    let file = folder.0.join("all.jsonl").display().to_string();
    assert_eq!(run(&[&["export", &file], &at[..]].concat()).0, 0);
    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(exported.lines().count() >= 4 && exported.contains("\"pin\":\"bad\""), "{exported}");
    let lines = [
        r#"{"key":"domain:fresh.top","counts":{"proven":4}}"#,
        r#"{"key":"sender:HSBC","pin":"good"}"#,
        r#"{"key":"sender:HSBC","counts":{"loved":1}}"#,
        "nonsense",
        "",
    ];
    let many: String =
        (0..30_000).map(|n| format!("{{\"key\":\"domain:n{n}.top\",\"counts\":{{\"caught\":2}}}}\n")).collect();
    let file = folder.write("some.jsonl", &(many + &lines.join("\n"))).display().to_string();
    let (code, out, err) = run(&[&["import", &file], &at[..], &why[..]].concat());
    assert_eq!((code, out.trim()), (1, "30002 taken, 2 refused"), "{err}");
    assert!(err.contains(":30003: there is no count `loved`") && err.contains(":30004: "), "{err}");
    assert!(ask(&["show", "domain:fresh.top"])["standing"].as_f64().unwrap() < 20.0);
    assert!(ask(&["show", "domain:n29999.top"])["standing"].as_f64().unwrap() < 50.0);
    assert_eq!(ask(&["show", "sender:hsbc"])["standing"], json!(100.0));

    // Web pages change nothing; who did is in the journal, and no number is.
    let foreign = "/api/reputation/reset?key=sender:HSBC HTTP/1.1\r\norigin: http://evil.example\r\nx: ";
    assert_eq!(node.http("POST", foreign).0, 403);
    node.stop();
    let records = journal(&folder.0);
    let of = |what: &str| records.iter().find(|r| r["what"] == what).unwrap_or_else(|| panic!("no {what}"));
    let pin = &of("reputation-pin")["details"];
    assert_eq!(
        (&pin["actor"], &pin["comment"], &pin["name"]),
        (&json!("mei"), &json!("the bank called"), &json!("kbnk-th.xyz"))
    );
    assert_eq!(of("reputation-import")["details"]["actor"], "mei");
    assert!(
        ["reputation-unpin", "reputation-unblock", "reputation-reset"]
            .iter()
            .all(|what| of(what)["details"]["key"].is_string())
    );
    assert!(!records.iter().any(|r| r.to_string().contains("85291234567")), "a number is in the journal");

    // The snapshot says the same without the node, to who has the secret.
    let (snapshot, config) = (folder.0.join("state/reputation"), folder.0.join("tapis.yaml"));
    let (snapshot, config) = (snapshot.to_str().unwrap(), config.to_str().unwrap());
    let offline = json(&["show", "domain:fresh.top", "--file", snapshot, "--config", config]);
    assert!(offline["known"] == true && offline["standing"].as_f64().unwrap() < 20.0, "{offline}");
    let (code, _, err) = run(&["show", "domain:fresh.top", "--file", snapshot]);
    assert!(code == 78 && err.contains("another secret"), "{err}");
}
