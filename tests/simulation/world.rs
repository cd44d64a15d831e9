//! One gate between two peers, with a clock and a network that a seed controls: octets arrive in pieces, readers are
//! slow, connections are cut, and policies are swapped between two messages.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use tapis::account::{Memory, PASSED_MAX, SessionId, SmscId};
use tapis::audit::{Basis, OutcomeKind};
use tapis::gate::{Context, Gate, Output, Scratch, Settings};
use tapis::policy::Policy;
use tapis::reputation::{self, Reputation, Weights};
use tapis::session::{Closed, Leg};
use tapis::time::Timestamp;
use tapis::verdict::Action;

/// What sessions share, with message_ids from `seed` on. What becomes of a message does not change what becomes of the next.
pub fn memory(seed: u64) -> Memory {
    let settings = reputation::Settings { weights: Weights::NONE, ..reputation::Settings::default() };
    Memory::with(seed, Reputation::new(settings, Timestamp(u64::MAX)), PASSED_MAX)
}

/// A small generator (SplitMix64): the same seed, the same run.
#[derive(Clone)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What is kept of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub n: u64,
    pub action: Action,
    pub text: String,
    pub to: String,
    pub digest: String,
    pub judged: bool,
    pub direction: &'static str,
}

/// What is kept of an outcome: the decision's number, and whether it is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Became {
    pub n: u64,
    pub in_doubt: bool,
    pub receipt: bool,
}

/// One side of the wire.
#[derive(Default)]
pub struct Wire {
    /// What the peer has written and the gate has not read.
    pub to_gate: VecDeque<u8>,
    /// Everything that the gate has written to it.
    pub from_gate: Vec<u8>,
    /// The peer sends no more once `to_gate` is empty.
    pub eof: bool,
    pub reset: bool,
    /// A write found the connection reset before a read did.
    refused: bool,
    pub connected: bool,
    told: bool,
    pub shut: bool,
}

pub struct World {
    pub rng: Rng,
    pub now: Timestamp,
    pub gate: Gate,
    pub memory: Memory,
    pub policies: Vec<Arc<Policy>>,
    pub current: usize,
    scratch: Scratch,
    pub esme: Wire,
    pub smsc: Wire,
    pub decisions: Vec<Decided>,
    pub outcomes: Vec<Became>,
    pub connects: usize,
    pub smsc_up: bool,
    pub most_buffered: usize,
    pub swaps: bool,
    /// Octets that the gate is handed at once, and that a peer reads at once.
    pub chunk: u64,
    pub journal_full: bool,
}

impl World {
    pub fn new(seed: u64, settings: Settings, policies: Vec<Policy>) -> Self {
        let now = Timestamp(1_795_000_000_000_000);
        let gate = Gate::new(SessionId(1), Arc::new(settings), None, seed, now);
        Self {
            rng: Rng(seed),
            now,
            gate,
            memory: memory(9_000_000_000 + seed),
            policies: policies.into_iter().map(Arc::new).collect(),
            current: 0,
            scratch: Scratch::default(),
            esme: Wire { connected: true, ..Wire::default() },
            smsc: Wire::default(),
            decisions: Vec::new(),
            outcomes: Vec::new(),
            connects: 0,
            smsc_up: true,
            most_buffered: 0,
            swaps: false,
            chunk: 4096,
            journal_full: false,
        }
    }

    pub fn wire(&mut self, leg: Leg) -> &mut Wire {
        match leg {
            Leg::Esme => &mut self.esme,
            Leg::Smsc => &mut self.smsc,
        }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Gate, &mut Context<'_>) -> T) -> T {
        let mut cx = Context {
            now: self.now,
            policy: &self.policies[self.current],
            memory: &self.memory,
            scratch: &mut self.scratch,
            journal_full: self.journal_full,
        };
        act(&mut self.gate, &mut cx)
    }

    /// Runs until nothing moves any more without the clock.
    pub fn settle(&mut self) {
        while self.step() {}
    }

    /// One round: read a piece of each leg, take all outputs, write a piece to each leg. Answers whether anything moved.
    pub fn step(&mut self) -> bool {
        let mut moved = false;
        let legs = if self.rng.chance(50) { [Leg::Esme, Leg::Smsc] } else { [Leg::Smsc, Leg::Esme] };
        for leg in legs {
            moved |= self.read(leg);
            moved |= self.outputs();
        }
        for leg in legs {
            moved |= self.write(leg);
        }
        moved
    }

    fn read(&mut self, leg: Leg) -> bool {
        let limit = 1 + self.rng.below(self.chunk);
        let wants = self.gate.wants_read(leg);
        let wire = self.wire(leg);
        if !wire.connected {
            return false;
        }
        // What came before a reset that a write found is still read.
        if wire.reset && !wire.told && (!wire.refused || wire.to_gate.is_empty()) {
            wire.told = true;
            self.with(|gate, cx| gate.handle_closed(cx, leg, Closed::Reset));
            return true;
        }
        if wire.to_gate.is_empty() {
            if wire.eof && !wire.told && wants {
                wire.told = true;
                self.with(|gate, cx| gate.handle_closed(cx, leg, Closed::Eof));
                return true;
            }
            return false;
        }
        if !wants {
            return false;
        }
        let n = usize::try_from(limit).unwrap().min(wire.to_gate.len());
        let octets: Vec<u8> = wire.to_gate.drain(..n).collect();
        self.with(|gate, cx| gate.handle_bytes(cx, leg, &octets));
        true
    }

