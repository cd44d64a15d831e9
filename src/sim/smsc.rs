//! An SMSC: accepts every bind and message, sends receipts where asked, and counts.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::Framed;
use crate::time::{Timestamp, write_receipt_time};
use crate::wire::body::{self, Body, Parsed, Sm};
use crate::wire::command::{CommandId, CommandStatus, EsmClass, Tag};
use crate::wire::encode as wire;
use crate::wire::field::Address;
use crate::wire::frame::Header;
use crate::wire::tlv::Tlvs;

/// How it behaves.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The system_id in its bind responses.
    pub system_id: String,
    /// Whether it sends the receipts that registered_delivery asks for.
    pub receipts: bool,
    /// Whether it remembers a digest of every message that reached it.
    pub remembers: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self { system_id: "tapis-sim".into(), receipts: true, remembers: false }
    }
}

/// What all connections of one SMSC share.
#[derive(Debug, Default)]
pub struct Centre {
    /// How it behaves.
    pub behaviour: Behaviour,
    /// PDUs received, by name.
    pub received: BTreeMap<&'static str, u64>,
    /// Messages taken: submit_sm, data_sm, and each destination of submit_multi.
    pub messages: u64,
    /// Digests of the bodies of messages, with how often each came, when it remembers.
    pub bodies: HashMap<u64, u32>,
    /// Receipts that wait for a receiving bind, by account.
    receipts: HashMap<String, VecDeque<Vec<u8>>>,
    next_message_id: u64,
}

impl Centre {
    /// A centre that behaves like this.
    #[must_use]
    pub fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::default() }
    }

    /// Leaves a message of a subscriber for the next receiving bind of an account.
    pub fn leave(&mut self, account: &str, sm: &Sm<'_>) {
        let mut pdu = Vec::new();
        wire::deliver_sm(&mut pdu, 0, sm);
        let waiting = self.receipts.entry(account.to_owned()).or_default();
        if waiting.len() < RECEIPTS_MAX {
            waiting.push_back(pdu);
        }
    }

    /// Whether something waits for an account.
    #[must_use]
    pub fn has_left(&self, account: &str) -> bool {
        self.receipts.get(account).is_some_and(|waiting| !waiting.is_empty())
    }
}

/// Receipts kept for one account.
const RECEIPTS_MAX: usize = 100_000;

