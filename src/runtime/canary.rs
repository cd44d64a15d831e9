//! A policy on trial: it judges a share of the sessions until it has proved itself, or leaves its bounds and goes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use metrics::{Counter, counter, gauge};
use serde_json::{Value, json};

use crate::account::SessionId;
use crate::audit::Decision;
use crate::config::canary::{CanarySettings, Share};
use crate::config::source::Sources;
use crate::policy::Policy;
use crate::time::Timestamp;
use crate::verdict::Action;

/// What becomes of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on.
    Open,
    /// Its time is over and it stayed within its bounds.
    Promote,
    /// It left a bound: which.
    RollBack(String),
}

/// One trial.
#[derive(Debug)]
pub struct Canary {
    /// The policy on trial.
    pub policy: Arc<Policy>,
    /// What it was made of.
    pub sources: Sources,
    /// How it is tried.
    pub settings: CanarySettings,
    /// Since when.
    pub since: Timestamp,
    /// Who asked for it.
    pub actor: String,
    /// Why.
    pub comment: Option<String>,
    own: Arc<Counts>,
    others: Arc<Counts>,
    seed: [u8; 32],
}

struct Counts {
    messages: [AtomicU64; 3],
    meters: [Counter; 3],
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Counts({:?})", self.messages)
    }
}

impl Counts {
    fn new(policy: &'static str) -> Self {
        let meters =
            Action::ALL.map(|a| counter!("tapis_canary_messages_total", "policy" => policy, "action" => a.name()));
        Self { messages: Default::default(), meters }
    }

    fn add(&self, action: Action, messages: u64) {
        let at = Action::ALL.iter().position(|a| *a == action).unwrap_or(0);
        if let (Some(count), Some(meter)) = (self.messages.get(at), self.meters.get(at)) {
            count.fetch_add(messages, Ordering::Relaxed);
            meter.increment(messages);
        }
    }

    fn get(&self) -> [u64; 3] {
        self.messages.each_ref().map(|n| n.load(Ordering::Relaxed))
    }

    fn json(&self) -> Value {
        let [pass, tag, block] = self.get();
        json!({ "messages": pass + tag + block, "pass": pass, "tag": tag, "block": block })
    }
}

impl Canary {
    /// A trial that begins now.
    #[must_use]
    pub fn new(
        (policy, sources): (Arc<Policy>, Sources),
        settings: CanarySettings,
        since: Timestamp,
        actor: &str,
        comment: Option<&str>,
    ) -> Self {
        gauge!("tapis_canary_share").set(f64::from(settings.share.0) / f64::from(Share::ALL.0));
        let seed = *blake3::hash(policy.digest().as_bytes()).as_bytes();
        let (actor, comment) = (actor.to_owned(), comment.map(ToOwned::to_owned));
        let (own, others) = (Arc::new(Counts::new("new")), Arc::new(Counts::new("old")));
        Self { policy, sources, settings, since, actor, comment, own, others, seed }
    }

    /// The same trial with other lists.
    #[must_use]
    pub fn with(&self, policy: Arc<Policy>, sources: Sources) -> Self {
        Self {
            policy,
            sources,
            settings: self.settings,
            since: self.since,
            actor: self.actor.clone(),
            comment: self.comment.clone(),
            own: Arc::clone(&self.own),
            others: Arc::clone(&self.others),
            seed: self.seed,
        }
    }

    /// Whether a session is judged by it: the same ones all the time, and others for another policy.
    #[must_use]
    pub fn takes(&self, session: SessionId) -> bool {
        let hash = blake3::keyed_hash(&self.seed, &session.0.to_le_bytes());
        let point = hash.as_bytes().first_chunk().map_or(0, |first| u32::from_le_bytes(*first));
        (u64::from(point) * u64::from(Share::ALL.0)) >> 32 < u64::from(self.settings.share.0)
    }

    /// Counts a decision; whether it was one of the policy on trial.
    pub fn count(&self, decision: &Decision<'_>) -> bool {
        self.add(decision.policy, decision.action(), 1)
    }

    /// Counts messages that a policy has passed without a decision; whether it is the one on trial.
    pub fn count_passed(&self, policy: &Policy, messages: u64) -> bool {
        self.add(policy, Action::Pass, messages)
    }

    fn add(&self, policy: &Policy, action: Action, messages: u64) -> bool {
        let own = std::ptr::eq(policy, &*self.policy);
        if own { &self.own } else { &self.others }.add(action, messages);
        own
    }

    /// What is to become of it now.
    #[must_use]
    pub fn outcome(&self, now: Timestamp) -> Outcome {
        let [pass, tag, block] = self.own.get();
        let messages = pass + tag + block;
        match self.settings.left(messages, tag, block) {
            Some(why) => Outcome::RollBack(why),
            None if now.since(self.since) >= self.settings.for_ && messages >= self.settings.after => Outcome::Promote,
            None => Outcome::Open,
        }
    }

    /// For API and journal.
    #[must_use]
    pub fn json(&self) -> Value {
        let bound = |share: Option<Share>| share.map(|s| s.to_string());
        let settings = &self.settings;
        json!({
            "digest": self.policy.digest(), "since": self.since.to_string(), "actor": self.actor,
            "comment": self.comment, "share": settings.share.to_string(), "for_seconds": settings.for_.as_secs_f64(),
            "after": settings.after, "block_above": bound(settings.block_above),
            "block_below": bound(settings.block_below), "tag_above": bound(settings.tag_above),
            "tag_below": bound(settings.tag_below), "new": self.own.json(), "old": self.others.json(),
        })
    }

    /// It is over.
    pub fn end(&self, result: &'static str) {
        gauge!("tapis_canary_share").set(0.0);
        counter!("tapis_canaries_total", "result" => result).increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn canary(share: u32) -> Canary {
        let settings = CanarySettings {
            share: Share(share),
            for_: Duration::from_secs(60),
            after: 10,
            block_above: Some(Share(100_000)),
            block_below: None,
            tag_above: None,
            tag_below: None,
        };
        let policy = (Arc::new(Policy::pass_all()), Sources::default());
        Canary::new(policy, settings, Timestamp(0), "mei", None)
    }

    #[test]
    fn a_share_of_the_sessions_is_taken_and_always_the_same() {
        let canary = canary(100_000);
        let taken: Vec<u64> = (0..10_000).filter(|n| canary.takes(SessionId(*n))).collect();
        assert!((800..1_200).contains(&taken.len()), "{}", taken.len());
        assert!(taken.iter().all(|n| canary.takes(SessionId(*n))));
        assert!((0..100).all(|n| self::canary(1_000_000).takes(SessionId(n)) && !self::canary(0).takes(SessionId(n))));
    }

    #[test]
    fn it_ends_by_its_bounds_at_once_and_by_its_time_when_it_has_judged_enough() {
        let canary = canary(500_000);
        let minute = Timestamp(60_000_000);
        (0..9).for_each(|_| canary.own.add(Action::Pass, 1));
        assert_eq!(canary.outcome(minute), Outcome::Open, "nine messages say nothing");
        canary.own.add(Action::Block, 1);
        assert_eq!((canary.outcome(Timestamp(1)), canary.outcome(minute)), (Outcome::Open, Outcome::Promote));
        canary.own.add(Action::Block, 1);
        assert!(matches!(canary.outcome(Timestamp(1)), Outcome::RollBack(why) if why.contains("2 of 11")));
        canary.others.add(Action::Block, 1);
        assert_eq!(canary.json()["old"]["block"], 1);
    }
}
