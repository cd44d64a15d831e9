//! The same text in every dress of the wire: each alphabet that has its characters, short_message and message_payload,
//! submit_sm, data_sm and deliver_sm, with and without a header.

use serde_json::Value;
use tapis::case::NOTHING;
use tapis::explain::{self, Way};
use tapis::message::Direction;
use tapis::policy::Policy;
use tapis::text::{Alphabet, encode};
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

use crate::letters::NOW;

/// A data_coding, and the account whose policy says what 0 means.
type Coding = (u8, &'static str);

/// GSM 03.38, Latin-1, ASCII and UCS-2, each by the standard's own value and by the coding groups of 3GPP TS 23.038.
const CODINGS: [Coding; 11] = [
    (0, "gsm"),
    (0, "latin"),
    (1, "gsm"),
    (3, "gsm"),
    (3, "latin"),
    (8, "gsm"),
    (0x10, "gsm"),
    (0x18, "gsm"),
    (0xc8, "gsm"),
    (0xe8, "gsm"),
    (0xf0, "gsm"),
];

/// One PDU that carries a text.
#[derive(Clone, Debug)]
pub struct Dressed {
    pub how: String,
    pub account: &'static str,
    pub pdu: Vec<u8>,
}

/// A rule file's accounts that [`CODINGS`] names.
pub const ACCOUNTS: &str = r#"{ "gsm": { "alphabet": "gsm" }, "latin": { "alphabet": "latin-1" } }"#;

fn octets(text: &str, (data_coding, account): Coding) -> Option<Vec<u8>> {
    let alphabet = if account == "latin" { Alphabet::Latin1 } else { Alphabet::Gsm };
    let mut octets = Vec::new();
    encode::encode(text, DataCoding(data_coding), alphabet, &mut octets).ok()?;
    Some(octets)
}

/// Whether the text is UTF-8 or Windows-1252 that somebody read as Latin-1: it is read as it was.
pub fn was_read_as_latin_1(text: &str) -> bool {
    let was_utf8 = |octets: &Vec<u8>| !octets.is_ascii() && std::str::from_utf8(octets).is_ok();
    text.contains(|c| matches!(c, '\u{80}'..='\u{9f}')) || octets(text, (3, "gsm")).as_ref().is_some_and(was_utf8)
}

/// Every way in which the wire can carry a text as one PDU.
pub fn all(from: &str, to: &str, text: &str) -> Vec<Dressed> {
    let mut all = Vec::new();
    for coding in CODINGS {
        let Some(octets) = octets(text, coding) else { continue };
        // A header whose only element no handset knows.
        for header in [&[][..], &[3, 0x70, 1, 0]] {
            let octets = [header, &octets].concat();
            for operation in [CommandId::SUBMIT_SM, CommandId::DELIVER_SM, CommandId::DATA_SM] {
                for payload in [false, true] {
                    let fits = payload || (octets.len() <= 254 && operation != CommandId::DATA_SM);
                    if !fits {
                        continue;
                    }
                    let esm_class = EsmClass(if header.is_empty() { 0 } else { 0x40 });
                    let place = if payload { "message_payload" } else { "short_message" };
                    let how =
                        format!("{operation} {place} data_coding {:#04x} {} header {header:?}", coding.0, coding.1);
                    let pdu = pdu(operation, [from, to], DataCoding(coding.0), esm_class, &octets, payload);
                    all.push(Dressed { how, account: coding.1, pdu });
                }
            }
        }
    }
    all
}

fn pdu(
    operation: CommandId,
    [from, to]: [&str; 2],
    data_coding: DataCoding,
    esm_class: EsmClass,
    octets: &[u8],
    payload: bool,
) -> Vec<u8> {
    let mut tlvs = Vec::new();
    if payload && !octets.is_empty() {
        wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, octets);
    }
    let (source, destination) = (Address::of_writing(from), Address::of_writing(to));
    let mut out = Vec::new();
    if operation == CommandId::DATA_SM {
        wire::pdu(&mut out, operation, CommandStatus::ESME_ROK, 2, |out| {
            wire::c_octet_string(out, b"");
            wire::address(out, &source);
            wire::address(out, &destination);
            out.extend_from_slice(&[esm_class.0, 0, data_coding.0]);
            out.extend_from_slice(&tlvs);
        });
        return out;
    }
    let short_message = if payload { &[] } else { octets };
    let tlvs = Tlvs::new(&tlvs);
    let sm = Sm { source, destination, esm_class, data_coding, short_message, tlvs, ..Sm::default() };
    wire::sm(&mut out, operation, 2, &sm);
    out
}

/// What a policy finds in it, with the places in the text; rules on what a dress is made of apart.
pub fn findings(policy: &Policy, dressed: &Dressed, about_dress: &[String]) -> (String, Vec<Value>) {
    let way = Way { account: dressed.account, direction: Some(Direction::Mt), now: NOW, rule: None, memory: &NOTHING };
    let told = explain::pdu(policy, &dressed.pdu, way).unwrap_or_else(|e| panic!("{}: {e}", dressed.how));
    let [one] = told.as_slice() else { panic!("{}: one message", dressed.how) };
    let findings = one.json["findings"].as_array().cloned().unwrap_or_default();
    let is_about_text = |f: &Value| !about_dress.iter().any(|id| f["rule"] == id.as_str());
    let mut findings: Vec<Value> = findings.into_iter().filter(is_about_text).collect();
    findings.sort_by_key(|f| f["rule"].to_string());
    // What a rule in shadow would change depends on what else was found, of the dress too.
    for finding in &mut findings {
        finding.as_object_mut().unwrap().remove("would_change_to");
    }
    (one.json["text"].to_string(), findings)
}
