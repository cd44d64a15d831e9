//! Plain counts of one session, without locks or names: whoever drives it adds them up.

use super::leg::{Leg, Legs};
use crate::wire::command::CommandId;

/// What a peer did that it should not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A command_length below 16 or above the maximum: the session ends.
    CommandLength,
    /// A connection that ended inside a PDU.
    Truncated,
    /// A bind whose body cannot be read.
    MalformedBody,
    /// An answer to nothing that was asked.
    UnexpectedResponse,
    /// No octet, not even in answer to an enquire_link.
    Silent,
}

impl Fault {
    /// Every fault, in the order of [`Counters::faults`].
    pub const ALL: [Self; 5] =
        [Self::CommandLength, Self::Truncated, Self::MalformedBody, Self::UnexpectedResponse, Self::Silent];

    /// The label in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CommandLength => "command_length",
            Self::Truncated => "truncated",
            Self::MalformedBody => "malformed_body",
            Self::UnexpectedResponse => "unexpected_response",
            Self::Silent => "silent",
        }
    }
}

/// Command ids that are counted by name, requests and responses in one slot each; anything else is `other`.
const COUNTED: [CommandId; 18] = [
    CommandId::SUBMIT_SM,
    CommandId::DELIVER_SM,
    CommandId::ENQUIRE_LINK,
    CommandId::DATA_SM,
    CommandId::SUBMIT_MULTI,
    CommandId::BIND_TRANSCEIVER,
    CommandId::BIND_TRANSMITTER,
    CommandId::BIND_RECEIVER,
    CommandId::UNBIND,
    CommandId::QUERY_SM,
    CommandId::CANCEL_SM,
    CommandId::REPLACE_SM,
    CommandId::BROADCAST_SM,
    CommandId::QUERY_BROADCAST_SM,
    CommandId::CANCEL_BROADCAST_SM,
    CommandId::OUTBIND,
    CommandId::ALERT_NOTIFICATION,
    CommandId::GENERIC_NACK,
];

/// Slots of [`PduCounts`]: each counted command as request and as response, and one for everything else.
const SLOTS: usize = COUNTED.len() * 2 + 1;

/// PDUs read, by command_id.
#[derive(Clone, Copy, Debug)]
pub struct PduCounts([u64; SLOTS]);

impl Default for PduCounts {
    fn default() -> Self {
        Self([0; SLOTS])
    }
}

impl PduCounts {
    /// Counts above zero with their label: the name of the command_id, or `other`.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().enumerate().filter(|(_, n)| **n > 0).map(|(slot, n)| {
            let command = COUNTED.get(slot / 2).map(|c| if slot % 2 == 0 { *c } else { c.response() });
            (command.and_then(CommandId::name).unwrap_or("other"), *n)
        })
    }

    fn add(&mut self, command: CommandId) {
        let request = command.request();
        let slot = match COUNTED.iter().position(|c| c.request() == request) {
            Some(at) => at * 2 + usize::from(command.is_response()),
            None => SLOTS - 1,
        };
        if let Some(count) = self.0.get_mut(slot) {
            *count += 1;
        }
    }
}

/// What one session has counted since somebody last took it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// PDUs read from each leg.
    pub pdus: Legs<PduCounts>,
    /// Octets read from each leg.
    pub received: Legs<u64>,
    /// Octets written to each leg.
    pub sent: Legs<u64>,
    /// Faults, in the order of [`Fault::ALL`].
    pub faults: [u64; Fault::ALL.len()],
}

impl Counters {
    /// The counts so far; they start again from zero.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    pub(super) fn pdu(&mut self, leg: Leg, command: CommandId) {
        self.pdus.of_mut(leg).add(command);
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        if let Some(count) = Fault::ALL.iter().position(|f| *f == fault).and_then(|at| self.faults.get_mut(at)) {
            *count += 1;
        }
    }
}
