//! `tapis reputation`: what a node knows of senders, links, numbers and texts, and an operator's word on it.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::admin::{self, Node};
use super::{Exit, Format, count, fail, say, tell};
use crate::reputation::Reputation;
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;
use crate::runtime::{load, remember, reputation, snapshot};

/// Explains, lists, pins and forgets what a running node knows of senders, accounts, domains, phones and campaigns.
///
/// A KEY is KIND:NAME, as sender:+85291234567, sender:DBS, domain:kbnk-th.xyz, account:acme, phone:+66812345678 or
/// phone:telegram:winner, or KIND:HASH as lists have it; campaigns are only known by their hash.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells a key's standing term by term.
    Show {
        /// The key, as domain:kbnk-th.xyz.
        key: String,
        /// A snapshot to ask in place of a running node.
        #[arg(long, value_name = "SNAPSHOT")]
        file: Option<PathBuf>,
        /// The configuration of the node that wrote the snapshot: it names the secret.
        #[arg(long, value_name = "FILE", requires = "file")]
        config: Option<PathBuf>,
        #[command(flatten)]
        node: Node,
    },
    /// Lists the keys of the lowest standing.
    List {
        /// Only sender, account, domain, phone or campaign.
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        most: usize,
        #[command(flatten)]
        node: Node,
    },
    /// Lists live campaigns, the largest first, each with one of its texts, masked.
    Campaigns {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        most: usize,
        #[command(flatten)]
        node: Node,
    },
    /// Forgets everything about a key, an operator's word too.
    Reset(Change),
    /// Sets a key's standing to 100 or 0, until it is unpinned.
    Pin {
        #[command(flatten)]
        change: Change,
        /// 100 or 0.
        #[arg(value_enum)]
        word: Word,
    },
    /// Lets evidence decide again.
    Unpin(Change),
    /// Lifts what keeps a key down: forgets the evidence, and pins it good where something else still weighs on it.
    Unblock(Change),
    /// Writes every key with its counts, one JSON object a line.
    Export {
        /// The file; - for standard output.
        file: PathBuf,
        /// The node's admin address.
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
        admin: String,
    },
    /// Adds counts and pins, one JSON object a line, as {"key":"domain:x.top","pin":"bad","counts":{"proven":3}}.
    Import {
        /// The file; - for standard input.
        file: PathBuf,
        #[command(flatten)]
        asker: Asker,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Word {
    Good,
    Bad,
}

#[derive(Debug, clap::Args)]
struct Change {
    /// The key, as sender:+85291234567.
    key: String,
    #[command(flatten)]
    asker: Asker,
}

#[derive(Debug, clap::Args)]
struct Asker {
    #[command(flatten)]
    node: Node,
    /// Who asks, for the record.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Asker {
    /// A path with who asks, and why.
    fn path(&self, what: &str, others: &[(&str, &str)]) -> String {
        let own = [("actor", self.actor.as_deref()), ("comment", self.comment.as_deref())];
        let own = own.into_iter().filter_map(|(key, value)| Some((key, value?)));
        path(what, &others.iter().copied().chain(own).collect::<Vec<_>>())
    }
}

fn path(what: &str, query: &[(&str, &str)]) -> String {
    let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", admin::escaped(value))).collect();
    format!("/api/reputation/{what}?{}", query.join("&"))
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    match &args.command {
        Command::Show { key, file: Some(file), config, node } => match offline(key, file, config.as_deref()) {
            Ok(answer) => admin::show(node.format, StatusCode::OK, &answer, show),
            Err(why) => fail(Exit::Config, why),
        },
        Command::Show { key, node, .. } => node.ask(&Method::GET, &path("show", &[("key", key)]), show),
        Command::List { kind, most, node } => {
            let most = most.to_string();
            let kind = kind.as_deref().map(|kind| ("kind", kind));
            let query: Vec<_> = [("most", most.as_str())].into_iter().chain(kind).collect();
            node.ask(&Method::GET, &path("list", &query), list)
        }
        Command::Campaigns { most, node } => {
            node.ask(&Method::GET, &path("campaigns", &[("most", &most.to_string())]), campaigns)
        }
        Command::Reset(to) => change("reset", to, None),
        Command::Unpin(to) => change("unpin", to, None),
        Command::Unblock(to) => change("unblock", to, None),
        Command::Pin { change: to, word } => change("pin", to, Some(*word)),
        Command::Export { file, admin } => export(file, admin),
        Command::Import { file, asker } => import(file, asker),
    }
}

fn change(what: &str, to: &Change, word: Option<Word>) -> Exit {
    let word = word.map(|word| match word {
        Word::Good => ("as", "good"),
        Word::Bad => ("as", "bad"),
    });
    let query: Vec<_> = [("key", to.key.as_str())].into_iter().chain(word).collect();
    to.asker.node.ask(&Method::POST, &to.asker.path(what, &query), |answer| {
        let number = |key: &str| answer.get(key).and_then(Value::as_f64).unwrap_or_default();
        let pin = text(answer, "pin").map_or(String::new(), |pin| format!(", pinned {pin}"));
        let key = text(answer, "key").unwrap_or_default();
        say(format_args!("{key} stood at {:.1}, stands at {:.1}{pin}", number("old_standing"), number("new_standing")));
    })
}

fn text<'v>(of: &'v Value, key: &str) -> Option<&'v str> {
    of.get(key).and_then(Value::as_str)
}

