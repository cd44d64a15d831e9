//! Several binds of one account, each with its own window, between ESMEs that send when they may and an SMSC that answers
//! when it likes; the clock moves only when somebody lets it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use tapis::account::{Memory, SessionId, SmscId};
use tapis::gate::{Context, Gate, Output, Scratch, Settings};
use tapis::policy::Policy;
use tapis::session::{Leg, State};
use tapis::time::Timestamp;
use tapis::verdict::Action;
use tapis::wire::command::{CommandId, CommandStatus};
use tapis::wire::encode as wire;

use crate::traffic::{bind, pdus};
use crate::world::Rng;

/// What became of one request.
#[derive(Clone, Debug)]
pub struct Told {
    pub line: usize,
    pub sequence_number: u32,
    pub action: Action,
    pub early: bool,
    pub complete: bool,
    /// Ids of the rules that fired.
    pub findings: Vec<String>,
    pub at: Timestamp,
}

/// One bind.
pub struct Line {
    pub gate: Gate,
    /// What its ESME has yet to send, with their numbers.
    pub to_send: VecDeque<(u32, Vec<u8>)>,
    pub window: usize,
    pub outstanding: BTreeSet<u32>,
    pub sent_at: BTreeMap<u32, Timestamp>,
    pub answers: Vec<(u32, CommandStatus)>,
    esme_octets: Vec<u8>,
    smsc_octets: Vec<u8>,
    waiting: Vec<u32>,
    /// What its SMSC got, in order.
    pub passed: Vec<Vec<u8>>,
    last_sent: Timestamp,
}

pub struct Carrier {
    pub rng: Rng,
    pub now: Timestamp,
    pub memory: Memory,
    policy: Arc<Policy>,
    scratch: Scratch,
    pub lines: Vec<Line>,
    pub told: Vec<Told>,
    /// Longest that an ESME which may send waits with it.
    pub pause_max: Duration,
    pub parts_octets_most: usize,
}

impl Carrier {
    /// `binds` transceivers of one account.
    pub fn new(seed: u64, settings: Settings, policy: Policy, windows: &[usize]) -> Self {
        let (now, settings) = (Timestamp(1_795_000_000_000_000), Arc::new(settings));
        let line = |n: usize| Line {
            gate: Gate::new(SessionId(n as u64 + 1), Arc::clone(&settings), None, seed, now),
            to_send: VecDeque::new(),
            window: windows[n],
            outstanding: BTreeSet::new(),
            sent_at: BTreeMap::new(),
            answers: Vec::new(),
            esme_octets: Vec::new(),
            smsc_octets: Vec::new(),
            waiting: Vec::new(),
            passed: Vec::new(),
            last_sent: now,
        };
        let mut carrier = Self {
            rng: Rng(seed),
            now,
            memory: crate::world::memory(9_000_000_000),
            policy: Arc::new(policy),
            scratch: Scratch::default(),
            lines: (0..windows.len()).map(line).collect(),
            told: Vec::new(),
            pause_max: Duration::from_millis(50),
            parts_octets_most: 0,
        };
        for n in 0..windows.len() {
            carrier.hand(n, Leg::Esme, &bind(CommandId::BIND_TRANSCEIVER, "acme"));
            let mut accepted = Vec::new();
            wire::response(&mut accepted, CommandId::BIND_TRANSCEIVER_RESP, CommandStatus::ESME_ROK, 1, Some(b"smsc"));
            carrier.hand(n, Leg::Smsc, &accepted);
            assert!(matches!(carrier.lines[n].gate.state(), State::Bound(_)));
            carrier.lines[n].esme_octets.clear();
            carrier.lines[n].passed.clear();
        }
        carrier
    }

