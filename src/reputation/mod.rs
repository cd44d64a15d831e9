//! Memory: who sends what, how often, to how many, and how it ended.
//!
//! One [`Reputation`] is shared by all sessions. A message's caller fills in what it is known by ([`Traits`]), asks for
//! standings ([`Reputation::standing`]), ages ([`Reputation::known_for`]) and rates ([`Reputation::count`]) while it is judged,
//! which changes nothing, and tells what became of it afterwards ([`Reputation::observe`]). What is heard later feeds the same
//! keys: receipts, reports of subscribers, replies.
//!
//! - **Bounded**: every table has a most ([`Settings`]) and gives up what says least.
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
mod codec;
mod counter;
mod delta;
mod fingerprint;
mod hearsay;
mod key;
mod keys;
mod met;
mod name;
mod observe;
mod rate;
mod reporters;
mod settings;
mod snapshot;
mod spread;
mod standing;
mod state;
mod table;
mod traits;
mod window;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

pub use campaign::SAMPLE_MAX;
pub use codec::{Reason, SnapshotFault};
pub use counter::EXACT_MAX;
pub use delta::Delta;
pub use fingerprint::Template;
pub use hearsay::{Hearsay, Learned};
pub use key::{Key, Kind, Names, Secret};
pub use rate::{Counted, OVER_MAX, OVER_MIN, Rate, RateFault};
pub use settings::{Settings, Weights};
pub use snapshot::{Restored, SNAPSHOT_VERSION, Snapshot};
pub use standing::{Explanation, Term};
pub use state::{Counts, Pin};
pub use table::Fill;
pub use traits::{Fate, Ground, KEYS_MAX, Receipt, Sighting, Traits};

use crate::time::Timestamp;
use campaign::{Campaigns, LIVE_MIN};
use counter::Counter;
use delta::Outbox;
use hearsay::Heard;
use keys::Keys;
use name::Name;
use standing::Reckoning;
use state::{Known, State, moment, seconds};
use table::{Comer, Table};

/// Senders that are looked ahead to at once.
pub const AHEAD_MAX: usize = table::FETCHED_MAX;

/// What is remembered of earlier messages; one for all sessions.
#[derive(Debug)]
pub struct Reputation {
    settings: Settings,
    /// When memory began, in seconds.
    since: AtomicU32,
    known: Keys,
    counters: Table<Counter>,
    outbox: Outbox,
    names: Table<Name>,
    campaigns: Campaigns,
    heard: Table<Heard>,
    /// Whether anything is heard of others.
    hears: AtomicBool,
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
            since: AtomicU32::new(seconds(now)),
            known: Keys::new(&settings),
            counters: Table::new(settings.counters_max, settings.octets_max / 2),
            outbox: Outbox::default(),
            names: Table::new(settings.names_max, settings.octets_max / 16),
            campaigns: Campaigns::new(settings.campaigns_max, settings.octets_max / 8, settings.secret),
            heard: Table::new(settings.entries_max, settings.octets_max / 16),
            hears: AtomicBool::new(false),
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
        if matches!(key.kind, Kind::Recipient | Kind::Range) {
            return;
        }
        let set = |kept: &mut Name| kept.set(key.kind, name, seconds(now));
        if self.names.enter(key.hash, Comer::Equal, seconds(now), &(), set) == Some(true) {
            self.outbox.named(key, name);
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
        self.known.of(key.kind).read(key.hash, |known| now.since(moment(known.state.first)))
    }

    /// Has the processor fetch what is kept of senders, at most [`AHEAD_MAX`], whose messages come next: of all at once, where
    /// each message alone would wait for its own. Nothing changes by it, and who is not known is none.
    pub fn look_ahead(&self, senders: impl Iterator<Item = Key>) {
        let hashes = senders.map(|key| key.hash);
        self.known.of(Kind::Sender).fetch(hashes, |known| u64::from(known.state.first));
    }

    /// How far memory reaches back: nothing can be known for longer, and "not known for a month" says nothing before it does.
    #[must_use]
    pub fn reaches_back(&self, now: Timestamp) -> Duration {
        now.since(moment(self.since.load(Ordering::Relaxed)))
    }

