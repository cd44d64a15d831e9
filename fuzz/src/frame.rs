//! Framing: where PDUs end, however the stream is cut into reads, and the same out of capture files.

use tapis::wire::capture::{self, Piece};
use tapis::wire::frame::{Frame, HEADER_OCTETS, frame, header};

const PDU_OCTETS_MAX: u32 = 4096;

/// The input is a stream; read octet by octet it has the same PDUs as read at once. It is also taken for a capture file.
pub fn run(stream: &[u8]) {
    let mut at = 0;
    while at < stream.len() {
        let rest = &stream[at..];
        match frame(rest, PDU_OCTETS_MAX) {
            Ok(Frame::Whole { header: found }) => {
                let len = found.command_length as usize;
                assert!((HEADER_OCTETS..=rest.len()).contains(&len));
                assert_eq!(header(rest), Some(found));
                grows_to(rest, len);
                assert_eq!(frame(&rest[..len], PDU_OCTETS_MAX), Ok(Frame::Whole { header: found }));
                at += len;
            }
            Ok(Frame::Partial { needed }) => {
                grows_to(rest, rest.len() + needed);
                break;
            }
            Err(fault) => {
                assert!(fault.command_length < 16 || fault.command_length > PDU_OCTETS_MAX);
                assert_eq!(fault.sequence_number.is_some(), rest.len() >= HEADER_OCTETS);
                break;
            }
        }
    }
    as_file(stream);
}

/// Every shorter prefix needs more octets, but never more than are to come.
fn grows_to(rest: &[u8], len: usize) {
    let short = rest.len().min(len.saturating_sub(1));
    for n in (0..=short.min(HEADER_OCTETS)).chain([short / 2, short]) {
        match frame(&rest[..n], PDU_OCTETS_MAX) {
            Ok(Frame::Partial { needed }) => {
                assert!(needed > 0 && n + needed <= len.max(HEADER_OCTETS), "{n}+{needed}")
            }
            other => panic!("{n} of {len} octets are {other:?}"),
        }
    }
}

/// Nothing of a stream is lost or made up by cutting it into PDUs; a capture is read to its end.
fn as_file(file: &[u8]) {
    let pieces = capture::pdus(file, None);
    let octets = |piece: Piece| piece.octets.unwrap_or_else(|(octets, _)| octets);
    assert!(pieces.into_iter().flat_map(octets).eq(file.iter().copied()));
    if let Some(Ok(pieces)) = capture::pieces(file) {
        let shown: usize = pieces.into_iter().map(|p| octets(p).len()).sum();
        assert!(shown <= file.len(), "{shown} octets out of {}", file.len());
    }
}
