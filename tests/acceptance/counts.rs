//! Counts that must agree on all sides: ESMEs, SMSC, metrics, tallies and journal, while the rules are loaded again and
//! again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tapis::case::Sample;
use tapis::config::source::{Source, Sources};
use tapis::message::Envelope;
use tapis::policy::{self, Scratch};
use tapis::rules::Facts;
use tapis::runtime::peer::{self, Load, Smsc};
use tapis::sim::corpus::{self, Letter};
use tapis::sim::esme::Report;
use tapis::sim::smsc::{Behaviour, Centre, body_digest};
use tapis::verdict::{Action, Verdict};
use tapis::wire::command::{CommandId, RegisteredDelivery};
use tapis::wire::encode as wire;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::node::{Folder, Node, journal};

/// An SMSC that remembers what it took.
pub fn sim_smsc() -> (Runtime, Smsc, String) {
    let runtime = Runtime::new().unwrap();
    let behaviour = Behaviour { remembers: true, receipts: false, ..Behaviour::default() };
    let smsc = Smsc::new(Centre::new(behaviour));
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(smsc.clone().serve(listener));
    (runtime, smsc, address)
}

pub fn load(connect: &str, system_id: &str, window: usize, messages: u64) -> Load {
    Load {
        connect: connect.into(),
        system_id: system_id.into(),
        bind: CommandId::BIND_TRANSCEIVER,
        window,
        messages: Some(messages),
        rate: None,
        first: 0,
        registered_delivery: RegisteredDelivery(0),
        stay: Duration::ZERO,
    }
}

/// Runs ESMEs side by side; all must end well.
pub async fn run(loads: Vec<Load>, texts: &[&str]) -> Report {
    let letters: Arc<[Letter]> = texts.iter().map(|text| Letter::new("", "INFO", "+6591234567", text)).collect();
    run_letters(loads, &letters).await
}

async fn run_letters(loads: Vec<Load>, letters: &Arc<[Letter]>) -> Report {
    let mut running = JoinSet::new();
    for load in loads {
        running.spawn(peer::esme(load, Arc::clone(letters)));
    }
    let mut total = Report { bound: true, unbound: true, ..Report::default() };
    while let Some(ended) = running.join_next().await {
        total.add(&ended.unwrap().unwrap());
    }
    total
}

/// Real messages where they are at hand, else the demo's.
fn letters() -> Vec<Letter> {
    let folder = std::path::Path::new("../shared/data/messages");
    let mut letters = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "tsv")) {
        letters.extend(corpus::read(&std::fs::read_to_string(file).unwrap()).unwrap());
    }
    if letters.is_empty() { corpus::demo().into_iter().filter(|l| !l.mo).collect() } else { letters }
}

const RULES: &str = r#"
rules:
  - { id: link, category: other, about: a link, action: tag, when: { has: link } }
  - { id: money, category: prize, about: money and a number, action: block, when: { all: [ { any: [ { has: amount }, { text: { words: [free, win, hadiah, "ฟรี", "优惠"] } } ] }, { has: phone } ] } }
  - { id: quiet, category: other, about: never acts, action: block, mode: shadow, when: { text: { words: [you, anda, "的"] } } }
"#;

/// Sessions and window of the load.
const SESSIONS: u64 = 8;
const WINDOW: usize = 100;

