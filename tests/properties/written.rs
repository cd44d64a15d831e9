//! Rule files: any that the table of facts allows, as JSON, which is YAML too.
//!
//! A [`Draft`] does not know its neighbours: `"#7"` stands for the rule that it may ask for at that place, and is
//! resolved when all drafts are [`Book::written`] down.

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::{Value, json};
use tapis::config::facts::{FACTS, FactSpec, FieldSpec, ListKind, Shape, THINGS};
use tapis::config::source::{Source, Sources};
use tapis::policy::{self, Policy};
use tapis::text::template;

const WORDS: &[&str] = &[
    "bank",
    "kbank",
    "KBANK",
    "otp",
    "code",
    "send",
    "casino",
    "slot",
    "kta",
    "pinjam*",
    "dana tunai",
    "free spin",
    "กสิกร",
    "วันละ",
    "银行",
    "milk",
    "c0de",
    "ab*",
    "singpost",
    "123",
];
const DOMAINS: &[&str] = &[
    "dbs.com",
    "dbs.com.sg",
    "kasikornbank.com",
    "kbnk-th.xyz",
    "bit.ly",
    "wa.me",
    "singpost.com",
    "top",
    "https://d8s.top/x",
    "*.co.uk",
    "192.0.2.7",
];
const SENDERS: &[&str] = &["DBS", "SingPost", "gov.sg", "KBank", "abc_def", "agg-1", "62033", "+6581112222"];
const NUMBERS: &[&str] = &["65", "+66", "6281", "+65 6000 1111", "62033", "6591112222"];
const ADDRESSES: &[&str] = &["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"];
const TLVS: &[&str] = &["0x1400", "5121", "0x3fff", "0x2000"];
const DATES: &[&str] = &["11-25", "11-28", "2026-12-02", "2026-12-05", "12-08", "2026-12-10", "12-12", "2025-12-15"];
const COUNTRIES: &[&str] = &["SG", "TH", "ID", "PH", "VN", "MY"];
const PACK: &str = "pk";

/// A rule that does not know its neighbours yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// It may ask for findings of lower levels only.
    pub level: usize,
    pub in_pack: bool,
    pub mode: &'static str,
    pub when: Value,
    pub weight: Value,
    pub group: Option<&'static str>,
    pub firm: bool,
    pub is_over: bool,
}

/// An exemption that does not know its neighbours yet.
#[derive(Clone, Debug)]
pub struct Pardon {
    pub in_pack: bool,
    pub silences: Vec<(u8, Index)>,
    pub when: Value,
    pub is_over: bool,
}

/// Everything that is written down together.
#[derive(Clone, Debug)]
pub struct Book {
    pub drafts: Vec<Draft>,
    pub pardons: Vec<Pardon>,
    pub mode: &'static str,
    pub default_when: Option<Value>,
    pub overrides: Vec<(Index, Value)>,
    /// How many of the first drafts and pardons others may name: what is added later nobody knows.
    pub known: usize,
}

/// Files as written; the first has no pack.
#[derive(Clone, Debug)]
pub struct Written(pub Vec<Value>);

impl Written {
    /// The same in another order: of the files, and of the items of these keys, or of everything whose order means
    /// nothing. Only profiles are tried in their order.
    pub fn shuffled(&self, seed: u64, keys: &[&str]) -> Self {
        let mut seed = seed;
        let mut files = self.0.clone();
        shuffle(&mut files, &mut seed);
        let by_key = |file: &mut Value, seed: &mut u64| {
            for key in keys {
                if let Some(Value::Array(items)) = file.get_mut(key) {
                    shuffle(items, seed);
                }
            }
        };
        files.iter_mut().for_each(|f| if keys.is_empty() { shuffle_all(f, &mut seed) } else { by_key(f, &mut seed) });
        Self(files)
    }

