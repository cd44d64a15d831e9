//! How many different ones: an exact set while they are few, a HyperLogLog from then on. The first six ([`Few`]) lie with their
//! key, so that for most keys nothing else has to be fetched.
//!
//! A spread is of the last one to two months: after a month it begins anew beside the former one, and what is told is how many
//! are in either.

/// Different ones that are told exactly.
pub const FEW_MAX: usize = 16;

/// Registers of a sketch: the standard error is 1.04/√1024, 3.25 in a hundred.
pub(super) const REGISTERS: usize = 1024;

/// Ranks that a register can have, 0 for none.
pub(super) const RANKS: usize = 56;

/// Seconds after which a spread begins anew.
pub(super) const MONTH: u32 = 30 * 24 * 3600;

/// The different ones that a key had to do with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spread {
    pub current: Set,
    pub former: Option<Box<Set>>,
    /// When the current one began, in seconds.
    pub begun: u32,
    /// Whether something was added that other nodes have not been told.
    pub news: bool,
}

/// The first few different ones, where their key is kept: most keys have no more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Few {
    /// When the first one came, in seconds; 0 while none did.
    begun: u32,
    /// Whether others have not been told of one.
    news: bool,
    /// The upper halves of their hashes; 0 for none.
    halves: [u32; NEAR_MAX],
}

/// Different ones that need no room of their own.
pub(super) const NEAR_MAX: usize = 6;

/// A set that only knows how many are in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Set {
    /// How many, and the upper halves of their hashes: of a million full sets, thirty take two for one.
    Few(u8, [u32; FEW_MAX]),
    /// For each register the largest rank of a hash.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Set {
    fn default() -> Self {
        Self::Few(0, [0; FEW_MAX])
    }
}

/// Those that are not in a sketch yet: to add one is mostly to write down which register it is and its rank there, and one in
/// six fetches the registers, of all at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Waiting([u16; WAITING_MAX]);

const WAITING_MAX: usize = 5;
const RANK_BITS: u32 = 6;
const _: () = assert!(RANKS <= 1 << RANK_BITS && REGISTERS << RANK_BITS <= 1 << u16::BITS);

impl Waiting {
    /// Has one wait; false where there is no place.
    #[inline]
    pub fn add(&mut self, member: u64) -> bool {
        // They stand in a row, and are counted without a branch.
        let len = self.0.iter().map(|one| usize::from(*one != 0)).sum::<usize>();
        let Some(free) = self.0.get_mut(len) else { return false };
        let (register, rank) = place(member);
        *free = u16::try_from(register << RANK_BITS).unwrap_or(0) | u16::from(rank);
        true
    }

    /// Adds all to where they belong; whether that changed anything.
    pub fn settle(&mut self, registers: &mut [u8; REGISTERS]) -> bool {
        let rank = |one: u16| u8::try_from(one & ((1 << RANK_BITS) - 1)).unwrap_or(0);
        let all = std::mem::take(&mut self.0).into_iter().filter(|one| *one != 0);
        all.fold(false, |raised, one| raised | raise_to(registers, usize::from(one >> RANK_BITS), rank(one)))
    }
}

impl Spread {
    /// The registers, once they are many.
    pub fn registers(&self) -> Option<&[u8; REGISTERS]> {
        match &self.current {
            Set::Few(..) => None,
            Set::Many(registers) => Some(registers),
        }
    }

    /// Adds one at `now`, in seconds.
    #[inline]
    pub fn add(&mut self, member: u64, now: u32) {
        self.turn(now);
        self.news |= self.current.add(member);
    }

    /// Begins anew when a month is over.
    #[inline]
    fn turn(&mut self, now: u32) {
        if now.saturating_sub(self.begun) >= MONTH {
            self.renew(now);
        }
    }

    #[cold]
    fn renew(&mut self, now: u32) {
        let months = now.saturating_sub(self.begun) / MONTH;
        let former = std::mem::take(&mut self.current);
        self.former = (months == 1 && !former.is_empty()).then(|| Box::new(former));
        self.begun = now;
    }

    /// How many different ones there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        let Some(former) = &self.former else { return self.current.count() };
        let mut all = Set::clone(former);
        all.merge(&self.current);
        all.count()
    }

    /// Takes in what another node has.
    pub fn merge(&mut self, other: &Set, now: u32) {
        self.turn(now);
        self.current.merge(other);
    }

    /// Octets that it points to.
    #[inline]
    pub fn octets(&self) -> usize {
        self.current.octets() + self.former.as_ref().map_or(0, |former| size_of::<Set>() + former.octets())
    }
}

