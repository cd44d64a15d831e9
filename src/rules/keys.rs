//! Entries of a long list, kept as keyed 64-bit hashes: eight octets an entry, however long it is, and a little for finding
//! them.
//!
//! ```text
//!  hash  ┌ upper bits ─▶ starts: where the hashes with these begin     one miss of the cache
//!        └ all bits   ─▶ hashes, a handful each                        and one more
//! ```
//!
//! Hashes are keyed by what the standard library draws from the system when the process starts, so that nobody can choose a
//! name that has the hash of an entry; of five million entries a name that is none has the hash of one with a probability of
//! 3 in 10^13. Entries that end are few, and stand beside the others with the moment at which they do.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;

use super::list::{FOR_EVER, Until};
use crate::time::Timestamp;

/// Entries of one place, on average.
const TOGETHER: usize = 4;

/// Entries that one place has, but for what is there twice, or very seldom.
const TOGETHER_MAX: u32 = 24;

/// Heaps that many entries are collected in, and how many are many.
const HEAPS: usize = 256;
const MANY: usize = 1 << 16;

/// Entries that are being collected.
#[derive(Debug)]
pub struct Collected {
    state: SeedableRandomState,
    for_ever: Heaps,
    ending: Vec<(u64, Until)>,
}

/// Hashes in heaps by their upper bits, each small enough to be put in its places in the caches. All heaps are one stretch
/// of memory, in which the hashes of all get their places at last.
#[derive(Debug)]
struct Heaps {
    /// How many each has, and how many it has room for.
    counts: Vec<usize>,
    room: usize,
    hashes: Vec<u64>,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub struct Keys {
    state: SeedableRandomState,
    /// For the upper bits of a hash where in `hashes` those with them begin; one more at the end.
    starts: Box<[u32]>,
    shift: u32,
    /// Those that never end, by their places.
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
        Self { state: keyed(), for_ever: Heaps::with_capacity(count), ending: Vec::new() }
    }

    /// Adds one entry.
    #[inline]
    pub fn insert(&mut self, entry: &[u8], until: Until) {
        let hash = hash(&self.state, entry);
        if until == FOR_EVER {
            self.for_ever.push(hash);
        } else {
            self.ending.push((hash, until));
        }
    }

    /// Keeps them; of one that is there twice the later end.
    #[must_use]
    pub fn keep(self) -> Keys {
        let Self { state, for_ever, mut ending } = self;
        let (starts, shift, hashes) = for_ever.in_places();
        ending.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        ending.dedup_by_key(|(hash, _)| *hash);
        let mut keys = Keys { state, starts, shift, hashes, ending: Box::default() };
        ending.retain(|(hash, _)| !keys.has(*hash));
        keys.ending = ending.into();
        keys
    }
}

impl Heaps {
    fn with_capacity(count: usize) -> Self {
        let heaps = if count < MANY { 1 } else { HEAPS };
        // Hashes are spread evenly, but not quite.
        let room = count / heaps + count / heaps / 16;
        Self { counts: vec![0; heaps], room, hashes: vec![0; heaps * room] }
    }

    #[inline]
    fn push(&mut self, hash: u64) {
        let heap = if self.counts.len() == HEAPS { place(hash, 64 - HEAPS.trailing_zeros()) } else { 0 };
        let Some(count) = self.counts.get_mut(heap) else { return };
        if *count >= self.room {
            return self.make_room_and_push(heap, hash);
        }
        let at = heap * self.room + *count;
        self.hashes.get_mut(at).into_iter().for_each(|slot| *slot = hash);
        *count += 1;
    }

    /// A heap is full: what it has twice goes; where that is too little, all get twice the room, since hashes are spread
    /// evenly.
    #[cold]
    fn make_room_and_push(&mut self, heap: usize, hash: u64) {
        let of = |heap: usize, count: usize| heap * self.room..heap * self.room + count;
        let mut once = self.hashes.get(of(heap, self.room)).unwrap_or_default().to_vec();
        once.sort_unstable();
        once.dedup();
        if !once.is_empty() && once.len() <= self.room / 2 {
            self.hashes.iter_mut().skip(heap * self.room).zip(&once).for_each(|(slot, hash)| *slot = *hash);
            self.counts.get_mut(heap).into_iter().for_each(|count| *count = once.len());
        } else {
            let room = (2 * self.room).max(8);
            let mut hashes = vec![0; self.counts.len() * room];
            for (heap, (count, to)) in self.counts.iter().zip(hashes.chunks_mut(room)).enumerate() {
                let kept = self.hashes.get(of(heap, *count)).unwrap_or_default();
                to.iter_mut().zip(kept).for_each(|(slot, hash)| *slot = *hash);
            }
            (self.room, self.hashes) = (room, hashes);
        }
        self.push(hash);
    }

