//! Headers, payloads and codings, one by one.

use tapis::text::{Alphabet, Anomaly, Payload, ReadContext, Reading, Undecodable, UserData};
use tapis::wire::command::DataCoding;

fn read(octets: &[u8], coding: u8, udhi: bool) -> Reading {
    read_as(octets, coding, udhi, ReadContext::default())
}

fn read_as(octets: &[u8], coding: u8, udhi: bool, cx: ReadContext) -> Reading {
    let mut reading = Reading::default();
    reading.read(&[UserData { octets, data_coding: DataCoding(coding), udhi }], &cx);
    reading
}

fn anomalies(reading: &Reading) -> Vec<&'static str> {
    reading.anomalies().iter().map(Anomaly::name).collect()
}

fn utf_16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn vcard() -> &'static [u8] {
    b"BEGIN:VCARD\r\nN:Bank\r\nURL:http://bank-verify.com/a\r\nTEL:+6591234567\r\nEND:VCARD\r\n"
}

#[test]
fn a_header_that_lies_hides_nothing() {
    let text = b"Your account is locked, verify at bank-verify.com";
    // esm_class says that a header is there, and there is none: `Y` would be 89 octets of it.
    let reading = read(text, 0, true);
    assert_eq!((reading.shown().as_bytes(), anomalies(&reading)), (&text[..], vec!["udh"]));
    assert_eq!(reading.links().len(), 1);
    // The same where the header would end inside the text.
    let long = text.repeat(3);
    let reading = read(&long, 0, true);
    assert_eq!((reading.shown().as_bytes(), anomalies(&reading)), (&long[..], vec!["udh"]));
    // A header that nothing announces.
    for header in [&[5, 0, 3, 7, 2, 1][..], &[6, 8, 4, 1, 7, 2, 1], &[3, 0x24, 1, 13], &[6, 5, 4, 0x0b, 0x84, 0, 0]] {
        let reading = read(&[header, text].concat(), 0, false);
        assert_eq!((reading.shown().as_bytes(), anomalies(&reading)), (&text[..], vec!["udh"]));
        assert_eq!(reading.udh(), None);
        let reading = read(&[header, &utf_16("ยืนยันที่นี่")].concat(), 8, false);
        assert_eq!((reading.shown(), anomalies(&reading)), ("ยืนยันที่นี่", vec!["udh"]));
    }
    // An element that overruns: the header is skipped, and ignored whole.
    let reading = read(&[&[8, 0, 3, 7, 2, 1, 4, 9, 1][..], text].concat(), 0, true);
    assert_eq!(reading.udh().map(|udh| (udh.concat, udh.broken)), Some((None, true)));
    assert_eq!((reading.shown().as_bytes(), anomalies(&reading)), (&text[..], vec!["udh"]));
    // Nothing but octets.
    let reading = read(&[0xc1, 0x82, 0x93, 0x00, 0x01], 0, true);
    assert_eq!((reading.undecodable(), anomalies(&reading)), (Some(Undecodable::Udh), vec!["udh", "undecodable"]));
}

#[test]
fn national_tables_are_told_where_the_standard_has_none_and_seen_past_where_a_handset_may_not_have_them() {
    let reading = read(&[3, 0x25, 1, 14, b'H', b'i', b'!'], 0, true);
    assert_eq!((reading.shown(), anomalies(&reading)), ("Hi!", vec!["shift_table"]));
    let text = b"Your Account At KBank Is Locked: Verify On KBank-Verify.Com/Login Or It Is Closed";
    let reading = read(&[&[3, 0x25, 1, 13][..], text].concat(), 0, true);
    assert_eq!(anomalies(&reading), ["two_readings"]);
    assert_ne!(reading.shown().as_bytes(), text);
    assert!(reading.text().as_bytes().ends_with(text));
}

#[test]
fn a_wap_push_shows_its_links() {
    let mut push = vec![0x01, 0x06, 0x01, 0xae, 0x02, 0x05, 0x6a, 0x00, 0x45, 0xc6, 0x0e, 0x03];
    push.extend(b"kbank-verify\0\x85\x03login\0\x01\x03Your account is locked\0\x01\x01");
    let by_port = [&[6, 5, 4, 0x0b, 0x84, 0xc0, 0x02][..], &push].concat();
    let tlvs = ReadContext { ports: Some((2948, 49154)), ..ReadContext::default() };
    for reading in [read(&by_port, 4, true), read_as(&push, 4, false, tlvs), read(&push, 0xf5, false)] {
        assert_eq!((reading.payload(), reading.is_binary()), (Payload::WapPush, true));
        assert_eq!(reading.text(), "https://kbank-verify.com/login\nYour account is locked");
        assert_eq!(reading.links().iter().map(|l| reading.link_host(l)).collect::<Vec<_>>(), ["kbank-verify.com"]);
        assert!(reading.anomalies().is_empty());
    }
    assert_eq!(read(&by_port, 4, true).ports(), Some((2948, 49154)));
    // What goes to that port and is no push by its form: a later part, or a plain text.
    let text = [&[6, 5, 4, 0x0b, 0x84, 0, 0][..], b"verify at kbank-verify.com"].concat();
    let later = [&text[..], &[0, 1, 0xc3, 4, 0x20, 0x26, 1, 2, 1, 0xff, 0xfe, 0x81, 0x8d, 0x90, 0x9d, 0]].concat();
    for octets in [text, later] {
        let reading = read(&octets, 4, true);
        assert_eq!((reading.payload(), reading.links().len()), (Payload::WapPush, 1));
    }
}

