//! Which rules a message can make true: they are reached through what was found in it, and no other is looked at.
//!
//! Of every condition a *necessary* part is chosen when rules are compiled: triggers of which at least one is on whenever
//! the condition is true. A word of a set was seen; a regex's literal was; the message has a link, or one under this
//! domain; the sender has this name. Of an `all` the part that is on least often serves; of an `any` each part has to.
//! A rule for which there is no such part (`not: has: link`) is asked for every message.
//!
//! ```text
//!  rule:  all: [ text words ], [ not … ], [ has link ]      →  woken by its set of words
//!         any: [ sender id ], [ finding x ]                 →  by that sender, and when x has fired
//! ```
//!
//! Triggers say nothing of what is false and what is unknown: of a rule that is not woken it is only known that it is not
//! true, and one that asks for its finding has it evaluated then.

use std::collections::HashMap;

use super::Rule;
use super::condition::{Cx, Kind, Node, Test, Thing, Truth, Whose};
use super::list::in_small_letters;
use super::matcher::{Matcher, RegexId, SetId};
use crate::config::spec::Mode;
use crate::message::{Direction, Message};
use crate::text::number::Country;

/// Something that is on in a message or is not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Trigger {
    Set(SetId),
    Regex(RegexId),
    /// In small letters.
    Sender(Box<str>),
    Account(Box<str>),
    /// A domain that a link is under.
    Domain(Box<str>),
    /// A rule that has fired.
    Rule(u32),
    /// A list or registry that something of the message is in.
    List(List),
    Class(Box<str>),
    DataCoding(u8),
    Country(bool, Country),
    Mo,
    Thing(u8),
}

/// A test of a list, by whether a thing is asked for or the message, what is asked, and which list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct List(bool, u8, usize);

impl Trigger {
    /// How often it is on, as far as its kind tells.
    fn weight(&self) -> u64 {
        match self {
            Self::Set(_) | Self::Regex(_) | Self::Sender(_) | Self::Account(_) | Self::Domain(_) | Self::Rule(_) => 1,
            Self::Class(_) | Self::DataCoding(_) => 50,
            Self::List(_) => 20,
            Self::Country(..) | Self::Mo => 100,
            Self::Thing(_) => 200,
        }
    }
}

/// Triggers of which one is on whenever something is true; none when nothing is known to be.
type Triggers = Option<Vec<Trigger>>;

fn cost(triggers: &Triggers) -> u64 {
    triggers.as_ref().map_or(u64::MAX, |all| all.iter().map(Trigger::weight).sum())
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Rules that are asked for every message.
    always: Box<[u32]>,
    sets: Wakes,
    regexes: Wakes,
    rules: Wakes,
    things: [Box<[u32]>; Thing::ALL.len()],
    senders: HashMap<Box<str>, Box<[u32]>>,
    accounts: HashMap<Box<str>, Box<[u32]>>,
    classes: HashMap<Box<str>, Box<[u32]>>,
    domains: HashMap<Box<str>, Box<[u32]>>,
    data_codings: HashMap<u8, Box<[u32]>>,
    countries: HashMap<(bool, Country), Box<[u32]>>,
    mo: Box<[u32]>,
    /// Each list that wakes rules, as the condition that something is in it.
    lists: Vec<(Node, Box<[u32]>)>,
    /// For each rule the exemptions that silence it.
    exemptions: Wakes,
}

/// For each number the rules that it wakes.
#[derive(Debug, Default)]
struct Wakes {
    starts: Box<[u32]>,
    rules: Box<[u32]>,
}

impl Wakes {
    fn new(mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        let count = pairs.last().map_or(0, |(n, _)| index(*n) + 1);
        let mut starts = vec![0_u32; count + 1];
        pairs.iter().for_each(|(n, _)| starts.iter_mut().skip(index(*n) + 1).take(1).for_each(|s| *s += 1));
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Self { starts: starts.into(), rules: pairs.into_iter().map(|(_, rule)| rule).collect() }
    }

    fn of(&self, n: u32) -> &[u32] {
        let start = |n: usize| self.starts.get(n).map(|s| index(*s));
        let range = start(index(n)).zip(start(index(n) + 1)).map(|(from, to)| from..to);
        range.and_then(|range| self.rules.get(range)).unwrap_or_default()
    }
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The rules that wait to be asked, the first of them first; reused from message to message.
#[derive(Debug, Default)]
pub(super) struct Queue {
    generation: u32,
    /// For each rule, the generation in which it was woken last.
    woken: Vec<u32>,
    /// Rules of this message, in order once it is known which wait.
    waiting: std::collections::BinaryHeap<std::cmp::Reverse<u32>>,
}

impl Queue {
    pub(super) fn start(&mut self, rules: usize) {
        if self.woken.len() != rules || self.generation == u32::MAX {
            *self = Self { woken: vec![0; rules], ..Self::default() };
        }
        self.generation += 1;
        self.waiting.clear();
    }

