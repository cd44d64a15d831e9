//! Reload: read, compile, run the cases, swap; on any error the old policy stays, and everything that is wrong is told.
//!
//! No session waits for it: all the work is done beside them, and the swap is one pointer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::files::Origin;
use super::{Node, edits, feeds, metrics};
use crate::case;
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::source::{ListEdit, Place, Sources};
use crate::policy::{self, Difference, Loaded};
use crate::time::Timestamp;

/// What an attempt came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whether the policy can be used; with a dry run, whether it could.
    pub ok: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The digest in force before.
    pub old: String,
    /// The digest of what was read, when it compiles.
    pub new: Option<String>,
    /// What changes.
    pub difference: Difference,
    /// Cases that hold, and those that could not be run.
    pub cases: case::Outcome,
    /// Everything that is wrong or doubtful.
    pub diagnostics: Vec<Diagnostic>,
    /// The diagnostics with their source lines.
    pub rendered: Vec<String>,
}

impl Report {
    fn of(old: &str, dry_run: bool) -> Self {
        Self {
            ok: false,
            dry_run,
            old: old.to_owned(),
            new: None,
            difference: Difference::default(),
            cases: case::Outcome::default(),
            diagnostics: Vec::new(),
            rendered: Vec::new(),
        }
    }

    /// For the API and `tapis reload`.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "ok": self.ok, "dry_run": self.dry_run, "old_digest": self.old, "new_digest": self.new,
            "added": self.difference.added, "removed": self.difference.removed, "changed": self.difference.changed,
            "other_changed": self.difference.other,
            "cases": { "held": self.cases.held, "failed": self.cases.failed, "skipped": self.cases.skipped },
            "diagnostics": self.diagnostics.iter().map(Diagnostic::json).collect::<Vec<_>>(),
        })
    }
}

/// Loads policies, one at a time.
#[derive(Debug)]
pub struct Reloader {
    origin: Origin,
    /// Where the sources of each digest are kept.
    keep: Option<PathBuf>,
    turn: Mutex<()>,
}

/// Everything that is wrong, and what was read.
pub type Refused = (Vec<Diagnostic>, Box<Sources>);

/// Reads, compiles and runs cases.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn load(origin: &Origin, now: Timestamp) -> Result<(Loaded, Sources, case::Outcome), Refused> {
    let sources = origin.read().map_err(|why| (vec![unreadable(why)], Box::default()))?;
    check(sources, now)
}

/// Compiles and runs cases.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn check(sources: Sources, now: Timestamp) -> Result<(Loaded, Sources, case::Outcome), Refused> {
    let (loaded, mut diagnostics) = policy::read(&sources);
    let outcome = case::run(&loaded, &sources, now, &mut diagnostics);
    policy::doubts(&loaded, now, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err((diagnostics.sorted(), Box::new(sources)));
    }
    Ok((Loaded { warnings: diagnostics.sorted(), ..loaded }, sources, outcome))
}

fn unreadable(why: String) -> Diagnostic {
    Diagnostic { place: Place::start("files"), code: "file", severity: Severity::Error, message: why, help: None }
}

impl Reloader {
    /// A reloader that reads from `origin`.
    #[must_use]
    pub fn new(origin: Origin, keep: Option<PathBuf>) -> Self {
        Self { origin, keep, turn: Mutex::default() }
    }

