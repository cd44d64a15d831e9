//! Rules and traffic in one input: a gate or two of one account, peers that say anything in any order, and the laws.

use std::time::Duration;

use tapis::account::SessionId;
use tapis::gate::{MessageIds, Parts, Settings};
use tapis::session::{Bounds, Closed, Leg};
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, DataCoding, EsmClass, Npi, RegisteredDelivery, Tag, Ton};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::frame::{HEADER_OCTETS, Header};
use tapis::wire::tlv::Tlvs;

use super::input::Input;
use super::policies::{self, Rules};
use super::world::{Peer, World, pdus};

/// Events of one input: more would only make it slow.
const EVENTS_MAX: usize = 400;
/// Numbers of Tapis's own requests start here.
const OWN_SEQUENCE_FROM: u32 = 0x6000_0000;

/// The input is rules, settings, and a script of what peers, clock and operator do.
pub fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let all: Vec<Rules> = (0..1 + input.below(2)).map(|_| policies::choose(&mut input)).collect();
    let switches = input.octet();
    let settings = settings(switches);
    let octets_max = settings.bounds.pdu_octets_max;
    let rooms = 1 + u64::from(switches >> 7);
    let edits = all.iter().any(|r| r.edits);
    let mut world = World::new(rooms, settings, all);
    if switches & 0x40 == 0 {
        bind_all(&mut world, &mut input);
    }
    for _ in 0..EVENTS_MAX {
        if input.is_empty() {
            break;
        }
        event(&mut world, &mut input);
    }
    world.finish();
    for room in &world.rooms {
        nothing_is_answered_twice(&room.esme, octets_max);
        nothing_is_answered_twice(&room.smsc, octets_max);
        nothing_is_invented(&room.esme, &room.smsc, octets_max, edits, true);
        nothing_is_invented(&room.smsc, &room.esme, octets_max, edits, true);
    }
}

fn settings(switches: u8) -> Settings {
    let small = Bounds { pdu_octets_max: 1024, leg_octets_max: 4096, outstanding_max: 3 };
    Settings {
        bounds: if switches & 1 == 0 { Bounds { pdu_octets_max: 8192, ..Bounds::default() } } else { small },
        message_ids: if switches & 2 == 0 { MessageIds::Decimal } else { MessageIds::Hexadecimal },
        mo_refusals_max: u32::from(switches >> 2 & 3),
        // Holding parts has a target of its own; without it, order is kept over the whole leg.
        parts: Parts { hold: Duration::ZERO, ..Parts::default() },
        ..Settings::default()
    }
}

/// The usual beginning, so that an input need not find it.
pub fn bind_all(world: &mut World, input: &mut Input<'_>) {
    for room in 0..world.rooms.len() {
        let kind = BINDS[input.below(BINDS.len())];
        let version = [0x34, 0x50, 0x33, 0x00][input.below(4)];
        bind(&mut world.rooms[room].esme, kind, version, b"esme");
        world.settle();
        world.connect(room, true);
        world.settle();
        answer(&mut world.rooms[room].smsc, 0, CommandStatus::ESME_ROK, b"smsc", &[]);
        world.settle();
        assert!(world.is_bound(room), "a bind that everybody agrees to fails");
    }
}

const BINDS: [CommandId; 3] = [CommandId::BIND_TRANSCEIVER, CommandId::BIND_TRANSMITTER, CommandId::BIND_RECEIVER];

fn bind(peer: &mut Peer, kind: CommandId, version: u8, system_id: &[u8]) {
    say(peer, |out| {
        wire::pdu(out, kind, CommandStatus::ESME_ROK, 1, |out| {
            wire::c_octet_string(out, system_id);
            out.extend_from_slice(b"secret\0\0");
            out.push(version);
            out.extend_from_slice(&[0, 0, 0]);
        });
    });
}

/// A peer writes, if its connection is up.
pub fn say(peer: &mut Peer, write: impl FnOnce(&mut Vec<u8>)) {
    let mut out = Vec::new();
    write(&mut out);
    if peer.connected {
        peer.to_gate.extend(out);
    }
}

