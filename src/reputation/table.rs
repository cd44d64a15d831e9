//! A bounded table: set-associative, in shards that each have a lock and grow by doubling until the bound is reached.
//!
//! ```text
//!  hash ─▶ shard (a lock) ─▶ bucket: 8 entries, each with its hash, mostly where the hash says; else where its tag is found
//! ```
//!
//! From then on a full bucket gives up what says least ([`Entry::worth`]) for what comes, and a newcomer must come twice
//! before anything is given up for it that still says something: the last eight that were turned away wait at the door, as 16 bits of their hash. So a
//! flood of names that come once pushes out nothing. Entries of at least [`PROTECTED`] worth give way to no newcomer, and
//! those of infinite worth to nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

/// Hashes that are fetched at once.
pub(super) const FETCHED_MAX: usize = 16;

/// Entries among which one is sought that can be lightened.
const RELIEF_MAX: usize = 64;
const SHARDS_MAX: usize = 1024;

/// Buckets that a shard begins with, at least.
const BUCKETS_MIN: usize = 8;

/// Entries of a shard below which there are fewer shards.
const SHARD_ENTRIES: usize = 128;

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
    buckets: Vec<Bucket<T>>,
    waiting: Vec<[u16; WAYS]>,
    len: usize,
    evicted: u64,
    refused: u64,
}

#[derive(Debug)]
#[repr(C, align(64))]
struct Locked<T> {
    /// Written by who wants several shards, so that the processor fetches the lines that their locks are in all at once.
    wanted: AtomicBool,
    shard: Mutex<Shard<T>>,
}

impl<T> Locked<T> {
    fn lock(&self) -> MutexGuard<'_, Shard<T>> {
        self.shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Entries with their hashes, and 8 bits of each hash: what is not where it should be is sought by those.
#[derive(Debug, Default)]
#[repr(C, align(32))]
struct Bucket<T> {
    slots: [Slot<T>; WAYS],
    tags: [u8; WAYS],
}

#[derive(Debug, Default)]
#[repr(C)]
struct Slot<T> {
    entry: T,
    /// Whose it is; 0 where nothing is.
    hash: u64,
}

fn tag(hash: u64) -> u8 {
    u8::try_from(hash >> 56).unwrap_or(0)
}

impl<T> Bucket<T> {
    /// Where a hash is.
    #[inline]
    fn way(&self, hash: u64) -> Option<usize> {
        let is_at = |way: usize| self.slots.get(way).is_some_and(|slot| slot.hash == hash);
        // Mostly it is at home, and nothing else has to be fetched.
        let home = home(hash);
        if is_at(home) { Some(home) } else { self.way_by_tag(hash) }
    }

    fn way_by_tag(&self, hash: u64) -> Option<usize> {
        let tags = self.tags.iter().enumerate().filter(|(_, one)| **one == tag(hash)).map(|(way, _)| way);
        tags.into_iter().find(|way| self.slots.get(*way).is_some_and(|slot| slot.hash == hash))
    }

    fn first_tag(&self) -> u64 {
        self.tags.first().map_or(0, |tag| u64::from(*tag))
    }

    /// A way where nothing is: the home of the hash, if it can be.
    fn free(&self, hash: u64) -> Option<usize> {
        let is_free = |way: &usize| self.slots.get(*way).is_some_and(|slot| slot.hash == 0);
        Some(home(hash)).filter(is_free).or_else(|| (0..WAYS).find(is_free))
    }
}

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
            let shard = Shard { buckets: Vec::new(), waiting: Vec::new(), len: 0, evicted: 0, refused: 0 };
            Locked { shard: Mutex::new(shard), wanted: AtomicBool::new(false) }
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

