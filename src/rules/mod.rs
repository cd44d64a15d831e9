//! Evidence: a message in, findings out.
//!
//! A [`Ruleset`] is compiled once and never changed. A rule gives a [`Finding`] when its condition is true; what findings
//! weigh, and what is done, is [`crate::verdict`]'s to say. A rule never sees another message than its own.

mod calendar;
mod compile;
mod condition;
pub mod likeness;
mod list;
mod matcher;
mod trace;
pub mod word;

pub use compile::{ListFiles, compile};
pub(crate) use compile::{covers, digest};
pub use condition::Truth;
pub use matcher::Hits;
pub use trace::{Evidence, Trace};

use std::collections::BTreeMap;

use condition::{Cx, Node};
use likeness::Room;
use list::Registry;
use matcher::Matcher;

use crate::config::spec::{Action, AnswerKind, Mode, Place, Points};
use crate::message::Message;
use crate::text::number::Number;
use crate::time::Timestamp;
use crate::wire::command::CommandStatus;

/// A rule as compiled: its id, its weight, and what it asks for.
#[derive(Debug)]
pub struct Rule {
    /// Its full id.
    pub id: Box<str>,
    /// Where it stands.
    pub place: Place,
    /// What it is about, one of the closed set.
    pub category: Option<Box<str>>,
    /// The law or contract behind it.
    pub basis: Option<Box<str>>,
    /// Its group, by index into [`Ruleset::groups`].
    pub group: Option<usize>,
    /// Its weight.
    pub score: Points,
    /// Its decision.
    pub action: Option<Action>,
    /// How a block by it is answered.
    pub status: Option<CommandStatus>,
    /// Whether a block by it is answered with an error.
    pub answer: Option<AnswerKind>,
    /// The tag that it marks with, by index into the policy's tags.
    pub tag: Option<usize>,
    /// Whether it acts.
    pub mode: Mode,
    /// What kind of evidence it rests on: `content`, `link`, `sender`, `volume`, `reputation`, `model`, `protocol`.
    pub cause: &'static str,
    /// The facts that it asks for.
    pub facts: Vec<&'static str>,
    /// The digest of its source.
    pub digest: Box<str>,
    /// When it ends.
    expires: Option<Timestamp>,
    /// It is asked of one message in so many.
    sample: Option<u32>,
    /// It asks for memory of earlier messages.
    pub needs_memory: bool,
    when: Node,
}

/// An exemption as compiled.
#[derive(Debug)]
pub struct Exemption {
    /// Its full id.
    pub id: Box<str>,
    /// Where it stands.
    pub place: Place,
    expires: Option<Timestamp>,
    /// The rules that it silences.
    silences: Box<[u32]>,
    when: Node,
}

/// A rule that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule, by index into [`Ruleset::rules`].
    pub rule: u32,
    /// Whether it acts.
    pub mode: Mode,
    /// The exemption that silences it, by index into [`Ruleset::exemptions`].
    pub exempt_by: Option<u32>,
}

/// Everything that is evidence.
#[derive(Debug, Default)]
pub struct Ruleset {
    /// Rules, each after those whose findings it asks for.
    pub rules: Vec<Rule>,
    /// Exemptions.
    pub exemptions: Vec<Exemption>,
    /// Names and caps of groups.
    pub groups: Vec<(Box<str>, Points)>,
    /// Entries of each list, by its full name.
    pub list_entries: BTreeMap<String, usize>,
    report_short_codes: Vec<String>,
    registries: Registries,
    matcher: Matcher,
}

/// Buffers of evaluating, reused from message to message.
#[derive(Debug, Default)]
pub struct Scratch {
    hits: Hits,
    room: Room,
    fired: Vec<Truth>,
    /// What fired in the last message.
    pub findings: Vec<Finding>,
    /// What has ended is asked as if it had not: to tell a rule that no longer does what it should from one that is over.
    pub(crate) timeless: bool,
    /// A rule that is asked of one message in so many is asked of this one.
    pub(crate) unsampled: bool,
}

/// All registries of a policy.
#[derive(Debug, Default)]
pub(crate) struct Registries {
    all: Vec<(String, Registry)>,
}

impl Registries {
    fn is_registered(&self, registry: usize, sender: &str, account: &str, now: Timestamp) -> bool {
        self.all.get(registry).is_some_and(|(_, r)| r.is_registered(sender, account, now))
    }

    fn owns_host(&self, sender: &str, account: &str, now: Timestamp, host: &str) -> bool {
        self.all.iter().any(|(_, r)| r.owns_host(sender, account, now, host))
    }

    fn owns_number(&self, sender: &str, account: &str, now: Timestamp, number: &Number) -> bool {
        self.all.iter().any(|(_, r)| r.owns_number(sender, account, now, number))
    }
}

/// Whether a message is the one in so many: by what it says, from whom and to whom, so that it is so wherever it is asked.
fn is_chosen(message: &Message<'_>, one_in: u32) -> bool {
    let mut hasher = blake3::Hasher::new();
    for part in [message.sender.id, message.recipient.id, message.reading.text()] {
        hasher.update(part.as_bytes()).update(b"\0");
    }
    let hash = hasher.finalize();
    hash.as_bytes().first_chunk().is_some_and(|first| u32::from_be_bytes(*first) % one_in.max(1) == 0)
}

