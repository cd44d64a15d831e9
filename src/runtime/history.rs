//! Which policies were in force, since when, by whom and why; and what each was made of, so that it can be again.
//!
//! What is on disk stands beside the journal, in `policies/`: a line of `history.jsonl` for every change, and the sources
//! of every digest that records name. Without a journal the node remembers the last ones while it runs.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::config;
use crate::config::source::{ListEdit, ListFile, Source, Sources};
use crate::policy::Difference;
use crate::time::Timestamp;

/// Changes that are remembered and told.
const CHANGES_MAX: usize = 1_000;
/// Policies whose sources are remembered where they are not on disk: lists may be large.
const SOURCES_MAX: usize = 8;
const HISTORY: &str = "history.jsonl";

/// A policy that came into force.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// When, in RFC 3339.
    pub time: String,
    /// `start`, `reload`, `canary` (it was on trial before) or `rollback`.
    pub how: String,
    /// Its digest.
    pub digest: String,
    /// The digest that was in force before.
    pub previous: Option<String>,
    /// Who.
    pub actor: String,
    /// Why.
    pub comment: Option<String>,
    /// Rules and exemptions.
    pub rules: usize,
    /// Ids of rules and exemptions that came.
    pub added: Vec<String>,
    /// Those that went.
    pub removed: Vec<String>,
    /// Those that read differently.
    pub changed: Vec<String>,
    /// Whether lists, registries, profiles, accounts, tags or exception policies differ.
    pub other_changed: bool,
}

impl Change {
    /// A change at a time.
    #[must_use]
    pub fn new(at: Timestamp, how: &str, digest: &str, previous: Option<&str>, difference: &Difference) -> Self {
        Self {
            time: at.to_string(),
            how: how.to_owned(),
            digest: digest.to_owned(),
            previous: previous.map(ToOwned::to_owned),
            actor: String::new(),
            comment: None,
            rules: 0,
            added: difference.added.clone(),
            removed: difference.removed.clone(),
            changed: difference.changed.clone(),
            other_changed: difference.other,
        }
    }
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct History {
    dir: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    changes: VecDeque<Change>,
    sources: VecDeque<(String, Sources)>,
}

impl History {
    /// The history in a folder, read; without one, an empty one.
    #[must_use]
    pub fn open(dir: Option<PathBuf>) -> Self {
        let text = dir.as_ref().and_then(|d| fs::read_to_string(d.join(HISTORY)).ok()).unwrap_or_default();
        let lines = text.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
        let mut changes: VecDeque<Change> = lines.take(CHANGES_MAX).collect();
        changes.make_contiguous().reverse();
        Self { dir, state: Mutex::new(State { changes, sources: VecDeque::new() }) }
    }

    /// Records will name a policy, which is made of `sources`.
    pub fn keep(&self, digest: &str, sources: &Sources) {
        self.on_disk(|dir| keep(dir, digest, sources));
    }

    /// Whether something was written.
    fn on_disk(&self, write: impl FnOnce(&Path) -> io::Result<()>) -> bool {
        let Some(dir) = &self.dir else { return false };
        let written = write(dir);
        if let Err(error) = &written {
            tracing::error!(path = %dir.display(), %error, "the history of policies cannot be written");
        }
        written.is_ok()
    }

    /// A policy came into force, made of `sources`.
    pub fn add(&self, change: Change, sources: &Sources) {
        let written = self.on_disk(|dir| {
            keep(dir, &change.digest, sources)?;
            let mut file = fs::OpenOptions::new().create(true).append(true).open(dir.join(HISTORY))?;
            let mut line = serde_json::to_vec(&change)?;
            line.push(b'\n');
            file.write_all(&line)
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !written {
            state.sources.retain(|(digest, _)| *digest != change.digest);
            state.sources.push_back((change.digest.clone(), sources.clone()));
            let too_many = state.sources.len().saturating_sub(SOURCES_MAX);
            state.sources.drain(..too_many);
        }
        state.changes.push_back(change);
        let too_many = state.changes.len().saturating_sub(CHANGES_MAX);
        state.changes.drain(..too_many);
    }

    /// What came into force, the last first.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.changes.iter().rev().cloned().collect()
    }

    /// The full digest that this is the beginning of.
    ///
    /// # Errors
    /// When there is none, or more than one.
    pub fn digest(&self, begins: &str) -> Result<String, String> {
        let mut fitting: Vec<String> =
            self.changes().into_iter().map(|c| c.digest).filter(|d| d.starts_with(begins)).collect();
        fitting.sort();
        fitting.dedup();
        match fitting.as_slice() {
            [] => Err(format!("no policy of the history has the digest `{begins}`")),
            [one] => Ok(one.clone()),
            several => Err(format!("`{begins}` may be {}", several.join(" or "))),
        }
    }

    /// What a policy was made of.
    ///
    /// # Errors
    /// When that was not kept, or cannot be read any more.
    pub fn sources(&self, digest: &str) -> Result<Sources, String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, sources)) = state.sources.iter().find(|(d, _)| d == digest) {
            return Ok(sources.clone());
        }
        drop(state);
        let Some(dir) = &self.dir else { return Err(format!("the sources of {digest} are kept nowhere")) };
        let path = dir.join(format!("{digest}.json"));
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let kept: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(sources_of(&kept))
    }
}

