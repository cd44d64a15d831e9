//! Words that say what stands beside them: `call`, `บาท`, `验证码`.
//!
//! A table is indexed by the first or the last octet of its words, so that asking it at a place costs one look in most
//! places. Words are written as they stand in the plain view: small letters, and with their marks.

/// A table of words, each with what it means.
#[derive(Debug)]
pub(super) struct Words<T: 'static> {
    /// In the order of the octet that they are looked up by, longer ones first.
    words: Vec<(&'static str, T)>,
    /// For each octet, the first of its words; one more closes the last.
    starts: [u16; 257],
}

impl<T: Copy> Words<T> {
    /// A table to be asked what begins at a place.
    pub(super) fn by_first(words: &[(&'static str, T)]) -> Self {
        Self::by(words, |word| word.bytes().next())
    }

    /// A table to be asked what ends at a place.
    pub(super) fn by_last(words: &[(&'static str, T)]) -> Self {
        Self::by(words, |word| word.bytes().next_back())
    }

    fn by(words: &[(&'static str, T)], key: impl Fn(&str) -> Option<u8>) -> Self {
        let mut words = words.to_vec();
        words.sort_by_key(|(word, _)| (key(word), std::cmp::Reverse(word.len())));
        let mut starts = [0; 257];
        for (octet, start) in starts.iter_mut().enumerate() {
            let before = words.iter().filter(|(word, _)| key(word).is_some_and(|k| usize::from(k) < octet)).count();
            *start = u16::try_from(before).unwrap_or(u16::MAX);
        }
        Self { words, starts }
    }

    /// What its words mean.
    #[cfg(test)]
    pub(super) fn meanings(&self) -> impl Iterator<Item = T> {
        self.words.iter().map(|(_, what)| *what)
    }

    fn of(&self, octet: u8) -> &[(&'static str, T)] {
        let at = usize::from(octet);
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(from), Some(to)) => self.words.get(usize::from(*from)..usize::from(*to)).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The longest word that `text` begins with, and that ends there as a word does.
    pub(super) fn at_start(&self, text: &str) -> Option<(usize, T)> {
        let first = *text.as_bytes().first()?;
        let (word, what) = self.of(first).iter().find(|(word, _)| {
            text.starts_with(word) && !(ends_spaced(word) && text.as_bytes().get(word.len()).is_some_and(is_word_octet))
        })?;
        Some((word.len(), *what))
    }

    /// The longest word that `text` ends with, and that begins there as a word does.
    pub(super) fn at_end(&self, text: &str) -> Option<(usize, T)> {
        let last = *text.as_bytes().last()?;
        let (word, what) = self.of(last).iter().find(|(word, _)| {
            text.ends_with(word)
                && !(starts_spaced(word)
                    && text.as_bytes().get(..text.len() - word.len()).and_then(<[u8]>::last).is_some_and(is_word_octet))
        })?;
        Some((word.len(), *what))
    }

    /// The nearest word to the end of `text`, at most `reach` octets away: how far its end is, and what it means.
    pub(super) fn nearest_before(&self, text: &str, reach: usize) -> Option<(usize, T)> {
        let from = text.floor_char_boundary(text.len().saturating_sub(reach));
        let mut end = text.len();
        loop {
            if let Some((_, what)) = self.at_end(text.get(..end)?)
                && !(text.as_bytes().get(end - 1).is_some_and(is_word_octet)
                    && text.as_bytes().get(end).is_some_and(is_word_octet))
            {
                return Some((text.len() - end, what));
            }
            if end <= from {
                return None;
            }
            end = text.floor_char_boundary(end.checked_sub(1)?);
        }
    }
}

/// Letters and digits of ASCII make a word longer; other scripts' words stand wherever they are written.
pub(super) fn is_word_octet(octet: &u8) -> bool {
    octet.is_ascii_alphanumeric()
}

fn ends_spaced(word: &str) -> bool {
    word.as_bytes().last().is_some_and(is_word_octet)
}

fn starts_spaced(word: &str) -> bool {
    word.as_bytes().first().is_some_and(is_word_octet)
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
        let words = &[("call", 1), ("hotline", 2), ("โทร", 3), ("call center", 4)];
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
