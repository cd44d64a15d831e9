//! The invariants of the design, each a test by its name, over a gate with a simulated clock and network.
//!
//! `TAPIS_SEEDS` sets how many seeds each runs (200 unless told); a failure names its seed.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod carrier;
mod exceptions;
mod parts;
mod traffic;
mod world;

use std::collections::HashMap;

use tapis::gate::Settings;
use tapis::policy::Policy;
use tapis::session::{Leg, State};
use tapis::verdict::Action;
use tapis::wire::body::{self, Body, Parsed};
use tapis::wire::command::{CommandId, CommandStatus};
use tapis::wire::encode as wire;

use traffic::{RULES, Smsc, anything, bind, message, pdus, policy};
use world::{Rng, World};

pub(crate) fn seeds() -> u64 {
    std::env::var("TAPIS_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(200)
}

fn settings() -> Settings {
    Settings { mo_refusals_max: 3, ..Settings::default() }
}

/// A world whose ESME is bound.
fn bound(seed: u64, policies: Vec<Policy>) -> (World, Smsc) {
    let mut world = World::new(seed, settings(), policies);
    let mut smsc = Smsc::default();
    world.esme.to_gate.extend(bind(CommandId::BIND_TRANSCEIVER, "esme"));
    for _ in 0..200 {
        world.settle();
        smsc.run(&mut world);
        if matches!(world.gate.state(), State::Bound(_)) {
            break;
        }
    }
    world.settle();
    assert!(matches!(world.gate.state(), State::Bound(_)), "seed {seed}: {:?}", world.gate.state());
    (world, smsc)
}

/// Runs random traffic to its end; answers what the ESME sent.
fn traffic(world: &mut World, smsc: &mut Smsc, messages: u64) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    for n in 0..messages {
        let mut rng = world.rng.clone();
        let pdu = anything(&mut rng, n);
        world.rng = rng;
        world.esme.to_gate.extend(&pdu);
        sent.push(pdu);
        if world.rng.chance(15) {
            smsc.deliver(world);
        }
        for _ in 0..world.rng.below(4) {
            world.step();
        }
        if world.rng.chance(60) {
            smsc.run(world);
        }
    }
    for _ in 0..400 {
        world.settle();
        smsc.run(world);
    }
    world.settle();
    sent
}

#[test]
fn pass_is_the_identity() {
    for seed in 0..seeds() {
        let (mut world, mut smsc) = bound(seed, vec![Policy::pass_all()]);
        let (before_smsc, before_esme) = (world.smsc.from_gate.len(), world.esme.from_gate.len());
        let mut sent = Vec::new();
        for n in 0..60 {
            let mut rng = world.rng.clone();
            let pdu = anything(&mut rng, n);
            world.rng = rng;
            // What cannot be parsed is not passed by default; it has its own test.
            if matches!(body::parse(&pdu), Parsed::Malformed(..)) {
                continue;
            }
            world.esme.to_gate.extend(&pdu);
            sent.extend(pdu);
            world.step();
        }
        world.settle();
        assert!(world.smsc.from_gate[before_smsc..] == sent[..], "seed {seed}: not what was sent");
        let start = world.smsc.to_gate.len();
        smsc.run(&mut world);
        let answers: Vec<u8> = world.smsc.to_gate.iter().skip(start).copied().collect();
        world.settle();
        assert!(world.esme.from_gate[before_esme..] == answers[..], "seed {seed}: not what was answered");
    }
}

#[test]
fn chunking_is_invisible() {
    for seed in 0..seeds() {
        let run = |chunk: u64| {
            let (mut world, _) = bound(seed, vec![policy(RULES)]);
            world.chunk = chunk;
            let mut rng = Rng(seed ^ 0xabc);
            for n in 0..40 {
                world.esme.to_gate.extend(anything(&mut rng, n));
            }
            world.settle();
            let decided: Vec<_> = world.decisions.iter().map(|d| (d.n, d.action, d.text.clone())).collect();
            (world.esme.from_gate.clone(), world.smsc.from_gate.clone(), decided)
        };
        assert!(run(1) == run(1 << 20), "seed {seed}: octet by octet is not as at once");
        assert!(run(37) == run(1 << 20), "seed {seed}");
    }
}

