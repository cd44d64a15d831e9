//! Early warning: what one carrier learned, told to others as STIX 2.1, and what others tell, taken in by its weight.
//!
//! ```text
//!  reputation ──▶ export::bundle ──▶ STIX 2.1 ──(a file, HTTP)──▶ import::read ──▶ words against keys   (reputation::Hearsay)
//!                                                                            └──▶ entries of lists    (entries)
//! ```
//!
//! It is apart from memory because its form is others': what STIX says, and what carriers may tell each other. What is told has an
//! end and a confidence, and holds nothing of a subscriber; what is heard weighs no more than the operator lets its source weigh,
//! and ends.

pub mod export;
pub mod id;
pub mod import;
mod pattern;
mod time;

use std::collections::HashMap;
use std::fmt::Write as _;

pub use export::{Ask, Tlp};
pub use import::{Indicator, Skipped, Taken, Terms};
pub use pattern::{Subject, subjects};

use crate::reputation::{Hearsay, Key, Kind, Names, Reputation};
use crate::time::Timestamp;
use id::{TAPIS, Uuid};

/// The UUID of a source's identity, by its name.
#[must_use]
pub fn identity(source: &str) -> Uuid {
    Uuid::of(Uuid::of(TAPIS, "sources"), source.trim())
}

/// The UUID of what a source says of a subject.
#[must_use]
pub fn indicator(source: Uuid, subject: &Subject) -> Uuid {
    Uuid::of(source, &subject.pattern())
}

/// Adds to `said` what a source's indicators say against keys: at full confidence they weigh `weight` messages. A domain below
/// the one that is registered has no standing of its own, and lowers none: lists may have it.
pub fn words(
    indicators: &[Indicator],
    (source, weight): (u16, f32),
    memory: &Reputation,
    now: Timestamp,
    said: &mut HashMap<Key, Vec<Hearsay>>,
) {
    let mut names = Names::default();
    for indicator in indicators {
        let weight = weight * f32::from(indicator.confidence) / 100.0;
        for subject in &indicator.subjects {
            let key = match subject {
                Subject::Template(text) => memory.campaign_of_others(text, now),
                Subject::Domain(host) if psl::domain_str(host) != Some(host) => None,
                Subject::Domain(_) | Subject::Callback(_) | Subject::Sender(_) => {
                    let kind = subject.kind();
                    Some(memory.key(kind, names.written(kind, subject.value())))
                }
            };
            let words = key.map(|key| said.entry(key).or_default());
            words.into_iter().for_each(|all| all.push(Hearsay { source, weight, until: indicator.until }));
        }
    }
}

/// What indicators warn of as the file of a list, CSV with the header `value,expires`: domains, or numbers to call, or senders,
/// of at least this confidence.
#[must_use]
pub fn entries(indicators: &[Indicator], kind: Kind, confidence_min: u8) -> String {
    let mut all: HashMap<&str, Timestamp> = HashMap::new();
    for indicator in indicators.iter().filter(|indicator| indicator.confidence >= confidence_min) {
        for subject in indicator.subjects.iter().filter(|subject| subject.kind() == kind) {
            // Chat handles are no numbers.
            if kind == Kind::Phone && !subject.value().starts_with('+') {
                continue;
            }
            let until = all.entry(subject.value()).or_insert(indicator.until);
            *until = indicator.until.max(*until);
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_unstable();
    let mut out = String::from("value,expires\n");
    for (value, until) in all {
        let _ = writeln!(out, "\"{}\",{}", value.replace('"', "\"\""), time::written(until));
    }
    out
}
