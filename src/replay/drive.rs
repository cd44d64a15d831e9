//! A gate for each session of a lane, and what stands in the place of sockets, peers and clock.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io::IoSlice;
use std::sync::Arc;
use std::time::Duration;

use super::traffic::{Traffic, renumber};
use crate::account::{Memory, PASSED_MAX, SessionId, SmscId};
use crate::audit::Decision;
use crate::gate::{Context, Event, Gate, Output, Scratch, Settings};
use crate::limits::PDU_OCTETS_MAX;
use crate::policy::Policy;
use crate::reputation::{self, Reputation};
use crate::session::Leg;
use crate::time::Timestamp;
use crate::wire::command::{CommandId, CommandStatus};
use crate::wire::encode as wire;
use crate::wire::field::Address;
use crate::wire::frame::{self, HEADER_OCTETS};

/// What traffic is played to.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The policy.
    pub policy: Arc<Policy>,
    /// How its gates are set.
    pub gate: Arc<Settings>,
    /// How what came before is remembered: each lane begins with nothing.
    pub reputation: reputation::Settings,
}

/// What came out of a gate.
#[allow(clippy::large_enum_variant, reason = "it is taken apart where it is made, and never stored")]
#[derive(Debug)]
pub enum Decided<'a> {
    /// A message, for one destination, was decided on.
    Decision {
        /// The request's number in the traffic.
        request: u32,
        /// What was decided.
        decision: Decision<'a>,
    },
    /// An exception policy was asked.
    Exception {
        /// The cause: `undecodable`, `malformed`, …
        cause: &'static str,
        /// `pass` or `block`.
        policy: &'static str,
    },
}

impl Setting {
    /// A policy, and gates whose sessions are kept alive: nobody who is silent in a recording is given up.
    #[must_use]
    pub fn new(policy: Arc<Policy>, gate: &Settings) -> Self {
        let mut gate = gate.clone();
        let durations = &mut gate.durations;
        (durations.session_init, durations.response, durations.enquire_link) = (FOR_EVER, FOR_EVER, FOR_EVER);
        gate.bounds.pdu_octets_max = gate.bounds.pdu_octets_max.max(PDU_OCTETS_MAX);
        Self { policy, gate: Arc::new(gate), reputation: reputation::Settings::default() }
    }

    /// What its gates work in, at `now`.
    pub(super) fn context<'a>(&'a self, memory: &'a Memory, scratch: &'a mut Scratch, now: Timestamp) -> Context<'a> {
        Context { now, policy: &self.policy, memory, scratch, journal_full: false }
    }
}

/// Longer than any recording.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Plays one lane: `tell` hears everything in the order in which it is decided.
pub fn play(traffic: &Traffic, lane: &[u32], setting: &Setting, tell: &mut dyn FnMut(Decided<'_>)) {
    let mut player = Player {
        traffic,
        lane,
        setting,
        memory: Memory::with(0, Reputation::new(setting.reputation, Timestamp(u64::MAX)), PASSED_MAX),
        scratch: Scratch::default(),
        gates: HashMap::new(),
        holding: BTreeSet::new(),
        woken: VecDeque::new(),
        octets: Vec::new(),
        answers: Vec::new(),
        now: Timestamp(0),
    };
    for (position, number) in (1..).zip(lane) {
        player.request(position, *number, tell);
    }
    player.wait_until(None, tell);
}

struct Player<'a> {
    traffic: &'a Traffic,
    lane: &'a [u32],
    setting: &'a Setting,
    memory: Memory,
    scratch: Scratch,
    gates: HashMap<u32, Gate>,
    /// Sessions that hold parts.
    holding: BTreeSet<u32>,
    woken: VecDeque<SessionId>,
    octets: Vec<u8>,
    answers: Vec<u8>,
    now: Timestamp,
}

