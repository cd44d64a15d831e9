//! The command line is a contract: flags, exit codes and JSON that scripts of operators hang on.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "tests read pipes and wait")]

mod capture;
mod demo;
mod policy;
mod program;
mod replay;

use serde_json::{Value, json};

use program::{Folder, Running, next, tapis, tapis_with, top};
use tapis::sim::corpus::Letter;
use tapis::wire::command::{CommandId, RegisteredDelivery};
use tapis::wire::encode;
use tapis::wire::json::hex;

const FINE: i32 = 0;
const FAILED: i32 = 1;
const USAGE: i32 = 2;
const CONFIG: i32 = 78;

const RULE: &str = r#"
rules:
  - id: casino
    about: a casino
    category: gambling
    score: 6
    when: { text: { words: [casino] } }
    cases:
      - { from: A, to: "+6590000002", text: "CAS1NO now", expect: fires, action: tag }
      - { from: A, to: "+6590000002", text: "hello", expect: silent }
"#;

/// The keys of an object, in the order in which they are printed.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn usage_is_told_from_help() {
    for args in [&[][..], &["nonsense"], &["check"], &["explain"], &["decode"], &["sim"], &["check", "--nonsense", "x"]]
    {
        assert_eq!(tapis(args).code, USAGE, "{args:?}");
    }
    for args in [&["--help"][..], &["--version"], &["help"], &["run", "--help"], &["sim", "esme", "--help"]] {
        let ended = tapis(args);
        assert_eq!((ended.code, ended.out.is_empty()), (FINE, false), "{args:?}");
    }
}

#[test]
fn help_prints_every_topic_and_every_command() {
    let contents = tapis(&["help"]).out;
    for topic in tapis::manual::TOPICS {
        let ended = tapis(&["help", topic.name]);
        assert_eq!((ended.code, ended.out.trim_end()), (FINE, topic.text.trim_end()));
        assert!(contents.contains(topic.about), "{contents}");
    }
    for command in ["run", "demo", "check", "explain", "replay", "diff", "bench", "decode", "reload", "policy", "sim"] {
        let usage = format!("Usage: tapis {command}");
        let ended = tapis(&["help", command]);
        assert!(ended.code == FINE && ended.out.contains(&usage), "{}", ended.out);
    }
    // The topic of this name is longer than what its command would say.
    assert!(tapis(&["rules", "--help"]).out.contains("Usage: tapis rules"));
    assert_eq!(tapis(&["rules", "facts"]).out.trim_end(), tapis::config::reference::page().trim_end());
    let listed = tapis(&["rules", "list", "--format", "json"]).objects();
    assert!(listed.iter().any(|rule| rule["id"] == "my-first" && rule["cases"] == 2), "{listed:?}");
    let ended = tapis(&["help", "ruls"]);
    assert!(ended.code == USAGE && ended.err.contains("did you mean `rules`?"), "{}", ended.err);
}

#[test]
fn check_tells_a_fine_file_from_a_failing_case_and_a_broken_file() {
    let folder = Folder::new();
    let fine = folder.write("fine.yaml", RULE);
    let ended = tapis(&["check", &fine]);
    assert_eq!((ended.code, ended.err.as_str()), (FINE, ""));
    assert!(ended.out.starts_with("1 rule, 0 exemptions, 2 cases held; digest "), "{}", ended.out);
    assert_eq!(tapis(&["check", "--format", "json", &fine]).out, "");

    let failing = folder.write("failing.yaml", RULE.replace("CAS1NO now", "lunch now"));
    let ended = tapis(&["check", &failing]);
    assert!(ended.code == FAILED && ended.err.contains("error[case]"), "{}", ended.err);

    let broken = folder.write("broken.yaml", RULE.replace("score", "scoer"));
    assert_eq!(tapis(&["check", &broken]).code, CONFIG);
    assert_eq!(tapis(&["check", "/nowhere/at/all"]).code, CONFIG);

    let untidy = folder.write("untidy.yaml", RULE.replace("    about: a casino\n", ""));
    let ended = tapis(&["check", &untidy]);
    assert!(ended.code == FINE && ended.err.contains("warning[no-advice]"), "{}", ended.err);
    assert_eq!(tapis(&["check", "--strict", &untidy]).code, CONFIG);
}

