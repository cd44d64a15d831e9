//! Keys of a case: a message, and what comes of it.

use super::{DIRECTION, DURATION, Kind, Section, TEXT, choice, count, key};

/// One case.
pub static CASE: Section = Section {
    name: "a case",
    keys: &[
        key("from", TEXT, "\"+6590000001\"", "source address").needed(),
        key("to", TEXT, "\"+6590000002\"", "destination address").needed(),
        key("text", TEXT, "hello", "what the message says").needed(),
        key("account", TEXT, "agg-sg-1", "the system_id it comes through"),
        key("direction", DIRECTION, "mt", "mt when not said"),
        key("at", Kind::Moment, "\"2026-11-23T22:00+07:00\"", "when it is sent"),
        key("schedule", Kind::Moment, "\"2026-11-24T08:00+07:00\"", "when it is to be delivered"),
        key("data_coding", count(255), "8", "the narrowest that carries the text when not said"),
        key("parts", count(255), "3", "parts of the whole message"),
        key(
            "tlvs",
            Kind::Each(&TEXT),
            "{ 0x1400: \"110100001234\" }",
            "a vendor's optional parameters that it carries",
        ),
        key("known", Kind::Section(&KNOWN), "{ sender: 7d }", "how long things have been known; a year when not said"),
        key("before", Kind::Section(&BEFORE), "{ messages: 300, every: 1s }", "what came before it"),
        key("standing", Kind::Section(&STANDING), "{ sender: 12 }", "what earlier messages say, from 0 to 100"),
        key("expect", choice(&["fires", "silent"]), "fires", "what the rule does, in shadow or exempt too"),
        key("action", choice(&["pass", "tag", "block"]), "tag", "what is finally done"),
    ],
};

/// `known:` of a case.
pub static KNOWN: Section = Section {
    name: "`known`",
    keys: &[
        key("sender", DURATION, "7d", "the sender"),
        key("account", DURATION, "30d", "the account"),
        key("domain", DURATION, "3d", "the domains of links"),
        key("table", DURATION, "30d", "the memory as a whole"),
    ],
};

/// `before:` of a case.
pub static BEFORE: Section = Section {
    name: "`before`",
    keys: &[
        key("messages", count(1_000_000), "300", "how many, all like this one").needed(),
        key("every", DURATION, "1s", "how far apart, the last as long before this one; 1m when not said"),
        key(
            "senders",
            choice(&["same", "distinct"]),
            "distinct",
            "from this one's sender, as when not said, or each from another",
        ),
        key(
            "recipients",
            choice(&["same", "distinct"]),
            "distinct",
            "to this one's recipient, as when not said, or each to another",
        ),
    ],
};

/// `standing:` of a case.
pub static STANDING: Section = Section {
    name: "`standing`",
    keys: &[
        key("sender", count(100), "12", "the sender's"),
        key("account", count(100), "12", "the account's"),
        key("domain", count(100), "12", "the links' domains'"),
        key("phone", count(100), "12", "the telephone numbers'"),
        key("campaign", count(100), "12", "that of texts alike"),
    ],
};
