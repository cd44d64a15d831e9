//! Every disguise and trick that is known, as data: `tricks.yaml` has the clean text, the PDUs that hide it, and the
//! finding that must fire all the same; `rules.yaml` has the rules. The page `tapis help evasions` is made of the same file.
//!
//! `TAPIS_BLESS=1` writes that page anew.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(dead_code, reason = "the simulation's world is used in part")]

#[path = "../simulation/carrier.rs"]
mod carrier;
#[path = "../simulation/traffic.rs"]
mod traffic;
#[path = "../simulation/world.rs"]
mod world;

use std::fmt::Write as _;
use std::path::Path;

use carrier::Carrier;
use serde::Deserialize;
use tapis::gate::Settings;
use tapis::session::Leg;
use tapis::text::Alphabet;
use tapis::text::encode;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, RegisteredDelivery, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

/// One row of `tricks.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trick {
    /// Its name, in kebab case.
    id: String,
    /// The heading that it stands under.
    family: String,
    /// What the sender does.
    trick: String,
    /// What stops it, and where.
    stopped_by: String,
    /// The text without disguise.
    clean: String,
    /// The rule that must fire.
    finding: String,
    /// The disguised PDUs, in the order in which they are sent.
    pdus: Vec<Pdu>,
    /// It is known and not stopped yet; `stopped_by` says what would stop it.
    #[serde(default)]
    open: bool,
    /// Single messages within this many seconds are joined.
    #[serde(default)]
    join_singles_s: Option<u64>,
}

/// One PDU: octets where they matter, text where they do not.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Pdu {
    /// Which bind of the account sends it, from 0.
    bind: usize,
    /// `submit_sm` unless named: data_sm, submit_multi, replace_sm.
    operation: Option<String>,
    from: Option<String>,
    /// Several for a submit_multi.
    to: Vec<String>,
    /// Header octets before the text, its length octet included.
    udh: Option<String>,
    esm_class: Option<u8>,
    data_coding: u8,
    /// short_message as text, or as octets.
    text: Option<String>,
    octets: Option<String>,
    /// message_payload as text, or as octets.
    payload: Option<String>,
    payload_octets: Option<String>,
    /// More TLVs: tag and value in hexadecimal, before message_payload.
    tlvs: Vec<(String, String)>,
    /// Seconds before it.
    after_s: u64,
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2), "{text:?} has half an octet");
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
    digits.chunks(2).map(|pair| octet(pair).unwrap_or_else(|e| panic!("{text:?}: {e}"))).collect()
}

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evasion").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn tricks() -> Vec<Trick> {
    serde_yaml::from_str(&file("tricks.yaml")).unwrap_or_else(|e| panic!("tricks.yaml: {e}"))
}

impl Pdu {
    /// Its user data: header, then text in its coding.
    fn user_data(&self, text: Option<&String>, octets: Option<&String>) -> Vec<u8> {
        let mut out = self.udh.as_deref().map(hex).unwrap_or_default();
        match (text, octets) {
            (_, Some(octets)) => out.extend(hex(octets)),
            (Some(text), None) => {
                let coded = encode::encode(text, DataCoding(self.data_coding), Alphabet::Gsm, &mut out);
                assert!(coded.is_ok(), "{text:?} cannot be written in data_coding {}", self.data_coding);
            }
            (None, None) => out.clear(),
        }
        out
    }

    fn write(&self, sequence_number: u32) -> Vec<u8> {
        let from = self.from.as_deref().unwrap_or("INFO");
        let to: Vec<&str> =
            if self.to.is_empty() { vec!["+66898765432"] } else { self.to.iter().map(|t| &**t).collect() };
        let short_message = self.user_data(self.text.as_ref(), self.octets.as_ref());
        let mut tlvs = Vec::new();
        for (tag, value) in &self.tlvs {
            wire::tlv(&mut tlvs, Tag(u16::from_str_radix(tag, 16).unwrap()), &hex(value));
        }
        if self.payload.is_some() || self.payload_octets.is_some() {
            let payload = self.user_data(self.payload.as_ref(), self.payload_octets.as_ref());
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &payload);
        }
        let esm_class = EsmClass(self.esm_class.unwrap_or(if self.udh.is_some() { 0x40 } else { 0 }));
        let mut out = Vec::new();
        match self.operation.as_deref().unwrap_or("submit_sm") {
            "submit_sm" => wire::sm(
                &mut out,
                CommandId::SUBMIT_SM,
                sequence_number,
                &Sm {
                    source: Address::of_writing(from),
                    destination: Address::of_writing(to[0]),
                    esm_class,
                    data_coding: DataCoding(self.data_coding),
                    short_message: &short_message,
                    registered_delivery: RegisteredDelivery(0),
                    tlvs: Tlvs::new(&tlvs),
                    ..Sm::default()
                },
            ),
            "data_sm" => wire::pdu(&mut out, CommandId::DATA_SM, CommandStatus::ESME_ROK, sequence_number, |out| {
                out.push(0);
                wire::address(out, &Address::of_writing(from));
                wire::address(out, &Address::of_writing(to[0]));
                out.extend_from_slice(&[esm_class.0, 0, self.data_coding]);
                out.extend_from_slice(&tlvs);
            }),
            "submit_multi" => {
                wire::pdu(&mut out, CommandId::SUBMIT_MULTI, CommandStatus::ESME_ROK, sequence_number, |out| {
                    out.push(0);
                    wire::address(out, &Address::of_writing(from));
                    out.push(u8::try_from(to.len()).unwrap());
                    for one in &to {
                        out.push(1);
                        wire::address(out, &Address::of_writing(one));
                    }
                    out.extend_from_slice(&[esm_class.0, 0, 0, 0, 0, 0, 0, self.data_coding, 0]);
                    out.push(u8::try_from(short_message.len()).unwrap());
                    out.extend_from_slice(&short_message);
                    out.extend_from_slice(&tlvs);
                })
            }
            "replace_sm" => {
                wire::pdu(&mut out, CommandId::REPLACE_SM, CommandStatus::ESME_ROK, sequence_number, |out| {
                    wire::c_octet_string(out, b"m1");
                    wire::address(out, &Address::of_writing(from));
                    out.extend_from_slice(&[0, 0, 0, 0]);
                    out.push(u8::try_from(short_message.len()).unwrap());
                    out.extend_from_slice(&short_message);
                    out.extend_from_slice(&tlvs);
                })
            }
            other => panic!("`{other}` is no operation of these tests"),
        }
        out
    }
}

