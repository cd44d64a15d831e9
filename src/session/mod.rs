//! One proxied session: two legs, no policy, no clock, no socket.
//!
//! # The contract
//!
//! Octets and events go in by `handle_*`. After each, [`Session::poll`] is called until it answers `None`; every call
//! makes at most one PDU of progress and answers what whoever holds the policy must know. A [`Step::Request`] or
//! [`Step::Answer`] waits for [`Session::dispose`], exactly once, before anything else moves. Octets for the peers are
//! then shown by [`Session::transmit`] and taken off by [`Session::transmitted`].
//!
//! # What it keeps
//!
//! - A PDU that is forwarded leaves octet for octet as it came, in the order in which it came.
//! - Every request is answered once on the leg that asked: by the peer or by Tapis, never both. What is unanswered when a
//!   leg dies, or when the response timer ends, is told ([`Step::InDoubt`]), never dropped in silence.
//! - An unbind, and the close of a leg, wait for what was held before them.
//! - When one leg dies the other gets what is queued, an unbind, and a close, at once.
//! - Memory is bounded: a leg whose buffers are full is not read ([`Session::wants_read`]).
//!
//! Only a `command_length` that cannot be true ends a session early: after it nobody knows where the next PDU starts.

mod advance;
mod answer;
mod bind;
mod closing;
mod counters;
mod hold;
mod leg;
mod step;
mod timers;
mod window;

use std::io::IoSlice;
use std::net::IpAddr;

use crate::time::Timestamp;
use crate::wire::command::{CommandId, CommandStatus, InterfaceVersion};
use crate::wire::frame::Header;

use hold::Hold;
use leg::{Queue, Stream};
use timers::{Timer, Timers};
use window::Window;

pub use bind::{BindKind, State};
pub use counters::{Counters, Fault};
pub use hold::HeldId;
pub use leg::{Leg, Legs};
pub use step::{Bounds, Closed, Disposition, Step};
pub use timers::Durations;
pub use window::{Asker, Outstanding};

#[derive(Clone, Copy, Debug)]
struct Current {
    id: HeldId,
    leg: Leg,
    header: Header,
    len: usize,
    answers: Option<Outstanding>,
}

/// One end of one leg.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    /// Nothing more will be read.
    read_closed: bool,
    /// Nothing more is understood: a command_length lied.
    deaf: bool,
    /// Nothing more can be written.
    write_closed: bool,
    /// The write side is shut once the queue is empty.
    closing: bool,
    last_received: Timestamp,
    /// When an enquire_link of ours went out that no octet has followed.
    probed: Option<Timestamp>,
    /// Requests of ours that it has not answered.
    owed: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    Absent,
    Up,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Session {
    bounds: Bounds,
    durations: Durations,
    peer: Option<IpAddr>,
    state: State,
    smsc: Connection,
    system_id: String,
    interface_version: InterfaceVersion,
    bind: Option<(Header, BindKind)>,
    received: Legs<Stream>,
    parsed: Legs<u64>,
    queues: Legs<Queue>,
    windows: Legs<Window>,
    ends: Legs<End>,
    current: Option<Current>,
    hold: Hold,
    timers: Timers,
    expiring: bool,
    draining: bool,
    finished: bool,
    own_sequence: u32,
    next_id: u64,
    turn: Leg,
    counters: Counters,
    now: Timestamp,
}

/// Numbers of our own requests start in a range that counters from 1 do not reach soon.
const OWN_SEQUENCE_FROM: u32 = 0x6000_0000;
/// How far the seed may move that start.
const OWN_SEQUENCE_SPREAD: u64 = 0x0fff_ffff;
/// The largest sequence_number (SMPP 3.4 §3.2).
const SEQUENCE_MAX: u32 = 0x7fff_ffff;

