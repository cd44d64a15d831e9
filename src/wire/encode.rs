//! PDUs that Tapis writes itself, and edits of PDUs that pass.
//!
//! An edit copies the PDU with one field changed: everything else, unknown TLVs and their order included, stays octet for
//! octet.

use std::ops::Range;

use nom::Offset;

use super::body::{self, Body, Destination, Parsed, Sm, UnsuccessSme};
use super::command::{CommandId, CommandStatus, MessageState, Npi, Tag, Ton};
use super::field::Address;

/// Why an edit was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// The PDU has no such field.
    NoSuchField,
    /// The new value does not fit its field.
    TooLong,
}

/// Appends a whole PDU: its header, then what `body` writes. `command_length` is filled in.
pub fn pdu(
    out: &mut Vec<u8>,
    id: CommandId,
    status: CommandStatus,
    sequence_number: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    let start = out.len();
    for word in [0, id.0, status.0, sequence_number] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    body(out);
    fill_length(out, start);
}

/// Appends a header without a body.
pub fn header_only(out: &mut Vec<u8>, id: CommandId, sequence_number: u32) {
    pdu(out, id, CommandStatus::ESME_ROK, sequence_number, |_| {});
}

/// Appends a response; `message_id` (without its NUL) where its body has one.
pub fn response(
    out: &mut Vec<u8>,
    id: CommandId,
    status: CommandStatus,
    sequence_number: u32,
    message_id: Option<&[u8]>,
) {
    pdu(out, id, status, sequence_number, |out| {
        if let Some(message_id) = message_id {
            c_octet_string(out, message_id);
        }
    });
}

/// Appends a submit_multi_resp (SMPP 3.4 §4.5.2). At most 255 destinations are listed.
pub fn submit_multi_resp<'a>(
    out: &mut Vec<u8>,
    status: CommandStatus,
    sequence_number: u32,
    message_id: &[u8],
    unsuccess: impl IntoIterator<Item = UnsuccessSme<'a>>,
) {
    pdu(out, CommandId::SUBMIT_MULTI_RESP, status, sequence_number, |out| {
        c_octet_string(out, message_id);
        let count_at = out.len();
        out.push(0);
        let mut count = 0_u8;
        for one in unsuccess.into_iter().take(usize::from(u8::MAX)) {
            address(out, &one.destination);
            out.extend_from_slice(&one.error_status_code.0.to_be_bytes());
            count = count.saturating_add(1);
        }
        if let Some(octet) = out.get_mut(count_at) {
            *octet = count;
        }
    });
}

/// Appends a query_sm_resp (SMPP 3.4 §4.8.2).
pub fn query_sm_resp(
    out: &mut Vec<u8>,
    sequence_number: u32,
    message_id: &[u8],
    final_date: &[u8],
    state: MessageState,
    error_code: u8,
) {
    pdu(out, CommandId::QUERY_SM_RESP, CommandStatus::ESME_ROK, sequence_number, |out| {
        c_octet_string(out, message_id);
        c_octet_string(out, final_date);
        out.push(state.0);
        out.push(error_code);
    });
}

/// Appends a submit_sm or deliver_sm. A short_message above 255 octets is cut.
pub fn sm(out: &mut Vec<u8>, id: CommandId, sequence_number: u32, sm: &Sm<'_>) {
    pdu(out, id, CommandStatus::ESME_ROK, sequence_number, |out| {
        c_octet_string(out, sm.service_type);
        address(out, &sm.source);
        address(out, &sm.destination);
        out.extend_from_slice(&[sm.esm_class.0, sm.protocol_id, sm.priority_flag]);
        c_octet_string(out, sm.schedule_delivery_time);
        c_octet_string(out, sm.validity_period);
        out.extend_from_slice(&[sm.registered_delivery.0, sm.replace_if_present_flag]);
        out.extend_from_slice(&[sm.data_coding.0, sm.sm_default_msg_id]);
        let text = sm.short_message.get(..255).unwrap_or(sm.short_message);
        out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(text);
        out.extend_from_slice(sm.tlvs.octets());
    });
}

/// Appends a deliver_sm.
pub fn deliver_sm(out: &mut Vec<u8>, sequence_number: u32, message: &Sm<'_>) {
    sm(out, CommandId::DELIVER_SM, sequence_number, message);
}

/// Appends one TLV. A value above 65,535 octets is cut.
pub fn tlv(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&tag.0.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value.get(..usize::from(length)).unwrap_or(value));
}

/// Appends a C-octet string: what stands before the first NUL of `octets`, and a NUL.
pub fn c_octet_string(out: &mut Vec<u8>, octets: &[u8]) {
    out.extend(octets.iter().take_while(|b| **b != 0));
    out.push(0);
}

