//! Tapis beside HAProxy, which forwards octets and reads none: the same messages from the same ESMEs to the same SMSC, in
//! turn, with the processor time that the box in the middle took for them.
//!
//! ```sh
//! cargo bench --bench side_by_side                        # both tables
//! cargo bench --bench side_by_side -- --messages 1000000  # each held against what was sent
//! cargo bench --bench side_by_side -- --scale             # cost by sessions, windows, rules, lists, senders, processors
//! ```
//!
//! HAProxy is needed for the two tables alone. `--rounds 2` is faster than the five that README's figures come from,
//! `--seconds 0.5` makes each run shorter, `--only starter` leaves out boxes whose names do not have that word (HAProxy is
//! never left out), `--no-latency` the second table, which has no boxes inside TLS. `--portion 100` has peers write whole
//! windows at once; `--tapis target/other/tapis` measures another build; `--texts FOLDER` sends the texts of its tables.
//!
//! The boxes run as processes of their own, on one processor, the peers on another. Rounds are interleaved, so that what
//! else happens on the machine meets all boxes alike; a figure is the median over the rounds, and its spread stands beside
//! it. Every message must be answered, and every one that is answered with ESME_ROK must have reached the SMSC or been
//! swallowed by a rule that says so.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench prints what a clock says, and may fail loudly"
)]

mod boxes;
mod known;
mod latency;
mod ledger;
#[path = "../rules/made.rs"]
#[allow(dead_code, reason = "another bench asks it for more")]
mod made;
mod peers;
mod scale;
mod tls;
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use boxes::{Folder, Middle, Ports};
use tls::Tls;
use work::Work;

/// How the peers load a box.
const SESSIONS: usize = 8;
const WINDOW: usize = 100;
/// Messages, or answers, that a peer writes at a time.
const PORTION: usize = 16;

struct Options {
    rounds: usize,
    run: Duration,
    only: Option<String>,
    latency: bool,
    tapis: String,
    portion: usize,
    texts: PathBuf,
    messages: Option<usize>,
    scale: bool,
}

fn options() -> Options {
    let mut options = Options {
        rounds: 5,
        run: Duration::from_millis(1_500),
        only: None,
        latency: true,
        tapis: env!("CARGO_BIN_EXE_tapis").into(),
        portion: PORTION,
        texts: Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages"),
        messages: None,
        scale: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} wants a value"));
        match arg.as_str() {
            "--rounds" => options.rounds = value().parse::<usize>().expect("a number of rounds").max(1),
            "--seconds" => options.run = Duration::from_secs_f64(value().parse().expect("seconds")),
            "--only" => options.only = Some(value()),
            "--tapis" => options.tapis = value(),
            "--portion" => options.portion = value().parse::<usize>().expect("messages").max(1),
            "--texts" => options.texts = value().into(),
            "--no-latency" => options.latency = false,
            "--messages" => options.messages = Some(value().parse().expect("messages")),
            "--scale" => options.scale = true,
            "--bench" => {}
            other => {
                panic!(
                    "what is {other}? There are --rounds, --seconds, --only, --portion, --tapis, --texts, --no-latency, \
                     --messages and --scale"
                )
            }
        }
    }
    options
}

fn main() {
    // Asked for its tests, a bench has none.
    if std::env::args().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let options = options();
    let pinned = boxes::pin_peers();
    let work = Work::new(&options.texts);
    let folder = Folder::new();
    println!("{}", work.about());
    if let Some(count) = options.messages {
        return ledger::check(&boxes::scaled(&folder, &work, boxes::Scale::default()), &work, count, &options.tapis);
    }
    let tls = Arc::new(Tls::new(folder.path()));
    let smsc = peers::Smsc::listen(options.portion, &tls);
    if options.scale {
        return scale::table(&folder, &work, &smsc, &options);
    }
    let Some(haproxy) = boxes::haproxy_version() else {
        println!("HAProxy is what Tapis is measured against, and it is not here: apt-get install haproxy");
        return;
    };
    let mut all = boxes::all(&folder, &work, &haproxy, &tls);
    if let Some(only) = &options.only {
        all.retain(|b| b.name.contains("HAProxy") || b.name.contains(only.as_str()));
    }
    println!(
        "{SESSIONS} sessions, window {WINDOW}, of which peers write {} at a time; {} interleaved rounds of {:.1} s; {}\n",
        options.portion,
        options.rounds,
        options.run.as_secs_f64(),
        if pinned { "the box on one processor, the peers on another" } else { "nothing is pinned" }
    );
    throughput(&all, &work, &smsc, &options);
    if options.latency {
        latency::table(&all, &work, &smsc, options.rounds, &options.tapis);
    }
}

