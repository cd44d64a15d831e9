//! ASCII, sixteen octets at a time where nothing is dropped.

use super::pass::{Pass, ascii_len, joins};
use super::suspicion::{DIGIT, GAP, LETTER, SAME, SIGN, STANDS_FOR};

/// Octets taken in at a time.
const MANY: usize = 16;

impl Pass<'_> {
    /// Takes in ASCII from `at` on; how many octets.
    pub(super) fn ascii(&mut self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let len = ascii_len(rest);
        let Some(run) = rest.get(..len) else { return len };
        if len < MANY {
            run.iter().zip(at..).for_each(|(octet, at)| self.octet(*octet, at));
            return len;
        }
        self.keep_folded(at);
        let mut at = at;
        let mut chunks = run.chunks_exact(MANY);
        for chunk in chunks.by_ref() {
            let octets: &[u8; MANY] = chunk.try_into().unwrap_or(&[0; MANY]);
            if !self.many(octets, at) {
                chunk.iter().zip(at..).for_each(|(octet, at)| self.octet(*octet, at));
                self.keep_folded(at + MANY);
            }
            at += MANY;
        }
        chunks.remainder().iter().zip(at..).for_each(|(octet, at)| self.octet(*octet, at));
        len
    }

    /// Takes in many octets if none of them is to be dropped or judged.
    fn many(&mut self, octets: &[u8; MANY], at: usize) -> bool {
        let small = octets.map(small);
        let mut before = [b' '; MANY];
        before.iter_mut().skip(1).zip(&small).for_each(|(before, small)| *before = *small);
        if !self.after_gap(at)
            && let Some(first) = before.first_mut()
        {
            *first = u8::try_from(self.last).unwrap_or(b'?');
        }
        let is_judged = |((octet, small), before): ((&u8, &u8), &u8)| {
            let is_dropped = (*small == b' ') & (*before == b' ');
            u8::from(is_dropped | (*octet == b'\'') | (*octet == b'`') | ((*octet < b' ') & (*octet != b'\n')))
        };
        if octets.iter().zip(&small).zip(&before).map(is_judged).fold(0, |any, judged| any | judged) != 0 {
            return false;
        }
        let mut classes = octets.map(class);
        for ((class, small), before) in classes.iter_mut().zip(&small).zip(&before) {
            *class |= if small == before { SAME } else { 0 };
        }
        self.to.classes.extend_from_slice(&classes);
        self.to.folded_map.run(self.to.folded.len(), at);
        self.to.folded.extend_from_slice(&small);
        self.folded_from = at + MANY;
        self.last = small.last().map_or(' ', |last| char::from(*last));
        true
    }

    /// Takes in one octet.
    fn octet(&mut self, octet: u8, at: usize) {
        match octet {
            b'\'' | b'`' if joins(self.text, at, 1) => self.skip(at, 1),
            b'0'..=b'9' => self.letter(DIGIT, char::from(octet)),
            b'a'..=b'z' | b'A'..=b'Z' => self.letter(LETTER, char::from(octet.to_ascii_lowercase())),
            b'\n' | b' '..=0x7e => self.gap(class(octet), at, 1),
            _ => {
                self.plain(at, 1, [' '].into_iter());
                self.gap(GAP, at, 1);
            }
        }
    }
}

/// The octet in the matching form.
fn small(octet: u8) -> u8 {
    let is_letter = (octet | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = octet.wrapping_sub(b'0') < 10;
    let letter = octet | 0x20;
    let other = if is_digit { octet } else { b' ' };
    if is_letter { letter } else { other }
}

/// What an octet may be a sign of.
fn class(octet: u8) -> u8 {
    let is_letter = (octet | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = octet.wrapping_sub(b'0') < 10;
    let is_space = (octet <= b' ') | (octet == b'\'') | (octet == b'`');
    let stands_for = (octet == b'@') | (octet == b'$') | (octet == b'!') | (octet == b'|');
    let sign = if is_space { GAP } else { GAP | SIGN };
    let sign = if stands_for { GAP | SIGN | STANDS_FOR } else { sign };
    let other = if is_digit { DIGIT } else { sign };
    if is_letter { LETTER } else { other }
}
