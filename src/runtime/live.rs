//! What happens in a node, as people watch it: decisions and reloads, told to whoever shows them.
//!
//! Nothing waits for a watcher: what it cannot take at once it does not see.

use tokio::sync::mpsc;

use super::reload::Report;
use crate::audit::{Decision, Reply};
use crate::config::spec::Mode;
use crate::message::Party;
use crate::policy::Scratch;
use crate::rules::Facts;
use crate::time::Timestamp;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A message was decided on.
    Decision(Box<Line>),
    /// Somebody changed the rules, or tried to.
    Reload(Box<Report>),
}

/// A decision.
#[derive(Clone, Debug)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// `pass`, `tag` or `block`.
    pub action: &'static str,
    /// Score.
    pub score: String,
    /// Recipient country, else the sender's; small letters, empty where nobody can say.
    pub country: String,
    /// Sender.
    pub from: String,
    /// Recipient.
    pub to: String,
    /// The text; empty where it cannot be read.
    pub text: String,
    /// What fired, the finding that decided first.
    pub findings: Vec<LineFinding>,
    /// What became of a message that did not pass: the names of its tags, or how it was answered.
    pub answer: Option<String>,
}

/// A rule that fired.
#[derive(Clone, Debug)]
pub struct LineFinding {
    /// Its full id.
    pub rule: String,
    /// `live`, `shadow` or `exempt`.
    pub mode: &'static str,
    /// The words that it saw; the sender where it rests on that alone.
    pub words: Vec<String>,
}

/// The end that a node tells what happens.
#[derive(Clone, Debug)]
pub struct Watcher(mpsc::Sender<Seen>);

impl Watcher {
    /// A watcher that up to `max` things may wait for, and where they are received.
    #[must_use]
    pub fn new(max: usize) -> (Self, mpsc::Receiver<Seen>) {
        let (told, seen) = mpsc::channel(max);
        (Self(told), seen)
    }

    /// Tells a decision. `scratch` is filled again.
    pub fn decision(&self, decision: &Decision<'_>, at: Timestamp, scratch: &mut Scratch) {
        if self.0.capacity() > 0 {
            let _ = self.0.try_send(Seen::Decision(Box::new(line(decision, at, scratch))));
        }
    }

    /// Tells what an attempt to reload came to.
    pub fn reload(&self, report: &Report) {
        let _ = self.0.try_send(Seen::Reload(Box::new(report.clone())));
    }
}

fn line(decision: &Decision<'_>, at: Timestamp, scratch: &mut Scratch) -> Line {
    let (message, verdict) = (&decision.message, decision.verdict);
    let country = message.recipient.country().or(message.sender.country());
    let party = |party: &Party<'_>| match &party.number {
        Some(number) => format!("+{}", number.digits()),
        None => party.id.to_owned(),
    };
    let tags = || verdict.tags.iter().filter_map(|t| decision.policy.tag_name(*t)).collect::<Vec<_>>().join(", ");
    Line {
        at,
        action: decision.action().name(),
        score: verdict.score.to_string(),
        country: country.map(|c| c.as_str().to_lowercase()).unwrap_or_default(),
        from: party(&message.sender),
        to: party(&message.recipient),
        text: message.reading.text().to_owned(),
        findings: findings(decision, scratch),
        answer: match decision.reply {
            Reply::Forwarded => None,
            Reply::Tagged => Some(tags()),
            Reply::Refused(status) => Some(status.to_string()),
            Reply::Swallowed => Some("swallowed".into()),
            Reply::Dropped => Some("dropped".into()),
        },
    }
}

fn findings(decision: &Decision<'_>, scratch: &mut Scratch) -> Vec<LineFinding> {
    let (message, verdict) = (&decision.message, decision.verdict);
    let rules = &decision.policy.rules;
    if verdict.findings.is_empty() {
        return Vec::new();
    }
    // What memory says by now is not what it said.
    let facts = Facts::Recalled(&verdict.recalled);
    rules.evaluate(message, &facts, &mut scratch.rules);
    let mut findings = Vec::with_capacity(verdict.findings.len());
    for (n, finding) in verdict.findings.iter().enumerate() {
        let Some(rule) = rules.rule(finding) else { continue };
        let evidence = rules.evidence(rule, message, &facts, &mut scratch.rules);
        let mode = match (finding.exempt_by, finding.mode) {
            (Some(_), _) => "exempt",
            (None, Mode::Live) => "live",
            (None, _) => "shadow",
        };
        let mut words = evidence.matched;
        if words.is_empty() && evidence.facts.contains(&"sender") {
            words.push(message.sender.id.to_owned());
        }
        let rank = (verdict.decided_by != Some(n), mode != "live");
        findings.push((rank, LineFinding { rule: rule.id.to_string(), mode, words }));
    }
    findings.sort_by_key(|(rank, _)| *rank);
    findings.into_iter().map(|(_, finding)| finding).collect()
}
