//! What an operator is told about his files: everything at once, each with its place, and what would be right.
//!
//! The files and what is told of them are data: `forty.yaml` is one file with forty mistakes, `mistakes/` has one file for
//! each kind of mistake. Beside each stands what `tapis check` says of it; `TAPIS_WRITE=1` writes that anew, to be read
//! before it is kept.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

/// What `tapis check` answers within the folder: exit code, standard output and standard error.
fn check(args: &[&str]) -> (i32, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_tapis")).arg("check").args(args).current_dir(folder()).output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Compares with what is kept in a file, or writes it.
fn assert_kept(name: &str, told: &str) {
    let path = folder().join(name);
    if std::env::var_os("TAPIS_WRITE").is_some() {
        fs::write(&path, told).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(kept, told, "{name} says otherwise");
}

#[test]
fn forty_mistakes_are_told_at_once_each_with_its_place() {
    let (code, _, told) = check(&["forty.yaml"]);
    assert_eq!(code, 78);
    assert_kept("forty.txt", &told);

    let (code, json, _) = check(&["--format", "json", "forty.yaml"]);
    assert_eq!(code, 78);
    assert_kept("forty.jsonl", &json);

    // The file says itself where its mistakes are.
    let text = fs::read_to_string(folder().join("forty.yaml")).unwrap();
    let is_marked =
        |line: &str| line.rsplit_once("  # ").is_some_and(|(_, mark)| mark.starts_with(|c: char| c.is_ascii_digit()));
    let marked: Vec<usize> = text.lines().enumerate().filter(|(_, l)| is_marked(l)).map(|(n, _)| n + 1).collect();
    assert_eq!(marked.len(), 40);
    let mut lines = Vec::new();
    let mut codes = Vec::new();
    let mut messages = Vec::new();
    for line in json.lines() {
        let diagnostic: Value = serde_json::from_str(line).unwrap();
        if diagnostic["code"] == "no-advice" {
            continue;
        }
        let keys: Vec<&str> = diagnostic.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["file", "line", "column", "code", "severity", "message", "help"]);
        assert_eq!((&diagnostic["file"], &diagnostic["severity"]), (&"forty.yaml".into(), &"error".into()));
        assert!(diagnostic["help"].is_string(), "what would be right is told too: {line}");
        lines.push(usize::try_from(diagnostic["line"].as_u64().unwrap()).unwrap());
        codes.push(diagnostic["code"].as_str().unwrap().to_owned());
        messages.push(diagnostic["message"].as_str().unwrap().to_owned());
    }
    assert_eq!(lines, marked, "one for each mistake, and nothing else");
    let unlike = |messages: &[String]| messages.iter().collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!(unlike(&messages), 40, "{messages:?}");
    assert!(unlike(&codes) >= 25, "{codes:?}");
}

/// Rules of these files say nothing of themselves but what is wrong with them.
fn without_advice(told: &str) -> String {
    let mut kept = String::new();
    let mut is_advice = false;
    for line in told.lines() {
        if line.starts_with("mistakes/") {
            is_advice =
                line.contains("[no-advice]") || (line.contains("[one-sided]") && !line.starts_with("mistakes/doubts"));
        }
        if !is_advice {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[test]
fn every_kind_of_mistake_is_told_with_its_place() {
    // A file, or a folder of files that only together have a mistake.
    let mut files: Vec<String> = fs::read_dir(folder().join("mistakes"))
        .unwrap()
        .map(|e| e.unwrap())
        .filter(|e| e.path().is_dir() || e.path().extension().is_some_and(|x| x == "yaml"))
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let (_, _, told) = check(&[&format!("mistakes/{file}")]);
        let told = if file == "advice.yaml" { told } else { without_advice(&told) };
        assert_kept(&format!("mistakes/{}.txt", file.trim_end_matches(".yaml")), &told);
    }
}

#[test]
fn exit_codes_tell_files_that_can_be_used_from_those_that_cannot() {
    let code = |args: &[&str]| check(args).0;
    assert_eq!((code(&["fine.yaml"]), code(&["--strict", "fine.yaml"])), (0, 0));
    assert_eq!(
        (code(&["untidy.yaml"]), code(&["--strict", "untidy.yaml"])),
        (0, 78),
        "a warning is an error when strict"
    );
    assert_eq!((code(&["nowhere.yaml"]), code(&[]), code(&["--nonsense", "fine.yaml"])), (78, 2, 2));
    assert_eq!(code(&["fine.yaml", "forty.yaml"]), 78, "one bad file spoils all");
}

#[test]
fn cases_hold_when_the_operator_makes_rules_quieter() {
    let (code, out, err) = check(&["--strict", "quieter"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("4 rules, 0 exemptions, 8 cases held"), "{out}");
}
