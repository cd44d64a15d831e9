//! An explanation as people read it: a fact a line.

use std::fmt::{Display, Write};

use super::{Shown, answer, disguises, mode, money, status, truth, visible};
use crate::message::Message;
use crate::policy::Policy;
use crate::rules::Trace;
use crate::text::number::Country;
use crate::text::{LinkKind, Payload, Reading};
use crate::verdict::Verdict;

/// Lines of a name and what it is.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name:<9}{value}");
    }
}

/// Everything that decided, then what was read, then what fired.
pub(super) fn page(
    policy: &Policy,
    message: &Message<'_>,
    verdict: &Verdict,
    shown: &[Shown<'_>],
    trace: Option<&Trace>,
) -> String {
    let mut page = Page::default();
    decision(&mut page, policy, message, verdict);
    let (from, to) = (&message.sender, &message.recipient);
    page.line("from", format_args!("{} ({}{})", visible(from.id), from.kind.name(), country(from.country())));
    page.line("to", format_args!("{} ({}{})", visible(to.id), to.kind.name(), country(to.country())));
    text(&mut page, message.reading);
    entities(&mut page, message.reading);
    findings(&mut page, policy, message, verdict, shown);
    if let Some(trace) = trace {
        draw(trace, 0, &mut page.0);
    }
    page.0
}

fn decision(page: &mut Page, policy: &Policy, message: &Message<'_>, verdict: &Verdict) {
    page.line("action", format_args!("{} with {} points", verdict.action.name(), verdict.score));
    if let Some(p) = policy.profile(verdict) {
        page.line("profile", format_args!("{}: tag from {}, block from {}", p.id, p.tag_from, p.block_from));
    }
    match (answer(verdict), status(message, verdict)) {
        ("refuse", Some(status)) => page.line("answer", format_args!("refused with {status}")),
        ("accept", _) => page.line("answer", "accepted, and goes nowhere"),
        _ => {}
    }
    let tags: Vec<&str> = verdict.tags.iter().filter_map(|t| policy.tag_name(*t)).collect();
    if !tags.is_empty() {
        page.line("tag", tags.join(", "));
    }
    standing(page, verdict);
    if verdict.shadow_action != verdict.action {
        page.line("shadow", format_args!("would be {} if shadow rules acted", verdict.shadow_action.name()));
    }
}

/// Standings that say something: those that are neither good nor bad are as if nothing were known.
fn standing(page: &mut Page, verdict: &Verdict) {
    let known: Vec<String> = verdict.standing.known().map(|(key, n)| format!("{} {n}", key.name())).collect();
    match verdict.standing_points.0 {
        0 => {}
        points if points > 0 => {
            page.line("standing", format_args!("{}: adds {} points", known.join(", "), verdict.standing_points));
        }
        _ => page.line("standing", format_args!("{}: takes from what the model adds", known.join(", "))),
    }
}

fn text(page: &mut Page, reading: &Reading) {
    match reading.undecodable() {
        Some(why) => page.line("text", format_args!("cannot be read: {}", why.name())),
        None => page.line("text", visible(reading.shown())),
    }
    if let Some(second) = reading.text().get(reading.shown().len() + 1..) {
        page.line("or", visible(second));
    }
    if reading.payload() != Payload::Text {
        page.line("payload", reading.payload().name());
    }
    for anomaly in reading.anomalies().iter() {
        page.line("anomaly", format_args!("{}: {}", anomaly.name(), anomaly.about()));
    }
    if reading.folded() != reading.text() {
        page.line("folded", visible(reading.folded()));
    }
    for second in reading.views().undone() {
        page.line("undone", visible(second));
    }
    for disguise in disguises(reading) {
        let written = reading.text().get(disguise.written.clone()).unwrap_or_default();
        let (written, read_as) = (visible(written), visible(&reading.read_as(&disguise.written)));
        page.line("disguise", format_args!("«{written}» read as «{read_as}»: {}", disguise.kinds.join(", ")));
    }
    if reading.obfuscation() > 0 {
        page.line("hidden", format_args!("{} characters in a hundred were undone", reading.obfuscation()));
    }
}

fn entities(page: &mut Page, reading: &Reading) {
    for link in reading.links() {
        let kinds: Vec<_> = link.kinds().map(LinkKind::name).collect();
        let (host, shown) = (reading.link_host(link), reading.link_shown(link));
        let shown = if shown == host { String::new() } else { format!(", reads {}", visible(shown)) };
        let (domain, kinds) = (reading.link_domain(link), kinds.join(" and "));
        page.line("link", format_args!("{host} (domain {domain}, {kinds}{shown})"));
    }
    for phone in reading.phones() {
        page.line("phone", format_args!("{}{}", phone.number.digits(), country(phone.number.country())));
    }
    for handle in reading.handles() {
        page.line("handle", format_args!("{} {}", handle.app.name(), visible(reading.handle_id(handle))));
    }
    for amount in reading.amounts() {
        page.line("amount", format_args!("{} {}", amount.currency(), money(amount)));
    }
    for code in reading.codes() {
        page.line("code", format_args!("of {} digits", code.len));
    }
}

fn findings(page: &mut Page, policy: &Policy, message: &Message<'_>, verdict: &Verdict, shown: &[Shown<'_>]) {
    if policy.rules.is_report(message) {
        page.line("report", "goes to a report short code: never judged");
    } else if shown.is_empty() {
        page.line("findings", "none");
    }
    for s in shown {
        let words: String = s.evidence.matched.iter().map(|m| format!(" «{}»", visible(m))).collect();
        let weight = match s.rule.action {
            Some(action) => format!("{} and {}", s.rule.score, action.name()),
            None => s.rule.score.to_string(),
        };
        let exempt = s.finding.exempt_by.and_then(|e| policy.rules.exemption(e));
        let exempt = exempt.map_or(String::new(), |e| format!(" by {}", e.id));
        let would = s.would.map(|to| format!(": {}→{}", verdict.action.name(), to.name())).unwrap_or_default();
        let (mode, place) = (mode(&s.finding), &s.rule.place);
        page.line("finding", format_args!("{} ({weight}, {mode}{would}{exempt}){words} at {place}", s.rule.id));
    }
}

fn country(country: Option<Country>) -> String {
    country.map_or(String::new(), |c| format!(", {c}"))
}

fn draw(trace: &Trace, depth: usize, out: &mut String) {
    let matched: Vec<String> = trace.shown.iter().map(|(_, text)| format!(" «{}»", visible(text))).collect();
    let indent = "  ".repeat(depth);
    let said = trace.remembered.as_ref().map(|said| format!(" = {said}")).unwrap_or_default();
    let sign = truth(trace.truth).0;
    let _ = writeln!(out, "{indent}{sign} {} {}{said}{}", trace.name, trace.detail, matched.concat());
    trace.parts.iter().for_each(|part| draw(part, depth + 1, out));
}
