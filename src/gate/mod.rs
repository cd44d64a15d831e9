//! The pure whole: a [`Session`] and what it is lent for each call (policy, memory, scratch, time); octets in, octets
//! and decisions out.
//!
//! Sockets, the simulation, the fuzzer, replay and the benches all drive this one type:
//!
//! 1. hand in what happened with a `handle_*` method, octets only while [`Gate::wants_read`];
//! 2. call [`Gate::poll_output`] until it answers `None`, or its halves with writing between them: each call makes at most one
//!    message of progress, and what it answers borrows the scratch, so it is to be counted and written down before the next;
//! 3. write what [`Gate::transmit`] shows and say how much with [`Gate::transmitted`]; shut the write side of a leg
//!    when [`Gate::wants_close`];
//! 4. come back at [`Gate::poll_timeout`]; drop both connections when [`Gate::is_finished`].
//!
//! A gate keeps nothing of what it is lent: a new policy is in force at the next message. It cannot reach another gate
//! but by [`Output::Wake`].

mod act;
mod ahead;
mod holding;
mod judge;
mod memo;
pub(crate) mod memory;
mod multi;
mod parts;
mod receipt;
mod report;

use std::collections::{HashMap, VecDeque};
use std::io::IoSlice;
use std::net::IpAddr;
use std::sync::Arc;

use crate::account::{Account, Memory, SessionId, SmscId};
use crate::audit::{Decision, DecisionId, Outcome, OutcomeKind, Reply};
use crate::message::{Direction, Envelope};
use crate::policy::{self, Policy};
use crate::rules::Stopwatch;
use crate::session::{
    BindKind, Bounds, Closed, Counters, Disposition, Durations, Fault, HeldId, Leg, Legs, Outstanding, Session, State,
    Step,
};
use crate::time::Timestamp;
use crate::verdict::Verdict;
use crate::wire::command::{CommandId, CommandStatus};
use crate::wire::frame::Header;

use act::Special;
use holding::Holding;
use judge::Judged;
use memory::Keys;
use multi::Multi;
use parts::Release;

pub use parts::Parts;

/// What a gate is lent for one call.
#[derive(Debug)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// What messages are judged by; the next call may lend another.
    pub policy: &'a Arc<Policy>,
    /// What all sessions share.
    pub memory: &'a Memory,
    /// Room to work in; its contents mean nothing between calls.
    pub scratch: &'a mut Scratch,
    /// Whether the journal can take no more records, for `on_journal_full`.
    pub journal_full: bool,
}

/// Room to work in, reused from message to message and from gate to gate.
#[derive(Debug, Default)]
pub struct Scratch {
    envelope: Envelope,
    judging: policy::Scratch,
    keys: Keys,
    verdict: Verdict,
    octets: Vec<u8>,
    message_id: Vec<u8>,
}

impl Scratch {
    /// The same, and what rules cost is measured.
    #[must_use]
    pub fn timed(stopwatch: Stopwatch) -> Self {
        let mut this = Self::default();
        this.judging.rules.stopwatch = Some(stopwatch);
        this
    }
}

/// What does not change while a session lives.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Limits.
    pub bounds: Bounds,
    /// Timers.
    pub durations: Durations,
    /// How the message_ids of swallowed messages are written.
    pub message_ids: MessageIds,
    /// How often the same MO message is refused before it is accepted and swallowed: SMSCs try again.
    pub mo_refusals_max: u32,
    /// How parts of longer messages are held.
    pub parts: Parts,
    /// Which texts are read.
    pub texts: Texts,
}

/// Which texts a gate reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Texts {
    /// All: whoever takes the decisions looks at what was read.
    #[default]
    Read,
    /// Those that the policy's rules ask for, and those that may not be readable. Where there are no rules the others pass
    /// without a decision: they are only counted ([`Gate::take_passed`]).
    ReadForRules,
}

/// How the SMSC writes its message_ids, for those that Tapis makes up to look alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageIds {
    /// Decimal digits.
    #[default]
    Decimal,
    /// Hexadecimal digits, upper case.
    Hexadecimal,
}

