//! The house rules, run: the sources are read, and what breaks a rule is told with file and line.
//!
//! Each check is a function from a file to complaints, and each is tested below on a small file that breaks it. The
//! table of who may import whom is [`LAYERS`]; a new layer gets a line there, with the arrows it may draw and no more.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Who may import whom: a layer, and the layers, or single modules of them, that it may name. It follows the data.
const LAYERS: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("limits", &[]),
    // Octets ⇄ PDUs: knows nothing above it.
    ("wire", &["limits", "time"]),
    // One proxied session: does not know what a text or a rule is.
    ("session", &["wire", "limits", "time"]),
    // User data → what the subscriber would read: of the wire only its codes, and the TLVs that name parts.
    ("text", &["wire::command", "wire::tlv", "limits", "time"]),
    ("message", &["wire", "text", "limits", "time"]),
    // What the operator wrote, in the words of the standard and of texts.
    ("config", &["wire::command", "text", "limits", "time"]),
    // Evidence: does not know what a session is, nor how the YAML was read.
    ("rules", &["config::spec", "config::diagnostic", "message", "text", "wire::command", "limits", "time"]),
    // Memory: who sends what, how often, to how many, and how it ended; knows no rule.
    ("reputation", &["message", "text", "time"]),
    // What carriers tell each other of it, in the form of others; an entry of a list is what rules take for one.
    ("intel", &["reputation", "rules::domain", "time"]),
    // Weight and action.
    ("verdict", &["rules", "config::spec", "wire::command"]),
    ("policy", &["config", "reputation", "rules", "verdict", "message", "text", "wire::command", "limits", "time"]),
    // What binds of one account share: a part inherits its message's verdict, and the policy that gave it.
    ("account", &["policy", "reputation", "verdict", "wire", "session", "text", "message", "limits", "time"]),
    // Traffic kept for replay: PDUs of two legs, sealed.
    ("capture", &["session", "wire", "limits", "time"]),
    // Decisions as they are told: who made them, on what, by which policy.
    (
        "audit",
        &["config", "policy", "rules", "verdict", "message", "text", "account", "session", "wire", "limits", "time"],
    ),
    // The pure whole.
    (
        "gate",
        &[
            "account",
            "audit",
            "message",
            "policy",
            "reputation",
            "rules",
            "session",
            "text",
            "verdict",
            "wire",
            "limits",
            "time",
        ],
    ),
    // Pure drivers.
    (
        "case",
        &["config", "policy", "reputation", "rules", "verdict", "gate", "message", "text", "wire", "limits", "time"],
    ),
    (
        "explain",
        &["audit", "case", "config", "policy", "rules", "verdict", "gate", "message", "text", "wire", "limits", "time"],
    ),
    // Recorded traffic through gates: tables of messages come as those of the peers.
    (
        "replay",
        &[
            "account",
            "audit",
            "config",
            "explain",
            "policy",
            "reputation",
            "rules",
            "verdict",
            "gate",
            "message",
            "text",
            "session",
            "sim",
            "wire",
            "limits",
            "time",
        ],
    ),
    // Peers to run against: they know the wire and texts, and nothing of the firewall between them.
    ("sim", &["text", "wire", "limits", "time"]),
    // Documents.
    ("manual", &[]),
    // The machine room and the command line know everything below them.
    ("runtime", &["*"]),
    ("cli", &["*", "runtime"]),
    ("main", &["cli"]),
];

/// The layers that may name sockets, tasks, clocks and disks.
const MACHINE_ROOM: &[&str] = &["runtime", "cli", "main"];

/// What only the machine room may name. Addresses are values: [`ADDRESSES`] are no sockets.
const OUTSIDE_WORLD: &[&str] = &[
    "tokio",
    "hyper",
    "hyper_util",
    "http_body_util",
    "notify",
    "arc_swap",
    "clap",
    "tracing",
    "metrics",
    "std::fs",
    "std::net",
    "std::thread",
    "std::process",
    "std::env",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "getrandom",
    "rand",
];
const ADDRESSES: &[&str] = &["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr"];

