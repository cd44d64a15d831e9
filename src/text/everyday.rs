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

/// Letters of a word that counts by itself, and of the longest one.
const LEN_MIN: usize = 3;
const LEN_MAX: usize = 16;

/// Whether an everyday word of these letters has a stretch of them within itself.
#[must_use]
pub fn covers(letters: &str, from: usize, to: usize) -> bool {
    let starts = from.saturating_sub(LEN_MAX)..=from;
    let words = starts.flat_map(|start| (to..=letters.len().min(start + LEN_MAX)).map(move |end| (start, end)));
    words
        .filter(|word| *word != (from, to))
        .any(|(start, end)| letters.get(start..end).is_some_and(|w| WORDS.contains(w)))
}

/// Where words begin in letters that are everyday words from the first to the last: of all ways to cut them that with the
/// fewest words. `may` says where one may begin or end at all.
#[must_use]
pub fn cut(letters: &str, may: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
    // For each place the fewest words up to it, and where the last of them begins.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; letters.len() + 1];
    *best.first_mut()? = Some((0, 0));
    for end in (1..=letters.len()).filter(|end| may(*end)) {
        let starts = (end.saturating_sub(LEN_MAX)..end).filter(|start| may(*start));
        let words = starts
            .filter(|start| letters.get(*start..end).is_some_and(|w| WORDS.contains(w) || is_short(w) || is_other(w)));
        let least = words.filter_map(|start| Some((best.get(start).copied().flatten()?.0 + 1, start))).min();
        best.get_mut(end).into_iter().for_each(|slot| *slot = least);
    }
    let mut starts = Vec::new();
    let mut at = letters.len();
    while at > 0 {
        at = best.get(at).copied().flatten()?.1;
        starts.push(at);
    }
    starts.reverse();
    // Short ones next to each other are as well one word that nobody knows: `na me`.
    let ends = starts.iter().skip(1).copied().chain([letters.len()]);
    let words = starts.iter().zip(ends).filter_map(|(start, end)| letters.get(*start..end));
    let shorts: Vec<bool> = words.map(|word| word.len() < LEN_MIN && !is_other(word)).collect();
    (shorts.contains(&false) && !shorts.windows(2).any(|pair| pair == [true, true])).then_some(starts)
}

/// Whether it is a word that counts only beside another.
#[must_use]
pub fn is_short(word: &str) -> bool {
    SHORT.split(' ').any(|known| known == word)
}

/// What is no letter stands for itself.
fn is_other(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next().is_some_and(|c| !c.is_alphabetic()) && characters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_word_covers_a_shorter_one() {
        assert!(covers("mycallsto", 2, 6), "calls");
        assert!(!covers("callus", 0, 4));
    }

    #[test]
    fn letters_are_cut_into_words_if_all_are_known() {
        let all = |_: usize| true;
        assert_eq!(cut("pleasecallus", all), Some(vec![0, 6, 10]));
        assert_eq!(cut("callsto", all), Some(vec![0, 5]));
        assert_eq!(cut("please1call", all), Some(vec![0, 6, 7]));
        assert_eq!(cut("pleasexyzcall", all), None);
        assert_eq!(cut("name", all), Some(vec![0]));
        assert_eq!(cut("myna", all), None, "two short ones");
        assert_eq!(cut("callus", |at| at != 4), None, "nothing begins there");
    }
}
