//! `tapis replay`, `tapis diff` and `tapis bench`: what scripts of operators hang on.

use serde_json::{Value, json};

use crate::program::{Folder, tapis, tapis_with};
use crate::{CONFIG, FAILED, FINE, RULE, USAGE, hex, keys, pcap, submit};

const TABLE: &str = "account\tfrom\tto\tdirection\ttext\n\
    a\tWIN88\t+6590000002\tmt\tcome to our cas1no tonight\n\
    a\tWIN88\t+6590000003\tmt\tcome to our casino tonight\n\
    b\tDBS\t+6590000002\tmt\tlunch at 12?\n\
    b\t+6590000002\t72345\tmo\tcasino\n";

fn of_kind<'o>(objects: &'o [Value], kind: &str) -> Vec<&'o Value> {
    objects.iter().filter(|o| o["kind"] == kind).collect()
}

#[test]
fn replay_counts_by_action_rule_sender_account_and_direction() {
    let folder = Folder::new();
    let (rules, table) = (folder.write("rules.yaml", RULE), folder.write("corpus.tsv", TABLE));
    let ended = tapis(&["replay", &table, "--rules", &rules, "--format", "json"]);
    assert_eq!(ended.code, FINE, "{}", ended.err);
    assert!(ended.err.contains("messages/s") && !ended.err.contains('\r'), "{}", ended.err);
    let said = ended.objects();
    assert_eq!(keys(&said[0]), ["kind", "name", "digest", "memory", "left_out"]);
    assert_eq!(keys(&said[1]), ["kind", "messages", "pass", "tag", "block", "shadow"]);
    assert_eq!((&said[1]["messages"], &said[1]["pass"], &said[1]["tag"]), (&json!(4), &json!(1), &json!(3)));
    let rule = of_kind(&said, "rule");
    assert_eq!(keys(rule[0]), ["kind", "rule", "decided", "live", "shadow", "exempt", "would_have_changed"]);
    assert_eq!((rule.len(), &rule[0]["rule"], &rule[0]["live"]), (1, &json!("casino"), &json!(3)));
    let senders: Vec<_> = of_kind(&said, "sender").iter().map(|o| (o["sender"].clone(), o["tag"].clone())).collect();
    assert!(senders.contains(&(json!("WIN88"), json!(2))), "{senders:?}");
    assert_eq!(of_kind(&said, "account").len(), 2);
    assert_eq!(of_kind(&said, "direction").len(), 2);
    let text = tapis(&["replay", &table, "--rules", &rules]).out;
    assert!(text.contains("messages   4: 1 pass, 3 tag, 0 block"), "{text}");
}

#[test]
fn replay_reads_what_decode_reads_and_standard_input() {
    let folder = Folder::new();
    let rules = folder.write("rules.yaml", RULE);
    let lines = format!("# two\n{}\n{}00000010000000150000000000000001\n", hex(&submit("casino")), hex(&submit("hi")));
    let ended = tapis_with(&["replay", "-", "--rules", &rules, "--format", "json"], &lines);
    let totals = &ended.objects()[1];
    assert_eq!((&totals["messages"], &totals["tag"]), (&json!(2), &json!(1)), "{}", ended.err);
    let captured = folder.write("capture.pcap", pcap(&[submit("one casino"), submit("two")].concat()));
    let totals = &tapis(&["replay", &captured, "--rules", &rules, "--format", "json"]).objects()[1].clone();
    assert_eq!((&totals["messages"], &totals["tag"]), (&json!(2), &json!(1)));
}

#[test]
fn bench_breaks_a_message_of_ones_own_traffic_into_its_stages() {
    let folder = Folder::new();
    let (rules, table) = (folder.write("rules.yaml", RULE), folder.write("corpus.tsv", TABLE));
    let ended = tapis(&["bench", "--traffic", &table, "--rules", &rules, "--rounds", "2", "--format", "json"]);
    assert_eq!(ended.code, FINE, "{}", ended.err);
    let said = &ended.objects()[0];
    assert_eq!((&said["messages"], &said["rounds"], &said["written"]), (&json!(4), &json!(2), &json!(3)));
    let stages = said["stages_ns"].as_object().unwrap();
    let names = "frame parse decode fold entities match verdict reputation act journal";
    assert_eq!(stages.keys().map(String::as_str).collect::<Vec<_>>().join(" "), names);
    assert!(stages["journal"].as_f64() > Some(0.0) && said["whole_ns"].as_f64() > Some(0.0), "{said}");
    let text = tapis(&["bench", "--rules", &rules, "--rounds", "1"]).out;
    assert!(text.contains("messages of the demo") && text.contains("\nreputation "), "{text}");
}