    fn place(&self, hash: u64) -> Option<&Locked<T>> {
        let mask = u64::try_from(self.shards.len()).unwrap_or(1) - 1;
        self.shards.get(usize::try_from(hash >> 40 & mask).unwrap_or(0))
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard<T>>> {
        self.place(hash).map(Locked::lock)
    }

    /// Has the processor fetch where hashes are, at most [`FETCHED_MAX`] of them, all at once: they are about to be asked for, and
    /// one after another they would be waited for. What another thread is at work on is left out.
    pub fn fetch(&self, hashes: impl Iterator<Item = u64>, begin: impl Fn(&T) -> u64) {
        // All locks first: the processor fetches nothing ahead across one.
        let mut wanted = [const { None }; FETCHED_MAX];
        for (place, hash) in wanted.iter_mut().zip(hashes) {
            *place = self.place(hash).map(|locked| (locked, hash));
            place.iter().for_each(|(locked, _)| locked.wanted.store(true, Ordering::Relaxed));
        }
        let held = wanted.map(|place| place.and_then(|(locked, hash)| Some((locked.shard.try_lock().ok()?, hash))));
        let octets = |slot: &Slot<T>| begin(&slot.entry).wrapping_add(slot.hash);
        let buckets = || held.iter().flatten().filter_map(|(shard, hash)| Some((shard.of(*hash)?, *hash)));
        let homes = buckets().map(|(bucket, hash)| bucket.slots.get(home(hash)).map_or(0, octets) ^ bucket.first_tag());
        std::hint::black_box(homes.fold(0, u64::wrapping_add));
        let strays = buckets().filter_map(|(bucket, hash)| Some((bucket, bucket.way(hash)?, hash)));
        let strays = strays.filter(|(_, way, hash)| *way != home(*hash));
        let others = strays.map(|(bucket, way, _)| bucket.slots.get(way).map_or(0, octets));
        std::hint::black_box(others.fold(0, u64::wrapping_add));
    }

    /// Looks at an entry.
    pub fn read<R>(&self, hash: u64, look: impl FnOnce(&T) -> R) -> Option<R> {
        let shard = self.shard(hash)?;
        let at = shard.find(hash)?;
        shard.entry(at).map(look)
    }

    /// Changes an entry that is there.
    pub fn update<R>(&self, hash: u64, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut shard = self.shard(hash)?;
        let at = shard.find(hash)?;
        let entry = shard.entry_mut(at)?;
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
        let entry = shard.entry_mut(at)?;
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
        let slots = shard.buckets.iter().flat_map(|bucket| &bucket.slots);
        slots.filter(|slot| slot.hash != 0).for_each(|slot| look(slot.hash, &slot.entry));
    }

    pub fn fill(&self) -> Fill {
        let mut fill = Fill { heap: self.heap.load(Ordering::Relaxed), ..Fill::default() };
        for shard in &self.shards {
            let shard = shard.lock();
            fill.entries += shard.len;
            fill.room += shard.buckets.capacity() * WAYS;
            fill.octets += size_of::<Locked<T>>()
                + shard.buckets.capacity() * size_of::<Bucket<T>>()
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

    fn entry(&self, at: usize) -> Option<&T> {
        self.buckets.get(at / WAYS)?.slots.get(at % WAYS).map(|slot| &slot.entry)
    }

    fn entry_mut(&mut self, at: usize) -> Option<&mut T> {
        self.buckets.get_mut(at / WAYS)?.slots.get_mut(at % WAYS).map(|slot| &mut slot.entry)
    }

    #[inline]
    fn of(&self, hash: u64) -> Option<&Bucket<T>> {
        self.buckets.get(self.bucket(hash))
    }

    /// The place of an entry.
    fn find(&self, hash: u64) -> Option<usize> {
        let bucket = self.bucket(hash);
        let way = self.buckets.get(bucket)?.way(hash)?;
        Some(bucket * WAYS + way)
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
            if let Some(way) = self.buckets.get(bucket).and_then(|bucket| bucket.free(hash)) {
                self.len += 1;
                return Some((self.set(bucket, way, hash)?, 0));
            }
            if self.buckets.len() < max {
                self.grow((self.buckets.len() * 2).clamp(min, max));
                continue;
            }
            let slots = &self.buckets.get(bucket)?.slots;
            if let Some(way) = slots.iter().position(|slot| slot.entry.is_over(now)) {
                let freed = slots.get(way).map_or(0, |slot| slot.entry.octets());
                self.evicted += 1;
                return Some((self.set(bucket, way, hash)?, freed));
            }
            if comer == Comer::New && !self.comes_again(bucket, hash) {
                self.refused += 1;
                return None;
            }
            let limit = if comer == Comer::Weighty { f32::INFINITY } else { PROTECTED };
            let slots = &self.buckets.get(bucket)?.slots;
            let worth = slots.iter().map(|slot| slot.entry.worth(now, cx)).enumerate();
            let least = worth.min_by(|(_, a), (_, b)| a.total_cmp(b)).filter(|(_, worth)| *worth < limit);
            let Some((way, _)) = least else {
                self.refused += 1;
                return None;
            };
            self.evicted += 1;
            let freed = slots.get(way).map_or(0, |slot| slot.entry.octets());
            return Some((self.set(bucket, way, hash)?, freed));
        }
    }

    fn set(&mut self, bucket: usize, way: usize, hash: u64) -> Option<usize> {
        let at = bucket * WAYS + way;
        let bucket = self.buckets.get_mut(bucket)?;
        *bucket.slots.get_mut(way)? = Slot { entry: T::default(), hash };
        *bucket.tags.get_mut(way)? = tag(hash);
        Some(at)
    }

    /// Gives up an entry: the octets that were freed.
    fn clear(&mut self, at: usize) -> usize {
        let freed = self.entry(at).map_or(0, Entry::octets);
        self.set(at / WAYS, at % WAYS, 0);
        self.len -= 1;
        freed
    }

    /// Frees octets around an entry: of what is worth nothing any more, else of the least, else of the entry itself.
    #[cold]
    fn relieve(&mut self, at: usize, now: u32, cx: &T::Cx) -> usize {
        let all = self.buckets.len() * WAYS;
        let around = (0..RELIEF_MAX.min(all)).map(|n| (at + n) % all.max(1)).skip(1);
        let heavy =
            around.filter_map(|n| self.entry(n).filter(|one| one.octets() > 0).map(|one| (n, one.worth(now, cx))));
        let least = heavy.min_by(|(_, a), (_, b)| a.total_cmp(b)).map_or(at, |(n, _)| n);
        let Some(entry) = self.entry_mut(least) else { return 0 };
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
        let room = std::iter::repeat_with(Bucket::default).take(wanted).collect();
        let old = std::mem::replace(&mut self.buckets, room);
        self.waiting = vec![[0; WAYS]; wanted];
        let slots = old.into_iter().flat_map(|bucket| bucket.slots);
        for Slot { entry, hash } in slots.filter(|slot| slot.hash != 0) {
            let bucket = self.bucket(hash);
            let way = self.buckets.get(bucket).and_then(|bucket| bucket.free(hash));
            match way.and_then(|way| self.set(bucket, way, hash)).and_then(|at| self.entry_mut(at)) {
                Some(place) => *place = entry,
                None => self.len -= 1,
            }
        }
    }
}
