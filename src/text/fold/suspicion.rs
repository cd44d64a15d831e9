//! Whether a text must be read a second time: signs of disguises that only show between characters.
//!
//! While the views are made, each visible character leaves an octet, so that a text has a *shape*: ASCII stands for
//! itself, another letter of a script that spaces its words for some letter, one of a script that does not for an octet
//! above ASCII, and so on. Patterns are looked for in the shape, many characters at a time. A false alarm costs a second
//! reading that finds nothing; honest texts raise few.

use super::guess::AFTER_DIGIT_MIN;
use crate::text::block::{BLOCK, bits, padded, pairs};

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

/// Characters looked at together, and of them those with both neighbours among them.
const INNER: u64 = u64::MAX >> 1 & u64::MAX << 1;
const STEP: usize = BLOCK - 2;

/// Which characters of a block are what: one bit each.
struct Classes {
    letter: u64,
    digit: u64,
    /// Of a script that does not space its words, and of those the Thai ones.
    other: u64,
    thai: u64,
    /// What is seen between words.
    sign: u64,
    /// The same as the next one, but for its case.
    same: u64,
}

impl Classes {
    fn of(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Self {
        let (letter, digit) = (bits(block, |b| letter(b) != 0), bits(block, |b| digit(b) != 0));
        let (other, thai) = (bits(block, |b| b >= 0x80), bits(block, |b| b >= THAI));
        let seen = bits(block, |b| (b > b' ') & (b != b'\'') & (b != b'`'));
        let same = pairs(block, next, |b, c| (b | 0x20) == (c | 0x20));
        Self { letter, digit, other, thai, sign: seen & !(letter | digit | other), same }
    }
}

/// Patterns of three characters, one bit each for the one in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Patterns {
    /// `Rp5`, `5jt`: a letter and a digit.
    mixed: u64,
    /// `c0d`, ` 1n`: a digit before a letter, where a word begins or goes on.
    leet: u64,
    /// `a,r`: punctuation between letters.
    tight: u64,
    /// `h@ `, ` @g`: a sign that stands for a letter where a word ends or begins. Words end in an exclamation mark in honest
    /// texts.
    signed: u64,
    /// `aaa`; `www` and `xxx` only at the end of a word, as they begin hosts and stand for what is left out.
    drawn: u64,
    /// ` b `: a letter that stands alone.
    alone: u64,
    /// The same, but for `a` and `I`, which do in honest texts.
    lone: u64,
    /// `ฝาnร`: a Latin letter, or two of a kind, beside a Thai one.
    posing: u64,
    /// `ง-ป`: a sign between two of those.
    parted: u64,
}

impl Patterns {
    /// Those of a block; `next` is what stands one further.
    fn of(block: &[u8; BLOCK], next: &[u8; BLOCK]) -> Self {
        let is = Classes::of(block, next);
        let gap = !(is.letter | is.digit | is.other);
        let either = is.letter | is.other;
        let (before, after) = (|bits: u64| bits << 1, |bits: u64| bits >> 1);
        let (letter_a, letter_c) = (before(is.letter), after(is.letter));
        let (gap_a, gap_c) = (before(gap), after(gap));
        let (thai_a, thai_c) = (before(is.thai), after(is.thai));
        let (same_ab, same_bc) = (before(is.same), is.same);
        let alone = gap_a & either & gap_c;
        // What hardly any text has is looked for only where it can be.
        let signed =
            if is.sign & (letter_a | letter_c) == 0 { 0 } else { signed(block, letter_a, letter_c, gap_a, gap_c) };
        let lone = if alone == 0 { 0 } else { alone & !bits(block, |b| (b | 0x20 == b'a') | (b | 0x20 == b'i')) };
        let drawn = match same_bc & either & (same_ab | letter_a) {
            0 => 0,
            _ => {
                let host_or_blank = bits(block, |b| (b | 0x20 == b'w') | (b | 0x20 == b'x'));
                same_bc & (host_or_blank & letter_a & !same_ab | !host_or_blank & either & same_ab)
            }
        };
        let one = is.letter & (thai_a & (thai_c | gap_c) | gap_a & thai_c);
        let two = is.letter & (thai_a & same_bc | same_ab & thai_c);
        Self {
            mixed: INNER & (letter_a & is.digit | before(is.digit) & is.letter),
            leet: INNER & (letter_a | gap_a) & is.digit & letter_c,
            tight: INNER & letter_a & is.sign & letter_c,
            signed: INNER & signed,
            drawn: INNER & drawn,
            alone: INNER & alone,
            lone: INNER & lone,
            posing: INNER & (one | two),
            parted: INNER & before(is.other) & is.sign & after(is.other),
        }
    }
}

impl Patterns {
    /// Those of [`Patterns::lone`] that may be in a run of [`LONE_MIN`]: near enough others, or at the edge of the block.
    fn lone_run(self) -> u64 {
        let mut left = self.lone;
        let mut may_be = 0;
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let window = (2 << (2 * LONE_REACH)) - 1;
            let around = if at < LONE_REACH { window >> (LONE_REACH - at) } else { window << (at - LONE_REACH) };
            let is_inside = (LONE_REACH + 1..63 - LONE_REACH).contains(&at);
            let others = (self.alone & around).count_ones();
            may_be |= u64::from(!is_inside || usize::try_from(others).is_ok_and(|others| others >= LONE_MIN)) << at;
        }
        may_be
    }
}

