//! Messages of several parts: however parts are cut, ordered, repeated, lied about and spread over binds, no handset shows
//! what the rules block, and everything else that holds for a gate holds too.

use std::collections::BTreeMap;
use std::time::Duration;

use tapis::account::Keeping;
use tapis::case::Sample;
use tapis::gate::{Parts, Settings};
use tapis::message::Envelope;
use tapis::policy::{Policy, Scratch};
use tapis::rules::Facts;
use tapis::session::{Bounds, Closed, Leg};
use tapis::text::concat::Part;
use tapis::text::udh;
use tapis::time::Timestamp;
use tapis::verdict::{Action, Verdict};
use tapis::wire::body::{self, Body, Parsed, Sm};
use tapis::wire::command::{CommandId, CommandStatus, EsmClass, Npi, Tag, Ton};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;
use tapis::wire::tlv::Tlvs;

use super::gate::{answer, bind_all, nothing_is_answered_twice, nothing_is_invented, reference, say};
use super::input::Input;
use super::policies;
use super::world::{World, pdus};

const EVENTS_MAX: usize = 300;

/// How long parts are remembered; no input takes longer with one message than a handset does.
const KEPT: Duration = Duration::from_secs(300);

/// The input is settings, up to four messages, and a script that sends their parts.
pub fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let switches = input.octet();
    // The rules that block a word, so that a handset can be asked; or any, so that tags and scores are met.
    let asked = switches & 1 == 0;
    let rules = if asked { policies::by_word() } else { policies::choose(&mut input) };
    let settings = settings(switches, &mut input);
    let mut world = World::new(1 + u64::from(switches >> 1 & 1), settings.clone(), vec![rules.clone()]);
    bind_all(&mut world, &mut input);
    let messages: Vec<Long> = (0..1 + input.below(4)).map(|_| Long::new(&mut input)).collect();
    let mut subscribers = Subscribers::default();
    for _ in 0..EVENTS_MAX {
        if input.is_empty() {
            break;
        }
        event(&mut world, &messages, &mut input);
        if asked {
            subscribers.receive(&world, &rules.policy);
        }
    }
    world.finish();
    let octets_max = settings.bounds.pdu_octets_max;
    for room in &world.rooms {
        nothing_is_answered_twice(&room.esme, octets_max);
        nothing_is_answered_twice(&room.smsc, octets_max);
        nothing_is_invented(&room.esme, &room.smsc, octets_max, rules.edits, false);
        nothing_is_invented(&room.smsc, &room.esme, octets_max, rules.edits, false);
    }
}

fn settings(switches: u8, input: &mut Input<'_>) -> Settings {
    let small = Bounds { pdu_octets_max: 2048, leg_octets_max: 4096, outstanding_max: 2 };
    let keeping = Keeping {
        verdict_ttl: KEPT,
        join_singles: (switches & 4 != 0).then(|| Duration::from_secs(20)),
        ..Keeping::default()
    };
    let parts = Parts {
        hold: Duration::from_millis([0, 100, 800, 5_000][input.below(4)]),
        quiet: Duration::from_millis([0, 50, 200, 10_000][input.below(4)]),
        hold_mo: switches & 8 != 0,
        keeping,
    };
    let bounds = if switches & 16 == 0 { Bounds { pdu_octets_max: 8192, ..Bounds::default() } } else { small };
    Settings { bounds, parts, ..Settings::default() }
}

const TEXTS: [&str; 5] = [
    "dear customer, blockme is what this says",
    "dear customer, all of this is fine, have a nice day",
    "tagme if you can, you long text of many parts",
    "blockme blockme",
    "swallowme whole, every part of me",
];

/// A message cut into parts.
#[derive(Debug)]
struct Long {
    text: &'static str,
    cuts: Vec<usize>,
    reference: u16,
    dress: usize,
    to: usize,
    leg: Leg,
}

impl Long {
    fn new(input: &mut Input<'_>) -> Self {
        let text = TEXTS[input.below(TEXTS.len())];
        let mut cuts: Vec<usize> = (0..1 + input.below(5)).map(|_| input.below(text.len() + 1)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let (reference, how) = (u16::from(input.octet() & 3), input.octet());
        let leg = if how & 0x80 == 0 { Leg::Esme } else { Leg::Smsc };
        Self { text, cuts, reference, dress: usize::from(how & 7) % 6, to: usize::from(how >> 4 & 1), leg }
    }

    fn total(&self) -> u8 {
        u8::try_from(self.cuts.len() - 1).expect("few cuts")
    }

    /// Part `number`, from 1, as a submit_sm or deliver_sm; perhaps it lies about how many there are.
    fn part(&self, number: u8, total: u8, sequence_number: u32) -> Vec<u8> {
        let at = usize::from(number.max(1) - 1).min(self.cuts.len() - 2);
        let text = &self.text.as_bytes()[self.cuts[at]..self.cuts[at + 1]];
        let [high, low] = self.reference.to_be_bytes();
        let header = match self.dress {
            0 | 4 => vec![5, 0, 3, low, total, number],
            1 => vec![6, 8, 4, high, low, total, number],
            2 => vec![9, 0x70, 2, 1, 2, 0, 3, low, total, number],
            _ => Vec::new(),
        };
        let user_data = [&header[..], text].concat();
        let mut tlvs = Vec::new();
        if self.dress == 3 {
            wire::tlv(&mut tlvs, Tag::SAR_MSG_REF_NUM, &[high, low]);
            wire::tlv(&mut tlvs, Tag::SAR_TOTAL_SEGMENTS, &[total]);
            wire::tlv(&mut tlvs, Tag::SAR_SEGMENT_SEQNUM, &[number]);
        }
        if self.dress == 4 {
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &user_data);
        }
        let to: &[u8] = [&b"6591234567"[..], b"6597654321"][self.to];
        let sm = Sm {
            source: Address { ton: Ton::ALPHANUMERIC, npi: Npi(0), address: b"SHOP" },
            destination: Address { ton: Ton::INTERNATIONAL, npi: Npi(1), address: to },
            esm_class: EsmClass(if header.is_empty() { 0 } else { 0x40 }),
            short_message: if self.dress == 4 { &[] } else { &user_data },
            tlvs: Tlvs::new(&tlvs),
            ..Sm::default()
        };
        let operation = if self.leg == Leg::Esme { CommandId::SUBMIT_SM } else { CommandId::DELIVER_SM };
        let mut out = Vec::new();
        wire::sm(&mut out, operation, sequence_number, &sm);
        out
    }
}

