//! What rules can ask of entities, in the words of an operator: one policy, and its cases.

use std::fmt::Write;

use tapis::config::diagnostic::{Diagnostic, Diagnostics, Severity};
use tapis::config::source::{ListFile, Source, Sources};
use tapis::limits::LIKE_ENTRIES_MAX;
use tapis::time::Timestamp;
use tapis::{case, policy};

const RULES: &str = r#"
home: { country: SG }
lists:
  banks:  { domains: [dbs.com, dbs.com.sg, ocbc.com, kasikornbank.com, vietcombank.com.vn, maybank2u.com.my, bca.co.id, gov.sg] }
  brands: { words: [kbank, "bangkok bank", กสิกร, bca] }
  hosts:  { domains: [promo.blogspot.com, bit.ly] }
  scams:  { numbers: ["+6281234567890", "18001111111"] }
  agents: { senders: ["@agent99", "+6281234567890"] }
registries:
  ssir:
    entries:
      - { sender: DBS, domains: [dbs.com], phones: ["+6560001111", "1800 111 1111"] }
rules:
  - id: like
    score: 1
    when: { link: { domain_like: banks } }
    cases:
      - { from: X, to: "+6591234567", text: "see dbs-sg.top", expect: fires }
      - { from: X, to: "+6591234567", text: "see dbs.com.verify.top/a", expect: fires }
      - { from: X, to: "+6591234567", text: "see d8s.com", expect: fires }
      - { from: X, to: "+6591234567", text: "see payee-ocbc.com", expect: fires }
      - { from: X, to: "+6591234567", text: "see https://vietcombank.vn-yys.club", expect: fires }
      - { from: X, to: "+6591234567", text: "see maybank2u-my.cc", expect: fires }
      - { from: X, to: "+6591234567", text: "see kаsikornbank.com", expect: fires }
      - { from: X, to: "+6591234567", text: "see xn--ksikornbank-yij.com/a", expect: fires }
      - { from: X, to: "+6591234567", text: "see bcabank.shop/x", expect: fires }
      - { from: X, to: "+6591234567", text: "see gov-sg.top", expect: fires }
      - { from: X, to: "+6591234567", text: "see www.dbs.com.sg and dbs.com", expect: silent }
      - { from: X, to: "+6591234567", text: "see abcam.com, dobson.org and example.com", expect: silent }
      - { from: X, to: "+6591234567", text: "see http://203.0.113.9/dbs", expect: silent }
  - id: brand
    score: 1
    when: { link: { brand_in: brands } }
    cases:
      - { from: X, to: "+6591234567", text: "see kbank-th.xyz", expect: fires }
      - { from: X, to: "+6591234567", text: "see kbnk-th.xyz", expect: fires }
      - { from: X, to: "+6591234567", text: "see bangkokbank.vip", expect: fires }
      - { from: X, to: "+6591234567", text: "see https://กสิกร.com", expect: fires }
      - { from: X, to: "+6591234567", text: "see abcam.com or bank.com", expect: silent }
  - id: host
    score: 1
    when: { link: { host_in: hosts } }
    cases:
      - { from: X, to: "+6591234567", text: "see promo.blogspot.com/x", expect: fires }
      - { from: X, to: "+6591234567", text: "see a.promo.blogspot.com/x", expect: silent }
  - id: package
    score: 1
    when: { link: { kind: apk } }
    cases:
      - { from: X, to: "+6591234567", text: "get http://203.0.113.9/a.apk", expect: fires }
      - { from: X, to: "+6591234567", text: "install the APK from bit.ly/x", expect: fires }
      - { from: X, to: "+6591234567", text: "see bit.ly/x", expect: silent }
  - id: address
    score: 1
    when: { link: { kind: ip } }
    cases:
      - { from: X, to: "+6591234567", text: "get http://203.0.113.9/a.apk", expect: fires }
      - { from: X, to: "+6591234567", text: "get http://0xcb007109/", expect: fires }
      - { from: X, to: "+6591234567", text: "get bit.ly/a", expect: silent }
  - id: idn
    score: 1
    when: { link: { kind: punycode } }
    cases:
      - { from: X, to: "+6591234567", text: "see kаsikornbank.com", expect: fires }
      - { from: X, to: "+6591234567", text: "see kasikornbank.com", expect: silent }
  - id: number
    score: 1
    when: { phone: { in: scams } }
    cases:
      - { from: X, to: "+6591234567", text: "call +62 812-3456-7890", expect: fires }
      - { from: X, to: "+6281987654321", text: "hub 0812-3456-7890", expect: fires }
      - { from: X, to: "+6591234567", text: "call 1800 111 1111", expect: fires }
      - { from: X, to: "+6591234567", text: "call 6000 1111", expect: silent }
  - id: abroad
    score: 1
    when: { phone: { country: ID } }
    cases:
      - { from: X, to: "+6591234567", text: "call +62 812-3456-7890", expect: fires }
      - { from: X, to: "+6591234567", text: "call 6000 1111", expect: silent }
  - id: foreign-number
    score: 1
    when: { phone: { sender_owns: false } }
    cases:
      - { from: DBS, to: "+6591234567", text: "call 1800 111 1111 or 6000 1111", expect: silent }
      - { from: DBS, to: "+6591234567", text: "call 1800 111 1112", expect: fires }
  - id: agent
    score: 1
    when: { handle: { id_in: agents } }
    cases:
      - { from: X, to: "+6591234567", text: "Telegram: @Agent99", expect: fires }
      - { from: X, to: "+6591234567", text: "t.me/agent99", expect: fires }
      - { from: X, to: "+6281987654321", text: "hub WA 0812-3456-7890", expect: fires }
      - { from: X, to: "+6591234567", text: "Telegram: @agent98", expect: silent }
  - id: much
    score: 1
    when: { amount: { currency: vnd, value_above: 50000000 } }
    cases:
      - { from: X, to: "+84901234567", text: "vay 100 triệu", expect: fires }
      - { from: X, to: "+84901234567", text: "vay 50 triệu", expect: silent }
      - { from: X, to: "+84901234567", text: "100,000,000 USD", expect: silent }
  - id: six
    score: 1
    when: { code: { length: 6 } }
    cases:
      - { from: X, to: "+6591234567", text: "OTP 482913", expect: fires }
      - { from: X, to: "+6591234567", text: "OTP 4829", expect: silent }
      - { from: X, to: "+6591234567", text: "ref 482913", expect: silent }
  - id: sender
    score: 1
    when: { sender: { id_like: ssir } }
    cases:
      - { from: D8S, to: "+6591234567", text: x, expect: fires }
      - { from: "D B S", to: "+6591234567", text: x, expect: fires }
      - { from: "DBS.", to: "+6591234567", text: x, expect: fires }
      - { from: DBS, to: "+6591234567", text: x, expect: silent }
      - { from: DHL, to: "+6591234567", text: x, expect: silent }
