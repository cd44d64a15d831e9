//! An ESME: binds, keeps a window of submits outstanding, answers what it is sent, and counts.

use std::collections::{BTreeMap, VecDeque};

use super::Framed;
use crate::wire::body::{self, Body, Parsed, Sm};
use crate::wire::command::{CommandId, CommandStatus, InterfaceVersion};
use crate::wire::encode as wire;
use crate::wire::field::Address;
use crate::wire::frame::Header;

/// What it has seen.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Messages submitted.
    pub submitted: u64,
    /// Answers to them, by status.
    pub answers: BTreeMap<String, u64>,
    /// Answers to nothing that is outstanding.
    pub strays: u64,
    /// Receipts received.
    pub receipts: u64,
    /// Other messages received.
    pub messages: u64,
    /// Whether its bind was accepted.
    pub bound: bool,
    /// Whether its unbind was answered.
    pub unbound: bool,
}

impl Report {
    /// All answers.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answers.values().sum()
    }

    fn answer(&mut self, status: CommandStatus) {
        match status.name().and_then(|name| self.answers.get_mut(name)) {
            Some(count) => *count += 1,
            None => *self.answers.entry(status.to_string()).or_default() += 1,
        }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.submitted += other.submitted;
        self.strays += other.strays;
        self.receipts += other.receipts;
        self.messages += other.messages;
        self.bound &= other.bound;
        self.unbound &= other.unbound;
        for (status, n) in &other.answers {
            *self.answers.entry(status.clone()).or_default() += n;
        }
    }
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Esme {
    /// What it has seen.
    pub report: Report,
    framed: Framed,
    system_id: String,
    window: usize,
    next_sequence: u32,
    outstanding: VecDeque<u32>,
    unbinding: bool,
    /// It is done: its connection may be closed.
    pub finished: bool,
}

impl Esme {
    /// An ESME of this account.
    #[must_use]
    pub fn new(system_id: &str, window: usize) -> Self {
        Self {
            report: Report::default(),
            framed: Framed::default(),
            system_id: system_id.into(),
            window,
            next_sequence: 0,
            outstanding: VecDeque::new(),
            unbinding: false,
            finished: false,
        }
    }

    fn sequence(&mut self) -> u32 {
        self.next_sequence = if self.next_sequence >= 0x5fff_ffff { 1 } else { self.next_sequence + 1 };
        self.next_sequence
    }

    /// Appends its bind.
    pub fn bind(&mut self, id: CommandId, out: &mut Vec<u8>) {
        let sequence_number = self.sequence();
        let system_id = self.system_id.clone();
        wire::pdu(out, id, CommandStatus::ESME_ROK, sequence_number, |out| {
            wire::c_octet_string(out, system_id.as_bytes());
            wire::c_octet_string(out, b"secret");
            wire::c_octet_string(out, b"");
            out.push(InterfaceVersion::V3_4.0);
            wire::address(out, &Address::default());
        });
    }

    /// Whether another message may be submitted now.
    #[must_use]
    pub fn may_submit(&self) -> bool {
        self.report.bound && !self.unbinding && !self.finished && self.outstanding.len() < self.window
    }

    /// Appends a message.
    pub fn submit(&mut self, sm: &Sm<'_>, out: &mut Vec<u8>) {
        let sequence_number = self.sequence();
        self.outstanding.push_back(sequence_number);
        self.report.submitted += 1;
        wire::sm(out, CommandId::SUBMIT_SM, sequence_number, sm);
    }

    /// Appends a message that is encoded already, under a number of its own, which is answered.
    pub fn submit_encoded(&mut self, pdu: &[u8], out: &mut Vec<u8>) -> u32 {
        let sequence_number = self.sequence();
        self.outstanding.push_back(sequence_number);
        self.report.submitted += 1;
        let start = out.len();
        out.extend_from_slice(pdu);
        if let Some(number) = out.get_mut(start + 12..start + 16) {
            number.copy_from_slice(&sequence_number.to_be_bytes());
        }
        sequence_number
    }

    /// Submits that wait for their answers.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Appends an unbind.
    pub fn unbind(&mut self, out: &mut Vec<u8>) {
        self.unbinding = true;
        let sequence_number = self.sequence();
        wire::header_only(out, CommandId::UNBIND, sequence_number);
    }

    /// Takes octets, and appends to `out` what is to be written back.
    pub fn handle_bytes(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.framed.push(octets);
        while !self.finished {
            let mut framed = std::mem::take(&mut self.framed);
            let step = framed.next(|header, pdu| self.pdu(header, pdu, out));
            self.framed = framed;
            match step {
                Ok(Some(())) => {}
                Ok(None) => break,
                Err(_) => self.finished = true,
            }
        }
    }

    fn pdu(&mut self, header: Header, pdu: &[u8], out: &mut Vec<u8>) {
        let sequence_number = header.sequence_number;
        let response = header.command_id.response();
        let ok = CommandStatus::ESME_ROK;
        match header.command_id {
            CommandId::BIND_RECEIVER_RESP | CommandId::BIND_TRANSMITTER_RESP | CommandId::BIND_TRANSCEIVER_RESP => {
                self.report.bound = header.command_status == ok;
                self.finished = !self.report.bound;
            }
            CommandId::SUBMIT_SM_RESP | CommandId::GENERIC_NACK => {
                match self.outstanding.iter().position(|n| *n == sequence_number) {
                    Some(at) => {
                        self.outstanding.remove(at);
                        self.report.answer(header.command_status);
                    }
                    None => self.report.strays += 1,
                }
            }
            CommandId::DELIVER_SM => {
                if matches!(body::parse(pdu), Parsed::Understood(_, Body::DeliverSm(sm)) if sm.esm_class.is_receipt()) {
                    self.report.receipts += 1;
                } else {
                    self.report.messages += 1;
                }
                wire::response(out, response, ok, sequence_number, Some(b""));
            }
            CommandId::ENQUIRE_LINK => wire::response(out, response, ok, sequence_number, None),
            CommandId::UNBIND => {
                wire::response(out, response, ok, sequence_number, None);
                self.finished = true;
            }
            CommandId::UNBIND_RESP => {
                self.report.unbound = true;
                self.finished = true;
            }
            _ => {}
        }
    }
}
