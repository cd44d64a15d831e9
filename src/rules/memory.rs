//! What rules ask of the memory of earlier messages: ages, rates and standing.
//!
//! A ruleset sees no memory. It lists its [`Question`]s when it is compiled, and whoever evaluates it lends [`Facts`] that
//! answer them. Only what a rule comes to ask is answered, once for each message, and what was said stays with the
//! verdict, so that what is told of it later rests on the same numbers.

use std::time::Duration;

pub use crate::config::spec::Key;

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counted {
    /// Messages.
    Messages,
    /// How many different recipients there are.
    Recipients,
    /// How many different senders.
    Senders,
    /// How many different domains.
    Domains,
}

impl Counted {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Messages, Self::Recipients, Self::Senders, Self::Domains];

    /// The word in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Recipients => "recipients",
            Self::Senders => "senders",
            Self::Domains => "domains",
        }
    }
}

/// A count within a time, whatever it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What is counted.
    pub count: Counted,
    /// Of whom each.
    pub per: Box<[Key]>,
    /// In which time.
    pub over: Duration,
    /// Only messages with the finding of this rule, by index into [`super::Ruleset::rules`].
    pub of: Option<u32>,
    /// Only those that passed, tagged or not: the message that is judged has not yet, and is not counted.
    pub passed: bool,
}

/// One thing that is asked of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// For how long a key of the message has been known, in microseconds: none where memory has not watched for `below`.
    Age {
        /// Of which; of links it is the domain.
        of: Key,
        /// What it is compared with.
        below: Duration,
    },
    /// A count, by index into [`super::Ruleset::rates`], the message that is judged included; of several domains or phones
    /// the one that has most.
    Rate(usize),
    /// The standing of a key, from 0 to 100; of several domains or phones the worst.
    Standing(Key),
    /// The standing of what is not known.
    Neutral,
}

/// What memory said to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// Which, by index into [`super::Ruleset::questions`].
    pub question: u32,
    /// Of which of several links.
    pub nth: u16,
    /// None when nobody can say.
    pub value: Option<u64>,
}

/// What answers questions about one message, by the question and by which of several links it is about.
pub type Ask<'a> = &'a dyn Fn(&Question, usize) -> Option<u64>;

/// What is lent to a ruleset beside a message.
#[derive(Clone, Copy, Default)]
pub enum Facts<'a> {
    /// There is no memory: nothing of it is known.
    #[default]
    Nothing,
    /// Memory is asked.
    Memory(Ask<'a>),
    /// What was answered when the message was judged; nothing else is known.
    Recalled(&'a [Recalled]),
}

impl std::fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Memory(_) => "Memory",
            Self::Recalled(_) => "Recalled",
        })
    }
}

impl Facts<'_> {
    /// The answer to a question, asked once; what was said before stands in `recalled`.
    pub(super) fn answer(&self, n: u32, question: &Question, nth: usize, recalled: &mut Vec<Recalled>) -> Option<u64> {
        let nth_asked = u16::try_from(nth).unwrap_or(u16::MAX);
        let is_it = |a: &&Recalled| a.question == n && a.nth == nth_asked;
        if let Some(answer) = recalled.iter().find(is_it) {
            return answer.value;
        }
        let value = match self {
            Self::Nothing => None,
            Self::Memory(ask) => ask(question, nth),
            Self::Recalled(before) => before.iter().find(is_it).and_then(|a| a.value),
        };
        recalled.push(Recalled { question: n, nth: nth_asked, value });
        value
    }
}
