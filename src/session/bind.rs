//! Bind state × operation, as one table (SMPP 3.4 §2.2 and §2.3, 5.0 §2.4).
//!
//! Tapis decides only what it must: before a bind is accepted there is no SMSC to ask, so it answers itself; after that
//! whatever is not a message goes to the other side untouched, and so does a message once it is judged. Whether a bind
//! kind may submit is for the SMSC to say: real ones send receipts to transmitters and take data_sm from receivers.

use super::timers::Timer;
use super::{Connection, Fault, Leg, Session, Step, answer};
use crate::wire::body::{self, Body, Parsed};
use crate::wire::command::{CommandId, CommandStatus, InterfaceVersion, Tag};
use crate::wire::frame::Header;

/// How an ESME is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindKind {
    /// bind_transmitter
    Transmitter,
    /// bind_receiver
    Receiver,
    /// bind_transceiver
    Transceiver,
}

impl BindKind {
    /// The kind that a bind request asks for.
    #[must_use]
    pub fn of(command: CommandId) -> Option<Self> {
        match command {
            CommandId::BIND_TRANSMITTER => Some(Self::Transmitter),
            CommandId::BIND_RECEIVER => Some(Self::Receiver),
            CommandId::BIND_TRANSCEIVER => Some(Self::Transceiver),
            _ => None,
        }
    }

    /// Whether deliver_sm may be sent to it.
    #[must_use]
    pub fn receives(self) -> bool {
        self != Self::Transmitter
    }
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Connected, not bound (also after an unbind, or a refused bind).
    Open,
    /// A bind has been read; the SMSC is being connected to.
    Connecting,
    /// A bind has gone to the SMSC.
    Binding,
    /// The SMSC has accepted it.
    Bound(BindKind),
    /// An unbind is under way.
    Unbinding,
    /// Over: what is queued is still transmitted.
    Closed,
}

impl State {
    /// The label in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Connecting => "connecting",
            Self::Binding => "binding",
            Self::Bound(BindKind::Transmitter) => "bound_tx",
            Self::Bound(BindKind::Receiver) => "bound_rx",
            Self::Bound(BindKind::Transceiver) => "bound_trx",
            Self::Unbinding => "unbinding",
            Self::Closed => "closed",
        }
    }
}

/// What kind of request an operation is, as far as this table cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Bind,
    Unbind,
    EnquireLink,
    /// Carries a message, or names one by its message_id: whoever holds the policy must see it.
    Message,
    /// Any other request of the standard that is answered.
    Request,
    /// A PDU without an answer: alert_notification, outbind.
    Notice,
    /// Not of the standard.
    Unknown,
}

impl Operation {
    pub(super) fn of(command: CommandId) -> Self {
        match command {
            CommandId::SUBMIT_SM
            | CommandId::DELIVER_SM
            | CommandId::SUBMIT_MULTI
            | CommandId::DATA_SM
            | CommandId::REPLACE_SM
            | CommandId::BROADCAST_SM
            | CommandId::QUERY_SM
            | CommandId::CANCEL_SM => Self::Message,
            CommandId::BIND_TRANSMITTER | CommandId::BIND_RECEIVER | CommandId::BIND_TRANSCEIVER => Self::Bind,
            CommandId::UNBIND => Self::Unbind,
            CommandId::ENQUIRE_LINK => Self::EnquireLink,
            CommandId::QUERY_BROADCAST_SM | CommandId::CANCEL_BROADCAST_SM => Self::Request,
            CommandId::ALERT_NOTIFICATION | CommandId::OUTBIND => Self::Notice,
            _ => Self::Unknown,
        }
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// To the other leg, its answer awaited.
    Relay,
    /// Held until its disposition is known.
    Judge,
    /// Read: it names the account, and so the SMSC.
    Bind,
    /// To the other leg once nothing that came before it is held; the session is over with its answer.
    Unbind,
    /// Answered here.
    Answer(CommandStatus),
    /// Answered here with a generic_nack.
    Nack(CommandStatus),
    /// Answered here, and then the connection is closed.
    Leave,
    /// Stays where it is until the state changes.
    Wait,
    /// Has no answer and nobody to go to.
    Drop,
}

/// The table.
pub(super) fn decide(state: State, leg: Leg, operation: Operation) -> Move {
    use CommandStatus as S;
    use Leg::{Esme, Smsc};
    use Operation as O;
    use State::{Binding, Bound, Closed, Connecting, Open, Unbinding};
    match (operation, leg, state) {
        (_, _, Closed) => Move::Drop,
        (O::Bind, Esme, Open) => Move::Bind,
        (O::Bind, Esme, Bound(_)) => Move::Answer(S::ESME_RALYBND),
        (O::Bind, Smsc, _) => Move::Answer(S::ESME_RINVBNDSTS),
        (O::EnquireLink, Esme, Open | Connecting | Binding) => Move::Answer(S::ESME_ROK),
        (O::Unbind, Esme, Open) => Move::Leave,
        (O::Unbind, Smsc, Open | Connecting | Binding) => Move::Leave,
        (_, Esme, Connecting | Binding) | (O::Bind, Esme, Unbinding) => Move::Wait,
        (O::EnquireLink, _, _) => Move::Relay,
        (O::Unbind, _, Bound(_) | Unbinding) => Move::Unbind,
        // A message of a subscriber that crosses an unbind reaches the ESME, which has not gone yet; one that comes
        // before there is a bind can reach nobody, and is to be sent again.
        (O::Message, _, Bound(_)) | (O::Message, Smsc, Unbinding) => Move::Judge,
        (O::Message, Smsc, _) => Move::Answer(S::ESME_RX_T_APPN),
        (O::Message, Esme, _) => Move::Answer(S::ESME_RINVBNDSTS),
        (O::Request, _, Bound(_)) => Move::Relay,
        (O::Request, _, _) => Move::Answer(S::ESME_RINVBNDSTS),
        (O::Notice, Smsc, _) | (O::Notice, Esme, Bound(_) | Unbinding) => Move::Relay,
        (O::Notice, Esme, _) => Move::Drop,
        (O::Unknown, _, Bound(_)) => Move::Judge,
        (O::Unknown, _, _) => Move::Nack(S::ESME_RINVCMDID),
    }
}

/// Binding: the bind goes to the SMSC with the peer's own credentials, and its answer decides.
impl Session {
    pub(super) fn read_bind(&mut self, header: Header, len: usize) -> Step {
        let pdu = self.received.esme.slice(self.parsed.esme, len);
        let interface_version = match body::parse(pdu) {
            Parsed::Understood(_, Body::Bind(bind)) => bind.interface_version,
            _ => InterfaceVersion::V3_4,
        };
        let Some(system_id) = body::system_id(pdu) else {
            self.counters.pdu(Leg::Esme, header.command_id);
            self.answer(Leg::Esme, |v, out| answer::refusal(header, CommandStatus::ESME_RINVSYSID, v, out));
            self.parsed.esme += len as u64;
            return self.fault(Leg::Esme, Fault::MalformedBody);
        };
        self.interface_version = interface_version;
        self.system_id.clear();
        self.system_id.push_str(&String::from_utf8_lossy(system_id));
        self.counters.pdu(Leg::Esme, header.command_id);
        self.bind = BindKind::of(header.command_id).map(|kind| (header, kind));
        self.state = State::Connecting;
        if self.draining {
            self.refuse_bind(CommandStatus::ESME_RBINDFAIL);
            return Step::Progress;
        }
        if self.smsc == Connection::Up {
            self.forward_bind();
            return Step::Progress;
        }
        Step::Connect
    }

