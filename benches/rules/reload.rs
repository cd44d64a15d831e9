//! What messages feel of a reload: all processors but one judge at half the rate that they could, while the last one
//! compiles the largest set again, with one line in a hundred changed, swaps it in and frees the one before.
//!
//! Messages come by the clock, however long others take, and the latency of each counts from when it should have come. Who
//! judges sleeps until then, as a node waits for its sockets. There are several reloads, since others may use the machine too,
//! and what counts is the median of each figure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tapis::policy::Policy;
use tapis::sim::corpus::Letter;

use crate::made::{Made, Size, Vocabulary};
use crate::{Judge, loaded};

/// Seconds of messages before a reload and behind it, and how many reloads there are.
const SECONDS: f64 = 1.5;
const RELOADS: usize = 7;

/// A message: when it should have come, and how long it took from then, in seconds.
type Judged = (f64, f64);

/// Parts of a thousand that are told.
const PERMILLES: [usize; 4] = [500, 900, 990, 999];

pub fn run(letters: &[Letter], words: &Vocabulary, quick: bool) {
    let size = if quick {
        Size { literals: 1_000, regexes: 100, domains: 10_000 }
    } else {
        Size { literals: 100_000, regexes: 5_000, domains: 5_000_000 }
    };
    let made = Made::new(size, words);
    let sources = [made.sources(), made.changed(words).sources()];
    let policy = Arc::new(loaded(None, &sources[0]));
    let each = saturated(&policy, letters);
    let workers = std::thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1));
    println!(
        "{size:?}: {:.2} µs a message when nothing else is done; messages come every {:.2} µs to each of {workers}",
        each * 1e6,
        each * 2e6
    );
    let shared = ArcSwap::new(policy);
    let seconds = if quick { SECONDS / 10.0 } else { SECONDS };
    let reloads = if quick { 1 } else { RELOADS };
    let names = ["before", "during", "after"];
    let mut told: [Vec<[f64; 4]>; 3] = Default::default();
    let mut took = Vec::new();
    for n in 1..=reloads {
        let start = Instant::now();
        let (judged, (from, to)) = load(&shared, letters, workers, (start, each * 2.0), || {
            std::thread::sleep(Duration::from_secs_f64(seconds));
            let from = start.elapsed().as_secs_f64();
            let old = shared.load_full();
            let new = loaded(Some(&old), &sources[n % 2]);
            took.push(start.elapsed().as_secs_f64() - from);
            let old = (old, shared.swap(Arc::new(new)));
            // As a node does: not before the last message that is judged by it.
            std::thread::sleep(Duration::from_millis(10));
            drop(old);
            let to = start.elapsed().as_secs_f64();
            std::thread::sleep(Duration::from_secs_f64(seconds));
            (from, to)
        });
        // The first messages find cold caches.
        let phases = [(seconds / 10.0, from), (from, to), (to, f64::MAX)];
        for ((from, to), told) in phases.into_iter().zip(&mut told) {
            let some = judged.iter().filter(|(due, _)| (from..to).contains(due));
            let mut latencies: Vec<f64> = some.map(|(_, latency)| latency * 1e6).collect();
            latencies.sort_by(f64::total_cmp);
            told.push(PERMILLES.map(|permille| latencies[(latencies.len() - 1) * permille / 1_000]));
        }
    }
    println!("compiled in {:.2} s, the median of {reloads} reloads, while every message was judged", median(&mut took));
    println!("{:>8}{:>12}{:>12}{:>12}{:>24}{:>12}", "µs", "p50", "p90", "p99", "lowest–highest", "p99.9");
    let mut p99 = Vec::new();
    for (name, told) in names.iter().zip(&told) {
        let of = |n: usize| median(&mut told.iter().map(|each| each[n]).collect::<Vec<_>>());
        let all = || told.iter().map(|each| each[2]);
        let spread = format!("{:.0}–{:.0}", all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
        println!("{name:>8}{:>12.1}{:>12.1}{:>12.1}{spread:>24}{:>12.1}", of(0), of(1), of(2), of(3));
        p99.push(of(2));
    }
    println!(
        "p99 moves by {:.3} ms while the rules are compiled, and by {:.3} ms after that",
        (p99[1] - p99[0]) / 1e3,
        (p99[2] - p99[0]) / 1e3
    );
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
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
            let early = due - start.elapsed().as_secs_f64();
            if early > 0.0 {
                std::thread::sleep(Duration::from_secs_f64(early));
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
