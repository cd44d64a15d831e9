//! How many different ones: an exact set while they are few, a HyperLogLog from then on.

use super::table::Entry;

/// Different ones that are told exactly.
pub const EXACT_MAX: usize = 32;

/// Registers of a sketch: the standard error is 1.04/√1024, 3.25 in a hundred.
pub(super) const REGISTERS: usize = 1024;

/// A set that only knows how many are in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spread {
    /// Their hashes.
    Few(Vec<u64>),
    /// For each register the largest number of leading zeros of a hash, and one more.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Spread {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Spread {
    /// Adds one; whether that may have changed how many there are.
    pub fn add(&mut self, member: u64) -> bool {
        match self {
            Self::Few(few) if few.contains(&member) => false,
            Self::Few(few) if few.len() < EXACT_MAX => {
                few.push(member);
                true
            }
            Self::Few(few) => {
                let mut registers = Box::new([0; REGISTERS]);
                few.iter().for_each(|one| _ = raise(&mut registers, *one));
                raise(&mut registers, member);
                *self = Self::Many(registers);
                true
            }
            Self::Many(registers) => raise(registers, member),
        }
    }

    /// How many different ones there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Few(few) => u64::try_from(few.len()).unwrap_or(u64::MAX),
            Self::Many(registers) => estimate(registers),
        }
    }
}

/// The register of a hash and its rank there.
pub(super) fn place(member: u64) -> (usize, u8) {
    let register = usize::try_from(member & 1023).unwrap_or(0);
    let rank = ((member >> 10).leading_zeros() - 10 + 1).min(54);
    (register, u8::try_from(rank).unwrap_or(u8::MAX))
}

fn raise(registers: &mut [u8; REGISTERS], member: u64) -> bool {
    let (register, rank) = place(member);
    let Some(register) = registers.get_mut(register).filter(|register| **register < rank) else { return false };
    *register = rank;
    true
}

/// How many different hashes leave such registers: the improved estimator of Ertl (New cardinality estimation algorithms for
/// HyperLogLog sketches, 2017, algorithm 6), which needs no correction for few or many.
pub(super) fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    let mut ranks = [0_u32; 56];
    for register in registers {
        if let Some(rank) = ranks.get_mut(usize::from(*register)) {
            *rank += 1;
        }
    }
    estimate_ranks(&ranks)
}

/// The same by how many registers have each rank.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate above 0, rounded")]
pub(super) fn estimate_ranks(ranks: &[u32; 56]) -> u64 {
    let m = REGISTERS as f64;
    let of = |rank: usize| f64::from(ranks.get(rank).copied().unwrap_or(0));
    let mut z = m * tau(1.0 - of(55) / m);
    for rank in (1..=54).rev() {
        z = 0.5 * (z + of(rank));
    }
    z += m * sigma(of(0) / m);
    let estimate = m * m / (2.0 * std::f64::consts::LN_2) / z;
    if estimate.is_finite() { estimate.round() as u64 } else { u64::MAX }
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

impl Entry for Spread {
    type Cx = ();

    fn worth(&self, _: u32, (): &()) -> f32 {
        match self {
            Self::Few(few) => few.len() as f32,
            Self::Many(_) => EXACT_MAX as f32 * 2.0,
        }
    }
}
