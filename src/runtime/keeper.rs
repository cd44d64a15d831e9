//! Counts and writes down what a gate hands out.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::time::Duration;

use super::Node;
use super::canary::{self, Canary};
use super::metrics::{self, Meters};
use crate::audit::shadow::ShadowChanges;
use crate::audit::tally::Tally;
use crate::audit::{Basis, Decision, Outcome, OutcomeKind, Reply};
use crate::gate::Event;
use crate::message::Direction;
use crate::policy::{self, Policy};
use crate::session::Legs;
use crate::verdict::Action;

/// See the [module documentation](self).
pub(super) struct Keeper<'a> {
    pub(super) node: &'a Node,
    pub(super) trial: Option<&'a Canary>,
    pub(super) meters: &'a mut Meters,
    pub(super) tally: &'a mut Tally,
    pub(super) shadow: &'a mut ShadowChanges,
    pub(super) written: &'a mut HashSet<u64>,
    pub(super) evidence: &'a mut policy::Scratch,
}

/// Outcomes that one session waits for.
const WRITTEN_MAX: usize = 100_000;

impl Keeper<'_> {
    /// Counts a decision that took so long, and writes it down; whether it was written.
    pub(super) fn decision(&mut self, decision: &Decision<'_>, took: Option<Duration>) -> bool {
        self.meters.decision(decision);
        if let Some(took) = took {
            self.meters.verdicts(decision.message.direction, took, 1);
        }
        decision.shadow_changes(|rule, to| {
            metrics::shadow_change(&rule.id, to);
            self.shadow.add(&rule.id, decision.action(), to);
        });
        if let Some(trial) = self.trial
            && trial.count(decision)
        {
            self.settle(trial);
        }
        if let Some(watcher) = &self.node.watcher {
            watcher.decision(decision, self.node.clock.now(), self.evidence);
        }
        // What is not written is not tallied either: nobody would see it.
        if !self.node.journal.is_on() {
            return false;
        }
        self.tally.add(decision);
        let passed = decision.action() == Action::Pass && !matches!(decision.basis, Basis::Exception { .. });
        if passed && !self.is_sampled(decision) {
            return false;
        }
        let latency = took.map(|took| f64::from(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX) / 100) / 10.0);
        let recorder = self.node.recorder.load();
        let body = recorder.decision(decision, latency, self.evidence);
        self.node.journal.write("decision", self.node.clock.now(), body);
        if matches!(decision.reply, Reply::Forwarded | Reply::Tagged) && self.written.len() < WRITTEN_MAX {
            self.written.insert(decision.id.n);
        }
        true
    }

    /// Counts messages that a policy has passed without a decision.
    pub(super) fn passed(&mut self, policy: &Policy, passed: Legs<u64>) {
        self.meters.passed(Direction::Mt, passed.esme);
        self.meters.passed(Direction::Mo, passed.smsc);
        let all = passed.esme + passed.smsc;
        if let Some(trial) = self.trial
            && all > 0
            && trial.count_passed(policy, all)
        {
            self.settle(trial);
        }
    }

    fn settle(&self, trial: &Canary) {
        if trial.outcome(self.node.clock.now()) != canary::Outcome::Open {
            self.node.settle.notify_one();
        }
    }

    /// One pass in N, chosen by a keyed hash so that nobody outside can tell which.
    fn is_sampled(&self, decision: &Decision<'_>) -> bool {
        let n = self.node.settings.journal.passes_one_in;
        if n <= 1 {
            return true;
        }
        self.node.sampling.hash_one((decision.id.session.0, decision.id.n)).is_multiple_of(n)
    }

    /// Writes down what became of a message that was written down.
    pub(super) fn outcome(&mut self, outcome: &Outcome<'_>) {
        let in_doubt = matches!(outcome.kind, OutcomeKind::InDoubt { .. });
        let known = match outcome.kind {
            OutcomeKind::Answered { .. } => !self.written.is_empty() && self.written.remove(&outcome.decision.n),
            _ => self.written.contains(&outcome.decision.n),
        };
        if self.node.journal.is_on() && (known || in_doubt || outcome.kind == OutcomeKind::Receipt) {
            let body = self.node.recorder.load().outcome(outcome);
            self.node.journal.write("outcome", self.node.clock.now(), body);
        }
    }

    /// Counts what else happened.
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Exception { cause, policy } => metrics::exception(cause, policy),
            Event::Fault(leg, fault) => tracing::debug!(leg = leg.name(), fault = fault.name(), "a peer erred"),
            Event::BindRefused(status) => tracing::info!(%status, "the SMSC refused a bind"),
            Event::Bound(_) | Event::Unbound => {}
        }
    }
}
