//! What it costs to read a text: octets → decoded text → both views → entities, over the mixed corpus of real messages.
//!
//! ```sh
//! cargo bench --bench text
//! ```
//!
//! Each message is read as an SMSC would carry it: GSM 03.38 where that alphabet has its characters, else UCS-2. A figure is
//! the median over messages of a message's median over the rounds. The baseline is UTF-8 validation of the same texts in the
//! same run. The answer is asserted: nothing is undecodable, and after the first round nothing is allocated.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what a clock says, and may fail loudly"
)]

use std::alloc::System;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tapis::text::fold::Views;
use tapis::text::{Alphabet, ReadContext, Reading, UserData, encode};
use tapis::wire::command::DataCoding;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Rounds over the corpus, and messages of it.
const ROUNDS: usize = 7;
const MESSAGES_MAX: usize = 12_000;

/// Reads of one message between two looks at the clock.
const REPEATS: u32 = 4;

struct Sample {
    language: String,
    text: String,
    octets: Vec<u8>,
    data_coding: DataCoding,
}

impl Sample {
    fn new(language: &str, text: &str) -> Self {
        for data_coding in [DataCoding(0), DataCoding(8)] {
            let mut octets = Vec::new();
            if encode::encode(text, data_coding, Alphabet::Gsm, &mut octets).is_ok() {
                return Self { language: language.to_owned(), text: text.to_owned(), octets, data_coding };
            }
        }
        unreachable!("UCS-2 has every character")
    }

    fn user_data(&self) -> UserData<'_> {
        UserData { octets: &self.octets, data_coding: self.data_coding, udhi: false }
    }
}

/// An even share of every message set, in the order of the files.
fn corpus() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let folder = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}; the bench reads real messages, which are not shipped", folder.display()));
    let mut files: Vec<_> =
        folder.flatten().map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "tsv")).collect();
    files.sort();
    let all: Vec<Sample> = files
        .iter()
        .flat_map(|file| {
            let table = std::fs::read_to_string(file).expect("a message set is UTF-8");
            let samples: Vec<Sample> = table
                .lines()
                .skip(1)
                .filter_map(|line| {
                    let mut fields = line.splitn(3, '\t');
                    let (_, language, text) = (fields.next()?, fields.next()?, fields.next()?);
                    Some(Sample::new(language, text))
                })
                .collect();
            samples
        })
        .collect();
    let every = all.len().div_ceil(MESSAGES_MAX);
    all.into_iter().step_by(every).collect()
}

/// Nanoseconds of `work` for each sample: its median over the rounds.
fn measure(samples: &[Sample], mut work: impl FnMut(&Sample)) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(ROUNDS); samples.len()];
    for _ in 0..ROUNDS {
        for (sample, times) in samples.iter().zip(&mut times) {
            let start = Instant::now();
            for _ in 0..REPEATS {
                work(black_box(sample));
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(REPEATS));
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

struct Stage {
    name: &'static str,
    times: Vec<f64>,
}

fn main() {
    let samples = corpus();
    let cx = ReadContext { alphabet: Alphabet::Gsm, ..ReadContext::default() };
    let octets: usize = samples.iter().map(|s| s.text.len()).sum();
    let (mut views, mut reading) = (Views::default(), Reading::default());
    for sample in &samples {
        reading.read(&[sample.user_data()], &cx);
        assert!(reading.undecodable().is_none(), "{}", sample.text);
        views.read(&sample.text);
        views.undo(&sample.text, &|_| false);
    }

    let region = Region::new(ALLOCATOR);
    samples.iter().for_each(|sample| reading.read(&[sample.user_data()], &cx));
    let allocations = region.change().allocations + region.change().reallocations;

    let stages = [
        Stage {
            name: "validate",
            times: measure(&samples, |s| {
                black_box(std::str::from_utf8(black_box(s.text.as_bytes())).is_ok());
            }),
        },
        Stage {
            name: "fold",
            times: measure(&samples, |s| {
                views.read(&s.text);
            }),
        },
        Stage {
            name: "fold + undo",
            times: measure(&samples, |s| {
                views.read(&s.text);
                views.undo(&s.text, &|_| false);
            }),
        },
        Stage { name: "fold + entities", times: measure(&samples, |s| reading.read_text(&s.text, &cx)) },
        Stage { name: "decode + fold + entities", times: measure(&samples, |s| reading.read(&[s.user_data()], &cx)) },
    ];

    println!("{} messages, {} octets of UTF-8 each on average", samples.len(), octets / samples.len());
    let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (n, sample) in samples.iter().enumerate() {
        groups.entry(&sample.language).or_default().push(n);
        groups.entry("all").or_default().push(n);
    }
    println!("{:<28}{}", "median ns a message", groups.keys().map(|g| format!("{g:>8}")).collect::<String>());
    for stage in &stages {
        let row = groups.values().map(|members| {
            let mut times: Vec<f64> = members.iter().map(|n| stage.times[*n]).collect();
            format!("{:>8.0}", median(&mut times))
        });
        println!("{:<28}{}", stage.name, row.collect::<String>());
    }
    for stage in &stages {
        let mean = stage.times.iter().sum::<f64>() / stage.times.len() as f64;
        let mut sorted = stage.times.clone();
        let p50 = median(&mut sorted);
        println!(
            "{:<28}mean {mean:.0} ns, p50 {p50:.0}, p90 {:.0}, p99 {:.0}",
            stage.name,
            sorted[sorted.len() * 9 / 10],
            sorted[sorted.len() * 99 / 100]
        );
    }
    let second = samples.iter().filter(|s| {
        views.read(&s.text);
        views.undo(&s.text, &|_| false);
        views.undone().next().is_some()
    });
    println!("{:.1} % of the messages have a second reading", 100.0 * second.count() as f64 / samples.len() as f64);
    println!("{allocations} allocations in a round over {} messages", samples.len());
    // Internationalized host names apart, which a library of its own takes to pieces.
    assert!(allocations * 1_000 <= samples.len(), "reading a message allocates nothing once the buffers have grown");
}
