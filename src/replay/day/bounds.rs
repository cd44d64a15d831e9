//! After how many messages of an attack the rules and settings in force must have blocked the first.
//!
//! A count is exceeded when its bound and one more were seen, and another one where memory is full: a newcomer is then
//! counted from its second message on. Where an attack spreads over several wordings or ranges, one of them is exceeded
//! when all together have had that much (pigeonhole). What a standing comes to is asked of a memory of its own that hears the attack and nothing else, with the receipts and reports that the day sends.

use std::time::Duration;

use crate::policy::Policy;
use crate::reputation::{self, Fate, Ground, Key, Kind, Receipt, Reputation, Sighting, Traits};
use crate::sim::day::{self, Class, Day, MIDNIGHT};
use crate::time::Timestamp;

/// The rules that the bounds rest on.
const SNOWSHOE: &str = "volume/many-numbers-new-link";
const SCANNER: &str = "volume/many-fail";
const PUMPING: &str = "volume/code-pumping";
const QUIET: &str = "volume/reported";
const HIJACK: &str = "banks/name-through-other-account";

/// The bound of an attack; none of what is no attack, or where the rule is missing that would catch it.
#[must_use]
pub fn bound(class: Class, day: &Day, policy: &Policy, settings: reputation::Settings) -> Option<u64> {
    let thresholds = |rule: &str| policy.rules.thresholds(rule);
    match class {
        Class::Snowshoe => Some(exceeded(day::SNOWSHOE_WORDINGS, thresholds(SNOWSHOE)?.0?)),
        Class::Pumping => Some(exceeded(day::PUMPED_RANGES, thresholds(PUMPING)?.0?)),
        // What it says of itself is enough.
        Class::Hijack => thresholds(HIJACK).map(|_| 1),
        Class::Scanner => {
            let (above, below) = thresholds(SCANNER)?;
            let lost = fallen(&Fall { day, class, settings, below: below? })?;
            Some(lost.max(exceeded(1, above?)))
        }
        Class::Quiet => fallen(&Fall { day, class, settings, below: thresholds(QUIET)?.1? }),
        _ => None,
    }
}

/// The message by which one of so many counters is above a bound.
fn exceeded(counters: u64, above: u64) -> u64 {
    counters * (above + NEWCOMER) + 1
}

/// Messages of a newcomer that a full table does not count.
const NEWCOMER: u64 = 1;

/// A standing that is to fall.
struct Fall<'a> {
    day: &'a Day,
    class: Class,
    settings: reputation::Settings,
    below: u64,
}

/// The first message whose sender stands below the bound when it comes.
fn fallen(fall: &Fall<'_>) -> Option<u64> {
    let memory = Reputation::new(fall.settings, MIDNIGHT);
    let mut traits = Traits::default();
    traits.add(memory.key(Kind::Account, "account"));
    let sender = memory.key(Kind::Sender, "sender");
    traits.add(sender);
    let gap = fall.day.gap(fall.class);
    let (late, heard): (Duration, fn(u64) -> bool) = match fall.class {
        Class::Scanner => (day::RECEIPT_AFTER, |_| true),
        _ => (day::REPORTED_AFTER, |n| n.is_multiple_of(day::QUIET_REPORTED)),
    };
    let mut next = 0;
    for n in 0..fall.day.messages(fall.class) {
        let now = after(gap, n, Duration::ZERO);
        while next < n && after(gap, next, late) <= now {
            if heard(next) {
                let then = after(gap, next, late);
                if fall.class == Class::Scanner {
                    let arrives = next.is_multiple_of(day::SCANNED_EXIST);
                    let receipt = if arrives { Receipt::Delivered } else { Receipt::Failed };
                    memory.receipt(&traits, receipt, then);
                } else {
                    memory.report(&traits, Key { kind: Kind::Recipient, hash: next + 1 }, then);
                }
            }
            next += 1;
        }
        if memory.standing(sender, now).round() < bound_of(fall.below) {
            return Some(n + 1);
        }
        let sighting = Sighting { traits: &traits, fate: Fate::Passed, ground: Ground::None, template: None };
        memory.observe(&sighting, [], now);
    }
    None
}

fn after(gap: Duration, n: u64, late: Duration) -> Timestamp {
    MIDNIGHT + gap.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX)) + late
}

#[allow(clippy::cast_precision_loss, reason = "a standing, of 100 at most")]
fn bound_of(below: u64) -> f32 {
    below as f32
}
