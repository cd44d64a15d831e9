//! Octets ⇄ characters of one alphabet, without a doubt about which it is: `decode` has those.

use encoding_rs::{EUC_JP, EUC_KR, Encoding, ISO_2022_JP, ISO_8859_5, ISO_8859_8, SHIFT_JIS};

use super::gsm7::{self, Characters, Tables};
use super::{packed, utf16, weigh};

/// An alphabet and how it is written into octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// Septets, one an octet.
    Gsm,
    /// Septets, packed.
    Packed,
    /// ASCII.
    Ascii,
    /// ISO 8859-1, and between 0x80 and 0x9F what Windows-1252 has there: senders who say the one send the other.
    Latin1,
    /// UTF-8.
    Utf8,
    /// UTF-16, and so UCS-2, big-endian.
    Utf16Be,
    /// The same, little-endian.
    Utf16Le,
    /// What the Encoding Standard knows.
    Other(&'static Encoding),
}

impl Charset {
    pub(super) const CYRILLIC: Self = Self::Other(ISO_8859_5);
    pub(super) const HEBREW: Self = Self::Other(ISO_8859_8);
    pub(super) const ISO_2022_JP: Self = Self::Other(ISO_2022_JP);
    pub(super) const SHIFT_JIS: Self = Self::Other(SHIFT_JIS);
    pub(super) const EUC_JP: Self = Self::Other(EUC_JP);
    pub(super) const EUC_KR: Self = Self::Other(EUC_KR);

    /// Whether each octet is a character, or part of one that is written in several: neither septets nor UTF-16.
    pub(super) fn is_utf16(self) -> bool {
        matches!(self, Self::Utf16Be | Self::Utf16Le)
    }
}

/// The octets of one text: of a message, or of its parts in their order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    /// All of them.
    pub(super) octets: &'a [u8],
    /// Where each part ends, and what packed septets need to know of it.
    pub(super) parts: &'a [Part],
    /// The tables that its header names.
    pub(super) tables: Tables,
}

/// One part of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// Where its octets end.
    pub(super) end: usize,
    /// Fill bits before its first packed septet.
    pub(super) fill_bits: u8,
}

impl<'a> Input<'a> {
    /// Whether the bits that are over behind the last packed septet of each part are zero, as they are where septets
    /// were packed.
    pub(super) fn is_packed_whole(self) -> bool {
        let mut start = 0;
        self.parts.iter().all(|part| {
            let own = self.octets.get(start..part.end).unwrap_or_default();
            start = part.end;
            packed::is_whole(own, part.fill_bits)
        })
    }

    fn septets(self) -> impl Iterator<Item = u8> + use<'a> {
        let mut start = 0;
        self.parts.iter().flat_map(move |part| {
            let own = self.octets.get(start..part.end).unwrap_or_default();
            start = part.end;
            packed::unpack(own, part.fill_bits)
        })
    }
}

/// How octets contradict the alphabet that they were read in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Octets that the alphabet does not have, or has only for controls.
    pub(super) octets: bool,
    /// Half a code unit at the end.
    pub(super) odd: bool,
    /// Half of a surrogate pair.
    pub(super) surrogate: bool,
}

impl Faults {
    pub(super) fn any(self) -> bool {
        self.octets || self.odd || self.surrogate
    }
}