/// One thing happens.
fn event(world: &mut World, messages: &[Long], input: &mut Input<'_>) {
    let what = input.octet();
    let room = usize::from(what >> 7) % world.rooms.len();
    let leg = if what & 0x40 == 0 { Leg::Esme } else { Leg::Smsc };
    match what & 0x0f {
        0..=5 => {
            let how = input.octet();
            let long = &messages[usize::from(how & 3) % messages.len()];
            let number = 1 + (how >> 2 & 7) % long.total();
            let lie = if how & 0xe0 == 0xe0 { input.octet() } else { 0 };
            let (number, total) = (number ^ (lie & 7), long.total() ^ (lie >> 4 & 7));
            let sequence_number = u32::from(input.octet() & 15);
            let pdu = long.part(number, total, sequence_number);
            say(world.rooms[room].peer(long.leg), |out| out.extend_from_slice(&pdu));
        }
        6 => {
            let long = Long::new(input);
            let single = Long { cuts: vec![0, long.cuts[1]], dress: 5, ..long };
            let pdu = single.part(1, 1, u32::from(input.octet() & 15));
            say(world.rooms[room].peer(single.leg), |out| out.extend_from_slice(&pdu));
        }
        7 => {
            let status = [CommandStatus::ESME_ROK, CommandStatus::ESME_RSUBMITFAIL][input.below(2)];
            answer(world.rooms[room].peer(leg), input.below(8), status, b"m", &[]);
        }
        8 | 9 => {
            let limit = usize::from(input.octet());
            world.read(room, leg, limit);
        }
        10 => {
            let limit = usize::from(input.octet());
            world.write(room, leg, limit);
        }
        11 => world.settle(),
        12 => world.sleep(Duration::from_millis(1 << input.below(14))),
        13 => match input.octet() {
            0 => world.drain(room),
            how => world.close(room, leg, if how & 1 == 0 { Closed::Eof } else { Closed::Reset }),
        },
        14 => reference(world.rooms[room].peer(Leg::Esme), input),
        _ => say(world.rooms[room].peer(leg), |out| {
            let command = if input.octet() & 1 == 0 { CommandId::ENQUIRE_LINK } else { CommandId::UNBIND };
            wire::header_only(out, command, 15);
        }),
    }
}

/// Who gets what the SMSCs take: each handset joins the parts under one reference, the last of each number.
#[derive(Debug, Default)]
struct Subscribers {
    taken: BTreeMap<usize, usize>,
    halves: BTreeMap<(Vec<u8>, String), BTreeMap<u8, (Timestamp, Vec<u8>)>>,
    envelope: Envelope,
    scratch: Scratch,
    verdict: Verdict,
}

impl Subscribers {
    fn receive(&mut self, world: &World, policy: &Policy) {
        for (n, room) in world.rooms.iter().enumerate() {
            let taken = self.taken.entry(n).or_default();
            let new = pdus(&room.smsc.written[*taken..], u32::MAX);
            *taken += new.iter().map(|(_, pdu)| pdu.len()).sum::<usize>();
            for (_, pdu) in new {
                if let Parsed::Understood(_, Body::SubmitSm(sm)) = body::parse(pdu) {
                    self.message(&sm, world.now(), policy);
                }
            }
        }
    }

    fn message(&mut self, sm: &Sm<'_>, now: Timestamp, policy: &Policy) {
        let user_data = sm.tlvs.message_payload().unwrap_or(sm.short_message);
        let header = if sm.esm_class.udhi() { udh::split(user_data) } else { None };
        let (concat, text) = header.map_or((None, user_data), |(udh, text)| (udh.concat, text));
        let shown = match Part::of(concat, &sm.tlvs) {
            None => text.to_vec(),
            Some(part) => {
                let key = (sm.destination.address.to_vec(), format!("{:?} of {}", part.reference, part.total));
                let half = self.halves.entry(key).or_default();
                half.retain(|_, (at, _)| now.since(*at) < KEPT);
                half.insert(part.number, (now, text.to_vec()));
                if half.len() < usize::from(part.total) {
                    return;
                }
                std::mem::take(half).into_values().flat_map(|(_, text)| text).collect()
            }
        };
        let text = String::from_utf8_lossy(&shown);
        let to = format!("+{}", String::from_utf8_lossy(sm.destination.address));
        let sample = Sample { from: "SHOP", to: &to, text: &text, account: "esme", now, ..Sample::default() };
        sample.read(policy, &mut self.envelope);
        policy.judge(&sample.message(policy, &self.envelope), &Facts::Nothing, &mut self.scratch, &mut self.verdict);
        assert!(self.verdict.action != Action::Block, "a handset shows {text:?}");
    }
}
