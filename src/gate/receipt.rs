//! What speaks of an earlier message: receipts, and query_sm, cancel_sm and replace_sm by message_id.
//!
//! A tagged message is known to the SMSC under another source address than to its ESME, and a swallowed one not at all;
//! here each side keeps hearing its own. What speaks of any other message passes untouched.

use super::act::edit;
use super::{Context, Gate, Made};
use crate::account::{OwedReceipt, SessionId, Why};
use crate::audit::{DecisionId, OutcomeKind};
use crate::reputation;
use crate::session::{Disposition, HeldId, Leg};
use crate::time::{Timestamp, write_receipt_time};
use crate::wire::body::{self, Address, Body, Parsed, Sm};
use crate::wire::command::{CommandId, CommandStatus, EsmClass, InterfaceVersion, MessageState, Npi, Tag, Ton};
use crate::wire::encode as wire;
use crate::wire::frame::Header;
use crate::wire::tlv::Tlvs;

/// Whether a deliver_sm or data_sm from the SMSC is a receipt: by its esm_class (SMPP 3.4 §5.2.12), else by the TLV that
/// only receipts have, else by the whole text that SMSCs write (SMPP 3.4 appendix B): what merely begins like one may be
/// a subscriber's. Acknowledgements that subscribers write are messages.
pub(super) fn is_receipt(esm_class: EsmClass, short_message: &[u8], tlvs: &Tlvs<'_>) -> bool {
    if esm_class.is_receipt() {
        return true;
    }
    if esm_class.message_type() != 0 {
        return false;
    }
    tlvs.get(Tag::RECEIPTED_MESSAGE_ID).is_some() || is_receipt_text(text_of(short_message, tlvs))
}

fn text_of<'a>(short_message: &'a [u8], tlvs: &Tlvs<'a>) -> &'a [u8] {
    if short_message.is_empty() { tlvs.message_payload().unwrap_or_default() } else { short_message }
}

/// The fields before the text, in their order; SMSCs leave some out.
const FIELDS: [&[u8]; 7] = [b"id:", b"sub:", b"dlvrd:", b"submit date:", b"done date:", b"stat:", b"err:"];
/// What stands behind `stat:` (SMPP 3.4 appendix B, 5.0 §4.7.15).
const STATES: [&[u8]; 10] = [
    b"DELIVRD", b"EXPIRED", b"DELETED", b"UNDELIV", b"ACCEPTD", b"UNKNOWN", b"REJECTD", b"ENROUTE", b"SCHEDLD",
    b"SKIPPED",
];
/// Octets of the message's own text that a receipt quotes.
const QUOTED_MAX: usize = 20;

/// Whether all of it is the text of a receipt.
fn is_receipt_text(text: &[u8]) -> bool {
    let (mut rest, mut named, mut stated) = (text, false, false);
    for key in FIELDS {
        let Some(value) = rest.split_at_checked(key.len()).filter(|(k, _)| k.eq_ignore_ascii_case(key)) else {
            continue;
        };
        let end = value.1.iter().position(|b| *b == b' ');
        let (word, after) = value.1.split_at(end.unwrap_or(value.1.len()));
        named |= key == b"id:" && !word.is_empty();
        stated |= key == b"stat:" && STATES.contains(&word);
        rest = after.strip_prefix(b" ").unwrap_or(after);
    }
    let quoted = rest.split_at_checked(5).filter(|(key, _)| key.eq_ignore_ascii_case(b"text:"));
    named && stated && (rest.is_empty() || quoted.is_some_and(|(_, text)| text.len() <= QUOTED_MAX))
}

/// The word after a key in the text of a receipt.
fn field<'a>(text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(key.len()).position(|w| w.eq_ignore_ascii_case(key))? + key.len();
    text.get(at..)?.split(|b| *b == b' ').next()
}

/// A receipt as it was read.
struct Read<'a> {
    source: Address<'a>,
    destination: Address<'a>,
    message_id: &'a [u8],
    /// What became of the message, where it is over.
    ended: Option<reputation::Receipt>,
}

