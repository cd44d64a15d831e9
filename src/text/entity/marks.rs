//! One cheap pass over a text: where its digits and signs stand.
//!
//! Every entity has a digit or a sign in it or beside it, and most of a text is letters and spaces, which are skipped
//! eight octets at a time. Finders look only where a mark stands, so that a text without marks costs this pass alone.

/// Digits that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Run {
    pub(super) fn len(self) -> usize {
        self.end - self.start
    }
}

/// What a text has that an entity may stand at; reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Runs of ASCII digits, in order.
    pub(super) runs: Vec<Run>,
    /// Octets with one of the signs that links and handles are written with, in order.
    pub(super) signs: Vec<usize>,
    /// Whether there is a character beyond ASCII.
    pub(super) beyond_ascii: bool,
}

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 128;

impl Marks {
    /// Reads a text.
    pub(super) fn read(&mut self, text: &str) {
        self.runs.clear();
        self.signs.clear();
        let (chunks, rest) = text.as_bytes().as_chunks::<8>();
        let mut high = 0;
        for (n, chunk) in chunks.iter().enumerate() {
            high |= self.chunk(u64::from_le_bytes(*chunk), n * 8);
        }
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        high |= self.chunk(u64::from_le_bytes(last), chunks.len() * 8);
        self.beyond_ascii = high & HIGHS != 0;
    }

    /// Eight octets that begin at `at`.
    fn chunk(&mut self, octets: u64, at: usize) -> u64 {
        let mut found = between(octets, 0x20, 0x41) | between(octets, 0x5a, 0x61);
        while found != 0 {
            let bit = found.trailing_zeros();
            let here = at + (bit / 8) as usize;
            let octet = (octets >> (bit & !7)) & 0xff;
            if (0x30..=0x39).contains(&octet) {
                match self.runs.last_mut() {
                    Some(run) if run.end == here => run.end += 1,
                    _ => self.runs.push(Run { start: here, end: here + 1 }),
                }
            } else if is_sign(octet) {
                self.signs.push(here);
            }
            found &= found - 1;
        }
        octets
    }
}

/// `( , . / : = @ [ \ _` and what else links and handles are written with.
fn is_sign(octet: u64) -> bool {
    const SIGNS: [u64; 2] = {
        let mut set = [0; 2];
        let mut rest: &[u8] = b"(,./:=@[\\_";
        while let [octet, after @ ..] = rest {
            set[(*octet >> 6) as usize] |= 1 << (*octet & 63);
            rest = after;
        }
        set
    };
    let [low, high] = SIGNS;
    (if octet < 64 { low } else { high }) >> (octet & 63) & 1 == 1
}

/// Of eight octets, the high bit of each that is above `low` and below `high`, both ASCII.
fn between(octets: u64, low: u64, high: u64) -> u64 {
    let seven = octets & !HIGHS;
    let below = ONES * (127 + high) - seven;
    let above = seven + ONES * (127 - low);
    below & above & !octets & HIGHS
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_where_digits_and_signs_are(text in "[a-z0-9 .,:/@\\[_=(ก-ฮà!]{0,60}") {
            let mut marks = Marks::default();
            marks.read(&text);
            let digits: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(n, _)| n).collect();
            let runs: Vec<usize> = marks.runs.iter().flat_map(|r| r.start..r.end).collect();
            prop_assert_eq!(runs, digits);
            prop_assert!(marks.runs.is_sorted_by(|a, b| a.end < b.start));
            let signs: Vec<usize> =
                text.bytes().enumerate().filter(|(_, b)| b"(,./:=@[\\_".contains(b)).map(|(n, _)| n).collect();
            prop_assert_eq!(&marks.signs, &signs);
            prop_assert_eq!(marks.beyond_ascii, !text.is_ascii());
        }
    }
}