fn show(answer: &Value) {
    let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_f64).unwrap_or_default();
    let name = text(answer, "name").map_or(String::new(), |name| format!("  {name}"));
    say(format_args!("{}{name}", text(answer, "key").unwrap_or_default()));
    let pin = text(answer, "pin").map_or(String::new(), |pin| format!("  (pinned {pin}: no term counts)"));
    say(format_args!("standing  {:.1} of 100{pin}", number(answer, "standing")));
    for term in answer.get("terms").and_then(Value::as_array).into_iter().flatten() {
        let (name, about) = (text(term, "name").unwrap_or_default(), text(term, "about").unwrap_or_default());
        say(format_args!("  {:>+7.3}  {name:<13} {about}", number(term, "nats")));
    }
    if answer.get("known").and_then(Value::as_bool) != Some(true) {
        say("nothing is known of it");
        return;
    }
    let counts = answer.get("counts").and_then(Value::as_object).into_iter().flatten();
    let counts: Vec<String> = counts.map(|(name, n)| format!("{:.1} {name}", n.as_f64().unwrap_or_default())).collect();
    say(format_args!("counts    {}", if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }));
    let key = text(answer, "key").unwrap_or_default();
    let others = if key.starts_with("account") || key.starts_with("sender") { "recipients" } else { "senders" };
    let whole = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    say(format_args!("distinct  {} {others}, {} reporters", whole("distinct"), whole("reporters")));
    let when = |key: &str| text(answer, key).unwrap_or("never").to_owned();
    say(format_args!("seen      first {}, last {}", when("first"), when("last")));
}

fn list(answer: &Value) {
    let known = answer.get("known").and_then(Value::as_u64).unwrap_or_default();
    say(format_args!("{} known, the worst first", count(usize::try_from(known).unwrap_or(usize::MAX), "key")));
    for key in answer.get("keys").and_then(Value::as_array).into_iter().flatten() {
        let standing = key.get("standing").and_then(Value::as_f64).unwrap_or_default();
        let (hash, name) = (text(key, "key").unwrap_or_default(), text(key, "name").unwrap_or_default());
        say(format!("{standing:>5.1}  {hash:<27}  {name}").trim_end());
    }
}

fn campaigns(answer: &Value) {
    let all = answer.get("campaigns").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        say("no campaign is live");
    }
    for one in all {
        let number = |key: &str| one.get(key).and_then(Value::as_u64).unwrap_or_default();
        let word = |key: &str| text(one, key).unwrap_or_default();
        let standing = one.get("standing").and_then(Value::as_f64).unwrap_or_default();
        say(format_args!(
            "{}  {} messages of {} senders, standing {standing:.1}, {} to {}",
            word("key"),
            number("messages"),
            number("senders"),
            word("first"),
            word("last"),
        ));
        say(format_args!("    {}", word("sample")));
    }
}

