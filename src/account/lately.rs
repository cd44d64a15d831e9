//! What happened lately, message by message: what was refused, so that its retries count once, and what passed with a link
//! or a number in it, so that a subscriber's report finds who sent it.
//!
//! Both are bounded, kept as keyed hashes, and forgotten by a restart: a retry then counts again, and a report counts
//! against what it names. What passed is kept by its recipient, eight of each place, the oldest making room:
//!
//! ```text
//!  recipient ─▶ shard (a lock) ─▶ place: 8 messages, of this recipient and of those that share its place
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use super::lock;
use crate::message::Message;
use crate::reputation::{Key, Kind, Secret, Traits};
use crate::time::Timestamp;

/// How long a refused message's retries are known.
const RETRIES_FOR: Duration = Duration::from_secs(3_600);

/// Refused messages that are known; a power of two.
const REFUSED_MAX: usize = 1 << 16;

/// How long a report may wait for its second message.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);

/// Reports that wait for their second message.
const WAITING_MAX: usize = 1_024;

const SHARDS: usize = 256;
const WAYS: usize = 8;

/// Messages that passed lately and are remembered, unless the operator says how many.
pub const PASSED_MAX: usize = 1 << 18;

/// What happened lately, message by message.
#[derive(Debug)]
pub struct Lately {
    /// When the last message was refused, in µs.
    last_refusal: AtomicU64,
    /// Upper bits of a hash, then the second in 24 bits; there once something was refused.
    refused: OnceLock<Box<[AtomicU64]>>,
    /// What names of messages are hashed under: nobody outside can make two that fall together, and whoever plays the same
    /// messages again gets the same answers.
    secret: Secret,
    shards: Box<[Mutex<Vec<Passed>>]>,
    /// Places of a shard.
    places: usize,
    waiting: Mutex<VecDeque<Waiting>>,
}

/// A message that passed, by the hashes of its keys; 0 where it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Passed {
    recipient: u64,
    sender: u64,
    campaign: u64,
    domain: u64,
    phone: u64,
    at: u64,
}

/// A report that did not say who had sent the message.
#[derive(Debug)]
struct Waiting {
    reporter: Key,
    at: Timestamp,
}

impl Default for Lately {
    fn default() -> Self {
        Self::new(Secret::default(), PASSED_MAX)
    }
}

impl Lately {
    /// Room for so many messages that passed.
    #[must_use]
    pub fn new(secret: Secret, passed_max: usize) -> Self {
        Self {
            last_refusal: AtomicU64::new(0),
            refused: OnceLock::new(),
            secret,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            places: (passed_max / SHARDS / WAYS).max(1),
            waiting: Mutex::default(),
        }
    }

    /// A message is refused: what is like it in every part is a retry of it for the next hour.
    pub fn refused(&self, message: &Message<'_>) {
        let slots = self.refused.get_or_init(|| (0..REFUSED_MAX).map(|_| AtomicU64::new(0)).collect());
        let hash = self.name(message);
        if let Some(slot) = slots.get(place(hash, slots.len())) {
            slot.store((hash & !SECONDS) | second(message.now), Ordering::Relaxed);
        }
        self.last_refusal.fetch_max(message.now.0, Ordering::Relaxed);
    }

    /// Whether a message was refused lately.
    #[must_use]
    pub fn is_retry(&self, message: &Message<'_>) -> bool {
        let last = Timestamp(self.last_refusal.load(Ordering::Relaxed));
        let Some(slots) = self.refused.get().filter(|_| message.now.since(last) <= RETRIES_FOR) else { return false };
        let hash = self.name(message);
        let slot = slots.get(place(hash, slots.len())).map_or(0, |slot| slot.load(Ordering::Relaxed));
        let age = second(message.now).wrapping_sub(slot & SECONDS) & SECONDS;
        slot != 0 && slot & !SECONDS == hash & !SECONDS && age <= RETRIES_FOR.as_secs()
    }

    /// A message with a link or a number in it passed.
    pub fn passed(&self, traits: &Traits, now: Timestamp) {
        let hash = |kind| traits.key(kind).map_or(0, |key: Key| key.hash);
        let passed = Passed {
            recipient: hash(Kind::Recipient),
            sender: hash(Kind::Sender),
            campaign: hash(Kind::Campaign),
            domain: hash(Kind::Domain),
            phone: hash(Kind::Phone),
            at: now.0,
        };
        if passed.recipient == 0 || passed.sender == 0 || (passed.domain == 0 && passed.phone == 0) {
            return;
        }
        self.with_place(passed.recipient, |place| {
            if let Some(oldest) = place.iter_mut().min_by_key(|one| one.at) {
                *oldest = passed;
            }
        });
    }

    /// Who sent the newest message to a recipient that shares a campaign, a domain or a phone with a report, or that came
    /// from the sender that the report names.
    #[must_use]
    pub fn sender_of(&self, recipient: Key, report: &Traits) -> Option<Key> {
        let is_of = |kind, hash: u64| hash != 0 && report.keys(kind).iter().any(|key| key.hash == hash);
        let fits = |one: &&mut Passed| {
            one.recipient == recipient.hash
                && (is_of(Kind::Sender, one.sender)
                    || is_of(Kind::Campaign, one.campaign)
                    || is_of(Kind::Domain, one.domain)
                    || is_of(Kind::Phone, one.phone))
        };
        self.with_place(recipient.hash, |place| {
            let found = place.iter_mut().filter(fits).max_by_key(|one| one.at)?;
            Some(Key { kind: Kind::Sender, hash: found.sender })
        })?
    }