    pub fn sources(&self) -> Sources {
        let source = |(n, file): (usize, &Value)| Source { name: format!("{n}.yaml"), text: file.to_string() };
        Sources { rules: self.0.iter().enumerate().map(source).collect(), ..Sources::default() }
    }

    pub fn policy(&self) -> Policy {
        let sources = self.sources();
        match policy::load(&sources) {
            Ok(loaded) => loaded.policy,
            Err(all) => panic!("{}", all.iter().map(|d| format!("{d} {:?}", d.help)).collect::<Vec<_>>().join("\n")),
        }
    }
}

fn shuffle<T>(items: &mut [T], seed: &mut u64) {
    for n in (1..items.len()).rev() {
        *seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let other = usize::try_from(*seed >> 33).unwrap() % (n + 1);
        items.swap(n, other);
    }
}

fn shuffle_all(value: &mut Value, seed: &mut u64) {
    match value {
        Value::Array(items) => {
            shuffle(items, seed);
            items.iter_mut().for_each(|i| shuffle_all(i, seed));
        }
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
            shuffle(&mut entries, seed);
            for (key, value) in &mut entries {
                if key != "profiles" {
                    shuffle_all(value, seed);
                }
            }
            map.extend(entries);
        }
        _ => {}
    }
}

fn texts_of(fact: &FactSpec, field: &FieldSpec) -> &'static [&'static str] {
    match (fact.name, field.name) {
        ("account", "id" | "ids") => &["dbs-direct", "agg-1", "sim-gw"],
        ("account", "class") => &["bank", "p2p"],
        ("sender", _) => SENDERS,
        ("text", "starts_with") => &["[QC]", "(QC)", "KBank", "bank", " "],
        ("text", _) => WORDS,
        ("link", _) => DOMAINS,
        ("amount", _) => &["SGD", "THB", "myr", "IDR"],
        _ => &["other"],
    }
}

/// A pattern over the matching form: words and classes in a row, at least one of them not empty.
fn pattern() -> impl Strategy<Value = String> {
    let piece = select(
        &[
            "bank",
            "otp",
            "code",
            "send",
            "casino",
            "slot",
            "abc",
            "กสิกร",
            "银行",
            r"\b",
            ".{0,20}?",
            r"\d{2,6}",
            "[a-c]+",
            "(?:send|never)",
            "(?:abc){2}",
            "slots?",
            " ",
            "(?i:BANK)",
            r"\pL+",
            "(k|g)ta",
            "x*",
        ][..],
    );
    let middle = prop::collection::vec(piece, 0..3).prop_map(|all| all.concat());
    (middle.clone(), select(&["bank", "code", "slot", "kbank", "[0-9]", "a", "กร"][..]), middle)
        .prop_map(|(before, word, after)| format!("{before}{word}{after}"))
}

fn one_of(all: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(all).prop_map(Value::from).boxed()
}

fn some_of(all: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(all, 1..=all.len().min(4)).prop_map(|some| json!(some)).boxed()
}

fn list(kinds: &'static [ListKind]) -> BoxedStrategy<Value> {
    let names: Vec<String> =
        kinds.iter().flat_map(|k| [format!("{}-1", k.name()), format!("{}-2", k.name())]).collect();
    select(names).prop_map(Value::from).boxed()
}