impl Player<'_> {
    /// Hands in a request. Its place in the lane is its sequence_number, so that what is decided can be told apart.
    fn request(&mut self, position: u32, number: u32, tell: &mut dyn FnMut(Decided<'_>)) {
        let (Some(request), Some((session, _))) = (self.traffic.request(number), self.traffic.session_of(number))
        else {
            return;
        };
        self.wait_until(Some(request.at), tell);
        self.now = self.now.max(request.at);
        if !self.gates.contains_key(&session) {
            self.open(session, number, tell);
        }
        let mut octets = std::mem::take(&mut self.octets);
        octets.clear();
        octets.extend_from_slice(request.pdu);
        renumber(&mut octets, position);
        self.with(session, |gate, cx| gate.handle_bytes(cx, request.leg, &octets));
        self.octets = octets;
        self.pump(session, tell);
    }

    /// Lets the time of held parts pass, until `end` or until nothing is held.
    fn wait_until(&mut self, end: Option<Timestamp>, tell: &mut dyn FnMut(Decided<'_>)) {
        loop {
            let due = |session: &u32| Some((self.gates.get(session)?.poll_timeout()?, *session));
            let Some((at, session)) = self.holding.iter().filter_map(due).min() else { return };
            if end.is_some_and(|end| at > end) {
                return;
            }
            self.now = self.now.max(at);
            self.with(session, Gate::handle_timeout);
            self.pump(session, tell);
            // A gate that holds on without a deadline would be asked for ever.
            let same = self.gates.get(&session).and_then(Gate::poll_timeout).is_some_and(|next| next <= at);
            if same {
                self.holding.remove(&session);
            }
        }
    }

    /// A session begins bound.
    fn open(&mut self, session: u32, number: u32, tell: &mut dyn FnMut(Decided<'_>)) {
        let Some((_, of)) = self.traffic.session_of(number) else { return };
        let id = SessionId(u64::from(session));
        let gate = Gate::new(id, Arc::clone(&self.setting.gate), None, 0, self.now);
        self.gates.insert(session, gate);
        let mut bind = Vec::new();
        wire::pdu(&mut bind, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
            wire::c_octet_string(out, of.account.as_bytes());
            wire::c_octet_string(out, b"");
            wire::c_octet_string(out, b"");
            out.push(of.version.0);
            wire::address(out, &Address::default());
        });
        self.with(session, |gate, cx| gate.handle_bytes(cx, Leg::Esme, &bind));
        self.pump(session, tell);
    }

    fn with(&mut self, session: u32, act: impl FnOnce(&mut Gate, &mut Context<'_>)) {
        let Some(gate) = self.gates.get_mut(&session) else { return };
        let mut cx = self.setting.context(&self.memory, &mut self.scratch, self.now);
        act(gate, &mut cx);
    }

    /// Takes everything that gates have to say, and answers what they send, until they are quiet.
    fn pump(&mut self, session: u32, tell: &mut dyn FnMut(Decided<'_>)) {
        self.pump_one(session, tell);
        while let Some(SessionId(woken)) = self.woken.pop_front() {
            let Ok(woken) = u32::try_from(woken) else { continue };
            self.with(woken, Gate::handle_wake);
            self.pump_one(woken, tell);
        }
    }

    fn pump_one(&mut self, session: u32, tell: &mut dyn FnMut(Decided<'_>)) {
        loop {
            let mut connects = false;
            let Some(gate) = self.gates.get_mut(&session) else { return };
            loop {
                let mut cx = self.setting.context(&self.memory, &mut self.scratch, self.now);
                match gate.poll_output(&mut cx) {
                    None => break,
                    Some(Output::Connect { .. }) => connects = true,
                    Some(Output::Decision(decision)) => {
                        let position = usize::try_from(decision.sequence_number).ok().and_then(|n| n.checked_sub(1));
                        if let Some(request) = position.and_then(|n| self.lane.get(n)) {
                            tell(Decided::Decision { request: *request, decision });
                        }
                    }
                    Some(Output::Event(Event::Exception { cause, policy })) => {
                        tell(Decided::Exception { cause, policy });
                    }
                    Some(Output::Wake(session)) => self.woken.push_back(session),
                    Some(Output::Outcome(_) | Output::Event(_)) => {}
                }
            }
            if connects {
                self.with(session, |gate, cx| gate.handle_connected(cx, SmscId(0)));
                continue;
            }
            if !self.answer(session, Leg::Esme) && !self.answer(session, Leg::Smsc) {
                break;
            }
        }
        let holds = self.gates.get(&session).is_some_and(|g| g.held(Leg::Esme) + g.held(Leg::Smsc) > 0);
        if holds {
            self.holding.insert(session);
        } else {
            self.holding.remove(&session);
        }
    }

    /// Takes what is sent to a leg; its peer says yes to every request. Whether it was sent any.
    fn answer(&mut self, session: u32, leg: Leg) -> bool {
        let Some(gate) = self.gates.get_mut(&session) else { return false };
        self.octets.clear();
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let count = gate.transmit(leg, &mut slices);
            if count == 0 {
                break;
            }
            let before = self.octets.len();
            slices.iter().take(count).for_each(|slice| self.octets.extend_from_slice(slice));
            gate.transmitted(leg, self.octets.len() - before);
        }
        self.answers.clear();
        let mut rest = self.octets.as_slice();
        while let Some(header) = frame::header(rest) {
            let length = usize::try_from(header.command_length).unwrap_or(usize::MAX).max(HEADER_OCTETS);
            answer(header, &mut self.answers);
            rest = rest.get(length..).unwrap_or_default();
        }
        let answers = std::mem::take(&mut self.answers);
        let any = !answers.is_empty();
        if any {
            self.with(session, |gate, cx| gate.handle_bytes(cx, leg, &answers));
        }
        self.answers = answers;
        any
    }
}

/// ESME_ROK to a request.
pub(super) fn answer(request: frame::Header, out: &mut Vec<u8>) {
    let (id, sequence_number) = (request.command_id, request.sequence_number);
    let message_id: Option<&[u8]> = match id {
        _ if id.is_response() => return,
        CommandId::OUTBIND | CommandId::ALERT_NOTIFICATION => return,
        CommandId::SUBMIT_MULTI => {
            return wire::submit_multi_resp(out, CommandStatus::ESME_ROK, sequence_number, b"1", []);
        }
        CommandId::BIND_TRANSCEIVER | CommandId::SUBMIT_SM | CommandId::DATA_SM | CommandId::BROADCAST_SM => Some(b"1"),
        CommandId::DELIVER_SM => Some(b""),
        _ => None,
    };
    wire::response(out, id.response(), CommandStatus::ESME_ROK, sequence_number, message_id);
}
