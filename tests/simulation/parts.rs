//! Messages of several parts: whatever their parts are sent like, the whole is judged, and nobody else waits.

use std::collections::BTreeMap;
use std::time::Duration;

use tapis::gate::{Parts, Settings};
use tapis::verdict::Action;
use tapis::wire::body::{self, Body, Parsed, Sm};
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, Npi, Tag, Ton};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

use crate::carrier::Carrier;
use crate::traffic::{RULES, message, policy};
use crate::world::Rng;

/// Where the reference of a message stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dress {
    Udh8,
    Udh16,
    /// Another information element stands before it.
    UdhSecond,
    Sar,
    /// A header in message_payload.
    Payload,
}

const DRESSES: [Dress; 5] = [Dress::Udh8, Dress::Udh16, Dress::UdhSecond, Dress::Sar, Dress::Payload];

/// One part as a submit_sm.
#[allow(clippy::too_many_arguments, reason = "a part has that many fields")]
pub fn part(
    dress: Dress,
    sequence_number: u32,
    to: &str,
    data_coding: u8,
    text: &[u8],
    reference: u16,
    total: u8,
    number: u8,
) -> Vec<u8> {
    let [high, low] = reference.to_be_bytes();
    let header = match dress {
        Dress::Udh8 | Dress::Payload => vec![5, 0, 3, low, total, number],
        Dress::Udh16 => vec![6, 8, 4, high, low, total, number],
        Dress::UdhSecond => vec![9, 0x70, 2, 1, 2, 0, 3, low, total, number],
        Dress::Sar => Vec::new(),
    };
    let user_data = [header.clone(), text.to_vec()].concat();
    let mut tlvs = Vec::new();
    if dress == Dress::Sar {
        wire::tlv(&mut tlvs, Tag::SAR_MSG_REF_NUM, &[high, low]);
        wire::tlv(&mut tlvs, Tag::SAR_TOTAL_SEGMENTS, &[total]);
        wire::tlv(&mut tlvs, Tag::SAR_SEGMENT_SEQNUM, &[number]);
    }
    if dress == Dress::Payload {
        wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &user_data);
    }
    let sm = Sm {
        source: Address { ton: Ton::ALPHANUMERIC, npi: Npi(0), address: b"SHOP" },
        destination: Address { ton: Ton::INTERNATIONAL, npi: Npi(1), address: to.as_bytes() },
        esm_class: EsmClass(if header.is_empty() { 0 } else { 0x40 }),
        data_coding: DataCoding(data_coding),
        short_message: if dress == Dress::Payload { &[] } else { &user_data },
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    let mut out = Vec::new();
    wire::sm(&mut out, CommandId::SUBMIT_SM, sequence_number, &sm);
    out
}

