//! The starter rules on messages that people really received: honest ones go by.
//!
//! `cargo test --test starter_rules -- --nocapture` prints the table that README quotes. Each message is judged as if an
//! unknown number had sent it to the country of its language: nothing is known of its sender, as on the first day.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tapis::case::Sample;
use tapis::message::Envelope;
use tapis::policy::{Policy, Scratch};
use tapis::runtime::files::Origin;
use tapis::time::Timestamp;
use tapis::verdict::{Action, Verdict};

/// Noon in Singapore, so that no rule about the night is tested by chance.
const NOON: Timestamp = Timestamp(1_795_492_800_000_000);

fn policy() -> Policy {
    let main = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/tapis.yaml");
    let sources = Origin { main: Some(main), ..Origin::default() }.read_once();
    tapis::policy::load(&sources).unwrap_or_else(|all| panic!("{all:?}")).policy
}

/// Label, language and text of every message.
fn messages() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}: the messages are needed", folder.display()));
    let mut files: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "tsv"));
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let table = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for line in table.lines().skip(1) {
            let mut fields = line.splitn(3, '\t').map(ToOwned::to_owned);
            let mut next = || fields.next().unwrap_or_default();
            all.push((next(), next(), next()));
        }
    }
    all
}

fn recipient(language: &str) -> &'static str {
    match language {
        "th" => "+66890000002",
        "vi" => "+84900000002",
        "id" => "+62810000002",
        "tl" => "+639170000002",
        "zh" => "+8613800000002",
        _ => "+6590000002",
    }
}

#[test]
fn honest_messages_go_by_and_frauds_are_found() {
    let policy = policy();
    let (mut envelope, mut scratch, mut verdict) = (Envelope::default(), Scratch::default(), Verdict::default());
    let mut counts: BTreeMap<(String, String), [usize; 3]> = BTreeMap::new();
    for (label, language, text) in messages() {
        let to = recipient(&language);
        let sample =
            Sample { from: "+6590000001", to, text: &text, account: "unknown", now: NOON, ..Sample::default() };
        sample.read(&policy, &mut envelope);
        let message = sample.message(&policy, &envelope);
        policy.judge(&message, &mut scratch, &mut verdict);
        let at = Action::ALL.iter().position(|a| *a == verdict.action).unwrap();
        if label == "ham" && at > 0 {
            let rules = verdict.findings.iter().filter_map(|f| policy.rules.rule(f)).map(|r| r.id.to_string());
            println!("  {} {text}", rules.collect::<Vec<_>>().join(", "));
        }
        counts.entry((label, language)).or_default()[at] += 1;
    }
    println!("label  language     pass     tag   block");
    for ((label, language), [pass, tag, block]) in &counts {
        println!("{label:<6} {language:<8} {pass:>8} {tag:>7} {block:>7}");
    }
    let sum = |label: &str| {
        counts
            .iter()
            .filter(|((l, _), _)| l == label)
            .fold([0; 3], |sum, (_, n)| std::array::from_fn(|i| sum[i] + n[i]))
    };
    let (ham, fraud) = (sum("ham"), sum("smish"));
    println!("honest: {ham:?}, fraud: {fraud:?} (pass, tag, block)");
    assert_eq!(ham[2], 0, "an honest message is blocked");
    assert!(
        ham[0] > 15_000 && ham[1] * 1_000 <= ham[0],
        "more than one honest message in a thousand is tagged: {ham:?}"
    );
    assert!(fraud[1] + fraud[2] >= 200, "hardly any fraud is found: {fraud:?}");
}
