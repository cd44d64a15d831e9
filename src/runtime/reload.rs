//! Changing the policy: read, compile, run the cases, swap; on any error the old policy stays, and everything that is wrong is told.
//!
//! No session waits for it: all the work is done beside them, and the swap is one pointer.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::beside::behind;
use super::canary::{Canary, Outcome};
use super::files::Origin;
use super::history::{Change, History};
use super::load::{Checked, check_after, load_after};
use super::{Node, metrics};
use crate::case;
use crate::config::canary::CanarySettings;
use crate::config::diagnostic::Diagnostic;
use crate::config::source::Sources;
use crate::policy::{Difference, Policy};
use crate::time::Timestamp;

/// What somebody asks for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Only say what would change.
    pub dry_run: bool,
    /// Who, for the record.
    pub actor: String,
    /// Why, for the record.
    pub comment: Option<String>,
    /// Only if this policy is in force: guards against two editors.
    pub if_digest: Option<String>,
    /// Whether it is tried first.
    pub trial: Trial,
}

impl Ask {
    /// A reload that somebody asks for without more words.
    #[must_use]
    pub fn by(actor: &str) -> Self {
        Self { actor: actor.to_owned(), ..Self::default() }
    }
}

/// Whether a policy is tried on a share of the sessions first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trial {
    /// As `canary:` says in the configuration.
    #[default]
    AsConfigured,
    /// No: all sessions get it at once.
    Now,
    /// Yes, like this.
    Canary(CanarySettings),
}

impl Trial {
    fn settings(self, node: &Node) -> Option<CanarySettings> {
        match self {
            Self::AsConfigured => node.settings.canary,
            Self::Now => None,
            Self::Canary(settings) => Some(settings),
        }
    }
}

/// What an attempt came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Whether the policy can be used; with a dry run, whether it could.
    pub ok: bool,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Another policy is in force than who asked believes: nothing was done.
    pub conflict: bool,
    /// The digest in force before.
    pub old: String,
    /// The digest of what was read, when it compiles.
    pub new: Option<String>,
    /// What changes.
    pub difference: Difference,
    /// How it is tried first, when it is.
    pub canary: Option<CanarySettings>,
    /// Cases that hold, and those that could not be run.
    pub cases: case::Outcome,
    /// Everything that is wrong or doubtful.
    pub diagnostics: Vec<Diagnostic>,
    /// The diagnostics with their source lines.
    pub rendered: Vec<String>,
}

impl Report {
    /// For the API and `tapis reload`.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "ok": self.ok, "dry_run": self.dry_run, "old_digest": self.old, "new_digest": self.new,
            "added": self.difference.added, "removed": self.difference.removed, "changed": self.difference.changed,
            "other_changed": self.difference.other,
            "canary": self.canary.map(|c| json!({ "share": c.share.to_string(), "for_seconds": c.for_.as_secs_f64() })),
            "cases": { "held": self.cases.held, "failed": self.cases.failed },
            "diagnostics": self.diagnostics.iter().map(Diagnostic::json).collect::<Vec<_>>(),
        })
    }
}

/// An attempt, and what it came to.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// `reload` or `rollback`.
    pub how: String,
    /// Who.
    pub actor: String,
    /// What it came to.
    pub report: Report,
}

impl Attempt {
    /// For the API.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut json = self.report.json();
        if let Value::Object(map) = &mut json {
            map.insert("time".into(), self.at.to_string().into());
            map.insert("how".into(), self.how.as_str().into());
            map.insert("actor".into(), self.actor.as_str().into());
        }
        json
    }
}

/// Loads policies, one at a time.
#[derive(Debug)]
pub struct Reloader {
    pub(super) origin: Origin,
    history: History,
    pub(super) turn: Mutex<()>,
    last: Mutex<Option<Attempt>>,
    last_trial: Mutex<Option<Value>>,
    /// Policies that were in force, until nobody judges by them: freeing a large one takes longer than a message may.
    retired: Mutex<Vec<Arc<Policy>>>,
}

impl Reloader {
    /// A reloader that reads from `origin`, and keeps the history of policies in a folder.
    #[must_use]
    pub fn new(origin: Origin, keep: Option<PathBuf>) -> Self {
        Self {
            origin,
            history: History::open(keep),
            turn: Mutex::default(),
            last: Mutex::default(),
            last_trial: Mutex::default(),
            retired: Mutex::default(),
        }
    }

    /// Frees policies that nobody judges by any more. It may take long: call it beside the sessions.
    pub fn free_retired(&self) {
        let (held, free) = self.retired().drain(..).partition::<Vec<_>, _>(|policy| Arc::strong_count(policy) > 1);
        if !free.is_empty() {
            behind(|| drop(free));
        }
        self.retired().extend(held);
    }

