//! Why a rule fired, or did not: its condition as a tree with the truth of every part, and where the text shows it.

use std::ops::Range;

use super::condition::{Cx, Kind, Node, Test, Truth};
use super::memory::{Facts, Question};
use super::{Exemption, Rule, Ruleset, Scratch};
use crate::message::Message;

/// One part of a condition, evaluated.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The key that it was written with.
    pub name: &'static str,
    /// The rest of it.
    pub detail: String,
    /// What memory answered to it, where it asks.
    pub remembered: Option<String>,
    /// What it is for this message.
    pub truth: Truth,
    /// Where the text shows it: Unicode scalar values, end exclusive, and the text there.
    pub shown: Vec<([usize; 2], String)>,
    /// Its parts.
    pub parts: Vec<Trace>,
}

/// What a finding rests on.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Facts that held.
    pub facts: Vec<&'static str>,
    /// Where the text shows them: Unicode scalar values, end exclusive.
    pub spans: Vec<[usize; 2]>,
    /// The text at each span.
    pub matched: Vec<String>,
}

impl Ruleset {
    /// The tree of a rule for the message last evaluated.
    pub fn trace(&self, rule: &Rule, message: &Message<'_>, facts: &Facts<'_>, scratch: &mut Scratch) -> Trace {
        trace(&rule.when, &mut scratch.cx(self, message, facts))
    }

    /// The tree of an exemption for the message last evaluated.
    pub fn trace_exemption(
        &self,
        exemption: &Exemption,
        message: &Message<'_>,
        facts: &Facts<'_>,
        scratch: &mut Scratch,
    ) -> Trace {
        trace(&exemption.when, &mut scratch.cx(self, message, facts))
    }

    /// What a finding of the message last evaluated rests on.
    pub fn evidence(&self, rule: &Rule, message: &Message<'_>, facts: &Facts<'_>, scratch: &mut Scratch) -> Evidence {
        let mut evidence = Evidence::default();
        collect(&self.trace(rule, message, facts, scratch), &mut evidence);
        let mut order: Vec<usize> = (0..evidence.spans.len()).collect();
        order.sort_by_key(|n| evidence.spans.get(*n).copied());
        let sorted = |n: &usize| Some((*evidence.spans.get(*n)?, evidence.matched.get(*n)?.clone()));
        let pairs: Vec<_> = order.iter().filter_map(sorted).collect();
        (evidence.spans, evidence.matched) = pairs.into_iter().unzip();
        evidence.facts.sort_unstable();
        evidence.facts.dedup();
        evidence
    }
}

fn collect(trace: &Trace, evidence: &mut Evidence) {
    if trace.truth != Truth::True || trace.name == "not" {
        return;
    }
    if trace.parts.is_empty() {
        let fact = if trace.name == "has" { thing_of(&trace.detail) } else { trace.name };
        if !["finding"].contains(&fact) {
            evidence.facts.push(fact);
        }
        for (span, text) in &trace.shown {
            if !evidence.spans.contains(span) {
                evidence.spans.push(*span);
                evidence.matched.push(text.clone());
            }
        }
    }
    trace.parts.iter().for_each(|part| collect(part, evidence));
}

fn thing_of(detail: &str) -> &'static str {
    crate::config::spec::THINGS.iter().find(|t| **t == detail).copied().unwrap_or("text")
}

fn trace(node: &Node, cx: &mut Cx<'_>) -> Trace {
    let truth = node.evaluate(cx);
    let parts = match &node.kind {
        Kind::All(parts) | Kind::Any(parts) | Kind::AtLeast(_, parts) => parts.iter().map(|p| trace(p, cx)).collect(),
        Kind::Not(inner) => vec![trace(inner, cx)],
        _ => Vec::new(),
    };
    let shown = if truth == Truth::True { shown(node, cx) } else { Vec::new() };
    Trace { name: node.name, detail: node.detail.to_string(), truth, remembered: remembered(node, cx), shown, parts }
}

/// What memory says of what a fact asks, in the words of the question.
fn remembered(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
    let (tests, count) = match &node.kind {
        Kind::Fact(tests) => (tests, 1),
        Kind::Thing(thing, tests) => (tests, thing.count(cx.message)),
        _ => return None,
    };
    let asked = |test: &Test| match test {
        Test::Above(question, ..) | Test::Below(question, _) => Some(*question),
        _ => None,
    };
    let question = tests.iter().find_map(asked)?;
    let is_age = matches!(cx.rules.questions.get(usize::try_from(question).ok()?)?, Question::Age { .. });
    let said = |n| match cx.recall(question, n) {
        None => "unknown".to_owned(),
        Some(micros) if is_age => age(micros / 1_000_000),
        Some(value) => value.to_string(),
    };
    Some((0..count).map(said).collect::<Vec<_>>().join(", ")).filter(|said| !said.is_empty())
}

/// An age by its largest unit.
fn age(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    units
        .iter()
        .find(|(length, _)| seconds >= *length)
        .map_or_else(|| format!("{seconds}s"), |(length, unit)| format!("{}{unit}", seconds / length))
}

fn shown(node: &Node, cx: &mut Cx<'_>) -> Vec<([usize; 2], String)> {
    let reading = cx.message.reading;
    let written: Vec<Range<usize>> = match &node.kind {
        Kind::Fact(tests) => {
            let folded: Vec<_> = tests.iter().filter_map(|t| t.span(cx)).collect();
            folded.into_iter().map(|range| reading.written(range)).collect()
        }
        Kind::Thing(thing, tests) => {
            let message = cx.message;
            let all = (0..thing.count(message)).filter(|n| thing.holds(*n, tests, cx) == Truth::True);
            all.filter_map(|n| thing.written(n, message)).collect()
        }
        _ => Vec::new(),
    };
    let text = reading.text();
    written
        .into_iter()
        .filter_map(|range| {
            let shown = text.get(range.clone())?.to_owned();
            Some((reading.characters(range), shown))
        })
        .collect()
}
