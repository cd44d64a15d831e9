//! What a carrier's acceptance test tries, with real sockets and a Tapis process.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::cast_possible_truncation,
    clippy::type_complexity,
    reason = "a test may fail loudly, and it may wait for other processes"
)]

mod counts;
mod hostile;
mod lists;
mod node;
mod peer;
mod served;
mod slowest;
mod storm;
mod tls;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use node::{Folder, Node, RULES, journal, until};
use peer::{OK, Pdu, Peer, Smsc, bind, bound, submit};
use tapis::session::Leg;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, EsmClass, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

const TRX: CommandId = CommandId::BIND_TRANSCEIVER;

/// The status of a reload.
fn reload(admin: &str) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(admin).unwrap();
    write!(stream, "POST /api/reload HTTP/1.1\r\nhost: tapis\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.get(9..12).unwrap().parse().unwrap()
}

fn receipt(out: &mut Vec<u8>, number: u32, from: &str, to: &str, message_id: &str) {
    let text = format!(
        "id:{message_id} sub:001 dlvrd:001 submit date:2611240102 done date:2611240103 stat:DELIVRD err:000 text:hello"
    );
    let mut tlvs = Vec::new();
    wire::tlv(&mut tlvs, Tag::RECEIPTED_MESSAGE_ID, format!("{message_id}\0").as_bytes());
    let sm = Sm {
        source: Address::of_writing(from),
        destination: Address::of_writing(to),
        esm_class: EsmClass::RECEIPT,
        short_message: text.as_bytes(),
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    wire::deliver_sm(out, number, &sm);
}

#[test]
fn receipts_of_a_transmitter_reach_the_receiver_of_its_account_under_its_own_sender() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut tx, mut smsc_tx) = bound(&node.smpp, &smsc, CommandId::BIND_TRANSMITTER, "acme");
    let (mut rx, mut smsc_rx) = bound(&node.smpp, &smsc, CommandId::BIND_RECEIVER, "acme");
    tx.write(|out| submit(out, 2, "hello tapistag", 1));
    let tagged = smsc_tx.expect(CommandId::SUBMIT_SM);
    assert_eq!(tagged.sm().source.address, b"Likely-SCAM");
    smsc_tx.answer(&tagged, OK, Some(b"77AB\0"));
    assert_eq!(tx.expect(CommandId::SUBMIT_SM_RESP).message_id(), b"77AB");
    smsc_rx.write(|out| receipt(out, 9, "+6591234567", "Likely-SCAM", "77AB"));
    let got = rx.expect(CommandId::DELIVER_SM);
    assert_eq!(got.sm().destination.address, b"INFO", "the receipt goes to the sender that the ESME wrote");
    rx.answer(&got, OK, Some(b"\0"));
    assert_eq!(smsc_rx.expect(CommandId::DELIVER_SM_RESP).number(), 9);

    // A swallowed message is answered and gets its receipt, on the receiver.
    tx.write(|out| submit(out, 3, "tapisswallow", 1));
    let answer = tx.expect(CommandId::SUBMIT_SM_RESP);
    assert_eq!((answer.status(), answer.number()), (OK, 3));
    let own = String::from_utf8(answer.message_id().to_vec()).unwrap();
    let got = rx.expect(CommandId::DELIVER_SM);
    let text = String::from_utf8(got.sm().short_message.to_vec()).unwrap();
    assert!(text.starts_with(&format!("id:{own} ")) && text.contains("stat:REJECTD"), "{text}");

    // A receipt that comes after a restart is still known.
    tx.write(|out| submit(out, 4, "again tapistag", 1));
    let tagged = smsc_tx.expect(CommandId::SUBMIT_SM);
    smsc_tx.answer(&tagged, OK, Some(b"77AC\0"));
    tx.expect(CommandId::SUBMIT_SM_RESP);
    // (The snapshot writes a message_id as its octets, in small letters.)
    let remembered = || std::fs::read_to_string(folder.0.join("state/remembered.jsonl")).unwrap_or_default();
    until("what is tagged is on the disk", || remembered().contains("[55,55,97,99]"));
    node.kill();
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut rx, mut smsc_rx) = bound(&node.smpp, &smsc, CommandId::BIND_RECEIVER, "acme");
    smsc_rx.write(|out| receipt(out, 1, "+6591234567", "Likely-SCAM", "77AC"));
    assert_eq!(rx.expect(CommandId::DELIVER_SM).sm().destination.address, b"INFO");

    // And so is one that comes after Tapis was stopped as it should be, at once behind the message.
    let (mut tx, mut smsc_tx) = bound(&node.smpp, &smsc, CommandId::BIND_TRANSMITTER, "acme");
    tx.write(|out| submit(out, 5, "once more tapistag", 1));
    let tagged = smsc_tx.expect(CommandId::SUBMIT_SM);
    smsc_tx.answer(&tagged, OK, Some(b"77AD\0"));
    tx.expect(CommandId::SUBMIT_SM_RESP);
    drop((tx, rx));
    let node = node.restart(&folder);
    let (mut rx, mut smsc_rx) = bound(&node.smpp, &smsc, CommandId::BIND_RECEIVER, "acme");
    smsc_rx.write(|out| receipt(out, 1, "+6591234567", "Likely-SCAM", "77AD"));
    assert_eq!(rx.expect(CommandId::DELIVER_SM).sm().destination.address, b"INFO");
}

