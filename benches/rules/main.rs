//! What rules cost: nanoseconds a message with few rules and with many, how long a set takes to compile, and its memory.
//!
//! ```sh
//! cargo bench --bench rules              # the table of README
//! cargo bench --bench rules -- reload    # what a reload of the largest set does to messages meanwhile
//! cargo bench --bench rules -- 10000 1000 0   # one set: literals, regexes, domains
//! ```
//!
//! Messages are real ones; words, regexes and domains are made up from a fixed seed, most of them of words that the messages
//! have (see [`made`]). A message is read (decoded, folded, searched for links and numbers) and judged; the second figure is
//! judging alone. Times of messages are those that the thread had a processor, the least of all rounds, since others may use
//! the machine too; those of compiling are the clock's. Memory is what the system counts for a process of its own that reads
//! and compiles the set once, and its allocator keeps. Beside them stand a plain loop
//! over all regexes, and one over `contains` for all literals. The answer is asserted: regexes that fire are those of the
//! plain loop. `TAPIS_BENCH_ROUNDS` sets the rounds (9 unless told); with 1 the largest sets are left out.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and its clock is the real one")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

mod made;
mod reload;

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use regex_automata::meta::Regex;
use tapis::config::source::Sources;
use tapis::message::{AccountFacts, Direction, Envelope, Message, ReadAs};
use tapis::policy::{self, Beside, Policy, Scratch};
use tapis::rules::Facts;
use tapis::sim::corpus::{self, Letter};
use tapis::text::Alphabet;
use tapis::time::Timestamp;
use tapis::verdict::Verdict;
use tapis::wire::command::{CommandId, RegisteredDelivery};

use made::{Made, Size};

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Noon in Singapore.
const NOON: Timestamp = Timestamp(1_795_492_800_000_000);

/// Messages that every set judges.
const MESSAGES: usize = 3_000;

/// How often a changed set is compiled, of which the median is told.
const COMPILED: usize = 5;

/// How often they are judged between two looks at the clock.
const REPEATS: usize = 5;

fn main() {
    // Asked for its tests, a bench has none.
    if std::env::args().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let rounds = std::env::var("TAPIS_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(9_usize).max(1);
    let quick = rounds == 1;
    let letters = letters(if quick { 600 } else { MESSAGES });
    let words = made::vocabulary(&letters);
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let asked = match numbers[..] {
        [literals, regexes, domains] => Some(Size { literals, regexes, domains }),
        _ => None,
    };
    if let Some(size) = asked.filter(|_| std::env::args().any(|a| a == "memory")) {
        return tell_memory(size, &words);
    }
    if std::env::args().any(|a| a == "reload") {
        return reload::run(&letters, &words, quick);
    }
    println!("{} real messages; the least of {rounds} rounds\n", letters.len());
    println!(
        "{:>8}{:>8}{:>10} │{:>9}{:>8}{:>7} │{:>10}{:>7} │{:>12}{:>12} │{:>7}{:>6}",
        "literals",
        "regexes",
        "domains",
        "ns/msg",
        "judging",
        "×",
        "compile s",
        "MiB",
        "regex loop",
        "contains",
        "hits",
        "fired"
    );
    let mut bench = Bench { letters: &letters, words: &words, rounds, loops: true, smallest: None };
    if let Some(size) = asked {
        bench.loops = false;
        bench.whole(size);
        return;
    }
    let few = Size { literals: 10, regexes: 0, domains: 1_000 };
    bench.row(few);
    for literals in [100, 1_000, 10_000, 100_000] {
        bench.row(Size { literals, ..few });
    }
    for regexes in [10, 100, 1_000, 5_000] {
        if !(quick && regexes > 1_000) {
            bench.row(Size { regexes, ..few });
        }
    }
    for domains in [10_000, 100_000, 1_000_000, 5_000_000] {
        if !(quick && domains > 1_000_000) {
            bench.row(Size { domains, ..few });
        }
    }
    println!();
    bench.row(few);
    bench.whole(Size { literals: 10_000, regexes: 1_000, domains: if quick { 100_000 } else { 1_000_000 } });
    if !quick {
        bench.whole(Size { literals: 100_000, regexes: 5_000, domains: 5_000_000 });
    }
}

/// An even share of every message set, one of each language after the other.
fn letters(count: usize) -> Vec<Letter> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let files = std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("{}: {e}; the bench reads real messages, which are not shipped", folder.display()));
    let mut tables: Vec<_> =
        files.flatten().map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "tsv")).collect();
    tables.sort();
    let all: Vec<Vec<Letter>> = tables
        .iter()
        .map(|table| {
            let letters = corpus::read(&String::from_utf8_lossy(&std::fs::read(table).unwrap())).unwrap();
            let step = (letters.len() * tables.len() / count).max(1);
            letters.into_iter().step_by(step).collect()
        })
        .collect();
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|n| all.iter().filter_map(move |one| one.get(n))).take(count).cloned().collect()
}

