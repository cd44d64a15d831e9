//! Gates between peers that an input moves, with the laws that hold whatever it does.

use std::collections::{HashMap, VecDeque};
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use tapis::account::{Memory, SessionId, SmscId};
use tapis::audit::record::{Chain, Recorder};
use tapis::audit::tally::Tally;
use tapis::audit::{Decision, Outcome, OutcomeKind, Reply};
use tapis::config::settings::JournalText;
use tapis::gate::{Context, Gate, Output, Scratch, Settings};
use tapis::policy;
use tapis::session::{Closed, Leg, State};
use tapis::time::Timestamp;
use tapis::wire::frame::{Frame, Header, frame};

use super::policies::Rules;

/// One side of a gate.
#[derive(Debug, Default)]
pub struct Peer {
    /// Written by the peer, not yet read by the gate.
    pub to_gate: VecDeque<u8>,
    /// Everything that the gate has read from it.
    pub read: Vec<u8>,
    /// Everything that the gate has written to it.
    pub written: Vec<u8>,
    /// How much of `written` the peer has looked at.
    pub seen: usize,
    /// Requests that it has seen and not answered.
    pub unanswered: VecDeque<Header>,
    /// The connection is up.
    pub connected: bool,
    closed: Option<Closed>,
    told: bool,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    forwarded: bool,
    answered: u32,
    in_doubt: u32,
}

/// A gate with its peers.
#[derive(Debug)]
pub struct Room {
    /// The gate.
    pub gate: Gate,
    /// The ESME.
    pub esme: Peer,
    /// The SMSC.
    pub smsc: Peer,
    connecting: bool,
    fates: HashMap<u64, Fate>,
    last_decision: u64,
}

impl Room {
    /// One of its peers.
    pub fn peer(&mut self, leg: Leg) -> &mut Peer {
        match leg {
            Leg::Esme => &mut self.esme,
            Leg::Smsc => &mut self.smsc,
        }
    }
}

/// Everything that an input plays with.
#[derive(Debug)]
pub struct World {
    /// Gates of one account.
    pub rooms: Vec<Room>,
    /// What messages are judged by, one after the other.
    pub policies: Vec<Rules>,
    /// Which of them is in force.
    pub current: usize,
    /// Whether the journal is full.
    pub journal_full: bool,
    settings: Arc<Settings>,
    memory: Memory,
    scratch: Scratch,
    now: Timestamp,
    journal: Journal,
}

/// Every decision and outcome is written down, as in production.
#[derive(Debug)]
struct Journal {
    recorder: Recorder,
    chain: Chain,
    scratch: policy::Scratch,
    tally: Tally,
    line: Vec<u8>,
}

/// Octets that a gate is handed at once at most.
const CHUNK: usize = 1024;
/// What one octet read may become at most, in octets buffered: a short message can be answered with a receipt.
const GROWTH: usize = 16;
/// Octets that a gate may owe beside that: a rule's prefix and TLV on one message.
const SLACK: usize = 4096;

impl World {
    /// `rooms` gates whose ESMEs have just connected.
    pub fn new(rooms: u64, settings: Settings, policies: Vec<Rules>) -> Self {
        let now = Timestamp(1_795_000_000_000_000);
        let settings = Arc::new(settings);
        let room = |n| Room {
            gate: Gate::new(SessionId(n), Arc::clone(&settings), None, n, now),
            esme: Peer { connected: true, ..Peer::default() },
            smsc: Peer::default(),
            connecting: false,
            fates: HashMap::new(),
            last_decision: 0,
        };
        let key = ([7; 32], "k".to_owned());
        let smscs = vec!["a".to_owned()];
        let recorder = Recorder { node: "n".into(), boot: "b".into(), key, text: JournalText::Masked, smscs };
        Self {
            rooms: (1..=rooms).map(room).collect(),
            policies,
            current: 0,
            journal_full: false,
            settings: Arc::clone(&settings),
            memory: Memory::new(9_000_000_000),
            scratch: Scratch::default(),
            now,
            journal: Journal {
                recorder,
                chain: Chain::default(),
                scratch: policy::Scratch::default(),
                tally: Tally::default(),
                line: Vec::new(),
            },
        }
    }

