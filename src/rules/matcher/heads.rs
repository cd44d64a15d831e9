//! Which words a text has, as far as the first octets of each tell: of a regex that needs others it is known that it does
//! not match.

use super::atoms::Atom;

/// Octets that are told apart; those behind the end of a word are blanks.
type Head = [u8; 4];

/// A place among so many bits, by the hash of a head.
const BITS: usize = 1_024;

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Heads([u64; BITS / 64]);

impl Heads {
    /// Notes the word with which these octets begin.
    pub(super) fn insert(&mut self, octets: &[u8]) {
        let mut head = octets.first_chunk().copied().unwrap_or_else(|| {
            let mut head = [b' '; 4];
            head.iter_mut().zip(octets).for_each(|(slot, octet)| *slot = *octet);
            head
        });
        blank_behind(&mut head, |octet| matches!(octet, b' ' | b'\n'));
        self.set(place(head));
        // A word of a regex may end where a character of another script follows.
        if !head.is_ascii() && head.first().is_some_and(u8::is_ascii) {
            blank_behind(&mut head, |octet| !octet.is_ascii());
            self.set(place(head));
        }
    }

    fn set(&mut self, place: u16) {
        self.0.get_mut(usize::from(place / 64)).into_iter().for_each(|word| *word |= 1 << (place % 64));
    }

    /// Whether there may be a word that begins so.
    pub(super) fn has(&self, place: u16) -> bool {
        self.0.get(usize::from(place / 64)).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}

/// The place of the head of every word with which a literal begins that begins one; none when there are many.
pub(super) fn place_of(atom: &Atom) -> Option<u16> {
    let octets = atom.text.as_bytes();
    let mut head: Head = [b' '; 4];
    head.iter_mut().zip(octets).for_each(|(slot, octet)| *slot = *octet);
    blank_behind(&mut head, |octet| octet == b' ');
    let is_whole = octets.len() >= 4 || octets.contains(&b' ') || (atom.ends && octets.is_ascii());
    (atom.begins && is_whole).then(|| place(head))
}

fn blank_behind(head: &mut Head, is_end: impl Fn(u8) -> bool) {
    let end = head.iter().position(|octet| is_end(*octet)).unwrap_or(head.len());
    head.iter_mut().skip(end).for_each(|octet| *octet = b' ');
}

fn place(head: Head) -> u16 {
    let hash = u32::from_le_bytes(head).wrapping_mul(0x9e37_79b1);
    u16::try_from(hash >> (32 - BITS.trailing_zeros())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_a_text_begins_with_may_be_there() {
        let atom = |text: &str, ends: bool| Atom { text: text.into(), begins: true, ends };
        let has = |text: &str, literal: &str, ends: bool| {
            let mut heads = Heads::default();
            heads.insert(text.as_bytes());
            place_of(&atom(literal, ends)).map(|place| heads.has(place))
        };
        for (text, literal, ends) in [
            ("get", "get", true),
            ("get it", "get", true),
            ("get½", "get", true),
            ("getting", "gett", false),
            ("getting", "getting", true),
            ("a b", "a b", false),
            ("a bc", "a b", false),
            ("กสิกร", "กสิ", false),
            ("é so", "é so", true),
        ] {
            assert_eq!(has(text, literal, ends), Some(true), "{text} {literal}");
        }
        assert_eq!(has("getting", "get", true), Some(false));
        assert_eq!(has("get", "gets", true), Some(false));
        assert_eq!(has("getting", "get", false), None, "many words begin so");
        assert_eq!(has("ж½", "ж", true), None);
    }
}