#[test]
fn every_request_is_answered_once() {
    for seed in 0..seeds() {
        let (mut world, mut smsc) = bound(seed, vec![policy(RULES)]);
        let before = pdus(&world.esme.from_gate).len();
        let sent = traffic(&mut world, &mut smsc, 60);
        let mut asked: HashMap<u32, i64> = HashMap::new();
        for pdu in &sent {
            let (header, _) = pdus(pdu)[0];
            if header.command_id != CommandId(0x0001_0200) {
                *asked.entry(header.sequence_number).or_default() += 1;
            }
        }
        for (header, _) in pdus(&world.esme.from_gate).iter().skip(before) {
            if header.command_id.is_response() {
                *asked.entry(header.sequence_number).or_default() -= 1;
            }
        }
        assert!(asked.values().all(|n| *n == 0), "seed {seed}: {asked:?}");
        assert!(world.outcomes.iter().all(|o| !o.in_doubt), "seed {seed}");
    }
}

#[test]
fn what_is_unanswered_at_a_close_is_told() {
    for seed in 0..seeds() {
        let (mut world, mut smsc) = bound(seed, vec![policy(RULES)]);
        smsc.silent = world.rng.chance(50);
        let mut rng = Rng(seed);
        for n in 0..30 {
            let pdu = anything(&mut rng, n);
            world.esme.to_gate.extend(pdu);
            world.step();
            smsc.run(&mut world);
        }
        let leg = if world.rng.chance(50) { Leg::Esme } else { Leg::Smsc };
        world.wire(leg).reset = true;
        world.finish();
        let mut forwarded: Vec<u64> =
            world.decisions.iter().filter(|d| d.action != Action::Block).map(|d| d.n).collect();
        forwarded.dedup();
        let mut became: Vec<u64> = world.outcomes.iter().filter(|o| !o.receipt).map(|o| o.n).collect();
        became.sort_unstable();
        forwarded.sort_unstable();
        assert_eq!(forwarded, became, "seed {seed}: every message that went on was answered or is told as in doubt");
    }
}

/// Texts with their numbers, in the messages of a stream.
fn texts(octets: &[u8]) -> Vec<String> {
    let read = |(_, pdu): &(_, Vec<u8>)| match body::parse(pdu) {
        Parsed::Understood(_, Body::SubmitSm(sm) | Body::DeliverSm(sm)) => {
            Some(sm.tlvs.message_payload().unwrap_or(sm.short_message).to_vec())
        }
        Parsed::Understood(_, Body::SubmitMulti(sm)) => Some(sm.short_message.to_vec()),
        _ => None,
    };
    let text = |octets: Vec<u8>| {
        String::from_utf8_lossy(&octets).trim_start_matches(|c| c != 'h' && c != 'b' && c != 's' && c != 't').to_owned()
    };
    pdus(octets).iter().filter_map(read).map(text).collect()
}

#[test]
fn nothing_is_invented() {
    for seed in 0..seeds() {
        let (mut world, mut smsc) = bound(seed, vec![policy(RULES)]);
        let sent = traffic(&mut world, &mut smsc, 60);
        let number = |text: &str| text.rsplit(' ').next().map(ToOwned::to_owned);
        let mut left: Vec<_> = sent.iter().flat_map(|p| texts(p)).filter_map(|t| number(&t)).collect();
        for text in texts(&world.smsc.from_gate) {
            assert!(!text.contains("blockme") && !text.contains("swallowme"), "seed {seed}: {text:?} went on");
            let at = left.iter().position(|n| Some(n.clone()) == number(&text));
            assert!(at.is_some(), "seed {seed}: {text:?} reached the SMSC, and nobody sent it so often");
            left.remove(at.unwrap());
        }
        for text in texts(&world.esme.from_gate) {
            let ordered = text.contains("stat:REJECTD");
            assert!(ordered || text.contains(" mo "), "seed {seed}: {text:?} reached the ESME");
        }
    }
}

