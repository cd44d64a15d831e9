//! Records as written: one JSON object a line, in one chain per node and boot.

use serde_json::{Map, Value, json};

use super::{Basis, Decision, DecisionId, Outcome, OutcomeKind, Reply};
use crate::config::settings::JournalText;
use crate::config::spec::Mode;
use crate::message::{Message, Party, PartyKind};
use crate::policy::Scratch;
use crate::rules::{Facts, Finding};
use crate::text::{Anomaly, language, template};
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// How records are written: whose they are, and what may stand in them.
#[derive(Clone, Debug)]
pub struct Recorder {
    /// The node's name.
    pub node: String,
    /// This run of it.
    pub boot: String,
    /// The key that subscriber numbers are hashed with, and its id.
    pub key: ([u8; 32], String),
    /// Whether texts are written.
    pub text: JournalText,
    /// Names of the SMSCs.
    pub smscs: Vec<String>,
}

/// Version and commit of the engine.
#[must_use]
pub fn build() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

impl Recorder {
    /// The id of a decision.
    #[must_use]
    pub fn id(&self, decision: DecisionId) -> String {
        format!("{}-{}-{:x}.{}", self.node, self.boot, decision.session.0, decision.n)
    }

    /// The body of a `decision` record. `scratch` holds what was evaluated last, or is filled again.
    #[must_use]
    pub fn decision(
        &self,
        decision: &Decision<'_>,
        latency_us: Option<f64>,
        scratch: &mut Scratch,
    ) -> Map<String, Value> {
        let (message, verdict, policy) = (&decision.message, decision.verdict, decision.policy);
        let profile = policy.profile(verdict);
        if !verdict.findings.is_empty() {
            policy.rules.evaluate(message, &Facts::Recalled(&verdict.recalled), &mut scratch.rules);
        }
        let findings: Vec<Value> = verdict.findings.iter().filter_map(|f| finding(decision, f, scratch)).collect();
        let (basis, exception) = match decision.basis {
            Basis::Judged => ("judged", Value::Null),
            Basis::EarlyPart => ("early-part", Value::Null),
            Basis::Exception { cause, policy } => ("exception", json!({ "cause": cause, "policy": policy })),
        };
        let status = match decision.reply {
            Reply::Refused(status) => Value::from(status.to_string()),
            _ => Value::Null,
        };
        let tags: Vec<&str> = verdict.tags.iter().filter_map(|t| policy.tag_name(*t)).collect();
        let body = json!({
            "id": self.id(decision.id),
            "build": build(),
            "policy": { "name": policy.name(), "digest": policy.digest(), "profile": profile.map(|p| &*p.id) },
            "basis": basis, "exception": exception,
            "direction": message.direction.name(), "operation": message.operation.to_string(),
            "account": message.account.id, "account_class": message.account.class,
            "session": format!("{:x}", decision.id.session.0), "smsc": self.smsc(decision),
            "sequence_number": decision.sequence_number,
            "from": self.party(&message.sender, policy.rules.registry_standing(message)),
            "to": self.recipient(&message.recipient, decision.destinations),
            "message": self.message(message),
            "action": decision.action().name(), "cause": decision.cause(), "category": decision.category(),
            "score": verdict.score.json(),
            "thresholds": profile.map(|p| json!({ "tag": p.tag_from.json(), "block": p.block_from.json() })),
            "answer": decision.reply.name(), "command_status": status,
            "tag": (!tags.is_empty()).then(|| tags.join(",")),
            "findings": findings, "shadow_action": verdict.shadow_action.name(),
            "standing": standing(verdict), "model": null, "disguises": message.reading.disguise_kinds(), "latency_us": latency_us,
        });
        match body {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// The body of an `outcome` record.
    #[must_use]
    pub fn outcome(&self, outcome: &Outcome<'_>) -> Map<String, Value> {
        let (what, leg, status) = match outcome.kind {
            OutcomeKind::Answered { leg, command_status } => ("answered", Some(leg), Some(command_status.to_string())),
            OutcomeKind::InDoubt { leg } => ("lost-in-doubt", Some(leg), None),
            OutcomeKind::Receipt => ("receipt", None, None),
        };
        let message_id = String::from_utf8_lossy(outcome.message_id);
        let body = json!({
            "decision": self.id(outcome.decision), "outcome": what, "by": leg.map(crate::session::Leg::name),
            "command_status": status, "message_id": (!message_id.is_empty()).then_some(message_id),
        });
        match body {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn smsc(&self, decision: &Decision<'_>) -> Option<&str> {
        self.smscs.get(usize::from(decision.smsc?.0)).map(String::as_str)
    }

    /// Names are plain; subscriber numbers are not.
    fn party(&self, party: &Party<'_>, registry: Option<&str>) -> Value {
        let country = party.country().map(|c| c.to_string());
        match party.kind {
            PartyKind::Number => json!({
                "kind": party.kind.name(), "country": country, "hash": self.hash(party), "key": self.key.1,
            }),
            _ => json!({ "kind": party.kind.name(), "id": party.id, "country": country, "registry": registry }),
        }
    }

    fn recipient(&self, party: &Party<'_>, count: u16) -> Value {
        let mut to = self.party(party, None);
        if let Value::Object(map) = &mut to {
            map.remove("registry");
            map.insert("count".into(), count.into());
        }
        to
    }

    /// The keyed hash of a number: 32 hexadecimal digits of BLAKE3 over its international digits.
    #[must_use]
    pub fn hash(&self, party: &Party<'_>) -> String {
        let digits = party.number.as_ref().map_or(party.id, |n| n.digits());
        let hash = blake3::keyed_hash(&self.key.0, digits.as_bytes()).to_hex();
        hash.get(..32).unwrap_or_default().to_owned()
    }

    fn message(&self, message: &Message<'_>) -> Value {
        let reading = message.reading;
        let links: Vec<&str> = reading.links().iter().map(|l| reading.link_domain(l)).collect();
        let text = match self.text {
            JournalText::Off => None,
            JournalText::On => Some(reading.text().to_owned()),
            JournalText::Masked => Some(masked(reading.text())),
        };
        json!({
            "parts": message.parts, "complete": message.complete,
            "data_coding": message.data_coding.map(|c| c.0), "characters": reading.shown().chars().count(),
            "language": language::guess(reading.shown()), "links": links, "phones": reading.phones().len(), "template": template::hash(reading.folded()),
            "undecodable": reading.undecodable().map(|u| u.name()),
            "payload": reading.payload().name(), "anomalies": reading.anomalies().iter().map(Anomaly::name).collect::<Vec<_>>(),
            "text": text, "commitment": null,
        })
    }
}

fn finding(decision: &Decision<'_>, finding: &Finding, scratch: &mut Scratch) -> Option<Value> {
    let rules = &decision.policy.rules;
    let rule = rules.rule(finding)?;
    // What memory says by now is not what it said.
    let facts = Facts::Recalled(&decision.verdict.recalled);
    let evidence = rules.evidence(rule, &decision.message, &facts, &mut scratch.rules);
    let mode = if finding.mode == Mode::Live { "live" } else { "shadow" };
    let exempt_by = finding.exempt_by.and_then(|e| rules.exemption(e)).map(|e| &*e.id);
    Some(json!({
        "rule": &*rule.id, "at": format!("{}:{}", rule.place.file, rule.place.line), "digest": &*rule.digest,
        "score": rule.score.json(), "action": rule.action.map(|a| a.name()), "mode": mode, "exempt_by": exempt_by,
        "facts": evidence.facts, "spans": evidence.spans,
    }))
}

/// The standing of what is known; null of nothing.
fn standing(verdict: &Verdict) -> Value {
    let known: Map<String, Value> = verdict.standing.known().map(|(k, s)| (k.name().to_owned(), s.into())).collect();
    if known.is_empty() { Value::Null } else { Value::Object(known) }
}

/// Digits hidden, but for a first and a last of each run.
fn masked(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let digit = |n: Option<usize>| n.and_then(|n| chars.get(n)).is_some_and(char::is_ascii_digit);
    let hide = |n: usize| digit(Some(n)) && digit(n.checked_sub(1)) && digit(n.checked_add(1));
    chars.iter().enumerate().map(|(n, c)| if hide(n) { '#' } else { *c }).collect()
}

/// Chains records: each line names the digest of the one before it.
#[derive(Clone, Debug)]
pub struct Chain {
    seq: u64,
    prev: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self { seq: 0, prev: "0".repeat(32) }
    }
}

impl Chain {
    /// Appends one line to `out`: the common fields, then those of `body`.
    pub fn write(
        &mut self,
        recorder: &Recorder,
        kind: &str,
        at: Timestamp,
        body: &Map<String, Value>,
        out: &mut Vec<u8>,
    ) {
        self.seq += 1;
        let start = out.len();
        let id = match body.get("id") {
            Some(id) => id.clone(),
            None => format!("{}-{}-{kind}-{}", recorder.node, recorder.boot, self.seq).into(),
        };
        let common = json!({
            "v": 1, "kind": kind, "id": id, "node": recorder.node, "boot": recorder.boot, "seq": self.seq,
            "time": rfc3339(at), "prev": self.prev,
        });
        let common = common.as_object().into_iter().flatten();
        out.push(b'{');
        let mut written = Ok(());
        for (n, (key, value)) in common.chain(body.iter().filter(|(key, _)| *key != "id")).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            written = written.and_then(|()| serde_json::to_writer(&mut *out, key));
            out.push(b':');
            written = written.and_then(|()| serde_json::to_writer(&mut *out, value));
        }
        out.push(b'}');
        if written.is_ok() {
            let line = out.get(start..).unwrap_or_default();
            self.prev = blake3::hash(line).to_hex().get(..32).unwrap_or_default().to_owned();
            out.push(b'\n');
        } else {
            out.truncate(start);
        }
    }
}

/// UTC with microseconds.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    let time = i64::try_from(at.0).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok()).unwrap_or_default();
    format!("{time:.6}")
}