fn value(fact: &'static FactSpec, field: &'static FieldSpec) -> BoxedStrategy<Value> {
    match field.shape {
        Shape::Text => one_of(texts_of(fact, field)),
        Shape::Texts => some_of(texts_of(fact, field)),
        // Those that texts of the letters often have.
        Shape::Choice(_) if field.name == "anomaly" => one_of(&["reserved_coding", "text_in_binary", "utf_8"]),
        Shape::Choice(words) => one_of(words),
        Shape::Choices(words) => some_of(words),
        Shape::Country => one_of(COUNTRIES),
        Shape::Countries => some_of(COUNTRIES),
        Shape::List(kinds) => list(kinds),
        Shape::ListOrRegistry(kind) => {
            let names = [format!("{}-1", kind.name()), format!("{}-2", kind.name()), "registry-1".into()];
            select(names.to_vec()).prop_map(Value::from).boxed()
        }
        Shape::Registry => one_of(&["registry-1", "registry-2"]),
        // Wide enough to hide what `regex` finds.
        Shape::Regex if field.name == "except" => (pattern(), 0..12_u8)
            .prop_map(|(pattern, around)| json!(format!(".{{0,{around}}}{pattern}.{{0,{around}}}")))
            .boxed(),
        Shape::Regex => pattern().prop_map(Value::from).boxed(),
        Shape::Flag => any::<bool>().prop_map(Value::from).boxed(),
        // Small numbers, for which a message may be on either side.
        Shape::Count(max) => match (fact.name, field.name) {
            ("message", "data_coding") => select(&[0_u64, 3, 8, 0xf5][..]).prop_map(Value::from).boxed(),
            ("message", "port") => select(&[2948_u64, 5505][..]).prop_map(Value::from).boxed(),
            ("message", _) | ("code", _) => (0..=max.min(7)).prop_map(Value::from).boxed(),
            _ => (0..=max.min(60)).prop_map(Value::from).boxed(),
        },
        Shape::Currency => one_of(texts_of(fact, field)),
        Shape::Money => select(vec![json!(0), json!(1), json!(99.5), json!(1250), json!(5_000_000)]).boxed(),
        Shape::Number => select(vec![json!(0), json!(1), json!(12), json!(99.5), json!(2000)]).boxed(),
        Shape::Duration => one_of(&["30s", "10m", "24h", "7d"]),
        Shape::Within => one_of(&["22:00-07:00", "09:00-17:30", "00:00-00:01"]),
        Shape::Zone => one_of(&["Asia/Ho_Chi_Minh", "America/New_York", "UTC"]),
        Shape::Tag => one_of(TLVS),
        Shape::Tags => some_of(TLVS),
        Shape::Finding => any::<u8>().prop_map(|n| json!(format!("#{n}"))).boxed(),
    }
}

/// Of a rate: what it counts is none of those that it counts for.
fn counts_others(mut fields: Value) -> Value {
    let counts = fields["count"].as_str().unwrap_or_default().to_owned();
    if let Some(Value::Array(per)) = fields.get_mut("per") {
        per.retain(|key| format!("{}s", key.as_str().unwrap_or_default()) != counts);
        if per.is_empty() {
            per.push("account".into());
        }
    }
    fields
}

/// A fact with some of its fields, and with those that these need.
fn fact() -> BoxedStrategy<Value> {
    let one = |fact: &'static FactSpec| {
        let fields: Vec<&'static FieldSpec> = fact.fields.iter().collect();
        let whole = ["rate", "standing"].contains(&fact.name);
        let count = if whole { fields.len() } else { fields.len().min(2) };
        let least = if whole { fields.len() } else { 1 };
        let chosen = subsequence(fields, least..=count);
        chosen
            .prop_flat_map(move |mut fields| {
                let has = |fields: &[&FieldSpec], name: &str| fields.iter().any(|f| f.name == name);
                let needs = match fact.name {
                    "text" if has(&fields, "except") && !has(&fields, "regex") => Some("regex"),
                    "time"
                        if has(&fields, "zone")
                            && !has(&fields, "days")
                            && !has(&fields, "within")
                            && !has(&fields, "calendar_in") =>
                    {
                        Some("within")
                    }
                    _ => None,
                };
                fields.extend(needs.and_then(|name| fact.field(name)));
                let values: Vec<_> =
                    fields.into_iter().map(|f| value(fact, f).prop_map(move |v| (f.name.to_owned(), v))).collect();
                values
            })
            .prop_map(|fields| counts_others(Value::Object(fields.into_iter().collect())))
            .prop_map(move |fields| json!({ fact.name: fields }))
            .boxed()
    };
    // Texts and things are what most rules ask for.
    let weight = |fact: &FactSpec| match fact.name {
        "text" => 6,
        "link" | "sender" | "rate" => 3,
        "message" => 2,
        _ => 1,
    };
    prop::strategy::Union::new_weighted(FACTS.iter().map(|f| (weight(f), one(f))).collect()).boxed()
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => fact(),
        1 => select(THINGS).prop_map(|thing| json!({ "has": thing })),
        1 => any::<u8>().prop_map(|n| json!({ "finding": format!("#{n}") })),
    ]
}

