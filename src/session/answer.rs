//! What Tapis says itself: refusals, acceptances, and the few requests of its own.
//!
//! The body of an error response follows the version of the bind: 3.4 §4.4.2 returns none, 5.0 §4.2.1.2 keeps the
//! mandatory fields, so that a client of either finds what its standard promises.

use crate::wire::command::{CommandId, CommandStatus, InterfaceVersion};
use crate::wire::encode;
use crate::wire::frame::Header;

/// Answers a request with a status.
pub(super) fn refusal(request: Header, status: CommandStatus, version: InterfaceVersion, out: &mut Vec<u8>) {
    let response = request.command_id.response();
    let sequence_number = request.sequence_number;
    match request.command_id {
        CommandId::DELIVER_SM => encode::response(out, response, status, sequence_number, Some(b"")),
        CommandId::SUBMIT_SM | CommandId::DATA_SM if version >= InterfaceVersion::V5_0 => {
            encode::response(out, response, status, sequence_number, Some(b""));
        }
        CommandId::SUBMIT_MULTI if version >= InterfaceVersion::V5_0 => {
            encode::submit_multi_resp(out, status, sequence_number, b"", []);
        }
        _ => encode::response(out, response, status, sequence_number, None),
    }
}

/// Answers a message as an SMSC that took it would.
pub(super) fn acceptance(request: Header, message_id: &[u8], out: &mut Vec<u8>) {
    let (response, sequence_number) = (request.command_id.response(), request.sequence_number);
    match request.command_id {
        CommandId::SUBMIT_MULTI => {
            encode::submit_multi_resp(out, CommandStatus::ESME_ROK, sequence_number, message_id, []);
        }
        CommandId::DELIVER_SM => encode::response(out, response, CommandStatus::ESME_ROK, sequence_number, Some(b"")),
        CommandId::REPLACE_SM => encode::response(out, response, CommandStatus::ESME_ROK, sequence_number, None),
        _ => encode::response(out, response, CommandStatus::ESME_ROK, sequence_number, Some(message_id)),
    }
}

/// Says that a PDU cannot be understood.
pub(super) fn nack(sequence_number: u32, status: CommandStatus, out: &mut Vec<u8>) {
    encode::response(out, CommandId::GENERIC_NACK, status, sequence_number, None);
}

/// Asks a silent peer whether it lives.
pub(super) fn enquire_link(sequence_number: u32, out: &mut Vec<u8>) {
    encode::header_only(out, CommandId::ENQUIRE_LINK, sequence_number);
}

/// Takes leave.
pub(super) fn unbind(sequence_number: u32, out: &mut Vec<u8>) {
    encode::header_only(out, CommandId::UNBIND, sequence_number);
}
