//! A [`Day`](crate::sim::day) through the gates of its accounts, with one memory: is each attack caught in time, and is
//! nobody else blocked?
//!
//! Gates are those that run behind sockets; in the place of the SMSC, of subscribers and of the clock stands what the
//! day says: a receipt five seconds after a message that asks for one, a report ten minutes after one that is reported.
//! Before the day honest firms have sent a message each, a month ago, through the same gates.

pub mod bounds;
pub mod page;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use super::Setting;
use crate::account::{Memory, PASSED_MAX, SessionId, SmscId};
use crate::gate::{Context, Gate, Output, Scratch};
use crate::reputation::Reputation;
use crate::session::Leg;
use crate::sim::Framed;
use crate::sim::corpus::Letter;
use crate::sim::day::{Class, Day, MIDNIGHT, RECEIPT_AFTER, REPORTED_AFTER, Sent};
use crate::time::Timestamp;
use crate::verdict::Action;
use crate::wire::body::{self, Body, Parsed, Sm};
use crate::wire::command::{CommandId, CommandStatus, EsmClass, MessageState, RegisteredDelivery, Tag};
use crate::wire::encode as wire;
use crate::wire::tlv::Tlvs;

/// What became of the messages of a class.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Their senders.
    pub senders: HashSet<Box<str>>,
    /// How many there were.
    pub messages: u64,
    /// How many passed, were tagged, were blocked.
    pub actions: [u64; 3],
    /// The first that was blocked, from 1, and the rule that weighed most.
    pub first_blocked: Option<(u64, Box<str>)>,
    /// The first that was tagged, and the rule.
    pub first_tagged: Option<(u64, Box<str>)>,
}

/// What a day came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// By class.
    pub classes: BTreeMap<Class, Tally>,
    /// Receipts that came home.
    pub receipts: u64,
    /// Keys that are remembered when it is over.
    pub keys: usize,
    /// Octets that they take, and what they point to.
    pub octets: usize,
    /// Keys that made room for others.
    pub evicted: u64,
}

/// What comes later from the SMSC, by its time and order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Later {
    at: Timestamp,
    order: u64,
    account: &'static str,
    pdu: Vec<u8>,
}

/// The account that reports go to.
const DESK: &str = "fraud-desk";

/// How far memory reaches back when the day begins.
const REACHES_BACK: Duration = Duration::from_secs(31 * 86_400);

/// Plays a day. `progress` hears now and then how many messages are over.
pub fn play(day: Day, setting: &Setting, progress: &mut dyn FnMut(u64)) -> Outcome {
    let begins = Timestamp(MIDNIGHT.0.saturating_sub(u64::try_from(REACHES_BACK.as_micros()).unwrap_or(0)));
    let mut player = Player {
        setting,
        memory: Memory::with(9_000_000_000, Reputation::new(setting.reputation, begins), PASSED_MAX),
        scratch: Scratch::default(),
        gates: BTreeMap::new(),
        later: BinaryHeap::new(),
        order: 0,
        now: begins,
        octets: Vec::new(),
        sent: Sent::default(),
        outcome: Outcome::default(),
    };
    let mut sent = Sent::default();
    let mut n = 0;
    while day.before(n, &mut sent) {
        player.submit(&mut sent);
        n += 1;
    }
    let mut day = day;
    n = 0;
    while day.next(&mut sent) {
        player.until(sent.at);
        player.submit(&mut sent);
        n += 1;
        if n.is_multiple_of(65_536) {
            progress(n);
        }
    }
    player.until(Timestamp(u64::MAX));
    let fill = player.memory.reputation.fill();
    let outcome = player.outcome;
    Outcome { keys: fill.entries, octets: fill.octets + fill.heap, evicted: fill.evicted, ..outcome }
}

/// A gate and what its SMSC reads.
struct Wire {
    gate: Gate,
    smsc: Framed,
    sequence_number: u32,
}

struct Player<'a> {
    setting: &'a Setting,
    memory: Memory,
    scratch: Scratch,
    gates: BTreeMap<&'static str, Wire>,
    later: BinaryHeap<Reverse<Later>>,
    order: u64,
    now: Timestamp,
    octets: Vec<u8>,
    /// The message that is under way.
    sent: Sent,
    outcome: Outcome,
}

