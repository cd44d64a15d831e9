//! UTF-16, and UCS-2 in it, of either byte order (3GPP TS 23.038 §6.2.3).

use super::charset::is_control;

/// Appends the text of octets, without a byte order mark at its start and half a unit at its end; answers whether half
/// of a surrogate pair was among them, which is U+FFFD.
pub(super) fn decode(octets: &[u8], big_endian: bool, out: &mut String) -> bool {
    // Three octets of UTF-8 a unit are the most there can be.
    out.reserve(octets.len() / 2 * 3);
    let mut surrogate = false;
    let mark = if big_endian { [0xfe, 0xff] } else { [0xff, 0xfe] };
    let mut rest = octets.strip_prefix(&mark).unwrap_or(octets);
    if big_endian {
        // Latin script, eight units at once.
        while let Some((units, after)) = rest.split_first_chunk::<16>() {
            let Some(ascii) = ascii(units) else { break };
            out.push_str(std::str::from_utf8(&ascii).unwrap_or_default());
            rest = after;
        }
    }
    let unit = |pair: &[u8; 2]| if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let mut pairs = rest.as_chunks().0.iter();
    while let Some(pair) = pairs.next() {
        let unit_of_pair = unit(pair);
        if let Some(c) = char::from_u32(u32::from(unit_of_pair)) {
            out.push(c);
            continue;
        }
        let low = pairs.as_slice().first().map(unit);
        let both = low.and_then(|low| char::decode_utf16([unit_of_pair, low]).next()?.ok());
        if both.is_some() {
            pairs.next();
        }
        surrogate |= both.is_none();
        out.push(both.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    surrogate
}

fn ascii(units: &[u8; 16]) -> Option<[u8; 8]> {
    let all = u128::from_be_bytes(*units);
    if all & 0xff80_ff80_ff80_ff80_ff80_ff80_ff80_ff80 != 0 {
        return None;
    }
    let mut low = [0; 8];
    for (low, [_, octet]) in low.iter_mut().zip(units.as_chunks().0) {
        *low = *octet;
    }
    Some(low)
}

/// The characters of octets.
pub(super) fn characters(octets: &[u8], big_endian: bool) -> impl Iterator<Item = char> {
    char::decode_utf16(units(octets, big_endian)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn units(octets: &[u8], big_endian: bool) -> impl Iterator<Item = u16> {
    let unit = move |pair: &[u8; 2]| if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    octets.as_chunks().0.iter().map(unit)
}

/// Whether octets look enough like big-endian UTF-16 that no other reading need be tried: a first look, by the high
/// octets alone.
pub(super) fn is_plainly_big_endian(octets: &[u8]) -> bool {
    let pairs = octets.as_chunks().0;
    let any = pairs.iter().fold(0, |any, pair| any | u16::from_be_bytes(*pair));
    if any < 0x2000 && any & 0xff >= 0x20 {
        return true;
    }
    if are_ideographs(pairs) {
        return true;
    }
    let units = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
    let bits = |octet: u8| u32::from(HIGH.get(usize::from(octet)).copied().unwrap_or(0));
    let (mut big, mut little, mut changes, mut controls) = (0u32, 0u32, 0u32, 0u32);
    let mut last = 0;
    for [high, low] in pairs.iter().copied() {
        let own = bits(high);
        changes += u32::from(own != last);
        last = own;
        big = big.saturating_add(own);
        little = little.saturating_add(bits(low));
        controls += u32::from(is_control(high) | is_control(low));
    }
    // A text in a script with small code points has its high octets to tell it from octets. Ideographs have the low
    // ones: about every sixth is a control, where a text in octets has none.
    big.saturating_add(3 * changes) < little && (big <= 9 * units || (big <= 12 * units && controls * 12 >= units))
}

/// Whether high octets are those of ideographs and what stands among them, and low ones are controls, or none of ASCII,
/// too often for octets that are characters. Written without branches, so that many are looked at at once.
fn are_ideographs(pairs: &[[u8; 2]]) -> bool {
    let (mut others, mut controls, mut wide) = (0, 0u16, 0u16);
    let mut look = |pair: &[u8; 2]| {
        let unit = u16::from_be_bytes(*pair);
        let (high, low) = (unit & 0xff00, unit & 0xff);
        let ideograph = unit.wrapping_sub(0x4e00) < 0x5200;
        let quote = unit.wrapping_sub(0x2010) < 0x18;
        let beside = (high == 0) | (high == 0x3000) | (high == 0xff00) | quote;
        others |= u16::from(!(ideograph | beside));
        controls = controls.wrapping_add(u16::from((low < 0x20) & (low != 0) & (low != 0x0a) & (low != 0x0d)));
        wide = wide.wrapping_add(low >> 7);
    };
    let (many, rest) = pairs.as_chunks::<8>();
    many.as_flattened().iter().for_each(&mut look);
    rest.iter().for_each(&mut look);
    let often = |count: u16, every: usize| count > 1 && usize::from(count) * every >= pairs.len();
    others == 0 && (often(controls, 32) || often(wide, 3))
}

/// About what a character costs in [`super::weigh`], by its high octet.
#[allow(clippy::indexing_slicing, reason = "runs at compile time, where a bad index is an error of the build")]
const HIGH: [u8; 256] = {
    let mut bits = [18; 256];
    let ranges: [(usize, usize, u8); 17] = [
        (0x00, 0x00, 6),
        (0x01, 0x01, 9),
        (0x03, 0x06, 7),
        (0x09, 0x0e, 6),
        (0x10, 0x10, 6),
        (0x12, 0x13, 9),
        (0x17, 0x17, 6),
        (0x1e, 0x1e, 8),
        (0x20, 0x20, 10),
        (0x21, 0x27, 12),
        (0x30, 0x30, 7),
        (0x4e, 0x9f, 11),
        (0xac, 0xd7, 9),
        (0xd8, 0xdf, 8),
        (0xe0, 0xf8, 24),
        (0xfe, 0xfe, 12),
        (0xff, 0xff, 9),
    ];
    let mut at = 0;
    while at < ranges.len() {
        let (mut high, last, cost) = ranges[at];
        while high <= last {
            bits[high] = cost;
            high += 1;
        }
        at += 1;
    }
    bits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders_are_read_and_pairs_are_never_cut() {
        let text =
            "plain ASCII text of some length, then ไทย, 😀, and ASCII again to the end".repeat(3) + &"😀".repeat(99);
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (octets, big_endian) in [(&be, true), (&le, false)] {
            let mut out = String::new();
            assert!(!decode(octets, big_endian, &mut out));
            assert_eq!(out, text);
        }
        let mut out = String::new();
        assert!(decode(&[0xd8, 0x3d, 0, b'x', 0], true, &mut out));
        assert_eq!(out, "\u{fffd}x");
    }

    #[test]
    fn a_first_look_knows_plain_texts_and_doubts_others() {
        for text in ["hello there", "ยืนยันตัวตน", "您的账户已被冻结,请立即登录确认身份信息。"]
        {
            let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert!(is_plainly_big_endian(&be), "{text}");
            let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            assert!(!is_plainly_big_endian(&le), "{text}");
        }
        assert!(!is_plainly_big_endian(b"Your parcel is held!"));
    }
}
