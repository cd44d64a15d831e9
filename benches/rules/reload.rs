//! What messages feel of a reload: all processors but one judge at half the rate that they could, while the last one
//! compiles the largest set again, with one line in a hundred changed, swaps it in and frees the one before.
//!
//! Messages come by the clock, however long others take, and the latency of each counts from when it should have come. Who
//! judges sleeps until then, as a node waits for its sockets. Others may use the machine too, and a hundredth of the messages
//! feels that more than anything else. So there are many rounds, every second of them without a reload: each is as long as a
//! reload with as much before and behind it, and what is told is how far the p99 of its middle is from that of its ends. The
//! half of the rounds counts in which the machine, where it is a lent one, had its processors most. The medians of both kinds
//! of rounds stand side by side, with what half of them lie between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tapis::policy::Policy;
use tapis::runtime::beside::{behind, beside};
use tapis::sim::corpus::Letter;

use crate::made::{Made, Size, Vocabulary};
use crate::{Judge, loaded, loaded_beside};

/// Rounds of each kind.
const ROUNDS: usize = 31;

/// Seconds before the first reload, when it is not known how long one takes.
const LONG: f64 = 0.5;

/// Seconds in which messages find cold caches, which do not count.
const COLD: f64 = 0.1;

/// A message: when it should have come, and how long it took from then, in seconds.
type Judged = (f64, f64);

/// Parts of a thousand that are told.
const PERMILLES: [usize; 4] = [500, 900, 990, 999];

/// A round.
struct Round {
    /// Latencies of these parts in µs: before the middle, in it, and behind it.
    told: [[f64; 4]; 3],
    /// Seconds of processors that the machine was without, for each second.
    stolen: f64,
}

pub fn run(letters: &[Letter], words: &Vocabulary, quick: bool) {
    let size = if quick {
        Size { literals: 1_000, regexes: 100, domains: 10_000 }
    } else {
        Size { literals: 100_000, regexes: 5_000, domains: 5_000_000 }
    };
    let made = Made::new(size, words);
    let sources = [made.sources(), made.changed(words).with_other_domains().sources()];
    let policy = Arc::new(loaded(None, &sources[0]));
    let each = saturated(&policy, letters);
    let workers = std::thread::available_parallelism().map_or(1, |all| all.get().saturating_sub(1).max(1));
    println!(
        "{size:?}: {:.2} µs a message when nothing else is done; messages come every {:.2} µs to each of {workers}",
        each * 1e6,
        each * 2e6
    );
    let load = Load { shared: ArcSwap::new(policy), letters, workers, every: each * 2.0 };
    let rounds = if quick { 1 } else { ROUNDS };
    let mut told: [Vec<Round>; 2] = Default::default();
    let (mut took, mut seconds) = (Vec::new(), LONG);
    for n in 1..=rounds {
        let reload = || {
            let start = Instant::now();
            let old = load.shared.load_full();
            let new = behind(|| loaded_beside(Some(&old), &sources[n % 2], &beside));
            took.push(start.elapsed().as_secs_f64());
            let old = (old, load.shared.swap(Arc::new(new)));
            // As a node does: not before the last message that is judged by it.
            std::thread::sleep(Duration::from_millis(10));
            behind(|| drop(old));
        };
        told[0].push(load.round(seconds, reload));
        seconds = quarters(took.iter().copied())[1];
        told[1].push(load.round(seconds, || std::thread::sleep(Duration::from_secs_f64(seconds))));
    }
    println!("compiled in {seconds:.2} s, the median of {rounds} reloads, while every message was judged");
    for rounds in &mut told {
        rounds.sort_by(|a, b| a.stolen.total_cmp(&b.stolen));
        rounds.truncate(rounds.len().div_ceil(2));
    }
    let stolen = told.each_ref().map(|rounds| 100.0 * quarters(rounds.iter().map(|round| round.stolen))[1]);
    println!(
        "the quieter half of the rounds: the machine was without {:.1} % of a processor with a reload, {:.1} % without",
        stolen[0], stolen[1]
    );
    println!("{:>34}{:>10}{:>10}{:>10}{:>10}", "µs", "p50", "p90", "p99", "p99.9");
    for (what, rounds) in [("a reload", &told[0]), ("as long without one", &told[1])] {
        for (n, when) in ["before", "during", "after"].iter().enumerate() {
            let of = |part: usize| quarters(rounds.iter().map(|round| round.told[n][part]))[1];
            println!("{:>34}{:>10.1}{:>10.1}{:>10.1}{:>10.1}", format!("{when} {what}"), of(0), of(1), of(2), of(3));
        }
    }
    let [with, without] = told.map(|rounds| {
        let moved = |[before, during, after]: [[f64; 4]; 3]| during[2] - before[2].midpoint(after[2]);
        let [lower, median, upper] = quarters(rounds.iter().map(|round| moved(round.told) / 1e3));
        format!("{median:.3} ms (half of the rounds: {lower:.3} to {upper:.3})")
    });
    println!("p99 moves by {with} while the rules are compiled, and by {without} as long without that");
}

