//! Whether a text must be read a second time: signs of disguises that only show between characters.
//!
//! While the views are made, each visible character leaves an octet, so that a text has a *shape*: ASCII stands for
//! itself, another letter of a script that spaces its words for some letter, one of a script that does not for an octet
//! above ASCII, and so on. Patterns are looked for in the shape, without a branch, so that the compiler looks at many
//! characters at a time. A false alarm costs a second reading that finds nothing; honest texts raise few.

use super::guess::AFTER_DIGIT_MIN;

/// The shape of what stands between words, and is seen.
pub(super) const SIGN: u8 = b'#';
/// The shape of a sign that stands for a letter at times.
pub(super) const STANDS_FOR: u8 = b'$';
/// The shape of any other gap.
pub(super) const GAP: u8 = b' ';

/// The shape of a letter of a script that spaces its words.
pub(super) fn spaced(c: char) -> u8 {
    u8::try_from(c).ok().filter(u8::is_ascii_alphabetic).unwrap_or(b'a' + (u32::from(c) % 26).to_le_bytes()[0])
}

/// The shape of a letter of a script that does not: from [`THAI`] on for a Thai one.
pub(super) fn unspaced(c: char) -> u8 {
    let low = u32::from(c).to_le_bytes()[0] & 0x3f;
    low | if matches!(c, '\u{e00}'..='\u{e7f}') { THAI } else { 0x80 }
}

/// The least shape of a Thai letter.
const THAI: u8 = 0xc0;

/// All bits or none.
pub(super) fn all(is: bool) -> u8 {
    0_u8.wrapping_sub(u8::from(is))
}

/// All bits for a letter of a script that spaces its words.
pub(super) fn letter(shape: u8) -> u8 {
    all((shape | 0x20).wrapping_sub(b'a') < 26)
}

/// All bits for a digit.
pub(super) fn digit(shape: u8) -> u8 {
    all(shape.wrapping_sub(b'0') < 10)
}

/// `Rp5`, `5jt`: a letter and a digit.
const MIXED: u8 = 1;
/// `c0d`, ` 1n`: a digit before a letter, where a word begins or goes on.
const LEET: u8 = 2;
/// `a,r`: punctuation between letters.
const TIGHT: u8 = 4;
/// `h@ `, ` @g`: a sign that stands for a letter where a word ends or begins. Words end in an exclamation mark in honest
/// texts.
const SIGNED: u8 = 8;
/// `aaa`; `www` and `xxx` only at the end of a word, as they begin hosts and stand for what is left out.
const DRAWN: u8 = 16;
/// ` b `: a letter that stands alone; `a` and `I` do in honest texts.
const LONE: u8 = 32;
/// `ฝาnร`: a Latin letter, or two of a kind, beside a Thai one.
const POSING: u8 = 64;
/// `ง-ป`: a sign between two of those.
const PARTED: u8 = 128;

/// The patterns that three characters make.
fn patterns(a: u8, b: u8, c: u8) -> u8 {
    let (letter_a, letter_b, letter_c) = (letter(a), letter(b), letter(c));
    let (digit_a, digit_b, digit_c) = (digit(a), digit(b), digit(c));
    let (other_a, other_b, other_c) = (all(a >= 0x80), all(b >= 0x80), all(c >= 0x80));
    let (gap_a, gap_c) = (!(letter_a | digit_a | other_a), !(letter_c | digit_c | other_c));
    let sign = !(letter_b | digit_b | other_b) & all(b > b' ') & !all(b == b'\'') & !all(b == b'`');
    let stands_for = all(b == b'@') | all(b == b'$') | all(b == b'!') | all(b == b'|');
    let (same_ab, same_bc) = (all((a | 0x20) == (b | 0x20)), all((b | 0x20) == (c | 0x20)));
    let mixed = letter_a & digit_b | digit_a & letter_b;
    let leet = (letter_a | gap_a) & digit_b & letter_c;
    let tight = letter_a & sign & letter_c;
    let ends = all(b == b'!') | all(b == b'|');
    let signed = stands_for & (letter_a & !ends & gap_c | gap_a & letter_c);
    let host_or_blank = all(b | 0x20 == b'w') | all(b | 0x20 == b'x');
    let drawn = same_bc & (host_or_blank & letter_a & !same_ab | !host_or_blank & (letter_b | other_b) & same_ab);
    let lone = gap_a & (letter_b | other_b) & gap_c & !all(b | 0x20 == b'a') & !all(b | 0x20 == b'i');
    let (thai_a, thai_c) = (all(a >= THAI), all(c >= THAI));
    let one = letter_b & (thai_a & (thai_c | gap_c) | gap_a & thai_c);
    let two = letter_b & (thai_a & same_bc | same_ab & thai_c);
    let parted = other_a & sign & other_c;
    mixed & MIXED
        | leet & LEET
        | tight & TIGHT
        | signed & SIGNED
        | drawn & DRAWN
        | lone & LONE
        | (one | two) & POSING
        | parted & PARTED
}

