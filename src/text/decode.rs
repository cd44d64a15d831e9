//! User data → text, by data_coding (SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4).

use super::{Alphabet, UserData, gsm7, udh};
use crate::wire::command::DataCoding;

/// Why a text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// A header that is longer than the message, or whose elements are.
    Udh,
    /// Half a UTF-16 code unit.
    OddUcs2,
    /// A data_coding that names an alphabet which Tapis does not know.
    Alphabet,
    /// Compressed text (3GPP TS 23.042).
    Compressed,
}

impl Undecodable {
    /// The word in journal and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udh => "udh",
            Self::OddUcs2 => "odd_ucs2",
            Self::Alphabet => "alphabet",
            Self::Compressed => "compressed",
        }
    }
}

/// The alphabet that a data_coding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gsm,
    Ascii,
    Latin1,
    Cyrillic,
    Hebrew,
    Ucs2,
    Binary,
    Unknown,
    Compressed,
}

/// Reads a data_coding. Values below 0x10 are the standard's own table (SMPP 3.4 §5.2.19); above, the coding groups of
/// 3GPP TS 23.038 §4.
pub(super) fn coding(data_coding: DataCoding, alphabet: Alphabet) -> Coding {
    let octet = data_coding.0;
    match octet {
        0 => match alphabet {
            Alphabet::Gsm => Coding::Gsm,
            Alphabet::Latin1 => Coding::Latin1,
        },
        1 => Coding::Ascii,
        3 => Coding::Latin1,
        2 | 4 => Coding::Binary,
        6 => Coding::Cyrillic,
        7 => Coding::Hebrew,
        8 => Coding::Ucs2,
        5 | 9..=15 => Coding::Unknown,
        // General data coding, without and with automatic deletion.
        0x10..=0x7f if octet & 0x20 != 0 => Coding::Compressed,
        0x10..=0x7f => match (octet >> 2) & 3 {
            0 => Coding::Gsm,
            1 => Coding::Binary,
            2 => Coding::Ucs2,
            _ => Coding::Unknown,
        },
        0x80..=0xbf => Coding::Unknown,
        // Message waiting indication.
        0xc0..=0xdf => Coding::Gsm,
        0xe0..=0xef => Coding::Ucs2,
        // Data coding and message class.
        0xf0..=0xff if octet & 4 != 0 => Coding::Binary,
        0xf0..=0xff => Coding::Gsm,
    }
}

/// What one user data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Text,
    Binary,
    Undecodable(Undecodable),
}

/// Appends the text of user data to `out`, and answers what it was, with its header.
pub(super) fn decode(user_data: &UserData<'_>, alphabet: Alphabet, out: &mut String) -> (Decoded, Option<udh::Udh>) {
    let (header, octets) = if user_data.udhi {
        match udh::split(user_data.octets) {
            Some((header, octets)) => (Some(header), octets),
            None => return (Decoded::Undecodable(Undecodable::Udh), None),
        }
    } else {
        (None, user_data.octets)
    };
    (text(octets, coding(user_data.data_coding, alphabet), out), header)
}

fn text(octets: &[u8], coding: Coding, out: &mut String) -> Decoded {
    match coding {
        Coding::Gsm => gsm7::decode(octets, out),
        Coding::Ascii => ascii(octets, out),
        Coding::Latin1 => out.extend(octets.iter().map(|b| char::from(*b))),
        Coding::Cyrillic => out.extend(octets.iter().map(|b| cyrillic(*b))),
        Coding::Hebrew => out.extend(octets.iter().map(|b| hebrew(*b))),
        Coding::Ucs2 if octets.len() % 2 == 1 => return Decoded::Undecodable(Undecodable::OddUcs2),
        Coding::Ucs2 => {
            let units = octets.chunks_exact(2).filter_map(|pair| pair.first_chunk().map(|p| u16::from_be_bytes(*p)));
            out.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
        }
        Coding::Binary => return Decoded::Binary,
        Coding::Unknown => return Decoded::Undecodable(Undecodable::Alphabet),
        Coding::Compressed => return Decoded::Undecodable(Undecodable::Compressed),
    }
    Decoded::Text
}

/// IA5: ASCII. Clients also send GSM 03.38 under this name; octets that are no printable ASCII are read as its septets,
/// and those above 0x7F as Latin-1.
fn ascii(octets: &[u8], out: &mut String) {
    let mut rest = octets.iter().peekable();
    while let Some(octet) = rest.next() {
        match *octet {
            b'\n' | b'\r' | b'\t' | 0x20..=0x7e => out.push(char::from(*octet)),
            0x1b => {
                let pair: Vec<u8> = [0x1b].into_iter().chain(rest.next().copied()).collect();
                gsm7::decode(&pair, out);
            }
            0x80.. => out.push(char::from(*octet)),
            septet => out.push(gsm7::character(septet)),
        }
    }
}

/// ISO 8859-5.
fn cyrillic(octet: u8) -> char {
    match octet {
        0xf0 => '№',
        0xfd => '§',
        0xa1..=0xac | 0xae..=0xff => char::from_u32(u32::from(octet) + 0x360).unwrap_or('?'),
        _ => char::from(octet),
    }
}

/// ISO 8859-8.
fn hebrew(octet: u8) -> char {
    match octet {
        0xaa => '×',
        0xba => '÷',
        0xdf => '‗',
        0xe0..=0xfa => char::from_u32(u32::from(octet) + 0x4f0).unwrap_or('?'),
        0xfd => '\u{200e}',
        0xfe => '\u{200f}',
        _ => char::from(octet),
    }
}
