//! A bounded table: set-associative, in shards that each have a lock and grow by doubling until the bound is reached.
//!
//! ```text
//!  hash ─▶ shard (a lock) ─▶ bucket: 8 hashes in one line of the cache ─▶ the entry, in another
//! ```
//!
//! From then on a full bucket gives up what says least ([`Entry::worth`]) for what comes, and a newcomer must come twice
//! before anything is given up for it that still says something: the last eight that were turned away wait at the door, as 16 bits of their hash. So a
//! flood of names that come once pushes out nothing. Entries of at least [`PROTECTED`] worth give way to no newcomer, and
//! those of infinite worth to nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a table holds.
pub(super) trait Entry: Default {
    /// What [`Entry::worth`] needs to know.
    type Cx;

    /// What it says, at `now` in seconds: the least goes first.
    fn worth(&self, now: u32, cx: &Self::Cx) -> f32;

    /// Whether it says nothing any more: it gives way to whoever comes.
    fn is_over(&self, _now: u32) -> bool {
        false
    }

    /// Octets that it points to.
    fn octets(&self) -> usize {
        0
    }

    /// Gives up what it points to.
    fn lighten(&mut self) {
        *self = Self::default();
    }
}

/// Worth from which an entry is given up for no newcomer.
pub(super) const PROTECTED: f32 = 1e9;

/// Who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comer {
    /// Anyone: waits at the door of a full bucket.
    New,
    /// Anyone, for whom the place of what is not protected is good enough: where what comes is worth as much as what goes.
    Equal,
    /// One that is known to matter: enters at once, for whatever is worth least but infinite.
    Weighty,
}

const WAYS: usize = 8;

/// Entries among which one is sought that can be lightened.
const RELIEF_MAX: usize = 64;
const SHARDS_MAX: usize = 1024;

/// Buckets that a shard begins with, at least.
const BUCKETS_MIN: usize = 8;

/// Entries of a shard below which there are fewer shards.
const SHARD_ENTRIES: usize = 512;

#[derive(Debug)]
pub(super) struct Table<T> {
    shards: Box<[Locked<T>]>,
    buckets_min: usize,
    buckets_max: usize,
    /// Octets that entries point to, and how many they may be.
    heap: AtomicUsize,
    heap_max: usize,
}

/// Laid out so that the lock, and where hashes and entries are, stand in one line of the cache.
#[derive(Debug)]
#[repr(C)]
struct Shard<T> {
    buckets: Vec<Bucket>,
    entries: Vec<T>,
    waiting: Vec<[u16; WAYS]>,
    len: usize,
    evicted: u64,
    refused: u64,
}

#[derive(Debug)]
#[repr(align(64))]
struct Locked<T>(Mutex<Shard<T>>);

impl<T> Locked<T> {
    fn lock(&self) -> MutexGuard<'_, Shard<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hashes of a bucket; 0 where nothing is.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket([u64; WAYS]);

/// How a table fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fill {
    /// Entries it has.
    pub entries: usize,
    /// Entries it has room for now.
    pub room: usize,
    /// Octets it takes, without what its entries point to.
    pub octets: usize,
    /// Octets that its entries point to.
    pub heap: usize,
    /// Entries given up since the start.
    pub evicted: u64,
    /// Newcomers turned away since the start.
    pub refused: u64,
}

