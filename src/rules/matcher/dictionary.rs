//! Many literals, found where words begin.
//!
//! An entry of a list begins where a word begins (in scripts without spaces, at any character), and so does the literal
//! behind `\b` in a regex. So a text is not walked octet by octet: at each of its few beginnings the first octets are held
//! against a filter of what literals begin with, and only what passes is looked up.
//!
//! ```text
//!  …send me the code…     first 4 and 2 octets ─▶ which tables have literals that begin so, mostly none
//!       ▲  ▲   ▲          first 12, 8, … octets ─▶ filter    ─▶ group of the literals that begin so, sorted
//!                                                              the greatest that is not greater than the text,
//!                                                              and those that are prefixes of it: its chain
//! ```
//!
//! A look costs one or two octets of memory when nothing begins so, and else one binary search and the chain of prefixes:
//! there is no text and no set of literals for which it costs more than the logarithm of their number for each octet.

use super::grams::{Grams, Group, gram};
use super::{index, short};

/// Names a literal: its place among those that were given.
pub(super) type Id = u32;

/// Literals by what they begin with: those of at least so many octets, and fewer than the one before.
const GRAMS: [usize; 7] = [12, 8, 6, 4, 3, 2, 1];

/// No literal.
const NONE: u32 = u32::MAX;

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    tables: Vec<Table>,
    /// For a hash of four octets which tables have literals that begin so; a bit for each.
    heads: Box<[u8]>,
    /// The same for two octets, and literals of fewer than four.
    pairs: Box<[u8]>,
}

/// Heads at most: as much as a processor's cache holds beside everything else.
const HEADS_MAX: usize = 1 << 16;

#[derive(Debug)]
struct Table {
    /// Octets that tell its groups apart, and whether its literals have no more.
    gram: usize,
    is_whole: bool,
    grams: Grams,
    /// All literals in their order, one behind the other, and where each begins.
    octets: Box<[u8]>,
    starts: Box<[u32]>,
    /// For each literal the longest other one that it begins with.
    chain: Box<[u32]>,
    ids: Box<[Id]>,
}

impl Dictionary {
    /// Keeps literals, which are sorted and each there once.
    pub(super) fn new(literals: &[&str]) -> Self {
        let mut longest = usize::MAX;
        let mut tables = Vec::new();
        for gram in GRAMS {
            let fits = |literal: &&str| (gram..longest).contains(&literal.len());
            let own = literals.iter().enumerate().filter(|(_, literal)| fits(literal));
            tables.extend(Table::new((gram, longest), own.map(|(id, literal)| (literal.as_bytes(), short(id)))));
            longest = gram;
        }
        let heads = literals.iter().filter_map(|literal| literal.as_bytes().first_chunk::<4>());
        let mut last = None;
        let count = heads.filter(|head| last.replace(**head) != Some(**head)).count();
        let mut this =
            Self { tables, heads: vec![0; (8 * count).next_power_of_two().min(HEADS_MAX)].into(), ..Self::default() };
        if literals.iter().any(|literal| literal.len() < 4) {
            this.pairs = vec![0; 1 << 16].into();
        }
        for literal in literals {
            let bit = this.tables.iter().position(|table| table.gram <= literal.len()).map_or(0, |n| 1_u8 << n);
            let set = |slot: Option<&mut u8>| slot.into_iter().for_each(|slot| *slot |= bit);
            match literal.as_bytes() {
                [a, b, c, d, ..] => {
                    let at = place_of_head(u64::from(u32::from_le_bytes([*a, *b, *c, *d])), this.heads.len());
                    set(this.heads.get_mut(at));
                }
                [a, b, ..] => set(this.pairs.get_mut(usize::from(u16::from_le_bytes([*a, *b])))),
                [a] => this.pairs.iter_mut().skip(usize::from(*a)).step_by(256).for_each(|slot| set(Some(slot))),
                [] => {}
            }
        }
        this
    }

    /// Whether there is no literal.
    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Tells every literal that stands at `at`, and how many octets it has.
    #[inline]
    pub(super) fn at(&self, octets: &[u8], at: usize, mut found: impl FnMut(Id, usize)) {
        let rest = octets.get(at..).unwrap_or_default();
        // Behind the end there are zeros.
        let first = rest.first_chunk::<8>().map_or_else(|| ended(rest), |whole| u64::from_le_bytes(*whole));
        let more = || rest.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |octets| u32::from_le_bytes(*octets));
        let head = self.heads.get(place_of_head(first & 0xffff_ffff, self.heads.len())).copied().unwrap_or(0);
        let pair = self.pairs.get(usize::try_from(first & 0xffff).unwrap_or(0)).copied().unwrap_or(0);
        let mut which = head | pair;
        while which != 0 {
            let table = usize::try_from(which.trailing_zeros()).ok().and_then(|n| self.tables.get(n));
            which &= which - 1;
            let Some(table) = table.filter(|table| table.gram <= rest.len()) else { continue };
            let group = match table.gram {
                9.. => table.grams.of(first, more()),
                few => table.grams.of(first & (u64::MAX >> (64 - 8 * few)), 0),
            };
            if let Some(group) = group {
                table.find(*group, rest, &mut found);
            }
        }
    }

    /// Octets that it takes.
    pub(super) fn octets(&self) -> usize {
        let of = |t: &Table| t.grams.octets() + 4 * (t.starts.len() + t.chain.len() + t.ids.len()) + t.octets.len();
        self.tables.iter().map(of).sum::<usize>() + self.heads.len() + self.pairs.len()
    }
}

