//! A day at a carrier, as `tapis sim day` plays it, at a small part of its size: what the shipped rules promise of it.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::path::Path;
use std::sync::Arc;

use tapis::policy;
use tapis::replay::Setting;
use tapis::replay::day::page::{Line, lines, text};
use tapis::replay::day::{Outcome, play};
use tapis::runtime::files::Origin;
use tapis::sim::day::{Class, Day};

fn shipped() -> Setting {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tapis.yaml");
    let sources = Origin { main: Some(main), ..Origin::default() }.read_once();
    let loaded = policy::load(&sources).unwrap_or_else(|all| panic!("{all:?}"));
    Setting::new(Arc::new(loaded.policy), &tapis::runtime::gate_settings(&loaded.settings))
}

fn played(setting: &Setting, messages: u64, seed: u64) -> (Outcome, Vec<Line>) {
    let day = Day::new(messages, seed);
    let outcome = play(day.clone(), setting, &mut |_| {});
    let lines = lines(&outcome, &day, &setting.policy, setting.reputation);
    (outcome, lines)
}

#[test]
fn each_attack_is_caught_in_time_and_nobody_else_is_blocked() {
    let setting = shipped();
    let (outcome, lines) = played(&setting, 60_000, 1);
    let page = text(&lines);
    println!("{page}");
    assert_eq!(lines.len(), Class::ALL.len(), "every class sent something\n{page}");
    assert!(lines.iter().all(Line::is_right), "\n{page}");
    assert!(outcome.receipts > 6_000, "receipts came: {}", outcome.receipts);
    for line in lines.iter().filter(|line| !line.class.is_attack() && line.class != Class::Chain) {
        assert!(line.actions[1] * 1_000 <= line.messages, "one in a thousand is tagged at most\n{page}");
    }
    let people: usize = outcome.classes[&Class::Conversation].senders.len();
    assert!(people >= 5_500, "a tenth as many people as messages: {people}");
}

#[test]
fn a_day_comes_out_the_same_twice() {
    let setting = shipped();
    let [(_, first), (_, second)] = [(), ()].map(|()| played(&setting, 20_000, 3));
    assert_eq!(first, second);
    assert!(first.iter().all(Line::is_right), "another seed, a smaller day\n{}", text(&first));
}

#[test]
fn without_the_rules_that_remember_attacks_come_through() {
    let mut setting = shipped();
    setting.policy = Arc::new(policy::Policy::pass_all());
    let (_, lines) = played(&setting, 20_000, 1);
    assert!(lines.iter().filter(|line| line.class.is_attack()).all(|line| !line.is_right()), "{}", text(&lines));
}
