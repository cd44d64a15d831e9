//! User data → text, by data_coding (SMPP 3.4 §5.2.19, 3GPP TS 23.038 §4).
//!
//! A text is read as a handset would show it, by the coding it names. That is not the end of it: senders name codings
//! that their octets are not in, out of ignorance or to pass a filter that believes them. So where octets contradict
//! their coding, every other alphabet that they could be in is weighed (`weigh`), and the text is read in the lightest:
//!
//! - Octets that the named alphabet does not have leave the choice free.
//! - Octets that it has, but that say much less in another one, are read in that other one, by a margin that no honest
//!   text comes near.
//! - In between nobody can tell what is shown, and the text is what the named coding says ([`Anomaly::TwoReadings`]).
//!
//! In each case the reading that was not chosen stands behind the text, for rules alone: whoever makes a text that weighs
//! less in another alphabet than in the one it is shown in has won nothing. Each is an [`Anomaly`]. A plain text, which
//! nearly all are, is known by a first look and never weighed.

use super::anomaly::{Anomalies, Anomaly};
use super::charset::{Charset, Faults, Input, Part};
use super::doubt::{self, Choice, Doubt};
use super::gsm7::{self, Tables};
use super::payload::{self, Payload};
use super::{Alphabet, ReadContext, UserData, national, packed, udh, weigh};
use crate::limits::TEXT_CHARACTERS_MAX;
use crate::wire::command::DataCoding;

/// Why a text cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecodable {
    /// A header that is longer than the message, which is no text without it either.
    Udh,
    /// A reserved data_coding, whose octets are no text in any alphabet.
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
            Self::Alphabet => "alphabet",
            Self::Compressed => "compressed",
        }
    }
}

/// What a data_coding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding {
    /// The alphabet; none for 8-bit data.
    pub(super) charset: Option<Charset>,
    /// Whether the standard reserves it: it is then taken for the default alphabet (3GPP TS 23.038 §4).
    reserved: bool,
    /// Whether the text is compressed.
    compressed: bool,
}

/// Reads a data_coding. Values below 0x10 are SMPP's own table (SMPP 3.4 §5.2.19); above, the coding groups of
/// 3GPP TS 23.038 §4.
pub(super) fn coding(data_coding: DataCoding, alphabet: Alphabet) -> Coding {
    let octet = data_coding.0;
    // Septets are packed whatever their class.
    let gsm = if alphabet == Alphabet::GsmPacked { Charset::Packed } else { Charset::Gsm };
    let plain = |charset| Coding { charset: Some(charset), reserved: false, compressed: false };
    let binary = Coding { charset: None, reserved: false, compressed: false };
    let reserved = Coding { reserved: true, ..plain(gsm) };
    match octet {
        0x00 => plain(match alphabet {
            Alphabet::Gsm | Alphabet::GsmPacked => gsm,
            Alphabet::Ascii => Charset::Ascii,
            Alphabet::Latin1 => Charset::Latin1,
            Alphabet::Utf8 => Charset::Utf8,
        }),
        0x01 => plain(Charset::Ascii),
        0x02 | 0x04 => binary,
        0x03 => plain(Charset::Latin1),
        // JIS, and pictograms, which are Shift-JIS with a few characters more.
        0x05 | 0x09 => plain(Charset::SHIFT_JIS),
        0x06 => plain(Charset::CYRILLIC),
        0x07 => plain(Charset::HEBREW),
        0x08 => plain(Charset::Utf16Be),
        0x0a => plain(Charset::ISO_2022_JP),
        0x0d => plain(Charset::EUC_JP),
        0x0e => plain(Charset::EUC_KR),
        0x0b | 0x0c | 0x0f => reserved,
        // General data coding, and the same with automatic deletion: bit 5 compressed, bits 3 and 2 the alphabet.
        0x10..=0x7f => {
            let compressed = octet & 0x20 != 0;
            let coding = match octet >> 2 & 3 {
                0 => plain(gsm),
                1 => binary,
                2 => plain(Charset::Utf16Be),
                _ => reserved,
            };
            Coding { compressed, ..coding }
        }
        0x80..=0xbf => reserved,
        // Message waiting: discard, store, store in UCS-2.
        0xc0..=0xdf => plain(gsm),
        0xe0..=0xef => plain(Charset::Utf16Be),
        // Data coding and message class.
        0xf0..=0xff if octet & 4 != 0 => binary,
        0xf0..=0xff => plain(gsm),
    }
}