/// Appends an address with its type of number and numbering plan.
pub fn address(out: &mut Vec<u8>, address: &Address<'_>) {
    out.extend_from_slice(&[address.ton.0, address.npi.0]);
    c_octet_string(out, address.address);
}

/// Copies a PDU with another source address.
///
/// # Errors
/// When the PDU has none.
pub fn replace_source(from: &[u8], to: &mut Vec<u8>, ton: Ton, npi: Npi, source: &[u8]) -> Result<(), EditError> {
    let old = match understood(from)? {
        Body::SubmitSm(b) | Body::DeliverSm(b) => b.source,
        Body::DataSm(b) => b.source,
        Body::SubmitMulti(b) => b.source,
        Body::ReplaceSm(b) => b.source,
        Body::QuerySm(b) => b.source,
        Body::CancelSm(b) => b.source,
        Body::BroadcastSm(b) => b.source,
        Body::CancelBroadcastSm(b) => b.source,
        _ => return Err(EditError::NoSuchField),
    };
    replace_address(from, to, &old, &Address { ton, npi, address: source });
    Ok(())
}

/// Copies a PDU with another destination address.
///
/// # Errors
/// When the PDU has none.
pub fn replace_destination(
    from: &[u8],
    to: &mut Vec<u8>,
    ton: Ton,
    npi: Npi,
    destination: &[u8],
) -> Result<(), EditError> {
    let old = match understood(from)? {
        Body::SubmitSm(b) | Body::DeliverSm(b) => b.destination,
        Body::DataSm(b) => b.destination,
        Body::CancelSm(b) => b.destination,
        _ => return Err(EditError::NoSuchField),
    };
    replace_address(from, to, &old, &Address { ton, npi, address: destination });
    Ok(())
}

/// Copies a PDU with another short_message.
///
/// # Errors
/// When the PDU has none, or the new one is longer than 255 octets.
pub fn replace_short_message(from: &[u8], to: &mut Vec<u8>, text: &[u8]) -> Result<(), EditError> {
    let old = match understood(from)? {
        Body::SubmitSm(b) | Body::DeliverSm(b) => b.short_message,
        Body::SubmitMulti(b) => b.short_message,
        Body::ReplaceSm(b) => b.short_message,
        _ => return Err(EditError::NoSuchField),
    };
    let length = u8::try_from(text.len()).map_err(|_| EditError::TooLong)?;
    let at = place(from, old);
    splice(from, to, at.start.saturating_sub(1)..at.end, |to| {
        to.push(length);
        to.extend_from_slice(text);
    });
    Ok(())
}

/// Copies a PDU with another message_payload, in the place of the old.
///
/// # Errors
/// When the PDU has none, or the new one is longer than 65,535 octets.
pub fn replace_message_payload(from: &[u8], to: &mut Vec<u8>, text: &[u8]) -> Result<(), EditError> {
    let old = understood(from)?.tlvs().message_payload().ok_or(EditError::NoSuchField)?;
    if text.len() > usize::from(u16::MAX) {
        return Err(EditError::TooLong);
    }
    let at = place(from, old);
    splice(from, to, at.start.saturating_sub(4)..at.end, |to| tlv(to, Tag::MESSAGE_PAYLOAD, text));
    Ok(())
}

/// Copies a request with one more TLV behind the others. A response may lack the fields before them, and the TLV would be
/// read as those.
///
/// # Errors
/// When the PDU is a response or cannot be parsed, or the value is longer than 65,535 octets.
pub fn append_tlv(from: &[u8], to: &mut Vec<u8>, tag: Tag, value: &[u8]) -> Result<(), EditError> {
    let tlvs = match body::parse(from) {
        Parsed::Understood(header, body) if !header.command_id.is_response() => body.tlvs(),
        _ => return Err(EditError::NoSuchField),
    };
    if value.len() > usize::from(u16::MAX) {
        return Err(EditError::TooLong);
    }
    let end = place(from, tlvs.octets()).end;
    splice(from, to, end..from.len(), |to| tlv(to, tag, value));
    Ok(())
}

/// Copies a submit_multi with those of its destinations that `keep` says, counted from 0.
///
/// # Errors
/// When the PDU is no submit_multi.
pub fn keep_destinations(
    from: &[u8],
    to: &mut Vec<u8>,
    keep: impl Fn(usize, &Destination<'_>) -> bool,
) -> Result<(), EditError> {
    let Body::SubmitMulti(multi) = understood(from)? else { return Err(EditError::NoSuchField) };
    let at = place(from, multi.dest_address.octets());
    let kept = || multi.dest_address.iter().enumerate().filter(|(n, (one, _))| keep(*n, one));
    splice(from, to, at.start.saturating_sub(1)..at.end, |to| {
        to.push(u8::try_from(kept().count()).unwrap_or(u8::MAX));
        for (_, (_, octets)) in kept() {
            to.extend_from_slice(octets);
        }
    });
    Ok(())
}

fn understood(pdu: &[u8]) -> Result<Body<'_>, EditError> {
    match body::parse(pdu) {
        Parsed::Understood(_, body) => Ok(body),
        _ => Err(EditError::NoSuchField),
    }
}

