//! What goes into a session and comes out of it, in the words of its contract.

#[cfg(doc)]
use super::Session;
use super::{BindKind, Fault, HeldId, Leg, Outstanding};
use crate::limits;
use crate::wire::command::CommandStatus;
use crate::wire::frame::Header;

/// Bounds of one session, each in config under `limits:`.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest `command_length`, in octets.
    pub pdu_octets_max: u32,
    /// Octets buffered for one leg before the other is no longer read.
    pub leg_octets_max: usize,
    /// Requests outstanding in one direction before no more are read.
    pub outstanding_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            pdu_octets_max: limits::PDU_OCTETS_MAX,
            leg_octets_max: limits::LEG_BUFFER_OCTETS_MAX,
            outstanding_max: limits::OUTSTANDING_MAX,
        }
    }
}

/// How a peer's side of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It sends no more; it may still read.
    Eof,
    /// It reads no more; what it has sent may still be on its way, and its end comes behind that.
    Unwritable,
    /// The connection is gone.
    Reset,
}

/// What [`Session::poll`] found.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A bind was read: connect to the SMSC of [`Session::system_id`].
    Connect,
    /// The SMSC accepted the bind.
    Bound(BindKind),
    /// The SMSC refused it.
    BindRefused(CommandStatus),
    /// An unbind was answered.
    Unbound,
    /// A request waits for its disposition: a message, or a PDU that is not of the standard.
    Request {
        /// To borrow and to dispose of it.
        id: HeldId,
        /// Where it came from.
        leg: Leg,
        /// Its header.
        header: Header,
    },
    /// The answer to a request with a token waits for its disposition.
    Answer {
        /// To borrow and to dispose of it.
        id: HeldId,
        /// Where it came from.
        leg: Leg,
        /// Its header.
        header: Header,
        /// What it answers.
        request: Outstanding,
    },
    /// A request with a token was forwarded to `leg` and is still unanswered: at a close, or when its time was over.
    InDoubt {
        /// Where it went.
        leg: Leg,
        /// The request.
        request: Outstanding,
    },
    /// A deferred PDU dies with its leg: look at it with [`Session::held`], then dispose of it with
    /// [`Disposition::Drop`].
    Abandoned {
        /// To borrow and to dispose of it.
        id: HeldId,
        /// Where it came from.
        leg: Leg,
    },
    /// A peer did what it should not.
    Fault(Leg, Fault),
    /// A PDU went by, or was answered here.
    Progress,
}

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
