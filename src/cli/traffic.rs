//! Traffic out of files, and all cores to play it on: what `replay` and `diff` share.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use super::explain::Towards;
use super::{Exit, decode, fail, tell};
use crate::capture::Record;
use crate::replay::{Defaults, Traffic};
use crate::runtime::{self, clock::Clock};
use crate::sim::corpus;
use crate::wire::capture as pcap;

/// What is said of traffic beside its files.
#[derive(Debug, clap::Args)]
pub(super) struct Hints {
    /// The account (system_id) of messages that name none.
    #[arg(long, value_name = "NAME", default_value = "")]
    account: String,
    /// The sender of messages of a table that name none.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    from: String,
    /// The recipient of messages of a table that name none.
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    to: String,
    /// Which way everything goes; as each request says when not given.
    #[arg(long, value_enum)]
    direction: Option<Towards>,
    /// When messages without a time came, as 2026-11-23T22:00+07:00; now when not given.
    #[arg(long)]
    at: Option<jiff::Timestamp>,
    /// The key that captures were encrypted with.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Reads files one behind the other.
///
/// # Errors
/// How the command ends: a file cannot be read, or holds nothing to replay; it has been told.
pub(super) fn read(files: &[PathBuf], args: &Hints) -> Result<Traffic, Exit> {
    let at = args.at.and_then(|at| u64::try_from(at.as_microsecond()).ok()).map(crate::time::Timestamp);
    let defaults = Defaults {
        account: args.account.clone(),
        direction: args.direction.map(Towards::direction),
        at: at.unwrap_or_else(|| Clock::start().now()),
    };
    let mut traffic = Traffic::default();
    for file in &with_folders(files) {
        let name = file.display().to_string();
        content(file)
            .map_err(|e| e.to_string())
            .and_then(|content| add(&mut traffic, &name, &content, args, &defaults))
            .map_err(|why| fail(Exit::Usage, format_args!("{name}: {why}")))?;
    }
    if traffic.is_empty() {
        return Err(fail(Exit::Usage, "there is no message in what was read"));
    }
    Ok(traffic)
}

/// The captures of a folder, in the order of their names, which is that of their times.
fn with_folders(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for file in files {
        let mut within: Vec<PathBuf> = match std::fs::read_dir(file) {
            Ok(entries) => entries.filter_map(|e| e.ok().map(|e| e.path())).collect(),
            Err(_) => vec![file.clone()],
        };
        within.retain(|path| path == file || path.extension().is_some_and(|e| e == "capture"));
        within.sort();
        all.append(&mut within);
    }
    all
}

/// What a capture holds; what is missing of it is told.
///
/// # Errors
/// Without a key, with another one, and when it was changed.
pub(super) fn captured(name: &str, content: &[u8], key: Option<&Path>) -> Result<Vec<Record>, String> {
    let Some(key) = key else { return Err("it is encrypted: name its key with --key FILE".into()) };
    let key = runtime::capture::key(key).map_err(|e| e.to_string())?;
    let contents = crate::capture::read(content, &key).map_err(|fault| fault.to_string())?;
    if let Some(at) = contents.torn_at {
        tell(format_args!("tapis: {name}: the last chunk, at octet {at}, is cut short: its records are lost"));
    }
    for record in &contents.records {
        if let Record::Gap { at, records } = record {
            tell(format_args!("tapis: {name}: {} could not be kept before {at}", count_of(*records)));
        }
    }
    Ok(contents.records)
}

fn count_of(records: u64) -> String {
    super::count(usize::try_from(records).unwrap_or(usize::MAX), "PDU")
}

/// A file, or standard input for `-`.
pub(super) fn content(file: &Path) -> io::Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut all = Vec::new();
        return io::stdin().lock().read_to_end(&mut all).map(|_| all);
    }
    std::fs::read(file)
}

