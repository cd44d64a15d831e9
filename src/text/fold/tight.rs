//! The tight form: a second reading without gaps and doubled letters, in which words are found however they are pulled
//! apart or drawn out.
//!
//! Entries are made tight in the same way. What was lost in tightening is kept beside each letter, so that a match is
//! held against the entry once more: a gap that is really one parts words, a letter that is really double is.

/// What stands between a letter and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing.
    #[default]
    None,
    /// Something that may part words or may not: it is inside a word that was pulled apart.
    Soft,
    /// What parts words.
    Hard,
}

/// A letter of the tight form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The letter in the second reading; of a run, the first.
    pub c: char,
    /// What stands before it.
    pub gap: Gap,
    /// How often it stands there.
    pub run: u8,
    /// Octets of the second reading: start and end.
    pub place: (u32, u32),
    /// Where its run begins in what was written.
    at: usize,
}

/// A text in tight form.
#[derive(Debug, Default)]
pub struct Tight {
    octets: Vec<u8>,
    /// For each octet its letter.
    letters: Vec<Letter>,
    /// All letters as they were before they were made one.
    written: Vec<char>,
}

impl Tight {
    /// The octets that the automaton searches: UTF-8, look-alikes made one.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The letter that an octet belongs to.
    #[must_use]
    pub fn letter(&self, octet: usize) -> Option<&Letter> {
        self.letters.get(octet)
    }

    /// The letters of a run as they were before look-alikes were made one.
    pub fn written(&self, letter: &Letter) -> impl Iterator<Item = char> {
        let run = self.written.get(letter.at..).unwrap_or_default().iter();
        run.take(usize::from(letter.run)).copied()
    }

    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.letters.clear();
        self.written.clear();
    }

    /// Parts what comes from what came before: nothing is found across.
    pub(super) fn part(&mut self) {
        if !self.octets.is_empty() && !self.octets.ends_with(b"\n") {
            self.push('\n', Gap::Hard, true, (0, 0));
        }
    }

    /// Adds a letter of the second reading; it runs on from one that is the same unless it begins a word.
    pub(super) fn push(&mut self, c: char, gap: Gap, begins: bool, place: (u32, u32)) {
        let alike = alike(c);
        let len = alike.len_utf8();
        let at = self.written.len();
        self.written.push(c);
        let runs_on = !begins && self.letters.last().is_some_and(|last| self::alike(last.c) == alike);
        if runs_on {
            let from = self.letters.len().saturating_sub(len);
            for letter in self.letters.iter_mut().skip(from) {
                letter.run = letter.run.saturating_add(1);
                letter.place.1 = place.1;
            }
            return;
        }
        self.octets.extend_from_slice(alike.encode_utf8(&mut [0; 4]).as_bytes());
        self.letters.resize(self.octets.len(), Letter { c, gap, run: 1, place, at });
    }
}

/// An entry made tight: without gaps, and without letters that follow themselves in a word.
#[must_use]
pub fn tighten(folded: &str) -> String {
    let mut tight = String::with_capacity(folded.len());
    for word in folded.split(' ') {
        let mut last = None;
        for c in word.chars().map(alike).filter(|c| last.replace(*c) != Some(*c)) {
            tight.push(c);
        }
    }
    tight
}

/// Letters and digits that stand for each other made one; the rest as it is.
#[must_use]
pub fn alike(c: char) -> char {
    u8::try_from(c).map_or(c, |octet| char::from(alike_octet(octet)))
}

/// The same for one octet of UTF-8.
#[must_use]
pub(super) fn alike_octet(octet: u8) -> u8 {
    match octet {
        b'i' | b'1' => b'l',
        b'0' => b'o',
        b'2' => b'z',
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'6' | b'9' => b'g',
        b'7' => b't',
        b'8' => b'b',
        octet => octet,
    }
}
