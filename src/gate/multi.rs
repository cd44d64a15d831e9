//! submit_multi: each destination is judged alone; refused ones are taken out of the PDU and come back to the ESME in
//! the unsuccess list of its answer (SMPP 3.4 §4.5.2).

use std::sync::Arc;

use super::act::{Addresses, Special, mark, owed, stored};
use super::judge::{Judged, Of, refusal};
use super::{Context, Gate, Made};
use crate::account::{StoredAddress, Why};
use crate::audit::{Basis, Reply};
use crate::message::{Direction, Envelope, pieces};
use crate::policy::Policy;
use crate::session::{Disposition, HeldId, Leg};
use crate::text::number::Country;
use crate::verdict::{Action, Verdict};
use crate::wire::body::{self, Address, Body, Destination, Parsed, UnsuccessSme};
use crate::wire::command::{CommandStatus, Npi, RegisteredDelivery, Ton};
use crate::wire::encode as wire;
use crate::wire::frame::Header;

/// A submit_multi that has been acted on, and whose destinations are being told one by one.
#[derive(Debug)]
pub(super) struct Multi {
    header: Header,
    n: u64,
    envelope: Envelope,
    /// What all of it was judged by.
    policy: Arc<Policy>,
    judged: Vec<OneOf>,
    next: usize,
}

#[derive(Debug)]
struct OneOf {
    destination: StoredAddress,
    verdict: Verdict,
    basis: Basis,
    reply: Reply,
}

/// What was taken out of a forwarded submit_multi, until its answer comes.
#[derive(Debug)]
pub(super) struct Rest {
    refused: Vec<(StoredAddress, CommandStatus)>,
    swallowed: Vec<StoredAddress>,
    source: StoredAddress,
    shown: Option<StoredAddress>,
    forwarded: Vec<StoredAddress>,
    data_coding: u8,
    registered: RegisteredDelivery,
    decision: u64,
}

impl Multi {
    pub(super) fn told(&self, at: usize) -> Option<(&Envelope, &Verdict, &Policy)> {
        self.judged.get(at).map(|one| (&self.envelope, &one.verdict, &*self.policy))
    }
}

impl Gate {
    /// Judges every destination, then disposes of the PDU once.
    pub(super) fn judge_multi(&mut self, cx: &mut Context<'_>, id: HeldId, header: Header) -> Option<Made> {
        if self.waits_behind(cx, id, Leg::Esme, header, |gate, cx| gate.all_ends(cx, id)) {
            return None;
        }
        let judged = self.judge_destinations(cx, id);
        let n = self.next_decision();
        self.multi = Some(Box::new(Multi {
            header,
            n,
            envelope: std::mem::take(&mut cx.scratch.envelope),
            policy: Arc::clone(cx.policy),
            judged,
            next: 0,
        }));
        self.act_on_multi(cx, id, header, n);
        self.next_destination().map(Made::Decision)
    }

    /// The next destination to be told, from the first to the last.
    pub(super) fn next_destination(&mut self) -> Option<Judged> {
        let multi = self.multi.as_deref_mut()?;
        let at = multi.next;
        let Some(one) = multi.judged.get(at) else {
            self.multi = None;
            return None;
        };
        multi.next += 1;
        multi.envelope.set_destination(&address(&one.destination));
        let judged = Judged {
            n: multi.n,
            direction: Direction::Mt,
            basis: one.basis,
            reply: one.reply,
            header: multi.header,
            destinations: u16::try_from(multi.judged.len()).unwrap_or(u16::MAX),
            of: Of::Multi(at),
        };
        Some(judged)
    }

    /// Each pair of ends that it goes between.
    fn all_ends(&self, cx: &mut Context<'_>, id: HeldId) -> Vec<u128> {
        let pdu = self.session.held(id).unwrap_or_default();
        let Parsed::Understood(_, Body::SubmitMulti(sm)) = body::parse(pdu) else { return Vec::new() };
        let home = self.read_as(cx).home;
        let envelope = &mut cx.scratch.envelope;
        let ends = |(destination, _): (Destination<'_>, _)| match destination {
            Destination::Sme(address) => {
                envelope.set_destination(&address);
                Some(envelope.ends(Direction::Mt, home))
            }
            Destination::DistributionList(_) => None,
        };
        sm.dest_address.iter().filter_map(ends).collect()
    }

