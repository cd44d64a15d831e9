//! One PDU: parsed, shown as JSON, written again, and edited.

use tapis::wire::body::{self, Body, Destination, Parsed, Sm};
use tapis::wire::command::{Npi, Tag, Ton};
use tapis::wire::encode::{self, EditError};
use tapis::wire::frame::{Frame, HEADER_OCTETS, frame, header};
use tapis::wire::json;

use super::input::Input;

/// The input is a new value for edits, its length first, and a PDU, whose command_length is made true unless the first
/// octet says otherwise.
pub fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let lies = input.octet() == 0xff;
    let new = input.short();
    let mut pdu = input.rest().to_vec();
    if !lies && pdu.len() >= HEADER_OCTETS {
        let length = u32::try_from(pdu.len()).unwrap();
        pdu[..4].copy_from_slice(&length.to_be_bytes());
    }
    shows(&pdu);
    let Ok(Frame::Whole { header }) = frame(&pdu, u32::MAX) else { return };
    pdu.truncate(header.command_length as usize);
    shows(&pdu);
    let Parsed::Understood(header, body) = body::parse(&pdu) else { return };
    assert!(body.tlvs().iter().map(|t| t.value.len() + 4).sum::<usize>() == body.tlvs().octets().len());
    let whole = is_whole(&pdu, &body);
    match body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => again(&pdu, whole, |out| {
            encode::sm(out, header.command_id, header.sequence_number, &sm);
        }),
        Body::MessageIdResp(resp) if resp.tlvs.octets().is_empty() => again(&pdu, whole, |out| {
            let message_id = (pdu.len() > HEADER_OCTETS).then_some(resp.message_id);
            encode::response(out, header.command_id, header.command_status, header.sequence_number, message_id);
        }),
        Body::SubmitMultiResp(resp) if resp.tlvs.octets().is_empty() => {
            let mut out = Vec::new();
            let all = resp.unsuccess_sme.iter();
            encode::submit_multi_resp(&mut out, header.command_status, header.sequence_number, resp.message_id, all);
            let Parsed::Understood(_, Body::SubmitMultiResp(written)) = body::parse(&out) else { panic!("{out:x?}") };
            assert!(written.unsuccess_sme.iter().eq(resp.unsuccess_sme.iter()));
        }
        Body::HeaderOnly(_) if pdu.len() == HEADER_OCTETS => again(&pdu, whole, |out| {
            encode::header_only(out, header.command_id, header.sequence_number);
        }),
        _ => {}
    }
    edits(&pdu, whole, &body, new);
}

/// Showing it works, and gives JSON that can be read.
fn shows(pdu: &[u8]) {
    let line = serde_json::to_string(&json::object(pdu)).unwrap();
    let read: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(["understood", "opaque", "malformed"].contains(&read["outcome"].as_str().unwrap()));
    let parsed = body::parse(pdu);
    if let Parsed::Malformed(_, error) = parsed {
        assert!(error.offset <= pdu.len(), "{error}");
    }
    let _ = tapis::explain::carried(pdu);
    let _ = serde_json::to_string(&json::no_pdu(pdu, "whatever")).unwrap();
}

/// A stray NUL behind the last field is the one thing that a parsed body does not hold.
fn is_whole(pdu: &[u8], body: &Body<'_>) -> bool {
    let tlvs = body.tlvs().octets();
    pdu.as_ptr_range().end == tlvs.as_ptr_range().end
}

fn again(pdu: &[u8], whole: bool, write: impl FnOnce(&mut Vec<u8>)) {
    let mut out = Vec::new();
    write(&mut out);
    if whole {
        // Requests are written with status 0 whatever stood there.
        let status = |octets: &[u8]| [&octets[4..8], &octets[12..]].concat();
        assert_eq!(status(&out), status(pdu), "written again it is another");
    }
}

type Edited = Result<Vec<u8>, EditError>;

fn edit(apply: impl FnOnce(&mut Vec<u8>) -> Result<(), EditError>) -> Edited {
    let mut out = Vec::new();
    apply(&mut out).map(|()| out)
}