#[test]
fn check_tells_ten_mistakes_each_with_its_place() {
    let folder = Folder::new();
    let mistakes = r#"
lists:
  brands: { wrods: [dbs] }
rules:
  - { id: Capital, score: 1, when: { has: link } }
  - { id: a, scoer: 1, when: { has: link } }
  - { id: b, score: 21, when: { has: link } }
  - { id: c, score: 1, when: { has: links } }
  - { id: d, score: 1, when: { text: { regex: "(" } } }
  - { id: e, score: 1, when: { recipient: { country: singapore } } }
  - { id: f, action: pass, when: { has: link } }
  - { id: g, score: 1, when: { text: { word_in: nowhere } } }
  - { id: h, score: 1, when: { any: [] } }
  - { id: a, score: 1, when: { time: { within: "25:00-07:00" } } }
"#;
    let path = folder.write("mistakes.yaml", mistakes);
    let ended = tapis(&["check", "--format", "json", &path]);
    assert_eq!(ended.code, CONFIG);
    let mut lines = Vec::new();
    for diagnostic in ended.objects() {
        assert_eq!(keys(&diagnostic), ["file", "line", "column", "code", "severity", "message", "help"]);
        assert_eq!(diagnostic["file"], path.as_str());
        assert!(diagnostic["column"].as_u64().unwrap() >= 1);
        if diagnostic["severity"] == "error" {
            lines.push(diagnostic["line"].as_u64().unwrap());
        }
    }
    for line in [3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] {
        assert!(lines.contains(&line), "nothing is told of line {line}: {}", ended.out);
    }
    let text = tapis(&["check", &path]).err;
    assert!(text.contains("^^^^^\n   help: did you mean `score`?"), "{text}");
}

#[test]
fn the_shipped_configuration_is_clean_alone_and_whole() {
    for path in ["config", "config/tapis.yaml", "config/rules"] {
        let ended = tapis(&["check", "--strict", path]);
        assert_eq!((ended.code, ended.err.as_str()), (FINE, ""), "{path}");
    }
    let main = std::fs::read_to_string(top().join("config/tapis.yaml")).unwrap();
    assert!(main.lines().count() < 40, "tapis.yaml is to be read at a glance");
    for line in main.lines().filter(|l| !l.starts_with([' ', '#'])) {
        assert!(line.contains(" # "), "this key says nothing of itself: {line}");
    }
    let first = std::fs::read_to_string(top().join("config/rules/my-first.yaml")).unwrap();
    assert_eq!((first.matches("- id:").count(), first.matches("expect:").count()), (1, 2));
}

