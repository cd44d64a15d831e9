//! What `capture:` keeps of traffic, so that it can be replayed: PDUs of both legs, encrypted, without passwords.
//!
//! # A file
//!
//! ```text
//!   header   8 "TAPISCAP" · 2 version (1) · 2 cipher (1 = ChaCha20-Poly1305) · 16 file id · 8 key check
//!   chunk    1 last (0, or 1 for the last of a file that was closed) · 4 length of what follows
//!            sealed records · 16 tag
//!   chunk    …
//! ```
//!
//! All numbers are big-endian. The key of a file is derived from the operator's key and the file id; the nonce is the
//! number of the chunk, from 0; header and `last` are authenticated with each chunk. So no chunk can be changed, moved, or
//! taken from another file, and a file whose writer was killed loses no more than the chunk that was being written. The key
//! check tells a wrong key from a changed file.
//!
//! ```text
//!   PDU      1 kind (1) · 8 time in µs since 1970 · 1 leg (0 ESME, 1 SMSC) · 8 session
//!            1 length, account · 4 length, PDU
//!   gap      1 kind (2) · 8 time · 8 records that were lost before the next
//! ```

mod seal;
mod tap;

pub use seal::{Fault, Key, Sealer, is_capture, read};
pub use tap::{Tap, without_password};

use crate::session::Leg;
use crate::time::Timestamp;

/// One record of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A PDU as it was read from a leg; binds without their passwords.
    Pdu {
        /// When.
        at: Timestamp,
        /// From which leg.
        leg: Leg,
        /// In which session.
        session: u64,
        /// The system_id of the session's bind; empty before it.
        account: String,
        /// Its octets.
        octets: Vec<u8>,
    },
    /// Records that could not be written.
    Gap {
        /// When that was told.
        at: Timestamp,
        /// How many.
        records: u64,
    },
}

/// What a file held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its records, in the order in which they were written.
    pub records: Vec<Record>,
    /// Where the chunk begins that is cut short, when one is.
    pub torn_at: Option<usize>,
    /// Whether the file was closed: else its writer was killed, or still writes.
    pub closed: bool,
}

/// Octets of a sealed chunk at most: a record is smaller, and chunks are closed long before.
const CHUNK_OCTETS_MAX: usize = 16 << 20;

const PDU: u8 = 1;
const GAP: u8 = 2;

impl Record {
    /// Appends it. An account is cut after 255 octets, which no bind has room for.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Pdu { at, leg, session, account, octets } => {
                out.push(PDU);
                out.extend(at.0.to_be_bytes());
                out.push(u8::from(*leg == Leg::Smsc));
                out.extend(session.to_be_bytes());
                let account = account.as_bytes().get(..255).unwrap_or(account.as_bytes());
                out.push(u8::try_from(account.len()).unwrap_or(u8::MAX));
                out.extend(account);
                out.extend(u32::try_from(octets.len()).unwrap_or(u32::MAX).to_be_bytes());
                out.extend(octets);
            }
            Self::Gap { at, records } => {
                out.push(GAP);
                out.extend(at.0.to_be_bytes());
                out.extend(records.to_be_bytes());
            }
        }
    }

    /// Takes one off the front; none when the octets are no record.
    fn read(octets: &mut &[u8]) -> Option<Self> {
        let [kind] = take(octets)?;
        let at = Timestamp(u64::from_be_bytes(take(octets)?));
        match kind {
            PDU => {
                let [leg] = take(octets)?;
                let session = u64::from_be_bytes(take(octets)?);
                let [length] = take(octets)?;
                let account = String::from_utf8_lossy(take_slice(octets, usize::from(length))?).into_owned();
                let length = usize::try_from(u32::from_be_bytes(take(octets)?)).ok()?;
                let pdu = take_slice(octets, length)?.to_vec();
                let leg = if leg == 0 { Leg::Esme } else { Leg::Smsc };
                Some(Self::Pdu { at, leg, session, account, octets: pdu })
            }
            GAP => Some(Self::Gap { at, records: u64::from_be_bytes(take(octets)?) }),
            _ => None,
        }
    }
}

fn take<const N: usize>(octets: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = octets.split_first_chunk::<N>()?;
    *octets = rest;
    Some(*first)
}

fn take_slice<'o>(octets: &mut &'o [u8], n: usize) -> Option<&'o [u8]> {
    let (first, rest) = octets.split_at_checked(n)?;
    *octets = rest;
    Some(first)
}