/// Folders and files without a subject.
const NAMELESS: &[&str] = &["util", "utils", "common", "helper", "helpers", "types", "prelude", "misc", "stuff"];

/// What may stand at the top, beside dot-files.
const TOP: &[&str] = &["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "src", "config", "fuzz", "benches", "tests"];

const FILE_LINES_MAX: usize = 500;

/// Where the tests of a source begin: they are apart.
const TESTS: &str = "mod tests {";

/// A source, by its path from the top.
struct File {
    path: String,
    text: String,
}

impl File {
    /// The first part of its path within `src`.
    fn layer(&self) -> Option<&str> {
        let within = self.path.strip_prefix("src/")?;
        Some(within.split('/').next().unwrap_or(within).trim_end_matches(".rs"))
    }

    fn complaint(&self, line: usize, message: impl std::fmt::Display) -> String {
        format!("{}:{line}: {message}", self.path)
    }

    /// Lines without their comments, from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(n, line)| (n + 1, without_comment(line)))
    }

    /// The file's modules below the crate: `src/text/fold.rs` is `text::fold`, `src/text/mod.rs` is `text`.
    fn module(&self) -> Vec<&str> {
        let within = self.path.strip_prefix("src/").unwrap_or(&self.path).trim_end_matches(".rs");
        within.split('/').filter(|part| !["mod", "lib"].contains(part)).collect()
    }
}

