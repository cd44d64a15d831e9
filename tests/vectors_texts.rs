//! 287 texts of other people's test suites and tables, in every alphabet.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;

use tapis::text::{Alphabet, ReadContext, Reading, UserData};
use tapis::wire::command::DataCoding;

/// Rows that are not read as they say, by a part of their source, name or note, and why.
const NOT_YET: [(&str, &str); 8] = [
    ("packed", "septets packed as in a TPDU: SMPP carries one an octet"),
    ("disputed/", "a peer's reading that others contradict"),
    ("national", "national language shift tables are read as the default alphabet"),
    ("bad byte 8a", "an octet above 0x7F is shown as U+FFFD: one such octet must not hide the rest from the rules"),
    ("bad ext 8a", "the same"),
    ("ie 00 length 2", "a handset skips an element that it cannot use and shows the text, so it is read"),
    ("ie 00 length 4", "the same"),
    ("jis", "JIS is not decoded: such a text is undecodable, and says so"),
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

#[test]
fn every_text_is_read_as_its_row_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/vectors/texts.tsv");
    let file = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}: the vectors are needed", path.display()));
    let mut reading = Reading::default();
    let (mut wrong, mut compared, mut left) = (Vec::new(), 0, 0);
    for line in file.lines().skip(1) {
        let row: Vec<&str> = line.split('\t').collect();
        let [source, name, coding, udhi, hex, text, ..] = row[..] else { panic!("{line}") };
        let about = format!("{source} {name} {coding} {}", row.get(6).unwrap_or(&"")).to_lowercase();
        let shifted = udhi == "1" && (hex.contains("2401") || hex.contains("2501"));
        if shifted || NOT_YET.iter().any(|(part, _)| about.contains(part)) {
            left += 1;
            continue;
        }
        let octets: Vec<u8> =
            (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        let coding = coding.strip_prefix("0x").map_or_else(|| coding.parse(), |h| u8::from_str_radix(h, 16)).unwrap();
        let data = UserData { octets: &octets, data_coding: DataCoding(coding), udhi: udhi == "1" };
        reading.read(&[data], &ReadContext { alphabet: Alphabet::Gsm, home: None });
        compared += 1;
        let right = match text {
            "!MALFORMED" => reading.undecodable().is_some(),
            "!BINARY" => reading.is_binary() || reading.undecodable().is_some(),
            text => reading.undecodable().is_none() && reading.text() == unescape(text),
        };
        if !right {
            wrong.push(format!(
                "{line}\n   read {:?} {:?} binary {}",
                reading.text(),
                reading.undecodable(),
                reading.is_binary()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared} ({left} left out):\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 150, "only {compared} compared, {left} left out");
}
