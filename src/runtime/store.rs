//! What Tapis tagged and swallowed survives a restart: a snapshot beside the journal, written whole and renamed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::account::Memory;

/// The snapshot's file.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// One snapshot is written at a time: the last one of a node may meet one that is under way.
    writing: Mutex<()>,
}

impl Store {
    /// A store in a folder, which is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { path: dir.join("remembered.jsonl"), writing: Mutex::default() })
    }

    /// Takes back what was remembered; answers how many messages. A damaged line ends it, and is told.
    pub fn restore(&self, memory: &Memory) -> usize {
        match fs::read(&self.path) {
            Ok(snapshot) => match memory.restore(&snapshot) {
                Ok(taken) => taken,
                Err(line) => {
                    tracing::error!(path = %self.path.display(), line, "what was remembered is damaged from this line on");
                    line.saturating_sub(1)
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => {
                tracing::error!(path = %self.path.display(), %error, "what was remembered cannot be read");
                0
            }
        }
    }

    /// Writes what is remembered: a crash leaves the old file or the new one.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, memory: &Memory) -> io::Result<()> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&memory.snapshot())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}