    /// Reads and, unless it is a dry run or something is wrong, swaps. It blocks: call it beside the sessions.
    pub fn reload(&self, node: &Node, dry_run: bool, actor: &str) -> Report {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let old = node.policy.load_full();
        let mut report = Report::of(old.digest(), dry_run);
        match load(&self.origin, node.clock.now()) {
            Ok((loaded, sources, cases)) => {
                let new = Arc::new(loaded.policy);
                report.ok = true;
                report.new = Some(new.digest().to_owned());
                report.difference = old.difference(&new);
                report.cases = cases;
                report.rendered = loaded.warnings.iter().map(|d| d.render(&sources)).collect();
                report.diagnostics = loaded.warnings;
                if !dry_run {
                    metrics::policy(Some(&old), &new, super::seconds(node.clock));
                    node.policy.store(Arc::clone(&new));
                    self.keep(new.digest(), &sources);
                }
            }
            Err((diagnostics, sources)) => {
                report.rendered = diagnostics.iter().map(|d| d.render(&sources)).collect();
                report.diagnostics = diagnostics;
            }
        }
        if !dry_run {
            metrics::reload(report.ok);
            if !report.ok || report.new.as_deref() != Some(&report.old) {
                node.control(
                    "reload",
                    json!({
                        "actor": actor, "ok": report.ok, "old_digest": report.old, "new_digest": report.new,
                        "added": report.difference.added, "removed": report.difference.removed,
                        "changed": report.difference.changed, "diagnostics": report.diagnostics.len(),
                    }),
                );
            }
            match (&report.new, &node.watcher) {
                (_, Some(watcher)) => watcher.reload(&report),
                (Some(new), None) if *new != report.old => {
                    tracing::info!(actor, old = report.old, new, "policy reloaded");
                }
                (Some(_), None) => tracing::debug!(actor, "policy reloaded, unchanged"),
                (None, None) => {
                    tracing::error!(actor, "the policy stays as it is:\n{}", report.rendered.join("\n"));
                }
            }
        }
        report
    }

