//! The facts that a condition may ask for, as one table: the reference, the decoder and the compiler read the same rows.

use crate::limits::TEXT_CHARACTERS_MAX;
use crate::text::{Anomaly, Payload};

/// What a field's value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A sequence of texts.
    Texts,
    /// One word of a closed set.
    Choice(&'static [&'static str]),
    /// A sequence of such words.
    Choices(&'static [&'static str]),
    /// A country.
    Country,
    /// A sequence of countries.
    Countries,
    /// The name of a list of one of these kinds.
    List(&'static [ListKind]),
    /// The name of a list of this kind, or of a registry.
    ListOrRegistry(ListKind),
    /// The name of a registry.
    Registry,
    /// A regular expression over the matching form.
    Regex,
    /// `true` or `false`.
    Flag,
    /// A whole number, at most this.
    Count(u64),
    /// A currency by its ISO 4217 code.
    Currency,
    /// An amount of money with at most two decimals.
    Money,
    /// A number with at most two decimals.
    Number,
    /// A duration with its unit.
    Duration,
    /// From and to of a day: `22:00-07:00`.
    Within,
    /// An IANA time zone.
    Zone,
    /// The id of a rule.
    Finding,
}

/// What the entries of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Words and phrases of texts.
    Words,
    /// Domains; each stands for its subdomains too.
    Domains,
    /// Sender ids.
    Senders,
    /// Prefixes of international numbers.
    Numbers,
    /// Hashes of texts.
    Hashes,
    /// IP addresses and networks.
    Addresses,
}

impl ListKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::Words, Self::Domains, Self::Senders, Self::Numbers, Self::Hashes, Self::Addresses];

    /// The key in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Domains => "domains",
            Self::Senders => "senders",
            Self::Numbers => "numbers",
            Self::Hashes => "hashes",
            Self::Addresses => "addresses",
        }
    }
}

/// One key of a fact.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// The key.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether Tapis can know it from the message and the policy. What it cannot (because it needs memory of earlier
    /// messages) is unknown, and a rule that needs it stays silent.
    pub known: bool,
}

/// One fact.
#[derive(Clone, Copy, Debug)]
pub struct FactSpec {
    /// The key.
    pub name: &'static str,
    /// Whether a message may have several of it: then all keys must hold of the same one.
    pub many: bool,
    /// Its keys.
    pub fields: &'static [FieldSpec],
}

const fn field(name: &'static str, shape: Shape) -> FieldSpec {
    FieldSpec { name, shape, known: true }
}

const fn remembered(name: &'static str, shape: Shape) -> FieldSpec {
    FieldSpec { name, shape, known: false }
}

const DIRECTIONS: &[&str] = &["mt", "mo"];
const OPERATIONS: &[&str] = &["submit_sm", "submit_multi", "data_sm", "deliver_sm", "replace_sm", "broadcast_sm"];
const PARTY_KINDS: &[&str] = &["alphanumeric", "number", "short_code", "empty"];
const LINK_KINDS: &[&str] = &["plain", "ip", "punycode", "apk"];
/// Chat applications.
pub const APPS: &[&str] =
    &["whatsapp", "telegram", "line", "zalo", "viber", "wechat", "messenger", "signal", "instagram", "facebook"];
const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const KEYS: &[&str] = &["sender", "account", "recipient", "domain", "phone", "campaign"];

/// Texts longer than this are cut before they are judged.
const CHARACTERS_MAX: u64 = TEXT_CHARACTERS_MAX as u64;

use ListKind::{Addresses, Domains, Numbers, Senders, Words};

