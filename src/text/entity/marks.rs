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
    /// Whether there is one of Thai or its neighbours.
    pub(super) thai: bool,
    /// Whether there is one of Chinese.
    pub(super) chinese: bool,
}

/// Octets that are looked at together.
const BLOCK: usize = 64;

impl Marks {
    /// Reads a text.
    pub(super) fn read(&mut self, text: &str) {
        (self.beyond_ascii, self.thai, self.chinese) = (false, false, false);
        self.runs.clear();
        self.signs.clear();
        let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
        for (n, block) in blocks.iter().enumerate() {
            self.block(block, n * BLOCK);
        }
        if !rest.is_empty() {
            let mut last = [0; BLOCK];
            if let Some(room) = last.get_mut(..rest.len()) {
                room.copy_from_slice(rest);
            }
            self.block(&last, blocks.len() * BLOCK);
        }
    }

    /// The octets that begin at `at`.
    fn block(&mut self, block: &[u8; BLOCK], at: usize) {
        let mut marks = bits(block, may_be_a_mark);
        while marks != 0 {
            let bit = marks.trailing_zeros();
            let here = at + bit as usize;
            let octet = block.get(bit as usize).copied().unwrap_or_default();
            if octet.is_ascii_digit() {
                match self.runs.last_mut() {
                    Some(run) if run.end == here => run.end += 1,
                    _ => self.runs.push(Run { start: here, end: here + 1 }),
                }
            } else if is_sign(octet) {
                self.signs.push(here);
            }
            marks &= marks - 1;
        }
        if !block.is_ascii() {
            self.beyond_ascii = true;
            self.thai |= block.iter().fold(false, |any, b| any | (*b == 0xe0));
            self.chinese |= block.iter().fold(false, |any, b| any | (*b >= 0xe4));
        }
    }
}

/// Digits, signs, and what stands among them in ASCII. Without a branch, so that many are compared at a time.
fn may_be_a_mark(octet: u8) -> bool {
    (octet.wrapping_sub(b'(') <= b':' - b'(')
        | (octet.wrapping_sub(b'=') <= b'@' - b'=')
        | (octet.wrapping_sub(b'[') <= b'_' - b'[')
}

/// The signs that links and handles are written with.
fn is_sign(octet: u8) -> bool {
    matches!(octet, b'(' | b',' | b'.' | b'/' | b':' | b'=' | b'@' | b'[' | b'\\' | b'_')
}

/// For each octet of a block whether it is one of these, one bit each.
fn bits(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    let flags = block.map(|octet| u8::from(is(octet)));
    let (eights, _) = flags.as_chunks::<8>();
    // The product gathers eight octets that are 0 or 1 in its highest octet.
    let gather = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    eights.iter().zip((0..64).step_by(8)).fold(0, |all, (eight, shift)| all | gather(eight) << shift)
}

/// Words that links need looked at for: whether any of them is in a text at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    /// ` dot`, or `com` that no dot stands before.
    pub(super) spelled: bool,
    /// `apk`
    pub(super) package: bool,
}

impl Hints {
    /// Reads a text, many octets at a time.
    pub(super) fn read(text: &str) -> Self {
        let octets = text.as_bytes();
        let mut hints = Self { spelled: false, package: text.starts_with("apk") };
        let mut at = 0;
        while at + Self::OCTETS + 3 <= octets.len() {
            hints.look(octets.get(at..).unwrap_or_default());
            at += Self::OCTETS;
        }
        // What is left is looked at with nothing behind it.
        let rest = octets.get(at..).unwrap_or_default();
        let mut last = [0; 2 * Self::OCTETS + 3];
        if let Some(room) = last.get_mut(..rest.len()) {
            room.copy_from_slice(rest);
        }
        hints.look(&last);
        if rest.len() > Self::OCTETS {
            hints.look(last.get(Self::OCTETS..).unwrap_or_default());
        }
        hints
    }

    const OCTETS: usize = 32;

    fn look(&mut self, octets: &[u8]) {
        let from = |n: usize| octets.get(n..).and_then(<[u8]>::first_chunk::<{ Self::OCTETS }>);
        let (Some(a), Some(b), Some(c), Some(d)) = (from(0), from(1), from(2), from(3)) else { return };
        let (mut spelled, mut package) = (0, 0);
        for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
            let is = |octet: &u8, wanted: u8| u8::from(*octet == wanted);
            spelled |= is(a, b' ') & is(b, b'd') & is(c, b'o') & is(d, b't');
            spelled |= u8::from(*a != b'.') & is(b, b'c') & is(c, b'o') & is(d, b'm');
            package |= is(b, b'a') & is(c, b'p') & is(d, b'k');
        }
        self.spelled |= spelled != 0;
        self.package |= package != 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_are_where_digits_and_signs_are(text in "( dot|com|apk|[a-z0-9 .,:/@\\[_=(ก-ฮà!中]){0,80}") {
            let mut marks = Marks::default();
            marks.read(&text);
            let digits: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| b.is_ascii_digit()).map(|(n, _)| n).collect();
            let runs: Vec<usize> = marks.runs.iter().flat_map(|r| r.start..r.end).collect();
            prop_assert_eq!(runs, digits);
            prop_assert!(marks.runs.is_sorted_by(|a, b| a.end < b.start));
            let signs: Vec<usize> =
                text.bytes().enumerate().filter(|(_, b)| b"(,./:=@[\\_".contains(b)).map(|(n, _)| n).collect();
            prop_assert_eq!(&marks.signs, &signs);
            let hints = Hints::read(&text);
            prop_assert_eq!(hints.package, text.contains("apk"));
            let com = text.match_indices("com").any(|(at, _)| at > 0 && !text[..at].ends_with('.'));
            prop_assert_eq!(hints.spelled, com || text.contains(" dot"));
            prop_assert_eq!(marks.beyond_ascii, !text.is_ascii());
            prop_assert_eq!(marks.thai, text.contains(|c| ('ก'..='ฮ').contains(&c)));
            prop_assert_eq!(marks.chinese, text.contains('中'));
        }
    }
}
