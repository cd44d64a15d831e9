//! Why a message would be passed, tagged or blocked: one message, one policy, no memory touched.

mod json;
mod page;

use std::ops::Range;

use serde_json::{Map, Value};

use crate::case::{Sample, World};
use crate::config::spec::{CaseMemory, Mode};
use crate::message::{AccountFacts, Direction, Envelope, Message, ReadAs};
use crate::policy::{Policy, Scratch};
use crate::rules::{Evidence, Facts, Finding, Rule, Truth};
use crate::text::{Amount, Reading};
use crate::time::Timestamp;
use crate::verdict::{Action, Answer, Verdict};
use crate::wire::body::{Body, Destination, Parsed, parse};
use crate::wire::command::{CommandId, DataCoding};
use crate::wire::field::Address;

/// One destination of a message, judged.
#[derive(Debug)]
pub struct Explanation {
    /// Everything, for `--format json`.
    pub json: Value,
    /// The same for people.
    pub text: String,
}

/// What a PDU came through.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The account.
    pub account: &'a str,
    /// Which way; as the operation says when none.
    pub direction: Option<Direction>,
    /// When.
    pub now: Timestamp,
    /// Also the tree of this rule or exemption, fired or not.
    pub rule: Option<&'a str>,
    /// What is remembered of earlier messages, but for the messages themselves.
    pub memory: &'a CaseMemory,
}

/// Explains a message in the words of a case.
#[must_use]
pub fn sample(policy: &Policy, sample: &Sample<'_>, rule: Option<&str>) -> Explanation {
    let mut envelope = Envelope::default();
    sample.read(policy, &mut envelope);
    let mut world = World::new(sample, policy, &mut envelope);
    let message = sample.message(policy, &envelope);
    world.with_facts(policy, &message, |facts| explain(policy, &message, facts, rule))
}

/// Explains every destination of a PDU that carries a message.
///
/// # Errors
/// When it carries none, or cannot be understood.
pub fn pdu(policy: &Policy, octets: &[u8], way: Way<'_>) -> Result<Vec<Explanation>, String> {
    let (header, body) = match parse(octets) {
        Parsed::Understood(header, body) => (header, body),
        Parsed::Opaque(header) => return Err(format!("{} is not a PDU of the standard", header.command_id)),
        Parsed::Malformed(_, error) => {
            return Err(format!("{} at octet {}: {}", error.field, error.offset, error.fault.name()));
        }
    };
    let account = policy.account(way.account);
    let read_as = ReadAs { alphabet: account.alphabet, home: account.home, now: way.now, unasked: false };
    let facts = AccountFacts { id: way.account, class: account.class, home: account.home };
    let mut envelope = Envelope::default();
    if !read(&mut envelope, header.command_id, &body, read_as) {
        return Err(format!("{} carries no message", header.command_id));
    }
    let natural = if header.command_id == CommandId::DELIVER_SM { Direction::Mo } else { Direction::Mt };
    let destinations: Vec<_> = match &body {
        Body::SubmitMulti(sm) => sm.dest_address.iter().filter_map(|(one, _)| sme(one)).collect(),
        _ => Vec::new(),
    };
    let direction = way.direction.unwrap_or(natural);
    let mut world = World::of(way.memory);
    let mut one = |envelope: &Envelope| {
        let message = envelope.message(direction, facts, None, way.now);
        world.with_facts(policy, &message, |facts| explain(policy, &message, facts, way.rule))
    };
    if destinations.is_empty() {
        return Ok(vec![one(&envelope)]);
    }
    let mut all = Vec::new();
    for destination in &destinations {
        envelope.set_destination(destination);
        all.push(one(&envelope));
    }
    Ok(all)
}

fn sme(destination: Destination<'_>) -> Option<Address<'_>> {
    match destination {
        Destination::Sme(address) => Some(address),
        Destination::DistributionList(_) => None,
    }
}

fn read(envelope: &mut Envelope, operation: CommandId, body: &Body<'_>, read_as: ReadAs) -> bool {
    match body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => envelope.read_sm(operation, sm, read_as),
        Body::DataSm(sm) => envelope.read_data_sm(sm, read_as),
        Body::SubmitMulti(sm) => envelope.read_submit_multi(sm, read_as),
        Body::ReplaceSm(sm) => envelope.read_replace_sm(sm, DataCoding(0), read_as),
        Body::BroadcastSm(sm) => envelope.read_broadcast_sm(sm, read_as),
        _ => return false,
    }
    true
}

