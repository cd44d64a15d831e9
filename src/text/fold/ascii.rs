//! ASCII: a table says what an octet is, and most octets stay where they are.

use super::pass::{Pass, joins};
use super::suspicion::Roles;

/// What an octet is.
#[derive(Clone, Copy)]
struct Octet {
    /// Itself as a small letter; a blank for whatever parts words.
    small: u8,
    /// Whether it is copied as it is, unless it is a blank behind a gap.
    is_kept: bool,
    roles: Roles,
}

impl Octet {
    const fn of(octet: u8) -> Self {
        let (small, is_kept, roles) = match octet {
            b'a'..=b'z' | b'A'..=b'Z' => (octet | 0x20, true, Roles::LETTER),
            b'0'..=b'9' => (octet, true, Roles::DIGIT),
            b' ' => (b' ', true, Roles::GAP),
            b'@' | b'$' | b'!' | b'|' => (b' ', false, Roles::STANDS_FOR),
            b'\'' | b'`' | 0..=0x1f | 0x7f => (b' ', false, Roles::GAP),
            _ => (b' ', false, Roles::SIGN),
        };
        Self { small, is_kept, roles }
    }
}

static OCTETS: [Octet; 128] = {
    let mut octets = [Octet::of(0); 128];
    let mut rest: &mut [Octet] = &mut octets;
    let mut octet = 0;
    while let Some((first, others)) = rest.split_first_mut() {
        *first = Octet::of(octet);
        rest = others;
        octet += 1;
    }
    octets
};

impl Pass<'_> {
    /// Takes in ASCII from `at` on; how many octets.
    pub(super) fn ascii(&mut self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let mut last = if self.marks > 0 { '\0' } else { self.last };
        let mut len = 0;
        for octet in rest {
            let Some(what) = OCTETS.get(usize::from(*octet)) else { break };
            let is_same = char::from(what.small) == last;
            last = char::from(what.small);
            self.to.cast.push(if is_same { what.roles.and(Roles::SAME) } else { what.roles });
            if !what.is_kept || (is_same && *octet == b' ') {
                self.judge(*octet, at + len);
            }
            len += 1;
        }
        (self.last, self.mark, self.marks) = (last, '\0', 0);
        len
    }

    /// Takes in an octet that is not copied.
    fn judge(&mut self, octet: u8, at: usize) {
        if matches!(octet, 0..=b'\t' | 0x0b..=0x1f | 0x7f) {
            self.plain(at, 1, [' '].into_iter());
        }
        if self.after_gap(at) || (matches!(octet, b'\'' | b'`') && joins(self.text, at, 1)) {
            self.skip(at, 1);
        } else {
            self.folded(at, 1, " ");
        }
    }
}