fn keep(dir: &Path, digest: &str, sources: &Sources) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let path = dir.join(format!("{digest}.json"));
    if path.exists() {
        return Ok(());
    }
    let kept = json!({ "digest": digest, "files": files(sources) });
    let new = path.with_extension("new");
    fs::write(&new, kept.to_string())?;
    fs::rename(&new, &path)
}

/// Sources as they are kept and shown: the main file, rule files, the files of lists, and edits of lists.
#[must_use]
pub fn files(sources: &Sources) -> Vec<Value> {
    let file = |role: &str, s: &Source| json!({ "role": role, "name": s.name, "text": s.text });
    let main = sources.main.iter().map(|s| file("main", s));
    let rules = sources.rules.iter().map(|s| file("rules", s));
    let lists = sources
        .lists
        .iter()
        .map(|l| json!({ "role": "list", "name": l.name, "named_in": l.named_in, "text": l.text.as_deref().ok() }));
    let edits =
        sources.edits.iter().map(|e| json!({ "role": "edit", "name": e.list, "text": e.entry, "added": e.added }));
    main.chain(rules).chain(lists).chain(edits).collect()
}

/// The other way round. Files that an earlier version kept do not say what they are.
fn sources_of(kept: &Value) -> Sources {
    let mut sources = Sources::default();
    for file in kept.get("files").and_then(Value::as_array).into_iter().flatten() {
        let word = |key: &str| file.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let (name, text) = (word("name").unwrap_or_default(), word("text"));
        if let Some(named_in) = word("named_in") {
            let text = text.ok_or_else(|| "it could not be read when the policy was taken".to_owned());
            sources.lists.push(ListFile { named_in, name, text });
            continue;
        }
        if word("role").as_deref() == Some("edit") {
            let added = file.get("added").and_then(Value::as_bool) == Some(true);
            sources.edits.push(ListEdit { list: name, entry: text.unwrap_or_default(), added });
            continue;
        }
        let source = Source { name, text: text.unwrap_or_default() };
        let is_main = match word("role").as_deref() {
            Some("main") => true,
            Some(_) => false,
            None => sources.main.is_none() && config::is_main(&source),
        };
        if is_main {
            sources.main = Some(source);
        } else {
            sources.rules.push(source);
        }
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> Sources {
        let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
        let list = ListFile { named_in: "r.yaml".into(), name: "l.txt".into(), text: Ok("dbs\n".into()) };
        Sources {
            main: Some(source("tapis.yaml", "mode: live\n")),
            rules: vec![source("r.yaml", text)],
            lists: vec![list],
            edits: vec![ListEdit { list: "l".into(), entry: "dbs".into(), added: false }],
            ..Sources::default()
        }
    }

    fn change(digest: &str) -> Change {
        Change::new(Timestamp(1), "reload", digest, None, &Difference::default())
    }

    #[test]
    fn what_was_in_force_is_known_after_a_restart() {
        let dir = std::env::temp_dir().join(format!("tapis-history-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let history = History::open(Some(dir.clone()));
        history.add(change("aa11"), &sources("rules: []\n"));
        history.add(change("aa22"), &sources("rules: [ ]\n"));
        let again = History::open(Some(dir.clone()));
        let digests: Vec<String> = again.changes().into_iter().map(|c| c.digest).collect();
        assert_eq!(digests, ["aa22", "aa11"]);
        assert_eq!(again.digest("aa1").unwrap(), "aa11");
        assert!(again.digest("aa").unwrap_err().contains("aa11 or aa22") && again.digest("b").is_err());
        let kept = again.sources("aa11").unwrap();
        assert_eq!(kept.main.unwrap().name, "tapis.yaml");
        assert_eq!(kept.edits, sources("").edits);
        assert_eq!((kept.rules[0].text.as_str(), kept.lists[0].text.as_deref()), ("rules: []\n", Ok("dbs\n")));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn without_a_folder_the_last_ones_are_remembered() {
        let history = History::open(None);
        for n in 0..1_100 {
            history.add(change(&format!("{n:04}")), &sources("rules: []\n"));
        }
        assert_eq!(history.changes().len(), CHANGES_MAX);
        assert!(history.sources("1099").is_ok() && history.sources("1000").is_err());
    }
}
