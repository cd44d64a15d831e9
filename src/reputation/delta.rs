//! What one node tells the others: increments since it last told, never totals.
//!
//! While sharing is on, the first change to a key since the last telling keeps what the key was like before; telling subtracts
//! that. So a change costs one look at a mark, and what is kept is bounded by [`KEYS_MAX`] keys: of more, the rest waits for
//! its next change. What comes from another node is added to both sides, so that it is not told again. Counts, reports and rates
//! add up, distinct sets are merged, an operator's words are done as they were said.
//!
//! A counter's events are told with the moment of the last one and how many there were, so that windows on other nodes are as
//! exact as the exchange is frequent. To merge the same deltas twice counts twice: whoever carries them must not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Reputation;
use super::campaign::Campaign;
use super::codec::{Reader, Reason, SnapshotFault, Writer};
use super::key::Key;
use super::name::NAME_MAX;
use super::reporters::Reporters;
use super::settings::Settings;
use super::snapshot::{checksum, read_campaign, write_campaign};
use super::spread::Set;
use super::state::{Counts, Known, Pin, State, fading, seconds};
use super::table::Comer;
use crate::time::Timestamp;

/// Keys, and counters, that can wait to be told of.
pub const KEYS_MAX: usize = 65_536;

/// Words of operators, names and campaigns that can wait.
const WORDS_MAX: usize = 10_000;

const SHARDS: usize = 64;

/// One thing that a node tells others.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta(What);

#[derive(Clone, Debug, PartialEq)]
enum What {
    Key(Box<Seen>),
    Events { counter: u64, member: u64, at: u64, over: u32, count: u32 },
    Campaign(Key, Box<Campaign>),
    Name(Key, Box<str>),
    Pin(Key, Pin),
    Reset(Key),
}

/// What was counted of a key since it was last told.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    key: Key,
    first: u32,
    last: u32,
    inherited: i8,
    short: [f32; 2],
    counts: Counts,
    spread: Option<Set>,
    reporters: Reporters,
}

type Shards<K, V> = Box<[Mutex<HashMap<K, V>>]>;

/// What waits to be told.
#[derive(Debug)]
pub(super) struct Outbox {
    is_on: AtomicBool,
    states: Shards<u64, State>,
    /// By counter and member.
    events: Shards<(u64, u64), Events>,
    words: Mutex<Vec<Delta>>,
    dropped: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Events {
    at: u64,
    over: u32,
    count: u32,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            is_on: AtomicBool::new(false),
            states: (0..SHARDS).map(|_| Mutex::default()).collect(),
            events: (0..SHARDS).map(|_| Mutex::default()).collect(),
            words: Mutex::default(),
            dropped: AtomicU64::new(0),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place<T>(shards: &[Mutex<T>], hash: u64) -> Option<MutexGuard<'_, T>> {
    shards.get(usize::try_from(hash >> 20).unwrap_or(0) % SHARDS).map(lock)
}

impl Outbox {
    #[inline]
    fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Before a state changes: keeps what it was like, if nothing is kept yet.
    #[inline]
    pub fn before(&self, hash: u64, state: &mut State) {
        if self.is_on() && state.soil() {
            self.keep(hash, state);
        }
    }

