//! Exact counts of everything decided in a minute, passes included: what a sampled journal cannot prove by itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Decision;
use crate::text::number::Country;

/// What decisions are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Key {
    direction: &'static str,
    account: Box<str>,
    sender_kind: &'static str,
    sender_country: Option<Country>,
    recipient_country: Option<Country>,
    action: &'static str,
    cause: Option<&'static str>,
    category: Option<Box<str>>,
    has_link: bool,
}

/// Counts since the last tally.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<Key, u64>,
    overflow: u64,
    /// The key of the last decision: traffic comes in runs.
    last: Option<(Key, u64)>,
}

/// Different keys that a minute may have; what is beyond counts as `overflow`.
const KEYS_MAX: usize = 20_000;

impl Tally {
    /// Counts one decision.
    pub fn add(&mut self, decision: &Decision<'_>) {
        let message = &decision.message;
        let (sender, recipient) = (message.sender.country(), message.recipient.country());
        let (action, has_link) = (decision.action().name(), !message.reading.links().is_empty());
        let (cause, category) = (decision.cause(), decision.category());
        let direction = message.direction.name();
        if let Some((last, count)) = &mut self.last
            && last.direction == direction
            && *last.account == *message.account.id
            && last.sender_kind == message.sender.kind.name()
            && (last.sender_country, last.recipient_country) == (sender, recipient)
            && (last.action, last.cause, last.has_link) == (action, cause, has_link)
            && last.category.as_deref() == category
        {
            *count += 1;
            return;
        }
        self.settle();
        let key = Key {
            direction,
            account: message.account.id.into(),
            sender_kind: message.sender.kind.name(),
            sender_country: sender,
            recipient_country: recipient,
            action,
            cause,
            category: category.map(Into::into),
            has_link,
        };
        self.last = Some((key, 1));
    }

    fn settle(&mut self) {
        let Some((key, count)) = self.last.take() else { return };
        if self.counts.len() < KEYS_MAX || self.counts.contains_key(&key) {
            *self.counts.entry(key).or_default() += count;
        } else {
            self.overflow += count;
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, mut other: Self) {
        self.settle();
        other.settle();
        for (key, count) in other.counts {
            *self.counts.entry(key).or_default() += count;
        }
        self.overflow += other.overflow;
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.last.is_none() && self.overflow == 0
    }

    /// All decisions counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum::<u64>() + self.last.as_ref().map_or(0, |(_, n)| *n) + self.overflow
    }

    /// The body of a `tally` record; it starts again from zero.
    pub fn take(&mut self) -> Value {
        self.settle();
        let counts = std::mem::take(&mut self.counts);
        let total: u64 = counts.values().sum::<u64>() + self.overflow;
        let rows: Vec<Value> = counts
            .into_iter()
            .map(|(key, count)| {
                json!({
                    "direction": key.direction, "account": key.account, "sender_kind": key.sender_kind,
                    "sender_country": key.sender_country.map(|c| c.to_string()),
                    "recipient_country": key.recipient_country.map(|c| c.to_string()), "action": key.action,
                    "cause": key.cause, "category": key.category, "has_link": key.has_link, "count": count,
                })
            })
            .collect();
        json!({ "messages": total, "counts": rows, "overflow": std::mem::take(&mut self.overflow) })
    }
}
