//! README is true: its commands run and print what it says they print, its YAML loads, its options and files exist. The
//! YAML of the longer documents loads too.
//!
//! A block of commands is ```` ```sh ````, or ```` ```sh no-run ```` when they run for ever or install something. A
//! ```` ```text ```` block behind a runnable one is what the last of its commands prints; `TAPIS_BLESS=1 cargo test --test readme`
//! writes it anew.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tapis::config::source::{Source, Sources};
use tapis::policy;
use tapis::runtime::load;
use tapis::time::Timestamp;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(top().join("README.md")).unwrap()
}

/// A fenced block: what stands behind the fence, where its content begins, its content.
struct Block<'t> {
    kind: &'t str,
    line: usize,
    text: &'t str,
}

fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None;
    let (mut at, mut number) = (0, 0);
    for line in text.split_inclusive('\n') {
        number += 1;
        match (line.trim_end().strip_prefix("```"), open) {
            (Some(kind), None) => open = Some((kind, number + 1, at + line.len())),
            (Some(_), Some((kind, line, start))) => {
                blocks.push(Block { kind, line, text: &text[start..at] });
                open = None;
            }
            (None, _) => {}
        }
        at += line.len();
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Runs one command line at the top of the project, with `tapis` in its path.
fn run(command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_tapis"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let ran = Command::new("sh").args(["-c", command]).current_dir(top()).env("PATH", path).output().unwrap();
    let (out, err) = (String::from_utf8(ran.stdout).unwrap(), String::from_utf8(ran.stderr).unwrap());
    assert!(ran.status.success(), "{command}: {}\n{err}", ran.status);
    out
}

#[test]
fn every_command_runs_and_prints_what_it_says() {
    let mut text = readme();
    let bless = std::env::var_os("TAPIS_BLESS").is_some();
    let mut ran = 0;
    let mut last: Option<String> = None;
    let mut replaced = Vec::new();
    for block in blocks(&text) {
        match block.kind {
            "sh" => {
                for command in block.text.lines().filter(|l| !l.trim().is_empty()) {
                    last = Some(run(command));
                    ran += 1;
                }
            }
            "text" => {
                let Some(printed) = last.take() else { continue };
                if bless {
                    replaced.push((block.text.to_owned(), printed));
                } else {
                    let hint = "TAPIS_BLESS=1 cargo test --test readme writes it anew";
                    assert_eq!(block.text, printed, "README.md:{} is no longer true; {hint}", block.line);
                }
            }
            _ => last = None,
        }
    }
    assert!(ran >= 2, "README shows no commands that run");
    for (old, new) in &replaced {
        text = text.replacen(old, new, 1);
    }
    if bless {
        fs::write(top().join("README.md"), text).unwrap();
    }
}

#[test]
fn every_yaml_block_loads_and_its_cases_hold() {
    let mut loaded = 0;
    let mut texts = vec![("README.md".to_owned(), readme())];
    texts.extend(tapis::manual::TOPICS.iter().map(|t| (format!("src/manual/{}.md", t.name), t.text.to_owned())));
    for (name, text) in &texts {
        for block in blocks(text).into_iter().filter(|b| b.kind == "yaml") {
            let source = Source { name: format!("{name}:{}", block.line), text: block.text.to_owned() };
            let sources = if tapis::config::is_main(&source) {
                Sources { main: Some(source), ..Sources::default() }
            } else {
                Sources { rules: vec![source], ..Sources::default() }
            };
            if let Err((wrong, sources)) = load::check(None, sources, Timestamp(1_795_492_800_000_000)) {
                panic!("{}", wrong.iter().map(|d| d.render(&sources)).collect::<Vec<_>>().join("\n"));
            }
            loaded += 1;
        }
    }
    assert!(loaded >= 7, "only {loaded} blocks of YAML were found");
}

#[test]
fn every_json_block_is_a_record_of_the_journal() {
    let text = readme();
    let mut read = 0;
    for block in blocks(&text).into_iter().filter(|b| b.kind == "json") {
        let record: serde_json::Value =
            serde_json::from_str(block.text).unwrap_or_else(|e| panic!("{}: {e}", block.line));
        let real = record["v"] == 1 && record["kind"] == "decision";
        assert!(real && record["policy"]["digest"].is_string() && record["findings"][0]["spans"].is_array());
        read += 1;
    }
    assert!(read >= 1);
}

/// What the demo shows names rules that are shipped, in the form that the demo has.
#[test]
fn the_demo_that_is_shown_is_the_demo() {
    let text = readme();
    let all = blocks(&text);
    let first = all.iter().position(|b| b.kind == "sh no-run").unwrap();
    assert_eq!(all[first].text, "cargo run --release -- demo\n", "the first command is the demo");
    let shown = all[first + 1].text;
    assert_eq!(all[first + 1].kind, "text demo");
    assert!(shown.starts_with(
        "tapis demo   SMPP 127.0.0.1:2775   admin http://127.0.0.1:9090   rules config/rules (watched)\n"
    ));
    for wanted in [" pass ", " TAG ", " BLOCK ", "  try   target/release/tapis explain "] {
        assert!(shown.contains(wanted), "{wanted}");
    }
    let shipped = shipped_rules();
    let mut named = 0;
    for line in shown.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit())) {
        let is_id = |w: &&str| w.contains('/') && w.chars().all(|c| c.is_ascii_lowercase() || "-/".contains(c));
        for id in line.split_whitespace().filter(is_id) {
            assert!(shipped.contains(id), "there is no rule {id}");
            named += 1;
        }
    }
    assert!(named > 3, "the demo names rules");
}

