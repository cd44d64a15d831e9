//! Properties over anything at all.

use proptest::prelude::*;
use tapis::message::{AccountFacts, Direction, Envelope, ReadAs};
use tapis::text::encode::encode;
use tapis::text::{Alphabet, ReadContext, Reading, UserData};
use tapis::time::Timestamp;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, DataCoding, EsmClass, Tag};
use tapis::wire::encode as wire;
use tapis::wire::tlv::Tlvs;

const ALPHABETS: [Alphabet; 5] =
    [Alphabet::Gsm, Alphabet::GsmPacked, Alphabet::Ascii, Alphabet::Latin1, Alphabet::Utf8];

/// Octets that are nothing, or nearly something: a header, a text, a push.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let anything = prop::collection::vec(any::<u8>(), 0..300);
    let septets = prop::collection::vec(0u8..0x80, 0..300);
    let header =
        (prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..5)), 0..4), septets.clone())
            .prop_map(|(elements, text)| {
                let mut header: Vec<u8> = Vec::new();
                for (id, value) in elements {
                    header.extend([[0, 4, 5, 8, 0x24, 0x25, 0x70][usize::from(id) % 7], value.len() as u8]);
                    header.extend(value);
                }
                [vec![header.len() as u8], header, text].concat()
            });
    let push = (prop::sample::select(vec![0xae, 0xb0, 0xb6, 0xbe]), anything.clone())
        .prop_map(|(content, body)| [vec![1, 6, 1, content, 2, 5, 0x6a, 0, 0x45, 0xc6, 0x0d, 3], body].concat());
    prop_oneof![anything, septets, header, push, any::<String>().prop_map(String::into_bytes)]
}