/// An edit changes its field, and undoing it gives the PDU back octet for octet.
fn edits(pdu: &[u8], whole: bool, body: &Body<'_>, new: &[u8]) {
    let name: Vec<u8> = new.iter().copied().filter(|b| *b != 0).collect();
    let (ton, npi) = (Ton(name.len() as u8), Npi(3));
    if let Ok(edited) = edit(|to| encode::replace_source(pdu, to, ton, npi, &name)) {
        assert_eq!(source(&edited), Some((ton, npi, name.clone())));
        let (ton, npi, old) = source(pdu).expect("it had one to replace");
        assert_eq!(edit(|to| encode::replace_source(&edited, to, ton, npi, &old)).as_deref(), Ok(pdu));
    }
    if let Ok(edited) = edit(|to| encode::replace_destination(pdu, to, ton, npi, &name)) {
        let (ton, npi, old) = destination(pdu).expect("it had one to replace");
        assert_eq!(edit(|to| encode::replace_destination(&edited, to, ton, npi, &old)).as_deref(), Ok(pdu));
    }
    if let Ok(edited) = edit(|to| encode::replace_short_message(pdu, to, new)) {
        assert_eq!(short_message(&edited), Some(new.to_vec()));
        let old = short_message(pdu).expect("it had one to replace");
        assert_eq!(edit(|to| encode::replace_short_message(&edited, to, &old)).as_deref(), Ok(pdu));
    }
    if let Ok(edited) = edit(|to| encode::replace_message_payload(pdu, to, new)) {
        assert_eq!(payload(&edited), Some(new.to_vec()));
        let old = payload(pdu).expect("it had one to replace");
        assert_eq!(edit(|to| encode::replace_message_payload(&edited, to, &old)).as_deref(), Ok(pdu));
    }
    multi(pdu, body);
    let _ = body::system_id(pdu);
    let longer = edit(|to| encode::append_tlv(pdu, to, Tag(0x1500), new));
    let is_response = header(pdu).is_some_and(|h| h.command_id.is_response());
    assert_eq!(longer.is_err(), is_response, "what was understood has an end, but for responses without their fields");
    let Ok(longer) = longer else { return };
    let Parsed::Understood(_, with) = body::parse(&longer) else { panic!("a TLV made it unreadable: {longer:x?}") };
    let last = with.tlvs().iter().last().expect("one was appended");
    assert_eq!((last.tag, last.value), (Tag(0x1500), new));
    if whole {
        assert_eq!(&longer[4..pdu.len()], &pdu[4..]);
    }
}

/// Keeping all destinations changes nothing, and keeping some keeps their order.
fn multi(pdu: &[u8], body: &Body<'_>) {
    let Body::SubmitMulti(multi) = body else {
        let refused = edit(|to| encode::keep_destinations(pdu, to, |_, _| true));
        assert_eq!(refused, Err(EditError::NoSuchField));
        return;
    };
    let all: Vec<Destination<'_>> = multi.dest_address.iter().map(|(one, _)| one).collect();
    assert_eq!(all.len(), usize::from(multi.dest_address.number_of_dests));
    assert_eq!(edit(|to| encode::keep_destinations(pdu, to, |_, _| true)).as_deref(), Ok(pdu));
    let some = edit(|to| encode::keep_destinations(pdu, to, |n, _| n % 2 == 1)).expect("it is a submit_multi");
    let Parsed::Understood(_, Body::SubmitMulti(less)) = body::parse(&some) else { panic!("{some:x?}") };
    assert!(less.dest_address.iter().map(|(one, _)| one).eq(all.into_iter().skip(1).step_by(2)));
    assert_eq!((less.short_message, less.tlvs), (multi.short_message, multi.tlvs));
}

type Address = (Ton, Npi, Vec<u8>);

fn understood(pdu: &[u8]) -> Body<'_> {
    match body::parse(pdu) {
        Parsed::Understood(_, body) => body,
        other => panic!("an edit made it {other:?}"),
    }
}

fn source(pdu: &[u8]) -> Option<Address> {
    let a = match understood(pdu) {
        Body::SubmitSm(Sm { source, .. }) | Body::DeliverSm(Sm { source, .. }) => source,
        Body::DataSm(b) => b.source,
        Body::SubmitMulti(b) => b.source,
        Body::ReplaceSm(b) => b.source,
        Body::QuerySm(b) => b.source,
        Body::CancelSm(b) => b.source,
        Body::BroadcastSm(b) => b.source,
        Body::CancelBroadcastSm(b) => b.source,
        _ => return None,
    };
    Some((a.ton, a.npi, a.address.to_vec()))
}

fn destination(pdu: &[u8]) -> Option<Address> {
    let a = match understood(pdu) {
        Body::SubmitSm(b) | Body::DeliverSm(b) => b.destination,
        Body::DataSm(b) => b.destination,
        Body::CancelSm(b) => b.destination,
        _ => return None,
    };
    Some((a.ton, a.npi, a.address.to_vec()))
}

fn short_message(pdu: &[u8]) -> Option<Vec<u8>> {
    match understood(pdu) {
        Body::SubmitSm(b) | Body::DeliverSm(b) => Some(b.short_message.to_vec()),
        Body::SubmitMulti(b) => Some(b.short_message.to_vec()),
        Body::ReplaceSm(b) => Some(b.short_message.to_vec()),
        _ => None,
    }
}

fn payload(pdu: &[u8]) -> Option<Vec<u8>> {
    understood(pdu).tlvs().message_payload().map(<[u8]>::to_vec)
}