#[test]
fn unbind_never_overtakes_a_message() {
    for seed in 0..seeds() {
        let (mut world, mut smsc) = bound(seed, vec![policy(RULES)]);
        let mut rng = Rng(seed);
        let mut passed = 0;
        for n in 0..20 {
            let text = format!("hello {n}");
            let to = if rng.chance(20) { "639171234567" } else { "6591234567" };
            passed += usize::from(to != "639171234567");
            world.esme.to_gate.extend(message(CommandId::SUBMIT_SM, n + 2, &text, to, 0));
        }
        let mut unbind = Vec::new();
        wire::header_only(&mut unbind, CommandId::UNBIND, 99);
        world.esme.to_gate.extend(unbind);
        for _ in 0..60 {
            world.step();
            if rng.chance(30) {
                smsc.run(&mut world);
            }
        }
        for _ in 0..200 {
            world.settle();
            smsc.run(&mut world);
        }
        world.settle();
        let kinds: Vec<_> = pdus(&world.smsc.from_gate).iter().map(|(h, _)| h.command_id).collect();
        let at = kinds.iter().position(|k| *k == CommandId::UNBIND).unwrap_or_else(|| panic!("seed {seed}: no unbind"));
        assert_eq!(kinds[..at].iter().filter(|k| **k == CommandId::SUBMIT_SM).count(), passed, "seed {seed}");
        assert_eq!(kinds.len(), at + 1, "seed {seed}: something follows the unbind");
        let answers = pdus(&world.esme.from_gate);
        assert_eq!(
            answers.iter().filter(|(h, _)| h.command_id == CommandId::SUBMIT_SM_RESP).count(),
            20,
            "seed {seed}"
        );
        assert!(answers.iter().any(|(h, _)| h.command_id == CommandId::UNBIND_RESP), "seed {seed}");
    }
}

#[test]
fn one_record_per_message() {
    for seed in 0..seeds() {
        let policies = vec![policy(RULES), Policy::pass_all(), policy(&RULES.replace("blockme", "hello"))];
        let digests: Vec<_> = policies.iter().map(|p| p.digest().to_owned()).collect();
        let (mut world, mut smsc) = bound(seed, policies);
        world.swaps = true;
        let sent = traffic(&mut world, &mut smsc, 60);
        let mut expected = 0;
        for pdu in &sent {
            expected += match body::parse(pdu) {
                Parsed::Understood(_, Body::SubmitMulti(sm)) => usize::from(sm.dest_address.number_of_dests),
                Parsed::Understood(_, Body::SubmitSm(_)) => 1,
                Parsed::Malformed(header, _) => usize::from(header.command_id == CommandId::SUBMIT_SM),
                _ => 0,
            };
        }
        let mt = world.decisions.iter().filter(|d| d.direction == "mt").count();
        assert_eq!(mt, expected, "seed {seed}");
        assert_eq!(world.decisions.iter().filter(|d| d.direction == "mo").count() as u64, smsc.mo, "seed {seed}");
        assert!(world.decisions.iter().all(|d| digests.contains(&d.digest)), "seed {seed}");
        let mut by_message: HashMap<u64, Vec<&str>> = HashMap::new();
        for d in &world.decisions {
            by_message.entry(d.n).or_default().push(&d.digest);
        }
        for digests in by_message.values() {
            assert!(digests.iter().all(|d| d == &digests[0]), "seed {seed}: one message, one policy");
        }
    }
}

#[test]
fn memory_stays_under_its_limits() {
    for seed in 0..seeds() {
        let mut settings = settings();
        settings.bounds.leg_octets_max = 64 * 1024;
        settings.bounds.pdu_octets_max = 16 * 1024;
        settings.bounds.outstanding_max = 50;
        let limit = settings.bounds.leg_octets_max;
        let mut world = World::new(seed, settings, vec![policy(RULES)]);
        let mut smsc = Smsc::default();
        world.esme.to_gate.extend(bind(CommandId::BIND_TRANSCEIVER, "esme"));
        for _ in 0..200 {
            world.settle();
            smsc.run(&mut world);
        }
        world.chunk = 8192;
        let mut rng = Rng(seed);
        for n in 0..600 {
            if rng.chance(2) {
                world.esme.to_gate.extend((0..rng.below(64)).map(|_| 0xff));
            }
            world.esme.to_gate.extend(anything(&mut rng, n));
            if rng.chance(30) {
                world.step();
            }
            if rng.chance(5) {
                smsc.run(&mut world);
            }
            if rng.chance(20) {
                smsc.deliver(&mut world);
            }
        }
        assert!(world.gate.outstanding(Leg::Smsc) <= 51, "seed {seed}: {}", world.gate.outstanding(Leg::Smsc));
        world.settle();
        assert!(world.most_buffered <= 6 * limit, "seed {seed}: {} octets", world.most_buffered);
    }
}

