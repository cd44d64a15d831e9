//! The counter of one rate and key: what happened within its window, exactly while it is little.
//!
//! | kept | up to | what is told |
//! |---|---|---|
//! | each event, to the millisecond | [`EXACT_MAX`] messages, or [`DISTINCT_MAX`] different ones, in a window | the exact count |
//! | messages by sub-window, a sixteenth each | any number | exact but for the oldest sub-window, of which the share counts that the window still covers: wrong by at most what fell into that sixteenth |
//! | different ones by sub-window, an eighth each, as sketches | any number | the window is up to an eighth longer, and the count has a standard error of 3.25 in a hundred ([`super::spread`]) |
//!
//! Of those that are told apart exactly 24 bits of their hash are kept: of 400 sets of 300, one takes two for one.
//!
//! Events may come in any order, and lie ahead (a message that is to be delivered tomorrow): a window ends at the moment that is
//! asked about. Where sub-windows are kept, what lies more than a window ahead gives way to what happens now.

use std::time::Duration;

use super::codec::{Reader, Reason, SnapshotFault, Writer};
use super::table::Entry;
use super::window::{Members, Messages};

/// Messages of a window that are kept one by one.
pub const EXACT_MAX: usize = 32;

/// Different ones of a window that are kept one by one: a limit of a few hundred is exact, and no larger than sketches.
pub const DISTINCT_MAX: usize = 512;

/// Events kept without room of their own.
const FEW: usize = 6;

/// Events of one rate and key.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// The window, in ms; at most 31 days.
    over: u32,
    /// Whether a member may stand in it twice, because its events came out of order.
    twice: bool,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Few([Event; FEW]),
    Exact(Box<[Event]>),
    Messages(Box<Messages>),
    Members(Box<Members>),
}

const _: () = assert!(size_of::<Counter>() == 64, "one line of the processor's cache");

impl Default for Body {
    fn default() -> Self {
        Self::Few([Event::default(); FEW])
    }
}

/// An event: ms since [`EPOCH`] in the upper 40 bits, some of its member's hash below; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Event(u64);

/// 2020-01-01T00:00:00Z, in ms since the Unix epoch. 40 bits reach to 2054.
const EPOCH: u64 = 1_577_836_800_000;

const MEMBER_BITS: u32 = 24;

impl Event {
    fn new(at: u64, member: u64) -> Self {
        Self(at << MEMBER_BITS | part_of(member))
    }

    fn at(self) -> u64 {
        self.0 >> MEMBER_BITS
    }

    /// What is kept of its member's hash.
    fn part(self) -> u64 {
        self.0 & ((1 << MEMBER_BITS) - 1)
    }

    fn is_within(self, at: u64, over: u64) -> bool {
        self.0 != 0 && self.at() <= at && self.at() + over > at
    }
}

/// What is kept of a member's hash; 0 for none.
fn part_of(member: u64) -> u64 {
    member >> (64 - MEMBER_BITS)
}

/// µs since the Unix epoch in ms since [`EPOCH`].
fn millis(at: u64) -> u64 {
    (at / 1000).saturating_sub(EPOCH).clamp(1, (1 << (64 - MEMBER_BITS)) - 1)
}

impl Counter {
    /// Takes in an event at `at` (µs) of a member, or of none (0).
    pub fn record(&mut self, at: u64, member: u64, over: Duration, now: u64) {
        self.over = u32::try_from(over.as_millis()).unwrap_or(u32::MAX);
        let over = u64::from(self.over);
        let (at, now) = (millis(at), millis(now));
        if !self.keep(Event::new(at, member), member != 0, now) {
            self.widen(member != 0);
            if !self.keep(Event::new(at, member), member != 0, now) {
                match &mut self.body {
                    Body::Messages(messages) => messages.add(at, over, now, 1),
                    Body::Members(members) => members.add(at, member, over, now),
                    Body::Few(_) | Body::Exact(_) => {}
                }
            }
        }
    }

    /// Keeps an event by itself, in the place of its member's last one, of one that is over, or of none. False where there is
    /// no place.
    fn keep(&mut self, event: Event, is_distinct: bool, now: u64) -> bool {
        let over = u64::from(self.over);
        let Some(events) = self.body.events_mut() else { return false };
        if is_distinct && let Some(place) = events.iter_mut().find(|one| one.0 != 0 && one.part() == event.part()) {
            // Of a member the later event counts for longer; but one ahead does not count now.
            if place.at() <= event.at() && event.at() <= now {
                *place = event;
                return true;
            }
            self.twice = true;
        }
        let place = events.iter_mut().find(|one| one.0 == 0 || one.at() + over <= now.min(event.at()));
        place.map(|place| *place = event).is_some()
    }

