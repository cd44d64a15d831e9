//! Lists that change while the node runs: a fetched one, or one entry of an operator's.
//!
//! What changes is the policy in force, not what the files say: those may hold a policy that was rolled back, or one that is
//! on trial. A policy on trial gets the same change, and its trial goes on.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use serde_json::{Value, json};

use super::load::{Refused, check_after, unreadable};
use super::reload::{Reloader, Report};
use super::{Node, edits, feeds};
use crate::config::source::{ListEdit, Sources};

impl Reloader {
    /// Takes a fetched list into force, and keeps it, if the policy holds with it. It blocks.
    pub fn offer_feed(&self, node: &Node, url: &str, text: &str) -> Report {
        let put = |sources: &mut Sources| {
            let named = sources.lists.iter_mut().filter(|l| l.name == url);
            named.for_each(|list| list.text = Ok(text.to_owned()));
        };
        let keep = |state: &Path| {
            let copy = feeds::copy(state, url);
            copy.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            edits::replace(&copy, text)
        };
        self.amend(node, "feed", &json!({ "actor": "feed", "url": url }), put, keep)
    }

    /// Takes what a feed of other carriers' warnings has for lists into force, and keeps it, if the policy holds with all of them.
    /// It blocks.
    pub fn offer_lists(&self, node: &Node, feed: &str, lists: &[(String, String)]) -> Report {
        let put = |sources: &mut Sources| {
            for list in &mut sources.lists {
                let entries = lists.iter().find(|(name, _)| *name == list.name);
                entries.into_iter().for_each(|(_, entries)| list.text = Ok(entries.clone()));
            }
        };
        let keep = |state: &Path| {
            std::fs::create_dir_all(state.join("feeds"))?;
            lists.iter().try_for_each(|(name, entries)| edits::replace(&feeds::copy(state, name), entries))
        };
        self.amend(node, "feed", &json!({ "actor": "feed", "intel": feed, "lists": lists.len() }), put, keep)
    }

    /// Adds an entry to a list, or removes it, if the policy holds with it. It blocks.
    pub fn edit(&self, node: &Node, edit: &ListEdit, actor: &str) -> Report {
        let add = |all: &mut Vec<ListEdit>| {
            all.retain(|e| e.list != edit.list || !e.entry.eq_ignore_ascii_case(&edit.entry));
            all.push(edit.clone());
        };
        let keep = |state: &Path| {
            let mut all = edits::read(state);
            add(&mut all);
            edits::write(state, &all)
        };
        let details = json!({ "actor": actor, "list": edit.list, "entry": edit.entry, "added": edit.added });
        self.amend(node, actor, &details, |sources| add(&mut sources.edits), keep)
    }

    /// Changes what is in force, and keeps the change, when the policy holds with it.
    fn amend(
        &self,
        node: &Node,
        actor: &str,
        details: &Value,
        put: impl Fn(&mut Sources),
        keep: impl Fn(&Path) -> std::io::Result<()>,
    ) -> Report {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let old = node.policy.load_full();
        let mut report = Report { old: old.digest().to_owned(), ..Report::default() };
        if node.is_draining() {
            // Its record would come after the last.
            report.diagnostics = vec![unreadable("the node is draining".into())];
            return report;
        }
        let checked = self.in_force(&report.old).and_then(|mut sources| {
            put(&mut sources);
            check_after(&old, sources, node.clock.now())
        });
        match checked {
            Ok((loaded, sources, cases)) => {
                let kept = self.state().ok_or_else(|| "there is no `state` to keep it in".to_owned());
                match kept.and_then(|state| keep(&state).map_err(|e| e.to_string())) {
                    Ok(()) => {
                        let new = Arc::new(loaded.policy);
                        report.ok = true;
                        report.new = Some(new.digest().to_owned());
                        report.difference = old.difference(&new);
                        report.cases = cases;
                        self.put_in_force(node, &new, &sources, "list", (actor, None));
                        self.amend_trial(node, &put);
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

    /// What the policy in force is made of; where that was not kept, what the files say.
    fn in_force(&self, digest: &str) -> Result<Sources, Refused> {
        match self.history().sources(digest) {
            Ok(sources) => Ok(sources),
            Err(_) => self.origin.read().map_err(|why| (vec![unreadable(why)], Box::default())),
        }
    }

    /// The policy on trial gets the change as well; when it does not hold with it, it goes.
    fn amend_trial(&self, node: &Node, put: &impl Fn(&mut Sources)) {
        let Some(canary) = node.canary.load_full() else { return };
        let mut sources = canary.sources.clone();
        put(&mut sources);
        match check_after(&canary.policy, sources, node.clock.now()) {
            Ok((loaded, sources, _)) => {
                self.history().keep(loaded.policy.digest(), &sources);
                let amended = Arc::new(canary.with(Arc::new(loaded.policy), sources));
                // It may have left its bounds meanwhile, and then it is over.
                node.canary.compare_and_swap(&Some(canary), Some(amended));
            }
            Err((diagnostics, _)) => {
                let why = diagnostics.first().map(|d| d.message.clone()).unwrap_or_default();
                self.roll_back_trial(node, &canary, &format!("a list changed: {why}"));
            }
        }
    }
}
