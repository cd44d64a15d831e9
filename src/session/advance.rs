//! Reading on: one PDU of one leg, and what becomes of it.

use super::bind::{self, BindKind, Move, Operation, State};
use super::hold::{Held, HeldId};
use super::timers::Timer;
use super::{
    Asker, Current, Disposition, Fault, Leg, OWN_SEQUENCE_FROM, Outstanding, SEQUENCE_MAX, Session, Step, answer,
};
use crate::wire::command::{CommandId, CommandStatus, InterfaceVersion};
use crate::wire::frame::{self, Frame, Header};

impl Session {
    pub(super) fn advance(&mut self, leg: Leg) -> Option<Step> {
        if self.ends.of(leg).deaf {
            return None;
        }
        let octets = self.received.of(leg).from(*self.parsed.of(leg));
        let header = match frame::frame(octets, self.bounds.pdu_octets_max) {
            Ok(Frame::Whole { header }) => header,
            Ok(Frame::Partial { .. }) => return None,
            Err(fault) => {
                self.lose_framing(leg, fault.sequence_number.unwrap_or(0));
                return Some(Step::Fault(leg, Fault::CommandLength));
            }
        };
        let len = usize::try_from(header.command_length).unwrap_or(usize::MAX);
        if header.command_id.is_response() {
            Some(self.respond(leg, header, len))
        } else {
            self.request(leg, header, len)
        }
    }

    pub(super) fn request(&mut self, leg: Leg, header: Header, len: usize) -> Option<Step> {
        let operation = Operation::of(header.command_id);
        let decided = bind::decide(self.state, leg, operation);
        if matches!(decided, Move::Relay | Move::Judge | Move::Unbind) && self.must_wait(leg, operation, header) {
            return None;
        }
        match decided {
            Move::Wait => return None,
            Move::Bind => return Some(self.read_bind(header, len)),
            Move::Judge => {
                self.counters.pdu(leg, header.command_id);
                let id = self.current(leg, header, len, None);
                return Some(Step::Request { id, leg, header });
            }
            Move::Relay | Move::Unbind => {
                self.counters.pdu(leg, header.command_id);
                self.relay_request(leg, header, len, 0);
                if decided == Move::Unbind {
                    self.state = State::Unbinding;
                    self.timers.set(Timer::SessionInit, self.now + self.durations.response);
                }
                return Some(Step::Progress);
            }
            Move::Answer(status) => self.answer(leg, |version, out| answer::refusal(header, status, version, out)),
            Move::Nack(status) => self.answer(leg, |_, out| answer::nack(header.sequence_number, status, out)),
            Move::Leave => {
                self.answer(leg, |version, out| answer::refusal(header, CommandStatus::ESME_ROK, version, out));
                self.fail_bind();
                self.close(Leg::Esme);
                self.close(Leg::Smsc);
            }
            Move::Drop => {}
        }
        self.counters.pdu(leg, header.command_id);
        *self.parsed.of_mut(leg) += len as u64;
        Some(Step::Progress)
    }

    /// Whether a request must stay where it is: its number is one of ours, the other side owes too many answers, or it
    /// is an unbind and something before it is held.
    pub(super) fn must_wait(&self, leg: Leg, operation: Operation, header: Header) -> bool {
        let to = leg.other();
        let window = self.windows.of(to);
        (self.ends.of(to).owed > 0 && window.owns(header.sequence_number))
            || (window.len() >= self.bounds.outstanding_max && operation != Operation::Unbind)
            || (operation == Operation::Unbind && self.hold.first(leg).is_some())
    }

    pub(super) fn respond(&mut self, leg: Leg, header: Header, len: usize) -> Step {
        self.counters.pdu(leg, header.command_id);
        let Some(request) = self.windows.of_mut(leg).answer(header.command_id, header.sequence_number) else {
            return self.respond_to_nothing(leg, header, len);
        };
        if request.asker == Asker::Tapis {
            let end = self.ends.of_mut(leg);
            end.owed = end.owed.saturating_sub(1);
            *self.parsed.of_mut(leg) += len as u64;
            return Step::Progress;
        }
        if request.token != 0 {
            let id = self.current(leg, header, len, Some(request));
            return Step::Answer { id, leg, header, request };
        }
        let step = match request.command_id {
            CommandId::UNBIND => self.unbound(),
            c if BindKind::of(c).is_some() => self.bind_answered(header, len),
            _ => Step::Progress,
        };
        self.relay(leg, len);
        step
    }

    /// An answer that nobody waits for is not passed on: it would answer a request twice. What cannot be matched by its
    /// number at all (a generic_nack of an unreadable PDU, a vendor's own response) is.
    pub(super) fn respond_to_nothing(&mut self, leg: Leg, header: Header, len: usize) -> Step {
        let ours_to_match = !matches!(Operation::of(header.command_id.request()), Operation::Unknown);
        if ours_to_match || !matches!(self.state, State::Bound(_)) {
            *self.parsed.of_mut(leg) += len as u64;
            return self.fault(leg, Fault::UnexpectedResponse);
        }
        self.relay(leg, len);
        Step::Progress
    }

