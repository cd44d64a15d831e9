//! Entries that operators added to lists, or removed, while a node ran: one JSON object a line, in `state`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::config::source::ListEdit;

fn path(state: &Path) -> PathBuf {
    state.join("list-edits.jsonl")
}

/// All edits, in their order. A damaged line is left out, and told.
#[must_use]
pub fn read(state: &Path) -> Vec<ListEdit> {
    let path = path(state);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(path = %path.display(), %error, "edits of lists cannot be read");
            }
            return Vec::new();
        }
    };
    let mut edits = Vec::new();
    for (n, line) in text.lines().enumerate() {
        match parse(line) {
            Some(edit) => edits.push(edit),
            None => tracing::error!(path = %path.display(), line = n + 1, "this edit of a list cannot be read"),
        }
    }
    edits
}

fn parse(line: &str) -> Option<ListEdit> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| value.get(key)?.as_str().map(ToOwned::to_owned);
    Some(ListEdit { list: text("list")?, entry: text("entry")?, added: value.get("added")?.as_bool()? })
}

/// Writes all of them: a crash leaves the old file or the new one.
///
/// # Errors
/// When the file cannot be written.
pub fn write(state: &Path, edits: &[ListEdit]) -> io::Result<()> {
    fs::create_dir_all(state)?;
    let lines = edits.iter().map(|e| json!({ "list": e.list, "entry": e.entry, "added": e.added }).to_string() + "\n");
    replace(&path(state), &lines.collect::<String>())
}

/// Writes a file whole and renames it into its place.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}
