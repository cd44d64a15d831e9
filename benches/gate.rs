//! Octets → verdict → octets: what one message and its answer cost a gate that passes them, in nanoseconds and in
//! allocations, beside what other ways of touching the same octets cost.
//!
//! `cargo bench --bench gate` prints the table that README quotes. It asserts its answers: every message reaches the SMSC
//! and every answer the ESME octet for octet, and once warm nothing is allocated. `TAPIS_BENCH_ROUNDS` sets how often each
//! line is measured (15 unless told); the median counts.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench prints, and its clock is the real one")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a bench may fail loudly")]

use std::hint::black_box;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use bytes::{Buf, BufMut, BytesMut};
use smpp::Command;
use smpp::decode::DecodeWithLength;
use smpp::encode::Length;
use smpp::encode::owned::Encode;

use tapis::account::{Memory, SessionId, SmscId};
use tapis::case::Sample;
use tapis::gate::{Context, Gate, Output, Scratch, Settings};
use tapis::message::Envelope;
use tapis::policy::{self, Policy};
use tapis::rules::Facts;
use tapis::runtime::files::Origin;
use tapis::session::{Leg, State};
use tapis::sim::corpus::{self, Letter};
use tapis::time::Timestamp;
use tapis::verdict::{Action, Verdict};
use tapis::wire::body;
use tapis::wire::command::{CommandId, CommandStatus, RegisteredDelivery};
use tapis::wire::encode as wire;

/// Messages of one run.
const MESSAGES: usize = 6_000;
/// Runs before anything is counted.
const WARM: usize = 6;
/// Between two runs: nobody gets more of the same than rules about rates allow, and it is noon again.
const PAUSE: Duration = Duration::from_secs(86_400);
/// Octets that a driver reads at once.
const READ_OCTETS: usize = 64 * 1024;
/// Noon in Singapore, so that no rule about the night counts by chance.
const NOON: Timestamp = Timestamp(1_795_492_800_000_000);

fn main() {
    // Asked for its tests, a bench has none.
    if std::env::args().any(|a| a == "--list" || a == "--test") {
        return;
    }
    let (none, starter) = (Arc::new(Policy::pass_all()), Arc::new(starter()));
    let (source, letters) = letters(&starter);
    let traffic = Traffic::new(&letters);
    let octets: usize = traffic.submits.iter().map(Vec::len).sum();
    println!(
        "{} messages, {source}; submit_sm of {} octets on average, each answered; pass path\n",
        letters.len(),
        octets / letters.len()
    );
    println!("{:<44}{:>8}{:>14}{:>22}", "", "window", "ns/message", "allocations/message");
    baselines(&traffic);
    let rules = format!("gate, {} rules", starter.rules.rules.len());
    for (name, policy) in [("gate, no rules", &none), (rules.as_str(), &starter)] {
        for window in [1, 10, 100, 1_000] {
            let mut bench = Bench::new(policy);
            // Memory keeps a sample of a text that comes again, and then it is warm.
            for _ in 0..WARM {
                bench.run(&traffic, window);
            }
            let info = bench.allocations(&traffic, window);
            row(name, window, traffic.count(), info.count_total, || bench.run(&traffic, window));
            // Few kinds of messages apart: internationalized host names, say, which a library of its own takes to pieces.
            let few = u64::try_from(traffic.count()).unwrap_or(u64::MAX) / 40;
            assert!(info.count_total <= few, "{name}, window {window}: the pass path allocates: {info:?}");
        }
    }
}

/// Measures `run`, whose first run is not timed, and prints its line.
fn row(name: &str, window: usize, messages: usize, allocations: u64, mut run: impl FnMut() -> u128) {
    let rounds = std::env::var("TAPIS_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(15_usize).max(1);
    run();
    let mut times: Vec<u128> = (0..rounds).map(|_| run()).collect();
    times.sort_unstable();
    let each = |n: f64| n / messages as f64;
    let (time, allocations) = (each(times[times.len() / 2] as f64), each(allocations as f64));
    println!("{name:<44}{window:>8}{time:>14.0}{allocations:>22.2}");
}

/// Runs something, and answers the nanoseconds it took.
fn timed(run: impl FnOnce()) -> u128 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos()
}

/// The shipped rules, as an operator starts with them.
fn starter() -> Policy {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tapis.yaml");
    let sources = Origin { main: Some(main), ..Origin::default() }.read_once();
    policy::load(&sources).unwrap_or_else(|all| panic!("{all:?}")).policy
}

