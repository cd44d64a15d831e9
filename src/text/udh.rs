//! The user data header (3GPP TS 23.040 §9.2.3.24): skipped before the text, and read for what rules ask of it.

use super::national;

/// Which part of a longer message this is (§9.2.3.24.1, §9.2.3.24.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concat {
    /// What the parts of one message have in common.
    pub reference: u16,
    /// Whether the reference has 16 bits.
    pub wide: bool,
    /// How many parts there are.
    pub total: u8,
    /// Which this is, from 1.
    pub number: u8,
}

/// What a header says. Of elements that come twice the last counts (§9.2.3.24).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Udh {
    /// Part of a longer message.
    pub concat: Option<Concat>,
    /// Destination and originator port: for an application, not for reading (§9.2.3.24.3, .4).
    pub ports: Option<(u16, u16)>,
    /// National language locking shift table; 0 for none (§9.2.3.24.16).
    pub locking: u8,
    /// National language single shift table; 0 for none (§9.2.3.24.15).
    pub single: u8,
    /// Whether it is for the SIM: a command packet or another element that 3GPP TS 31.115 defines (0x70–0x7F).
    pub sim: bool,
    /// Whether something in it is not as the standard says: an element of the wrong length, a part that is none of its
    /// message's. It is ignored (§9.2.3.24).
    pub faulty: bool,
    /// Whether its elements do not end where it ends. It is ignored whole.
    pub broken: bool,
}

/// Parts a header from what follows it. None when it is longer than the user data.
#[must_use]
pub fn split(user_data: &[u8]) -> Option<(Udh, &[u8])> {
    let (length, rest) = user_data.split_first()?;
    let (header, text) = rest.split_at_checked(usize::from(*length))?;
    let udh = elements(header).unwrap_or(Udh { faulty: true, broken: true, ..Udh::default() });
    Some((udh, text))
}

fn elements(header: &[u8]) -> Option<Udh> {
    let mut udh = Udh::default();
    let mut left = header;
    while let [id, length, more @ ..] = left {
        let (value, after) = more.split_at_checked(usize::from(*length))?;
        match (*id, value) {
            (0x00, [reference, total, number]) => {
                let reference = u16::from(*reference);
                udh.concat = Some(Concat { reference, wide: false, total: *total, number: *number });
            }
            (0x08, [a, b, total, number]) => {
                let reference = u16::from_be_bytes([*a, *b]);
                udh.concat = Some(Concat { reference, wide: true, total: *total, number: *number });
            }
            (0x04, [to, from]) => udh.ports = Some((u16::from(*to), u16::from(*from))),
            (0x05, [a, b, c, d]) => {
                udh.ports = Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])));
            }
            (0x24, [table]) => udh.single = *table,
            (0x25, [table]) => udh.locking = *table,
            (0x70..=0x7f, _) => udh.sim = true,
            (0x00 | 0x04 | 0x05 | 0x08 | 0x24 | 0x25, _) => udh.faulty = true,
            _ => {}
        }
        left = after;
    }
    udh.faulty |= udh.concat.is_some_and(|c| !(1..=c.total).contains(&c.number));
    left.is_empty().then_some(udh)
}

/// What follows a header that stands where no header is announced: no text begins with a whole header of elements that
/// are all known, each once, so that nothing to read has room in it, and its parts hang together.
pub(super) fn skip_unannounced(user_data: &[u8]) -> Option<&[u8]> {
    let (udh, text) = match user_data {
        [3..=31, 0x00 | 0x04 | 0x05 | 0x08 | 0x24 | 0x25, ..] => split(user_data)?,
        _ => return None,
    };
    let header = user_data.strip_suffix(text)?.get(1..)?;
    if !are_known_and_once(header) {
        return None;
    }
    let says = udh.concat.is_some() || udh.ports.is_some() || udh.locking != 0 || udh.single != 0;
    let tables = [udh.locking, udh.single].iter().all(|n| *n == 0 || national::is_language(*n));
    (says && tables && !udh.faulty && !text.is_empty()).then_some(text)
}

fn are_known_and_once(header: &[u8]) -> bool {
    let (mut left, mut seen) = (header, 0u64);
    while let [id, length, more @ ..] = left {
        let bit = if *id <= 0x25 { 1 << *id } else { 0 };
        if !matches!(id, 0x00 | 0x04 | 0x05 | 0x08 | 0x24 | 0x25) || seen & bit != 0 {
            return false;
        }
        seen |= bit;
        left = more.get(usize::from(*length)..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_skipped_and_a_lying_one_is_told() {
        let (udh, text) = split(&[5, 0, 3, 7, 2, 1, b'h', b'i']).unwrap();
        assert_eq!((udh.concat.map(|c| (c.reference, c.total, c.number)), text), (Some((7, 2, 1)), &b"hi"[..]));
        let (udh, text) = split(&[6, 8, 4, 1, 2, 3, 1, b'x']).unwrap();
        assert_eq!((udh.concat.map(|c| (c.reference, c.wide)), text), (Some((0x0102, true)), &b"x"[..]));
        assert_eq!(split(&[9, 0, 3, 7, 2, 1]), None);
        assert_eq!(split(&[]), None);
        let ignored = Udh { faulty: true, ..Udh::default() };
        let broken = Udh { broken: true, ..ignored };
        assert_eq!(split(&[8, 0, 3, 7, 2, 1, 4, 9, 1, b'x']), Some((broken, &b"x"[..])), "its last element overruns");
        assert_eq!(split(&[4, 0, 2, 7, 2, b'x']), Some((ignored, &b"x"[..])), "an element of the wrong length");
        assert!(split(&[5, 0, 3, 7, 2, 3, b'x']).unwrap().0.faulty, "part 3 of 2");
    }

    #[test]
    fn a_header_that_nothing_announces_is_found() {
        assert_eq!(skip_unannounced(&[5, 0, 3, 7, 2, 1, b'h', b'i']), Some(&b"hi"[..]));
        assert_eq!(skip_unannounced(&[3, 0x24, 1, 4, b'h']), Some(&b"h"[..]));
        assert_eq!(skip_unannounced(&[5, 0, 3, 7, 2, 3, b'h', b'i']), None, "part 3 of 2");
        assert_eq!(skip_unannounced(b"Hello there, how are you"), None);
        assert_eq!(skip_unannounced(&[9, 0, 3, 7, 2, 1, 0x60, 2, b'h', b'i', b'x']), None, "room for words");
        assert_eq!(skip_unannounced(&[10, 0, 3, 7, 2, 1, 0, 3, 8, 2, 1, b'x']), None, "twice");
        assert_eq!(skip_unannounced(&[0, 0x48, 0, 0x69]), None);
    }
}
