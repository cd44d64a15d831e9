//! What others say against a key: kept apart from what was counted here, so that it is never told as if it had been, and goes
//! as it came when whoever said it takes it back.
//!
//! A word weighs so many messages that are known for sure to be fraud, like the evidence that it is added to, and has an end. Of
//! one source the heaviest word on a key counts, so a source weighs what the operator lets it weigh and no more, however often
//! it repeats itself; words of several sources add up.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use super::Reputation;
use super::key::Key;
use super::state::{Counts, Pin, moment, seconds};
use super::table::{Comer, Entry};
use crate::time::Timestamp;

/// One source's word against a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hearsay {
    /// Whose it is, by a number of the caller's.
    pub source: u16,
    /// How many messages known for sure to be fraud it weighs; what is no number, or less than nothing, weighs nothing.
    pub weight: f32,
    /// When it ends.
    pub until: Timestamp,
}

/// All words against a key.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// By source, the heaviest first.
    words: Box<[Hearsay]>,
}

impl Heard {
    fn of(words: &[Hearsay]) -> Self {
        let sound = words.iter().filter(|word| word.weight.is_finite() && word.weight > 0.0);
        let mut words: Box<[Hearsay]> = sound.copied().collect();
        words.sort_by(|a, b| a.source.cmp(&b.source).then(b.weight.total_cmp(&a.weight)));
        Self { words }
    }

    /// What they weigh at `now`.
    fn weight(&self, now: Timestamp) -> f32 {
        let mut last = None;
        let counts = |word: &&Hearsay| {
            let counts = word.until > now && last != Some(word.source);
            last = if counts { Some(word.source) } else { last };
            counts
        };
        self.words.iter().filter(counts).map(|word| word.weight).sum()
    }
}

impl Entry for Heard {
    type Cx = ();

    fn worth(&self, now: u32, (): &()) -> f32 {
        self.weight(moment(now))
    }

    fn octets(&self) -> usize {
        size_of_val(&*self.words)
    }
}

/// What was learned of a key here, of which there is evidence or an operator's word.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// Its key.
    pub key: Key,
    /// Its plain name, where one is kept.
    pub name: Option<String>,
    /// Its standing when it was last seen, by what was counted here and nothing else.
    pub standing: f32,
    /// An operator's word.
    pub pin: Pin,
    /// What was counted, as of then.
    pub counts: Counts,
    /// Distinct recipients of a sender; distinct senders of what stands in texts.
    pub distinct: u64,
    /// Distinct reporters.
    pub reporters: u8,
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
}

impl Reputation {
    /// Takes in all that is heard of others, in place of what was heard before.
    pub fn hear(&self, said: &HashMap<Key, Vec<Hearsay>>, now: Timestamp) {
        let mut gone = Vec::new();
        for shard in 0..self.heard.shards() {
            self.heard.for_each(shard, |hash, _| gone.push(hash));
        }
        let hashes: std::collections::HashSet<u64> = said.keys().map(|key| key.hash).collect();
        gone.retain(|hash| !hashes.contains(hash));
        gone.into_iter().for_each(|hash| _ = self.heard.remove(hash));
        for (key, words) in said {
            self.heard.enter(key.hash, Comer::Weighty, seconds(now), &(), |heard| *heard = Heard::of(words));
        }
        self.hears.store(!said.is_empty(), Ordering::Relaxed);
    }

    /// How many messages known for sure to be fraud the words of others against a key weigh.
    #[inline]
    #[must_use]
    pub fn heard(&self, key: Key, now: Timestamp) -> f32 {
        if !self.hears.load(Ordering::Relaxed) {
            return 0.0;
        }
        self.heard.read(key.hash, |heard| heard.weight(now)).unwrap_or(0.0)
    }

    /// What was learned of a key here: none where there is no evidence, and no word of an operator's.
    #[must_use]
    pub fn learned(&self, key: Key) -> Option<Learned> {
        let state = self.known.of(key.kind).read(key.hash, |known| known.state)?;
        if state.pin == Pin::None && state.counts.is_without_evidence() {
            return None;
        }
        let standing = super::standing::Reckoning::of(Some(&state), 0.0, &self.settings).standing(&self.settings);
        Some(Learned {
            key,
            name: self.name_of(key),
            standing,
            pin: state.pin,
            counts: state.counts,
            distinct: self.distinct(key),
            reporters: state.reporters(),
            first: moment(state.first),
            last: moment(state.last),
        })
    }

