//! `tapis diff`: which verdicts another policy would change, on traffic that has been.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::{Exit, Format, check, replay, say, tell, traffic};
use crate::replay::diff::{self, Diff};
use crate::runtime::clock::Clock;

/// Runs two policies over the same traffic and shows every verdict that changes; 0 when none does, 1 when some do.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A rule file or a folder of them, or a tapis.yaml: what is in force.
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The same: what shall be.
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Captures, pcaps, lines of PDUs in hexadecimal, or tables of messages (tab-separated, one column named `text`); - is
    /// standard input.
    #[arg(long = "traffic", required = true, value_name = "TRAFFIC", num_args = 1..)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    traffic: traffic::Hints,
    /// Samples of each group of changed verdicts in the JSON.
    #[arg(long, default_value_t = 3)]
    samples: usize,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let setting = |path: &PathBuf| check::policy(&check::origin(std::slice::from_ref(path))).map(replay::setting);
    let (old, new) = match (setting(&args.old), setting(&args.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let all = match traffic::read(&args.files, &args.traffic) {
        Ok(all) => all,
        Err(exit) => return exit,
    };
    let clock = Clock::start();
    let start = clock.now();
    let samples = args.samples.max(1);
    let lanes = all.lanes();
    let found = traffic::on_all_cores(&lanes, 2 * all.len(), |lane, done| {
        diff::lane(&all, lane, &old, &new, samples, &mut || {
            done.fetch_add(1, Ordering::Relaxed);
        })
    });
    let mut difference = Diff::default();
    found.into_iter().for_each(|one| difference.merge(one, samples));
    let seconds = clock.now().since(start).as_secs_f64();
    match args.format {
        Format::Json => {
            let side = |path: &PathBuf, policy: &crate::policy::Policy| json!({ "path": path.display().to_string(), "name": policy.name(), "digest": policy.digest() });
            say(json!({
                "kind": "policies", "old": side(&args.old, &old.policy), "new": side(&args.new, &new.policy),
                "memory": "cold", "left_out": { "other_pdus": all.left_out.other, "no_pdus": all.left_out.no_pdu },
            }));
            difference.json().into_iter().for_each(say);
        }
        Format::Text => {
            say(format_args!("old        {} {}", old.policy.digest(), args.old.display()));
            say(format_args!("new        {} {}", new.policy.digest(), args.new.display()));
            say("memory     starts cold on both sides\n");
            say(difference.text().trim_end());
        }
    }
    replay::tell_left_out(all.left_out);
    tell(traffic::speed(difference.old.messages.all(), seconds));
    if difference.changed() == 0 { Exit::Fine } else { Exit::Failed }
}