/// Any condition.
pub fn condition() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 10, 4, |inner| {
        let some = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            some.clone().prop_map(|all| json!({ "all": all })),
            some.clone().prop_map(|any| json!({ "any": any })),
            inner.prop_map(|one| json!({ "not": one })),
            (some, any::<Index>())
                .prop_map(|(of, n)| json!({ "at_least": { "count": 1 + n.index(of.len()), "of": of } })),
        ]
    })
}

/// Any rule.
pub fn draft() -> impl Strategy<Value = Draft> {
    let mode = prop_oneof![6 => Just("live"), 2 => Just("shadow"), 1 => Just("off")];
    let weight = prop_oneof![
        3 => (0..2000_u32).prop_map(|n| json!({ "score": f64::from(n) / 100.0 })),
        2 => select(&["tag", "block"][..]).prop_map(|action| json!({ "action": action })),
        1 => Just(json!({ "score": 2, "action": "tag", "tag": "mark" })),
        1 => Just(json!({ "action": "block", "status": "ESME_RINVSRCADR" })),
        1 => Just(json!({ "score": 6, "status": "ESME_RINVDSTADR", "answer": "accept" })),
    ];
    let group = prop::option::of(select(&["theme", "link"][..]));
    let rare = || prop::bool::weighted(0.1);
    (0..3_usize, any::<bool>(), mode, condition(), weight, group, rare(), rare()).prop_map(
        |(level, in_pack, mode, when, weight, group, firm, is_over)| Draft {
            level,
            in_pack,
            mode,
            when,
            weight,
            group,
            firm,
            is_over,
        },
    )
}

/// Any exemption.
pub fn pardon() -> impl Strategy<Value = Pardon> {
    let silences = prop::collection::vec((0..4_u8, any::<Index>()), 1..3);
    (any::<bool>(), silences, condition(), prop::bool::weighted(0.1))
        .prop_map(|(in_pack, silences, when, is_over)| Pardon { in_pack, silences, when, is_over })
}

/// Any rule files.
pub fn book() -> impl Strategy<Value = Book> {
    let mode = prop_oneof![8 => Just("live"), 1 => Just("shadow")];
    let weight = select(vec![json!({ "score": 3 }), json!({ "mode": "shadow" }), json!({ "action": "block" })]);
    let overrides = prop::collection::vec((any::<Index>(), weight), 0..2);
    let default_when = prop::option::weighted(0.2, fact());
    let (drafts, pardons) = (prop::collection::vec(draft(), 1..9), prop::collection::vec(pardon(), 0..3));
    (drafts, pardons, mode, default_when, overrides).prop_map(|(mut drafts, pardons, mode, default_when, overrides)| {
        drafts.sort_by_key(|d| d.level);
        let known = drafts.len();
        Book { drafts, pardons, mode, default_when, overrides, known }
    })
}

impl Book {
    pub fn id(&self, n: usize) -> String {
        let draft = &self.drafts[n];
        let pack = if draft.in_pack { format!("{PACK}/") } else { String::new() };
        format!("{pack}{}", self.own_id(n))
    }

    fn own_id(&self, n: usize) -> String {
        let draft = &self.drafts[n];
        format!("{}-{}-{n}", ["a", "b", "c"][draft.level], draft.mode)
    }

