//! The capture's writer: a bounded queue, one thread, files that roll and go by age and size.
//!
//! Nothing waits for it. What the queue has no room for, or the disk does not take, is counted, and told in a gap record
//! once writing works again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use metrics::{counter, gauge};

use super::clock::Clock;
use crate::capture::{Key, Record, Sealer};
use crate::config::settings::CaptureSettings;
use crate::session::Leg;
use crate::time::Timestamp;

/// Records, and octets of them, that may wait to be written.
const QUEUE_MAX: usize = 65_536;
const QUEUE_OCTETS_MAX: usize = 32 << 20;
/// Octets of records after which a chunk is closed, and how long one is open at most.
const CHUNK_OCTETS: usize = 64 * 1024;
const CHUNK_OPEN: Duration = Duration::from_secs(1);
/// Size and time of all files, by that of one.
const FILES: u32 = 8;
/// How captures are named: the node, the time of the first record in µs, and this.
const EXTENSION: &str = "capture";

/// What the writer is told.
#[derive(Debug)]
enum Order {
    Write(Record),
    /// Nothing comes after this.
    End,
}

/// The end that sessions write to.
#[derive(Debug)]
pub struct Capture {
    queue: SyncSender<Order>,
    state: Arc<State>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct State {
    octets: AtomicUsize,
    lost: AtomicU64,
}

impl Capture {
    /// Opens a capture in the folder of the settings, which is made when it is missing. Paths are relative to `base`.
    ///
    /// # Errors
    /// When the key cannot be read, is none, or is there for others to read, or the folder cannot be made.
    pub fn open(settings: &CaptureSettings, base: &Path, node: &str, clock: Clock) -> io::Result<Self> {
        let state = Arc::new(State::default());
        let (queue, orders) = sync_channel(QUEUE_MAX);
        let writer = Writer::new(settings, base, node, clock, Arc::clone(&state))?;
        let writer = std::thread::Builder::new().name("capture".into()).spawn(move || writer.run(&orders))?;
        Ok(Self { queue, state, writer: Mutex::new(Some(writer)) })
    }

    /// Writes a PDU down, or counts it as lost. It never waits.
    pub fn write(&self, at: Timestamp, leg: Leg, session: u64, account: &str, octets: Vec<u8>) {
        let size = octets.len();
        let fits = self.state.octets.fetch_add(size, Ordering::Relaxed) + size <= QUEUE_OCTETS_MAX;
        let record = Record::Pdu { at, leg, session, account: account.to_owned(), octets };
        if !fits || self.queue.try_send(Order::Write(record)).is_err() {
            self.state.octets.fetch_sub(size, Ordering::Relaxed);
            self.state.lost.fetch_add(1, Ordering::Relaxed);
            counter!("tapis_capture_lost_total").increment(1);
        }
    }

    /// Waits until everything is written, and closes the file.
    pub fn close(&self) {
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = self.queue.send(Order::End);
            let _ = writer.join();
        }
    }
}

/// The key of a file that nobody else may read.
///
/// # Errors
/// When it cannot be read, is no key, or its mode lets others read it.
pub fn key(path: &Path) -> io::Result<Key> {
    let tell = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
    let mode = fs::metadata(path).map_err(|e| tell(e.to_string()))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(tell(format!("its mode is {mode:o}, and nobody but its owner may read a key: chmod 600")));
    }
    Key::of_file(&fs::read(path).map_err(|e| tell(e.to_string()))?).map_err(tell)
}

/// The files of one node.
#[derive(Debug)]
struct Files {
    dir: PathBuf,
    node: String,
    size: u64,
    keep: Duration,
}

impl Files {
    /// This node's files, the oldest first, each with the time of its name and its size.
    fn all(&self) -> io::Result<Vec<(u64, PathBuf, u64)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let time = name
                .strip_prefix(&format!("{}-", self.node))
                .and_then(|n| n.strip_suffix(&format!(".{EXTENSION}")))
                .and_then(|n| n.parse().ok());
            if let Some(time) = time {
                all.push((time, entry.path(), entry.metadata().map_or(0, |m| m.len())));
            }
        }
        all.sort();
        Ok(all)
    }

    /// Removes what is older than what is kept, and the oldest until so many octets have room; answers how many are there.
    fn tidy(&self, now: Timestamp, coming: u64, open: Option<&Path>) -> io::Result<u64> {
        let all = self.all()?;
        let mut octets: u64 = all.iter().map(|(_, _, size)| size).sum();
        let too_old = (now - self.keep).0;
        for (time, path, size) in all {
            if Some(path.as_path()) != open && (time < too_old || octets + coming > self.size) {
                fs::remove_file(&path)?;
                octets -= size;
            }
        }
        gauge!("tapis_capture_bytes").set(super::metrics::count(usize::try_from(octets).unwrap_or(usize::MAX)));
        Ok(octets)
    }

    fn create(&self, now: Timestamp) -> io::Result<(PathBuf, File)> {
        let path = self.dir.join(format!("{}-{:016}.{EXTENSION}", self.node, now.0));
        let file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
        Ok((path, file))
    }
}

