//! Peers as they are met, and worse: PDUs cut and glued, odd and empty bodies, numbers used twice, connections half closed,
//! and octets that are no SMPP at all.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, EsmClass, InterfaceVersion, RegisteredDelivery, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

use crate::node::{Folder, Node, RULES, journal, until};
use crate::peer::{OK, Pdu, Peer, Smsc, bind, bound, submit};

const TRX: CommandId = CommandId::BIND_TRANSCEIVER;

fn mo(out: &mut Vec<u8>, number: u32, text: &str) {
    let sm = Sm {
        source: Address::of_writing("+6591234567"),
        destination: Address::of_writing("4488"),
        short_message: text.as_bytes(),
        ..Sm::default()
    };
    wire::deliver_sm(out, number, &sm);
}

/// Everything up to the end of the connection, each unbind answered.
fn rest(peer: &mut Peer) -> Vec<Pdu> {
    let mut all = Vec::new();
    while let Some(pdu) = peer.receive() {
        if pdu.id() == CommandId::UNBIND {
            peer.answer(&pdu, OK, None);
        }
        all.push(pdu);
    }
    all
}

/// An SMSC that answers everything until an unbind, and what it got.
fn serve(centre: &mut Peer) -> Vec<Pdu> {
    let mut all = Vec::new();
    while let Some(pdu) = centre.receive() {
        let body = (pdu.id() == CommandId::SUBMIT_SM).then_some(&b"id"[..]);
        if !pdu.id().is_response() {
            centre.answer(&pdu, OK, body);
        }
        let last = pdu.id() == CommandId::UNBIND;
        all.push(pdu);
        if last {
            break;
        }
    }
    all
}

fn numbers(pdus: &[Pdu], id: CommandId) -> Vec<u32> {
    pdus.iter().filter(|p| p.id() == id).map(Pdu::number).collect()
}

#[test]
fn a_whole_session_in_one_segment_or_in_single_octets() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    for chunk in [usize::MAX, 1, 3, 17] {
        let mut octets = Vec::new();
        bind(&mut octets, TRX, 1, "acme");
        for (n, text) in (2..).zip(["hello", "tapisblock", "world", "tapistag"]) {
            submit(&mut octets, n, text, 0);
        }
        wire::header_only(&mut octets, CommandId::ENQUIRE_LINK, 6);
        wire::header_only(&mut octets, CommandId::UNBIND, 7);
        let mut esme = Peer::connect(&node.smpp);
        for piece in octets.chunks(chunk.min(octets.len())) {
            esme.send(piece);
        }
        let mut centre = smsc.accept();
        let asked = centre.expect(TRX);
        centre.answer(&asked, OK, Some(b"smsc"));
        let got = serve(&mut centre);
        assert_eq!(got.iter().map(Pdu::number).collect::<Vec<_>>(), [2, 4, 5, 6, 7], "in order, {chunk} at a time");
        drop(centre);
        let said = rest(&mut esme);
        assert_eq!(said[0].id(), TRX.response());
        let mut answered = numbers(&said, CommandId::SUBMIT_SM_RESP);
        answered.sort_unstable();
        assert_eq!(answered, [2, 3, 4, 5]);
        assert_eq!(numbers(&said, CommandId::ENQUIRE_LINK_RESP), [6]);
        assert_eq!(numbers(&said, CommandId::UNBIND_RESP), [7]);
    }
}

#[test]
fn what_is_sent_behind_a_refused_bind_is_answered_here() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let mut esme = Peer::connect(&node.smpp);
    esme.write(|out| {
        bind(out, TRX, 1, "acme");
        submit(out, 2, "hello", 0);
        wire::header_only(out, CommandId::UNBIND, 3);
    });
    let mut centre = smsc.accept();
    let asked = centre.expect(TRX);
    centre.answer(&asked, CommandStatus::ESME_RINVPASWD, None);
    assert_eq!(esme.expect(TRX.response()).status(), CommandStatus::ESME_RINVPASWD);
    let refused = esme.expect(CommandId::SUBMIT_SM_RESP);
    assert_eq!((refused.number(), refused.status()), (2, CommandStatus::ESME_RINVBNDSTS));
    assert_eq!(esme.expect(CommandId::UNBIND_RESP).number(), 3);
    assert!(rest(&mut esme).is_empty() && rest(&mut centre).is_empty(), "and both connections end");
}