/// What happened, beside decisions and their outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The SMSC accepted the bind: the account may be named from now on.
    Bound(BindKind),
    /// The SMSC refused it.
    BindRefused(CommandStatus),
    /// An unbind was answered.
    Unbound,
    /// A peer did what it should not.
    Fault(Leg, Fault),
    /// Something was treated by an exception policy; messages also have a decision that says so.
    Exception {
        /// The cause, as in config: `malformed`, `unknown_command`, …
        cause: &'static str,
        /// What was done: `pass` or `block`.
        policy: &'static str,
    },
}

/// What [`Gate::poll_output`] answers.
#[allow(clippy::large_enum_variant, reason = "it is taken apart where it is made, and never stored")]
#[derive(Debug)]
pub enum Output<'a> {
    /// Connect to the SMSC of this account (the bind's system_id), then call `handle_connected` or
    /// `handle_connect_failed`.
    Connect {
        /// The system_id.
        account: &'a str,
    },
    /// One message, for one destination, was judged and acted on.
    Decision(Decision<'a>),
    /// What became of a message that went on.
    Outcome(Outcome<'a>),
    /// Something else to be counted.
    Event(Event),
    /// That session has something to fetch: call its `handle_wake`.
    Wake(SessionId),
}

/// What was made progress in, before it is told.
#[derive(Clone, Copy, Debug)]
pub struct Progress(Made);

impl Progress {
    /// Whether it is a message that did not go on as it came: what is told of it is mostly written down.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        matches!(self.0, Made::Decision(Judged { reply, .. }) if reply != Reply::Forwarded)
    }
}

#[derive(Clone, Copy, Debug)]
enum Made {
    Connect,
    Decision(Judged),
    Outcome { decision: DecisionId, kind: OutcomeKind },
    Event(Event),
    Wake(SessionId),
}

/// Changed messages whose answers are overdue and would still be completed; beyond, they pass as they come.
const SPECIAL_MAX: usize = 1_000;

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Gate {
    id: SessionId,
    settings: Arc<Settings>,
    session: Session,
    account: Option<Arc<Account>>,
    smsc: Option<SmscId>,
    decisions: u64,
    /// Forwarded messages whose answers need more than passing on, by token.
    special: HashMap<u64, Special>,
    /// A submit_multi whose destinations are being told one by one.
    multi: Option<Box<Multi>>,
    /// Refused MO messages and how often, newest last.
    refused_mo: VecDeque<(u64, u32)>,
    /// Parts that wait, and what waits behind them.
    holding: Holding,
    /// A message of several PDUs that is being let go.
    release: Option<Box<Release>>,
    /// Sessions to wake.
    wakes: VecDeque<SessionId>,
    exception: Option<Event>,
    /// Messages that passed and of which nobody asked anything, by the leg that they came from.
    passed: Legs<u64>,
    /// Where in the ESME's stream those messages end whose senders memory was told of ahead.
    looked_to: u64,
}

impl Gate {
    /// A gate whose ESME has just connected from `peer`.
    #[must_use]
    pub fn new(id: SessionId, settings: Arc<Settings>, peer: Option<IpAddr>, seed: u64, now: Timestamp) -> Self {
        let session = Session::new(settings.bounds, settings.durations, peer, seed, now);
        Self {
            id,
            settings,
            session,
            account: None,
            smsc: None,
            decisions: 0,
            special: HashMap::new(),
            multi: None,
            refused_mo: VecDeque::new(),
            holding: Holding::default(),
            release: None,
            wakes: VecDeque::new(),
            exception: None,
            passed: Legs::default(),
            looked_to: 0,
        }
    }

