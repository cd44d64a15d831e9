//! Text → user data, for prefixes and for messages that Tapis writes itself.

use super::charset::Charset;
use super::decode::coding;
use super::{Alphabet, gsm7, packed};
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
    let written = write(text, coding(data_coding, alphabet).charset, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn write(text: &str, charset: Option<Charset>, out: &mut Vec<u8>) -> Result<(), Unencodable> {
    let octet = |c: char| u8::try_from(u32::from(c)).map_err(|_| Unencodable(c));
    match charset {
        Some(Charset::Gsm) => septets(text, out)?,
        Some(Charset::Packed) => {
            let mut all = Vec::with_capacity(text.len());
            septets(text, &mut all)?;
            packed::pack(&all, 0, out);
        }
        Some(Charset::Ascii) => {
            for c in text.chars() {
                out.push(octet(c).ok().filter(u8::is_ascii).ok_or(Unencodable(c))?);
            }
        }
        Some(Charset::Latin1) => {
            for c in text.chars() {
                out.push(octet(c)?);
            }
        }
        Some(Charset::Utf8) => out.extend_from_slice(text.as_bytes()),
        Some(Charset::Utf16Be) => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        Some(Charset::Utf16Le) => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
        Some(Charset::Other(encoding)) => {
            let lacks = |c: &char| encoding.encode(c.encode_utf8(&mut [0; 4])).2;
            match text.chars().find(lacks) {
                Some(c) => return Err(Unencodable(c)),
                None => out.extend_from_slice(&encoding.encode(text).0),
            }
        }
        None => return text.chars().next().map_or(Ok(()), |c| Err(Unencodable(c))),
    }
    Ok(())
}

fn septets(text: &str, out: &mut Vec<u8>) -> Result<(), Unencodable> {
    for c in text.chars() {
        let (escape, septet) = gsm7::septets(c).ok_or(Unencodable(c))?;
        out.extend(escape);
        out.push(septet);
    }
    Ok(())
}

/// Appends `prefix` and then the text of user data, which stands behind a header of some octets.
///
/// # Errors
/// When a character of the prefix cannot be written in the alphabet of the text; `out` is as it was.
pub fn prepend(
    prefix: &str,
    text: &[u8],
    header_octets: usize,
    data_coding: DataCoding,
    alphabet: Alphabet,
    out: &mut Vec<u8>,
) -> Result<(), Unencodable> {
    if coding(data_coding, alphabet).charset == Some(Charset::Packed) {
        let fill_bits = packed::fill_bits(header_octets);
        let mut all = Vec::with_capacity(prefix.len() + text.len() * 8 / 7);
        septets(prefix, &mut all)?;
        all.extend(packed::unpack(text, fill_bits));
        packed::pack(&all, fill_bits, out);
    } else {
        encode(prefix, data_coding, alphabet, out)?;
        out.extend_from_slice(text);
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stands_before_the_text_in_its_own_alphabet() {
        for (alphabet, coding) in
            [(Alphabet::Gsm, 0), (Alphabet::GsmPacked, 0), (Alphabet::Utf8, 0), (Alphabet::Gsm, 8)]
        {
            let (mut text, mut both, mut prefixed) = (Vec::new(), Vec::new(), vec![9]);
            encode("hello [you]", DataCoding(coding), alphabet, &mut text).unwrap();
            encode("SCAM? hello [you]", DataCoding(coding), alphabet, &mut both).unwrap();
            prepend("SCAM? ", &text, 0, DataCoding(coding), alphabet, &mut prefixed).unwrap();
            assert_eq!(prefixed.split_first(), Some((&9, &both[..])));
        }
        let lacks = |prefix, coding, alphabet| {
            let mut out = vec![9];
            let error = prepend(prefix, b"hello", 0, DataCoding(coding), alphabet, &mut out);
            (error, out)
        };
        assert_eq!(lacks("诈骗", 0, Alphabet::GsmPacked), (Err(Unencodable('诈')), vec![9]));
        assert_eq!(lacks("x", 4, Alphabet::Gsm), (Err(Unencodable('x')), vec![9]));
    }

    #[test]
    fn what_an_alphabet_lacks_cannot_be_written_and_leaves_no_trace() {
        for (coding, text, lacks) in
            [(0, "ok ก", 'ก'), (1, "caf\u{e9}", 'é'), (3, "ğ", 'ğ'), (14, "대출 ก", 'ก'), (7, "é", 'é')]
        {
            let mut out = vec![7];
            assert_eq!(encode(text, DataCoding(coding), Alphabet::Gsm, &mut out), Err(Unencodable(lacks)));
            assert_eq!(out, [7]);
        }
        let mut out = Vec::new();
        encode("日本", DataCoding(10), Alphabet::Gsm, &mut out).unwrap();
        assert_eq!(out, b"\x1b$BF|K\\\x1b(B");
    }
}