/// One thing happens.
fn event(world: &mut World, input: &mut Input<'_>) {
    let what = input.octet();
    let room = usize::from(what >> 7) % world.rooms.len();
    let leg = if what & 0x40 == 0 { Leg::Esme } else { Leg::Smsc };
    match what & 0x1f {
        0 => {
            let octets = input.short();
            say(world.rooms[room].peer(leg), |out| out.extend_from_slice(octets));
        }
        1..=8 => {
            let peer = world.rooms[room].peer(leg);
            message(peer, leg, input);
        }
        9 => reference(world.rooms[room].peer(leg), input),
        10 => other(world.rooms[room].peer(leg), input),
        11 => receipt(world, room, input),
        12 => {
            let kind = BINDS[input.below(3)];
            let (version, system_id) = (input.octet(), input.short());
            bind(&mut world.rooms[room].esme, kind, version, system_id);
        }
        13..=15 => {
            let (at, status) = (input.below(8), STATUSES[input.below(STATUSES.len())]);
            let (id, tlvs) = (input.short(), input.short());
            answer(world.rooms[room].peer(leg), at, status, id, tlvs);
        }
        16..=18 => {
            let limit = usize::from(input.octet());
            world.read(room, leg, limit);
        }
        19..=21 => {
            let limit = usize::from(input.octet());
            world.write(room, leg, limit);
        }
        22..=24 => world.settle(),
        25 => world.connect(room, input.octet() & 1 == 0),
        26 => world.sleep(Duration::from_millis(1 << input.below(18))),
        27 => world.close(room, leg, if input.octet() & 1 == 0 { Closed::Eof } else { Closed::Reset }),
        28 => world.drain(room),
        29 => world.current = input.below(world.policies.len()),
        30 => world.journal_full = input.octet() & 1 == 1,
        _ => {
            let id = world.rooms[room].gate.id();
            assert_ne!(id, SessionId(0));
            world.with(room, |gate, cx| gate.handle_wake(cx));
            world.outputs(room);
        }
    }
}

/// Statuses that make a difference somewhere.
const STATUSES: [CommandStatus; 6] = [
    CommandStatus::ESME_ROK,
    CommandStatus::ESME_ROK,
    CommandStatus::ESME_RSUBMITFAIL,
    CommandStatus::ESME_RTHROTTLED,
    CommandStatus::ESME_RINVPASWD,
    CommandStatus(0x0000_0400),
];

/// A peer answers a request that it has seen: any of the oldest, as it likes.
pub fn answer(peer: &mut Peer, at: usize, status: CommandStatus, id: &[u8], tlvs: &[u8]) {
    let (new, seen) = {
        let all = pdus(&peer.written[peer.seen..], u32::MAX);
        let new: Vec<Header> = all.iter().map(|(h, _)| *h).filter(|h| !h.command_id.is_response()).collect();
        (new, all.iter().map(|(_, pdu)| pdu.len()).sum::<usize>())
    };
    peer.seen += seen;
    peer.unanswered.extend(new);
    let at = at.min(peer.unanswered.len().saturating_sub(1));
    let Some(request) = peer.unanswered.remove(at) else { return };
    let response = if id == [0] { CommandId::GENERIC_NACK } else { request.command_id.response() };
    say(peer, |out| {
        if request.command_id == CommandId::SUBMIT_MULTI && !id.is_empty() {
            wire::submit_multi_resp(out, status, request.sequence_number, id, []);
        } else {
            wire::pdu(out, response, status, request.sequence_number, |out| {
                if !id.is_empty() {
                    wire::c_octet_string(out, id);
                }
                out.extend_from_slice(tlvs);
            });
        }
    });
}

const TEXTS: [&str; 8] = [
    "hello 1",
    "blockme",
    "swallowme",
    "tagme",
    "DBS: verify at dbs-sg.top/a, call +65 6000 1111",
    "[QC] slot 11y.life",
    "",
    "send me the code",
];

const ADDRESSES: [(u8, &str); 8] = [
    (5, "DBS"),
    (5, "D8S"),
    (1, "6591234567"),
    (1, "639171234567"),
    (2, "0812345678"),
    (0, "7726"),
    (0, ""),
    (0, "+66898765432"),
];

fn address(input: &mut Input<'_>) -> (u8, Vec<u8>) {
    match input.below(9) {
        8 => (input.octet(), input.short().iter().copied().filter(|b| *b != 0).collect()),
        n => (ADDRESSES[n].0, ADDRESSES[n].1.as_bytes().to_vec()),
    }
}