    /// Its own name.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The account, once the SMSC has accepted a bind.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref().map(Account::id)
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.session.state()
    }

    /// Whether octets of this leg may be handed in now.
    #[must_use]
    pub fn wants_read(&self, leg: Leg) -> bool {
        self.session.wants_read(leg)
    }

    /// Takes octets read from a leg.
    pub fn handle_bytes(&mut self, cx: &mut Context<'_>, leg: Leg, octets: &[u8]) {
        self.session.handle_bytes(leg, octets, cx.now);
    }

    /// The SMSC asked for is connected.
    pub fn handle_connected(&mut self, cx: &mut Context<'_>, smsc: SmscId) {
        self.smsc = Some(smsc);
        self.session.handle_connected(cx.now);
    }

    /// No SMSC could be connected to.
    pub fn handle_connect_failed(&mut self, cx: &mut Context<'_>) {
        self.session.handle_connect_failed(cx.now);
    }

    /// A leg's connection has ended.
    pub fn handle_closed(&mut self, cx: &mut Context<'_>, leg: Leg, closed: Closed) {
        self.session.handle_closed(leg, closed, cx.now);
    }

    /// A deadline has passed.
    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) {
        self.session.handle_timeout(cx.now);
        self.holding.look_again();
    }

    /// Another session of the account left something for this one.
    pub fn handle_wake(&mut self, cx: &mut Context<'_>) {
        self.fetch_receipts(cx.now);
        self.holding.look_again();
    }

    /// The process ends: refuse what is new, let answers come home until the drain deadline, then unbind and close.
    pub fn handle_drain(&mut self, cx: &mut Context<'_>) {
        self.session.handle_drain(cx.now);
    }

    /// The next deadline to call `handle_timeout` at.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        [self.session.poll_timeout(), self.hold_timeout()].into_iter().flatten().min()
    }

    /// Octets to write to a leg's peer.
    pub fn transmit<'a>(&'a self, leg: Leg, slices: &mut [IoSlice<'a>]) -> usize {
        self.session.transmit(leg, slices)
    }

    /// `octets` of what `transmit` showed are written.
    pub fn transmitted(&mut self, leg: Leg, octets: usize) {
        self.session.transmitted(leg, octets);
    }

    /// Whether the write side of this leg is to be shut.
    #[must_use]
    pub fn wants_close(&self, leg: Leg) -> bool {
        self.session.wants_close(leg)
    }

    /// The write side of this leg has been shut.
    pub fn write_shut(&mut self, leg: Leg) {
        self.session.write_shut(leg);
    }

    /// Whether it is over: drop both connections.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.session.is_finished()
    }

    /// What the session has counted.
    pub fn counters(&mut self) -> &mut Counters {
        self.session.counters()
    }

    /// Takes how many messages have passed without a decision being told, by the leg that they came from: with
    /// [`Texts::ReadForRules`], those that a policy without rules asks nothing of. What becomes of them is not told either.
    pub fn take_passed(&mut self) -> Legs<u64> {
        std::mem::take(&mut self.passed)
    }

    /// Requests sent to a leg that wait for their answers.
    #[must_use]
    pub fn outstanding(&self, leg: Leg) -> usize {
        self.session.outstanding(leg)
    }

    /// Requests of a leg that are held while parts of their message are missing.
    #[must_use]
    pub fn held(&self, leg: Leg) -> usize {
        self.holding.held(leg)
    }

    /// Octets kept for a leg.
    #[must_use]
    pub fn buffered_octets(&self, leg: Leg) -> usize {
        self.session.buffered_octets(leg)
    }

    /// Makes at most one message of progress, and answers what the driver must know of it.
    pub fn poll_output<'a>(&'a mut self, cx: &'a mut Context<'_>) -> Option<Output<'a>> {
        let progress = self.poll_progress(cx)?;
        Some(self.tell(cx, progress))
    }

    /// The first half of [`Gate::poll_output`]: nothing but writing may be done before [`Gate::tell`].
    pub fn poll_progress(&mut self, cx: &mut Context<'_>) -> Option<Progress> {
        self.make(cx).map(Progress)
    }

    /// The other half: what the driver must know of it.
    pub fn tell<'a>(&'a self, cx: &'a Context<'_>, Progress(made): Progress) -> Output<'a> {
        match made {
            Made::Connect => Output::Connect { account: self.session.system_id() },
            Made::Decision(judged) => Output::Decision(self.decision(cx, judged)),
            Made::Outcome { decision, kind } => {
                Output::Outcome(Outcome { decision, message_id: &cx.scratch.message_id, kind })
            }
            Made::Event(event) => Output::Event(event),
            Made::Wake(session) => Output::Wake(session),
        }
    }

    fn make(&mut self, cx: &mut Context<'_>) -> Option<Made> {
        if let Some(event) = self.exception.take() {
            return Some(Made::Event(event));
        }
        if let Some(judged) = self.next_destination() {
            return Some(Made::Decision(judged));
        }
        if let Some(judged) = self.next_released(cx) {
            return Some(Made::Decision(judged));
        }
        while let Some(session) = self.wakes.pop_front() {
            if session != self.id {
                return Some(Made::Wake(session));
            }
            self.fetch_receipts(cx.now);
        }
        loop {
            if let Some(made) = self.release_ready(cx) {
                return Some(made);
            }
            self.look_ahead(cx);
            let made = match self.session.poll()? {
                Step::Progress => None,
                Step::Connect => Some(Made::Connect),
                Step::Bound(kind) => Some(self.bound(cx, kind)),
                Step::BindRefused(status) => Some(Made::Event(Event::BindRefused(status))),
                Step::Unbound => {
                    self.leave();
                    Some(Made::Event(Event::Unbound))
                }
                Step::Request { id, leg, header } => self.request(cx, id, leg, header),
                Step::Answer { id, leg, header, request } => Some(self.answered(cx, id, leg, header, request)),
                Step::InDoubt { leg, request } => Some(self.in_doubt(cx, leg, request)),
                Step::Abandoned { id, leg } => self.abandoned(cx, id, leg),
                Step::Fault(leg, fault) => Some(Made::Event(Event::Fault(leg, fault))),
            };
            if made.is_some() {
                return made;
            }
        }
    }

    fn bound(&mut self, cx: &mut Context<'_>, kind: BindKind) -> Made {
        let smsc = self.smsc.unwrap_or(SmscId(0));
        self.account = Some(cx.memory.join(self.session.system_id(), self.id, kind.receives(), smsc));
        if kind.receives() {
            self.fetch_receipts(cx.now);
        }
        Made::Event(Event::Bound(kind))
    }

    fn leave(&mut self) {
        if let Some(account) = &self.account {
            account.leave(self.id);
        }
    }

    /// An answer to a forwarded message: told, completed where Tapis changed the message, and passed on.
    fn answered(&mut self, cx: &mut Context<'_>, id: HeldId, leg: Leg, header: Header, request: Outstanding) -> Made {
        let octets = self.session.held(id).unwrap_or_default();
        cx.scratch.message_id.clear();
        cx.scratch.message_id.extend_from_slice(act::message_id(octets));
        let special = if self.special.is_empty() { None } else { self.special.remove(&request.token) };
        match special {
            Some(special) => self.complete(cx, id, header, request, special),
            None => self.session.dispose(id, 0, Disposition::Forward),
        }
        let kind = OutcomeKind::Answered { leg, command_status: header.command_status };
        Made::Outcome { decision: self.decision_id(request.token), kind }
    }

    fn in_doubt(&mut self, cx: &mut Context<'_>, leg: Leg, request: Outstanding) -> Made {
        cx.scratch.message_id.clear();
        if self.special.len() > SPECIAL_MAX {
            self.special.remove(&request.token);
        }
        Made::Outcome { decision: self.decision_id(request.token), kind: OutcomeKind::InDoubt { leg } }
    }

    fn decision_id(&self, n: u64) -> DecisionId {
        DecisionId { session: self.id, n }
    }
}

impl Drop for Gate {
    /// However a session ends, its account no longer counts on it.
    fn drop(&mut self) {
        self.leave();
    }
}

/// The status that a blocked message of this direction is answered with; none when it is swallowed.
pub(crate) fn refusal_of(verdict: &Verdict, direction: Direction) -> Option<CommandStatus> {
    judge::refusal(verdict, if direction == Direction::Mo { Leg::Smsc } else { Leg::Esme })
}

/// Whether a command is a message whose every destination is judged.
fn is_message(command: CommandId) -> bool {
    matches!(
        command,
        CommandId::SUBMIT_SM
            | CommandId::DELIVER_SM
            | CommandId::DATA_SM
            | CommandId::SUBMIT_MULTI
            | CommandId::REPLACE_SM
            | CommandId::BROADCAST_SM
    )
}
