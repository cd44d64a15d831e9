//! The disguises, written apart from what takes them off: each makes a PDU of a text.

use tapis::text::Alphabet;
use tapis::text::encode;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

/// A small generator (SplitMix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

pub struct Disguise {
    pub name: &'static str,
    how: How,
}

enum How {
    /// Each character becomes something else; links and numbers stay as they are, or nobody could use them.
    Character(fn(char, &mut Rng) -> Option<String>),
    /// The same, links and numbers included: the handset reads them all the same.
    Everywhere(fn(char, &mut Rng) -> Option<String>),
    /// Each word of Latin letters becomes something else.
    Word(fn(&str, &mut Rng) -> String),
    /// The whole text does.
    Text(fn(&str) -> Option<String>),
    /// The octets of a PDU are made in another way.
    Coded(fn(&str) -> Option<Vec<u8>>),
}

pub const DISGUISES: &[Disguise] = &[
    Disguise { name: "full width", how: How::Everywhere(full_width) },
    Disguise { name: "mathematical", how: How::Character(mathematical) },
    Disguise { name: "enclosed", how: How::Character(enclosed) },
    Disguise { name: "cyrillic", how: How::Character(cyrillic) },
    Disguise { name: "greek", how: How::Character(greek) },
    Disguise { name: "capitals", how: How::Everywhere(capital) },
    Disguise { name: "zero width", how: How::Everywhere(zero_width) },
    Disguise { name: "soft hyphen", how: How::Character(soft_hyphen) },
    Disguise { name: "direction marks", how: How::Character(direction_mark) },
    Disguise { name: "overlay", how: How::Character(overlay) },
    Disguise { name: "accents", how: How::Character(accent) },
    Disguise { name: "leet", how: How::Word(leet) },
    Disguise { name: "spaced letters", how: How::Word(|w, _| spread(w, " ")) },
    Disguise { name: "dotted letters", how: How::Word(|w, _| spread(w, ".")) },
    Disguise { name: "dashed letters", how: How::Word(|w, rng| spread(w, rng.pick(&["-", "_", "*"]))) },
    Disguise { name: "sign in word", how: How::Word(shred) },
    Disguise { name: "repeated letters", how: How::Word(repeat) },
    Disguise { name: "gaps of signs", how: How::Character(gap) },
    Disguise { name: "decomposed", how: How::Text(decomposed) },
    Disguise { name: "without marks", how: How::Text(without_marks) },
    Disguise { name: "ucs-2", how: How::Coded(ucs2) },
    Disguise { name: "little endian", how: How::Coded(little_endian) },
    Disguise { name: "utf-8 under 0", how: How::Coded(|t| Some(sm(0, 0, t.as_bytes(), true))) },
    Disguise { name: "utf-8 under 8", how: How::Coded(|t| Some(sm(8, 0, t.as_bytes(), true))) },
    Disguise { name: "utf-8 under 4", how: How::Coded(|t| Some(sm(4, 0, t.as_bytes(), true))) },
    Disguise { name: "gsm", how: How::Coded(|t| Some(sm(0, 0, &gsm(t)?, true))) },
    Disguise { name: "packed gsm", how: How::Coded(|t| Some(sm(0, 0, &packed(&gsm(t)?), true))) },
    Disguise { name: "latin-1", how: How::Coded(latin1) },
    Disguise { name: "flash", how: How::Coded(|t| Some(sm(0x18, 0, &utf16(t), true))) },
    Disguise {
        name: "header",
        how: How::Coded(|t| Some(sm(8, 0x40, &[&[4, 0x70, 2, 1, 2][..], &utf16(t)].concat(), true))),
    },
    Disguise { name: "data_sm", how: How::Coded(data_sm) },
];

/// A text as plain as it can be sent.
pub fn plain(text: &str) -> Vec<u8> {
    sm(8, 0, &utf16(text), true)
}

