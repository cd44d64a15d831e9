//! Instructions that a passed message and its answer take, octets to octets, as valgrind's callgrind counts them, beside the
//! baseline in `instructions.tsv`.
//!
//! ```sh
//! cargo bench --bench instructions                  # fails where a case takes over 3 % more than its baseline
//! TAPIS_BLESS=1 cargo bench --bench instructions    # takes what is counted for the baseline
//! ```
//!
//! A count does not depend on how busy a machine is, and hardly on which one it is: input, rules and time are fixed, and what
//! starting costs is left out, since the same messages are played twice and four times and the difference counts. It depends
//! on the compiler and on whether the processor has AVX2: by another compiler than the baseline's 15 % more are borne, and
//! without AVX2 nothing is compared. Fewer instructions never fail; over 3 % fewer ask for a new baseline.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, starts itself again under valgrind, and may fail loudly"
)]

#[path = "rules/made.rs"]
#[allow(dead_code, reason = "another bench asks it for more")]
mod made;

use std::fmt::Write as _;
use std::io::IoSlice;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use made::{Made, Size, vocabulary};
use tapis::account::{Memory, SessionId, SmscId};
use tapis::gate::{Context, Gate, Output, Scratch, Settings, Texts};
use tapis::policy::{self, Policy};
use tapis::session::Leg;
use tapis::sim::corpus::{self, Letter};
use tapis::time::Timestamp;
use tapis::wire::command::{CommandId, CommandStatus, RegisteredDelivery};
use tapis::wire::encode as wire;

/// Messages of one lap, how many of them are in one read, and the laps whose difference counts.
const MESSAGES: usize = 600;
const WINDOW: usize = 50;
const LAPS: [usize; 2] = [2, 4];
/// More than the baseline by so much is a fault; and what another compiler may make of the same code.
const BORNE: f64 = 0.03;
const BORNE_OF_ANOTHER: f64 = 0.15;
const NOON: Timestamp = Timestamp(1_795_492_800_000_000);

const CASES: [&str; 3] = ["no rules", "no rules, texts read", "301 rules, 30,000 entries"];

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Asked for its tests, a bench has none.
    if args.iter().any(|a| a == "--list" || a == "--test") {
        return;
    }
    if let [case, laps] = args.as_slice()
        && let (Ok(case), Ok(laps)) = (case.parse(), laps.parse())
    {
        return play(case, laps);
    }
    if !has_avx2() {
        println!("instructions: this processor has no AVX2, and counts are those of one that has: nothing is compared");
        return;
    }
    let counted: Vec<f64> = (0..CASES.len()).map(count).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.tsv");
    if std::env::var_os("TAPIS_BLESS").is_some() {
        let mut table = format!("case\tinstructions a message, by {}\n", compiler());
        CASES.iter().zip(&counted).for_each(|(case, count)| _ = writeln!(table, "{case}\t{count:.0}"));
        std::fs::write(&path, table).unwrap();
    }
    compare(&path, &counted);
}

/// Prints what was counted beside the baseline, and fails where it is too much.
fn compare(path: &Path, counted: &[f64]) {
    let table = std::fs::read_to_string(path).expect("benches/instructions.tsv");
    let (head, rows) = table.split_once('\n').expect("a head");
    let same = head.ends_with(&compiler());
    let borne = if same { BORNE } else { BORNE_OF_ANOTHER };
    println!("{:<32}{:>14}{:>14}{:>10}", "instructions a message", "counted", "baseline", "change");
    let mut worse = Vec::new();
    for (case, count) in CASES.iter().zip(counted) {
        let row = rows.lines().find_map(|row| row.strip_prefix(case)?.strip_prefix('\t'));
        let baseline: f64 = row.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("no baseline of `{case}`"));
        let change = count / baseline - 1.0;
        println!("{case:<32}{count:>14.0}{baseline:>14.0}{:>+9.1} %", 100.0 * change);
        if change > borne {
            worse.push(*case);
        } else if change < -BORNE && same {
            println!("  fewer than the baseline: TAPIS_BLESS=1 cargo bench --bench instructions takes it over");
        }
    }
    if !same {
        println!("the baseline is of another compiler ({head}), so up to {:.0} % more are borne", 100.0 * borne);
    }
    assert!(worse.is_empty(), "more than {:.0} % above the baseline: {}", 100.0 * borne, worse.join("; "));
}

/// Instructions of one message of a case and its answer.
fn count(case: usize) -> f64 {
    let [few, many] = LAPS.map(|laps| collected(case, laps));
    (many - few) / ((LAPS[1] - LAPS[0]) * MESSAGES) as f64
}

