//! What a gate holds: parts that wait for their message, and whole messages that wait behind them.

use std::collections::VecDeque;

use crate::session::{HeldId, Leg, Legs};
use crate::text::concat::Key;
use crate::time::Timestamp;
use crate::wire::command::RegisteredDelivery;
use crate::wire::frame::Header;

/// What a gate holds.
#[derive(Debug, Default)]
pub(super) struct Holding {
    /// In the order in which they came.
    pub(super) waiting: VecDeque<Waiting>,
    /// Requests that a peer has been seen to leave open before it stopped to wait; none while it has not.
    pub(super) windows: Legs<Option<usize>>,
    /// Something may be ready.
    pub(super) changed: bool,
    /// A whole message is being let go: it was the first between its ends, and waits behind none that came after it.
    pub(super) letting_go: bool,
}

/// A message that is held: parts of one, or a whole one behind them.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) leg: Leg,
    /// Between whom; several for a submit_multi.
    pub(super) ends: Vec<u128>,
    pub(super) since: Timestamp,
    /// None for a whole message.
    pub(super) parts: Option<(Key, u64)>,
    pub(super) members: Vec<Member>,
}

/// One PDU that is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) id: HeldId,
    pub(super) header: Header,
    pub(super) registered: RegisteredDelivery,
    pub(super) number: u8,
}

impl Holding {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Has [`super::Gate::release_ready`] look again.
    pub(super) fn look_again(&mut self) {
        self.changed = !self.waiting.is_empty();
    }

    /// PDUs held that came from this leg.
    pub(super) fn held(&self, leg: Leg) -> usize {
        self.waiting.iter().filter(|w| w.leg == leg).map(|w| w.members.len()).sum()
    }

    /// Whether something that came from this leg is held between the same ends.
    pub(super) fn is_behind(&self, leg: Leg, ends: &[u128]) -> bool {
        self.waiting.iter().any(|w| w.leg == leg && w.ends.iter().any(|e| ends.contains(e)))
    }

    /// Holds a PDU: with the other parts of its message, or by itself.
    pub(super) fn hold(
        &mut self,
        leg: Leg,
        ends: Vec<u128>,
        parts: Option<(Key, u64)>,
        member: Member,
        now: Timestamp,
    ) {
        let same = |w: &&mut Waiting| w.leg == leg && w.parts.is_some() && w.parts == parts;
        match self.waiting.iter_mut().find(same) {
            Some(waiting) => waiting.members.push(member),
            None => self.waiting.push_back(Waiting { leg, ends, since: now, parts, members: vec![member] }),
        }
    }

    /// Takes out a PDU that waits no longer.
    pub(super) fn take(&mut self, id: HeldId) -> Option<Member> {
        let at = self.waiting.iter().position(|w| w.members.iter().any(|m| m.id == id))?;
        let waiting = self.waiting.get_mut(at)?;
        let member = waiting.members.iter().position(|m| m.id == id).map(|n| waiting.members.remove(n));
        if waiting.members.is_empty() {
            self.waiting.remove(at);
        }
        self.changed = true;
        member
    }
}
