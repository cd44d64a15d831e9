//! Chunks under lock and key: see the [format](super).

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{CHUNK_OCTETS_MAX, Contents, Record, take, take_slice};

const MAGIC: [u8; 8] = *b"TAPISCAP";
const VERSION: u16 = 1;
const CIPHER: u16 = 1;
const HEADER_OCTETS: usize = 36;
/// Before each chunk: whether it is the last, and its length.
const PREFIX_OCTETS: usize = 5;

/// What captures are encrypted with: 32 octets that only the operator has.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Why a capture cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It begins like none.
    NoCapture,
    /// Another Tapis wrote it.
    Unknown {
        /// The version of its format.
        version: u16,
        /// Its cipher.
        cipher: u16,
    },
    /// It was encrypted with another key.
    WrongKey,
    /// It was changed.
    Changed {
        /// Which chunk, from 0.
        chunk: u64,
        /// Where in the file it begins.
        at: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCapture => f.write_str("it is no capture"),
            Self::Unknown { version, cipher } => {
                write!(f, "it is a capture of version {version} with cipher {cipher}, which this Tapis does not know")
            }
            Self::WrongKey => f.write_str("it was encrypted with another key"),
            Self::Changed { chunk, at } => {
                write!(f, "it was changed: chunk {chunk} at octet {at} is not as it was written")
            }
        }
    }
}

impl Key {
    /// The key of a key file: 32 octets, or 64 hexadecimal digits.
    ///
    /// # Errors
    /// When it holds neither.
    pub fn of_file(content: &[u8]) -> Result<Self, String> {
        if let Ok(octets) = content.try_into() {
            return Ok(Self(octets));
        }
        let text = std::str::from_utf8(content).unwrap_or_default().trim();
        let digit = |c: char| c.to_digit(16).and_then(|d| u8::try_from(d).ok());
        let digits: Option<Vec<u8>> = text.chars().map(digit).collect();
        let octets: Vec<u8> =
            digits.unwrap_or_default().chunks_exact(2).map(|d| d.iter().fold(0, |all, d| all << 4 | d)).collect();
        let wrong = |_| format!("a key is 32 octets, or 64 hexadecimal digits, and this is {} octets", content.len());
        if text.len() == 64 { octets.try_into().map(Self).map_err(|_| wrong(())) } else { Err(wrong(())) }
    }

    fn of_capture(&self, id: &[u8; 16]) -> LessSafeKey {
        let key = blake3::keyed_hash(&self.0, &[b"tapis capture key ", id.as_slice()].concat());
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_bytes()).expect("a hash has as many octets as a key");
        LessSafeKey::new(key)
    }

    /// Tells this key from another; nobody can tell the key from it.
    fn check(&self, id: &[u8; 16]) -> [u8; 8] {
        let check = blake3::keyed_hash(&self.0, &[b"tapis capture check ", id.as_slice()].concat());
        *check.as_bytes().first_chunk().expect("a hash has more octets")
    }
}

/// Writes one file, chunk by chunk.
pub struct Sealer {
    key: LessSafeKey,
    header: [u8; HEADER_OCTETS],
    chunk: u64,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer(chunk {})", self.chunk)
    }
}

impl Sealer {
    /// A file of this id, which no other file of this key may have.
    #[must_use]
    pub fn new(key: &Key, id: [u8; 16]) -> Self {
        let mut header = Vec::with_capacity(HEADER_OCTETS);
        header.extend(MAGIC);
        header.extend(VERSION.to_be_bytes());
        header.extend(CIPHER.to_be_bytes());
        header.extend(id);
        header.extend(key.check(&id));
        let header = header.try_into().expect("the fields have as many octets");
        Self { key: key.of_capture(&id), header, chunk: 0 }
    }