/// The lower quartile of some numbers, their median, and the upper one.
fn quarters(numbers: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| numbers[(numbers.len() - 1) * quarter / 4])
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

/// Seconds that who lends the machine has kept its processors to itself, where the system tells them.
fn stolen() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = text.split_whitespace().nth(8).and_then(|ticks| ticks.parse::<f64>().ok());
    ticks.unwrap_or(0.0) / TICKS
}

/// Ticks of a second.
const TICKS: f64 = 100.0;

/// Messages that come by the clock.
struct Load<'a> {
    shared: ArcSwap<Policy>,
    letters: &'a [Letter],
    /// How many judge, and seconds between two messages of each.
    workers: usize,
    every: f64,
}

impl Load<'_> {
    /// Messages come for so many seconds, while something is done, and for so many seconds again.
    fn round(&self, seconds: f64, middle: impl FnOnce()) -> Round {
        let (start, stolen_before) = (Instant::now(), stolen());
        let wait = |seconds: f64| std::thread::sleep(Duration::from_secs_f64(seconds));
        let (judged, (from, to)) = self.judge(start, || {
            wait(COLD + seconds);
            let from = start.elapsed().as_secs_f64();
            middle();
            let to = start.elapsed().as_secs_f64();
            wait(seconds);
            (from, to)
        });
        let stolen = (stolen() - stolen_before) / start.elapsed().as_secs_f64();
        let told = [(COLD, from), (from, to), (to, f64::MAX)].map(|(from, to)| {
            let some = judged.iter().filter(|(due, _)| (from..to).contains(due));
            let mut latencies: Vec<f64> = some.map(|(_, latency)| latency * 1e6).collect();
            latencies.sort_by(f64::total_cmp);
            PERMILLES.map(|permille| latencies[(latencies.len() - 1) * permille / 1_000])
        });
        Round { told, stolen }
    }

    /// Judges until `meanwhile` is over, and answers with all messages and with what it answered.
    fn judge<T>(&self, start: Instant, meanwhile: impl FnOnce() -> T) -> (Vec<Judged>, T) {
        let done = AtomicBool::new(false);
        let work = || {
            let (mut judge, mut judged) = (Judge::default(), Vec::with_capacity(1 << 20));
            let mut due = start.elapsed().as_secs_f64();
            for letter in self.letters.iter().cycle() {
                let early = due - start.elapsed().as_secs_f64();
                if early > 0.0 {
                    std::thread::sleep(Duration::from_secs_f64(early));
                }
                judge.read_and_judge(&self.shared.load(), letter);
                judged.push((due, start.elapsed().as_secs_f64() - due));
                due += self.every;
                // Nothing that has come is left behind.
                if done.load(Ordering::Relaxed) && start.elapsed().as_secs_f64() < due {
                    break;
                }
            }
            judged
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.workers).map(|_| scope.spawn(work)).collect();
            let said = meanwhile();
            done.store(true, Ordering::Relaxed);
            (workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect(), said)
        })
    }
}
