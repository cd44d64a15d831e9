//! Exception policies: what is done with what cannot be judged, each provoked.

use tapis::config::source::{Source, Sources};
use tapis::policy::{self, Policy};
use tapis::verdict::Action;
use tapis::wire::body::Sm;
use tapis::wire::command::{CommandId, CommandStatus, EsmClass};
use tapis::wire::encode as wire;
use tapis::wire::field::Address;

use crate::bound;
use crate::traffic::pdus;
use crate::world::World;

fn policy(main: &str) -> Policy {
    let main = Source { name: "tapis.yaml".into(), text: format!("listen: 127.0.0.1:0\n{main}\n") };
    policy::load(&Sources { main: Some(main), ..Sources::default() }).unwrap().policy
}

fn submit(to: &str, esm_class: u8, short_message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let sm = Sm {
        source: Address::of_writing("+6590000001"),
        destination: Address::of_writing(to),
        esm_class: EsmClass(esm_class),
        short_message,
        ..Sm::default()
    };
    wire::sm(&mut out, CommandId::SUBMIT_SM, 7, &sm);
    out
}

/// What a policy does with one PDU: the action, whether it was judged, whether it reached the SMSC, and the answer.
fn outcome(main: &str, pdu: &[u8], journal_full: bool) -> (Action, bool, bool, Option<CommandStatus>) {
    let (mut world, mut smsc) = bound(3, vec![policy(main)]);
    let (seen, answered) = (world.smsc.from_gate.len(), pdus(&world.esme.from_gate).len());
    world.journal_full = journal_full;
    world.esme.to_gate.extend(pdu);
    world.settle();
    let reached = world.smsc.from_gate.len() > seen;
    let settle = |world: &mut World, smsc: &mut crate::traffic::Smsc| {
        smsc.run(world);
        world.settle();
    };
    (0..100).for_each(|_| settle(&mut world, &mut smsc));
    let status = pdus(&world.esme.from_gate).get(answered).map(|(header, _)| header.command_status);
    let [decision] = world.decisions.as_slice() else { panic!("{:?}", world.decisions) };
    (decision.action, decision.judged, reached, status)
}

/// With UDHI: a header that is longer than what it stands in.
const LYING_HEADER: &[u8] = &[9, 0, 3, 7, 2, 1];
const UDHI: u8 = 0x40;

#[test]
fn what_cannot_be_read_passes_or_is_refused_and_never_looks_judged() {
    let pdu = submit("+6591234567", UDHI, LYING_HEADER);
    let ok = Some(CommandStatus::ESME_ROK);
    assert_eq!(outcome("on_undecodable: pass", &pdu, false), (Action::Pass, false, true, ok));
    let refused = Some(CommandStatus::ESME_RSUBMITFAIL);
    assert_eq!(outcome("on_undecodable: block", &pdu, false), (Action::Block, false, false, refused));
}

#[test]
fn what_subscribers_report_is_never_refused_for_what_it_is_written_in() {
    let ok = Some(CommandStatus::ESME_ROK);
    for to in ["7726", "+7726"] {
        let pdu = submit(to, UDHI, LYING_HEADER);
        assert_eq!(outcome("on_undecodable: block", &pdu, false), (Action::Pass, false, true, ok), "{to}");
    }
}

#[test]
fn what_cannot_be_parsed_is_refused_or_passes_as_it_came() {
    let mut pdu = Vec::new();
    wire::pdu(&mut pdu, CommandId::SUBMIT_SM, CommandStatus::ESME_ROK, 7, |out| out.extend_from_slice(b"no body"));
    let refused = Some(CommandStatus::ESME_RSUBMITFAIL);
    assert_eq!(outcome("on_malformed: block", &pdu, false), (Action::Block, false, false, refused));
    assert!(outcome("on_malformed: pass", &pdu, false).2, "it reaches the SMSC");
}

#[test]
fn a_full_journal_refuses_or_lets_pass() {
    let pdu = submit("+6591234567", 0, b"hello");
    let ok = Some(CommandStatus::ESME_ROK);
    assert_eq!(outcome("on_journal_full: pass", &pdu, true), (Action::Pass, true, true, ok));
    let again = Some(CommandStatus::ESME_RSYSERR);
    assert_eq!(outcome("on_journal_full: block", &pdu, true), (Action::Block, false, false, again));
}
