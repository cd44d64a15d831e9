//! What memory costs: nanoseconds a message for its standing and for taking it in, by how many keys are known.
//!
//! ```sh
//! cargo bench --bench reputation
//! ```
//!
//! A message comes of one of a thousand accounts and of a sender, seven times in ten one of the busiest tenth, to one of
//! four recipients of its sender; every fifth has a link to one of a thousandth as many domains. Asked is the standing of its
//! sender; then the message is observed.
//!
//! | column | what comes |
//! |---|---|
//! | in bursts | sixteen messages of one account, as a session under load gets them in one read: a gate then has memory look ahead to their senders, which is counted in, and judges one after another |
//! | alone | single messages of any account, each of which waits for memory that is far away |
//! | 2 threads × | how much more two threads get done in the same time, in bursts of different accounts |
//! | HashMap | the same bursts, to what one would write in an hour: 64 locks around a `HashMap` of the same state's size for each key, without bound, spread, doorkeeper or prior |
//!
//! Octets a key are those of the tables, which are half empty here, and of what they point to. A figure is the median of batches
//! of 2,048 messages, in the time that the thread had a processor, since others may use the machine too; all are measured by turns.
//! `TAPIS_BENCH_ROUNDS=1` leaves out the largest size.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and its clock is the real one")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tapis::reputation::{
    AHEAD_MAX, Counted, Fate, Ground, Key, Kind, Rate, Reputation, Settings, Sighting, Template, Traits,
};
use tapis::text::{ReadContext, Reading};
use tapis::time::Timestamp;

/// The program's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const START: u64 = 1_795_000_000_000_000;
const BATCH: usize = 2_048;
const ACCOUNTS: u64 = 1_000;

/// Messages of one read.
const BURST: usize = 16;
const ALONE: usize = 1;
const _: () = assert!(BURST <= AHEAD_MAX && BATCH.is_multiple_of(BURST));

/// Numbers without end from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(n)) >> 64) as u64
    }
}

fn hash(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (n ^ (n >> 31)).max(1)
}

fn key(kind: Kind, n: u64) -> Key {
    Key { kind, hash: hash(n ^ u64::from(kind.code()) << 56) }
}

/// A message by the numbers of its account, sender, recipient and domain.
#[derive(Clone, Copy)]
struct Letter {
    account: u64,
    sender: u64,
    recipient: u64,
    domain: Option<u64>,
}

impl Letter {
    fn new(dice: &mut Dice, senders: u64, account: u64) -> Self {
        let busy = dice.below(10) < 7;
        let of_account = senders / ACCOUNTS;
        let sender = dice.below(if busy { (of_account / 10).max(1) } else { of_account }) * ACCOUNTS + account;
        Self {
            account,
            sender,
            recipient: sender * 4 + dice.below(4),
            domain: (dice.below(5) == 0).then(|| dice.below((senders / 1000).max(10))),
        }
    }

    fn fill(&self, traits: &mut Traits) {
        traits.clear();
        traits.add(key(Kind::Account, self.account));
        traits.add(key(Kind::Sender, self.sender));
        traits.add(key(Kind::Recipient, self.recipient));
        if let Some(domain) = self.domain {
            traits.add(key(Kind::Domain, domain));
        }
    }
}

/// Messages by the burst, each burst of one account.
fn letters(dice: &mut Dice, senders: u64, burst: usize) -> Vec<Letter> {
    let mut letters = Vec::with_capacity(BATCH);
    while letters.len() < BATCH {
        let account = dice.below(ACCOUNTS);
        letters.extend((0..burst).map(|_| Letter::new(dice, senders, account)));
    }
    letters
}

/// Microseconds between two messages: ten thousand a second.
const GAP: u64 = 100;

/// What a session does with the messages of one read.
fn judge_burst(memory: &Reputation, traits: &mut Traits, letters: &[Letter], rates: &[Rate], now: Timestamp) -> f32 {
    if letters.len() > 1 {
        memory.look_ahead(letters.iter().map(|letter| key(Kind::Sender, letter.sender)));
    }
    let at = |n: usize| Timestamp(now.0 + n as u64 * GAP);
    letters.iter().enumerate().map(|(n, letter)| judge(memory, traits, letter, rates, at(n))).sum()
}

fn judge(memory: &Reputation, traits: &mut Traits, letter: &Letter, rates: &[Rate], now: Timestamp) -> f32 {
    letter.fill(traits);
    let standing = memory.standing(key(Kind::Sender, letter.sender), now);
    let mut most = 0;
    for rate in rates {
        most = most.max(memory.count(rate, traits, true, now).unwrap_or(0));
    }
    black_box(most);
    let sighting = Sighting { traits, fate: Fate::Passed, ground: Ground::None, template: None };
    memory.observe(&sighting, rates, now);
    standing
}

fn full(senders: u64) -> Reputation {
    let settings = Settings { entries_max: (senders as usize * 2).max(20_000), ..Settings::default() };
    let memory = Reputation::new(settings, Timestamp(START));
    let mut traits = Traits::default();
    for sender in 0..senders {
        let letter = Letter { account: sender % ACCOUNTS, sender, recipient: sender * 4, domain: None };
        judge(&memory, &mut traits, &letter, &[], Timestamp(START + sender));
    }
    memory
}

