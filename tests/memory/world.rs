//! Gates with one memory, a clock that the test turns, and an SMSC that takes everything.

use std::io::IoSlice;
use std::sync::Arc;

use serde_json::Value;
use tapis::account::{Memory, PASSED_MAX, SessionId, SmscId};
use tapis::audit::record::Recorder;
use tapis::config::settings::JournalText;
use tapis::config::source::{Source, Sources};
use tapis::gate::{Context, Gate, Output, Parts, Scratch, Settings};
use tapis::policy::{self, Policy};
use tapis::reputation::{self, Key, Kind, Names, Reputation};
use tapis::session::Leg;
use tapis::time::Timestamp;
use tapis::verdict::Action;
use tapis::wire::body::{self, Body, Parsed, Sm};
use tapis::wire::command::{CommandId, CommandStatus, EsmClass, Npi, Ton};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::frame::{Frame, frame};

pub const SECOND: u64 = 1_000_000;
pub const MINUTE: u64 = 60 * SECOND;
pub const DAY: u64 = 86_400 * SECOND;
/// Monday 2026-11-23, noon in Singapore.
pub const NOON: Timestamp = Timestamp(1_795_406_400_000_000);

/// One decision, as far as these tests ask.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    pub action: Action,
    pub findings: Vec<String>,
    /// Its journal record.
    pub record: Value,
}

/// A bound session.
struct Bound {
    gate: Gate,
    account: String,
}

pub struct World {
    pub now: Timestamp,
    pub policy: Arc<Policy>,
    pub memory: Memory,
    /// How sessions that begin from now on hold parts.
    pub parts: Parts,
    scratch: Scratch,
    sessions: Vec<Bound>,
    sequence_number: u32,
    message_id: u32,
    /// What reached the SMSC, and what the ESME that it was meant for.
    pub to_smsc: Vec<Vec<u8>>,
    pub to_esme: Vec<Vec<u8>>,
    pub decided: Vec<Decided>,
    recorder: Recorder,
}

pub fn policy_of(rules: &str) -> Arc<Policy> {
    let sources = Sources { rules: vec![Source { name: "t.yaml".into(), text: rules.into() }], ..Sources::default() };
    match policy::load(&sources) {
        Ok(loaded) => Arc::new(loaded.policy),
        Err(all) => panic!("{}", all.iter().map(|d| d.render(&sources)).collect::<Vec<_>>().join("\n")),
    }
}

/// An address of whatever it is written as: `5:1234` is 1234 as a name, `3:77266` a number of the network.
pub fn address(written: &str) -> Address<'_> {
    let (ton, id) = match written.split_once(':') {
        Some((ton, id)) => (Ton(ton.parse().unwrap()), id),
        None if written.starts_with('+') => (Ton::INTERNATIONAL, &written[1..]),
        None if written.bytes().all(|b| b.is_ascii_digit()) => (Ton::UNKNOWN, written),
        None => (Ton::ALPHANUMERIC, written),
    };
    Address { ton, npi: Npi(u8::from(ton != Ton::ALPHANUMERIC)), address: id.as_bytes() }
}

impl World {
    /// A memory that has watched for a month.
    pub fn new(rules: &str) -> Self {
        let reputation = Reputation::new(reputation::Settings::default(), Timestamp(NOON.0 - 31 * DAY));
        Self {
            now: NOON,
            policy: policy_of(rules),
            memory: Memory::with(9_000_000_000, reputation, PASSED_MAX),
            parts: Parts::default(),
            scratch: Scratch::default(),
            sessions: Vec::new(),
            sequence_number: 1,
            message_id: 100,
            to_smsc: Vec::new(),
            to_esme: Vec::new(),
            decided: Vec::new(),
            recorder: Recorder {
                node: "n1".into(),
                boot: "b".into(),
                key: ([7; 32], "day".into()),
                text: JournalText::Off,
                smscs: vec!["a".into()],
            },
        }
    }

