//! What the letters of a word stand for: digits for letters, Latin letters for Thai ones, many for one.

use super::disguise::{Disguise, Kind};
use super::suspicion::Suspicion;
use super::table::is_unspaced;
use super::tight::Gap;
use crate::text::letter;

/// A character of the second reading.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub c: char,
    /// Octets of the text where it stands.
    pub at: (usize, usize),
    /// Whether it is written as a capital.
    pub capital: bool,
    /// What stands before it.
    pub gap: Gap,
    /// Whether the second reading has a gap there all the same.
    pub wide: bool,
    /// Whether the second reading leaves it out, as one of too many.
    pub surplus: bool,
    /// Whether it is part of the letter before.
    pub gone: bool,
}

/// Whether a word by itself may be read otherwise.
pub(super) fn is_doubtful(word: &str, suspicion: Suspicion) -> bool {
    let octets = word.as_bytes();
    let leet = suspicion.leet && octets.iter().any(u8::is_ascii_digit) && octets.iter().any(u8::is_ascii_alphabetic);
    let posing = suspicion.posing && !word.is_ascii() && octets.iter().any(u8::is_ascii_alphabetic);
    let drawn = || {
        let next = || word.chars().skip(1);
        word.chars().zip(next()).zip(next().skip(1)).any(|((a, b), c)| a == b && b == c && letter::is_alphabetic(a))
    };
    leet || posing || (suspicion.drawn && drawn())
}

/// The letter that a digit stands for.
fn letter_of(digit: char) -> Option<char> {
    Some(match digit {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        _ => return None,
    })
}

/// The letter that a sign stands for inside a word.
pub(super) fn stands_for(c: char) -> Option<char> {
    Some(match c {
        '@' => 'a',
        '$' => 's',
        '!' | '¡' => 'i',
        '|' | '£' => 'l',
        '€' => 'e',
        '฿' => 'b',
        '¢' => 'c',
        '¥' => 'y',
        '₱' => 'p',
        '₦' => 'n',
        '₩' => 'w',
        _ => return None,
    })
}

/// Digits in a row that are a number.
const NUMBER_MIN: usize = 3;

/// Letters behind a digit from which on it is one of them: `1nfo`, and not `5jt` or `3pm`.
pub(super) const AFTER_DIGIT_MIN: usize = 3;

/// Reads digits as letters in a word where letters prevail; whether there were any.
pub(super) fn unleet(word: &mut [Glyph], disguises: &mut Option<&mut Vec<Disguise>>) -> bool {
    let letters = word.iter().filter(|g| letter::is_alphabetic(g.c)).count();
    let digits = word.iter().filter(|g| g.c.is_ascii_digit()).count();
    if digits == 0 || letters < 2 || letters < digits || is_number(word) {
        return false;
    }
    let is_letter = |n: usize| is_spacing(word.get(n).map(|g| g.c));
    let is_digit = |n: usize| word.get(n).is_some_and(|g| g.c.is_ascii_digit());
    let inside = (1..word.len()).any(|n| is_digit(n) && is_letter(n - 1) && is_letter(n + 1));
    let before = is_digit(0) && (1..=AFTER_DIGIT_MIN).all(is_letter);
    if !inside && !before {
        return false;
    }
    let is_code = letters <= CODE_LETTERS_MAX && word.iter().all(|g| g.capital || !letter::is_alphabetic(g.c));
    let counts = inside && letters > 2 && letters >= 2 * digits && !is_code && !has_number_word(word);
    let mut any = false;
    for glyph in word.iter_mut() {
        if let Some(letter) = letter_of(glyph.c) {
            glyph.c = letter;
            any = true;
            note(disguises, Kind::Leet, glyph, counts);
        }
    }
    any
}

/// Letters in capitals beside a digit, as in `FT5P`: a code, and no word.
const CODE_LETTERS_MAX: usize = 3;

/// Whether a digit of a word is read as a number, or is none that a letter is usually written with: `least5times`, `gr8`.
fn has_number_word(word: &[Glyph]) -> bool {
    let letters = |around: &[Glyph]| around.iter().all(|g| is_spacing(Some(g.c))) && around.len() == AFTER_DIGIT_MIN;
    (0..word.len()).any(|n| match word.get(n).map_or(' ', |g| g.c) {
        '2' | '6' | '8' | '9' => true,
        '4' | '5' | '7' => {
            let before = n.checked_sub(AFTER_DIGIT_MIN).and_then(|from| word.get(from..n));
            let after = word.get(n + 1..n + 1 + AFTER_DIGIT_MIN);
            before.is_some_and(letters) && after.is_some_and(letters)
        }
        _ => false,
    })
}