/// The table.
pub static FACTS: &[FactSpec] = &[
    FactSpec {
        name: "message",
        many: false,
        fields: &[
            field("direction", Shape::Choice(DIRECTIONS)),
            field("operation", Shape::Choice(OPERATIONS)),
            field("data_coding", Shape::Count(255)),
            field("class", Shape::Count(3)),
            field("protocol_id", Shape::Count(255)),
            field("parts_above", Shape::Count(254)),
            field("ports", Shape::Flag),
            field("port", Shape::Count(65_535)),
            field("payload", Shape::Choice(Payload::NAMES)),
            field("payloads", Shape::Choices(Payload::NAMES)),
            field("anomaly", Shape::Choice(Anomaly::NAMES)),
            field("anomalies", Shape::Choices(Anomaly::NAMES)),
        ],
    },
    FactSpec {
        name: "account",
        many: false,
        fields: &[
            field("id", Shape::Text),
            field("ids", Shape::Texts),
            field("id_in", Shape::List(&[Senders])),
            field("class", Shape::Text),
            remembered("age_below", Shape::Duration),
        ],
    },
    FactSpec { name: "peer", many: false, fields: &[field("address_in", Shape::List(&[Addresses]))] },
    FactSpec {
        name: "sender",
        many: false,
        fields: &[
            field("id", Shape::Text),
            field("ids", Shape::Texts),
            field("id_in", Shape::ListOrRegistry(Senders)),
            field("kind", Shape::Choice(PARTY_KINDS)),
            field("country", Shape::Country),
            field("countries", Shape::Countries),
            field("prefix_in", Shape::List(&[Numbers])),
            field("registered_in", Shape::Registry),
            field("id_like", Shape::ListOrRegistry(Senders)),
            remembered("age_below", Shape::Duration),
        ],
    },
    FactSpec {
        name: "recipient",
        many: false,
        fields: &[
            field("country", Shape::Country),
            field("countries", Shape::Countries),
            field("prefix_in", Shape::List(&[Numbers])),
        ],
    },
    FactSpec {
        name: "text",
        many: false,
        fields: &[
            field("words", Shape::Texts),
            field("word_in", Shape::List(&[Words])),
            field("regex", Shape::Regex),
            field("except", Shape::Regex),
            field("starts_with", Shape::Texts),
            field("length_above", Shape::Count(CHARACTERS_MAX)),
            field("length_below", Shape::Count(CHARACTERS_MAX)),
            field("obfuscation_above", Shape::Number),
            remembered("language", Shape::Text),
        ],
    },
    FactSpec {
        name: "link",
        many: true,
        fields: &[
            field("domain", Shape::Text),
            field("domains", Shape::Texts),
            field("domain_in", Shape::List(&[Domains])),
            field("domain_not_in", Shape::List(&[Domains])),
            field("domain_like", Shape::List(&[Domains])),
            field("host_in", Shape::List(&[Domains])),
            field("brand_in", Shape::List(&[Words])),
            field("kind", Shape::Choice(LINK_KINDS)),
            field("sender_owns", Shape::Flag),
            remembered("age_below", Shape::Duration),
        ],
    },
    FactSpec {
        name: "phone",
        many: true,
        fields: &[
            field("in", Shape::List(&[Numbers])),
            field("not_in", Shape::List(&[Numbers])),
            field("prefix_in", Shape::List(&[Numbers])),
            field("country", Shape::Country),
            field("countries", Shape::Countries),
            field("sender_owns", Shape::Flag),
        ],
    },
    FactSpec {
        name: "handle",
        many: true,
        fields: &[
            field("app", Shape::Choice(APPS)),
            field("apps", Shape::Choices(APPS)),
            field("id_in", Shape::List(&[Senders, Words])),
        ],
    },
    FactSpec {
        name: "amount",
        many: true,
        fields: &[field("currency", Shape::Currency), field("value_above", Shape::Money)],
    },
    FactSpec { name: "code", many: true, fields: &[field("length", Shape::Count(8))] },
    FactSpec {
        name: "time",
        many: false,
        fields: &[
            field("within", Shape::Within),
            field("zone", Shape::Zone),
            field("days", Shape::Choices(DAYS)),
            remembered("calendar_in", Shape::Text),
        ],
    },
    FactSpec {
        name: "rate",
        many: false,
        fields: &[
            remembered("count", Shape::Choice(&["messages", "recipients", "senders", "domains"])),
            remembered("per", Shape::Choices(KEYS)),
            remembered("over", Shape::Duration),
            remembered("above", Shape::Count(1_000_000_000)),
            remembered("of", Shape::Finding),
            remembered("counted", Shape::Choice(&["seen", "passed"])),
        ],
    },
    FactSpec {
        name: "standing",
        many: false,
        fields: &[
            remembered("of", Shape::Choice(&["sender", "account", "domain", "phone", "campaign"])),
            remembered("below", Shape::Number),
        ],
    },
    FactSpec { name: "model", many: false, fields: &[remembered("probability_above", Shape::Number)] },
];

/// The fact of a name.
#[must_use]
pub fn fact(name: &str) -> Option<&'static FactSpec> {
    FACTS.iter().find(|f| f.name == name)
}

impl FactSpec {
    /// The key of a name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.fields.iter().find(|f| f.name == name)
    }
}

/// What `has:` may ask for.
pub const THINGS: &[&str] = &["link", "phone", "handle", "amount", "code"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_things_may_be_many() {
        for (n, fact) in FACTS.iter().enumerate() {
            assert!(FACTS.iter().skip(n + 1).all(|other| other.name != fact.name), "{}", fact.name);
            assert_eq!(fact.many, THINGS.contains(&fact.name), "{}", fact.name);
            for (n, field) in fact.fields.iter().enumerate() {
                assert!(fact.fields.iter().skip(n + 1).all(|other| other.name != field.name), "{}", field.name);
            }
        }
    }
}