    fn keep(&self, hash: u64, state: &mut State) {
        let Some(mut states) = place(&self.states, hash) else { return };
        if states.len() < KEYS_MAX / SHARDS {
            states.insert(hash, *state);
        } else {
            state.clean();
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What another node counted was added to a state: it shall not be told again.
    fn heard(&self, hash: u64, state: &State, settings: &Settings, seen: &Seen, left: [f32; 2]) {
        if !state.is_dirty() {
            return;
        }
        if let Some(before) = place(&self.states, hash).as_mut().and_then(|states| states.get_mut(&hash)) {
            before.fade(state.last, settings);
            add(before, seen, left);
        }
    }

    /// After a counter took in an event.
    pub fn event(&self, counter: u64, member: u64, at: u64, over: Duration) {
        if !self.is_on() {
            return;
        }
        let over = u32::try_from(over.as_millis()).unwrap_or(u32::MAX);
        let Some(mut events) = place(&self.events, counter) else { return };
        if let Some(known) = events.get_mut(&(counter, member)) {
            (known.at, known.count) = (known.at.max(at), known.count.saturating_add(1));
        } else if events.len() < KEYS_MAX / SHARDS {
            events.insert((counter, member), Events { at, over, count: 1 });
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn word(&self, what: What) {
        if !self.is_on() {
            return;
        }
        let mut words = lock(&self.words);
        if words.len() < WORDS_MAX {
            words.push(Delta(what));
        } else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn pinned(&self, key: Key, pin: Pin) {
        self.word(What::Pin(key, pin));
    }

    pub fn reset(&self, key: Key) {
        self.word(What::Reset(key));
    }

    pub fn named(&self, key: Key, name: &str) {
        if self.is_on() {
            self.word(What::Name(key, name.into()));
        }
    }

    pub fn campaign(&self, key: Key, campaign: &Campaign) {
        if self.is_on() {
            self.word(What::Campaign(key, Box::new(campaign.clone())));
        }
    }
}

/// Adds what was counted elsewhere, of which so much is left.
fn add(state: &mut State, seen: &Seen, [short, long]: [f32; 2]) {
    let (mine, theirs) = (state.counts.numbers(), seen.counts.numbers());
    let mut sums = mine;
    sums.iter_mut().zip(theirs).for_each(|(sum, one)| *sum += one * long);
    state.counts = Counts::of(sums);
    state.short.iter_mut().zip(seen.short).for_each(|(sum, one)| *sum += one * short);
}

impl Reputation {
    /// Begins, or ends, to keep what other nodes are to be told.
    pub fn share(&self, is_on: bool) {
        self.outbox.is_on.store(is_on, Ordering::Relaxed);
    }

    /// Changes that others will not be told of, because too many waited.
    #[must_use]
    pub fn untold(&self) -> u64 {
        self.outbox.dropped.load(Ordering::Relaxed)
    }

    /// What changed here since this was last asked.
    #[must_use]
    pub fn take_deltas(&self) -> Vec<Delta> {
        let mut all = std::mem::take(&mut *lock(&self.outbox.words));
        for shard in &self.outbox.states {
            let before = std::mem::take(&mut *lock(shard));
            let seen = before.into_iter().filter_map(|(hash, before)| {
                self.known.of(before.kind).update(hash, |known| self.since(hash, before, known)).flatten()
            });
            all.extend(seen.map(|seen| Delta(What::Key(Box::new(seen)))));
        }
        for shard in &self.outbox.events {
            let events = std::mem::take(&mut *lock(shard));
            all.extend(events.into_iter().map(|((counter, member), Events { at, over, count })| {
                Delta(What::Events { counter, member, at, over, count })
            }));
        }
        all
    }

    /// What was counted since a state was like `before`.
    fn since(&self, hash: u64, mut before: State, known: &mut Known) -> Option<Seen> {
        let Known { state, met } = known;
        state.clean();
        // It was reset, or another key took its place, since.
        if before.kind != state.kind || before.first != state.first {
            return None;
        }
        before.fade(state.last, &self.settings);
        let (now, then) = (state.counts.numbers(), before.counts.numbers());
        let mut counts = now;
        counts.iter_mut().zip(then).for_each(|(count, then)| *count = (*count - then).max(0.0));
        let mut counts = Counts::of(counts);
        // Reports go with their reporters.
        let reported = std::mem::take(&mut counts.reported);
        let mut short = state.short;
        short.iter_mut().zip(before.short).for_each(|(count, then)| *count = (*count - then).max(0.0));
        if let Some(against) = short.first_mut() {
            *against = (*against - state.weight_of_reports(reported, &self.settings.weights)).max(0.0);
        }
        let spread = met.take_news();
        let told = met.reporters().filter(|_| reported > 0.0);
        let reporters = told.cloned().unwrap_or_default();
        let key = Key { kind: state.kind, hash };
        Some(Seen {
            key,
            first: state.first,
            last: state.last,
            inherited: state.inherited,
            short,
            counts,
            spread,
            reporters,
        })
    }

    /// Takes in what another node told, once.
    pub fn merge(&self, delta: &Delta, now: Timestamp) {
        match &delta.0 {
            What::Key(seen) => self.merge_seen(seen, now),
            What::Events { counter, member, at, over, count } => {
                let over = Duration::from_millis(u64::from(*over));
                self.counters.enter(*counter, Comer::New, seconds(now), &(), |one| {
                    one.record_many(*at, *member, over, now.as_micros(), *count);
                });
            }
            What::Campaign(key, campaign) => self.campaigns.merge(*key, campaign, seconds(now), &self.outbox),
            What::Name(key, name) => {
                let set = |kept: &mut super::name::Name| kept.set(key.kind, name, seconds(now));
                self.names.enter(key.hash, Comer::Equal, seconds(now), &(), set);
            }
            What::Pin(key, pin) => _ = self.set_pin(*key, *pin, now),
            What::Reset(key) => _ = self.forget(*key),
        }
    }

    fn merge_seen(&self, seen: &Seen, now: Timestamp) {
        let now = seconds(now);
        let comer = if seen.reporters.0.is_empty() && seen.counts.caught + seen.counts.proven == 0.0 {
            Comer::New
        } else {
            Comer::Weighty
        };
        let settings = &self.settings;
        self.known.of(seen.key.kind).enter(seen.key.hash, comer, now, settings, |known| {
            let state = &mut known.state;
            if state.first == 0 {
                (state.kind, state.first, state.last) = (seen.key.kind, seen.first, now);
                state.inherited = seen.inherited;
            }
            state.first = state.first.min(seen.first);
            state.fade(now, settings);
            let elapsed = state.last.saturating_sub(seen.last);
            let left = [fading(elapsed, settings.short), fading(elapsed, settings.long_of(seen.key.kind))];
            add(state, seen, left);
            self.outbox.heard(seen.key.hash, state, settings, seen, left);
            if let Some(set) = &seen.spread {
                known.merge(set, now);
            }
            for (reporter, when) in &seen.reporters.0 {
                let (counts, reporters) = known
                    .met
                    .change(now, |more| (more.reporters.add(*reporter, (*when).min(now)), more.reporters.count()));
                if counts {
                    let elapsed = known.state.last.saturating_sub(*when);
                    let long = fading(elapsed, settings.long_of(seen.key.kind));
                    let short = fading(elapsed, settings.short);
                    known.state.add_report([short, long], reporters, &settings.weights);
                    let report = Seen {
                        counts: Counts { reported: 1.0, ..Counts::default() },
                        short: [known.state.weight_of_reports(1.0, &settings.weights), 0.0],
                        ..seen.clone()
                    };
                    self.outbox.heard(seen.key.hash, &known.state, settings, &report, [short, long]);
                }
            }
        });
    }

    /// Deltas as octets, for a store or a socket.
    #[must_use]
    pub fn encode(&self, deltas: &[Delta]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = Writer(&mut out);
        writer.u16(DELTA_VERSION);
        writer.u64(self.settings.secret.fingerprint());
        deltas.iter().for_each(|delta| delta.write(&mut writer));
        let sum = checksum(&out);
        out.extend(sum);
        out
    }

    /// Reads what [`Reputation::encode`] wrote on a node of the same secret.
    ///
    /// # Errors
    /// When it is not that.
    pub fn decode(&self, octets: &[u8]) -> Result<Vec<Delta>, SnapshotFault> {
        let whole = Reader::new(octets, 0);
        let Some((body, sum)) = octets.split_last_chunk() else { return Err(whole.fault(Reason::Short)) };
        if checksum(body) != *sum {
            return Err(whole.fault(Reason::Checksum));
        }
        let mut all = Reader::new(body, 0);
        let version = all.u16()?;
        if version != DELTA_VERSION {
            return Err(whole.fault(Reason::Version(version)));
        }
        if all.u64()? != self.settings.secret.fingerprint() {
            return Err(whole.fault(Reason::OtherSecret));
        }
        let mut deltas = Vec::new();
        while !all.is_empty() {
            deltas.push(Delta::read(&mut all)?);
        }
        Ok(deltas)
    }
}

const DELTA_VERSION: u16 = 1;

impl Delta {
    /// The key that it is of; events of counters are of none.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match &self.0 {
            What::Key(seen) => Some(seen.key),
            What::Campaign(key, _) | What::Name(key, _) | What::Pin(key, _) | What::Reset(key) => Some(*key),
            What::Events { .. } => None,
        }
    }

    fn write(&self, out: &mut Writer<'_>) {
        match &self.0 {
            What::Key(seen) => {
                out.u8(0);
                out.key(seen.key);
                out.u32(seen.first);
                out.u32(seen.last);
                out.0.extend(seen.inherited.to_le_bytes());
                seen.short.into_iter().for_each(|number| out.amount(number));
                out.counts(&seen.counts);
                out.flag(seen.spread.is_some());
                if let Some(spread) = &seen.spread {
                    out.set(spread);
                }
                out.reporters(&seen.reporters);
            }
            What::Events { counter, member, at, over, count } => {
                out.u8(1);
                [*counter, *member, *at].into_iter().for_each(|number| out.u64(number));
                [*over, *count].into_iter().for_each(|number| out.u32(number));
            }
            What::Campaign(key, campaign) => {
                out.u8(2);
                write_campaign(key.hash, campaign, out);
            }
            What::Name(key, name) => {
                out.u8(3);
                out.key(*key);
                out.text(name);
            }
            What::Pin(key, pin) => {
                out.u8(4);
                out.key(*key);
                out.u8(pin.code());
            }
            What::Reset(key) => {
                out.u8(5);
                out.key(*key);
            }
        }
    }

    fn read(all: &mut Reader<'_>) -> Result<Self, SnapshotFault> {
        Ok(Self(match all.u8()? {
            0 => {
                let key = all.key()?;
                let (first, last, inherited) = (all.u32()?, all.u32()?, i8::from_le_bytes([all.u8()?]));
                let short = [all.amount("short")?, all.amount("short")?];
                let counts = all.counts()?;
                let spread = if all.flag("spread")? { Some(all.set()?) } else { None };
                let reporters = all.reporters()?;
                What::Key(Box::new(Seen { key, first, last, inherited, short, counts, spread, reporters }))
            }
            1 => What::Events {
                counter: all.hash()?,
                member: all.u64()?,
                at: all.u64()?,
                over: all.u32()?,
                count: all.u32()?,
            },
            2 => {
                let (hash, campaign) = read_campaign(all)?;
                What::Campaign(Key { kind: super::key::Kind::Campaign, hash }, Box::new(campaign))
            }
            3 => What::Name(all.key()?, all.text(NAME_MAX, "name")?.into()),
            4 => What::Pin(all.key()?, all.pin()?),
            5 => What::Reset(all.key()?),
            _ => return Err(all.fault(Reason::Value("delta"))),
        }))
    }
}