    /// All in their places, each once: where the hashes of each place begin, one more at the end; the bits of a hash that are
    /// not of its place; and the hashes.
    fn in_places(self) -> (Box<[u32]>, u32, Box<[u64]>) {
        let Self { counts, room, mut hashes } = self;
        let count: usize = counts.iter().sum();
        let places = (count / TOGETHER).max(counts.len()).max(2).next_power_of_two();
        let many = places / counts.len().max(1);
        let mut placing = Placing {
            shift: 64 - places.trailing_zeros(),
            starts: Vec::with_capacity(places + 1),
            ends: Vec::new(),
            end: 0,
        };
        let mut heap = Vec::with_capacity(room);
        for (n, count) in counts.into_iter().enumerate() {
            heap.clear();
            heap.extend_from_slice(hashes.get(n * room..n * room + count).unwrap_or_default());
            placing.put(&mut heap, many, &mut hashes);
        }
        let Placing { mut starts, shift, end, .. } = placing;
        starts.push(short(end));
        hashes.truncate(end);
        (starts.into(), shift, hashes.into())
    }
}

/// Hashes that are being put in their places, one heap after the other: none has its places behind its own memory.
struct Placing {
    shift: u32,
    starts: Vec<u32>,
    /// For each place of a heap how many hashes it has, and then where they end.
    ends: Vec<u32>,
    /// Where the hashes of all heaps end that were put in their places.
    end: usize,
}

impl Placing {
    /// Puts the hashes of a heap in its `many` places, each once.
    fn put(&mut self, heap: &mut Vec<u64>, many: usize, hashes: &mut [u64]) {
        let first = self.starts.len();
        if self.spread(heap, many, hashes) {
            heap.sort_unstable();
            heap.dedup();
            self.starts.truncate(first);
            self.spread(heap, many, hashes);
        }
        self.end += heap.len();
    }

    /// Answers whether one may be there twice.
    fn spread(&mut self, heap: &[u64], many: usize, hashes: &mut [u64]) -> bool {
        let Self { shift, starts, ends, end: base } = self;
        let first = starts.len();
        let own = |hash: u64| place(hash, *shift) - first;
        ends.clear();
        ends.resize(many, 0);
        for hash in heap {
            ends.get_mut(own(*hash)).into_iter().for_each(|count| *count += 1);
        }
        let together = ends.iter().copied().max().unwrap_or(0);
        let mut sum = short(*base);
        for end in ends.iter_mut() {
            starts.push(sum);
            sum += std::mem::replace(end, sum);
        }
        for hash in heap {
            let Some(end) = ends.get_mut(own(*hash)) else { continue };
            hashes.get_mut(index(*end)).into_iter().for_each(|slot| *slot = *hash);
            *end += 1;
        }
        // What is there twice has one place: many are compared at a time with those that are so far behind.
        let placed = hashes.get(*base..*base + heap.len()).unwrap_or_default();
        let same = |apart: u32| {
            let behind = placed.get(index(apart)..).unwrap_or_default();
            placed.iter().zip(behind).fold(false, |same, (a, b)| same | (a == b))
        };
        together > TOGETHER_MAX || (1..together).any(same)
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

/// A hasher that nobody else knows the key of.
fn keyed() -> SeedableRandomState {
    static SHARED: LazyLock<SharedSeed> = LazyLock::new(|| SharedSeed::from_u64(drawn()));
    SeedableRandomState::with_seed(drawn(), &SHARED)
}

/// A number that the standard library draws.
fn drawn() -> u64 {
    RandomState::new().hash_one(0)
}

#[inline]
fn hash(state: &SeedableRandomState, entry: &[u8]) -> u64 {
    let mut hasher = state.build_hasher();
    hasher.write(entry);
    hasher.finish()
}

#[inline]
fn place(hash: u64, shift: u32) -> usize {
    usize::try_from(hash >> shift).unwrap_or(usize::MAX)
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
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

    #[test]
    fn more_than_were_expected_are_all_there() {
        for expected in [0, 9, MANY, 2 * MANY] {
            let mut collected = Collected::with_capacity(expected);
            let entries = || (0..3 * MANY).map(|n| format!("{n}.example"));
            entries().chain(entries().take(99)).for_each(|entry| collected.insert(entry.as_bytes(), FOR_EVER));
            let keys = collected.keep();
            assert_eq!(keys.count(), 3 * MANY, "expected {expected}");
            assert!(entries().all(|entry| keys.holds(entry.as_bytes(), Timestamp(0))));
        }
    }

    #[test]
    fn one_entry_a_million_times_takes_no_room() {
        let mut collected = Collected::with_capacity(MANY);
        let room = collected.for_ever.hashes.len();
        (0..1_000_000).for_each(|_| collected.insert(b"shop.example", FOR_EVER));
        assert_eq!(collected.for_ever.hashes.len(), room);
        assert_eq!(collected.keep().count(), 1);
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
