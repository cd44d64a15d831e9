//! ASCII: most octets stay where they are, and those that do not are found many at a time.

use super::pass::Pass;
use super::suspicion::{all, digit, letter};
use crate::text::block::{BLOCK, bits, padded};

/// Octets looked at together: one vector.
const MANY: usize = 16;

impl Pass<'_> {
    /// Takes in ASCII from `at` on; how many octets.
    pub(super) fn ascii(&mut self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let len = ascii_len(rest);
        let Some((run, last)) = rest.get(..len).and_then(|run| Some((run, *run.last()?))) else { return len };
        if len < MANY {
            self.few(run, at);
        } else {
            self.many(run, at);
        }
        // An apostrophe that joins is as if it were not there.
        let kept = || self.to.folded.as_bytes().last().copied().filter(u8::is_ascii).unwrap_or(b' ');
        let last = if matches!(last, b'\'' | b'`') { kept() } else { last };
        (self.last, self.mark, self.marks) = (char::from(last.to_ascii_lowercase()), '\0', 0);
        len
    }

    /// Takes in a stretch, a block at a time.
    fn many(&mut self, run: &[u8], at: usize) {
        let mut before = u64::from(self.to.shape.last().is_some_and(|before| in_word(*before) != 0));
        self.to.shape.extend_from_slice(run);
        let (blocks, rest) = run.as_chunks::<BLOCK>();
        for (block, start) in blocks.iter().zip((at..).step_by(BLOCK)) {
            before = self.block(block, start, before, u64::MAX);
        }
        if !rest.is_empty() {
            self.block(&padded(rest), at + run.len() - rest.len(), before, !(u64::MAX << rest.len()));
        }
    }

    /// Takes in the octets of a block that are `among` it; whether the last is of a word, as `before` says it of the one
    /// before the first.
    fn block(&mut self, block: &[u8; BLOCK], start: usize, before: u64, among: u64) -> u64 {
        let words = bits(block, |octet| in_word(octet) != 0);
        let behind_words = words << 1 | before;
        let blanks = bits(block, |octet| octet == b' ') & behind_words;
        let mut judged = !(words | blanks) & among;
        while judged != 0 {
            let bit = judged.trailing_zeros() as usize;
            judged &= judged - 1;
            self.judge(block.get(bit).copied().unwrap_or_default(), start + bit, behind_words >> bit & 1 == 1);
        }
        words >> (BLOCK - 1)
    }

    /// Takes in a few octets, for which a vector is not worth while.
    fn few(&mut self, run: &[u8], at: usize) {
        let mut before = self.to.shape.last().copied().unwrap_or(b' ');
        for (octet, at) in run.iter().zip(at..) {
            self.to.shape.push(*octet);
            if is_judged(*octet, before) {
                self.judge(*octet, at, in_word(before) != 0);
            }
            before = *octet;
        }
    }

    /// Takes in an octet that is not copied; `behind_word` says whether the character before it is of a word.
    fn judge(&mut self, octet: u8, at: usize, behind_word: bool) {
        if matches!(octet, 0..=b'\t' | 0x0b..=0x1f | 0x7f) {
            self.plain(at, 1, [' '].into_iter());
        }
        if (!behind_word && self.after_gap(at)) || (matches!(octet, b'\'' | b'`') && self.apostrophe(at, 1)) {
            self.skip(at, 1);
        } else if octet != b' ' {
            // A blank behind it is kept in its place.
            match self.text.as_bytes().get(at + 1) {
                Some(b' ') => self.skip(at, 1),
                _ => self.blank(at),
            }
        }
    }
}

/// Whether an octet is not simply copied: when it is neither letter nor digit, nor a blank behind one.
fn is_judged(octet: u8, before: u8) -> bool {
    in_word(octet) == 0 && (octet != b' ' || in_word(before) == 0)
}

/// All bits for the shape of a letter or a digit.
fn in_word(shape: u8) -> u8 {
    letter(shape) | digit(shape) | all(shape >= 0x80)
}

/// Octets of ASCII at the start.
fn ascii_len(octets: &[u8]) -> usize {
    const HIGH: u128 = 0x8080_8080_8080_8080_8080_8080_8080_8080;
    let mut len = 0;
    for many in octets.as_chunks::<MANY>().0 {
        let high = u128::from_le_bytes(*many) & HIGH;
        if high != 0 {
            return len + high.trailing_zeros() as usize / 8;
        }
        len += MANY;
    }
    len + octets.iter().skip(len).take_while(|octet| octet.is_ascii()).count()
}
