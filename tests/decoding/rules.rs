//! What rules can ask of the way a text came, and what is told of it.

use serde_json::Value;
use tapis::case::NOTHING;
use tapis::config::source::{Source, Sources};
use tapis::explain::{self, Way};
use tapis::policy::{self, Policy};
use tapis::text::Alphabet;
use tapis::text::encode::encode;
use tapis::time::Timestamp;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, DataCoding, EsmClass, Tag};
use tapis::wire::encode as wire;
use tapis::wire::tlv::Tlvs;

const RULES: &str = "
version: 1
home: { country: SG }
accounts:
  packs: { alphabet: gsm-packed }
  plain: { alphabet: ascii }
  modern: { alphabet: utf-8 }
rules:
  - { id: words, score: 1, when: { text: { words: [verify] } } }
  - { id: utf-8, score: 1, when: { message: { anomaly: utf_8 } } }
  - { id: dressed, score: 1, when: { message: { anomalies: [packed, little_endian, udh] } } }
  - { id: twice, score: 1, when: { message: { anomaly: several_texts } } }
  - { id: unread, score: 1, when: { message: { anomaly: undecodable } } }
  - { id: clean, score: 1, when: { not: { message: { anomalies: [utf_8, packed, little_endian, udh, undecodable] } } } }
  - { id: flash, score: 1, when: { message: { class: 0 } } }
  - { id: silent, score: 1, when: { message: { protocol_id: 64 } } }
  - { id: push, score: 1, when: { message: { payload: wap_push, port: 2948 } } }
  - { id: card, score: 1, when: { message: { payloads: [vcard, vcalendar], ports: false } } }
";

fn load(rules: &str) -> Result<Policy, String> {
    let sources =
        Sources { rules: vec![Source { name: "rules.yaml".into(), text: rules.into() }], ..Sources::default() };
    let rendered =
        |all: Vec<_>| all.iter().map(|d: &tapis::config::diagnostic::Diagnostic| d.render(&sources)).collect();
    policy::load(&sources).map(|loaded| loaded.policy).map_err(rendered)
}

fn told(account: &str, sm: &Sm<'_>) -> Value {
    let mut pdu = Vec::new();
    wire::sm(&mut pdu, CommandId::SUBMIT_SM, 1, sm);
    let way = Way { account, direction: None, now: Timestamp(0), rule: None, memory: &NOTHING };
    explain::pdu(&load(RULES).unwrap(), &pdu, way).unwrap().remove(0).json
}

/// Rules that fired on octets that may be read in two ways, and the chat handles found in them.
fn both_ways(octets: &[u8], coding: u8) -> (Vec<String>, Value) {
    let rules = "
version: 1
home: { country: SG }
rules:
  - { id: brand, score: 1, when: { text: { words: [paypal] } } }
  - { id: pin, score: 1, when: { text: { regex: '\\bpin\\b' } } }
  - { id: across, score: 1, when: { text: { regex: '\\bcall\\b.{0,40}?\\bto\\b' } } }
  - { id: phone, score: 1, when: { has: phone } }
";
    let mut pdu = Vec::new();
    wire::sm(&mut pdu, CommandId::SUBMIT_SM, 1, &sm(octets, coding));
    let way = Way { account: "", direction: None, now: Timestamp(0), rule: None, memory: &NOTHING };
    let told = explain::pdu(&load(rules).unwrap(), &pdu, way).unwrap().remove(0).json;
    let fired = told["findings"].as_array().into_iter().flatten().map(|f| f["rule"].as_str().unwrap().to_owned());
    (fired.collect(), told["handles"].clone())
}

#[test]
fn octets_that_may_be_read_in_two_ways_are_searched_in_each_and_never_across() {
    let little_endian = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let (fired, _) = both_ways(b"P{ypal: you h{ve one new payment waiting please sign in now to see it", 1);
    assert_eq!(fired, ["brand"], "the first word of what GSM 03.38 makes of it");
    let (_, handles) = both_ways(&little_endian("Pay now https://t.me/agent99"), 8);
    assert!(handles.to_string().contains("agent99\""), "{handles}");
    let (fired, _) = both_ways(&little_endian("To get it all back you must only send me your pin"), 8);
    assert_eq!(fired, ["pin"]);
    let (fired, _) = both_ways(b"Make calls to all @ 11k. N5 daily fee applies on 1st call only", 0);
    assert_eq!(fired, [""; 0], "`call only` ends one reading, `Make calls to` begins the other");
    let (fired, _) = both_ways("096 2257914 c\u{1ead}u g\u{1ecd}i anh \u{1ea5}y".as_bytes(), 0);
    assert_eq!(fired, [""; 0], "nothing before the number asks to call it");
}

