//! The rules of an input: fixed sets that together use the whole language, rules put together from the input's octets, or
//! the input's own text.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use tapis::config::diagnostic::Diagnostic;
use tapis::config::source::{Source, Sources};
use tapis::policy::{self, Policy};

use super::input::Input;

/// A policy, and whether it can change what it passes.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Compiled.
    pub policy: Arc<Policy>,
    /// Whether a passed message may differ from what was sent.
    pub edits: bool,
}

/// Takes the rules off the front of an input.
pub fn choose(input: &mut Input<'_>) -> Rules {
    match input.below(16) {
        fixed @ 0..12 => FIXED[fixed % FIXED.len()].clone(),
        12..15 => put_together(input),
        _ => written(input),
    }
}

/// The fixed set that acts on single words.
pub fn by_word() -> Rules {
    FIXED[1].clone()
}

fn load(main: &str, rules: &str) -> Result<Arc<Policy>, String> {
    let source = |name: &str, text: &str| Source { name: name.into(), text: text.into() };
    let sources = Sources {
        main: (!main.is_empty()).then(|| source("tapis.yaml", main)),
        rules: vec![source("rules.yaml", rules)],
        ..Sources::default()
    };
    let shown = |all: Vec<Diagnostic>| all.iter().map(|d| d.render(&sources) + "\n").collect();
    policy::load(&sources).map(|loaded| Arc::new(loaded.policy)).map_err(shown)
}

/// Fixed sets. The first passes everything.
static FIXED: LazyLock<Vec<Rules>> = LazyLock::new(|| {
    let fixed = |(main, rules, edits): (&str, &str, bool)| Rules {
        policy: load(main, rules).unwrap_or_else(|why| panic!("a fixed set of rules does not load:\n{why}")),
        edits,
    };
    [("", "{}", false), ("", BY_WORD, true), (STRICT, BY_FACT, false), (LATIN, BY_SCORE, true)].map(fixed).to_vec()
});

/// One word, one action.
const BY_WORD: &str = r#"
tags:
  mark: { source_addr: Likely-SCAM, prefix: { TH: "[ระวัง] ", default: "[SCAM?] " }, tlv: { tag: "0x1500", value: scam } }
rules:
  - { id: blocks, action: block, status: ESME_RSUBMITFAIL, when: { text: { words: [blockme] } } }
  - { id: swallows, action: block, answer: accept, when: { text: { words: [swallow*] } } }
  - { id: tags, action: tag, tag: mark, when: { text: { words: [tagme] } } }
  - { id: nobody, action: block, when: { recipient: { country: PH } } }
"#;

const STRICT: &str = r#"
on_malformed: block
on_undecodable: block
on_limit: block
on_unknown_command: block
on_journal_full: block
report_short_codes: ["7726"]
"#;

/// Facts of every kind, none of which changes a message.
const BY_FACT: &str = r#"
lists:
  good: { domains: [dbs.com, kasikornbank.com] }
  bait: { words: [slot, "cash in", กสิกร, pinjam*] }
registries:
  names:
    entries:
      - { sender: DBS, entity: DBS Bank Ltd, accounts: [esme], domains: [dbs.com], phones: ["+6560001111"], category: bank }
rules:
  - { id: foreign, action: block, when: { all: [ { text: { word_in: bait } }, { link: { domain_not_in: good } } ] } }
  - { id: look-alike, action: block, status: ESME_RINVSRCADR, when: { sender: { id_like: names } } }
  - { id: unregistered, action: block, mode: shadow, when: { all: [ { sender: { kind: alphanumeric } }, { not: { sender: { registered_in: names } } } ] } }
  - { id: code, action: block, when: { text: { regex: '\b(send|give)\b.{0,40}?\bcode\b', except: '\bnever\b.{0,20}?\b(send|give)\b.{0,40}?\bcode\b' } } }
  - { id: chat, action: block, answer: accept, when: { at_least: { count: 2, of: [ { has: amount }, { has: handle }, { has: phone }, { has: code } ] } } }
  - { id: ucs2-mo, action: block, when: { message: { direction: mo, data_coding: 8 } } }
  - { id: parts, action: block, when: { message: { parts_above: 3 } } }
  - { id: advert, score: 0, when: { text: { starts_with: ["[QC]"] } } }
  - { id: quiet, action: block, when: { all: [ { finding: advert }, { time: { within: "22:00-07:00", zone: Asia/Ho_Chi_Minh } } ] } }
  - { id: owned, action: block, when: { any: [ { link: { sender_owns: false } }, { phone: { sender_owns: false } } ] } }
exemptions:
  - { id: pair, owner: desk, expires: 2099-01-01, silences: [foreign, owned], when: { sender: { registered_in: names } } }
"#;

const LATIN: &str = r#"
home: { country: TH }
accounts:
  esme: { class: bank, alphabet: latin-1 }
profiles:
  - { id: banks, for: { account_class: bank, country: SG }, thresholds: { tag: 2, block: 30 }, action_max: tag }
  - { id: mo, for: { direction: mo }, status: ESME_RX_R_APPN, thresholds: { tag: 2, block: 4 } }
  - { id: default, thresholds: { tag: 3, block: 6 }, status: ESME_RINVSRCADR, answer: accept }
"#;