#[test]
fn all_sides_agree_to_the_message() {
    let messages: u64 = std::env::var("TAPIS_MESSAGES").map_or(20_000, |n| n.parse().unwrap());
    let letters: Arc<[Letter]> = letters().into();
    let expected = expected(&letters, messages);
    let folder = Folder::new();
    let (runtime, smsc, address) = sim_smsc();
    let node = Node::start(&folder, &[address], RULES, NO_MEMORY);
    let (admin, going) = (node.admin.clone(), Arc::new(AtomicBool::new(true)));
    let reloader = {
        let (going, folder) = (Arc::clone(&going), folder.0.clone());
        thread::spawn(move || {
            let mut n = 0;
            while going.load(Ordering::Relaxed) {
                // A rule that never acts comes and goes: every reload makes another policy, and no verdict changes.
                let extra =
                    "  - { id: extra, category: other, about: x, score: 1, mode: shadow, when: { has: code } }\n";
                let rules = if n % 2 == 0 { format!("{RULES}{extra}") } else { RULES.to_owned() };
                std::fs::write(folder.join("rules.yaml"), rules).unwrap();
                assert_eq!(crate::reload(&admin), 200);
                n += 1;
                thread::sleep(Duration::from_secs(1));
            }
            n
        })
    };
    let per_session = |n: u64| messages / SESSIONS + u64::from(n < messages % SESSIONS);
    let loads = (0..SESSIONS).map(|n| load(&node.smpp, &format!("esme-{n}"), WINDOW, per_session(n))).collect();
    let start = std::time::Instant::now();
    let report = runtime.block_on(run_letters(loads, &letters));
    let took = start.elapsed();
    going.store(false, Ordering::Relaxed);
    let reloads = reloader.join().unwrap();

    // ESMEs: each message is answered once.
    let (passes, tags, blocks) =
        (expected.total(Action::Pass), expected.total(Action::Tag), expected.total(Action::Block));
    assert!(passes > 0 && tags > 0 && blocks > 0);
    assert_eq!((report.submitted, report.answered(), report.strays), (messages, messages, 0));
    assert_eq!(report.answers.get("ESME_ROK"), Some(&(passes + tags)));
    assert_eq!(report.answers.get("ESME_RSUBMITFAIL"), Some(&blocks));
    // The SMSC: what passed came byte for byte, as often as it was sent; what is not a passed message is a tagged one.
    smsc.with(|centre| {
        assert_eq!(centre.messages, passes + tags);
        for (digest, n) in &expected.passed {
            assert_eq!(centre.bodies.remove(digest).map(u64::from), Some(*n));
        }
        let tagged: u64 = centre.bodies.values().map(|n| u64::from(*n)).sum();
        assert_eq!(tagged, tags);
        assert!(expected.changed.iter().all(|digest| !centre.bodies.contains_key(digest)), "tagged ones are changed");
    });
    // Metrics, after the sessions have handed in their counts.
    for (action, n) in [("pass", passes), ("tag", tags), ("block", blocks)] {
        assert_eq!(node.metric("tapis_messages_total", &["\"mt\"", &format!("\"{action}\"")]), n, "{action}");
    }
    assert_eq!(node.metric("tapis_findings_total", &["\"money\""]), expected.of_rule("money"));
    assert_eq!(node.metric("tapis_findings_total", &["\"quiet\"", "shadow"]), expected.of_rule("quiet"));
    assert_eq!(node.metric("tapis_journal_lost_total", &[]), 0);
    node.stop();
    // Journal and tallies: each message once.
    let mut written: BTreeMap<String, u64> = BTreeMap::new();
    let mut tallied: BTreeMap<String, u64> = BTreeMap::new();
    let mut ids = std::collections::HashSet::new();
    let mut answered = 0;
    for record in journal(&folder.0) {
        match record["kind"].as_str().unwrap() {
            "decision" => {
                assert!(ids.insert(record["id"].as_str().unwrap().to_owned()), "an id comes once");
                *written.entry(record["action"].as_str().unwrap().to_owned()).or_default() += 1;
            }
            "tally" => {
                for row in record["counts"].as_array().unwrap() {
                    *tallied.entry(row["action"].as_str().unwrap().to_owned()).or_default() +=
                        row["count"].as_u64().unwrap();
                }
            }
            "outcome" => answered += u64::from(record["outcome"] == "answered"),
            "gap" => panic!("records were lost: {record}"),
            _ => {}
        }
    }
    let wanted: BTreeMap<String, u64> =
        [("pass", passes), ("tag", tags), ("block", blocks)].map(|(a, n)| (a.to_owned(), n)).into();
    assert_eq!((&written, &tallied, answered), (&wanted, &wanted, passes + tags));
    eprintln!(
        "{messages} messages in {took:.1?}: {passes} passed, {tags} tagged, {blocks} blocked, {reloads} reloads meanwhile"
    );
}

/// What was blocked says nothing of what comes after it, so that each letter comes to the same whenever it is sent.
const NO_MEMORY: &str = "reputation: { weights: { rule: 0 } }";

/// What each letter must come to, by the library alone.
struct Expected {
    actions: Vec<(Action, u64)>,
    /// Digest of each body that passes, and how often.
    passed: BTreeMap<u64, u64>,
    changed: Vec<u64>,
    rules: BTreeMap<String, u64>,
}

impl Expected {
    fn total(&self, action: Action) -> u64 {
        self.actions.iter().filter(|(a, _)| *a == action).map(|(_, n)| n).sum()
    }

    fn of_rule(&self, id: &str) -> u64 {
        self.rules.get(id).copied().unwrap_or(0)
    }
}

fn expected(letters: &[Letter], messages: u64) -> Expected {
    let source = Source { name: "rules.yaml".into(), text: RULES.into() };
    let policy = policy::load(&Sources { rules: vec![source], ..Sources::default() }).unwrap().policy;
    let mut sent = vec![0_u64; letters.len()];
    let all = letters.len() as u64;
    for n in 0..SESSIONS {
        let share = messages / SESSIONS + u64::from(n < messages % SESSIONS);
        for (at, times) in sent.iter_mut().enumerate() {
            *times += share / all + u64::from((at as u64) < share % all);
        }
    }
    let (mut scratch, mut verdict, mut envelope) = (Scratch::default(), Verdict::default(), Envelope::default());
    let mut expected =
        Expected { actions: Vec::new(), passed: BTreeMap::new(), changed: Vec::new(), rules: BTreeMap::new() };
    for (letter, n) in letters.iter().zip(sent).filter(|(_, n)| *n > 0) {
        let sample = Sample { from: &letter.from, to: &letter.to, text: &letter.text, ..Sample::default() };
        sample.read(&policy, &mut envelope);
        policy.judge(&sample.message(&policy, &envelope), &Facts::Nothing, &mut scratch, &mut verdict);
        expected.actions.push((verdict.action, n));
        for finding in &verdict.findings {
            *expected.rules.entry(policy.rules.rule(finding).unwrap().id.to_string()).or_default() += n;
        }
        let mut octets = Vec::new();
        wire::sm(&mut octets, CommandId::SUBMIT_SM, 1, &letter.sm(RegisteredDelivery(0)));
        match verdict.action {
            Action::Pass => *expected.passed.entry(body_digest(&octets)).or_default() += n,
            _ => expected.changed.push(body_digest(&octets)),
        }
    }
    expected
}
