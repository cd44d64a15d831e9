//! Acting on a verdict: forward, tag, refuse, or accept and swallow; and completing the answers of what was changed.

use super::judge::refusal;
use super::multi::Rest;
use super::{Context, Gate, MessageIds};
use crate::account::{OwedReceipt, Remembered, StoredAddress, Why};
use crate::audit::Reply;
use crate::policy::TagEdits;
use crate::session::{Disposition, HeldId, Leg, Outstanding};
use crate::text::{Alphabet, encode, udh};
use crate::time::Timestamp;
use crate::verdict::Action;
use crate::wire::body::{self, Address, Body, Parsed};
use crate::wire::command::{CommandId, CommandStatus, DataCoding, InterfaceVersion, Npi, RegisteredDelivery, Tag, Ton};
use crate::wire::encode::{self as wire, EditError};
use crate::wire::frame::{HEADER_OCTETS, Header};

/// What the answer to a forwarded message needs more than passing on.
#[derive(Debug)]
pub(super) enum Special {
    /// It was tagged: its message_id is to be remembered.
    Tagged,
    /// Destinations of a submit_multi were taken out.
    Multi(Box<Rest>),
}

/// Tells one MO message from another: by all its octets after the header, which carries the sequence_number.
fn fingerprint(pdu: &[u8]) -> u64 {
    let hash = blake3::hash(pdu.get(HEADER_OCTETS..).unwrap_or_default());
    hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

/// Refused MO messages that a session remembers.
const REFUSED_MO_MAX: usize = 256;

impl Gate {
    /// Disposes of a message with one destination as its verdict says.
    pub(super) fn act(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        n: u64,
        registered: RegisteredDelivery,
    ) -> Reply {
        match cx.scratch.verdict.action {
            Action::Pass => {
                self.session.dispose(id, n, Disposition::Forward);
                Reply::Forwarded
            }
            Action::Tag => self.tag(cx, id, leg, header, n),
            Action::Block => match refusal(&cx.scratch.verdict, leg) {
                Some(status) if leg == Leg::Esme || !self.refused_too_often(id) => {
                    self.session.dispose(id, 0, Disposition::Refuse(status));
                    Reply::Refused(status)
                }
                _ => self.swallow(cx, id, leg, header, n, registered),
            },
        }
    }

    /// Forwards a message changed as its tags say.
    fn tag(&mut self, cx: &mut Context<'_>, id: HeldId, leg: Leg, header: Header, n: u64) -> Reply {
        let settings = cx.policy.account(self.account().unwrap_or_default());
        let country = cx.scratch.envelope.recipient_country(settings.home);
        let edits = cx.policy.tag_edits(&cx.scratch.verdict, country);
        let pdu = self.session.held(id).unwrap_or_default();
        let version = self.session.interface_version();
        let octets = &mut cx.scratch.octets;
        octets.clear();
        octets.extend_from_slice(pdu);
        let shown = mark(octets, &edits, leg, header.command_id, version, settings.alphabet);
        if let (Some(shown), Some(account), Some(message)) = (shown, &self.account, addresses(pdu)) {
            let why = Why::Tagged { source: message.source, shown };
            let remembered = self.remembered(why, message.destination, message.data_coding, n, cx.now);
            account.await_message_id(self.id, n, remembered);
            self.special.insert(n, Special::Tagged);
        }
        self.session.dispose(id, n, Disposition::ForwardEdited(octets));
        Reply::Tagged
    }

    pub(super) fn remembered(
        &self,
        why: Why,
        destination: StoredAddress,
        data_coding: u8,
        decision: u64,
        now: Timestamp,
    ) -> Remembered {
        Remembered { why, destination, data_coding, at: now.0, session: self.id.0, decision }
    }

    /// Answers a message as if it had been taken, and owes the receipt that was asked for.
    fn swallow(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        leg: Leg,
        header: Header,
        n: u64,
        registered: RegisteredDelivery,
    ) -> Reply {
        let message_id = self.write_message_id(cx);
        if leg == Leg::Esme
            && header.command_id != CommandId::REPLACE_SM
            && let (Some(account), Some(message)) =
                (&self.account, addresses(self.session.held(id).unwrap_or_default()))
        {
            let why = Why::Swallowed { source: message.source.clone() };
            let remembered = self.remembered(why, message.destination.clone(), message.data_coding, n, cx.now);
            account.remember(message_id.as_bytes(), &remembered);
            if registered.wants_failure_receipt() {
                let receipt = owed(message_id.as_bytes(), message, cx.now);
                self.wakes.extend(account.owe(receipt, self.id));
            }
        }
        self.session.dispose(id, 0, Disposition::Accept(message_id.as_bytes()));
        Reply::Swallowed
    }

    /// A message_id of ours, in the SMSC's way of writing.
    pub(super) fn write_message_id(&self, cx: &Context<'_>) -> String {
        let number = cx.memory.next_message_id();
        match self.settings.message_ids {
            MessageIds::Decimal => number.to_string(),
            MessageIds::Hexadecimal => format!("{number:X}"),
        }
    }

    /// Completes the answer to a message that was forwarded changed.
    pub(super) fn complete(
        &mut self,
        cx: &mut Context<'_>,
        id: HeldId,
        header: Header,
        request: Outstanding,
        special: Special,
    ) {
        let message_id = &cx.scratch.message_id;
        match special {
            Special::Tagged => {
                if let Some(account) = &self.account {
                    let known = (header.command_status == CommandStatus::ESME_ROK).then_some(message_id.as_slice());
                    account.message_id_known(self.id, request.token, known);
                }
                self.session.dispose(id, 0, Disposition::Forward);
            }
            Special::Multi(rest) => self.complete_multi(cx, id, header, &rest),
        }
    }

    /// An MO message that is refused again and again is accepted in the end: its SMSC would never stop trying.
    fn refused_too_often(&mut self, id: HeldId) -> bool {
        let hash = fingerprint(self.session.held(id).unwrap_or_default());
        if let Some((_, times)) = self.refused_mo.iter_mut().find(|(h, _)| *h == hash) {
            *times = times.saturating_add(1);
            return *times > self.settings.mo_refusals_max;
        }
        if self.refused_mo.len() >= REFUSED_MO_MAX {
            self.refused_mo.pop_front();
        }
        self.refused_mo.push_back((hash, 1));
        self.settings.mo_refusals_max == 0
    }
}

/// The addresses and coding of a message, to be remembered.
pub(super) struct Addresses {
    pub(super) source: StoredAddress,
    pub(super) destination: StoredAddress,
    pub(super) data_coding: u8,
}

pub(super) fn stored(address: &Address<'_>) -> StoredAddress {
    StoredAddress { ton: address.ton.0, npi: address.npi.0, address: address.address.to_vec() }
}

fn addresses(pdu: &[u8]) -> Option<Addresses> {
    let Parsed::Understood(_, body) = body::parse(pdu) else { return None };
    let (source, destination, data_coding) = match body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => (sm.source, sm.destination, sm.data_coding),
        Body::DataSm(sm) => (sm.source, sm.destination, sm.data_coding),
        _ => return None,
    };
    Some(Addresses { source: stored(&source), destination: stored(&destination), data_coding: data_coding.0 })
}