#[test]
fn an_esme_that_stops_sending_still_gets_its_answers() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    for n in 2..6 {
        esme.submit(n, "hello");
    }
    esme.0.shutdown(Shutdown::Write).unwrap();
    let got = serve(&mut centre);
    assert_eq!(numbers(&got, CommandId::SUBMIT_SM), [2, 3, 4, 5]);
    drop(centre);
    assert_eq!(numbers(&rest(&mut esme), CommandId::SUBMIT_SM_RESP), [2, 3, 4, 5]);
    node.stop();
    let in_doubt = journal(&folder.0).iter().filter(|r| r["outcome"] == "lost-in-doubt").count();
    assert_eq!(in_doubt, 0);
}

#[test]
fn answers_of_an_smsc_that_cuts_the_connection_come_home() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    for round in 0..40 {
        let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
        for n in 2..12 {
            esme.submit(n, "hello");
        }
        for _ in 0..10 {
            let got = centre.expect(CommandId::SUBMIT_SM);
            centre.answer(&got, OK, Some(b"id"));
        }
        // More comes that it does not read: its end of the connection is reset, not closed.
        for n in 12..40 {
            esme.submit(n, "more");
        }
        drop(centre);
        let mut answered = 0;
        loop {
            // The ESME's own writes may find the connection gone; what was sent to it can be read all the same.
            match esme.receive() {
                Some(pdu) if pdu.id() == CommandId::SUBMIT_SM_RESP => answered += 1,
                Some(pdu) => assert_eq!(pdu.id(), CommandId::UNBIND),
                None => break,
            }
        }
        assert_eq!(answered, 10, "round {round}");
    }
}

#[test]
fn odd_and_empty_bodies_pass_as_they_are() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    // A bind response without a body.
    let mut esme = Peer::connect(&node.smpp);
    esme.write(|out| bind(out, TRX, 1, "acme"));
    let mut centre = smsc.accept();
    let asked = centre.expect(TRX);
    centre.answer(&asked, OK, None);
    assert_eq!(esme.expect(TRX.response()).octets.len(), 16);
    let bodies: [(CommandStatus, &[u8]); 9] = [
        (OK, b""),
        (OK, b"\0"),
        (OK, b"id without its end"),
        (OK, b"id\0\0"),
        (OK, b"id\0garbage"),
        (OK, b"an id that is much longer than the sixty-four octets which the standard has for it, as some write\0"),
        (CommandStatus::ESME_RTHROTTLED, b"id\0"),
        (CommandStatus::ESME_RSYSERR, b""),
        (CommandStatus(0x0000_0555), b"\0\x14\0\0\x01x"),
    ];
    for (number, (status, body)) in (2..).zip(bodies) {
        for text in ["hello", "tapistag"] {
            esme.submit(number, text);
            let got = centre.expect(CommandId::SUBMIT_SM);
            let mut answer = Vec::new();
            wire::pdu(&mut answer, CommandId::SUBMIT_SM_RESP, status, got.number(), |out| out.extend_from_slice(body));
            centre.send(&answer);
            assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).octets, answer);
        }
        // And back: the ESME's answers to messages.
        centre.write(|out| mo(out, number, "hi"));
        let got = esme.expect(CommandId::DELIVER_SM);
        let mut answer = Vec::new();
        wire::pdu(&mut answer, CommandId::DELIVER_SM_RESP, status, got.number(), |out| out.extend_from_slice(body));
        esme.send(&answer);
        assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).octets, answer);
    }
}

