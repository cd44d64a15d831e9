//! How long `diff` takes for 100,000 messages between two forms of the starter rules, on all cores; and whether its counts
//! are those of two replays.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a bench prints, and may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tapis::config::source::Sources;
use tapis::policy;
use tapis::replay::diff::{self, Diff};
use tapis::replay::{Defaults, Report, Setting, Traffic, play};
use tapis::runtime::files::Origin;
use tapis::runtime::gate_settings;
use tapis::sim::corpus::{self, Letter};
use tapis::time::Timestamp;

const MESSAGES: usize = 100_000;

fn setting(sources: &Sources) -> Setting {
    let loaded = policy::load(sources).unwrap_or_else(|all| panic!("{all:?}"));
    Setting::new(Arc::new(loaded.policy), &gate_settings(&loaded.settings))
}

/// Real messages where they stand beside the repository, else those of the demo, as often as it takes.
fn letters() -> Vec<Letter> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&data).into_iter().flatten().filter_map(Result::ok) {
        let table = std::fs::read_to_string(entry.path()).unwrap_or_default();
        all.extend(corpus::read(&table).unwrap_or_default());
    }
    println!("traffic: {}", if all.is_empty() { "the demo's" } else { "real messages" });
    if all.is_empty() {
        all = corpus::demo();
    }
    all.into_iter().cycle().take(MESSAGES).collect()
}

fn on_all_cores<T: Send>(lanes: &[Vec<u32>], work: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let one = || {
            let mut done = Vec::new();
            while let Some(lane) = lanes.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push(work(lane));
            }
            done
        };
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    })
}

fn main() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = Origin { main: Some(top.join("config/tapis.yaml")), ..Origin::default() }.read_once();
    let mut harder = sources.clone();
    let main = harder.main.as_mut().unwrap();
    main.text = main.text.replace("tag: 5, block: 10", "tag: 3, block: 8");
    let (old, new) = (setting(&sources), setting(&harder));
    let mut traffic = Traffic::default();
    traffic.add_letters(&letters(), &Defaults { at: Timestamp(1_795_492_800_000_000), ..Defaults::default() });
    let lanes = traffic.lanes();

    let start = Instant::now();
    let mut found = Diff::default();
    for one in on_all_cores(&lanes, |lane| diff::lane(&traffic, lane, &old, &new, 3, &mut || {})) {
        found.merge(one, 3);
    }
    let took = start.elapsed();
    println!("diff of {MESSAGES} messages: {:.2} s, {} verdicts change", took.as_secs_f64(), found.changed());

    for (side, counted) in [(&old, &found.old), (&new, &found.new)] {
        let start = Instant::now();
        let mut report = Report::default();
        let reports = on_all_cores(&lanes, |lane| {
            let mut report = Report::default();
            play(&traffic, lane, side, &mut |decided| report.add(&decided));
            report
        });
        reports.iter().for_each(|one| report.merge(one));
        println!("replay of {MESSAGES} messages: {:.2} s", start.elapsed().as_secs_f64());
        assert_eq!(&report, counted, "a diff counts what a replay counts");
        assert_eq!(usize::try_from(report.messages.all()).unwrap(), MESSAGES);
    }
    let moved: u64 = found.table.iter().filter(|((a, b), _)| a != b).map(|(_, n)| n).sum();
    assert!(found.changed() >= moved && moved > 0);
}
