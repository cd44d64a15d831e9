//! What messages feel of a reload: all processors but one judge at half the rate that they could, while the last one
//! compiles the largest set again, with one line in a hundred changed, swaps it in and frees the one before.
//!
//! Messages come by the clock, however long others take, and the latency of each counts from when it should have come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tapis::policy::Policy;
use tapis::sim::corpus::Letter;

use crate::made::{Made, Size, Vocabulary};
use crate::{Judge, loaded};

/// Seconds of messages before a reload and behind it.
const SECONDS: f64 = 3.0;

/// A message: when it should have come, and how long it took from then, in seconds.
type Judged = (f64, f64);

pub fn run(letters: &[Letter], words: &Vocabulary, quick: bool) {
    let size = if quick {
        Size { literals: 1_000, regexes: 100, domains: 10_000 }
    } else {
        Size { literals: 100_000, regexes: 5_000, domains: 5_000_000 }
    };
    let made = Made::new(size, words);
    let policy = Arc::new(loaded(None, &made.sources()));
    let changed = made.changed(words).sources();
    let each = saturated(&policy, letters);
    let workers = std::thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1));
    println!(
        "{size:?}: {:.2} µs a message when nothing else is done; messages come every {:.2} µs to each of {workers}",
        each * 1e6,
        each * 2e6
    );
    let shared = ArcSwap::new(policy);
    let seconds = if quick { SECONDS / 10.0 } else { SECONDS };
    let start = Instant::now();
    let (judged, (from, to)) = load(&shared, letters, workers, (start, each * 2.0), || {
        std::thread::sleep(Duration::from_secs_f64(seconds));
        let from = start.elapsed().as_secs_f64();
        let old = shared.load_full();
        let new = loaded(Some(&old), &changed);
        let compiled = start.elapsed().as_secs_f64();
        let old = (old, shared.swap(Arc::new(new)));
        // As a node does: not before the last message that is judged by it.
        std::thread::sleep(Duration::from_millis(10));
        drop(old);
        let to = start.elapsed().as_secs_f64();
        println!(
            "compiled in {:.2} s and the old set freed in {:.2} s, while messages were judged",
            compiled - from,
            to - compiled
        );
        std::thread::sleep(Duration::from_secs_f64(seconds));
        (from, to)
    });
    let of = |from: f64, to: f64| {
        let some = judged.iter().filter(|(due, _)| (from..to).contains(due));
        let mut latencies: Vec<f64> = some.map(|(_, latency)| latency * 1e6).collect();
        latencies.sort_by(f64::total_cmp);
        latencies
    };
    // The first messages find cold caches.
    let phases = [("before", of(seconds / 10.0, from)), ("during", of(from, to)), ("after", of(to, f64::MAX))];
    let at = |latencies: &[f64], permille: usize| latencies[(latencies.len() - 1) * permille / 1_000];
    for (name, latencies) in &phases {
        let at = |permille: usize| at(latencies, permille);
        println!(
            "{name:>8}: {:>8} messages, all judged; latency p50 {:.1} µs, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}",
            latencies.len(),
            at(500),
            at(900),
            at(990),
            at(999),
            at(1_000)
        );
    }
    println!("p99 moves by {:.3} ms", (at(&phases[1].1, 990) - at(&phases[0].1, 990)) / 1e3);
}

/// Seconds of a message when one thread judges all the time.
fn saturated(policy: &Policy, letters: &[Letter]) -> f64 {
    let mut judge = Judge::default();
    let mut least = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        letters.iter().for_each(|letter| judge.read_and_judge(policy, letter));
        least = least.min(start.elapsed().as_secs_f64() / letters.len() as f64);
    }
    least
}

/// Judges messages that come every so many seconds to each worker until `meanwhile` is over, and answers with all of them
/// and with what it answered.
fn load<T>(
    shared: &ArcSwap<Policy>,
    letters: &[Letter],
    workers: usize,
    (start, every): (Instant, f64),
    meanwhile: impl FnOnce() -> T,
) -> (Vec<Judged>, T) {
    let done = AtomicBool::new(false);
    let work = || {
        let (mut judge, mut judged) = (Judge::default(), Vec::with_capacity(1 << 20));
        let mut due = start.elapsed().as_secs_f64();
        for letter in letters.iter().cycle() {
            while start.elapsed().as_secs_f64() < due {
                std::hint::spin_loop();
            }
            judge.read_and_judge(&shared.load(), letter);
            judged.push((due, start.elapsed().as_secs_f64() - due));
            due += every;
            // Nothing that has come is left behind.
            if done.load(Ordering::Relaxed) && start.elapsed().as_secs_f64() < due {
                break;
            }
        }
        judged
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let said = meanwhile();
        done.store(true, Ordering::Relaxed);
        (workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect(), said)
    })
}