#[test]
fn every_sequence_number_is_good_and_both_sides_may_use_the_same() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    for number in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
        for text in ["hello", "tapisblock", "tapistag", "tapisswallow"] {
            esme.submit(number, text);
            centre.write(|out| mo(out, number, text));
            let passes = matches!(text, "hello" | "tapistag");
            if passes {
                let got = centre.expect(CommandId::SUBMIT_SM);
                assert_eq!(got.number(), number);
                let mo = esme.expect(CommandId::DELIVER_SM);
                esme.answer(&mo, OK, Some(b""));
                assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).number(), number);
                centre.answer(&got, OK, Some(b"id"));
            } else {
                assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).number(), number);
            }
            assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).number(), number);
        }
    }
}

#[test]
fn an_answer_follows_the_version_of_the_bind() {
    const RULES: &str = r#"
rules:
  - { id: blocked-word, category: other, about: a word, action: block, when: { text: { words: [tapisblock] } } }
  - { id: marked-word, category: other, about: a word, action: tag, tag: marked, when: { text: { words: [tapistag] } } }
tags:
  marked: { tlv: { tag: "0x1500", value: spam } }
"#;
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let v = |n| Some(InterfaceVersion(n));
    // The bind's version, the SMSC's in its response, octets of a refusal, and whether a TLV may be added.
    for (asked, given, octets, tlv) in [
        (0x33, None, 16, false),
        (0x33, v(0x34), 16, false),
        (0x00, None, 16, false),
        (0x34, None, 16, true),
        (0x34, v(0x33), 16, false),
        (0x34, v(0x50), 16, true),
        (0x50, v(0x34), 16, true),
        (0x50, v(0x50), 17, true),
    ] {
        let mut esme = Peer::connect(&node.smpp);
        esme.write(|out| {
            wire::pdu(out, TRX, OK, 1, |out| {
                out.extend_from_slice(b"acme\0pw\0\0");
                out.extend_from_slice(&[asked, 0, 0, 0]);
            });
        });
        let mut centre = smsc.accept();
        let request = centre.expect(TRX);
        let mut answer = Vec::new();
        wire::pdu(&mut answer, TRX.response(), OK, request.number(), |out| {
            out.extend_from_slice(b"smsc\0");
            if let Some(version) = given {
                wire::tlv(out, Tag::SC_INTERFACE_VERSION, &[version.0]);
            }
        });
        centre.send(&answer);
        assert_eq!(esme.expect(TRX.response()).octets, answer, "byte for byte, TLVs on 3.3 too");
        esme.submit(2, "tapisblock");
        assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).octets.len(), octets, "{asked:#x} {given:?}");
        esme.submit(3, "tapistag");
        let got = centre.expect(CommandId::SUBMIT_SM);
        assert_eq!(got.sm().tlvs.get(Tag(0x1500)), tlv.then_some(&b"spam"[..]), "{asked:#x} {given:?}");
    }
}

#[test]
fn what_is_no_message_passes_both_ways() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    // alert_notification and outbind have no answer; a vendor's own command has one that nobody can match.
    let mut notices = Vec::new();
    wire::pdu(&mut notices, CommandId::ALERT_NOTIFICATION, OK, 7, |out| {
        out.extend_from_slice(b"\x01\x01659\0\0\0ESME\0")
    });
    wire::pdu(&mut notices, CommandId::OUTBIND, OK, 8, |out| out.extend_from_slice(b"smsc\0pw\0"));
    wire::pdu(&mut notices, CommandId(0x0001_0200), OK, 9, |out| out.extend_from_slice(b"whatever"));
    centre.send(&notices);
    let mut got = Vec::new();
    for id in [CommandId::ALERT_NOTIFICATION, CommandId::OUTBIND, CommandId(0x0001_0200)] {
        got.extend(esme.expect(id).octets);
    }
    assert_eq!(got, notices);
    esme.write(|out| wire::pdu(out, CommandId(0x8001_0200), OK, 9, |out| out.extend_from_slice(b"so what")));
    assert_eq!(&centre.expect(CommandId(0x8001_0200)).octets[16..], b"so what");
    // A generic_nack answers whatever has its number, and then that is answered.
    esme.submit(20, "hello");
    let asked = centre.expect(CommandId::SUBMIT_SM);
    for _ in 0..2 {
        centre.write(|out| {
            wire::response(out, CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDID, asked.number(), None);
            wire::response(out, CommandId::SUBMIT_SM_RESP, OK, asked.number(), Some(b"id"));
        });
    }
    let nack = esme.expect(CommandId::GENERIC_NACK);
    assert_eq!((nack.number(), nack.status()), (20, CommandStatus::ESME_RINVCMDID));
    // Answers to nothing are not passed on, and harm nobody.
    esme.write(|out| {
        wire::response(out, CommandId::DELIVER_SM_RESP, OK, 77, Some(b""));
        wire::response(out, CommandId::SUBMIT_SM_RESP, OK, 78, Some(b"id"));
        wire::header_only(out, CommandId::ENQUIRE_LINK, 21);
    });
    let asked = centre.expect(CommandId::ENQUIRE_LINK);
    centre.answer(&asked, OK, None);
    let mut next = esme.expect_any();
    // (Nobody can tell whom a second generic_nack was for.)
    while next.id() == CommandId::GENERIC_NACK {
        next = esme.expect_any();
    }
    assert_eq!((next.id(), next.number()), (CommandId::ENQUIRE_LINK_RESP, 21));
}