impl Disguise {
    /// The PDU of a disguised text; none where it cannot be dressed so.
    pub fn apply(&self, text: &str, rng: &mut Rng, strength: u64) -> Option<Vec<u8>> {
        let dressed = match self.how {
            How::Character(map) => by_token(text, |token| match usable(token) {
                true => token.to_owned(),
                false => by_character(token, map, rng, strength),
            }),
            How::Everywhere(map) => by_character(text, map, rng, strength),
            How::Word(map) => by_token(text, |token| {
                let word: String = token.chars().take_while(char::is_ascii_alphabetic).collect();
                let rest = &token[word.len()..];
                let plain = word.len() >= 4 && rest.chars().all(|c| matches!(c, '.' | ',' | '!' | '?'));
                if plain && rng.chance(strength) { map(&word, rng) + rest } else { token.to_owned() }
            }),
            How::Text(map) => map(text)?,
            How::Coded(map) => return map(text),
        };
        (dressed != text).then(|| plain(&dressed))
    }
}

/// Whether somebody could use it: a link, a number, an amount, a name in a chat.
fn usable(token: &str) -> bool {
    token.chars().any(|c| c.is_ascii_digit()) || token.contains(['.', '/', '@', ':', ','])
}

fn by_token(text: &str, mut map: impl FnMut(&str) -> String) -> String {
    text.split(' ').map(&mut map).collect::<Vec<_>>().join(" ")
}

fn by_character(text: &str, map: fn(char, &mut Rng) -> Option<String>, rng: &mut Rng, strength: u64) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match rng.chance(strength).then(|| map(c, rng)).flatten() {
            Some(dressed) => out.push_str(&dressed),
            None => out.push(c),
        }
    }
    out
}

fn full_width(c: char, _: &mut Rng) -> Option<String> {
    c.is_ascii_graphic().then(|| char::from_u32(u32::from(c) + 0xfee0)).flatten().map(String::from)
}

fn letter(c: char, small: u32, capital: u32) -> Option<char> {
    match c {
        'a'..='z' => char::from_u32(small + u32::from(c) - u32::from('a')),
        'A'..='Z' => char::from_u32(capital + u32::from(c) - u32::from('A')),
        _ => None,
    }
}

fn mathematical(c: char, rng: &mut Rng) -> Option<String> {
    // Bold, sans-serif bold, monospace: alphabets without holes.
    let from = rng.pick(&[0x1d400_u32, 0x1d5d4, 0x1d670]);
    letter(c, from + 26, from).map(String::from)
}

fn enclosed(c: char, _: &mut Rng) -> Option<String> {
    letter(c, 0x24d0, 0x24b6).map(String::from)
}

fn cyrillic(c: char, _: &mut Rng) -> Option<String> {
    let (latin, other) = ("aceopxyisjABCEHIJKMOPSTXY", "асеорхуіѕјАВСЕНІЈКМОРЅТХУ");
    let at = latin.chars().position(|l| l == c)?;
    other.chars().nth(at).map(String::from)
}

fn greek(c: char, _: &mut Rng) -> Option<String> {
    let (latin, other) = ("oviABEHIKMNOPTXYZ", "ονιΑΒΕΗΙΚΜΝΟΡΤΧΥΖ");
    let at = latin.chars().position(|l| l == c)?;
    other.chars().nth(at).map(String::from)
}

fn capital(c: char, _: &mut Rng) -> Option<String> {
    c.is_ascii_lowercase().then(|| c.to_ascii_uppercase().to_string())
}

fn zero_width(c: char, rng: &mut Rng) -> Option<String> {
    Some(format!("{c}{}", rng.pick(&['\u{200b}', '\u{200c}', '\u{2060}', '\u{feff}'])))
}

fn soft_hyphen(c: char, _: &mut Rng) -> Option<String> {
    c.is_alphabetic().then(|| format!("{c}\u{ad}"))
}

fn direction_mark(c: char, rng: &mut Rng) -> Option<String> {
    c.is_alphabetic().then(|| format!("{c}{}", rng.pick(&['\u{200e}', '\u{202a}', '\u{202c}', '\u{2066}'])))
}

fn overlay(c: char, rng: &mut Rng) -> Option<String> {
    c.is_ascii_alphabetic().then(|| format!("{c}{}", rng.pick(&['\u{336}', '\u{335}', '\u{20d2}'])))
}

fn accent(c: char, rng: &mut Rng) -> Option<String> {
    c.is_ascii_alphabetic().then(|| format!("{c}{}", rng.pick(&['\u{301}', '\u{308}', '\u{323}', '\u{327}'])))
}