fn place(pdu: &[u8], field: &[u8]) -> Range<usize> {
    let start = pdu.offset(field);
    start..start + field.len()
}

fn replace_address(from: &[u8], to: &mut Vec<u8>, old: &Address<'_>, new: &Address<'_>) {
    let at = place(from, old.address);
    splice(from, to, at.start.saturating_sub(2)..at.end + 1, |to| address(to, new));
}

fn splice(from: &[u8], to: &mut Vec<u8>, at: Range<usize>, new: impl FnOnce(&mut Vec<u8>)) {
    let start = to.len();
    to.extend_from_slice(from.get(..at.start).unwrap_or(from));
    new(to);
    to.extend_from_slice(from.get(at.end..).unwrap_or_default());
    fill_length(to, start);
}

fn fill_length(out: &mut [u8], start: usize) {
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(word) = out.get_mut(start..start + 4) {
        word.copy_from_slice(&length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::command::DataCoding;
    use crate::wire::tlv::Tlvs;

    fn submit() -> Vec<u8> {
        let mut tlvs = Vec::new();
        tlv(&mut tlvs, Tag(0x1401), b"vendor");
        tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, b"payload");
        tlv(&mut tlvs, Tag(0x1402), b"");
        let mut out = Vec::new();
        let source = Address { ton: Ton::ALPHANUMERIC, npi: Npi(0), address: b"BANK" };
        let destination = Address { ton: Ton::INTERNATIONAL, npi: Npi(1), address: b"6591234567" };
        let text = Sm {
            source,
            destination,
            data_coding: DataCoding(3),
            short_message: b"hello",
            tlvs: Tlvs::new(&tlvs),
            ..Sm::default()
        };
        sm(&mut out, CommandId::SUBMIT_SM, 7, &text);
        out
    }

    fn read(pdu: &[u8]) -> Sm<'_> {
        match body::parse(pdu) {
            Parsed::Understood(h, Body::SubmitSm(sm)) if h.command_length as usize == pdu.len() => sm,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_edit_changes_its_field_and_nothing_else() {
        let pdu = submit();
        let before = read(&pdu);
        let mut to = Vec::new();
        replace_source(&pdu, &mut to, Ton(5), Npi(0), b"Likely-SCAM").unwrap();
        let source = Address { ton: Ton(5), npi: Npi(0), address: b"Likely-SCAM" };
        assert_eq!(read(&to), Sm { source, ..before });
        to.clear();
        replace_destination(&pdu, &mut to, Ton(1), Npi(1), b"66").unwrap();
        assert_eq!(read(&to), Sm { destination: Address { ton: Ton(1), npi: Npi(1), address: b"66" }, ..before });
        to.clear();
        replace_short_message(&pdu, &mut to, b"[SCAM] hello").unwrap();
        assert_eq!(read(&to), Sm { short_message: b"[SCAM] hello", ..before });
        to.clear();
        replace_message_payload(&pdu, &mut to, b"x").unwrap();
        let tags: Vec<_> = read(&to).tlvs.iter().map(|t| (t.tag.0, t.value)).collect();
        assert_eq!(tags, [(0x1401, &b"vendor"[..]), (0x0424, b"x"), (0x1402, b"")]);
        to.clear();
        append_tlv(&pdu, &mut to, Tag(0x1500), b"new").unwrap();
        assert_eq!(read(&to).tlvs.iter().last().unwrap().value, b"new");
        assert_eq!(read(&to).tlvs.octets().len(), before.tlvs.octets().len() + 7);
    }

    #[test]
    fn a_tlv_goes_to_a_pdu_without_any_and_replaces_a_stray_terminator() {
        let mut pdu = Vec::new();
        sm(&mut pdu, CommandId::SUBMIT_SM, 1, &Sm { short_message: b"hi", ..Sm::default() });
        let mut to = Vec::new();
        append_tlv(&pdu, &mut to, Tag(0x1500), b"v").unwrap();
        assert_eq!(read(&to).tlvs.get(Tag(0x1500)), Some(&b"v"[..]));
        pdu.push(0);
        fill_length(&mut pdu, 0);
        to.clear();
        append_tlv(&pdu, &mut to, Tag(0x1500), b"v").unwrap();
        assert_eq!(read(&to).tlvs.get(Tag(0x1500)), Some(&b"v"[..]));
    }
}
