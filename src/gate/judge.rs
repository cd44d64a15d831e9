//! Reading and judging: one request, one verdict for each destination, one disposition.

use super::{Context, Event, Gate, Made, is_message};
use crate::account::Account;
use crate::audit::{Basis, Decision, DecisionId, Reply};
use crate::message::{AccountFacts, Direction, Envelope, ReadAs};
use crate::policy::{Failure, Policy};
use crate::session::{Disposition, HeldId, Leg, Session};
use crate::verdict::{Action, Answer, Verdict};
use crate::wire::body::{self, Body, Parsed};
use crate::wire::command::{CommandStatus, DataCoding, RegisteredDelivery};
use crate::wire::frame::Header;

/// One judged destination: what a [`Decision`] is made of, beside the buffers that it borrows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) n: u64,
    pub(super) direction: Direction,
    pub(super) basis: Basis,
    pub(super) reply: Reply,
    pub(super) header: Header,
    pub(super) destinations: u16,
    /// Which destination of the gate's submit_multi, when it is one.
    pub(super) of_multi: Option<usize>,
}

/// Why a message was treated without a judgement, or in spite of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Draining,
    Malformed,
    Undecodable,
    Limit,
    UnknownCommand,
    JournalFull,
}

impl Cause {
    /// The name in config, metrics and journal.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::Malformed => "malformed",
            Self::Undecodable => "undecodable",
            Self::Limit => "limit",
            Self::UnknownCommand => "unknown_command",
            Self::JournalFull => "journal_full",
        }
    }
}

/// What a request turned out to be, once its text and addresses are in the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Message { registered: RegisteredDelivery },
    Multi,
    Replace { both: bool },
    Receipt,
    Reference,
    Opaque,
    Malformed,
    Other,
}

impl Gate {
    /// A request that only whoever holds the policy may dispose of.
    pub(super) fn request(&mut self, cx: &mut Context<'_>, id: HeldId, leg: Leg, header: Header) -> Option<Made> {
        let message = is_message(header.command_id);
        if message && self.session.is_draining() {
            return Some(self.except(cx, id, leg, header, Cause::Draining, Failure::Block));
        }
        if message && cx.journal_full && cx.policy.exceptions().journal_full == Failure::Block {
            return Some(self.except(cx, id, leg, header, Cause::JournalFull, Failure::Block));
        }
        let settings = cx.policy.account(self.account.as_deref().map_or("", Account::id));
        let read_as = ReadAs { alphabet: settings.alphabet, home: settings.home, now: cx.now };
        match read(&self.session, &mut cx.scratch.envelope, id, leg, header, read_as) {
            Read::Message { registered } => Some(self.judge(cx, id, leg, header, registered)),
            Read::Multi => self.judge_multi(cx, id, header),
            Read::Replace { both } => Some(self.judge_replace(cx, id, leg, header, both, read_as)),
            Read::Receipt => self.receipt(cx, id),
            Read::Reference => {
                self.refer(cx, id, header);
                None
            }
            Read::Opaque => Some(self.opaque(cx, id)),
            Read::Malformed if message => {
                let failure = cx.policy.exceptions().malformed;
                Some(self.except(cx, id, leg, header, Cause::Malformed, failure))
            }
            Read::Malformed | Read::Other => {
                self.session.dispose(id, 0, Disposition::Forward);
                None
            }
        }
    }

