//! One entry of a word list: the forms in which it is searched, and whether what was found is really it.
//!
//! Searching is coarse: look-alike letters and digits are one, and in the tight form of a disguised text there are neither
//! gaps nor doubled letters. So each match is held against the entry once more, with what stands around it.

use std::ops::Range;

use super::list::{FOR_EVER, Until};
use crate::text::everyday::{Letters, Open};
use crate::text::fold::{self, Gap, Letter, Tight, alike, is_unspaced};

/// A word or phrase, folded like the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its matching form.
    pub folded: String,
    /// Whether letters may follow: `pinjam*`.
    pub open: bool,
    /// When it ends.
    pub until: Until,
    /// What is looked for.
    forms: Box<[(Box<str>, Forms)]>,
}

/// A form in which an entry is searched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forms {
    /// Letter by letter.
    pub spelled: bool,
    /// Without gaps and doubled letters.
    pub tight: bool,
}

impl Word {
    /// An entry as written; none when nothing of it is left by folding.
    #[must_use]
    pub fn new(entry: &str) -> Option<Self> {
        let (text, open) = entry.strip_suffix('*').map_or((entry, false), |text| (text, true));
        let mut folded = String::new();
        fold::fold(text, &mut folded);
        let forms = forms(&folded).into();
        (!folded.is_empty()).then_some(Self { folded, open, until: FOR_EVER, forms })
    }

    /// It with an end.
    #[must_use]
    pub fn ending(self, until: Until) -> Self {
        Self { until, ..self }
    }

    /// What is looked for.
    #[must_use]
    pub fn forms(&self) -> &[(Box<str>, Forms)] {
        &self.forms
    }

    /// Whether the matching form has this word at `range`, where letters that look alike are the same.
    #[must_use]
    pub fn stands(&self, text: &str, range: &Range<usize>) -> bool {
        let mut reading = Reading::default();
        let found = text.get(range.clone()).unwrap_or_default();
        let same = found.chars().zip(self.folded.chars()).all(|(c, entry)| reading.takes(c, entry));
        same && reading.is_believed() && self.is_whole(text.get(..range.start), text.get(range.end..))
    }

    fn is_whole(&self, before: Option<&str>, after: Option<&str>) -> bool {
        let before = before.and_then(|t| t.chars().next_back());
        let after = after.and_then(|t| t.chars().next());
        !joins(before, self.folded.chars().next()) && (self.open || !joins(self.folded.chars().next_back(), after))
    }

    /// Whether a match in the tight form is this word; where it stands in the second reading.
    #[must_use]
    pub fn stands_tight(&self, tight: &Tight, range: &Range<usize>) -> Option<Range<usize>> {
        let first = tight.letter(range.start)?;
        let last = tight.letter(range.end.checked_sub(1)?)?;
        let parted = |left: Option<char>, right: &Letter| right.gap != Gap::None || !joins(left, Some(right.c));
        let before = range.start.checked_sub(1).and_then(|n| tight.letter(n)).map(|l| l.c);
        let after = tight.letter(range.end);
        if !parted(before, first) || !(self.open || after.is_none_or(|after| parted(Some(last.c), after))) {
            return None;
        }
        // A few letters are found by chance inside a word that is spaced out.
        let inside = first.gap == Gap::Soft || after.is_some_and(|after| after.gap == Gap::Soft);
        let is_short = inside && self.folded.chars().count() < INSIDE_MIN;
        if (is_short || leaves_a_rest(tight, range) || self.cuts_a_word(tight, range))
            && !self.folded.chars().all(is_unspaced)
        {
            return None;
        }
        let mut reading = Reading::default();
        let mut octet = range.start;
        let mut entry = self.folded.chars().peekable();
        let mut spaced = false;
        while let Some(c) = entry.next() {
            if c == ' ' {
                spaced = true;
                continue;
            }
            let letter = tight.letter(octet).filter(|_| octet < range.end)?;
            let mut run = 1;
            while entry.next_if(|next| alike(*next) == alike(c)).is_some() {
                run += 1;
            }
            let is_first = octet == range.start;
            let gap_fits = is_first || if spaced { letter.gap != Gap::None } else { letter.gap != Gap::Hard };
            let run_fits = letter.run == run || (letter.run > run && letter.run >= DRAWN_MIN);
            if !(gap_fits && run_fits && reading.takes(letter.c, c)) {
                return None;
            }
            spaced = false;
            octet += alike(c).len_utf8();
        }
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        reading.is_believed().then(|| place(first.place.0)..place(last.place.1))
    }

