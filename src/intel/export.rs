//! What a carrier learned, as a STIX 2.1 bundle.
//!
//! The bundle has the identity of its source, a marking (TLP), the extension definition that describes what STIX has no
//! observable for, and one indicator for each domain, number to call, sender and masked text that the evidence of this node, or an
//! operator's word, speaks against. It has no recipients, no accounts, no texts but masked ones, and no senders that may be
//! subscribers unless they are asked for. What other carriers told of is not told on: a word that comes back would prove itself.
//!
//! The same memory gives the same octets: an indicator's identifier is made of its source and subject, and its confidence and
//! end are of the moment when its subject was last seen.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::id::{TAPIS, Uuid};
use super::pattern::Subject;
use super::{identity, indicator, time};
use crate::reputation::{Key, Kind, Learned, LiveCampaign, Pin, Reputation};
use crate::time::Timestamp;

/// What is told, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The name of the source: one for all nodes of a carrier.
    pub source: String,
    /// Who may be told.
    pub tlp: Tlp,
    /// The least confidence that is told, from 1 to 100.
    pub confidence_min: u8,
    /// How long an indicator holds after its subject was last seen.
    pub keep: Duration,
    /// Whether senders that may be subscribers are told too.
    pub numbers: bool,
    /// Whether masked texts are.
    pub templates: bool,
    /// The most indicators: those of the highest confidence.
    pub most: usize,
}

impl Ask {
    /// What a source tells unless it is asked otherwise.
    #[must_use]
    pub fn of(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            tlp: Tlp::Amber,
            confidence_min: 50,
            keep: Duration::from_secs(30 * 86_400),
            numbers: false,
            templates: true,
            most: 100_000,
        }
    }
}

/// Who may be told (Traffic Light Protocol 1.0, as STIX 2.1 §7.2.1.4 has it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tlp {
    /// Anybody.
    White,
    /// The community.
    Green,
    /// The organisations that get it, and their customers.
    Amber,
    /// Only who gets it.
    Red,
}

impl Tlp {
    /// Each.
    pub const ALL: [Self; 4] = [Self::White, Self::Green, Self::Amber, Self::Red];

    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::White => "white",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }

    /// The marking of a word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tlp| tlp.name() == name)
    }

    /// The identifier that the standard gives it.
    fn id(self) -> &'static str {
        match self {
            Self::White => "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
            Self::Green => "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
            Self::Amber => "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
            Self::Red => "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
        }
    }

    fn object(self) -> Value {
        json!({
            "type": "marking-definition", "spec_version": "2.1", "id": self.id(), "created": "2017-01-20T00:00:00.000Z",
            "definition_type": "tlp", "name": format!("TLP:{}", self.name().to_uppercase()),
            "definition": { "tlp": self.name() },
        })
    }
}

/// Messages and reports that must speak against a subject before it is told of.
const EVIDENCE_MIN: f32 = 3.0;

/// The same for a number to call, which may be that of a victim, and for a masked text, in which a name may be left.
const EVIDENCE_MIN_OF_PEOPLE: f32 = 5.0;

/// The confidence of an operator's word.
const CONFIDENCE_OF_PIN: u8 = 90;

/// A bundle, and how many indicators it has.
#[must_use]
pub fn bundle(memory: &Reputation, ask: &Ask, now: Timestamp) -> (Value, usize) {
    let mut keys = Vec::new();
    memory.for_each(now, |key, _| keys.push(key));
    let samples: HashMap<Key, LiveCampaign> =
        memory.campaigns(usize::MAX).into_iter().map(|one| (one.key, one)).collect();
    let cold = memory.settings().cold_start;
    let told = keys.into_iter().filter_map(|key| told(&memory.learned(key)?, &samples, cold, ask, now));
    let mut all: Vec<(u8, Subject, Learned)> = told.collect();
    all.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    all.dedup_by(|a, b| a.1 == b.1);
    all.truncate(ask.most);
    let source = identity(&ask.source);
    let by = source.id("identity");
    let count = all.len();
    let indicators = all.into_iter().map(|(confidence, subject, learned)| {
        let first = learned.first.min(learned.last);
        json!({
            "type": "indicator", "spec_version": "2.1", "id": indicator(source, &subject).id("indicator"),
            "created_by_ref": by, "created": time::written(first), "modified": time::written(learned.last),
            "name": format!("{} {}", subject.word(), super::pattern::short(subject.value())),
            "description": about(&learned), "indicator_types": ["malicious-activity"],
            "pattern": subject.pattern(), "pattern_type": "stix", "pattern_version": "2.1",
            "valid_from": time::written(first), "valid_until": time::written(learned.last + ask.keep),
            "labels": ["sms", subject.word()], "confidence": confidence, "object_marking_refs": [ask.tlp.id()],
        })
    });
    let mut objects = vec![ask.tlp.object(), of_carrier(&by, &ask.source), of_tapis(), extension()];
    objects.extend(indicators);
    let octets = serde_json::to_string(&objects).unwrap_or_default();
    let id = Uuid::of(source, &octets).id("bundle");
    (json!({ "type": "bundle", "id": id, "objects": objects }), count)
}

