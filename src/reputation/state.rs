//! What is kept of a key: 56 octets of counts that fade, 32 of whom it met, and what only keys with much traffic need beside.
//!
//! A count is halved with each half-life that goes by: `x·2^(−Δt/h)`, then the new event is added. So it is worked out when it
//! is read, nothing has to run in the background, and two steps in time give what one gives. Times are whole seconds.
//! Counts are single floats: beyond 2²⁴ (16.7 million within a few half-lives) one more no longer shows.

use std::time::Duration;

use super::key::Kind;
use super::met::Met;
use super::settings::{Settings, Weights};
use super::spread::Set;
use super::table::{Entry, PROTECTED};
use super::traits::{Fate, Ground, Receipt};
use crate::time::Timestamp;

/// Seconds since the Unix epoch, as kept.
pub(super) fn seconds(now: Timestamp) -> u32 {
    u32::try_from(now.as_micros() / 1_000_000).unwrap_or(u32::MAX)
}

/// The moment of such seconds.
pub(super) fn moment(seconds: u32) -> Timestamp {
    Timestamp(u64::from(seconds) * 1_000_000)
}

/// Half-lives up to which four terms of a series are as good as the exponential, and sooner worked out.
const NEARLY_NOTHING: f32 = 1.0 / 32.0;

/// What is left of a count after a time.
#[inline]
pub(super) fn fading(elapsed: u32, half_life: Duration) -> f32 {
    if elapsed == 0 {
        return 1.0;
    }
    let seconds = u32::try_from(half_life.as_secs()).unwrap_or(u32::MAX);
    let half_lives = elapsed as f32 / (seconds as f32 + half_life.subsec_nanos() as f32 * 1e-9);
    if half_lives > NEARLY_NOTHING {
        return (-half_lives).exp2();
    }
    // The series of e^−x, whose next term is less than a float tells.
    let x = half_lives * std::f32::consts::LN_2;
    1.0 - x * (1.0 - x * (0.5 - x * (1.0 / 6.0)))
}

/// What is left of what was inherited.
#[allow(clippy::cast_possible_truncation, reason = "it only gets smaller")]
fn faded(inherited: i8, left: f32) -> i8 {
    (f32::from(inherited) * left) as i8
}

/// Counts of a key, faded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Messages that passed.
    pub passed: f32,
    /// Messages that were tagged.
    pub tagged: f32,
    /// Messages that were blocked.
    pub blocked: f32,
    /// Reports, at most one a reporter and day.
    pub reported: f32,
    /// Receipts of messages that arrived.
    pub delivered: f32,
    /// Receipts of messages that did not.
    pub failed: f32,
    /// Messages caught by a decisive rule.
    pub caught: f32,
    /// Messages proven to be fraud.
    pub proven: f32,
    /// Recipients that wrote back.
    pub replied: f32,
}

impl Counts {
    /// Messages, whatever became of them.
    #[inline]
    #[must_use]
    pub fn seen(&self) -> f32 {
        self.passed + self.tagged + self.blocked
    }

    /// Every count with its name, in the order of snapshots.
    #[must_use]
    pub fn named(&self) -> [(&'static str, f32); 9] {
        [
            ("passed", self.passed),
            ("tagged", self.tagged),
            ("blocked", self.blocked),
            ("reported", self.reported),
            ("delivered", self.delivered),
            ("failed", self.failed),
            ("caught", self.caught),
            ("proven", self.proven),
            ("replied", self.replied),
        ]
    }

    /// The numbers of [`Counts::named`].
    #[inline]
    #[must_use]
    pub fn numbers(&self) -> [f32; 9] {
        let Self { passed, tagged, blocked, reported, delivered, failed, caught, proven, replied } = *self;
        [passed, tagged, blocked, reported, delivered, failed, caught, proven, replied]
    }

    /// Whether nothing is known but what Tapis did itself: most keys.
    #[inline]
    #[must_use]
    pub fn is_without_evidence(&self) -> bool {
        // None is below 0; and nothing but 0 has no bit set.
        let counts = [self.reported, self.delivered, self.failed, self.caught, self.proven, self.replied];
        counts.into_iter().fold(0, |bits, count| bits | count.to_bits()) == 0
    }

    /// Counts of such numbers.
    #[inline]
    #[must_use]
    pub fn of(numbers: [f32; 9]) -> Self {
        let [passed, tagged, blocked, reported, delivered, failed, caught, proven, replied] = numbers;
        Self { passed, tagged, blocked, reported, delivered, failed, caught, proven, replied }
    }

    #[inline]
    fn scale(&mut self, by: f32) {
        *self = Self::of(self.numbers().map(|number| number * by));
    }

    /// The weight of evidence against it.
    #[must_use]
    pub(super) fn bad(&self, kind: Kind, weights: &Weights) -> f32 {
        let finals = self.failed + self.delivered;
        let failed = (self.failed - weights.failed_share * finals).max(0.0);
        let against = weights.report * self.reported + weights.rule * self.caught + weights.proof * self.proven;
        share(kind, weights) * against + weights.failed * failed
    }

    /// The weight of evidence for it.
    #[must_use]
    pub(super) fn good(&self, weights: &Weights) -> f32 {
        weights.delivered * self.delivered + weights.replied * self.replied
    }
}

/// What evidence against a message weighs against a key of it.
fn share(kind: Kind, weights: &Weights) -> f32 {
    if kind == Kind::Account { weights.account_share } else { 1.0 }
}

/// An operator's word on a key, which stands until it is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pin {
    /// None: evidence decides.
    #[default]
    None,
    /// Its standing is 100.
    Good,
    /// Its standing is 0.
    Bad,
}