/// Points that add up to tags and blocks.
const BY_SCORE: &str = r#"
groups: { theme: { cap: 4 } }
tags:
  likely-scam: { prefix: "! " }
  short: { source_addr: X }
rules:
  - { id: a, score: 3, group: theme, when: { text: { words: [hello, สวัสดี] } } }
  - { id: b, score: 3, group: theme, when: { has: link } }
  - { id: c, score: 3, tag: short, when: { sender: { kind: number } } }
  - { id: d, score: 2.5, when: { phone: { country: TH } } }
exemptions:
  - { id: e, owner: desk, expires: 2099-01-01, silences: ["group:theme"], when: { text: { words: [harmless] } } }
"#;

/// The input's own text, or rules that pass everything when it has mistakes.
fn written(input: &mut Input<'_>) -> Rules {
    let text = String::from_utf8_lossy(input.long());
    let policy = if text.len() <= 2048 { load("", &text).ok() } else { None };
    Rules { policy: policy.unwrap_or_else(|| Arc::clone(&FIXED[0].policy)), edits: true }
}

/// Rules out of the tables below, as the input picks.
fn put_together(input: &mut Input<'_>) -> Rules {
    let mut main = String::new();
    for cause in ["malformed", "undecodable", "limit", "unknown_command", "journal_full"] {
        let _ = writeln!(main, "on_{cause}: {}", ["pass", "block"][input.below(2)]);
    }
    let mut rules = String::from(COMMON);
    for n in 0..1 + input.below(6) {
        let condition = condition(input, n, 3);
        let deed = DEEDS[input.below(DEEDS.len())];
        let _ = writeln!(rules, "  - {{ id: r{n}, {deed}, when: {condition} }}");
    }
    if input.below(2) == 1 {
        let condition = condition(input, 0, 2);
        let _ = writeln!(
            rules,
            "exemptions:\n  - {{ id: x, owner: o, expires: 2099-01-01, silences: [r0, \"group:g\"], when: {condition} }}"
        );
    }
    let policy =
        load(&main, &rules).unwrap_or_else(|why| panic!("what was put together does not load:\n{why}\n{rules}"));
    Rules { policy, edits: true }
}

/// A condition of rule `n`, which may name the rules before it.
fn condition(input: &mut Input<'_>, n: usize, depth: usize) -> String {
    let fact = |input: &mut Input<'_>| format!("{{ {} }}", FACTS[input.below(FACTS.len())]);
    match input.below(if depth == 0 { 4 } else { 10 }) {
        0..4 => fact(input),
        4 if n > 0 => format!("{{ finding: r{} }}", input.below(n)),
        4 => fact(input),
        5 => format!("{{ not: {} }}", condition(input, 0, depth - 1)),
        how => {
            let of: Vec<String> = (0..2 + input.below(3)).map(|_| condition(input, n, depth - 1)).collect();
            let of = of.join(", ");
            match how {
                6 => format!("{{ all: [{of}] }}"),
                7 | 8 => format!("{{ any: [{of}] }}"),
                _ => format!("{{ at_least: {{ count: 2, of: [{of}] }} }}"),
            }
        }
    }
}

const COMMON: &str = r#"
groups: { g: { cap: 5 } }
lists:
  l-words: { words: [hello, blockme, กสิกร, slot] }
  l-domains: { domains: [dbs.com, bit.ly] }
  l-senders: { senders: [DBS, SHOP] }
registries:
  reg: { entries: [ { sender: DBS, entity: D, accounts: [esme], domains: [dbs.com], phones: ["+6560001111"] } ] }
tags:
  t-source: { source_addr: Likely-SCAM }
  t-prefix: { prefix: "[SCAM?] " }
  t-tlv: { tlv: { tag: "0x1501", value: x } }
rules:
  - { id: of-group, score: 2, group: g, when: { has: code } }
"#;

const DEEDS: &[&str] = &[
    "score: 1",
    "score: 6, group: g",
    "score: 20",
    "action: block",
    "action: block, answer: accept",
    "action: block, status: ESME_RINVDSTADR, firm: true",
    "action: tag, tag: t-source",
    "action: tag, tag: t-prefix",
    "action: tag, tag: t-tlv, score: 4",
];

const FACTS: &[&str] = &[
    "text: { words: [hello, \"cash in\"] }",
    "text: { word_in: l-words }",
    "text: { regex: 'b.{0,5}?k' }",
    "text: { starts_with: [\"[QC]\", a] }",
    "has: link",
    "has: phone",
    "has: amount",
    "has: handle",
    "link: { domain_in: l-domains }",
    "link: { domain_not_in: l-domains }",
    "link: { kind: ip }",
    "link: { sender_owns: false }",
    "phone: { sender_owns: true }",
    "handle: { app: whatsapp }",
    "sender: { kind: number }",
    "sender: { kind: alphanumeric }",
    "sender: { id_in: l-senders }",
    "sender: { registered_in: reg }",
    "sender: { id_like: reg }",
    "recipient: { country: SG }",
    "recipient: { countries: [PH, TH] }",
    "message: { direction: mo }",
    "message: { operation: data_sm }",
    "message: { data_coding: 8 }",
    "message: { parts_above: 1 }",
    "account: { id: esme }",
    "time: { within: \"22:00-07:00\", zone: Asia/Bangkok }",
];
