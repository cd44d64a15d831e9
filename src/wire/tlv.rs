//! TLVs: order and unknown tags are kept (SMPP 3.4 §3.2.4).

use nom::bytes::complete::take;
use nom::number::complete::be_u16;

use super::command::Tag;
use super::field::{FieldFault, Parse, fault};

/// One TLV, borrowed from its PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// What it is.
    pub tag: Tag,
    /// Its value; its length is the wire's length.
    pub value: &'a [u8],
}

/// The TLVs of a PDU, in their order, each known to end inside the PDU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tlvs<'a> {
    octets: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// TLVs that were written one after the other. What is no TLV any more is not shown.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Self {
        Self { octets }
    }

    /// The octets of all of them.
    #[must_use]
    pub fn octets(&self) -> &'a [u8] {
        self.octets
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = Tlv<'a>> + use<'a> {
        let mut rest = self.octets;
        std::iter::from_fn(move || {
            let (after, tlv) = one(rest).ok()?;
            rest = after;
            Some(tlv)
        })
    }

    /// The value of the first TLV with this tag.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&'a [u8]> {
        self.iter().find(|t| t.tag == tag).map(|t| t.value)
    }

    /// The value of message_payload.
    #[must_use]
    pub fn message_payload(&self) -> Option<&'a [u8]> {
        self.get(Tag::MESSAGE_PAYLOAD)
    }
}

fn one(input: &[u8]) -> Parse<'_, Tlv<'_>> {
    type Plain<'a, T> = nom::IResult<&'a [u8], T>;
    let head: Plain<'_, u16> = be_u16(input);
    let Ok((rest, tag)) = head else { return fault("tlv", input, FieldFault::NoTlv) };
    let length: Plain<'_, u16> = be_u16(rest);
    let Ok((rest, length)) = length else { return fault("tlv", input, FieldFault::NoTlv) };
    let value: Plain<'_, &[u8]> = take(length)(rest);
    let Ok((rest, value)) = value else { return fault("tlv", input, FieldFault::TlvOverruns) };
    Ok((rest, Tlv { tag: Tag(tag), value }))
}

/// All TLVs up to the end of the PDU. A single NUL behind the last field is no TLV and no fault: clients that write a
/// short_message with a terminator send it.
pub(super) fn tlvs<'a>(_: &'static str, input: &'a [u8]) -> Parse<'a, Tlvs<'a>> {
    let mut rest = input;
    while !rest.is_empty() {
        if rest == [0] {
            let kept = input.get(..input.len() - 1).unwrap_or_default();
            return Ok((&[], Tlvs { octets: kept }));
        }
        (rest, _) = one(rest)?;
    }
    Ok((rest, Tlvs { octets: input }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_unknown_tags_are_kept() {
        let octets = [0x14, 0x00, 0, 1, 9, 0x02, 0x04, 0, 2, 1, 2, 0x14, 0x00, 0, 0];
        let (rest, all) = tlvs("tlvs", &octets).unwrap();
        assert!(rest.is_empty());
        let seen: Vec<_> = all.iter().map(|t| (t.tag.0, t.value.to_vec())).collect();
        assert_eq!(seen, [(0x1400, vec![9]), (0x0204, vec![1, 2]), (0x1400, vec![])]);
        assert_eq!(all.get(Tag::USER_MESSAGE_REFERENCE), Some(&[1, 2][..]));
    }

    #[test]
    fn a_tlv_that_overruns_is_a_fault_and_a_lone_terminator_is_not() {
        assert_eq!(tlvs("", &[0x04, 0x24, 0, 5, 1]), fault("tlv", &[0x04, 0x24, 0, 5, 1], FieldFault::TlvOverruns));
        assert_eq!(tlvs("", &[1, 2, 3]), fault("tlv", &[1, 2, 3], FieldFault::NoTlv));
        assert!(tlvs("", &[0]).unwrap().1.octets().is_empty());
    }
}