#[test]
fn the_largest_messages_pass_and_are_read_to_their_end() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let payload = |number: u32, text: &[u8], before: bool| {
        let mut tlvs = Vec::new();
        wire::tlv(&mut tlvs, Tag(0x1401), b"a vendor's own");
        wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, text);
        if !before {
            tlvs.rotate_left(18);
        }
        let sm = Sm {
            source: Address::of_writing("INFO"),
            destination: Address::of_writing("+6591234567"),
            tlvs: Tlvs::new(&tlvs),
            ..Sm::default()
        };
        let mut out = Vec::new();
        wire::sm(&mut out, CommandId::SUBMIT_SM, number, &sm);
        out
    };
    let harmless = "lorem ipsum ".repeat(6_000).into_bytes();
    for before in [true, false] {
        for length in [0xffff, 0xfffe, 0x8000, 256, 255, 254, 1] {
            let mut text = harmless[..length].to_vec();
            let pdu = payload(2, &text, before);
            esme.send(&pdu);
            let got = centre.expect(CommandId::SUBMIT_SM);
            assert_eq!(got.octets, pdu);
            centre.answer(&got, OK, Some(b"id"));
            assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), OK);
            if let Some(at) = length.checked_sub(11) {
                text[at..].copy_from_slice(b" tapisblock");
                esme.send(&payload(3, &text, before));
                assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), CommandStatus::ESME_RINVSRCADR, "{length}");
            }
        }
    }
    // 255 octets of short_message, one more than 3.4 allows.
    for text in [format!("{:.<255}", "hello"), format!("{:.>255}", " tapisblock")] {
        esme.submit(4, &text);
        if text.starts_with("hello") {
            let got = centre.expect(CommandId::SUBMIT_SM);
            assert_eq!(got.sm().short_message.len(), 255);
            centre.answer(&got, OK, Some(b"id"));
        }
        let answer = esme.expect(CommandId::SUBMIT_SM_RESP);
        assert_eq!(answer.status() == OK, text.starts_with("hello"));
    }
}