/// Fewer than eight octets as a number.
#[cold]
fn ended(octets: &[u8]) -> u64 {
    octets.iter().rev().fold(0, |number, octet| (number << 8) | u64::from(*octet))
}

/// Where the head of four octets stands among `count` places, a power of two.
#[inline]
fn place_of_head(head: u64, count: usize) -> usize {
    usize::try_from(head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40).unwrap_or(0) & count.wrapping_sub(1)
}

impl Table {
    fn new<'l>((gram, longest): (usize, usize), literals: impl Iterator<Item = (&'l [u8], Id)>) -> Option<Self> {
        let (mut octets, mut starts, mut chain, mut ids) = (Vec::new(), vec![0], Vec::new(), Vec::new());
        let mut groups: Vec<Group> = Vec::new();
        let mut open: Vec<(&[u8], u32)> = Vec::new();
        for (n, (literal, id)) in literals.enumerate() {
            let n = short(n);
            while open.pop_if(|(prefix, _)| !literal.starts_with(prefix)).is_some() {}
            chain.push(open.last().map_or(NONE, |(_, n)| *n));
            open.push((literal, n));
            octets.extend_from_slice(literal);
            starts.push(short(octets.len()));
            ids.push(id);
            let begins = self::gram(literal, gram.min(8)).unwrap_or(0);
            let more = literal.get(8..).filter(|_| gram > 8).and_then(<[u8]>::first_chunk);
            let more = more.map_or(0, |octets| u32::from_le_bytes(*octets));
            match groups.last_mut() {
                Some(last) if (last.gram, last.more) == (begins, more) => last.to = n + 1,
                _ => groups.push(Group { gram: begins, more, from: n, to: n + 1 }),
            }
        }
        if groups.is_empty() {
            return None;
        }
        Some(Self {
            gram,
            is_whole: longest == gram + 1,
            grams: Grams::new(groups),
            octets: octets.into(),
            starts: starts.into(),
            chain: chain.into(),
            ids: ids.into(),
        })
    }

    fn find(&self, group: Group, rest: &[u8], found: &mut impl FnMut(Id, usize)) {
        if self.is_whole {
            return self.ids.get(index(group.from)).into_iter().for_each(|id| found(*id, self.gram));
        }
        if group.from + 1 == group.to {
            // What is a prefix of it would be of the same group.
            return self.compare(group.from, rest, found);
        }
        // A literal that the text begins with is not greater than the text, and every one between them begins with it.
        let (mut from, mut to) = (group.from, group.to);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.literal(middle) <= rest { from = middle + 1 } else { to = middle }
        }
        let mut at = from.checked_sub(1).filter(|at| *at >= group.from).unwrap_or(NONE);
        while at != NONE {
            self.compare(at, rest, found);
            at = self.chain.get(index(at)).copied().unwrap_or(NONE);
        }
    }

    fn compare(&self, n: u32, rest: &[u8], found: &mut impl FnMut(Id, usize)) {
        let literal = self.literal(n);
        if rest.starts_with(literal)
            && let Some(id) = self.ids.get(index(n))
        {
            found(*id, literal.len());
        }
    }

    fn literal(&self, n: u32) -> &[u8] {
        let start = |n: u32| self.starts.get(index(n)).map_or(0, |start| index(*start));
        self.octets.get(start(n)..start(n + 1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// It finds what a look at every literal finds.
        #[test]
        fn it_agrees_with_asking_for_every_literal(
            literals in prop::collection::btree_set("[ab]{1,18}|[a-z]{1,3}|ab?c?[ก-ฮ]{1,4}", 0..200),
            text in "[ab]{0,30}|[a-c]{0,9}[ก-ฮ]{0,4}",
        ) {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let dictionary = Dictionary::new(&literals);
            for at in 0..=text.len() {
                let rest = &text.as_bytes()[at..];
                let mut found = Vec::new();
                dictionary.at(text.as_bytes(), at, |id, len| found.push((id, len)));
                found.sort_unstable();
                let all = literals.iter().enumerate().filter(|(_, l)| rest.starts_with(l.as_bytes()));
                let expected: Vec<_> = all.map(|(id, l)| (short(id), l.len())).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
