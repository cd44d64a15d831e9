//! Parts of longer messages over all binds of an account, and single messages that continue one another: what came, what
//! was decided on it, and who holds what.
//!
//! Its lock is its own and taken for parts only; a message of one part never comes here, unless the operator joins
//! singles.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Account, Memory, SessionId, lock};
use crate::policy::Policy;
use crate::text::UserData;
use crate::text::concat::{Arrival, Arriving, Assembly, Bounds, Key, Part, Piece, Standing, digest};
use crate::time::Timestamp;
use crate::verdict::{Action, Verdict};

/// What was decided on a part: its message's verdict, and the policy that gave it.
#[derive(Debug)]
pub struct Fate {
    /// The policy.
    pub policy: Arc<Policy>,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether all parts were there.
    pub complete: bool,
}

/// How parts are kept and joined.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// How long a repeat inherits the verdict of what it repeats, and how long a missing part may take to come.
    pub verdict_ttl: Duration,
    /// Octets kept, over all accounts.
    pub octets_max: usize,
    /// Single messages to one recipient within this time are also judged as one; none are when it is none.
    pub join_singles: Option<Duration>,
}

impl Default for Keeping {
    fn default() -> Self {
        Self { verdict_ttl: Duration::from_secs(300), octets_max: crate::limits::PARTS_OCTETS_MAX, join_singles: None }
    }
}

/// A part and where it came.
#[derive(Debug)]
pub struct Incoming {
    /// Its message.
    pub key: Key,
    /// Which it is.
    pub part: Part,
    /// All octets that make it what it is.
    pub fingerprint: u128,
    /// Its user data.
    pub pieces: Vec<Piece>,
}

impl Account {
    /// Takes in a part that came over `session`.
    pub fn part_arrived(
        &self,
        incoming: Incoming,
        session: SessionId,
        now: Timestamp,
        keeping: &Keeping,
    ) -> (Arrival<Arc<Fate>>, Vec<SessionId>) {
        let Incoming { key, part, fingerprint, pieces } = incoming;
        let arriving = Arriving { key, number: part.number, total: part.total, fingerprint, pieces, holder: session.0 };
        let mut arrival = self.with_parts(keeping, |parts, bounds| parts.arrive(arriving, now, bounds));
        let wake = std::mem::take(&mut arrival.wake);
        (arrival, others(wake, session))
    }

    /// How far the message of a part is.
    #[must_use]
    pub fn part_standing(&self, key: Key, generation: u64, number: u8) -> Standing<Arc<Fate>> {
        lock(&self.parts).standing(key, generation, number)
    }

    /// Hands `read` the user data of the parts that are there, and whether they are all.
    pub fn read_parts<T>(&self, key: Key, generation: u64, read: impl FnOnce(&[UserData<'_>], bool) -> T) -> Option<T> {
        lock(&self.parts).read(key, generation, read)
    }

    /// The parts that are there have this fate. Answers the other sessions that hold some of them.
    pub fn decide_parts(&self, key: Key, generation: u64, fate: &Arc<Fate>, session: SessionId) -> Vec<SessionId> {
        let delivered = fate.verdict.action != Action::Block;
        others(lock(&self.parts).decide(key, generation, fate, delivered), session)
    }

    /// Whether nothing of a message was told to memory yet; from now on it is.
    #[must_use]
    pub fn is_told_first(&self, key: Key, generation: u64) -> bool {
        lock(&self.parts).is_told_first(key, generation)
    }

    /// The user data of the last single message between two ends that went on less than `within` ago.
    #[must_use]
    pub fn single_before(&self, ends: u128, now: Timestamp, within: Duration) -> Vec<Piece> {
        let (key, parts) = (Key::single(ends), lock(&self.parts));
        let own = |data: &[UserData<'_>], _| data.iter().map(|d| Piece::from(*d)).collect();
        parts.latest(key, now, within).and_then(|g| parts.read(key, g, own)).unwrap_or_default()
    }

    /// A single message between two ends goes on.
    pub fn single_passed(&self, ends: u128, pieces: Vec<Piece>, now: Timestamp, keeping: &Keeping) {
        let (key, fingerprint) = (Key::single(ends), digest(&[&now.0.to_be_bytes()]));
        let arriving = Arriving { key, number: 1, total: 2, fingerprint, pieces, holder: 0 };
        self.with_parts(keeping, |parts, bounds| parts.arrive(arriving, now, bounds));
    }

    /// Works on the parts, and keeps the sum over all accounts.
    fn with_parts<T>(&self, keeping: &Keeping, work: impl FnOnce(&mut Assembly<Arc<Fate>>, &Bounds) -> T) -> T {
        let mut parts = lock(&self.parts);
        let before = parts.octets();
        let others = self.tally.parts.load(Ordering::Relaxed).saturating_sub(before);
        let bounds = Bounds { octets_max: keeping.octets_max.saturating_sub(others), kept: keeping.verdict_ttl };
        let answer = work(&mut parts, &bounds);
        let after = parts.octets();
        if after >= before {
            self.tally.parts.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.tally.parts.fetch_sub(before - after, Ordering::Relaxed);
        }
        answer
    }
}

impl Memory {
    /// Octets of parts that are kept, over all accounts.
    #[must_use]
    pub fn parts_octets(&self) -> usize {
        self.shared.parts.load(Ordering::Relaxed)
    }
}

fn others(holders: Vec<u64>, session: SessionId) -> Vec<SessionId> {
    holders.into_iter().map(SessionId).filter(|s| *s != session).collect()
}