#[test]
fn cards_and_appointments_are_named_and_read() {
    let by_port = [&[6, 5, 4, 0x23, 0xf4, 0, 0][..], vcard()].concat();
    for reading in
        [read(&by_port, 4, true), read(&by_port, 0xf5, true), read(vcard(), 0, false), read(vcard(), 4, false)]
    {
        assert_eq!(reading.payload(), Payload::VCard);
        assert!(reading.text().contains("bank-verify.com/a"));
        assert_eq!(reading.phones().len(), 1);
    }
    assert_eq!(read(b"BEGIN:VCALENDAR\r\nVERSION:1.0\r\n", 0, false).payload(), Payload::VCalendar);
    assert_eq!(read(&[6, 5, 4, 0x23, 0xf5, 0, 0, 1, 2, 3], 4, true).payload(), Payload::VCalendar);
}

#[test]
fn data_for_machines_stays_data() {
    let ringtone = [0x4a, 0x3a, 0x5d, 0xb5, 0xa5, 0xcd, 0xcd, 0xa5, 0xbd, 0xb8, 0x04, 0x00, 0x84, 0xd8];
    let by_port = [&[6, 5, 4, 0x15, 0x81, 0x15, 0x81][..], &ringtone].concat();
    for (reading, payload) in [
        (read(&by_port, 0xf5, true), Payload::Ports),
        (read(&ringtone, 4, false), Payload::Binary),
        (read(&[2, 0x70, 0, 1, 2, 3], 0xf6, true), Payload::Sim),
        (read(b"\x02\x70\x00Hello there", 0xf6, true), Payload::Sim),
        (
            read_as(b"Hello there", 0xf6, false, ReadContext { protocol_id: 0x7f, ..ReadContext::default() }),
            Payload::Sim,
        ),
        (read(&[], 4, false), Payload::Binary),
    ] {
        assert_eq!((reading.payload(), reading.text(), reading.is_binary()), (payload, "", true));
        assert!(reading.anomalies().is_empty() && reading.undecodable().is_none());
    }
    let reading = read(&[&[6, 5, 4, 0x15, 0x81, 0, 0][..], b"Hello there"].concat(), 0, true);
    assert_eq!((reading.payload(), reading.text()), (Payload::Ports, "Hello there"));
}

#[test]
fn what_cannot_be_read_says_why_and_what_can_be_is_read() {
    let noise: Vec<u8> = (0..60u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (coding, why) in [(0x85, Undecodable::Alphabet), (0x0f, Undecodable::Alphabet), (0x20, Undecodable::Compressed)]
    {
        let reading = read(&noise, coding, false);
        assert_eq!((reading.undecodable(), reading.text()), (Some(why), ""), "{coding:#x}");
        assert!(reading.anomalies().has(Anomaly::Undecodable));
    }
    let reading = read(b"Your parcel is held", 0x85, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("Your parcel is held", vec!["reserved_coding"]));
    let reading = read(&utf_16("ยืนยันตัวตน"), 0x0b, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("ยืนยันตัวตน", vec!["utf_16", "reserved_coding"]));
    let reading = read(b"Your parcel is held", 0x31, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("Your parcel is held", vec!["compressed"]));
}

#[test]
fn half_a_character_hides_none_of_the_others() {
    let text = "ยืนยันตัวตน bank-verify.com";
    let reading = read(&[&utf_16(text)[..], &[0x0e]].concat(), 8, false);
    assert_eq!((reading.shown(), anomalies(&reading)), (text, vec!["odd_length"]));
    assert_eq!(reading.links().len(), 1);
    let reading = read(&[&utf_16("hello")[..], &[0xd8, 0x3d]].concat(), 8, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("hello\u{fffd}", vec!["surrogate"]));
    let reading = read(b"he\x81llo there my friend", 0, false);
    assert!(reading.shown().contains("llo there my friend") && !reading.anomalies().is_empty());
}

#[test]
fn a_byte_order_mark_is_no_character() {
    let reading = read(&utf_16("\u{feff}hello"), 8, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("hello", vec![]));
    let little: Vec<u8> = "\u{feff}hello".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let reading = read(&little, 8, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("hello", vec!["little_endian"]));
    let reading = read("\u{feff}Grüße".as_bytes(), 3, false);
    assert_eq!((reading.shown(), anomalies(&reading)), ("Grüße", vec!["utf_8"]));
}

/// Octets that are lighter in another alphabet than in the one that they are shown in: capitals and signs at even places
/// make common ideographs of UTF-16. Whatever is chosen, rules see what the handset shows.
#[test]
fn nobody_is_talked_out_of_what_a_handset_shows() {
    let made = b"N0W!T0P_U1P$R0Y@U1P#T0P%N1Q*";
    for octets in [&made[..], &[&made[..], &[0x80]].concat()] {
        for (alphabet, coding) in [(Alphabet::Gsm, 0), (Alphabet::Latin1, 0), (Alphabet::Gsm, 1), (Alphabet::Gsm, 3)] {
            let reading = read_as(octets, coding, false, ReadContext { alphabet, ..ReadContext::default() });
            assert!(reading.text().contains("N0W!T0P"), "{coding}: {:?}", reading.text());
        }
    }
    let heavy = "\u{200b}ḞŘ\u{301}Ë\u{308}\u{e001}\u{e002}Ǝ ɱ\u{0302}oņɇ\u{0323}y \u{1d4}\u{a69}";
    let reading = read(&utf_16(heavy), 8, false);
    assert!(reading.text().contains(heavy), "{:?}", reading.text());
}