/// Instructions of this program when it plays so many laps of a case.
fn collected(case: usize, laps: usize) -> f64 {
    let own = std::env::current_exe().unwrap();
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([case.to_string(), laps.to_string()])
        .output();
    let out = out.unwrap_or_else(|why| {
        panic!("valgrind counts instructions, and it is not here: apt-get install valgrind ({why})")
    });
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}");
    let collected = text.lines().find_map(|line| line.split_once("Collected : ")).expect("a count of valgrind's");
    collected.1.trim().parse().unwrap()
}

fn compiler() -> String {
    let out = Command::new("rustc").arg("--version").output().expect("rustc");
    String::from_utf8_lossy(&out.stdout).split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    false
}

/// Plays a case, as valgrind watches it.
fn play(case: usize, laps: usize) {
    let letters: Vec<Letter> = corpus::demo().into_iter().filter(|letter| !letter.mo).collect();
    let policy = if case == 2 { made_policy(&letters) } else { Policy::pass_all() };
    let texts = if case == 0 { Texts::ReadForRules } else { Texts::Read };
    let mut bench = Bench::new(policy, Settings { texts, ..Settings::default() });
    let reads: Vec<[Vec<u8>; 2]> =
        (0..MESSAGES / WINDOW).map(|n| [true, false].map(|there| pdus(&letters, n * WINDOW, there))).collect();
    for _ in 0..laps {
        for [submits, answers] in &reads {
            bench.hand(Leg::Esme, submits);
            bench.hand(Leg::Smsc, answers);
        }
    }
    assert_eq!(bench.passed, laps * MESSAGES, "a message did not pass");
}

/// Rules that ask much and stop nothing.
fn made_policy(letters: &[Letter]) -> Policy {
    let size = Size { literals: 20_000, regexes: 100, domains: 10_000 };
    let mut sources = Made::new(size, &vocabulary(letters)).sources();
    for source in &mut sources.rules {
        source.text = source.text.replace("score: 6", "score: 0.01").replace("score: 1,", "score: 0.01,");
    }
    policy::load(&sources).unwrap_or_else(|all| panic!("{all:?}")).policy
}

/// Submits from the `first` on, or their answers, in one read.
fn pdus(letters: &[Letter], first: usize, there: bool) -> Vec<u8> {
    let mut read = Vec::new();
    for n in first..first + WINDOW {
        let sequence_number = u32::try_from(n).unwrap() + 2;
        let letter = &letters[n % letters.len()];
        if there {
            let to = format!("+65{:08}", 90_000_000 + 7919 * n % 9_999_991);
            let letter = Letter::new("", &letter.from, &to, &letter.text);
            wire::sm(&mut read, CommandId::SUBMIT_SM, sequence_number, &letter.sm(RegisteredDelivery(1)));
        } else {
            let (id, message_id) = (CommandId::SUBMIT_SM_RESP, format!("{:010}", 7_000_000 + n));
            wire::response(&mut read, id, CommandStatus::ESME_ROK, sequence_number, Some(message_id.as_bytes()));
        }
    }
    read
}

/// A bound gate and its driver.
struct Bench {
    gate: Gate,
    memory: Memory,
    scratch: Scratch,
    policy: Arc<Policy>,
    passed: usize,
}

impl Bench {
    fn new(policy: Policy, settings: Settings) -> Self {
        let mut bench = Self {
            gate: Gate::new(SessionId(1), Arc::new(settings), None, 7, NOON),
            memory: Memory::new(1),
            scratch: Scratch::default(),
            policy: Arc::new(policy),
            passed: 0,
        };
        let mut bind = Vec::new();
        wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
            out.extend_from_slice(b"esme\0secret\0\0\x34\0\0\0");
        });
        bench.hand(Leg::Esme, &bind);
        let mut answer = Vec::new();
        wire::response(&mut answer, CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::ESME_ROK, 1, Some(b"smsc"));
        bench.hand(Leg::Smsc, &answer);
        bench
    }

    /// Hands one read in, takes what the gate says, and writes what it shows.
    fn hand(&mut self, leg: Leg, read: &[u8]) {
        let mut cx = Context {
            now: NOON,
            policy: &self.policy,
            memory: &self.memory,
            scratch: &mut self.scratch,
            journal_full: false,
        };
        self.gate.handle_bytes(&mut cx, leg, read);
        while let Some(output) = self.gate.poll_output(&mut cx) {
            match output {
                Output::Decision(decision) => {
                    self.passed += usize::from(decision.action() == tapis::verdict::Action::Pass);
                }
                Output::Connect { .. } => self.gate.handle_connected(&mut cx, SmscId(0)),
                Output::Outcome(_) | Output::Event(_) | Output::Wake(_) => {}
            }
        }
        self.passed += usize::try_from(self.gate.take_passed().esme).unwrap();
        for leg in [Leg::Esme, Leg::Smsc] {
            let mut slices = [IoSlice::new(&[]); 16];
            let count = self.gate.transmit(leg, &mut slices);
            let octets = slices[..count].iter().map(|slice| slice.len()).sum();
            self.gate.transmitted(leg, octets);
        }
    }
}
