//! Whether octets are in the alphabet they name, and in which they are if not: the first look that knows a plain text,
//! and the weighing of one that is not. `decode` says what becomes of the answer.

use super::anomaly::{Anomalies, Anomaly};
use super::charset::{Charset, Faults, Input, is_control};
use super::gsm7::{self, Tables};
use super::{utf16, weigh};

/// A text whose alphabet is in doubt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt<'a> {
    pub(super) input: Input<'a>,
    /// Whether its header names a national locking shift table.
    pub(super) is_national: bool,
    /// Whether its data_coding is reserved, so that nothing is named.
    pub(super) is_reserved: bool,
}

/// How a doubt ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// The coding is believed.
    Named,
    /// It is another alphabet, by this weight.
    Other(Charset, u32),
    /// It may be another, with these tables.
    Both(Charset, Tables),
}

impl Doubt<'_> {
    /// A first look: whether nothing speaks against the named alphabet.
    pub(super) fn is_plain(&self, charset: Charset) -> bool {
        let octets = self.input.octets;
        match charset {
            Charset::Gsm => !self.is_national && gsm7::are_plain(octets),
            Charset::Packed => false,
            Charset::Ascii | Charset::Latin1 => {
                octets.iter().fold(true, |plain, b| plain & (*b < 0x80) & !is_letter_in_gsm(*b))
            }
            Charset::Utf8 => !octets.is_ascii() || !octets.iter().any(|b| is_letter_in_gsm(*b)),
            Charset::Utf16Be | Charset::Utf16Le => utf16::is_plainly_big_endian(octets),
            Charset::Other(_) => octets.is_ascii() || std::str::from_utf8(octets).is_err(),
        }
    }

    /// Weighs the other alphabets that octets could be in against the named one.
    pub(super) fn decide(&self, named: Charset, faults: Faults, own: u32) -> Choice {
        let octets = self.input.octets;
        if self.is_national && !faults.any() {
            // A handset that does not know the language shows the default alphabet.
            let default = Input { tables: Tables::DEFAULT, ..self.input };
            return match Charset::Gsm.weigh(default, own.saturating_sub(MARGIN)) {
                Some(_) if named == Charset::Gsm => Choice::Both(Charset::Gsm, Tables::DEFAULT),
                _ => Choice::Named,
            };
        }
        if named == Charset::Packed && !faults.any() && own < weigh::nothing(octets) {
            return Choice::Named;
        }
        let septets = octets.is_ascii();
        // Where even the controls are missing that septets or UTF-16 make of octets, there are none behind a long text.
        let short = octets.len() <= SHORT || faults.any() || !matches!(named, Charset::Ascii | Charset::Latin1);
        let candidates = [
            (Charset::Utf8, !septets),
            (Charset::Latin1, named != Charset::Ascii || !septets),
            (Charset::Gsm, septets),
            (Charset::Packed, short && !named.is_utf16()),
            (Charset::Utf16Be, short),
            (Charset::Utf16Le, short),
        ];
        let mut best = None;
        let mut limit = own;
        for (charset, possible) in candidates {
            if possible
                && charset != named
                && let Some(bits) = weigh_other(charset, self.input, limit)
            {
                (best, limit) = (Some(charset), bits);
            }
        }
        let Some(best) = best else { return Choice::Named };
        let free = faults.octets || faults.odd || (faults.surrogate && octets.len() > 2) || self.is_reserved;
        let (margin, doubt) = match best {
            _ if free => (0, 0),
            // Of a few octets nobody can tell.
            _ if octets.len() < OCTETS_MIN => return Choice::Named,
            Charset::Utf8 => (MARGIN_UTF8, DOUBT),
            Charset::Latin1 | Charset::Gsm => (MARGIN, DOUBT),
            // What makes other characters of everything is clear, or is not.
            _ => (MARGIN, MARGIN),
        };
        if limit + margin <= own {
            Choice::Other(best, limit)
        } else if limit + doubt <= own {
            Choice::Both(best, self.input.tables)
        } else {
            Choice::Named
        }
    }
}

/// What octets weigh in an alphabet that they do not name, if it is less than `limit`.
fn weigh_other(charset: Charset, input: Input<'_>, limit: u32) -> Option<u32> {
    match charset {
        Charset::Gsm if !input.octets.iter().any(|b| is_control(*b)) => {
            let limit = limit.checked_sub(NO_SIGN_OF_SEPTETS)?;
            charset.weigh(input, limit).map(|bits| bits + NO_SIGN_OF_SEPTETS)
        }
        Charset::Packed if !input.is_packed_whole() || input.octets.len() < 2 => None,
        Charset::Utf8 => {
            let bits = charset.weigh(input, limit.saturating_add(FORM_OF_UTF8))?;
            Some(bits.saturating_sub(FORM_OF_UTF8))
        }
        _ => charset.weigh(input, limit),
    }
}

/// The lightest of some alphabets, if it is below a limit.
pub(super) fn lightest(input: Input<'_>, mut limit: u32, charsets: &[Charset]) -> Option<(Charset, u32)> {
    let mut best = None;
    for charset in charsets {
        if *charset == Charset::Gsm && !input.octets.is_ascii() {
            continue;
        }
        if let Some(bits) = weigh_other(*charset, input, limit) {
            best = Some((*charset, bits));
            limit = bits;
        }
    }
    best
}

/// Signs of ASCII where the GSM alphabet has letters.
fn is_letter_in_gsm(octet: u8) -> bool {
    let capital = octet.wrapping_sub(b'[') < 4;
    let small = octet.wrapping_sub(b'{') < 5;
    capital | small | (octet == b'`')
}

/// What is told of octets that stay in the alphabet they name.
pub(super) fn told(charset: Charset, faults: Faults, octets: &[u8], anomalies: &mut Anomalies) {
    if faults.octets && charset == Charset::Latin1 && !octets.iter().any(|b| is_control(*b)) {
        anomalies.add(Anomaly::Windows1252);
    } else if faults.octets {
        anomalies.add(Anomaly::BadOctets);
    }
    if faults.odd {
        anomalies.add(Anomaly::OddLength);
    }
    if faults.surrogate {
        anomalies.add(Anomaly::Surrogate);
    }
}

/// What it is called that octets are in another alphabet than they name.
pub(super) fn name(named: Charset, found: Charset, octets: &[u8]) -> Anomaly {
    match found {
        Charset::Utf8 => Anomaly::Utf8,
        Charset::Utf16Le if named == Charset::Utf16Be => Anomaly::LittleEndian,
        Charset::Utf16Be | Charset::Utf16Le => Anomaly::Utf16,
        Charset::Gsm => Anomaly::Gsm,
        Charset::Packed => Anomaly::Packed,
        _ if octets.is_ascii() => Anomaly::Ascii,
        _ => Anomaly::Latin1,
    }
}

/// How many bits lighter another reading must be, to be what is shown.
const MARGIN: u32 = 24;

/// The same for UTF-8, whose form alone hardly comes about by chance.
const MARGIN_UTF8: u32 = 12;

/// What that form is worth where the choice is free.
const FORM_OF_UTF8: u32 = 6;

/// How many bits lighter, to be shown to rules at all.
const DOUBT: u32 = 6;

/// How many octets it takes to doubt a coding that has them all.
const OCTETS_MIN: usize = 4;

/// How many octets without a control may be UTF-16 or packed septets.
const SHORT: usize = 80;

/// How many bits septets pay where nothing but letters in place of signs tells them from ASCII.
const NO_SIGN_OF_SEPTETS: u32 = 12;
