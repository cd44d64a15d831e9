//! 287 texts of other people's test suites and tables, in every alphabet.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;

use tapis::text::{Alphabet, Anomaly, Payload, ReadContext, Reading, UserData};
use tapis::wire::command::DataCoding;

/// Rows that are not read as they say, by a part of their source and name, and why. The names that begin `disputed/`
/// are one peer's reading that others contradict.
const DISPUTED: [(&str, &str); 3] = [
    ("disputed/tur? udh", "element 0x24 names a single shift table, and 0x7B stands behind no escape: it is `ä`"),
    (
        "disputed/hp roman8",
        "no data_coding means HP Roman-8; such an octet is read as ISO 8859-1, and told as `latin_1`",
    ),
    ("disputed/16bit last with fill", "the 0x00 is no fill octet: it is the last of element 0x08, which has four"),
];

/// Rows whose text is right, and told to have come in a way that is not.
const TOLD: [(&str, Anomaly); 6] = [
    ("dangling escape", Anomaly::BadOctets),
    ("dangling surrogate", Anomaly::Surrogate),
    ("d800 alone", Anomaly::Surrogate),
    ("disputed/csm16 wrong IEI 00/04", Anomaly::Udh),
    ("concat seq > total", Anomaly::Udh),
    ("locking portuguese 00-20", Anomaly::TwoReadings),
];

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some('f') => out.push('\u{c}'),
                Some('u') => {
                    let code: String = chars.by_ref().take(4).collect();
                    out.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap_or('\u{fffd}'));
                }
                Some(c) => out.push(c),
                None => out.push('\\'),
            },
            (c, false) => out.push(c),
        }
    }
    out
}

struct Row {
    about: String,
    octets: Vec<u8>,
    data_coding: DataCoding,
    packed: bool,
    udhi: bool,
    text: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/vectors/texts.tsv");
    let file = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}: the vectors are needed", path.display()));
    let row = |line: &str| {
        let row: Vec<&str> = line.split('\t').collect();
        let [source, name, coding, udhi, hex, text, ..] = row[..] else { panic!("{line}") };
        let number = coding.trim_end_matches("/packed");
        Row {
            about: format!("{source} {name}"),
            octets: (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect(),
            data_coding: DataCoding(
                number.strip_prefix("0x").map_or_else(|| number.parse(), |h| u8::from_str_radix(h, 16)).unwrap(),
            ),
            packed: coding.ends_with("/packed"),
            udhi: udhi == "1",
            text: text.to_owned(),
        }
    };
    file.lines().skip(1).map(row).collect()
}

impl Row {
    fn read(&self, alphabet: Alphabet, reading: &mut Reading) {
        let data = UserData { octets: &self.octets, data_coding: self.data_coding, udhi: self.udhi };
        reading.read(&[data], &ReadContext { alphabet, ..ReadContext::default() });
    }
}

#[test]
fn every_text_is_read_as_its_row_says() {
    let (mut reading, mut wrong, mut disputed) = (Reading::default(), Vec::new(), 0);
    let rows = rows();
    for row in &rows {
        row.read(if row.packed { Alphabet::GsmPacked } else { Alphabet::Gsm }, &mut reading);
        let anomalies: Vec<Anomaly> = reading.anomalies().iter().collect();
        let right = match row.text.as_str() {
            // Told to be so, and read as far as it can be.
            "!MALFORMED" => !anomalies.is_empty(),
            "!BINARY" => reading.payload() != Payload::Text,
            text => {
                let may = |anomaly: &Anomaly| TOLD.iter().any(|(part, a)| a == anomaly && row.about.contains(part));
                reading.undecodable().is_none() && reading.shown() == unescape(text) && anomalies.iter().all(may)
            }
        };
        let is_disputed = DISPUTED.iter().any(|(part, _)| row.about.contains(part));
        disputed += u32::from(is_disputed);
        if right == is_disputed {
            wrong.push(format!(
                "{} {:?}\n   read {:?} {:?} {anomalies:?} as {}",
                row.about,
                row.text,
                reading.text(),
                reading.undecodable(),
                reading.payload().name(),
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert_eq!((rows.len(), disputed), (287, 3));
}

/// Packed septets are found where the account is not known to send them, but for texts so short that nothing tells.
#[test]
fn packed_texts_are_found() {
    let (mut reading, mut missed, mut all) = (Reading::default(), Vec::new(), 0);
    for row in rows().iter().filter(|row| row.packed && !row.text.starts_with('!') && !row.text.is_empty()) {
        row.read(Alphabet::Gsm, &mut reading);
        all += 1;
        if reading.shown() != unescape(&row.text) || !reading.anomalies().has(Anomaly::Packed) {
            missed.push((row.text.chars().count(), row.text.clone(), reading.text().to_owned()));
        }
    }
    assert!(missed.iter().all(|(length, ..)| *length <= 3), "{missed:?} of {all}");
}
