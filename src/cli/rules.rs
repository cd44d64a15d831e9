//! `tapis rules`: the language's reference, its schema for editors, and what rules there are.

use std::path::PathBuf;

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
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    match &args.what {
        What::Facts => say(reference::page().trim_end()),
        What::Schema { main } => say(format_args!("{:#}", schema::schema(*main))),
        What::List { paths, format } => return list(paths, *format),
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
            Format::Json => say(serde_json::json!({
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
