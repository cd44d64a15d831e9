//! Many literals, found anywhere in a text.
//!
//! Every literal is known by five octets at its beginning, and by the five from its second on; so a text needs to be looked
//! at only at every other octet, and seldom has five octets of a literal that is not there. Shorter literals are looked for
//! at every octet.
//!
//! A text could be written of nothing but octets that many literals have in common. Beyond a few comparisons for each of
//! its octets it is handed to an automaton over all literals, which takes as long for every text.

use std::collections::BTreeMap;

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder, MatchKind};

use super::grams::{Grams, Group, gram};
use super::index;

/// Octets of literals from which on a table has them, those it knows them by, and how far apart it looks.
const TABLES: [(usize, usize, usize); 3] = [(6, 5, 2), (4, 4, 1), (1, 3, 1)];

/// Comparisons for each octet of a text before it is handed to the automaton.
const COMPARISONS: usize = 4;

/// See the [module documentation](self).
#[derive(Default)]
pub(super) struct Anywhere {
    tables: Vec<Table>,
    literals: Vec<Box<[u8]>>,
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
}

struct Table {
    gram: usize,
    step: usize,
    grams: Grams,
    /// Literals, each with how many of its octets are before those it is known by.
    places: Box<[(u32, u8)]>,
}

impl Anywhere {
    /// Keeps literals of three octets at least, each there once; they are told by their place.
    ///
    /// # Errors
    /// When they are too many.
    pub(super) fn new(literals: &[&str]) -> Result<Self, String> {
        let mut tables = Vec::new();
        let mut longest = usize::MAX;
        for (shortest, len, step) in TABLES {
            let mut by_gram: BTreeMap<u64, Vec<(u32, u8)>> = BTreeMap::new();
            for (id, literal) in (0..).zip(literals) {
                for shift in (0..step).filter(|_| (shortest..longest).contains(&literal.len())) {
                    let octets = literal.as_bytes().get(shift..).and_then(|octets| gram(octets, len));
                    let place = (id, u8::try_from(shift).unwrap_or(0));
                    octets.into_iter().for_each(|octets| by_gram.entry(octets).or_default().push(place));
                }
            }
            longest = shortest;
            let (mut groups, mut places) = (Vec::new(), Vec::new());
            for (gram, own) in by_gram {
                let from = u32::try_from(places.len()).map_err(|e| e.to_string())?;
                places.extend(own);
                groups.push(Group { gram, more: 0, from, to: u32::try_from(places.len()).map_err(|e| e.to_string())? });
            }
            if !groups.is_empty() {
                tables.push(Table { gram: len, step, grams: Grams::new(groups), places: places.into() });
            }
        }
        let automaton = if literals.is_empty() {
            None
        } else {
            let numbered = (0..).zip(literals).map(|(id, literal)| (*literal, id));
            let builder = DoubleArrayAhoCorasickBuilder::new().match_kind(MatchKind::Standard);
            Some(builder.build_with_values(numbered).map_err(|e| e.to_string())?)
        };
        Ok(Self { tables, literals: literals.iter().map(|literal| literal.as_bytes().into()).collect(), automaton })
    }

    /// Whether there is no literal.
    pub(super) fn is_empty(&self) -> bool {
        self.literals.is_empty()
    }

    /// Tells every literal that the text has, perhaps more than once.
    pub(super) fn search(&self, text: &[u8], mut found: impl FnMut(u32)) {
        let mut left = COMPARISONS * (text.len() + 16);
        for table in &self.tables {
            if !table.search(text, &self.literals, &mut left, &mut found) {
                let all = self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(text));
                return all.for_each(|literal| found(literal.value()));
            }
        }
    }

    /// Octets that it takes.
    pub(super) fn octets(&self) -> usize {
        let tables: usize = self.tables.iter().map(|t| t.grams.octets() + size_of_val(&*t.places)).sum();
        let literals: usize = self.literals.iter().map(|literal| literal.len() + size_of_val(literal)).sum();
        tables + literals + self.automaton.as_ref().map_or(0, DoubleArrayAhoCorasick::heap_bytes)
    }
}

impl Table {
    /// Whether so many comparisons were enough.
    fn search(&self, text: &[u8], literals: &[Box<[u8]>], left: &mut usize, found: &mut impl FnMut(u32)) -> bool {
        let mask = u64::MAX >> (64 - 8 * self.gram);
        let mut at = 0;
        for octets in text.windows(8).step_by(self.step) {
            let gram = octets.first_chunk().map_or(0, |octets| u64::from_le_bytes(*octets)) & mask;
            if let Some(group) = self.grams.of(gram, 0)
                && !self.compare(text, at, group, literals, left, found)
            {
                return false;
            }
            at += self.step;
        }
        // The last ones are fewer than a word has.
        while let Some(gram) = text.get(at..).and_then(|rest| gram(rest, self.gram)) {
            if let Some(group) = self.grams.of(gram, 0)
                && !self.compare(text, at, group, literals, left, found)
            {
                return false;
            }
            at += self.step;
        }
        true
    }

    /// Holds a text against literals that may stand at `at`. Whether so many comparisons were left.
    #[inline(never)]
    fn compare(
        &self,
        text: &[u8],
        at: usize,
        group: &Group,
        literals: &[Box<[u8]>],
        left: &mut usize,
        found: &mut impl FnMut(u32),
    ) -> bool {
        let places = self.places.get(index(group.from)..index(group.to)).unwrap_or_default();
        let Some(rest) = left.checked_sub(places.len()) else { return false };
        *left = rest;
        for (id, shift) in places {
            let begins = at.checked_sub(usize::from(*shift)).and_then(|start| text.get(start..));
            let literal = literals.get(index(*id));
            if begins.zip(literal).is_some_and(|(begins, literal)| begins.starts_with(literal)) {
                found(*id);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It finds what `contains` finds, in texts that have hardly anything else too.
        #[test]
        fn it_agrees_with_asking_for_every_literal(
            literals in prop::collection::btree_set("[ab]{3,12}|[a-c]{3,5}|[ก-ค]{1,4}", 0..120),
            text in "[ab]{0,60}|[a-c]{0,20}[ก-ค]{0,6}[ab]{0,9}",
        ) {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let mut found = BTreeSet::new();
            Anywhere::new(&literals).unwrap().search(text.as_bytes(), |id| _ = found.insert(id));
            let expected: BTreeSet<u32> = (0..).zip(&literals).filter(|(_, l)| text.contains(**l)).map(|(n, _)| n).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