/// What a text is suspected of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Suspicion {
    /// Letters and digits stand in one word: `5jt`, `4G`.
    pub mixed: bool,
    /// A digit stands for a letter: `c0de`.
    pub leet: bool,
    /// A sign stands for a letter: `usah@`.
    pub signed: bool,
    /// Punctuation inside a word: `ba,raha`.
    pub tight: bool,
    /// Letters that stand alone, one after the other.
    pub lone: bool,
    /// A letter drawn out.
    pub drawn: bool,
    /// A Latin letter among Thai ones.
    pub posing: bool,
}

/// Characters between two letters of a word that is spaced out.
pub(super) const LONE_GAP_MAX: usize = 3;

/// Letters that stand alone from which on they may be a word.
pub(super) const LONE_MIN: usize = 3;

/// Characters that one turn of the loop looks at, and those behind them that its patterns reach.
const MANY: usize = 16;
const SPAN: usize = 2;

impl Suspicion {
    /// Looks at the shape of a text, which begins and ends with a gap; `patterns` is room to work in.
    pub(super) fn of(shape: &mut Vec<u8>, patterns: &mut Vec<u8>) -> Self {
        // Filled up with gaps, so that no character is left for a loop of its own.
        let len = shape.len();
        let starts = len.next_multiple_of(MANY);
        shape.resize(starts + SPAN, GAP);
        let from = |n: usize| shape.get(n..n + starts).unwrap_or_default();
        let three = from(0).iter().zip(from(1)).zip(from(2));
        patterns.resize(starts, 0);
        let mut found = 0;
        for (pattern, ((a, b), c)) in patterns.iter_mut().zip(three) {
            *pattern = self::patterns(*a, *b, *c);
            found |= *pattern;
        }
        shape.truncate(len);
        let has = |pattern: u8| found & pattern != 0;
        Self {
            mixed: has(MIXED),
            leet: has(LEET) && each(patterns, LEET).any(|at| is_leet(shape, at + 1)),
            signed: has(SIGNED),
            tight: has(TIGHT) || (has(PARTED) && has_parted(shape)),
            lone: has(LONE) && each(patterns, LONE).any(|at| is_in_lone_run(shape, at + 1)),
            drawn: has(DRAWN),
            posing: has(POSING),
        }
    }

    /// Whether a second reading may differ from the first.
    pub(super) fn any(self) -> bool {
        self.leet | self.signed | self.tight | self.lone | self.drawn | self.posing
    }
}

/// Where a pattern begins.
fn each(patterns: &[u8], pattern: u8) -> impl Iterator<Item = usize> {
    let mask = u128::from_le_bytes([pattern; MANY]);
    let many = patterns.as_chunks::<MANY>().0.iter().zip((0..).step_by(MANY));
    many.flat_map(move |(many, start)| {
        let mut here = u128::from_le_bytes(*many) & mask;
        std::iter::from_fn(move || {
            let at = usize::try_from(here.trailing_zeros() / 8).ok().filter(|_| here != 0)?;
            here &= here - 1;
            Some(start + at)
        })
    })
}

/// Whether a letter that stands alone is one of several that follow each other closely, [`LONE_MIN`] of them.
fn is_in_lone_run(shape: &[u8], at: usize) -> bool {
    let is_gap = |at: usize| shape.get(at).is_some_and(|shape| shape.is_ascii() && !shape.is_ascii_alphanumeric());
    let is_letter = |at: usize| shape.get(at).is_some_and(|shape| !shape.is_ascii() || shape.is_ascii_alphabetic());
    let alone = |at: usize| at > 0 && is_letter(at) && is_gap(at - 1) && is_gap(at + 1);
    let distances = 2..=LONE_GAP_MAX + 1;
    let mut run = 1;
    let (mut first, mut last) = (at, at);
    while let Some(next) = distances.clone().map(|d| last + d).find(|at| alone(*at)).filter(|_| run < LONE_MIN) {
        (last, run) = (next, run + 1);
    }
    while let Some(next) =
        distances.clone().filter_map(|d| first.checked_sub(d)).find(|at| alone(*at)).filter(|_| run < LONE_MIN)
    {
        (first, run) = (next, run + 1);
    }
    run >= LONE_MIN
}

/// Whether a digit stands inside a word, or before enough letters to begin one: `1nfo`, and not `5jt` or `3pm`.
fn is_leet(shape: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|n| shape.get(n)).is_some_and(u8::is_ascii_alphabetic);
    let needed = if before { 1 } else { AFTER_DIGIT_MIN };
    shape.get(at + 1..at + 1 + needed).is_some_and(|letters| letters.iter().all(u8::is_ascii_alphabetic))
}

/// Whether a sign parts a single letter from others of a script that does not space its words, or stands for one.
fn has_parted(shape: &[u8]) -> bool {
    let is_gap = |shape: u8| shape.is_ascii() && !shape.is_ascii_alphanumeric();
    shape.windows(5).any(|five| {
        let [a, b, c, d, e] = five else { return false };
        let signs = [(*a, *b, *c, *d), (*e, *d, *c, *b)];
        let alone = signs.iter().any(|(outer, letter, sign, other)| {
            is_gap(*outer) && !letter.is_ascii() && sign.is_ascii_punctuation() && !other.is_ascii()
        });
        alone || (!b.is_ascii() && matches!(c, b'@' | b'$' | b'!' | b'|') && !d.is_ascii())
    })
}
