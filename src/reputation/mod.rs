//! Memory: who sends what, how often, to how many, and how it ended.
//!
//! One [`Reputation`] is shared by all sessions. A message's caller fills in what it is known by ([`Traits`]), asks for
//! standings ([`Reputation::standing`]), ages ([`Reputation::known_for`]) and rates ([`Reputation::count`]) while it is judged,
//! which changes nothing, and tells what became of it afterwards ([`Reputation::observe`]). What is heard later feeds the same
//! keys: receipts, reports of subscribers, replies.
//!
//! - **Bounded**: every table has a most ([`Settings`]) and gives up what says least; see [`table`].
//! - **Pure**: time is an argument, hashes are under a secret that is one too, and there is no randomness. The same calls give
//!   the same answers.
//! - **Private**: keys are keyed hashes. Plain names are kept only of keys that matter, and never of recipients.
//!
//! ```
//! use tapis::reputation::{Fate, Ground, Key, Kind, Reputation, Settings, Sighting, Traits};
//! use tapis::time::Timestamp;
//!
//! let now = Timestamp(1_795_000_000_000_000);
//! let memory = Reputation::new(Settings::default(), now);
//! let mut traits = Traits::default();
//! traits.add(memory.key(Kind::Account, "agg-hk-9"));
//! traits.add(memory.key(Kind::Sender, "+85291234567"));
//! traits.add(memory.key(Kind::Recipient, "+6591234567"));
//!
//! let sender = memory.key(Kind::Sender, "+85291234567");
//! assert_eq!(memory.known_for(sender, now), None);
//! assert_eq!(memory.standing(sender, now), 50.0, "neutral, until something is known");
//!
//! let caught = Sighting { traits: &traits, fate: Fate::Blocked, ground: Ground::Proof, template: None };
//! for _ in 0..3 {
//!     memory.observe(&caught, [], now);
//! }
//! assert!(memory.standing(sender, now) < 20.0);
//! ```

mod campaign;
mod counter;
mod fingerprint;
mod key;
mod name;
mod rate;
mod reporters;
mod settings;
mod spread;
mod standing;
mod state;
mod table;
mod traits;

use std::time::Duration;

pub use campaign::SAMPLE_MAX;
pub use counter::EXACT_MAX;
pub use fingerprint::Template;
pub use key::{Key, Kind, Names, Secret};
pub use rate::{Counted, OVER_MAX, OVER_MIN, Rate, RateFault};
pub use settings::{Settings, Weights};
pub use standing::{Explanation, Term};
pub use state::{Counts, Pin};
pub use table::Fill;
pub use traits::{Fate, Ground, KEYS_MAX, Receipt, Sighting, Traits};

use crate::time::Timestamp;
use campaign::{Campaigns, LIVE_MIN};
use counter::Counter;
use name::Name;
use reporters::Reporters;
use spread::Spread;
use standing::Reckoning;
use state::{State, moment, seconds};
use table::{Comer, Table};

/// What is remembered of earlier messages; one for all sessions.
#[derive(Debug)]
pub struct Reputation {
    settings: Settings,
    /// When memory began, in seconds.
    since: u32,
    states: Table<State>,
    counters: Table<Counter>,
    spreads: Table<Spread>,
    reporters: Table<Reporters>,
    names: Table<Name>,
    campaigns: Campaigns,
}

/// Texts that are nearly the same.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveCampaign {
    /// Its key.
    pub key: Key,
    /// One of its texts: the matching form, numbers, links and handles masked, cut after [`SAMPLE_MAX`] octets.
    pub sample: String,
    /// How many texts there were.
    pub messages: u32,
    /// Of how many different senders.
    pub senders: u64,
    /// When the first one came.
    pub first: Timestamp,
    /// And the last one.
    pub last: Timestamp,
}

