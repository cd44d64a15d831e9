//! Every bound in one table, with the relations between them asserted at compile time.
//!
//! A limit is here when an attacker could otherwise choose the number. Those an operator may set are defaults here and
//! keys in `tapis.yaml`.

/// The largest `command_length` accepted, in octets (default of `limits: pdu`): 64 KiB holds the largest
/// `message_payload` TLV.
pub const PDU_OCTETS_MAX: u32 = 0x1_0000 + 0x400;

/// The smallest possible PDU: a header alone (SMPP 3.4 §3.2).
pub const PDU_OCTETS_MIN: u32 = 16;

/// Octets that a leg buffers before it stops reading from its peer.
pub const LEG_BUFFER_OCTETS_MAX: usize = 256 * 1024;

/// Requests outstanding in one direction of a session before its reading stops.
pub const OUTSTANDING_MAX: usize = 10_000;

/// Characters of text judged per message; what is longer is cut and counted (`on_limit`).
pub const TEXT_CHARACTERS_MAX: usize = 64 * 1024;

/// Links, phone numbers, handles or amounts kept of one message, each.
pub const ENTITIES_MAX: usize = 64;

/// Entries of a list or registry whose look names are compared with; a longer one holds more than what is protected.
pub const LIKE_ENTRIES_MAX: usize = 100_000;

/// Octets of a list that is fetched.
pub const FEED_OCTETS_MAX: usize = 256 * 1024 * 1024;

/// Octets of a bundle of other carriers' warnings.
pub const INTEL_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// Regexes for which too little must be in a text to tell beforehand that they do not match; each costs every message.
pub const ALWAYS_RUN_MAX: usize = 50;

/// Rules that ask for a finding of rules that ask for a finding, and so on.
pub const FINDINGS_DEEP_MAX: usize = 64;

/// Destinations in one submit_multi (SMPP 3.4 §4.5.1).
pub const DESTINATIONS_MAX: usize = 255;

/// Accounts that metrics name; later ones count as `other`.
pub const METRIC_ACCOUNTS_MAX: usize = 500;

/// Octets of parts of longer messages remembered over all accounts (default of `limits: parts`).
pub const PARTS_OCTETS_MAX: usize = 256 * 1024 * 1024;

/// Requests that one session holds while parts are missing; what comes on top is judged on arrival.
pub const HELD_MAX: usize = 1_000;

/// Octets that one session holds.
pub const HELD_OCTETS_MAX: usize = 256 * 1024;

/// Tagged and swallowed messages remembered until their receipt comes.
pub const REMEMBERED_MAX: usize = 1_000_000;

const _: () = assert!(LEG_BUFFER_OCTETS_MAX >= 2 * PDU_OCTETS_MAX as usize, "a leg must hold a whole PDU and the next");
const _: () = assert!(PDU_OCTETS_MIN < PDU_OCTETS_MAX);