    fn wake(&mut self, rules: &[u32]) {
        for rule in rules {
            if let Some(slot) = self.woken.get_mut(index(*rule)).filter(|slot| **slot != self.generation) {
                *slot = self.generation;
                self.waiting.push(std::cmp::Reverse(*rule));
            }
        }
    }

    pub(super) fn next(&mut self) -> Option<u32> {
        self.waiting.pop().map(|rule| rule.0)
    }
}

impl Index {
    /// Finds for each rule what wakes it.
    pub(super) fn new(rules: &[Rule], exemptions: &[super::Exemption], matcher: &Matcher) -> Self {
        let mut always = Vec::new();
        let mut triggers: HashMap<Trigger, Vec<u32>> = HashMap::new();
        let mut lists: HashMap<List, Node> = HashMap::new();
        for (n, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.mode != Mode::Off) {
            let Ok(n) = u32::try_from(n) else { continue };
            let mut needs = Needs { matcher, lists: &mut lists };
            match needs.of(&rule.when, false) {
                None => always.push(n),
                Some(all) => all.into_iter().for_each(|trigger| triggers.entry(trigger).or_default().push(n)),
            }
        }
        let mut this = Self { always: always.into(), ..Self::default() };
        let (mut sets, mut regexes, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for (trigger, mut woken) in triggers {
            woken.dedup();
            let pairs = |n: u32| woken.iter().map(move |rule| (n, *rule));
            match trigger {
                Trigger::Set(set) => sets.extend(pairs(set.number())),
                Trigger::Regex(regex) => regexes.extend(pairs(regex.number())),
                Trigger::Rule(rule) => after.extend(pairs(rule)),
                Trigger::Sender(id) => drop(this.senders.insert(id, woken.into())),
                Trigger::Account(id) => drop(this.accounts.insert(id, woken.into())),
                Trigger::Domain(domain) => drop(this.domains.insert(domain, woken.into())),
                Trigger::Class(class) => drop(this.classes.insert(class, woken.into())),
                Trigger::DataCoding(coding) => drop(this.data_codings.insert(coding, woken.into())),
                Trigger::Country(whose, country) => drop(this.countries.insert((whose, country), woken.into())),
                Trigger::Mo => this.mo = woken.into(),
                Trigger::Thing(thing) => {
                    if let Some(slot) = this.things.get_mut(usize::from(thing)) {
                        *slot = woken.into();
                    }
                }
                Trigger::List(list) => this.lists.extend(lists.remove(&list).map(|test| (test, woken.into()))),
            }
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let silenced =
            exemptions.iter().enumerate().flat_map(|(n, e)| e.silences.iter().map(move |rule| (*rule, number(n))));
        (this.sets, this.regexes, this.rules) = (Wakes::new(sets), Wakes::new(regexes), Wakes::new(after));
        this.exemptions = Wakes::new(silenced.collect());
        this
    }

    /// Wakes what this message may make true, but for what waits for another rule.
    pub(super) fn wake(&self, cx: &mut Cx<'_>, queue: &mut Queue) {
        queue.wake(&self.always);
        cx.hits.sets().iter().for_each(|set| queue.wake(self.sets.of(set.number())));
        cx.hits.candidates().iter().for_each(|regex| queue.wake(self.regexes.of(regex.number())));
        let m = cx.message;
        for (thing, rules) in Thing::ALL.iter().zip(&self.things) {
            if !rules.is_empty() && thing.count(m) > 0 {
                queue.wake(rules);
            }
        }
        let mut wake = |rules: Option<&Box<[u32]>>| rules.into_iter().for_each(|rules| queue.wake(rules));
        if !self.senders.is_empty() {
            in_small_letters(m.sender.id, |id| wake(self.senders.get(id)));
        }
        wake(self.accounts.get(m.account.id));
        wake(m.account.class.and_then(|class| self.classes.get(class)));
        wake(m.data_coding.and_then(|coding| self.data_codings.get(&coding.0)));
        if !self.countries.is_empty() {
            for (is_sender, party) in [(true, &m.sender), (false, &m.recipient)] {
                wake(party.country().and_then(|country| self.countries.get(&(is_sender, country))));
            }
        }
        if m.direction == Direction::Mo {
            wake(Some(&self.mo));
        }
        if !self.domains.is_empty() {
            self.wake_domains(m, &mut wake);
        }
        for (test, rules) in &self.lists {
            if test.evaluate(cx) == Truth::True {
                queue.wake(rules);
            }
        }
    }

    fn wake_domains(&self, m: &Message<'_>, wake: &mut impl FnMut(Option<&Box<[u32]>>)) {
        for link in m.reading.links() {
            let mut rest = Some(m.reading.link_host(link));
            while let Some(domain) = rest {
                wake(self.domains.get(domain));
                rest = domain.split_once('.').map(|(_, above)| above);
            }
        }
    }

    /// Wakes what waits for a rule that has fired.
    pub(super) fn wake_after(&self, rule: u32, queue: &mut Queue) {
        queue.wake(self.rules.of(rule));
    }

    /// The exemptions that silence a rule, in their order.
    pub(super) fn exemptions_of(&self, rule: u32) -> &[u32] {
        self.exemptions.of(rule)
    }

    /// Rules that are asked for every message.
    pub(super) fn always(&self) -> &[u32] {
        &self.always
    }
}

/// Reads triggers from conditions.
struct Needs<'a> {
    matcher: &'a Matcher,
    /// The test of each list that is a trigger.
    lists: &'a mut HashMap<List, Node>,
}

impl Needs<'_> {
    /// What is on whenever the node is true, or, `negated`, whenever it is false.
    fn of(&mut self, node: &Node, negated: bool) -> Triggers {
        match &node.kind {
            Kind::All(parts) if !negated => self.least(parts, negated),
            Kind::Any(parts) if negated => self.least(parts, negated),
            Kind::All(parts) | Kind::Any(parts) => self.each(parts, negated),
            Kind::Not(inner) => self.of(inner, !negated),
            // Of so many parts so few are not true that one of the others is.
            Kind::AtLeast(count, parts) => {
                let must = if negated { parts.len() + 1 } else { *count };
                let must = if negated { must.saturating_sub(*count) } else { must };
                let Some(others) = (parts.len() + 1).checked_sub(must) else { return Some(Vec::new()) };
                if must == 0 {
                    return None;
                }
                let mut all: Vec<Triggers> = parts.iter().map(|part| self.of(part, negated)).collect();
                all.sort_by_key(cost);
                all.truncate(others);
                all.into_iter().collect::<Option<Vec<_>>>().map(|all| all.into_iter().flatten().collect())
            }
            Kind::Finding(rules) if !negated => Some(rules.iter().map(|rule| Trigger::Rule(*rule)).collect()),
            Kind::Fact(tests) | Kind::Thing(_, tests) if tests.iter().any(|test| matches!(test, Test::Unknown)) => {
                // All of one and the same thing: it is never true, and false by what else there is.
                if negated { None } else { Some(Vec::new()) }
            }
            Kind::Fact(tests) if !negated => {
                tests.iter().map(|test| self.of_test(node, test)).min_by_key(cost).flatten()
            }
            Kind::Thing(thing, tests) if !negated => {
                let some = Some(vec![Trigger::Thing(thing.number())]);
                tests.iter().map(|test| self.of_thing(*thing, test)).chain([some]).min_by_key(cost).flatten()
            }
            Kind::Finding(_) | Kind::Fact(_) | Kind::Thing(..) => None,
        }
    }

