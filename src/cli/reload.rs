//! `tapis reload`: asks a running node to load its rules again.

use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;

use super::{Exit, Format, admin, fail, say, tell};

/// Makes a running node load its rules again; whatever is wrong with them, it keeps the old ones.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// The node's admin address.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    admin: String,
    /// Reload only if this policy is in force: guards against two editors.
    #[arg(long, value_name = "DIGEST")]
    if_digest: Option<String>,
    /// Who asks, for the record.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A node that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let runtime = match super::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(Exit::Config, error),
    };
    let asked = runtime.block_on(async { tokio::time::timeout(PATIENCE, ask(args)).await });
    match asked {
        Ok(Ok((status, answer))) => report(args, status, &answer),
        Ok(Err(why)) => fail(Exit::Config, format_args!("{}: {why}", args.admin)),
        Err(_) => fail(Exit::Config, format_args!("{} does not answer", args.admin)),
    }
}

async fn ask(args: &Args) -> Result<(StatusCode, Value), String> {
    let mut path = format!("/api/reload?dry_run={}", args.dry_run);
    for (key, value) in [("if_digest", &args.if_digest), ("actor", &args.actor)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={}", admin::escaped(value)));
        }
    }
    admin::post(&args.admin, &path).await
}

fn report(args: &Args, status: StatusCode, answer: &Value) -> Exit {
    let exit = if status.is_success() { Exit::Fine } else { Exit::Config };
    if args.format == Format::Json {
        say(answer);
        return exit;
    }
    if let Some(error) = answer.get("error").and_then(Value::as_str) {
        tell(format_args!("tapis: {error}"));
    }
    admin::tell_diagnostics(answer);
    let digest = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or("none").to_owned();
    let (old, new) = (digest("old_digest"), digest("new_digest"));
    match (exit, args.dry_run) {
        (Exit::Fine, true) if old == new => say(format_args!("nothing would change; {old} is in force")),
        (Exit::Fine, false) if old == new => say(format_args!("nothing changed; {old} is in force")),
        (Exit::Fine, true) => say(format_args!("would change {old} to {new}")),
        (Exit::Fine, false) => say(format_args!("changed {old} to {new}")),
        _ => tell(format_args!("{old} stays in force")),
    }
    for what in ["added", "removed", "changed"] {
        let ids = answer.get(what).and_then(Value::as_array).into_iter().flatten();
        ids.filter_map(Value::as_str).for_each(|id| say(format_args!("  {what} {id}")));
    }
    if answer.get("other_changed").and_then(Value::as_bool) == Some(true) {
        say("  changed lists, registries, profiles, accounts or tags");
    }
    exit
}
