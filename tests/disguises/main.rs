//! Dress does not matter: real messages in every language at hand, in every disguise and coding that is known, applied at
//! random strength. No finding of the plain text may be lost, and none be added but by rules on obfuscation, or what another
//! text says that the same dress fits.
//!
//! Each message meets a few disguises, chosen by seed; `TAPIS_DISGUISES=all` has it meet every one, and the name of one that
//! one.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod dress;

use std::collections::BTreeMap;
use std::path::Path;

use tapis::case::NOTHING;
use tapis::config::source::{Source, Sources};
use tapis::explain::{self, Way};
use tapis::message::Direction;
use tapis::policy::{self, Policy};
use tapis::text::fold::alike;
use tapis::time::Timestamp;

use dress::{DISGUISES, Disguise, Rng};

fn policy() -> Policy {
    let source = Source { name: "rules.yaml".into(), text: include_str!("rules.yaml").into() };
    let sources = Sources { rules: vec![source], ..Sources::default() };
    match policy::load(&sources) {
        Ok(loaded) => loaded.policy,
        Err(all) => panic!("{}", all.iter().map(|d| d.render(&sources)).collect::<Vec<_>>().join("\n")),
    }
}

/// Texts with their language.
fn messages() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let files =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}: the messages are needed", folder.display()));
    let mut files: Vec<_> =
        files.map(|f| f.unwrap().path()).filter(|f| f.extension().is_some_and(|e| e == "tsv")).collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
            if let [_, lang, text] = line.split('\t').collect::<Vec<_>>()[..] {
                all.push((lang.to_owned(), text.to_owned()));
            }
        }
    }
    assert!(all.len() > 30_000, "only {} messages", all.len());
    all
}

/// What is told of a PDU.
struct Told {
    /// What a policy finds, each with the words it rests on.
    found: BTreeMap<String, String>,
    /// The text that was read, and behind it what its octets read in another alphabet.
    text: String,
    /// The first of these alone.
    shown: String,
    /// Its second readings.
    undone: Vec<String>,
}

fn tell(policy: &Policy, pdu: &[u8]) -> Told {
    let way = Way {
        account: "esme",
        direction: Some(Direction::Mt),
        now: Timestamp(1_795_000_000_000_000),
        rule: None,
        memory: &NOTHING,
    };
    let told = explain::pdu(policy, pdu, way).unwrap_or_else(|e| panic!("{e}"));
    let json = &told[0].json;
    let ids = json["findings"].as_array().into_iter().flatten();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    Told {
        found: ids.map(|f| (f["rule"].as_str().unwrap().to_owned(), f["matched"].to_string())).collect(),
        text: text(&json["text"]),
        shown: text(&json["shown"]),
        undone: json["undone"].as_array().into_iter().flatten().map(text).collect(),
    }
}

#[derive(Default)]
struct Count {
    pairs: u64,
    lost: u64,
    added: u64,
    /// Added, and said by another text that the same dress fits.
    said: u64,
    texts: u64,
}

/// Texts that the dressed one is a disguise of just as well, so that what they say must be found: `p l e a s e c a l l` is
/// `please call` as much as `pleasecall`, `hARI.INFO` is `hari.info` as much as `hari.Info`, `b.win` says `win` where a sign
/// was put into `bwin`, and octets are a text in the alphabet that they name as much as in the one that they were made by.
fn others(disguise: &str, read: &str, shown: &Told) -> Vec<String> {
    let letters = |text: &str| {
        let mut letters: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).map(alike).collect();
        letters.dedup();
        letters
    };
    match disguise {
        "spaced letters" | "dotted letters" | "dashed letters" => {
            // Letters that may be parted in several ways, or not at all.
            let parted = |one: &&String| {
                let others = shown.undone.iter().filter(|other| other != one).map(String::as_str);
                others.chain([read]).any(|other| letters(other) == letters(one))
            };
            shown.undone.iter().filter(parted).cloned().collect()
        }
        "capitals" => vec![shown.text.to_lowercase()],
        "sign in word" => {
            let signs: [&[char]; 6] = [&['\''], &['.'], &['-'], &['_'], &['*'], &['.', '-', '_', '*']];
            signs.iter().map(|signs| shown.text.replace(*signs, " ")).collect()
        }
        _ => shown.text.get(shown.shown.len()..).map(|second| second.trim().to_owned()).into_iter().collect(),
    }
}

