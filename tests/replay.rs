//! Replay and diff: what a policy would have done with traffic that has been, counted so that it adds up.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;

use tapis::case::Sample;
use tapis::config::source::{Source, Sources};
use tapis::config::spec::Action;
use tapis::gate::Settings;
use tapis::message::{Direction, Envelope};
use tapis::policy::{self, Policy, Scratch};
use tapis::replay::diff::{self, Diff};
use tapis::replay::{Defaults, Report, Setting, Traffic, play};
use tapis::reputation::{self, Weights};
use tapis::rules::Facts;
use tapis::session::Leg;
use tapis::sim::corpus::{self, Letter};
use tapis::time::Timestamp;
use tapis::verdict::Verdict;
use tapis::wire::body::Sm;
use tapis::wire::capture;
use tapis::wire::command::{CommandId, CommandStatus, EsmClass, RegisteredDelivery};
use tapis::wire::encode;
use tapis::wire::field::Address;

const NOW: Timestamp = Timestamp(1_795_492_800_000_000);

fn setting(rules: &str) -> Setting {
    let rules = vec![Source { name: "rules.yaml".into(), text: rules.into() }];
    let loaded = policy::load(&Sources { rules, ..Sources::default() }).unwrap();
    // What becomes of a message does not change what becomes of the next.
    let reputation = reputation::Settings { weights: Weights::NONE, ..reputation::Settings::default() };
    Setting { reputation, ..Setting::new(Arc::new(loaded.policy), &Settings::default()) }
}

fn replay(traffic: &Traffic, setting: &Setting) -> Report {
    let mut report = Report::default();
    for lane in traffic.lanes() {
        play(traffic, &lane, setting, &mut |decided| report.add(&decided));
    }
    report
}

fn diff(traffic: &Traffic, old: &Setting, new: &Setting) -> Diff {
    let mut all = Diff::default();
    for lane in traffic.lanes() {
        all.merge(diff::lane(traffic, &lane, old, new, 3, &mut || {}), 3);
    }
    all
}

fn defaults() -> Defaults {
    Defaults { at: NOW, ..Defaults::default() }
}

fn letters(texts: &[&str]) -> Traffic {
    let letters: Vec<Letter> = texts.iter().map(|text| Letter::new("", "BANK", "+6590000002", text)).collect();
    let mut traffic = Traffic::default();
    traffic.add_letters(&letters, &defaults());
    traffic
}

/// Real messages, in several accounts and both directions.
fn real() -> Vec<Letter> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let mut all = Vec::new();
    for name in ["uci_sms_spam.tsv", "th_scamguard.tsv", "vi_pth1993.tsv", "zh_message80w.tsv"] {
        let table = std::fs::read_to_string(data.join(name))
            .unwrap_or_else(|e| panic!("{name}: {e}: the shared data must stand beside the repository"));
        all.extend(corpus::read(&table).unwrap().into_iter().take(600));
    }
    for (n, letter) in all.iter_mut().enumerate() {
        letter.account = ["", "a", "b"][n % 3].into();
        letter.mo = n % 7 == 0;
    }
    all
}

const OLD: &str = r#"
rules:
  - { id: link, score: 5, when: { has: link } }
  - { id: call, score: 3, when: { text: { words: [call, txt, gọi, โทร] } } }
  - { id: prize, score: 6, when: { text: { words: [prize, won, free] } } }
"#;
const NEW: &str = r#"
rules:
  - { id: link, score: 3, when: { has: link } }
  - { id: call, action: block, when: { text: { words: [call, txt, gọi, โทร] } } }
  - { id: number, score: 5, when: { has: phone } }
  - { id: quiet, score: 5, mode: shadow, when: { text: { words: [free] } } }
"#;

/// What the policy says of a message that is judged alone.
fn alone(policy: &Policy, letter: &Letter) -> Action {
    let sample = Sample {
        from: &letter.from,
        to: &letter.to,
        text: &letter.text,
        account: &letter.account,
        mo: letter.mo,
        now: NOW,
        ..Sample::default()
    };
    let (mut envelope, mut verdict) = (Envelope::default(), Verdict::default());
    sample.read(policy, &mut envelope);
    policy.judge(&sample.message(policy, &envelope), &Facts::Nothing, &mut Scratch::default(), &mut verdict);
    verdict.action
}

