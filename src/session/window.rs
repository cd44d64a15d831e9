//! Requests that wait for their answers, in the order in which they were sent.
//!
//! A `sequence_number` is no key: peers reuse numbers that are still outstanding, and then both requests wait, to be
//! answered in order. Most answers come in order too, so they are found at the front.

use std::collections::VecDeque;

use crate::time::Timestamp;
use crate::wire::command::CommandId;

/// Who made a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The peer on the other leg: the answer goes to it.
    Peer,
    /// Tapis: the answer is swallowed.
    Tapis,
}

/// One request without an answer.
#[derive(Clone, Copy, Debug)]
pub struct Outstanding {
    /// Its number, as sent.
    pub sequence_number: u32,
    /// What was asked.
    pub command_id: CommandId,
    /// Who asked.
    pub asker: Asker,
    /// The number that whoever disposed of it gave it, to know it again; 0 for none.
    pub token: u64,
    /// When it was queued.
    pub sent: Timestamp,
    /// The response timer ran out: it no longer counts, but a late answer still finds its asker.
    pub expired: bool,
}

/// Requests sent to one leg.
#[derive(Debug, Default)]
pub(super) struct Window {
    requests: VecDeque<Outstanding>,
    expired: usize,
}

/// Late answers are waited for by at most this many requests.
const EXPIRED_MAX: usize = 1_000;

impl Window {
    /// Requests that wait in time.
    pub(super) fn len(&self) -> usize {
        self.requests.len() - self.expired
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, request: Outstanding) {
        self.requests.push_back(request);
    }

    /// Whether Tapis itself waits for an answer to this number.
    pub(super) fn owns(&self, sequence_number: u32) -> bool {
        self.requests.iter().any(|r| r.asker == Asker::Tapis && r.sequence_number == sequence_number)
    }

    /// Whether anybody waits for an answer to this number.
    pub(super) fn contains(&self, sequence_number: u32) -> bool {
        self.requests.iter().any(|r| r.sequence_number == sequence_number)
    }

    /// Takes out the request that a response answers: the oldest of that number and command, else (a generic_nack, or
    /// a peer that answers with another command) the oldest of that number.
    pub(super) fn answer(&mut self, response: CommandId, sequence_number: u32) -> Option<Outstanding> {
        let same = |r: &Outstanding| r.sequence_number == sequence_number && r.command_id.response() == response;
        let at = self
            .requests
            .iter()
            .position(same)
            .or_else(|| self.requests.iter().position(|r| r.sequence_number == sequence_number))?;
        self.remove(at)
    }

    /// Marks the oldest request in time that was sent before `deadline` as expired.
    pub(super) fn expire(&mut self, deadline: Timestamp) -> Option<Outstanding> {
        let oldest = self.requests.iter_mut().find(|r| !r.expired)?;
        if oldest.sent > deadline {
            return None;
        }
        oldest.expired = true;
        let request = *oldest;
        self.expired += 1;
        if self.expired > EXPIRED_MAX {
            let at = self.requests.iter().position(|r| r.expired)?;
            self.remove(at);
        }
        Some(request)
    }

    /// When the oldest request in time was sent.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.requests.iter().find(|r| !r.expired).map(|r| r.sent)
    }

    /// Takes out any request, the oldest first: its leg is gone.
    pub(super) fn abandon(&mut self) -> Option<Outstanding> {
        self.remove(0)
    }

    fn remove(&mut self, at: usize) -> Option<Outstanding> {
        let request = self.requests.remove(at)?;
        self.expired -= usize::from(request.expired);
        if self.requests.is_empty() && self.requests.capacity() > 1_024 {
            self.requests = VecDeque::new();
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(sequence_number: u32, command_id: CommandId, token: u64) -> Outstanding {
        Outstanding { sequence_number, command_id, asker: Asker::Peer, token, sent: Timestamp(token), expired: false }
    }

    #[test]
    fn a_reused_number_is_answered_in_order() {
        let mut window = Window::default();
        window.push(request(7, CommandId::SUBMIT_SM, 1));
        window.push(request(7, CommandId::ENQUIRE_LINK, 2));
        window.push(request(7, CommandId::SUBMIT_SM, 3));
        let mut answer = |c: CommandId| window.answer(c.response(), 7).map(|r| r.token);
        assert_eq!(answer(CommandId::SUBMIT_SM), Some(1));
        assert_eq!(answer(CommandId::SUBMIT_SM), Some(3));
        assert_eq!(answer(CommandId::ENQUIRE_LINK), Some(2));
        assert_eq!(answer(CommandId::SUBMIT_SM), None);
    }

    #[test]
    fn a_generic_nack_answers_the_oldest_of_its_number() {
        let mut window = Window::default();
        window.push(request(1, CommandId::SUBMIT_SM, 1));
        window.push(request(2, CommandId::DATA_SM, 2));
        assert_eq!(window.answer(CommandId::GENERIC_NACK, 2).map(|r| r.token), Some(2));
        assert_eq!(window.len(), 1);
    }

    #[test]
    fn an_expired_request_still_takes_its_late_answer() {
        let mut window = Window::default();
        window.push(request(1, CommandId::SUBMIT_SM, 1));
        window.push(request(2, CommandId::SUBMIT_SM, 5));
        assert_eq!(window.expire(Timestamp(1)).map(|r| r.token), Some(1));
        assert!(window.expire(Timestamp(1)).is_none());
        assert_eq!(window.len(), 1);
        assert_eq!(window.oldest(), Some(Timestamp(5)));
        assert_eq!(window.answer(CommandId::SUBMIT_SM.response(), 1).map(|r| r.token), Some(1));
        assert_eq!(window.len(), 1);
    }
}
