//! Octets ⇄ PDUs: SMPP 3.3, 3.4 and 5.0. Knows nothing above it.
//!
//! [`frame`] finds where a PDU ends, [`body`] reads it, [`encode`] writes and edits it, [`json`] shows it. Parsing copies
//! nothing, allocates nothing, and has three outcomes: understood, opaque (an operation that is not of the standard), and
//! malformed (with the field, the offset and the fault).

pub mod body;
pub mod capture;
pub mod command;
pub mod encode;
pub mod field;
pub mod frame;
pub mod json;
pub mod tlv;
