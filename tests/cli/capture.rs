//! `capture:` on a running node, and the commands that read what it kept.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use crate::program::{Folder, Running, http_get, next, tapis};
use crate::{CONFIG, FAILED, FINE, RULE, USAGE, top};

const CORPUS: &str = "from\tto\ttext\nWIN88\t+6590000002\tcome to our cas1no\nDBS\t+6590000003\tlunch at 12?\n";

fn key(folder: &Folder, name: &str, octet: u8, mode: u32) -> String {
    let path = folder.write(name, [octet; 32]);
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

/// A node that captures, and ten messages through it; answers the folder of captures, and what it counted.
fn captured(folder: &Folder) -> (PathBuf, String) {
    folder.write("rules/casino.yaml", RULE);
    key(folder, "key", 7, 0o600);
    let config = folder.write("tapis.yaml", "rules: [rules]\ncapture: { dir: kept, key: key, size: 8MiB, keep: 1h }\n");
    let corpus = folder.write("corpus.tsv", CORPUS);
    let smsc = Running::start(top(), &["sim", "smsc", "--listen", "127.0.0.1:0"]);
    let smsc_address = smsc.told("listening smpp ");
    let args =
        ["run", "--config", &config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--smsc", &smsc_address];
    let node = Running::start(&folder.0, &args);
    let (smpp, admin) = (node.told("listening smpp "), node.told("listening admin "));
    next(&node.err, "ready");
    let load = ["sim", "esme", "--connect", &smpp, "--messages", "10", "--corpus", &corpus, "--system-id", "agg-1"];
    let load = tapis(&load);
    assert_eq!((load.code, &load.objects()[0]["answers"]), (FINE, &json!({ "ESME_ROK": 10 })));
    let metrics = http_get(&admin, "/metrics");
    node.signal("TERM");
    assert_eq!(node.end().0, FINE);
    (folder.0.join("kept"), metrics)
}

#[test]
fn what_a_node_kept_is_replayed_as_it_was_decided_and_tells_no_password() {
    let folder = Folder::new();
    let (kept, metrics) = captured(&folder);
    assert!(metrics.contains("action=\"tag\"} 5"), "{metrics}");
    let files: Vec<PathBuf> = fs::read_dir(&kept).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let octets = fs::read(&files[0]).unwrap();
    assert!(!octets.windows(6).any(|w| w == b"secret" || w == b"casino"));

    let kept = kept.display().to_string();
    let (rules, key) = (folder.0.join("rules").display().to_string(), folder.0.join("key").display().to_string());
    let replayed = tapis(&["replay", &kept, "--key", &key, "--rules", &rules, "--format", "json"]);
    assert_eq!(replayed.code, FINE, "{}", replayed.err);
    let said = replayed.objects();
    assert_eq!((&said[1]["messages"], &said[1]["tag"], &said[1]["pass"]), (&json!(10), &json!(5), &json!(5)));
    assert!(said.iter().any(|o| o["kind"] == "account" && o["account"] == "agg-1" && o["messages"] == 10));

    let file = files[0].display().to_string();
    let decoded = tapis(&["decode", &file, "--key", &key, "--format", "json"]);
    assert_eq!(decoded.code, FINE, "{}", decoded.err);
    let bind = decoded.objects().into_iter().find(|o| o["command_id"] == "bind_transceiver").unwrap();
    assert_eq!((&bind["system_id"], &bind["password"]), (&json!("agg-1"), &json!("")));
    assert!(bind["from"].as_str().unwrap().ends_with("esme") && bind["time"].is_string(), "{bind}");
    assert!(decoded.objects().iter().any(|o| o["command_id"] == "submit_sm_resp"), "answers are kept too");

    let harder = folder.write("harder.yaml", RULE.replace("score: 6", "action: block").replace("tag }", "block }"));
    let diff = tapis(&["diff", &rules, &harder, "--traffic", &file, "--key", &key, "--format", "json"]);
    assert_eq!((diff.code, &diff.objects()[1]["table"]["tag→block"]), (FAILED, &json!(5)));
}

#[test]
fn another_key_and_a_changed_file_are_told_with_their_place() {
    let folder = Folder::new();
    let (kept, _) = captured(&folder);
    let file = fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path();
    let rules = folder.0.join("rules").display().to_string();
    let ends = |file: &str, key: &str, said: &str| {
        for command in [&["replay", file, "--rules", &rules][..], &["decode", file]] {
            let with: &[&str] = &["--key", key];
            let ended = tapis(&[command, if key.is_empty() { &[] } else { with }].concat());
            assert!(ended.code == USAGE && ended.err.contains(said) && ended.err.contains(file), "{ended:?}");
        }
    };
    let name = file.display().to_string();
    ends(&name, "", "--key FILE");
    ends(&name, &key(&folder, "other", 8, 0o600), "another key");
    ends(&name, &key(&folder, "open", 7, 0o644), "chmod 600");
    let right = folder.0.join("key").display().to_string();
    let mut octets = fs::read(&file).unwrap();
    octets[60] ^= 1;
    ends(&folder.write("changed.capture", &octets), &right, "chunk 0 at octet 36");
    octets[60] ^= 1;
    octets.pop();
    let torn = folder.write("torn.capture", &octets);
    let ended = tapis(&["decode", &torn, "--key", &right]);
    assert!(ended.code == FINE && ended.err.contains("cut short"), "{ended:?}");
}

#[test]
fn a_node_does_not_start_with_a_key_that_others_can_read() {
    let folder = Folder::new();
    key(&folder, "key", 7, 0o644);
    let config = folder.write(
        "tapis.yaml",
        "listen: 127.0.0.1:0\nadmin: off\nsmsc: 127.0.0.1:1\nrules: []\ncapture: { dir: kept, key: key }\n",
    );
    let ended = tapis(&["run", "--config", &config]);
    assert!(ended.code == CONFIG && ended.err.contains("chmod 600"), "{ended:?}");
    let config = folder.write("tapis.yaml", "smsc: 127.0.0.1:1\nrules: []\ncapture: { dir: kept, size: 1KiB }\n");
    let ended = tapis(&["check", &config]);
    assert!(ended.code == CONFIG && ended.err.contains("`key`") && ended.err.contains("`size`"), "{}", ended.err);
}
