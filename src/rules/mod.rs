//! Evidence: a message in, findings out.
//!
//! A [`Ruleset`] is compiled once and never changed. A rule gives a [`Finding`] when its condition is true; what findings
//! weigh, and what is done, is [`crate::verdict`]'s to say. A rule never sees another message than its own.

mod calendar;
mod compile;
mod condition;
mod index;
mod keys;
pub mod likeness;
mod lines;
mod list;
mod matcher;
mod memory;
mod reading;
mod registry;
mod times;
mod trace;
mod truth;
pub mod word;

pub use compile::{Ahead, ListFiles, compile};
pub(crate) use compile::{covers, digest};
pub(crate) use list::domain;
pub use matcher::Hits;
pub use memory::{Ask, Counted, Facts, Key, Question, Rate, Recalled};
pub use times::{Stopwatch, Time};
pub use trace::{Evidence, Trace};
pub use truth::Truth;

use std::collections::{BTreeMap, HashMap};

use condition::{Cx, Node, Test};
use index::{Index, Queue};
use likeness::Room;
use matcher::Matcher;
use registry::Registry;
use times::Times;

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
    /// Whether it, or a rule whose finding it asks for, looks into a list of what other carriers warn of: what it says rests on
    /// their word, and proves nothing here.
    pub by_hearsay: bool,
    /// The facts that it asks for.
    pub facts: Vec<&'static str>,
    /// The digest of its source.
    pub digest: Box<str>,
    /// When it ends.
    expires: Option<Timestamp>,
    /// It is asked of one message in so many.
    sample: Option<u32>,
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
    /// What rules ask of memory.
    pub questions: Vec<Question>,
    /// What they count.
    pub rates: Vec<Rate>,
    /// Entries of each list, by its full name.
    pub list_entries: BTreeMap<String, usize>,
    report_short_codes: Vec<String>,
    asks: bool,
    registries: Registries,
    matcher: Matcher,
    index: Index,
    /// Digests of the files that lists name, by what names them and their name.
    pub(crate) file_digests: HashMap<(String, String), [u8; 32]>,
    /// Lists that the next policy may share.
    kept: HashMap<[u8; 32], compile::Entries>,
    /// Files of long lists.
    long_files: Vec<compile::LongFile>,
    times: Times,
}

/// Buffers of evaluating, reused from message to message.
#[derive(Debug, Default)]
pub struct Scratch {
    hits: Hits,
    room: Room,
    fired: Fired,
    /// The same for exemptions.
    pardoned: Fired,
    queue: Queue,
    /// What fired in the last message.
    pub findings: Vec<Finding>,
    /// What memory was asked for the last message.
    pub recalled: Vec<Recalled>,
    /// What rules are timed with, where somebody wants to know what they cost.
    pub stopwatch: Option<Stopwatch>,
    /// What has ended is asked as if it had not: to tell a rule that no longer does what it should from one that is over.
    pub(crate) timeless: bool,
    /// A rule that is asked of one message in so many is asked of this one.
    pub(crate) unsampled: bool,
}

impl Scratch {
    /// For the message that is, or was last, evaluated.
    fn cx<'a>(&'a mut self, rules: &'a Ruleset, message: &'a Message<'a>, facts: &'a Facts<'a>) -> Cx<'a> {
        let Self { hits, room, fired, recalled, .. } = self;
        Cx { message, rules, hits, room, fired, facts, recalled }
    }
}

/// What each rule that was asked came to; reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Fired {
    generation: u32,
    /// For each rule the generation in which it was asked, and what it came to.
    truths: Vec<(u32, Truth)>,
    /// What has ended is asked as if it had not.
    timeless: bool,
    /// A rule that is asked of one message in so many is asked of this one.
    unsampled: bool,
}

impl Fired {
    fn start(&mut self, rules: usize, (timeless, unsampled): (bool, bool)) {
        if self.truths.len() != rules || self.generation == u32::MAX {
            *self = Self { truths: vec![(0, Truth::Unknown); rules], ..Self::default() };
        }
        self.generation += 1;
        (self.timeless, self.unsampled) = (timeless, unsampled);
    }

    fn of(&self, rule: u32) -> Option<Truth> {
        let (generation, truth) = *self.truths.get(usize::try_from(rule).ok()?)?;
        (generation == self.generation).then_some(truth)
    }

    fn set(&mut self, rule: u32, truth: Truth) {
        let slot = usize::try_from(rule).ok().and_then(|n| self.truths.get_mut(n));
        slot.into_iter().for_each(|slot| *slot = (self.generation, truth));
    }
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
    /// What a rule compares what is remembered with: the bound that its first rate must be above, and the one that its first
    /// standing must be below, where it asks for them. None when there is no such rule.
    #[must_use]
    pub fn thresholds(&self, id: &str) -> Option<(Option<u64>, Option<u64>)> {
        let (_, rule) = self.rule_of(id)?;
        let (mut above, mut below) = (None, None);
        rule.when.each_test(&mut |test| match test {
            Test::Above(_, bound, _) => above = above.or(Some(*bound)),
            Test::Below(question, bound) => {
                let question = usize::try_from(*question).ok().and_then(|n| self.questions.get(n));
                if matches!(question, Some(Question::Standing(_))) {
                    below = below.or(Some(*bound));
                }
            }
            _ => {}
        });
        Some((above, below))
    }

