//! Reading configuration from disk, whole: a folder that is being written is read again until it stands still.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::edits;
use crate::config;
use crate::config::source::{ListFile, Source, Sources};

/// Where configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// `tapis.yaml`.
    pub main: Option<PathBuf>,
    /// Rule files and folders that take the place of those the main file names.
    pub rules: Vec<PathBuf>,
    /// The folder that remembers over a restart, where it is not as the main file says.
    pub state: Option<PathBuf>,
}

/// Reads of a folder in a row that must be the same, and how many are tried.
const READS_MAX: usize = 20;
/// Between two of them.
const BETWEEN_READS: Duration = Duration::from_millis(25);

impl Origin {
    /// Reads everything, until two reads in a row are the same.
    ///
    /// # Errors
    /// When the files do not stand still.
    pub fn read(&self) -> Result<Sources, String> {
        let mut last = self.read_once();
        for _ in 0..READS_MAX {
            #[allow(clippy::disallowed_methods, reason = "a half-written folder must be waited for")]
            std::thread::sleep(BETWEEN_READS);
            let next = self.read_once();
            if fingerprint(&next) == fingerprint(&last) {
                return Ok(next);
            }
            last = next;
        }
        Err("the rule files do not stand still".into())
    }

    /// Reads everything once. What cannot be read is told in [`Sources::unread`], so that all of it is told at once.
    #[must_use]
    pub fn read_once(&self) -> Sources {
        let mut sources = Sources::default();
        let mut unread = Vec::new();
        let mut paths = self.rules.clone();
        if let Some(main) = &self.main {
            sources.main = source(main).map_err(|why| unread.push(why)).ok();
            if self.rules.is_empty()
                && let Some(source) = &sources.main
            {
                let settings = config::read_settings(source, &mut config::diagnostic::Diagnostics::default());
                let folder = main.parent().unwrap_or(Path::new(""));
                paths = settings.rules.iter().map(|p| folder.join(p)).collect();
            }
        }
        for path in &paths {
            for file in rule_files(path, &mut unread) {
                sources.rules.extend(source(&file).map_err(|why| unread.push(why)));
            }
        }
        sources.unread = unread;
        let state = self.state_of(sources.main.as_ref());
        sources.edits = state.as_deref().map(edits::read).unwrap_or_default();
        sources.lists = config::files_named(&sources)
            .into_iter()
            .map(|(named_in, name)| {
                let text = match state.as_deref() {
                    _ if !name.contains("://") => self.list(&named_in, &name),
                    Some(state) => feed(state, &name),
                    None => Ok(String::new()),
                };
                ListFile { named_in, name, text }
            })
            .collect();
        sources
    }

    /// The folder that remembers over a restart.
    #[must_use]
    pub fn state(&self) -> Option<PathBuf> {
        self.state_of(self.main.as_deref().and_then(|main| source(main).ok()).as_ref())
    }

    fn state_of(&self, main: Option<&Source>) -> Option<PathBuf> {
        let written = || {
            let settings = config::read_settings(main?, &mut config::diagnostic::Diagnostics::default());
            Some(self.main.as_deref()?.parent().unwrap_or(Path::new("")).join(settings.state?))
        };
        self.state.clone().or_else(written)
    }

    /// A file that a list names is looked for beside the rule file, in the folder above, beside `tapis.yaml`, and in
    /// `config`.
    fn list(&self, named_in: &str, name: &str) -> Result<String, String> {
        let beside = Path::new(named_in).parent().unwrap_or(Path::new(""));
        let above = beside.parent().unwrap_or(beside);
        let main = self.main.as_deref().and_then(Path::parent).unwrap_or(Path::new("config"));
        let mut places = vec![beside.join(name), above.join(name), main.join(name), Path::new("config").join(name)];
        places.dedup();
        let mut error = String::new();
        for place in &places {
            match fs::read_to_string(place) {
                Ok(text) => return Ok(text),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) => error = format!("{}: {e}", place.display()),
            }
        }
        if error.is_empty() {
            let looked: Vec<_> = places.iter().map(|p| p.display().to_string()).collect();
            error = format!("not found at {}", looked.join(", "));
        }
        Err(error)
    }

    /// Folders to watch for changes.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = Vec::new();
        if let Some(parent) = self.main.as_deref().and_then(Path::parent) {
            folders.push(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_owned() });
        }
        for path in &self.rules {
            folders.push(if path.is_dir() {
                path.clone()
            } else {
                path.parent().map(Path::to_owned).unwrap_or_default()
            });
        }
        folders.retain(|f| f.is_dir());
        folders
    }
}

/// The name of a file that could not be read, and why.
type Unread = (String, String);

fn source(path: &Path) -> Result<Source, Unread> {
    let name = path.display().to_string();
    let octets = fs::read(path).map_err(|e| (name.clone(), e.to_string()))?;
    match String::from_utf8(octets) {
        Ok(text) => Ok(Source { name, text }),
        Err(e) => Err((name, format!("it is not UTF-8 at octet {}", e.utf8_error().valid_up_to()))),
    }
}

/// The last good copy of a list that is fetched; nothing before the first.
fn feed(state: &Path, url: &str) -> Result<String, String> {
    match fs::read_to_string(super::feeds::copy(state, url)) {
        Ok(text) => Ok(text),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(e) => Err(format!("its copy in {}: {e}", state.display())),
    }
}

/// A file itself, or the `.yaml` and `.yml` files of a folder and those below, in the order of their names.
fn rule_files(path: &Path, unread: &mut Vec<Unread>) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut entries: Vec<PathBuf> = match fs::read_dir(path) {
        Ok(entries) => entries.filter_map(|e| e.ok().map(|e| e.path())).collect(),
        Err(e) => {
            unread.push((path.display().to_string(), e.to_string()));
            return Vec::new();
        }
    };
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        let hidden = entry.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        let yaml = entry.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if hidden {
            continue;
        }
        if entry.is_dir() {
            files.extend(rule_files(&entry, unread));
        } else if yaml {
            files.push(entry);
        }
    }
    files
}

fn fingerprint(sources: &Sources) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for source in sources.main.iter().chain(&sources.rules) {
        hasher.update(source.name.as_bytes()).update(b"\0").update(source.text.as_bytes()).update(b"\0");
    }
    for (name, why) in &sources.unread {
        hasher.update(name.as_bytes()).update(b"\0").update(why.as_bytes()).update(b"\0");
    }
    for list in &sources.lists {
        hasher.update(list.name.as_bytes()).update(b"\0");
        hasher.update(list.text.as_deref().unwrap_or_default().as_bytes());
    }
    for edit in &sources.edits {
        hasher.update(format!("{edit:?}").as_bytes());
    }
    hasher.finalize()
}
