//! Rates: how many messages, recipients, senders or domains within a time, per key or per several keys together.
//!
//! A [`Rate`] is a value with an identity of its own, the hash of what it counts: two rules, or two policies, that count the
//! same share one counter, and a reload loses none.

use std::time::Duration;

use super::key::{Key, Kind, Secret};
use super::traits::Traits;

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Messages: one of many parts is one, each destination is one.
    Messages,
    /// Distinct recipients.
    Recipients,
    /// Distinct senders.
    Senders,
    /// Distinct domains.
    Domains,
}

impl Counted {
    /// Every one with its word in YAML.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("messages", Self::Messages),
        ("recipients", Self::Recipients),
        ("senders", Self::Senders),
        ("domains", Self::Domains),
    ];

    /// The kind of what is told apart; none for messages, each of which counts.
    #[must_use]
    pub fn kind(self) -> Option<Kind> {
        match self {
            Self::Messages => None,
            Self::Recipients => Some(Kind::Recipient),
            Self::Senders => Some(Kind::Sender),
            Self::Domains => Some(Kind::Domain),
        }
    }
}

/// What is counted, of whom, and in which time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    counted: Counted,
    per: Vec<Kind>,
    over: Duration,
    of: Option<Box<str>>,
    passed_only: bool,
    identity: u64,
}

/// The longest window: 31 days.
pub const OVER_MAX: Duration = Duration::from_secs(31 * 24 * 3600);
/// The shortest window.
pub const OVER_MIN: Duration = Duration::from_secs(1);

/// Why there can be no such rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateFault {
    /// It is per nobody.
    PerNothing,
    /// Its window is shorter than [`OVER_MIN`] or longer than [`OVER_MAX`].
    Window,
    /// What it counts is what it counts per: it would be 1 for ever.
    CountsItself,
}

impl Rate {
    /// A rate of what is seen. `per` may be in any order.
    ///
    /// # Errors
    /// Where there can be no such rate.
    pub fn new(counted: Counted, per: &[Kind], over: Duration) -> Result<Self, RateFault> {
        let mut per = per.to_vec();
        per.sort_unstable();
        per.dedup();
        if per.is_empty() {
            return Err(RateFault::PerNothing);
        }
        if !(OVER_MIN..=OVER_MAX).contains(&over) {
            return Err(RateFault::Window);
        }
        if counted.kind().is_some_and(|kind| per.contains(&kind)) {
            return Err(RateFault::CountsItself);
        }
        Ok(Self { counted, per, over, of: None, passed_only: false, identity: 0 }.identified())
    }

    /// The same of messages with a finding only.
    #[must_use]
    pub fn of(mut self, finding: &str) -> Self {
        self.of = Some(finding.into());
        self.identified()
    }

    /// The same of messages that were not blocked only.
    #[must_use]
    pub fn passed_only(mut self) -> Self {
        self.passed_only = true;
        self.identified()
    }

    fn identified(mut self) -> Self {
        let mut octets = vec![self.counted as u8, u8::from(self.passed_only)];
        octets.extend(self.over.as_micros().to_le_bytes());
        octets.extend(self.per.iter().map(|kind| kind.code()));
        octets.push(0xff);
        octets.extend(self.of.iter().flat_map(|finding| finding.bytes()));
        self.identity = Secret::default().hash(b'r', &octets);
        self
    }

    /// What it counts.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counted
    }

    /// Per which keys, in the order of [`Kind::ALL`].
    #[must_use]
    pub fn per(&self) -> &[Kind] {
        &self.per
    }

    /// In which time.
    #[must_use]
    pub fn over(&self) -> Duration {
        self.over
    }

    /// The finding that a message must have to count.
    #[must_use]
    pub fn finding(&self) -> Option<&str> {
        self.of.as_deref()
    }

    /// Whether only messages count that were not blocked.
    #[must_use]
    pub fn is_passed_only(&self) -> bool {
        self.passed_only
    }

    /// The hash of what it counts: the same in every policy and on every node.
    #[must_use]
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Calls `visit` with the counter of each combination of keys that a message has; not at all where it lacks one.
    pub(super) fn counters(&self, traits: &Traits, visit: &mut dyn FnMut(u64)) {
        combine(&self.per, traits, self.identity | 1, visit);
    }

    /// What of a message is told apart.
    pub(super) fn members<'t>(&self, traits: &'t Traits) -> &'t [Key] {
        self.counted.kind().map_or(&[], |kind| traits.keys(kind))
    }
}

fn combine(per: &[Kind], traits: &Traits, so_far: u64, visit: &mut dyn FnMut(u64)) {
    match per.split_first() {
        None => visit(so_far.max(1)),
        Some((kind, rest)) => {
            for key in traits.keys(*kind) {
                combine(rest, traits, mix(so_far, key.hash), visit);
            }
        }
    }
}

/// Puts a hash to a hash: both are keyed already, so that nobody chooses them.
fn mix(a: u64, b: u64) -> u64 {
    let wide = u128::from(a ^ 0x9e37_79b9_7f4a_7c15) * u128::from(b | 1);
    let folded = wide ^ wide >> 64;
    u64::try_from(folded & u128::from(u64::MAX)).unwrap_or_default().rotate_left(23) ^ b
}