    /// What the file begins with.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Appends a chunk of these records, as [`Record::write`] wrote them; `records` is empty afterwards.
    pub fn seal(&mut self, records: &mut Vec<u8>, last: bool, out: &mut Vec<u8>) {
        let aad = Aad::from(aad(&self.header, u8::from(last)));
        let sealed = self.key.seal_in_place_append_tag(nonce(self.chunk), aad, records);
        sealed.expect("a chunk is far smaller than what the cipher can take");
        out.push(u8::from(last));
        out.extend(u32::try_from(records.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.append(records);
        self.chunk += 1;
    }
}

fn nonce(chunk: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce.iter_mut().rev().zip(chunk.to_le_bytes()).for_each(|(n, c)| *n = c);
    Nonce::assume_unique_for_key(nonce)
}

fn aad(header: &[u8; HEADER_OCTETS], last: u8) -> [u8; HEADER_OCTETS + 1] {
    let mut aad = [last; HEADER_OCTETS + 1];
    aad.iter_mut().zip(header).for_each(|(a, h)| *a = *h);
    aad
}

/// Whether a file begins like a capture.
#[must_use]
pub fn is_capture(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// Reads a file.
///
/// # Errors
/// When the key is another, or something in the file is not as it was written. What is cut short at its end is no error.
pub fn read(file: &[u8], key: &Key) -> Result<Contents, Fault> {
    let header: &[u8; HEADER_OCTETS] = file.first_chunk().filter(|h| is_capture(*h)).ok_or(Fault::NoCapture)?;
    let mut fields = header.get(MAGIC.len()..).unwrap_or_default();
    let mut word = || take(&mut fields).map(u16::from_be_bytes).unwrap_or_default();
    let (version, cipher) = (word(), word());
    if (version, cipher) != (VERSION, CIPHER) {
        return Err(Fault::Unknown { version, cipher });
    }
    let id: [u8; 16] = take(&mut fields).unwrap_or_default();
    if fields != key.check(&id) {
        return Err(Fault::WrongKey);
    }
    let opener = key.of_capture(&id);
    let mut contents = Contents::default();
    let mut rest = file.get(HEADER_OCTETS..).unwrap_or_default();
    let mut chunk = 0;
    while !rest.is_empty() {
        let at = file.len() - rest.len();
        let changed = Fault::Changed { chunk, at };
        if contents.closed {
            return Err(changed);
        }
        let Some([last, a, b, c, d]) = take::<PREFIX_OCTETS>(&mut rest) else {
            contents.torn_at = Some(at);
            break;
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > CHUNK_OCTETS_MAX || last > 1 {
            return Err(changed);
        }
        let Some(sealed) = take_slice(&mut rest, length) else {
            contents.torn_at = Some(at);
            break;
        };
        let mut sealed = sealed.to_vec();
        let opened = opener.open_in_place(nonce(chunk), Aad::from(aad(header, last)), &mut sealed);
        let mut records: &[u8] = opened.map_err(|_| changed)?;
        while !records.is_empty() {
            contents.records.push(Record::read(&mut records).ok_or(changed)?);
        }
        contents.closed = last == 1;
        chunk += 1;
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Leg;
    use crate::time::Timestamp;

    fn key(octet: u8) -> Key {
        Key([octet; 32])
    }

    fn pdu(n: u64) -> Record {
        let octets = vec![u8::try_from(n % 251).unwrap(); 40];
        let leg = if n.is_multiple_of(2) { Leg::Esme } else { Leg::Smsc };
        Record::Pdu { at: Timestamp(1_000 + n), leg, session: n, account: format!("account-{n}"), octets }
    }

    /// A file of chunks with two records each, and where each chunk begins.
    fn file(chunks: u64, closed: bool) -> (Vec<u8>, Vec<usize>) {
        let mut sealer = Sealer::new(&key(1), [7; 16]);
        let mut out = sealer.header().to_vec();
        let mut starts = Vec::new();
        for n in 0..chunks {
            let mut records = Vec::new();
            pdu(2 * n).write(&mut records);
            Record::Gap { at: Timestamp(9), records: n }.write(&mut records);
            starts.push(out.len());
            sealer.seal(&mut records, closed && n + 1 == chunks, &mut out);
        }
        (out, starts)
    }

    #[test]
    fn what_is_written_is_read() {
        let (file, _) = file(3, true);
        let contents = read(&file, &key(1)).unwrap();
        assert_eq!((contents.records.len(), contents.torn_at, contents.closed), (6, None, true));
        assert_eq!(
            (&contents.records[2], &contents.records[5]),
            (&pdu(2), &Record::Gap { at: Timestamp(9), records: 2 })
        );
        assert!(!file.windows(9).any(|w| w == b"account-0"), "names are not to be read without the key");
    }

    #[test]
    fn a_torn_tail_loses_the_last_chunk_only() {
        let (file, starts) = file(3, true);
        for end in starts[2]..file.len() {
            let contents = read(&file[..end], &key(1)).unwrap();
            let torn = (end > starts[2]).then_some(starts[2]);
            assert_eq!((contents.records.len(), contents.torn_at, contents.closed), (4, torn, false), "cut at {end}");
        }
    }

    #[test]
    fn another_key_is_told_from_a_changed_file() {
        let (file, _) = file(1, true);
        assert_eq!(read(&file, &key(2)), Err(Fault::WrongKey));
        assert_eq!(read(b"TAPISCAP", &key(1)), Err(Fault::NoCapture));
    }

    #[test]
    fn no_bit_can_be_flipped_unseen() {
        let (file, starts) = file(2, true);
        for bit in 0..file.len() * 8 {
            let mut changed = file.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let read = read(&changed, &key(1));
            let in_length = starts.iter().any(|s| (s + 1..s + 5).contains(&(bit / 8)));
            match read {
                Err(Fault::Changed { at, .. }) => assert!(starts.contains(&at), "bit {bit}"),
                Err(_) => assert!(bit / 8 < HEADER_OCTETS, "bit {bit}"),
                // A length that reaches beyond the file is all that can be seen of it.
                Ok(contents) => assert!(in_length && contents.torn_at.is_some(), "bit {bit}"),
            }
        }
    }

    #[test]
    fn chunks_can_be_neither_moved_nor_taken_out_nor_added() {
        let (file, starts) = file(3, true);
        let (first, second, third) = (&file[starts[0]..starts[1]], &file[starts[1]..starts[2]], &file[starts[2]..]);
        let header = &file[..HEADER_OCTETS];
        for chunks in [[second, first, third].concat(), [first, third].concat(), [first, second, third, third].concat()]
        {
            assert!(matches!(read(&[header, &chunks].concat(), &key(1)), Err(Fault::Changed { .. })));
        }
    }

    #[test]
    fn a_key_file_holds_octets_or_digits() {
        assert_eq!(Key::of_file(&[3; 32]).unwrap().0, [3; 32]);
        assert_eq!(Key::of_file(format!("{}\n", "0a".repeat(32)).as_bytes()).unwrap().0, [10; 32]);
        assert!(Key::of_file(b"secret").is_err() && Key::of_file("zz".repeat(32).as_bytes()).is_err());
    }
}
