//! Text → user data, for prefixes and for messages that Tapis writes itself.

use super::decode::{Coding, coding};
use super::{Alphabet, gsm7};
use crate::wire::command::DataCoding;

/// A character that the alphabet does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unencodable(pub char);

/// Appends `text` in the alphabet of a data_coding.
///
/// # Errors
/// When a character cannot be written in it; `out` is as it was.
pub fn encode(text: &str, data_coding: DataCoding, alphabet: Alphabet, out: &mut Vec<u8>) -> Result<(), Unencodable> {
    let start = out.len();
    for c in text.chars() {
        if write(c, coding(data_coding, alphabet), out).is_none() {
            out.truncate(start);
            return Err(Unencodable(c));
        }
    }
    Ok(())
}

fn write(c: char, coding: Coding, out: &mut Vec<u8>) -> Option<()> {
    match coding {
        Coding::Gsm => {
            let (escape, septet) = gsm7::septets(c)?;
            out.extend(escape);
            out.push(septet);
        }
        Coding::Ascii if c.is_ascii() => out.push(u8::try_from(c).ok()?),
        Coding::Latin1 => out.push(u8::try_from(u32::from(c)).ok()?),
        Coding::Ucs2 => {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.extend_from_slice(&unit.to_be_bytes());
            }
        }
        _ => return None,
    }
    Some(())
}

/// The narrowest data_coding that carries a text: 0 in the GSM alphabet, else 8; with its octets.
#[must_use]
pub fn narrowest(text: &str) -> (DataCoding, Vec<u8>) {
    let mut octets = Vec::with_capacity(text.len());
    if encode(text, DataCoding::DEFAULT, Alphabet::Gsm, &mut octets).is_ok() {
        return (DataCoding::DEFAULT, octets);
    }
    octets.clear();
    let _ = encode(text, DataCoding::UCS2, Alphabet::Gsm, &mut octets);
    (DataCoding::UCS2, octets)
}

/// Septets that a text costs in the GSM alphabet; none when it has a character that this lacks.
#[must_use]
pub fn gsm_septets(text: &str) -> Option<usize> {
    text.chars().map(|c| gsm7::septets(c).map(|(escape, _)| 1 + usize::from(escape.is_some()))).sum()
}

/// Octets that a text costs in UCS-2.
#[must_use]
pub fn utf16_octets(text: &str) -> usize {
    text.encode_utf16().count() * 2
}