impl<T: Entry> Table<T> {
    /// A table of at most so many entries, which point to at most so many octets (and what one operation adds to them).
    pub fn new(entries_max: usize, heap_max: usize) -> Self {
        let shards = (entries_max / SHARD_ENTRIES).next_power_of_two().min(SHARDS_MAX);
        let wanted = (entries_max / shards / WAYS).max(1);
        // Doubling from few buckets to so many, so that each bucket is halved and none can overflow.
        let doublings = (wanted / BUCKETS_MIN).checked_ilog2().unwrap_or(0);
        let buckets_min = wanted >> doublings;
        let buckets_max = buckets_min << doublings;
        let shard = || {
            let (buckets, entries, waiting) = (Vec::new(), Vec::new(), Vec::new());
            Locked(Mutex::new(Shard { buckets, entries, waiting, len: 0, evicted: 0, refused: 0 }))
        };
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            buckets_min,
            buckets_max,
            heap: AtomicUsize::new(0),
            heap_max,
        }
    }

    pub fn shards(&self) -> usize {
        self.shards.len()
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard<T>>> {
        let mask = u64::try_from(self.shards.len()).unwrap_or(1) - 1;
        let number = usize::try_from(hash >> 40 & mask).unwrap_or(0);
        self.shards.get(number).map(Locked::lock)
    }

    /// Looks at an entry.
    pub fn read<R>(&self, hash: u64, look: impl FnOnce(&T) -> R) -> Option<R> {
        let shard = self.shard(hash)?;
        let at = shard.find(hash)?;
        shard.entries.get(at).map(look)
    }

    /// Changes an entry that is there.
    pub fn update<R>(&self, hash: u64, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut shard = self.shard(hash)?;
        let at = shard.find(hash)?;
        let entry = shard.entries.get_mut(at)?;
        let before = entry.octets();
        let changed = change(entry);
        self.account(before, entry.octets());
        Some(changed)
    }

    fn account(&self, before: usize, after: usize) {
        match after.cmp(&before) {
            std::cmp::Ordering::Greater => _ = self.heap.fetch_add(after - before, Ordering::Relaxed),
            std::cmp::Ordering::Less => _ = self.heap.fetch_sub(before - after, Ordering::Relaxed),
            std::cmp::Ordering::Equal => {}
        }
    }

    /// Changes an entry, which begins as [`Default`] where there is none; none where there is no place for it.
    #[inline(always)]
    pub fn enter<R>(
        &self,
        hash: u64,
        comer: Comer,
        now: u32,
        cx: &T::Cx,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut shard = self.shard(hash)?;
        let at = match shard.find(hash) {
            Some(at) => at,
            None => {
                let (at, freed) = shard.make_room(hash, comer, (self.buckets_min, self.buckets_max), now, cx)?;
                self.account(freed, 0);
                at
            }
        };
        let entry = shard.entries.get_mut(at)?;
        let before = entry.octets();
        let changed = change(entry);
        let after = entry.octets();
        self.account(before, after);
        if after > before && self.heap.load(Ordering::Relaxed) > self.heap_max {
            let freed = shard.relieve(at, now, cx);
            self.account(freed, 0);
        }
        Some(changed)
    }

    /// Gives up an entry.
    pub fn remove(&self, hash: u64) -> bool {
        let Some(mut shard) = self.shard(hash) else { return false };
        let Some(at) = shard.find(hash) else { return false };
        let freed = shard.clear(at);
        self.account(freed, 0);
        true
    }

    /// Looks at every entry of one shard, which waits meanwhile.
    pub fn for_each(&self, shard: usize, mut look: impl FnMut(u64, &T)) {
        let Some(shard) = self.shards.get(shard) else { return };
        let shard = shard.lock();
        let hashes = shard.buckets.iter().flat_map(|bucket| bucket.0);
        hashes.zip(&shard.entries).filter(|(hash, _)| *hash != 0).for_each(|(hash, entry)| look(hash, entry));
    }

    pub fn fill(&self) -> Fill {
        let mut fill = Fill { heap: self.heap.load(Ordering::Relaxed), ..Fill::default() };
        for shard in &self.shards {
            let shard = shard.lock();
            fill.entries += shard.len;
            fill.room += shard.entries.capacity();
            fill.octets += size_of::<Locked<T>>()
                + shard.buckets.capacity() * size_of::<Bucket>()
                + shard.entries.capacity() * size_of::<T>()
                + shard.waiting.capacity() * size_of::<[u16; WAYS]>();
            fill.evicted += shard.evicted;
            fill.refused += shard.refused;
        }
        fill
    }
}

/// The way of a bucket that a hash stands in if it can.
fn home(hash: u64) -> usize {
    usize::try_from(hash >> 32).unwrap_or(0) % WAYS
}

impl<T: Entry> Shard<T> {
    /// The bucket of a hash.
    fn bucket(&self, hash: u64) -> usize {
        let low = hash & u64::from(u32::MAX);
        usize::try_from((low * u64::try_from(self.buckets.len()).unwrap_or(0)) >> 32).unwrap_or(0)
    }

    /// The place of an entry.
    fn find(&self, hash: u64) -> Option<usize> {
        let bucket = self.bucket(hash);
        let hashes = &self.buckets.get(bucket)?.0;
        // Mostly it is at home, so that the processor fetches the entry while it still waits for the hashes.
        let home = home(hash);
        if hashes.get(home) == Some(&hash) {
            return Some(bucket * WAYS + home);
        }
        let way = hashes.iter().position(|one| *one == hash)?;
        Some(bucket * WAYS + way)
    }

    /// A way of a bucket where nothing is: the home of the hash, if it can be.
    fn free(&self, bucket: usize, hash: u64) -> Option<usize> {
        let hashes = &self.buckets.get(bucket)?.0;
        let home = home(hash);
        if hashes.get(home) == Some(&0) { Some(home) } else { hashes.iter().position(|one| *one == 0) }
    }

