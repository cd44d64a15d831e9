//! The same text in other clothes: every alphabet that user data can be written in, honestly named or not.

use std::collections::HashMap;

use encoding_rs::{EUC_JP, EUC_KR, Encoding, ISO_2022_JP, ISO_8859_5, ISO_8859_8, SHIFT_JIS};
use tapis::text::encode::encode;
use tapis::text::{Alphabet, ReadContext, Reading, UserData};
use tapis::wire::command::DataCoding;

/// User data, and the account that it comes through.
#[derive(Clone, Debug)]
pub struct Dress {
    /// What it is called in reports.
    pub name: String,
    /// What data_coding 0 means to the account.
    pub alphabet: Alphabet,
    /// How it says it is coded.
    pub data_coding: u8,
    /// Whether it begins with a header.
    pub udhi: bool,
    /// The octets.
    pub octets: Vec<u8>,
}

impl Dress {
    /// As the reader takes it.
    pub fn user_data(&self) -> UserData<'_> {
        UserData { octets: &self.octets, data_coding: DataCoding(self.data_coding), udhi: self.udhi }
    }

    /// Reads it.
    pub fn read(&self, reading: &mut Reading) {
        reading.decode(&[self.user_data()], &self.context());
    }

    /// How its account is read.
    pub fn context(&self) -> ReadContext {
        ReadContext { alphabet: self.alphabet, ..ReadContext::default() }
    }

    /// The same octets under another name.
    pub fn under(mut self, alphabet: Alphabet, data_coding: u8) -> Self {
        let account = if data_coding == 0 { format!(" ({alphabet:?})") } else { String::new() };
        self.name = format!("{} under {data_coding:#04x}{account}", self.name);
        (self.alphabet, self.data_coding) = (alphabet, data_coding);
        self
    }

    fn new(name: &str, alphabet: Alphabet, data_coding: u8, octets: Vec<u8>) -> Self {
        Self { name: name.into(), alphabet, data_coding, udhi: false, octets }
    }
}

/// The text in an alphabet that the product writes itself.
fn own(name: &str, text: &str, alphabet: Alphabet, data_coding: u8) -> Option<Dress> {
    let mut octets = Vec::new();
    encode(text, DataCoding(data_coding), alphabet, &mut octets).ok()?;
    Some(Dress::new(name, alphabet, data_coding, octets))
}

pub fn gsm(text: &str) -> Option<Dress> {
    own("gsm", text, Alphabet::Gsm, 0)
}

pub fn packed(text: &str) -> Option<Dress> {
    own("packed", text, Alphabet::GsmPacked, 0)
}

pub fn ascii(text: &str) -> Option<Dress> {
    own("ascii", text, Alphabet::Gsm, 1)
}

pub fn latin_1(text: &str) -> Option<Dress> {
    own("latin-1", text, Alphabet::Gsm, 3)
}

pub fn utf_8(text: &str) -> Dress {
    Dress::new("utf-8", Alphabet::Utf8, 0, text.as_bytes().to_vec())
}

pub fn utf_16(text: &str) -> Dress {
    Dress::new("utf-16", Alphabet::Gsm, 8, text.encode_utf16().flat_map(u16::to_be_bytes).collect())
}

pub fn utf_16_le(text: &str) -> Dress {
    Dress::new("utf-16-le", Alphabet::Gsm, 8, text.encode_utf16().flat_map(u16::to_le_bytes).collect())
}

fn other(name: &str, text: &str, data_coding: u8, encoding: &'static Encoding) -> Option<Dress> {
    let (octets, _, lacks) = encoding.encode(text);
    // The Encoding Standard folds a few characters on writing.
    let same = !lacks && encoding.decode_without_bom_handling(&octets).0 == text;
    same.then(|| Dress::new(name, Alphabet::Gsm, data_coding, octets.into_owned()))
}

