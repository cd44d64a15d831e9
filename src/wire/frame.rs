//! Framing: the only place that decides where a PDU ends.
//!
//! "Not yet" is no error. The only error is a `command_length` that cannot be true: after it nobody knows where the next
//! PDU starts.

use super::command::{CommandId, CommandStatus};

/// Octets of a PDU header (SMPP 3.4 §3.2).
pub const HEADER_OCTETS: usize = 16;

/// A PDU header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Octets of the whole PDU.
    pub command_length: u32,
    /// What it is.
    pub command_id: CommandId,
    /// How a request went; 0 in requests.
    pub command_status: CommandStatus,
    /// Ties a response to its request.
    pub sequence_number: u32,
}

/// What stands at the front of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole PDU of `header.command_length` octets.
    Whole {
        /// Its header.
        header: Header,
    },
    /// The beginning of one.
    Partial {
        /// How many more octets are needed at least.
        needed: usize,
    },
}

/// A command_length below 16 or above the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LengthFault {
    /// What it says.
    pub command_length: u32,
    /// The sequence_number behind it, when it has come.
    pub sequence_number: Option<u32>,
}

/// Looks at the front of a stream. `octets_max` is the largest `command_length` accepted.
///
/// # Errors
/// When `command_length` is below 16 or above `octets_max`, as soon as its four octets are there.
pub fn frame(octets: &[u8], octets_max: u32) -> Result<Frame, LengthFault> {
    let word = |at: usize| octets.get(at..)?.first_chunk().map(|w| u32::from_be_bytes(*w));
    let Some(command_length) = word(0) else {
        return Ok(Frame::Partial { needed: HEADER_OCTETS - octets.len() });
    };
    let len = usize::try_from(command_length).unwrap_or(usize::MAX);
    if len < HEADER_OCTETS || command_length > octets_max {
        return Err(LengthFault { command_length, sequence_number: word(12) });
    }
    match header(octets) {
        Some(header) if octets.len() >= len => Ok(Frame::Whole { header }),
        _ => Ok(Frame::Partial { needed: len - octets.len() }),
    }
}

/// The header that octets begin with, whether or not the PDU is whole.
#[must_use]
pub fn header(octets: &[u8]) -> Option<Header> {
    let word = |at: usize| octets.get(at..)?.first_chunk().map(|w| u32::from_be_bytes(*w));
    Some(Header {
        command_length: word(0)?,
        command_id: CommandId(word(4)?),
        command_status: CommandStatus(word(8)?),
        sequence_number: word(12)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lying_length_is_a_fault_and_a_short_read_is_not() {
        assert_eq!(frame(&[], 100), Ok(Frame::Partial { needed: 16 }));
        assert_eq!(frame(&[0, 0, 0], 100), Ok(Frame::Partial { needed: 13 }));
        assert_eq!(frame(&[0, 0, 0, 20, 0], 100), Ok(Frame::Partial { needed: 15 }));
        assert_eq!(frame(&[0, 0, 0, 15], 100), Err(LengthFault { command_length: 15, sequence_number: None }));
        let mut pdu = [0; 16];
        pdu[3] = 101;
        pdu[15] = 9;
        assert_eq!(frame(&pdu, 100), Err(LengthFault { command_length: 101, sequence_number: Some(9) }));
        pdu[3] = 16;
        assert!(matches!(frame(&pdu, 100), Ok(Frame::Whole { header }) if header.sequence_number == 9));
    }
}