    pub(super) fn current(&mut self, leg: Leg, header: Header, len: usize, answers: Option<Outstanding>) -> HeldId {
        self.next_id += 1;
        let id = HeldId(self.next_id);
        self.current = Some(Current { id, leg, header, len, answers });
        id
    }

    pub(super) fn dispose_current(&mut self, current: Current, token: u64, disposition: Disposition<'_>) {
        let Current { id, leg, header, len, answers } = current;
        let to = leg.other();
        if answers.is_some() {
            match disposition {
                Disposition::ForwardEdited(octets) => {
                    if !self.ends.of(to).write_closed {
                        self.queues.of_mut(to).own(|out| out.extend_from_slice(octets));
                    }
                    *self.parsed.of_mut(leg) += len as u64;
                }
                Disposition::Drop => *self.parsed.of_mut(leg) += len as u64,
                _ => self.relay(leg, len),
            }
            return;
        }
        match disposition {
            Disposition::Forward => return self.relay_request(leg, header, len, token),
            Disposition::Defer => {
                let octets = self.received.of(leg).slice(*self.parsed.of(leg), len).to_vec();
                self.hold.push(Held { id, leg, header, octets });
            }
            Disposition::ForwardEdited(octets) => self.send_request(leg, header, octets, token),
            _ => self.settle(leg, header, disposition),
        }
        *self.parsed.of_mut(leg) += len as u64;
    }

    pub(super) fn dispose_held(&mut self, held: Held, token: u64, disposition: Disposition<'_>) {
        match disposition {
            Disposition::Forward => self.send_request(held.leg, held.header, &held.octets, token),
            Disposition::ForwardEdited(octets) => self.send_request(held.leg, held.header, octets, token),
            Disposition::Defer => self.hold.push(held),
            _ => self.settle(held.leg, held.header, disposition),
        }
    }

    /// A request that goes no further is answered here, or dropped.
    pub(super) fn settle(&mut self, leg: Leg, header: Header, disposition: Disposition<'_>) {
        match disposition {
            Disposition::Refuse(status) if Operation::of(header.command_id) == Operation::Unknown => {
                self.answer(leg, |_, out| answer::nack(header.sequence_number, status, out));
            }
            Disposition::Refuse(status) => self.answer(leg, |v, out| answer::refusal(header, status, v, out)),
            Disposition::Accept(message_id) => self.answer(leg, |_, out| answer::acceptance(header, message_id, out)),
            Disposition::Answer(octets) => self.answer(leg, |_, out| out.extend_from_slice(octets)),
            _ => {}
        }
    }

    pub(super) fn relay_request(&mut self, leg: Leg, header: Header, len: usize, token: u64) {
        self.relay(leg, len);
        self.track(leg, header, token);
    }

    pub(super) fn send_request(&mut self, leg: Leg, header: Header, octets: &[u8], token: u64) {
        if !self.ends.of(leg.other()).write_closed {
            self.queues.of_mut(leg.other()).own(|out| out.extend_from_slice(octets));
        }
        self.track(leg, header, token);
    }

    pub(super) fn track(&mut self, leg: Leg, header: Header, token: u64) {
        if !matches!(Operation::of(header.command_id), Operation::Notice | Operation::Unknown) {
            self.await_answer(leg.other(), header.sequence_number, header.command_id, Asker::Peer, token);
        }
    }

    pub(super) fn await_answer(
        &mut self,
        leg: Leg,
        sequence_number: u32,
        command_id: CommandId,
        asker: Asker,
        token: u64,
    ) {
        let sent = self.now;
        self.windows.of_mut(leg).push(Outstanding { sequence_number, command_id, asker, token, sent, expired: false });
        self.timers.start(Timer::Response, sent + self.durations.response);
    }

    /// Passes the PDU at the front of a leg to the other, as it came.
    pub(super) fn relay(&mut self, leg: Leg, len: usize) {
        let start = *self.parsed.of(leg);
        if !self.ends.of(leg.other()).write_closed {
            self.queues.of_mut(leg.other()).relay(start, len);
        }
        *self.parsed.of_mut(leg) = start + len as u64;
    }

    pub(super) fn answer(&mut self, leg: Leg, write: impl FnOnce(InterfaceVersion, &mut Vec<u8>)) {
        let version = self.interface_version;
        if !self.ends.of(leg).write_closed {
            self.queues.of_mut(leg).own(|out| write(version, out));
        }
    }

    pub(super) fn fault(&mut self, leg: Leg, fault: Fault) -> Step {
        self.counters.fault(fault);
        Step::Fault(leg, fault)
    }

    pub(super) fn release(&mut self, leg: Leg) {
        let parsed = *self.parsed.of(leg);
        let keep_from = self.queues.of(leg.other()).relay_from().map_or(parsed, |r| r.min(parsed));
        self.received.of_mut(leg).release(keep_from);
    }

    pub(super) fn sequence_after(sequence_number: u32) -> u32 {
        if sequence_number >= SEQUENCE_MAX { OWN_SEQUENCE_FROM } else { sequence_number + 1 }
    }
}