"#;

fn sources(rules: &str, lists: Vec<ListFile>) -> Sources {
    Sources {
        main: None,
        rules: vec![Source { name: "entities.yaml".into(), text: rules.into() }],
        lists,
        ..Sources::default()
    }
}

#[test]
fn every_case_of_the_facts_of_entities_holds() {
    let sources = sources(RULES, Vec::new());
    let told = |all: Vec<Diagnostic>| all.iter().map(|d| d.render(&sources)).collect::<Vec<_>>().join("\n\n");
    let loaded = policy::load(&sources).unwrap_or_else(|all| panic!("{}", told(all)));
    let mut diagnostics = Diagnostics::default();
    let outcome = case::run(&loaded, &sources, Timestamp(1_795_000_000_000_000), &mut diagnostics);
    assert_eq!(outcome.failed, 0, "{}", told(diagnostics.sorted()));
    assert_eq!(outcome.held, RULES.matches("expect:").count());
}

/// A list as long as a feed is looked up at once, and is no list to compare looks with.
#[test]
fn a_long_list_is_compared_with_nothing() {
    let mut text = String::new();
    for n in 0..=LIKE_ENTRIES_MAX {
        let _ = writeln!(text, "scam{n}.top");
    }
    let rules = |when: &str| {
        format!(
            "lists:\n  feed: {{ domains: {{ file: feed.txt }} }}\nrules:\n  - {{ id: a, score: 1, when: {{ link: {{ {when}: feed }} }} }}\n"
        )
    };
    let list = |text: &str| {
        vec![ListFile { named_in: "entities.yaml".into(), name: "feed.txt".into(), text: Ok(text.into()) }]
    };
    assert!(policy::load(&sources(&rules("domain_in"), list(&text))).is_ok());
    let told = policy::load(&sources(&rules("domain_like"), list(&text))).err().unwrap();
    let errors = told.iter().filter(|d| d.severity == Severity::Error);
    let codes: Vec<_> = errors.map(|d| (d.code, d.place.line)).collect();
    assert_eq!(codes, [("too-many-entries", 4)], "{told:?}");
    let (one_less, _) = text.trim_end().rsplit_once('\n').unwrap();
    assert!(policy::load(&sources(&rules("domain_like"), list(one_less))).is_ok());
}
