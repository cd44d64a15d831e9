//! Peers that do anything at any time: bind, submit, deliver, answer or not, talk nonsense, cut their octets anywhere, close
//! and reset. Whatever they do, at the end the node stands, every session is over, and the books agree.

use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, RegisteredDelivery, Tag};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::frame::{Frame, frame};
use tapis::wire::tlv::Tlvs;

use crate::node::{Folder, Node, RULES, journal, until};
use crate::peer::{OK, bind};

/// ESMEs side by side, and how often each connects.
const ESMES: u64 = 12;
const CONNECTIONS: u64 = 20;

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    fn noise(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.below(256) as u8).collect()
    }
}

fn message(rng: &mut Rng, out: &mut Vec<u8>, number: u32) {
    let mut text =
        rng.of(&["hello", "tapisblock", "tapistag", "tapisswallow", "id:1 stat:DELIVRD"]).as_bytes().to_vec();
    let esm_class = rng.of(&[0, 0, 0x04, 0x08, 0x40, 0x40]);
    if esm_class == 0x40 {
        let udh = [5, 0, 3, rng.below(3) as u8, 1 + rng.below(3) as u8, rng.below(4) as u8];
        text.splice(0..0, udh);
    }
    let to = rng.of(&["+6591234560", "+6591234561", "+6591234562"]);
    let mut tlvs = Vec::new();
    if rng.one_in(4) {
        wire::tlv(&mut tlvs, rng.of(&[Tag::MESSAGE_PAYLOAD, Tag::RECEIPTED_MESSAGE_ID, Tag(0x1401)]), b"77AB\0");
    }
    let sm = Sm {
        source: Address::of_writing("INFO"),
        destination: Address::of_writing(to),
        esm_class: EsmClass(esm_class),
        registered_delivery: RegisteredDelivery(rng.below(3) as u8),
        data_coding: DataCoding(rng.of(&[0, 0, 3, 8, 0xf0])),
        short_message: &text,
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    wire::sm(out, rng.of(&[CommandId::SUBMIT_SM, CommandId::DELIVER_SM]), number, &sm);
}

fn anything(rng: &mut Rng, out: &mut Vec<u8>, number: u32) {
    match rng.below(12) {
        0..=5 => message(rng, out, number),
        6 => wire::header_only(out, CommandId::ENQUIRE_LINK, number),
        7 => {
            let (id, body) =
                (rng.of(&[0x03, 0x07, 0x08, 0x21, 0x0102, 0x0103, 0x0111, 0x0b, 0x0001_0200]), rng.noise(60));
            wire::pdu(out, CommandId(id), OK, number, |out| out.extend_from_slice(&body));
        }
        8 => wire::pdu(out, CommandId::QUERY_SM, OK, number, |out| out.extend_from_slice(b"77AB\0\0\0INFO\0")),
        9 => {
            let status = CommandStatus(rng.of(&[0, 0, 0x45]));
            let id = CommandId(0x8000_0000 | rng.of(&[0x00, 0x03, 0x04, 0x05, 0x06, 0x09, 0x15, 0x21]));
            wire::response(out, id, status, rng.below(40) as u32, rng.of(&[None, Some(b"77AB")]));
        }
        10 if rng.one_in(4) => wire::header_only(out, CommandId::UNBIND, number),
        10 => bind(out, CommandId::BIND_TRANSCEIVER, number, "again"),
        _ if rng.one_in(10) => out.extend(rng.noise(40)),
        _ => {}
    }
}

/// One side of one connection, for a while.
fn storm(mut stream: TcpStream, rng: &mut Rng, mut out: Vec<u8>) {
    stream.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let (mut received, mut number) = (Vec::new(), 1);
    for _ in 0..rng.below(60) {
        for _ in 0..rng.below(4) {
            let again = if rng.one_in(5) { 7 } else { number };
            anything(rng, &mut out, again);
            number += 1;
        }
        let n = if out.is_empty() { 0 } else { 1 + rng.below(out.len() as u64) as usize };
        if stream.write_all(&out[..n]).is_err() {
            return;
        }
        out.drain(..n);
        let mut octets = [0; 4096];
        match stream.read(&mut octets) {
            Ok(0) => return,
            Ok(n) => received.extend_from_slice(&octets[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
        while let Ok(Frame::Whole { header }) = frame(&received, u32::MAX) {
            received.drain(..header.command_length as usize);
            if !header.command_id.is_response() && !rng.one_in(8) {
                let status = CommandStatus(rng.of(&[0, 0, 0, 0, 0x58]));
                let body = rng.of(&[None, Some(&b"77AB"[..]), Some(b""), Some(b"id9")]);
                wire::response(&mut out, header.command_id.response(), status, header.sequence_number, body);
            }
        }
        if rng.one_in(100) {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
}

#[test]
fn after_any_storm_the_books_agree() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::new();
    let timers = "timers: { session_init: 1s, response: 500ms, enquire_link: 400ms, linger: 200ms, drain: 2s }\n";
    let node = Node::start_with(&folder, &[listener.local_addr().unwrap().to_string()], RULES, timers);
    thread::spawn(move || {
        for (seed, stream) in (0x9e37_79b9_u64..).zip(listener.incoming().flatten()) {
            thread::spawn(move || {
                let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                // Some SMSCs hang up at once.
                if !rng.one_in(20) {
                    storm(stream, &mut rng, Vec::new());
                }
            });
        }
    });
    let connected = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 1..=ESMES {
            let (address, connected) = (node.smpp.as_str(), &connected);
            scope.spawn(move || {
                let mut rng = Rng(seed.wrapping_mul(0xd134_2543_de82_ef95));
                for _ in 0..CONNECTIONS {
                    let stream = TcpStream::connect(address).unwrap();
                    connected.fetch_add(1, Ordering::Relaxed);
                    let mut first = Vec::new();
                    if !rng.one_in(20) {
                        let kinds =
                            [CommandId::BIND_TRANSCEIVER, CommandId::BIND_TRANSMITTER, CommandId::BIND_RECEIVER];
                        bind(&mut first, rng.of(&kinds), 0, rng.of(&["a", "b", "c"]));
                    }
                    storm(stream, &mut rng, first);
                }
            });
        }
    });
    until("every session is over", || node.metric("tapis_sessions", &[]) == 0);
    assert_eq!(node.metric("tapis_sessions_total", &[]), connected.into_inner());
    for gauge in
        ["tapis_session_panics_total", "tapis_buffer_bytes", "tapis_outstanding_requests", "tapis_held_messages"]
    {
        assert_eq!(node.metric(gauge, &[]), 0, "{gauge}");
    }
    let counted = node.metric("tapis_messages_total", &[]);
    node.stop();
    agree(&folder, counted);
}

/// Journal, tallies and metrics tell of the same messages, and each that went on was answered or is in doubt.
fn agree(folder: &Folder, counted: u64) {
    let (mut decisions, mut tallied) = (0, 0);
    let mut went_on: BTreeMap<String, bool> = BTreeMap::new();
    let mut became: HashMap<String, Vec<String>> = HashMap::new();
    for record in journal(&folder.0) {
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        match text("kind").as_str() {
            "decision" => {
                decisions += 1;
                *went_on.entry(text("id")).or_default() |= record["answer"] == "forward";
            }
            "outcome" => became.entry(text("decision")).or_default().push(text("outcome")),
            "tally" => {
                tallied +=
                    record["counts"].as_array().unwrap().iter().map(|c| c["count"].as_u64().unwrap()).sum::<u64>()
            }
            "gap" => panic!("records were lost: {record}"),
            _ => {}
        }
    }
    assert!(counted > 500, "{counted} messages are no storm");
    assert_eq!((decisions, tallied), (counted, counted));
    for (id, went_on) in &went_on {
        let outcomes = became.get(id).map_or(&[][..], Vec::as_slice);
        let answers = outcomes.iter().filter(|o| *o == "answered").count();
        let doubts = outcomes.iter().filter(|o| *o == "lost-in-doubt").count();
        // What was in doubt may be answered late.
        assert!(answers <= 1 && doubts <= 1 && (answers + doubts > 0) == *went_on, "{id}: {outcomes:?}");
    }
    assert!(became.keys().all(|id| went_on.contains_key(id)), "an outcome has a decision");
}
