//! Entries of a long list, kept as keyed 64-bit hashes: eight octets an entry, however long it is, and a little for finding
//! them.
//!
//! ```text
//!  hash  ┌ upper bits ─▶ starts: where the hashes with these begin     one miss of the cache
//!        └ all bits   ─▶ hashes, a handful each                        and one more
//! ```
//!
//! Hashes are keyed as those of the standard library's maps are, so that nobody can choose a name that has the hash of an
//! entry; of five million entries a name that is none has the hash of one with a probability of 3 in 10^13. Entries that
//! end are few, and stand beside the others with the moment at which they do.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::list::{FOR_EVER, Until};
use crate::time::Timestamp;

/// Entries of one place, on average.
const TOGETHER: usize = 4;

/// Heaps that many entries are collected in, and how many are many.
const HEAPS: usize = 256;
const MANY: usize = 1 << 16;

/// Entries that are being collected.
#[derive(Debug)]
pub struct Collected {
    state: RandomState,
    /// In heaps by the upper bits of their hashes, each small enough to be put in order in the caches.
    for_ever: Vec<Vec<u64>>,
    ending: Vec<(u64, Until)>,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Keys {
    state: RandomState,
    /// For the upper bits of a hash where in `hashes` those with them begin; one more at the end.
    starts: Box<[u32]>,
    shift: u32,
    /// Those that never end, in order.
    hashes: Box<[u64]>,
    /// Those that do, in the order of their hashes.
    ending: Box<[(u64, Until)]>,
}

impl Default for Collected {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl Collected {
    /// Room for so many.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        let heaps = if count < MANY { 1 } else { HEAPS };
        // Hashes are spread evenly, but not quite.
        let each = count / heaps + count / heaps / 16;
        let for_ever = (0..heaps).map(|_| Vec::with_capacity(each)).collect();
        Self { state: RandomState::new(), for_ever, ending: Vec::new() }
    }

    /// Adds one entry.
    pub fn insert(&mut self, entry: &[u8], until: Until) {
        let hash = hash(&self.state, entry);
        if until == FOR_EVER {
            let heap = if self.for_ever.len() == HEAPS { place(hash, 64 - HEAPS.trailing_zeros()) } else { 0 };
            self.for_ever.get_mut(heap).into_iter().for_each(|heap| heap.push(hash));
        } else {
            self.ending.push((hash, until));
        }
    }

    /// Keeps them; of one that is there twice the later end.
    #[must_use]
    pub fn keep(self) -> Keys {
        let Self { state, for_ever: mut heaps, mut ending } = self;
        for heap in &mut heaps {
            heap.sort_unstable();
            heap.dedup();
        }
        let count: usize = heaps.iter().map(Vec::len).sum();
        let bits = (count / TOGETHER).max(1).next_power_of_two().trailing_zeros().max(1);
        let shift = 64 - bits;
        let mut starts = vec![0_u32; (1 << bits) + 1];
        let mut hashes = Vec::with_capacity(count);
        for heap in heaps {
            for hash in &heap {
                starts.get_mut(place(*hash, shift) + 1).into_iter().for_each(|count| *count += 1);
            }
            hashes.extend(heap);
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        ending.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        ending.dedup_by_key(|(hash, _)| *hash);
        let mut keys = Keys { state, starts: starts.into(), shift, hashes: hashes.into(), ending: Box::default() };
        ending.retain(|(hash, _)| !keys.has(*hash));
        keys.ending = ending.into();
        keys
    }
}

impl Keys {
    /// Whether it is an entry that has not ended.
    #[must_use]
    pub fn holds(&self, entry: &[u8], now: Timestamp) -> bool {
        if self.is_empty() {
            return false;
        }
        let hash = hash(&self.state, entry);
        let ends = || self.ending.binary_search_by_key(&hash, |(hash, _)| *hash).ok();
        self.has(hash) || ends().and_then(|n| self.ending.get(n)).is_some_and(|(_, until)| now < *until)
    }

    fn has(&self, hash: u64) -> bool {
        let place = place(hash, self.shift);
        let start = |n: usize| self.starts.get(n).map_or(0, |start| index(*start));
        self.hashes.get(start(place)..start(place + 1)).unwrap_or_default().contains(&hash)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty() && self.ending.is_empty()
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.hashes.len() + self.ending.len()
    }

    /// Octets that it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        size_of_val(&*self.starts) + size_of_val(&*self.hashes) + size_of_val(&*self.ending)
    }
}

fn hash(state: &RandomState, entry: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(entry);
    hasher.finish()
}

fn place(hash: u64, shift: u32) -> usize {
    usize::try_from(hash >> shift).unwrap_or(usize::MAX)
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn many_entries_are_all_there_and_each_once() {
        let mut collected = Collected::with_capacity(MANY);
        let entries = || (0..MANY).map(|n| format!("shop{n}.top"));
        entries().chain(entries().step_by(7)).for_each(|entry| collected.insert(entry.as_bytes(), FOR_EVER));
        let keys = collected.keep();
        assert_eq!(keys.count(), MANY);
        assert!(entries().all(|entry| keys.holds(entry.as_bytes(), Timestamp(0))));
        assert!(!entries().any(|entry| keys.holds(format!("x{entry}").as_bytes(), Timestamp(0))));
    }

    proptest! {
        /// Keys hold what a map of the entries with their latest ends holds.
        #[test]
        fn keys_agree_with_a_map(
            entries in prop::collection::vec(("[a-c]{1,4}", prop::option::of(0..9_u64)), 0..300),
            asked in prop::collection::vec("[a-c]{1,4}", 1..60),
            now in 0..9_u64,
        ) {
            let mut collected = Collected::default();
            let mut map: HashMap<&str, Until> = HashMap::new();
            for (entry, until) in &entries {
                let until = until.map_or(FOR_EVER, Timestamp);
                collected.insert(entry.as_bytes(), until);
                let end = map.entry(entry).or_insert(until);
                *end = (*end).max(until);
            }
            let (keys, now) = (collected.keep(), Timestamp(now));
            for entry in &asked {
                let expected = map.get(entry.as_str()).is_some_and(|until| now < *until);
                prop_assert_eq!(keys.holds(entry.as_bytes(), now), expected, "{}", entry);
            }
            prop_assert_eq!(keys.count(), map.len());
        }
    }
}