impl Pin {
    /// Its octet in snapshots and deltas.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The pin of an octet.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        [Self::None, Self::Good, Self::Bad].get(usize::from(code)).copied()
    }
}

/// What is kept of a key.
#[derive(Debug, Default, PartialEq)]
#[repr(C)]
pub(super) struct Known {
    pub state: State,
    pub met: Met,
}

const _: () = assert!(size_of::<Known>() == 88, "two lines of the processor's cache, mostly");

/// Messages from which on it is told how many recipients or senders a key has.
const SPREAD_FROM: f32 = 3.5;

/// What is counted of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct State {
    /// When it was first and last seen, in seconds.
    pub first: u32,
    pub last: u32,
    /// The short memory: evidence against it, and traffic that was not.
    pub short: [f32; 2],
    pub counts: Counts,
    pub kind: Kind,
    pub pin: Pin,
    /// What its parent was like when it was last seen, in 64ths of a nat.
    pub inherited: i8,
    /// Distinct reporters, and [`DIRTY`].
    pub marks: u8,
}

/// The mark of a state that other nodes have not been told of.
const DIRTY: u8 = 0x80;

impl Default for State {
    fn default() -> Self {
        Self {
            first: 0,
            last: 0,
            short: [0.0; 2],
            counts: Counts::default(),
            kind: Kind::Account,
            pin: Pin::None,
            inherited: 0,
            marks: 0,
        }
    }
}

/// The weight of evidence against a key from which it is not given up for a newcomer.
const KNOWN_BAD: f32 = 5.0;

impl State {
    /// What is left of it at `now`. Time that goes backwards changes nothing.
    #[inline(always)]
    pub fn fade(&mut self, now: u32, settings: &Settings) {
        let elapsed = now.saturating_sub(self.last);
        if elapsed == 0 {
            return;
        }
        let long = fading(elapsed, settings.long_of(self.kind));
        self.counts.scale(long);
        // A message sets it anew; it fades where none comes for hours.
        if long < 0.99 {
            self.inherited = faded(self.inherited, long);
        }
        let short = fading(elapsed, settings.short);
        self.short = self.short.map(|x| x * short);
        self.last = now;
    }

    /// Whether its standing is the cold start's, now and whenever it is asked.
    #[inline]
    pub fn is_neutral(&self) -> bool {
        self.inherited == 0 && self.counts.is_without_evidence()
    }

    /// It as it reads at `now`.
    #[must_use]
    pub fn at(mut self, now: u32, settings: &Settings) -> Self {
        self.fade(now, settings);
        self
    }

    /// Takes in a message, faded to its time.
    #[inline]
    pub fn add(&mut self, fate: Fate, ground: Ground, weights: &Weights) {
        match fate {
            Fate::Passed => self.counts.passed += 1.0,
            Fate::Tagged => self.counts.tagged += 1.0,
            Fate::Blocked => self.counts.blocked += 1.0,
        }
        let share = share(self.kind, weights);
        match ground {
            Ground::None => self.short[1] += if fate == Fate::Passed { weights.passed } else { 0.0 },
            Ground::Rule => {
                self.counts.caught += 1.0;
                self.short[0] += share * weights.rule;
            }
            Ground::Proof => {
                self.counts.proven += 1.0;
                self.short[0] += share * weights.proof;
            }
        }
    }

    /// Adds counts, faded to its time.
    pub fn credit(&mut self, counts: &Counts) {
        let mut sums = self.counts.numbers();
        sums.iter_mut().zip(counts.numbers()).for_each(|(sum, more)| *sum += more);
        self.counts = Counts::of(sums);
    }

    /// Takes in a receipt.
    pub fn add_receipt(&mut self, receipt: Receipt, weights: &Weights) {
        match receipt {
            Receipt::Delivered => {
                self.counts.delivered += 1.0;
                self.short[1] += weights.delivered;
            }
            Receipt::Failed => self.counts.failed += 1.0,
        }
    }

