//! A list while it is being read: entry by entry, or a long file of one entry a line.

use std::collections::HashSet;

use super::keys::Collected;
use super::lines::Lines;
use super::list::{FOR_EVER, Listed, Names, Until};
use crate::config::diagnostic;
use crate::limits::LIKE_ENTRIES_MAX;

/// A list that is being read.
#[derive(Debug, Default)]
pub struct Reading {
    collected: Collected,
    names: Names,
    /// For each count of octets, whether an entry has it.
    lengths: Vec<bool>,
    count: usize,
}

/// A line that is no entry: its number from 0, and what stands there.
pub type Bad<'t> = (usize, &'t str);

impl Reading {
    /// Room for so many entries.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { collected: Collected::with_capacity(count), ..Self::default() }
    }

    /// Adds one entry, as written. Answers false when it is none of its kind.
    pub fn insert<L: Listed>(&mut self, written: &str, until: Until) -> bool {
        let Some(entry) = L::entry(written) else { return false };
        if !entry.is_empty() {
            self.add(&entry, until);
        }
        true
    }

    /// Adds an entry that is looked up as it is.
    fn add(&mut self, entry: &str, until: Until) {
        self.collected.insert(entry.as_bytes(), until);
        self.count += 1;
        if self.lengths.len() <= entry.len() {
            self.lengths.resize(entry.len() + 1, false);
        }
        self.lengths.get_mut(entry.len()).into_iter().for_each(|has| *has = true);
        if self.count <= LIKE_ENTRIES_MAX + 1 {
            self.names.push((entry.into(), until));
        }
    }

    /// Adds the lines of a file, but for those that were removed; comments begin with `#`. Answers with the lines that are no
    /// entries.
    pub fn lines<'t, L: Listed>(&mut self, text: &'t str, removed: &HashSet<String>) -> Vec<Bad<'t>> {
        let mut bad = Vec::new();
        // Lines that carriage returns end alone.
        let mut more = 0;
        for (number, (line, is_plain)) in Lines::<L>::new(text).enumerate() {
            if is_plain && removed.is_empty() {
                if !line.is_empty() {
                    self.add(line, FOR_EVER);
                }
                continue;
            }
            for (n, line) in diagnostic::lines(line).enumerate() {
                more += n.min(1);
                let entry = line.trim();
                let is_none = entry.is_empty() || entry.starts_with('#');
                if !(is_none || removed.contains(&entry.to_ascii_lowercase()) || self.insert::<L>(entry, FOR_EVER)) {
                    bad.push((number + more, line));
                }
            }
        }
        bad
    }

    /// The list; its entries where they are not too many for comparing looks, else one more than that; how many it has.
    #[must_use]
    pub fn list<L: Listed>(self) -> (L, Names, usize) {
        let lengths: Vec<usize> =
            self.lengths.iter().enumerate().filter(|(_, has)| **has).map(|(len, _)| len).collect();
        let keys = self.collected.keep();
        let count = keys.count();
        (L::of(keys, &lengths), self.names, count)
    }
}

/// Lines of a text, about: as many as some stretches of it let expect.
pub fn count(text: &str) -> usize {
    let parts = text.as_bytes().chunks((text.len() / STRETCHES).max(STRETCH));
    let (octets, lines) = parts.fold((0, 0), |(octets, lines), part| {
        let some = part.get(..STRETCH).unwrap_or(part);
        (octets + some.len(), lines + memchr::memchr_iter(b'\n', some).count())
    });
    (lines + 1).saturating_mul(text.len()) / octets.max(1)
}

/// How many stretches of a text are looked at, and the octets of each.
const STRETCHES: usize = 16;
const STRETCH: usize = 1 << 12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::list::Domains;
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn a_file_is_read_line_by_line_and_what_is_no_entry_is_told() {
        let mut text = String::from("# hosts\n");
        for n in 0..200_000 {
            text.push_str(&match n {
                77 | 199_000 => format!("no host {n}\n"),
                150_000 => "HTTPS://Big.Example/path\n\n".to_owned(),
                _ => format!("shop{n}.example\n"),
            });
        }
        let removed = HashSet::from(["shop1.example".to_owned(), "shop199999.example".to_owned()]);
        let mut reading = Reading::default();
        let bad = reading.lines::<Domains>(&text, &removed);
        assert_eq!(bad, [(78, "no host 77"), (199_002, "no host 199000")]);
        let (list, names, count) = reading.list::<Domains>();
        assert_eq!(count, 200_000 - 2 - 2);
        assert_eq!(names.len(), LIKE_ENTRIES_MAX + 1);
        let has = |host: &str| list.contains(host, Timestamp(0));
        assert!(has("shop0.example") && has("shop100000.example") && has("shop199998.example") && has("big.example"));
        assert!(!has("shop1.example") && !has("shop199999.example") && !has("example"));
    }

    proptest! {
        /// Lines end as in every other file, and each is an entry, no entry, or says nothing.
        #[test]
        fn lines_are_those_of_any_file(
            text in "([a-c]{1,3}[.]top|[ \t]?[a-cA-C]{1,9}[ \t]?|#a|a b|[.]|\n|\r\n|\r){0,40}",
            removed in prop::collection::hash_set("[a-c]{1,3}[.]top", 0..9),
        ) {
            let mut reading = Reading::default();
            let bad = reading.lines::<Domains>(&text, &removed);
            let (list, ..) = reading.list::<Domains>();
            let says = |line: &str| !line.is_empty() && !line.starts_with('#') && !removed.contains(&line.to_lowercase());
            let lines = || diagnostic::lines(&text).enumerate().filter(|(_, line)| says(line.trim()));
            let expected: Vec<_> = lines().filter(|(_, line)| Domains::entry(line.trim()).is_none()).collect();
            prop_assert_eq!(bad, expected);
            let entries: HashSet<_> = lines().filter_map(|(_, line)| Domains::entry(line.trim())).collect();
            prop_assert!(entries.iter().all(|entry| list.has(entry, Timestamp(0))));
            let others = removed.iter().filter(|removed| !entries.contains(removed.as_str()));
            prop_assert!(!others.into_iter().any(|other| list.has(other, Timestamp(0))));
        }
    }
}