struct Bench<'a> {
    letters: &'a [Letter],
    words: &'a made::Vocabulary,
    rounds: usize,
    /// Whether the plain loops are measured too.
    loops: bool,
    /// Nanoseconds of a message with the smallest set: read and judged, and judged alone.
    smallest: Option<[f64; 2]>,
}

impl Bench<'_> {
    /// Measures a set and prints its line.
    fn row(&mut self, size: Size) -> (Made, Policy) {
        let made = Made::new(size, self.words);
        let sources = made.sources();
        let start = Instant::now();
        let policy = loaded(None, &sources);
        let compile = start.elapsed().as_secs_f64();
        drop(sources);
        let memory = memory(size);
        let times = self.judged(&policy);
        let smallest = *self.smallest.get_or_insert(times);
        let (hits, fired) = self.fired(&policy, &made);
        let (regex, contains) = (self.regex_loop(&made, &policy), self.contains_loop(&made));
        let or_none = |n: Option<f64>| n.map_or_else(|| "–".to_owned(), |n| format!("{n:.0}"));
        println!(
            "{:>8}{:>8}{:>10} │{:>9.0}{:>8.0}{:>7.2} │{compile:>10.2}{memory:>7} │{:>12}{:>12} │{hits:>7.2}{fired:>6.2}",
            size.literals,
            size.regexes,
            size.domains,
            times[0],
            times[1],
            times[0] / smallest[0],
            or_none(regex),
            or_none(contains),
        );
        (made, policy)
    }

    /// A whole set, and how long it takes to compile it again when one line in a hundred has changed.
    fn whole(&mut self, size: Size) {
        let (made, policy) = self.row(size);
        let made = made.changed(self.words);
        let compile = |sources: &Sources, beside: Beside<'_>| {
            let mut policies = (0..COMPILED).map(|_| {
                let start = Instant::now();
                let next = loaded_beside(Some(&policy), sources, beside);
                (next, start.elapsed().as_secs_f64())
            });
            let (next, first) = policies.next().unwrap();
            let mut took: Vec<f64> = policies.map(|(_, took)| took).chain([first]).collect();
            took.sort_by(f64::total_cmp);
            (next, took[COMPILED / 2])
        };
        let (next, seconds) = compile(&made.sources(), ALONE);
        let sources = made.with_other_domains().sources();
        let ((one, by_one), (two, by_two)) = (compile(&sources, ALONE), compile(&sources, IN_TWO_THREADS));
        assert_eq!(one.digest(), two.digest());
        drop((one, two));
        println!(
            "{:>26} │ 1 % of rules and word lists changed: compiled in {seconds:.2} s, 1 % of the domains too: {by_one:.2} s, where a second thread reads them {by_two:.2} s",
            "",
        );
        println!(
            "{:>26} │ rules asked for every message: {}; {:.0} MiB of words, regexes and lists",
            "",
            next.rules.always_asked().count(),
            next.rules.octets() as f64 / f64::from(1 << 20),
        );
        let start = Instant::now();
        drop(policy);
        println!("{:>26} │ the old set freed in {:.1} ms", "", start.elapsed().as_secs_f64() * 1e3);
    }

    /// Nanoseconds of a message: read and judged, and judged alone.
    fn judged(&self, policy: &Policy) -> [f64; 2] {
        let mut judge = Judge::default();
        let mut least = [f64::MAX; 2];
        for round in 0..=self.rounds {
            let mut start = cpu_seconds();
            let times = [true, false].map(|judged| {
                for letter in self.letters.iter().cycle().take(self.letters.len() * REPEATS) {
                    if judged { judge.read_and_judge(policy, letter) } else { judge.read(letter) }
                }
                let end = cpu_seconds();
                let seconds = end - std::mem::replace(&mut start, end);
                seconds * 1e9 / (self.letters.len() * REPEATS) as f64
            });
            // The first round is for the caches.
            if round > 0 {
                least = [least[0].min(times[0]), least[1].min(times[0] - times[1])];
            }
        }
        least
    }

    /// Findings of a message, and the share of messages that have any.
    fn fired(&self, policy: &Policy, made: &Made) -> (f64, f64) {
        let mut judge = Judge::default();
        let (mut hits, mut fired) = (0, 0);
        for letter in self.letters {
            judge.read_and_judge(policy, letter);
            hits += judge.verdict.findings.len();
            fired += usize::from(!judge.verdict.findings.is_empty());
        }
        assert!(made.size.literals < 10_000 || hits > 0, "nothing is found at all");
        (hits as f64 / self.letters.len() as f64, fired as f64 / self.letters.len() as f64)
    }

    /// Every regex run over every text, as in a filter that is a loop; and whether the same fire.
    fn regex_loop(&self, made: &Made, policy: &Policy) -> Option<f64> {
        if !self.loops || made.regexes.is_empty() || (self.rounds == 1 && made.regexes.len() > 100) {
            return None;
        }
        let regexes: Vec<Regex> = made.regexes.iter().map(|r| Regex::new(r).unwrap()).collect();
        let sample = self.letters.iter().step_by(self.letters.len() * regexes.len() / 40_000 + 1);
        let (mut judge, mut count, mut seconds) = (Judge::default(), 0, 0.0);
        for letter in sample {
            judge.read_and_judge(policy, letter);
            let message = judge.message();
            let views = message.reading.views();
            let start = Instant::now();
            let mut found: Vec<usize> = Vec::new();
            for (n, regex) in regexes.iter().enumerate() {
                if regex.is_match(black_box(views.folded())) {
                    found.push(n);
                }
            }
            seconds += start.elapsed().as_secs_f64();
            count += 1;
            for (n, regex) in regexes.iter().enumerate() {
                if views.undone().any(|reading| regex.is_match(reading)) {
                    found.push(n);
                }
            }
            let mut ids: Vec<String> = found.iter().map(|n| made::regex_id(*n)).collect();
            ids.sort();
            ids.dedup();
            let fired = judge.verdict.findings.iter().filter_map(|f| policy.rules.rule(f)).map(|r| r.id.to_string());
            let mut fired: Vec<String> = fired.filter(|id| id.starts_with("regex-")).collect();
            fired.sort();
            assert_eq!(fired, ids, "{}", letter.text);
        }
        Some(seconds * 1e9 / f64::from(count))
    }

    /// Every literal looked for in every text by itself.
    fn contains_loop(&self, made: &Made) -> Option<f64> {
        if !self.loops || made.size.literals < 10 || made.size.regexes > 0 || made.size.domains > 1_000 {
            return None;
        }
        let texts: Vec<String> = self.letters.iter().map(|l| l.text.to_lowercase()).collect();
        let sample: Vec<&String> = texts.iter().step_by(texts.len() * made.literals.len() / 2_000_000 + 1).collect();
        let start = Instant::now();
        let mut found = 0;
        for text in &sample {
            found += made.literals.iter().filter(|literal| black_box(text).contains(literal.as_str())).count();
        }
        black_box(found);
        Some(start.elapsed().as_secs_f64() * 1e9 / sample.len() as f64)
    }
}

