//! Whole PDUs out of what is read from a leg, without passwords.

use std::borrow::Cow;
use std::sync::Arc;

use crate::limits::PDU_OCTETS_MAX;
use crate::session::{Leg, Legs};
use crate::wire::body;
use crate::wire::command::CommandId;
use crate::wire::frame::{self, Frame, HEADER_OCTETS};

/// One session's tap: it frames what both legs send, by itself, so that the session does not know of it.
#[derive(Debug, Default)]
pub struct Tap {
    rest: Legs<Vec<u8>>,
    /// A command_length lied: nobody knows where the next PDU begins.
    deaf: Legs<bool>,
    account: Arc<str>,
}

impl Tap {
    /// Takes octets read from a leg, and hands on each whole PDU with the system_id of the session's last bind.
    pub fn read(&mut self, leg: Leg, octets: &[u8], mut tell: impl FnMut(&Arc<str>, Cow<'_, [u8]>)) {
        if *self.deaf.of(leg) {
            return;
        }
        let mut kept = std::mem::take(self.rest.of_mut(leg));
        let mut rest = if kept.is_empty() {
            octets
        } else {
            kept.extend_from_slice(octets);
            kept.as_slice()
        };
        loop {
            match frame::frame(rest, PDU_OCTETS_MAX) {
                Ok(Frame::Whole { header }) => {
                    let length = usize::try_from(header.command_length).unwrap_or(usize::MAX);
                    let (pdu, behind) = rest.split_at(length.min(rest.len()));
                    if leg == Leg::Esme && is_bind(header.command_id) {
                        let system_id = body::system_id(pdu).map(String::from_utf8_lossy).unwrap_or_default();
                        self.account = system_id.into();
                    }
                    tell(&self.account, without_password(pdu));
                    rest = behind;
                }
                Ok(Frame::Partial { .. }) => break,
                Err(_) => {
                    *self.deaf.of_mut(leg) = true;
                    rest = &[];
                    break;
                }
            }
        }
        *self.rest.of_mut(leg) = rest.to_vec();
    }
}

fn is_bind(command: CommandId) -> bool {
    matches!(command, CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER)
}

/// A PDU that tells nobody's password: of a bind and an outbind it is empty, and one in which it cannot be found has
/// nothing but its header.
#[must_use]
pub fn without_password(pdu: &[u8]) -> Cow<'_, [u8]> {
    let is_secret = |h: frame::Header| is_bind(h.command_id) || h.command_id == CommandId::OUTBIND;
    if !frame::header(pdu).is_some_and(is_secret) {
        return Cow::Borrowed(pdu);
    }
    let (head, body) = pdu.split_at(HEADER_OCTETS.min(pdu.len()));
    let mut out = head.to_vec();
    let mut fields = body.splitn(3, |octet| *octet == 0);
    if let (Some(system_id), Some(_), Some(rest)) = (fields.next(), fields.next(), fields.next()) {
        out.extend_from_slice(system_id);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(rest);
    }
    let length = u32::try_from(out.len()).unwrap_or(u32::MAX).to_be_bytes();
    out.iter_mut().zip(length).for_each(|(octet, l)| *octet = l);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::body::{Body, Parsed};
    use crate::wire::command::CommandStatus;
    use crate::wire::encode;
    use crate::wire::field::Address;

    fn bind(command: CommandId) -> Vec<u8> {
        let mut out = Vec::new();
        encode::pdu(&mut out, command, CommandStatus::ESME_ROK, 1, |out| {
            encode::c_octet_string(out, b"agg-1");
            encode::c_octet_string(out, b"hunter2");
            encode::c_octet_string(out, b"VMA");
            out.push(0x34);
            encode::address(out, &Address::default());
        });
        out
    }

    fn has(octets: &[u8], what: &[u8]) -> bool {
        octets.windows(what.len()).any(|w| w == what)
    }

    #[test]
    fn a_bind_keeps_all_but_its_password() {
        for command in [CommandId::BIND_TRANSCEIVER, CommandId::BIND_RECEIVER, CommandId::BIND_TRANSMITTER] {
            let bind = bind(command);
            let shown = without_password(&bind);
            let Parsed::Understood(header, Body::Bind(bind)) = body::parse(&shown) else { panic!("{shown:?}") };
            assert_eq!(usize::try_from(header.command_length).unwrap(), shown.len());
            assert_eq!((bind.system_id, bind.password, bind.system_type), (&b"agg-1"[..], &b""[..], &b"VMA"[..]));
            assert!(!has(&shown, b"hunter2"));
        }
        assert!(!has(&without_password(&bind(CommandId::OUTBIND)), b"hunter2"));
    }

    #[test]
    fn a_bind_that_cannot_be_read_is_a_header() {
        let mut broken = bind(CommandId::BIND_TRANSCEIVER);
        broken.truncate(HEADER_OCTETS + 8);
        let shown = without_password(&broken);
        assert_eq!((shown.len(), shown[3]), (HEADER_OCTETS, 16));
    }

    #[test]
    fn chunking_is_invisible_and_a_lying_length_ends_it() {
        let mut enquire = Vec::new();
        encode::header_only(&mut enquire, CommandId::ENQUIRE_LINK, 7);
        let stream = [&bind(CommandId::BIND_TRANSCEIVER)[..], &enquire, &enquire, &[0, 0, 0, 1], &enquire].concat();
        for size in 1..=stream.len() {
            let mut tap = Tap::default();
            let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
            for octets in stream.chunks(size) {
                tap.read(Leg::Esme, octets, |account, pdu| seen.push((account.to_string(), pdu.into_owned())));
            }
            assert_eq!(seen.len(), 3, "reads of {size}");
            assert!(seen.iter().all(|(account, pdu)| account == "agg-1" && !has(pdu, b"hunter2")));
            assert_eq!(seen[2].1, enquire);
        }
    }
}
