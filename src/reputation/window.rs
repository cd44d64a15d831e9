//! Windows of more events than are kept one by one: by sub-windows of absolute time, each in its place of a ring.

use super::codec::{Reader, Reason, SnapshotFault, Writer};
use super::spread::{self, RANKS, REGISTERS};

/// Sub-windows that a window of messages, and of members, has.
const MESSAGE_SLOTS: u64 = 16;
const MEMBER_SLOTS: u64 = 8;

fn messages_step(over: u64) -> u64 {
    (over / MESSAGE_SLOTS).max(1)
}

fn members_step(over: u64) -> u64 {
    (over / MEMBER_SLOTS).max(1)
}

/// Messages by sub-window: the one that runs, those that are whole, and the oldest.
#[derive(Debug, Default)]
pub(super) struct Messages(pub [Slot; 17]);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// The sub-window: ms since the epoch by its length.
    pub id: u64,
    pub count: u64,
}

impl Messages {
    pub fn write(&self, out: &mut Writer<'_>) {
        for slot in &self.0 {
            out.u64(slot.id);
            out.u64(slot.count);
        }
    }

    pub fn read(records: &mut Reader<'_>) -> Result<Self, SnapshotFault> {
        let mut this = Self::default();
        for slot in &mut this.0 {
            // A count of more than all messages of a century is none, and would overflow a sum.
            *slot = Slot { id: records.u64()?, count: records.u64()?.min(1 << 48) };
        }
        Ok(this)
    }

    /// Whether nothing of it counts any more.
    pub fn is_over(&self, at: u64, over: u64) -> bool {
        let oldest = (at / messages_step(over)).saturating_sub(MESSAGE_SLOTS);
        self.0.iter().all(|slot| slot.id < oldest)
    }

    pub fn add(&mut self, at: u64, over: u64, now: u64, count: u64) {
        let step = messages_step(over);
        let id = at / step;
        let Some(slot) = self.0.get_mut(usize::try_from(id % 17).unwrap_or(0)) else { return };
        if slot.id == id {
            slot.count += count;
        } else if slot.count == 0 || gives_way(slot.id, id, now / step) {
            *slot = Slot { id, count };
        }
    }

    pub fn count(&self, at: u64, over: u64) -> u64 {
        let step = messages_step(over);
        let newest = at / step;
        let oldest = newest.saturating_sub(MESSAGE_SLOTS);
        let whole =
            self.0.iter().filter(|slot| slot.id > oldest && slot.id <= newest).map(|slot| slot.count).sum::<u64>();
        // Of the oldest the share counts that is still within the window.
        let left = step - at % step;
        let partly =
            self.0.iter().find(|slot| slot.id == oldest).map_or(0, |slot| (slot.count * left + step / 2) / step);
        whole + partly
    }
}

/// Whether a sub-window's place goes to another one: the older for the newer, but what lies ahead of now for what does not.
fn gives_way(old: u64, new: u64, now: u64) -> bool {
    if new > now { old < new && old < now } else { old < new || old > now }
}

/// Different ones by sub-window, as sketches, and the sketch of all of them.
#[derive(Debug)]
pub(super) struct Members {
    pub slots: [Sketch; 9],
    all: [u8; REGISTERS],
    /// How many registers of `all` have each rank.
    ranks: [u16; RANKS],
    /// How many different ones `all` stands for.
    pub estimate: u64,
}

/// The sketch of one sub-window: registers that were raised, and all registers once they are many.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    pub id: u64,
    pub sparse: Vec<(u16, u8)>,
    pub dense: Option<Box<[u8; REGISTERS]>>,
}

/// Raised registers that are kept one by one.
pub(super) const SPARSE_MAX: usize = 128;

impl Default for Members {
    fn default() -> Self {
        let mut this = Self { slots: Default::default(), all: [0; REGISTERS], ranks: [0; RANKS], estimate: 0 };
        this.ranks = spread::ranks(&this.all);
        this
    }
}