impl Few {
    /// Whether it has begun.
    pub fn is_begun(&self) -> bool {
        self.begun != 0
    }

    /// Adds one at `now`, in seconds, if it has begun or shall begin; false where there is no place, or a month is over.
    ///
    /// Without a branch that depends on what is being fetched, but for the last resort.
    #[inline]
    pub fn add(&mut self, member: u64, now: u32, begins: bool) -> bool {
        let half = upper(member);
        let count = |of: u32| self.halves.iter().map(|one| u32::from(*one == of)).sum::<u32>();
        let (is_in, free) = (count(half) > 0, usize::try_from(count(0)).unwrap_or(0));
        let is_wanted = begins | (self.begun != 0);
        let begun = if self.begun == 0 { now } else { self.begun };
        let is_new = is_wanted & !is_in;
        if is_new & (free == 0) | is_wanted & (now.saturating_sub(begun) >= MONTH) {
            return false;
        }
        self.begun = if is_wanted { begun } else { 0 };
        self.news |= is_new;
        if let Some(place) = self.halves.get_mut((NEAR_MAX - free).min(NEAR_MAX - 1)) {
            *place = if is_new { half } else { *place };
        }
        true
    }

    /// Those of it that others have not been told.
    pub fn take_news(&mut self) -> Option<Set> {
        std::mem::take(&mut self.news).then(|| self.set())
    }

    /// The same in room of its own.
    pub fn spread(&self, now: u32) -> Spread {
        let begun = if self.begun == 0 { now } else { self.begun };
        Spread { current: self.set(), former: None, begun, news: self.news }
    }

    fn set(&self) -> Set {
        Set::few(self.halves.into_iter().filter(|half| *half != 0))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.set().count()
    }
}

impl TryFrom<&Spread> for Few {
    type Error = ();

    /// Fails where it needs room of its own.
    fn try_from(spread: &Spread) -> Result<Self, ()> {
        let Set::Few(len, _) = spread.current else { return Err(()) };
        if usize::from(len) > NEAR_MAX || spread.former.is_some() {
            return Err(());
        }
        let mut few = Self { begun: spread.begun, news: spread.news, halves: [0; NEAR_MAX] };
        few.halves.iter_mut().zip(spread.current.halves()).for_each(|(place, half)| *place = *half);
        Ok(few)
    }
}

impl Set {
    /// A set of so many halves of hashes.
    pub fn few(all: impl IntoIterator<Item = u32>) -> Self {
        let mut set = Self::default();
        all.into_iter().for_each(|half| _ = set.add(whole(half)));
        set
    }

    /// The halves of hashes that it has; none once they are many.
    pub fn halves(&self) -> &[u32] {
        match self {
            Self::Few(len, few) => few.get(..usize::from(*len)).unwrap_or_default(),
            Self::Many(_) => &[],
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Few(0, _))
    }

    /// Adds one; whether that changed anything.
    pub fn add(&mut self, member: u64) -> bool {
        if let Self::Few(len, few) = self {
            let half = upper(member);
            // All are looked at, many at once; there is no 0 among them.
            if few.iter().map(|one| u32::from(*one == half)).sum::<u32>() > 0 {
                return false;
            }
            if let Some(place) = few.get_mut(usize::from(*len)) {
                *place = half;
                *len += 1;
                return true;
            }
        }
        raise(self.many(), member)
    }

    /// It as registers.
    fn many(&mut self) -> &mut [u8; REGISTERS] {
        loop {
            match self {
                Self::Many(registers) => return registers,
                Self::Few(..) => {
                    let mut registers = Box::new([0; REGISTERS]);
                    self.halves().iter().for_each(|half| _ = raise(&mut registers, whole(*half)));
                    *self = Self::Many(registers);
                }
            }
        }
    }

    /// Takes in all of another one.
    pub fn merge(&mut self, other: &Self) {
        match other {
            Self::Few(..) => other.halves().iter().for_each(|half| _ = self.add(whole(*half))),
            Self::Many(registers) => merge(self.many(), registers),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Few(len, _) => u64::from(*len),
            Self::Many(registers) => estimate_ranks(&ranks(registers)),
        }
    }