/// A text cut at random into parts, in one coding.
fn cut(rng: &mut Rng, text: &str, total: u8, data_coding: u8) -> Vec<Vec<u8>> {
    let octets: Vec<u8> = match data_coding {
        8 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.bytes().collect(),
    };
    let mut cuts: Vec<usize> =
        (1..total).map(|_| usize::try_from(rng.below(octets.len() as u64 + 1)).unwrap()).collect();
    cuts.extend([0, octets.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|w| octets[w[0]..w[1]].to_vec()).collect()
}

/// A message of several parts that is under way.
#[derive(Debug)]
struct Long {
    word: &'static str,
    total: u8,
    /// Lines and numbers of its parts, repeats apart.
    parts: Vec<(usize, u32)>,
    on_one_line: bool,
}

fn settings() -> Settings {
    Settings { mo_refusals_max: 3, ..Settings::default() }
}

/// Loads every line with long messages and single ones between them. Answers the long ones, and the numbers of singles.
fn load(carrier: &mut Carrier, messages: u32) -> (Vec<Long>, Vec<(usize, u32)>) {
    let mut rng = Rng(carrier.rng.next());
    let lines = carrier.lines.len();
    let mut next = 1_u32;
    let (mut longs, mut singles) = (Vec::new(), Vec::new());
    let mut last_long = None;
    let mut queues: Vec<Vec<(u32, Vec<u8>)>> = vec![Vec::new(); lines];
    let pick = |rng: &mut Rng, n: u64| usize::try_from(rng.below(n)).unwrap();
    for n in 0..messages {
        let to = format!("65910{n:05}");
        if rng.chance(30) {
            next += 1;
            let line = pick(&mut rng, lines as u64);
            // Some follow a longer message to the same recipient: those wait for it, and nobody else does.
            let same = last_long.is_some() && rng.chance(60);
            let to = last_long.clone().filter(|_| same).unwrap_or(to);
            queues[line].push((next, message(CommandId::SUBMIT_SM, next, &format!("hello no {n}"), &to, 0)));
            if !same {
                singles.push((line, next));
            }
            continue;
        }
        last_long = Some(to.clone());
        let word = ["hello", "blockme", "tagme"][pick(&mut rng, 3)];
        let total = u8::try_from(2 + rng.below(5)).unwrap();
        let data_coding = [0, 8, 3][pick(&mut rng, 3)];
        let dress = DRESSES[pick(&mut rng, 5)];
        let text = format!("dear customer {word} of no {n}, this is a long text");
        let cuts = cut(&mut rng, &text, total, data_coding);
        // References come again and again: 8 bits, and senders that know only one.
        let reference = if rng.chance(30) { 0 } else { u16::try_from(n % 7).unwrap() };
        let mut numbers: Vec<u8> = (1..=total).collect();
        if rng.chance(50) {
            for at in (1..numbers.len()).rev() {
                numbers.swap(at, pick(&mut rng, at as u64 + 1));
            }
        }
        let on_one_line = lines == 1 || rng.chance(60);
        let home = pick(&mut rng, lines as u64);
        let mut long = Long { word, total, parts: Vec::new(), on_one_line };
        for number in numbers {
            let line = if on_one_line { home } else { pick(&mut rng, lines as u64) };
            let times = if rng.chance(10) { 2 } else { 1 };
            for again in 0..times {
                next += 1;
                let octets = &cuts[usize::from(number) - 1];
                queues[line].push((next, part(dress, next, &to, data_coding, octets, reference, total, number)));
                if again == 0 {
                    long.parts.push((line, next));
                }
            }
        }
        longs.push(long);
    }
    for (line, queue) in carrier.lines.iter_mut().zip(queues) {
        line.to_send.extend(queue);
    }
    (longs, singles)
}

#[test]
fn the_whole_is_judged_however_its_parts_are_sent() {
    for seed in 0..crate::seeds() {
        let mut rng = Rng(seed ^ 0x9a47);
        let lines = usize::try_from(1 + rng.below(3)).unwrap();
        let windows: Vec<usize> =
            (0..lines).map(|_| usize::try_from(1 + rng.below(if seed % 2 == 0 { 8 } else { 100 })).unwrap()).collect();
        let smallest = *windows.iter().min().unwrap();
        let mut carrier = Carrier::new(seed, settings(), policy(RULES), &windows);
        let (longs, singles) = load(&mut carrier, 25);
        let asked: usize = carrier.lines.iter().map(|l| l.to_send.len()).sum();
        carrier.run();

        // Every part is answered once.
        let mut answers: BTreeMap<(usize, u32), Vec<CommandStatus>> = BTreeMap::new();
        for (n, line) in carrier.lines.iter().enumerate() {
            for (number, status) in &line.answers {
                answers.entry((n, *number)).or_default().push(*status);
            }
        }
        assert_eq!(answers.len(), asked, "seed {seed}");
        assert!(answers.values().all(|a| a.len() == 1), "seed {seed}: {answers:?}");
        assert_eq!(carrier.told.len(), asked, "seed {seed}: one decision each");
        let told: BTreeMap<(usize, u32), usize> =
            carrier.told.iter().enumerate().map(|(at, t)| ((t.line, t.sequence_number), at)).collect();
        for long in &longs {
            let fates: Vec<_> = long.parts.iter().map(|p| (told[p], &carrier.told[told[p]])).collect();
            let (_, last) = fates.iter().max_by_key(|(at, _)| at).unwrap();
            let wanted = match long.word {
                "blockme" => Action::Block,
                "tagme" => Action::Tag,
                _ => Action::Pass,
            };
            assert!(last.complete, "seed {seed}: {long:?} {last:?}");
            assert_eq!(
                last.action, wanted,
                "seed {seed}: the part that completes has the whole's verdict: {long:?} {last:?}"
            );
            // Where every part fits the window none leaves before it.
            if long.on_one_line && usize::from(long.total) * 2 <= smallest {
                assert!(
                    fates.iter().all(|(_, t)| t.action == wanted && !t.early),
                    "seed {seed}: {windows:?} {long:?} {fates:?}"
                );
            }
        }
        // Nothing is held longer than `hold`, and nobody else waits.
        for t in &carrier.told {
            let waited = t.at.since(carrier.lines[t.line].sent_at[&t.sequence_number]);
            assert!(waited <= Duration::from_millis(800), "seed {seed}: {t:?} waited {waited:?}");
            if singles.contains(&(t.line, t.sequence_number)) {
                assert_eq!(waited, Duration::ZERO, "seed {seed}: {t:?}");
            }
        }
    }
}

/// What an SMSC got of a message to this number: its texts, headers apart.
fn got(carrier: &Carrier, to: &str) -> Vec<String> {
    let read = |pdu: &Vec<u8>| match body::parse(pdu) {
        Parsed::Understood(_, Body::SubmitSm(sm)) if sm.destination.address == to.as_bytes() => {
            let text = if sm.esm_class.udhi() { &sm.short_message[6..] } else { sm.short_message };
            Some(String::from_utf8_lossy(text).into_owned())
        }
        _ => None,
    };
    carrier.lines.iter().flat_map(|l| l.passed.iter().filter_map(read)).collect()
}

const TO: &str = "6591234567";

fn one(window: usize) -> Carrier {
    Carrier::new(1, settings(), policy(RULES), &[window])
}

fn send(carrier: &mut Carrier, line: usize, pdus: &[(u8, &str)], reference: u16, total: u8) {
    for (number, text) in pdus {
        let sequence_number = 100 + u32::try_from(carrier.lines[line].sent_at.len()).unwrap();
        let pdu = part(Dress::Udh8, sequence_number, TO, 0, text.as_bytes(), reference, total, *number);
        carrier.lines[line].to_send.push_back((sequence_number, pdu));
        let now = carrier.now;
        carrier.lines[line].sent_at.insert(sequence_number, now);
    }
    carrier.run();
}

fn actions(carrier: &Carrier) -> Vec<Action> {
    carrier.told.iter().map(|t| t.action).collect()
}

#[test]
fn a_bad_part_under_the_reference_of_a_clean_pair_is_caught() {
    use Action::{Block, Pass};
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(1, "dear "), (2, "customer")], 7, 2);
    send(&mut carrier, 0, &[(1, "blockme ")], 7, 2);
    assert_eq!(actions(&carrier), [Pass, Pass, Block]);
    assert_eq!(carrier.told[2].findings, ["blocks"]);
    // A word that the handset would put together from the clean part it has and a new one.
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(1, "block"), (2, "ade")], 7, 2);
    send(&mut carrier, 0, &[(2, "me")], 7, 2);
    assert_eq!(actions(&carrier), [Pass, Pass, Block]);
    // The same, with the clean part sent once more.
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(1, "block"), (2, "ade")], 7, 2);
    send(&mut carrier, 0, &[(1, "block"), (2, "me")], 7, 2);
    assert_eq!(actions(&carrier), [Pass, Pass, Pass, Block]);
    assert_eq!(got(&carrier, TO), ["block", "ade", "block"]);
}

