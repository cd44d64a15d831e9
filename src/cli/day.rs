//! `tapis sim day`: a day at a carrier, by a seed, through the policy and memory of a configuration.

use std::collections::HashSet;
use std::path::PathBuf;

use super::explain;
use super::replay::setting;
use super::{Exit, check, fail, say, tell, traffic};
use crate::replay::day::page::{self, thousands};
use crate::replay::day::play;
use crate::runtime::clock::Clock;
use crate::runtime::remember;
use crate::sim::day::Day;

/// A day at a carrier: thirteen kinds of traffic, honest and not, one memory, no sockets; 1 when an attack comes through or honest traffic is blocked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The main file of the configuration; config/tapis.yaml when not given.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Messages in all; a tenth as many people send them.
    #[arg(long, default_value_t = 10_000_000)]
    messages: u64,
    /// What the day is made of.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let origin = match explain::configured(args.config.as_deref(), &[]) {
        Ok(origin) => origin,
        Err(exit) => return exit,
    };
    let loaded = match check::policy(&origin) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let base = origin.main.as_deref().and_then(|main| main.parent()).unwrap_or(std::path::Path::new("")).to_path_buf();
    let reputation = match remember::settings(&loaded.settings.reputation, &base, &[0; 32]) {
        Ok(settings) => settings,
        Err(error) => return fail(Exit::Config, error),
    };
    let mut setting = setting(loaded);
    setting.reputation = reputation;
    let day = Day::new(args.messages, args.seed);
    let clock = Clock::start();
    let start = clock.now();
    let mut bar = traffic::Bar::new(usize::try_from(args.messages).unwrap_or(usize::MAX));
    let outcome = play(day.clone(), &setting, &mut |done| bar.show(done));
    bar.end();
    let lines = page::lines(&outcome, &day, &setting.policy, setting.reputation);
    say(page::text(&lines).trim_end());
    let messages: u64 = lines.iter().map(|line| line.messages).sum();
    let senders: HashSet<&str> =
        outcome.classes.values().flat_map(|tally| &tally.senders).map(|sender| &**sender).collect();
    let count = |n: usize| thousands(u64::try_from(n).unwrap_or(u64::MAX));
    say(format_args!(
        "{} messages of {} senders, {} receipts; {} keys in memory, {} made room",
        thousands(messages),
        count(senders.len()),
        thousands(outcome.receipts),
        count(outcome.keys),
        thousands(outcome.evicted),
    ));
    tell(traffic::speed(messages, clock.now().since(start).as_secs_f64()));
    if lines.iter().all(page::Line::is_right) { Exit::Fine } else { Exit::Failed }
}