    /// The rule that a draft at `level` with `mode` may ask for at place `n`, by one of its names.
    fn target(&self, n: usize, level: usize, mode: &str, in_pack: bool, may_be_glob: bool) -> Option<String> {
        let loudness = |mode: &str| ["off", "shadow", "live"].iter().position(|m| *m == mode);
        let known: Vec<usize> = (0..self.known)
            .filter(|k| self.drafts[*k].level < level && loudness(self.drafts[*k].mode) >= loudness(mode))
            .collect();
        let chosen = *known.get(n % known.len().max(1))?;
        let draft = &self.drafts[chosen];
        Some(match n / 7 % 3 {
            0 if may_be_glob => format!("*{}-{}-*", ["a", "b", "c"][draft.level], draft.mode),
            1 if draft.in_pack == in_pack => self.own_id(chosen),
            _ => self.id(chosen),
        })
    }

    /// A condition with its findings resolved; one that can ask for nothing asks for a link.
    fn resolved(&self, when: &Value, level: usize, mode: &str, in_pack: bool, may_be_glob: bool) -> Value {
        let again = |v: &Value, may_be_glob| self.resolved(v, level, mode, in_pack, may_be_glob);
        let target = |v: &Value, may_be_glob| {
            let n = v.as_str().and_then(|s| s.strip_prefix('#')).and_then(|n| n.parse().ok()).unwrap_or(0);
            self.target(n, level, mode, in_pack, may_be_glob)
        };
        let Some((key, value)) = when.as_object().and_then(|m| m.iter().next()) else { return when.clone() };
        match key.as_str() {
            "all" | "any" => {
                let all: Vec<Value> = value.as_array().into_iter().flatten().map(|v| again(v, may_be_glob)).collect();
                json!({ key: all })
            }
            "not" => json!({ "not": again(value, false) }),
            "at_least" => {
                let of: Vec<Value> =
                    value["of"].as_array().into_iter().flatten().map(|v| again(v, may_be_glob)).collect();
                json!({ "at_least": { "count": value["count"], "of": of } })
            }
            "finding" => match target(value, may_be_glob) {
                Some(id) => json!({ "finding": id }),
                None => json!({ "has": "link" }),
            },
            "rate" => {
                let mut rate = value.clone();
                match target(&value["of"], false) {
                    Some(id) => rate["of"] = id.into(),
                    None => drop(rate.as_object_mut().and_then(|r| r.remove("of"))),
                }
                json!({ "rate": rate })
            }
            _ => when.clone(),
        }
    }

    fn rule(&self, n: usize) -> Value {
        let draft = &self.drafts[n];
        let when = self.resolved(&draft.when, draft.level, draft.mode, draft.in_pack, true);
        let mut rule = json!({ "id": self.own_id(n), "mode": draft.mode, "when": when, "category": "other" });
        for (key, value) in draft.weight.as_object().into_iter().flatten() {
            rule[key] = value.clone();
        }
        if let Some(group) = draft.group {
            rule["group"] = group.into();
        }
        if draft.firm {
            rule["firm"] = true.into();
        }
        // In the middle of the weeks that messages come in.
        if draft.is_over {
            rule["expires"] = "2026-11-30".into();
        }
        rule
    }

    fn exemption(&self, n: usize) -> Value {
        let pardon = &self.pardons[n];
        let silences = pardon.silences.iter().map(|(how, which)| {
            let n = which.index(self.known);
            let draft = &self.drafts[n];
            match (how, draft.group) {
                (0, Some(group)) => format!("group:{group}"),
                (1, _) => format!("*{}-*", ["a", "b", "c"][draft.level]),
                (2, _) if draft.in_pack == pardon.in_pack => self.own_id(n),
                _ => self.id(n),
            }
        });
        let silences: Vec<String> = silences.collect();
        let expires = if pardon.is_over { "2026-11-25" } else { "2027-11-30" };
        // Exemptions may ask for every finding, live or not.
        let when = self.resolved(&pardon.when, usize::MAX, "off", pardon.in_pack, false);
        json!({ "id": format!("x-{n}"), "silences": silences, "owner": "fraud desk", "expires": expires, "when": when })
    }