/// Tells messages apart by everything behind their headers.
#[must_use]
pub fn body_digest(pdu: &[u8]) -> u64 {
    let hash = blake3::hash(pdu.get(16..).unwrap_or_default());
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// One connection to it.
#[derive(Debug, Default)]
pub struct Connection {
    framed: Framed,
    account: Option<String>,
    receives: bool,
    next_sequence: u32,
    /// No more is read: the peer has taken leave.
    pub closed: bool,
}

impl Connection {
    /// Takes octets, and appends to `out` what is to be written back.
    pub fn handle_bytes(&mut self, centre: &mut Centre, octets: &[u8], now: Timestamp, out: &mut Vec<u8>) {
        self.framed.push(octets);
        while !self.closed {
            let mut framed = std::mem::take(&mut self.framed);
            let step = framed.next(|header, pdu| self.pdu(centre, header, pdu, now, out));
            self.framed = framed;
            match step {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(_) => self.closed = true,
            }
        }
        self.fetch(centre, out);
    }

    /// Appends receipts that wait for this connection's account.
    pub fn fetch(&mut self, centre: &mut Centre, out: &mut Vec<u8>) {
        if !self.receives {
            return;
        }
        let Some(waiting) = self.account.as_ref().and_then(|a| centre.receipts.get_mut(a)) else { return };
        for mut receipt in waiting.drain(..) {
            self.next_sequence += 1;
            if let Some(number) = receipt.get_mut(12..16) {
                number.copy_from_slice(&self.next_sequence.to_be_bytes());
            }
            out.append(&mut receipt);
        }
    }

    /// Appends a message of a subscriber.
    pub fn deliver(&mut self, sm: &Sm<'_>, out: &mut Vec<u8>) -> u32 {
        self.next_sequence += 1;
        wire::deliver_sm(out, self.next_sequence, sm);
        self.next_sequence
    }

    /// The account that has bound, if one has.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// Whether messages may be delivered to it.
    #[must_use]
    pub fn receives(&self) -> bool {
        self.receives
    }

    fn pdu(&mut self, centre: &mut Centre, header: Header, pdu: &[u8], now: Timestamp, out: &mut Vec<u8>) {
        *centre.received.entry(header.command_id.name().unwrap_or("other")).or_default() += 1;
        let sequence_number = header.sequence_number;
        let response = header.command_id.response();
        let ok = CommandStatus::ESME_ROK;
        match header.command_id {
            id if id.is_response() => {}
            CommandId::BIND_RECEIVER | CommandId::BIND_TRANSCEIVER | CommandId::BIND_TRANSMITTER => {
                let account = body::system_id(pdu).map(|id| String::from_utf8_lossy(id).into_owned());
                self.account = account;
                self.receives = header.command_id != CommandId::BIND_TRANSMITTER;
                let system_id = centre.behaviour.system_id.clone();
                wire::pdu(out, response, ok, sequence_number, |out| {
                    wire::c_octet_string(out, system_id.as_bytes());
                    wire::tlv(out, Tag::SC_INTERFACE_VERSION, &[0x50]);
                });
            }
            CommandId::SUBMIT_SM | CommandId::DATA_SM | CommandId::SUBMIT_MULTI | CommandId::BROADCAST_SM => {
                self.message(centre, header, pdu, now, out);
            }
            CommandId::QUERY_SM | CommandId::CANCEL_SM | CommandId::REPLACE_SM => {
                wire::response(out, response, CommandStatus::ESME_RINVMSGID, sequence_number, None);
            }
            CommandId::UNBIND => {
                wire::response(out, response, ok, sequence_number, None);
                self.closed = true;
            }
            CommandId::ENQUIRE_LINK => wire::response(out, response, ok, sequence_number, None),
            _ => {
                let nack = CommandStatus::ESME_RINVCMDID;
                wire::response(out, CommandId::GENERIC_NACK, nack, sequence_number, None);
            }
        }
    }

    fn message(&mut self, centre: &mut Centre, header: Header, pdu: &[u8], now: Timestamp, out: &mut Vec<u8>) {
        centre.next_message_id += 1;
        let message_id = MessageId::new(centre.next_message_id);
        let message_id = message_id.as_str();
        if centre.behaviour.remembers {
            *centre.bodies.entry(body_digest(pdu)).or_default() += 1;
        }
        let is_read = header.command_id == CommandId::SUBMIT_MULTI || centre.behaviour.receipts;
        let (destinations, receipt) = match body::parse(if is_read { pdu } else { &[] }) {
            Parsed::Understood(_, Body::SubmitSm(sm)) => (
                1,
                sm.registered_delivery
                    .wants_failure_receipt()
                    .then(|| receipt(message_id, &sm.source, &sm.destination, now)),
            ),
            Parsed::Understood(_, Body::SubmitMulti(sm)) => (u64::from(sm.dest_address.number_of_dests), None),
            _ => (1, None),
        };
        centre.messages += destinations;
        if let (true, Some(receipt), Some(account)) = (centre.behaviour.receipts, receipt, &self.account) {
            let waiting = centre.receipts.entry(account.clone()).or_default();
            if waiting.len() < RECEIPTS_MAX {
                waiting.push_back(receipt);
            }
        }
        let (response, ok) = (header.command_id.response(), CommandStatus::ESME_ROK);
        if header.command_id == CommandId::SUBMIT_MULTI {
            wire::submit_multi_resp(out, ok, header.sequence_number, message_id.as_bytes(), []);
        } else {
            wire::response(out, response, ok, header.sequence_number, Some(message_id.as_bytes()));
        }
    }
}

/// A message_id: eight hexadecimal digits, or more where eight are not enough.
struct MessageId([u8; 16], usize);

impl MessageId {
    fn new(mut number: u64) -> Self {
        let mut digits = [b'0'; 16];
        let mut at = digits.len();
        for digit in digits.iter_mut().rev() {
            if number == 0 {
                break;
            }
            *digit = b"0123456789abcdef".get(usize::from((number & 15) as u8)).copied().unwrap_or(b'0');
            number >>= 4;
            at -= 1;
        }
        Self(digits, at.min(8))
    }

    fn as_str(&self) -> &str {
        self.0.get(self.1..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
    }
}

fn receipt(message_id: &str, source: &Address<'_>, destination: &Address<'_>, now: Timestamp) -> Vec<u8> {
    let mut text = format!("id:{message_id} sub:001 dlvrd:001 submit date:").into_bytes();
    write_receipt_time(now, &mut text);
    text.extend_from_slice(b" done date:");
    write_receipt_time(now, &mut text);
    text.extend_from_slice(b" stat:DELIVRD err:000 text:");
    let mut tlvs = Vec::new();
    wire::tlv(&mut tlvs, Tag::RECEIPTED_MESSAGE_ID, format!("{message_id}\0").as_bytes());
    wire::tlv(&mut tlvs, Tag::MESSAGE_STATE, &[2]);
    let sm = Sm {
        source: *destination,
        destination: *source,
        esm_class: EsmClass::RECEIPT,
        short_message: &text,
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    let mut out = Vec::new();
    wire::deliver_sm(&mut out, 0, &sm);
    out
}
