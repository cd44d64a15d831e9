//! An explanation as one JSON object.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::{Shown, anomalies, answer, disguises, mode, money, status, truth};
use crate::audit::record;
use crate::message::Message;
use crate::policy::Policy;
use crate::rules::Trace;
use crate::text::{LinkKind, Reading, language, template};
use crate::verdict::{Action, Verdict};

/// Everything, in the names of the journal.
pub(super) fn object(
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
                "would_change_to": s.would.map(Action::name), "exempt_by": exempt_by, "at": s.rule.place.to_string(),
            })
        })
        .collect();
    let tags: Vec<&str> = verdict.tags.iter().filter_map(|t| policy.tag_name(*t)).collect();
    let deciding = verdict.deciding(&policy.rules);
    let number = |n: &crate::text::number::Number| n.digits().to_owned();
    let mut all = json!({
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
    });
    if let Some(all) = all.as_object_mut() {
        let standing = verdict.standing.known().map(|(key, n)| (key.name().to_owned(), n.into()));
        all.insert("standing".into(), Value::Object(standing.collect()));
        all.insert("standing_points".into(), verdict.standing_points.json());
        all.insert("language".into(), language::guess(reading.shown()).into());
        all.insert("template".into(), template::hash(reading.folded()).into());
    }
    all
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

fn trace_json(trace: &Trace) -> Value {
    let matched: Vec<&str> = trace.shown.iter().map(|(_, text)| text.as_str()).collect();
    json!({
        "key": trace.name, "detail": trace.detail, "truth": truth(trace.truth).1, "matched": matched,
        "remembered": trace.remembered,
        "parts": trace.parts.iter().map(trace_json).collect::<Vec<_>>(),
    })
}
