//! `tapis bench`: where a message's time goes, on this machine and with these rules.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::{Exit, Format, check, count, explain, fail, replay, say, tell, traffic};
use crate::audit::record::Recorder;
use crate::policy::Policy;
use crate::replay::stages::{How, Profile, STAGES, profile};
use crate::replay::{Defaults, Setting, Traffic};
use crate::runtime::clock::{self, Clock};
use crate::runtime::gate_settings;
use crate::sim::corpus;

/// Breaks the time that a message takes into its stages, on recorded traffic.
///
/// Each stage is what the way to its end takes more than the way to the one before, over blocks of messages; the shortest of
/// all rounds counts. One thread works. Sockets, and the disk below the journal, are left out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Traffic, as for `tapis replay`; the demo's messages when not given.
    #[arg(long = "traffic", value_name = "FILE", num_args = 1..)]
    files: Vec<PathBuf>,
    /// Rule files, folders of them, or a tapis.yaml; config/tapis.yaml when neither this nor --config is given.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// The configuration: its limits, accounts and profiles, and its rules unless --rules names others.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How often all traffic is played; the first time, which does not count, apart.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    #[command(flatten)]
    hints: traffic::Hints,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let origin = match explain::configured(args.config.as_deref(), &args.rules) {
        Ok(origin) => origin,
        Err(exit) => return exit,
    };
    let loaded = match check::policy(&origin) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let recorder = Recorder {
        node: loaded.settings.node.clone(),
        boot: "bench".into(),
        key: ([0; 32], "bench".into()),
        text: loaded.settings.journal.text,
        smscs: loaded.settings.smsc.iter().map(|smsc| smsc.id.clone()).collect(),
    };
    let passes_one_in = loaded.settings.journal.passes_one_in;
    let gate = gate_settings(&loaded.settings);
    let setting = Setting::new(Arc::new(loaded.policy), &gate);
    let all = match args.files.is_empty() {
        true => made_up(),
        false => match traffic::read(&args.files, &args.hints) {
            Ok(all) => all,
            Err(exit) => return exit,
        },
    };
    let how = How { rounds: usize::from(args.rounds), clock: &clock::stopwatch, recorder: &recorder, passes_one_in };
    let profile = profile(&all, &setting, &how);
    if profile.messages == 0 {
        return fail(Exit::Usage, "there is no submit_sm or deliver_sm in what was read");
    }
    show(&profile, &setting.policy, args, passes_one_in);
    replay::tell_left_out(all.left_out);
    if profile.left_out > 0 {
        tell(format_args!("{} of other operations left out", count(profile.left_out, "request")));
    }
    Exit::Fine
}

fn made_up() -> Traffic {
    let mut all = Traffic::default();
    let at = Clock::start().now();
    all.add_letters(&corpus::demo(), &Defaults { account: "esme".into(), at, ..Defaults::default() });
    all
}

fn show(profile: &Profile, policy: &Policy, args: &Args, passes_one_in: u64) {
    let sum: f64 = profile.stages.iter().sum();
    match args.format {
        Format::Json => {
            let tenths = |nanoseconds: f64| (nanoseconds * 10.0).round() / 10.0;
            let stages: serde_json::Map<_, _> =
                STAGES.iter().zip(profile.stages).map(|(name, ns)| ((*name).to_owned(), tenths(ns).into())).collect();
            say(json!({
                "policy": policy.digest(), "messages": profile.messages, "rounds": args.rounds,
                "written": profile.written, "passes_one_in": passes_one_in, "stages_ns": stages,
                "whole_ns": tenths(profile.whole),
            }));
        }
        Format::Text => {
            let messages = count(profile.messages, "message");
            let source = if args.files.is_empty() { " of the demo" } else { "" };
            say(format_args!("policy     {} {}", policy.digest(), policy.name()));
            say(format_args!("traffic    {messages}{source}, {} rounds, the shortest counts", args.rounds));
            say(format_args!("journal    {} of them written; passes 1 in {passes_one_in}\n", profile.written));
            say(format_args!("{:<11}{:>10}{:>9}", "stage", "ns", "share"));
            for (name, ns) in STAGES.iter().zip(profile.stages) {
                say(format_args!("{name:<11}{ns:>10.0}{:>7.1} %", 100.0 * ns / sum.max(1.0)));
            }
            say(format_args!("{:<11}{:>10.0}", "whole", profile.whole));
        }
    }
}