/// A message: any operation that carries one, with any text in any coding.
fn message(peer: &mut Peer, leg: Leg, input: &mut Input<'_>) {
    let sequence_number = u32::from(input.octet() & 7);
    let usual = if leg == Leg::Esme { CommandId::SUBMIT_SM } else { CommandId::DELIVER_SM };
    let operation = match input.below(10) {
        5 => CommandId::DATA_SM,
        6 | 7 => CommandId::SUBMIT_MULTI,
        8 => CommandId::REPLACE_SM,
        9 => CommandId::BROADCAST_SM,
        _ => usual,
    };
    let (source, destination) = (address(input), address(input));
    let how = input.octet();
    let data_coding = if how & 1 == 0 { [0, 8, 3, 1][input.below(4)] } else { input.octet() };
    let text: Vec<u8> = match TEXTS.get(usize::from(how >> 1 & 15)) {
        Some(text) if data_coding == 8 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Some(text) => text.as_bytes().to_vec(),
        None => input.short().to_vec(),
    };
    let esm_class = if how & 0x20 == 0 { 0 } else { input.octet() };
    let mut tlvs = Vec::new();
    if how & 0x40 != 0 || operation == CommandId::DATA_SM {
        wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &text);
    }
    let more = if how & 0x80 == 0 { &[][..] } else { input.short() };
    tlvs.extend_from_slice(more);
    let sm = Sm {
        source: Address { ton: Ton(source.0), npi: Npi(0), address: &source.1 },
        destination: Address { ton: Ton(destination.0), npi: Npi(1), address: &destination.1 },
        esm_class: EsmClass(esm_class),
        data_coding: DataCoding(data_coding),
        registered_delivery: RegisteredDelivery(sequence_number as u8 & 3),
        short_message: if how & 0x40 == 0 { &text } else { &[] },
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    match operation {
        CommandId::SUBMIT_SM | CommandId::DELIVER_SM => say(peer, |out| wire::sm(out, operation, sequence_number, &sm)),
        _ => say(peer, |out| {
            wire::pdu(out, operation, CommandStatus::ESME_ROK, sequence_number, |out| body(out, operation, &sm, input));
        }),
    }
}

fn body(out: &mut Vec<u8>, operation: CommandId, sm: &Sm<'_>, input: &mut Input<'_>) {
    match operation {
        CommandId::REPLACE_SM => {
            wire::c_octet_string(out, b"9000000000");
            wire::address(out, &sm.source);
            out.extend_from_slice(&[0, 0, 0, 0]);
            out.push(sm.short_message.len() as u8);
            out.extend_from_slice(&sm.short_message[..sm.short_message.len().min(255)]);
            return out.extend_from_slice(sm.tlvs.octets());
        }
        CommandId::BROADCAST_SM => {
            out.push(0);
            wire::address(out, &sm.source);
            out.extend_from_slice(&[0, 0, 0, 0, 0, sm.data_coding.0, 0]);
            return out.extend_from_slice(sm.tlvs.octets());
        }
        _ => out.push(0),
    }
    wire::address(out, &sm.source);
    if operation == CommandId::DATA_SM {
        wire::address(out, &sm.destination);
        out.extend_from_slice(&[sm.esm_class.0, sm.registered_delivery.0, sm.data_coding.0]);
        return out.extend_from_slice(sm.tlvs.octets());
    }
    let count = input.below(6);
    out.push(1 + count as u8);
    out.push(1);
    wire::address(out, &sm.destination);
    for _ in 0..count {
        let (ton, address) = address(input);
        if ton == 0xff {
            out.push(2);
            wire::c_octet_string(out, &address);
        } else {
            out.push(1);
            wire::address(out, &Address { ton: Ton(ton), npi: Npi(1), address: &address });
        }
    }
    out.extend_from_slice(&[sm.esm_class.0, 0, 0, 0, 0, sm.registered_delivery.0, 0, sm.data_coding.0, 0]);
    out.push(sm.short_message.len() as u8);
    out.extend_from_slice(sm.short_message);
    out.extend_from_slice(sm.tlvs.octets());
}

/// The message_id that a peer speaks of: one of those that Tapis makes up, or its own words.
fn message_id(input: &mut Input<'_>) -> Vec<u8> {
    let octet = input.octet();
    match octet {
        0..=15 => (9_000_000_000_u64 + u64::from(octet)).to_string().into_bytes(),
        16..=31 => format!("{:x}", 9_000_000_000_u64 + u64::from(octet - 16)).into_bytes(),
        _ => input.short().iter().copied().filter(|b| *b != 0).collect(),
    }
}

/// query_sm or cancel_sm.
pub fn reference(peer: &mut Peer, input: &mut Input<'_>) {
    let cancels = input.octet() & 1 == 1;
    let sequence_number = u32::from(input.octet() & 7);
    let (id, (ton, source)) = (message_id(input), address(input));
    let operation = if cancels { CommandId::CANCEL_SM } else { CommandId::QUERY_SM };
    say(peer, |out| {
        wire::pdu(out, operation, CommandStatus::ESME_ROK, sequence_number, |out| {
            if cancels {
                out.push(0);
            }
            wire::c_octet_string(out, &id);
            wire::address(out, &Address { ton: Ton(ton), npi: Npi(0), address: &source });
            if cancels {
                wire::address(out, &Address::default());
            }
        });
    });
}

