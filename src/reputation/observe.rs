//! What memory takes in: messages that were judged, and what is heard of them later.

use super::Reputation;
use super::key::{Key, Kind};
use super::rate::Rate;
use super::standing;
use super::state::{Counts, Known, Pin, seconds};
use super::table::Comer;
use super::traits::{Fate, Ground, Receipt, Sighting, Traits};
use super::{members, when};
use crate::time::Timestamp;

impl Reputation {
    /// Takes in a message that was judged: its keys' counts, and the rates that it counts for (of those per messages with a
    /// finding, the ones whose finding it has). Retries of a message that was refused are not to be told.
    pub fn observe<'r>(&self, sighting: &Sighting<'_>, rates: impl IntoIterator<Item = &'r Rate>, now: Timestamp) {
        let Sighting { traits, fate, ground, template } = *sighting;
        let comer = if ground == Ground::None { Comer::New } else { Comer::Weighty };
        let (sender, recipient) = (traits.sender(), traits.recipient());
        // Of an account for its sender, and of a sender for its campaign.
        let mut legacy = 0;
        let seconds = seconds(now);
        traits.visit_judged(|key| {
            let is_last = matches!(key.kind, Kind::Domain | Kind::Phone);
            let inherited = if is_last { 0 } else { std::mem::take(&mut legacy) };
            let member = if matches!(key.kind, Kind::Account | Kind::Sender) { recipient } else { sender };
            let passed_on = self.touch(key, comer, now, |known| {
                // What stands in texts inherits from nobody.
                known.state.inherited = inherited;
                known.state.add(fate, ground, &self.settings.weights);
                if let Some(member) = member {
                    known.meet(member.hash, seconds);
                }
                if is_last { 0 } else { standing::legacy(&known.state, &self.settings) }
            });
            legacy = passed_on.unwrap_or(0);
        });
        if let Some(template) = template
            && let Some(key) = traits.key(Kind::Campaign)
        {
            self.campaigns.add(key, template, seconds, &self.outbox);
        }
        for rate in rates.into_iter().filter(|rate| !rate.is_passed_only() || fate != Fate::Blocked) {
            let at = when(rate, traits, now).as_micros();
            rate.counters(traits, &mut |counter| {
                self.counters.enter(counter, Comer::New, seconds, &(), |counter| {
                    members(rate, traits).for_each(|one| counter.record(at, one, rate.over(), now.as_micros()));
                });
                members(rate, traits).for_each(|one| self.outbox.event(counter, one, at, rate.over()));
            });
        }
    }

    /// Takes in what the SMSC said of a message that had gone on.
    pub fn receipt(&self, traits: &Traits, receipt: Receipt, now: Timestamp) {
        for key in traits.judged() {
            self.touch_known(key, now, |known| known.state.add_receipt(receipt, &self.settings.weights));
        }
    }

    /// Takes in that a recipient wrote back, other than to stop.
    pub fn reply(&self, traits: &Traits, now: Timestamp) {
        for key in traits.judged() {
            self.touch_known(key, now, |known| known.state.add_reply(&self.settings.weights));
        }
    }

    /// Takes in a subscriber's report of a message with such traits. It counts once a reporter (the key of its number), day
    /// and key. Whether it counted for any key.
    pub fn report(&self, traits: &Traits, reporter: Key, now: Timestamp) -> bool {
        let mut counted = false;
        for key in traits.judged() {
            counted |= self.touch(key, Comer::Weighty, now, |known| {
                let (counts, all) = known.met.change(seconds(now), |more| {
                    (more.reporters.add(reporter.hash, seconds(now)), more.reporters.count())
                });
                if counts {
                    known.state.add_report([1.0; 2], all, &self.settings.weights);
                }
                counts
            }) == Some(true);
        }
        counted
    }

    /// Adds what was counted elsewhere, by an operator or another carrier. False when there is no place for it.
    pub fn credit(&self, key: Key, counts: &Counts, now: Timestamp) -> bool {
        self.touch(key, Comer::Weighty, now, |known| known.state.credit(counts)).is_some()
    }

    /// Sets an operator's word on a key, or takes it back with [`Pin::None`]. False when there is no place for it, because its
    /// bucket is full of pins.
    pub fn pin(&self, key: Key, pin: Pin, now: Timestamp) -> bool {
        self.outbox.pinned(key, pin);
        self.set_pin(key, pin, now)
    }

    pub(super) fn set_pin(&self, key: Key, pin: Pin, now: Timestamp) -> bool {
        if pin == Pin::None {
            self.known.of(key.kind).update(key.hash, |known| known.state.pin = Pin::None);
            return true;
        }
        self.touch(key, Comer::Weighty, now, |known| known.state.pin = pin).is_some()
    }

    /// Forgets everything about a key, its pin too. Whether anything was known.
    pub fn reset(&self, key: Key) -> bool {
        self.outbox.reset(key);
        self.forget(key)
    }

    pub(super) fn forget(&self, key: Key) -> bool {
        self.known.of(key.kind).remove(key.hash)
    }

    /// Changes what is kept of a key, known or not, faded to now; none where there is no place for it.
    fn touch<R>(&self, key: Key, comer: Comer, now: Timestamp, change: impl FnOnce(&mut Known) -> R) -> Option<R> {
        let now = seconds(now);
        self.known.of(key.kind).enter(key.hash, comer, now, &self.settings, |known| {
            let state = &mut known.state;
            if state.first == 0 {
                (state.kind, state.first, state.last) = (key.kind, now, now);
            }
            state.fade(now, &self.settings);
            self.outbox.before(key.hash, state);
            change(known)
        })
    }

    /// The same where it is known.
    fn touch_known(&self, key: Key, now: Timestamp, change: impl FnOnce(&mut Known)) {
        self.known.of(key.kind).update(key.hash, |known| {
            known.state.fade(seconds(now), &self.settings);
            self.outbox.before(key.hash, &mut known.state);
            change(known);
        });
    }
}
