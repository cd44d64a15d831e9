//! What each rule costs: of one message in [`EACH`], how long every rule took that was asked.
//!
//! Rules have no clock: who has one lends a [`Stopwatch`], and without it nothing is timed. What all rules share is in no
//! rule's time: the one pass over the text, and looking up lists.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::time::Timestamp;

/// One message in so many is timed, by the microsecond at which it came; a power of two.
pub const EACH: u64 = 64;

/// Nanoseconds since some beginning, never running backwards.
pub type Stopwatch = fn() -> u64;

/// What the rules of a set have taken since somebody last asked.
#[derive(Debug, Default)]
pub(super) struct Times(Box<[Slot]>);

#[derive(Debug, Default)]
struct Slot {
    nanoseconds: AtomicU64,
    asked: AtomicU64,
}

/// What a rule has taken, as estimated from the messages that were timed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Nanoseconds.
    pub nanoseconds: u64,
    /// How often it was asked.
    pub asked: u64,
}

/// Times the rules of one message, one after the other.
pub(super) struct Lap<'t> {
    times: &'t Times,
    stopwatch: Stopwatch,
    before: u64,
}

impl Times {
    /// For so many rules.
    pub(super) fn new(rules: usize) -> Self {
        Self((0..rules).map(|_| Slot::default()).collect())
    }

    /// Starts the stopwatch when this message is one of those that are timed.
    pub(super) fn start(&self, stopwatch: Option<Stopwatch>, now: Timestamp) -> Option<Lap<'_>> {
        let stopwatch = stopwatch.filter(|_| is_timed(now))?;
        Some(Lap { times: self, stopwatch, before: stopwatch() })
    }

    /// What each rule has taken since this was last asked, those that took nothing left out.
    pub(super) fn take(&self) -> impl Iterator<Item = (usize, Time)> {
        let taken = self.0.iter().map(|slot| Time {
            nanoseconds: slot.nanoseconds.swap(0, Ordering::Relaxed).saturating_mul(EACH),
            asked: slot.asked.swap(0, Ordering::Relaxed).saturating_mul(EACH),
        });
        taken.enumerate().filter(|(_, time)| time.asked > 0)
    }
}

impl Lap<'_> {
    /// A rule was asked.
    pub(super) fn asked(&mut self, rule: u32) {
        let now = (self.stopwatch)();
        let took = now.saturating_sub(std::mem::replace(&mut self.before, now));
        if let Some(slot) = usize::try_from(rule).ok().and_then(|n| self.times.0.get(n)) {
            slot.nanoseconds.fetch_add(took, Ordering::Relaxed);
            slot.asked.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// By a hash (Fibonacci's), so that traffic with a beat of its own is met as well.
fn is_timed(now: Timestamp) -> bool {
    now.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - EACH.trailing_zeros()) == 0
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(0) };
    }

    /// A watch on which every look takes a hundred nanoseconds.
    fn watch() -> u64 {
        NOW.with(|now| now.replace(now.get() + 100))
    }

    #[test]
    fn one_message_in_so_many_is_timed_and_stands_for_the_others() {
        let times = Times::new(2);
        let messages = 64_000;
        for n in 0..messages {
            // One every hundred microseconds.
            let Some(mut lap) = times.start(Some(watch), Timestamp(1_795_000_000_000_000 + n * 100)) else { continue };
            lap.asked(1);
        }
        let taken: Vec<(usize, Time)> = times.take().collect();
        let [(1, time)] = taken[..] else { panic!("{taken:?}") };
        assert!(time.asked.abs_diff(messages) < messages / 10, "{time:?}");
        assert_eq!(time.nanoseconds, time.asked * 100);
        assert_eq!(times.take().count(), 0, "taken is taken");
    }

    #[test]
    fn nothing_is_timed_without_a_stopwatch() {
        let times = Times::new(1);
        assert!((0..1000).all(|n| times.start(None, Timestamp(n)).is_none()));
    }
}
