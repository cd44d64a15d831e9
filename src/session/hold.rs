//! PDUs that wait for a disposition longer than a call: copied out of the stream, so that what follows them can go by.
//!
//! An unbind and a close never overtake them; they die with their leg, and whoever deferred them is told.

use super::leg::Leg;
use crate::wire::command::CommandStatus;
use crate::wire::frame::Header;

/// Names a PDU that waits for its disposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeldId(pub(super) u64);

/// What becomes of a PDU that waits.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
    /// To the other leg as it came.
    Forward,
    /// To the other leg in this form: a whole PDU with the same `sequence_number`.
    ForwardEdited(&'a [u8]),
    /// Answered here with an error.
    Refuse(CommandStatus),
    /// Answered here with `ESME_ROK` and this `message_id` (without its NUL).
    Accept(&'a [u8]),
    /// Answered here with this whole PDU.
    Answer(&'a [u8]),
    /// Not answered and not forwarded.
    Drop,
    /// Copied aside until it is disposed of again; what follows goes by.
    Defer,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: HeldId,
    pub(super) leg: Leg,
    pub(super) header: Header,
    pub(super) octets: Vec<u8>,
}

#[derive(Debug, Default)]
pub(super) struct Hold {
    held: Vec<Held>,
}

impl Hold {
    pub(super) fn push(&mut self, held: Held) {
        self.held.push(held);
    }

    pub(super) fn get(&self, id: HeldId) -> Option<&Held> {
        self.held.iter().find(|h| h.id == id)
    }

    pub(super) fn take(&mut self, id: HeldId) -> Option<Held> {
        let at = self.held.iter().position(|h| h.id == id)?;
        Some(self.held.remove(at))
    }

    /// The oldest that came from this leg.
    pub(super) fn first(&self, leg: Leg) -> Option<HeldId> {
        self.held.iter().find(|h| h.leg == leg).map(|h| h.id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn octets(&self) -> usize {
        self.held.iter().map(|h| h.octets.len()).sum()
    }
}