/// What the state of a message says of who sent it, by its number or its word; none while it is on its way.
fn ended(state: Option<&[u8]>, stat: Option<&[u8]>) -> Option<reputation::Receipt> {
    use reputation::Receipt::{Delivered, Failed};
    match (state, stat) {
        (Some([2]), _) | (None, Some(b"DELIVRD")) => Some(Delivered),
        (Some([3 | 4 | 5 | 8]), _) | (None, Some(b"EXPIRED" | b"DELETED" | b"UNDELIV" | b"REJECTD")) => Some(Failed),
        _ => None,
    }
}

fn read(pdu: &[u8]) -> Option<Read<'_>> {
    let Parsed::Understood(_, body) = body::parse(pdu) else { return None };
    let (source, destination, text, tlvs) = match body {
        Body::DeliverSm(sm) | Body::SubmitSm(sm) => (sm.source, sm.destination, sm.short_message, sm.tlvs),
        Body::DataSm(sm) => (sm.source, sm.destination, &[][..], sm.tlvs),
        _ => return None,
    };
    let text = text_of(text, &tlvs);
    let by_tlv = tlvs.get(Tag::RECEIPTED_MESSAGE_ID).map(|v| v.split(|b| *b == 0).next().unwrap_or_default());
    let message_id = by_tlv.or_else(|| field(text, b"id:")).unwrap_or_default();
    let ended = ended(tlvs.get(Tag::MESSAGE_STATE), field(text, b"stat:"));
    Some(Read { source, destination, message_id, ended })
}

impl Gate {
    /// Passes a receipt to the ESME; one for a tagged message goes to the message's true source. Memory hears what became of
    /// the message of that source; a receipt that speaks of a mark, and misses its message, speaks of nobody.
    pub(super) fn receipt(&mut self, cx: &mut Context<'_>, id: HeldId) -> Option<Made> {
        let known = self.account.as_ref().filter(|a| !a.remembers_nothing());
        let pdu = self.session.held(id).unwrap_or_default();
        let receipt = read(pdu);
        let found = known.zip(receipt.as_ref()).and_then(|(account, receipt)| {
            let message = account
                .recall(receipt.message_id)
                .or_else(|| account.recall_unanswered(receipt.source.address, receipt.destination.address))?;
            cx.scratch.message_id.clear();
            cx.scratch.message_id.extend_from_slice(receipt.message_id);
            Some((message.why, DecisionId { session: SessionId(message.session), n: message.decision }))
        });
        if let Some((receipt, ended)) = receipt.and_then(|r| r.ended.map(|ended| (r, ended))) {
            match &found {
                Some((Why::Tagged { source, .. }, _)) => self.remember_receipt(cx, &address(source), ended),
                None if !cx.policy.is_shown(receipt.destination.address) => {
                    self.remember_receipt(cx, &receipt.destination, ended);
                }
                Some(_) | None => {}
            }
        }
        let Some((Why::Tagged { source, .. }, decision)) = found else {
            self.session.dispose(id, 0, Disposition::Forward);
            return None;
        };
        let octets = &mut cx.scratch.octets;
        octets.clear();
        octets.extend_from_slice(pdu);
        let edited = edit(octets, |from, to| {
            wire::replace_destination(from, to, Ton(source.ton), Npi(source.npi), &source.address)
        });
        let disposition = if edited.is_ok() { Disposition::ForwardEdited(octets) } else { Disposition::Forward };
        self.session.dispose(id, 0, disposition);
        Some(Made::Outcome { decision, kind: OutcomeKind::Receipt })
    }