impl Members {
    /// Whether nothing of it counts any more.
    pub fn is_over(&self, at: u64, over: u64) -> bool {
        let oldest = (at / members_step(over)).saturating_sub(MEMBER_SLOTS);
        self.slots.iter().all(|slot| slot.id < oldest)
    }

    /// Those of such moments (ms since the epoch) and members, each taken in when it came.
    pub fn of(all: impl Iterator<Item = (u64, u64)>, over: u64) -> Self {
        let mut this = Self::default();
        for (at, member) in all {
            let (register, rank) = spread::place(member);
            if let Some(slot) = this.slot(at, over, at) {
                slot.raise(register, rank);
            }
        }
        this.merge();
        this
    }

    pub fn add(&mut self, at: u64, member: u64, over: u64, now: u64) {
        let (register, rank) = spread::place(member);
        if self.slot(at, over, now).is_some_and(|slot| slot.raise(register, rank)) {
            self.raise(register, rank);
        }
    }

    /// The sub-window of a moment; none where its place is another's.
    fn slot(&mut self, at: u64, over: u64, now: u64) -> Option<&mut Sketch> {
        let step = members_step(over);
        let id = at / step;
        let way = usize::try_from(id % 9).unwrap_or(0);
        let slot = self.slots.get_mut(way)?;
        if slot.id != id {
            if !slot.is_empty() && !gives_way(slot.id, id, now / step) {
                return None;
            }
            let was_filled = !slot.is_empty();
            slot.clear(id);
            if was_filled {
                self.merge();
            }
        }
        self.slots.get_mut(way)
    }

    /// Octets that it takes.
    pub fn octets(&self) -> usize {
        size_of::<Self>() + self.slots.iter().map(Sketch::octets).sum::<usize>()
    }

    pub fn write(&self, out: &mut Writer<'_>) {
        for slot in &self.slots {
            out.u64(slot.id);
            out.flag(slot.dense.is_some());
            if let Some(dense) = &slot.dense {
                out.0.extend(&**dense);
                continue;
            }
            out.len(slot.sparse.len());
            for (register, rank) in &slot.sparse {
                out.u16(*register);
                out.u8(*rank);
            }
        }
    }

    pub fn read(records: &mut Reader<'_>) -> Result<Self, SnapshotFault> {
        let mut this = Self::default();
        for slot in &mut this.slots {
            slot.id = records.u64()?;
            if records.flag("dense")? {
                slot.dense = Some(Box::new(records.registers()?));
                continue;
            }
            for _ in 0..records.len(SPARSE_MAX, "sparse")? {
                let (register, rank) = (records.u16()?, records.u8()?);
                if usize::from(register) >= REGISTERS || usize::from(rank) >= RANKS {
                    return Err(records.fault(Reason::Value("rank")));
                }
                slot.sparse.push((register, rank));
            }
        }
        this.merge();
        Ok(this)
    }

    /// Puts the sketches of all sub-windows together anew.
    pub fn merge(&mut self) {
        self.all = [0; REGISTERS];
        self.slots.iter().for_each(|slot| slot.merge_into(&mut self.all));
        self.ranks = spread::ranks(&self.all);
        self.estimate = spread::estimate_ranks(&self.ranks);
    }

    fn raise(&mut self, register: usize, rank: u8) {
        if let Some(ranks) = raised(&self.all, &self.ranks, register, rank) {
            self.ranks = ranks;
            self.estimate = spread::estimate_ranks(&ranks);
            if let Some(one) = self.all.get_mut(register) {
                *one = rank;
            }
        }
    }

    pub fn count(&self, at: u64, over: u64, members: impl Iterator<Item = u64>) -> u64 {
        let newest = at / members_step(over);
        let oldest = newest.saturating_sub(MEMBER_SLOTS);
        let counts = |slot: &&Sketch| slot.is_empty() || (oldest..=newest).contains(&slot.id);
        if self.slots.iter().all(|slot| counts(&slot)) {
            // Nothing is over since it was put together.
            return with(&self.all, self.ranks, self.estimate, members);
        }
        let mut all = [0; REGISTERS];
        self.slots.iter().filter(counts).for_each(|slot| slot.merge_into(&mut all));
        let ranks = spread::ranks(&all);
        with(&all, ranks, spread::estimate_ranks(&ranks), members)
    }
}