    /// The campaign of a text that others have masked and told of: that of the texts here that it is nearly the same as, else one
    /// that is made for it, and that texts which are nearly the same will belong to. None for a text too short to tell.
    pub fn campaign_of_others(&self, masked: &str, now: Timestamp) -> Option<Key> {
        let template = super::Template::masked(masked);
        let key = self.campaigns.find(&template)?;
        self.campaigns.expect(key, &template, seconds(now));
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::reputation::{Kind, Settings};

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);
    const DAY: Duration = Duration::from_secs(86_400);

    fn word(source: u16, weight: f32) -> Hearsay {
        Hearsay { source, weight, until: NOW + DAY }
    }

    #[test]
    fn a_source_weighs_its_heaviest_word_and_sources_add_up() {
        let ended = Hearsay { until: NOW, ..word(1, 9.0) };
        let nothing = [word(3, f32::NAN), word(4, -5.0), word(5, 0.0), word(6, f32::INFINITY)];
        let heard = Heard::of(&[&[word(1, 2.0), word(2, 1.0), word(1, 3.0), ended], &nothing[..]].concat());
        assert_eq!(heard.weight(NOW), 4.0);
        assert_eq!(heard.weight(NOW + DAY), 0.0);
    }

    #[test]
    fn what_is_heard_lowers_a_standing_until_it_ends_or_is_taken_back() {
        let memory = Reputation::new(Settings::default(), NOW);
        let key = memory.key(Kind::Domain, "evil.top");
        memory.hear(&HashMap::from([(key, vec![word(0, 4.0)])]), NOW);
        let low = memory.standing(key, NOW);
        assert!(low < 35.0 && low >= memory.settings().bad_below, "{low}: one source alone condemns nobody by default");
        assert!(memory.standing_if_known(key, NOW).is_some() && memory.known_for(key, NOW).is_none());
        assert_eq!(memory.standing(key, NOW + DAY), 50.0, "it has ended");
        let of = memory.explain(key, NOW);
        let sum: f32 = of.terms.iter().map(|term| term.nats).sum();
        assert!(of.terms.iter().any(|t| t.name == "heard") && (100.0 / (1.0 + (-sum).exp()) - low).abs() < 0.01);
        memory.hear(&HashMap::new(), NOW);
        assert_eq!((memory.standing(key, NOW), memory.standing_if_known(key, NOW)), (50.0, None));
    }

    #[test]
    fn what_is_heard_is_not_what_was_learned() {
        let memory = Reputation::new(Settings::default(), NOW);
        let key = memory.key(Kind::Domain, "evil.top");
        memory.hear(&HashMap::from([(key, vec![word(0, 100.0)])]), NOW);
        assert_eq!(memory.learned(key), None);
        memory.credit(key, &Counts { caught: 1.0, ..Counts::default() }, NOW);
        let learned = memory.learned(key).map(|learned| learned.standing);
        assert!(learned.is_some_and(|own| own > 40.0) && memory.standing(key, NOW) < 10.0);
    }

    #[test]
    fn texts_like_one_that_others_told_of_are_of_its_campaign() {
        let memory = Reputation::new(Settings::default(), NOW);
        let masked = "your parcel 0 is held at our depot because of an unpaid fee of sgd 0 0 pay within 0 hours at @";
        let key = memory.campaign_of_others(masked, NOW).unwrap();
        let variant = super::super::Template::masked(&masked.replace("depot", "warehouse"));
        assert_eq!(memory.campaign(&variant), Some(key));
        assert_eq!(memory.campaigns(10), [], "it did not come here yet");
        assert_eq!(memory.campaign_of_others("hello", NOW), None, "too short");
        assert_eq!(memory.campaign_of_others(masked, NOW), Some(key), "and it is one however often it is told");
    }
}