    /// A place for an entry, and the octets that were freed for it.
    #[cold]
    fn make_room(
        &mut self,
        hash: u64,
        comer: Comer,
        (min, max): (usize, usize),
        now: u32,
        cx: &T::Cx,
    ) -> Option<(usize, usize)> {
        loop {
            let bucket = self.bucket(hash);
            if let Some(way) = self.free(bucket, hash) {
                self.len += 1;
                return Some((self.set(bucket, way, hash)?, 0));
            }
            if self.buckets.len() < max {
                self.grow((self.buckets.len() * 2).clamp(min, max));
                continue;
            }
            let entries = self.entries.get(bucket * WAYS..(bucket + 1) * WAYS)?;
            if let Some(way) = entries.iter().position(|entry| entry.is_over(now)) {
                let freed = entries.get(way).map_or(0, Entry::octets);
                self.evicted += 1;
                return Some((self.set(bucket, way, hash)?, freed));
            }
            if comer == Comer::New && !self.comes_again(bucket, hash) {
                self.refused += 1;
                return None;
            }
            let limit = if comer == Comer::Weighty { f32::INFINITY } else { PROTECTED };
            let entries = self.entries.get(bucket * WAYS..(bucket + 1) * WAYS)?;
            let worth = entries.iter().map(|entry| entry.worth(now, cx)).enumerate();
            let least = worth.min_by(|(_, a), (_, b)| a.total_cmp(b)).filter(|(_, worth)| *worth < limit);
            let Some((way, _)) = least else {
                self.refused += 1;
                return None;
            };
            self.evicted += 1;
            let freed = self.entries.get(bucket * WAYS + way).map_or(0, Entry::octets);
            return Some((self.set(bucket, way, hash)?, freed));
        }
    }

    fn set(&mut self, bucket: usize, way: usize, hash: u64) -> Option<usize> {
        let at = bucket * WAYS + way;
        *self.buckets.get_mut(bucket)?.0.get_mut(way)? = hash;
        *self.entries.get_mut(at)? = T::default();
        Some(at)
    }

    /// Gives up an entry: the octets that were freed.
    fn clear(&mut self, at: usize) -> usize {
        let way = self.buckets.get_mut(at / WAYS).and_then(|bucket| bucket.0.get_mut(at % WAYS));
        let (Some(hash), Some(entry)) = (way, self.entries.get_mut(at)) else { return 0 };
        let freed = entry.octets();
        (*hash, *entry) = (0, T::default());
        self.len -= 1;
        freed
    }

    /// Frees octets around an entry: of what is worth nothing any more, else of the least, else of the entry itself.
    #[cold]
    fn relieve(&mut self, at: usize, now: u32, cx: &T::Cx) -> usize {
        let all = self.entries.len();
        let around = (0..RELIEF_MAX.min(all)).map(|n| (at + n) % all.max(1)).skip(1);
        let heavy = around
            .filter_map(|n| self.entries.get(n).filter(|one| one.octets() > 0).map(|one| (n, one.worth(now, cx))));
        let least = heavy.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(at, |(n, _)| n);
        let Some(entry) = self.entries.get_mut(least) else { return 0 };
        let before = entry.octets();
        entry.lighten();
        before - entry.octets().min(before)
    }

    /// Whether one that was turned away lately comes again; else it waits at the door, for the one that waited longest.
    fn comes_again(&mut self, bucket: usize, hash: u64) -> bool {
        let print = u16::try_from(hash >> 48).unwrap_or(0) | 1;
        let Some(waiting) = self.waiting.get_mut(bucket) else { return false };
        if let Some(one) = waiting.iter_mut().find(|one| **one == print) {
            *one = 0;
            return true;
        }
        waiting.rotate_right(1);
        if let Some(first) = waiting.first_mut() {
            *first = print;
        }
        false
    }

    /// Doubles the shard, and puts every entry where it belongs now: in one of the two buckets that its own became.
    fn grow(&mut self, wanted: usize) {
        let old_buckets = std::mem::replace(&mut self.buckets, vec![Bucket::default(); wanted]);
        let room = std::iter::repeat_with(T::default).take(wanted * WAYS).collect();
        let old_entries = std::mem::replace(&mut self.entries, room);
        self.waiting = vec![[0; WAYS]; wanted];
        let hashes = old_buckets.into_iter().flat_map(|bucket| bucket.0);
        for (hash, entry) in hashes.zip(old_entries).filter(|(hash, _)| *hash != 0) {
            let bucket = self.bucket(hash);
            let way = self.free(bucket, hash);
            match way.and_then(|way| self.set(bucket, way, hash)).and_then(|at| self.entries.get_mut(at)) {
                Some(place) => *place = entry,
                None => self.len -= 1,
            }
        }
    }
}