/// The message class of a data_coding (3GPP TS 23.038 §4), if it has one: 0 is shown at once and kept nowhere.
#[must_use]
pub fn message_class(data_coding: DataCoding) -> Option<u8> {
    let octet = data_coding.0;
    match octet >> 4 {
        0x1 | 0x3 | 0x5 | 0x7 | 0xf => Some(octet & 3),
        _ => None,
    }
}

/// Whether octets can be read for certain, and whole, whatever they are: of one text without a header, in a coding that
/// nobody reserves, and short. An octet of a push is up to 13 characters.
pub(crate) fn is_surely_readable(user_data: &[UserData<'_>], alphabet: Alphabet) -> bool {
    let is_plain = |one: &UserData<'_>| {
        let coding = coding(one.data_coding, alphabet);
        !one.udhi && !coding.reserved && !coding.compressed && one.octets.len() < TEXT_CHARACTERS_MAX / 16
    };
    user_data.len() <= 1 && user_data.iter().all(is_plain)
}

/// What one text was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded {
    /// Whether it is data for a machine.
    pub(super) binary: bool,
    pub(super) undecodable: Option<Undecodable>,
    /// Its header; of several parts the first's.
    pub(super) udh: Option<udh::Udh>,
    pub(super) payload: Payload,
    pub(super) anomalies: Anomalies,
}

/// What decoding reuses from text to text.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    octets: Vec<u8>,
    parts: Vec<Part>,
    /// Second readings, each on its line.
    pub(super) second: String,
}

/// Whether the octets of two parts of one message are one text: in the same alphabet and tables.
pub(super) fn are_alike(a: &UserData<'_>, b: &UserData<'_>) -> bool {
    let tables = |part: &UserData<'_>| {
        let header = part.udhi.then(|| udh::split(part.octets)).flatten();
        header.map_or((0, 0), |(udh, _)| (udh.locking, udh.single))
    };
    a.data_coding == b.data_coding && tables(a) == tables(b)
}

/// Appends the text of user data to `out`, or of the parts of one, in their order.
pub(super) fn decode(parts: &[UserData<'_>], cx: &ReadContext, buffers: &mut Buffers, out: &mut String) -> Decoded {
    let Some(first) = parts.first() else { return Decoded::default() };
    let coding = coding(first.data_coding, cx.alphabet);
    let mut decoded = Decoded::default();
    let Buffers { octets, parts: ends, second } = buffers;
    octets.clear();
    ends.clear();
    let mut only = &[][..];
    for part in parts {
        let Some(opened) = open(part, coding) else {
            decoded.undecodable = Some(Undecodable::Udh);
            decoded.anomalies.add(Anomaly::Undecodable);
            decoded.anomalies.add(Anomaly::Udh);
            continue;
        };
        if opened.faulty {
            decoded.anomalies.add(Anomaly::Udh);
        }
        decoded.udh = decoded.udh.or(opened.udh);
        only = opened.octets;
        if parts.len() > 1 {
            octets.extend_from_slice(only);
        }
        let end = if parts.len() > 1 { octets.len() } else { only.len() };
        ends.push(Part { end, fill_bits: opened.fill_bits });
    }
    let header = decoded.udh.unwrap_or_default();
    if [header.locking, header.single].iter().any(|n| *n != 0 && !national::is_language(*n)) {
        decoded.anomalies.add(Anomaly::ShiftTable);
    }
    let tables = Tables::of(header.locking, header.single);
    let octets = if parts.len() > 1 { octets.as_slice() } else { only };
    if decoded.undecodable.is_none() {
        let text = Text { input: Input { octets, parts: ends, tables }, coding, header, cx };
        text.read(&mut decoded, second, out);
    }
    decoded
}

/// User data without its header.
struct Opened<'a> {
    udh: Option<udh::Udh>,
    octets: &'a [u8],
    fill_bits: u8,
    faulty: bool,
}