#[test]
fn a_window_of_one_each_way() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "limits: { outstanding: 1 }\n");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    for n in 0..20_u32 {
        let word = ["hello", "tapistag", "tapisblock"][n as usize % 3];
        esme.submit(n + 2, word);
        if word != "tapisblock" {
            let got = centre.expect(CommandId::SUBMIT_SM);
            centre.answer(&got, OK, Some(b"1\0"));
        }
        let answer = esme.expect(CommandId::SUBMIT_SM_RESP);
        assert_eq!(answer.number(), n + 2);
        let refused = answer.status() == CommandStatus::ESME_RINVSRCADR;
        assert_eq!(refused, word == "tapisblock");
        let sm = Sm {
            source: Address::of_writing("+6591234567"),
            destination: Address::of_writing("4488"),
            short_message: b"yes",
            ..Sm::default()
        };
        centre.write(|out| wire::deliver_sm(out, n + 100, &sm));
        let mo = esme.expect(CommandId::DELIVER_SM);
        esme.answer(&mo, OK, Some(b"\0"));
        assert_eq!(centre.expect(CommandId::DELIVER_SM_RESP).number(), n + 100);
    }
}

#[test]
fn sequence_numbers_reused_while_outstanding_are_answered_once_each() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    for text in ["one", "two", "tapisblock", "three"] {
        esme.submit(7, text);
    }
    let mut answers = vec![];
    for _ in 0..3 {
        let got = centre.expect(CommandId::SUBMIT_SM);
        centre.answer(&got, OK, Some(b"1\0"));
    }
    for _ in 0..4 {
        let answer = esme.expect(CommandId::SUBMIT_SM_RESP);
        assert_eq!(answer.number(), 7);
        answers.push(answer.status());
    }
    answers.sort();
    assert_eq!(answers, [OK, OK, OK, CommandStatus::ESME_RINVSRCADR]);
}