fn context() -> impl Strategy<Value = ReadContext> {
    let ports = prop::option::of((prop::sample::select(vec![226, 2948, 5505, 9204, 9205]), any::<u16>()));
    (prop::sample::select(ALPHABETS.to_vec()), prop::sample::select(vec![0, 0x40, 0x7f]), ports).prop_map(
        |(alphabet, protocol_id, ports)| ReadContext { alphabet, protocol_id, ports, ..ReadContext::default() },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 20_000, ..ProptestConfig::default() })]

    /// A WAP push has the largest text for its octets: one token is `https://www.` on a line.
    #[test]
    fn nothing_panics_and_no_text_is_much_longer_than_its_octets(
        parts in prop::collection::vec((octets(), any::<u8>(), any::<bool>()), 0..4),
        cx in context(),
        joined in any::<bool>(),
    ) {
        let user_data: Vec<_> = parts
            .iter()
            .map(|(octets, coding, udhi)| UserData { octets, data_coding: DataCoding(*coding), udhi: *udhi })
            .collect();
        let mut reading = Reading::default();
        if joined {
            reading.read_parts(&user_data, &cx);
        } else {
            reading.read(&user_data, &cx);
        }
        let octets: usize = parts.iter().map(|(octets, ..)| octets.len()).sum();
        prop_assert!(reading.text().len() <= 13 * octets + 2 * parts.len(), "{} of {octets}", reading.text().len());
        prop_assert!(reading.text().starts_with(reading.shown()));
    }

    /// A text that nobody asks for is left unread only where that cannot be told from a decision on it.
    #[test]
    fn a_text_that_is_left_unread_could_have_been_read(
        (before, octets) in (octets(), octets()),
        coding in any::<u8>(),
        alphabet in prop::sample::select(ALPHABETS.to_vec()),
        (udhi, sar, payload) in any::<(bool, bool, bool)>(),
    ) {
        let mut tlvs = Vec::new();
        if sar {
            [Tag::SAR_MSG_REF_NUM, Tag::SAR_TOTAL_SEGMENTS, Tag::SAR_SEGMENT_SEQNUM]
                .iter().zip([&[0, 7][..], &[2], &[1]]).for_each(|(tag, value)| wire::tlv(&mut tlvs, *tag, value));
        }
        if payload {
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &before);
        }
        let sm = Sm {
            short_message: &octets,
            data_coding: DataCoding(coding),
            esm_class: EsmClass(if udhi { 0x40 } else { 0 }),
            tlvs: Tlvs::new(&tlvs),
            ..Sm::default()
        };
        let other = Sm { short_message: &before, data_coding: DataCoding(coding.wrapping_add(7)), ..Sm::default() };
        let told = |unasked| {
            let read_as = ReadAs { alphabet, unasked, ..ReadAs::default() };
            let mut envelope = Envelope::default();
            envelope.read_sm(CommandId::SUBMIT_SM, &other, read_as);
            envelope.read_sm(CommandId::SUBMIT_SM, &sm, read_as);
            let message = envelope.message(Direction::Mt, AccountFacts::default(), None, Timestamp(0));
            let reading = message.reading;
            (
                (reading.undecodable(), envelope.is_cut(), envelope.part(), reading.udh()),
                (message.parts, message.complete, message.class, message.data_coding, message.esm_class),
                reading.text().is_empty().then(|| (reading.folded().to_owned(), reading.links().len())),
            )
        };
        let (read, left) = (told(false), told(true));
        prop_assert_eq!((read.0, read.1), (left.0, left.1));
        // Nothing of the message before it is left.
        prop_assert!(left.2.is_none_or(|(folded, links)| folded.is_empty() && links == 0));
    }

    /// Whatever is weighed, the reading by the coding that is named is never lost to rules.
    #[test]
    fn what_is_encoded_comes_back_to_rules(
        text in prop_oneof!["[ -~äöñüà¿¡§ÄÖÑÜ€£Δ]{0,80}", "[ -~]{0,80}", "[a-zA-Z0-9 \u{c0}-\u{ff}]{0,80}", "\\PC{0,60}"],
        (alphabet, coding) in prop::sample::select(
            ALPHABETS.map(|a| (a, 0)).into_iter().chain([1, 3, 5, 6, 7, 8, 10, 14, 0x18, 0x58, 0xd0, 0xe0, 0xf1].map(|c| (Alphabet::Gsm, c)))
                .collect::<Vec<_>>()
        ),
    ) {
        let mut octets = Vec::new();
        prop_assume!(encode(&text, DataCoding(coding), alphabet, &mut octets).is_ok());
        // A mark at the start is none of the text. What the Encoding Standard folds on writing does not come back, and an
        // `@` at the end of packed septets may be what they are filled with.
        prop_assume!(!text.starts_with('\u{feff}'));
        prop_assume!(![5, 10, 14].contains(&coding) || !text.contains(['¥', '‾', '−', '\\', '~', '¢', '£', '¬']));
        prop_assume!(alphabet != Alphabet::GsmPacked || coding != 0 || !text.ends_with('@'));
        let mut reading = Reading::default();
        let user_data = UserData { octets: &octets, data_coding: DataCoding(coding), udhi: false };
        reading.decode(&[user_data], &ReadContext { alphabet, ..ReadContext::default() });
        let second = reading.text().get(reading.shown().len()..).and_then(|rest| rest.strip_prefix('\n'));
        prop_assert!(reading.shown() == text || second == Some(&text), "{:?}", reading.text());
    }

    /// Parts are cut between octets, wherever: handsets join octets.
    #[test]
    fn parts_are_one_text_wherever_they_are_cut(
        text in prop_oneof!["[a-z .,€{}]{20,300}", "[a-z ก-ฮ]{20,150}", "[a-z 😀-😎]{20,150}"],
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        (alphabet, coding) in prop::sample::select(vec![
            (Alphabet::Gsm, 0), (Alphabet::GsmPacked, 0), (Alphabet::Utf8, 0), (Alphabet::Gsm, 8), (Alphabet::Gsm, 0x18),
        ]),
        wide in any::<bool>(),
    ) {
        // Packed septets are cut between septets, and each part begins at a septet's boundary.
        let unpacked = if alphabet == Alphabet::GsmPacked { Alphabet::Gsm } else { alphabet };
        let mut octets = Vec::new();
        prop_assume!(encode(&text, DataCoding(coding), unpacked, &mut octets).is_ok());
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(octets.len())).chain([0, octets.len()]).collect();
        ends.sort_unstable();
        let total = ends.len() as u8 - 1;
        let parts: Vec<Vec<u8>> = ends
            .windows(2)
            .zip(1..)
            .map(|(ends, number)| {
                let header = if wide { vec![6, 8, 4, 1, 2, total, number] } else { vec![5, 0, 3, 9, total, number] };
                let own = &octets[ends[0]..ends[1]];
                let text = if alphabet == Alphabet::GsmPacked { packed(own, header.len()) } else { own.to_vec() };
                [header, text].concat()
            })
            .collect();
        let user_data: Vec<_> = parts
            .iter()
            .map(|octets| UserData { octets, data_coding: DataCoding(coding), udhi: true })
            .collect();
        let mut reading = Reading::default();
        reading.read_parts(&user_data, &ReadContext { alphabet, ..ReadContext::default() });
        // A few signs may be octets of another alphabet as well, in parts as in one piece.
        let mut whole = Reading::default();
        let one = UserData { octets: &octets, data_coding: DataCoding(coding), udhi: false };
        whole.read(&[one], &ReadContext { alphabet: unpacked, ..ReadContext::default() });
        prop_assert!(reading.text().split('\n').any(|reading| reading == text), "{:?}", reading.text());
        if alphabet != Alphabet::GsmPacked {
            prop_assert_eq!(reading.text(), whole.text());
            prop_assert_eq!(reading.anomalies(), whole.anomalies());
        }
    }
}

/// Septets packed behind a header, bit by bit as the standard draws them.
fn packed(septets: &[u8], header_octets: usize) -> Vec<u8> {
    let fill = (7 - header_octets * 8 % 7) % 7;
    let mut bits = vec![false; fill];
    bits.extend(septets.iter().flat_map(|septet| (0..7).map(move |bit| septet >> bit & 1 == 1)));
    if bits.len() % 8 == 1 {
        bits.extend((0..7).map(|bit| b'\r' >> bit & 1 == 1));
    }
    bits.chunks(8).map(|octet| octet.iter().rev().fold(0, |all, bit| all << 1 | u8::from(*bit))).collect()
}