    /// Calls one gate with what it is lent.
    pub fn with<T>(&mut self, room: usize, act: impl FnOnce(&mut Gate, &mut Context<'_>) -> T) -> T {
        let mut cx = Context {
            now: self.now,
            policy: &self.policies[self.current].policy,
            memory: &self.memory,
            scratch: &mut self.scratch,
            journal_full: self.journal_full,
        };
        act(&mut self.rooms[room].gate, &mut cx)
    }

    /// Lets a gate read from a leg once, `limit` octets at most, and takes what it makes of them.
    pub fn read(&mut self, room: usize, leg: Leg, limit: usize) -> bool {
        let wants = self.rooms[room].gate.wants_read(leg);
        let peer = self.rooms[room].peer(leg);
        if !peer.connected || peer.told {
            return false;
        }
        if peer.closed == Some(Closed::Reset) || (peer.closed.is_some() && peer.to_gate.is_empty() && wants) {
            let closed = peer.closed.unwrap_or(Closed::Eof);
            peer.told = true;
            self.with(room, |gate, cx| gate.handle_closed(cx, leg, closed));
        } else if wants && !peer.to_gate.is_empty() {
            let n = limit.clamp(1, CHUNK).min(peer.to_gate.len());
            let octets: Vec<u8> = peer.to_gate.drain(..n).collect();
            peer.read.extend_from_slice(&octets);
            self.with(room, |gate, cx| gate.handle_bytes(cx, leg, &octets));
        } else {
            return false;
        }
        self.outputs(room);
        true
    }

    /// Takes everything that a gate has to say, and wakes whom it names.
    pub fn outputs(&mut self, room: usize) {
        let mut wakes = self.outputs_of(room);
        while let Some(SessionId(id)) = wakes.pop() {
            let Some(other) = self.rooms.iter().position(|r| r.gate.id() == SessionId(id)) else { continue };
            self.with(other, |gate, cx| gate.handle_wake(cx));
            wakes.extend(self.outputs_of(other));
        }
    }

    fn outputs_of(&mut self, room: usize) -> Vec<SessionId> {
        let mut wakes = Vec::new();
        let Room { gate, esme, smsc, connecting, fates, last_decision } = &mut self.rooms[room];
        let most = 16 + esme.read.len() + smsc.read.len();
        for n in 0.. {
            assert!(n <= most, "a gate says {n} things after {most} octets");
            let mut cx = Context {
                now: self.now,
                policy: &self.policies[self.current].policy,
                memory: &self.memory,
                scratch: &mut self.scratch,
                journal_full: self.journal_full,
            };
            match gate.poll_output(&mut cx) {
                None => break,
                Some(Output::Connect { account }) => {
                    assert!(!account.is_empty() || !*connecting);
                    *connecting = true;
                }
                Some(Output::Decision(decision)) => {
                    assert!(decision.id.n >= *last_decision, "decisions go on");
                    *last_decision = decision.id.n;
                    let forwarded = matches!(decision.reply, Reply::Forwarded | Reply::Tagged);
                    fates.entry(decision.id.n).or_default().forwarded |= forwarded;
                    self.journal.decision(&decision, self.now);
                }
                Some(Output::Outcome(outcome)) => {
                    self.journal.outcome(&outcome, self.now);
                    if outcome.kind != OutcomeKind::Receipt {
                        let fate = fates.get_mut(&outcome.decision.n).expect("an outcome has a decision");
                        match outcome.kind {
                            OutcomeKind::InDoubt { .. } => fate.in_doubt += 1,
                            _ => fate.answered += 1,
                        }
                    }
                }
                Some(Output::Event(event)) => assert!(!format!("{event:?}").is_empty()),
                Some(Output::Wake(session)) => wakes.push(session),
            }
        }
        self.memory_is_bounded(room);
        wakes
    }

    fn memory_is_bounded(&self, room: usize) {
        let gate = &self.rooms[room].gate;
        let bounds = self.settings.bounds;
        for leg in [Leg::Esme, Leg::Smsc] {
            let most = GROWTH * (bounds.leg_octets_max + CHUNK) + SLACK;
            let buffered = gate.buffered_octets(leg);
            assert!(buffered <= most, "{buffered} octets are buffered, {most} may be");
            let outstanding = gate.outstanding(leg);
            // Requests of Tapis itself, one of each kind and receipts, come on top.
            let most = bounds.outstanding_max + most / 64;
            assert!(outstanding <= most, "{outstanding} requests are outstanding, {most} may be");
        }
    }

    /// Writes up to `limit` octets to a leg's peer. What is left is what was shown, less what was written.
    pub fn write(&mut self, room: usize, leg: Leg, limit: usize) -> bool {
        let room = &mut self.rooms[room];
        let few = shown(&room.gate, leg, 2);
        let many = shown(&room.gate, leg, 64);
        assert!(many.starts_with(&few), "more slices show other octets");
        let n = many.len().min(limit);
        room.gate.transmitted(leg, n);
        let left = shown(&room.gate, leg, 64);
        assert!(left.starts_with(&many[n..]), "after a partial write other octets are shown");
        let shut = room.gate.wants_close(leg);
        if shut {
            assert!(left.is_empty(), "a leg is shut before its octets are written");
            room.gate.write_shut(leg);
            assert!(!room.gate.wants_close(leg));
        }
        let peer = room.peer(leg);
        assert!(many.is_empty() || peer.connected, "octets for nobody");
        peer.written.extend_from_slice(&many[..n]);
        n > 0 || shut
    }

    /// Everything is read, and everything written, until nothing moves.
    pub fn settle(&mut self) {
        for round in 0.. {
            let mut moved = false;
            for room in 0..self.rooms.len() {
                for leg in [Leg::Esme, Leg::Smsc] {
                    moved |= self.read(room, leg, CHUNK);
                    moved |= self.write(room, leg, usize::MAX);
                }
            }
            if !moved {
                break;
            }
            assert!(round < 1_000_000, "it never settles");
        }
    }

    /// The SMSC that a gate asks for is there, or is not.
    pub fn connect(&mut self, room: usize, up: bool) {
        if !std::mem::take(&mut self.rooms[room].connecting) {
            return;
        }
        if up {
            // A new connection, with nothing of an old one.
            self.rooms[room].smsc.connected = true;
            self.with(room, |gate, cx| gate.handle_connected(cx, SmscId(0)));
        } else {
            self.with(room, |gate, cx| gate.handle_connect_failed(cx));
        }
        self.outputs(room);
    }

    /// A peer closes, or its connection is cut.
    pub fn close(&mut self, room: usize, leg: Leg, how: Closed) {
        let peer = self.rooms[room].peer(leg);
        if peer.connected {
            peer.closed = Some(match peer.closed {
                Some(Closed::Reset) => Closed::Reset,
                _ => how,
            });
        }
    }

    /// The process ends.
    pub fn drain(&mut self, room: usize) {
        self.with(room, |gate, cx| gate.handle_drain(cx));
        self.outputs(room);
    }

    /// Time passes, and what has run out by then runs out.
    pub fn sleep(&mut self, time: Duration) {
        self.now = self.now + time;
        for room in 0..self.rooms.len() {
            for n in 0.. {
                if self.rooms[room].gate.poll_timeout().is_none_or(|at| at > self.now) {
                    break;
                }
                assert!(n < 64, "a deadline that stays in the past");
                self.with(room, |gate, cx| gate.handle_timeout(cx));
                self.outputs(room);
            }
        }
    }

    /// Everybody closes, and every deadline passes: each gate comes to its end, and has told of everything.
    pub fn finish(&mut self) {
        for room in 0..self.rooms.len() {
            self.connect(room, false);
            for leg in [Leg::Esme, Leg::Smsc] {
                self.close(room, leg, Closed::Eof);
            }
        }
        for _ in 0..200 {
            self.settle();
            let next = self.rooms.iter().filter(|r| !r.gate.is_finished()).filter_map(|r| r.gate.poll_timeout()).min();
            let Some(next) = next else { break };
            self.sleep(next.since(self.now) + Duration::from_micros(1));
        }
        for room in &self.rooms {
            assert!(room.gate.is_finished(), "a session does not end: {:?}", room.gate);
            for leg in [Leg::Esme, Leg::Smsc] {
                assert!(!room.gate.wants_read(leg) && shown(&room.gate, leg, 4).is_empty());
            }
            for (n, fate) in &room.fates {
                assert!(fate.answered <= 1 && fate.in_doubt <= 1, "decision {n}: {fate:?}");
                assert_eq!(fate.forwarded, fate.answered + fate.in_doubt > 0, "decision {n}: {fate:?}");
            }
        }
        let again = Memory::new(1);
        let snapshot = self.memory.snapshot();
        let lines = snapshot.iter().filter(|b| **b == b'\n').count();
        assert_eq!(again.restore(&snapshot), Ok(lines));
    }

    /// The clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether a gate is bound.
    #[must_use]
    pub fn is_bound(&self, room: usize) -> bool {
        matches!(self.rooms[room].gate.state(), State::Bound(_))
    }
}

/// What a gate shows to be written, in at most `slices` slices.
fn shown(gate: &Gate, leg: Leg, slices: usize) -> Vec<u8> {
    let mut all = [IoSlice::new(&[]); 64];
    let count = gate.transmit(leg, &mut all[..slices]);
    assert!(all[..count].iter().all(|s| !s.is_empty()), "an empty slice");
    all[..count].iter().flat_map(|s| s.iter().copied()).collect()
}

impl Journal {
    fn decision(&mut self, decision: &Decision<'_>, now: Timestamp) {
        self.tally.add(decision);
        let body = self.recorder.decision(decision, None, &mut self.scratch);
        self.line.clear();
        self.chain.write(&self.recorder, "decision", now, &body, &mut self.line);
        self.check();
    }

    fn outcome(&mut self, outcome: &Outcome<'_>, now: Timestamp) {
        let body = self.recorder.outcome(outcome);
        self.line.clear();
        self.chain.write(&self.recorder, "outcome", now, &body, &mut self.line);
        self.check();
    }

    /// One line, and JSON.
    fn check(&self) {
        let (end, line) = self.line.split_last().expect("a record was written");
        assert!(*end == b'\n' && !line.contains(&b'\n'));
        let read: serde_json::Value = serde_json::from_slice(line).expect("a record is JSON");
        assert_eq!(read["v"], 1);
    }
}

/// Whole PDUs of a stream, up to the first whose length cannot be true.
pub fn pdus(mut octets: &[u8], octets_max: u32) -> Vec<(Header, &[u8])> {
    let mut all = Vec::new();
    while let Ok(Frame::Whole { header }) = frame(octets, octets_max) {
        let (pdu, rest) = octets.split_at(header.command_length as usize);
        all.push((header, pdu));
        octets = rest;
    }
    all
}
