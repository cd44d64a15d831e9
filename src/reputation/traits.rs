//! What one message is known by: the keys that its caller fills in, in room that is reused from message to message.

use super::fingerprint::Template;
use super::key::{Key, Kind};
use crate::time::Timestamp;

/// Domains, and phones, that count of one message; a text full of links shall not buy work.
pub const KEYS_MAX: usize = 8;

/// What one message, to one recipient, is known by.
#[derive(Clone, Debug, Default)]
pub struct Traits {
    account: Option<Key>,
    sender: Option<Key>,
    recipient: Option<Key>,
    campaign: Option<Key>,
    range: Option<Key>,
    domains: Vec<Key>,
    phones: Vec<Key>,
    delivery: Option<Timestamp>,
}

impl Traits {
    /// Forgets the message before; the room stays.
    #[inline]
    pub fn clear(&mut self) {
        (self.account, self.sender, self.recipient, self.campaign) = (None, None, None, None);
        (self.range, self.delivery) = (None, None);
        self.domains.clear();
        self.phones.clear();
    }

    /// Adds a key to those of its kind. Of account, sender, recipient, range and campaign the last one stays; of domains and
    /// phones at most [`KEYS_MAX`] do, each once.
    #[inline]
    pub fn add(&mut self, key: Key) {
        let several = match key.kind {
            Kind::Account => return self.account = Some(key),
            Kind::Sender => return self.sender = Some(key),
            Kind::Recipient => return self.recipient = Some(key),
            Kind::Campaign => return self.campaign = Some(key),
            Kind::Range => return self.range = Some(key),
            Kind::Domain => &mut self.domains,
            Kind::Phone => &mut self.phones,
        };
        if several.len() < KEYS_MAX && !several.contains(&key) {
            several.push(key);
        }
    }

    /// When it reaches the recipient, where the message says so: rates per recipient count it at that time.
    pub fn deliver_at(&mut self, delivery: Timestamp) {
        self.delivery = Some(delivery);
    }

    /// When it reaches the recipient, where the message says so.
    #[must_use]
    pub fn delivery(&self) -> Option<Timestamp> {
        self.delivery
    }

    /// Its keys of a kind.
    #[inline]
    #[must_use]
    pub fn keys(&self, kind: Kind) -> &[Key] {
        match kind {
            Kind::Account => self.account.as_slice(),
            Kind::Sender => self.sender.as_slice(),
            Kind::Recipient => self.recipient.as_slice(),
            Kind::Campaign => self.campaign.as_slice(),
            Kind::Range => self.range.as_slice(),
            Kind::Domain => &self.domains,
            Kind::Phone => &self.phones,
        }
    }

    /// Its key of a kind that it has at most one of; of domains and phones the first.
    #[inline]
    #[must_use]
    pub fn key(&self, kind: Kind) -> Option<Key> {
        self.keys(kind).first().copied()
    }

    /// Its sender.
    #[inline]
    pub(super) fn sender(&self) -> Option<Key> {
        self.sender
    }

    /// Its recipient.
    #[inline]
    pub(super) fn recipient(&self) -> Option<Key> {
        self.recipient
    }

    /// Calls `visit` with each of [`Traits::judged`], in its order.
    #[inline]
    pub(super) fn visit_judged(&self, mut visit: impl FnMut(Key)) {
        for key in [&self.account, &self.sender, &self.campaign].into_iter().flatten() {
            visit(*key);
        }
        for keys in [&self.domains, &self.phones] {
            keys.iter().for_each(|key| visit(*key));
        }
    }

    /// The keys that have a standing: all but the recipient and its range.
    pub fn judged(&self) -> impl Iterator<Item = Key> {
        let one = self.account.iter().chain(&self.sender).chain(&self.campaign);
        one.chain(&self.domains).chain(&self.phones).copied()
    }
}

/// What became of a message here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It went on as it came.
    Passed,
    /// It went on with a mark.
    Tagged,
    /// It did not go on: refused, or accepted and swallowed.
    Blocked,
}

/// How sure it is, apart from Tapis's own opinion, that a message was fraud. Scores, the model and standings themselves are
/// opinions: a verdict that rests on them alone is [`Ground::None`] and feeds no standing, or a wrong one would prove
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ground {
    /// Nothing but scores, the model, rates or standings.
    None,
    /// A live finding that is decisive by itself (a rule with `action: block` on the content or a list).
    Rule,
    /// It breaks a registry or a list of proven fraud: a registered name through a foreign account, a listed domain, a
    /// number that never sends; or an analyst said so.
    Proof,
}

/// A message that was judged.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// What it is known by.
    pub traits: &'a Traits,
    /// What became of it.
    pub fate: Fate,
    /// How sure it is that it was fraud.
    pub ground: Ground,
    /// Its text, so that later ones are found to be of its campaign; none where campaigns are not told apart.
    pub template: Option<&'a Template>,
}

/// What a receipt says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Receipt {
    /// The message arrived.
    Delivered,
    /// It did not, and never will: unknown or absent subscriber, expired, rejected.
    Failed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_full_of_links_buys_no_work() {
        let mut traits = Traits::default();
        let domain = |hash| Key { kind: Kind::Domain, hash };
        (1..100).for_each(|n| traits.add(domain(n)));
        traits.add(domain(1));
        traits.add(Key { kind: Kind::Sender, hash: 1 });
        traits.add(Key { kind: Kind::Sender, hash: 2 });
        traits.add(Key { kind: Kind::Recipient, hash: 3 });
        assert_eq!(traits.keys(Kind::Domain).len(), KEYS_MAX);
        assert_eq!(traits.key(Kind::Sender).map(|k| k.hash), Some(2));
        assert_eq!(traits.judged().count(), KEYS_MAX + 1, "a recipient has no standing");
        traits.clear();
        assert!(Kind::ALL.iter().all(|kind| traits.keys(*kind).is_empty()));
    }
}