#[test]
fn a_diff_adds_up_to_two_replays_and_to_messages_judged_one_by_one() {
    let letters = real();
    let mut traffic = Traffic::default();
    traffic.add_letters(&letters, &defaults());
    let (old, new) = (setting(OLD), setting(NEW));
    let found = diff(&traffic, &old, &new);
    assert_eq!(found.old, replay(&traffic, &old));
    assert_eq!(found.new, replay(&traffic, &new));
    let all = u64::try_from(letters.len()).unwrap();
    assert_eq!(found.old.messages.all(), all);
    let cell = |a: Action, b: Action| found.table.get(&(a, b)).copied().unwrap_or(0);
    for action in Action::ALL {
        let (row, column): (u64, u64) = Action::ALL
            .iter()
            .map(|b| (cell(action, *b), cell(*b, action)))
            .fold((0, 0), |(r, c), n| (r + n.0, c + n.1));
        assert_eq!(row, found.old.messages.of(action), "the row of {action:?}");
        assert_eq!(column, found.new.messages.of(action), "the column of {action:?}");
    }
    let mut expected = std::collections::BTreeMap::new();
    for letter in &letters {
        *expected.entry((alone(&old.policy, letter), alone(&new.policy, letter))).or_default() += 1_u64;
    }
    assert_eq!(found.table, expected);
    let moved: u64 = expected.iter().filter(|((a, b), _)| a != b).map(|(_, n)| n).sum();
    assert!(moved > 100 && found.changed() == moved, "{moved} and {}", found.changed());
    let lists = |json: serde_json::Value| json["kind"] == "change";
    assert_eq!(found.json().into_iter().filter(|j| lists(j.clone())).count(), found.changes.len());
}

#[test]
fn nothing_changes_between_a_policy_and_itself() {
    let traffic = letters(&["you won a prize", "call me", "lunch?"]);
    let found = diff(&traffic, &setting(OLD), &setting(OLD));
    assert_eq!((found.changed(), found.other_reasons, found.changes.len()), (0, 0, 0));
    assert_eq!(found.old, found.new);
}

#[test]
fn a_change_names_the_rule_that_makes_it_and_its_cluster() {
    let old = "rules: [ { id: a, score: 3, when: { text: { words: [parcel] } } } ]";
    let new = r#"
rules:
  - { id: a, score: 3, when: { text: { words: [parcel] } } }
  - { id: b, score: 2, when: { text: { words: [fee] } } }
"#;
    let traffic = letters(&["Your parcel SP1: fee S$2.10", "Your parcel SP2: fee S$99.00", "parcel", "fee"]);
    let found = diff(&traffic, &setting(old), &setting(new));
    assert_eq!(found.changes.len(), 1, "{:?}", found.changes);
    let (group, changed) = found.changes.iter().next().unwrap();
    // Rule a weighs more and decides; it is b that makes the difference.
    assert_eq!((group.rule.as_str(), group.sender.as_str(), changed.count), ("b", "BANK", 2));
    assert_eq!((group.old.action, group.new.action), (Action::Pass, Action::Tag));
    assert_eq!(changed.samples[0].text, "Your parcel SP1: fee S$2.10");

    let back = diff(&traffic, &setting(new), &setting(old));
    assert_eq!(back.changes.keys().next().unwrap().rule, "b");

    let thresholds = format!("{new}profiles: [ {{ id: default, thresholds: {{ tag: 5, block: 5 }} }} ]\n");
    let harder = diff(&traffic, &setting(new), &setting(&thresholds));
    let group = harder.changes.keys().next().unwrap();
    assert_eq!(
        (group.rule.as_str(), group.new.action, group.new.how.as_str()),
        ("a", Action::Block, "ESME_RSUBMITFAIL")
    );
}

#[test]
fn another_answer_to_a_block_is_a_change_and_another_score_is_not() {
    let old = "rules: [ { id: a, action: block, when: { text: { words: [prize] } } } ]";
    let swallows = "rules: [ { id: a, action: block, answer: accept, when: { text: { words: [prize] } } } ]";
    let weighs = "rules: [ { id: a, action: block, score: 4, when: { text: { words: [prize] } } } ]";
    let traffic = letters(&["a prize"]);
    let found = diff(&traffic, &setting(old), &setting(swallows));
    let group = found.changes.keys().next().unwrap();
    assert_eq!((group.old.how.as_str(), group.new.how.as_str()), ("ESME_RSUBMITFAIL", "swallowed"));
    let found = diff(&traffic, &setting(old), &setting(weighs));
    assert_eq!((found.changed(), found.other_reasons), (0, 1));
}