    fn retired(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Policy>>> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was in force, and what it was made of.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The last attempt to change the policy, dry runs apart.
    #[must_use]
    pub fn last(&self) -> Option<Attempt> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// Reads and, unless it is a dry run or something is wrong, swaps. It blocks: call it beside the sessions.
    pub fn reload(&self, node: &Node, ask: &Ask) -> Report {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.change(node, ask, "reload", || load_after(&node.policy.load(), &self.origin, node.clock.now()))
    }

    /// Takes a policy of the history into force again, for all sessions at once. What the files say stays as it is: the next
    /// reload takes that. It blocks.
    ///
    /// # Errors
    /// When the history has no such policy, or its sources are gone.
    pub fn roll_back(&self, node: &Node, digest: &str, ask: &Ask) -> Result<Report, String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = self.history.digest(digest)?;
        let sources = self.history.sources(&digest)?;
        let ask = Ask { trial: Trial::Now, ..ask.clone() };
        Ok(self.change(node, &ask, "rollback", || check_after(&node.policy.load(), sources, node.clock.now())))
    }

    fn change(&self, node: &Node, ask: &Ask, how: &str, load: impl FnOnce() -> Checked) -> Report {
        let old = node.policy.load_full();
        let mut report = Report { dry_run: ask.dry_run, old: old.digest().to_owned(), ..Report::default() };
        if ask.if_digest.as_ref().is_some_and(|expected| *expected != report.old) {
            report.conflict = true;
            return report;
        }
        match load() {
            Ok((loaded, sources, cases)) => {
                let new = Arc::new(loaded.policy);
                report.ok = true;
                report.new = Some(new.digest().to_owned());
                report.difference = old.difference(&new);
                report.cases = cases;
                report.rendered = loaded.warnings.iter().map(|d| d.render(&sources)).collect();
                report.diagnostics = loaded.warnings;
                report.canary = ask.trial.settings(node).filter(|_| new.digest() != old.digest());
                if !ask.dry_run {
                    let on_trial = node.canary.load_full().filter(|c| c.policy.digest() == new.digest());
                    match report.canary {
                        Some(settings) if on_trial.is_some_and(|c| c.settings == settings) => {}
                        Some(settings) => self.try_out(node, (new, sources), settings, ask),
                        None => self.take(node, &new, &sources, how, (&ask.actor, ask.comment.as_deref())),
                    }
                }
            }
            Err((diagnostics, sources)) => {
                report.rendered = diagnostics.iter().map(|d| d.render(&sources)).collect();
                report.diagnostics = diagnostics;
            }
        }
        if !ask.dry_run {
            self.tell(node, ask, how, &report);
        }
        report
    }

    /// A policy comes into force for all sessions, and whatever is on trial is over.
    fn take(&self, node: &Node, new: &Arc<Policy>, sources: &Sources, how: &str, by: (&str, Option<&str>)) {
        self.end_trial(node, new);
        self.put_in_force(node, new, sources, how, by);
    }

    pub(super) fn put_in_force(
        &self,
        node: &Node,
        new: &Arc<Policy>,
        sources: &Sources,
        how: &str,
        by: (&str, Option<&str>),
    ) {
        let old = node.policy.load_full();
        metrics::policy(Some(&old), new, super::seconds(node.clock));
        node.rule_times.take(&old);
        node.rule_times.keep(new);
        node.policy.store(Arc::clone(new));
        self.retired().push(Arc::clone(&old));
        if old.digest() != new.digest() {
            self.note(node, Some(&old), new, sources, how, by);
        }
    }

    fn note(
        &self,
        node: &Node,
        old: Option<&Policy>,
        new: &Policy,
        sources: &Sources,
        how: &str,
        (actor, comment): (&str, Option<&str>),
    ) {
        let difference = old.map(|old| old.difference(new)).unwrap_or_default();
        let previous = old.map(Policy::digest);
        let change = Change::new(node.clock.now(), how, new.digest(), previous, &difference);
        let rules = new.rules.rules.len() + new.rules.exemptions.len();
        let (actor, comment) = (actor.to_owned(), comment.map(ToOwned::to_owned));
        self.history.add(Change { actor, comment, rules, ..change }, sources);
    }

    fn try_out(&self, node: &Node, new: (Arc<Policy>, Sources), settings: CanarySettings, ask: &Ask) {
        self.end_trial(node, &new.0);
        self.history.keep(new.0.digest(), &new.1);
        let canary = Canary::new(new, settings, node.clock.now(), &ask.actor, ask.comment.as_deref());
        node.canary.store(Some(Arc::new(canary)));
    }

