//! Reading and judging: one request, one verdict for each destination, one disposition.

use super::memory::{Recall, with_facts};
use super::parts::Release;
use super::{Context, Event, Gate, Made, Scratch, Texts, is_message};
use crate::account::Account;
use crate::audit::{Basis, Decision, DecisionId, Reply};
use crate::message::{self, AccountFacts, Direction, Envelope, ReadAs};
use crate::policy::{Failure, Policy};
use crate::rules::Facts;
use crate::session::{Disposition, HeldId, Leg, Session};
use crate::verdict::{Action, Answer, Verdict};
use crate::wire::body::{self, Body, Parsed};
use crate::wire::command::{CommandId, CommandStatus, DataCoding, RegisteredDelivery};
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
    /// Where what it is made of stands.
    pub(super) of: Of,
}

/// Where the message and the verdict of a decision stand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// In the scratch.
    Scratch,
    /// With the gate's submit_multi: which destination of it.
    Multi(usize),
    /// With the message of several PDUs that is being let go.
    Release,
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
        if message && self.pass_unasked(cx, id, leg) {
            return None;
        }
        let read_as = self.read_as(cx);
        match read(&self.session, &mut cx.scratch.envelope, id, leg, header, read_as) {
            Read::Message { registered } => {
                let part = cx.scratch.envelope.part().filter(|_| header.command_id != CommandId::BROADCAST_SM);
                if let Some(part) = part {
                    return self.part(cx, id, leg, header, registered, part);
                }
                let ends =
                    |_: &Self, cx: &mut Context<'_>| vec![cx.scratch.envelope.ends(direction(leg), read_as.home)];
                if self.waits_behind(cx, id, leg, header, ends) {
                    return None;
                }
                Some(self.judge(cx, id, leg, header, registered))
            }
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

    /// How this session's messages are read.
    pub(super) fn read_as(&self, cx: &Context<'_>) -> ReadAs {
        let settings = cx.policy.account(self.account.as_deref().map_or("", Account::id));
        let unasked = self.is_unasked(cx.policy);
        ReadAs { alphabet: settings.alphabet, home: settings.home, now: cx.now, unasked }
    }

    /// Whether nobody asks for anything of a message: there is neither a rule nor a journal.
    pub(super) fn is_unasked(&self, policy: &Policy) -> bool {
        self.settings.texts == Texts::ReadForRules && !policy.rules.asks()
    }

    /// Passes a message of which nobody asks anything and which can be read for certain; whether it did. It and its answer are
    /// only counted.
    fn pass_unasked(&mut self, cx: &Context<'_>, id: HeldId, leg: Leg) -> bool {
        let joins = self.settings.parts.keeping.join_singles.is_some();
        if joins || !self.is_unasked(cx.policy) || !self.holding.is_empty() {
            return false;
        }
        let parsed = body::parse(self.session.held(id).unwrap_or_default());
        let Parsed::Understood(_, Body::SubmitSm(sm) | Body::DeliverSm(sm)) = parsed else { return false };
        let is_receipt = || super::receipt::is_receipt(sm.esm_class, sm.short_message, &sm.tlvs);
        let alphabet = || cx.policy.account(self.account().unwrap_or_default()).alphabet;
        if (leg == Leg::Smsc && is_receipt()) || !message::is_surely_readable(&sm, alphabet()) {
            return false;
        }
        self.session.dispose(id, 0, Disposition::Forward);
        *self.passed.of_mut(leg) += 1;
        true
    }

    /// Reads a held request into the envelope once more.
    pub(super) fn read_again(&self, cx: &mut Context<'_>, id: HeldId, leg: Leg, header: Header, read_as: ReadAs) {
        let _ = read(&self.session, &mut cx.scratch.envelope, id, leg, header, read_as);
    }

    /// Judges a message with one destination, and acts.
    pub(super) fn judge(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        registered: RegisteredDelivery,
    ) -> Made {
        let basis = self.assess(cx, leg);
        let basis = self.join_single(cx, id, leg, basis);
        self.remember(cx, leg);
        let n = self.next_decision();
        let reply = self.act(cx, id, leg, header, n, registered);
        self.tell_exception(basis);
        let direction = direction(leg);
        Made::Decision(Judged { n, direction, basis, reply, header, destinations: 1, of: Of::Scratch })
    }

    /// The verdict on what the envelope holds, and what it rests on: where the text could not be read whole, an exception
    /// policy decides unless the rules block it. What passes unread must not look judged.
    pub(super) fn assess(&self, cx: &mut Context<'_>, leg: Leg) -> Basis {
        self.assess_as(cx, leg, false)
    }

    /// The same of a message that memory may have been told of already: then it counts no more.
    pub(super) fn assess_as(&self, cx: &mut Context<'_>, leg: Leg, is_told: bool) -> Basis {
        let account = facts(self.account.as_deref(), cx.policy);
        let Scratch { envelope, judging, keys, verdict, .. } = &mut *cx.scratch;
        let message = envelope.message(direction(leg), account, self.session.peer(), cx.now);
        if self.is_unasked(cx.policy) {
            keys.forget();
            cx.policy.judge(&message, &Facts::Nothing, judging, verdict);
        } else {
            keys.read(&message, &cx.memory.reputation);
            keys.is_counted = is_told || cx.memory.lately().is_retry(&message);
            let recall = Recall { reputation: &cx.memory.reputation, policy: cx.policy, message: &message, keys };
            with_facts(recall, |facts| cx.policy.judge(&message, facts, judging, verdict));
        }
        let exceptions = cx.policy.exceptions();
        let is_report = cx.policy.rules.is_report(&message);
        let (cause, failure) = match (message.reading.undecodable().is_some(), message.reading.is_cut()) {
            (true, _) => (Cause::Undecodable, exceptions.undecodable),
            (false, true) => (Cause::Limit, exceptions.limit),
            (false, false) => return Basis::Judged,
        };
        // What subscribers report is never blocked, whatever it is written in.
        let failure = if is_report { Failure::Pass } else { failure };
        match (verdict.action, failure) {
            (Action::Block, _) | (Action::Tag, Failure::Pass) => Basis::Judged,
            (_, Failure::Pass) => Basis::Exception { cause: cause.name(), policy: failure.name() },
            (_, Failure::Block) => {
                verdict.except(Action::Block);
                verdict.answer = Answer::Refuse(exception_status(leg, cause));
                Basis::Exception { cause: cause.name(), policy: failure.name() }
            }
        }
    }

    /// What was treated by an exception policy is also told as an event.
    pub(super) fn tell_exception(&mut self, basis: Basis) {
        if let Basis::Exception { cause, policy } = basis {
            self.exception = Some(Event::Exception { cause, policy });
        }
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
        if both {
            self.assess(cx, leg);
            let as_ucs2 = cx.scratch.verdict.clone();
            self.read_replacement(cx, id, DataCoding(0), read_as);
            self.assess(cx, leg);
            if as_ucs2.outweighs(&cx.scratch.verdict) {
                self.read_replacement(cx, id, DataCoding::UCS2, read_as);
            }
        }
        self.judge(cx, id, leg, header, RegisteredDelivery(0))
    }

    fn read_replacement(&self, cx: &mut Context<'_>, id: HeldId, data_coding: DataCoding, read_as: ReadAs) {
        let pdu = self.session.held(id).unwrap_or_default();
        if let Parsed::Understood(_, Body::ReplaceSm(sm)) = body::parse(pdu) {
            cx.scratch.envelope.read_replace_sm(&sm, data_coding, read_as);
        }
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
        cx.scratch.envelope.read_nothing(header.command_id);
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
        let basis = Basis::Exception { cause: cause.name(), policy: failure.name() };
        self.tell_exception(basis);
        let direction = direction(leg);
        Made::Decision(Judged { n, direction, basis, reply, header, destinations: 1, of: Of::Scratch })
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
        let (envelope, verdict, policy): (&Envelope, &Verdict, &Policy) = match judged.of {
            Of::Scratch => own,
            Of::Multi(at) => self.multi.as_deref().and_then(|multi| multi.told(at)).unwrap_or(own),
            Of::Release => self.release.as_deref().map_or(own, Release::told),
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