/// What is told of a key: how sure it is, and what about; none where nothing is.
fn told(
    learned: &Learned,
    samples: &HashMap<Key, LiveCampaign>,
    cold: f32,
    ask: &Ask,
    now: Timestamp,
) -> Option<(u8, Subject, Learned)> {
    let name = match learned.key.kind {
        Kind::Campaign => samples.get(&learned.key).filter(|_| ask.templates)?.sample.as_str(),
        Kind::Domain | Kind::Phone | Kind::Sender => learned.name.as_deref()?,
        Kind::Account | Kind::Recipient | Kind::Range => return None,
    };
    let subject = Subject::of(learned.key.kind, name).filter(|s| ask.numbers || !s.may_be_a_subscriber())?;
    let confidence = confidence(learned, cold).filter(|c| *c >= ask.confidence_min.max(1))?;
    // A subject that was seen in the same moment for the first and last time holds for some time too.
    let is_live = learned.last + ask.keep > now && !ask.keep.is_zero();
    is_live.then(|| (confidence, subject, learned.clone()))
}

/// How sure it is that a key is bad, from 1 to 100; none where too little speaks against it.
fn confidence(learned: &Learned, cold: f32) -> Option<u8> {
    let counts = &learned.counts;
    let evidence = counts.caught + counts.proven + counts.reported;
    let is_of_people = matches!(learned.key.kind, Kind::Phone | Kind::Campaign);
    let least = if is_of_people { EVIDENCE_MIN_OF_PEOPLE } else { EVIDENCE_MIN };
    match learned.pin {
        Pin::Good => None,
        Pin::Bad => Some(CONFIDENCE_OF_PIN),
        // Counts fade a little between one message and the next.
        Pin::None if evidence < least - 0.5 => None,
        Pin::None => {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
            let sure = (100.0 * (1.0 - learned.standing / cold)).round().clamp(0.0, 100.0) as u8;
            (sure > 0).then_some(sure)
        }
    }
}

fn about(learned: &Learned) -> String {
    let counts = &learned.counts;
    let mut parts = Vec::new();
    for (number, what) in [
        (counts.caught, "blocked by a rule"),
        (counts.proven, "proven to be fraud"),
        (counts.reported, "reported by subscribers"),
    ] {
        if number >= 0.5 {
            parts.push(format!("{number:.0} {what}"));
        }
    }
    if learned.pin == Pin::Bad {
        parts.push("an operator's word".into());
    }
    parts.join(", ")
}

fn of_carrier(id: &str, name: &str) -> Value {
    json!({
        "type": "identity", "spec_version": "2.1", "id": id, "created": SINCE, "modified": SINCE, "name": name,
        "identity_class": "organization",
    })
}

/// When the objects that never change were made.
const SINCE: &str = "2026-01-01T00:00:00.000Z";

/// Who defines the extension.
fn of_tapis() -> Value {
    json!({
        "type": "identity", "spec_version": "2.1", "id": Uuid::of(TAPIS, "tapis").id("identity"), "created": SINCE,
        "modified": SINCE, "name": "Tapis", "description": "An inline SMS firewall", "identity_class": "system",
    })
}

/// What the patterns are about for which STIX has no observable (STIX 2.1 §7.3).
fn extension() -> Value {
    json!({
        "type": "extension-definition", "spec_version": "2.1",
        "id": Uuid::of(TAPIS, "sms observables").id("extension-definition"),
        "created_by_ref": Uuid::of(TAPIS, "tapis").id("identity"), "created": SINCE, "modified": SINCE,
        "name": "SMS observables", "description": "What short messages are recognised by", "schema": SCHEMA,
        "version": "1.0.0", "extension_types": ["new-sco"],
    })
}

const SCHEMA: &str = "Three observables, each with one property, `value`, a string. sms-callback: a number that a text asks to call, as + and \
the digits of ITU-T E.164, or a chat handle, as app:handle in small letters. sms-sender: a source address: a name in small letters \
without blanks, look-alike letters undone, the digits of a short code, or + and the digits of a number. sms-template: a text in small \
letters, punctuation left out, each run of digits as 0, each link and chat handle as @, cut after 240 octets.";