impl Reputation {
    /// An empty memory that begins at `now`.
    #[must_use]
    pub fn new(settings: Settings, now: Timestamp) -> Self {
        let settings = settings.made_sound();
        Self {
            settings,
            since: seconds(now),
            states: Table::new(settings.entries_max, 0),
            counters: Table::new(settings.counters_max, settings.octets_max / 2),
            spreads: Table::new(settings.spreads_max, settings.octets_max / 4),
            reporters: Table::new(settings.spreads_max, settings.octets_max / 16),
            names: Table::new(settings.names_max, settings.octets_max / 16),
            campaigns: Campaigns::new(settings.campaigns_max, settings.octets_max / 8, settings.secret),
        }
    }

    /// How it is kept.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The key of a name in its normal form ([`Names`]).
    #[must_use]
    pub fn key(&self, kind: Kind, name: &str) -> Key {
        Key::new(self.settings.secret, kind, name)
    }

    /// The campaign of a text: that of the texts that it is nearly the same as, else one of its own. None for a text too short
    /// to tell. It is remembered only once [`Reputation::observe`] gets the template with the message.
    #[must_use]
    pub fn campaign(&self, template: &Template) -> Option<Key> {
        self.campaigns.find(template)
    }

    /// The campaigns of which at least three texts came within memory, the largest first, at most `most`.
    #[must_use]
    pub fn campaigns(&self, most: usize) -> Vec<LiveCampaign> {
        let mut all = Vec::new();
        for shard in 0..self.campaigns.known.shards() {
            self.campaigns.known.for_each(shard, |hash, one| {
                if one.messages >= LIVE_MIN {
                    let (first, last) = (moment(one.first), moment(one.last));
                    let key = Key { kind: Kind::Campaign, hash };
                    let sample = one.sample.to_string();
                    all.push(LiveCampaign { key, sample, messages: one.messages, senders: 0, first, last });
                }
            });
        }
        all.sort_by_key(|one| (std::cmp::Reverse(one.messages), one.key));
        all.truncate(most);
        all.iter_mut().for_each(|one| one.senders = self.distinct(one.key));
        all
    }

    /// Keeps the plain name of a key that matters, for lists and exports: not of recipients, whose names are not kept.
    pub fn name(&self, key: Key, name: &str, now: Timestamp) {
        if key.kind != Kind::Recipient {
            self.names
                .enter(key.hash, Comer::Weighty, seconds(now), &(), |kept| kept.set(key.kind, name, seconds(now)));
        }
    }

    /// The plain name of a key, where one is kept.
    #[must_use]
    pub fn name_of(&self, key: Key) -> Option<String> {
        self.names.read(key.hash, |kept| kept.name.to_string())
    }

    /// How long ago a key was first seen; none when it is not known.
    #[must_use]
    pub fn known_for(&self, key: Key, now: Timestamp) -> Option<Duration> {
        self.states.read(key.hash, |state| now.since(moment(state.first)))
    }

    /// How far memory reaches back: nothing can be known for longer, and "not known for a month" says nothing before it does.
    #[must_use]
    pub fn reaches_back(&self, now: Timestamp) -> Duration {
        now.since(moment(self.since))
    }

    /// What earlier messages say of a key, from 0 to 100; the cold start when it is not known.
    #[must_use]
    pub fn standing(&self, key: Key, now: Timestamp) -> f32 {
        let (state, parent) = self.states_of(key, seconds(now));
        match state.as_ref().map(|state| state.pin) {
            Some(Pin::Good) => 100.0,
            Some(Pin::Bad) => 0.0,
            Some(Pin::None) => Reckoning::of(state.as_ref(), parent.as_ref(), &self.settings).standing(),
            None => self.settings.cold_start,
        }
    }

