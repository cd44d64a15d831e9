//! What other carriers tell: bundles that are fetched, read or put in by hand, checked, and taken whole or not at all.
//!
//! ```text
//!  bundle ──read──▶ indicators ──▶ lists (if the policy holds with them) ──▶ kept in state/intel ──▶ words against keys
//! ```
//!
//! The last good bundle of each feed stands on disk, so that a node starts with it; one that is broken, too long, or fills a list
//! so that a case breaks changes nothing. Whatever is heard is worked out anew from the bundles each time one is looked at, so that
//! nothing counts twice, and what a source takes back is gone.

pub mod api;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::feeds::{self, Fetched, Seen};
use super::{Node, edits, metrics};
use crate::config::intel::{From, IntelFeed, IntelSettings};
use crate::config::spec::ListKind;
use crate::intel::{self, Taken, Terms};
use crate::limits::INTEL_OCTETS_MAX;
use crate::policy::IntelList;
use crate::reputation::{Kind, Reputation};
use crate::time::Timestamp;

/// How often it is looked which feeds are due.
const TICK: Duration = Duration::from_secs(1);
/// A feed that failed is asked again after this, or after its own time when that is less.
const AGAIN: Duration = Duration::from_secs(60);

/// The feeds of a node.
#[derive(Debug)]
pub struct Intel {
    source: String,
    dir: Option<PathBuf>,
    base: PathBuf,
    feeds: Vec<Feed>,
    /// One bundle is taken at a time.
    turn: Mutex<()>,
}

#[derive(Debug)]
struct Feed {
    says: IntelFeed,
    held: Mutex<Held>,
}

/// The last good bundle of a feed.
#[derive(Debug, Default)]
struct Held {
    text: Arc<str>,
    taken: Taken,
    /// When it was last known to be as its source has it.
    at: Option<Timestamp>,
    /// What became of the last look.
    result: &'static str,
    error: Option<String>,
}

/// Who puts a bundle in, and why.
#[derive(Clone, Debug)]
pub struct By {
    /// Who.
    pub actor: String,
    /// Why.
    pub comment: Option<String>,
}