    /// Judges a message with one destination, and acts.
    fn judge(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        registered: RegisteredDelivery,
    ) -> Made {
        let direction = direction(leg);
        let account = facts(self.account.as_deref(), cx.policy);
        let scratch = &mut *cx.scratch;
        let message = scratch.envelope.message(direction, account, self.session.peer(), cx.now);
        cx.policy.judge(&message, &mut scratch.judging, &mut scratch.verdict);
        let undecodable = message.reading.undecodable().is_some();
        if undecodable
            && scratch.verdict.action != Action::Block
            && cx.policy.exceptions().undecodable == Failure::Block
        {
            return self.except(cx, id, leg, header, Cause::Undecodable, Failure::Block);
        }
        let cut = message.reading.is_cut() && scratch.verdict.action != Action::Block;
        if cut && cx.policy.exceptions().limit == Failure::Block {
            return self.except(cx, id, leg, header, Cause::Limit, Failure::Block);
        }
        let n = self.next_decision();
        // What could not be read whole and passes must not look judged.
        let unread = match (undecodable, cx.scratch.envelope.is_cut()) {
            _ if cx.scratch.verdict.action != Action::Pass => None,
            (true, _) => Some(Cause::Undecodable),
            (false, true) => Some(Cause::Limit),
            (false, false) => None,
        };
        let reply = self.act(cx, id, leg, header, n, registered);
        let basis = unread.map_or(Basis::Judged, |cause| {
            self.exception = Some(Event::Exception { cause: cause.name(), policy: Failure::Pass.name() });
            Basis::Exception { cause: cause.name(), policy: Failure::Pass.name() }
        });
        Made::Decision(Judged { n, direction, basis, reply, header, destinations: 1, of_multi: None })
    }

    /// A replace_sm names no data_coding: its text is read as whatever makes it worst.
    fn judge_replace(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        both: bool,
        read_as: ReadAs,
    ) -> Made {
        let account = facts(self.account.as_deref(), cx.policy);
        let scratch = &mut *cx.scratch;
        if both {
            let message = scratch.envelope.message(direction(leg), account, self.session.peer(), cx.now);
            cx.policy.judge(&message, &mut scratch.judging, &mut scratch.verdict);
            let as_ucs2 = scratch.verdict.action;
            if as_ucs2 == Action::Pass
                && let Parsed::Understood(_, Body::ReplaceSm(sm)) =
                    body::parse(self.session.held(id).unwrap_or_default())
            {
                scratch.envelope.read_replace_sm(&sm, DataCoding(0), read_as);
            }
        }
        self.judge(cx, id, leg, header, RegisteredDelivery(0))
    }

    /// Treats a message by an exception policy.
    pub(super) fn except(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        cause: Cause,
        failure: Failure,
    ) -> Made {
        if !matches!(cause, Cause::Undecodable | Cause::Limit) {
            cx.scratch.envelope.read_nothing(header.command_id);
        }
        let n = self.next_decision();
        let reply = match failure {
            Failure::Pass => {
                cx.scratch.verdict.except(Action::Pass);
                self.session.dispose(id, n, Disposition::Forward);
                Reply::Forwarded
            }
            Failure::Block => {
                cx.scratch.verdict.except(Action::Block);
                let status = exception_status(leg, cause);
                self.session.dispose(id, 0, Disposition::Refuse(status));
                Reply::Refused(status)
            }
        };
        self.exception = Some(Event::Exception { cause: cause.name(), policy: failure.name() });
        let basis = Basis::Exception { cause: cause.name(), policy: failure.name() };
        let direction = direction(leg);
        Made::Decision(Judged { n, direction, basis, reply, header, destinations: 1, of_multi: None })
    }

    /// A PDU that is none of the standard's.
    fn opaque(&mut self, cx: &mut Context<'_>, id: HeldId) -> Made {
        let failure = cx.policy.exceptions().unknown_command;
        let disposition = match failure {
            Failure::Pass => Disposition::Forward,
            Failure::Block => Disposition::Refuse(CommandStatus::ESME_RINVCMDID),
        };
        self.session.dispose(id, 0, disposition);
        Made::Event(Event::Exception { cause: Cause::UnknownCommand.name(), policy: failure.name() })
    }

    pub(super) fn next_decision(&mut self) -> u64 {
        self.decisions += 1;
        self.decisions
    }

    /// Dresses what was judged in what it borrows.
    pub(super) fn decision<'a>(&'a self, cx: &'a Context<'_>, judged: Judged) -> Decision<'a> {
        let own = (&cx.scratch.envelope, &cx.scratch.verdict, &**cx.policy);
        let (envelope, verdict, policy): (&Envelope, &Verdict, &Policy) = match (judged.of_multi, self.multi.as_deref())
        {
            (Some(at), Some(multi)) => multi.told(at).unwrap_or(own),
            _ => own,
        };
        let account = facts(self.account.as_deref(), policy);
        Decision {
            id: DecisionId { session: self.id, n: judged.n },
            message: envelope.message(judged.direction, account, self.session.peer(), cx.now),
            verdict,
            policy,
            basis: judged.basis,
            reply: judged.reply,
            smsc: self.smsc,
            sequence_number: judged.header.sequence_number,
            destinations: judged.destinations,
        }
    }
}