/// How far from one of its letters a run of [`LONE_MIN`] reaches at most.
#[allow(clippy::cast_possible_truncation, reason = "8")]
const LONE_REACH: u32 = ((LONE_GAP_MAX + 1) * (LONE_MIN - 1)) as u32;

fn signed(block: &[u8; BLOCK], letter_a: u64, letter_c: u64, gap_a: u64, gap_c: u64) -> u64 {
    let ends = bits(block, |b| (b == b'!') | (b == b'|'));
    let others = bits(block, |b| (b == b'@') | (b == b'$'));
    others & letter_a & gap_c | (others | ends) & gap_a & letter_c
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

impl Suspicion {
    /// Looks at the shape of a text, which begins and ends with a gap.
    pub(super) fn of(shape: &[u8]) -> Self {
        let mut all = Self::default();
        let mut parted = false;
        // Two characters of a block are looked at again in the next, as neighbours.
        for start in (0..shape.len().saturating_sub(2)).step_by(STEP) {
            let ahead = shape.get(start..).unwrap_or_default();
            let three = match (ahead.first_chunk(), ahead.get(1..).and_then(|next| next.first_chunk())) {
                (Some(block), Some(next)) => Patterns::of(block, next),
                _ => Patterns::of(&padded(ahead), &padded(ahead.get(1..).unwrap_or_default())),
            };
            all.mixed |= three.mixed != 0;
            all.leet = all.leet || each(three.leet, start).any(|at| is_leet(shape, at));
            all.signed |= three.signed != 0;
            all.tight |= three.tight != 0;
            all.lone = all.lone || each(three.lone_run(), start).any(|at| is_in_lone_run(shape, at));
            all.drawn |= three.drawn != 0;
            all.posing |= three.posing != 0;
            parted |= three.parted != 0;
        }
        all.tight |= parted && has_parted(shape);
        all
    }

    /// Whether a second reading may differ from the first.
    pub(super) fn any(self) -> bool {
        self.leet | self.signed | self.tight | self.lone | self.drawn | self.posing
    }
}

/// The places of the bits of a block that begins at `start`.
fn each(bits: u64, start: usize) -> impl Iterator<Item = usize> {
    let mut left = bits;
    std::iter::from_fn(move || {
        let at = usize::try_from(left.trailing_zeros()).ok().filter(|_| left != 0)?;
        left &= left - 1;
        Some(start + at)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What three characters make, by what is said of each pattern.
    fn three([a, b, c]: [u8; 3]) -> [bool; 8] {
        let small = |x: u8| x | 0x20;
        let is_letter = |x: u8| x.is_ascii_alphabetic();
        let is_gap = |x: u8| x.is_ascii() && !x.is_ascii_alphanumeric();
        let (is_thai, is_other) = (|x: u8| x >= THAI, |x: u8| !x.is_ascii());
        let is_sign = is_gap(b) && b > b' ' && !matches!(b, b'\'' | b'`');
        let ends = matches!(b, b'!' | b'|');
        let stands_for = ends || matches!(b, b'@' | b'$');
        let (same_ab, same_bc) = (small(a) == small(b), small(b) == small(c));
        let host_or_blank = matches!(small(b), b'w' | b'x');
        let alone = is_gap(a) && !is_gap(b) && !b.is_ascii_digit() && is_gap(c);
        [
            (is_letter(a) && b.is_ascii_digit()) || (a.is_ascii_digit() && is_letter(b)),
            (is_letter(a) || is_gap(a)) && b.is_ascii_digit() && is_letter(c),
            is_letter(a) && is_sign && is_letter(c),
            stands_for && ((is_letter(a) && !ends && is_gap(c)) || (is_gap(a) && is_letter(c))),
            same_bc && if host_or_blank { is_letter(a) && !same_ab } else { (is_letter(b) || is_other(b)) && same_ab },
            alone && !matches!(small(b), b'a' | b'i'),
            is_letter(b)
                && ((is_thai(a) && (is_thai(c) || is_gap(c) || same_bc)) || (is_thai(c) && (is_gap(a) || same_ab))),
            is_other(a) && is_sign && is_other(c),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn patterns_are_found_wherever_three_characters_make_them(
            inside in prop::collection::vec(prop::sample::select(&b"  aaiIwWxbB015#$!@|'`,\x80\x9f\xc1\xc1\xff"[..]), 0..150),
        ) {
            let shape: Vec<u8> = [GAP].into_iter().chain(inside).chain([GAP]).collect();
            let made = || shape.windows(3).map(|all| three([all[0], all[1], all[2]]));
            let any = |n: usize| made().any(|all| all[n]);
            let at = |n: usize| made().enumerate().filter(move |(_, all)| all[n]).map(|(at, _)| at + 1);
            let expected = Suspicion {
                mixed: any(0),
                leet: at(1).any(|at| is_leet(&shape, at)),
                signed: any(3),
                tight: any(2) || (any(7) && has_parted(&shape)),
                lone: at(5).any(|at| is_in_lone_run(&shape, at)),
                drawn: any(4),
                posing: any(6),
            };
            prop_assert_eq!(Suspicion::of(&shape), expected);
        }
    }
}
