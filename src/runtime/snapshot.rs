//! Reputation survives a restart: a snapshot that a thread of its own writes aside, forces to the disk and renames into its
//! place.
//!
//! ```text
//!  reputation.new ──written, synced──▶ reputation          (renamed; the folder is synced)
//!                                      └─▶ reputation.previous   (the one before, linked first)
//! ```
//!
//! At every moment there is a whole one: whoever is killed loses what came since the last flush. A snapshot that is damaged,
//! of a later version or of another secret stops no start: it is told of, set aside as `reputation.refused` for whoever
//! wants to look, and the previous one is taken.
//!
//! The file is the core's snapshot, and behind it a line of what the node must know to go on with the others where it stopped
//! ([`super::shared`]), its length and a checksum of both.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::clock::Clock;
use super::shared::Shared;
use super::{Node, metrics};
use crate::config::reputation::ReputationSettings;
use crate::reputation::{Reputation, Restored};

/// How often it is written unless the operator says so.
const FLUSH: Duration = Duration::from_secs(30);

/// Octets that are collected before they are written.
const BLOCK: usize = 1 << 20;

/// Behind everything.
const END: &[u8; 8] = b"TAPISEND";

/// The snapshot's files.
#[derive(Debug)]
pub struct Snapshots {
    path: PathBuf,
    every: Duration,
    /// One is written at a time.
    writing: Mutex<()>,
    writer: Mutex<Option<(SyncSender<()>, JoinHandle<()>)>>,
}

/// What was taken back at a start.
#[derive(Clone, Debug, Default)]
pub struct TakenBack {
    /// What the core says of it; none where nothing was there.
    pub restored: Option<Restored>,
    /// The line behind it.
    pub beside: String,
}

impl Snapshots {
    /// The files of the settings: none where neither `file` nor `state` is said. The folder is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(written: &ReputationSettings, state: Option<&Path>, base: &Path) -> io::Result<Option<Self>> {
        let named = written.file.as_ref().map(|file| base.join(file));
        let Some(path) = named.or_else(|| state.map(|dir| dir.join("reputation"))) else { return Ok(None) };
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let every = written.flush.unwrap_or(FLUSH);
        Ok(Some(Self { path, every, writing: Mutex::default(), writer: Mutex::default() }))
    }

    /// Takes back the newest one that is whole.
    pub fn restore(&self, memory: &Reputation) -> TakenBack {
        for path in [&self.path, &self.beside("previous")] {
            match read(path, memory) {
                Ok(taken) => {
                    if path != &self.path && self.path.exists() {
                        tracing::warn!(path = %path.display(), "reputation is that of the previous snapshot");
                    }
                    return taken;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    metrics::snapshot("refused");
                    let aside = self.beside("refused");
                    tracing::error!(path = %path.display(), aside = %aside.display(), %error, "a snapshot of reputation is not taken");
                    if let Err(error) = fs::rename(path, &aside) {
                        tracing::error!(path = %path.display(), %error, "it cannot be set aside");
                    }
                }
            }
        }
        TakenBack::default()
    }

    fn beside(&self, extension: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        name.into()
    }

    /// Writes one: a crash leaves the old one or the new one. What nodes tell each other waits meanwhile, so that what is
    /// written and the place up to which others were heard belong together.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, memory: &Reputation, shared: Option<&Shared>, clock: Clock) -> io::Result<()> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.beside("new");
        let mut file = File::create(&new)?;
        let still = shared.map(Shared::hold_still);
        let mut snapshot = memory.snapshot(clock.now());
        let mut block = Vec::with_capacity(BLOCK + BLOCK / 4);
        while snapshot.write_next(&mut block) {
            if block.len() >= BLOCK {
                file.write_all(&block)?;
                block.clear();
            }
        }
        let beside = still.as_ref().map(|still| still.position()).unwrap_or_default();
        drop(still);
        block.extend(tail(&beside));
        file.write_all(&block)?;
        file.sync_all()?;
        self.keep_previous()?;
        fs::rename(&new, &self.path)?;
        // A rename is on the disk once its folder is.
        let folder = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    /// The one in place becomes the previous one, and stays in place until the new one is there.
    fn keep_previous(&self) -> io::Result<()> {
        let (link, previous) = (self.beside("link"), self.beside("previous"));
        match fs::remove_file(&link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        match fs::hard_link(&self.path, &link) {
            Ok(()) => fs::rename(&link, &previous),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // A file system without links: for a moment only the previous one is there.
            Err(_) => fs::rename(&self.path, &previous),
        }
    }

    /// Begins to write one each `flush`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn follow(&self, node: &Arc<Node>) -> io::Result<()> {
        let (end, ended) = sync_channel::<()>(1);
        let (node, every) = (Arc::downgrade(node), self.every);
        let flush = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let Some(node) = Weak::upgrade(&node) else { return };
                node.save_reputation();
            }
        };
        let writer = std::thread::Builder::new().name("reputation".into()).spawn(flush)?;
        *self.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some((end, writer));
        Ok(())
    }

    /// Ends the thread; one that is being written is waited for.
    pub fn end(&self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((end, writer)) = writer {
            drop(end);
            let _ = writer.join();
        }
    }
}

impl Node {
    /// Writes down what is known of earlier messages, where the operator wants that.
    pub(super) fn save_reputation(&self) {
        let Some(snapshots) = &self.snapshots else { return };
        match snapshots.save(&self.memory.reputation, self.shared.as_deref(), self.clock) {
            Ok(()) => metrics::snapshot_written(super::seconds(self.clock)),
            Err(error) => {
                metrics::snapshot("failed");
                tracing::error!(path = %snapshots.path.display(), %error, "reputation cannot be written");
            }
        }
    }
}

/// What stands behind a snapshot.
fn tail(beside: &str) -> Vec<u8> {
    let mut tail = beside.as_bytes().to_vec();
    tail.extend(u32::try_from(beside.len()).unwrap_or(u32::MAX).to_le_bytes());
    let sum = blake3::hash(&tail);
    tail.extend(sum.as_bytes().iter().take(8));
    tail.extend(END);
    tail
}

/// A file's snapshot and the line behind it; a file without its end is damaged.
fn split(octets: &[u8]) -> Option<(&[u8], &str)> {
    let (rest, end) = octets.split_last_chunk::<8>()?;
    let (rest, sum) = rest.split_last_chunk::<8>()?;
    let (before, len) = rest.split_last_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    let (snapshot, beside) = before.split_at_checked(before.len().checked_sub(len)?)?;
    let summed = rest.get(snapshot.len()..)?;
    let is_whole = end == END && blake3::hash(summed).as_bytes().starts_with(sum);
    Some((snapshot, std::str::from_utf8(beside).ok()?)).filter(|_| is_whole)
}

/// Takes back one file.
///
/// # Errors
/// When it cannot be read, or is damaged, of a later version or of another secret.
pub fn read(path: &Path, memory: &Reputation) -> io::Result<TakenBack> {
    let octets = fs::read(path)?;
    // What the core says of a snapshot says more than that its end is missing.
    let (snapshot, beside) = split(&octets).unwrap_or((&octets, ""));
    let restored =
        memory.restore(snapshot).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault.to_string()))?;
    Ok(TakenBack { restored: Some(restored), beside: beside.to_owned() })
}