    /// What earlier messages say of a key, from 0 to 100; the cold start when it is not known.
    #[inline]
    #[must_use]
    pub fn standing(&self, key: Key, now: Timestamp) -> f32 {
        self.standing_if_known(key, now).unwrap_or(self.settings.cold_start)
    }

    /// The same, and none when neither this node nor others know anything of it.
    #[inline]
    #[must_use]
    pub fn standing_if_known(&self, key: Key, now: Timestamp) -> Option<f32> {
        let heard = self.heard(key, now);
        // Of most keys nothing is known that has to be worked out; what has to be is, while nobody waits for it.
        let told = self.known.of(key.kind).read(key.hash, |known| {
            known.touch();
            match known.state.pin {
                Pin::Good => Ok(100.0),
                Pin::Bad => Ok(0.0),
                Pin::None if known.state.is_neutral() && heard == 0.0 => Ok(self.settings.cold_start),
                Pin::None => Err(known.state),
            }
        });
        match told {
            Some(Ok(standing)) => Some(standing),
            Some(Err(state)) => Some(self.reckon(Some(state), heard, now)),
            None if heard > 0.0 => Some(self.reckon(None, heard, now)),
            None => None,
        }
    }

    /// What a state and what is heard come to.
    #[inline(never)]
    fn reckon(&self, state: Option<State>, heard: f32, now: Timestamp) -> f32 {
        let state = state.map(|state| state.at(seconds(now), &self.settings));
        Reckoning::of(state.as_ref(), heard, &self.settings).standing(&self.settings)
    }

    /// A standing term by term.
    #[must_use]
    pub fn explain(&self, key: Key, now: Timestamp) -> Explanation {
        let state = self.known.of(key.kind).read(key.hash, |known| known.state);
        let faded = state.map(|state| state.at(seconds(now), &self.settings));
        let of = faded.unwrap_or_default();
        let heard = self.heard(key, now);
        Explanation {
            key,
            name: self.name_of(key),
            standing: self.standing(key, now),
            terms: Reckoning::of(faded.as_ref(), heard, &self.settings).terms(faded.as_ref(), heard, &self.settings),
            pin: of.pin,
            counts: of.counts,
            distinct: self.distinct(key),
            reporters: of.reporters(),
            first: state.map(|state| moment(state.first)),
            last: state.map(|state| moment(state.last)),
        }
    }

    /// Distinct recipients of an account or a sender; distinct senders of a domain, phone or campaign: within the last month
    /// or two, from its fourth message on; at most 16 exactly.
    #[must_use]
    pub fn distinct(&self, key: Key) -> u64 {
        self.known.of(key.kind).read(key.hash, Known::distinct).unwrap_or(0)
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

    /// Calls `visit` with every key that is known and its standing; a part of the table waits meanwhile, not the whole.
    pub fn for_each(&self, now: Timestamp, mut visit: impl FnMut(Key, f32)) {
        let mut keys = Vec::new();
        for shard in 0..self.known.shards() {
            self.known.for_each(shard, |hash, known| keys.push(Key { kind: known.state.kind, hash }));
            keys.drain(..).for_each(|key| visit(key, self.standing(key, now)));
        }
    }

    /// How full the table of keys is.
    #[must_use]
    pub fn fill(&self) -> Fill {
        self.known.fill()
    }
}

/// When a message counts: where a recipient is spared, when it reaches the recipient.
fn when(rate: &Rate, traits: &Traits, now: Timestamp) -> Timestamp {
    if rate.per().iter().any(|kind| matches!(kind, Kind::Recipient | Kind::Range)) {
        traits.delivery().unwrap_or(now)
    } else {
        now
    }
}

/// What of a message a rate counts: the hashes of what is told apart, or one 0 for the message itself.
fn members<'t>(rate: &Rate, traits: &'t Traits) -> impl Iterator<Item = u64> + 't {
    let itself = rate.counted().kind().is_none().then_some(0);
    itself.into_iter().chain(rate.members(traits).iter().map(|key| key.hash))
}

fn members_of_nothing(rate: &Rate, traits: &Traits, itself: bool) -> usize {
    if itself { members(rate, traits).count() } else { 0 }
}