fn without_comment(line: &str) -> &str {
    match line.find("//") {
        // `://` stands in an address.
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        _ => line,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether a name stands in a line as a whole, and not as a part of a longer one.
fn names(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// Whether a line names a crate: before `::`, or alone in a `use`.
fn names_crate(line: &str, name: &str) -> bool {
    let begins = |at: usize| !line[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':');
    line.match_indices(&format!("{name}::")).any(|(at, _)| begins(at)) || line.ends_with(&format!("use {name};"))
}

/// The paths that begin at the crate, of one statement or line: `{a, b::{c, d}}` is written out.
fn paths(line: &str, from: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (at, _) in line.match_indices(from) {
        if line[..at].chars().next_back().is_some_and(|c| is_word(c) || c == ':' || c == '$') {
            continue;
        }
        expand(&line[at + from.len()..], "", &mut all);
    }
    all
}

fn expand(rest: &str, prefix: &str, out: &mut Vec<String>) -> usize {
    let name_length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    let path = format!("{prefix}{}", &rest[..name_length]);
    match rest[name_length..].strip_prefix("::") {
        Some(more) if more.starts_with(is_word) || more.starts_with('{') => {
            return name_length + 2 + expand(more, &format!("{path}::"), out);
        }
        _ => {}
    }
    if !rest.starts_with('{') {
        out.push(path);
        return name_length;
    }
    let mut at = 1;
    while at < rest.len() && !rest[at..].starts_with('}') {
        if rest[at..].starts_with(|c: char| is_word(c)) {
            at += expand(&rest[at..], prefix, out);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at + 1
}

/// Statements and lines of a file with the line that each begins at: a `use` over several lines is one.
fn statements(file: &File) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (n, line) in file.code() {
        let line = line.trim();
        match all.last_mut() {
            Some((_, statement)) if open => statement.push_str(line),
            _ => all.push((n, line.to_owned())),
        }
        let is_use = all.last().is_some_and(|(_, s)| s.starts_with("use ") || s.starts_with("pub use "));
        open = is_use && !line.ends_with(';');
    }
    all
}

/// What a file imports, from the top of the crate: the line, and the path. Its tests are apart: they may build their
/// input with what lies above.
fn imports(file: &File) -> Vec<(usize, String)> {
    let module = file.module();
    let mut in_module = false;
    let mut all = Vec::new();
    for (n, statement) in statements(file).into_iter().take_while(|(_, s)| s != TESTS) {
        in_module |= statement.starts_with("mod ") && statement.ends_with('{');
        all.extend(paths(&statement, "crate::").into_iter().map(|p| (n, p)));
        for path in paths(&statement, "super::") {
            let climbs = 1 + path.split("::").take_while(|p| *p == "super").count();
            let depth = module.len() + usize::from(in_module);
            if climbs >= depth {
                let rest: Vec<&str> = path.split("::").skip(climbs - 1).collect();
                all.push((n, rest.join("::")));
            }
        }
    }
    all
}

fn forbidden_imports(file: &File) -> Vec<String> {
    let Some(layer) = file.layer().filter(|l| *l != "lib") else { return Vec::new() };
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![file.complaint(1, format!("layer `{layer}` has no line in the table of who may import whom"))];
    };
    let may = |path: &str| {
        let to = path.split("::").next().unwrap_or(path);
        to == layer
            || (allowed.contains(&"*") && !MACHINE_ROOM.contains(&to))
            || allowed.iter().any(|a| path == *a || path.strip_prefix(a).is_some_and(|rest| rest.starts_with("::")))
    };
    let strange = imports(file).into_iter().filter(|(_, path)| !may(path));
    strange.map(|(n, path)| file.complaint(n, format!("`{layer}` may not import `{path}`"))).collect()
}

fn outside_world(file: &File) -> Vec<String> {
    if file.layer().is_none_or(|l| MACHINE_ROOM.contains(&l)) {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (n, statement) in statements(file).into_iter().take_while(|(_, s)| s != TESTS) {
        let mut of_std: Vec<String> = paths(&statement, "std::").iter().map(|p| format!("std::{p}")).collect();
        of_std.retain(|p| !ADDRESSES.iter().any(|a| names(p, a)));
        let is_named = |name: &str| match name {
            _ if name.starts_with("std::") => of_std.iter().any(|p| names(p, name)),
            _ if name.starts_with(char::is_uppercase) => names(&statement, name),
            _ => names_crate(&statement, name),
        };
        let named = OUTSIDE_WORLD.iter().filter(|name| is_named(name));
        all.extend(named.map(|name| file.complaint(n, format!("only the machine room may name `{name}`"))));
    }
    all
}

fn too_long(file: &File) -> Vec<String> {
    if file.layer().is_none() || file.text.contains("@generated") {
        return Vec::new();
    }
    let tests = file.text.lines().position(|l| l == TESTS).map(|n| n - 1);
    let lines = tests.unwrap_or_else(|| file.text.lines().count());
    if lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![file.complaint(
        lines,
        format!("{lines} lines before its tests, at most {FILE_LINES_MAX}: give each subject its own file"),
    )]
}

fn nameless(path: &str) -> Vec<String> {
    let bad = path.split('/').find(|part| NAMELESS.contains(&part.split('.').next().unwrap_or(part)));
    bad.map(|part| format!("{path}:1: `{part}` says nothing about its subject")).into_iter().collect()
}

fn opening(file: &File) -> Vec<String> {
    if file.text.starts_with("//!") {
        return Vec::new();
    }
    vec![file.complaint(1, "a file begins with `//!`: what it is, and why it is apart")]
}

fn commented_out(file: &File) -> Vec<String> {
    let is_code = |line: &str| {
        let Some(comment) = line.trim().strip_prefix("// ") else { return false };
        let first = comment.split(|c: char| !is_word(c)).next().unwrap_or_default();
        comment.ends_with(';')
            || ["{", "})", "}", "},"].contains(&comment)
            || (["let", "fn", "pub", "if", "for", "match", "impl"].contains(&first) && comment.ends_with('{'))
    };
    let lines = file.text.lines().enumerate().filter(|(_, line)| is_code(line));
    lines.map(|(n, _)| file.complaint(n + 1, "code in a comment: the history keeps what is gone")).collect()
}

/// Words that promise something for later. They are put together here, so that this file does not break its own rule.
fn unfinished(file: &File) -> Vec<String> {
    let words = [
        concat!("#[ig", "nore"),
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("XX", "X:"),
        concat!("HA", "CK:"),
    ];
    let mut all = Vec::new();
    for (n, line) in file.text.lines().enumerate() {
        let found = words.iter().filter(|w| line.contains(**w));
        all.extend(found.map(|w| file.complaint(n + 1, format!("`{w}`: nothing is called done that is not"))));
    }
    all
}

/// A trait is there for several implementations.
fn lone_traits(files: &[File]) -> Vec<String> {
    let mut all = Vec::new();
    for file in files.iter().filter(|f| f.layer().is_some()) {
        for (n, line) in file.code() {
            let words: Vec<&str> = line.split(|c: char| !is_word(c)).filter(|w| !w.is_empty()).collect();
            let Some(name) = words.iter().position(|w| *w == "trait").and_then(|at| words.get(at + 1)) else {
                continue;
            };
            if line.starts_with(char::is_whitespace) || !line.contains("trait ") {
                continue;
            }
            let implementations = files.iter().flat_map(File::code).filter(|(_, l)| {
                l.trim_start().starts_with("impl")
                    && l.split(" for ").next().is_some_and(|i| l.contains(" for ") && names(i, name))
            });
            if implementations.count() < 2 {
                all.push(file.complaint(n, format!("trait `{name}` has one implementation: it is not needed")));
            }
        }
    }
    all
}

fn strangers_at_the_top(paths: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for path in paths {
        let top = path.split('/').next().unwrap_or(path);
        if !top.starts_with('.') && !TOP.contains(&top) {
            all.push(format!("{path}:1: `{top}` may not stand at the top"));
        }
    }
    all
}

/// Every dependency says what it is for, on its line.
fn silent_dependencies(manifest: &File) -> Vec<String> {
    let mut in_dependencies = false;
    let mut all = Vec::new();
    for (n, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.trim_end_matches(']').ends_with("dependencies");
            continue;
        }
        let is_entry = in_dependencies && line.starts_with(is_word) && line.contains('=');
        let reason = line.rsplit_once("# ").map_or("", |(_, reason)| reason.trim());
        if is_entry && reason.is_empty() {
            let name = line.split([' ', '=', '.']).next().unwrap_or(line);
            all.push(manifest.complaint(n + 1, format!("dependency `{name}` does not say what it is for")));
        }
    }
    all
}

/// The laws that the crate's documentation names, each with its line.
fn invariants(lib: &File) -> Vec<(usize, String)> {
    let lines = lib.text.lines().enumerate();
    let section = lines.skip_while(|(_, l)| !l.contains("# The invariants")).skip(1);
    let section = section.take_while(|(_, l)| l.starts_with("//!") && !l.contains("# "));
    let words = section.flat_map(|(n, l)| l.split('`').skip(1).step_by(2).map(move |word| (n + 1, word)));
    let is_name = |word: &str| word.contains('_') && word.chars().all(|c| is_word(c) && !c.is_uppercase());
    words.filter(|(_, word)| is_name(word)).map(|(n, word)| (n, word.to_owned())).collect()
}

fn untested_invariants(lib: &File, files: &[File]) -> Vec<String> {
    let is_tested = |name: &str| files.iter().any(|f| f.text.contains(&format!("#[test]\nfn {name}()")));
    let untested = invariants(lib).into_iter().filter(|(_, name)| !is_tested(name));
    untested.map(|(n, name)| lib.complaint(n, format!("no test is named `{name}`"))).collect()
}

fn top() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file that is kept, by its path from the top.
fn kept() -> Vec<String> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(top()).output();
    let listed =
        listed.ok().filter(|out| out.status.success()).map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    let mut all: Vec<String> = match listed {
        Some(list) => list.lines().map(ToOwned::to_owned).collect(),
        // An unpacked archive has no history; what is built there is no part of it.
        None => walk(&top()).into_iter().filter(|path| !path.starts_with("target/")).collect(),
    };
    all.retain(|path| top().join(path).is_file());
    all
}

fn walk(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(&one).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            match path.is_dir() {
                true if !["target", ".git"].contains(&name.as_str()) => folders.push(path),
                true => {}
                false => all.push(name),
            }
        }
    }
    all
}