/// The text in the alphabets of data_coding 5, 6, 7, 9, 10, 13 and 14 that have it.
pub fn others(text: &str) -> Vec<Dress> {
    [
        other("shift-jis", text, 5, SHIFT_JIS),
        other("euc-jp as jis", text, 5, EUC_JP).filter(|d| !d.octets.is_ascii()),
        other("iso-2022-jp as jis", text, 5, ISO_2022_JP),
        other("iso-8859-5", text, 6, ISO_8859_5),
        other("iso-8859-8", text, 7, ISO_8859_8),
        other("pictogram", text, 9, SHIFT_JIS),
        other("iso-2022-jp", text, 10, ISO_2022_JP),
        other("euc-jp", text, 13, EUC_JP),
        other("euc-kr", text, 14, EUC_KR),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Septets of a national language, by its tables.
pub struct Nation {
    language: u8,
    septets: HashMap<char, Vec<u8>>,
}

impl Nation {
    /// Asks the reader for every cell of a language's tables: that the cells are right is for the vectors to say.
    pub fn new(language: u8) -> Self {
        let mut septets = HashMap::new();
        let mut reading = Reading::default();
        let mut learn = |code: &[u8]| {
            let mut octets = vec![6, 0x24, 1, language, 0x25, 1, language];
            octets.extend(code);
            let dress = Dress { udhi: true, ..Dress::new("", Alphabet::Gsm, 0, octets) };
            dress.read(&mut reading);
            let mut chars = reading.shown().chars();
            if let (Some(c), None) = (chars.next(), chars.next()) {
                septets.entry(c).or_insert_with(|| code.to_vec());
            }
        };
        (0..0x80).filter(|code| *code != 0x1b).for_each(|code| learn(&[code]));
        (0..0x80).filter(|code| *code != 0x1b).for_each(|code| learn(&[0x1b, code]));
        septets.insert(' ', vec![b' ']);
        Self { language, septets }
    }

    /// The text in these tables.
    pub fn dress(&self, text: &str) -> Option<Dress> {
        let mut octets = vec![6, 0x24, 1, self.language, 0x25, 1, self.language];
        for c in text.chars() {
            octets.extend(self.septets.get(&c)?);
        }
        let name = format!("national {}", self.language);
        Some(Dress { udhi: true, ..Dress::new(&name, Alphabet::Gsm, 0, octets) })
    }
}

/// The text with the header of a part before it.
pub fn with_header(dress: &Dress) -> Dress {
    let mut octets = vec![5, 0, 3, 7, 1, 1];
    octets.extend(&dress.octets);
    Dress { name: format!("{} with a header", dress.name), udhi: true, octets, ..dress.clone() }
}

/// Whether a text lost an alphabet before it was collected: it has characters that say so, or it is UTF-8 that was read
/// as ISO 8859-1. What is read then is the text before the damage, or more of it.
pub fn is_damaged(text: &str) -> bool {
    let lost = |c: char| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    let twice = || latin_1(text).is_some_and(|d| !d.octets.is_ascii() && std::str::from_utf8(&d.octets).is_ok());
    text.chars().any(lost) || twice()
}

/// Ways to send a text honestly: every alphabet that has it, and of the coding groups that mean the same, and of the
/// nations, those whose turn it is.
pub fn honest(text: &str, nations: &[Nation], turn: usize) -> Vec<Dress> {
    let mut all = others(text);
    for (dress, codings) in [
        (gsm(text), &[0x10, 0x11, 0x40, 0x50, 0xc8, 0xd8, 0xf0, 0xf1][..]),
        (Some(utf_16(text)), &[0x18, 0x48, 0x58, 0xe0]),
    ] {
        let Some(dress) = dress else { continue };
        all.extend(codings.iter().cycle().nth(turn).map(|coding| dress.clone().under(dress.alphabet, *coding)));
        all.push(with_header(&dress));
        all.push(dress);
    }
    all.extend(packed(text));
    all.extend(ascii(text));
    all.extend(ascii(text).map(|d| d.under(Alphabet::Ascii, 0)));
    all.extend(latin_1(text));
    all.extend(latin_1(text).map(|d| d.under(Alphabet::Latin1, 0)));
    all.push(utf_8(text));
    all.extend(nations.iter().cycle().nth(turn).and_then(|n| n.dress(text)));
    all
}

/// Ways to send a text under a coding that its octets contradict.
pub fn lying(text: &str) -> Vec<Dress> {
    use Alphabet::{Ascii, Gsm, Latin1, Utf8};
    let mut all = Vec::new();
    if !text.is_ascii() {
        for (alphabet, coding) in [
            (Gsm, 0),
            (Latin1, 0),
            (Ascii, 0),
            (Gsm, 1),
            (Gsm, 3),
            (Gsm, 5),
            (Gsm, 6),
            (Gsm, 7),
            (Gsm, 14),
            (Gsm, 0xf0),
        ] {
            all.push(utf_8(text).under(alphabet, coding));
        }
    }
    for coding in [2, 4, 0x14, 0xf4, 0xf5] {
        all.push(utf_8(text).under(Gsm, coding));
        all.push(utf_16(text).under(Gsm, coding));
    }
    all.push(utf_16_le(text).under(Gsm, 4));
    all.push(utf_8(text).under(Gsm, 8));
    for (alphabet, coding) in [(Gsm, 0), (Latin1, 0), (Gsm, 1), (Gsm, 3), (Gsm, 0xf0)] {
        all.push(utf_16(text).under(alphabet, coding));
    }
    for coding in [8, 0x18, 0xe0] {
        all.push(utf_16_le(text).under(Gsm, coding));
    }
    if let Some(latin) = latin_1(text).filter(|d| !d.octets.is_ascii()) {
        for (alphabet, coding) in [(Gsm, 0), (Gsm, 1), (Utf8, 0), (Gsm, 4), (Gsm, 8), (Gsm, 0xf0)] {
            all.push(latin.clone().under(alphabet, coding));
        }
    }
    if let Some(gsm) = gsm(text).filter(|d| d.octets.iter().any(|b| *b < 0x20 && !b"\n\r\t".contains(b))) {
        for (alphabet, coding) in [(Latin1, 0), (Utf8, 0), (Gsm, 1), (Gsm, 3), (Gsm, 4), (Gsm, 8)] {
            all.push(gsm.clone().under(alphabet, coding));
        }
    }
    if let Some(packed) = packed(text).filter(|d| d.octets != text.as_bytes()) {
        for (alphabet, coding) in [(Gsm, 0), (Gsm, 0xf0), (Latin1, 0)] {
            all.push(packed.clone().under(alphabet, coding));
        }
    }
    all
}

/// ASCII that says it is the GSM alphabet: both have all its octets, and `$`, `_` and `@` are `¤`, `§` and `¡` by the
/// book. Only texts in which a sign stands where those do not.
pub fn signs(text: &str) -> Option<Dress> {
    let octets = text.as_bytes();
    let in_doubt = octets.windows(3).any(|w| match *w {
        [before, b'_' | b'@', after] => before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric(),
        [_, b'$', after] => after.is_ascii_digit(),
        _ => false,
    });
    let ascii = ascii(text).filter(|_| in_doubt)?;
    Some(Dress { name: "ascii".into(), ..ascii }.under(Alphabet::Gsm, 0))
}