/// How many there are with these as well.
fn with(all: &[u8; REGISTERS], mut ranks: [u16; RANKS], estimate: u64, members: impl Iterator<Item = u64>) -> u64 {
    let mut count = estimate;
    for member in members {
        let (register, rank) = spread::place(member);
        if let Some(raised) = raised(all, &ranks, register, rank) {
            ranks = raised;
            // At least one more: it is known to be new.
            count = spread::estimate_ranks(&ranks).max(count + 1);
        }
    }
    count
}

/// How many registers have each rank once one is raised; none where it is as high already.
fn raised(all: &[u8; REGISTERS], ranks: &[u16; RANKS], register: usize, rank: u8) -> Option<[u16; RANKS]> {
    let before = *all.get(register).filter(|before| **before < rank)?;
    let mut ranks = *ranks;
    if let Some(count) = ranks.get_mut(usize::from(before)) {
        *count = count.saturating_sub(1);
    }
    if let Some(count) = ranks.get_mut(usize::from(rank)) {
        *count += 1;
    }
    Some(ranks)
}

impl Sketch {
    pub fn is_empty(&self) -> bool {
        self.sparse.is_empty() && self.dense.is_none()
    }

    fn clear(&mut self, id: u64) {
        self.id = id;
        self.sparse.clear();
        self.dense = None;
    }

    fn raise(&mut self, register: usize, rank: u8) -> bool {
        if let Some(dense) = &mut self.dense {
            return dense.get_mut(register).filter(|one| **one < rank).map(|one| *one = rank).is_some();
        }
        let register16 = u16::try_from(register).unwrap_or(0);
        if let Some((_, one)) = self.sparse.iter_mut().find(|(at, _)| *at == register16) {
            let is_higher = *one < rank;
            *one = rank.max(*one);
            return is_higher;
        }
        if self.sparse.len() < SPARSE_MAX {
            self.sparse.push((register16, rank));
            return true;
        }
        let mut dense = Box::new([0; REGISTERS]);
        self.merge_into(&mut dense);
        if let Some(one) = dense.get_mut(register) {
            *one = rank;
        }
        (self.sparse, self.dense) = (Vec::new(), Some(dense));
        true
    }

    fn merge_into(&self, all: &mut [u8; REGISTERS]) {
        if let Some(dense) = &self.dense {
            all.iter_mut().zip(dense.iter()).for_each(|(one, other)| *one = (*one).max(*other));
        }
        for (register, rank) in &self.sparse {
            if let Some(one) = all.get_mut(usize::from(*register)) {
                *one = (*one).max(*rank);
            }
        }
    }

    pub fn octets(&self) -> usize {
        self.sparse.capacity() * size_of::<(u16, u8)>() + self.dense.as_ref().map_or(0, |_| REGISTERS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(members: &Members, at: u64, over: u64) -> (Vec<u8>, u64, u64) {
        let mut octets = Vec::new();
        members.write(&mut Writer(&mut octets));
        (octets, members.estimate, members.count(at, over, std::iter::empty()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        /// Each event comes when it happens, in any order; there may be enough for whole sketches, and sub-windows that are over.
        #[test]
        fn all_at_once_are_as_one_by_one(events in prop::collection::vec((0..20_000_u64, any::<u64>()), 0..600)) {
            let over = 8_000;
            let mut one_by_one = Members::default();
            events.iter().for_each(|(at, member)| one_by_one.add(*at, *member, over, *at));
            let at_once = Members::of(events.iter().copied(), over);
            for at in [0, 5_000, 10_000, 19_999, 30_000] {
                prop_assert_eq!(told(&at_once, at, over), told(&one_by_one, at, over));
            }
        }
    }
}