    /// Waits for a change that is under way.
    pub fn wait(&self) {
        drop(self.turn.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The folder that remembers over a restart.
    #[must_use]
    pub fn state(&self) -> Option<PathBuf> {
        self.origin.state()
    }

    /// Takes a fetched list into force, and keeps it, if the policy holds with it. It blocks.
    pub fn offer_feed(&self, node: &Node, url: &str, text: &str) -> Report {
        let put = |sources: &mut Sources| {
            let named = sources.lists.iter_mut().filter(|l| l.name == url);
            named.for_each(|list| list.text = Ok(text.to_owned()));
        };
        let keep = |state: &std::path::Path, _: &Sources| {
            let copy = feeds::copy(state, url);
            copy.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            edits::replace(&copy, text)
        };
        self.change(node, &json!({ "actor": "feed", "url": url }), put, keep)
    }

    /// Adds an entry to a list, or removes it, if the policy holds with it. It blocks.
    pub fn edit(&self, node: &Node, edit: &ListEdit, actor: &str) -> Report {
        let put = |sources: &mut Sources| {
            let is_same = |e: &ListEdit| e.list == edit.list && e.entry.eq_ignore_ascii_case(&edit.entry);
            sources.edits.retain(|e| !is_same(e));
            sources.edits.push(edit.clone());
        };
        let keep = |state: &std::path::Path, sources: &Sources| edits::write(state, &sources.edits);
        let details = json!({ "actor": actor, "list": edit.list, "entry": edit.entry, "added": edit.added });
        self.change(node, &details, put, keep)
    }

    /// Reads everything, changes it, and takes it into force and keeps the change when the policy holds with it.
    fn change(
        &self,
        node: &Node,
        details: &Value,
        put: impl Fn(&mut Sources),
        keep: impl Fn(&std::path::Path, &Sources) -> std::io::Result<()>,
    ) -> Report {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let old = node.policy.load_full();
        let mut report = Report::of(old.digest(), false);
        if node.is_draining() {
            // Its record would come after the last.
            report.diagnostics = vec![unreadable("the node is draining".into())];
            return report;
        }
        let checked =
            self.origin.read().map_err(|why| (vec![unreadable(why)], Box::default())).and_then(|mut sources| {
                put(&mut sources);
                check(sources, node.clock.now())
            });
        match checked {
            Ok((loaded, sources, cases)) => {
                let new = Arc::new(loaded.policy);
                let kept = self.origin.state().ok_or_else(|| "there is no `state` to keep it in".to_owned());
                match kept.and_then(|state| keep(&state, &sources).map_err(|e| e.to_string())) {
                    Ok(()) => {
                        report.ok = true;
                        report.new = Some(new.digest().to_owned());
                        report.difference = old.difference(&new);
                        report.cases = cases;
                        metrics::policy(Some(&old), &new, super::seconds(node.clock));
                        node.policy.store(Arc::clone(&new));
                        self.keep(new.digest(), &sources);
                    }
                    Err(why) => report.diagnostics = vec![unreadable(why)],
                }
            }
            Err((diagnostics, sources)) => {
                report.rendered = diagnostics.iter().map(|d| d.render(&sources)).collect();
                report.diagnostics = diagnostics;
            }
        }
        if !report.ok || report.new.as_deref() != Some(&report.old) {
            node.control(
                "list",
                json!({
                    "change": details, "ok": report.ok, "old_digest": report.old, "new_digest": report.new,
                    "diagnostics": report.diagnostics.len(),
                }),
            );
        }
        match &report.new {
            Some(new) => tracing::info!(%details, old = report.old, new, "a list changed"),
            None => tracing::error!(%details, "the list stays as it is:\n{}", report.rendered.join("\n")),
        }
        report
    }

    /// Keeps the sources of the policy in force.
    pub fn keep_sources(&self, node: &Node) {
        self.keep(node.policy.load().digest(), &self.origin.read_once());
    }

    fn keep(&self, digest: &str, sources: &Sources) {
        let Some(dir) = &self.keep else { return };
        let files: Vec<Value> = sources
            .main
            .iter()
            .chain(&sources.rules)
            .map(|s| json!({ "name": s.name, "text": s.text }))
            .chain(
                sources
                    .lists
                    .iter()
                    .map(|l| json!({ "name": l.name, "named_in": l.named_in, "text": l.text.as_deref().ok() })),
            )
            .collect();
        let path = dir.join(format!("{digest}.json"));
        let written = std::fs::create_dir_all(dir).and_then(|()| {
            if path.exists() {
                Ok(())
            } else {
                std::fs::write(&path, json!({ "digest": digest, "files": files }).to_string())
            }
        });
        if let Err(error) = written {
            tracing::error!(path = %path.display(), %error, "the sources of a policy cannot be kept");
        }
    }
}

/// After the last change of a file, before a reload.
const QUIET: Duration = Duration::from_millis(200);
/// A folder in which something changes all the time is loaded all the same.
const UNQUIET_MAX: Duration = Duration::from_secs(2);

/// Reloads whenever a file changes, until the node drains.
///
/// # Errors
/// When the folders cannot be watched.
pub fn watch(node: Arc<Node>) -> notify::Result<()> {
    use notify::Watcher;
    let (changed, mut changes) = mpsc::channel::<()>(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|e| !e.kind.is_access()) {
            let _ = changed.try_send(());
        }
    })?;
    let mut folders = node.reloader.origin.folders();
    if node.reloader.origin.rules.is_empty()
        && let Some(parent) = node.reloader.origin.main.as_deref().and_then(std::path::Path::parent)
    {
        folders.extend(node.settings.rules.iter().map(|r| parent.join(r)).filter(|p| p.is_dir()));
    }
    for folder in folders {
        watcher.watch(&folder, notify::RecursiveMode::Recursive)?;
    }
    let task = async move {
        let _watcher = watcher;
        while changes.recv().await.is_some() {
            let quiet = async { while tokio::time::timeout(QUIET, changes.recv()).await.is_ok_and(|c| c.is_some()) {} };
            let _ = tokio::time::timeout(UNQUIET_MAX, quiet).await;
            if node.is_draining() {
                break;
            }
            let node = Arc::clone(&node);
            let _ = tokio::task::spawn_blocking(move || node.reloader.reload(&node, false, "watch")).await;
        }
    };
    #[allow(clippy::disallowed_methods, reason = "a task of the runtime's own")]
    drop(tokio::spawn(task));
    Ok(())
}