    /// Takes in a report of one more reporter and day, of which so much is left in the short and the long memory; `reporters`
    /// is how many there are in all.
    pub fn add_report(&mut self, [short, long]: [f32; 2], reporters: u8, weights: &Weights) {
        self.counts.reported += long;
        if let Some(against) = self.short.first_mut() {
            *against += short * share(self.kind, weights) * weights.report;
        }
        self.set_reporters(reporters);
    }

    /// What so many reports weigh against it.
    pub fn weight_of_reports(&self, reports: f32, weights: &Weights) -> f32 {
        reports * share(self.kind, weights) * weights.report
    }

    /// Distinct reporters.
    pub fn reporters(&self) -> u8 {
        self.marks & !DIRTY
    }

    pub fn set_reporters(&mut self, reporters: u8) {
        self.marks = self.marks & DIRTY | reporters.min(!DIRTY);
    }

    /// Marks that other nodes are to be told of it; whether it was not marked before.
    pub fn soil(&mut self) -> bool {
        let was_clean = self.marks & DIRTY == 0;
        self.marks |= DIRTY;
        was_clean
    }

    /// Takes the mark off.
    pub fn clean(&mut self) {
        self.marks &= !DIRTY;
    }

    pub fn is_dirty(&self) -> bool {
        self.marks & DIRTY != 0
    }

    /// Takes in that a recipient wrote back.
    pub fn add_reply(&mut self, weights: &Weights) {
        self.counts.replied += 1.0;
        self.short[1] += weights.replied;
    }
}

impl Known {
    /// Takes in whom a message went to, or came from, once there is enough traffic for it to matter.
    #[inline(always)]
    pub fn meet(&mut self, member: u64, now: u32) {
        let is_much = self.state.counts.seen() >= SPREAD_FROM;
        self.met.add(member, now, is_much);
    }

    /// Has the processor fetch whom it met as well: whoever asks for a standing tells of the message soon.
    pub fn touch(&self) {
        std::hint::black_box(matches!(self.met, Met::Few(_)));
    }

    /// Takes in whom it met elsewhere.
    pub fn merge(&mut self, set: &Set, now: u32) {
        self.met.change(now, |more| more.spread.merge(set, now));
    }

    /// How many different ones it met.
    pub fn distinct(&self) -> u64 {
        self.met.count().max(1)
    }
}

impl Entry for Known {
    type Cx = Settings;

    fn worth(&self, now: u32, settings: &Settings) -> f32 {
        let state = &self.state;
        if state.pin != Pin::None {
            return f32::INFINITY;
        }
        let faded = state.at(now, settings);
        let (bad, good) = (faded.counts.bad(state.kind, &settings.weights), faded.counts.good(&settings.weights));
        // Accounts are few, and everything inherits from them.
        let protected = bad >= KNOWN_BAD || state.kind == Kind::Account;
        let weight = bad + good + settings.weights.passed * faded.counts.seen();
        if protected { PROTECTED + weight } else { weight.min(PROTECTED / 2.0) }
    }

    #[inline]
    fn octets(&self) -> usize {
        self.met.octets()
    }

    fn lighten(&mut self) {
        self.met = Met::default();
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Secret;
    use super::super::spread::Spread;
    use super::*;

    #[test]
    fn whom_a_key_met_is_told_the_same_wherever_it_is_kept() {
        let day = 24 * 3600;
        for (members, gap) in [(3, 1), (6, day), (7, 1), (16, day), (40, 1), (4, 20 * day), (90, 3 * day)] {
            let mut known = Known::default();
            known.state.counts.passed = SPREAD_FROM;
            let mut spread = Spread { begun: 1_000_000, ..Spread::default() };
            for n in 0..200_u32 {
                let member = Secret::default().hash(0, &(n * 11 % members).to_le_bytes());
                let now = 1_000_000 + n * gap;
                known.meet(member, now);
                spread.add(member, now);
                assert_eq!(known.distinct(), spread.count(), "{n} of {members}, every {gap} s");
            }
            assert_eq!(
                matches!(known.met, Met::Few(_)),
                members <= 6 && gap <= 1,
                "room of its own, where it needs some"
            );
        }
    }

    #[test]
    fn a_count_fades_by_halves_however_it_is_worked_out() {
        let half_life = Duration::from_secs(14 * 24 * 3600);
        for elapsed in [1, 60, 3_600, 37_799, 37_801, 86_400, 14 * 86_400, 140 * 86_400] {
            let exact = (-f64::from(elapsed) / half_life.as_secs_f64()).exp2();
            let is = f64::from(fading(elapsed, half_life));
            assert!((is / exact - 1.0).abs() < 1e-6, "{elapsed}: {is} for {exact}");
        }
        assert_eq!(fading(0, half_life), 1.0);
    }
}