    /// Two files: one without a pack, which has everything that all share, and a pack whose lists hide some of those.
    pub fn written(&self) -> Written {
        let rules = |in_pack: bool| {
            let own = (0..self.drafts.len()).filter(|n| self.drafts[*n].in_pack == in_pack);
            own.map(|n| self.rule(n)).collect::<Vec<_>>()
        };
        let exemptions = |in_pack: bool| {
            let own = (0..self.pardons.len()).filter(|n| self.pardons[*n].in_pack == in_pack);
            own.map(|n| self.exemption(n)).collect::<Vec<_>>()
        };
        let mut overrides = serde_json::Map::new();
        for (which, weight) in &self.overrides {
            // Nobody asks for rules of the last level, so that they may change their mode.
            let tops: Vec<usize> = (0..self.known).filter(|n| self.drafts[*n].level == 2).collect();
            if !tops.is_empty() {
                overrides.insert(self.id(tops[which.index(tops.len())]), weight.clone());
            }
        }
        let global = json!({
            "mode": self.mode,
            "home": { "country": "SG" },
            "report_short_codes": ["7726"],
            "accounts": {
                "dbs-direct": { "class": "bank", "alphabet": "latin-1" },
                "sim-gw": { "class": "p2p", "home": "TH" },
            },
            "profiles": [
                { "id": "mo", "for": { "direction": "mo" }, "thresholds": { "tag": 3, "block": 6 }, "action_max": "tag" },
                { "id": "default", "thresholds": { "tag": 5, "block": 10 } },
            ],
            "groups": { "theme": { "cap": 4 }, "link": { "cap": 8.5 } },
            "tags": { "mark": { "prefix": "[SCAM?] " } },
            "lists": {
                "words-1": { "words": &WORDS[..6] }, "words-2": { "words": &WORDS[6..] },
                "domains-1": { "domains": &DOMAINS[..4] }, "domains-2": { "domains": &DOMAINS[4..] },
                "senders-1": { "senders": &SENDERS[..3] }, "senders-2": { "senders": &SENDERS[3..] },
                "numbers-1": { "numbers": &NUMBERS[..2] }, "numbers-2": { "numbers": &NUMBERS[2..] },
                "dates-1": { "dates": &DATES[..3] }, "dates-2": { "dates": &DATES[3..] },
                "hashes-1": { "hashes": [template::hash("")] },
                "hashes-2": { "hashes": [template::hash("bank"), template::hash("otp 0"), template::hash("123")] },
                "addresses-1": { "addresses": &ADDRESSES[..1] }, "addresses-2": { "addresses": &ADDRESSES[1..] },
            },
            "registries": {
                "registry-1": { "entries": [
                    { "sender": "DBS", "accounts": ["dbs-direct"], "domains": ["dbs.com", "dbs.com.sg"],
                      "phones": ["+6560001111"], "valid_until": "2026-12-01" },
                    { "sender": "SingPost", "accounts": [], "domains": [] },
                ] },
                "registry-2": { "entries": [
                    { "sender": "KBank", "domains": ["kasikornbank.com"], "valid_from": "2026-11-20" },
                    { "sender": "DBS", "accounts": ["agg-1"], "domains": ["bit.ly"] },
                ] },
            },
            "overrides": overrides,
            "rules": rules(false),
            "exemptions": exemptions(false),
        });
        let mut pack = json!({
            "pack": { "id": PACK, "version": 1 },
            "lists": {
                "words-1": { "words": ["code", "中国"] },
                "domains-2": { "domains": ["d8s.top"] },
            },
            "registries": { "registry-2": { "entries": [{ "sender": "INFO" }] } },
            "rules": rules(true),
            "exemptions": exemptions(true),
        });
        if let Some(when) = &self.default_when {
            pack["defaults"] = json!({ "when": self.resolved(when, 0, "off", true, false) });
        }
        Written(vec![global, pack])
    }
}