    /// Finds every rule that fires; `scratch.findings` has them in the order of [`Ruleset::rules`].
    pub fn evaluate(&self, message: &Message<'_>, facts: &Facts<'_>, scratch: &mut Scratch) {
        scratch.findings.clear();
        scratch.recalled.clear();
        if self.is_report(message) {
            return;
        }
        let Scratch { hits, room, fired, queue, recalled, .. } = scratch;
        self.matcher.scan(message.reading.views(), message.now, hits);
        let asked = (scratch.timeless, scratch.unsampled);
        fired.start(self.rules.len(), asked);
        scratch.pardoned.start(self.exemptions.len(), asked);
        queue.start(self.rules.len());
        let mut cx = Cx { message, rules: self, hits, room, fired, facts, recalled };
        self.index.wake(&mut cx, queue);
        let mut lap = self.times.start(scratch.stopwatch, message.now);
        while let Some(rule) = queue.next() {
            let truth = self.fires(rule, &mut cx);
            if let Some(lap) = &mut lap {
                lap.asked(rule);
            }
            if truth == Truth::True {
                let mode = self.rules.get(usize::try_from(rule).unwrap_or(usize::MAX)).map_or(Mode::Off, |r| r.mode);
                scratch.findings.push(Finding { rule, mode, exempt_by: None });
                self.index.wake_after(rule, queue);
            }
        }
        if !scratch.findings.is_empty() {
            self.exempt(message, facts, scratch);
        }
    }

    /// Whether a rule fires for the message that is evaluated: each is asked once.
    fn fires(&self, rule: u32, cx: &mut Cx<'_>) -> Truth {
        if let Some(truth) = cx.fired.of(rule) {
            return truth;
        }
        let Some(asked) = usize::try_from(rule).ok().and_then(|n| self.rules.get(n)) else { return Truth::Unknown };
        let is_over = !cx.fired.timeless && asked.expires.is_some_and(|at| cx.message.now >= at);
        let is_left_out = !cx.fired.unsampled && asked.sample.is_some_and(|one_in| !is_chosen(cx.message, one_in));
        let is_asked = asked.mode != Mode::Off && !is_over && !is_left_out;
        let truth = if is_asked { asked.when.evaluate(cx) } else { Truth::Unknown };
        cx.fired.set(rule, truth);
        truth
    }

    /// Each finding is silenced by the first exemption that names its rule and holds.
    fn exempt(&self, message: &Message<'_>, facts: &Facts<'_>, scratch: &mut Scratch) {
        let mut findings = std::mem::take(&mut scratch.findings);
        for finding in &mut findings {
            let holds = |n: &&u32| {
                let truth = scratch.pardoned.of(**n).or_else(|| {
                    let truth = self.exemption_holds(self.exemption(**n)?, message, facts, scratch);
                    scratch.pardoned.set(**n, truth);
                    Some(truth)
                });
                truth == Some(Truth::True)
            };
            finding.exempt_by = self.index.exemptions_of(finding.rule).iter().find(holds).copied();
        }
        scratch.findings = findings;
    }

    /// Whether an exemption holds for the message last evaluated.
    pub(crate) fn exemption_holds(
        &self,
        exemption: &Exemption,
        message: &Message<'_>,
        facts: &Facts<'_>,
        scratch: &mut Scratch,
    ) -> Truth {
        if !scratch.timeless && exemption.expires.is_some_and(|at| message.now >= at) {
            return Truth::False;
        }
        exemption.when.evaluate(&mut scratch.cx(self, message, facts))
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
        let known = self.registries.all.iter().find(|(_, r)| r.knows(sender));
        known.map(|(_, r)| r.standing(sender, message.account.id, message.now))
    }

    /// Rules and exemptions that have ended: what each is, its id and its place.
    pub fn ended(&self, now: Timestamp) -> impl Iterator<Item = (&'static str, &str, &Place)> {
        let is_over = move |expires: Option<Timestamp>| expires.is_some_and(|at| now >= at);
        let rules = self.rules.iter().filter(move |r| is_over(r.expires)).map(|r| ("rule", &*r.id, &r.place));
        let exemptions = self.exemptions.iter().filter(move |e| is_over(e.expires));
        rules.chain(exemptions.map(|e| ("exemption", &*e.id, &e.place)))
    }

    /// What each rule has taken since this was last asked, those that took nothing left out: estimated from one message in
    /// 64 of those that were evaluated with a [`Stopwatch`].
    pub fn take_times(&self) -> impl Iterator<Item = (&Rule, Time)> {
        self.times.take().filter_map(|(n, time)| Some((self.rules.get(n)?, time)))
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

    /// Whether there is a rule that asks anything of a message.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.asks
    }

    /// Literals that are looked for.
    #[must_use]
    pub fn literals(&self) -> usize {
        self.matcher.literals()
    }

    /// Rules that nothing wakes: they are asked for every message.
    pub fn always_asked(&self) -> impl Iterator<Item = &Rule> {
        self.index.always().iter().filter_map(|n| self.rules.get(usize::try_from(*n).ok()?))
    }

    /// Octets that words, regexes, and lists of domains, senders and numbers take, without what an allocator adds.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.matcher.octets() + self.kept.values().map(compile::Entries::octets).sum::<usize>()
    }
}