/// Takes the header off. Where it lies, what is a text without it is one: a handset that ignores the header shows that,
/// and one that does not shows nothing worse.
fn open<'a>(part: &UserData<'a>, coding: Coding) -> Option<Opened<'a>> {
    let whole = part.octets;
    let opened = |udh, octets: &'a [u8], faulty| {
        let header = whole.len() - octets.len();
        Opened { udh, octets, fill_bits: packed::fill_bits(header), faulty }
    };
    if !part.udhi {
        return Some(match udh::skip_unannounced(whole) {
            Some(text) if coding.charset.is_some() => opened(None, text, true),
            _ => opened(None, whole, false),
        });
    }
    match udh::split(whole) {
        Some((udh, text)) if udh.broken && is_text(whole.strip_suffix(text).unwrap_or_default(), coding) => {
            Some(opened(None, whole, true))
        }
        Some((udh, text)) => Some(opened(Some(udh), text, udh.faulty)),
        None if is_text(whole, coding) => Some(opened(None, whole, true)),
        None => whole.get(1..).filter(|rest| is_text(rest, coding)).map(|rest| opened(None, rest, true)),
    }
}

/// Whether octets are a text in the alphabet that they say.
fn is_text(octets: &[u8], coding: Coding) -> bool {
    let Some(charset) = coding.charset else { return false };
    let parts = [Part { end: octets.len(), fill_bits: 0 }];
    let input = Input { octets, parts: &parts, tables: Tables::DEFAULT };
    charset.weigh(input, weigh::nothing(octets)).is_some()
}

/// A text to be read.
struct Text<'a> {
    input: Input<'a>,
    coding: Coding,
    header: udh::Udh,
    cx: &'a ReadContext,
}