    /// A report did not say who had sent the message: its reporter is asked, and may answer.
    pub fn ask(&self, reporter: Key, now: Timestamp) {
        let mut waiting = lock(&self.waiting);
        waiting.retain(|one| one.reporter != reporter && now.since(one.at) <= ANSWER_WITHIN);
        if waiting.len() >= WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { reporter, at: now });
    }

    /// Whether a reporter was asked lately who had sent the message; he is no more then.
    #[must_use]
    pub fn was_asked(&self, reporter: Key, now: Timestamp) -> bool {
        let mut waiting = lock(&self.waiting);
        let at = waiting.iter().position(|one| one.reporter == reporter);
        let asked = at.and_then(|at| waiting.remove(at));
        asked.is_some_and(|one| now.since(one.at) <= ANSWER_WITHIN)
    }

    /// Names a message by all that makes it what it is.
    fn name(&self, message: &Message<'_>) -> u64 {
        let Message { sender, recipient, reading, account, direction, .. } = message;
        let parts = [direction.name(), account.id, sender.id, recipient.id, reading.text()];
        let mut name = [0; 5 * 8];
        for (slot, part) in name.as_chunks_mut::<8>().0.iter_mut().zip(parts) {
            *slot = self.secret.hash(b'p', part.as_bytes()).to_le_bytes();
        }
        self.secret.hash(b'n', &name).max(1)
    }

    fn with_place<T>(&self, hash: u64, with: impl FnOnce(&mut [Passed]) -> T) -> Option<T> {
        let mut shard = lock(self.shards.get(place(hash, SHARDS))?);
        if shard.is_empty() {
            shard.resize(self.places * WAYS, Passed::default());
        }
        let at = place(hash >> 16, self.places) * WAYS;
        shard.get_mut(at..at + WAYS).map(with)
    }
}

/// Bits of a slot that say when.
const SECONDS: u64 = (1 << 24) - 1;

fn second(now: Timestamp) -> u64 {
    (now.0 / 1_000_000) & SECONDS
}

fn place(hash: u64, count: usize) -> usize {
    usize::try_from(hash & u64::from(u32::MAX)).unwrap_or(0) % count.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: Kind, hash: u64) -> Key {
        Key { kind, hash }
    }

    fn traits(keys: &[(Kind, u64)]) -> Traits {
        let mut traits = Traits::default();
        keys.iter().for_each(|(kind, hash)| traits.add(key(*kind, *hash)));
        traits
    }

    #[test]
    fn a_report_finds_who_sent_what_it_is_about() {
        let lately = Lately::new(Secret::default(), 4_096);
        let reporter = key(Kind::Recipient, 7);
        for (n, sender) in [(1, 100), (2, 200)] {
            let keys = [(Kind::Recipient, 7), (Kind::Sender, sender), (Kind::Domain, n), (Kind::Campaign, 10 + n)];
            lately.passed(&traits(&keys), Timestamp(n));
        }
        let of = |report: &[(Kind, u64)]| lately.sender_of(reporter, &traits(report)).map(|k| k.hash);
        assert_eq!(of(&[(Kind::Domain, 1)]), Some(100));
        assert_eq!(of(&[(Kind::Campaign, 12)]), Some(200));
        assert_eq!(of(&[(Kind::Sender, 100)]), Some(100));
        assert_eq!(of(&[(Kind::Domain, 3), (Kind::Campaign, 3)]), None);
        assert_eq!(of(&[]), None);
        let other = key(Kind::Recipient, 8);
        assert_eq!(lately.sender_of(other, &traits(&[(Kind::Domain, 1)])), None, "it went to another");
    }

    #[test]
    fn the_oldest_make_room() {
        let lately = Lately::new(Secret::default(), 0);
        let passed = |n: u64| {
            let keys = [(Kind::Recipient, 7), (Kind::Sender, n), (Kind::Domain, n)];
            lately.passed(&traits(&keys), Timestamp(n));
        };
        (1..=20).for_each(passed);
        let known = |n| lately.sender_of(key(Kind::Recipient, 7), &traits(&[(Kind::Domain, n)])).is_some();
        assert_eq!((1..=20).filter(|n| known(*n)).collect::<Vec<_>>(), (13..=20).collect::<Vec<_>>());
    }

    #[test]
    fn who_is_asked_has_ten_minutes() {
        let lately = Lately::default();
        let (reporter, minute) = (key(Kind::Recipient, 7), 60_000_000);
        lately.ask(reporter, Timestamp(0));
        assert!(
            lately.was_asked(reporter, Timestamp(9 * minute)) && !lately.was_asked(reporter, Timestamp(9 * minute))
        );
        lately.ask(reporter, Timestamp(0));
        assert!(!lately.was_asked(reporter, Timestamp(11 * minute)));
    }
}
