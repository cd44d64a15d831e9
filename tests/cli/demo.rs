//! The demo, as a newcomer meets it: in a folder that holds nothing but `config`, without a terminal.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::program::{Folder, Running, find, http_get, next, top};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn newcomer() -> Folder {
    let folder = Folder::new();
    copy(&top().join("config"), &folder.0.join("config"));
    folder
}

fn start(folder: &Folder, more: &[&str]) -> Running {
    let mut args = vec!["demo", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    args.extend(more);
    Running::start(&folder.0, &args)
}

/// The columns of one decision.
fn decision(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    let (time, action) = (words.next()?, words.next()?);
    let is_time = time.len() == 8 && time.bytes().enumerate().all(|(n, b)| (b == b':') == (n == 2 || n == 5));
    (is_time && ["pass", "TAG", "BLOCK"].contains(&action)).then_some((action, line))
}

#[test]
fn it_ends_by_itself_with_a_summary_of_what_it_showed() {
    let folder = newcomer();
    let (code, lines) = start(&folder, &["--seconds", "8"]).end();
    let all = lines.join("\n");
    assert_eq!(code, 0, "{all}");
    assert!(!all.contains('\u{1b}'), "there is colour where there is no terminal:\n{all}");
    let count = |action: &str| lines.iter().filter_map(|l| decision(l)).filter(|(a, _)| *a == action).count();
    let (pass, tag, block) = (count("pass"), count("TAG"), count("BLOCK"));
    assert!(pass > tag + block && tag > 0 && block > 0, "{pass} {tag} {block}\n{all}");
    let summary = lines.iter().find(|l| l.ends_with(" blocked")).unwrap_or_else(|| panic!("no summary:\n{all}"));
    let numbers: Vec<usize> = summary.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    assert_eq!(numbers[0], numbers[1] + numbers[2] + numbers[3], "{summary}");
    assert!(numbers[1] >= pass && numbers[2] >= tag && numbers[3] >= block, "{summary}\n{all}");
    let journal = lines.last().unwrap().strip_prefix("journal ").unwrap();
    let records: String =
        fs::read_dir(journal).unwrap().filter_map(|e| fs::read_to_string(e.unwrap().path()).ok()).collect();
    assert!(records.contains(r#""kind":"decision""#) && records.contains(r#""kind":"tally""#));
    fs::remove_dir_all(Path::new(journal).parent().unwrap()).unwrap();
}

#[test]
fn each_of_the_three_things_to_try_works() {
    let folder = newcomer();
    let demo = start(&folder, &[]);
    let head = next(&demo.out, "tapis demo");
    let word = |after: &str| head.split_once(after).unwrap().1.split_whitespace().next().unwrap().to_owned();
    let (smpp, admin) = (word("SMPP "), word("http://"));
    assert!(head.contains("rules config/rules (watched)"), "{head}");

    let explain = find(&demo.out, "explain", |l| l.contains(" explain "));
    let command = explain.trim().strip_prefix("try").unwrap().trim().to_owned();
    let said = Command::new("sh").arg("-c").arg(&command).current_dir(&folder.0).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.starts_with("action   block") && said.contains("banks/foreign-link"), "{command}\n{said}");
    let curl = find(&demo.out, "curl", |l| l.contains("curl -s "));
    assert!(curl.contains(&format!("{admin}/metrics")), "{curl}");

    // An edit of the first rule changes the lines that follow; a mistake changes nothing, and is told with its place.
    let rule = folder.0.join("config/rules/my-first.yaml");
    let text = fs::read_to_string(&rule).unwrap();
    let before = find(&demo.out, "coffee", |l| decision(l).is_some() && l.contains("my-first"));
    assert!(before.contains(" pass "), "{before}");
    fs::write(&rule, text.replace("score: 1\n", "scoer: 1\n")).unwrap();
    find(&demo.out, "not taken", |l| l.contains("not taken"));
    find(&demo.out, "the place", |l| l.contains("config/rules/my-first.yaml:16:5: error[unknown-key]"));
    fs::write(&rule, text.replace("score: 1\n", "score: 6\n")).unwrap();
    find(&demo.out, "changed", |l| l.contains("rules  changed: my-first"));
    let after = find(&demo.out, "coffee", |l| decision(l).is_some() && l.contains("my-first"));
    assert!(after.contains(" TAG ") && after.contains("→ likely-scam"), "{after}");

    let metrics = http_get(&admin, "/metrics");
    assert!(metrics.lines().any(|l| l.starts_with("tapis_messages_total{") && l.contains(r#"action="tag""#)));

    // Anybody may bind: bind_transmitter of a stranger, answered with ESME_ROK.
    let mut stranger = TcpStream::connect(&smpp).unwrap();
    let body = b"stranger\0pw\0\0\x34\0\0\0";
    let mut bind = Vec::new();
    for word in [u32::try_from(16 + body.len()).unwrap(), 2, 0, 1] {
        bind.extend_from_slice(&word.to_be_bytes());
    }
    bind.extend_from_slice(body);
    stranger.write_all(&bind).unwrap();
    let mut header = [0; 16];
    stranger.read_exact(&mut header).unwrap();
    assert_eq!((&header[4..8], &header[8..12]), (&[0x80, 0, 0, 2][..], &[0; 4][..]));

    demo.signal("TERM");
    let (code, rest) = demo.end();
    assert_eq!(code, 0);
    let journal = rest.last().and_then(|l| l.strip_prefix("journal ")).unwrap();
    fs::remove_dir_all(Path::new(journal).parent().unwrap()).unwrap();
}

#[test]
fn it_says_where_it_must_be_run() {
    let folder = Folder::new();
    let demo = start(&folder, &[]);
    let told = demo.told("tapis: ");
    assert!(told.contains("there is no config/tapis.yaml here"), "{told}");
    assert_eq!(demo.end().0, 2);
}
