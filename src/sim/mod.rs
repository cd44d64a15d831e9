//! An SMSC and an ESME to run against, pure like the rest: the demo, the tests, the benches and load runs give them
//! sockets or pipes.
//!
//! They are for speed and faults. Whether Tapis works with the clients and SMSCs of the world is tested with those.

pub mod corpus;
pub mod day;
pub mod esme;
pub mod smsc;

use crate::wire::frame::{self, Frame, Header};

/// PDUs out of a stream.
#[derive(Debug, Default)]
pub struct Framed {
    octets: Vec<u8>,
    start: usize,
}

impl Framed {
    /// Takes octets.
    pub fn push(&mut self, octets: &[u8]) {
        if self.start > 0 && self.start * 2 > self.octets.len() {
            self.octets.drain(..self.start);
            self.start = 0;
        }
        self.octets.extend_from_slice(octets);
    }

    /// The next whole PDU, handed to `read`; none when there is none yet.
    ///
    /// # Errors
    /// The `command_length` that cannot be true.
    pub fn next<T>(&mut self, read: impl FnOnce(Header, &[u8]) -> T) -> Result<Option<T>, u32> {
        let rest = self.octets.get(self.start..).unwrap_or_default();
        match frame::frame(rest, crate::limits::PDU_OCTETS_MAX) {
            Ok(Frame::Whole { header }) => {
                let len = usize::try_from(header.command_length).unwrap_or(rest.len());
                let value = read(header, rest.get(..len).unwrap_or_default());
                self.start += len;
                Ok(Some(value))
            }
            Ok(Frame::Partial { .. }) => Ok(None),
            Err(fault) => Err(fault.command_length),
        }
    }
}