#[test]
fn a_rule_in_shadow_is_counted_by_what_it_would_have_changed() {
    let rules = r#"
rules:
  - { id: live, action: block, when: { text: { words: [fraud] } } }
  - { id: alone, action: block, mode: shadow, when: { text: { words: [scam, fraud] } } }
  - { id: half, score: 3, mode: shadow, when: { text: { words: [half] } } }
  - { id: other-half, score: 3, mode: shadow, when: { text: { words: [half] } } }
  - { id: nothing, score: 1, mode: shadow, when: { text: { words: [scam] } } }
"#;
    // The first is blocked already; the second would be; the third would be tagged by two rules together.
    let report = replay(&letters(&["a fraud", "a scam", "a half"]), &setting(rules));
    let changes = |id: &str| report.rules[id].changes.clone().into_iter().collect::<Vec<_>>();
    assert_eq!(report.rules["alone"].shadow, 2);
    assert_eq!(changes("alone"), [((Action::Pass, Action::Block), 1)]);
    assert_eq!(changes("half"), [((Action::Pass, Action::Tag), 1)]);
    assert_eq!(changes("other-half"), [((Action::Pass, Action::Tag), 1)]);
    assert_eq!(changes("nothing"), []);
    assert_eq!((report.messages.of(Action::Block), report.shadow.of(Action::Block)), (1, 2));
}

fn segment(up: bool, number: u32, payload: &[u8], micros: u32) -> Vec<u8> {
    let (esme, smsc) = (([10, 0, 0, 1], [0x9c, 0x40]), ([10, 0, 0, 2], [0x0a, 0xd7]));
    let (from, to) = if up { (esme, smsc) } else { (smsc, esme) };
    let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0];
    ip.extend([from.0, to.0].concat());
    ip.extend([from.1, to.1].concat());
    ip.extend(number.to_be_bytes());
    ip.extend([0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
    ip.extend(payload);
    let total = u16::try_from(ip.len()).unwrap().to_be_bytes();
    ip[2..4].copy_from_slice(&total);
    let mut packet = Vec::new();
    packet.extend(1_795_492_800_u32.to_le_bytes());
    packet.extend(micros.to_le_bytes());
    packet.extend(u32::try_from(ip.len()).unwrap().to_le_bytes());
    packet.extend([0; 4]);
    packet.extend(ip);
    packet
}

fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    file.extend([101, 0, 0, 0]);
    file.extend(packets.concat());
    file
}

fn bind(account: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode::pdu(&mut out, CommandId::BIND_TRANSCEIVER, CommandStatus::ESME_ROK, 1, |out| {
        encode::c_octet_string(out, account.as_bytes());
        encode::c_octet_string(out, b"secret");
        encode::c_octet_string(out, b"");
        out.push(0x34);
        encode::address(out, &Address::default());
    });
    out
}

fn part(number: u8, of: u8, text: &str) -> Vec<u8> {
    let user_data = [&[5, 0, 3, 7, of, number][..], text.as_bytes()].concat();
    let sm = Sm {
        source: Address::of_writing("BANK"),
        destination: Address::of_writing("+6590000002"),
        esm_class: EsmClass::UDHI,
        short_message: &user_data,
        ..Sm::default()
    };
    let mut out = Vec::new();
    encode::sm(&mut out, CommandId::SUBMIT_SM, 10 + u32::from(number), &sm);
    out
}