#[test]
fn a_tag_marks_every_part_and_its_prefix_stands_once() {
    let mut carrier = one(10);
    let long = "x".repeat(153 - "tagme ".len());
    send(&mut carrier, 0, &[(1, "look: "), (2, "tagme")], 7, 2);
    assert_eq!(actions(&carrier), [Action::Tag, Action::Tag]);
    assert_eq!(got(&carrier, TO), ["\u{1b}<SCAM?\u{1b}> look: ", "tagme"]);
    // Where the prefix does not fit, the text stays as it was.
    send(&mut carrier, 0, &[(1, &format!("tagme {long}")), (2, "end")], 8, 2);
    assert_eq!(got(&carrier, TO)[2..], [format!("tagme {long}"), "end".into()]);
    for pdu in &carrier.lines[0].passed {
        let Parsed::Understood(_, Body::SubmitSm(sm)) = body::parse(pdu) else { panic!("{pdu:?}") };
        assert_eq!(sm.source.address, b"Likely-SCAM");
    }
}

#[test]
fn a_retransmission_has_the_fate_of_what_it_repeats() {
    use Action::{Block, Pass};
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(1, "dear "), (2, "customer")], 7, 2);
    send(&mut carrier, 0, &[(2, "customer"), (1, "dear ")], 7, 2);
    assert_eq!(actions(&carrier), [Pass; 4]);
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(1, "block"), (2, "me")], 7, 2);
    send(&mut carrier, 0, &[(1, "block"), (2, "me")], 7, 2);
    assert_eq!(actions(&carrier), [Block; 4]);
    assert!(got(&carrier, TO).is_empty());
}