/// Seconds that this thread has had of a processor, where the system tells them; else those of the clock.
fn cpu_seconds() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    // The system counts up when it takes the processor away.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// How a node with few processors compiles, and one with more.
const ALONE: Beside<'_> = &|_, yaml| yaml();
const IN_TWO_THREADS: Beside<'_> = &|lists, yaml| {
    std::thread::scope(|scope| {
        scope.spawn(lists);
        yaml();
    });
};

/// MiB that the set takes, as another process says, which does nothing else.
fn memory(size: Size) -> String {
    let numbers = [size.literals, size.regexes, size.domains].map(|n| n.to_string());
    let asked = Command::new(std::env::current_exe().unwrap()).arg("memory").args(numbers).output().unwrap();
    String::from_utf8(asked.stdout).unwrap().trim().to_owned()
}

fn tell_memory(size: Size, words: &made::Vocabulary) {
    let made = Made::new(size, words);
    let sources = made.sources();
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim_end_matches("kB").trim().parse::<f64>().ok()
    };
    let before = resident();
    let policy = loaded(None, &sources);
    let grown = resident().zip(before).map(|(after, before)| (after - before) / 1024.0);
    println!("{}", grown.map_or_else(|| "–".to_owned(), |grown| format!("{grown:.0}")));
    drop((policy, made));
}

fn loaded(before: Option<&Policy>, sources: &Sources) -> Policy {
    loaded_beside(before, sources, ALONE)
}

fn loaded_beside(before: Option<&Policy>, sources: &Sources, beside: Beside<'_>) -> Policy {
    let (loaded, diagnostics) = policy::read_ahead(before, sources, beside);
    assert!(!diagnostics.has_errors(), "{:?}", diagnostics.sorted().iter().take(3).collect::<Vec<_>>());
    loaded.policy
}

/// What judges one message after another.
#[derive(Default)]
struct Judge {
    envelope: Envelope,
    scratch: Scratch,
    verdict: Verdict,
}

impl Judge {
    fn read(&mut self, letter: &Letter) {
        let sm = letter.sm(RegisteredDelivery(0));
        let read_as = ReadAs { alphabet: Alphabet::Gsm, home: None, now: NOON, unasked: false };
        self.envelope.read_sm(CommandId::SUBMIT_SM, &sm, read_as);
    }

    fn message(&self) -> Message<'_> {
        let account = AccountFacts { id: "esme", ..AccountFacts::default() };
        self.envelope.message(Direction::Mt, account, None, NOON)
    }

    fn read_and_judge(&mut self, policy: &Policy, letter: &Letter) {
        self.read(letter);
        let account = AccountFacts { id: "esme", ..AccountFacts::default() };
        let message = self.envelope.message(Direction::Mt, account, None, NOON);
        policy.judge(&message, &Facts::Nothing, &mut self.scratch, &mut self.verdict);
    }
}