/// Seconds that this thread had a processor, as far as the system tells.
fn cpu_seconds() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    // The system counts up when it takes the processor away.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|n| n.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// Nanoseconds a message, of each batch.
fn run(
    (batches, seed): (usize, u64),
    senders: u64,
    burst: usize,
    mut work: impl FnMut(&[Letter], Timestamp),
) -> Vec<f64> {
    let mut dice = Dice(seed);
    let mut now = START + 60_000_000;
    let mut times = Vec::with_capacity(batches);
    for _ in 0..batches {
        let letters = letters(&mut dice, senders, burst);
        let start = cpu_seconds();
        for burst in letters.chunks(burst) {
            work(burst, Timestamp(now));
            now += burst.len() as u64 * GAP;
        }
        times.push((cpu_seconds() - start) * 1e9 / BATCH as f64);
    }
    times
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// What one would write in an hour.
struct Plain(Vec<Mutex<HashMap<u64, [f32; 14]>>>);

impl Plain {
    fn new() -> Self {
        Self((0..64).map(|_| Mutex::default()).collect())
    }

    fn judge_burst(&self, letters: &[Letter], now: Timestamp) -> f32 {
        letters.iter().map(|letter| self.judge(letter, now)).sum()
    }

    fn judge(&self, letter: &Letter, now: Timestamp) -> f32 {
        let keys = [key(Kind::Account, letter.account), key(Kind::Sender, letter.sender)];
        let standing = self.touch(key(Kind::Sender, letter.sender).hash, now, 0.0);
        let domain = letter.domain.map(|domain| key(Kind::Domain, domain));
        for key in keys.into_iter().chain(domain) {
            self.touch(key.hash, now, 1.0);
        }
        standing
    }

    fn touch(&self, hash: u64, now: Timestamp, add: f32) -> f32 {
        let mut shard = self.0[(hash >> 58) as usize].lock().unwrap();
        let state = shard.entry(hash).or_default();
        let second = (now.0 / 1_000_000) as f32;
        let fade = (-(second - state[0]) / 1_209_600.0).exp2();
        state[0] = second;
        state[1..].iter_mut().for_each(|count| *count *= fade);
        state[1] += add;
        state[1] / (state[1] + state[2] + 20.0)
    }
}

fn main() {
    // Asked for its tests, a bench has none.
    if std::env::args().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let rounds = std::env::var("TAPIS_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(5_usize).max(1);
    let batches = rounds * 60;
    let only: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let mut sizes = vec![10_000, 100_000, 1_000_000];
    if rounds > 1 {
        sizes.push(10_000_000);
    }
    if !only.is_empty() {
        sizes = only;
    }
    let mut rows: Vec<Row> = sizes.into_iter().map(Row::new).collect();
    for turn in 0..TURNS {
        rows.iter_mut().for_each(|row| row.measure(batches.div_ceil(TURNS), turn as u64));
    }
    println!(
        "{:>10} │{:>11}{:>8}{:>12}{:>13} │{:>12}{:>13}",
        "senders", "in bursts", "alone", "octets/key", "2 threads ×", "HashMap", "2 threads ×"
    );
    rows.iter_mut().for_each(Row::print);
    if let [few, .., many] = &mut rows[..] {
        let times = median(&mut many.bursts) / median(&mut few.bursts);
        println!(
            "in bursts a message takes {times:.1} times as long at {} senders as at {}",
            many.senders, few.senders
        );
    }
    drop(rows);
    rates(batches);
    campaigns();
}

/// All is measured by turns, so that all meets alike with what else the machine does.
const TURNS: usize = 15;

/// What is measured with so many senders.
struct Row {
    senders: u64,
    memory: Reputation,
    plain: Plain,
    bursts: Vec<f64>,
    alone: Vec<f64>,
    of_plain: Vec<f64>,
    scale: Vec<f64>,
    scale_of_plain: Vec<f64>,
}

impl Row {
    fn new(senders: u64) -> Self {
        let plain = Plain::new();
        for sender in 0..senders {
            plain.judge(&Letter { account: sender % ACCOUNTS, sender, recipient: 0, domain: None }, Timestamp(START));
        }
        let (bursts, alone, of_plain) = (Vec::new(), Vec::new(), Vec::new());
        let (scale, scale_of_plain) = (Vec::new(), Vec::new());
        Self { senders, memory: full(senders), plain, bursts, alone, of_plain, scale, scale_of_plain }
    }

    fn measure(&mut self, batches: usize, turn: u64) {
        let Self { senders, memory, plain, .. } = self;
        let mut traits = Traits::default();
        let mut sum = 0.0;
        let mut judge = |letters: &[Letter], now| sum += judge_burst(memory, &mut traits, letters, &[], now);
        self.alone.extend(run((batches, turn), *senders, ALONE, &mut judge));
        self.bursts.extend(run((batches, turn + 100), *senders, BURST, &mut judge));
        assert!(sum > 0.0, "standings are above 0");
        let of_plain = |letters: &[Letter], now| _ = black_box(plain.judge_burst(letters, now));
        self.of_plain.extend(run((batches, turn + 100), *senders, BURST, of_plain));
        self.scale.push(threads(batches, *senders, turn, &|letters, now, traits: &mut Traits| {
            black_box(judge_burst(memory, traits, letters, &[], now));
        }));
        self.scale_of_plain.push(threads(batches, *senders, turn, &|letters, now, _| of_plain(letters, now)));
    }

    fn print(&mut self) {
        let fill = self.memory.fill();
        assert!(fill.entries as u64 >= self.senders * 98 / 100, "hardly anything was pushed out: {fill:?}");
        println!(
            "{:>10} │{:>11.0}{:>8.0}{:>12.0}{:>13.2} │{:>12.0}{:>13.2}",
            self.senders,
            median(&mut self.bursts),
            median(&mut self.alone),
            (fill.octets + fill.heap) as f64 / fill.entries as f64,
            median(&mut self.scale),
            median(&mut self.of_plain),
            median(&mut self.scale_of_plain)
        );
    }
}

/// The throughput of two threads over that of one.
fn threads(batches: usize, senders: u64, turn: u64, work: &(dyn Fn(&[Letter], Timestamp, &mut Traits) + Sync)) -> f64 {
    let one = |seed: u64| {
        let mut traits = Traits::default();
        median(&mut run((batches, seed), senders, BURST, |letters, now| work(letters, now, &mut traits)))
    };
    let before = one(200 + turn);
    let [a, b] = std::thread::scope(|scope| {
        let other = scope.spawn(|| one(300 + turn));
        [one(400 + turn), other.join().unwrap()]
    });
    let alone = before.midpoint(one(500 + turn));
    alone / a + alone / b
}

/// What rates cost on top.
fn rates(batches: usize) {
    let hour = Duration::from_secs(3600);
    let rate = |counted, per: &[Kind]| Rate::new(counted, per, hour).unwrap();
    let sets = [
        ("messages per sender", vec![rate(Counted::Messages, &[Kind::Sender])]),
        ("recipients per sender", vec![rate(Counted::Recipients, &[Kind::Sender])]),
        ("messages per sender and recipient", vec![rate(Counted::Messages, &[Kind::Sender, Kind::Recipient])]),
        ("recipients per account", vec![rate(Counted::Recipients, &[Kind::Account])]),
    ];
    let senders = 100_000;
    let memory = full(senders);
    let mut traits = Traits::default();
    let mut none = 0.0;
    println!("\n{:<36}{:>8}", "count and observe, 100,000 senders", "ns");
    for (name, rates) in [("no rate", Vec::new())].into_iter().chain(sets) {
        let ns = median(&mut run((batches, 1), senders, ALONE, |letters, now| {
            black_box(judge_burst(&memory, &mut traits, letters, &rates, now));
        }));
        if rates.is_empty() {
            none = ns;
        }
        println!("{name:<36}{:>8.0}", if rates.is_empty() { ns } else { ns - none });
    }
}

/// What it costs to find a text's campaign.
fn campaigns() {
    let memory = Reputation::new(Settings::default(), Timestamp(START));
    let words =
        ["parcel", "held", "depot", "unpaid", "fee", "bank", "account", "verify", "today", "loan", "win", "click"];
    let mut dice = Dice(9);
    let mut templates = Vec::new();
    let mut reading = Reading::default();
    for _ in 0..4_000 {
        let text: Vec<&str> = (0..26).map(|_| words[dice.below(words.len() as u64) as usize]).collect();
        reading.read_text(&format!("{} https://x{}.top/a", text.join(" "), dice.below(100)), &ReadContext::default());
        let mut template = Template::default();
        template.read(&reading);
        templates.push((template, text.join(" ")));
    }
    let mut traits = Traits::default();
    let mut octets = 0;
    let mut measure = |name: &str, memory: &Reputation, learn: bool| {
        let mut times: Vec<f64> = Vec::new();
        for (template, text) in &mut templates {
            reading.read_text(text, &ReadContext::default());
            octets += template.text().len();
            let start = Instant::now();
            template.read(&reading);
            let found = memory.campaign(template);
            times.push(start.elapsed().as_secs_f64() * 1e9);
            if learn {
                traits.clear();
                traits.add(found.unwrap());
                let sighting =
                    Sighting { traits: &traits, fate: Fate::Passed, ground: Ground::None, template: Some(template) };
                memory.observe(&sighting, [], Timestamp(START));
            }
        }
        times.sort_by(f64::total_cmp);
        println!("{name:<36}{:>8.0}", times[times.len() / 2]);
    };
    println!("\n{:<36}{:>8}", "campaign of a text, masking included", "ns");
    measure("nothing is known", &memory, true);
    measure("known word for word", &memory, false);
    println!("{} octets of a masked text on average", octets / 8_000);
}
