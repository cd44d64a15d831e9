//! The facts that a condition may ask for, as one table: the reference, the decoder and the compiler read the same rows.

use crate::limits::TEXT_CHARACTERS_MAX;
use crate::text::language::LANGUAGES;
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
    /// The tag of an optional parameter: `0x1400`.
    Tag,
    /// A sequence of such tags.
    Tags,
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
    /// Days, of a year or of every year.
    Dates,
}

impl ListKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Words, Self::Domains, Self::Senders, Self::Numbers, Self::Hashes, Self::Addresses, Self::Dates];

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
            Self::Dates => "dates",
        }
    }
}

/// What answers a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The message and the policy.
    Message,
    /// What is remembered of earlier messages.
    Memory,
    /// Nothing in this version: it is unknown, and a rule that needs it stays silent.
    Nobody,
}

/// One key of a fact.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// The key.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What answers it.
    pub by: By,
    /// What it asks, for people.
    pub about: &'static str,
    /// A value, as it is written in YAML.
    pub example: &'static str,
    /// What a number is counted in; empty where its value says so or it has none.
    pub unit: &'static str,
}

/// One fact.
#[derive(Clone, Copy, Debug)]
pub struct FactSpec {
    /// The key.
    pub name: &'static str,
    /// Whether a message may have several of it: then all keys must hold of the same one.
    pub many: bool,
    /// What it is, for people.
    pub about: &'static str,
    /// Its keys.
    pub fields: &'static [FieldSpec],
}

const fn field(name: &'static str, shape: Shape, about: &'static str, example: &'static str) -> FieldSpec {
    FieldSpec { name, shape, by: By::Message, about, example, unit: "" }
}

const fn remembered(name: &'static str, shape: Shape, about: &'static str, example: &'static str) -> FieldSpec {
    FieldSpec { name, shape, by: By::Memory, about, example, unit: "" }
}

impl FieldSpec {
    const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    const fn unknown(self) -> Self {
        Self { by: By::Nobody, ..self }
    }
}

const DIRECTIONS: &[&str] = &["mt", "mo"];
const OPERATIONS: &[&str] = &["submit_sm", "submit_multi", "data_sm", "deliver_sm", "replace_sm", "broadcast_sm"];
const PARTY_KINDS: &[&str] = &["alphanumeric", "number", "short_code", "empty"];
const LINK_KINDS: &[&str] = &["plain", "ip", "punycode", "apk"];
/// Chat applications.
pub const APPS: &[&str] =
    &["whatsapp", "telegram", "line", "zalo", "viber", "wechat", "messenger", "signal", "instagram", "facebook"];
const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const COUNTED: &[&str] = &["messages", "recipients", "senders", "domains"];
const KEYS: &[&str] = &["sender", "account", "recipient", "domain", "phone", "campaign", "range"];
const STANDING_KEYS: &[&str] = &["sender", "account", "domain", "phone", "campaign"];

/// Texts longer than this are cut before they are judged.
const CHARACTERS_MAX: u64 = TEXT_CHARACTERS_MAX as u64;

use ListKind::{Addresses, Dates, Domains, Hashes, Numbers, Senders, Words};