#[test]
fn a_body_that_lies_about_its_lengths_is_refused_and_the_next_is_read() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let mut whole = Vec::new();
    submit(&mut whole, 2, "tapisblock", 0);
    let length_at = whole.len() - 11;
    for length in [0, 1, 9, 11, 200, 255] {
        let mut lying = whole.clone();
        lying[length_at] = length;
        esme.send(&lying);
        let answer = esme.expect(CommandId::SUBMIT_SM_RESP);
        assert_eq!((answer.number(), answer.status()), (2, CommandStatus::ESME_RSUBMITFAIL), "sm_length {length}");
    }
    for (number, end) in (10..).zip(16..whole.len()) {
        // Cut at every octet, with a true command_length.
        let mut cut = whole[..end].to_vec();
        cut[..4].copy_from_slice(&(end as u32).to_be_bytes());
        cut[12..16].copy_from_slice(&u32::to_be_bytes(number));
        esme.send(&cut);
        let answer = esme.expect(CommandId::SUBMIT_SM_RESP);
        assert!(answer.number() == number && answer.status() != OK, "cut at {end}");
    }
    // The same from the SMSC is refused in its words.
    centre.write(|out| wire::pdu(out, CommandId::DELIVER_SM, OK, 5, |out| out.extend_from_slice(b"\0\x01\x01659")));
    let answer = centre.expect(CommandId::DELIVER_SM_RESP);
    assert_eq!((answer.number(), answer.status()), (5, CommandStatus::ESME_RX_R_APPN));
    esme.submit(99, "hello");
    assert_eq!(centre.expect(CommandId::SUBMIT_SM).number(), 99, "nothing else came to the SMSC");
}

#[test]
fn an_unbind_waits_for_nobody_and_loses_nothing() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    esme.write(|out| {
        submit(out, 2, "hello", 0);
        submit(out, 3, "world", 0);
        wire::header_only(out, CommandId::UNBIND, 4);
    });
    let first = centre.expect(CommandId::SUBMIT_SM);
    let second = centre.expect(CommandId::SUBMIT_SM);
    let unbind = centre.expect(CommandId::UNBIND);
    // A message of a subscriber crosses the unbind: it reaches the ESME, which has not gone yet.
    centre.write(|out| mo(out, 5, "crossing"));
    let crossing = esme.expect(CommandId::DELIVER_SM);
    esme.answer(&crossing, OK, Some(b""));
    assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).status(), OK);
    // And it is judged like any other.
    centre.write(|out| mo(out, 6, "tapisblock"));
    assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).status(), CommandStatus::ESME_RX_R_APPN);
    // The answers come out of order, one of them behind the answer to the unbind.
    centre.answer(&second, OK, Some(b"id3"));
    centre.answer(&unbind, OK, None);
    centre.answer(&first, OK, Some(b"id2"));
    let said: Vec<_> = (0..3).map(|_| esme.expect_any()).map(|p| (p.id(), p.number())).collect();
    let resp = CommandId::SUBMIT_SM_RESP;
    assert_eq!(said, [(resp, 3), (CommandId::UNBIND_RESP, 4), (resp, 2)]);
    // The same connection may bind again, as another account.
    esme.write(|out| bind(out, CommandId::BIND_TRANSMITTER, 5, "other"));
    let asked = centre.expect(CommandId::BIND_TRANSMITTER);
    centre.answer(&asked, OK, Some(b"smsc"));
    assert_eq!(esme.expect(CommandId::BIND_TRANSMITTER_RESP).status(), OK);
    esme.submit(6, "hello");
    let got = centre.expect(CommandId::SUBMIT_SM);
    centre.answer(&got, OK, Some(b"id"));
    esme.expect(CommandId::SUBMIT_SM_RESP);
    drop((esme, centre));
    until("messages are counted for the account that sent them", || {
        node.metric("tapis_messages_total", &["\"acme\"", "\"mt\""]) == 2
            && node.metric("tapis_messages_total", &["\"other\"", "\"mt\""]) == 1
    });
}

#[test]
fn a_message_that_overtakes_the_answer_to_the_bind_is_to_be_sent_again() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let mut esme = Peer::connect(&node.smpp);
    esme.write(|out| bind(out, TRX, 1, "acme"));
    let mut centre = smsc.accept();
    let asked = centre.expect(TRX);
    // Nobody is bound yet, so nobody can be asked: a temporary error, that the SMSC may try again.
    centre.write(|out| mo(out, 5, "early"));
    let answer = centre.expect(CommandId::DELIVER_SM_RESP);
    assert_eq!((answer.number(), answer.status()), (5, CommandStatus::ESME_RX_T_APPN));
    // Behind the answer, in the same segment, it is a message like any other.
    centre.write(|out| {
        wire::response(out, TRX.response(), OK, asked.number(), Some(b"smsc"));
        mo(out, 6, "in time");
    });
    esme.expect(TRX.response());
    assert_eq!(esme.expect(CommandId::DELIVER_SM).sm().short_message, b"in time");
}