fn shipped_rules() -> BTreeSet<String> {
    let origin = tapis::runtime::files::Origin { main: Some(top().join("config/tapis.yaml")), ..Default::default() };
    let loaded = policy::load(&origin.read_once()).unwrap_or_else(|all| panic!("{all:?}"));
    loaded.policy.rules.rules.iter().map(|r| r.id.to_string()).collect()
}

/// Long options in a text.
fn options(text: &str) -> BTreeSet<String> {
    text.split("--")
        .skip(1)
        .map(|rest| rest.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next().unwrap().to_owned())
        .filter(|o| !o.is_empty())
        .collect()
}

#[test]
fn options_are_listed_as_they_are() {
    let text = readme();
    let mut commands = BTreeSet::new();
    for row in text.lines().filter(|l| l.starts_with("| `tapis ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let command = cells[1].trim_matches('`');
        commands.insert(command.split(' ').nth(1).unwrap().to_owned());
        let help = run(&format!("{command} --help"));
        let usage: String = help.lines().filter(|l| l.trim_start().starts_with('-')).collect::<Vec<_>>().join("\n");
        let mut real = options(&usage);
        real.remove("help");
        assert_eq!(options(cells[2]), real, "the options of {command}");
    }
    let help = run("tapis --help");
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let real: BTreeSet<String> =
        list.lines().take_while(|l| !l.is_empty()).map(|l| l.split_whitespace().next().unwrap().to_owned()).collect();
    assert_eq!(commands, real, "the commands");
}

#[test]
fn every_file_and_link_that_is_named_exists() {
    for name in ["README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md"] {
        let text = fs::read_to_string(top().join(name)).unwrap();
        let mut named: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        named.extend(text.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
        for path in named {
            let is_ours = ["src/", "config/", "tests/", ".github/", ".ci/", "fuzz/", "benches/"]
                .iter()
                .any(|t| path.starts_with(t));
            if is_ours && !path.contains(' ') {
                assert!(top().join(path).exists(), "{name} names {path}, which is not there");
            }
        }
    }
}

#[test]
fn the_test_command_is_what_ci_runs() {
    let text = readme();
    let commands: Vec<&str> = blocks(&text).iter().filter(|b| b.kind.starts_with("sh")).map(|b| b.text).collect();
    assert!(commands.contains(&"tests/all\n"), "README has the test command in a block of its own");
    let ci = fs::read_to_string(top().join(".ci/run")).unwrap();
    let does: Vec<&str> = ci.lines().filter(|l| !l.starts_with('#')).collect();
    assert_eq!(does, ["set -euo pipefail", "cd \"$(dirname \"$0\")/..\"", "exec tests/all"]);
}