    fn judge_destinations(&mut self, cx: &mut Context<'_>, id: HeldId) -> Vec<OneOf> {
        let pdu = self.session.held(id).unwrap_or_default().to_vec();
        let Parsed::Understood(_, Body::SubmitMulti(sm)) = body::parse(&pdu) else { return Vec::new() };
        let part = cx.scratch.envelope.part();
        let pieces = part.map(|_| pieces(sm.short_message, &sm.tlvs, sm.data_coding, sm.esm_class)).unwrap_or_default();
        let mut judged = Vec::new();
        for (destination, _) in sm.dest_address.iter() {
            let destination = match destination {
                Destination::Sme(address) => address,
                Destination::DistributionList(name) => Address { ton: Ton::ALPHANUMERIC, npi: Npi(0), address: name },
            };
            cx.scratch.envelope.set_destination(&destination);
            let basis = match part {
                Some(part) => self.judge_copy(cx, part, pieces.clone()),
                None => {
                    let basis = self.assess(cx, Leg::Esme);
                    self.remember(cx, Leg::Esme);
                    basis
                }
            };
            let verdict = cx.scratch.verdict.clone();
            let reply = match (verdict.action, refusal(&verdict, Leg::Esme)) {
                (Action::Pass, _) => Reply::Forwarded,
                (Action::Tag, _) => Reply::Tagged,
                (Action::Block, Some(status)) => Reply::Refused(status),
                (Action::Block, None) => Reply::Swallowed,
            };
            judged.push(OneOf { destination: stored(&destination), verdict, basis, reply });
        }
        judged
    }

    fn act_on_multi(&mut self, cx: &mut Context<'_>, id: HeldId, header: Header, n: u64) {
        let alphabet = cx.policy.account(self.account().unwrap_or_default()).alphabet;
        let Some(multi) = self.multi.as_deref() else { return };
        let pdu = self.session.held(id).unwrap_or_default();
        let Parsed::Understood(_, Body::SubmitMulti(sm)) = body::parse(pdu) else { return };
        let goes = |one: &OneOf| matches!(one.reply, Reply::Forwarded | Reply::Tagged);
        let tagged = multi.judged.iter().find(|one| one.reply == Reply::Tagged);
        let refused = |one: &OneOf| match one.reply {
            Reply::Refused(status) => Some((one.destination.clone(), status)),
            _ => None,
        };
        let swallowed = |one: &OneOf| (one.reply == Reply::Swallowed).then(|| one.destination.clone());
        let mut rest = Rest {
            refused: multi.judged.iter().filter_map(refused).collect(),
            swallowed: multi.judged.iter().filter_map(swallowed).collect(),
            source: stored(&sm.source),
            shown: None,
            forwarded: multi.judged.iter().filter(|one| goes(one)).map(|one| one.destination.clone()).collect(),
            data_coding: sm.data_coding.0,
            registered: sm.registered_delivery,
            decision: n,
        };
        if rest.refused.is_empty() && rest.swallowed.is_empty() && tagged.is_none() {
            return self.session.dispose(id, n, Disposition::Forward);
        }
        if rest.forwarded.is_empty() {
            return self.answer_multi(cx, id, header, &rest);
        }
        let octets = &mut cx.scratch.octets;
        octets.clear();
        octets.extend_from_slice(pdu);
        if !(rest.refused.is_empty() && rest.swallowed.is_empty()) {
            let keep = |at: usize, _: &Destination<'_>| multi.judged.get(at).is_none_or(goes);
            if super::act::edit(octets, |from, to| wire::keep_destinations(from, to, keep)).is_err() {
                return self.answer_multi(cx, id, header, &rest);
            }
        }
        if let Some(tagged) = tagged {
            let country = country(&tagged.destination);
            let edits = cx.policy.tag_edits(&tagged.verdict, country);
            let version = self.session.interface_version();
            rest.shown = mark(octets, &edits, Leg::Esme, header.command_id, version, alphabet);
        }
        self.special.insert(n, Special::Multi(Box::new(rest)));
        self.session.dispose(id, n, Disposition::ForwardEdited(&cx.scratch.octets));
    }