#[test]
fn a_window_of_one_is_learned_and_every_part_is_judged_with_what_came_before() {
    let mut carrier = one(1);
    send(&mut carrier, 0, &[(1, "hello block"), (2, "me now"), (3, "thanks")], 7, 3);
    assert_eq!(actions(&carrier), [Action::Pass, Action::Block, Action::Block]);
    assert!(carrier.told[0].early && !carrier.told[2].early);
    // It has been seen to wait: the next message waits for nothing.
    send(&mut carrier, 0, &[(1, "good day "), (2, "to you")], 8, 2);
    let line = &carrier.lines[0];
    for t in carrier.told.iter().rev().take(2) {
        assert_eq!(t.at.since(line.sent_at[&t.sequence_number]), Duration::ZERO, "{t:?}");
    }
}

#[test]
fn lying_counts_are_judged_with_what_there_is() {
    // More parts promised than come: held, then judged.
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(1, "block"), (2, "me")], 7, 5);
    assert_eq!(actions(&carrier), [Action::Block, Action::Block]);
    // Numbers that a handset ignores make single messages, and those wait for nothing.
    let mut carrier = one(10);
    send(&mut carrier, 0, &[(3, "hello"), (0, "blockme")], 7, 2);
    assert_eq!(actions(&carrier), [Action::Pass, Action::Block]);
}

#[test]
fn order_is_kept_between_the_same_two_ends() {
    let mut carrier = one(10);
    let line = &mut carrier.lines[0];
    line.to_send.push_back((2, part(Dress::Udh8, 2, TO, 0, b"first half ", 7, 2, 1)));
    line.to_send.push_back((3, message(CommandId::SUBMIT_SM, 3, "after it", TO, 0)));
    line.to_send.push_back((4, message(CommandId::SUBMIT_SM, 4, "another's", "6591111111", 0)));
    line.to_send.push_back((5, part(Dress::Udh8, 5, TO, 0, b"second half", 7, 2, 2)));
    carrier.run();
    let order: Vec<u32> = carrier.told.iter().map(|t| t.sequence_number).collect();
    assert_eq!(order, [4, 2, 5, 3]);
    assert_eq!(got(&carrier, TO), ["first half ", "second half", "after it"]);
}

#[test]
fn an_unbind_waits_for_what_is_held() {
    let mut carrier = one(10);
    let line = &mut carrier.lines[0];
    line.to_send.push_back((2, part(Dress::Udh8, 2, TO, 0, b"only half ", 7, 2, 1)));
    let mut unbind = Vec::new();
    wire::header_only(&mut unbind, CommandId::UNBIND, 3);
    while !carrier.lines[0].to_send.is_empty() {
        let (number, pdu) = carrier.lines[0].to_send.pop_front().unwrap();
        let now = carrier.now;
        carrier.lines[0].sent_at.insert(number, now);
        carrier.hand(0, tapis::session::Leg::Esme, &pdu);
    }
    carrier.hand(0, tapis::session::Leg::Esme, &unbind);
    assert!(carrier.told.is_empty());
    carrier.sleep(Duration::from_millis(900));
    assert_eq!(actions(&carrier), [Action::Pass]);
    assert_eq!(got(&carrier, TO), ["only half "]);
}

