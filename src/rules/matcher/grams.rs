//! Groups of things by a few octets: most octets are told to have none by a filter that fits a processor's cache.

/// Things in a row that have the same octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub gram: u64,
    /// Four octets behind those, where they count too; else none.
    pub more: u32,
    pub from: u32,
    pub to: u32,
}

/// See the [module documentation](self).
#[derive(Debug, Default)]
pub(super) struct Grams {
    /// Two bits for each group, in one word.
    filter: Box<[u64]>,
    /// For the hash of a group's octets the group, from there on.
    slots: Box<[u32]>,
    groups: Box<[Group]>,
}

/// Words of a filter that is for a few groups: four kilobytes, in which hardly anything is there by chance.
const WORDS_MIN: usize = 512;

/// No group.
const NONE: u32 = u32::MAX;

impl Grams {
    pub(super) fn new(groups: Vec<Group>) -> Self {
        let mut filter = vec![0_u64; (groups.len() / 4).next_power_of_two().max(WORDS_MIN)];
        let mut slots = vec![NONE; (groups.len() * 2).next_power_of_two()];
        for (n, group) in (0..).zip(&groups) {
            let hash = hash(group.gram, group.more);
            let word = place(hash, filter.len());
            if let Some(word) = filter.get_mut(word) {
                *word |= bits(hash);
            }
            let mut at = place(hash, slots.len());
            while slots.get(at).is_some_and(|slot| *slot != NONE) {
                at = (at + 1) & (slots.len() - 1);
            }
            slots.get_mut(at).into_iter().for_each(|slot| *slot = n);
        }
        Self { filter: filter.into(), slots: slots.into(), groups: groups.into() }
    }

    /// The group of these octets.
    #[inline]
    pub(super) fn of(&self, gram: u64, more: u32) -> Option<&Group> {
        let hash = hash(gram, more);
        let bits = bits(hash);
        let word = self.filter.get(place(hash, self.filter.len()))?;
        if word & bits == bits { self.find((gram, more), hash) } else { None }
    }

    fn find(&self, gram: (u64, u32), hash: u64) -> Option<&Group> {
        let mut at = place(hash, self.slots.len());
        loop {
            let group = self.groups.get(usize::try_from(*self.slots.get(at)?).ok()?)?;
            if (group.gram, group.more) == gram {
                return Some(group);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Octets that it takes.
    pub(super) fn octets(&self) -> usize {
        size_of_val(&*self.filter) + size_of_val(&*self.slots) + size_of_val(&*self.groups)
    }
}

/// The first octets, at most eight, as a number; none when there are fewer.
#[inline]
pub(super) fn gram(octets: &[u8], len: usize) -> Option<u64> {
    if let Some(whole) = octets.first_chunk::<8>() {
        return Some(u64::from_le_bytes(*whole) & (u64::MAX >> (64 - 8 * len)));
    }
    let mut gram = [0; 8];
    gram.get_mut(..len)?.copy_from_slice(octets.get(..len)?);
    Some(u64::from_le_bytes(gram))
}

/// Spreads over all bits: the upper half of a product depends on every bit, and is put over the lower.
#[inline]
fn hash(gram: u64, more: u32) -> u64 {
    let product = (gram ^ u64::from(more).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// Where a hash stands among `count` places, a power of two.
#[inline]
fn place(hash: u64, count: usize) -> usize {
    usize::try_from(hash >> 20).unwrap_or(0) & (count - 1)
}

/// The bits of a hash in its word of the filter.
#[inline]
fn bits(hash: u64) -> u64 {
    (1 << (hash >> 58)) | (1 << ((hash >> 52) & 63))
}
