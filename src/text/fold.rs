//! The matching form: what a reader takes a text for, whatever characters it was dressed in.
//!
//! Compatibility forms and confusables become Latin letters (NFKD, UTS #39 in part), case and marks go, invisible
//! characters vanish, digits and signs that stand for letters inside a word become those letters, and every run of spaces
//! and punctuation becomes one space. The same folding is applied to rule entries, so that it need not be pretty: it must
//! be the same for both. [`skeleton_of`] makes `i`, `l` and `1` one character on top, which keeps every position.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;

/// Folds a text, as for a rule entry.
pub fn fold(text: &str, out: &mut String) {
    let mut places = Vec::new();
    fold_mapped(text, out, &mut places);
    out.truncate(out.trim_end().len());
}

/// The view in which words are matched: as the matching form, with `i`, `l` and `|` made one.
pub fn skeleton_of(folded: &str, out: &mut String) {
    out.extend(folded.chars().map(|c| if c == 'i' { 'l' } else { c }));
}

/// Folds a text; `places` gets, for each octet of the matching form, the octet of the text where its character starts.
pub(super) fn fold_mapped(text: &str, out: &mut String, places: &mut Vec<u32>) {
    let mut word_start = out.len();
    let mut chars = text.char_indices().peekable();
    let mut previous = ' ';
    while let Some((at, c)) = chars.next() {
        if is_invisible(c) {
            continue;
        }
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        let next = chars.peek().map_or(' ', |(_, n)| *n);
        let before = out.len();
        if is_apostrophe(c) && previous.is_alphabetic() && next.is_alphabetic() {
            continue;
        }
        push_folded(c, previous, next, text.get(at..).unwrap_or_default(), out);
        if out.len() == before {
            if !out.is_empty() && !out.ends_with(' ') && !is_mark(c) {
                unleet(out, word_start);
                out.push(' ');
                word_start = out.len();
            }
        }
        places.resize(out.len(), place);
        if !is_mark(c) {
            previous = c;
        }
    }
    unleet(out, word_start);
}

/// The plain view, in which links, numbers and names are looked for: compatibility forms undone, small letters, no
/// invisible characters, each space a blank; line feeds and punctuation stay, and look-alike letters are what they are (a
/// Cyrillic host is another host). `places` as in the matching form.
pub(super) fn plain_mapped(text: &str, out: &mut String, places: &mut Vec<u32>) {
    for (at, c) in text.char_indices() {
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        match c {
            '\n' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '。' | '｡' | '．' | '·' | '•' | '∙' | '⋅' | '‧' | '・' => out.push('.'),
            c if c.is_ascii_graphic() => out.push(c.to_ascii_lowercase()),
            c if is_invisible(c) || matches!(u32::from(c), 0x334..=0x338 | 0x20d0..=0x20f0) => {}
            c if c.is_whitespace() || c.is_control() => out.push(' '),
            c => out.extend(std::iter::once(c).nfkc().flat_map(char::to_lowercase)),
        }
        places.resize(out.len(), place);
    }
}

/// Appends what a character folds to; nothing for spaces and punctuation.
fn push_folded(c: char, previous: char, next: char, rest: &str, out: &mut String) {
    if c.is_ascii_alphanumeric() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    if let Some(letter) = sign(c)
        && previous.is_ascii_alphabetic()
        && next.is_ascii_alphanumeric()
        && !(c == '@' && is_mail(rest))
    {
        out.push(letter);
        return;
    }
    if c.is_ascii() {
        return;
    }
    for d in std::iter::once(c).nfkd() {
        if is_mark(d) || is_invisible(d) {
            continue;
        }
        match confusable(d) {
            Some(latin) => out.push_str(latin),
            None if d.is_alphanumeric() || is_spacing_mark(d) => out.extend(d.to_lowercase()),
            None => {}
        }
    }
}

/// Latin letters drop their marks; vowel signs of Thai and others are letters here.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff)
}

/// Marks that carry meaning: Indic, Thai, Lao, Burmese, Khmer, Arabic vowel signs are kept.
fn is_spacing_mark(c: char) -> bool {
    matches!(u32::from(c), 0x591..=0x5bd | 0x64b..=0x65f | 0x900..=0xdff | 0xe31..=0xe4e | 0xeb1..=0xece
        | 0x1000..=0x109f | 0x1780..=0x17d3)
}

fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f
        | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe_0000..=0xe_0fff)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | 'ʼ' | '`' | '´')
}

/// Signs that stand for letters inside a word.
fn sign(c: char) -> Option<char> {
    Some(match c {
        '@' => 'a',
        '$' => 's',
        '!' | '|' | '¡' => 'i',
        '€' => 'e',
        _ => return None,
    })
}

/// Whether what begins with `@` is the end of a mail address.
fn is_mail(rest: &str) -> bool {
    let word = rest.split(char::is_whitespace).next().unwrap_or(rest);
    word.trim_end_matches('.').contains('.')
}

/// Digits that stand for letters, in the word that begins at `start`: only where letters prevail and no run of digits is
/// a number.
fn unleet(out: &mut String, start: usize) {
    let word = out.get(start..).unwrap_or_default();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let longest = word.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    if digits == 0 || letters < 2 || letters <= digits || longest > 2 {
        return;
    }
    let plain: String = word.chars().map(|c| digit(c).unwrap_or(c)).collect();
    out.replace_range(start.., &plain);
}

