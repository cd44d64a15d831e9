//! `tapis intel`: what this carrier tells others, and what others tell it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use hyper::Method;
use serde_json::Value;

use super::admin::{self, Node};
use super::{Exit, Format, fail, say, tell};
use crate::config::intel::BY_HAND;

/// Tells other carriers what a running node learned, as a STIX 2.1 bundle, and takes in what they tell.
///
/// Told are domains, numbers to call and chat handles, alphanumeric senders and short codes, and masked texts, each with how sure it
/// is and when it ends. Never told are recipients, accounts, and what was only heard from others.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes what the node learned.
    Export(Export),
    /// Puts a bundle into a feed that is filled by hand, beside what is in it.
    Import {
        /// The bundle; - for standard input.
        file: PathBuf,
        /// The feed, as tapis.yaml has it.
        #[arg(long, value_name = "ID", default_value = BY_HAND)]
        feed: String,
        /// Only say what would be taken.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        asker: Asker,
        /// How to answer.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Shows every feed: how much of it is taken, and what became of the last look.
    Feeds(Node),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// The file; - for standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// Leaves out what is less sure, from 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 50)]
    min_confidence: u8,
    /// How long an indicator holds after what it warns of was last seen.
    #[arg(long, value_name = "N", default_value_t = 30)]
    days: u16,
    /// At most so many: the surest ones.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    most: u32,
    /// Who may be told (Traffic Light Protocol).
    #[arg(long, value_enum, default_value = "amber")]
    tlp: Tlp,
    /// Tells senders that may be subscribers too: ask your lawyers first.
    #[arg(long)]
    numbers: bool,
    /// Leaves out masked texts, in which names of people may be left.
    #[arg(long)]
    no_templates: bool,
    #[command(flatten)]
    asker: Asker,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tlp {
    White,
    Green,
    Amber,
    Red,
}

#[derive(Debug, clap::Args)]
struct Asker {
    /// The node's admin address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    admin: String,
    /// Who asks, for the record.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Asker {
    fn path(&self, what: &str, others: &[(&str, String)]) -> String {
        let own = [("actor", self.actor.clone()), ("comment", self.comment.clone())];
        let own = own.into_iter().filter_map(|(key, value)| Some((key, value?)));
        let all = others.iter().cloned().chain(own);
        let query: Vec<String> = all.map(|(key, value)| format!("{key}={}", admin::escaped(&value))).collect();
        format!("/api/intel/{what}?{}", query.join("&"))
    }
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    match &args.command {
        Command::Export(asked) => export(asked),
        Command::Import { file, feed, dry_run, asker, format } => import(file, feed, *dry_run, asker, *format),
        Command::Feeds(node) => node.ask(&Method::GET, "/api/intel/feeds", feeds),
    }
}

fn export(asked: &Export) -> Exit {
    let tlp = match asked.tlp {
        Tlp::White => "white",
        Tlp::Green => "green",
        Tlp::Amber => "amber",
        Tlp::Red => "red",
    };
    let path = asked.asker.path(
        "export",
        &[
            ("confidence_min", asked.min_confidence.to_string()),
            ("days", asked.days.to_string()),
            ("most", asked.most.to_string()),
            ("tlp", tlp.to_owned()),
            ("numbers", asked.numbers.to_string()),
            ("templates", (!asked.no_templates).to_string()),
        ],
    );
    let mut bundle = Vec::new();
    if let Err(why) = admin::fetch(&asked.asker.admin, &path, &mut bundle) {
        return fail(Exit::Config, why);
    }
    if asked.out == Path::new("-") {
        say(String::from_utf8_lossy(&bundle).trim_end());
        return Exit::Fine;
    }
    // Whoever serves the file to others serves the old one or the new one.
    let new = asked.out.with_extension("new");
    let written = File::create(&new)
        .and_then(|mut file| file.write_all(&bundle).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&new, &asked.out));
    match written {
        Ok(()) => {
            let bundle: Value = serde_json::from_slice(&bundle).unwrap_or_default();
            let objects = bundle.get("objects").and_then(Value::as_array).into_iter().flatten();
            let is_indicator = |object: &&Value| text(object, "type") == "indicator";
            say(format_args!(
                "{}: {}",
                asked.out.display(),
                super::count(objects.filter(is_indicator).count(), "indicator")
            ));
            Exit::Fine
        }
        Err(error) => fail(Exit::Config, format_args!("{}: {error}", asked.out.display())),
    }
}

fn text<'v>(of: &'v Value, key: &str) -> &'v str {
    of.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(of: &Value, key: &str) -> u64 {
    of.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn import(file: &Path, feed: &str, dry_run: bool, asker: &Asker, format: Format) -> Exit {
    let read = if file == Path::new("-") {
        let mut all = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut all).map(|_| all)
    } else {
        std::fs::read(file)
    };
    let bundle = match read {
        Ok(bundle) => bundle,
        Err(error) => return fail(Exit::Config, format_args!("{}: {error}", file.display())),
    };
    let path = asker.path("import", &[("feed", feed.to_owned()), ("dry_run", dry_run.to_string())]);
    let (status, answer) = match admin::send(&asker.admin, &path, bundle) {
        Ok(answer) => answer,
        Err(exit) => return exit,
    };
    if format == Format::Json {
        say(&answer);
        return if status.is_success() { Exit::Fine } else { Exit::Config };
    }
    if !status.is_success() {
        return fail(Exit::Config, format_args!("{}: {}", file.display(), text(&answer, "error")));
    }
    let list = |key: &str| answer.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    for one in list("indicators") {
        for subject in one.get("subjects").and_then(Value::as_array).into_iter().flatten() {
            let (kind, value) = (text(subject, "kind"), text(subject, "value"));
            say(format_args!("{:>3}  until {}  {kind} {value}", number(&one, "confidence"), text(&one, "until")));
        }
    }
    for one in list("why") {
        tell(format_args!("{}: {} {}: {}", file.display(), text(&one, "at"), text(&one, "id"), text(&one, "why")));
    }
    let would = if dry_run { " would be" } else { "" };
    say(format_args!("{}{would} taken, {} skipped", number(&answer, "taken"), number(&answer, "skipped")));
    Exit::Fine
}

fn feeds(answer: &Value) {
    say(format_args!("this carrier tells as {}", text(answer, "source")));
    for feed in answer.get("feeds").and_then(Value::as_array).into_iter().flatten() {
        let weight = feed.get("weight").and_then(Value::as_f64).unwrap_or_default();
        let result = Some(text(feed, "result")).filter(|r| !r.is_empty()).unwrap_or("empty");
        let (taken, skipped) = (number(feed, "taken"), number(feed, "skipped"));
        let (id, from) = (text(feed, "id"), text(feed, "from"));
        say(format_args!("{id}  {result}, {taken} taken, {skipped} skipped, weight {weight}, from {from}"));
        if !text(feed, "error").is_empty() {
            say(format_args!("    {}", text(feed, "error")));
        }
    }
}
