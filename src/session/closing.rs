//! Ending: what the peers still get, what they are told, and when it is over.

use super::Connection;
use super::timers::Timer;
use super::window::Window;
use super::{Fault, Leg, Session, State, Step, answer};
use crate::wire::command::{CommandId, CommandStatus};
use crate::wire::frame::{self, Frame};

impl Session {
    /// What a leg that sends no more leaves behind.
    pub(super) fn end(&mut self, leg: Leg) -> Option<Step> {
        let end = *self.ends.of(leg);
        if !(end.read_closed || end.deaf && end.closing) {
            return None;
        }
        if let Some(id) = self.hold.first(leg) {
            // A peer that only stopped sending may still get its answers.
            return end.write_closed.then_some(Step::Abandoned { id, leg });
        }
        if end.deaf || self.received.of(leg).end() <= *self.parsed.of(leg) || self.is_stuck(leg) {
            return self.wind_down(leg);
        }
        None
    }

    /// Whether what is left of a closed leg can never become a PDU, or waits for what will not come.
    pub(super) fn is_stuck(&self, leg: Leg) -> bool {
        let rest = self.received.of(leg).from(*self.parsed.of(leg));
        matches!(frame::frame(rest, self.bounds.pdu_octets_max), Ok(Frame::Partial { .. }))
            || self.state == State::Closed
            // There is nobody left to bind.
            || (self.state == State::Connecting && self.ends.of(leg).write_closed)
            || self.ends.of(leg.other()).read_closed
    }

    /// One leg is gone: the other gets what is queued, an unbind when it is bound, and a close.
    pub(super) fn wind_down(&mut self, leg: Leg) -> Option<Step> {
        let other = leg.other();
        if self.state == State::Closed && self.ends.of(other).closing {
            return None;
        }
        let rest = self.received.of(leg).end() - *self.parsed.of(leg);
        if leg == Leg::Smsc {
            self.fail_bind();
        }
        if matches!(self.state, State::Bound(_)) {
            self.originate(other, CommandId::UNBIND, answer::unbind);
        }
        self.close(other);
        (rest > 0 && !self.ends.of(leg).deaf).then(|| self.fault(leg, Fault::Truncated))
    }

    pub(super) fn close(&mut self, leg: Leg) {
        self.state = State::Closed;
        if leg == Leg::Smsc && self.smsc == Connection::Absent {
            self.ends.smsc.read_closed = true;
            self.stop_writing(Leg::Smsc);
        }
        self.ends.of_mut(leg).closing = true;
        self.timers.stop(Timer::SessionInit);
        self.timers.start(Timer::Linger, self.now + self.durations.linger);
    }

    /// Unbinds both peers, whatever is still outstanding.
    pub(super) fn leave(&mut self) {
        if matches!(self.state, State::Bound(_)) {
            self.originate(Leg::Esme, CommandId::UNBIND, answer::unbind);
            self.originate(Leg::Smsc, CommandId::UNBIND, answer::unbind);
        }
        self.fail_bind();
        self.close(Leg::Esme);
        self.close(Leg::Smsc);
    }

    pub(super) fn lose_framing(&mut self, leg: Leg, sequence_number: u32) {
        self.counters.fault(Fault::CommandLength);
        self.answer(leg, |_, out| answer::nack(sequence_number, CommandStatus::ESME_RINVCMDLEN, out));
        let end = self.ends.of_mut(leg);
        end.deaf = true;
        end.closing = true;
        self.timers.start(Timer::Linger, self.now + self.durations.linger);
    }

    /// Waited long enough for the peers to close.
    pub(super) fn cut(&mut self) {
        for leg in [Leg::Esme, Leg::Smsc] {
            self.ends.of_mut(leg).read_closed = true;
            self.stop_writing(leg);
        }
        self.state = State::Closed;
    }

    pub(super) fn stop_writing(&mut self, leg: Leg) {
        self.ends.of_mut(leg).write_closed = true;
        self.queues.of_mut(leg).clear();
        self.release(leg.other());
    }

    pub(super) fn finish(&mut self) -> Option<Step> {
        let gone = |leg: Leg| {
            let end = self.ends.of(leg);
            end.read_closed && (end.write_closed || self.queues.of(leg).octets() == 0)
        };
        if self.state != State::Closed || !gone(Leg::Esme) || !gone(Leg::Smsc) {
            if self.state == State::Closed {
                self.close_answered();
            }
            return None;
        }
        for leg in [Leg::Esme, Leg::Smsc] {
            // Its leg could still be written to, and now there is nobody who would answer.
            if let Some(id) = self.hold.first(leg) {
                return Some(Step::Abandoned { id, leg });
            }
            while let Some(request) = self.windows.of_mut(leg).abandon() {
                if request.token != 0 && !request.expired {
                    return Some(Step::InDoubt { leg, request });
                }
            }
        }
        self.finished = true;
        None
    }

    /// Once one leg reads no more, nothing new can come for the other: it is closed too.
    pub(super) fn close_answered(&mut self) {
        for leg in [Leg::Esme, Leg::Smsc] {
            if self.ends.of(leg).read_closed && !self.ends.of(leg.other()).closing {
                self.close(leg.other());
            }
        }
    }

    /// Nothing is held and no answer is outstanding.
    pub(super) fn is_quiet(&self) -> bool {
        self.hold.is_empty() && self.windows.esme.is_empty() && self.windows.smsc.is_empty()
    }

    pub(super) fn expire(&mut self) -> Option<Step> {
        if !self.expiring {
            return None;
        }
        let deadline = self.now - self.durations.response;
        for leg in [Leg::Esme, Leg::Smsc] {
            while let Some(request) = self.windows.of_mut(leg).expire(deadline) {
                if request.token != 0 {
                    return Some(Step::InDoubt { leg, request });
                }
            }
        }
        self.expiring = false;
        let oldest = [&self.windows.esme, &self.windows.smsc].into_iter().filter_map(Window::oldest).min();
        if let Some(oldest) = oldest {
            self.timers.start(Timer::Response, oldest + self.durations.response);
        }
        None
    }

    /// Now and then: what a leg's burst has grown is given back, so that an idle session is small; a busy one grows once.
    pub(super) fn give_back(&mut self, leg: Leg) {
        self.received.of_mut(leg).shrink();
        self.queues.of_mut(leg).shrink();
    }

    /// A bound peer was silent: ask it; when it does not say anything to that either, its connection is dead.
    pub(super) fn probe(&mut self, leg: Leg, timer: Timer) {
        self.give_back(leg);
        if !matches!(self.state, State::Bound(_)) {
            return;
        }
        let end = *self.ends.of(leg);
        let quiet_until = end.last_received + self.durations.enquire_link;
        if end.probed.is_some() {
            self.counters.fault(Fault::Silent);
            self.ends.of_mut(leg).read_closed = true;
            self.stop_writing(leg);
        } else if quiet_until > self.now {
            self.timers.set(timer, quiet_until);
        } else {
            self.originate(leg, CommandId::ENQUIRE_LINK, answer::enquire_link);
            self.ends.of_mut(leg).probed = Some(self.now);
            self.timers.set(timer, self.now + self.durations.enquire_link);
        }
    }
}