/// The start of a day, in UTC.
pub(crate) fn midnight(date: &str) -> Option<Timestamp> {
    list::midnight(date, 0)
}

impl Ruleset {
    /// Finds every rule that fires; `scratch.findings` has them in the order of [`Ruleset::rules`].
    pub fn evaluate(&self, message: &Message<'_>, scratch: &mut Scratch) {
        scratch.findings.clear();
        if self.is_report(message) {
            return;
        }
        self.matcher.scan(message.reading.views(), message.now, &mut scratch.hits);
        scratch.fired.clear();
        scratch.fired.resize(self.rules.len(), Truth::Unknown);
        for (n, rule) in self.rules.iter().enumerate() {
            let is_over = !scratch.timeless && rule.expires.is_some_and(|at| message.now >= at);
            let is_left_out = !scratch.unsampled && rule.sample.is_some_and(|one_in| !is_chosen(message, one_in));
            let truth = if rule.mode == Mode::Off || is_over || is_left_out {
                Truth::Unknown
            } else {
                let Scratch { hits, room, fired, .. } = scratch;
                rule.when.evaluate(&mut Cx { message, rules: self, hits, room, fired })
            };
            if let Some(slot) = scratch.fired.get_mut(n) {
                *slot = truth;
            }
            if truth == Truth::True {
                let rule_index = u32::try_from(n).unwrap_or(u32::MAX);
                scratch.findings.push(Finding { rule: rule_index, mode: rule.mode, exempt_by: None });
            }
        }
        if !scratch.findings.is_empty() {
            self.exempt(message, scratch);
        }
    }

    fn exempt(&self, message: &Message<'_>, scratch: &mut Scratch) {
        for (n, exemption) in self.exemptions.iter().enumerate() {
            let concerned =
                scratch.findings.iter().any(|f| exemption.silences.contains(&f.rule) && f.exempt_by.is_none());
            if concerned && self.exemption_holds(exemption, message, scratch) == Truth::True {
                let index = u32::try_from(n).ok();
                for finding in scratch.findings.iter_mut().filter(|f| exemption.silences.contains(&f.rule)) {
                    finding.exempt_by = finding.exempt_by.or(index);
                }
            }
        }
    }

    /// Whether an exemption holds for the message last evaluated.
    pub(crate) fn exemption_holds(&self, exemption: &Exemption, message: &Message<'_>, scratch: &mut Scratch) -> Truth {
        if !scratch.timeless && exemption.expires.is_some_and(|at| message.now >= at) {
            return Truth::False;
        }
        let Scratch { hits, room, fired, .. } = scratch;
        exemption.when.evaluate(&mut Cx { message, rules: self, hits, room, fired })
    }

    /// Whether a subscriber reports a message: such are never judged. The type of number that the address claims does not
    /// matter.
    #[must_use]
    pub fn is_report(&self, message: &Message<'_>) -> bool {
        self.report_short_codes.iter().any(|c| c == message.recipient.id)
    }

    /// How the sender's name stands in the registries, for the record: none when no registry knows it.
    #[must_use]
    pub fn registry_standing(&self, message: &Message<'_>) -> Option<&'static str> {
        let sender = message.sender.id;
        let known = self.registries.all.iter().find(|(_, r)| r.senders.contains(sender, message.now));
        known.map(|(_, r)| r.standing(sender, message.account.id, message.now))
    }

    /// Rules and exemptions that have ended: what each is, its id and its place.
    pub fn ended(&self, now: Timestamp) -> impl Iterator<Item = (&'static str, &str, &Place)> {
        let is_over = move |expires: Option<Timestamp>| expires.is_some_and(|at| now >= at);
        let rules = self.rules.iter().filter(move |r| is_over(r.expires)).map(|r| ("rule", &*r.id, &r.place));
        let exemptions = self.exemptions.iter().filter(move |e| is_over(e.expires));
        rules.chain(exemptions.map(|e| ("exemption", &*e.id, &e.place)))
    }

    /// The rule of a finding.
    #[must_use]
    pub fn rule(&self, finding: &Finding) -> Option<&Rule> {
        self.rules.get(usize::try_from(finding.rule).ok()?)
    }

    /// The rule of a full id.
    #[must_use]
    pub fn rule_of(&self, id: &str) -> Option<(u32, &Rule)> {
        let at = self.rules.iter().position(|r| &*r.id == id)?;
        Some((u32::try_from(at).ok()?, self.rules.get(at)?))
    }

    /// The exemption of an index.
    #[must_use]
    pub fn exemption(&self, index: u32) -> Option<&Exemption> {
        self.exemptions.get(usize::try_from(index).ok()?)
    }

    /// Literals of the automaton.
    #[must_use]
    pub fn literals(&self) -> usize {
        self.matcher.literals()
    }
}
