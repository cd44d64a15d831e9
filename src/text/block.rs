//! Sixty-four octets looked at together, for passes that skip most of a text.

use wide::u8x16;

/// Octets of a block.
pub(crate) const BLOCK: usize = 64;

/// Fewer octets than a block, with nothing behind them; of more, the first.
pub(super) fn padded(rest: &[u8]) -> [u8; BLOCK] {
    padded_with(rest, 0)
}

/// The same with another octet behind them.
pub(crate) fn padded_with(rest: &[u8], octet: u8) -> [u8; BLOCK] {
    let mut last = [octet; BLOCK];
    let len = rest.len().min(BLOCK);
    if let (Some(room), Some(rest)) = (last.get_mut(..len), rest.get(..len)) {
        room.copy_from_slice(rest);
    }
    last
}

/// For each octet of a block whether it is one of these, one bit each, the first octet's lowest. `is` should have no
/// branch, so that many are compared at a time.
pub(crate) fn bits(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    packed(&block.map(|octet| 0_u8.wrapping_sub(u8::from(is(octet)))))
}

/// The same for octets of two blocks that stand in the same place.
pub(super) fn pairs(a: &[u8; BLOCK], b: &[u8; BLOCK], are: impl Fn(u8, u8) -> bool) -> u64 {
    let mut flags = [0; BLOCK];
    for ((flag, a), b) in flags.iter_mut().zip(a).zip(b) {
        *flag = 0_u8.wrapping_sub(u8::from(are(*a, *b)));
    }
    packed(&flags)
}

/// The upper bit of each octet.
fn packed(flags: &[u8; BLOCK]) -> u64 {
    let sixteens = flags.as_chunks::<16>().0.iter().zip((0..).step_by(16));
    sixteens.fold(0, |all, (sixteen, shift)| all | u64::from(u8x16::new(*sixteen).to_bitmask()) << shift)
}