#[test]
fn enquire_link_is_answered_under_backpressure() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "limits: { outstanding: 1000000 }\n");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    // The SMSC does not read; the ESME writes until nothing more is taken.
    let (written, stalled) = (AtomicU32::new(0), AtomicBool::new(false));
    let (answer, answers) = std::sync::mpsc::sync_channel(1);
    let mut writer = Peer::new(esme.0.try_clone().unwrap());
    thread::scope(|scope| {
        let (written, stalled) = (&written, &stalled);
        scope.spawn(move || {
            let mut tlvs = Vec::new();
            wire::tlv(&mut tlvs, Tag(0x1401), &[b'x'; 8_000]);
            let sm = Sm { short_message: b"hello", tlvs: Tlvs::new(&tlvs), ..Sm::default() };
            while !stalled.load(Ordering::Relaxed) {
                let number = written.load(Ordering::Relaxed) + 10;
                writer.write(|out| wire::sm(out, CommandId::SUBMIT_SM, number, &sm));
                written.store(number - 9, Ordering::Relaxed);
            }
            writer.write(|out| wire::header_only(out, CommandId::ENQUIRE_LINK, 1));
            let asked: Pdu = answers.recv().unwrap();
            writer.answer(&asked, OK, None);
        });
        let mut before = 0;
        until("backpressure reaches the ESME", || {
            thread::sleep(Duration::from_millis(300));
            let now = written.load(Ordering::Relaxed);
            now > 0 && std::mem::replace(&mut before, now) == now
        });
        // The SMSC asks meanwhile; the ESME's answer stands behind all that it has written.
        centre.write(|out| wire::header_only(out, CommandId::ENQUIRE_LINK, 5));
        let asked = esme.expect(CommandId::ENQUIRE_LINK);
        assert_eq!(asked.number(), 5);
        answer.send(asked).unwrap();
        stalled.store(true, Ordering::Relaxed);
        // Then it reads: everything comes, in order, and everything is answered.
        let mut number = 9;
        loop {
            let pdu = centre.receive().unwrap();
            match pdu.id() {
                CommandId::SUBMIT_SM => {
                    number += 1;
                    assert_eq!(pdu.number(), number);
                    centre.answer(&pdu, OK, Some(b"1"));
                }
                CommandId::ENQUIRE_LINK => centre.answer(&pdu, OK, None),
                _ => break assert_eq!((pdu.id(), pdu.number()), (CommandId::ENQUIRE_LINK_RESP, 5)),
            }
        }
        for expected in 10..=number {
            assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).number(), expected);
        }
        assert_eq!(esme.expect(CommandId::ENQUIRE_LINK_RESP).number(), 1);
        assert_eq!(number - 9, written.load(Ordering::Relaxed));
    });
}

#[test]
fn an_esme_that_dies_mid_window_binds_again_at_once() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    for round in 0..5 {
        for n in 0..10 {
            esme.submit(n + 2, "hello");
        }
        centre.expect(CommandId::SUBMIT_SM);
        drop(esme);
        let died = Instant::now();
        esme = Peer::connect(&node.smpp);
        esme.write(|out| bind(out, TRX, 1, "acme"));
        // The stale bind goes away by itself, though its messages are unanswered: what was sent is delivered, then the SMSC
        // sees an unbind at once. So the new bind finds no old one in its way.
        for n in 1..10 {
            assert_eq!(centre.expect(CommandId::SUBMIT_SM).number(), n + 2, "round {round}");
        }
        let unbind = centre.expect(CommandId::UNBIND);
        assert!(died.elapsed() < Duration::from_secs(1), "round {round}: {:?}", died.elapsed());
        centre.answer(&unbind, OK, None);
        assert!(centre.receive().is_none());
        centre = smsc.accept_bind();
        assert_eq!(esme.expect(TRX.response()).status(), OK);
    }
    drop((esme, centre));
    until("messages are counted", || node.metric("tapis_messages_total", &["acme", "pass"]) == 50);
    node.stop();
    let in_doubt = journal(&folder.0).iter().filter(|r| r["outcome"] == "lost-in-doubt").count();
    assert_eq!(in_doubt, 50, "what was never answered is written down as lost in doubt");
}

#[test]
fn five_hundred_esmes_reconnect_together() {
    let folder = Folder::new();
    let (runtime, smsc, address) = counts::sim_smsc();
    let node = Node::start(&folder, &[address], RULES, "");
    for _ in 0..2 {
        let loads = (0..500).map(|n| counts::load(&node.smpp, &format!("esme-{n}"), 2, 4)).collect();
        let report = runtime.block_on(counts::run(loads, &["hello", "tapistag", "tapisblock", "world"]));
        assert!(report.bound && report.unbound, "{report:?}");
        assert_eq!((report.answered(), report.submitted, report.strays), (2_000, 2_000, 0));
    }
    until("sessions are counted out", || node.metric("tapis_sessions", &["bound"]) == 0);
    assert_eq!(smsc.with(|c| c.messages), 3_000);
    assert_eq!(node.metric("tapis_messages_total", &[]), 4_000);
    assert_eq!(node.metric("tapis_sessions_total", &[]), 1_000);
}