/// Messages that these rules pass: real ones where there are some, else those of the demo; and which.
fn letters(policy: &Policy) -> (String, Vec<Letter>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let files: Vec<PathBuf> = std::fs::read_dir(&folder).into_iter().flatten().map(|f| f.unwrap().path()).collect();
    let mut tables: Vec<PathBuf> = files.into_iter().filter(|f| f.extension().is_some_and(|e| e == "tsv")).collect();
    tables.sort();
    let mut all = Vec::new();
    for table in &tables {
        let text = String::from_utf8_lossy(&std::fs::read(table).unwrap()).into_owned();
        let letters = corpus::read(&text).unwrap();
        let step = (letters.len() * tables.len() / MESSAGES).max(1);
        all.push(letters.into_iter().step_by(step).collect::<Vec<_>>());
    }
    let source = if all.is_empty() { "made up, of six languages" } else { "real, of six languages" };
    if all.is_empty() {
        let demo: Vec<Letter> = corpus::demo().into_iter().filter(|l| !l.mo).collect();
        all.push(demo.iter().cycle().take(MESSAGES).cloned().collect());
    }
    // One of each language after the other.
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    let mixed = (0..longest).flat_map(|n| all.iter().filter_map(move |one| one.get(n)));
    // Each to somebody else.
    let mixed = mixed.enumerate().map(|(n, letter)| {
        let to = letter.to.get(..letter.to.len() - 6).unwrap_or_default();
        Letter::new(&letter.account, &letter.from, &format!("{to}{:06}", n * 7_919 % 1_000_000), &letter.text)
    });
    let (mut envelope, mut scratch, mut verdict) =
        (Envelope::default(), policy::Scratch::default(), Verdict::default());
    let passes = |letter: &Letter| {
        let (from, to, text) = (letter.from.as_str(), letter.to.as_str(), letter.text.as_str());
        let sample = Sample { from, to, text, account: "esme", now: NOON, ..Sample::default() };
        sample.read(policy, &mut envelope);
        policy.judge(&sample.message(policy, &envelope), &Facts::Nothing, &mut scratch, &mut verdict);
        verdict.action == Action::Pass
    };
    (source.into(), mixed.filter(passes).take(MESSAGES).collect())
}

/// Submits and their answers, PDU by PDU.
struct Traffic {
    submits: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
}

impl Traffic {
    fn new(letters: &[Letter]) -> Self {
        let mut traffic = Self { submits: Vec::new(), answers: Vec::new() };
        for (n, letter) in (2..).zip(letters) {
            let mut submit = Vec::new();
            wire::sm(&mut submit, CommandId::SUBMIT_SM, n, &letter.sm(RegisteredDelivery(1)));
            traffic.submits.push(submit);
            let mut answer = Vec::new();
            let (id, message_id) = (CommandId::SUBMIT_SM_RESP, format!("{:010}", 7_000_000 + n));
            wire::response(&mut answer, id, CommandStatus::ESME_ROK, n, Some(message_id.as_bytes()));
            traffic.answers.push(answer);
        }
        traffic
    }

    fn count(&self) -> usize {
        self.submits.len()
    }
}

/// What the same octets cost when they are copied, parsed, or taken apart and put together by another codec.
fn baselines(traffic: &Traffic) {
    let window = 100;
    let all: Vec<(Vec<u8>, Vec<u8>)> = traffic
        .submits
        .chunks(window)
        .zip(traffic.answers.chunks(window))
        .map(|(submits, answers)| (submits.concat(), answers.concat()))
        .collect();
    let octets: usize = all.iter().map(|(submits, answers)| submits.len() + answers.len()).sum();
    let mut out = Vec::with_capacity(octets);
    let mut copy = || {
        let time = timed(|| {
            out.clear();
            for (submits, answers) in &all {
                out.extend_from_slice(black_box(submits));
                out.extend_from_slice(black_box(answers));
            }
        });
        assert_eq!(out.len(), octets);
        time
    };
    let parse = || {
        let mut understood = 0;
        let time = timed(|| {
            for pdu in traffic.submits.iter().chain(&traffic.answers) {
                understood += usize::from(matches!(body::parse(black_box(pdu)), body::Parsed::Understood(..)));
            }
        });
        assert_eq!(understood, 2 * traffic.count());
        time
    };
    let (mut read, mut written) = (BytesMut::new(), BytesMut::new());
    let mut recode = || {
        written.clear();
        let time = timed(|| {
            for (submits, answers) in &all {
                recode(submits, &mut read, &mut written);
                recode(answers, &mut read, &mut written);
            }
        });
        assert_eq!(written.len(), octets, "rusmpp writes something else");
        time
    };
    let messages = traffic.count();
    row("copy of the octets", window, messages, allocations(&mut copy), copy);
    row("parse of both PDUs", window, messages, allocations(&parse), parse);
    row("rusmpp, decode and encode of both PDUs", window, messages, allocations(&mut recode), recode);
}

/// What something allocates when it is run again.
fn allocations(mut run: impl FnMut() -> u128) -> u64 {
    run();
    let info = measure(|| {
        run();
    });
    info.count_total
}

/// Decodes and encodes every PDU of a stretch of a stream, as a box made of the crate rusmpp does.
fn recode(octets: &[u8], read: &mut BytesMut, written: &mut BytesMut) {
    read.extend_from_slice(octets);
    while !read.is_empty() {
        let length = read.get_u32() as usize - 4;
        let (command, _) = Command::decode(read, length).unwrap();
        written.put_u32(u32::try_from(4 + command.length()).unwrap());
        command.encode(written);
    }
}