/// Which way what came from a leg travels.
pub(super) fn direction(leg: Leg) -> Direction {
    match leg {
        Leg::Esme => Direction::Mt,
        Leg::Smsc => Direction::Mo,
    }
}

/// What policy knows of an account.
pub(super) fn facts<'a>(account: Option<&'a Account>, policy: &'a Policy) -> AccountFacts<'a> {
    let id = account.map_or("", Account::id);
    let settings = policy.account(id);
    AccountFacts { id, class: settings.class, home: settings.home }
}

/// Whether a verdict refuses what came from a leg, and with what. An SMSC is told ESME_RX_T_APPN or ESME_RX_R_APPN and
/// nothing else: ESME_RX_P_APPN would stop everything queued to the subscriber (SMPP 3.4 §5.1.3).
pub(crate) fn refusal(verdict: &Verdict, leg: Leg) -> Option<CommandStatus> {
    match (verdict.answer, leg) {
        (Answer::Refuse(status), Leg::Esme) => Some(status),
        (Answer::Refuse(CommandStatus::ESME_RX_T_APPN), Leg::Smsc) => Some(CommandStatus::ESME_RX_T_APPN),
        (Answer::Refuse(_), Leg::Smsc) => Some(CommandStatus::ESME_RX_R_APPN),
        (Answer::Accept, _) => None,
    }
}

/// A retryable status where trying again can help, a permanent one where it cannot.
fn exception_status(leg: Leg, cause: Cause) -> CommandStatus {
    match (leg, cause) {
        (Leg::Esme, Cause::Draining | Cause::JournalFull) => CommandStatus::ESME_RSYSERR,
        (Leg::Smsc, Cause::Draining | Cause::JournalFull) => CommandStatus::ESME_RX_T_APPN,
        (Leg::Esme, _) => CommandStatus::ESME_RSUBMITFAIL,
        (Leg::Smsc, _) => CommandStatus::ESME_RX_R_APPN,
    }
}

/// Reads a request into the envelope.
fn read(session: &Session, envelope: &mut Envelope, id: HeldId, leg: Leg, header: Header, as_: ReadAs) -> Read {
    let body = match body::parse(session.held(id).unwrap_or_default()) {
        Parsed::Understood(_, body) => body,
        Parsed::Opaque(_) => return Read::Opaque,
        Parsed::Malformed(..) => return Read::Malformed,
    };
    match body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => {
            if leg == Leg::Smsc && super::receipt::is_receipt(sm.esm_class, sm.short_message, &sm.tlvs) {
                return Read::Receipt;
            }
            envelope.read_sm(header.command_id, &sm, as_);
            Read::Message { registered: sm.registered_delivery }
        }
        Body::DataSm(sm) => {
            if leg == Leg::Smsc && super::receipt::is_receipt(sm.esm_class, &[], &sm.tlvs) {
                return Read::Receipt;
            }
            envelope.read_data_sm(&sm, as_);
            Read::Message { registered: sm.registered_delivery }
        }
        Body::SubmitMulti(sm) => {
            envelope.read_submit_multi(&sm, as_);
            Read::Multi
        }
        Body::ReplaceSm(sm) => {
            let both = sm.short_message.len() % 2 == 0 && !sm.short_message.is_empty();
            let first = if both { DataCoding::UCS2 } else { DataCoding(0) };
            envelope.read_replace_sm(&sm, first, as_);
            Read::Replace { both }
        }
        Body::BroadcastSm(sm) => {
            envelope.read_broadcast_sm(&sm, as_);
            Read::Message { registered: RegisteredDelivery(0) }
        }
        Body::QuerySm(_) | Body::CancelSm(_) => Read::Reference,
        _ => Read::Other,
    }
}