/// What a bundle came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What it has.
    pub taken: Taken,
    /// Whether it is another one than before.
    pub is_new: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Intel {
    /// The feeds of the settings, with what was last good of each. The folder is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(
        settings: &IntelSettings,
        node: &str,
        (state, base): (Option<&Path>, &Path),
        memory: &Reputation,
        now: Timestamp,
    ) -> io::Result<Self> {
        let dir = state.map(|state| state.join("intel"));
        dir.as_ref().map_or(Ok(()), std::fs::create_dir_all)?;
        let feeds = settings.feeds.iter().map(|says| Feed { says: says.clone(), held: Mutex::default() }).collect();
        let source = settings.source.clone().unwrap_or_else(|| node.to_owned());
        let this = Self { source, dir, base: base.to_owned(), feeds, turn: Mutex::default() };
        for feed in &this.feeds {
            this.restore(feed, now);
        }
        this.tell(memory, now);
        Ok(this)
    }

    fn restore(&self, feed: &Feed, now: Timestamp) {
        let Some(path) = self.copy(feed) else { return };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::error!(path = %path.display(), %error, "the last good bundle of a feed cannot be read");
                }
                return;
            }
        };
        match intel::import::read(text.as_bytes(), &self.terms(feed), now) {
            Ok(taken) => *lock(&feed.held) = Held { text: text.into(), taken, result: "kept", ..Held::default() },
            Err(error) => {
                tracing::error!(path = %path.display(), error, "the last good bundle of a feed is not taken");
            }
        }
    }

    /// The name of this carrier in what it tells.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    fn copy(&self, feed: &Feed) -> Option<PathBuf> {
        Some(self.dir.as_ref()?.join(format!("{}.json", feed.says.id)))
    }

    fn terms(&self, feed: &Feed) -> Terms {
        let IntelFeed { confidence_min, expires, entries_max, .. } = feed.says;
        Terms { own: self.source.clone(), confidence_min, expires, most: entries_max }
    }

    /// Tells memory all that is heard.
    fn tell(&self, memory: &Reputation, now: Timestamp) {
        let mut said = HashMap::new();
        for (n, feed) in (0_u16..).zip(&self.feeds) {
            #[allow(clippy::cast_precision_loss, reason = "hundredths up to 100")]
            let weight = feed.says.weight as f32 / 100.0;
            let held = lock(&feed.held);
            intel::words(&held.taken.indicators, (n, weight), memory, now, &mut said);
            metrics::intel_held(&feed.says.id, held.taken.indicators.len(), held.taken.skipped.len());
        }
        memory.hear(&said, now);
    }

    fn named(&self, id: &str) -> Option<&Feed> {
        self.feeds.iter().find(|feed| feed.says.id == id)
    }

    /// Takes a bundle, or the last good one again, since time goes on and lists come and go. It blocks.
    ///
    /// # Errors
    /// Why it is refused: everything stays as it was.
    fn take(&self, node: &Node, feed: &Feed, text: Option<String>, by: &By) -> Result<Report, String> {
        let _turn = lock(&self.turn);
        let now = node.clock.now();
        let before = Arc::clone(&lock(&feed.held).text);
        let text = text.map_or_else(|| Arc::clone(&before), Arc::from);
        let is_new = text != before;
        if text.is_empty() && !is_new {
            // Nothing was ever put into it.
            return Ok(Report { taken: Taken::default(), is_new });
        }
        let taken = intel::import::read(text.as_bytes(), &self.terms(feed), now);
        let taken = taken.and_then(|taken| fill_lists(node, feed, &taken).map(|()| taken));
        let kept = taken.and_then(|taken| match self.copy(feed).filter(|_| is_new) {
            Some(path) => edits::replace(&path, &text).map(|()| taken).map_err(|e| format!("{}: {e}", path.display())),
            None => Ok(taken),
        });
        let record = |came_to: Value| {
            let By { actor, comment } = by;
            let details = json!({ "feed": feed.says.id, "actor": actor, "comment": comment, "came_to": came_to });
            node.control("intel-import", details);
        };
        let taken = match kept {
            Ok(taken) => taken,
            Err(error) => {
                record(json!({ "ok": false, "error": error }));
                let mut held = lock(&feed.held);
                (held.result, held.error) = ("refused", Some(error.clone()));
                return Err(error);
            }
        };
        if is_new {
            let (taken, skipped) = (taken.indicators.len(), taken.skipped.len());
            record(json!({ "ok": true, "taken": taken, "skipped": skipped }));
        }
        let result = if is_new { "changed" } else { "same" };
        *lock(&feed.held) = Held { text, taken: taken.clone(), at: Some(now), result, error: None };
        self.tell(&node.memory.reputation, now);
        Ok(Report { taken, is_new })
    }

    /// Puts a bundle into a feed that is filled by hand, beside what is in it; with `dry_run` it is only said what would be taken.
    ///
    /// # Errors
    /// Why not.
    fn put(&self, node: &Node, id: &str, text: &str, by: &By, dry_run: bool) -> Result<Report, String> {
        let feed = self.named(id).ok_or_else(|| {
            let known: Vec<&str> = self.feeds.iter().map(|feed| feed.says.id.as_str()).collect();
            format!("there is no feed `{id}`: there are {}", known.join(", "))
        })?;
        if feed.says.from != From::Hand {
            return Err(format!("feed `{id}` is not filled by hand: it comes from where tapis.yaml says"));
        }
        let now = node.clock.now();
        let of_this = intel::import::read(text.as_bytes(), &self.terms(feed), now)?;
        if dry_run {
            return Ok(Report { taken: of_this, is_new: false });
        }
        let before = Arc::clone(&lock(&feed.held).text);
        let all = match before.is_empty() {
            true => text.to_owned(),
            false => intel::import::merge(before.as_bytes(), text.as_bytes(), now)?,
        };
        let report = self.take(node, feed, Some(all), by)?;
        Ok(Report { taken: of_this, ..report })
    }

    /// What is held of each feed.
    #[must_use]
    pub fn json(&self) -> Value {
        let feeds = self.feeds.iter().map(|feed| {
            let held = lock(&feed.held);
            let from = match &feed.says.from {
                From::Url(from) | From::File(from) => from,
                From::Hand => "hand",
            };
            json!({
                "id": feed.says.id, "from": from, "weight": f64::from(feed.says.weight) / 100.0,
                "taken": held.taken.indicators.len(), "skipped": held.taken.skipped.len(), "result": held.result,
                "error": held.error, "as_of": held.at.map(|at| at.to_string()),
            })
        });
        json!({ "source": self.source, "feeds": feeds.collect::<Vec<_>>() })
    }
}

/// Fills the lists of a feed, all or none: those whose entries are others than before, if the policy holds with them.
fn fill_lists(node: &Node, feed: &Feed, taken: &Taken) -> Result<(), String> {
    let policy = node.policy.load_full();
    let state = node.reloader.state();
    let mut changed = Vec::new();
    for list in lists_of(policy.intel_lists(), feed) {
        let kind = match list.kind {
            ListKind::Domains => Kind::Domain,
            ListKind::Senders => Kind::Sender,
            _ => Kind::Phone,
        };
        let text = intel::entries(&taken.indicators, kind, list.confidence_min);
        let state = state.as_ref().ok_or("its lists are kept in `state`, and there is none")?;
        if std::fs::read_to_string(feeds::copy(state, &list.file)).ok().as_deref() != Some(&text) {
            changed.push((list.file.clone(), text));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let report = node.reloader.offer_lists(node, &feed.says.id, &changed);
    match report.diagnostics.first() {
        _ if report.ok => Ok(()),
        Some(first) => Err(format!("a list that it fills does not hold: {first}")),
        None => Err("a list that it fills does not hold".into()),
    }
}

fn lists_of<'l>(lists: &'l [IntelList], feed: &Feed) -> impl Iterator<Item = &'l IntelList> {
    lists.iter().filter(move |list| list.feed == feed.says.id)
}

