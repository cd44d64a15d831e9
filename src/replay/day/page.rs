//! What a day came to, as a table: a line a class, each with what it was to come to.

use super::Outcome;
use super::bounds::bound;
use crate::policy::Policy;
use crate::reputation;
use crate::sim::day::{Class, Day};

/// One class of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The class.
    pub class: Class,
    /// How many senders it had.
    pub senders: usize,
    /// How many messages.
    pub messages: u64,
    /// How many passed, were tagged, were blocked.
    pub actions: [u64; 3],
    /// The first message that was blocked, from 1, and the rule that did it.
    pub caught: Option<(u64, Box<str>)>,
    /// The first that was tagged, and the rule.
    pub tagged: Option<(u64, Box<str>)>,
    /// The message that had to be blocked, of an attack.
    pub bound: Option<u64>,
}

impl Line {
    /// Whether it came as it should: of honest traffic nothing is blocked; of an attack the first is blocked by its bound,
    /// and no more gets through than would before it.
    #[must_use]
    pub fn is_right(&self) -> bool {
        let [passed, tagged, blocked] = self.actions;
        if !self.class.is_attack() {
            return blocked == 0;
        }
        let first = self.caught.as_ref().map(|(n, _)| *n);
        first.zip(self.bound).is_some_and(|(first, bound)| first <= bound && passed + tagged < bound)
    }
}

/// A line for each class that had messages, honest ones first.
#[must_use]
pub fn lines(outcome: &Outcome, day: &Day, policy: &Policy, settings: reputation::Settings) -> Vec<Line> {
    let line = |(class, tally): (&Class, &super::Tally)| Line {
        class: *class,
        senders: tally.senders.len(),
        messages: tally.messages,
        actions: tally.actions,
        caught: tally.first_blocked.clone(),
        tagged: tally.first_tagged.clone(),
        bound: bound(*class, day, policy, settings),
    };
    outcome.classes.iter().map(line).collect()
}

/// The table.
#[must_use]
pub fn text(lines: &[Line]) -> String {
    let mut out = format!(
        "{:<24}{:>11}{:>12}{:>12}{:>9}{:>9}  {}\n",
        "", "senders", "messages", "passed", "tagged", "blocked", "blocked from message"
    );
    for line in lines {
        let [passed, tagged, blocked] = line.actions.map(thousands);
        let sign = if line.is_right() { '✓' } else { '✗' };
        let caught = match (&line.caught, line.bound) {
            (None, None) => match &line.tagged {
                Some((_, rule)) => format!("{sign} none; first tag by {rule}"),
                None => format!("{sign} none"),
            },
            (Some((first, rule)), None) => format!("{sign} {} by {rule}", thousands(*first)),
            (None, Some(bound)) => format!("{sign} none, of at most {}", thousands(bound)),
            (Some((first, rule)), Some(bound)) => {
                format!("{sign} {}, of at most {}, by {rule}", thousands(*first), thousands(bound))
            }
        };
        let senders = thousands(u64::try_from(line.senders).unwrap_or(u64::MAX));
        let messages = thousands(line.messages);
        out.push_str(&format!(
            "{:<24}{senders:>11}{messages:>12}{passed:>12}{tagged:>9}{blocked:>9}  {caught}\n",
            line.class.name()
        ));
    }
    out
}

/// A number with commas.
#[must_use]
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