/// A bound gate and its driver.
struct Bench {
    gate: Gate,
    memory: Memory,
    scratch: Scratch,
    policy: Arc<Policy>,
    now: Timestamp,
    esme: Vec<u8>,
    smsc: Vec<u8>,
    decisions: usize,
    outcomes: usize,
}

impl Bench {
    fn new(policy: &Arc<Policy>) -> Self {
        let mut bench = Self {
            gate: Gate::new(SessionId(1), Arc::new(Settings::default()), None, 7, NOON),
            memory: Memory::new(1),
            scratch: Scratch::default(),
            policy: Arc::clone(policy),
            now: NOON,
            esme: Vec::new(),
            smsc: Vec::new(),
            decisions: 0,
            outcomes: 0,
        };
        let mut bind = Vec::new();
        wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
            out.extend_from_slice(b"esme\0secret\0\0\x34\0\0\0");
        });
        bench.hand(Leg::Esme, &bind);
        let mut answer = Vec::new();
        wire::response(&mut answer, CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::ESME_ROK, 1, Some(b"smsc"));
        bench.hand(Leg::Smsc, &answer);
        assert!(matches!(bench.gate.state(), State::Bound(_)), "the bench is not bound");
        bench
    }

    /// Hands octets in as reads, and takes out what the gate says and writes.
    fn hand(&mut self, leg: Leg, octets: &[u8]) {
        for read in octets.chunks(READ_OCTETS) {
            let mut cx = Context {
                now: self.now,
                policy: &self.policy,
                memory: &self.memory,
                scratch: &mut self.scratch,
                journal_full: false,
            };
            self.gate.handle_bytes(&mut cx, leg, read);
            loop {
                match self.gate.poll_output(&mut cx) {
                    None => break,
                    Some(Output::Decision(decision)) => {
                        let fired = || decision.verdict.findings.iter().filter_map(|f| self.policy.rules.rule(f));
                        let ids = || fired().map(|rule| &*rule.id).collect::<Vec<_>>();
                        assert!(
                            decision.action() == Action::Pass,
                            "{:?} does not pass: {:?}",
                            decision.action(),
                            ids()
                        );
                        self.decisions += 1;
                    }
                    Some(Output::Outcome(_)) => self.outcomes += 1,
                    Some(Output::Connect { .. }) => self.gate.handle_connected(&mut cx, SmscId(0)),
                    Some(Output::Event(_) | Output::Wake(_)) => {}
                }
            }
            write(&mut self.gate, Leg::Smsc, &mut self.smsc);
            write(&mut self.gate, Leg::Esme, &mut self.esme);
        }
    }

    /// All traffic, `window` messages and then their answers; answers the nanoseconds it took.
    fn run(&mut self, traffic: &Traffic, window: usize) -> u128 {
        let mut time = 0;
        let (mut read, mut expected) = (Vec::new(), Vec::new());
        (self.decisions, self.outcomes) = (0, 0);
        self.now = self.now + PAUSE;
        for (submits, answers) in traffic.submits.chunks(window).zip(traffic.answers.chunks(window)) {
            for (leg, pdus) in [(Leg::Esme, submits), (Leg::Smsc, answers)] {
                self.esme.clear();
                self.smsc.clear();
                read.clear();
                pdus.iter().for_each(|pdu| read.extend_from_slice(pdu));
                time += timed(|| self.hand(leg, black_box(&read)));
                expected.clear();
                expected.extend_from_slice(&read);
                let (there, back) = if leg == Leg::Esme { (&self.smsc, &self.esme) } else { (&self.esme, &self.smsc) };
                assert!(*there == expected && back.is_empty(), "what passes is not what came");
            }
        }
        assert_eq!(
            (self.decisions, self.outcomes),
            (traffic.count(), traffic.count()),
            "one decision, one outcome each"
        );
        time
    }

    /// What a run allocates once everything has grown.
    fn allocations(&mut self, traffic: &Traffic, window: usize) -> AllocationInfo {
        let mut reads: Vec<(Leg, Vec<u8>)> = Vec::new();
        for (submits, answers) in traffic.submits.chunks(window).zip(traffic.answers.chunks(window)) {
            reads.push((Leg::Esme, submits.concat()));
            reads.push((Leg::Smsc, answers.concat()));
        }
        measure(|| {
            for (leg, read) in &reads {
                self.esme.clear();
                self.smsc.clear();
                self.hand(*leg, read);
            }
        })
    }
}

/// Writes everything that a gate shows.
fn write(gate: &mut Gate, leg: Leg, to: &mut Vec<u8>) {
    let mut slices = [IoSlice::new(&[]); 16];
    loop {
        let count = gate.transmit(leg, &mut slices);
        let before = to.len();
        slices[..count].iter().for_each(|slice| to.extend_from_slice(slice));
        if to.len() == before {
            break;
        }
        let written = to.len() - before;
        slices = [IoSlice::new(&[]); 16];
        gate.transmitted(leg, written);
    }
}