    /// Whether a word is found by chance where letters are spaced out and no wider gap says where words end: `call` in
    /// `c a l l s t o`, `anda` in `y o l a n d a`. What stands on either side of it must be known words, too, no known word
    /// may have it within itself, and letters that only look like its own are not enough: `c a l i` of `c a l i c u t`.
    fn cuts_a_word(&self, tight: &Tight, range: &Range<usize>) -> bool {
        let letter = |n: usize| tight.letter(n);
        let inner = range.clone().skip(1).filter_map(letter);
        let (soft, all) = inner.fold((0, 0), |(soft, all), l| (soft + usize::from(l.gap == Gap::Soft), all + 1));
        if 2 * soft <= all {
            return false;
        }
        let goes_on = |n: usize| letter(n).is_some_and(|l| l.gap != Gap::Hard);
        let first = (0..SPREAD_READ).take_while(|back| range.start.checked_sub(*back).is_some_and(goes_on)).count();
        let last = (0..SPREAD_READ).take_while(|far| goes_on(range.end + far)).count();
        let (mut letters, mut from, mut to) = (Letters::default(), 0, 0);
        for octet in range.start - first..range.end + last {
            let Some(one) = letter(octet) else { break };
            tight.written(one).for_each(|c| letters.push(c));
            if octet < range.start {
                from = letters.len();
            }
            if octet < range.end {
                to = letters.len();
            }
        }
        let before = Open { before: first == SPREAD_READ, after: false };
        let after = Open { before: false, after: last == SPREAD_READ };
        let only_alike = (from > 0 || to < letters.len()) && !letters.spell(from, to, &self.folded);
        only_alike
            || !letters.are_words(0, from, before)
            || (!self.open && (letters.cover(from, to) || !letters.are_words(to, letters.len(), after)))
    }
}

/// Whether a match leaves letters of a word that is spaced out, on either side, that are no word by themselves, since none
/// of them is a vowel: `c` and `r` of `c l o v e r`, `st` of `s t a n d a`.
fn leaves_a_rest(tight: &Tight, range: &Range<usize>) -> bool {
    let is_rest = |c: char| c.is_ascii_alphabetic() && !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let is_soft = |n: usize| tight.letter(n).is_some_and(|l| l.gap == Gap::Soft);
    let begins = |n: usize| tight.letter(n).is_none_or(|l| l.gap == Gap::Hard);
    let rest = |n: Option<usize>| n.and_then(|n| tight.letter(n)).is_some_and(|l| l.run == 1 && is_rest(l.c));
    let before = |back: usize| range.start.checked_sub(back);
    let rest_before =
        is_soft(range.start) && (1..=REST_MAX).take_while(|n| rest(before(*n))).any(|n| before(n).is_some_and(&begins));
    let rest_after = is_soft(range.end)
        && (0..REST_MAX).take_while(|n| rest(Some(range.end + n))).any(|n| begins(range.end + n + 1));
    rest_before || rest_after
}

/// Letters without a vowel that may be the rest of a word.
const REST_MAX: usize = 3;

/// Octets that are looked at on either side of a word in letters that are spaced out.
const SPREAD_READ: usize = 64;

/// Letters of an entry that is believed where no wider gap says that it is a word.
const INSIDE_MIN: usize = 4;

/// Times that a letter stands in a row from which on it may be drawn out.
const DRAWN_MIN: u8 = 3;

/// How the letters of a match were read.
#[derive(Default)]
struct Reading {
    letters: usize,
    /// Digits taken for letters, and how many of them came last in a row.
    digits: usize,
    row: usize,
    number: bool,
}

impl Reading {
    /// Whether a character of a text may be one of an entry.
    fn takes(&mut self, c: char, entry: char) -> bool {
        self.letters += usize::from(c.is_alphabetic());
        self.row = if c.is_ascii_digit() { self.row + 1 } else { 0 };
        if c == entry {
            return true;
        }
        match (c.is_ascii_digit(), entry.is_ascii_digit()) {
            (false, _) => {}
            (true, false) => {
                self.digits += 1;
                self.number |= self.row >= NUMBER_MIN;
            }
            (true, true) => return false,
        }
        alike(c) == alike(entry)
    }

    /// Whether letters prevail among what was taken for letters.
    fn is_believed(&self) -> bool {
        self.digits == 0 || (self.letters >= 2 && self.letters >= self.digits && !self.number)
    }
}

/// Digits in a row that are a number, and no letters.
const NUMBER_MIN: usize = 3;

/// The forms in which a folded text is searched.
#[must_use]
pub fn forms(folded: &str) -> Vec<(Box<str>, Forms)> {
    let mut forms: Vec<(Box<str>, Forms)> = Vec::with_capacity(2);
    let mut add = |form: String, kind: Forms| match forms.iter_mut().find(|(known, _)| **known == *form) {
        Some((_, known)) => {
            known.spelled |= kind.spelled;
            known.tight |= kind.tight;
        }
        None if !form.is_empty() => forms.push((form.into(), kind)),
        None => {}
    };
    let spelled = Forms { spelled: true, tight: false };
    add(folded.replace('i', "l"), spelled);
    add(folded.chars().map(alike).collect(), spelled);
    add(fold::tighten(folded), Forms { spelled: false, tight: true });
    forms
}

/// Whether two neighbours belong to one word: both are letters or digits of scripts that space their words, or a letter
/// that was lost.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == char::REPLACEMENT_CHARACTER;
    let spaced = |c: Option<char>| c.is_some_and(|c| is_letter(c) && !is_unspaced(c));
    spaced(left) && spaced(right)
}