#[test]
fn explain_says_the_same_of_words_and_of_octets() {
    let folder = Folder::new();
    let rules = folder.write("rules.yaml", RULE);
    let (from, to, text) = ("WIN88", "+6590000002", "Come to our cas1no tonight");
    let words = tapis(&["explain", "--from", from, "--to", to, "--text", text, "--rules", &rules, "--format", "json"]);
    assert_eq!(words.code, FINE);
    let mut said = words.objects();
    assert_eq!(said.len(), 1);
    assert_eq!(keys(&said[0])[..4], ["action", "score", "findings", "text"]);
    assert_eq!((&said[0]["action"], &said[0]["score"]), (&json!("tag"), &json!(6)));
    let finding = &said[0]["findings"][0];
    assert_eq!(keys(finding)[..5], ["rule", "score", "mode", "span", "matched"]);
    assert_eq!((&finding["rule"], &finding["mode"]), (&json!("casino"), &json!("live")));
    assert_eq!((&finding["span"], &finding["matched"]), (&json!([12, 18]), &json!("cas1no")));

    let mut pdu = Vec::new();
    let letter = Letter::new("", from, to, text);
    encode::sm(&mut pdu, CommandId::SUBMIT_SM, 7, &letter.sm(RegisteredDelivery(0)));
    let octets = tapis(&["explain", "--pdu", &hex(&pdu), "--rules", &rules, "--format", "json"]);
    let mut by_octets = octets.objects();
    for said in [&mut said[0], &mut by_octets[0]] {
        said.as_object_mut().unwrap().remove("time");
    }
    assert_eq!(said, by_octets);

    let text = tapis(&["explain", "--from", from, "--to", to, "--text", text, "--rules", &rules]).out;
    assert!(text.starts_with("action   tag with 6 points") && text.contains("«cas1no»"), "{text}");
    let mo = ["explain", "--direction", "mo", "--account", "x", "--text", "hi", "--rules", &rules, "--format", "json"];
    let mo = tapis(&mo).objects();
    assert_eq!((&mo[0]["direction"], &mo[0]["account"], &mo[0]["action"]), (&json!("mo"), &json!("x"), &json!("pass")));
}

#[test]
fn explain_tries_rules_on_optional_parameters() {
    let folder = Folder::new();
    let rule = "rules:\n  - { id: vendor, score: 6, category: other, when: { message: { tlvs: [0x1400, 0x3fff] } } }\n";
    let rules = folder.write("rules.yaml", rule);
    let score = |tlvs: &[&str]| {
        let said = tapis(&[&["explain", "--text", "hi", "--rules", &rules, "--format", "json"][..], tlvs].concat());
        assert_eq!(said.code, FINE, "{tlvs:?}");
        said.objects()[0]["score"].clone()
    };
    assert_eq!(score(&[]), json!(0));
    assert_eq!(score(&["--tlv", "0x1400=operator"]), json!(6));
    assert_eq!(score(&["--tlv", "0x1401=0x0aff", "--tlv", "16383"]), json!(6));
    assert_eq!(score(&["--tlv", "0x1401", "--tlv", "user_message_reference=0x0007"]), json!(0));
    for wrong in ["nonsense=1", "0x1400=0xf", "0x10000", "message_payload=hi"] {
        let said = tapis(&["explain", "--text", "hi", "--rules", &rules, "--tlv", wrong]);
        assert_eq!(said.code, USAGE, "{wrong}");
    }
    assert_eq!(tapis(&["explain", "--pdu", "00", "--tlv", "0x1400", "--rules", &rules]).code, USAGE);
}

#[test]
fn explain_tells_usage_from_configuration() {
    let folder = Folder::new();
    let (fine, broken) = (folder.write("fine.yaml", RULE), folder.write("broken.yaml", "rules: 7\n"));
    let code = |args: &[&str]| tapis(&[&["explain"][..], args].concat()).code;
    assert_eq!(code(&["--pdu", "zz", "--rules", &fine]), USAGE);
    assert_eq!(code(&["--pdu", "00000010000000150000000000000001", "--rules", &fine]), USAGE);
    assert_eq!(code(&["--text", "x", "--pdu", "00", "--rules", &fine]), USAGE);
    assert_eq!(code(&["--text", "x", "--rule", "nowhere", "--rules", &fine]), USAGE);
    assert_eq!(code(&["--text", "x", "--rules", &broken]), CONFIG);
    assert_eq!(code(&["--text", "x", "--rules", "/nowhere"]), CONFIG);
    assert_eq!(code(&["--text", "x", "--rules", &fine]), FINE);
}

fn submit(text: &str) -> Vec<u8> {
    let mut pdu = Vec::new();
    let letter = Letter::new("", "DBS", "+6590000002", text);
    encode::sm(&mut pdu, CommandId::SUBMIT_SM, 9, &letter.sm(RegisteredDelivery(1)));
    pdu
}