    /// Makes more room: for events, then by sub-windows.
    fn widen(&mut self, is_distinct: bool) {
        let over = u64::from(self.over);
        self.body = match std::mem::take(&mut self.body) {
            Body::Few(few) => Body::Exact(wider(&few, EXACT_MAX)),
            Body::Exact(events) if is_distinct && events.len() < DISTINCT_MAX => {
                let wide = (events.len() * 4).min(DISTINCT_MAX);
                Body::Exact(wider(&events, wide))
            }
            Body::Exact(events) if is_distinct => {
                let whole = |part: u64| part << (64 - MEMBER_BITS) | 1 << (63 - MEMBER_BITS);
                let all = events.iter().map(|event| (event.at(), whole(event.part())));
                Body::Members(Box::new(Members::of(all, over)))
            }
            Body::Exact(events) => {
                let mut messages = Box::<Messages>::default();
                events.iter().for_each(|event| messages.add(event.at(), over, event.at(), 1));
                Body::Messages(messages)
            }
            body => body,
        };
    }

    /// How much there is in the window that ends at `at` (µs), with `members` of a message that is not recorded yet: a 0 for
    /// the message itself where nothing is told apart.
    pub fn count(&self, at: u64, members: impl Iterator<Item = u64>, over: Duration) -> u64 {
        let over = u64::try_from(over.as_millis()).unwrap_or(u64::MAX);
        let at = millis(at);
        match &self.body {
            Body::Few(events) => count_events(events, at, over, members, self.twice),
            Body::Exact(events) => count_events(events, at, over, members, self.twice),
            Body::Messages(messages) => messages.count(at, over) + u64::try_from(members.count()).unwrap_or(0),
            Body::Members(sketches) => sketches.count(at, over, members),
        }
    }

    /// Whether nothing of it counts any more, at `now` (µs).
    pub fn is_past(&self, now: u64) -> bool {
        let (over, now) = (u64::from(self.over), millis(now));
        let all_over = |events: &[Event]| events.iter().all(|event| event.0 == 0 || event.at() + over <= now);
        match &self.body {
            Body::Few(events) => all_over(events),
            Body::Exact(events) => all_over(events),
            Body::Messages(messages) => messages.is_over(now, over),
            Body::Members(members) => members.is_over(now, over),
        }
    }

    /// Takes in as many events at once, of one member or none.
    pub fn record_many(&mut self, at: u64, member: u64, over: Duration, now: u64, count: u32) {
        for done in 0..count {
            if let Body::Messages(messages) = &mut self.body {
                return messages.add(millis(at), u64::from(self.over), millis(now), u64::from(count - done));
            }
            self.record(at, member, over, now);
            if member != 0 {
                return;
            }
        }
    }

    /// Writes it into a snapshot.
    pub fn write(&self, out: &mut Writer<'_>) {
        out.u32(self.over);
        out.flag(self.twice);
        match &self.body {
            Body::Few(events) => {
                out.u8(0);
                events.iter().for_each(|event| out.u64(event.0));
            }
            Body::Exact(events) => {
                out.u8(1);
                out.len(events.len());
                events.iter().for_each(|event| out.u64(event.0));
            }
            Body::Messages(messages) => {
                out.u8(2);
                messages.write(out);
            }
            Body::Members(members) => {
                out.u8(3);
                members.write(out);
            }
        }
    }

    /// Reads it from a snapshot.
    pub fn read(records: &mut Reader<'_>) -> Result<Self, SnapshotFault> {
        let (over, twice) = (records.u32()?, records.flag("twice")?);
        let body = match records.u8()? {
            0 => {
                let mut events = [Event::default(); FEW];
                for event in &mut events {
                    *event = Event(records.u64()?);
                }
                Body::Few(events)
            }
            1 => {
                let len = records.len(EXACT_MAX.max(DISTINCT_MAX), "events")?;
                Body::Exact((0..len).map(|_| Ok(Event(records.u64()?))).collect::<Result<_, _>>()?)
            }
            2 => Body::Messages(Box::new(Messages::read(records)?)),
            3 => Body::Members(Box::new(Members::read(records)?)),
            _ => return Err(records.fault(Reason::Value("counter"))),
        };
        Ok(Self { over, twice, body })
    }
}