impl Player<'_> {
    /// Sends a message through its account's gate.
    fn submit(&mut self, sent: &mut Sent) {
        std::mem::swap(&mut self.sent, sent);
        self.now = self.now.max(self.sent.at);
        let account = self.sent.account;
        let letter = Letter::new(account, &self.sent.from, &self.sent.to, &self.sent.text);
        let mut octets = std::mem::take(&mut self.octets);
        octets.clear();
        let number = self.wire(account).sequence_number;
        let registered = RegisteredDelivery(u8::from(self.sent.wants_receipt));
        wire::sm(&mut octets, CommandId::SUBMIT_SM, number, &letter.sm(registered));
        self.hand(account, Leg::Esme, &octets);
        self.octets = octets;
        std::mem::swap(&mut self.sent, sent);
    }

    /// Hands in what the SMSC has to say until then.
    fn until(&mut self, end: Timestamp) {
        while self.later.peek().is_some_and(|Reverse(later)| later.at <= end) {
            let Some(Reverse(mut later)) = self.later.pop() else { return };
            self.now = self.now.max(later.at);
            let number = self.wire(later.account).sequence_number;
            if let Some(place) = later.pdu.get_mut(12..16) {
                place.copy_from_slice(&number.to_be_bytes());
            }
            self.hand(later.account, Leg::Smsc, &later.pdu);
            let mut answer = Vec::new();
            wire::response(&mut answer, CommandId::DELIVER_SM_RESP, CommandStatus::ESME_ROK, number, Some(b""));
            self.hand(later.account, Leg::Esme, &answer);
        }
    }

    /// The gate of an account, bound, with the next number for a request.
    fn wire(&mut self, account: &'static str) -> &mut Wire {
        let (setting, now) = (self.setting, self.now);
        let fresh = |id| Wire {
            gate: Gate::new(SessionId(id), Arc::clone(&setting.gate), None, 0, now),
            smsc: Framed::default(),
            sequence_number: 1,
        };
        let gates = u64::try_from(self.gates.len()).unwrap_or(0);
        if !self.gates.contains_key(account) {
            self.gates.insert(account, fresh(gates + 1));
            let mut bind = Vec::new();
            wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
                wire::c_octet_string(out, account.as_bytes());
                out.extend_from_slice(b"\0\0\x34\0\0\0");
            });
            self.hand(account, Leg::Esme, &bind);
        }
        let wire = self.gates.entry(account).or_insert_with(|| fresh(gates + 1));
        wire.sequence_number = wire.sequence_number % 0x7fff_fffe + 1;
        wire
    }

    /// Hands octets in, and lets the SMSC answer what it gets, until all is quiet.
    fn hand(&mut self, account: &'static str, leg: Leg, octets: &[u8]) {
        let Some(mut wire) = self.gates.remove(account) else { return };
        self.with(&mut wire.gate, |gate, cx| gate.handle_bytes(cx, leg, octets));
        loop {
            self.outputs(&mut wire.gate);
            drop_transmitted(&mut wire.gate, Leg::Esme);
            let mut answers = Vec::new();
            self.smsc(account, &mut wire, &mut answers);
            if answers.is_empty() {
                break;
            }
            self.with(&mut wire.gate, |gate, cx| gate.handle_bytes(cx, Leg::Smsc, &answers));
        }
        self.gates.insert(account, wire);
    }

    fn with(&mut self, gate: &mut Gate, act: impl FnOnce(&mut Gate, &mut Context<'_>)) {
        let mut cx = self.setting.context(&self.memory, &mut self.scratch, self.now);
        act(gate, &mut cx);
    }

    fn outputs(&mut self, gate: &mut Gate) {
        loop {
            let mut connects = false;
            let mut cx = self.setting.context(&self.memory, &mut self.scratch, self.now);
            match gate.poll_output(&mut cx) {
                None => return,
                Some(Output::Connect { .. }) => connects = true,
                Some(Output::Decision(decision)) => {
                    let is_report = decision.message.direction == crate::message::Direction::Mo;
                    let class = if is_report { Some(Class::Reports) } else { self.sent.class };
                    let from = if is_report { decision.message.sender.id } else { self.sent.from.as_str() };
                    let rule = || {
                        let rule = decision.verdict.deciding(&decision.policy.rules);
                        rule.map_or_else(Box::default, |rule| rule.id.clone())
                    };
                    if let Some(class) = class {
                        self.outcome.classes.entry(class).or_default().add(from, decision.action(), rule);
                    }
                }
                Some(Output::Outcome(_) | Output::Event(_) | Output::Wake(_)) => {}
            }
            if connects {
                self.with(gate, |gate, cx| gate.handle_connected(cx, SmscId(0)));
            }
        }
    }

    /// What the SMSC gets, it answers; what the message asks for comes later.
    fn smsc(&mut self, account: &'static str, wire: &mut Wire, answers: &mut Vec<u8>) {
        let mut slices = [IoSlice::new(&[]); 16];
        let count = wire.gate.transmit(Leg::Smsc, &mut slices);
        let mut octets = 0;
        for slice in slices.iter().take(count) {
            wire.smsc.push(slice);
            octets += slice.len();
        }
        wire.gate.transmitted(Leg::Smsc, octets);
        while let Ok(Some(())) = wire.smsc.next(|header, pdu| {
            let (id, number) = (header.command_id, header.sequence_number);
            if !id.is_response() {
                self.order += 1;
                let message_id = self.order.to_string();
                wire::response(answers, id.response(), CommandStatus::ESME_ROK, number, Some(message_id.as_bytes()));
                if id == CommandId::SUBMIT_SM {
                    self.taken(account, message_id.as_bytes(), pdu);
                }
            }
        }) {}
    }

    /// The SMSC has taken a message: its receipt and its report are to come.
    fn taken(&mut self, account: &'static str, message_id: &[u8], pdu: &[u8]) {
        let Parsed::Understood(_, Body::SubmitSm(sm)) = body::parse(pdu) else { return };
        if sm.registered_delivery.wants_failure_receipt() {
            self.outcome.receipts += 1;
            let receipt = receipt(message_id, &sm, self.sent.arrives);
            self.later.push(Reverse(Later { at: self.now + RECEIPT_AFTER, order: self.order, account, pdu: receipt }));
        }
        if self.sent.is_reported {
            let Self { sent, .. } = self;
            let text = format!("{}\n{}", sent.text, sent.from);
            let letter = Letter::new(DESK, &sent.to, "7726", &text);
            let mut pdu = Vec::new();
            wire::deliver_sm(&mut pdu, 0, &letter.sm(RegisteredDelivery(0)));
            self.later.push(Reverse(Later { at: self.now + REPORTED_AFTER, order: self.order, account: DESK, pdu }));
        }
    }
}