    #[inline]
    pub fn octets(&self) -> usize {
        if matches!(self, Self::Many(_)) { REGISTERS } else { 0 }
    }
}

/// The upper half of a hash, never 0, and a hash with that half; the bit below keeps its rank from running on.
fn upper(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(0).max(1)
}

fn whole(half: u32) -> u64 {
    u64::from(half) << 32 | 1 << 31
}

/// The register of a hash, by its first ten bits, and its rank there, by the zeros that follow.
pub(super) fn place(member: u64) -> (usize, u8) {
    let register = usize::try_from(member >> 54).unwrap_or(0);
    let rank = (member << 10 | 1 << 9).leading_zeros() + 1;
    (register, u8::try_from(rank).unwrap_or(u8::MAX))
}

fn raise(registers: &mut [u8; REGISTERS], member: u64) -> bool {
    let (register, rank) = place(member);
    raise_to(registers, register, rank)
}

fn raise_to(registers: &mut [u8; REGISTERS], register: usize, rank: u8) -> bool {
    let Some(register) = registers.get_mut(register).filter(|register| **register < rank) else { return false };
    *register = rank;
    true
}

/// Raises registers to those of another sketch.
pub(super) fn merge(registers: &mut [u8; REGISTERS], others: &[u8; REGISTERS]) {
    registers.iter_mut().zip(others).for_each(|(one, other)| *one = (*one).max(*other));
}

/// How many registers have each rank.
pub(super) fn ranks(registers: &[u8; REGISTERS]) -> [u16; RANKS] {
    let mut ranks = [0; RANKS];
    for register in registers {
        if let Some(count) = ranks.get_mut(usize::from(*register)) {
            *count += 1;
        }
    }
    ranks
}

/// How many different hashes leave registers of such ranks: the improved estimator of Ertl (New cardinality estimation
/// algorithms for HyperLogLog sketches, 2017, algorithm 6), which needs no correction for few or many.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate above 0, rounded")]
pub(super) fn estimate_ranks(ranks: &[u16; RANKS]) -> u64 {
    let m = REGISTERS as f64;
    let of = |rank: usize| f64::from(ranks.get(rank).copied().unwrap_or(0));
    let mut z = m * tau(1.0 - of(RANKS - 1) / m);
    for rank in (1..RANKS - 1).rev() {
        z = 0.5 * (z + of(rank));
    }
    z += m * sigma(of(0) / m);
    let estimate = m * m / (2.0 * std::f64::consts::LN_2) / z;
    if estimate.is_finite() { estimate.round() as u64 } else { 0 }
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Secret;
    use super::*;

    fn member(n: u64) -> u64 {
        Secret::default().hash(0, &n.to_le_bytes())
    }

    #[test]
    fn few_are_exact_and_many_are_within_the_stated_error() {
        let mut set = Set::default();
        let mut worst: f64 = 0.0;
        for n in 1..=200_000_u64 {
            set.add(member(n));
            set.add(member(n / 2));
            if n <= 15 {
                // The halves of the first are among them but for 0.
                assert_eq!(set.count(), n + 1);
            } else if n % 97 == 0 {
                worst = worst.max((set.count() as f64 / n as f64 - 1.0).abs());
            }
        }
        assert!(worst < 3.0 * 0.0325, "three standard errors: {worst}");
    }

    #[test]
    fn merging_commutes_and_repeats_change_nothing() {
        let of = |range: std::ops::Range<u64>| {
            let mut set = Set::default();
            range.for_each(|n| _ = set.add(member(n)));
            set
        };
        for (a, b) in [(0..10, 5..20), (0..20, 10..500), (0..1000, 500..1500)] {
            let (mut ab, mut ba) = (of(a.clone()), of(b.clone()));
            ab.merge(&of(b.clone()));
            ba.merge(&of(a.clone()));
            assert_eq!(ab.count(), ba.count());
            let before = ab.count();
            ab.merge(&of(a));
            assert_eq!(ab.count(), before);
        }
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut spread = Spread::default();
        spread.add(member(1), MONTH * 100);
        spread.add(member(2), MONTH * 101);
        assert_eq!(spread.count(), 2);
        spread.add(member(3), MONTH * 102);
        assert_eq!(spread.count(), 2);
        spread.add(member(3), MONTH * 200);
        assert_eq!(spread.count(), 1);
    }
}
