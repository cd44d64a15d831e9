//! `tapis list`: one entry more or less in a list of a running node.

use hyper::Method;

use super::{Exit, Format, admin, say, tell};

/// Adds an entry to a list of a running node, or removes one; it holds at once, and after a restart.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Adds an entry.
    Add(Edit),
    /// Removes one, wherever the list has it from.
    Remove(Edit),
}

#[derive(Debug, clap::Args)]
struct Edit {
    /// The list by its full name, as links/known-bad.
    name: String,
    /// The entry, as it would be written in the list.
    entry: String,
    /// The node's admin address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    admin: String,
    /// Who asks, for the record.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let (what, edit) = match &args.what {
        What::Add(edit) => ("add", edit),
        What::Remove(edit) => ("remove", edit),
    };
    // A pack and its list are two parts of the path.
    let name: Vec<String> = edit.name.split('/').map(admin::escaped).collect();
    let mut path = format!("/api/lists/{}?{what}={}", name.join("/"), admin::escaped(&edit.entry));
    if let Some(actor) = &edit.actor {
        path.push_str(&format!("&actor={}", admin::escaped(actor)));
    }
    let (status, answer) = match admin::request(&edit.admin, &Method::POST, &path) {
        Ok(answered) => answered,
        Err(exit) => return exit,
    };
    if edit.format == Format::Json {
        say(&answer);
    } else {
        let text = |key: &str| answer.get(key).and_then(serde_json::Value::as_str).unwrap_or("none").to_owned();
        if answer.get("error").is_some() {
            tell(format_args!("tapis: {}", text("error")));
        }
        let (old, new) = (text("old_digest"), text("new_digest"));
        if status.is_success() && old == new {
            say(format_args!("nothing changed; {old} is in force"));
        } else if status.is_success() {
            say(format_args!("changed {old} to {new}"));
        } else {
            admin::diagnostics(&answer);
            tell("the list stays as it is");
        }
    }
    if status.is_success() { Exit::Fine } else { Exit::Config }
}
