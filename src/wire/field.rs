//! Leaf parsers, and the error that names the field, the offset and the fault (SMPP 3.4 §3.1).
//!
//! Field lengths of the standard are not enforced here but for the system_id: real SMSCs write message_ids and service
//! types that are longer than their pages say, and a text is read all the same. What must hold is what a reader needs to
//! find the next field.

use std::fmt;

use nom::bytes::complete::{tag, take, take_till};
use nom::number::complete::{be_u8, be_u32};
use nom::{Err, IResult};

use super::command::{
    CommandStatus, DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, RegisteredDelivery, Ton,
};

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldFault {
    /// The PDU ends inside it, or before it.
    Truncated,
    /// A C-octet string without its NUL.
    Unterminated,
    /// Longer than the standard allows.
    TooLong,
    /// Octets after the last field that are no TLV.
    NoTlv,
    /// A TLV longer than the PDU.
    TlvOverruns,
    /// A dest_flag that is neither 1 nor 2.
    DestFlag,
}

impl FieldFault {
    /// The label in metrics and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Unterminated => "unterminated",
            Self::TooLong => "too_long",
            Self::NoTlv => "no_tlv",
            Self::TlvOverruns => "tlv_overruns",
            Self::DestFlag => "dest_flag",
        }
    }
}

/// Why a body cannot be parsed, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The field, by the standard's name.
    pub field: &'static str,
    /// Its first octet, counted from the start of the PDU.
    pub offset: usize,
    /// What is wrong with it.
    pub fault: FieldFault,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at octet {}: {}", self.field, self.offset, self.fault.name())
    }
}

impl std::error::Error for DecodeError {}

/// A fault on its way up: how many octets were left where it was found tells the offset in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    pub(super) field: &'static str,
    pub(super) left: usize,
    pub(super) fault: FieldFault,
}

/// A step of parsing.
pub type Parse<'a, T> = IResult<&'a [u8], T, Fault>;

/// An address with its type of number and numbering plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan indicator.
    pub npi: Npi,
    /// The address without its NUL.
    pub address: &'a [u8],
}

impl<'a> Address<'a> {
    /// An address as people write it: `+` and digits is international, digits are of no known type, all else is a name.
    #[must_use]
    pub fn of_writing(written: &'a str) -> Self {
        let international = written.strip_prefix('+').filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        match international {
            Some(digits) => Self { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, address: digits.as_bytes() },
            None if written.bytes().all(|b| b.is_ascii_digit()) => {
                Self { ton: Ton::UNKNOWN, npi: Npi::UNKNOWN, address: written.as_bytes() }
            }
            None => Self { ton: Ton::ALPHANUMERIC, npi: Npi::UNKNOWN, address: written.as_bytes() },
        }
    }
}

pub(super) fn fault<'a, T>(field: &'static str, input: &'a [u8], fault: FieldFault) -> Parse<'a, T> {
    Err(Err::Error(Fault { field, left: input.len(), fault }))
}

type Plain<'a, T> = IResult<&'a [u8], T, nom::error::Error<&'a [u8]>>;

fn or<'a, T>(parsed: Plain<'a, T>, field: &'static str, input: &'a [u8], why: FieldFault) -> Parse<'a, T> {
    parsed.or_else(|_| fault(field, input, why))
}

/// One octet.
pub(super) fn integer<'a>(field: &'static str, input: &'a [u8]) -> Parse<'a, u8> {
    or(be_u8(input), field, input, FieldFault::Truncated)
}

/// Octets up to a NUL, without it.
pub(super) fn c_octet_string<'a>(field: &'static str, input: &'a [u8]) -> Parse<'a, &'a [u8]> {
    let why = if input.is_empty() { FieldFault::Truncated } else { FieldFault::Unterminated };
    let (rest, octets) = or(take_till(|b| b == 0)(input), field, input, why)?;
    let (rest, _) = or(tag(&[0_u8][..])(rest), field, input, why)?;
    Ok((rest, octets))
}