#[test]
fn a_journal_is_refused_with_the_reason_and_what_is_no_traffic_too() {
    let folder = Folder::new();
    let rules = folder.write("rules.yaml", RULE);
    let journal = folder.write("n1.jsonl", "{\"v\":1,\"kind\":\"decision\",\"message\":{\"text\":null}}\n");
    for command in [&["replay", &journal, "--rules", &rules][..], &["diff", &rules, &rules, "--traffic", &journal]] {
        let ended = tapis(command);
        assert!(ended.code == USAGE && ended.err.contains("texts are left out"), "{ended:?}");
        assert!(ended.err.contains("`capture:`"), "{}", ended.err);
    }
    let other = folder.write("other.json", "{}\n");
    assert_eq!(tapis(&["replay", &other, "--rules", &rules]).code, USAGE);
    let empty = folder.write("empty.txt", "00000010000000150000000000000001\n");
    assert!(tapis(&["replay", &empty, "--rules", &rules]).err.contains("no message"));
    assert_eq!(tapis(&["replay", "/nowhere", "--rules", &rules]).code, USAGE);
    assert_eq!(tapis(&["replay", &journal, "--rules", "/nowhere"]).code, CONFIG);
}

#[test]
fn diff_ends_like_diff_and_shows_every_change() {
    let folder = Folder::new();
    let (old, table) = (folder.write("old.yaml", RULE), folder.write("corpus.tsv", TABLE));
    let new = folder.write("new.yaml", RULE.replace("score: 6", "score: 12").replace("tag }", "block }"));
    let same = tapis(&["diff", &old, &old, "--traffic", &table]);
    assert!(same.code == FINE && same.out.contains("0 of 4 verdicts change"), "{same:?}");

    let ended = tapis(&["diff", &old, &new, "--traffic", &table, "--format", "json"]);
    assert_eq!(ended.code, FAILED, "{}", ended.err);
    let said = ended.objects();
    assert_eq!(keys(&said[0]), ["kind", "old", "new", "memory", "left_out"]);
    assert!(said[0]["old"]["digest"] != said[0]["new"]["digest"] && said[0]["memory"] == "cold");
    assert_eq!(keys(&said[1]), ["kind", "messages", "old", "new", "changed", "other_reasons", "table"]);
    assert_eq!((&said[1]["changed"], &said[1]["table"]["tag→block"]), (&json!(3), &json!(3)));
    let changes = of_kind(&said, "change");
    assert_eq!(keys(changes[0]), ["kind", "old", "new", "rule", "sender", "template", "count", "samples"]);
    assert_eq!(keys(&changes[0]["samples"][0]), ["at", "account", "from", "to", "text"]);
    assert_eq!(changes.iter().map(|c| c["count"].as_u64().unwrap()).sum::<u64>(), 3);
    for side in ["old", "new"] {
        let path = if side == "old" { &old } else { &new };
        let replayed = tapis(&["replay", &table, "--rules", path, "--format", "json"]).objects();
        for action in ["pass", "tag", "block"] {
            assert_eq!(said[1][side][action], replayed[1][action], "{side} {action}");
        }
    }
    let at = ["diff", &old, &new, "--traffic", &table, "--at", "2026-11-24T10:00+08:00", "--format", "json"];
    assert_eq!(tapis(&at).out, tapis(&at).out, "however many cores there are");
    let text = tapis(&["diff", &old, &new, "--traffic", &table]).out;
    assert!(
        text.contains("memory     starts cold on both sides") && text.contains("tag→block  3\n  casino  3\n"),
        "{text}"
    );
    assert_eq!(tapis(&["diff", &old, "--traffic", &table]).code, USAGE);
    assert_eq!(tapis(&["diff", &old, "/nowhere", "--traffic", &table]).code, CONFIG);
}
