//! `tapis replay`: what a policy would have done with traffic that has been.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::{Exit, Format, check, count, explain, say, tell, traffic};
use crate::policy::Loaded;
use crate::replay::{Decided, LeftOut, Report, Setting, play};
use crate::runtime::clock::Clock;
use crate::runtime::gate_settings;

/// Runs traffic through a policy, faster than time, and counts what comes out.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Captures, pcaps, lines of PDUs in hexadecimal, or tables of messages (tab-separated, one column named `text`); - is
    /// standard input.
    #[arg(required = true, value_name = "TRAFFIC")]
    files: Vec<PathBuf>,
    /// Rule files, folders of them, or a tapis.yaml; config/tapis.yaml when neither this nor --config is given.
    #[arg(long, value_name = "PATH", num_args = 1..)]
    rules: Vec<PathBuf>,
    /// The configuration: its limits, accounts and profiles, and its rules unless --rules names others.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    traffic: traffic::Hints,
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
    let setting = match check::policy(&origin) {
        Ok(loaded) => setting(loaded),
        Err(exit) => return exit,
    };
    let all = match traffic::read(&args.files, &args.traffic) {
        Ok(all) => all,
        Err(exit) => return exit,
    };
    let clock = Clock::start();
    let start = clock.now();
    let lanes = all.lanes();
    let reports = traffic::on_all_cores(&lanes, all.len(), |lane, done| {
        let mut report = Report::default();
        play(&all, lane, &setting, &mut |decided| {
            report.add(&decided);
            if matches!(decided, Decided::Decision { .. }) {
                done.fetch_add(1, Ordering::Relaxed);
            }
        });
        report
    });
    let mut report = Report::default();
    reports.iter().for_each(|one| report.merge(one));
    let seconds = clock.now().since(start).as_secs_f64();
    match args.format {
        Format::Json => {
            say(json!({
                "kind": "policy", "name": setting.policy.name(), "digest": setting.policy.digest(), "memory": "cold",
                "left_out": { "other_pdus": all.left_out.other, "no_pdus": all.left_out.no_pdu },
            }));
            report.json().into_iter().for_each(say);
        }
        Format::Text => {
            say(format_args!("policy     {} {}, memory starts cold", setting.policy.digest(), setting.policy.name()));
            say(report.text().trim_end());
        }
    }
    tell_left_out(all.left_out);
    tell(traffic::speed(report.messages.all(), seconds));
    Exit::Fine
}

/// What loaded traffic is played to.
pub(super) fn setting(loaded: Loaded) -> Setting {
    let gate = gate_settings(&loaded.settings);
    Setting::new(Arc::new(loaded.policy), &gate)
}

/// What was in the files and is no message.
pub(super) fn tell_left_out(left_out: LeftOut) {
    if left_out.other > 0 {
        tell(format_args!("{} without a message left out", count(left_out.other, "PDU")));
    }
    if left_out.no_pdu > 0 {
        tell(format_args!("{} of octets that are no PDU left out", count(left_out.no_pdu, "run")));
    }
}