    fn with<T>(&mut self, n: usize, act: impl FnOnce(&mut Gate, &mut Context<'_>) -> T) -> T {
        let mut cx = Context {
            now: self.now,
            policy: &self.policy,
            memory: &self.memory,
            scratch: &mut self.scratch,
            journal_full: false,
        };
        act(&mut self.lines[n].gate, &mut cx)
    }

    pub fn hand(&mut self, n: usize, leg: Leg, octets: &[u8]) {
        self.with(n, |gate, cx| gate.handle_bytes(cx, leg, octets));
        self.drain(n);
    }

    /// Takes all outputs of a gate and of those it wakes, and carries the octets.
    fn drain(&mut self, first: usize) {
        let mut to_do = VecDeque::from([first]);
        while let Some(n) = to_do.pop_front() {
            loop {
                let now = self.now;
                let mut cx = Context {
                    now,
                    policy: &self.policy,
                    memory: &self.memory,
                    scratch: &mut self.scratch,
                    journal_full: false,
                };
                let mut connect = false;
                match self.lines[n].gate.poll_output(&mut cx) {
                    None => break,
                    Some(Output::Decision(d)) => self.told.push(Told {
                        line: n,
                        sequence_number: d.sequence_number,
                        action: d.action(),
                        early: d.basis == tapis::audit::Basis::EarlyPart,
                        complete: d.message.complete,
                        findings: d
                            .verdict
                            .findings
                            .iter()
                            .filter_map(|f| Some(d.policy.rules.rule(f)?.id.to_string()))
                            .collect(),
                        at: now,
                    }),
                    Some(Output::Connect { .. }) => connect = true,
                    Some(Output::Wake(session)) => {
                        let other = usize::try_from(session.0).unwrap() - 1;
                        to_do.push_back(other);
                        self.with(other, |gate, cx| gate.handle_wake(cx));
                    }
                    Some(_) => {}
                }
                if connect {
                    self.with(n, |gate, cx| gate.handle_connected(cx, SmscId(0)));
                }
                self.carry(n);
            }
            self.carry(n);
        }
        self.parts_octets_most = self.parts_octets_most.max(self.memory.parts_octets());
    }

    fn carry(&mut self, n: usize) {
        let line = &mut self.lines[n];
        for leg in [Leg::Esme, Leg::Smsc] {
            let mut slices = [IoSlice::new(&[]); 64];
            let count = line.gate.transmit(leg, &mut slices);
            let octets: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter().copied()).collect();
            line.gate.transmitted(leg, octets.len());
            let (kept, to_esme) = match leg {
                Leg::Esme => (&mut line.esme_octets, true),
                Leg::Smsc => (&mut line.smsc_octets, false),
            };
            kept.extend_from_slice(&octets);
            let whole = pdus(kept);
            kept.drain(..whole.iter().map(|(_, pdu)| pdu.len()).sum::<usize>());
            for (header, pdu) in whole {
                if to_esme && header.command_id == CommandId::SUBMIT_SM_RESP {
                    line.outstanding.remove(&header.sequence_number);
                    line.answers.push((header.sequence_number, header.command_status));
                } else if header.command_id == CommandId::SUBMIT_SM {
                    line.waiting.push(header.sequence_number);
                    line.passed.push(pdu);
                }
            }
        }
    }

    fn may_send(&self, n: usize) -> bool {
        let line = &self.lines[n];
        !line.to_send.is_empty() && line.outstanding.len() < line.window
    }

    fn send(&mut self, n: usize) {
        let line = &mut self.lines[n];
        let (number, pdu) = line.to_send.pop_front().unwrap();
        line.outstanding.insert(number);
        line.sent_at.insert(number, self.now);
        line.last_sent = self.now;
        self.hand(n, Leg::Esme, &pdu);
    }

    fn answer(&mut self, n: usize, at: usize) {
        let number = self.lines[n].waiting.remove(at);
        let mut out = Vec::new();
        wire::response(&mut out, CommandId::SUBMIT_SM_RESP, CommandStatus::ESME_ROK, number, Some(b"m1"));
        self.hand(n, Leg::Smsc, &out);
    }

    /// Lets time pass, and whatever is due in it happen.
    pub fn sleep(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some((at, n)) =
            (0..self.lines.len()).filter_map(|n| Some((self.lines[n].gate.poll_timeout()?, n))).min()
            && at <= until
        {
            self.now = self.now.max(at);
            self.with(n, |gate, cx| gate.handle_timeout(cx));
            self.drain(n);
        }
        self.now = until;
    }

    /// Runs until everything is sent and answered.
    pub fn run(&mut self) {
        for step in 0.. {
            assert!(step < 200_000, "it does not end");
            let lines = self.lines.len();
            let n = usize::try_from(self.rng.below(lines as u64)).unwrap();
            // Nobody who may send dawdles: what is measured is Tapis, not its peers.
            let due = |c: &Self, n: usize| {
                c.may_send(n) && c.now.since(c.lines[n].last_sent) + Duration::from_millis(10) > c.pause_max
            };
            if let Some(late) = (0..lines).find(|n| due(self, *n)) {
                self.send(late);
            } else if self.may_send(n) && self.rng.chance(70) {
                self.send(n);
            } else if !self.lines[n].waiting.is_empty() && self.rng.chance(50) {
                let at = self.rng.below(self.lines[n].waiting.len() as u64);
                self.answer(n, usize::try_from(at).unwrap());
            } else if (0..lines).all(|n| self.lines[n].to_send.is_empty() && self.lines[n].outstanding.is_empty()) {
                return;
            } else {
                let millis = self.rng.below(10);
                self.sleep(Duration::from_millis(millis));
            }
        }
    }
}