#[test]
fn a_peer_that_never_answers_ends_no_session_and_one_that_never_unbinds_does() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let timers = "response: 300ms, drain: 3s, linger: 300ms";
    let config = format!("timers: {{ {timers} }}\n");
    let node = Node::start_with(&folder, &[smsc.address()], RULES, &config);
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    // Neither side answers a message: both are told in the journal, the session goes on, and a late answer comes home.
    esme.submit(2, "hello");
    let late = centre.expect(CommandId::SUBMIT_SM);
    centre.write(|out| mo(out, 3, "hi"));
    esme.expect(CommandId::DELIVER_SM);
    let lost = || journal(&folder.0).iter().filter(|r| r["outcome"] == "lost-in-doubt").count();
    until("what is not answered in time is told", || lost() == 2);
    centre.answer(&late, OK, Some(b"id"));
    assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).number(), 2);
    // The SMSC does not answer the unbind: after its time both connections end.
    esme.write(|out| wire::header_only(out, CommandId::UNBIND, 4));
    centre.expect(CommandId::UNBIND);
    let start = Instant::now();
    assert!(rest(&mut esme).is_empty() && rest(&mut centre).is_empty());
    assert!(start.elapsed() < Duration::from_secs(10));
    until("the session is over", || node.metric("tapis_sessions", &[]) == 0);
}

#[test]
fn octets_that_are_no_smpp_end_their_own_connection_and_no_other() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let config = "timers: { session_init: 500ms, drain: 3s, linger: 300ms }\n";
    let node = Node::start_with(&folder, &[smsc.address()], RULES, config);
    let (mut good, mut centre) = bound(&node.smpp, &smsc, TRX, "good");
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let random: Vec<u8> = std::iter::repeat_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    })
    .take(10_000)
    .collect();
    let tls = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let garbage: [&[u8]; 9] = [
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
        &tls,
        &[0; 4096],
        &[0xff; 4096],
        &[0, 0, 0, 16],
        &[0, 0, 0, 17, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, b'x'],
        &[0, 0, 0, 15, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1],
        b"",
        &random,
    ];
    for octets in garbage {
        let mut bad = Peer::connect(&node.smpp);
        let _ = bad.0.write_all(octets);
        // Whatever is said to it, the connection ends.
        let mut said = Vec::new();
        let ended = bad.0.read_to_end(&mut said);
        assert!(
            ended.is_ok() || ended.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset),
            "{octets:02x?}"
        );
    }
    until("only the good session is left", || node.metric("tapis_sessions", &[]) == 1);
    good.submit(2, "hello");
    let got = centre.expect(CommandId::SUBMIT_SM);
    centre.answer(&got, OK, Some(b"id"));
    assert_eq!(good.expect(CommandId::SUBMIT_SM_RESP).status(), OK);
    assert_eq!(node.metric("tapis_session_panics_total", &[]), 0);
}