impl Charset {
    /// Appends the text of octets. Nothing is left out: what the alphabet does not have is U+FFFD.
    pub(super) fn decode(self, input: Input<'_>, out: &mut String) -> Faults {
        let octets = input.octets;
        let of_octets = |octets| Faults { octets, ..Faults::default() };
        match self {
            Self::Gsm => of_octets(gsm7::decode(octets, input.tables, out)),
            Self::Packed => {
                out.reserve(octets.len() * 8 / 7);
                let mut characters = Characters::new(input.septets(), input.tables);
                out.extend(characters.by_ref());
                of_octets(characters.bad || !input.is_packed_whole())
            }
            Self::Ascii | Self::Latin1 => {
                match std::str::from_utf8(octets) {
                    Ok(ascii) if ascii.is_ascii() => out.push_str(ascii),
                    _ => out.extend(octets.iter().map(|b| windows_1252(*b))),
                }
                of_octets(octets.iter().any(|b| !self.has(*b)))
            }
            Self::Utf8 => {
                let mut bad = octets.iter().any(|b| is_control(*b));
                for chunk in octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets).utf8_chunks() {
                    out.push_str(chunk.valid());
                    if !chunk.invalid().is_empty() {
                        out.push(char::REPLACEMENT_CHARACTER);
                        bad = true;
                    }
                }
                of_octets(bad)
            }
            Self::Utf16Be | Self::Utf16Le => {
                let surrogate = utf16::decode(octets, self == Self::Utf16Be, out);
                Faults { odd: octets.len() % 2 == 1, surrogate, octets: false }
            }
            Self::Other(encoding) => {
                let mut decoder = encoding.new_decoder_without_bom_handling();
                out.reserve(decoder.max_utf8_buffer_length(octets.len()).unwrap_or(0));
                let (_, _, bad) = decoder.decode_to_string(octets, out, true);
                let controls = self != Self::ISO_2022_JP && octets.iter().any(|b| is_control(*b));
                of_octets(bad || controls)
            }
        }
    }

    /// How much octets would say if they were in this alphabet, when that is less than `limit` bits. Only alphabets that
    /// texts turn out to be in can be asked.
    pub(super) fn weigh(self, input: Input<'_>, limit: u32) -> Option<u32> {
        let octets = input.octets;
        match self {
            Self::Gsm => weigh::below(limit, Characters::new(octets.iter().copied(), input.tables)),
            Self::Packed => weigh::below(limit, Characters::new(input.septets(), input.tables)),
            Self::Ascii | Self::Latin1 => weigh::below(limit, octets.iter().map(|b| windows_1252(*b))),
            Self::Utf8 => {
                // A U+FFFD that is written out tells of an alphabet that was lost before, not of this one.
                let lost = |c| if c == char::REPLACEMENT_CHARACTER { '?' } else { c };
                weigh::below(limit, std::str::from_utf8(octets).ok()?.chars().map(lost))
            }
            Self::Utf16Be | Self::Utf16Le => {
                let odd = if octets.len() % 2 == 1 { weigh::NEVER } else { 0 };
                let limit = limit.checked_sub(odd)?;
                Some(weigh::below(limit, utf16::characters(octets, self == Self::Utf16Be))? + odd)
            }
            Self::Other(_) => None,
        }
    }

    fn has(self, octet: u8) -> bool {
        !is_control(octet) && (octet < 0x80 || (self == Self::Latin1 && octet >= 0xa0))
    }
}

/// Controls that no text has: all but tab, line feed and carriage return.
pub(super) fn is_control(octet: u8) -> bool {
    ((octet < 0x20) & (octet != b'\n') & (octet != b'\r') & (octet != b'\t')) | (octet == 0x7f)
}

/// The 27 characters that Windows-1252 has where ISO 8859-1 has controls, from 0x80.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', //
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ', //
];

fn windows_1252(octet: u8) -> char {
    let special = octet.checked_sub(0x80).and_then(|at| WINDOWS_1252.get(usize::from(at)));
    special.copied().unwrap_or(char::from(octet))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(charset: Charset, octets: &[u8]) -> (String, Faults) {
        let mut out = String::new();
        let parts = [Part { end: octets.len(), fill_bits: 0 }];
        let faults = charset.decode(Input { octets, parts: &parts, tables: Tables::DEFAULT }, &mut out);
        (out, faults)
    }

    #[test]
    fn alphabets_of_the_encoding_standard_are_read() {
        assert_eq!(read(Charset::CYRILLIC, &[0xbf, 0xe0, 0xd8]).0, "При");
        assert_eq!(read(Charset::HEBREW, &[0xf9, 0xec, 0xe5, 0xed]).0, "שלום");
        assert_eq!(read(Charset::SHIFT_JIS, &[0x93, 0xfa, 0x96, 0x7b]).0, "日本");
        assert_eq!(read(Charset::ISO_2022_JP, b"\x1b$BF|K\\\x1b(B").0, "日本");
        assert_eq!(read(Charset::EUC_JP, &[0xc6, 0xfc, 0xcb, 0xdc, 0x8f, 0xb0, 0xa1]).0, "日本丂");
        assert_eq!(read(Charset::EUC_KR, &[0xb4, 0xeb, 0xc3, 0xe2]).0, "대출");
    }

    #[test]
    fn what_an_alphabet_lacks_is_told() {
        assert_eq!(read(Charset::Latin1, &[b'1', 0x80]), ("1€".into(), Faults { octets: true, ..Faults::default() }));
        assert!(read(Charset::Ascii, &[0xe9]).1.octets);
        assert!(!read(Charset::Latin1, &[0xe9]).1.any());
        assert_eq!(read(Charset::Utf8, b"a\xffb"), ("a\u{fffd}b".into(), Faults { octets: true, ..Faults::default() }));
        assert!(read(Charset::Utf16Be, &[0, b'a', 0]).1.odd);
        assert!(read(Charset::SHIFT_JIS, &[0x93]).1.octets);
    }
}