#[test]
fn a_refused_bind_is_the_smscs_own_answer() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    for status in [
        CommandStatus::ESME_RINVPASWD,
        CommandStatus::ESME_RINVSYSID,
        CommandStatus::ESME_RBINDFAIL,
        CommandStatus::ESME_RALYBND,
        CommandStatus::ESME_RSYSERR,
        CommandStatus::ESME_RTHROTTLED,
        CommandStatus(0x0000_0412),
    ] {
        for (id, body) in
            [(TRX, None), (CommandId::BIND_TRANSMITTER, Some(&b"smsc\0"[..])), (CommandId::BIND_RECEIVER, None)]
        {
            let mut esme = Peer::connect(&node.smpp);
            esme.write(|out| bind(out, id, 1, "acme"));
            let mut centre = smsc.accept();
            let asked = centre.expect(id);
            centre.answer(&asked, status, body);
            let answer = esme.expect(id.response());
            assert_eq!((answer.status(), answer.number()), (status, 1));
            assert_eq!(&answer.octets[16..], body.unwrap_or_default(), "byte for byte");
        }
    }
    // Or it answers nothing at all.
    let node = Node::start_with(&folder, &[smsc.address()], RULES, "timers: { session_init: 500ms, linger: 300ms }\n");
    let mut esme = Peer::connect(&node.smpp);
    esme.write(|out| bind(out, TRX, 1, "acme"));
    let mut centre = smsc.accept();
    centre.expect(TRX);
    let answer = esme.expect(TRX.response());
    assert_eq!((answer.status(), answer.number()), (CommandStatus::ESME_RBINDFAIL, 1));
    assert!(esme.receive().is_none() && centre.receive().is_none(), "and both connections end");
    // Or with something else: nobody understands the bind, or it takes leave, or it goes.
    let nack = |centre: &mut Peer| {
        let status = CommandStatus::ESME_RINVCMDID;
        centre.write(|out| wire::response(out, CommandId::GENERIC_NACK, status, 1, None));
    };
    let unbind = |centre: &mut Peer| {
        centre.write(|out| wire::header_only(out, CommandId::UNBIND, 7));
        assert_eq!(centre.expect(CommandId::UNBIND_RESP).number(), 7);
    };
    let failed = (TRX.response(), CommandStatus::ESME_RBINDFAIL);
    let ways: [(&dyn Fn(&mut Peer), _); 3] = [
        (&nack, (CommandId::GENERIC_NACK, CommandStatus::ESME_RINVCMDID)),
        (&unbind, failed),
        (&|centre| centre.0.shutdown(std::net::Shutdown::Both).unwrap(), failed),
    ];
    for (way, expected) in ways {
        let mut esme = Peer::connect(&node.smpp);
        esme.write(|out| bind(out, TRX, 1, "acme"));
        let mut centre = smsc.accept();
        centre.expect(TRX);
        way(&mut centre);
        let answer = esme.expect_any();
        assert_eq!((answer.id(), answer.status()), expected);
        assert_eq!(answer.number(), 1);
    }
}

#[test]
fn when_no_smsc_can_be_reached_the_bind_may_be_tried_again() {
    let (folder, gone) = (Folder::new(), Smsc::new());
    let address = gone.address();
    drop(gone);
    let node = Node::start(&folder, std::slice::from_ref(&address), RULES, "");
    let mut esme = Peer::connect(&node.smpp);
    assert_eq!(esme.bind(TRX, "acme").status(), CommandStatus::ESME_RBINDFAIL);
    drop((esme, node));
    // The next of the list is tried when the first cannot be reached.
    let second = Smsc::new();
    let node = Node::start(&folder, &[address, second.address()], RULES, "");
    bound(&node.smpp, &second, TRX, "acme");
}

