//! The memory of a case: what it says is known, what came before, and the standings that it names.
//!
//! What came before is judged and remembered as a gate would, message by message, in a memory that is the case's own.
//! Everything has been known for a year unless the case says otherwise, and stands as what nothing is known of.

use std::time::Duration;

use super::Sample;
use crate::config::spec::{Before, CaseMemory, Key, Known};
use crate::gate::memory::{Keys, Recall, observe};
use crate::message::{Envelope, Message};
use crate::policy::{Policy, Scratch};
use crate::reputation::{Reputation, Settings};
use crate::rules::{Facts, Question};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::field::Address;

/// How long things have been known when nobody says.
const KNOWN_FOR: Duration = Duration::from_secs(365 * 86_400);

/// Keys that a case's memory holds, of each sort: what came before is alike but for its recipients.
const ENTRIES_MAX: usize = 4_096;

/// The memory of a case.
#[derive(Debug)]
pub struct World<'a> {
    memory: &'a CaseMemory,
    reputation: Reputation,
    keys: Keys,
}

impl<'a> World<'a> {
    /// The memory that is there before the message of a sample, which `envelope` holds.
    #[must_use]
    pub fn new(sample: &Sample<'a>, policy: &Policy, envelope: &mut Envelope) -> Self {
        let mut world = Self::of(sample.memory.unwrap_or(&NOTHING));
        if let Some(before) = &world.memory.before {
            world.live_through(before, sample, policy, envelope);
        }
        world
    }

    /// A memory in which nothing came before.
    #[must_use]
    pub fn of(memory: &'a CaseMemory) -> Self {
        let counters = memory.before.map_or(0, |before| usize::try_from(before.messages).unwrap_or(usize::MAX));
        let settings = Settings {
            entries_max: ENTRIES_MAX,
            campaigns_max: ENTRIES_MAX,
            names_max: ENTRIES_MAX,
            counters_max: counters.saturating_mul(4).clamp(ENTRIES_MAX, 1 << 24),
            ..Settings::default()
        };
        Self { memory, reputation: Reputation::new(settings, Timestamp(0)), keys: Keys::default() }
    }

    fn live_through(&mut self, before: &Before, sample: &Sample<'_>, policy: &Policy, envelope: &mut Envelope) {
        let (mut scratch, mut verdict) = (Scratch::default(), Verdict::default());
        for n in (1..=before.messages).rev() {
            let ago = before.every.saturating_mul(u32::try_from(n).unwrap_or(u32::MAX));
            let ago = u64::try_from(ago.as_micros()).unwrap_or(u64::MAX);
            let earlier = |moment: Timestamp| Timestamp(moment.0.saturating_sub(ago));
            let each = |written: &str, others| if others { another(written, n) } else { written.to_owned() };
            let (from, to) = (each(sample.from, before.from_others), each(sample.to, before.to_others));
            envelope.set_source(&Address::of_writing(&from));
            envelope.set_destination(&Address::of_writing(&to));
            let like = sample.message(policy, envelope);
            let message = Message { now: earlier(like.now), delivery: earlier(like.delivery), ..like };
            self.with_facts(policy, &message, |facts| policy.judge(&message, facts, &mut scratch, &mut verdict));
            observe(&self.reputation, policy, &self.keys, &verdict, message.now);
        }
        envelope.set_source(&Address::of_writing(sample.from));
        envelope.set_destination(&Address::of_writing(sample.to));
    }

    /// Lends this memory to rules for one message.
    pub fn with_facts<T>(&mut self, policy: &Policy, message: &Message<'_>, with: impl FnOnce(&Facts<'_>) -> T) -> T {
        self.keys.read(message, &self.reputation);
        let recall = Recall { reputation: &self.reputation, policy, message, keys: &self.keys };
        let memory = self.memory;
        let ask = |question: &Question, nth: usize| match question {
            Question::Age { of, below } => age(memory, *of, *below).filter(|_| recall.has(*of)),
            Question::Standing(of) => match memory.standing.iter().find(|(key, _)| key == of) {
                Some((_, standing)) => recall.has(*of).then_some(u64::from(*standing)),
                None if recall.has(*of) => recall.answer(question, nth).or(recall.answer(&Question::Neutral, 0)),
                None => None,
            },
            Question::Rate(_) | Question::Neutral => recall.answer(question, nth),
        };
        with(&Facts::Memory(&ask))
    }
}

/// The memory of a case that says nothing of it.
pub static NOTHING: CaseMemory = CaseMemory { known: Vec::new(), before: None, standing: Vec::new() };

/// For how long a key has been known, in microseconds; none where memory has not watched for `below`.
fn age(memory: &CaseMemory, of: Key, below: Duration) -> Option<u64> {
    let said = |what: Known| memory.known.iter().find(|(known, _)| *known == what).map(|(_, age)| *age);
    let watched = said(Known::Table).unwrap_or(KNOWN_FOR);
    let known = said(Known::Key(of)).unwrap_or(KNOWN_FOR.min(watched));
    (known >= below || watched >= below).then(|| u64::try_from(known.as_micros()).unwrap_or(u64::MAX))
}

/// Another number of the same country, whose last digits go on from those of the first; another name.
fn another(to: &str, n: u64) -> String {
    let digits = to.bytes().rev().take_while(u8::is_ascii_digit).count().min(7);
    let (front, last) = to.split_at(to.len() - digits);
    let all = 10_u64.pow(u32::try_from(digits).unwrap_or(0));
    match last.parse::<u64>() {
        Ok(last) => format!("{front}{:0digits$}", (last + n) % all),
        Err(_) => format!("{to}{n}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_numbers_of_the_same_country() {
        assert_eq!(another("+66898765432", 1), "+66898765433");
        assert_eq!(another("+66899999999", 1), "+66890000000");
        assert_eq!(another("Anna", 3), "Anna3");
        let all: std::collections::HashSet<String> = (1..=1_000).map(|n| another("+66898765432", n)).collect();
        assert!(all.len() == 1_000 && !all.contains("+66898765432"));
    }
}