fn read(paths: &[String], wanted: impl Fn(&str) -> bool) -> Vec<File> {
    let wanted = paths.iter().filter(|path| wanted(path));
    // Test data may be anything, even no text.
    let text = |path: &String| String::from_utf8_lossy(&fs::read(top().join(path)).expect(path)).into_owned();
    wanted.map(|path| File { path: path.clone(), text: text(path) }).collect()
}

fn sources() -> Vec<File> {
    read(&kept(), |path| path.ends_with(".rs"))
}

fn assert_tidy(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn each(check: impl Fn(&File) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(check).collect()
}

#[test]
fn layers_import_only_what_lies_below_them() {
    assert_tidy(&each(forbidden_imports));
}

#[test]
fn the_table_of_layers_has_no_stale_line() {
    let sources = sources();
    let is_there = |layer: &str| sources.iter().any(|f| f.layer() == Some(layer));
    let stale: Vec<String> =
        LAYERS.iter().filter(|(l, _)| !is_there(l)).map(|(l, _)| format!("tests/tidy.rs:1: no layer `{l}`")).collect();
    assert_tidy(&stale);
}

#[test]
fn only_the_machine_room_touches_the_world() {
    assert_tidy(&each(outside_world));
}

#[test]
fn files_are_short_enough_to_hold_in_mind() {
    assert_tidy(&each(too_long));
}

#[test]
fn names_say_something() {
    assert_tidy(&kept().iter().flat_map(|path| nameless(path)).collect::<Vec<_>>());
}

#[test]
fn every_source_begins_with_what_it_is() {
    assert_tidy(&each(opening));
}

#[test]
fn no_code_stands_in_comments() {
    assert_tidy(&each(commented_out));
}

#[test]
fn nothing_is_left_for_later() {
    let text = |path: &str| {
        [".rs", ".md", ".yaml", ".toml", ".py", ".js", ".pl", ".html"].iter().any(|end| path.ends_with(end))
    };
    assert_tidy(&read(&kept(), text).iter().flat_map(unfinished).collect::<Vec<_>>());
}

#[test]
fn no_trait_has_one_implementation() {
    assert_tidy(&lone_traits(&sources()));
}

#[test]
fn the_top_holds_what_the_design_says() {
    assert_tidy(&strangers_at_the_top(&kept()));
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let manifests = read(&kept(), |path| path.ends_with("Cargo.toml"));
    assert!(!manifests.is_empty());
    assert_tidy(&manifests.iter().flat_map(silent_dependencies).collect::<Vec<_>>());
}

#[test]
fn every_invariant_is_tested_under_its_name() {
    let sources = sources();
    let lib = sources.iter().find(|f| f.path == "src/lib.rs").expect("the crate");
    assert!(invariants(lib).len() >= 10, "{:?}", invariants(lib));
    assert_tidy(&untested_invariants(lib, &sources));
}

/// The checks themselves: each finds what it is for, at its line, and nothing else.
mod checks {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    fn lines(complaints: &[String]) -> Vec<usize> {
        complaints.iter().map(|c| c.split(':').nth(1).and_then(|n| n.parse().ok()).expect("a line")).collect()
    }

    #[test]
    fn an_arrow_upwards_is_found_however_it_is_written() {
        let bad = [
            ("src/wire/frame.rs", "//! x\nuse crate::text::gsm7;\n", 2),
            ("src/session/mod.rs", "use crate::{wire::frame, rules::Rule};\n", 1),
            ("src/session/mod.rs", "use crate::{\n    wire::frame,\n    policy,\n};\n", 1),
            ("src/text/fold.rs", "use crate::wire::command::DataCoding;\nuse crate::wire::body::Sm;\n", 2),
            ("src/text/fold.rs", "use crate::wire::{command, body::Sm};\n", 1),
            ("src/rules/list.rs", "fn f() {\n    let _ = crate::session::Leg::Esme;\n}\n", 2),
            ("src/rules/list.rs", "use crate::config::tree::Node;\n", 1),
            ("src/rules/compile/fact.rs", "use super::super::super::gate::Gate;\n", 1),
            ("src/message.rs", "use super::policy::Policy;\n", 1),
            ("src/verdict.rs", "pub use crate::config::settings::Settings;\n", 1),
            ("src/gate/mod.rs", "use crate::runtime::link;\n", 1),
            ("src/runtime/mod.rs", "use crate::cli::Args;\n", 1),
            ("src/newcomer/mod.rs", "//! Who am I?\n", 1),
        ];
        for (path, text, line) in bad {
            assert_eq!(lines(&forbidden_imports(&file(path, text))), [line], "{path} {text}");
        }
    }

    #[test]
    fn arrows_downwards_and_sideways_are_no_complaint() {
        let good = [
            ("src/wire/frame.rs", "use crate::limits::PDU_OCTETS_MAX;\nuse super::command::CommandId;\n"),
            ("src/text/fold.rs", "use crate::wire::command::DataCoding;\n// crate::gate is above.\n"),
            ("src/rules/list.rs", "use crate::config::spec::{Field, Mode};\nuse crate::config::diagnostic::nearest;\n"),
            ("src/rules/compile/fact.rs", "use super::super::condition::Test;\n"),
            ("src/message.rs", "mod inner {\n    use super::Envelope;\n}\n"),
            ("src/text/concat.rs", "//! x\nmod tests {\n    use crate::wire::encode;\n}\n"),
            ("src/message.rs", "use crate::text::{self, Reading};\n"),
            ("src/gate/mod.rs", "use crate::policy::{self, Policy};\nuse tapis_like::crate_name;\n"),
            ("src/runtime/mod.rs", "use crate::gate::Gate;\n"),
            ("src/lib.rs", "pub mod runtime;\n"),
            ("tests/tidy.rs", "use crate::anything;\n"),
        ];
        for (path, text) in good {
            assert_eq!(forbidden_imports(&file(path, text)), [""; 0], "{path} {text}");
        }
    }

    #[test]
    fn the_outside_world_is_found_below_the_machine_room() {
        let bad = [
            "use tokio::net::TcpStream;",
            "use std::fs;",
            "use std::{fmt, fs::File};",
            "let all = std::fs::read(path);",
            "use std::net::{IpAddr, TcpStream};",
            "use std::time::{Duration, Instant};",
            "let t = SystemTime::UNIX_EPOCH;",
            "let now = jiff::Timestamp::now();",
            "std::thread::yield_now();",
            "metrics::counter!(\"x\");",
        ];
        for text in bad {
            assert_eq!(lines(&outside_world(&file("src/gate/mod.rs", &format!("//! x\n{text}\n")))), [2], "{text}");
            assert_eq!(outside_world(&file("src/runtime/link.rs", text)), [""; 0], "{text}");
        }
        let good = [
            "use std::net::IpAddr;",
            "use std::net::{IpAddr, Ipv4Addr};",
            "std::net::Ipv6Addr::from(octets)",
            "use std::time::Duration;",
            "use crate::time::Timestamp;",
            "mod tests {\n    use std::fs;",
            "let metrics = self.metrics.len(); // tokio::spawn would be another matter",
            "let operand = 1;",
        ];
        for text in good {
            assert_eq!(outside_world(&file("src/gate/mod.rs", text)), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_and_tables_are_apart() {
        let long = "//! x\n".repeat(FILE_LINES_MAX + 1);
        assert_eq!(lines(&too_long(&file("src/a.rs", &long))), [FILE_LINES_MAX + 1]);
        assert_eq!(too_long(&file("src/a.rs", &"//! x\n".repeat(FILE_LINES_MAX))), [""; 0]);
        assert_eq!(too_long(&file("src/a.rs", &format!("//! @generated\n{long}"))), [""; 0]);
        assert_eq!(too_long(&file("tests/a.rs", &long)), [""; 0]);
        let tests = format!("//! x\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert_eq!(too_long(&file("src/a.rs", &tests)), [""; 0]);
    }

    #[test]
    fn names_without_a_subject_are_found() {
        for path in ["src/util.rs", "src/text/helpers/mod.rs", "tests/common/mod.rs", "src/prelude.rs"] {
            assert_eq!(lines(&nameless(path)), [1], "{path}");
        }
        assert_eq!(nameless("src/text/utility.rs"), [""; 0]);
    }

    #[test]
    fn a_file_that_does_not_say_what_it_is_is_found() {
        assert_eq!(lines(&opening(&file("src/a.rs", "use std::fmt;\n"))), [1]);
        assert_eq!(opening(&file("src/a.rs", "//! What.\n")), [""; 0]);
    }

    #[test]
    fn code_in_comments_is_found_and_sentences_are_not() {
        let bad = "// let x = 1;\nfn f() {\n    // if x {\n    //     g();\n    // }\n}\n";
        assert_eq!(lines(&commented_out(&file("src/a.rs", bad))), [1, 3, 4, 5]);
        let good = "/// let x = 1;\n// A sentence about let and fn.\n// For one thing, {} is a placeholder\n";
        assert_eq!(commented_out(&file("src/a.rs", good)), [""; 0]);
    }

    #[test]
    fn promises_are_found() {
        let bad = concat!("#[ig", "nore = \"slow\"]\nto", "do!();\n// FIX", "ME later\nunimple", "mented!()\n");
        assert_eq!(lines(&unfinished(&file("tests/a.rs", bad))), [1, 2, 3, 4]);
        assert_eq!(unfinished(&file("tests/a.rs", "#[test]\nfn mastodon() {}\n")), [""; 0]);
    }

    #[test]
    fn a_trait_for_one_is_found() {
        let one = file("src/a.rs", "//! x\npub trait Shape {\n}\nimpl Shape for Circle {}\n");
        assert_eq!(lines(&lone_traits(std::slice::from_ref(&one))), [2]);
        let other = file("src/b.rs", "impl<'a> Shape for Square<'a> {}\n");
        assert_eq!(lone_traits(&[one, other]), [""; 0]);
    }

    #[test]
    fn a_law_without_its_test_is_found() {
        let lib = file(
            "src/lib.rs",
            "//! # The invariants\n//!\n//! - `a_law`: for [`x`].\n//! - `another_law`.\n//! # Words\n",
        );
        let tests = file("tests/a.rs", "#[test]\nfn a_law() {}\nfn another_law() {}\n");
        assert_eq!(lines(&untested_invariants(&lib, &[tests])), [4]);
    }

    #[test]
    fn a_stranger_at_the_top_is_found() {
        let paths = ["src/lib.rs", ".github/SECURITY.md", "README.md", "notes.txt", "docs/a.md"].map(ToOwned::to_owned);
        let found = strangers_at_the_top(&paths);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("notes.txt:1:") && found[1].starts_with("docs/a.md:1:"));
    }

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\n# The design card.\nnom = \"8\" # parsers\npsl = \"2\"\n\
                        [dev-dependencies]\nproptest = { version = \"1\" }\n[profile.dev]\ndebug = 1\n";
        assert_eq!(lines(&silent_dependencies(&file("Cargo.toml", manifest))), [6, 8]);
    }
}