/// Looks at what is due, until it is aborted.
pub async fn follow(node: Arc<Node>) {
    let count = node.intel.feeds.len();
    let mut due = vec![tokio::time::Instant::now(); count];
    let mut looked = vec![String::new(); count];
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let digest = node.policy.load().digest().to_owned();
        for (n, (due, looked)) in due.iter_mut().zip(&mut looked).enumerate() {
            let Some(feed) = node.intel.feeds.get(n) else { continue };
            let now = tokio::time::Instant::now();
            // A reload may have brought a list that nobody has filled yet.
            let is_new = std::mem::replace(looked, digest.clone()) != digest && lacks_a_list(&node, feed);
            if now < *due && !is_new {
                continue;
            }
            let result = match once(&node, n, now >= *due).await {
                Ok(result) => result,
                Err((result, error)) => {
                    tracing::error!(feed = feed.says.id, error, "a feed keeps its last good bundle");
                    let mut held = lock(&feed.held);
                    (held.result, held.error) = (result, Some(error));
                    result
                }
            };
            metrics::intel_looked(&feed.says.id, result, super::seconds(node.clock));
            if now >= *due {
                let is_fine = result == "changed" || result == "same";
                *due = now + if is_fine { feed.says.every } else { feed.says.every.min(AGAIN) };
            }
        }
    }
}

fn lacks_a_list(node: &Node, feed: &Feed) -> bool {
    let Some(state) = node.reloader.state() else { return false };
    lists_of(node.policy.load().intel_lists(), feed).any(|list| !feeds::copy(&state, &list.file).exists())
}

/// Looks at one feed: `changed` or `same`; with an error `refused` or `failed`.
async fn once(node: &Arc<Node>, n: usize, is_due: bool) -> Result<&'static str, (&'static str, String)> {
    let failed = |error: String| ("failed", error);
    let Some(feed) = node.intel.feeds.get(n) else { return Ok("same") };
    let seen_at = node.intel.copy(feed).map(|copy| copy.with_extension("seen"));
    let mut now_seen = None;
    let text = match &feed.says.from {
        From::Url(url) if is_due => {
            let has_text = !lock(&feed.held).text.is_empty();
            let seen = seen_at.as_deref().filter(|_| has_text).map(|path| Seen::remembered(path, url));
            match feeds::fetch(url, &seen.unwrap_or_default(), INTEL_OCTETS_MAX).await.map_err(failed)? {
                Fetched::Same => None,
                Fetched::New(text, seen) => {
                    now_seen = seen_at.map(|path| (path, seen.json(url).to_string()));
                    Some(text)
                }
            }
        }
        From::File(file) if is_due => {
            let path = node.intel.base.join(file);
            Some(
                tokio::task::spawn_blocking(move || read(&path))
                    .await
                    .map_err(|e| failed(e.to_string()))?
                    .map_err(failed)?,
            )
        }
        From::Url(_) | From::File(_) | From::Hand => None,
    };
    let taking = Arc::clone(node);
    let take = move || {
        let by = By { actor: "feed".into(), comment: None };
        let feed = taking.intel.feeds.get(n).ok_or("there is no such feed")?;
        let report = taking.intel.take(&taking, feed, text, &by)?;
        if let Some((path, says)) = now_seen
            && let Err(error) = std::fs::write(&path, says)
        {
            tracing::error!(path = %path.display(), %error, "what is known of a feed cannot be kept");
        }
        Ok::<_, String>(report)
    };
    let report = tokio::task::spawn_blocking(take).await.map_err(|e| failed(e.to_string()))?;
    let report = report.map_err(|error| ("refused", error))?;
    Ok(if report.is_new { "changed" } else { "same" })
}

/// A file of a feed.
fn read(path: &Path) -> Result<String, String> {
    let tell = |error: io::Error| format!("{}: {error}", path.display());
    let octets = std::fs::metadata(path).map_err(tell)?.len();
    if octets > INTEL_OCTETS_MAX as u64 {
        return Err(format!("{}: it has {octets} octets, at most {INTEL_OCTETS_MAX}", path.display()));
    }
    std::fs::read_to_string(path).map_err(tell)
}