/// The table.
pub static FACTS: &[FactSpec] = &[
    FactSpec {
        name: "message",
        many: false,
        about: "what carries it, and how",
        fields: &[
            field("direction", Shape::Choice(DIRECTIONS), "mt is towards a subscriber, mo from one", "mt"),
            field("operation", Shape::Choice(OPERATIONS), "the request that carries it", "submit_multi"),
            field("data_coding", Shape::Count(255), "as the PDU says it; unknown for replace_sm, which has none", "8")
                .unit("octet"),
            field(
                "class",
                Shape::Count(3),
                "the message class: 0 is shown at once and kept nowhere (a flash message)",
                "0",
            ),
            field("protocol_id", Shape::Count(255), "as the PDU says it (3GPP TS 23.040 §9.2.3.9)", "64").unit("octet"),
            field("parts_above", Shape::Count(254), "parts of the whole message, strictly more than this", "10")
                .unit("parts"),
            field(
                "ports",
                Shape::Flag,
                "whether it is addressed to a port of the handset, and not to a reader",
                "true",
            ),
            field("port", Shape::Count(65_535), "the very port that it is addressed to", "2948"),
            field(
                "payload",
                Shape::Choice(Payload::NAMES),
                "what its user data is; the words stand in the document on codings",
                "text",
            ),
            field("payloads", Shape::Choices(Payload::NAMES), "one of these", "[vcard, wap_push]"),
            field(
                "anomaly",
                Shape::Choice(Anomaly::NAMES),
                "something odd in the way it came; the words stand in the document on codings",
                "several_texts",
            ),
            field("tlv", Shape::Tag, "it carries this vendor's optional parameter, 0x1400 to 0x3FFF", "0x1400"),
            field("tlvs", Shape::Tags, "it carries one of these", "[0x1400, 0x1401]"),
            field("anomalies", Shape::Choices(Anomaly::NAMES), "one of these", "[several_texts]"),
        ],
    },
    FactSpec {
        name: "account",
        many: false,
        about: "whose bind it came through, and what the policy says of it",
        fields: &[
            field("id", Shape::Text, "its system_id", "agg-hk-9"),
            field("ids", Shape::Texts, "one of these", "[agg-hk-9, agg-hk-10]"),
            field("id_in", Shape::List(&[Senders]), "in a list of system_ids", "trusted"),
            field("class", Shape::Text, "its class in `accounts:`", "bank"),
            remembered("age_below", Shape::Duration, "first seen less than this ago", "30d"),
        ],
    },
    FactSpec {
        name: "peer",
        many: false,
        about: "the ESME at the other end of the connection",
        fields: &[field(
            "address_in",
            Shape::List(&[Addresses]),
            "its IP address is in a list of addresses and networks",
            "offices",
        )],
    },
    FactSpec {
        name: "sender",
        many: false,
        about: "the source address",
        fields: &[
            field("id", Shape::Text, "the address as written, without regard to case", "DBS"),
            field("ids", Shape::Texts, "one of these", "[DBS, POSB]"),
            field(
                "id_in",
                Shape::ListOrRegistry(Senders),
                "in a list of senders, or a name of a registry, whoever uses it",
                "senders",
            ),
            field(
                "kind",
                Shape::Choice(PARTY_KINDS),
                "what the address is, whatever its type of number claims",
                "alphanumeric",
            ),
            field("country", Shape::Country, "the country of its number; names have none", "SG"),
            field("countries", Shape::Countries, "one of these", "[SG, MY]"),
            field(
                "prefix_in",
                Shape::List(&[Numbers]),
                "its number begins with an entry of a list of numbers: a do-not-originate list",
                "never-originate",
            ),
            field(
                "registered_in",
                Shape::Registry,
                "this name, through this account, on this day, stands in the registry",
                "senders",
            ),
            field(
                "id_like",
                Shape::ListOrRegistry(Senders),
                "reads like an entry and is none: D8S, DB5, DBS.",
                "senders",
            ),
            remembered("age_below", Shape::Duration, "first seen less than this ago", "7d"),
        ],
    },
    FactSpec {
        name: "recipient",
        many: false,
        about: "the destination address",
        fields: &[
            field("country", Shape::Country, "the country of its number", "SG"),
            field("countries", Shape::Countries, "one of these", "[SG, MY]"),
            field(
                "prefix_in",
                Shape::List(&[Numbers]),
                "its number begins with an entry of a list of numbers",
                "ported",
            ),
        ],
    },
    FactSpec {
        name: "text",
        many: false,
        about: "what the subscriber would read, of all parts together",
        fields: &[
            field("words", Shape::Texts, "one of these words or phrases is in the matching form", "[parcel, พัสดุ]"),
            field("word_in", Shape::List(&[Words]), "a word of the list is in the matching form", "couriers"),
            field(
                "regex",
                Shape::Regex,
                "the pattern is found in the matching form: small letters, no look-around",
                "'send (me|us) the code'",
            ),
            field(
                "except",
                Shape::Regex,
                "drops the matches of `regex` that lie wholly inside one of its own",
                "'never send (me|us) the code'",
            ),
            field("starts_with", Shape::Texts, "the text as written begins with one of these", "[\"[QC]\", \"[AD]\"]"),
            field("length_above", Shape::Count(CHARACTERS_MAX), "strictly more than this", "160").unit("characters"),
            field("length_below", Shape::Count(CHARACTERS_MAX), "strictly fewer than this", "20").unit("characters"),
            field(
                "obfuscation_above",
                Shape::Number,
                "how disguised it is: characters undone for each hundred letters and digits",
                "5",
            )
            .unit("characters in a hundred"),
            field(
                "language",
                Shape::Choice(LANGUAGES),
                "the language that it seems to be in; id is Malay too; unknown when unsure",
                "th",
            ),
            field("languages", Shape::Choices(LANGUAGES), "one of these", "[th, lo]"),
            field(
                "hash_in",
                Shape::List(&[Hashes]),
                "the hash of its template, the matching form with its numbers masked, is in a list",
                "known-templates",
            ),
        ],
    },
    FactSpec {
        name: "link",
        many: true,
        about: "one of the links of the text, hidden ones too",
        fields: &[
            field("domain", Shape::Text, "this domain, or one below it", "bit.ly"),
            field("domains", Shape::Texts, "one of these", "[wa.me, t.me]"),
            field("domain_in", Shape::List(&[Domains]), "in a list of domains, each with those below it", "shorteners"),
            field("domain_not_in", Shape::List(&[Domains]), "in none of the list", "own-domains"),
            field("domain_like", Shape::List(&[Domains]), "looks like an entry and is none", "bank-domains"),
            field("host_in", Shape::List(&[Domains]), "the very host is an entry", "hosts"),
            field("brand_in", Shape::List(&[Words]), "a word of the list is seen in the host", "brands"),
            field("kind", Shape::Choice(LINK_KINDS), "what it is; a link may be of several kinds", "ip"),
            field(
                "sender_owns",
                Shape::Flag,
                "whether the registries give its domain to the sender, through this account",
                "false",
            ),
            remembered("age_below", Shape::Duration, "first seen less than this ago", "3d"),
        ],
    },
    FactSpec {
        name: "phone",
        many: true,
        about: "one of the telephone numbers of the text",
        fields: &[
            field(
                "in",
                Shape::List(&[Numbers]),
                "the whole number is in a list; that of a service also without its country's code",
                "hotlines",
            ),
            field("not_in", Shape::List(&[Numbers]), "in none of the list", "hotlines"),
            field("prefix_in", Shape::List(&[Numbers]), "it begins with an entry of the list", "premium"),
            field("country", Shape::Country, "its country", "ID"),
            field("countries", Shape::Countries, "one of these", "[ID, MY]"),
            field(
                "sender_owns",
                Shape::Flag,
                "whether the registries give it to the sender, through this account",
                "false",
            ),
        ],
    },
    FactSpec {
        name: "handle",
        many: true,
        about: "one of the chat handles of the text",
        fields: &[
            field("app", Shape::Choice(APPS), "the application", "line"),
            field("apps", Shape::Choices(APPS), "one of these", "[line, telegram]"),
            field(
                "id_in",
                Shape::List(&[Senders, Words]),
                "its name, with or without @, or its number, is in the list",
                "known-handles",
            ),
        ],
    },
    FactSpec {
        name: "amount",
        many: true,
        about: "one of the amounts of money of the text",
        fields: &[
            field("currency", Shape::Currency, "ISO 4217", "THB"),
            field("value_above", Shape::Money, "strictly more than this", "1000").unit("units of the currency"),
        ],
    },
    FactSpec {
        name: "code",
        many: true,
        about: "one of the one-time codes of the text",
        fields: &[field("length", Shape::Count(8), "how long it is, from 4 to 8", "6").unit("digits")],
    },
    FactSpec {
        name: "time",
        many: false,
        about: "when it reaches the subscriber: schedule_delivery_time, else now",
        fields: &[
            field("within", Shape::Within, "from inclusive, to exclusive; may cross midnight", "\"22:00-07:00\""),
            field(
                "zone",
                Shape::Zone,
                "whose time `within`, `days` and `calendar_in` mean; UTC when not named",
                "Asia/Ho_Chi_Minh",
            ),
            field("days", Shape::Choices(DAYS), "one of these days of the week", "[sat, sun]"),
            field("calendar_in", Shape::List(&[Dates]), "the day is in a list of dates", "holidays"),
        ],
    },
    FactSpec {
        name: "rate",
        many: false,
        about: "how much came within a time, this message included",
        fields: &[
            remembered(
                "count",
                Shape::Choice(COUNTED),
                "what is counted: messages, or how many different ones there are of the others",
                "recipients",
            ),
            remembered(
                "per",
                Shape::Choices(KEYS),
                "of whom each, or of which pair; of the domains and phones of one message the one with most; `range` is the thousand numbers that the recipient's is one of",
                "[account, recipient]",
            ),
            remembered("over", Shape::Duration, "in which time, up to now: from 1s to 31d", "10m"),
            remembered("above", Shape::Count(1_000_000_000), "strictly more than this", "300")
                .unit("what `count` says"),
            remembered("of", Shape::Finding, "only messages with the finding of this one rule", "vn-advert"),
            remembered(
                "counted",
                Shape::Choice(&["seen", "passed"]),
                "`seen`, when not said: all, with this one; `passed`: those that went on, marked or not, before this one",
                "passed",
            ),
        ],
    },
    FactSpec {
        name: "standing",
        many: false,
        about: "what is remembered of a key, from 0, the worst, to 100",
        fields: &[
            remembered(
                "of",
                Shape::Choice(STANDING_KEYS),
                "whose; of several domains or phones the worst; unknown as long as the key is",
                "sender",
            ),
            remembered("below", Shape::Count(100), "strictly less than this", "20").unit("points of 100"),
        ],
    },
    FactSpec {
        name: "model",
        many: false,
        about: "what the model of texts says",
        fields: &[remembered("probability_above", Shape::Number, "of fraud, strictly more than this", "0.9")
            .unit("0 to 1")
            .unknown()],
    },
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