/// What a PDU carries, by the account that reads data_coding 0 as the GSM alphabet: its text, when it is one that can be
/// read, what else it is, and what is wrong with the way it came. Nothing for a PDU that carries no message.
#[must_use]
pub fn carried(pdu: &[u8]) -> Map<String, Value> {
    let mut told = Map::new();
    told.insert("text".into(), Value::Null);
    let Parsed::Understood(header, body) = parse(pdu) else { return told };
    let mut envelope = Envelope::default();
    if !read(&mut envelope, header.command_id, &body, ReadAs::default()) {
        return told;
    }
    let message = envelope.message(Direction::Mt, AccountFacts::default(), None, Timestamp(0));
    let reading = message.reading;
    if reading.undecodable().is_none() && !reading.is_binary() {
        told.insert("text".into(), reading.shown().into());
    }
    told.insert("payload".into(), reading.payload().name().into());
    told.insert("anomalies".into(), anomalies(reading));
    told
}

fn anomalies(reading: &Reading) -> Value {
    reading.anomalies().iter().map(|anomaly| Value::from(anomaly.name())).collect()
}

/// A finding with what it rests on.
struct Shown<'p> {
    finding: Finding,
    /// What the message would have come to if this rule, which is in shadow, acted.
    would: Option<Action>,
    rule: &'p Rule,
    evidence: Evidence,
}

fn explain(policy: &Policy, message: &Message<'_>, facts: &Facts<'_>, rule: Option<&str>) -> Explanation {
    let (mut scratch, mut verdict) = (Scratch::default(), Verdict::default());
    policy.judge(message, facts, &mut scratch, &mut verdict);
    let rules = &policy.rules;
    let mut shown = Vec::new();
    for finding in &verdict.findings {
        if let Some(rule) = rules.rule(finding) {
            let evidence = rules.evidence(rule, message, facts, &mut scratch.rules);
            shown.push(Shown { finding: *finding, would: None, rule, evidence });
        }
    }
    if let Some(profile) = policy.profile(&verdict) {
        verdict.shadow_changes(rules, profile, |finding, action| {
            shown.iter_mut().filter(|s| s.finding == *finding).for_each(|s| s.would = Some(action));
        });
    }
    let trace = rule.map(|id| match rules.rule_of(id) {
        Some((_, rule)) => Some(rules.trace(rule, message, facts, &mut scratch.rules)),
        None => rules
            .exemptions
            .iter()
            .find(|e| &*e.id == id)
            .map(|exemption| rules.trace_exemption(exemption, message, facts, &mut scratch.rules)),
    });
    let trace = trace.flatten();
    Explanation {
        json: json::object(policy, message, &verdict, &shown, trace.as_ref()),
        text: page::page(policy, message, &verdict, &shown, trace.as_ref()),
    }
}

fn money(amount: &Amount) -> String {
    format!("{}.{:02}", amount.value / 100, amount.value % 100)
}

/// A stretch of the text from one space to another, and how it was disguised.
struct Disguised {
    written: Range<usize>,
    kinds: Vec<&'static str>,
}

fn disguises(reading: &Reading) -> Vec<Disguised> {
    let text = reading.text();
    let mut all: Vec<_> = reading.disguises().iter().collect();
    all.sort_by_key(|disguise| disguise.written.start);
    let mut found: Vec<Disguised> = Vec::new();
    for disguise in all {
        let before = text.get(..disguise.written.start).unwrap_or_default();
        let after = text.get(disguise.written.end..).unwrap_or_default();
        let start = before.len() - before.rsplit(char::is_whitespace).next().map_or(0, str::len);
        let end = disguise.written.end + after.find(char::is_whitespace).unwrap_or(after.len());
        let name = disguise.kind.name();
        match found.last_mut() {
            Some(last) if start < last.written.end => {
                last.written.end = last.written.end.max(end);
                if !last.kinds.contains(&name) {
                    last.kinds.push(name);
                }
            }
            _ => found.push(Disguised { written: start..end, kinds: vec![name] }),
        }
    }
    found
}

fn mode(finding: &Finding) -> &'static str {
    match (finding.exempt_by, finding.mode) {
        (Some(_), _) => "exempt",
        (None, Mode::Live) => "live",
        (None, _) => "shadow",
    }
}

fn answer(verdict: &Verdict) -> &'static str {
    match (verdict.action, verdict.answer) {
        (Action::Block, Answer::Refuse(_)) => "refuse",
        (Action::Block, Answer::Accept) => "accept",
        _ => "forward",
    }
}

fn status(message: &Message<'_>, verdict: &Verdict) -> Option<String> {
    (verdict.action == Action::Block)
        .then(|| crate::gate::refusal_of(verdict, message.direction))?
        .map(|s| s.to_string())
}

fn truth(truth: Truth) -> (&'static str, Value) {
    match truth {
        Truth::True => ("✓", true.into()),
        Truth::False => ("✗", false.into()),
        Truth::Unknown => ("?", Value::Null),
    }
}

/// A stranger's text for a terminal: what could move the cursor or turn the line around is shown as U+FFFD.
#[must_use]
pub fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars()
        .map(|c| {
            if c == '\n' {
                '⏎'
            } else if hidden(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}
