//! Everyday words of the languages that most traffic is in: they tell where words end in letters that are spaced out
//! evenly, `p l e a s e c a l l u s`.
//!
//! A word that is not among them only means that nobody knows; what is found beside one is not believed.

use std::collections::HashSet;
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("everyday.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split(' ')).collect()
});

/// Words of one or two letters, which count only beside another.
const SHORT: &str = "a am as at be by di do go he i if in is it ke me my na ng no of on or sa so to up us va we ya yg";

/// Letters of the longest word.
const LEN_MAX: usize = 16;

/// Letters that are looked at together; of a longer stretch nobody knows where its words end.
const LETTERS_MAX: usize = 256;

/// Letters without gaps, in room of their own.
#[derive(Clone, Copy, Debug)]
pub struct Letters {
    octets: [u8; LETTERS_MAX],
    len: usize,
    /// Where words may begin and end: all places, unless some are [set](Self::part).
    parts: Option<Places>,
    /// Whether some were left out, as there was no room or they are no ASCII.
    cut: bool,
}

/// Places between letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places([u64; LETTERS_MAX / 64 + 1]);

impl Places {
    /// Whether a place is one of them.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|places| places >> (at % 64) & 1 == 1)
    }

    fn add(&mut self, at: usize) {
        self.0.get_mut(at / 64).into_iter().for_each(|places| *places |= 1 << (at % 64));
    }
}

impl Default for Letters {
    fn default() -> Self {
        Self { octets: [0; LETTERS_MAX], len: 0, parts: None, cut: false }
    }
}

impl Letters {
    /// Adds one behind the others.
    pub fn push(&mut self, c: char) {
        match (u8::try_from(c).ok().filter(u8::is_ascii), self.octets.get_mut(self.len)) {
            (Some(octet), Some(slot)) => (*slot, self.len) = (octet, self.len + 1),
            _ => self.cut = true,
        }
    }

    /// Says that words may begin and end here, and nowhere else but in other such places.
    pub fn part(&mut self) {
        self.parts.get_or_insert_default().add(self.len);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    fn word(&self, from: usize, to: usize) -> &str {
        let octets = self.octets.get(from..to).filter(|_| to <= self.len).unwrap_or_default();
        std::str::from_utf8(octets).unwrap_or_default()
    }

    /// Whether those of a stretch are the letters of a text, but for digits and for letters that are drawn out.
    #[must_use]
    pub fn spell(&self, from: usize, to: usize, text: &str) -> bool {
        let own = self.word(from, to).chars();
        let other = text.chars().filter(|c| *c != ' ');
        let is_other = |(a, b): (char, char)| a != b && a.is_alphabetic() && b.is_alphabetic();
        own.clone().count() != other.clone().count() || !own.zip(other).any(is_other)
    }

    /// Whether an everyday word of them has a stretch of them within itself.
    #[must_use]
    pub fn cover(&self, from: usize, to: usize) -> bool {
        let starts = from.saturating_sub(LEN_MAX)..=from;
        let words = starts.flat_map(|start| (to..=self.len.min(start + LEN_MAX)).map(move |end| (start, end)));
        words.filter(|word| *word != (from, to)).any(|(start, end)| WORDS.contains(self.word(start, end)))
    }

    /// Whether those of a stretch are nothing but everyday words.
    #[must_use]
    pub fn are_words(&self, from: usize, to: usize, open: Open) -> bool {
        from == to || is_short(self.word(from, to)) || self.words(from, to, open).is_some()
    }

    /// Where words begin in a stretch of them that is everyday words from the first to the last, and where the last word
    /// ends: of all ways to cut it that with the fewest words.
    #[must_use]
    pub fn words(&self, from: usize, to: usize, open: Open) -> Option<(Places, usize)> {
        if self.cut || to > self.len {
            return None;
        }
        let may = |at: &usize| *at == from || self.parts.is_none_or(|parts| parts.has(*at));
        // For each place the fewest words up to it and where the last of them begins; there are none up to where the first may begin.
        let mut best = [(u16::MAX, 0_u16); LETTERS_MAX + 1];
        let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let firsts = if open.before { LEN_MAX.min((to - from).saturating_sub(1)) } else { 0 };
        for first in (from..=from + firsts).filter(&may) {
            best.get_mut(first).into_iter().for_each(|slot| *slot = (0, place(first)));
        }
        for end in (from + 1..=to).filter(&may) {
            let starts = (end.saturating_sub(LEN_MAX).max(from)..end).filter(&may);
            let reached =
                starts.filter_map(|start| Some((best.get(start)?.0, start))).filter(|(count, _)| *count < MANY);
            let known = reached.filter(|(_, start)| is_known(self.word(*start, end)));
            let least = known.map(|(count, start)| (count + 1, place(start))).min();
            let slot = best.get_mut(end).filter(|slot| slot.0 > 0);
            slot.zip(least).into_iter().for_each(|(slot, least)| *slot = least);
        }
        let lasts = if open.after { LEN_MAX.min(to - from) } else { 0 };
        let reached = |at: &usize| best.get(*at).is_some_and(|(count, _)| (1..MANY).contains(count));
        let end = (to - lasts..=to).rev().find(reached)?;
        let (mut places, mut has_long, mut was_short) = (Places::default(), false, false);
        let mut at = end;
        while let Some((1.., start)) = best.get(at).copied() {
            let word = self.word(usize::from(start), at);
            // Short ones next to each other are as well one word that nobody knows: `na me`.
            let short = is_short(word);
            if short && was_short {
                return None;
            }
            (has_long, was_short) = (has_long || WORDS.contains(word), short);
            places.add(usize::from(start));
            at = usize::from(start);
        }
        has_long.then_some((places, end))
    }
}

/// More words than any stretch has.
const MANY: u16 = u16::MAX;

/// Which end of a stretch lies within letters of which no more is looked at, so that a word may go on there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open {
    /// The first.
    pub before: bool,
    /// The last.
    pub after: bool,
}