    /// Ends a trial whose time is over, or that left its bounds. It may block.
    pub fn settle(&self, node: &Node) {
        let Some(canary) = node.canary.load_full() else { return };
        match canary.outcome(node.clock.now()) {
            Outcome::Open => {}
            // Nobody waits here for a reload that is under way: what is bad goes at once.
            Outcome::RollBack(why) => self.roll_back_trial(node, &canary, &why),
            Outcome::Promote => {
                let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                let was = node.canary.compare_and_swap(&Some(Arc::clone(&canary)), None);
                if was.as_ref().is_some_and(|was| Arc::ptr_eq(was, &canary)) {
                    self.ended(node, &canary, "promoted", "its time is over");
                    let by = (canary.actor.as_str(), canary.comment.as_deref());
                    self.take(node, &canary.policy, &canary.sources, "canary", by);
                    tracing::info!(digest = canary.policy.digest(), "the canary is taken for all sessions");
                }
            }
        }
    }

    /// A policy on trial goes.
    pub(super) fn roll_back_trial(&self, node: &Node, canary: &Arc<Canary>, why: &str) {
        let was = node.canary.compare_and_swap(&Some(Arc::clone(canary)), None);
        if was.as_ref().is_some_and(|was| Arc::ptr_eq(was, canary)) {
            self.ended(node, canary, "rolled_back", why);
            tracing::error!(digest = canary.policy.digest(), why, "the canary is rolled back");
        }
    }

    /// Whoever changes the policy meanwhile ends a trial: what is changed to is another policy, or the one on trial for all.
    fn end_trial(&self, node: &Node, new: &Policy) {
        if let Some(canary) = node.canary.swap(None) {
            let promoted = canary.policy.digest() == new.digest();
            let result = if promoted { "promoted" } else { "replaced" };
            self.ended(node, &canary, result, &format!("{} was asked for", new.digest()));
        }
    }

    /// A trial is over: it is counted, told in the journal, and shown until the next.
    fn ended(&self, node: &Node, canary: &Canary, result: &'static str, why: &str) {
        canary.end(result);
        let what = match result {
            "promoted" => "canary-promote",
            "replaced" => "canary-replace",
            _ => "canary-rollback",
        };
        node.control(what, json!({ "why": why, "canary": canary.json() }));
        let told =
            json!({ "result": result, "why": why, "time": node.clock.now().to_string(), "canary": canary.json() });
        *self.last_trial.lock().unwrap_or_else(PoisonError::into_inner) = Some(told);
    }

    /// How the last trial ended, for the API.
    #[must_use]
    pub fn last_trial(&self) -> Option<Value> {
        self.last_trial.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, node: &Node, ask: &Ask, how: &str, report: &Report) {
        metrics::reload(report.ok, &report.diagnostics);
        let actor = &ask.actor;
        let attempt =
            Attempt { at: node.clock.now(), how: how.to_owned(), actor: actor.clone(), report: report.clone() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
        if !report.ok || report.new.as_deref() != Some(&report.old) {
            node.control(
                how,
                json!({
                    "actor": actor, "comment": ask.comment, "ok": report.ok, "old_digest": report.old,
                    "new_digest": report.new, "added": report.difference.added,
                    "removed": report.difference.removed, "changed": report.difference.changed,
                    "diagnostics": report.diagnostics.len(), "canary": report.canary.map(|c| c.share.to_string()),
                }),
            );
        }
        match (&report.new, &node.watcher) {
            (_, Some(watcher)) => watcher.reload(report),
            (Some(new), None) if *new != report.old && report.canary.is_some() => {
                tracing::info!(actor, old = report.old, new, "policy on trial");
            }
            (Some(new), None) if *new != report.old => {
                tracing::info!(actor, old = report.old, new, "policy reloaded");
            }
            (Some(_), None) => tracing::debug!(actor, "policy reloaded, unchanged"),
            (None, None) => {
                tracing::error!(actor, "the policy stays as it is:\n{}", report.rendered.join("\n"));
            }
        }
    }

    /// Writes down the policy that the node starts with.
    pub fn started(&self, node: &Node) {
        let sources = self.origin.read_once();
        self.note(node, None, &node.policy.load(), &sources, "start", ("start", None));
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
            let _ = tokio::task::spawn_blocking(move || node.reloader.reload(&node, &Ask::by("watch"))).await;
        }
    };
    #[allow(clippy::disallowed_methods, reason = "a task of the runtime's own")]
    drop(tokio::spawn(task));
    Ok(())
}
