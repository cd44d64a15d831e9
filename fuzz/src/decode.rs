//! User data in any coding: read, and written again where it can be.

use tapis::text::{Alphabet, ReadContext, Reading, UserData, encode};
use tapis::wire::command::DataCoding;

use super::entity;
use super::input::Input;

/// The input is a data_coding, flags (bit 0: a header comes first; bit 1: coding 0 is Latin-1; bit 2: the second half is a
/// second text, as short_message and message_payload are), and octets.
pub fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let (data_coding, flags) = (DataCoding(input.octet()), input.octet());
    let alphabet = if flags & 2 == 0 { Alphabet::Gsm } else { Alphabet::Latin1 };
    let octets = input.rest();
    let (first, second) = octets.split_at(if flags & 4 == 0 { octets.len() } else { octets.len() / 2 });
    let part = |octets| UserData { octets, data_coding, udhi: flags & 1 == 1 };
    let parts = [part(first), part(second)];
    let parts = if flags & 4 == 0 { &parts[..1] } else { &parts[..] };
    let cx = ReadContext { alphabet, ..ReadContext::default() };
    let mut reading = Reading::default();
    reading.read(parts, &cx);
    entity::is_sound(&reading);
    // No octet becomes more than one character, but for those that a decoder shows as several.
    assert!(reading.text().chars().count() <= 4 * octets.len() + 4);
    let text = reading.text().to_owned();
    if reading.udh().is_none() && reading.undecodable().is_none() && !reading.is_binary() {
        comes_back(&text, data_coding, &cx, &mut reading);
    }
    // What was read before does not show in what is read next.
    let mut fresh = Reading::default();
    fresh.read(parts, &cx);
    reading.read(parts, &cx);
    assert_eq!(format!("{reading:?}"), format!("{fresh:?}"));
}

/// A text that can be written in its coding reads as itself.
fn comes_back(text: &str, data_coding: DataCoding, cx: &ReadContext, reading: &mut Reading) {
    let mut written = Vec::new();
    if encode::encode(text, data_coding, cx.alphabet, &mut written).is_ok() {
        reading.read(&[UserData { octets: &written, data_coding, udhi: false }], cx);
        assert_eq!(reading.text(), text);
    }
    let (narrowest, octets) = encode::narrowest(text);
    reading.read(&[UserData { octets: &octets, data_coding: narrowest, udhi: false }], &ReadContext::default());
    assert_eq!(reading.text(), text);
}