/// A capture, a pcap, a corpus, or lines of PDUs, by what the file begins with.
fn add(traffic: &mut Traffic, name: &str, content: &[u8], args: &Hints, defaults: &Defaults) -> Result<(), String> {
    if crate::capture::is_capture(content) {
        for record in captured(name, content, args.key.as_deref())? {
            if let Record::Pdu { at, leg, session, account, octets } = record {
                traffic.add_pdu(&format!("{session:x}"), &account, leg, at, &octets);
            }
        }
        return Ok(());
    }
    if let Some(pieces) = pcap::pieces(content) {
        traffic.add_pieces(name, &pieces?, defaults);
        return Ok(());
    }
    let first = content.split(|b| *b == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    if let Ok(Value::Object(record)) = serde_json::from_str(&first) {
        return Err(no_journal(&record.into()));
    }
    if first.trim_start_matches('\u{feff}').split('\t').any(|column| column.trim() == "text") {
        let table =
            std::str::from_utf8(content).map_err(|e| format!("it is not UTF-8 at octet {}", e.valid_up_to()))?;
        traffic.add_letters(&corpus::read_from_to(table, &args.from, &args.to)?, defaults);
        return Ok(());
    }
    let (pieces, faults) = decode::lines(content);
    if let Some((line, why)) = faults.first() {
        return Err(format!("line {line}: {why}"));
    }
    traffic.add_pieces(name, &pieces, defaults);
    Ok(())
}

/// Why a journal cannot be replayed.
fn no_journal(first: &Value) -> String {
    if first.get("v").is_none() || first.get("kind").is_none() {
        return "it holds JSON, which is no traffic: a capture, a pcap, lines of PDUs or a table of messages is".into();
    }
    "it is a journal, and a journal cannot be replayed: its texts are left out or masked unless `journal: text` is on, its \
     subscriber numbers are hashed, and of the messages that passed it has one in `passes_one_in`; `capture:` in tapis.yaml \
     keeps what can be"
        .into()
}

/// Plays lanes on all cores; the answers come in the order of the lanes. While it goes on, a terminal on standard error
/// sees how far it is: of `total` steps, each told through the counter that `play` gets.
pub(super) fn on_all_cores<T: Send>(
    lanes: &[Vec<u32>],
    total: usize,
    play: impl Fn(&[u32], &AtomicU64) -> T + Sync,
) -> Vec<T> {
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    // The longest first: the last to end is then a short one.
    order.sort_by_key(|n| std::cmp::Reverse(lanes.get(*n).map_or(0, Vec::len)));
    let (next, done) = (AtomicUsize::new(0), AtomicU64::new(0));
    let (tell, told) = mpsc::sync_channel(lanes.len().max(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(lanes.len().max(1));
    let mut answers: Vec<(usize, T)> = Vec::with_capacity(lanes.len());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            let tell = tell.clone();
            scope.spawn(|| {
                let tell = tell;
                while let Some(at) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let lane = lanes.get(*at).map_or(&[][..], Vec::as_slice);
                    if tell.send((*at, play(lane, &done))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(tell);
        let mut bar = Bar::new(total);
        loop {
            match told.recv_timeout(BETWEEN_LOOKS) {
                Ok(answer) => answers.push(answer),
                Err(mpsc::RecvTimeoutError::Timeout) => bar.show(done.load(Ordering::Relaxed)),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        bar.end();
    });
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Characters of the bar.
const BAR: usize = 40;

/// How far it is, on a terminal.
pub(super) struct Bar {
    total: usize,
    clock: Clock,
    start: crate::time::Timestamp,
    on_terminal: bool,
}

impl Bar {
    pub(super) fn new(total: usize) -> Self {
        let clock = Clock::start();
        Self { total: total.max(1), start: clock.now(), clock, on_terminal: io::stderr().is_terminal() }
    }

    pub(super) fn show(&mut self, done: u64) {
        if !self.on_terminal {
            return;
        }
        let done = usize::try_from(done).unwrap_or(usize::MAX).min(self.total);
        let seconds = self.clock.now().since(self.start).as_secs_f64().max(0.001);
        let rate = f64::from(u32::try_from(done).unwrap_or(u32::MAX)) / seconds;
        let filled = done.saturating_mul(BAR) / self.total;
        let bar: String = (0..BAR).map(|n| if n < filled { '#' } else { '.' }).collect();
        let percent = done.saturating_mul(100) / self.total;
        let _ = write!(io::stderr().lock(), "\r[{bar}] {percent:>3} %  {rate:.0} verdicts/s ");
    }

    pub(super) fn end(&self) {
        if self.on_terminal {
            let _ = write!(io::stderr().lock(), "\r{:width$}\r", "", width = BAR + 40);
        }
    }
}

/// How long something took, and how many messages a second that is.
pub(super) fn speed(messages: u64, seconds: f64) -> String {
    let rate = f64::from(u32::try_from(messages).unwrap_or(u32::MAX)) / seconds.max(1e-6);
    format!("{seconds:.2} s, {rate:.0} messages/s")
}
