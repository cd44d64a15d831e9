//! The journal's writer: a bounded queue, one thread, segments by size; what cannot be written is counted, and told in a
//! `gap` record once writing works again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use metrics::{counter, gauge};
use serde_json::{Map, Value, json};

use super::clock::Clock;
use super::metrics as meters;
use crate::audit::record::{Chain, Recorder};
use crate::config::settings::JournalSettings;
use crate::time::Timestamp;

/// Records that may wait to be written.
const QUEUE_MAX: usize = 65_536;

/// Records that wait, from which on sessions wait for the writer before they read more: what they have in hand still fits.
const CROWDED: u64 = QUEUE_MAX as u64 / 2;

/// How long they wait at most, and how long between two looks.
const PATIENCE: Duration = Duration::from_millis(250);
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// One record on its way.
#[derive(Debug)]
struct Entry {
    kind: &'static str,
    at: Timestamp,
    body: Map<String, Value>,
}

/// What the writer is told.
#[derive(Debug)]
enum Order {
    Write(Entry),
    /// Nothing comes after this.
    End,
}

/// The end that sessions write to.
#[derive(Debug)]
pub struct Journal {
    queue: Option<SyncSender<Order>>,
    state: Arc<State>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: AtomicU64,
    lost: AtomicU64,
    full: AtomicBool,
}

impl Journal {
    /// A journal that takes nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { queue: None, state: Arc::default(), writer: Mutex::default() }
    }

    /// Opens a journal in the folder of the settings, which is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn open(settings: &JournalSettings, dir: &Path, recorder: Recorder, clock: Clock) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let (queue, orders) = sync_channel(QUEUE_MAX);
        let state = Arc::new(State::default());
        let mut segments = Segments {
            dir: dir.to_owned(),
            stem: format!("{}-{}", recorder.node, recorder.boot),
            number: 0,
            file: None,
            octets: 0,
            octets_max: settings.segment_octets,
            sync_every: settings.sync_every,
        };
        segments.open()?;
        let writer = Writer {
            segments,
            recorder,
            chain: Chain::default(),
            state: Arc::clone(&state),
            clock,
            lost: 0,
            broken: false,
        };
        let writer = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run(&orders))?;
        Ok(Self { queue: Some(queue), state, writer: Mutex::new(Some(writer)) })
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.queue.is_some()
    }

    /// Whether it can take no more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.state.full.load(Ordering::Relaxed)
    }

    /// Whether sessions shall wait for [`Journal::room`] before they read more.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.state.waiting.load(Ordering::Relaxed) > CROWDED && !self.is_full()
    }

    /// Waits while more records come than are written, so that none is lost to a burst. A writer that stands still is waited
    /// for once: the journal is then full until most of what waits is written, and `on_journal_full` says what becomes of
    /// messages.
    pub async fn room(&self) {
        let mut waited = Duration::ZERO;
        while self.is_crowded() {
            if waited >= PATIENCE {
                self.state.full.store(true, Ordering::Relaxed);
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            waited += LOOK_EVERY;
        }
    }

    /// Writes a record, or counts it as lost. It never waits.
    pub fn write(&self, kind: &'static str, at: Timestamp, body: Map<String, Value>) {
        let Some(queue) = &self.queue else { return };
        match queue.try_send(Order::Write(Entry { kind, at, body })) {
            Ok(()) => {
                self.state.waiting.fetch_add(1, Ordering::Relaxed);
            }
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.state.full.store(true, Ordering::Relaxed);
                self.state.lost.fetch_add(1, Ordering::Relaxed);
                counter!("tapis_journal_lost_total").increment(1);
            }
        }
    }

    /// Waits until everything is written, whoever else still knows the journal; what comes later is lost.
    pub fn close(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(queue), Some(writer)) = (&self.queue, writer) {
            let _ = queue.send(Order::End);
            let _ = writer.join();
        }
    }
}

struct Segments {
    dir: PathBuf,
    stem: String,
    number: u32,
    file: Option<File>,
    octets: u64,
    octets_max: u64,
    sync_every: Duration,
}