#[test]
fn parts_to_many_are_judged_with_what_each_has_got() {
    let mut carrier = one(10);
    let mut pdus = Vec::new();
    for (n, (number, text)) in [(1, "block"), (2, "me")].into_iter().enumerate() {
        let mut out = Vec::new();
        wire::pdu(&mut out, CommandId::SUBMIT_MULTI, CommandStatus::ESME_ROK, u32::try_from(n).unwrap() + 2, |out| {
            out.extend_from_slice(b"\0\x05\0SHOP\0\x02");
            for to in [TO, "66812345678"] {
                out.extend_from_slice(&[1, 1, 1]);
                wire::c_octet_string(out, to.as_bytes());
            }
            out.extend_from_slice(&[0x40, 0, 0, 0, 0, 0, 0, 0, 0]);
            let octets = [&[5, 0, 3, 9, 2, number][..], text.as_bytes()].concat();
            out.push(u8::try_from(octets.len()).unwrap());
            out.extend_from_slice(&octets);
        });
        pdus.push(out);
    }
    // The second recipient got his first part alone.
    carrier.hand(0, tapis::session::Leg::Esme, &pdus[0]);
    carrier.hand(0, tapis::session::Leg::Esme, &pdus[1]);
    assert_eq!(actions(&carrier), [Action::Pass, Action::Pass, Action::Block, Action::Block]);
    let single = part(Dress::Udh8, 9, TO, 0, b"me", 9, 2, 2);
    let mut carrier = one(10);
    carrier.hand(0, tapis::session::Leg::Esme, &pdus[0]);
    carrier.hand(0, tapis::session::Leg::Esme, &single);
    assert_eq!(actions(&carrier), [Action::Pass, Action::Pass, Action::Block]);
}

#[test]
fn a_flood_of_first_parts_stays_within_its_limit() {
    let mut settings = settings();
    settings.parts.keeping.octets_max = 100_000;
    settings.bounds.leg_octets_max = 256 * 1024;
    let mut carrier = Carrier::new(3, settings, policy(RULES), &[100_000]);
    for n in 0..5_000_u32 {
        let to = format!("65{n:08}");
        let pdu = part(Dress::Udh16, n + 2, &to, 0, &[b'x'; 140], 1, 200, 1);
        carrier.hand(0, tapis::session::Leg::Esme, &pdu);
        carrier.lines[0].sent_at.insert(n + 2, carrier.now);
        assert!(carrier.lines[0].gate.held(tapis::session::Leg::Esme) <= tapis::limits::HELD_MAX + 1);
    }
    carrier.sleep(Duration::from_secs(2));
    assert_eq!(carrier.told.len(), 5_000);
    assert!(carrier.parts_octets_most <= 101_000, "{}", carrier.parts_octets_most);
}

#[test]
fn a_flood_behind_a_held_part_stays_within_its_limit() {
    let mut settings = settings();
    settings.bounds.leg_octets_max = 256 * 1024;
    let mut carrier = Carrier::new(3, settings, policy(RULES), &[100_000]);
    let mut numbers = Vec::new();
    for n in 2..3_000_u32 {
        let pdu = match n % 7 {
            // Each reference is another message, and none of them is ever whole.
            0..=2 => part(Dress::Udh16, n, TO, 0, b"half", u16::try_from(n).unwrap(), 2, 1),
            _ => message(CommandId::SUBMIT_SM, n, &format!("hello no {n}"), TO, 0),
        };
        let first = if n == 2 { part(Dress::Udh8, n, TO, 0, b"first", 7, 2, 1) } else { pdu };
        carrier.hand(0, tapis::session::Leg::Esme, &first);
        carrier.lines[0].sent_at.insert(n, carrier.now);
        numbers.push(n);
        assert!(carrier.lines[0].gate.held(tapis::session::Leg::Esme) <= tapis::limits::HELD_MAX + 1, "{n}");
    }
    carrier.sleep(Duration::from_secs(2));
    let told: Vec<u32> = carrier.told.iter().map(|t| t.sequence_number).collect();
    assert!(told == numbers, "their order is kept");
}

#[test]
fn singles_are_joined_where_the_operator_wants_it() {
    use Action::{Block, Pass};
    for (within, wanted) in [(None, [Pass, Pass]), (Some(Duration::from_secs(30)), [Pass, Block])] {
        let mut settings = settings();
        settings.parts = Parts {
            keeping: tapis::account::Keeping { join_singles: within, ..settings.parts.keeping },
            ..settings.parts
        };
        let mut carrier = Carrier::new(4, settings, policy(RULES), &[10]);
        for (number, text) in [(2, "please block"), (3, "me today")] {
            carrier.lines[0].to_send.push_back((number, message(CommandId::SUBMIT_SM, number, text, TO, 0)));
        }
        carrier.run();
        assert_eq!(actions(&carrier), wanted);
        carrier.sleep(Duration::from_secs(60));
    }
}