fn digit(c: char) -> Option<char> {
    Some(match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        _ => return None,
    })
}

/// Letters that look like Latin ones, and Latin ones that NFKD leaves whole.
fn confusable(c: char) -> Option<&'static str> {
    Some(match c {
        'а' | 'А' | 'α' | 'Α' | 'ɑ' => "a",
        'в' | 'В' | 'β' | 'Β' | 'Ь' | 'ь' => "b",
        'с' | 'С' | 'ϲ' | 'ᴄ' => "c",
        'ԁ' | 'đ' | 'Đ' | 'ð' | 'Ð' | 'ɗ' => "d",
        'е' | 'Е' | 'ε' | 'Ε' | 'є' | 'Є' => "e",
        'ғ' | 'Ғ' | 'ƒ' => "f",
        'ɡ' | 'ց' => "g",
        'н' | 'Н' | 'һ' | 'Η' | 'ћ' => "h",
        'і' | 'І' | 'ι' | 'Ι' | 'ı' | 'ӏ' | 'Ӏ' | 'ɩ' => "i",
        'ј' | 'Ј' => "j",
        'к' | 'К' | 'κ' | 'Κ' => "k",
        'ł' | 'Ł' => "l",
        'м' | 'М' | 'Μ' => "m",
        'η' | 'п' | 'П' => "n",
        'о' | 'О' | 'ο' | 'Ο' | 'σ' | 'ø' | 'Ø' | 'օ' => "o",
        'р' | 'Р' | 'ρ' | 'Ρ' => "p",
        'ԛ' => "q",
        'г' | 'Г' => "r",
        'ѕ' | 'Ѕ' => "s",
        'т' | 'Т' | 'τ' | 'Τ' => "t",
        'υ' | 'ц' | 'Ц' => "u",
        'ν' | 'ѵ' => "v",
        'ԝ' | 'ω' | 'ш' | 'Ш' => "w",
        'х' | 'Х' | 'χ' | 'Χ' => "x",
        'у' | 'У' | 'γ' | 'Υ' => "y",
        'Ζ' => "z",
        'ß' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'þ' | 'Þ' => "th",
        _ => return None,
    })
}

/// The range of the text that a range of the matching form comes from.
pub(super) fn written(text: &str, places: &[u32], folded: &Range<usize>) -> Range<usize> {
    let at = |n: usize| places.get(n).and_then(|p| usize::try_from(*p).ok());
    let start = at(folded.start).unwrap_or(text.len());
    let Some(last) = folded.end.checked_sub(1).and_then(at) else { return start..start };
    let end = last + text.get(last..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8);
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        fold(text, &mut out);
        out
    }

    #[test]
    fn dress_is_taken_off() {
        assert_eq!(folded("КВаnk"), "kbank");
        assert_eq!(folded("ＤＢＳ　Ｂａｎｋ"), "dbs bank");
        assert_eq!(folded("𝗞𝗕𝗮𝗻𝗸"), "kbank");
        assert_eq!(folded("Kb\u{200b}an\u{ad}k"), "kbank");
        assert_eq!(folded("Giảm giá, Đặt ngay!"), "giam gia dat ngay");
        assert_eq!(folded("don't — WON’T"), "dont wont");
        assert_eq!(folded("P1njaman t4npa agunan 5-500jt, min4t"), "pinjaman tanpa agunan 5 500jt minat");
        assert_eq!(folded("CAS1NO S!ot c0de"), "casino siot code");
        assert_eq!(folded("OTP 482913, RM1,250.00"), "otp 482913 rmi 250 00");
        assert_eq!(folded("ยืนยันที่"), folded("ยืนยันที่"));
        assert_eq!(folded("...!?"), "");
    }

    #[test]
    fn the_plain_view_keeps_punctuation_and_look_alikes() {
        let plain = |text: &str| {
            let (mut out, mut places) = (String::new(), Vec::new());
            plain_mapped(text, &mut out, &mut places);
            assert_eq!(out.len(), places.len());
            out
        };
        assert_eq!(plain("ＨＴＴＰ：／／Ｋbank。Ｘyz／①"), "http://kbank.xyz/1");
        assert_eq!(plain("K\u{200b}B\u{ad}ank\u{a0}\u{3000}a\r\nb"), "kbank  a \nb");
        assert_eq!(plain("𝟎𝟖𝟏-𝟐𝟑, Кв.com"), "081-23, кв.com");
        assert_eq!(plain("Đặt ยืนยัน"), "đặt ยืนยัน");
    }

    #[test]
    fn a_match_finds_its_place_in_the_text() {
        let text = "«Bаnk», ยืนยัน  P1N";
        let (mut out, mut places) = (String::new(), Vec::new());
        fold_mapped(text, &mut out, &mut places);
        assert_eq!(out.len(), places.len());
        for (word, shown) in [("bank", "Bаnk"), ("pin", "P1N"), ("ยืนยัน", "ยืนยัน")] {
            let at = out.find(word).unwrap();
            assert_eq!(&text[written(text, &places, &(at..at + word.len()))], shown);
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for text in ["Héllo Wörld", "P1njaman KTA!", "ทดสอบ ABC", "测试 D8S"] {
            let once = folded(text);
            assert_eq!(folded(&once), once, "{text}");
        }
    }
}