    /// A standing term by term.
    #[must_use]
    pub fn explain(&self, key: Key, now: Timestamp) -> Explanation {
        let (state, parent) = self.states_of(key, seconds(now));
        let reckoning = Reckoning::of(state.as_ref(), parent.as_ref(), &self.settings);
        let of = state.unwrap_or_default();
        let parent_kind = standing::parent_of(key.kind).filter(|_| of.parent != 0);
        Explanation {
            key,
            name: self.name_of(key),
            standing: self.standing(key, now),
            terms: reckoning.terms(state.as_ref(), &self.settings),
            pin: of.pin,
            counts: of.counts,
            distinct: self.distinct(key),
            reporters: of.reporters,
            parent: parent_kind.map(|kind| Key { kind, hash: of.parent }),
            first: state.map(|state| moment(state.first)),
            last: self.states.read(key.hash, |state| moment(state.last)),
        }
    }

    /// Distinct recipients of an account or a sender; distinct senders of a domain, phone or campaign.
    #[must_use]
    pub fn distinct(&self, key: Key) -> u64 {
        self.spreads.read(key.hash, Spread::count).unwrap_or(0)
    }

    /// What a rate comes to with the message that is being judged, which is not recorded by it; the most of all its keys where
    /// the message has several. `itself` says whether the message counts: not where the rate is of a finding that it lacks.
    /// None when the message has nothing that the rate is per.
    #[must_use]
    pub fn count(&self, rate: &Rate, traits: &Traits, itself: bool, now: Timestamp) -> Option<u64> {
        let at = when(rate, traits, now).as_micros();
        let mut most = None;
        rate.counters(traits, &mut |counter| {
            let members = members(rate, traits).filter(|_| itself);
            let count = self.counters.read(counter, |counter| counter.count(at, members, rate.over()));
            let alone = || u64::try_from(members_of_nothing(rate, traits, itself)).unwrap_or(0);
            most = most.max(Some(count.unwrap_or_else(alone)));
        });
        most
    }

