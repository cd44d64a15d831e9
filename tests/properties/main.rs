//! Laws of judging: of the engine that finds, and of what findings are weighed to.
//!
//! Rule files and messages are generated from a fixed seed; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` choose others.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod dress;
mod letters;
mod memory;
mod oracle;
mod passing;
mod written;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use tapis::config::facts::{By, FACTS};
use tapis::message::Message;
use tapis::policy::{Policy, Scratch};
use tapis::verdict::Verdict;

use letters::{Letter, letter, real, text};
use memory::Memory;
use oracle::{Found, Judged, Oracle, Seen};
use written::{Book, Written, book, draft, pardon};

fn config(cases: u32) -> ProptestConfig {
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x7a91);
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|s| s.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..ProptestConfig::default() }
}

/// What the engine makes of a message, in the oracle's words.
fn judged(policy: &Policy, message: &Message<'_>, scratch: &mut Scratch, verdict: &mut Verdict) -> Judged {
    Memory::of(message).lend(policy, |facts| policy.judge(message, facts, scratch, verdict));
    let mut findings = BTreeMap::new();
    for finding in &verdict.findings {
        let mode = format!("{:?}", finding.mode).to_lowercase();
        let exempt_by = finding.exempt_by.map(|e| policy.rules.exemption(e).unwrap().id.to_string());
        findings.insert(policy.rules.rule(finding).unwrap().id.to_string(), Found { mode, exempt_by });
    }
    Judged { findings, score: verdict.score.0.into(), action: verdict.action }
}

/// Judges letters with both, and answers what was asked and how often it held.
fn agree(files: &[serde_json::Value], policy: &Policy, letters: &[Letter]) -> Result<Seen, TestCaseError> {
    let oracle = Oracle::new(files);
    let (mut scratch, mut verdict) = (Scratch::default(), Verdict::default());
    for letter in letters {
        let (engine, plain) =
            letter.read(policy, |message| (judged(policy, message, &mut scratch, &mut verdict), oracle.judge(message)));
        if engine != plain {
            let differ = |id: &&String| engine.findings.get(*id) != plain.findings.get(*id);
            let ids: BTreeSet<&String> = engine.findings.keys().chain(plain.findings.keys()).filter(differ).collect();
            let written = files.iter().flat_map(|f| f["rules"].as_array()).flatten();
            let rules: Vec<_> =
                written.filter(|r| ids.iter().any(|id| id.ends_with(r["id"].as_str().unwrap()))).collect();
            let rules = rules.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            return Err(TestCaseError::fail(format!("{letter:?}\nengine {engine:?}\noracle {plain:?}\n{rules}")));
        }
    }
    Ok(oracle.seen())
}

