//! What the peers say: binds, messages with a text that is theirs alone, and everything else that a wire can carry.

use tapis::config::source::{Source, Sources};
use tapis::policy::{self, Policy};
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, Npi, RegisteredDelivery, Tag, Ton};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::frame::{Frame, Header, frame};
use tapis::wire::tlv::Tlvs;

use crate::world::{Rng, World};

/// Rules that block, swallow and tag by a word of the text.
pub const RULES: &str = r#"
tags:
  mark: { source_addr: Likely-SCAM, prefix: "[SCAM?] ", tlv: { tag: "0x1500", value: scam } }
rules:
  - { id: blocks, about: b, category: other, action: block, status: ESME_RSUBMITFAIL, when: { text: { words: [blockme] } }, cases: [{ from: A, to: "+6591234567", text: blockme, expect: fires }] }
  - { id: swallows, about: s, category: other, action: block, answer: accept, when: { text: { words: [swallowme] } }, cases: [{ from: A, to: "+6591234567", text: swallowme, expect: fires }] }
  - { id: tags, about: t, category: other, action: tag, tag: mark, when: { text: { words: [tagme] } }, cases: [{ from: A, to: "+6591234567", text: tagme, expect: fires }] }
  - { id: nobody, about: n, category: other, action: block, when: { recipient: { country: PH } }, cases: [{ from: A, to: "+639171234567", text: x, expect: fires }] }
"#;

pub fn policy(rules: &str) -> Policy {
    let sources = Sources { rules: vec![Source { name: "t.yaml".into(), text: rules.into() }], ..Sources::default() };
    match policy::load(&sources) {
        Ok(loaded) => loaded.policy,
        Err(all) => panic!("{}", all.iter().map(|d| d.render(&sources)).collect::<Vec<_>>().join("\n")),
    }
}

pub fn bind(id: CommandId, system_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    wire::pdu(&mut out, id, CommandStatus::ESME_ROK, 1, |out| {
        wire::c_octet_string(out, system_id.as_bytes());
        wire::c_octet_string(out, b"secret");
        wire::c_octet_string(out, b"");
        out.push(0x34);
        wire::address(out, &Address::default());
    });
    out
}

pub fn message(id: CommandId, sequence_number: u32, text: &str, to: &str, registered: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let sm = Sm {
        source: Address { ton: Ton::ALPHANUMERIC, npi: Npi(0), address: b"SHOP" },
        destination: Address { ton: Ton::INTERNATIONAL, npi: Npi(1), address: to.as_bytes() },
        registered_delivery: RegisteredDelivery(registered),
        short_message: text.as_bytes(),
        ..Sm::default()
    };
    wire::sm(&mut out, id, sequence_number, &sm);
    out
}

pub fn multi(sequence_number: u32, text: &str, to: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    wire::pdu(&mut out, CommandId::SUBMIT_MULTI, CommandStatus::ESME_ROK, sequence_number, |out| {
        out.extend_from_slice(b"\0\x05\0SHOP\0");
        out.push(u8::try_from(to.len()).unwrap());
        for one in to {
            out.extend_from_slice(&[1, 1, 1]);
            wire::c_octet_string(out, one.as_bytes());
        }
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.push(u8::try_from(text.len()).unwrap());
        out.extend_from_slice(text.as_bytes());
    });
    out
}