#[test]
fn receipts_are_known_in_every_dress_and_a_message_is_not_taken_for_one() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let text = "id:77AB sub:001 dlvrd:001 submit date:2611240102 done date:2611240103 stat:DELIVRD err:000 text:hello";
    let mut by_payload = Vec::new();
    wire::tlv(&mut by_payload, Tag::MESSAGE_PAYLOAD, text.as_bytes());
    let mut by_id = Vec::new();
    wire::tlv(&mut by_id, Tag::RECEIPTED_MESSAGE_ID, b"77AB\0");
    let upper = text.replacen("id:", "ID:", 1);
    let capital = text.replacen("id:", "Id:", 1);
    let (none, empty) = (EsmClass(0), &b""[..]);
    let receipts: [(EsmClass, &[u8], &[u8]); 8] = [
        (EsmClass::RECEIPT, text.as_bytes(), b""),
        (none, text.as_bytes(), b""),
        (EsmClass::RECEIPT, upper.as_bytes(), b""),
        (EsmClass::RECEIPT, capital.as_bytes(), b""),
        (EsmClass::RECEIPT, empty, &by_payload),
        (EsmClass::RECEIPT, empty, &by_id),
        (none, b"anything", &by_id),
        // An intermediate notification.
        (EsmClass(0x20), text.as_bytes(), b""),
    ];
    esme.submit(2, "tapistag");
    let tagged = centre.expect(CommandId::SUBMIT_SM);
    centre.answer(&tagged, OK, Some(b"77AB"));
    esme.expect(CommandId::SUBMIT_SM_RESP);
    for (number, (esm_class, short_message, tlvs)) in (10..).zip(receipts) {
        let sm = Sm {
            source: Address::of_writing("+6591234567"),
            destination: Address::of_writing("Likely-SCAM"),
            esm_class,
            short_message,
            tlvs: Tlvs::new(tlvs),
            ..Sm::default()
        };
        centre.write(|out| wire::deliver_sm(out, number, &sm));
        let got = esme.expect(CommandId::DELIVER_SM);
        assert_eq!(got.sm().destination.address, b"INFO", "receipt {number}");
        assert_eq!((got.sm().short_message, got.sm().tlvs.octets()), (short_message, tlvs));
        esme.answer(&got, OK, Some(b""));
        centre.expect(CommandId::DELIVER_SM_RESP);
    }
    // What a subscriber writes to look like one is judged.
    for (number, text) in (30..).zip(["id:1 stat:tapisblock", "id:1 tapisblock stat:DELIVRD", "ID:tapisblock stat:x"]) {
        centre.write(|out| mo(out, number, text));
        assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).status(), CommandStatus::ESME_RX_R_APPN, "{text}");
    }
    assert_eq!(node.metric("tapis_session_panics_total", &[]), 0);
}

#[test]
fn messages_in_the_wrong_direction_and_on_the_wrong_bind_are_judged_all_the_same() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    for id in [CommandId::BIND_RECEIVER, CommandId::BIND_TRANSMITTER] {
        let (mut esme, mut centre) = bound(&node.smpp, &smsc, id, "acme");
        // A receiver submits, a transmitter gets messages: whether they may is for the other side to say.
        esme.submit(2, "tapisblock");
        assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), CommandStatus::ESME_RINVSRCADR);
        esme.submit(3, "hello");
        let got = centre.expect(CommandId::SUBMIT_SM);
        centre.answer(&got, CommandStatus::ESME_RINVBNDSTS, None);
        assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), CommandStatus::ESME_RINVBNDSTS);
        centre.write(|out| mo(out, 4, "tapisblock"));
        assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).status(), CommandStatus::ESME_RX_R_APPN);
        // An ESME that delivers, and an SMSC that submits.
        esme.write(|out| mo(out, 5, "tapisblock"));
        assert!(esme.expect(CommandId::DELIVER_SM_RESP).status() != OK);
        centre.write(|out| submit(out, 6, "tapisblock", 0));
        assert!(centre.expect(CommandId::SUBMIT_SM_RESP).status() != OK);
    }
}

#[test]
fn a_bind_of_any_shape_is_for_the_smsc_to_refuse() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let long_password = [&b"acme\0"[..], &[b'p'; 40], b"\0\0\x34\0\0\0"].concat();
    let bodies: [&[u8]; 5] = [
        b"\0\0\0\x34\0\0\0",
        b"acme\0pw\0\0\x34\0\0\0\x14\x01\0\x03abc",
        b"acme\0pw\0\0\x34\0\0no end",
        b"acme\0",
        &long_password,
    ];
    for body in bodies {
        let mut esme = Peer::connect(&node.smpp);
        let mut pdu = Vec::new();
        wire::pdu(&mut pdu, TRX, OK, 1, |out| out.extend_from_slice(body));
        esme.send(&pdu);
        let mut centre = smsc.accept();
        let got = centre.expect(TRX);
        assert_eq!(got.octets, pdu);
        centre.answer(&got, CommandStatus::ESME_RBINDFAIL, None);
        assert_eq!(esme.expect(TRX.response()).status(), CommandStatus::ESME_RBINDFAIL);
    }
    // Whose system_id cannot be read has no SMSC to go to.
    for body in [&b""[..], b"no end", b"a system_id too long\0pw\0\0\x34\0\0\0"] {
        let mut esme = Peer::connect(&node.smpp);
        esme.write(|out| wire::pdu(out, TRX, OK, 1, |out| out.extend_from_slice(body)));
        assert_eq!(esme.expect(TRX.response()).status(), CommandStatus::ESME_RINVSYSID);
    }
}