impl Text<'_> {
    fn read(&self, decoded: &mut Decoded, second: &mut String, out: &mut String) {
        let start = out.len();
        let port = self.header.ports.or(self.cx.ports).map(|(to, _)| to);
        decoded.payload = port.map_or(Payload::Text, Payload::of_port);
        if self.header.sim || (self.cx.protocol_id == SIM_DATA_DOWNLOAD && self.coding.charset.is_none()) {
            decoded.payload = Payload::Sim;
        }
        match self.coding.charset {
            None => self.binary(decoded, out),
            Some(charset) => self.text(charset, decoded, second, out),
        }
        if matches!(decoded.payload, Payload::Text | Payload::Ports)
            && let Some(payload) = out.get(start..).and_then(Payload::of_text)
        {
            decoded.payload = payload;
        }
    }

    /// 8-bit data: for a machine, unless it is a text.
    fn binary(&self, decoded: &mut Decoded, out: &mut String) {
        let octets = self.input.octets;
        decoded.binary = true;
        match decoded.payload {
            Payload::Text if octets.is_empty() => decoded.payload = Payload::Binary,
            Payload::Sim => {}
            Payload::WapPush if payload::strings(octets, out) => {}
            Payload::Text if payload::is_push(octets) => {
                decoded.payload = Payload::WapPush;
                payload::strings(octets, out);
            }
            payload => {
                let readings = [Charset::Utf8, Charset::Latin1, Charset::Utf16Be, Charset::Utf16Le, Charset::Gsm];
                let nothing = weigh::nothing(octets);
                // Half of all pairs of octets are ideographs, so that they must say it clearly.
                let says = |(charset, bits): &(Charset, u32)| !charset.is_utf16() || *bits < nothing / 8 * 7;
                if let Some((charset, _)) = doubt::lightest(self.input, nothing, &readings).filter(says) {
                    charset.decode(self.input, out);
                    if payload == Payload::Text {
                        decoded.binary = false;
                        decoded.anomalies.add(Anomaly::TextInBinary);
                    }
                } else if payload == Payload::Text {
                    decoded.payload = Payload::Binary;
                } else {
                    payload::written_out(octets, out);
                }
            }
        }
    }

    fn text(&self, charset: Charset, decoded: &mut Decoded, second: &mut String, out: &mut String) {
        let (start, kept) = (out.len(), second.len());
        let is_certain = !self.coding.reserved && !self.coding.compressed;
        // Most texts are the same in the default alphabet, ASCII and whatever else there is.
        if is_certain
            && charset == Charset::Gsm
            && self.header.locking == 0
            && self.input.tables.are_default()
            && let Some(ascii) = gsm7::as_ascii(self.input.octets)
        {
            out.push_str(ascii);
            return;
        }
        let (charset, faults) = self.named(charset, second, out);
        let doubt =
            Doubt { input: self.input, is_national: self.header.locking != 0, is_reserved: self.coding.reserved };
        if is_certain && !faults.any() && doubt.is_plain(charset) {
            return;
        }
        let own = weigh::text(out.get(start..).unwrap_or_default());
        let own = own.saturating_add(if faults.odd { weigh::NEVER } else { 0 });
        let choice = doubt.decide(charset, faults, own);
        match choice {
            Choice::Named => doubt::told(charset, faults, self.input.octets, &mut decoded.anomalies),
            Choice::Other(other, _) => {
                let from = line(second);
                second.push_str(out.get(start..).unwrap_or_default());
                out.truncate(start);
                other.decode(self.input, out);
                if second.get(from..) == out.get(start..) {
                    second.truncate(from.saturating_sub(1));
                }
                decoded.anomalies.add(doubt::name(charset, other, self.input.octets));
            }
            Choice::Both(other, tables) => {
                line(second);
                other.decode(Input { tables, ..self.input }, second);
                decoded.anomalies.add(Anomaly::TwoReadings);
            }
        }
        let weight = if let Choice::Other(_, bits) = choice { bits } else { own };
        let no_text = weight > weigh::nothing(self.input.octets);
        for (says, anomaly, why) in [
            (self.coding.reserved, Anomaly::ReservedCoding, Undecodable::Alphabet),
            (self.coding.compressed, Anomaly::Compressed, Undecodable::Compressed),
        ] {
            if says && no_text {
                out.truncate(start);
                second.truncate(kept);
                decoded.undecodable = Some(why);
                decoded.anomalies.add(Anomaly::Undecodable);
            } else if says {
                decoded.anomalies.add(anomaly);
            }
        }
    }

    /// Appends the text in the alphabet that is meant where a name stands for several.
    fn named(&self, charset: Charset, other: &mut String, out: &mut String) -> (Charset, Faults) {
        let charset = match charset {
            // Only septets have national tables.
            Charset::Ascii if self.header.locking != 0 || self.header.single != 0 => Charset::Gsm,
            jis if jis == Charset::SHIFT_JIS || jis == Charset::EUC_JP => return self.japanese(jis, other, out),
            own => own,
        };
        (charset, charset.decode(self.input, out))
    }

    /// JIS X 0208 comes in three forms, and the name of the coding does not say which.
    fn japanese(&self, charset: Charset, other: &mut String, out: &mut String) -> (Charset, Faults) {
        let octets = self.input.octets;
        if octets.windows(2).any(|w| matches!(w, [0x1b, b'$' | b'('])) {
            return (Charset::ISO_2022_JP, Charset::ISO_2022_JP.decode(self.input, out));
        }
        let start = out.len();
        let faults = charset.decode(self.input, out);
        if octets.is_ascii() {
            return (charset, faults);
        }
        let kept = other.len();
        let sister = if charset == Charset::SHIFT_JIS { Charset::EUC_JP } else { Charset::SHIFT_JIS };
        let sister_faults = sister.decode(self.input, other);
        let weight = |text: &String, from| weigh::text(text.get(from..).unwrap_or_default());
        let is_sister = (faults.any() || !sister_faults.any()) && weight(other, kept) < weight(out, start);
        if is_sister {
            out.truncate(start);
            out.push_str(other.get(kept..).unwrap_or_default());
        }
        other.truncate(kept);
        if is_sister { (sister, sister_faults) } else { (charset, faults) }
    }
}

/// protocol_id of (U)SIM data download (3GPP TS 23.040 §9.2.3.9).
const SIM_DATA_DOWNLOAD: u8 = 0x7f;

/// Begins a line, and answers where.
fn line(text: &mut String) -> usize {
    if !text.is_empty() {
        text.push('\n');
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_groups_are_those_of_the_standard() {
        let class = |octet| message_class(DataCoding(octet));
        assert_eq!(
            [0x00, 0x08, 0x10, 0x18, 0x35, 0x50, 0xc0, 0xf1].map(class),
            [None, None, Some(0), Some(0), Some(1), Some(0), None, Some(1)]
        );
        let charset = |octet| coding(DataCoding(octet), Alphabet::Gsm).charset;
        assert_eq!(
            [0x00, 0x04, 0x18, 0x58, 0xd8, 0xe0, 0xf0, 0xf4].map(charset),
            [
                Some(Charset::Gsm),
                None,
                Some(Charset::Utf16Be),
                Some(Charset::Utf16Be),
                Some(Charset::Gsm),
                Some(Charset::Utf16Be),
                Some(Charset::Gsm),
                None
            ]
        );
    }
}