fn fired(account: &str, sm: &Sm<'_>) -> Vec<String> {
    let told = told(account, sm);
    told["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap().to_owned()).collect()
}

fn sm(octets: &[u8], coding: u8) -> Sm<'_> {
    Sm { short_message: octets, data_coding: DataCoding(coding), ..Sm::default() }
}

#[test]
fn anomalies_are_facts() {
    assert_eq!(fired("", &sm(b"please verify", 0)), ["clean", "words"]);
    assert_eq!(fired("", &sm("bitte verify für".as_bytes(), 0)), ["utf-8", "words"]);
    assert_eq!(fired("modern", &sm("bitte verify für".as_bytes(), 0)), ["clean", "words"]);
    let little: Vec<u8> = "please verify".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(fired("", &sm(&little, 8)), ["dressed", "words"]);
    assert_eq!(fired("plain", &sm(b"verify_now {at} $5", 0)), ["clean", "words"]);
    let noise: Vec<u8> = (0..60u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_eq!(fired("", &sm(&noise, 0x85)), ["unread"]);
    let mut tlvs = Vec::new();
    wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, b"please verify");
    let both = Sm { tlvs: Tlvs::new(&tlvs), ..sm(b"hello", 0) };
    assert_eq!(fired("", &both), ["clean", "twice", "words"]);
}

#[test]
fn packed_septets_are_read_by_what_the_account_says_and_found_where_it_does_not() {
    let mut packed = Vec::new();
    encode("please verify [now]", DataCoding(0), Alphabet::GsmPacked, &mut packed).unwrap();
    let account = told("packs", &sm(&packed, 0));
    let found = told("", &sm(&packed, 0));
    assert_eq!((&account["shown"], &found["shown"]), (&"please verify [now]".into(), &"please verify [now]".into()));
    assert_eq!(account["anomalies"], serde_json::json!([]));
    assert_eq!(found["anomalies"], serde_json::json!(["packed"]));
}

#[test]
fn classes_protocols_ports_and_payloads_are_facts() {
    for coding in [0x10, 0x18, 0x50, 0xf0] {
        let text: Vec<u8> = if coding == 0x18 { b"\0h\0i\0!".to_vec() } else { b"hi!".to_vec() };
        assert_eq!(fired("", &sm(&text, coding)), ["clean", "flash"], "{coding:#x}");
    }
    assert_eq!(fired("", &sm(b"hi!", 0xf1)), ["clean"]);
    let mut display = Vec::new();
    wire::tlv(&mut display, Tag::DEST_ADDR_SUBUNIT, &[1]);
    assert_eq!(fired("", &Sm { tlvs: Tlvs::new(&display), ..sm(b"hi!", 0) }), ["clean", "flash"]);
    assert_eq!(fired("", &Sm { protocol_id: 0x40, ..sm(b"hi!", 0) }), ["clean", "silent"]);
    let push =
        [&[6, 5, 4, 0x0b, 0x84, 0, 0, 1, 6, 1, 0xb0, 2, 6, 0x6a, 0, 0x85, 9, 3][..], b"verify.bank-login.com/\0\x01"]
            .concat();
    let told = told("", &Sm { esm_class: EsmClass(0x40), ..sm(&push, 4) });
    assert_eq!((&told["payload"], &told["port"]), (&"wap_push".into(), &2948.into()));
    assert_eq!(told["links"], serde_json::json!(["verify.bank-login.com"]));
    assert_eq!(fired("", &Sm { esm_class: EsmClass(0x40), ..sm(&push, 4) }), ["clean", "push", "words"]);
    assert_eq!(fired("", &sm(b"BEGIN:VCARD\r\nN:Bank\r\nNOTE:verify\r\nEND:VCARD", 0)), ["card", "clean", "words"]);
}

#[test]
fn words_and_numbers_that_do_not_exist_are_told_with_their_place() {
    for (when, line) in [
        ("{ message: { anomaly: utf8 } }", "utf_8"),
        ("{ message: { payload: wappush } }", "wap_push"),
        ("{ message: { class: 256 } }", "from 0 to 3"),
        ("{ message: { port: 65536 } }", "from 0 to 65535"),
    ] {
        let told = load(&format!("rules:\n  - {{ id: a, score: 1, when: {when} }}\n")).unwrap_err();
        assert!(told.contains("rules.yaml:2:") && told.contains(line), "{told}");
    }
    let told = load("accounts:\n  a: { alphabet: packed }\n").unwrap_err();
    assert!(told.contains("rules.yaml:2:") && told.contains("gsm-packed"), "{told}");
}
