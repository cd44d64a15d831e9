//! `tapis policy`: what was in force on a running node, and back to it.

use clap::Subcommand;
use hyper::Method;
use serde_json::Value;

use super::admin::{self, Asker, Node};
use super::{Exit, say};

/// The history of a running node's policies.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists what was in force, the last first; what is on trial; and what the last attempt to change it came to.
    List(Node),
    /// Shows one: when it was in force, what it changes of what is in force, and what it was made of.
    Show {
        /// Its digest, or the beginning of it.
        #[arg(value_name = "DIGEST")]
        digest: String,
        #[command(flatten)]
        node: Node,
    },
    /// Takes one into force again, for all sessions at once. The files stay as they are, and count at the next reload.
    Rollback {
        /// Its digest, or the beginning of it.
        #[arg(value_name = "DIGEST")]
        digest: String,
        #[command(flatten)]
        asker: Asker,
    },
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    match &args.command {
        Command::List(node) => node.ask(&Method::GET, "/api/policies", list),
        Command::Show { digest, node } => {
            node.ask(&Method::GET, &format!("/api/policies/{}", admin::escaped(digest)), show)
        }
        Command::Rollback { digest, asker } => {
            let path = format!("/api/rollback?{}", asker.query(&[("digest", Some(digest.clone()))]));
            match admin::request(&asker.admin, &Method::POST, &path) {
                Ok((status, answer)) => admin::report(asker, status, &answer),
                Err(exit) => exit,
            }
        }
    }
}

fn word<'v>(of: &'v Value, key: &str) -> &'v str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list(answer: &Value) {
    say(format_args!("in force   {} since {}", word(answer, "in_force"), word(answer, "since")));
    if let Some(canary) = answer.get("canary").filter(|c| c.is_object()) {
        let counts = |side: &str| {
            let n = |key: &str| canary.get(side).and_then(|s| s.get(key)).and_then(Value::as_u64).unwrap_or_default();
            format!("{} messages, {} tagged, {} blocked", n("messages"), n("tag"), n("block"))
        };
        say(format_args!(
            "on trial   {} on {} of the sessions since {}",
            word(canary, "digest"),
            word(canary, "share"),
            word(canary, "since")
        ));
        say(format_args!("           by it {}; by the old one {}", counts("new"), counts("old")));
    }
    if let Some(last) = answer.get("last_canary").filter(|l| l.is_object()) {
        let digest = last.get("canary").map_or("", |c| word(c, "digest"));
        let result = word(last, "result").replace('_', " ");
        say(format_args!("trial      {digest} {result} at {}: {}", word(last, "time"), word(last, "why")));
    }
    if let Some(last) = answer.get("last_reload").filter(|l| l.is_object()) {
        let ok = last.get("ok").and_then(Value::as_bool) == Some(true);
        let what = if ok { "succeeded" } else { "failed" };
        say(format_args!(
            "last       {} by {} at {} {what}",
            word(last, "how"),
            word(last, "actor"),
            word(last, "time")
        ));
        admin::diagnostics(last);
    }
    say("");
    for change in answer.get("policies").and_then(Value::as_array).into_iter().flatten() {
        say(line(change));
    }
}

fn line(change: &Value) -> String {
    let n = |key: &str| change.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    let changes = [("+", n("added")), ("-", n("removed")), ("~", n("changed"))];
    let changes: Vec<String> = changes.iter().filter(|(_, n)| *n > 0).map(|(sign, n)| format!("{sign}{n}")).collect();
    let comment = word(change, "comment");
    let quoted = if comment.is_empty() { String::new() } else { format!("  “{comment}”") };
    let line = format!(
        "{}  {}  {:<8}  {:<12}  {}{quoted}",
        word(change, "time"),
        word(change, "digest"),
        word(change, "how"),
        word(change, "actor"),
        changes.join(" "),
    );
    line.trim_end().to_owned()
}

fn show(answer: &Value) {
    let in_force = answer.get("in_force").and_then(Value::as_bool) == Some(true);
    say(format_args!("{}{}", word(answer, "digest"), if in_force { "  in force" } else { "" }));
    for change in answer.get("changes").and_then(Value::as_array).into_iter().flatten() {
        say(line(change));
        admin::difference(change, "  ");
    }
    if let Some(difference) = answer.get("difference").filter(|d| d.is_object() && !in_force) {
        say("taken now, it would have");
        admin::difference(difference, "  ");
    }
    for file in answer.get("files").and_then(Value::as_array).into_iter().flatten() {
        say(format_args!("\n# {} {}", word(file, "role"), word(file, "name")));
        say(word(file, "text").trim_end());
    }
}