impl Body {
    fn events_mut(&mut self) -> Option<&mut [Event]> {
        match self {
            Self::Few(events) => Some(events),
            Self::Exact(events) => Some(events),
            Self::Messages(_) | Self::Members(_) => None,
        }
    }
}

/// The same events with more room behind them.
fn wider(events: &[Event], room: usize) -> Box<[Event]> {
    let empty = std::iter::repeat_n(Event::default(), room.saturating_sub(events.len()));
    events.iter().copied().chain(empty).collect()
}

fn count_events(events: &[Event], at: u64, over: u64, members: impl Iterator<Item = u64>, twice: bool) -> u64 {
    let within = || events.iter().filter(|event| event.is_within(at, over));
    let new = members.filter(|member| *member == 0 || !within().any(|event| event.part() == part_of(*member))).count();
    let is_again = |n: usize, event: &Event| within().take(n).any(|one| one.part() == event.part());
    let again = if twice { within().enumerate().filter(|(n, event)| is_again(*n, event)).count() } else { 0 };
    u64::try_from(within().count() - again + new).unwrap_or(u64::MAX)
}

impl Entry for Counter {
    type Cx = ();

    fn is_over(&self, now: u32) -> bool {
        self.is_past(u64::from(now) * 1_000_000)
    }

    /// What is over goes first, then what has counted least.
    fn worth(&self, now: u32, (): &()) -> f32 {
        if self.is_past(u64::from(now) * 1_000_000) {
            return 0.0;
        }
        match &self.body {
            Body::Few(events) => events.iter().filter(|event| event.0 != 0).count() as f32,
            Body::Exact(_) => EXACT_MAX as f32,
            Body::Messages(messages) => 1.0 + messages.0.iter().map(|slot| slot.count).sum::<u64>() as f32,
            Body::Members(members) => 1.0 + members.estimate as f32,
        }
    }

    fn octets(&self) -> usize {
        match &self.body {
            Body::Few(_) => 0,
            Body::Exact(events) => size_of_val(&**events),
            Body::Messages(_) => size_of::<Messages>(),
            Body::Members(members) => members.octets(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key::Secret;
    use super::super::table::{Comer, Table};
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const START: u64 = 1_795_000_000_000_000;

    fn hash(n: u64) -> u64 {
        Secret::default().hash(0, &n.to_le_bytes())
    }

    /// What a plain list says.
    fn oracle(events: &[(u64, u64)], at: u64, over: Duration, members: &[u64]) -> usize {
        let over = u64::try_from(over.as_micros()).unwrap();
        let within = events.iter().filter(|(then, _)| *then <= at && then + over > at).map(|(_, member)| *member);
        if members == [0] {
            return within.count() + 1;
        }
        let all: std::collections::HashSet<u64> = within.chain(members.iter().copied()).collect();
        all.len()
    }

    /// Events in whole ms, in any order within a few windows, fewer at a time than are kept one by one.
    fn events() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0..20_000_u64, 1..12_u64), 0..EXACT_MAX)
    }