#[test]
fn an_smsc_that_goes_mid_window_or_at_unbind_takes_the_session_with_it() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    for n in 2..6 {
        esme.submit(n, "hello");
    }
    let got = centre.expect(CommandId::SUBMIT_SM);
    centre.answer(&got, OK, Some(b"1\0"));
    for _ in 0..3 {
        centre.expect(CommandId::SUBMIT_SM);
    }
    drop(centre);
    assert_eq!(esme.expect(CommandId::SUBMIT_SM_RESP).number(), 2, "what came home is delivered");
    while let Some(pdu) = esme.receive() {
        assert_eq!(pdu.id(), CommandId::UNBIND, "nothing is answered that the SMSC did not answer");
        esme.answer(&pdu, OK, None);
    }
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    esme.write(|out| wire::header_only(out, CommandId::UNBIND, 9));
    centre.expect(CommandId::UNBIND);
    drop(centre);
    while let Some(pdu) = esme.receive() {
        assert!(matches!(pdu.id(), CommandId::UNBIND_RESP | CommandId::UNBIND));
        if pdu.id() == CommandId::UNBIND {
            esme.answer(&pdu, OK, None);
        }
    }
    node.stop();
    let in_doubt = journal(&folder.0).iter().filter(|r| r["outcome"] == "lost-in-doubt").count();
    assert_eq!(in_doubt, 3);
}

#[test]
fn a_bad_pdu_or_peer_kills_no_neighbour() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut good, mut good_centre) = bound(&node.smpp, &smsc, TRX, "good");
    let (mut bad, mut bad_centre) = bound(&node.smpp, &smsc, TRX, "bad");
    // A body that cannot be parsed is refused, and the session lives.
    bad.write(|out| wire::pdu(out, CommandId::SUBMIT_SM, OK, 5, |out| out.extend([1, 2, 3])));
    let answer = bad.expect(CommandId::SUBMIT_SM_RESP);
    assert!(answer.status() != OK && answer.number() == 5);
    bad.submit(6, "hello");
    let got = bad_centre.expect(CommandId::SUBMIT_SM);
    bad_centre.answer(&got, OK, Some(b"1\0"));
    bad.expect(CommandId::SUBMIT_SM_RESP);
    // A length that cannot be true ends it.
    bad.send(&[0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9]);
    let nack = bad.expect(CommandId::GENERIC_NACK);
    assert_eq!(nack.status(), CommandStatus::ESME_RINVCMDLEN);
    while let Some(pdu) = bad.receive() {
        bad.answer(&pdu, OK, None);
    }
    good.submit(2, "hello");
    let got = good_centre.expect(CommandId::SUBMIT_SM);
    good_centre.answer(&got, OK, Some(b"1\0"));
    assert_eq!(good.expect(CommandId::SUBMIT_SM_RESP).status(), OK);
}

#[test]
fn a_reload_is_in_force_at_the_next_message_and_a_bad_one_changes_nothing() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let mut judge = |number: u32, text: &str| {
        esme.submit(number, text);
        // Whether it passed: the SMSC is asked after it.
        esme.write(|out| wire::header_only(out, CommandId::ENQUIRE_LINK, 900 + number));
        let mut passed = false;
        loop {
            let pdu = centre.receive().unwrap();
            if pdu.id() == CommandId::SUBMIT_SM {
                passed = true;
                centre.answer(&pdu, OK, Some(b"1\0"));
            } else {
                centre.answer(&pdu, OK, None);
                break;
            }
        }
        while esme.receive().unwrap().id() != CommandId::ENQUIRE_LINK_RESP {}
        passed
    };
    assert!(judge(10, "casino"));
    let (_, policy) = node.http("GET", "/api/policy");
    let before: serde_json::Value = serde_json::from_str(&policy).unwrap();
    let more = format!(
        "{RULES}  - {{ id: casino, category: gambling, about: a word, action: block, when: {{ text: {{ words: [casino] }} }} }}\n"
    );
    folder.write("rules.yaml", &more);
    let (status, dry) = node.http("POST", "/api/reload?dry_run=true");
    assert_eq!(status, 200);
    let dry: serde_json::Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["added"], serde_json::json!(["casino"]));
    assert_eq!(dry["old_digest"], before["digest"]);
    assert!(judge(11, "casino"), "a dry run changes nothing");
    assert_eq!(node.http("POST", "/api/reload").0, 200);
    assert!(!judge(12, "casino"));
    for bad in [
        more.replace("action: block", "action: blok"),
        more.replace("words: [casino]", "wrods: [casino]"),
        format!("{more}  bad yaml: [\n"),
        format!(
            "{more}  - {{ id: c, category: other, about: x, score: 1, when: {{ has: link }}, cases: [{{ from: A, to: \"+6591234567\", text: no link, expect: fires }}] }}\n"
        ),
    ] {
        folder.write("rules.yaml", &bad);
        let (status, answer) = node.http("POST", "/api/reload");
        assert_eq!(status, 422, "{answer}");
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert!(answer["diagnostics"][0]["line"].as_u64().unwrap() > 0, "{answer}");
        assert!(!judge(13, "casino"), "the old policy stays");
    }
    assert_eq!(node.metric("tapis_config_reloads_total", &["failure"]), 4);
    folder.write("rules.yaml", RULES);
    node.hang_up();
    until("SIGHUP reloads", || node.metric("tapis_config_reloads_total", &["success"]) == 2);
    assert!(judge(14, "casino"));
}