/// The rules that fire while these PDUs are sent.
fn fired(pdus: &[Pdu], join_singles_s: Option<u64>) -> Vec<String> {
    let mut settings = Settings::default();
    settings.parts.keeping.join_singles = join_singles_s.map(std::time::Duration::from_secs);
    let binds = pdus.iter().map(|p| p.bind + 1).max().unwrap_or(1);
    let mut carrier = Carrier::new(7, settings, traffic::policy(&file("rules.yaml")), &vec![100; binds]);
    for (n, pdu) in pdus.iter().enumerate() {
        if pdu.after_s > 0 {
            carrier.sleep(std::time::Duration::from_secs(pdu.after_s));
        }
        carrier.hand(pdu.bind, Leg::Esme, &pdu.write(u32::try_from(n).unwrap() + 10));
    }
    carrier.sleep(std::time::Duration::from_secs(5));
    assert!(!carrier.told.is_empty(), "nothing was judged");
    carrier.told.iter().flat_map(|t| t.findings.clone()).collect()
}

#[test]
fn no_disguise_hides_what_the_plain_text_says() {
    let mut lost = Vec::new();
    for trick in tricks() {
        let plain = Pdu {
            data_coding: if trick.clean.is_ascii() { 0 } else { 8 },
            text: Some(trick.clean.clone()),
            ..Pdu::default()
        };
        let clean = fired(&[plain], None);
        assert!(
            clean.contains(&trick.finding),
            "{}: the clean text does not fire `{}`: {clean:?}",
            trick.id,
            trick.finding
        );
        let disguised = fired(&trick.pdus, trick.join_singles_s);
        if trick.open {
            assert!(!disguised.contains(&trick.finding), "{} is stopped now: it is `open` no more", trick.id);
        } else if !disguised.contains(&trick.finding) {
            lost.push(format!("{}: `{}` does not fire; fired: {disguised:?}", trick.id, trick.finding));
        }
    }
    assert!(lost.is_empty(), "{} lost:\n{}", lost.len(), lost.join("\n"));
}

#[test]
fn every_trick_has_a_name_of_its_own_and_none_fires_without_its_text() {
    let tricks = tricks();
    let mut ids: Vec<&str> = tricks.iter().map(|t| &*t.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), tricks.len(), "two tricks share an id");
    assert!(tricks.len() >= 60, "only {} tricks", tricks.len());
    // A test whose rules fire on anything proves nothing.
    for text in [
        "Hello, see you at the office at 10.30am.",
        "Your parcel is on its way. Thank you.",
        "เจอกันพรุ่งนี้ตอนเที่ยงนะ",
        "Hẹn gặp bạn lúc 7 giờ tối nay",
        "下午三点开会，请准时参加",
    ] {
        let plain = Pdu { data_coding: if text.is_ascii() { 0 } else { 8 }, text: Some(text.into()), ..Pdu::default() };
        assert_eq!(fired(&[plain], None), Vec::<String>::new(), "{text}");
    }
}

/// The page, made of the rows.
fn page() -> String {
    let tricks = tricks();
    let mut page = String::from(
        "# SMPP evasions, and the line that stops each\n\n\
         Made from `tests/evasion/tricks.yaml`, where each has the PDUs that try it; the tests send them through a gate and\n\
         require the finding that the plain text has.\n",
    );
    let mut families: Vec<&str> = Vec::new();
    for trick in &tricks {
        if !families.contains(&&*trick.family) {
            families.push(&trick.family);
        }
    }
    for family in families {
        write!(page, "\n## {family}\n\n| trick | what the sender does | what stops it |\n|---|---|---|\n").unwrap();
        for t in tricks.iter().filter(|t| t.family == family) {
            let stopped_by = if t.open { format!("**open**: {}", t.stopped_by) } else { t.stopped_by.clone() };
            writeln!(page, "| {} | {} | {} |", t.id, t.trick.replace('|', "\\|"), stopped_by.replace('|', "\\|"))
                .unwrap();
        }
    }
    page
}

#[test]
fn the_page_is_made_from_the_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/evasions.md");
    if std::env::var_os("TAPIS_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "src/manual/evasions.md is not what tricks.yaml makes: run this test with TAPIS_BLESS=1"
    );
}
