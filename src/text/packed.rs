//! Septets packed into octets, as a TPDU carries them (3GPP TS 23.038 §6.1.2.1) and SMPP should not, but some SMSCs want.
//!
//! ```text
//!  octet    0         1         2
//!  bits   b6…b0|     a6…a0 with b0 above it, then c5c4… : the first septet fills the low bits
//! ```

/// Septets of packed octets, one an item.
#[derive(Clone, Debug)]
pub(super) struct Septets<'a> {
    octets: std::slice::Iter<'a, u8>,
    bits: u16,
    held: u8,
    left: usize,
}

/// How many bits of fill stand between a header and the first septet, so that it begins at a septet's boundary
/// (3GPP TS 23.040 §9.2.3.24).
pub(super) fn fill_bits(header_octets: usize) -> u8 {
    u8::try_from((7 - header_octets * 8 % 7) % 7).unwrap_or(0)
}

/// Unpacks octets behind some fill bits.
///
/// The number of septets is not known as it is in a TPDU. Where seven bits are over at the end they are a character,
/// unless they are zero or a CR, with which packed texts are filled up (§6.1.2.3.1).
pub(super) fn unpack(octets: &[u8], fill_bits: u8) -> Septets<'_> {
    let bits = (octets.len() * 8).saturating_sub(usize::from(fill_bits));
    let mut left = bits / 7;
    let last = octets.last().map_or(0, |last| last >> 1);
    if bits % 7 == 0 && left > 0 && matches!(last, 0 | b'\r') {
        left -= 1;
    }
    let mut septets = Septets { octets: octets.iter(), bits: 0, held: 0, left };
    if fill_bits > 0
        && let Some(octet) = septets.octets.next()
    {
        septets.bits = u16::from(*octet >> fill_bits);
        septets.held = 8 - fill_bits;
    }
    septets
}

/// Whether the bits over behind the last septet are zero.
pub(super) fn is_whole(octets: &[u8], fill_bits: u8) -> bool {
    let bits = (octets.len() * 8).saturating_sub(usize::from(fill_bits));
    let over = bits % 7;
    over == 0 || octets.last().is_none_or(|last| last >> (8 - over) == 0)
}

impl Iterator for Septets<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.left = self.left.checked_sub(1)?;
        if self.held < 7 {
            self.bits |= u16::from(*self.octets.next()?) << self.held;
            self.held += 8;
        }
        let septet = self.bits & 0x7f;
        self.bits >>= 7;
        self.held -= 7;
        u8::try_from(septet).ok()
    }
}

/// Packs septets behind some fill bits, and appends them.
pub(super) fn pack(septets: &[u8], fill_bits: u8, out: &mut Vec<u8>) {
    let (mut bits, mut held) = (0u16, fill_bits);
    let low = |bits: u16| u8::try_from(bits & 0xff).unwrap_or_default();
    for septet in septets {
        bits |= u16::from(septet & 0x7f) << held;
        held += 7;
        if held >= 8 {
            out.push(low(bits));
            bits >>= 8;
            held -= 8;
        }
    }
    if held == 1 && !septets.is_empty() {
        // Seven bits are over: filled with CR, so that they are not read as `@`.
        bits |= u16::from(b'\r') << 1;
        held = 8;
    }
    if held > 0 {
        out.push(low(bits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        for fill in 0..7 {
            for length in 0..40u8 {
                let septets: Vec<u8> = (0..length).map(|n| (n.wrapping_mul(37) % 113) + 14).collect();
                let mut octets = Vec::new();
                pack(&septets, fill, &mut octets);
                assert_eq!(octets.len(), (septets.len() * 7 + usize::from(fill)).div_ceil(8));
                let back: Vec<u8> = unpack(&octets, fill).collect();
                assert_eq!(back.get(..septets.len()), Some(&septets[..]), "{fill} {length}");
                assert!(back.len() <= septets.len() + 1);
                assert!(is_whole(&octets, fill));
            }
        }
    }

    #[test]
    fn fill_bits_lead_to_the_next_septet() {
        assert_eq!([0, 4, 6, 7, 12, 14].map(fill_bits), [0, 3, 1, 0, 2, 0]);
    }
}