/// A C-octet string, or the end of the PDU: responses come without what their page shows.
pub(super) fn c_octet_string_if_any<'a>(field: &'static str, input: &'a [u8]) -> Parse<'a, &'a [u8]> {
    if input.is_empty() { Ok((input, input)) } else { c_octet_string(field, input) }
}

/// system_id: at most 16 octets with its NUL (SMPP 3.4 §5.2.1).
pub(super) fn system_id<'a>(field: &'static str, input: &'a [u8]) -> Parse<'a, &'a [u8]> {
    let (rest, octets) = c_octet_string(field, input)?;
    if octets.len() > 15 { fault(field, input, FieldFault::TooLong) } else { Ok((rest, octets)) }
}

/// sm_length and the short_message of that many octets (SMPP 3.4 §5.2.21, §5.2.22).
pub(super) fn short_message<'a>(_: &'static str, input: &'a [u8]) -> Parse<'a, &'a [u8]> {
    let (text, len) = integer("sm_length", input)?;
    or(take(len)(text), "short_message", text, FieldFault::Truncated)
}

/// error_status_code of an unsuccessful destination.
pub(super) fn status<'a>(field: &'static str, input: &'a [u8]) -> Parse<'a, CommandStatus> {
    let (rest, code) = or(be_u32(input), field, input, FieldFault::Truncated)?;
    Ok((rest, CommandStatus(code)))
}

macro_rules! octets {
    ($($(#[$doc:meta])* $parser:ident $code:ident)*) => {
        $($(#[$doc])* pub(super) fn $parser<'a>(field: &'static str, input: &'a [u8]) -> Parse<'a, $code> {
            let (rest, octet) = integer(field, input)?;
            Ok((rest, $code(octet)))
        })*
    };
}

octets! {
    /// One octet that is a type of number.
    ton Ton
    /// One octet that is a numbering plan indicator.
    npi Npi
    /// One octet that is an esm_class.
    esm_class EsmClass
    /// One octet that is a data_coding.
    data_coding DataCoding
    /// One octet that is a registered_delivery.
    registered_delivery RegisteredDelivery
    /// One octet that is an interface_version.
    interface_version InterfaceVersion
    /// One octet that is a message_state.
    message_state MessageState
}

fn address<'a>(names: [&'static str; 3], input: &'a [u8]) -> Parse<'a, Address<'a>> {
    let (rest, ton) = ton(names[0], input)?;
    let (rest, npi) = npi(names[1], rest)?;
    let (rest, address) = c_octet_string(names[2], rest)?;
    Ok((rest, Address { ton, npi, address }))
}

/// The names of the three fields of an address, by what it is the address of.
pub(super) fn address_names(of: &str) -> [&'static str; 3] {
    match of {
        "source" => ["source_addr_ton", "source_addr_npi", "source_addr"],
        "destination" => ["dest_addr_ton", "dest_addr_npi", "destination_addr"],
        "esme" => ["esme_addr_ton", "esme_addr_npi", "esme_addr"],
        _ => ["addr_ton", "addr_npi", "address_range"],
    }
}

/// An address; `of` says whose.
pub(super) fn address_of<'a>(of: &'static str, input: &'a [u8]) -> Parse<'a, Address<'a>> {
    address(address_names(of), input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_without_its_end_says_so() {
        assert_eq!(c_octet_string("x", b"ab\0c"), Ok((&b"c"[..], &b"ab"[..])));
        assert_eq!(c_octet_string("x", b"ab"), fault("x", b"ab", FieldFault::Unterminated));
        assert_eq!(c_octet_string("x", b""), fault("x", b"", FieldFault::Truncated));
    }

    #[test]
    fn a_short_message_longer_than_its_pdu_is_truncated() {
        assert_eq!(short_message("", b"\x02hi!"), Ok((&b"!"[..], &b"hi"[..])));
        assert_eq!(short_message("", b"\x03hi"), fault("short_message", b"hi", FieldFault::Truncated));
    }
}