/// The file that is being written.
struct Open {
    path: PathBuf,
    file: File,
    sealer: Sealer,
    since: Timestamp,
    octets: u64,
}

struct Writer {
    files: Files,
    key: Key,
    clock: Clock,
    state: Arc<State>,
    open: Option<Open>,
    /// Records that the disk did not take.
    lost: u64,
    broken: bool,
}

impl Writer {
    fn new(settings: &CaptureSettings, base: &Path, node: &str, clock: Clock, state: Arc<State>) -> io::Result<Self> {
        let key = key(&base.join(&settings.key))?;
        let dir = base.join(&settings.dir);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let files = Files { dir, node: node.to_owned(), size: settings.size_octets, keep: settings.keep };
        files.tidy(clock.now(), 0, None)?;
        Ok(Self { files, key, clock, state, open: None, lost: 0, broken: false })
    }

    fn run(mut self, orders: &Receiver<Order>) {
        let mut records = Vec::with_capacity(CHUNK_OCTETS * 2);
        let mut count = 0_u64;
        let mut since = self.clock.now();
        loop {
            let order = orders.recv_timeout(CHUNK_OPEN);
            let ended = matches!(order, Ok(Order::End) | Err(RecvTimeoutError::Disconnected));
            if let Ok(Order::Write(record)) = order {
                if records.is_empty() {
                    since = self.clock.now();
                    self.tell_gap(&mut records);
                }
                if let Record::Pdu { octets, .. } = &record {
                    self.state.octets.fetch_sub(octets.len(), Ordering::Relaxed);
                }
                record.write(&mut records);
                count += 1;
            }
            if ended && records.is_empty() {
                self.tell_gap(&mut records);
            }
            let now = self.clock.now();
            if records.len() >= CHUNK_OCTETS || (!records.is_empty() && now.since(since) >= CHUNK_OPEN) || ended {
                self.flush(&mut records, std::mem::take(&mut count), now, ended);
            } else if records.is_empty() {
                let open = self.open.as_ref().map(|o| o.path.clone());
                self.roll_if_old(now);
                let _ = self.files.tidy(now, 0, open.as_deref());
            }
            if ended {
                return;
            }
        }
    }