/// Any PDU that a bound ESME may send, with text number `n`; words of it say what shall become of it.
pub fn anything(rng: &mut Rng, n: u64) -> Vec<u8> {
    let word = ["hello", "hello", "hello", "blockme", "swallowme", "tagme"][usize::try_from(rng.below(6)).unwrap()];
    let text = format!("{word} no {n}");
    // Numbers are reused while outstanding.
    let sequence_number = u32::try_from(2 + rng.below(40)).unwrap();
    let mut out = Vec::new();
    match rng.below(12) {
        0 => wire::header_only(&mut out, CommandId::ENQUIRE_LINK, sequence_number),
        1 => wire::pdu(&mut out, CommandId(0x0001_0200), CommandStatus::ESME_ROK, sequence_number, |o| o.push(7)),
        2 => return multi(sequence_number, &text, &["6591234567", "639171234567", "66812345678"]),
        3 => {
            let mut tlvs = Vec::new();
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, text.as_bytes());
            wire::tlv(&mut tlvs, Tag(0x1400), &n.to_be_bytes());
            let sm = Sm {
                source: Address { ton: Ton::INTERNATIONAL, npi: Npi(1), address: b"66811111111" },
                destination: Address { ton: Ton::INTERNATIONAL, npi: Npi(1), address: b"6591234567" },
                data_coding: DataCoding(3),
                esm_class: EsmClass(1),
                tlvs: Tlvs::new(&tlvs),
                ..Sm::default()
            };
            wire::sm(&mut out, CommandId::SUBMIT_SM, sequence_number, &sm);
        }
        4 => {
            // A body that cannot be parsed.
            wire::pdu(&mut out, CommandId::SUBMIT_SM, CommandStatus::ESME_ROK, sequence_number, |o| {
                o.extend_from_slice(text.as_bytes());
            });
        }
        _ => return message(CommandId::SUBMIT_SM, sequence_number, &text, "6591234567", u8::from(rng.chance(30))),
    }
    out
}

/// PDUs of a stream.
pub fn pdus(mut octets: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut all = Vec::new();
    while let Ok(Frame::Whole { header }) = frame(octets, u32::MAX) {
        let (pdu, rest) = octets.split_at(header.command_length as usize);
        all.push((header, pdu.to_vec()));
        octets = rest;
    }
    all
}

/// An SMSC at the end of a world's wire: answers what it has not answered yet, some of it later and out of order.
#[derive(Default)]
pub struct Smsc {
    seen: usize,
    waiting: Vec<Vec<u8>>,
    /// Everything it answered, without the delay.
    pub answered: u64,
    pub silent: bool,
    pub mo: u64,
}

impl Smsc {
    /// One that ignores what has come so far.
    pub fn after(world: &World) -> Self {
        Self { seen: pdus(&world.smsc.from_gate).len(), ..Self::default() }
    }

    pub fn run(&mut self, world: &mut World) {
        let all = pdus(&world.smsc.from_gate);
        for (header, _) in all.iter().skip(self.seen) {
            if header.command_id.is_response() || header.command_id == CommandId(0x0001_0200) {
                continue;
            }
            let mut out = Vec::new();
            let message_id = format!("m{}", self.seen);
            let response = header.command_id.response();
            let body = match header.command_id {
                CommandId::ENQUIRE_LINK | CommandId::UNBIND => None,
                _ => Some(message_id.as_bytes()),
            };
            if header.command_id == CommandId::SUBMIT_MULTI {
                wire::submit_multi_resp(&mut out, CommandStatus::ESME_ROK, header.sequence_number, b"m", []);
            } else {
                wire::response(&mut out, response, CommandStatus::ESME_ROK, header.sequence_number, body);
            }
            self.waiting.push(out);
        }
        self.seen = all.len();
        if self.silent {
            return;
        }
        while !self.waiting.is_empty() && !world.rng.chance(20) {
            let at = if world.rng.chance(30) { world.rng.below(self.waiting.len() as u64) } else { 0 };
            let one = self.waiting.remove(usize::try_from(at).unwrap());
            world.smsc.to_gate.extend(one);
            self.answered += 1;
        }
    }

    /// A message of a subscriber.
    pub fn deliver(&mut self, world: &mut World) {
        self.mo += 1;
        let word = if world.rng.chance(30) { "blockme" } else { "hi" };
        let text = format!("{word} mo {}", self.mo);
        let sequence_number = u32::try_from(1 + world.rng.below(20)).unwrap();
        world.smsc.to_gate.extend(message(CommandId::DELIVER_SM, sequence_number, &text, "12345", 0));
    }
}