    /// The number of the session of an account, which is bound when it is not.
    fn session(&mut self, account: &str) -> usize {
        if let Some(at) = self.sessions.iter().position(|s| s.account == account) {
            return at;
        }
        let at = self.sessions.len();
        let settings = Settings { mo_refusals_max: 3, parts: self.parts, ..Settings::default() };
        let id = SessionId(u64::try_from(at).unwrap() + 1);
        let gate = Gate::new(id, Arc::new(settings), None, 7, self.now);
        self.sessions.push(Bound { gate, account: account.to_owned() });
        let mut bind = Vec::new();
        wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
            wire::c_octet_string(out, account.as_bytes());
            out.extend_from_slice(b"secret\0\0\x34\0\0\0");
        });
        self.hand(at, Leg::Esme, &bind);
        let mut answer = Vec::new();
        wire::response(&mut answer, CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::ESME_ROK, 1, Some(b"smsc"));
        self.hand(at, Leg::Smsc, &answer);
        at
    }

    fn hand(&mut self, session: usize, leg: Leg, octets: &[u8]) {
        let gate = &mut self.sessions[session].gate;
        let mut cx = Context {
            now: self.now,
            policy: &self.policy,
            memory: &self.memory,
            scratch: &mut self.scratch,
            journal_full: false,
        };
        gate.handle_bytes(&mut cx, leg, octets);
        loop {
            let is_connect = match gate.poll_output(&mut cx) {
                None => break,
                Some(Output::Decision(decision)) => {
                    let rules = &decision.policy.rules;
                    let ids = decision.verdict.findings.iter().filter_map(|f| rules.rule(f)).map(|r| r.id.to_string());
                    let record = self.recorder.decision(&decision, None, &mut policy::Scratch::default());
                    let (action, findings) = (decision.action(), ids.collect());
                    self.decided.push(Decided { action, findings, record: Value::Object(record) });
                    false
                }
                Some(Output::Connect { .. }) => true,
                Some(_) => false,
            };
            if is_connect {
                gate.handle_connected(&mut cx, SmscId(0));
            }
        }
        for (leg, to) in [(Leg::Smsc, &mut self.to_smsc), (Leg::Esme, &mut self.to_esme)] {
            let mut octets: Vec<u8> = Vec::new();
            loop {
                let mut slices = [IoSlice::new(&[]); 8];
                let count = gate.transmit(leg, &mut slices);
                let shown: Vec<u8> = slices[..count].iter().flat_map(|s| s.to_vec()).collect();
                if shown.is_empty() {
                    break;
                }
                gate.transmitted(leg, shown.len());
                octets.extend(shown);
            }
            let mut rest = &octets[..];
            while let Ok(Frame::Whole { header }) = frame(rest, 1 << 20) {
                let (pdu, behind) = rest.split_at(usize::try_from(header.command_length).unwrap());
                to.push(pdu.to_vec());
                rest = behind;
            }
        }
    }

    pub fn next_sequence_number(&mut self) -> u32 {
        self.sequence_number += 1;
        self.sequence_number
    }

    /// Hands in a request of an ESME, has the SMSC answer what reaches it, and tells what the ESME is answered.
    pub fn request(&mut self, account: &str, pdu: &[u8]) -> Option<CommandStatus> {
        let at = self.session(account);
        let (before, answers) = (self.to_smsc.len(), self.to_esme.len());
        self.hand(at, Leg::Esme, pdu);
        let new = self.to_smsc[before..].to_vec();
        for asked in new {
            let Parsed::Understood(header, _) = body::parse(&asked) else { continue };
            let mut answer = Vec::new();
            self.message_id += 1;
            let id = self.message_id.to_string();
            let response = CommandId(header.command_id.0 | 0x8000_0000);
            if header.command_id == CommandId::SUBMIT_MULTI {
                let list = std::iter::empty();
                wire::submit_multi_resp(
                    &mut answer,
                    CommandStatus::ESME_ROK,
                    header.sequence_number,
                    id.as_bytes(),
                    list,
                );
            } else {
                let ok = CommandStatus::ESME_ROK;
                wire::response(&mut answer, response, ok, header.sequence_number, Some(id.as_bytes()));
            }
            self.hand(at, Leg::Smsc, &answer);
        }
        let answer = self.to_esme.get(answers)?;
        let (Parsed::Understood(header, _) | Parsed::Opaque(header) | Parsed::Malformed(header, _)) =
            body::parse(answer);
        Some(header.command_status)
    }

    /// A submit_sm; answers what its ESME hears.
    pub fn submit(&mut self, account: &str, from: &str, to: &str, text: &str) -> CommandStatus {
        self.submit_at(account, from, to, text, b"")
    }

    pub fn submit_at(&mut self, account: &str, from: &str, to: &str, text: &str, schedule: &[u8]) -> CommandStatus {
        let sm = Sm {
            source: address(from),
            destination: address(to),
            schedule_delivery_time: schedule,
            short_message: text.as_bytes(),
            ..Sm::default()
        };
        let mut pdu = Vec::new();
        wire::sm(&mut pdu, CommandId::SUBMIT_SM, self.next_sequence_number(), &sm);
        self.request(account, &pdu).expect("an answer")
    }

    /// A deliver_sm from the SMSC to an account; answers what reached its ESME.
    pub fn deliver(&mut self, account: &str, from: &str, to: &str, text: &str, esm_class: EsmClass) -> Vec<u8> {
        let at = self.session(account);
        let sm = Sm {
            source: address(from),
            destination: address(to),
            short_message: text.as_bytes(),
            esm_class,
            ..Sm::default()
        };
        let mut pdu = Vec::new();
        let sequence_number = self.next_sequence_number();
        wire::sm(&mut pdu, CommandId::DELIVER_SM, sequence_number, &sm);
        let before = self.to_esme.len();
        self.hand(at, Leg::Smsc, &pdu);
        let reached = self.to_esme[before..].to_vec();
        let mut answer = Vec::new();
        wire::response(&mut answer, CommandId::DELIVER_SM_RESP, CommandStatus::ESME_ROK, sequence_number, Some(b""));
        self.hand(at, Leg::Esme, &answer);
        reached.concat()
    }

    /// A report of a subscriber to 7726.
    pub fn report(&mut self, from: &str, text: &str) {
        let reached = self.deliver("reports", from, "7726", text, EsmClass(0));
        assert!(!reached.is_empty(), "a report travels on");
        assert_eq!(self.last().action, Action::Pass);
    }

    /// A receipt for a message from `to`, to `from`.
    pub fn receipt(&mut self, account: &str, from: &str, to: &str, message_id: &str, stat: &str) {
        let text = format!(
            "id:{message_id} sub:001 dlvrd:001 submit date:2611240102 done date:2611240103 stat:{stat} err:000 text:"
        );
        // It comes from who got the message, and goes to who sent it.
        self.deliver(account, to, from, &text, EsmClass::RECEIPT);
    }

    /// The message_id that the SMSC gave last.
    pub fn last_message_id(&self) -> String {
        self.message_id.to_string()
    }

    /// The source address of what reached the SMSC last.
    pub fn last_source(&self) -> String {
        match body::parse(self.to_smsc.last().unwrap()) {
            Parsed::Understood(_, Body::SubmitSm(sm)) => String::from_utf8_lossy(sm.source.address).into_owned(),
            other => panic!("{other:?}"),
        }
    }

    pub fn key(&self, kind: Kind, written: &str) -> Key {
        let mut names = Names::default();
        let name = names.written(kind, written).to_owned();
        self.memory.reputation.key(kind, &name)
    }

    pub fn standing(&self, kind: Kind, written: &str) -> f32 {
        self.memory.reputation.standing(self.key(kind, written), self.now)
    }

    pub fn last(&self) -> &Decided {
        self.decided.last().unwrap()
    }
}