#[test]
fn a_tagged_message_keeps_what_it_asks_for() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let mut tlvs = Vec::new();
    wire::tlv(&mut tlvs, Tag(0x1401), b"one");
    wire::tlv(&mut tlvs, Tag(0x1401), b"two");
    let sm = Sm {
        service_type: b"CMT",
        source: Address::of_writing("INFO"),
        destination: Address::of_writing("+6591234567"),
        protocol_id: 0x40,
        priority_flag: 3,
        schedule_delivery_time: b"261124010203000+",
        validity_period: b"000001000000000R",
        registered_delivery: RegisteredDelivery(1),
        replace_if_present_flag: 1,
        short_message: b"tapistag",
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    esme.write(|out| wire::sm(out, CommandId::SUBMIT_SM, 9, &sm));
    let got = centre.expect(CommandId::SUBMIT_SM);
    assert_eq!(got.number(), 9);
    let shown = got.sm();
    assert_eq!(shown.source.address, b"Likely-SCAM");
    assert_eq!(Sm { source: sm.source, ..shown }, sm, "nothing else is changed");
}

#[test]
fn messages_behind_a_part_follow_it_in_their_order_and_hold_nobody_else_up() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "parts: { hold: 400ms, quiet: 200ms }\n");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let sm = |to: &'static str, text: &'static [u8], parts: bool| Sm {
        source: Address::of_writing("INFO"),
        destination: Address::of_writing(to),
        esm_class: EsmClass(if parts { 0x40 } else { 0 }),
        short_message: text,
        ..Sm::default()
    };
    let (one, other) = ("+6591234567", "+6591234568");
    // Whether its second part comes, or never does.
    for whole in [true, false] {
        let first = if whole { b"\x05\x00\x03\x07\x02\x01first " } else { b"\x05\x00\x03\x08\x02\x01first " };
        let mut messages = vec![
            sm(one, first, true),
            sm(one, b"second", false),
            sm(other, b"goes by", false),
            sm(one, b"third", false),
            sm(one, b"fourth", false),
        ];
        if whole {
            messages.push(sm(one, b"\x05\x00\x03\x07\x02\x02last", true));
        }
        esme.write(|out| {
            for (number, message) in (2..).zip(&messages) {
                wire::sm(out, CommandId::SUBMIT_SM, number, message);
            }
        });
        let mut got = Vec::new();
        while got.len() < messages.len() {
            let pdu = centre.expect(CommandId::SUBMIT_SM);
            centre.answer(&pdu, OK, Some(b"id"));
            got.push(pdu.number());
        }
        assert_eq!(got[0], 4, "the other recipient's goes by");
        let between: Vec<u32> = got.into_iter().filter(|n| *n != 4).collect();
        let expected: &[u32] = if whole { &[2, 7, 3, 5, 6] } else { &[2, 3, 5, 6] };
        assert_eq!(between, expected);
        for _ in &messages {
            assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).status(), OK);
        }
        // The node is alive and well, and so is this session.
        esme.write(|out| wire::header_only(out, CommandId::ENQUIRE_LINK, 99));
        let asked = centre.expect(CommandId::ENQUIRE_LINK);
        centre.answer(&asked, OK, None);
        esme.expect(CommandId::ENQUIRE_LINK_RESP);
    }
}
