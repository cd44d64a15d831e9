//! Exact counts of everything decided in a minute, passes included: what a sampled journal cannot prove by itself.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

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

/// The same before it is kept.
#[derive(Clone, Copy)]
struct Seen<'a> {
    direction: &'static str,
    account: &'a str,
    sender_kind: &'static str,
    sender_country: Option<Country>,
    recipient_country: Option<Country>,
    action: &'static str,
    cause: Option<&'static str>,
    category: Option<&'a str>,
    has_link: bool,
}

impl Key {
    fn seen(&self) -> Seen<'_> {
        Seen {
            direction: self.direction,
            account: &self.account,
            sender_kind: self.sender_kind,
            sender_country: self.sender_country,
            recipient_country: self.recipient_country,
            action: self.action,
            cause: self.cause,
            category: self.category.as_deref(),
            has_link: self.has_link,
        }
    }

    fn is(&self, seen: &Seen<'_>) -> bool {
        (self.sender_country, self.recipient_country) == (seen.sender_country, seen.recipient_country)
            && (self.has_link, self.sender_kind, self.action) == (seen.has_link, seen.sender_kind, seen.action)
            && (self.direction, self.cause) == (seen.direction, seen.cause)
            && *self.account == *seen.account
            && self.category.as_deref() == seen.category
    }
}

impl Seen<'_> {
    /// Where it is looked for first. Keys are compared, so that two of the same place are two still.
    fn place(&self) -> u64 {
        let mut place = 0;
        let mut add = |word: u64| place = (u64::rotate_left(place, 5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        let country = |c: Option<Country>| c.map_or(0, |c| u64::from(u16::from_le_bytes(c.0)));
        let first = |word: &str| word.bytes().take(2).fold(0, |sum, octet| sum << 8 | u64::from(octet));
        add(country(self.sender_country) << 32 | country(self.recipient_country) << 1 | u64::from(self.has_link));
        add(first(self.direction) << 32 | first(self.sender_kind) << 16 | first(self.action));
        for octets in self.account.as_bytes().chunks(8) {
            add(octets.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)));
        }
        if let Some(category) = self.category {
            add(first(category));
        }
        place ^ place >> 32
    }

    fn keep(&self) -> Key {
        Key {
            direction: self.direction,
            account: self.account.into(),
            sender_kind: self.sender_kind,
            sender_country: self.sender_country,
            recipient_country: self.recipient_country,
            action: self.action,
            cause: self.cause,
            category: self.category.map(Into::into),
            has_link: self.has_link,
        }
    }
}

/// A place is a hash already.
#[derive(Clone, Copy, Debug, Default)]
struct ByItself(u64);

impl Hasher for ByItself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|octet| self.0 = self.0 << 8 | u64::from(*octet));
    }

    fn write_u64(&mut self, place: u64) {
        self.0 = place;
    }
}

/// Counts since the last tally.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: Vec<(Key, u64)>,
    /// Where in `counts` the key of a place is; one whose place is taken is at the next free one.
    places: HashMap<u64, usize, BuildHasherDefault<ByItself>>,
    overflow: u64,
}

/// Different keys that a minute may have; what is beyond counts as `overflow`.
const KEYS_MAX: usize = 20_000;

impl Tally {
    /// Counts one decision.
    pub fn add(&mut self, decision: &Decision<'_>) {
        let message = &decision.message;
        let seen = Seen {
            direction: message.direction.name(),
            account: message.account.id,
            sender_kind: message.sender.kind.name(),
            sender_country: message.sender.country(),
            recipient_country: message.recipient.country(),
            action: decision.action().name(),
            cause: decision.cause(),
            category: decision.category(),
            has_link: !message.reading.links().is_empty(),
        };
        self.count(&seen, 1, KEYS_MAX);
    }

    fn count(&mut self, seen: &Seen<'_>, count: u64, keys_max: usize) {
        let mut place = seen.place();
        while let Some(at) = self.places.get(&place) {
            match self.counts.get_mut(*at) {
                Some((key, so_far)) if key.is(seen) => {
                    *so_far += count;
                    return;
                }
                _ => place = place.wrapping_add(1),
            }
        }
        if self.counts.len() < keys_max {
            self.places.insert(place, self.counts.len());
            self.counts.push((seen.keep(), count));
        } else {
            self.overflow += count;
        }
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: Self) {
        for (key, count) in other.counts {
            self.count(&key.seen(), count, usize::MAX);
        }
        self.overflow += other.overflow;
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.overflow == 0
    }

    /// All decisions counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum::<u64>() + self.overflow
    }

    /// The body of a `tally` record; it starts again from zero.
    pub fn take(&mut self) -> Value {
        let total = self.total();
        let mut counts = std::mem::take(&mut self.counts);
        self.places.clear();
        counts.sort_unstable();
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn keys_of_one_place_are_counted_apart() {
        let accounts: Vec<String> = (0..40).map(|n| format!("account-{}", n % 20)).collect();
        let (mut tally, mut plain) = (Tally::default(), BTreeMap::new());
        for (n, account) in accounts.iter().enumerate() {
            // Of an action only the first letters tell where it is looked for.
            for (action, cause) in
                [("block", None), ("block", Some("link")), ("block", Some("content")), ("blond", None)]
            {
                let seen = Seen {
                    direction: "mt",
                    account,
                    sender_kind: "number",
                    sender_country: (n % 2 == 0).then_some(Country(*b"SG")),
                    recipient_country: Country::parse("TH"),
                    action,
                    cause,
                    category: None,
                    has_link: n % 3 == 0,
                };
                tally.count(&seen, 1, 100);
                *plain.entry(seen.keep()).or_insert(0_u64) += 1;
            }
        }
        assert!(plain.len() > 100, "some are beyond the most that are kept");
        assert_eq!((tally.counts.len(), tally.total()), (100, 160));
        assert_eq!(tally.overflow, 160 - tally.counts.iter().map(|(_, count)| count).sum::<u64>());
        assert!(tally.counts.iter().all(|(key, count)| plain.get(key) == Some(count)));
        let mut merged = Tally::default();
        merged.merge(tally.clone());
        merged.merge(tally);
        assert_eq!(merged.total(), 320);
        assert_eq!(merged.take()["counts"].as_array().map(Vec::len), Some(100));
        assert!(merged.is_empty());
    }
}