impl Session {
    /// A session whose ESME has just connected from `peer`. `seed` chooses the numbers of our own requests.
    #[must_use]
    pub fn new(bounds: Bounds, durations: Durations, peer: Option<IpAddr>, seed: u64, now: Timestamp) -> Self {
        let mut timers = Timers::default();
        timers.set(Timer::SessionInit, now + durations.session_init);
        Self {
            bounds,
            durations,
            peer,
            state: State::Open,
            smsc: Connection::Absent,
            system_id: String::new(),
            interface_version: InterfaceVersion(0),
            bind: None,
            received: Legs::default(),
            parsed: Legs::default(),
            queues: Legs::default(),
            windows: Legs::default(),
            ends: Legs::default(),
            current: None,
            hold: Hold::default(),
            timers,
            expiring: false,
            draining: false,
            finished: false,
            own_sequence: OWN_SEQUENCE_FROM + u32::try_from(seed & OWN_SEQUENCE_SPREAD).unwrap_or(0),
            next_id: 0,
            turn: Leg::Esme,
            counters: Counters::default(),
            now,
        }
    }

    /// The system_id of the last bind read, empty before.
    #[must_use]
    pub fn system_id(&self) -> &str {
        &self.system_id
    }

    /// The version in force: the lower of the bind's and the SMSC's.
    #[must_use]
    pub fn interface_version(&self) -> InterfaceVersion {
        self.interface_version
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The ESME's address.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    /// Whether no new messages shall pass: the process ends.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// Whether both sides are gone and everything is told.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// What was counted; whoever reads it may reset it.
    pub fn counters(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// Requests sent to a leg that wait for their answers.
    #[must_use]
    pub fn outstanding(&self, leg: Leg) -> usize {
        self.windows.of(leg).len()
    }

    /// Octets kept for a leg: received from it, and to be transmitted to it.
    #[must_use]
    pub fn buffered_octets(&self, leg: Leg) -> usize {
        self.received.of(leg).len() + self.queues.of(leg).own_octets()
    }

    /// When the last octet came from a leg.
    #[must_use]
    pub fn last_received(&self, leg: Leg) -> Timestamp {
        self.ends.of(leg).last_received
    }

    /// Octets of deferred PDUs.
    #[must_use]
    pub fn held_octets(&self) -> usize {
        self.hold.octets()
    }

    /// Whether octets of this leg may be handed in now: false asks the driver to leave them in the socket.
    #[must_use]
    pub fn wants_read(&self, leg: Leg) -> bool {
        let end = self.ends.of(leg);
        let full = self.bounds.leg_octets_max;
        !end.read_closed
            && (leg == Leg::Esme || self.smsc == Connection::Up)
            && (end.deaf
                || (self.received.of(leg).len() < full
                    && self.queues.esme.own_octets() < full
                    && self.queues.smsc.own_octets() < full))
    }

    /// Takes octets read from a leg.
    pub fn handle_bytes(&mut self, leg: Leg, octets: &[u8], now: Timestamp) {
        self.now = now;
        let end = self.ends.of_mut(leg);
        end.last_received = now;
        end.probed = None;
        *self.counters.received.of_mut(leg) += octets.len() as u64;
        if !end.deaf && !self.finished {
            self.release(leg);
            self.received.of_mut(leg).push(octets);
        }
    }

    /// The SMSC asked for by [`Step::Connect`] is connected: the bind goes to it.
    pub fn handle_connected(&mut self, now: Timestamp) {
        self.now = now;
        self.smsc = Connection::Up;
        self.ends.smsc.last_received = now;
        if self.state == State::Connecting {
            self.forward_bind();
        } else {
            self.ends.smsc.closing = true;
        }
    }

    /// No SMSC could be connected to: the bind is refused, and may be tried again.
    pub fn handle_connect_failed(&mut self, now: Timestamp) {
        self.now = now;
        if self.state == State::Connecting {
            self.refuse_bind(CommandStatus::ESME_RBINDFAIL);
        }
    }

    /// A leg's connection has ended.
    pub fn handle_closed(&mut self, leg: Leg, closed: Closed, now: Timestamp) {
        self.now = now;
        if closed != Closed::Unwritable {
            self.ends.of_mut(leg).read_closed = true;
        }
        if closed != Closed::Eof {
            self.stop_writing(leg);
        }
    }

    /// A deadline of [`Session::poll_timeout`] has passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
        while let Some(timer) = self.timers.expired(now) {
            match timer {
                Timer::SessionInit => self.give_up_binding(),
                Timer::Response => self.expiring = true,
                Timer::Esme => self.probe(Leg::Esme, timer),
                Timer::Smsc => self.probe(Leg::Smsc, timer),
                Timer::Linger => self.cut(),
                Timer::Drain => self.leave(),
            }
        }
    }

    /// The process ends: nothing new passes; outstanding answers may come home until the drain deadline.
    pub fn handle_drain(&mut self, now: Timestamp) {
        self.now = now;
        self.draining = true;
        self.timers.start(Timer::Drain, now + self.durations.drain);
    }

    /// The next deadline to call [`Session::handle_timeout`] at.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// Makes at most one PDU of progress.
    pub fn poll(&mut self) -> Option<Step> {
        if self.current.is_some() || self.finished {
            return None;
        }
        if let Some(step) = self.expire() {
            return Some(step);
        }
        for leg in [self.turn, self.turn.other()] {
            if let Some(step) = self.advance(leg) {
                self.turn = leg;
                return Some(step);
            }
        }
        for leg in [Leg::Esme, Leg::Smsc] {
            if let Some(step) = self.end(leg) {
                return Some(step);
            }
        }
        if self.draining && self.is_quiet() && self.state != State::Closed {
            self.leave();
        }
        self.finish()
    }

    /// What came from a leg and has not been read yet, and where in the stream it begins.
    #[must_use]
    pub fn unread(&self, leg: Leg) -> (u64, &[u8]) {
        let start = *self.parsed.of(leg);
        (start, self.received.of(leg).from(start))
    }

    /// The whole PDU that waits under `id`.
    #[must_use]
    pub fn held(&self, id: HeldId) -> Option<&[u8]> {
        match self.current {
            Some(c) if c.id == id => Some(self.received.of(c.leg).slice(*self.parsed.of(c.leg), c.len)),
            _ => self.hold.get(id).map(|h| h.octets.as_slice()),
        }
    }

    /// Decides what becomes of the PDU that waits under `id`. A forwarded request carries `token` (0 for none), which
    /// comes back with its [`Step::Answer`] or [`Step::InDoubt`].
    pub fn dispose(&mut self, id: HeldId, token: u64, disposition: Disposition<'_>) {
        match self.current {
            Some(current) if current.id == id => {
                self.current = None;
                self.dispose_current(current, token, disposition);
            }
            _ => {
                if let Some(held) = self.hold.take(id) {
                    self.dispose_held(held, token, disposition);
                }
            }
        }
    }

    /// Sends a request of our own to a leg, unless it cannot be written to: `write` gets the `sequence_number` to use
    /// and the buffer to append one whole PDU to. Its answer is swallowed.
    pub fn originate(&mut self, leg: Leg, command_id: CommandId, write: impl FnOnce(u32, &mut Vec<u8>)) -> bool {
        let end = self.ends.of(leg);
        if end.write_closed || end.closing {
            return false;
        }
        while self.windows.of(leg).contains(self.own_sequence) {
            self.own_sequence = Self::sequence_after(self.own_sequence);
        }
        let sequence_number = self.own_sequence;
        self.own_sequence = Self::sequence_after(sequence_number);
        self.queues.of_mut(leg).own(|out| write(sequence_number, out));
        self.ends.of_mut(leg).owed += 1;
        self.await_answer(leg, sequence_number, command_id, Asker::Tapis, 0);
        true
    }

    /// Fills `slices` with octets to write to a leg's peer, and answers how many slices.
    pub fn transmit<'a>(&'a self, leg: Leg, slices: &mut [IoSlice<'a>]) -> usize {
        self.queues.of(leg).fill(self.received.of(leg.other()), slices)
    }

    /// `octets` of what `transmit` showed are written.
    pub fn transmitted(&mut self, leg: Leg, octets: usize) {
        *self.counters.sent.of_mut(leg) += octets as u64;
        self.queues.of_mut(leg).transmitted(octets);
        self.release(leg.other());
    }

    /// Whether the write side of this leg is to be shut now: everything is transmitted and nothing more will come.
    #[must_use]
    pub fn wants_close(&self, leg: Leg) -> bool {
        let end = self.ends.of(leg);
        end.closing && !end.write_closed && self.queues.of(leg).octets() == 0
    }

    /// The driver has shut the write side of this leg.
    pub fn write_shut(&mut self, leg: Leg) {
        self.stop_writing(leg);
    }
}
