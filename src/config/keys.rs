//! Every key of the YAML, as one table: the decoder takes the names it knows from it, and the reference and the schema
//! for editors are written from it. What a fact asks stands in [`super::facts`].

mod case;
mod node;
mod reputation;

pub use case::{BEFORE, CASE, KNOWN, STANDING};
pub use node::{CANARY, CAPTURE, JOURNAL, LIMITS, LISTEN_TLS, PARTS, SMSC, SMSC_TLS, TIMERS};
pub use reputation::{INTEL, INTEL_FEED, REPUTATION, SHARED, WEIGHTS};

use super::facts::Shape;
use super::rules::CATEGORIES;

/// What the value of a key looks like.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A value of a fact's shape.
    Value(Shape),
    /// Small letters, digits and hyphens.
    Id,
    /// Points with at most two decimals, up to this.
    Points(u32),
    /// A day: `2027-11-30`.
    Date,
    /// A moment (RFC 3339), quoted.
    Moment,
    /// A size with its unit: `64KiB`.
    Size,
    /// A condition.
    Condition,
    /// A name of a `command_status`.
    Status,
    /// A map with the keys of a section.
    Section(&'static Section),
    /// A list of such maps.
    Sections(&'static Section),
    /// A map of names to such maps.
    Named(&'static Section),
    /// A map of names to values.
    Each(&'static Kind),
    /// A list of conditions.
    Conditions,
    /// One of these.
    Either(&'static [Kind]),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// Whether it must be there.
    pub needed: bool,
    /// What it says, for people.
    pub about: &'static str,
    /// A value, as it is written in YAML; empty where an example stands elsewhere.
    pub example: &'static str,
}

/// The keys of one map.
#[derive(Debug)]
pub struct Section {
    /// How messages name the map.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

impl Section {
    /// The names of all its keys.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|k| k.name).collect()
    }
}

const fn key(name: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Key {
    Key { name, kind, needed: false, about, example }
}

impl Key {
    const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }
}

const TEXT: Kind = Kind::Value(Shape::Text);
const TEXTS: Kind = Kind::Value(Shape::Texts);
const FLAG: Kind = Kind::Value(Shape::Flag);
const COUNTRY: Kind = Kind::Value(Shape::Country);
const DURATION: Kind = Kind::Value(Shape::Duration);
const SCORE: Kind = Kind::Points(20);
const THRESHOLD: Kind = Kind::Points(1_000);
const ONE_OR_MORE: Kind = Kind::Either(&[TEXT, TEXTS]);
const FAILURE: Kind = choice(&["pass", "block"]);
const DIRECTION: Kind = choice(&["mt", "mo"]);

const fn choice(words: &'static [&'static str]) -> Kind {
    Kind::Value(Shape::Choice(words))
}

const fn count(max: u64) -> Kind {
    Kind::Value(Shape::Count(max))
}

/// `pack:`
pub static PACK: Section = Section {
    name: "`pack`",
    keys: &[
        key("id", Kind::Id, "sg", "the first half of the full ids of its rules").needed(),
        key("version", TEXT, "\"2\"", "the author's"),
        key("about", TEXT, "", "one line for people"),
        key("country", COUNTRY, "SG", "the country whose traffic it is for"),
        key("mode", MODE, "shadow", "the mode of its rules that say none"),
    ],
};

const MODE: Kind = choice(&["live", "shadow", "off"]);

/// `defaults:`
pub static DEFAULTS: Section = Section {
    name: "`defaults`",
    keys: &[
        key("category", choice(CATEGORIES), "bank", "of rules that say none"),
        key("group", TEXT, "link", "of rules that say none"),
        key("mode", MODE, "live", "of rules that say none"),
        key("when", Kind::Condition, "{ recipient: { country: SG } }", "joined to every rule's own by *and*"),
    ],
};

/// One rule.
pub static RULE: Section = Section {
    name: "a rule",
    keys: &[
        key("id", Kind::Id, "parcel-fee", "unique within its pack, at most 64 characters, never used again").needed(),
        key("when", Kind::Condition, "{ has: link }", "it fires when this is true").needed(),
        key("score", SCORE, "6", "points: one doubles the odds of fraud; 0 names a building block"),
        key("action", choice(&["tag", "block"]), "tag", "what is done whatever the score"),
        key("about", TEXT, "a parcel waits for a fee", "one line for people; should be there"),
        key("category", choice(CATEGORIES), "parcel", "what it is about; should be there"),
        key("cases", Kind::Sections(&CASE), "", "messages that it must, or must not, fire on; should be there"),
        key("group", TEXT, "theme", "points of one group are added up to its cap only"),
        key("basis", TEXT, "MCMC directive of 14 February 2023", "the law or contract, printed in reports"),
        key("refs", ONE_OR_MORE, "[https://www.imda.gov.sg]", "sources"),
        key("owner", TEXT, "fraud desk", "who answers for it"),
        key("status", Kind::Status, "ESME_RSUBMITFAIL", "the answer of a block by this rule"),
        key("answer", ANSWER, "refuse", "accept lets the sender hear ESME_ROK"),
        key("tag", TEXT, "warn-link", "which tag marks the message"),
        key("mode", MODE, "shadow", "shadow is found, counted and written, and changes nothing"),
        key("firm", FLAG, "true", "only an exemption that names the full id silences it"),
        key("expires", Kind::Date, "2027-11-30", "the first day on which it no longer fires"),
        key(
            "sample",
            count(1_000_000),
            "100",
            "it is asked of one message in so many, which their contents choose; cases are asked all",
        ),
    ],
};

const ANSWER: Kind = choice(&["refuse", "accept"]);

/// One exemption.
pub static EXEMPTION: Section = Section {
    name: "an exemption",
    keys: &[
        key("id", Kind::Id, "own-name-own-links", "unique among rules and exemptions").needed(),
        key("about", TEXT, "", "one line for people"),
        key("silences", TEXTS, "[rule-id, \"pack/*\", \"group:link\"]", "the findings that it takes the weight from")
            .needed(),
        key("owner", TEXT, "fraud desk", "who answers for what it lets through").needed(),
        key("expires", Kind::Date, "2027-11-30", "the first day on which it no longer holds").needed(),
        key("when", Kind::Condition, "{ sender: { registered_in: senders } }", "it holds when this is true").needed(),
        key("cases", Kind::Sections(&CASE), "", "messages that it must, or must not, hold for"),
        key("basis", TEXT, "", "the law or contract"),
        key("refs", ONE_OR_MORE, "", "sources"),
    ],
};

/// `home:`
pub static HOME: Section =
    Section { name: "`home`", keys: &[key("country", COUNTRY, "SG", "whose national numbers these are").needed()] };

/// One entry of `groups:`.
pub static GROUP: Section = Section {
    name: "a group",
    keys: &[
        key("cap", THRESHOLD, "8", "its rules add up to this at most").needed(),
        key("about", TEXT, "", "one line for people"),
    ],
};

/// One entry of `accounts:`.
pub static ACCOUNT: Section = Section {
    name: "an account",
    keys: &[
        key("class", TEXT, "bank", "a word of yours, for rules and profiles"),
        key("alphabet", choice(&ALPHABETS), "latin-1", "what data_coding 0 means"),
        key("home", Kind::Either(&[COUNTRY, Kind::Section(&HOME)]), "SG", "whose its national numbers are"),
    ],
};

/// The names of alphabets.
const ALPHABETS: [&str; crate::text::Alphabet::NAMES.len()] = {
    let mut names = [""; crate::text::Alphabet::NAMES.len()];
    let mut n = 0;
    while n < names.len() {
        #[allow(clippy::indexing_slicing, reason = "both are as long as each other")]
        {
            names[n] = crate::text::Alphabet::NAMES[n].0;
        }
        n += 1;
    }
    names
};

/// One entry of `profiles:`.
pub static PROFILE: Section = Section {
    name: "a profile",
    keys: &[
        key("id", Kind::Id, "banks", "the record names it").needed(),
        key("for", Kind::Section(&FOR), "{ account_class: bank }", "whose messages; the last has none"),
        key("thresholds", Kind::Section(&THRESHOLDS), "{ tag: 5, block: 10 }", "from which score on what is done"),
        key("action_max", choice(&["pass", "tag", "block"]), "tag", "the strongest action"),
        key("status", Kind::Status, "ESME_RSUBMITFAIL", "the answer of blocks that no rule names one for"),
        key("answer", ANSWER, "refuse", "accept lets the sender hear ESME_ROK"),
        key("tag", TEXT, "likely-scam", "the tag of messages that no rule names one for"),
    ],
};

/// `for:` of a profile.
pub static FOR: Section = Section {
    name: "`for`",
    keys: &[
        key("account", TEXT, "dbs-direct", "a system_id"),
        key("account_class", TEXT, "bank", "a class of `accounts:`"),
        key("direction", DIRECTION, "mo", "which way it travels"),
        key("country", COUNTRY, "SG", "the recipient's"),
    ],
};

/// `thresholds:` of a profile.
pub static THRESHOLDS: Section = Section {
    name: "`thresholds`",
    keys: &[
        key("tag", THRESHOLD, "5", "the score from which a message is tagged"),
        key("block", THRESHOLD, "10", "the score from which it is blocked"),
    ],
};

/// One entry of `overrides:`.
pub static OVERRIDE: Section = Section {
    name: "an override",
    keys: &[
        key("mode", MODE, "shadow", "instead of the rule's own"),
        key("score", SCORE, "4", "instead of the rule's own"),
        key("action", choice(&["tag", "block"]), "tag", "instead of the rule's own"),
    ],
};

/// One entry of `registries:`.
pub static REGISTRY: Section = Section {
    name: "a registry",
    keys: &[
        key("entries", Kind::Sections(&REGISTRY_ENTRY), "", "names, inline"),
        key("file", TEXT, "lists/registered-senders.csv", "CSV with the keys of an entry as its header"),
        key("about", TEXT, "", "one line for people"),
    ],
};

/// One registered name.
pub static REGISTRY_ENTRY: Section = Section {
    name: "a registry entry",
    keys: &[
        key("sender", TEXT, "DBS", "the name").needed(),
        key("entity", TEXT, "DBS Bank Ltd", "the legal person behind it"),
        key("accounts", TEXTS, "[dbs-direct]", "the accounts it may come through; none means any"),
        key("domains", TEXTS, "[dbs.com.sg]", "what it may link to"),
        key("phones", TEXTS, "[\"+6560000001\"]", "what it may ask people to call"),
        key("category", TEXT, "bank", "a word of yours"),
        key("valid_from", Kind::Date, "2026-01-01", "the first day"),
        key("valid_until", Kind::Date, "2026-12-31", "the last day"),
    ],
};

/// One entry of `tags:`.
pub static TAG: Section = Section {
    name: "a tag",
    keys: &[
        key("source_addr", TEXT, "Likely-SCAM", "takes the sender's place; ASCII, at most 11 characters"),
        key(
            "prefix",
            Kind::Either(&[TEXT, Kind::Each(&TEXT)]),
            "{ TH: \"[ระวัง] \", default: \"[SCAM?] \" }",
            "put before the text, by the recipient's country",
        ),
        key("tlv", Kind::Section(&TLV), "{ tag: 0x1500, value: review }", "a vendor's TLV"),
        key("about", TEXT, "", "one line for people"),
    ],
};

/// `tlv:` of a tag.
pub static TLV: Section = Section {
    name: "`tlv`",
    keys: &[
        key("tag", TEXT, "0x1500", "from 0x1400 to 0x3FFF (SMPP 3.4 §5.3.2)").needed(),
        key("value", TEXT, "review", "its octets").needed(),
    ],
};

/// Entries of a list, wherever they come from.
const SOURCE: Kind = Kind::Either(&[TEXTS, Kind::Section(&LIST_SOURCE)]);

/// One entry of `lists:`: exactly one key.
pub static LIST: Section = Section {
    name: "a list",
    keys: &[
        key("words", SOURCE, "[singpost, \"ninja van\"]", "words and phrases of texts, folded as texts are"),
        key("domains", SOURCE, "[bit.ly]", "domains, each with those below it"),
        key("senders", SOURCE, "[DBS]", "source addresses or system_ids, without regard to case"),
        key("numbers", SOURCE, "[\"+65\"]", "prefixes of international numbers"),
        key(
            "hashes",
            SOURCE,
            "[5f0c1c7e9a7b3d21]",
            "hashes of templates: `template` of records and of `tapis explain`",
        ),
        key("addresses", SOURCE, "[192.0.2.0/24]", "IP addresses and networks"),
        key("dates", SOURCE, "[2026-02-17, 12-25]", "days, of a year or of every year"),
    ],
};

/// Where a list comes from.
pub static LIST_SOURCE: Section = Section {
    name: "a list's source",
    keys: &[
        key("file", TEXT, "lists/shorteners.txt", "one entry a line, or CSV with the header value,expires,note"),
        key("url", TEXT, "http://feeds.example/bad-domains.txt", "fetched, and fetched again"),
        key("every", DURATION, "15m", "how often"),
        key("intel", Kind::Id, "cert-sg", "what a feed of `reputation: intel` warns of: domains, senders or numbers"),
        key("confidence_min", count(100), "60", "of that feed only what is so sure"),
        key("sha256", TEXT, "", "what the fetched file must hash to"),
        key("entries_max", count(100_000_000), "1000000", "more entries are refused"),
    ],
};

/// `at_least:`
pub static AT_LEAST: Section = Section {
    name: "`at_least`",
    keys: &[
        key("count", count(1_000), "2", "how many").needed(),
        key("of", Kind::Conditions, "[ { has: link }, { has: phone } ]", "of what").needed(),
    ],
};

/// Keys of policy, which `tapis.yaml` and rule files share.
macro_rules! shared {
    ($($own:expr,)*) => {
        &[
            $($own,)*
            key("home", Kind::Section(&HOME), "{ country: SG }", "how national numbers are read"),
            key("mode", MODE, "live", "no rule is louder than this"),
            key("report_short_codes", TEXTS, "[\"7726\"]", "numbers that subscribers report to: never judged"),
            key("accounts", Kind::Named(&ACCOUNT), "", "what is known of system_ids"),
            key("profiles", Kind::Sections(&PROFILE), "", "how points become an action: the first that fits"),
            key("overrides", Kind::Named(&OVERRIDE), "", "by full id or glob: what an operator changes of a rule"),
            key("groups", Kind::Named(&GROUP), "", "groups of correlated evidence"),
        ]
    };
}

/// A rule file.
pub static RULE_FILE: Section = Section {
    name: "a rule file",
    keys: shared![
        key("version", choice(&["1"]), "1", "of the language"),
        key("pack", Kind::Section(&PACK), "", "what its rules belong to"),
        key("defaults", Kind::Section(&DEFAULTS), "", "what its rules do not say themselves"),
        key("lists", Kind::Named(&LIST), "", "words, domains and so on, by name"),
        key("registries", Kind::Named(&REGISTRY), "", "who may send under which name"),
        key("tags", Kind::Named(&TAG), "", "how messages are marked; constant texts"),
        key("rules", Kind::Sections(&RULE), "", "what is looked for"),
        key("exemptions", Kind::Sections(&EXEMPTION), "", "what is let through all the same"),
    ],
};

/// `tapis.yaml`.
pub static MAIN_FILE: Section = Section {
    name: "tapis.yaml",
    keys: shared![
        key("version", choice(&["1"]), "1", "of the language"),
        key("node", TEXT, "n1", "this node's name in the journal"),
        key("listen", TEXT, "127.0.0.1:2775", "where ESMEs connect"),
        key(
            "listen_tls",
            Kind::Either(&[choice(&["off"]), Kind::Section(&LISTEN_TLS)]),
            "",
            "where they connect over TLS as well"
        ),
        key("admin", TEXT, "127.0.0.1:9090", "metrics and API; or off"),
        key(
            "smsc",
            Kind::Either(&[TEXT, TEXTS, Kind::Sections(&SMSC)]),
            "[ { id: a, address: 127.0.0.1:2776 } ]",
            "tried in this order when an ESME binds"
        ),
        key("rules", ONE_OR_MORE, "[rules]", "rule files, and folders of them"),
        key("watch", FLAG, "false", "whether a changed file is loaded at once"),
        key(
            "journal",
            Kind::Either(&[choice(&["off"]), Kind::Section(&JOURNAL)]),
            "",
            "decisions, outcomes, who changed what"
        ),
        key(
            "capture",
            Kind::Either(&[choice(&["off"]), Kind::Section(&CAPTURE)]),
            "",
            "traffic kept for replay, encrypted"
        ),
        key(
            "canary",
            Kind::Either(&[choice(&["off"]), Kind::Section(&CANARY)]),
            "",
            "how new rules are tried on a share of the sessions"
        ),
        key("state", TEXT, "../var/state", "the folder that remembers over a restart"),
        key("timers", Kind::Section(&TIMERS), "", "waiting, and for how long"),
        key("limits", Kind::Section(&LIMITS), "", "bounds of memory and sessions"),
        key("parts", Kind::Section(&PARTS), "", "how parts of longer messages are held"),
        key("reputation", Kind::Section(&REPUTATION), "", "the memory of who sends what, and how it ended"),
        key("message_ids", choice(&["decimal", "hexadecimal"]), "decimal", "how message_ids of ours are written"),
        key("mo_refusals", count(1_000), "3", "how often one MO message is refused before it is dropped"),
        key("on_malformed", FAILURE, "block", "a message PDU that cannot be parsed"),
        key("on_undecodable", FAILURE, "pass", "a text that cannot be read"),
        key("on_limit", FAILURE, "pass", "a text longer than is judged"),
        key("on_unknown_command", FAILURE, "pass", "a PDU that is not of the standard"),
        key("on_journal_full", FAILURE, "pass", "the journal cannot be written"),
    ],
};

/// Every section with what it is asked for by in the reference.
pub static SECTIONS: &[(&str, &Section)] = &[
    ("A rule file", &RULE_FILE),
    ("pack", &PACK),
    ("defaults", &DEFAULTS),
    ("A rule", &RULE),
    ("An exemption", &EXEMPTION),
    ("A case", &CASE),
    ("known, of a case", &KNOWN),
    ("before, of a case", &BEFORE),
    ("standing, of a case", &STANDING),
    ("A list", &LIST),
    ("A list's source", &LIST_SOURCE),
    ("A registry", &REGISTRY),
    ("A registry's entry", &REGISTRY_ENTRY),
    ("A tag", &TAG),
    ("tlv, of a tag", &TLV),
    ("home", &HOME),
    ("A group", &GROUP),
    ("An account", &ACCOUNT),
    ("A profile", &PROFILE),
    ("for, of a profile", &FOR),
    ("thresholds, of a profile", &THRESHOLDS),
    ("An override", &OVERRIDE),
    ("tapis.yaml", &MAIN_FILE),
    ("smsc", &SMSC),
    ("tls, of an smsc", &SMSC_TLS),
    ("listen_tls", &LISTEN_TLS),
    ("journal", &JOURNAL),
    ("capture", &CAPTURE),
    ("canary", &CANARY),
    ("timers", &TIMERS),
    ("parts", &PARTS),
    ("limits", &LIMITS),
    ("reputation", &REPUTATION),
    ("shared, of reputation", &SHARED),
    ("intel, of reputation", &INTEL),
    ("a feed, of intel", &INTEL_FEED),
    ("weights, of reputation", &WEIGHTS),
];