#[test]
fn a_changed_file_is_loaded_when_watching_is_on() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "watch: true\n");
    let digest = || node.http("GET", "/api/policy").1;
    let before = digest();
    folder.write("rules.yaml", &RULES.replace("tapisblock", "otherblock"));
    until("the change is loaded", || digest() != before);
    folder.write("rules.yaml", "rules: [");
    until("the mistake is counted", || node.metric("tapis_config_reloads_total", &["failure"]) > 0);
    assert_eq!(node.metric("tapis_config_last_reload_successful", &[]), 0);
}

#[test]
fn a_drain_lets_answers_come_home_and_refuses_what_is_new() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    esme.submit(2, "hello");
    let got = centre.expect(CommandId::SUBMIT_SM);
    node.terminate();
    until("nobody new is let in", || Peer::try_connect(&node.smpp).is_err());
    esme.submit(3, "late");
    let late = esme.expect(CommandId::SUBMIT_SM_RESP);
    assert_eq!((late.number(), late.status()), (3, CommandStatus::ESME_RSYSERR));
    centre.answer(&got, OK, Some(b"1\0"));
    let home = esme.expect(CommandId::SUBMIT_SM_RESP);
    assert_eq!((home.number(), home.status()), (2, OK));
    let unbind = esme.expect(CommandId::UNBIND);
    esme.answer(&unbind, OK, None);
    assert!(esme.receive().is_none());
    node.stop();
}

#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let config = "timers: { enquire_link: 400ms, linger: 300ms }\n";
    let node = Node::start_with(&folder, &[smsc.address()], RULES, config);
    for silent in [Leg::Esme, Leg::Smsc] {
        let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
        let (quiet, lively) = if silent == Leg::Esme { (&mut esme, &mut centre) } else { (&mut centre, &mut esme) };
        // The lively one answers every enquire_link; the silent one none, and so both connections end.
        let mut asked = 0;
        while let Some(pdu) = lively.receive() {
            asked += u32::from(pdu.id() == CommandId::ENQUIRE_LINK);
            lively.answer(&pdu, OK, None);
            if pdu.id() == CommandId::UNBIND {
                break;
            }
        }
        assert!(asked > 0, "{silent:?}");
        quiet.expect(CommandId::ENQUIRE_LINK);
        assert!(lively.receive().is_none() && quiet.receive().is_none(), "{silent:?}");
    }
}

#[test]
fn an_mo_message_that_is_refused_again_and_again_is_taken_in_the_end() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let node = Node::start(&folder, &[smsc.address()], RULES, "mo_refusals: 3\n");
    let (mut esme, mut centre) = bound(&node.smpp, &smsc, TRX, "acme");
    let mut send = |number: u32, text: &str| {
        let sm = Sm {
            source: Address::of_writing("+6591234567"),
            destination: Address::of_writing("4488"),
            short_message: text.as_bytes(),
            ..Sm::default()
        };
        centre.write(|out| wire::deliver_sm(out, number, &sm));
        centre.expect(CommandId::DELIVER_SM_RESP).status()
    };
    for number in 1..=3 {
        assert_eq!(send(number, "tapisblock"), CommandStatus::ESME_RX_R_APPN);
    }
    assert_eq!(send(4, "tapisblock"), OK, "its SMSC would never stop trying");
    assert_eq!(send(5, "tapisblock again"), CommandStatus::ESME_RX_R_APPN, "another message is another matter");
    // None of them reached the ESME.
    centre.write(|out| wire::header_only(out, CommandId::ENQUIRE_LINK, 6));
    assert_eq!(esme.expect_any().id(), CommandId::ENQUIRE_LINK);
}