    pub(super) fn forward_bind(&mut self) {
        if let Some((header, _)) = self.bind {
            self.state = State::Binding;
            let len = usize::try_from(header.command_length).unwrap_or(usize::MAX);
            self.relay_request(Leg::Esme, header, len, 0);
        }
    }

    /// Answers the bind that has been read and not forwarded.
    pub(super) fn refuse_bind(&mut self, status: CommandStatus) {
        if let Some((header, _)) = self.bind.take() {
            self.answer(Leg::Esme, |version, out| answer::refusal(header, status, version, out));
            self.parsed.esme += u64::from(header.command_length);
        }
        self.state = State::Open;
    }

    pub(super) fn bind_answered(&mut self, header: Header, len: usize) -> Step {
        let bind = self.bind.take();
        match bind {
            Some((request, kind))
                if header.command_status == CommandStatus::ESME_ROK
                    && header.command_id == request.command_id.response() =>
            {
                let pdu = self.received.smsc.slice(self.parsed.smsc, len);
                if let Parsed::Understood(_, Body::BindResp(resp)) = body::parse(pdu)
                    && let Some([version]) = resp.tlvs.get(Tag::SC_INTERFACE_VERSION)
                {
                    self.interface_version = self.interface_version.min(InterfaceVersion(*version));
                }
                self.state = State::Bound(kind);
                self.timers.stop(Timer::SessionInit);
                self.timers.start(Timer::Esme, self.now + self.durations.enquire_link);
                self.timers.start(Timer::Smsc, self.now + self.durations.enquire_link);
                Step::Bound(kind)
            }
            _ => {
                self.state = State::Open;
                self.timers.set(Timer::SessionInit, self.now + self.durations.session_init);
                Step::BindRefused(header.command_status)
            }
        }
    }

    pub(super) fn unbound(&mut self) -> Step {
        if self.state == State::Unbinding {
            self.state = State::Open;
            self.timers.set(Timer::SessionInit, self.now + self.durations.session_init);
        }
        Step::Unbound
    }

    /// No bind was accepted in time, or no unbind answered.
    pub(super) fn give_up_binding(&mut self) {
        self.fail_bind();
        self.close(Leg::Esme);
        self.close(Leg::Smsc);
    }

    /// Answers a bind that nobody else will answer any more: it may be tried again.
    pub(super) fn fail_bind(&mut self) {
        match self.state {
            State::Connecting => self.refuse_bind(CommandStatus::ESME_RBINDFAIL),
            State::Binding => {
                if let Some((header, _)) = self.bind.take() {
                    let status = CommandStatus::ESME_RBINDFAIL;
                    let _ = self.windows.smsc.answer(header.command_id.response(), header.sequence_number);
                    self.answer(Leg::Esme, |version, out| answer::refusal(header, status, version, out));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_leaves_before_a_bind_is_accepted() {
        let before = [State::Open, State::Connecting, State::Binding, State::Closed];
        let both = before.into_iter().flat_map(|s| [(s, Leg::Esme), (s, Leg::Smsc)]);
        for (state, leg) in both.chain([(State::Unbinding, Leg::Esme)]) {
            for operation in [Operation::Message, Operation::Request] {
                let decided = decide(state, leg, operation);
                assert!(!matches!(decided, Move::Relay | Move::Judge), "{operation:?} in {state:?} from {leg:?}");
            }
        }
    }

    #[test]
    fn every_message_of_a_bound_session_is_judged() {
        for kind in [BindKind::Transmitter, BindKind::Receiver, BindKind::Transceiver] {
            for leg in [Leg::Esme, Leg::Smsc] {
                assert_eq!(decide(State::Bound(kind), leg, Operation::Message), Move::Judge);
                assert_eq!(decide(State::Bound(kind), leg, Operation::Unknown), Move::Judge);
            }
        }
    }
}