#[test]
fn decode_prints_one_object_a_pdu_from_hex_and_standard_input() {
    let folder = Folder::new();
    let enquire_link = "00000010 00000015 00000000 00000001";
    let opaque = "00000012 00010200 00000000 00000002 abcd";
    let malformed = "00000011 00000004 00000000 00000003 00";
    let both = format!("{}{}", hex(&submit("hello")), enquire_link.replace(' ', ""));
    let lines = format!("# a comment\n{both}\n{opaque}\n{malformed}\n");
    let file = folder.write("pdus.hex", &lines);
    let from_file = tapis(&["decode", "--format", "json", &file]);
    let from_stdin = tapis_with(&["decode", "--format", "json", "-"], &lines);
    assert_eq!((from_file.code, &from_file.out), (FINE, &from_stdin.out));
    let objects = from_file.objects();
    let outcomes: Vec<_> = objects.iter().map(|o| o["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["understood", "understood", "opaque", "malformed"]);
    let sm = &objects[0];
    assert_eq!(keys(sm)[1..4], ["command_id", "command_status", "sequence_number"]);
    assert_eq!((&sm["command_id"], &sm["sequence_number"]), (&json!("submit_sm"), &json!(9)));
    assert_eq!((&sm["source_addr"], &sm["destination_addr"]), (&json!("DBS"), &json!("6590000002")));
    assert_eq!(
        (&sm["short_message"], &sm["text"], &sm["fault"]),
        (&json!("68656c6c6f"), &json!("hello"), &Value::Null)
    );
    assert_eq!((&sm["registered_delivery"], &sm["tlvs"]), (&json!(1), &json!([])));
    assert_eq!(keys(&objects[3]["fault"]), ["field", "offset", "fault"]);

    let long = tapis_with(&["decode", "--format", "json", "-"], &hex(&submit(&"long ".repeat(60)))).objects();
    let tlv = &long[0]["tlvs"][0];
    assert_eq!((keys(tlv), &tlv["name"]), (vec!["tag", "name", "value"], &json!("message_payload")));
    let bad = tapis_with(&["decode", "-"], &format!("xyz\n{enquire_link}\n"));
    assert!(bad.code == USAGE && bad.out.contains("enquire_link") && bad.err.contains("-:1:"), "{bad:?}");
    assert_eq!(tapis(&["decode", "/nowhere"]).code, USAGE);
}

/// A capture of one TCP segment: Ethernet, IPv4, TCP, no checksums.
fn pcap(payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend([8, 0]);
    let length = u16::try_from(20 + 20 + payload.len()).unwrap();
    packet.extend([0x45, 0]);
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(40_000_u16.to_be_bytes());
    packet.extend(2775_u16.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(payload);
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
    file.extend([0; 8]);
    let captured = u32::try_from(packet.len()).unwrap().to_le_bytes();
    file.extend(captured);
    file.extend(captured);
    file.extend(packet);
    file
}

#[test]
fn decode_reads_captures() {
    let folder = Folder::new();
    let file = folder.write("capture.pcap", pcap(&[submit("one"), submit("two")].concat()));
    let ended = tapis(&["decode", "--format", "json", &file]);
    assert_eq!(ended.code, FINE, "{}", ended.err);
    let texts: Vec<_> = ended.objects().iter().map(|o| o["text"].clone()).collect();
    assert_eq!(texts, [json!("one"), json!("two")]);
}

#[test]
fn the_simulated_peers_report_the_same_counts() {
    let smsc = Running::start(top(), &["sim", "smsc", "--listen", "127.0.0.1:0"]);
    let address = smsc.told("listening smpp ");
    let folder = Folder::new();
    let corpus = folder.write("corpus.tsv", "from\tto\ttext\nA\t+6590000002\tone\nB\t+6590000003\ttwo\n");
    let load = ["--sessions", "3", "--window", "5", "--messages", "100", "--rate", "2000", "--corpus", &corpus];
    let ended = tapis(&[&["sim", "esme", "--connect", &address][..], &load].concat());
    assert_eq!(ended.code, FINE, "{}", ended.err);
    let report = &ended.objects()[0];
    assert_eq!(
        (&report["submitted"], &report["answered"], &report["unanswered"]),
        (&json!(100), &json!(100), &json!(0))
    );
    assert_eq!((&report["answers"], &report["sessions"]), (&json!({ "ESME_ROK": 100 }), &json!(3)));
    smsc.signal("TERM");
    let (code, lines) = smsc.end();
    let report: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((code, &report["messages"]), (FINE, &json!(100)));

    let nobody = tapis(&["sim", "esme", "--connect", &address, "--messages", "1"]);
    assert_eq!((nobody.code, &nobody.objects()[0]["bound"]), (FAILED, &json!(false)));
    assert_eq!(tapis(&["sim", "esme", "--corpus", "/nowhere"]).code, USAGE);
}

#[test]
fn run_takes_flags_before_the_file_and_ends_well_when_told_to() {
    let folder = Folder::new();
    let rules = folder.write("rules/casino.yaml", RULE);
    let config =
        folder.write("tapis.yaml", "listen: 192.0.2.1:1\nadmin: 192.0.2.1:1\nsmsc: 192.0.2.1:1\nrules: [rules]\n");
    let smsc = Running::start(top(), &["sim", "smsc", "--listen", "127.0.0.1:0"]);
    let smsc_address = smsc.told("listening smpp ");
    let (journal, state) = (folder.0.join("j").display().to_string(), folder.0.join("s").display().to_string());
    let mut args = vec!["run", "--config", &config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    args.extend(["--smsc", &smsc_address, "--rules", &rules, "--journal", &journal, "--state", &state]);
    let node = Running::start(&folder.0, &args);
    let (smpp, admin) = (node.told("listening smpp "), node.told("listening admin "));
    next(&node.err, "ready");
    let load = tapis(&["sim", "esme", "--connect", &smpp, "--messages", "10"]);
    assert_eq!((load.code, &load.objects()[0]["answers"]), (FINE, &json!({ "ESME_ROK": 10 })));

    let dry = tapis(&["reload", "--dry-run", "--admin", &admin, "--format", "json"]);
    let answer = &dry.objects()[0];
    assert_eq!((dry.code, &answer["ok"], &answer["old_digest"]), (FINE, &json!(true), &answer["new_digest"]));
    folder.write("rules/casino.yaml", RULE.replace("score: 6", "score: 7"));
    let real = tapis(&["reload", "--admin", &admin]);
    assert!(real.code == FINE && real.out.contains("changed casino"), "{real:?}");
    folder.write("rules/casino.yaml", RULE.replace("score: 6", "scoer: 7"));
    let broken = tapis(&["reload", "--admin", &admin]);
    assert!(broken.code == CONFIG && broken.err.contains("error[unknown-key]"), "{broken:?}");

    node.signal("TERM");
    assert_eq!(node.end().0, FINE);
    assert!(folder.0.join("j").is_dir() && folder.0.join("s").is_dir());
    let gone = tapis(&["reload", "--admin", &admin]);
    assert_eq!(gone.code, CONFIG, "{gone:?}");
}

#[test]
fn run_starts_nothing_that_is_not_configured() {
    let folder = Folder::new();
    let broken = folder.write("tapis.yaml", "smsc: nowhere\n");
    for args in [&["run"][..], &["run", "--config", &broken], &["run", "--config", "/nowhere"]] {
        let ended = tapis(args);
        assert_eq!(ended.code, CONFIG, "{ended:?}");
        assert!(!ended.err.contains("ready"), "{ended:?}");
    }
}
