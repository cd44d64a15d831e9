//! ASCII: most octets stay where they are, and those that do not are found many at a time.

use super::pass::Pass;
use super::suspicion::{all, digit, letter};

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

    /// Takes in a stretch, a vector at a time.
    fn many(&mut self, run: &[u8], at: usize) {
        let len = run.len();
        let start = self.to.shape.len();
        self.to.shape.extend_from_slice(run);
        self.to.shape.resize(start + len.next_multiple_of(MANY), b' ');
        let from = |n: usize| self.to.shape.get(n..).unwrap_or_default();
        let with_before = from(start).iter().zip(from(start - 1));
        let mut judged = std::mem::take(&mut self.to.judged);
        judged.clear();
        judged.extend(with_before.map(|(octet, before)| is_judged(*octet, *before)));
        self.to.shape.truncate(start + len);
        let end = at + len;
        for (many, start) in judged.as_chunks::<MANY>().0.iter().zip((at..).step_by(MANY)) {
            let mut here = u128::from_le_bytes(*many);
            while here != 0 {
                let at = start + here.trailing_zeros() as usize / 8;
                here &= here - 1;
                if let Some(octet) = self.text.as_bytes().get(at).filter(|_| at < end) {
                    self.judge(*octet, at);
                }
            }
        }
        self.to.judged = judged;
    }

    /// Takes in a few octets, for which a vector is not worth while.
    fn few(&mut self, run: &[u8], at: usize) {
        let mut before = self.to.shape.last().copied().unwrap_or(b' ');
        for (octet, at) in run.iter().zip(at..) {
            self.to.shape.push(*octet);
            if is_judged(*octet, before) != 0 {
                self.judge(*octet, at);
            }
            before = *octet;
        }
    }

    /// Takes in an octet that is not copied.
    fn judge(&mut self, octet: u8, at: usize) {
        if matches!(octet, 0..=b'\t' | 0x0b..=0x1f | 0x7f) {
            self.plain(at, 1, [' '].into_iter());
        }
        if self.after_gap(at) || (matches!(octet, b'\'' | b'`') && self.apostrophe(at, 1)) {
            self.skip(at, 1);
        } else {
            self.blank(at);
        }
    }
}

/// One bit when an octet is not simply copied: when it is neither letter nor digit, nor a blank behind one.
fn is_judged(octet: u8, before: u8) -> u8 {
    let in_word = |octet: u8| letter(octet) | digit(octet) | all(octet >= 0x80);
    !(in_word(octet) | all(octet == b' ') & in_word(before)) & 1
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