/// What a snapshot says of a key.
fn offline(key: &str, file: &Path, config: Option<&Path>) -> Result<Value, String> {
    let clock = Clock::start();
    let tell = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let (mut written, mut journal_key, mut base) = (None, [0; 32], PathBuf::new());
    if let Some(config) = config {
        let origin = Origin { main: Some(config.to_owned()), rules: Vec::new(), state: None };
        let loaded = load::load(&origin, clock.now());
        let (loaded, ..) = loaded.map_err(|(all, _)| format!("{}: {} diagnostics", config.display(), all.len()))?;
        base = config.parent().unwrap_or(Path::new("")).to_owned();
        if let Some(dir) = &loaded.settings.journal.dir {
            let key = std::fs::read(base.join(dir).join("key")).unwrap_or_default();
            journal_key = key.try_into().unwrap_or(journal_key);
        }
        written = Some(loaded.settings.reputation);
    }
    let settings = remember::settings(&written.unwrap_or_default(), &base, &journal_key).map_err(|e| e.to_string())?;
    let neutral = settings.cold_start;
    let memory = Reputation::new(settings, clock.now());
    let taken = snapshot::read(file, &memory).map_err(|e| tell(&e))?;
    let (key, name) = reputation::key(&memory, key)?;
    // As it was when it was written: a key that stays quiet recovers.
    let mut of = memory.explain(key, taken.restored.map_or(clock.now(), |r| r.taken));
    of.name = of.name.or(name);
    Ok(reputation::told(&of, neutral))
}

fn export(file: &Path, address: &str) -> Exit {
    let to_file = file != Path::new("-");
    let written = if to_file {
        File::create(file).map_err(|e| format!("{}: {e}", file.display())).and_then(|file| {
            let mut out = BufWriter::new(file);
            admin::fetch(address, "/api/reputation/export", &mut out)?;
            out.flush().map_err(|e| e.to_string())
        })
    } else {
        admin::fetch(address, "/api/reputation/export", &mut std::io::stdout().lock())
    };
    match written {
        Ok(()) => Exit::Fine,
        Err(why) => fail(Exit::Config, why),
    }
}

/// Octets of one request of an import.
const BATCH: usize = 1 << 20;

fn import(file: &Path, asker: &Asker) -> Exit {
    let reader: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        match File::open(file) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => return fail(Exit::Config, format_args!("{}: {error}", file.display())),
        }
    };
    let path = asker.path("import", &[]);
    let (mut taken, mut refused, mut before, mut in_batch) = (0, 0, 0, 0);
    let mut batch = Vec::new();
    let mut send = |batch: &mut Vec<u8>, before: u64| -> Result<(), Exit> {
        let (status, answer) = admin::send(&asker.node.admin, &path, std::mem::take(batch))?;
        if !status.is_success() {
            admin::error(&answer);
            return Err(Exit::Config);
        }
        let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_u64).unwrap_or_default();
        (taken, refused) = (taken + number(&answer, "taken"), refused + number(&answer, "refused"));
        for one in answer.get("why").and_then(Value::as_array).into_iter().flatten() {
            let line = before + number(one, "line");
            tell(format_args!("{}:{line}: {}", file.display(), text(one, "error").unwrap_or_default()));
        }
        Ok(())
    };
    for line in reader.split(b'\n') {
        match line {
            Ok(line) => batch.extend(line),
            Err(error) => return fail(Exit::Config, format_args!("{}: {error}", file.display())),
        }
        batch.push(b'\n');
        in_batch += 1;
        if batch.len() >= BATCH {
            if let Err(exit) = send(&mut batch, before) {
                return exit;
            }
            (before, in_batch) = (before + in_batch, 0);
        }
    }
    if !batch.is_empty()
        && let Err(exit) = send(&mut batch, before)
    {
        return exit;
    }
    if asker.node.format == Format::Json {
        say(json!({ "taken": taken, "refused": refused }));
    } else {
        say(format_args!("{taken} taken, {refused} refused"));
    }
    if refused == 0 { Exit::Fine } else { Exit::Failed }
}