#[test]
fn adding_a_shadow_rule_changes_no_byte() {
    let shadow = format!(
        "{RULES}  - {{ id: quiet, about: q, category: other, action: block, mode: shadow, when: {{ text: {{ words: [hello, tagme] }} }}, cases: [{{ from: A, to: \"+6591234567\", text: hello, expect: fires }}] }}\n"
    );
    for seed in 0..seeds() {
        let run = |rules: &str| {
            let (mut world, mut smsc) = bound(seed, vec![policy(rules)]);
            traffic(&mut world, &mut smsc, 40);
            (world.esme.from_gate, world.smsc.from_gate)
        };
        assert!(run(RULES) == run(&shadow), "seed {seed}");
    }
}

#[test]
fn a_refused_bind_leaves_the_esme_free_to_try_again() {
    for status in [CommandStatus::ESME_RINVPASWD, CommandStatus::ESME_RBINDFAIL, CommandStatus::ESME_RALYBND] {
        let mut world = World::new(7, settings(), vec![Policy::pass_all()]);
        world.esme.to_gate.extend(bind(CommandId::BIND_TRANSCEIVER, "esme"));
        world.settle();
        let mut refusal = Vec::new();
        wire::response(&mut refusal, CommandId::BIND_TRANSCEIVER_RESP, status, 1, None);
        world.smsc.to_gate.extend(&refusal);
        world.settle();
        assert_eq!(world.esme.from_gate, refusal);
        world.esme.to_gate.extend(bind(CommandId::BIND_TRANSCEIVER, "esme"));
        let mut smsc = Smsc::after(&world);
        for _ in 0..50 {
            world.settle();
            smsc.run(&mut world);
        }
        assert!(matches!(world.gate.state(), State::Bound(_)), "{status}: {:?}", world.gate.state());
    }
}

#[test]
fn with_no_smsc_a_bind_fails_and_a_drain_lets_answers_come_home() {
    let mut world = World::new(7, settings(), vec![Policy::pass_all()]);
    world.smsc_up = false;
    world.esme.to_gate.extend(bind(CommandId::BIND_TRANSMITTER, "esme"));
    world.settle();
    let (header, _) = pdus(&world.esme.from_gate)[0];
    assert_eq!(header.command_status, CommandStatus::ESME_RBINDFAIL);

    let (mut world, mut smsc) = bound(1, vec![policy(RULES)]);
    smsc.silent = true;
    world.esme.to_gate.extend(message(CommandId::SUBMIT_SM, 5, "hello 1", "6591234567", 0));
    world.settle();
    smsc.run(&mut world);
    world.drain();
    world.esme.to_gate.extend(message(CommandId::SUBMIT_SM, 6, "hello 2", "6591234567", 0));
    world.settle();
    smsc.silent = false;
    for _ in 0..50 {
        smsc.run(&mut world);
        world.settle();
    }
    let answers: Vec<_> =
        pdus(&world.esme.from_gate).iter().map(|(h, _)| (h.command_id, h.sequence_number, h.command_status)).collect();
    assert!(answers.contains(&(CommandId::SUBMIT_SM_RESP, 6, CommandStatus::ESME_RSYSERR)), "{answers:?}");
    assert!(answers.contains(&(CommandId::SUBMIT_SM_RESP, 5, CommandStatus::ESME_ROK)), "{answers:?}");
    assert!(answers.iter().any(|a| a.0 == CommandId::UNBIND), "{answers:?}");
    world.finish();
}
