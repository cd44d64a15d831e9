//! Words that say what stands beside them: `call`, `บาท`, `验证码`.
//!
//! A table is indexed by the first or the last octet of its words, so that asking it at a place costs one look in most
//! places. Words are written as they stand in the plain view: small letters, and with their marks.

use crate::text::fold::READING;

/// A table of words, each with what it means.
#[derive(Debug)]
pub(super) struct Words<T: 'static> {
    /// In the order of the octet that they are looked up by, longer ones first.
    words: Vec<Word<T>>,
    /// For each octet, the first of its words; one more closes the last.
    starts: [u16; 257],
    /// For each octet, which octets are next to it in its words, by their last five bits: hardly any text goes on so.
    seconds: [u32; 256],
}

#[derive(Clone, Copy, Debug)]
struct Word<T> {
    /// Its first eight octets, or its last eight read backwards: most words are told from the text by these alone.
    key: u64,
    mask: u64,
    written: &'static str,
    /// It is of a script that spaces words: no letter may go on where it was not looked up.
    spaced: bool,
    what: T,
}

impl<T: Copy> Words<T> {
    /// A table to be asked what begins at a place; words of one meaning are parted by `|`.
    pub(super) fn by_first(words: &[(T, &'static str)]) -> Self {
        Self::by(words, |word| (first_octets(word), ends_in_letter(word)))
    }

    /// A table to be asked what ends at a place.
    pub(super) fn by_last(words: &[(T, &'static str)]) -> Self {
        Self::by(words, |word| (last_octets(word), begins_with_letter(word)))
    }

    fn by(words: &[(T, &'static str)], look: impl Fn(&str) -> (u64, bool)) -> Self {
        let each = words.iter().flat_map(|(what, words)| words.split('|').map(|word| (word, *what)));
        let entry = |(written, what): (&'static str, T)| {
            let (key, spaced) = look(written);
            let mask = u64::MAX >> (64 - 8 * written.len().min(8));
            Word { key, mask, written, spaced, what }
        };
        let mut words: Vec<Word<T>> = each.map(entry).collect();
        words.sort_by_key(|word| (word.key & 0xff, std::cmp::Reverse(word.written.len())));
        let mut starts = [0; 257];
        for (octet, start) in (0..).zip(starts.iter_mut()) {
            let before = words.iter().filter(|word| word.key & 0xff < octet).count();
            *start = u16::try_from(before).unwrap_or(u16::MAX);
        }
        let mut seconds = [0; 256];
        for word in &words {
            let [first, second, ..] = word.key.to_le_bytes();
            if let Some(seconds) = seconds.get_mut(usize::from(first)) {
                *seconds |= if word.written.len() > 1 { 1 << (second & 31) } else { u32::MAX };
            }
        }
        Self { words, starts, seconds }
    }

    /// What its words mean.
    #[cfg(test)]
    pub(super) fn meanings(&self) -> impl Iterator<Item = T> {
        self.words.iter().map(|word| word.what)
    }

    /// The words that may be where these octets are.
    fn at(&self, key: u64) -> &[Word<T>] {
        let [first, second, ..] = key.to_le_bytes();
        let seconds = self.seconds.get(usize::from(first)).copied().unwrap_or_default();
        if seconds >> (second & 31) & 1 == 0 { &[] } else { self.of(first) }
    }

    fn of(&self, octet: u8) -> &[Word<T>] {
        let at = usize::from(octet);
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(from), Some(to)) => self.words.get(usize::from(*from)..usize::from(*to)).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Whether any word begins with this octet, or ends with it in a table that is asked so.
    pub(super) fn may_be(&self, octet: u8) -> bool {
        !self.of(octet).is_empty()
    }

    /// The longest word that `text` begins with, and that ends there as a word does.
    pub(super) fn at_start(&self, text: &str) -> Option<(usize, T)> {
        let key = first_octets(text);
        let word = self.at(key).iter().find(|word| {
            key & word.mask == word.key
                && (word.written.len() <= 8 || text.starts_with(word.written))
                && !(word.spaced && text.get(word.written.len()..).is_some_and(begins_with_letter))
        })?;
        Some((word.written.len(), word.what))
    }

    /// The longest word that `text` ends with, and that begins there as a word does.
    pub(super) fn at_end(&self, text: &str) -> Option<(usize, T)> {
        let key = last_octets(text);
        let before = |len: usize| text.get(..text.len() - len).is_some_and(ends_in_letter);
        let word = self.at(key).iter().find(|word| {
            key & word.mask == word.key
                && (word.written.len() <= 8 || text.ends_with(word.written))
                && !(word.spaced && before(word.written.len()))
        })?;
        Some((word.written.len(), word.what))
    }

    /// What the whole text means, when it is one of the words.
    pub(super) fn whole(&self, text: &str) -> Option<T> {
        self.at_start(text).filter(|(len, _)| *len == text.len()).map(|(_, what)| what)
    }

    /// The nearest word to the end of `text`, at most `reach` octets away: how far its end is, and what it means.
    pub(super) fn nearest_before(&self, text: &str, reach: usize) -> Option<(usize, T)> {
        let octets = text.as_bytes();
        let mut inside = false;
        for far in 0..=reach.min(text.len().checked_sub(1)?) {
            let end = text.len() - far;
            let last = octets.get(end - 1).copied().unwrap_or_default();
            if last == READING {
                return None;
            }
            // Within a character there is nothing to ask, and it is a letter or none as a whole.
            let Some(before) = text.get(..end) else { continue };
            let letter = if last.is_ascii() { is_word_octet(&last) } else { ends_in_letter(before) };
            if !(letter && inside)
                && self.may_be(last)
                && let Some((_, what)) = self.at_end(before)
            {
                return Some((far, what));
            }
            inside = letter;
        }
        None
    }
}

/// The first eight octets, the first of them lowest; fewer when there are no more.
pub(super) fn first_octets(text: &str) -> u64 {
    let octets = text.as_bytes();
    octets.first_chunk().map_or_else(|| few(octets.iter()), |eight| u64::from_le_bytes(*eight))
}

/// The last eight octets, the last of them lowest.
fn last_octets(text: &str) -> u64 {
    let octets = text.as_bytes();
    octets.last_chunk().map_or_else(|| few(octets.iter().rev()), |eight| u64::from_be_bytes(*eight))
}

fn few<'o>(octets: impl Iterator<Item = &'o u8>) -> u64 {
    octets.zip((0..64).step_by(8)).fold(0, |sum, (octet, shift)| sum | u64::from(*octet) << shift)
}

/// Letters and digits of ASCII make a word longer.
pub(super) fn is_word_octet(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric()
}

fn begins_with_letter(text: &str) -> bool {
    text.as_bytes().first().is_some_and(|octet| match octet.is_ascii() {
        true => is_word_octet(octet),
        false => text.chars().next().is_some_and(is_spaced_letter),
    })
}

fn ends_in_letter(text: &str) -> bool {
    text.as_bytes().last().is_some_and(|octet| match octet.is_ascii() {
        true => is_word_octet(octet),
        false => text.chars().next_back().is_some_and(is_spaced_letter),
    })
}

/// Letters and marks beyond ASCII of the scripts that space their words; other scripts' words stand wherever they are
/// written.
fn is_spaced_letter(c: char) -> bool {
    matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{58f}' | '\u{1e00}'..='\u{1fff}')
}

/// Without the spaces at its end, at most `max` of them.
pub(super) fn trim_spaces_end(text: &str, max: usize) -> &str {
    let spaces = text.bytes().rev().take(max).take_while(|b| *b == b' ').count();
    text.get(..text.len() - spaces).unwrap_or(text)
}

/// Without the spaces at its start, at most `max` of them.
pub(super) fn trim_spaces_start(text: &str, max: usize) -> &str {
    let spaces = text.bytes().take(max).take_while(|b| *b == b' ').count();
    text.get(spaces..).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_where_they_are_asked_for() {
        let words = &[(1, "call"), (2, "hotline"), (3, "โทร|ໂທ"), (4, "call center")];
        let (heads, tails) = (Words::by_first(words), Words::by_last(words));
        assert_eq!(heads.at_start("call me"), Some((4, 1)));
        assert_eq!(heads.at_start("call center"), Some((11, 4)));
        assert_eq!(heads.at_start("caller"), None);
        assert_eq!(heads.at_start("โทร081"), Some((9, 3)));
        assert_eq!(tails.at_end("our hotline"), Some((7, 2)));
        assert_eq!(tails.at_end("recall"), None);
        assert_eq!(tails.at_end("ติดต่อโทร"), Some((9, 3)));
        assert_eq!(tails.nearest_before("please call us at ", 16), Some((7, 1)));
        assert_eq!(tails.nearest_before("please recall us at ", 16), None);
        assert_eq!(tails.nearest_before("please caller at ", 16), None);
        assert_eq!(tails.nearest_before("please call us at the very end of ", 8), None);
    }
}