    /// A query_sm or cancel_sm: about a swallowed message it is answered here, about a tagged one it goes on under the
    /// source address that the SMSC knows.
    pub(super) fn refer(&mut self, cx: &mut Context<'_>, id: HeldId, header: Header) {
        let pdu = self.session.held(id).unwrap_or_default();
        let found = self.account.as_ref().filter(|a| !a.remembers_nothing()).and_then(|account| {
            let message_id = match body::parse(pdu) {
                Parsed::Understood(_, Body::QuerySm(query)) => query.message_id,
                Parsed::Understood(_, Body::CancelSm(cancel)) => cancel.message_id,
                Parsed::Understood(_, Body::ReplaceSm(replace)) => replace.message_id,
                _ => return None,
            };
            account.recall(message_id).map(|message| (message_id, message.why))
        });
        let octets = &mut cx.scratch.octets;
        octets.clear();
        match found {
            Some((message_id, Why::Swallowed { .. })) => {
                let disposition = match header.command_id {
                    CommandId::QUERY_SM => {
                        let state = MessageState::REJECTED;
                        wire::query_sm_resp(octets, header.sequence_number, message_id, b"", state, 0);
                        Disposition::Answer(octets)
                    }
                    CommandId::CANCEL_SM => Disposition::Refuse(CommandStatus::ESME_RCANCELFAIL),
                    _ => Disposition::Refuse(CommandStatus::ESME_RREPLACEFAIL),
                };
                self.session.dispose(id, 0, disposition);
            }
            Some((_, Why::Tagged { shown, .. })) => {
                octets.extend_from_slice(pdu);
                let edited = edit(octets, |from, to| {
                    wire::replace_source(from, to, Ton(shown.ton), Npi(shown.npi), &shown.address)
                });
                let disposition =
                    if edited.is_ok() { Disposition::ForwardEdited(octets) } else { Disposition::Forward };
                self.session.dispose(id, 0, disposition);
            }
            None => self.session.dispose(id, 0, Disposition::Forward),
        }
    }

    /// Delivers the receipts that Tapis owes the account, if this bind may receive.
    pub(super) fn fetch_receipts(&mut self, now: Timestamp) {
        if !matches!(self.session.state(), crate::session::State::Bound(kind) if kind.receives()) {
            return;
        }
        let version = self.session.interface_version();
        while let Some(receipt) = self.account.as_ref().and_then(|a| a.take_owed()) {
            self.session.originate(Leg::Esme, CommandId::DELIVER_SM, |sequence_number, out| {
                write_receipt(&receipt, sequence_number, version, now, out);
            });
        }
    }
}

/// A receipt that says REJECTD, in the text of SMPP 3.4 appendix B and, where the version has TLVs, in TLVs too.
fn write_receipt(
    receipt: &OwedReceipt,
    sequence_number: u32,
    version: InterfaceVersion,
    now: Timestamp,
    out: &mut Vec<u8>,
) {
    let mut text = Vec::with_capacity(128);
    text.extend_from_slice(b"id:");
    text.extend_from_slice(&receipt.message_id);
    text.extend_from_slice(b" sub:001 dlvrd:000 submit date:");
    write_receipt_time(receipt.submitted, &mut text);
    text.extend_from_slice(b" done date:");
    write_receipt_time(now, &mut text);
    text.extend_from_slice(b" stat:REJECTD err:000 text:");
    let mut tlvs = Vec::new();
    if version >= InterfaceVersion::V3_4 {
        let id_with_nul = [&receipt.message_id[..], b"\0"].concat();
        wire::tlv(&mut tlvs, Tag::RECEIPTED_MESSAGE_ID, &id_with_nul);
        wire::tlv(&mut tlvs, Tag::MESSAGE_STATE, &[MessageState::REJECTED.0]);
    }
    let sm = Sm {
        source: address(&receipt.destination),
        destination: address(&receipt.source),
        esm_class: EsmClass::RECEIPT,
        short_message: &text,
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    wire::deliver_sm(out, sequence_number, &sm);
}

fn address(stored: &crate::account::StoredAddress) -> Address<'_> {
    Address { ton: Ton(stored.ton), npi: Npi(stored.npi), address: &stored.address }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_receipt_is_one_by_its_text() {
        for text in [
            "id:0123456789 sub:001 dlvrd:001 submit date:2611240102 done date:2611240103 stat:DELIVRD err:000 text:hello",
            "id:a-b sub:001 dlvrd:000 submit date:261124010203 done date:261124010203 stat:UNDELIV err:0x0b Text:",
            "ID:77 Submit Date:2611240102 Done Date:2611240103 Stat:EXPIRED",
        ] {
            assert!(is_receipt_text(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "id: stat:DELIVRD",
            "id:1",
            "id:1 stat:delivered",
            "id:1 stat:DELIVRD call +6591234567",
            "id:1 win a prize stat:DELIVRD",
            "hello id:1 stat:DELIVRD",
            "id:1 stat:DELIVRD err:000 text:longer than twenty octets",
        ] {
            assert!(!is_receipt_text(text.as_bytes()), "{text}");
        }
    }
}
