//! Lines of long files, many octets at a time: where each ends, and whether every octet of it is one of those that entries
//! of its kind are made of as they are looked up. Of millions hardly any line needs more.

use std::marker::PhantomData;

use crate::text::block::{BLOCK, bits, padded_with};

/// What an octet is to entries of a kind. Neither should have a branch, so that many are asked at a time.
pub trait Plain {
    /// Whether it may stand anywhere in one.
    fn inside(octet: u8) -> bool;

    /// Whether it may stand between two of those.
    fn between(octet: u8) -> bool;
}

/// The lines of a text that has no carriage returns, each with whether all of it is plain.
#[derive(Debug)]
pub struct Lines<'t, P> {
    text: &'t str,
    plain: PhantomData<P>,
    /// Where the next line begins, and the next block.
    start: usize,
    block: usize,
    /// Of the block before: line feeds that were not reached, and octets that are not plain.
    ends: u64,
    odd: u64,
    /// Whether the octet before the block was none that stands inside: one bit.
    edge: u64,
    /// The same for one that stands between.
    between: u64,
    /// Whether the line so far is plain.
    is_plain: bool,
}

impl<'t, P: Plain> Lines<'t, P> {
    /// The lines of a text.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        Self { text, plain: PhantomData, start: 0, block: 0, ends: 0, odd: 0, edge: 1, between: 0, is_plain: true }
    }

    /// Looks at the next block; false when there is none.
    fn look(&mut self) -> bool {
        let octets = self.text.as_bytes();
        if self.block > octets.len() {
            return false;
        }
        let rest = octets.get(self.block..).unwrap_or_default();
        // Behind the last line stands a line feed, too.
        let last = padded_with(rest, b'\n');
        let block = rest.first_chunk().unwrap_or(&last);
        let ends = bits(block, |octet| octet == b'\n');
        let inside = bits(block, P::inside);
        let between = bits(block, P::between);
        self.is_plain &= self.odd == 0;
        let behind_edge = !inside << 1 | self.edge;
        let behind_between = between << 1 | self.between;
        self.odd = !(inside | between | ends) | (between & behind_edge) | (ends & behind_between);
        (self.edge, self.between) = (!inside >> (BLOCK - 1), between >> (BLOCK - 1));
        self.ends = ends;
        self.block += BLOCK;
        true
    }
}

impl<'t, P: Plain> Iterator for Lines<'t, P> {
    type Item = (&'t str, bool);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        while self.ends == 0 {
            if !self.look() {
                return None;
            }
        }
        let bit = self.ends.trailing_zeros();
        let through = u64::MAX >> (63 - bit);
        let is_plain = self.is_plain && self.odd & through == 0;
        self.odd &= !through;
        self.ends &= self.ends - 1;
        self.is_plain = true;
        let end = self.block - BLOCK + usize::try_from(bit).unwrap_or(0);
        let line = self.text.get(self.start..end)?;
        self.start = end + 1;
        Some((line, is_plain))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Dotted;

    impl Plain for Dotted {
        fn inside(octet: u8) -> bool {
            octet.is_ascii_lowercase()
        }

        fn between(octet: u8) -> bool {
            octet == b'.'
        }
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_text_and_plain_where_each_of_their_parts_is(
            text in "([a-c]{1,30}|[a-c.]{0,9}|[.]|[a-cA ก]{0,4}|\n){0,40}",
        ) {
            let is_plain = |line: &str| {
                line.is_empty() || line.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()))
            };
            let lines: Vec<_> = Lines::<Dotted>::new(&text).collect();
            let mut expected: Vec<_> = text.split('\n').map(|line| (line, is_plain(line))).collect();
            // What stands behind the last line feed is a line, or nothing.
            let last = lines.len().min(expected.len());
            prop_assert!(expected.split_off(last).iter().all(|(line, _)| line.is_empty()));
            prop_assert_eq!(lines, expected);
        }
    }
}