pub(super) fn owed(message_id: &[u8], message: Addresses, submitted: Timestamp) -> OwedReceipt {
    let Addresses { source, destination, .. } = message;
    OwedReceipt { message_id: message_id.to_vec(), destination, source, submitted }
}

/// Applies one edit to a PDU in place; on an error it is as it was.
pub(super) fn edit(
    pdu: &mut Vec<u8>,
    apply: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), EditError>,
) -> Result<(), EditError> {
    let mut edited = Vec::with_capacity(pdu.len() + 64);
    apply(pdu, &mut edited)?;
    *pdu = edited;
    Ok(())
}

/// Marks a PDU. What cannot be changed (a prefix that does not fit, a TLV on 3.3) is left as it is. Answers the source
/// address that it now shows, when that changed.
pub(super) fn mark(
    octets: &mut Vec<u8>,
    edits: &TagEdits<'_>,
    leg: Leg,
    command: CommandId,
    version: InterfaceVersion,
    alphabet: Alphabet,
) -> Option<StoredAddress> {
    let mut shown = None;
    if let Some(source_addr) = edits.source_addr
        && leg == Leg::Esme
        && command != CommandId::REPLACE_SM
        && edit(octets, |from, to| wire::replace_source(from, to, Ton::ALPHANUMERIC, Npi(0), source_addr)).is_ok()
    {
        shown = Some(StoredAddress { ton: Ton::ALPHANUMERIC.0, npi: 0, address: source_addr.to_vec() });
    }
    if let Some(prefix) = edits.prefix {
        let _ = prefix_text(octets, prefix, alphabet);
    }
    if let Some((tag, value)) = edits.tlv
        && version >= InterfaceVersion::V3_4
    {
        let _ = edit(octets, |from, to| wire::append_tlv(from, to, tag, value));
    }
    shown
}

