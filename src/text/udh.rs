//! The user data header (3GPP TS 23.040 §9.2.3.24): skipped before the text, and read for what rules ask of it.

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

/// What a header says.
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
}

/// Parts a header from what follows it. None when its length is not true.
#[must_use]
pub fn split(user_data: &[u8]) -> Option<(Udh, &[u8])> {
    let (length, rest) = user_data.split_first()?;
    let (header, text) = rest.split_at_checked(usize::from(*length))?;
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
            _ => {}
        }
        left = after;
    }
    left.is_empty().then_some((udh, text))
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
        assert_eq!(split(&[3, 0, 9, 1]), None);
        assert_eq!(split(&[]), None);
    }
}
