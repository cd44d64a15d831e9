//! Snapshots: killed at any moment, damaged, of a later version.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tapis::config::reputation::ReputationSettings;
use tapis::reputation::{Fate, Ground, Kind, Reputation, Sighting, Traits};
use tapis::runtime::clock::Clock;
use tapis::runtime::{remember, snapshot::Snapshots};

use crate::node::{Folder, Node, until};
use crate::peer::{Smsc, bound};
use crate::{RULES, TRX, blocked, reputation, say, show, standing};

/// A little more than a million: of those that come once, a table whose places for senders are more than half full turns away one
/// in forty.
const KEYS: u32 = 1_040_000;

/// A memory of many senders, one of them bad, in the folder of a node.
fn many(folder: &Folder) {
    let written = ReputationSettings {
        secret: Some("secret.key".into()),
        entries_max: Some(2 * KEYS as usize),
        ..ReputationSettings::default()
    };
    let clock = Clock::start();
    let memory = Reputation::new(remember::settings(&written, &folder.0, &[0; 32]).unwrap(), clock.now());
    let mut traits = Traits::default();
    for n in 0..KEYS {
        traits.clear();
        traits.add(memory.key(Kind::Sender, &format!("+852{n:08}")));
        let (fate, ground) = if n == 42 { (Fate::Blocked, Ground::Proof) } else { (Fate::Passed, Ground::None) };
        let times = if n == 42 { 5 } else { 1 };
        let sighting = Sighting { traits: &traits, fate, ground, template: None };
        (0..times).for_each(|_| memory.observe(&sighting, [], clock.now()));
    }
    let snapshots = Snapshots::open(&written, Some(&folder.0.join("state")), &folder.0).unwrap().unwrap();
    snapshots.save(&memory, None, clock).unwrap();
}

fn written(node: &Node) -> u64 {
    node.metric("tapis_reputation_snapshots_total", &["written"])
}

#[test]
fn kill_minus_nine_loses_at_most_the_last_flush_of_a_million_keys() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    let settings = reputation(&folder, ", flush: 50ms, entries_max: 2000000");
    many(&folder);
    let size = fs::metadata(folder.0.join("state/reputation")).unwrap().len();
    let start = Instant::now();
    let mut node = Node::start(&folder, &[smsc.address()], RULES, &settings);
    let first = start.elapsed();
    until("entries are counted", || node.metric("tapis_reputation_entries", &[]) > 0);
    let entries = node.metric("tapis_reputation_entries", &[]);
    assert!(entries >= 1_000_000, "{entries}");
    let bad = standing(&node, "sender:%2B85200000042");
    assert!(bad < 20.0, "{bad}");

    let (mut esme, _centre) = bound(&node.smpp, &smsc, TRX, "acme");
    (2..8).for_each(|n| blocked(&mut esme, n, "buy tapisscam now"));
    let before = show(&node, "sender:INFO");
    assert!(before["standing"].as_f64().unwrap() < 45.0, "{before}");
    // One that began after the last message, and whatever is under way.
    let now = written(&node);
    until("a snapshot was written since", || written(&node) >= now + 2);
    let mut slowest = Duration::ZERO;
    for pause in [0, 30, 150] {
        std::thread::sleep(Duration::from_millis(pause));
        node.kill();
        let start = Instant::now();
        node = Node::start(&folder, &[smsc.address()], RULES, &settings);
        slowest = slowest.max(start.elapsed());
        let after = show(&node, "sender:INFO");
        let blocked = |of: &serde_json::Value| of["counts"]["blocked"].as_f64().unwrap();
        assert!((blocked(&after) - blocked(&before)).abs() < 0.01, "{after}");
        assert!((standing(&node, "sender:%2B85200000042") - bad).abs() < 1.0);
        assert!(!folder.0.join("state/reputation.refused").exists());
    }
    let build = if cfg!(debug_assertions) { "a debug build" } else { "a release build" };
    say(&format!(
        "reputation: {entries} keys, {} MiB: start {} ms, after kill -9 at most {} ms ({build})",
        size >> 20,
        first.as_millis(),
        slowest.as_millis()
    ));
    assert!(cfg!(debug_assertions) || slowest < Duration::from_secs(2), "{slowest:?}");
    node.stop();
}

fn flip(path: &Path, at: usize) {
    let mut octets = fs::read(path).unwrap();
    octets[at] ^= 0x55;
    fs::write(path, octets).unwrap();
}

#[test]
fn a_snapshot_that_is_damaged_or_of_a_later_version_stops_no_start() {
    let (folder, smsc) = (Folder::new(), Smsc::new());
    // Only stops write it.
    let settings = reputation(&folder, ", flush: 1h");
    let start = || Node::start(&folder, &[smsc.address()], RULES, &settings);
    let send = |node: &Node, many: u32| {
        let (mut esme, _centre) = bound(&node.smpp, &smsc, TRX, "acme");
        (2..2 + many).for_each(|n| blocked(&mut esme, n, &format!("buy {n} tapisscam now")));
    };
    let caught = |node: &Node| show(node, "sender:INFO")["counts"]["caught"].as_f64().unwrap_or_default().round();
    let node = start();
    send(&node, 3);
    node.stop();
    let node = start();
    assert_eq!(caught(&node), 3.0);
    send(&node, 2);
    node.stop();

    let newest = folder.0.join("state/reputation");
    let refused = folder.0.join("state/reputation.refused");
    let length = fs::read(&newest).unwrap().len();
    for (what, at) in [("the version", 8), ("the middle", length / 2), ("the last record", length - 30)] {
        let whole = fs::read(&newest).unwrap();
        let previous = fs::read(folder.0.join("state/reputation.previous")).unwrap();
        flip(&newest, at);
        let node = start();
        assert_eq!(caught(&node), 3.0, "{what} is damaged: the previous one is taken");
        assert!(refused.exists(), "{what}");
        assert_eq!(node.metric("tapis_reputation_snapshots_total", &["refused"]), 1);
        node.kill();
        fs::write(&newest, whole).unwrap();
        fs::write(folder.0.join("state/reputation.previous"), previous).unwrap();
        fs::remove_file(&refused).unwrap();
    }
    let node = start();
    assert_eq!(caught(&node), 5.0);
    node.kill();
    flip(&newest, 9);
    fs::write(folder.0.join("state/reputation.previous"), "").unwrap();
    let node = start();
    assert_eq!(show(&node, "sender:INFO")["known"], false, "with none left it begins with nothing");
    send(&node, 1);
    node.stop();
    let node = start();
    assert_eq!(caught(&node), 1.0);
    node.stop();
}