fn leet(word: &str, rng: &mut Rng) -> String {
    let digit = |c: char| match c {
        'a' => '4',
        'e' => '3',
        'i' => '1',
        'o' => '0',
        's' => '5',
        c => c,
    };
    // At most every second letter, or nobody could read it.
    let mut last = false;
    word.chars()
        .map(|c| {
            last = !last && digit(c) != c && rng.chance(60);
            if last { digit(c) } else { c }
        })
        .collect()
}

fn spread(word: &str, between: &str) -> String {
    word.chars().map(String::from).collect::<Vec<_>>().join(between)
}

fn shred(word: &str, rng: &mut Rng) -> String {
    let at = 1 + usize::try_from(rng.below(word.len() as u64 - 1)).unwrap();
    format!("{}{}{}", &word[..at], rng.pick(&["'", ".", "-", "_", "*"]), &word[at..])
}

fn repeat(word: &str, rng: &mut Rng) -> String {
    let at = usize::try_from(rng.below(word.len() as u64)).unwrap();
    let again = &word[at..=at];
    format!("{}{}{}", &word[..at], again.repeat(3), &word[at + 1..])
}

fn gap(c: char, rng: &mut Rng) -> Option<String> {
    (c == ' ').then(|| rng.pick(&["  ", " - ", "\n", "\u{a0}", " * "]).to_owned())
}

/// Vietnamese letters and their marks, as far as the test needs them: composed → base and marks.
fn marks(c: char) -> Option<String> {
    use unicode_normalization::UnicodeNormalization;
    let apart: String = std::iter::once(c).nfd().collect();
    (('\u{c0}'..='\u{1ef9}').contains(&c) && apart.chars().count() > 1).then_some(apart)
}

fn decomposed(text: &str) -> Option<String> {
    let out: String = text.chars().map(|c| marks(c).unwrap_or_else(|| c.to_string())).collect();
    (out != text).then_some(out)
}

fn without_marks(text: &str) -> Option<String> {
    let bare = |c: char| match c {
        'đ' => "d".to_owned(),
        'Đ' => "D".to_owned(),
        c => marks(c).and_then(|m| m.chars().next()).unwrap_or(c).to_string(),
    };
    let out: String = text.chars().map(bare).collect();
    (out != text).then_some(out)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn ucs2(text: &str) -> Option<Vec<u8>> {
    Some(sm(8, 0, &utf16(text), false))
}

fn little_endian(text: &str) -> Option<Vec<u8>> {
    let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    Some(sm(8, 0, &octets, true))
}

fn gsm(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    encode::encode(text, DataCoding(0), Alphabet::Gsm, &mut octets).ok()?;
    Some(octets)
}

fn latin1(text: &str) -> Option<Vec<u8>> {
    let octets: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Some(sm(3, 0, &octets?, true))
}

fn packed(septets: &[u8]) -> Vec<u8> {
    let (mut out, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for septet in septets {
        bits |= u32::from(septet & 0x7f) << held;
        held += 7;
        while held >= 8 {
            out.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(bits.to_le_bytes()[0]);
    }
    out
}

/// A submit_sm; what does not fit short_message goes to message_payload, and where it may everything does at times.
fn sm(data_coding: u8, esm_class: u8, octets: &[u8], short: bool) -> Vec<u8> {
    let mut tlvs = Vec::new();
    let fits = short && octets.len() <= 254;
    if !fits {
        wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, octets);
    }
    let sm = Sm {
        source: Address::of_writing("INFO"),
        destination: Address::of_writing("+6591234567"),
        esm_class: EsmClass(esm_class),
        data_coding: DataCoding(data_coding),
        short_message: if fits { octets } else { &[] },
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    let mut out = Vec::new();
    wire::sm(&mut out, CommandId::SUBMIT_SM, 2, &sm);
    out
}

fn data_sm(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    wire::pdu(&mut out, CommandId::DATA_SM, CommandStatus::ESME_ROK, 2, |out| {
        out.push(0);
        wire::address(out, &Address::of_writing("INFO"));
        wire::address(out, &Address::of_writing("+6591234567"));
        out.extend_from_slice(&[0, 0, 8]);
        wire::tlv(out, Tag::MESSAGE_PAYLOAD, &utf16(text));
    });
    Some(out)
}