    /// No destination is left: the answer is ours.
    fn answer_multi(&mut self, cx: &mut Context<'_>, id: HeldId, header: Header, rest: &Rest) {
        let octets = &mut cx.scratch.octets;
        octets.clear();
        if rest.swallowed.is_empty() {
            let status = rest.refused.first().map_or(CommandStatus::ESME_RSUBMITFAIL, |(_, status)| *status);
            return self.session.dispose(id, 0, Disposition::Refuse(status));
        }
        let message_id = self.write_message_id(cx);
        let octets = &mut cx.scratch.octets;
        let list = unsuccess(&rest.refused);
        wire::submit_multi_resp(
            octets,
            CommandStatus::ESME_ROK,
            header.sequence_number,
            message_id.as_bytes(),
            list.iter().copied(),
        );
        self.remember_multi(cx, message_id.as_bytes(), rest);
        self.session.dispose(id, 0, Disposition::Answer(&cx.scratch.octets));
    }

    /// The SMSC's answer, with the destinations that never reached it.
    pub(super) fn complete_multi(&mut self, cx: &mut Context<'_>, id: HeldId, header: Header, rest: &Rest) {
        let pdu = self.session.held(id).unwrap_or_default();
        let octets = &mut cx.scratch.octets;
        octets.clear();
        let merged = match body::parse(pdu) {
            Parsed::Understood(_, Body::SubmitMultiResp(resp)) if header.command_status == CommandStatus::ESME_ROK => {
                let list = unsuccess(&rest.refused);
                let all = resp.unsuccess_sme.iter().chain(list.iter().copied());
                wire::submit_multi_resp(octets, header.command_status, header.sequence_number, resp.message_id, all);
                true
            }
            _ => false,
        };
        if merged {
            let message_id = std::mem::take(&mut cx.scratch.message_id);
            self.remember_multi(cx, &message_id, rest);
            cx.scratch.message_id = message_id;
            self.session.dispose(id, 0, Disposition::ForwardEdited(&cx.scratch.octets));
        } else {
            self.session.dispose(id, 0, Disposition::Forward);
        }
    }

    fn remember_multi(&mut self, cx: &Context<'_>, message_id: &[u8], rest: &Rest) {
        let Some(account) = &self.account else { return };
        let remembered = |why, destination: &StoredAddress| {
            self.remembered(why, destination.clone(), rest.data_coding, rest.decision, cx.now)
        };
        if let (Some(shown), Some(destination)) = (&rest.shown, rest.forwarded.first()) {
            let why = Why::Tagged { source: rest.source.clone(), shown: shown.clone() };
            account.remember(message_id, &remembered(why, destination));
        } else if let (true, Some(destination)) = (rest.forwarded.is_empty(), rest.swallowed.first()) {
            account.remember(message_id, &remembered(Why::Swallowed { source: rest.source.clone() }, destination));
        }
        if rest.registered.wants_failure_receipt() {
            for destination in &rest.swallowed {
                let addresses = Addresses {
                    source: rest.source.clone(),
                    destination: destination.clone(),
                    data_coding: rest.data_coding,
                };
                self.wakes.extend(account.owe(owed(message_id, addresses, cx.now), self.id));
            }
        }
    }
}

fn unsuccess(refused: &[(StoredAddress, CommandStatus)]) -> Vec<UnsuccessSme<'_>> {
    refused.iter().map(|(a, status)| UnsuccessSme { destination: address(a), error_status_code: *status }).collect()
}

fn address(stored: &StoredAddress) -> Address<'_> {
    Address { ton: Ton(stored.ton), npi: Npi(stored.npi), address: &stored.address }
}

fn country(destination: &StoredAddress) -> Option<Country> {
    let id = String::from_utf8_lossy(&destination.address);
    crate::message::Party::new(Ton(destination.ton), &id, None).country()
}