/// Whether words that were found stand in a text by themselves and as they are, with nothing undone.
fn says(shown: &str, words: &str) -> bool {
    let words: String = serde_json::from_str(words).unwrap_or_default();
    let parts = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    let apart = |at: usize| parts(shown[..at].chars().next_back()) && parts(shown[at + words.len()..].chars().next());
    let is_plain = !words.is_empty() && words.chars().all(|c| c.is_alphanumeric() || c == '.');
    is_plain && shown.match_indices(words.as_str()).any(|(at, _)| apart(at))
}

#[test]
fn dress_does_not_matter() {
    let policy = policy();
    let asked = std::env::var("TAPIS_DISGUISES").ok();
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    let mut causes: BTreeMap<(&str, String, &str), (u64, String)> = BTreeMap::new();
    for (n, (lang, text)) in messages().into_iter().enumerate() {
        let mut rng = Rng(n as u64 ^ 0xd15_6015e);
        // One message in three, unless more is asked for.
        if asked.is_none() && rng.below(3) > 0 {
            continue;
        }
        let Told { found: plain, text: read, .. } = tell(&policy, &dress::plain(&text));
        let chosen: Vec<&Disguise> = match asked.as_deref() {
            Some("all") => DISGUISES.iter().collect(),
            Some(name) => DISGUISES.iter().filter(|disguise| disguise.name == name).collect(),
            None => (0..3).map(|_| &DISGUISES[usize::try_from(rng.below(DISGUISES.len() as u64)).unwrap()]).collect(),
        };
        for disguise in chosen {
            let strength = 10 + rng.below(91);
            let Some(pdu) = disguise.apply(&read, &mut rng, strength) else { continue };
            let shown = tell(&policy, &pdu);
            let found = &shown.found;
            let count = counts.entry(disguise.name).or_default();
            count.texts += 1;
            for id in plain.keys().filter(|id| *id != "hidden") {
                count.pairs += 1;
                if !found.contains_key(id) {
                    count.lost += 1;
                    let cause = causes
                        .entry((disguise.name, id.clone(), "lost"))
                        .or_insert((0, format!("{lang} {read:?} shown as {:?}", shown.text)));
                    cause.0 += 1;
                }
            }
            for (id, words) in found.iter().filter(|(id, _)| *id != "hidden" && !plain.contains_key(*id)) {
                let is_said = |other: &String| tell(&policy, &dress::plain(other)).found.contains_key(id);
                if (disguise.name == "sign in word" && says(&shown.text, words))
                    || others(disguise.name, &read, &shown).iter().any(is_said)
                {
                    count.said += 1;
                    continue;
                }
                count.added += 1;
                let cause = causes
                    .entry((disguise.name, id.clone(), "added"))
                    .or_insert((0, format!("{words} in {lang} {read:?} shown as {:?}", shown.text)));
                cause.0 += 1;
            }
        }
    }
    println!("{:<22} {:>8} {:>8} {:>7} {:>7} {:>7}", "disguise", "texts", "pairs", "lost", "added", "said");
    let mut total = Count::default();
    for (name, count) in &counts {
        let Count { pairs, lost, added, said, texts } = count;
        println!("{name:<22} {texts:>8} {pairs:>8} {lost:>7} {added:>7} {said:>7}");
        total.texts += count.texts;
        total.pairs += count.pairs;
        total.lost += count.lost;
        total.added += count.added;
        total.said += count.said;
    }
    let Count { pairs, lost, added, said, texts } = total;
    println!("{:<22} {texts:>8} {pairs:>8} {lost:>7} {added:>7} {said:>7}", "all");
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|((_, _, what), (n, _))| (*what, std::cmp::Reverse(*n)));
    for ((disguise, rule, what), (n, sample)) in causes.iter().take(60) {
        println!("{n:>6} {what} {disguise} {rule}: {}", sample.chars().take(400).collect::<String>());
    }
    assert!(total.pairs > 10_000, "only {} pairs", total.pairs);
    // What is lost: words that are spaced out with no wider gap between them, beside words that nobody knows; a number of
    // several groups whose "call" is disguised.
    assert!(
        total.lost * 1_000 <= total.pairs * 5,
        "{} of {} findings are lost: more than 0.5 %",
        total.lost,
        total.pairs
    );
    assert_eq!(total.added, 0, "findings are added by rules on words, links or numbers");
}
