//! What messages feel of a reload: two threads judge at half the rate that they could, while a third compiles the largest
//! set again, with one line in a hundred changed, and swaps it in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tapis::policy::Policy;
use tapis::sim::corpus::Letter;

use crate::made::{Made, Size, Vocabulary};
use crate::{Judge, loaded};

/// Threads that judge.
const WORKERS: usize = 2;

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
    println!(
        "{size:?}: {:.2} µs a message when nothing else is done; messages come every {:.2} µs to each of {WORKERS}",
        each * 1e6,
        each * 2e6
    );
    let shared = ArcSwap::new(policy);
    let seconds = if quick { 1 } else { 6 };
    let before = load(&shared, letters, each * 2.0, seconds, None);
    let during = load(
        &shared,
        letters,
        each * 2.0,
        seconds,
        Some(&|| {
            let start = Instant::now();
            let old = shared.load_full();
            let new = loaded(Some(&old), &changed);
            let compiled = start.elapsed();
            let old = (old, shared.swap(Arc::new(new)));
            println!("reloaded in {:.2} s, while messages were judged", compiled.as_secs_f64());
            drop(old);
        }),
    );
    for (name, latencies) in [("without", &before), ("with", &during)] {
        let at = |permille: usize| latencies[(latencies.len() - 1) * permille / 1_000] * 1e6;
        println!(
            "{name:>8} a reload: {} messages, all judged; latency p50 {:.1} µs, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}",
            latencies.len(),
            at(500),
            at(900),
            at(990),
            at(999),
            at(1_000)
        );
    }
    let p99 = |l: &[f64]| l[(l.len() - 1) * 99 / 100];
    println!("p99 moves by {:.3} ms", (p99(&during) - p99(&before)) * 1e3);
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

/// Judges messages that come every so many seconds to each thread, and answers how long each took from when it should
/// have come to its verdict, in order.
fn load(
    shared: &ArcSwap<Policy>,
    letters: &[Letter],
    every: f64,
    seconds: u64,
    meanwhile: Option<&(dyn Fn() + Sync)>,
) -> Vec<f64> {
    let done = AtomicBool::new(meanwhile.is_none());
    let mut all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|_| {
                scope.spawn(|| {
                    let (mut judge, mut latencies) = (Judge::default(), Vec::with_capacity(4_000_000));
                    let start = Instant::now();
                    let mut due = 0.0;
                    for letter in letters.iter().cycle() {
                        while start.elapsed().as_secs_f64() < due {
                            // As a session does between two reads.
                            if due - start.elapsed().as_secs_f64() > 50e-6 {
                                std::thread::sleep(Duration::from_micros(20));
                            } else {
                                std::hint::spin_loop();
                            }
                        }
                        judge.read_and_judge(&shared.load(), letter);
                        latencies.push(start.elapsed().as_secs_f64() - due);
                        due += every;
                        if due > seconds as f64 && done.load(Ordering::Relaxed) {
                            return latencies;
                        }
                    }
                    latencies
                })
            })
            .collect();
        if let Some(meanwhile) = meanwhile {
            std::thread::sleep(Duration::from_millis(500));
            meanwhile();
            done.store(true, Ordering::Relaxed);
        }
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<f64>>()
    });
    all.sort_by(f64::total_cmp);
    all
}
