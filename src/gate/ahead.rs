//! Looking ahead: of the messages that came in one read it is known who sends them before the first one is judged, so that
//! memory can have the processor fetch what it keeps of all of them at once.

use super::{Context, Gate, Scratch};
use crate::reputation::{AHEAD_MAX, Kind};
use crate::session::Leg;
use crate::wire::body;
use crate::wire::command::CommandId;
use crate::wire::frame::{self, Frame};

impl Gate {
    /// Looks at the messages of the ESME that have come and have not been looked at; at none that came alone.
    pub(super) fn look_ahead(&mut self, cx: &mut Context<'_>) {
        let (start, unread) = self.session.unread(Leg::Esme);
        if start < self.looked_to || self.account.is_none() || self.is_unasked(cx.policy) {
            return;
        }
        let seen = || pdus(unread, self.settings.bounds.pdu_octets_max).take(AHEAD_MAX);
        self.looked_to = start + seen().map(|pdu| pdu.len() as u64).sum::<u64>();
        if seen().nth(1).is_none() {
            return;
        }
        let home = cx.policy.account(self.account().unwrap_or_default()).home;
        let Scratch { envelope, keys, .. } = &mut *cx.scratch;
        let reputation = &cx.memory.reputation;
        let senders = seen().filter_map(|pdu| {
            let sender = envelope.read_sender(&body::source(pdu)?, home);
            keys.address(&sender, Kind::Sender, reputation)
        });
        reputation.look_ahead(senders);
    }
}

/// The whole submit_sm that octets begin with, one after another; the first of anything else ends them.
fn pdus(octets: &[u8], octets_max: u32) -> impl Iterator<Item = &[u8]> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let Ok(Frame::Whole { header }) = frame::frame(rest, octets_max) else { return None };
        let len = usize::try_from(header.command_length).ok()?;
        let (pdu, others) = rest.split_at_checked(len)?;
        rest = others;
        (header.command_id == CommandId::SUBMIT_SM).then_some(pdu)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::memory::Keys;
    use crate::message::{AccountFacts, Direction, Envelope, ReadAs};
    use crate::reputation::{Reputation, Settings};
    use crate::text::number::Country;
    use crate::time::Timestamp;
    use crate::wire::body::{Body, Parsed};

    fn pdu(command_id: u32, body: &[u8]) -> Vec<u8> {
        let words = [u32::try_from(16 + body.len()).unwrap(), command_id, 0, 7];
        words.into_iter().flat_map(u32::to_be_bytes).chain(body.iter().copied()).collect()
    }

    fn submit_sm(ton: u8, source: &[u8]) -> Vec<u8> {
        let to = b"\0\x01\x0166812345678\0\0\0\0\0\0\x01\0\0\0\x02hi";
        pdu(4, &[&[0, ton, 1], source, to].concat())
    }

    #[test]
    fn whole_messages_are_seen_up_to_the_first_other_pdu() {
        let (one, other) = (submit_sm(1, b"6591234567"), submit_sm(5, b"DBS"));
        let all = [one.clone(), other.clone(), pdu(0x15, &[]), one.clone()].concat();
        assert_eq!(pdus(&all, 10_000).collect::<Vec<_>>(), [&one[..], &other[..]]);
        assert_eq!(pdus(&all[..one.len() + 20], 10_000).count(), 1, "the second is not whole");
        assert_eq!(pdus(&[0, 0, 0, 3, 0, 0], 10_000).count(), 0);
    }

    #[test]
    fn a_sender_has_ahead_the_key_that_it_has_when_it_is_judged() {
        let reputation = Reputation::new(Settings::default(), Timestamp(0));
        let home = Country::parse("SG");
        let (mut envelope, mut keys) = (Envelope::default(), Keys::default());
        for (ton, source) in
            [(1, &b"6591234567"[..]), (2, b"91234567"), (0, b"77266"), (5, b"DBS Bank"), (5, b"caf\xe9")]
        {
            let octets = submit_sm(ton, source);
            let source = body::source(&octets).unwrap();
            let ahead = keys.address(&envelope.read_sender(&source, home), Kind::Sender, &reputation);
            let Parsed::Understood(_, Body::SubmitSm(sm)) = body::parse(&octets) else { panic!("{octets:?}") };
            let mut keys = Keys::default();
            envelope.read_sm(CommandId::SUBMIT_SM, &sm, ReadAs { home, ..ReadAs::default() });
            let account = AccountFacts { home, ..AccountFacts::default() };
            keys.read(&envelope.message(Direction::Mt, account, None, Timestamp(0)), &reputation);
            assert!(ahead.is_some());
            assert_eq!(ahead, keys.traits.key(Kind::Sender), "{source:?}");
        }
    }
}
