//! User data in any coding: read, and written again where it can be.

use tapis::text::{Alphabet, Anomaly, ReadContext, Reading, UserData, encode};
use tapis::wire::command::DataCoding;

use super::entity;
use super::input::Input;

/// The input is a data_coding, flags (bit 0: a header comes first; bit 1: coding 0 is Latin-1; bit 2: the second half is a
/// second text, as short_message and message_payload are, or with bit 3 a second part of the first; bits 4 to 6: what else
/// coding 0 is), and octets.
pub fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let (data_coding, flags) = (DataCoding(input.octet()), input.octet());
    let alphabet = match (flags & 2, flags >> 4 & 7) {
        (2, _) => Alphabet::Latin1,
        (_, 1) => Alphabet::GsmPacked,
        (_, 2) => Alphabet::Ascii,
        (_, 3) => Alphabet::Utf8,
        _ => Alphabet::Gsm,
    };
    let octets = input.rest();
    let (first, second) = octets.split_at(if flags & 4 == 0 { octets.len() } else { octets.len() / 2 });
    let part = |octets| UserData { octets, data_coding, udhi: flags & 1 == 1 };
    let parts = [part(first), part(second)];
    let parts = if flags & 4 == 0 { &parts[..1] } else { &parts[..] };
    let cx = ReadContext { alphabet, ..ReadContext::default() };
    let read =
        |reading: &mut Reading| if flags & 8 == 0 { reading.read(parts, &cx) } else { reading.read_parts(parts, &cx) };
    let mut reading = Reading::default();
    read(&mut reading);
    entity::is_sound(&reading);
    // A token of a WAP push says most: `https://www.`, on a line.
    assert!(reading.text().len() <= 13 * octets.len() + 4);
    let text = reading.shown().to_owned();
    if reading.udh().is_none() && reading.undecodable().is_none() && !reading.is_binary() {
        comes_back(&text, data_coding, &cx, &mut reading);
    }
    // What was read before does not show in what is read next.
    let mut fresh = Reading::default();
    read(&mut fresh);
    read(&mut reading);
    assert_eq!(said(&reading), said(&fresh));
}

/// All that a reading says of a text; what it keeps to work in is its own.
fn said(reading: &Reading) -> String {
    let views = reading.views();
    let forms =
        (reading.text(), reading.plain(), views.folded(), views.undone().collect::<Vec<_>>(), views.disguises());
    let things = (reading.links(), reading.phones(), reading.handles(), reading.amounts(), reading.codes());
    let way = (reading.anomalies(), reading.payload(), reading.ports(), reading.udh(), reading.undecodable());
    format!("{forms:?} {things:?} {way:?} {} {}", reading.is_binary(), reading.is_cut())
}

/// A text that can be written in its coding reads as itself, or as something that says less, with itself behind it. What
/// the Encoding Standard folds on writing, an `@` that packed septets may be filled with, and what is a header though none
/// is announced, need not come back.
fn comes_back(text: &str, data_coding: DataCoding, cx: &ReadContext, reading: &mut Reading) {
    let is_seen = |reading: &Reading| {
        let second = reading.text().get(reading.shown().len()..).and_then(|rest| rest.strip_prefix('\n'));
        let has_lost_a_header = reading.anomalies().has(Anomaly::Udh);
        assert!(
            reading.shown() == text || second == Some(text) || has_lost_a_header,
            "{text:?} comes back as {:?}",
            reading.text()
        );
    };
    let folds = matches!(data_coding.0, 5 | 9 | 10 | 13 | 14);
    let fills = cx.alphabet == Alphabet::GsmPacked && text.ends_with(['@', '\r']);
    let marks = text.starts_with('\u{feff}');
    let mut written = Vec::new();
    if !folds && !fills && !marks && encode::encode(text, data_coding, cx.alphabet, &mut written).is_ok() {
        reading.read(&[UserData { octets: &written, data_coding, udhi: false }], cx);
        // In a reserved coding a few characters less may be no text any more.
        if reading.undecodable().is_none() {
            is_seen(reading);
        }
    }
    let (narrowest, octets) = encode::narrowest(text);
    if !marks {
        reading.read(&[UserData { octets: &octets, data_coding: narrowest, udhi: false }], &ReadContext::default());
        is_seen(reading);
    }
}