    fn least(&mut self, parts: &[Node], negated: bool) -> Triggers {
        parts.iter().map(|part| self.of(part, negated)).min_by_key(cost).flatten()
    }

    fn each(&mut self, parts: &[Node], negated: bool) -> Triggers {
        let all: Option<Vec<Vec<Trigger>>> = parts.iter().map(|part| self.of(part, negated)).collect();
        all.map(|all| all.into_iter().flatten().collect())
    }

    fn of_test(&mut self, node: &Node, test: &Test) -> Triggers {
        Some(match test {
            Test::Words(set) => vec![Trigger::Set(*set)],
            Test::Regex(regex) if !self.matcher.is_always_run(*regex) => vec![Trigger::Regex(*regex)],
            Test::SenderId(ids) => ids.iter().map(|id| Trigger::Sender(id.to_lowercase().into())).collect(),
            Test::Account(ids) => ids.iter().map(|id| Trigger::Account(id.as_str().into())).collect(),
            Test::AccountClass(class) => vec![Trigger::Class(class.as_str().into())],
            Test::DataCoding(coding) => vec![Trigger::DataCoding(*coding)],
            Test::Country(whose, all) => {
                all.iter().map(|country| Trigger::Country(*whose == Whose::Sender, *country)).collect()
            }
            Test::Direction(Direction::Mo) => vec![Trigger::Mo],
            Test::Above(_, _, Some(of)) => vec![Trigger::Rule(*of)],
            _ => {
                let (kind, at) = test.list()?;
                self.list(List(false, kind, at), Kind::Fact(Box::new([test.clone()])), node.name)
            }
        })
    }

    fn of_thing(&mut self, thing: Thing, test: &Test) -> Triggers {
        match test {
            Test::Domain(domains) => Some(domains.iter().map(|domain| Trigger::Domain(domain.clone())).collect()),
            _ => {
                let (kind, at) = test.list()?;
                Some(self.list(List(true, kind, at), Kind::Thing(thing, Box::new([test.clone()])), "list"))
            }
        }
    }

    fn list(&mut self, list: List, test: Kind, name: &'static str) -> Vec<Trigger> {
        self.lists.entry(list).or_insert_with(|| Node { name, detail: Box::default(), kind: test });
        vec![Trigger::List(list)]
    }
}