    #[test]
    fn a_limit_of_a_few_hundred_different_ones_is_exact() {
        let mut counter = Counter::default();
        for n in 1..=400 {
            let at = START + n * 1_000_000;
            counter.record(at, hash(n), HOUR, at);
            assert_eq!(counter.count(at, [hash(n)].into_iter(), HOUR), n, "{n}");
            assert_eq!(counter.count(at, [hash(n + 1)].into_iter(), HOUR), n + 1, "{n}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn few_events_are_counted_as_a_plain_list_counts_them(mut events in events(), at in 0..20_000_u64, distinct: bool, ordered: bool) {
            if ordered {
                events.sort_unstable();
            }
            let over = Duration::from_secs(5);
            let events: Vec<(u64, u64)> = events
                .iter()
                .map(|(then, member)| (START + then * 1000, if distinct { hash(*member) } else { 0 }))
                .collect();
            let mut counter = Counter::default();
            let first = events.iter().map(|(then, _)| *then).min().unwrap_or(START);
            for (then, member) in &events {
                // In order, now is the event's own time; else it stands still.
                counter.record(*then, *member, over, if ordered { *then } else { first });
            }
            let at = START + at * 1000;
            prop_assume!(!ordered || events.last().is_none_or(|(then, _)| *then <= at));
            let members = if distinct { vec![hash(3), hash(30)] } else { vec![0] };
            let is = counter.count(at, members.iter().copied(), over);
            prop_assert_eq!(is, oracle(&events, at, over, &members) as u64);
        }

        #[test]
        fn many_messages_are_wrong_by_a_sub_window_at_most(gaps in prop::collection::vec(0..40_000_u64, 100..600)) {
            let mut counter = Counter::default();
            let mut events = Vec::new();
            let mut now = START;
            for gap in gaps {
                now += gap * 1000;
                let expected = oracle(&events, now, HOUR, &[0]) as u64;
                let is = counter.count(now, [0].into_iter(), HOUR);
                let edge = now - 3_600_000_000;
                let step = 3_600_000_000 / 16;
                let sub_window = edge / step * step..edge / step * step + step + 2_000;
                let within = events.iter().filter(|(then, _)| sub_window.contains(then)).count() as u64;
                prop_assert!(is.abs_diff(expected) <= within.max(1), "{} for {}, {} at the edge", is, expected, within);
                counter.record(now, 0, HOUR, now);
                events.push((now, 0));
            }
        }
    }

    #[test]
    fn many_members_are_within_the_stated_error() {
        let mut counter = Counter::default();
        let mut worst: f64 = 0.0;
        let over = HOUR.as_secs() * 1_000_000;
        for n in 0..60_000_u64 {
            // Two an ms at first, then ever slower; every member comes twice.
            let now = START + n * 100_000 + n * n * 2;
            counter.record(now, hash(n), HOUR, now);
            counter.record(now, hash(n.saturating_sub(10)), HOUR, now);
            let since =
                |over: u64| (0..=n).rev().take_while(|n| START + n * 100_000 + n * n * 2 + over > now).count() as f64;
            if n % 499 == 0 {
                let is = counter.count(now, [hash(n)].into_iter(), HOUR) as f64;
                let (least, most) = (since(over), since(over + over / 8));
                worst = worst.max((least / is - 1.0).max(is / most.max(1.0) - 1.0));
            }
        }
        assert!(worst < 0.1, "three standard errors: {worst}");
        assert!(counter.octets() < 12 * 1024, "{}", counter.octets());
    }

    #[test]
    fn what_lies_ahead_neither_counts_now_nor_hides_what_does() {
        let mut counter = Counter::default();
        let ahead = START + 10 * 86_400_000_000;
        (0..500).for_each(|n| counter.record(ahead + n * 1000, 0, HOUR, START));
        assert_eq!(counter.count(START, [0].into_iter(), HOUR), 1);
        assert_eq!(counter.count(ahead + 1_000_000, [0].into_iter(), HOUR), 501);
        (0..500).for_each(|n| counter.record(START + n * 1000, 0, HOUR, START + n * 1000));
        assert_eq!(counter.count(START + 500_000, [0].into_iter(), HOUR), 501);
    }

    #[test]
    fn a_counter_tells_how_much_it_points_to() {
        let mut counter = Counter::default();
        assert_eq!(counter.octets(), 0);
        for n in 1..=400 {
            counter.record(START, hash(n), HOUR, START);
        }
        assert!(counter.octets() >= 400 * size_of::<Event>(), "{} octets", counter.octets());
    }

    #[test]
    fn a_counter_that_is_over_gives_way_to_a_newcomer_at_once() {
        let table: Table<Counter> = Table::new(64, 1 << 20);
        let enter = |n: u64, at: u64| {
            let seconds = u32::try_from(at / 1_000_000).unwrap();
            table.enter(hash(n), Comer::New, seconds, &(), |counter| counter.record(at, 0, HOUR, at)).is_some()
        };
        (0..4_000).for_each(|n| _ = enter(n, START));
        assert!(!(4_000..4_100).any(|n| enter(n, START + 1_000_000)), "it is full, and all of it counts");
        let later = START + 2 * 3_600_000_000;
        let taken = (5_000..5_040).filter(|n| enter(*n, later)).count();
        assert!(taken >= 30, "nothing counts any more, and {taken} of 40 found a place");
    }

    #[test]
    fn a_counter_that_is_over_is_worth_nothing() {
        for events in [1, 20, 2000] {
            for member in [0, 1] {
                let mut counter = Counter::default();
                (0..events).for_each(|n| counter.record(START, member * hash(n), HOUR, START));
                let seconds = |at: u64| u32::try_from(at / 1_000_000).unwrap();
                assert!(counter.worth(seconds(START), &()) > 0.0);
                assert_eq!(counter.worth(seconds(START) + 2 * 3600, &()), 0.0);
                assert_eq!(
                    counter.count(START + 7_200_000_000, [0].into_iter().filter(|_| member == 0), HOUR),
                    1 - member
                );
            }
        }
    }
}