#[test]
fn evaluate_agrees_with_the_naive_oracle() {
    let all = RefCell::new(Seen::new());
    let strategy = (book(), prop::collection::vec(letter(), 1..8));
    let run = TestRunner::new(config(500)).run(&strategy, |(book, letters)| {
        let written = book.written();
        for (field, [no, yes]) in agree(&written.0, &written.policy(), &letters)? {
            let mut all = all.borrow_mut();
            let counts = all.entry(field).or_default();
            *counts = [counts[0] + no, counts[1] + yes];
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
    // A law over nothing says nothing: every field that can be known held, and did not hold.
    let all = all.into_inner();
    let known = FACTS
        .iter()
        .flat_map(|f| f.fields.iter().filter(|x| x.by != By::Nobody).map(|x| format!("{}.{}", f.name, x.name)));
    let seldom: Vec<_> = known
        .map(|field| (all.get(&field).copied().unwrap_or_default(), field))
        .filter(|([no, yes], field)| {
            *yes == 0 || (*no == 0 && !["text.except", "time.zone", "standing.of"].contains(&field.as_str()))
        })
        .collect();
    assert!(seldom.is_empty(), "{seldom:#?}");
}

/// Rule sets of a fixed seed.
fn books(count: usize) -> Vec<Book> {
    let mut runner = TestRunner::new(config(0));
    (0..count).map(|_| book().new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn evaluate_agrees_with_the_naive_oracle_on_real_messages() {
    let letters = real(40);
    assert!(letters.len() > 800, "{} messages", letters.len());
    let mut held = 0;
    for book in books(12) {
        let written = book.written();
        let seen = agree(&written.0, &written.policy(), &letters).unwrap_or_else(|e| panic!("{e}"));
        held += seen.values().map(|[_, yes]| yes).sum::<usize>();
    }
    assert!(held > 1_000, "{held} conditions held");
}

#[test]
fn evaluate_agrees_with_the_naive_oracle_by_the_first_day_s_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rules-day-one.yaml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}: the example is needed", path.display()));
    let mut file: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    file["lists"]["shorteners"] =
        serde_json::json!({ "domains": ["bit.ly", "tinyurl.com", "t.co", "rb.gy", "cutt.ly"] });
    let written = Written(vec![file]);
    let seen = agree(&written.0, &written.policy(), &real(9)).unwrap_or_else(|e| panic!("{e}"));
    assert!(seen["link.domain_in"][1] > 10 && seen["text.regex"][1] > 0, "{seen:?}");
}

#[test]
fn a_list_wakes_each_rule_by_what_the_rule_asks_of_it() {
    let all = [
        serde_json::json!({ "sender": { "prefix_in": "n" } }),
        serde_json::json!({ "recipient": { "prefix_in": "n" } }),
        serde_json::json!({ "phone": { "prefix_in": "n" } }),
        serde_json::json!({ "phone": { "in": "n" } }),
        serde_json::json!({ "sender": { "id_in": "s" } }),
        serde_json::json!({ "account": { "id_in": "s" } }),
        serde_json::json!({ "handle": { "id_in": "s" } }),
        serde_json::json!({ "link": { "domain_in": "d" } }),
        serde_json::json!({ "link": { "host_in": "d" } }),
        serde_json::json!({ "link": { "domain_like": "d" } }),
        serde_json::json!({ "not": { "not": { "link": { "domain_in": "d" } } } }),
        serde_json::json!({ "at_least": { "count": 2, "of": [
            { "has": "link" }, { "phone": { "prefix_in": "n" } }, { "not": { "sender": { "id_in": "s" } } } ] } }),
    ];
    let rules: Vec<_> = all
        .iter()
        .enumerate()
        .map(|(n, when)| serde_json::json!({ "id": format!("r-{n}"), "score": 1, "category": "other", "when": when }))
        .collect();
    // Most of each list is made up, so that it is long.
    let long = |some: &[&str], made: fn(usize) -> String| {
        some.iter().map(|s| (*s).to_owned()).chain((0..300).map(made)).collect::<Vec<_>>()
    };
    let file = serde_json::json!({
        "lists": {
            "n": { "numbers": long(&["65", "+66 8", "62033"], |n| format!("99{n:04}")) },
            "s": { "senders": long(&["DBS", "INFO", "agg-1", "abc_def"], |n| format!("Made{n}")) },
            "d": { "domains": long(&["dbs.com", "bit.ly", "kbnk-th.xyz"], |n| format!("made-{n}.example")) },
        },
        "rules": rules,
    });
    let written = Written(vec![file]);
    let policy = written.policy();
    let run = TestRunner::new(config(60)).run(&prop::collection::vec(letter(), 1..8), |letters| {
        agree(&written.0, &policy, &letters)?;
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
    let seen = agree(&written.0, &policy, &real(40)).unwrap_or_else(|e| panic!("{e}"));
    assert!(seen["phone.prefix_in"][1] > 0 && seen["recipient.prefix_in"][1] > 0, "{seen:?}");
}

/// What a message comes to, in words that do not depend on where rules and tags stand.
fn told(policy: &Policy, message: &Message<'_>) -> String {
    let (mut scratch, mut verdict) = (Scratch::default(), Verdict::default());
    let judged = judged(policy, message, &mut scratch, &mut verdict);
    let tags: Vec<_> = verdict.tags.iter().map(|t| policy.tag_name(*t)).collect();
    let deciding = verdict.deciding(&policy.rules).map(|r| r.id.clone());
    let profile = policy.profile(&verdict).map(|p| p.id.clone());
    format!("{judged:?} {:?} {:?} {tags:?} {deciding:?} {profile:?}", verdict.shadow_action, verdict.answer)
}

/// The verdicts of two policies on letters, the first policy's first.
fn verdicts(policies: [&Policy; 2], letters: &[Letter]) -> Vec<[Verdict; 2]> {
    let mut scratch = Scratch::default();
    let mut verdict = |policy: &Policy, letter: &Letter| {
        let mut verdict = Verdict::default();
        letter.read(policy, |message| {
            Memory::of(message).lend(policy, |facts| policy.judge(message, facts, &mut scratch, &mut verdict));
        });
        verdict
    };
    letters.iter().map(|letter| policies.map(|policy| verdict(policy, letter))).collect()
}

#[test]
fn adding_a_rule_never_weakens_a_verdict() {
    let stronger = Cell::new(0);
    let strategy = (book(), draft(), prop::collection::vec(letter(), 1..8));
    let run = TestRunner::new(config(300)).run(&strategy, |(book, draft, letters)| {
        let mut more = book.clone();
        more.drafts.push(draft.clone());
        let (before, after) = (book.written().policy(), more.written().policy());
        for [before, after] in verdicts([&before, &after], &letters) {
            prop_assert!(after.action >= before.action && after.score >= before.score, "{before:?} {after:?}");
            prop_assert!(after.shadow_action >= before.shadow_action, "{before:?} {after:?}");
            let same = (after.action, after.score) == (before.action, before.score);
            prop_assert!(same || (draft.mode == "live" && book.mode == "live"), "a quiet rule: {before:?} {after:?}");
            stronger.set(stronger.get() + usize::from(after.action > before.action));
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
    assert!(stronger.get() > 10, "{} verdicts were stronger", stronger.get());
}

#[test]
fn adding_an_exemption_never_strengthens_a_verdict() {
    let weaker = Cell::new(0);
    let strategy = (book(), pardon(), prop::collection::vec(letter(), 1..8));
    let run = TestRunner::new(config(300)).run(&strategy, |(book, pardon, letters)| {
        let mut more = book.clone();
        more.pardons.push(pardon);
        let (before, after) = (book.written().policy(), more.written().policy());
        for [before, after] in verdicts([&before, &after], &letters) {
            prop_assert!(after.action <= before.action && after.score <= before.score, "{before:?} {after:?}");
            prop_assert!(after.shadow_action <= before.shadow_action, "{before:?} {after:?}");
            let found = |v: &Verdict| v.findings.iter().map(|f| f.rule).collect::<Vec<_>>();
            prop_assert_eq!(found(&before), found(&after), "what is silenced is told all the same");
            weaker.set(weaker.get() + usize::from(after.action < before.action));
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
    assert!(weaker.get() > 10, "{} verdicts were weaker", weaker.get());
}

#[test]
fn order_of_files_and_rules_never_matters() {
    let strategy = (book(), any::<u64>(), prop::collection::vec(letter(), 1..6));
    let run = TestRunner::new(config(200)).run(&strategy, |(book, seed, letters)| {
        let written = book.written();
        let as_written = written.policy();
        let rules_moved = written.shuffled(seed, &["rules", "exemptions"]).policy();
        prop_assert_eq!(as_written.digest(), rules_moved.digest());
        let all_moved = written.shuffled(seed, &[]).policy();
        for letter in &letters {
            let expected = letter.read(&as_written, |m| told(&as_written, m));
            prop_assert_eq!(&expected, &letter.read(&rules_moved, |m| told(&rules_moved, m)), "{:?}", letter);
            prop_assert_eq!(&expected, &letter.read(&all_moved, |m| told(&all_moved, m)), "{:?}", letter);
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
}

/// Facts by which a condition can ask what a message was dressed in, or for findings that did.
const ABOUT_DRESS: [&str; 3] = ["\"message\":", "\"account\":", "\"finding\":"];

fn asks_for_dress(written: &str) -> bool {
    ABOUT_DRESS.iter().any(|fact| written.contains(fact))
}

/// Rules that ask what a message was dressed in, and those that ask for their findings.
fn about_dress(book: &Book, written: &Written) -> Vec<String> {
    let rules = (0..book.drafts.len()).map(|n| book.id(n));
    let asks = |id: &String| {
        let own = id.rsplit('/').next().unwrap();
        let rule = written.0.iter().flat_map(|f| f["rules"].as_array()).flatten().find(|r| r["id"] == own).unwrap();
        let text =
            format!("{}{}", rule, if id.contains('/') { written.0[1]["defaults"].to_string() } else { String::new() });
        asks_for_dress(&text)
    };
    rules.filter(asks).collect()
}

#[test]
fn dress_does_not_matter() {
    let counts = Cell::new([0; 2]);
    let strategy = (book(), prop::collection::vec(text(), 1..4));
    let run = TestRunner::new(config(150)).run(&strategy, |(mut book, texts)| {
        book.pardons.retain(|pardon| !asks_for_dress(&pardon.when.to_string()));
        let mut written = book.written();
        written.0[0]["accounts"] = serde_json::from_str(dress::ACCOUNTS).unwrap();
        let (policy, apart) = (written.policy(), about_dress(&book, &written));
        for text in texts {
            let [dresses, found] = same_in_every_dress(&policy, &text, &apart)?;
            counts.set([counts.get()[0] + dresses, counts.get()[1] + found]);
        }
        Ok(())
    });
    run.unwrap_or_else(|e| panic!("{e}"));
    assert!(counts.get()[0] > 2_000 && counts.get()[1] > 100, "{:?} dresses and findings", counts.get());
}

#[test]
fn dress_does_not_matter_to_real_messages() {
    let mut books = books(6);
    let mut policies = Vec::new();
    for book in &mut books {
        book.pardons.retain(|pardon| !asks_for_dress(&pardon.when.to_string()));
        let mut written = book.written();
        written.0[0]["accounts"] = serde_json::from_str(dress::ACCOUNTS).unwrap();
        policies.push((written.policy(), about_dress(book, &written)));
    }
    let mut dresses = 0;
    let letters = real(100).into_iter().filter(|letter| !dress::was_read_as_latin_1(&letter.text));
    for (n, letter) in letters.enumerate() {
        let (policy, apart) = &policies[n % policies.len()];
        dresses += same_in_every_dress(policy, &letter.text, apart).unwrap_or_else(|e| panic!("{e}"))[0];
    }
    assert!(dresses > 5_000, "{dresses} dresses");
}

/// Answers how many dresses there were, and how many findings in each.
fn same_in_every_dress(policy: &Policy, text: &str, apart: &[String]) -> Result<[usize; 2], TestCaseError> {
    let all = dress::all("INFO", "+6591234567", text);
    let told: Vec<_> = all.iter().map(|d| dress::findings(policy, d, apart)).collect();
    let Some(first) = told.first() else { return Ok([0, 0]) };
    prop_assert_eq!(&first.0, &serde_json::Value::from(text).to_string());
    for (dressed, told) in all.iter().zip(&told) {
        prop_assert_eq!(first, told, "{} against {}", all[0].how, dressed.how);
    }
    Ok([all.len(), first.1.len()])
}