/// A PDU with any command_id, any number and any body.
fn other(peer: &mut Peer, input: &mut Input<'_>) {
    const COMMANDS: [CommandId; 12] = [
        CommandId::ENQUIRE_LINK,
        CommandId::UNBIND,
        CommandId::GENERIC_NACK,
        CommandId::OUTBIND,
        CommandId::ALERT_NOTIFICATION,
        CommandId::QUERY_BROADCAST_SM,
        CommandId::CANCEL_BROADCAST_SM,
        CommandId(0x0001_0200),
        CommandId(0x8001_0200),
        CommandId(0x8000_0004),
        CommandId(0x8000_0015),
        CommandId(0x8000_0006),
    ];
    let command = COMMANDS[input.below(COMMANDS.len())];
    let number = input.octet();
    let sequence_number =
        if number & 0x80 == 0 { u32::from(number & 7) } else { OWN_SEQUENCE_FROM + u32::from(number & 7) };
    let (status, body) = (STATUSES[input.below(STATUSES.len())], input.short());
    say(peer, |out| wire::pdu(out, command, status, sequence_number, |out| out.extend_from_slice(body)));
}

/// The SMSC delivers a receipt, by its class, its TLV or its text.
fn receipt(world: &mut World, room: usize, input: &mut Input<'_>) {
    let how = input.octet();
    let id = message_id(input);
    let mut tlvs = Vec::new();
    if how & 1 == 1 {
        wire::tlv(&mut tlvs, Tag::RECEIPTED_MESSAGE_ID, &[&id[..], b"\0"].concat());
    }
    let text =
        [b"id:", &id[..], b" sub:001 dlvrd:001 submit date:2511230405 done date:2511230405 stat:DELIVRD err:000 text:"];
    let text = text.concat();
    let (source, destination) = (address(input), address(input));
    let sm = Sm {
        source: Address { ton: Ton(source.0), npi: Npi(1), address: &source.1 },
        destination: Address { ton: Ton(destination.0), npi: Npi(0), address: &destination.1 },
        esm_class: if how & 2 == 2 { EsmClass::RECEIPT } else { EsmClass(0) },
        short_message: if how & 4 == 4 { &[] } else { &text },
        tlvs: Tlvs::new(&tlvs),
        ..Sm::default()
    };
    let sequence_number = u32::from(how >> 4);
    say(&mut world.rooms[room].smsc, |out| wire::sm(out, CommandId::DELIVER_SM, sequence_number, &sm));
}

/// For each number a peer asked under: no more answers than requests. What cannot be matched by its number (a
/// generic_nack, a vendor's response) is not counted.
pub fn nothing_is_answered_twice(peer: &Peer, octets_max: u32) {
    let mut asked = std::collections::HashMap::new();
    for (header, _) in pdus(&peer.read, octets_max) {
        if !header.command_id.is_response() {
            *asked.entry(header.sequence_number).or_insert(0_i64) += 1;
        }
    }
    for (header, _) in pdus(&peer.written, u32::MAX) {
        let matched = header.command_id.is_response()
            && header.command_id != CommandId::GENERIC_NACK
            && header.command_id.name().is_some();
        if matched {
            let left = asked.entry(header.sequence_number).or_default();
            *left -= 1;
            assert!(*left >= 0, "{} {} answers nothing", header.command_id, header.sequence_number);
        }
    }
}

/// What asks something of a peer was asked by the other, octet for octet where no rule edits, and where nothing is held in
/// the same order; or it is an enquire_link, an unbind or a receipt of Tapis's own.
pub fn nothing_is_invented(from: &Peer, to: &Peer, octets_max: u32, edits: bool, in_order: bool) {
    let mut asked: Vec<(Header, &[u8])> =
        pdus(&from.read, octets_max).into_iter().filter(|(h, _)| !h.command_id.is_response()).collect();
    let mut at = 0;
    for (header, pdu) in pdus(&to.written, u32::MAX) {
        if header.command_id.is_response() || is_own(header, pdu) {
            continue;
        }
        let same = |(asked, octets): &(Header, &[u8])| {
            let key = |h: &Header| (h.command_id, h.command_status, h.sequence_number);
            // Refused destinations are taken out of a submit_multi.
            let edits = edits || header.command_id == CommandId::SUBMIT_MULTI;
            *octets == pdu || (edits && key(asked) == key(&header))
        };
        let found = asked[at..].iter().position(same);
        let found = found.unwrap_or_else(|| {
            panic!("{} {} was never said, or not so late", header.command_id, header.sequence_number)
        });
        if in_order {
            at += found + 1;
        } else {
            asked.remove(found);
        }
    }
}

fn is_own(header: Header, pdu: &[u8]) -> bool {
    let alone = pdu.len() == HEADER_OCTETS && [CommandId::ENQUIRE_LINK, CommandId::UNBIND].contains(&header.command_id);
    let receipt = header.command_id == CommandId::DELIVER_SM && pdu.windows(12).any(|w| w == b"stat:REJECTD");
    header.sequence_number >= OWN_SEQUENCE_FROM && (alone || receipt)
}