    pub fn outputs(&mut self) -> bool {
        let mut moved = false;
        loop {
            if self.swaps && self.rng.chance(10) {
                self.current = (self.current + 1) % self.policies.len();
            }
            let (decisions, outcomes) = (&mut self.decisions, &mut self.outcomes);
            let mut cx = Context {
                now: self.now,
                policy: &self.policies[self.current],
                memory: &self.memory,
                scratch: &mut self.scratch,
                journal_full: self.journal_full,
            };
            let Some(progress) = self.gate.poll_progress(&mut cx) else { break };
            // A driver may write before it takes down what is told.
            if progress.is_notable() && self.rng.chance(50) {
                for (leg, wire) in [(Leg::Esme, &mut self.esme), (Leg::Smsc, &mut self.smsc)] {
                    if wire.connected && !wire.reset {
                        send(&mut self.gate, leg, wire, usize::try_from(1 + self.rng.below(self.chunk)).unwrap());
                    }
                }
            }
            let connect = match self.gate.tell(&cx, progress) {
                Output::Connect { .. } => true,
                Output::Decision(d) => {
                    decisions.push(Decided {
                        n: d.id.n,
                        action: d.action(),
                        text: d.message.reading.text().to_owned(),
                        to: d.message.recipient.id.to_owned(),
                        digest: d.policy.digest().to_owned(),
                        judged: d.basis == Basis::Judged,
                        direction: d.message.direction.name(),
                    });
                    false
                }
                Output::Outcome(o) => {
                    let in_doubt = matches!(o.kind, OutcomeKind::InDoubt { .. });
                    outcomes.push(Became { n: o.decision.n, in_doubt, receipt: o.kind == OutcomeKind::Receipt });
                    false
                }
                Output::Event(_) | Output::Wake(_) => false,
            };
            moved = true;
            if connect {
                self.connects += 1;
                if self.smsc_up {
                    self.smsc = Wire { connected: true, ..Wire::default() };
                    self.with(|gate, cx| gate.handle_connected(cx, SmscId(0)));
                } else {
                    self.with(|gate, cx| gate.handle_connect_failed(cx));
                }
            }
        }
        let buffered = self.gate.buffered_octets(Leg::Esme) + self.gate.buffered_octets(Leg::Smsc);
        self.most_buffered = self.most_buffered.max(buffered);
        moved
    }

    fn write(&mut self, leg: Leg) -> bool {
        let limit = usize::try_from(1 + self.rng.below(self.chunk)).unwrap();
        if !self.wire(leg).connected {
            return false;
        }
        let has_some = self.gate.transmit(leg, &mut [IoSlice::new(&[]); 1]) > 0;
        let wire = self.wire(leg);
        if has_some && wire.reset && !wire.told && !wire.refused {
            wire.refused = true;
            self.with(|gate, cx| gate.handle_closed(cx, leg, Closed::Unwritable));
            return true;
        }
        let wire = if leg == Leg::Esme { &mut self.esme } else { &mut self.smsc };
        let mut moved = send(&mut self.gate, leg, wire, limit);
        if self.gate.wants_close(leg) {
            self.gate.write_shut(leg);
            self.wire(leg).shut = true;
            moved = true;
        }
        moved
    }

    /// Lets the clock run to the gate's next deadline, and past it.
    pub fn sleep(&mut self) -> bool {
        let Some(at) = self.gate.poll_timeout() else { return false };
        self.now = at.max(self.now + Duration::from_micros(1));
        self.with(|gate, cx| gate.handle_timeout(cx));
        self.outputs();
        true
    }

    /// Both peers close, and every timer runs out.
    pub fn finish(&mut self) {
        self.settle();
        for leg in [Leg::Esme, Leg::Smsc] {
            self.wire(leg).eof = true;
        }
        for _ in 0..100 {
            self.settle();
            if self.gate.is_finished() || !self.sleep() {
                break;
            }
        }
        assert!(self.gate.is_finished(), "the session does not end: {:?}", self.gate.state());
    }

    pub fn drain(&mut self) {
        self.with(|gate, cx| gate.handle_drain(cx));
        self.outputs();
    }
}

/// Writes so many octets at most; whether there were any.
fn send(gate: &mut Gate, leg: Leg, wire: &mut Wire, most: usize) -> bool {
    let mut slices = [IoSlice::new(&[]); 16];
    let count = gate.transmit(leg, &mut slices);
    let mut octets: Vec<u8> = slices[..count].iter().flat_map(|s| s.iter().copied()).collect();
    octets.truncate(most);
    gate.transmitted(leg, octets.len());
    wire.from_gate.extend_from_slice(&octets);
    !octets.is_empty()
}
