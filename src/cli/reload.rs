//! `tapis reload`: asks a running node to load its rules again.

use hyper::Method;

use super::Exit;
use super::admin::{self, Asker};

/// Makes a running node load its rules again; whatever is wrong with them, it keeps the old ones.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    asker: Asker,
    /// Take it for all sessions at once, whatever `canary:` says.
    #[arg(long, conflicts_with_all = ["canary", "for_", "after", "block_above", "block_below", "tag_above", "tag_below"])]
    now: bool,
    /// Try it on this share of the sessions first, as 10%.
    #[arg(long, value_name = "SHARE")]
    canary: Option<String>,
    /// Try it for so long, as 5m.
    #[arg(long = "for", value_name = "DURATION")]
    for_: Option<String>,
    /// Messages that it must have judged before it is rolled back or taken for all.
    #[arg(long, value_name = "MESSAGES")]
    after: Option<String>,
    /// Roll it back when it blocks more than this share of its messages, as 2%.
    #[arg(long, value_name = "SHARE")]
    block_above: Option<String>,
    /// Roll it back when it blocks less.
    #[arg(long, value_name = "SHARE")]
    block_below: Option<String>,
    /// Roll it back when it tags more than this share of its messages, as 5%.
    #[arg(long, value_name = "SHARE")]
    tag_above: Option<String>,
    /// Roll it back when it tags less.
    #[arg(long, value_name = "SHARE")]
    tag_below: Option<String>,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let trial = [
        ("now", args.now.then(|| "true".to_owned())),
        ("share", args.canary.clone()),
        ("for", args.for_.clone()),
        ("after", args.after.clone()),
        ("block_above", args.block_above.clone()),
        ("block_below", args.block_below.clone()),
        ("tag_above", args.tag_above.clone()),
        ("tag_below", args.tag_below.clone()),
    ];
    let path = format!("/api/reload?{}", args.asker.query(&trial));
    match admin::request(&args.asker.admin, &Method::POST, &path) {
        Ok((status, answer)) => admin::report(&args.asker, status, &answer),
        Err(exit) => exit,
    }
}
