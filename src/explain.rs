//! Why a message would be passed, tagged or blocked: one message, one policy, no memory touched.

use std::fmt::Write;
use std::ops::Range;

use serde_json::{Map, Value, json};

use crate::audit::record;
use crate::case::Sample;
use crate::config::spec::Mode;
use crate::message::{AccountFacts, Direction, Envelope, Message, ReadAs};
use crate::policy::{Policy, Scratch};
use crate::rules::{Evidence, Finding, Rule, Trace, Truth};
use crate::text::{Amount, LinkKind, Payload, Reading};
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
}

/// Explains a message in the words of a case.
#[must_use]
pub fn sample(policy: &Policy, sample: &Sample<'_>, rule: Option<&str>) -> Explanation {
    let mut envelope = Envelope::default();
    sample.read(policy, &mut envelope);
    explain(policy, &sample.message(policy, &envelope), rule)
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
    let read_as = ReadAs { alphabet: account.alphabet, home: account.home, now: way.now };
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
    if destinations.is_empty() {
        return Ok(vec![explain(policy, &envelope.message(direction, facts, None, way.now), way.rule)]);
    }
    let mut all = Vec::new();
    for destination in &destinations {
        envelope.set_destination(destination);
        all.push(explain(policy, &envelope.message(direction, facts, None, way.now), way.rule));
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
    rule: &'p Rule,
    evidence: Evidence,
}

fn explain(policy: &Policy, message: &Message<'_>, rule: Option<&str>) -> Explanation {
    let (mut scratch, mut verdict) = (Scratch::default(), Verdict::default());
    policy.judge(message, &mut scratch, &mut verdict);
    let rules = &policy.rules;
    let mut shown = Vec::new();
    for finding in &verdict.findings {
        if let Some(rule) = rules.rule(finding) {
            let evidence = rules.evidence(rule, message, &mut scratch.rules);
            shown.push(Shown { finding: *finding, rule, evidence });
        }
    }
    let trace = rule.map(|id| match rules.rule_of(id) {
        Some((_, rule)) => Some(rules.trace(rule, message, &mut scratch.rules)),
        None => rules
            .exemptions
            .iter()
            .find(|e| &*e.id == id)
            .map(|exemption| rules.trace_exemption(exemption, message, &mut scratch.rules)),
    });
    let trace = trace.flatten();
    Explanation {
        json: as_json(policy, message, &verdict, &shown, trace.as_ref()),
        text: as_text(policy, message, &verdict, &shown, trace.as_ref()),
    }
}

fn as_json(
    policy: &Policy,
    message: &Message<'_>,
    verdict: &Verdict,
    shown: &[Shown<'_>],
    trace: Option<&Trace>,
) -> Value {
    let reading = message.reading;
    let profile = policy.profile(verdict);
    let findings: Vec<Value> = shown
        .iter()
        .map(|s| {
            let exempt_by = s.finding.exempt_by.and_then(|e| policy.rules.exemption(e)).map(|e| &*e.id);
            json!({
                "rule": &*s.rule.id, "score": s.rule.score.json(), "mode": mode(&s.finding),
                "span": s.evidence.spans.first(), "matched": s.evidence.matched.first(),
                "spans": s.evidence.spans, "all_matched": s.evidence.matched, "facts": s.evidence.facts,
                "action": s.rule.action.map(Action::name), "category": s.rule.category, "basis": s.rule.basis,
                "exempt_by": exempt_by, "at": s.rule.place.to_string(),
            })
        })
        .collect();
    let tags: Vec<&str> = verdict.tags.iter().filter_map(|t| policy.tag_name(*t)).collect();
    let deciding = verdict.deciding(&policy.rules);
    let number = |n: &crate::text::number::Number| n.digits().to_owned();
    json!({
        "action": verdict.action.name(), "score": verdict.score.json(), "findings": findings,
        "text": reading.text(), "shown": reading.shown(), "folded": reading.folded(),
        "undone": reading.views().undone().collect::<Vec<_>>(), "obfuscation": reading.obfuscation(),
        "disguises": disguises(reading).iter().map(|d| json!({
            "kinds": d.kinds, "written": reading.text().get(d.written.clone()),
            "span": reading.characters(d.written.clone()), "read_as": reading.read_as(&d.written),
        })).collect::<Vec<_>>(),
        "shadow_action": verdict.shadow_action.name(),
        "answer": answer(verdict), "command_status": status(message, verdict),
        "tag": (!tags.is_empty()).then(|| tags.join(",")),
        "decided_by": deciding.map(|r| &*r.id), "cause": deciding.map(|r| r.cause),
        "category": deciding.and_then(|r| r.category.as_deref()),
        "profile": profile.map(|p| &*p.id),
        "thresholds": profile.map(|p| json!({ "tag": p.tag_from.json(), "block": p.block_from.json() })),
        "policy": { "name": policy.name(), "digest": policy.digest() },
        "direction": message.direction.name(), "operation": message.operation.to_string(),
        "account": message.account.id, "account_class": message.account.class,
        "from": { "id": message.sender.id, "kind": message.sender.kind.name(),
                  "country": message.sender.country().map(|c| c.to_string()) },
        "to": { "id": message.recipient.id, "kind": message.recipient.kind.name(),
                "country": message.recipient.country().map(|c| c.to_string()) },
        "data_coding": message.data_coding.map(|c| c.0), "parts": message.parts,
        "class": message.class, "protocol_id": message.protocol_id, "port": reading.ports().map(|(to, _)| to),
        "payload": reading.payload().name(), "undecodable": reading.undecodable().map(|u| u.name()),
        "anomalies": anomalies(reading),
        "links": reading.links().iter().map(|l| reading.link_host(l)).collect::<Vec<_>>(),
        "phones": reading.phones().iter().map(|p| number(&p.number)).collect::<Vec<_>>(),
        "handles": reading.handles().iter()
            .map(|h| json!({ "app": h.app.name(), "id": reading.handle_id(h) })).collect::<Vec<_>>(),
        "entities": entities(reading),
        "report": policy.rules.is_report(message),
        "time": record::rfc3339(message.now),
        "trace": trace.map(trace_json),
    })
}

/// Everything that was found in the text, and where.
fn entities(reading: &Reading) -> Vec<Value> {
    let placed = |written: &Range<usize>, one: Value| {
        let mut one = match one {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        one.insert("matched".to_owned(), reading.text().get(written.clone()).into());
        one.insert("span".to_owned(), json!(reading.characters(written.clone())));
        Value::Object(one)
    };
    let links = reading.links().iter().map(|l| {
        let kinds: Vec<_> = l.kinds().map(LinkKind::name).collect();
        let (host, shown, domain) = (reading.link_host(l), reading.link_shown(l), reading.link_domain(l));
        placed(&l.written, json!({ "link": host, "shown": shown, "domain": domain, "kinds": kinds }))
    });
    let phones = reading.phones().iter().map(|p| {
        let country = p.number.country().map(|c| c.to_string());
        placed(&p.written, json!({ "phone": p.number.digits(), "country": country }))
    });
    let handles = reading
        .handles()
        .iter()
        .map(|h| placed(&h.written, json!({ "handle": reading.handle_id(h), "app": h.app.name() })));
    let amounts =
        reading.amounts().iter().map(|a| placed(&a.written, json!({ "amount": money(a), "currency": a.currency() })));
    let codes = reading.codes().iter().map(|c| placed(&c.written, json!({ "code": c.len })));
    links.chain(phones).chain(handles).chain(amounts).chain(codes).collect()
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

fn trace_json(trace: &Trace) -> Value {
    let matched: Vec<&str> = trace.shown.iter().map(|(_, text)| text.as_str()).collect();
    json!({
        "key": trace.name, "detail": trace.detail, "truth": truth(trace.truth).1, "matched": matched,
        "parts": trace.parts.iter().map(trace_json).collect::<Vec<_>>(),
    })
}

fn as_text(
    policy: &Policy,
    message: &Message<'_>,
    verdict: &Verdict,
    shown: &[Shown<'_>],
    trace: Option<&Trace>,
) -> String {
    let reading = message.reading;
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(out, "{name:<9}{value}");
    };
    let score = verdict.score;
    line("action", &format!("{} with {score} points", verdict.action.name()));
    if let Some(p) = policy.profile(verdict) {
        line("profile", &format!("{}: tag from {}, block from {}", p.id, p.tag_from, p.block_from));
    }
    match (answer(verdict), status(message, verdict)) {
        ("refuse", Some(status)) => line("answer", &format!("refused with {status}")),
        ("accept", _) => line("answer", "accepted, and goes nowhere"),
        _ => {}
    }
    let tags: Vec<&str> = verdict.tags.iter().filter_map(|t| policy.tag_name(*t)).collect();
    if !tags.is_empty() {
        line("tag", &tags.join(", "));
    }
    if verdict.shadow_action != verdict.action {
        line("shadow", &format!("would be {} if shadow rules acted", verdict.shadow_action.name()));
    }
    let country = |c: Option<crate::text::number::Country>| c.map_or(String::new(), |c| format!(", {c}"));
    let (from, to) = (&message.sender, &message.recipient);
    line("from", &format!("{} ({}{})", visible(from.id), from.kind.name(), country(from.country())));
    line("to", &format!("{} ({}{})", visible(to.id), to.kind.name(), country(to.country())));
    match reading.undecodable() {
        Some(why) => line("text", &format!("cannot be read: {}", why.name())),
        None => line("text", &visible(reading.shown())),
    }
    if let Some(second) = reading.text().get(reading.shown().len() + 1..) {
        line("or", &visible(second));
    }
    if reading.payload() != Payload::Text {
        line("payload", reading.payload().name());
    }
    for anomaly in reading.anomalies().iter() {
        line("anomaly", &format!("{}: {}", anomaly.name(), anomaly.about()));
    }
    if reading.folded() != reading.text() {
        line("folded", &visible(reading.folded()));
    }
    for second in reading.views().undone() {
        line("undone", &visible(second));
    }
    for disguise in disguises(reading) {
        let written = reading.text().get(disguise.written.clone()).unwrap_or_default();
        let (written, read_as) = (visible(written), visible(&reading.read_as(&disguise.written)));
        line("disguise", &format!("«{written}» read as «{read_as}»: {}", disguise.kinds.join(", ")));
    }
    if reading.obfuscation() > 0 {
        line("hidden", &format!("{} characters in a hundred were undone", reading.obfuscation()));
    }
    for link in reading.links() {
        let kinds: Vec<_> = link.kinds().map(LinkKind::name).collect();
        let (host, shown) = (reading.link_host(link), reading.link_shown(link));
        let shown = if shown == host { String::new() } else { format!(", reads {}", visible(shown)) };
        line("link", &format!("{host} (domain {}, {}{shown})", reading.link_domain(link), kinds.join(" and ")));
    }
    for phone in reading.phones() {
        line("phone", &format!("{}{}", phone.number.digits(), country(phone.number.country())));
    }
    for handle in reading.handles() {
        line("handle", &format!("{} {}", handle.app.name(), visible(reading.handle_id(handle))));
    }
    for amount in reading.amounts() {
        line("amount", &format!("{} {}", amount.currency(), money(amount)));
    }
    for code in reading.codes() {
        line("code", &format!("of {} digits", code.len));
    }
    if policy.rules.is_report(message) {
        line("report", "goes to a report short code: never judged");
    } else if shown.is_empty() {
        line("findings", "none");
    }
    for s in shown {
        let words: String = s.evidence.matched.iter().map(|m| format!(" «{}»", visible(m))).collect();
        let weight = match s.rule.action {
            Some(action) => format!("{} and {}", s.rule.score, action.name()),
            None => s.rule.score.to_string(),
        };
        let exempt = s.finding.exempt_by.and_then(|e| policy.rules.exemption(e));
        let exempt = exempt.map_or(String::new(), |e| format!(" by {}", e.id));
        let (mode, place) = (mode(&s.finding), &s.rule.place);
        line("finding", &format!("{} ({weight}, {mode}{exempt}){words} at {place}", s.rule.id));
    }
    if let Some(trace) = trace {
        draw(trace, 0, &mut out);
    }
    out
}

fn draw(trace: &Trace, depth: usize, out: &mut String) {
    let matched: Vec<String> = trace.shown.iter().map(|(_, text)| format!(" «{}»", visible(text))).collect();
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}{} {} {}{}", truth(trace.truth).0, trace.name, trace.detail, matched.concat());
    trace.parts.iter().for_each(|part| draw(part, depth + 1, out));
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