fn is_number(word: &[Glyph]) -> bool {
    word.windows(NUMBER_MIN).any(|digits| digits.iter().all(|g| g.c.is_ascii_digit()))
}

fn note(disguises: &mut Option<&mut Vec<Disguise>>, kind: Kind, glyph: &Glyph, counts: bool) {
    if counts && let Some(disguises) = disguises {
        disguises.push(Disguise { kind, written: glyph.at.0..glyph.at.1 });
    }
}

/// Times that a letter stands in a row from which on it is drawn out.
const DRAWN_MIN: usize = 3;

/// Shortens letters that are drawn out: to one in the first reading, to two in the second; whether there were any.
pub(super) fn draw_in(word: &mut [Glyph], reading: usize, disguises: &mut Option<&mut Vec<Disguise>>) -> bool {
    let kept = if reading == 0 { 1 } else { 2 };
    let mut any = false;
    for (n, run) in word.chunk_by_mut(|a, b| a.c == b.c).enumerate().filter(|(_, run)| run.len() >= DRAWN_MIN) {
        // A word that begins so is a host's, or stands for what was left out: `www`, `XXXXX`.
        let is_drawn = |c: char| letter::is_alphabetic(c) && !(n == 0 && matches!(c, 'x' | 'w'));
        if !run.first().is_some_and(|g| is_drawn(g.c)) {
            continue;
        }
        any = true;
        for glyph in run.iter_mut().skip(kept) {
            glyph.surplus = true;
        }
    }
    let inside = word.len();
    for n in 1..inside {
        if let (Some(glyph), Some(next)) = (word.get(n - 1), word.get(n))
            && glyph.surplus
            && !next.surplus
            && letter::is_alphabetic(next.c)
            && !matches!(glyph.c, 'x' | 'w')
        {
            note(disguises, Kind::Repeated, glyph, true);
        }
    }
    any
}

/// The Thai letter that a Latin one poses as, in each reading.
fn posing_as(c: char, reading: usize) -> Option<char> {
    let [first, second, third] = match c {
        'a' => ['ส', 'ล', 'ล'],
        'i' | 'l' => ['เ', 'เ', 'เ'],
        'n' => ['ก', 'น', 'ท'],
        'o' => ['อ', 'อ', 'ฮ'],
        's' => ['ร', 'ร', 'ส'],
        'u' => ['บ', 'น', 'บ'],
        'v' => ['ว', 'อ', 'พ'],
        'w' => ['ฟ', 'พ', 'ฟ'],
        _ => return None,
    };
    Some(match reading {
        0 => first,
        1 => second,
        _ => third,
    })
}

/// Reads Latin letters among Thai ones as Thai; whether there were any.
pub(super) fn pose(word: &mut [Glyph], reading: usize, disguises: &mut Option<&mut Vec<Disguise>>) -> bool {
    let mut any = false;
    for n in 0..word.len() {
        let at = |n: Option<usize>| n.and_then(|n| word.get(n)).map(|g| g.c);
        let Some(c) = at(Some(n)) else { break };
        let doubled = c == 'l' && at(Some(n + 1)) == Some('l');
        let (before, after) = (at(n.checked_sub(1)), at(Some(n + if doubled { 2 } else { 1 })));
        let is_thai = |c: Option<char>| c.is_some_and(|c| matches!(c, '\u{e00}'..='\u{e7f}'));
        let is_open = |c: Option<char>| c.is_none() || is_thai(c);
        if !(is_open(before) && is_open(after) && (is_thai(before) || is_thai(after))) {
            continue;
        }
        let Some(thai) = (if doubled { Some('แ') } else { posing_as(c, reading) }) else { continue };
        any = true;
        let counts = is_thai(before) && is_thai(after);
        if let Some(glyph) = word.get_mut(n) {
            glyph.c = thai;
            note(disguises, Kind::Confusable, glyph, counts);
        }
        if doubled && let Some(glyph) = word.get_mut(n + 1) {
            (glyph.c, glyph.gone) = (thai, true);
        }
    }
    any
}

/// Whether a character is a letter of a script that spaces its words.
pub(super) fn is_spacing(c: Option<char>) -> bool {
    c.is_some_and(|c| letter::is_alphabetic(c) && !is_unspaced(c))
}