    /// What was lost before this record is told before it.
    fn tell_gap(&mut self, records: &mut Vec<u8>) {
        let lost = self.lost + self.state.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            self.lost = lost;
            Record::Gap { at: self.clock.now(), records: lost }.write(records);
        }
    }

    fn flush(&mut self, records: &mut Vec<u8>, count: u64, now: Timestamp, last: bool) {
        if records.is_empty() && self.open.is_none() {
            return;
        }
        match self.chunk(records, now, last) {
            Ok(()) => {
                counter!("tapis_capture_records_total").increment(count);
                (self.lost, self.broken) = (0, false);
            }
            Err(error) => {
                if !self.broken {
                    tracing::error!(%error, "the capture cannot be written");
                }
                counter!("tapis_capture_lost_total").increment(count);
                self.lost += count;
                // What was written of the chunk is torn: nothing comes behind it.
                (self.open, self.broken) = (None, true);
            }
        }
        records.clear();
    }

    fn chunk(&mut self, records: &mut Vec<u8>, now: Timestamp, last: bool) -> io::Result<()> {
        self.roll_if_old(now);
        let coming = u64::try_from(records.len() + 64).unwrap_or(u64::MAX);
        if self.open.as_ref().is_some_and(|o| o.octets + coming > self.files.size / u64::from(FILES)) {
            self.close_file();
        }
        let open = self.open.as_ref().map(|o| o.path.clone());
        self.files.tidy(now, coming, open.as_deref())?;
        let mut out = Vec::with_capacity(records.len() + 128);
        if self.open.is_none() {
            let mut id = [0; 16];
            io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut id)?;
            let sealer = Sealer::new(&self.key, id);
            out.extend_from_slice(sealer.header());
            let (path, file) = self.files.create(now)?;
            self.open = Some(Open { path, file, sealer, since: now, octets: 0 });
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.sealer.seal(records, last, &mut out);
        open.file.write_all(&out)?;
        open.octets += u64::try_from(out.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// No file spans more than a part of what is kept, so that what is too old can go.
    fn roll_if_old(&mut self, now: Timestamp) {
        if self.open.as_ref().is_some_and(|o| now.since(o.since) >= self.files.keep / FILES) {
            self.close_file();
        }
    }

    /// Ends a file with an empty last chunk.
    fn close_file(&mut self) {
        if let Some(mut open) = self.open.take() {
            let mut out = Vec::new();
            open.sealer.seal(&mut Vec::new(), true, &mut out);
            let _ = open.file.write_all(&out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::read;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("tapis-capture-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            let folder = Self(path);
            folder.key([5; 32], 0o600);
            folder
        }

        fn key(&self, key: [u8; 32], mode: u32) {
            fs::write(self.0.join("key"), key).unwrap();
            fs::set_permissions(self.0.join("key"), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn settings(&self, size_octets: u64, keep: Duration) -> CaptureSettings {
            CaptureSettings { dir: "out".into(), key: "key".into(), size_octets, keep }
        }

        fn open(&self, settings: &CaptureSettings) -> io::Result<Capture> {
            Capture::open(settings, &self.0, "n1", Clock::start())
        }

        fn files(&self) -> Vec<PathBuf> {
            let mut all: Vec<_> = fs::read_dir(self.0.join("out")).unwrap().map(|e| e.unwrap().path()).collect();
            all.sort();
            all
        }

        fn records(&self) -> Vec<Record> {
            let key = key(&self.0.join("key")).unwrap();
            let contents = self.files().into_iter().map(|f| read(&fs::read(f).unwrap(), &key).unwrap());
            contents.inspect(|c| assert!(c.closed && c.torn_at.is_none())).flat_map(|c| c.records).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const HOURS: Duration = Duration::from_secs(6 * 3_600);

    #[test]
    fn what_is_written_is_there_after_the_close() {
        let folder = Folder::new("round");
        let capture = folder.open(&folder.settings(1 << 20, HOURS)).unwrap();
        for n in 0..100_u64 {
            capture.write(Timestamp(n), Leg::Esme, 7, "agg-1", vec![9; 50]);
        }
        capture.close();
        let records = folder.records();
        assert_eq!(records.len(), 100);
        let wanted =
            Record::Pdu { at: Timestamp(3), leg: Leg::Esme, session: 7, account: "agg-1".into(), octets: vec![9; 50] };
        assert_eq!(records[3], wanted);
        let mode = fs::metadata(&folder.files()[0]).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_more_room() {
        let folder = Folder::new("size");
        let size = 2 << 20;
        let capture = folder.open(&folder.settings(size, HOURS)).unwrap();
        for n in 0..100_u64 {
            capture.write(Timestamp(n), Leg::Smsc, 7, "a", vec![1; 60_000]);
        }
        capture.close();
        let octets: u64 = folder.files().iter().map(|f| fs::metadata(f).unwrap().len()).sum();
        assert!(octets <= size && octets > size / 2, "{octets}");
        let last = folder.records().pop().unwrap();
        assert!(matches!(last, Record::Pdu { at: Timestamp(99), .. }), "the newest is kept");
        assert!(folder.files().len() > 4);
    }

    #[test]
    fn what_is_too_old_goes_at_the_start_and_other_files_stay() {
        let folder = Folder::new("age");
        fs::create_dir_all(folder.0.join("out")).unwrap();
        for name in ["n1-0000000000000001.capture", "n2-0000000000000001.capture", "n1-notes.txt"] {
            fs::write(folder.0.join("out").join(name), b"x").unwrap();
        }
        folder.open(&folder.settings(1 << 20, HOURS)).unwrap().close();
        let names: Vec<_> = folder.files().iter().map(|f| f.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["n1-notes.txt", "n2-0000000000000001.capture"]);
    }

    #[test]
    fn a_disk_that_takes_nothing_stops_nobody_and_leaves_a_gap() {
        let folder = Folder::new("gap");
        let clock = Clock::start();
        let state = Arc::new(State::default());
        let mut writer =
            Writer::new(&folder.settings(1 << 20, HOURS), &folder.0, "n1", clock, Arc::clone(&state)).unwrap();
        let chunk = |writer: &mut Writer, last: bool| {
            let mut records = Vec::new();
            writer.tell_gap(&mut records);
            Record::Gap { at: Timestamp(0), records: 0 }.write(&mut records);
            writer.flush(&mut records, 1, clock.now(), last);
        };
        fs::remove_dir_all(folder.0.join("out")).unwrap();
        chunk(&mut writer, false);
        chunk(&mut writer, false);
        state.lost.fetch_add(3, Ordering::Relaxed);
        fs::create_dir_all(folder.0.join("out")).unwrap();
        chunk(&mut writer, false);
        chunk(&mut writer, true);
        let lost: Vec<u64> =
            folder.records().iter().map(|r| if let Record::Gap { records, .. } = r { *records } else { 99 }).collect();
        assert_eq!(lost, [5, 0, 0], "two that the disk did not take, three that the queue had no room for");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = Folder::new("mode");
        folder.key([5; 32], 0o640);
        let error = folder.open(&folder.settings(1 << 20, HOURS)).unwrap_err().to_string();
        assert!(error.contains("640") && error.contains("chmod 600"), "{error}");
        fs::remove_file(folder.0.join("key")).unwrap();
        assert!(folder.open(&folder.settings(1 << 20, HOURS)).is_err());
    }
}