    /// Takes in a message that was judged: its keys' counts, and the rates that it counts for (of those per messages with a
    /// finding, the ones whose finding it has). Retries of a message that was refused are not to be told.
    pub fn observe<'r>(&self, sighting: &Sighting<'_>, rates: impl IntoIterator<Item = &'r Rate>, now: Timestamp) {
        let Sighting { traits, fate, ground, template } = *sighting;
        let comer = if ground == Ground::None { Comer::New } else { Comer::Weighty };
        for key in traits.judged() {
            let parent = standing::parent_of(key.kind).and_then(|kind| traits.key(kind));
            self.touch(key, comer, now, |state| {
                state.parent = parent.map_or(state.parent, |parent| parent.hash);
                state.add(fate, ground, &self.settings.weights);
            });
            let member = match key.kind {
                Kind::Account | Kind::Sender => traits.key(Kind::Recipient),
                Kind::Recipient | Kind::Domain | Kind::Phone | Kind::Campaign => traits.key(Kind::Sender),
            };
            if let Some(member) = member {
                self.spreads.enter(key.hash, comer, seconds(now), &(), |spread| spread.add(member.hash, seconds(now)));
            }
        }
        if let (Some(template), Some(key)) = (template, traits.key(Kind::Campaign)) {
            self.campaigns.add(key, template, seconds(now));
        }
        for rate in rates.into_iter().filter(|rate| !rate.is_passed_only() || fate != Fate::Blocked) {
            let at = when(rate, traits, now).as_micros();
            rate.counters(traits, &mut |counter| {
                self.counters.enter(counter, Comer::New, seconds(now), &(), |counter| {
                    members(rate, traits).for_each(|one| counter.record(at, one, rate.over(), now.as_micros()));
                });
            });
        }
    }

    /// Takes in what the SMSC said of a message that had gone on.
    pub fn receipt(&self, traits: &Traits, receipt: Receipt, now: Timestamp) {
        for key in traits.judged() {
            self.states.update(key.hash, |state| {
                state.fade(seconds(now), &self.settings);
                state.add_receipt(receipt, &self.settings.weights);
            });
        }
    }

    /// Takes in that a recipient wrote back, other than to stop.
    pub fn reply(&self, traits: &Traits, now: Timestamp) {
        for key in traits.judged() {
            self.states.update(key.hash, |state| {
                state.fade(seconds(now), &self.settings);
                state.add_reply(&self.settings.weights);
            });
        }
    }

    /// Takes in a subscriber's report of a message with such traits. It counts once a reporter (the key of its number), day
    /// and key. Whether it counted for any key.
    pub fn report(&self, traits: &Traits, reporter: Key, now: Timestamp) -> bool {
        let mut counted = false;
        for key in traits.judged() {
            let entered = self.reporters.enter(key.hash, Comer::Weighty, seconds(now), &(), |reporters| {
                (reporters.add(reporter.hash, seconds(now)), reporters.count())
            });
            if let Some((true, reporters)) = entered {
                counted = true;
                self.touch(key, Comer::Weighty, now, |state| state.add_report(reporters, &self.settings.weights));
            }
        }
        counted
    }

    /// Sets an operator's word on a key, or takes it back with [`Pin::None`]. False when there is no place for it, because its
    /// bucket is full of pins.
    pub fn pin(&self, key: Key, pin: Pin, now: Timestamp) -> bool {
        if pin == Pin::None {
            self.states.update(key.hash, |state| state.pin = Pin::None);
            return true;
        }
        self.touch(key, Comer::Weighty, now, |state| state.pin = pin).is_some()
    }

    /// Forgets everything about a key, its pin too. Whether anything was known.
    pub fn reset(&self, key: Key) -> bool {
        self.spreads.remove(key.hash);
        self.reporters.remove(key.hash);
        self.states.remove(key.hash)
    }

    /// Calls `visit` with every key that is known and its standing; a part of the table waits meanwhile, not the whole.
    pub fn for_each(&self, now: Timestamp, mut visit: impl FnMut(Key, f32)) {
        let mut keys = Vec::new();
        for shard in 0..self.states.shards() {
            self.states.for_each(shard, |hash, state| keys.push(Key { kind: state.kind, hash }));
            keys.drain(..).for_each(|key| visit(key, self.standing(key, now)));
        }
    }

    /// How full the table of keys is.
    #[must_use]
    pub fn fill(&self) -> Fill {
        self.states.fill()
    }

    /// A key's state and its parent's, faded to now.
    fn states_of(&self, key: Key, now: u32) -> (Option<State>, Option<State>) {
        let read = |hash| self.states.read(hash, |state| state.at(now, &self.settings));
        let state = read(key.hash);
        let parent = state.as_ref().filter(|state| state.parent != 0 && state.pin == Pin::None);
        (state, parent.and_then(|state| read(state.parent)))
    }

    fn touch<R>(&self, key: Key, comer: Comer, now: Timestamp, change: impl FnOnce(&mut State) -> R) -> Option<R> {
        let now = seconds(now);
        self.states.enter(key.hash, comer, now, &self.settings, |state| {
            if state.first == 0 {
                (state.kind, state.first, state.last) = (key.kind, now, now);
            }
            state.fade(now, &self.settings);
            change(state)
        })
    }
}

/// When a message counts: where a recipient is spared, when it reaches the recipient.
fn when(rate: &Rate, traits: &Traits, now: Timestamp) -> Timestamp {
    if rate.per().contains(&Kind::Recipient) { traits.delivery().unwrap_or(now) } else { now }
}

/// What of a message a rate counts: the hashes of what is told apart, or one 0 for the message itself.
fn members<'t>(rate: &Rate, traits: &'t Traits) -> impl Iterator<Item = u64> + 't {
    let itself = rate.counted().kind().is_none().then_some(0);
    itself.into_iter().chain(rate.members(traits).iter().map(|key| key.hash))
}

fn members_of_nothing(rate: &Rate, traits: &Traits, itself: bool) -> usize {
    if itself { members(rate, traits).count() } else { 0 }
}
