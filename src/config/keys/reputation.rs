//! Keys of `reputation:`: how long memory lasts, how much it holds, and what evidence weighs.

use super::{DURATION, Kind, Section, TEXT, count, key};
use crate::config::facts::Shape;

const ENTRIES: Kind = count(100_000_000);
const NUMBER: Kind = Kind::Value(Shape::Number);

/// `reputation:`
pub static REPUTATION: Section = Section {
    name: "`reputation`",
    keys: &[
        key("secret", TEXT, "reputation.key", "the file of what keys are hashed under; nodes that share need the same"),
        key("file", TEXT, "../var/reputation", "the snapshot that survives a restart; else `reputation` in `state`"),
        key("flush", DURATION, "30s", "how often it is written"),
        key("shared", Kind::Section(&SHARED), "", "what other nodes are told, and heard from"),
        key("intel", Kind::Section(&INTEL), "", "what other carriers are told, and tell"),
        key(
            "entries_max",
            ENTRIES,
            "1000000",
            "senders and campaigns that are kept, and accounts, domains and phones, which an eighth of the places is for",
        ),
        key("counters_max", ENTRIES, "1000000", "counters of rates: one for each rate and key within its time"),
        key("campaigns_max", ENTRIES, "65536", "campaigns that are told apart"),
        key("names_max", ENTRIES, "100000", "plain names that are kept for lists and exports"),
        key("passed_max", ENTRIES, "65536", "messages that passed lately, for what subscribers report of them"),
        key("short", DURATION, "1h", "half-life of the short memory, which sees what began an hour ago"),
        key("long", DURATION, "14d", "half-life of the long one"),
        key("long_of_links", DURATION, "30d", "the same of domains and phones"),
        key("cold_start", count(99), "50", "the standing of who is not known, from 1 to 99"),
        key("bad_below", count(100), "20", "standings that fewer reporters than `reporters_min` alone never cause"),
        key("reporters_min", count(100), "3", "how many reporters must have said so"),
        key("weights", Kind::Section(&WEIGHTS), "{ report: 3, rule: 2 }", "what evidence weighs"),
    ],
};

/// `shared:` of `reputation:`
pub static SHARED: Section = Section {
    name: "`shared`",
    keys: &[
        key("store", TEXT, "redis://127.0.0.1:6379", "a Valkey or Redis that all nodes reach").needed(),
        key("stream", TEXT, "tapis:reputation", "the stream in it; nodes of one stream hear each other"),
        key("every", DURATION, "150ms", "how often it is asked, from 20ms to 10s"),
        key("keep", DURATION, "10m", "how long what was told can be heard by who was away"),
    ],
};

/// `intel:` of `reputation:`
pub static INTEL: Section = Section {
    name: "`intel`",
    keys: &[
        key("source", TEXT, "Carrier A", "this carrier's name in what `tapis intel export` tells; else the node's"),
        key("feeds", Kind::Sections(&INTEL_FEED), "", "what others tell, as STIX 2.1 bundles"),
    ],
};

/// One of `feeds:` of `intel:`
pub static INTEL_FEED: Section = Section {
    name: "a feed",
    keys: &[
        key("id", Kind::Id, "cert-sg", "its name; `by-hand` is there without being said").needed(),
        key("url", TEXT, "https://cert.example/sms.json", "fetched, and fetched again"),
        key("file", TEXT, "intel/peer.json", "read, and read again; with neither it is filled by `tapis intel import`"),
        key("every", DURATION, "15m", "how often, from 1s to 24h"),
        key("weight", NUMBER, "4", "messages known for sure to be fraud that one of its indicators weighs, up to 100"),
        key("confidence_min", count(100), "30", "less confidence is not heard"),
        key("expires", DURATION, "30d", "an indicator ends at the latest so long after it was last changed"),
        key("entries_max", count(1_000_000), "100000", "more indicators are refused"),
    ],
};

/// `weights:` of `reputation:`
pub static WEIGHTS: Section = Section {
    name: "`weights`",
    keys: &[
        key("report", NUMBER, "3", "a subscriber's report, at most one a reporter and day"),
        key("rule", NUMBER, "2", "a message that a rule blocked by itself, for what it says"),
        key("proof", NUMBER, "5", "one that an analyst called fraud"),
        key("failed", NUMBER, "0.2", "a failed receipt beyond the share of them that honest traffic has"),
        key("delivered", NUMBER, "0.02", "a message that arrived"),
        key("replied", NUMBER, "0.5", "a recipient that wrote back"),
    ],
};