fn is_known(word: &str) -> bool {
    WORDS.contains(word) || is_short(word) || is_other(word)
}

/// Whether it is a word that counts only beside another.
fn is_short(word: &str) -> bool {
    word.len() <= 2 && SHORT.split(' ').any(|known| known == word)
}

/// What is no letter stands for itself.
fn is_other(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|c| !c.is_alphabetic()) && characters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Letters {
        let mut letters = Letters::default();
        text.chars().for_each(|c| letters.push(c));
        letters
    }

    /// The words of a text without gaps.
    fn words(text: &str) -> Option<String> {
        let (places, _) = letters(text).words(0, text.len(), Open::default())?;
        let each =
            text.char_indices().map(|(n, c)| if n > 0 && places.has(n) { format!(" {c}") } else { c.to_string() });
        Some(each.collect())
    }

    #[test]
    fn letters_are_cut_into_words_if_all_are_known() {
        assert_eq!(words("pleasecallus").as_deref(), Some("please call us"));
        assert_eq!(words("callsto").as_deref(), Some("calls to"), "and not `call sto`");
        assert_eq!(words("please1call").as_deref(), Some("please 1 call"));
        assert_eq!(words("name").as_deref(), Some("name"), "and not `na me`");
        assert_eq!(words("pleasexyzcall"), None);
        assert_eq!(words("myna"), None, "two short ones");
        assert_eq!(words("us"), None, "a short one alone");
        assert_eq!(words(&"please".repeat(60)), None, "there is no room for so many");
        let mut apart = Letters::default();
        for word in ["ple", "ase", "callus"] {
            word.chars().for_each(|c| apart.push(c));
            apart.part();
        }
        assert_eq!(apart.words(0, 12, Open::default()), None, "no word may begin within the last");
    }

    #[test]
    fn a_stretch_may_end_within_a_word_where_more_follows() {
        let of = |text: &str, open| letters(text).words(0, text.len(), open).map(|(_, end)| end);
        let (before, after) = (Open { before: true, after: false }, Open { before: false, after: true });
        assert_eq!(of("pleasecallcusto", after), Some(10));
        assert_eq!(of("pleasecallcusto", Open::default()), None);
        assert_eq!(of("omerservice", before), Some(11));
        assert_eq!(of("omerservice", after), None);
    }

    #[test]
    fn letters_that_look_alike_are_not_the_same() {
        let calicut = letters("calicut");
        assert!(!calicut.spell(0, 4, "call") && calicut.spell(0, 4, "cali") && calicut.spell(4, 7, "cut"));
        assert!(letters("ca1lnow").spell(0, 4, "call") && letters("callnow").spell(0, 7, "call now"));
        assert!(letters("caaallnow").spell(0, 6, "call"), "drawn out");
    }

    #[test]
    fn a_longer_word_covers_a_shorter_one() {
        assert!(letters("mycallsto").cover(2, 6), "calls");
        assert!(!letters("callus").cover(0, 4));
        let are_words = |text: &str, from, to| letters(text).are_words(from, to, Open::default());
        assert!(are_words("tocall", 0, 2) && are_words("tocall", 2, 6));
        assert!(!are_words("yolanda", 0, 3));
    }
}