/// What one run showed.
#[derive(Clone, Copy)]
struct Run {
    per_cpu_second: f64,
    per_second: f64,
    /// Of the messages, those that were answered with an error.
    refused: f64,
    peers_share: f64,
}

fn throughput(all: &[Middle], work: &Work, smsc: &peers::Smsc, options: &Options) {
    let mut runs: Vec<Vec<Run>> = vec![Vec::new(); all.len()];
    for round in 0..=options.rounds {
        for (one, runs) in all.iter().zip(&mut runs) {
            let ports = Ports::of(one, smsc);
            let running = one.start(ports, &options.tapis);
            // The first round is for caches and files, and does not count.
            let length = if round == 0 { options.run / 4 } else { options.run };
            let inside = one.tls.as_deref();
            let run = load(&running, ports, inside, work, smsc, length, options);
            if round > 0 {
                runs.push(run);
            }
        }
    }
    println!(
        "{:<54}{:>16}{:>19}{:>12}{:>14}{:>10}",
        "", "messages per", "lowest–highest", "of HAProxy", "messages a", "refused"
    );
    println!("{:<54}{:>16}{:>19}{:>12}{:>14}", "", "CPU-second", "of the rounds", "", "second");
    let median_of = |runs: &[Run]| median(runs.iter().map(|r| r.per_cpu_second));
    let is_yardstick =
        |one: &Middle, other: &Middle| other.name.contains("HAProxy") && other.tls.is_some() == one.tls.is_some();
    let best =
        |one: &Middle| all.iter().position(|other| is_yardstick(one, other)).map_or(0.0, |n| median_of(&runs[n]));
    for (one, runs) in all.iter().zip(&runs) {
        let each: Vec<f64> = runs.iter().map(|r| r.per_cpu_second).collect();
        let (low, high) = (each.iter().copied().fold(f64::MAX, f64::min), each.iter().copied().fold(0.0, f64::max));
        println!(
            "{:<54}{:>16}{:>19}{:>12.2}{:>14}{:>8.1} %",
            one.name,
            thousands(median_of(runs)),
            format!("{}–{}", thousands(low), thousands(high)),
            median_of(runs) / best(one),
            thousands(median(runs.iter().map(|r| r.per_second))),
            100.0 * median(runs.iter().map(|r| r.refused)),
        );
    }
    let busiest = runs.iter().flatten().map(|r| r.peers_share).fold(0.0, f64::max);
    println!("\nthe peers took at most {:.0} % of their processor", 100.0 * busiest);
}

/// One run: binds, loads for a while, and holds what the sides counted against each other.
fn load(
    running: &boxes::Running,
    ports: Ports,
    tls: Option<&Tls>,
    work: &Work,
    smsc: &peers::Smsc,
    length: Duration,
    options: &Options,
) -> Run {
    let before = smsc.messages();
    let (cpu, own) = (running.cpu(), boxes::own_cpu());
    let usual = peers::Load { sessions: SESSIONS, window: WINDOW };
    let loaded = peers::load(&[ports.listen], tls, work, length, options.portion, usual);
    let (cpu, own) = (running.cpu() - cpu, boxes::own_cpu() - own);
    let reached = smsc.messages() - before;
    let (answered, fine) = (loaded.report.answered(), loaded.report.answers.get("ESME_ROK").copied().unwrap_or(0));
    assert_eq!(answered, loaded.report.submitted, "{}: messages were lost", running.name);
    assert_eq!(loaded.report.strays, 0, "{}: answers to nothing", running.name);
    // A rule may swallow a message; nothing may reach the SMSC that nobody sent, or that was refused.
    assert!(reached <= fine && (reached == fine || running.swallows), "{}: {reached} of {fine}", running.name);
    let messages = answered as f64;
    Run {
        per_cpu_second: messages / cpu.max(0.01),
        per_second: messages / loaded.seconds,
        refused: (answered - fine) as f64 / messages,
        peers_share: own / loaded.seconds,
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = numbers.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(0.0)
}

fn thousands(n: f64) -> String {
    let digits = format!("{n:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
