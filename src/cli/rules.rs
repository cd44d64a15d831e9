//! `tapis rules`: the language's reference, its schema for editors, and what rules there are.

use std::path::PathBuf;

use hyper::Method;
use serde_json::{Value, json};

use super::admin::{self, Node};
use super::{Exit, Format, check, count, say};
use crate::config::spec::Mode;
use crate::config::{reference, schema};

/// Prints the reference of the rule language, its JSON Schema, or the rules that there are.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Every fact and key, with its type, its unit and an example: the page that `tapis help facts` shows.
    Facts,
    /// A JSON Schema of rule files, for editors to complete from.
    Schema {
        /// Of tapis.yaml instead.
        #[arg(long)]
        main: bool,
    },
    /// All rules by id, with what each is about.
    List {
        /// Rule files, folders of them, or a tapis.yaml.
        #[arg(long = "rules", value_name = "PATH", default_value = "config")]
        paths: Vec<PathBuf>,
        /// How to answer.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// What rules cost on a running node, the costliest first.
    Slowest {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 10)]
        top: usize,
        #[command(flatten)]
        node: Node,
    },
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    match &args.what {
        What::Facts => say(reference::page().trim_end()),
        What::Schema { main } => say(format_args!("{:#}", schema::schema(*main))),
        What::List { paths, format } => return list(paths, *format),
        What::Slowest { top, node } => return slowest(*top, node),
    }
    Exit::Fine
}

fn list(paths: &[PathBuf], format: Format) -> Exit {
    let loaded = match check::policy(&check::origin(paths)) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let mut rules: Vec<_> = loaded.policy.rules.rules.iter().collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let width = rules.iter().map(|r| r.id.len()).max().unwrap_or(0);
    for rule in &rules {
        let spec = loaded.spec.rules.iter().find(|s| *s.id.value == *rule.id);
        let about = spec.and_then(|s| s.about.as_deref()).unwrap_or_default();
        let mode = match rule.mode {
            Mode::Off => "off",
            Mode::Shadow => "shadow",
            Mode::Live => "live",
        };
        let action = rule.action.map_or("-", |a| a.name());
        match format {
            Format::Text => {
                say(format_args!("{:width$}  {mode:6}  {:>5}  {action:5}  {about}", rule.id, rule.score.to_string()));
            }
            Format::Json => say(json!({
                "id": &*rule.id, "mode": mode, "score": rule.score.json(), "action": rule.action.map(|a| a.name()),
                "category": rule.category.as_deref(), "basis": rule.basis.as_deref(), "about": about,
                "at": rule.place.to_string(), "cases": spec.map_or(0, |s| s.cases.len()),
            })),
        }
    }
    if format == Format::Text {
        let live = rules.iter().filter(|r| r.mode == Mode::Live).count();
        say(format_args!("{}, {live} live", count(rules.len(), "rule")));
    }
    Exit::Fine
}

/// A rule that took time: its id, its seconds, and how often it was asked.
struct Cost<'v> {
    id: &'v str,
    seconds: f64,
    asked: u64,
}

impl<'v> Cost<'v> {
    fn read(rule: &'v Value) -> Option<Self> {
        let time = rule.get("time")?;
        let (seconds, asked) = (time.get("seconds")?.as_f64()?, time.get("asked")?.as_u64()?);
        Some(Self { id: rule.get("id")?.as_str()?, seconds, asked })
    }

    /// Microseconds each time.
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    fn each(&self) -> f64 {
        self.seconds * 1e6 / self.asked.max(1) as f64
    }
}

fn slowest(top: usize, node: &Node) -> Exit {
    let (status, answer) = match admin::request(&node.admin, &Method::GET, "/api/policy") {
        Ok(answer) => answer,
        Err(exit) => return exit,
    };
    if !status.is_success() {
        admin::error(&answer);
        return Exit::Config;
    }
    let rules = answer.get("rules").and_then(Value::as_array);
    let mut costs: Vec<Cost<'_>> = rules.into_iter().flatten().filter_map(Cost::read).collect();
    costs.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let all: f64 = costs.iter().map(|c| c.seconds).sum();
    costs.truncate(top);
    let width = costs.iter().map(|c| c.id.len()).max().unwrap_or(4).max(4);
    if node.format == Format::Text {
        say(format_args!("{:width$}  {:>10}  {:>6}  {:>10}  {:>8}", "rule", "seconds", "share", "asked", "µs each"));
    }
    for cost in &costs {
        let share = cost.seconds * 100.0 / all.max(f64::MIN_POSITIVE);
        match node.format {
            Format::Text => say(format_args!(
                "{:width$}  {:>10.6}  {share:>5.1}%  {:>10}  {:>8.3}",
                cost.id,
                cost.seconds,
                cost.asked,
                cost.each()
            )),
            Format::Json => say(json!({
                "rule": cost.id, "seconds": cost.seconds, "asked": cost.asked, "microseconds_each": cost.each(),
            })),
        }
    }
    Exit::Fine
}
