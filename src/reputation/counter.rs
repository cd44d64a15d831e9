//! The counter of one rate and key: what happened within its window.

use std::time::Duration;

use super::table::Entry;

/// Events of one rate and key.
#[derive(Debug, Default)]
pub(super) struct Counter {
    /// When, in µs, and what of; 0 where messages are counted.
    events: Vec<(u64, u64)>,
    /// The window, in µs.
    over: u64,
}

impl Counter {
    /// Takes in an event at `at` (µs).
    pub fn record(&mut self, at: u64, member: u64, over: Duration, now: u64) {
        self.over = micros(over);
        let over = self.over;
        self.events.retain(|(then, _)| then.saturating_add(over) > now);
        if member != 0 {
            self.events.retain(|(_, one)| *one != member);
        }
        self.events.push((at, member));
    }

    /// How much there is in the window that ends at `at`, with `members` of a message that is not recorded yet.
    pub fn count(&self, at: u64, members: impl Iterator<Item = u64>, over: Duration) -> u64 {
        let over = micros(over);
        let within = |then: u64| then <= at && then.saturating_add(over) > at;
        let known = |member: u64| self.events.iter().any(|(then, one)| *one == member && within(*then));
        let before = self.events.iter().filter(|(then, _)| within(*then)).count();
        let new = members.filter(|member| *member == 0 || !known(*member)).count();
        u64::try_from(before + new).unwrap_or(u64::MAX)
    }
}

fn micros(over: Duration) -> u64 {
    u64::try_from(over.as_micros()).unwrap_or(u64::MAX)
}

impl Entry for Counter {
    type Cx = ();

    fn worth(&self, now: u32, (): &()) -> f32 {
        let last = self.events.iter().map(|(then, _)| *then).max().unwrap_or(0);
        if last.saturating_add(self.over) <= u64::from(now) * 1_000_000 { 0.0 } else { self.events.len() as f32 }
    }
}