/// Puts a prefix before the text, in the text's own coding, where it fits what one message can carry. Of a longer message
/// the first part gets it.
fn prefix_text(pdu: &mut Vec<u8>, prefix: &str, alphabet: Alphabet) -> Option<()> {
    let Parsed::Understood(_, body) = body::parse(pdu) else { return None };
    let (short_message, tlvs, data_coding, esm_class) = match &body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => (sm.short_message, sm.tlvs, sm.data_coding, sm.esm_class),
        Body::SubmitMulti(sm) => (sm.short_message, sm.tlvs, sm.data_coding, sm.esm_class),
        Body::DataSm(sm) => (&[][..], sm.tlvs, sm.data_coding, sm.esm_class),
        _ => return None,
    };
    let in_payload = short_message.is_empty();
    let user_data = if in_payload { tlvs.message_payload()? } else { short_message };
    let (header, text) = if esm_class.udhi() {
        let (udh, text) = udh::split(user_data)?;
        if udh.ports.is_some() || udh.concat.is_some_and(|part| part.number != 1) {
            return None;
        }
        user_data.split_at_checked(user_data.len() - text.len())?
    } else {
        (&[][..], user_data)
    };
    let sar_number = tlvs.get(Tag::SAR_SEGMENT_SEQNUM);
    if sar_number.is_some_and(|number| number != [1]) {
        return None;
    }
    let mut prefixed = Vec::with_capacity(user_data.len() + 2 * prefix.len());
    prefixed.extend_from_slice(header);
    encode::prepend(prefix, text, header.len(), data_coding, alphabet, &mut prefixed).ok()?;
    // A segment gets a header of six octets on its way.
    let header_octets = if sar_number.is_some() { 6 } else { header.len() };
    let text_octets = prefixed.len() - header.len();
    let packed = data_coding == DataCoding::DEFAULT && alphabet == Alphabet::GsmPacked;
    if !in_payload && text_octets > text_octets_max(packed || data_coding == DataCoding::UCS2, header_octets) {
        return None;
    }
    edit(pdu, |from, to| {
        if in_payload {
            wire::replace_message_payload(from, to, &prefixed)
        } else {
            wire::replace_short_message(from, to, &prefixed)
        }
    })
    .ok()
}

/// Octets of text that one message can carry over the air beside a header: of 140 octets, or of 160 septets sent one an
/// octet, where the header fills whole septets (3GPP TS 23.040 §9.2.3.24).
fn text_octets_max(as_over_the_air: bool, header_octets: usize) -> usize {
    if as_over_the_air {
        140_usize.saturating_sub(header_octets)
    } else {
        160_usize.saturating_sub((header_octets * 8).div_ceil(7))
    }
}

/// The message_id of a response: what stands before the first NUL of its body.
pub(super) fn message_id(response: &[u8]) -> &[u8] {
    let body = response.get(HEADER_OCTETS..).unwrap_or_default();
    body.split(|b| *b == 0).next().unwrap_or_default()
}