#[test]
fn a_pcap_is_judged_by_account_direction_and_whole_messages() {
    let mut mo = Vec::new();
    let reply = Letter::new("", "+6590000002", "72345", "casino please");
    encode::sm(&mut mo, CommandId::DELIVER_SM, 1, &reply.sm(RegisteredDelivery(0)));
    let up = [bind("agg-1"), part(1, 2, "come to our cas"), part(2, 2, "ino tonight")];
    let mut sent = 100;
    let mut packets = Vec::new();
    for (n, pdu) in (0_u32..).zip(&up) {
        packets.push(segment(true, sent, pdu, n * 20_000));
        sent += u32::try_from(pdu.len()).unwrap();
    }
    packets.push(segment(false, 900, &mo, 90_000));
    let pieces = capture::pieces(&pcap(&packets)).unwrap().unwrap();
    assert_eq!(pieces[1].at, Some(Timestamp(1_795_492_800_020_000)));
    let mut traffic = Traffic::default();
    traffic.add_pieces("file", &pieces, &defaults());
    assert_eq!((traffic.len(), traffic.left_out.other), (3, 1));
    let rules = r#"
rules:
  - id: casino
    action: block
    when: { all: [ { text: { words: [casino] } }, { account: { id: agg-1 } }, { message: { direction: mt } } ] }
"#;
    let report = replay(&traffic, &setting(rules));
    // Both parts are blocked, though neither names it; the reply to it passes.
    assert_eq!(report.rules["casino"].live, 2);
    assert_eq!((report.messages.of(Action::Block), report.messages.of(Action::Pass)), (2, 1));
    assert_eq!(report.accounts["agg-1"].all(), 3);
    assert_eq!(report.directions["mo"].all(), 1);
}

#[test]
fn parts_that_never_come_end_as_early_parts_and_every_request_is_decided_once() {
    let mut traffic = Traffic::default();
    let at = |ms: u64| Timestamp(NOW.0 + ms * 1_000);
    traffic.add_pdu("s", "a", Leg::Esme, at(0), &part(1, 3, "win the prize now"));
    traffic.add_pdu("s", "a", Leg::Esme, at(5_000), &part(3, 3, "of the year"));
    traffic.add_pdu("t", "a", Leg::Esme, at(5_001), &part(1, 2, "another"));
    let report = replay(&traffic, &setting(OLD));
    assert_eq!(report.messages.all(), 3);
    assert!(report.messages.of(Action::Tag) >= 1);
}

fn multi(numbers: &[&str], text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    encode::pdu(&mut out, CommandId::SUBMIT_MULTI, CommandStatus::ESME_ROK, 1, |out| {
        encode::c_octet_string(out, b"");
        encode::address(out, &Address::of_writing("BANK"));
        out.push(u8::try_from(numbers.len()).unwrap());
        for number in numbers {
            out.push(1);
            encode::address(out, &Address::of_writing(number));
        }
        out.extend([0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.push(u8::try_from(text.len()).unwrap());
        out.extend(text.as_bytes());
    });
    out
}

#[test]
fn each_destination_of_a_submit_multi_is_a_verdict_of_its_own() {
    let rule = |country: &str| {
        format!("rules: [ {{ id: r, action: block, when: {{ recipient: {{ country: {country} }} }} }} ]")
    };
    let mut traffic = Traffic::default();
    traffic.add_pdu("s", "a", Leg::Esme, NOW, &multi(&["+6590000002", "+66898765432", "+6281234567890"], "hello"));
    traffic.add_pdu("s", "a", Leg::Esme, NOW, &multi(&["+6590000002"], "hello"));
    let found = diff(&traffic, &setting(&rule("SG")), &setting(&rule("TH")));
    let cell = |a, b| found.table.get(&(a, b)).copied().unwrap_or(0);
    assert_eq!((cell(Action::Block, Action::Pass), cell(Action::Pass, Action::Block)), (2, 1));
    assert_eq!((cell(Action::Pass, Action::Pass), found.old.messages.all()), (1, 4));
}

#[test]
fn what_is_said_on_the_command_line_counts_for_what_does_not_say_it() {
    let mut pdu = Vec::new();
    encode::sm(&mut pdu, CommandId::SUBMIT_SM, 1, &Letter::new("", "A", "6590000002", "hi").sm(RegisteredDelivery(0)));
    let defaults = Defaults { account: "x".into(), direction: Some(Direction::Mo), at: NOW };
    let mut traffic = Traffic::default();
    traffic.add_pieces("lines", &capture::pdus(&pdu, None), &defaults);
    let report = replay(&traffic, &setting(OLD));
    assert_eq!((report.accounts["x"].all(), report.directions.get("mt")), (1, None));
}