impl Segments {
    fn open(&mut self) -> io::Result<()> {
        self.number += 1;
        let path = self.dir.join(format!("{}-{:05}.jsonl", self.stem, self.number));
        self.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
        self.octets = 0;
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.octets > 0 && self.octets + lines.len() as u64 > self.octets_max {
            self.sync();
            self.open()?;
        }
        let file = self.file.as_mut().ok_or_else(|| io::Error::other("no segment is open"))?;
        file.write_all(lines)?;
        self.octets += lines.len() as u64;
        Ok(())
    }

    fn sync(&mut self) {
        if let Some(file) = &self.file {
            let _ = file.sync_data();
        }
    }
}

struct Writer {
    segments: Segments,
    recorder: Recorder,
    chain: Chain,
    state: Arc<State>,
    clock: Clock,
    lost: u64,
    broken: bool,
}

/// Octets gathered for one write.
const BATCH_OCTETS: usize = 64 * 1024;

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut batch = Vec::with_capacity(BATCH_OCTETS * 2);
        let mut synced = self.clock.now();
        loop {
            let first = orders.recv_timeout(self.segments.sync_every);
            let mut ended = matches!(first, Err(RecvTimeoutError::Disconnected));
            let mut order = first.ok();
            let mut records = 0;
            let chain = self.chain.clone();
            self.tell_gap(&mut batch);
            while let Some(one) = order {
                let Order::Write(one) = one else {
                    ended = true;
                    break;
                };
                self.chain.write(&self.recorder, one.kind, one.at, &one.body, &mut batch);
                counter!("tapis_journal_records_total", "kind" => one.kind).increment(1);
                records += 1;
                order = if batch.len() < BATCH_OCTETS { orders.try_recv().ok() } else { None };
            }
            self.flush(&mut batch, chain, records);
            let waiting = self.state.waiting.fetch_sub(records, Ordering::Relaxed).saturating_sub(records);
            gauge!("tapis_journal_queue_records").set(meters::count(usize::try_from(waiting).unwrap_or(0)));
            if waiting < CROWDED / 2 && !self.broken {
                self.state.full.store(false, Ordering::Relaxed);
            }
            let now = self.clock.now();
            if now.since(synced) >= self.segments.sync_every {
                self.segments.sync();
                synced = now;
            }
            if ended {
                self.segments.sync();
                return;
            }
        }
    }

    /// What was lost since the last gap is told before anything else is written.
    fn tell_gap(&mut self, batch: &mut Vec<u8>) {
        self.lost += self.state.lost.swap(0, Ordering::Relaxed);
        if self.lost > 0 {
            let why = if self.broken { "disk" } else { "queue" };
            let body = json!({ "records": self.lost, "why": why });
            if let Value::Object(body) = body {
                self.chain.write(&self.recorder, "gap", self.clock.now(), &body, batch);
            }
        }
    }

    /// What cannot be written is lost, and the chain goes on from the last line that was.
    fn flush(&mut self, batch: &mut Vec<u8>, before: Chain, records: u64) {
        if batch.is_empty() {
            return;
        }
        match self.segments.write(batch) {
            Ok(()) => {
                self.lost = 0;
                self.broken = false;
            }
            Err(error) => {
                if !self.broken {
                    tracing::error!(%error, "the journal cannot be written");
                }
                self.chain = before;
                self.lost += records;
                counter!("tapis_journal_lost_total").increment(records);
                self.broken = true;
                self.state.full.store(true, Ordering::Relaxed);
                let _ = self.segments.open();
            }
        }
        batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sessions_wait_for_a_writer_that_goes_on_and_once_for_one_that_stands_still() {
        let journal = Journal::off();
        journal.state.waiting.store(CROWDED + 1, Ordering::Relaxed);
        let state = Arc::clone(&journal.state);
        let writer = async {
            tokio::time::sleep(LOOK_EVERY * 3).await;
            state.waiting.store(0, Ordering::Relaxed);
        };
        tokio::join!(journal.room(), writer);
        assert!(!journal.is_full(), "it waited for the writer, and no longer");

        journal.state.waiting.store(CROWDED + 1, Ordering::Relaxed);
        journal.room().await;
        assert!(journal.is_full(), "nobody writes any more");
        let again = tokio::time::timeout(LOOK_EVERY * 20, journal.room());
        assert!(again.await.is_ok(), "it is not waited for again");
    }
}
