//! One cheap pass over a text: where its digits and signs stand.
//!
//! Every entity has a digit or a sign in it or beside it, and most of a text is letters and spaces, which are skipped
//! eight octets at a time. Finders look only where a mark stands, so that a text without marks costs this pass alone.

use memchr::memmem::Finder;

use crate::text::block::{BLOCK, bits, padded};

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
    /// Of which scripts there are characters.
    scripts: Scripts,
}

/// Scripts by the first octet of their characters in UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scripts {
    /// 0xe0: Thai, Lao.
    thai: bool,
    /// 0xe1: Khmer, Burmese, and half of Vietnamese.
    khmer: bool,
    /// 0xe4 and above: Chinese, Korean.
    chinese: bool,
}

impl Scripts {
    fn add(&mut self, octets: &[u8]) {
        let (mut thai, mut khmer, mut chinese) = (0, 0, 0);
        // Without a branch, so that many are compared at a time.
        for octet in octets {
            thai |= u8::from(*octet == 0xe0);
            khmer |= u8::from(*octet == 0xe1);
            chinese |= u8::from(*octet >= 0xe4);
        }
        self.thai |= thai != 0;
        self.khmer |= khmer != 0;
        self.chinese |= chinese != 0;
    }
}

/// Words that may stand anywhere, and that no digit or sign leads to.
#[derive(Debug)]
pub(super) struct Needles(Vec<(&'static str, Scripts, Finder<'static>)>);

impl Needles {
    /// Words parted by `|`.
    pub(super) fn new(words: &'static str) -> Self {
        let needle = |word: &'static str| {
            let mut scripts = Scripts::default();
            scripts.add(word.as_bytes());
            (word, scripts, Finder::new(word))
        };
        Self(words.split('|').map(needle).collect())
    }

    /// Where each of them begins and ends in a text with these marks.
    pub(super) fn each<'a>(&'a self, text: &'a str, marks: &Marks) -> impl Iterator<Item = (usize, usize)> {
        let there = marks.scripts;
        let may_be = move |needs: &Scripts| {
            (!needs.thai || there.thai) && (!needs.khmer || there.khmer) && (!needs.chinese || there.chinese)
        };
        let here = self.0.iter().filter(move |(_, scripts, _)| may_be(scripts));
        here.flat_map(move |(word, _, finder)| {
            let mut from = 0;
            std::iter::from_fn(move || {
                let at = from + finder.find(text.as_bytes().get(from..)?)?;
                from = at + word.len();
                Some((at, from))
            })
        })
    }
}

impl Marks {
    /// Reads a text.
    pub(super) fn read(&mut self, text: &str) {
        self.runs.clear();
        self.signs.clear();
        self.scripts = Scripts::default();
        let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
        for (n, block) in blocks.iter().enumerate() {
            self.block(block, n * BLOCK);
        }
        if !rest.is_empty() {
            self.block(&padded(rest), blocks.len() * BLOCK);
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
            self.scripts.add(block);
        }
    }
}

/// Digits, signs, and what stands among them in ASCII: without a branch, too.
fn may_be_a_mark(octet: u8) -> bool {
    (octet.wrapping_sub(b'(') <= b':' - b'(')
        | (octet.wrapping_sub(b'=') <= b'@' - b'=')
        | (octet.wrapping_sub(b'[') <= b'_' - b'[')
}

/// The signs that links and handles are written with.
fn is_sign(octet: u8) -> bool {
    matches!(octet, b'(' | b',' | b'.' | b'/' | b':' | b'=' | b'@' | b'[' | b'\\' | b'_')
}

/// Where words of ASCII letters and digits begin.
pub(super) fn each_word(text: &str, mut at: impl FnMut(usize)) {
    let mut inside = 0;
    let mut look = |block: &[u8; BLOCK], from: usize| {
        let letters = bits(block, |b| ((b | 0x20).wrapping_sub(b'a') < 26) | (b.wrapping_sub(b'0') < 10));
        let mut starts = letters & !(letters << 1 | inside);
        inside = letters >> 63;
        while starts != 0 {
            at(from + starts.trailing_zeros() as usize);
            starts &= starts - 1;
        }
    };
    let (blocks, rest) = text.as_bytes().as_chunks::<BLOCK>();
    for (n, block) in blocks.iter().enumerate() {
        look(block, n * BLOCK);
    }
    look(&padded(rest), blocks.len() * BLOCK);
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
            let mut words = Vec::new();
            each_word(&text, |at| words.push(at));
            let letter = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_alphanumeric);
            let starts: Vec<_> = (0..text.len()).filter(|at| letter(Some(*at)) && !letter(at.checked_sub(1))).collect();
            prop_assert_eq!(words, starts);
            let needles = Needles::new("apk|ก|中");
            let mut found: Vec<_> = needles.each(&text, &marks).map(|(from, to)| &text[from..to]).collect();
            found.sort_unstable();
            let all = |word: &'static str| text.match_indices(word).map(|(_, word)| word);
            prop_assert_eq!(found, all("apk").chain(all("ก")).chain(all("中")).collect::<Vec<_>>());
        }
    }
}