impl Tally {
    fn add(&mut self, from: &str, action: Action, rule: impl Fn() -> Box<str>) {
        if !self.senders.contains(from) {
            self.senders.insert(from.into());
        }
        self.messages += 1;
        let [passed, tagged, blocked] = &mut self.actions;
        match action {
            Action::Pass => *passed += 1,
            Action::Tag => {
                *tagged += 1;
                self.first_tagged.get_or_insert_with(|| (self.messages, rule()));
            }
            Action::Block => {
                *blocked += 1;
                self.first_blocked.get_or_insert_with(|| (self.messages, rule()));
            }
        }
    }
}

/// What is written to a leg is read by nobody.
fn drop_transmitted(gate: &mut Gate, leg: Leg) {
    loop {
        let mut slices = [IoSlice::new(&[]); 16];
        let count = gate.transmit(leg, &mut slices);
        let octets: usize = slices.iter().take(count).map(|slice| slice.len()).sum();
        if octets == 0 {
            return;
        }
        gate.transmitted(leg, octets);
    }
}

/// The receipt of a message, as deliver_sm.
fn receipt(message_id: &[u8], sm: &Sm<'_>, arrives: bool) -> Vec<u8> {
    let state = if arrives { MessageState(2) } else { MessageState(5) };
    let mut tlvs = Vec::new();
    wire::tlv(&mut tlvs, Tag::RECEIPTED_MESSAGE_ID, &[message_id, b"\0"].concat());
    wire::tlv(&mut tlvs, Tag::MESSAGE_STATE, &[state.0]);
    let receipt = Sm {
        source: sm.destination,
        destination: sm.source,
        esm_class: EsmClass::RECEIPT,
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    let mut pdu = Vec::new();
    wire::deliver_sm(&mut pdu, 0, &receipt);
    pdu
}
