//! Laws of the views of a text, on anything at all and on real messages.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tapis::text::fold::{Kind, Views, fold};

fn folded(text: &str) -> String {
    let mut out = String::new();
    fold(text, &mut out);
    out
}

fn views(text: &str) -> Views {
    let mut views = Views::default();
    views.read(text);
    views.undo(text, &|_| false);
    views
}

/// What messages are made of: words and disguises of every language, and anything at all.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(&[
            "bank", "Acc0unt", "B a n k", "b.a.n.k", "d!eu'k!en", "NHAN'TIEN", "don't", "Kb\u{200b}ank", "КВаnk", "ｂａｎｋ",
            "𝗯𝗮𝗻𝗸", "ⓑⓐⓝⓚ", "b\u{336}ank", "ยืนยัน", "ฝาnรัu", "ทํางาน", "เเจก", "Giảm giá", "gia\u{309}m", "ဘဏ်", "ធនាគារ", "贷款",
            "baaank", "usah@", "B0nu$", "@all", "5jt", "10am", "https://bit.ly/a1b", "🇸🇬", "🇧 🇦", "1️⃣", "٠١٢", "ﷺ", "™", "İ",
        ][..]).prop_map(ToOwned::to_owned),
        2 => "\\PC{0,8}",
        1 => "[\\x00-\\x7f]{0,8}",
        1 => "[\u{300}-\u{36f}\u{200b}-\u{202e}\u{e31}-\u{e4e}a-c0-1 '!@.]{0,12}",
    ];
    let gap = prop::sample::select(&["", " ", "  ", "\n", ".", ", ", "\u{a0}", "-"][..]);
    prop::collection::vec((piece, gap), 0..10).prop_map(|all| all.into_iter().map(|(p, g)| p + g).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn folding_twice_is_folding_once(text in text()) {
        let once = folded(&text);
        prop_assert_eq!(folded(&once), once.clone(), "{:?}", text);
        prop_assert!(!once.contains("  ") && once.trim() == once, "{:?} → {:?}", text, once);
    }

    /// Every octet of every view comes from a character of the text, and the order of the text is kept.
    #[test]
    fn places_are_characters_of_the_text_in_their_order(text in text()) {
        let views = views(&text);
        let plain = |at: usize| views.plain_written(&text, &(at..at + 1));
        let folded = |at: usize| views.written(&text, &(at..at + 1));
        let undone_len: usize = views.undone().map(|reading| reading.len() + 1).sum();
        check(&text, views.plain().len(), plain)?;
        check(&text, views.folded().len(), folded)?;
        let mut start = views.undone_start();
        for reading in views.undone() {
            check(&text, reading.len(), |at| folded(start + at))?;
            start += reading.len() + 1;
        }
        prop_assert!(start <= views.undone_start() + undone_len);
        prop_assert_eq!(views.skeleton().len(), views.folded().len());
    }

    /// No character becomes more than eighteen (U+FDFA), and no text has more than three second readings.
    #[test]
    fn views_are_bounded(text in text()) {
        let views = views(&text);
        let most = 12 * text.len();
        prop_assert!(views.plain().len() <= most && views.folded().len() <= most);
        prop_assert!(views.undone().map(str::len).sum::<usize>() <= 3 * (2 * views.folded().len() + text.len()));
        prop_assert!(views.disguises().len() <= 2 * text.len());
    }

    /// What a word is read as does not depend on what was read before with the same buffers.
    #[test]
    fn buffers_keep_nothing(first in text(), second in text()) {
        let mut reused = views(&first);
        reused.read(&second);
        reused.undo(&second, &|_| false);
        let fresh = views(&second);
        prop_assert_eq!(reused.plain(), fresh.plain());
        prop_assert_eq!(reused.folded(), fresh.folded());
        prop_assert_eq!(reused.undone().collect::<Vec<_>>(), fresh.undone().collect::<Vec<_>>());
        prop_assert_eq!(reused.tight().octets(), fresh.tight().octets());
        prop_assert_eq!(reused.disguises(), fresh.disguises());
    }
}

fn check(text: &str, len: usize, place: impl Fn(usize) -> std::ops::Range<usize>) -> Result<(), TestCaseError> {
    let mut last = 0;
    for at in 0..len {
        let written = place(at);
        prop_assert!(
            text.get(written.clone()).is_some_and(|c| c.chars().count() == 1),
            "{:?} at {}: {:?}",
            text,
            at,
            written
        );
        prop_assert!(written.start >= last, "{:?} at {}", text, at);
        last = written.start;
    }
    Ok(())
}

/// Every letter that UTS #39 says can be taken for a Latin one is, among Latin letters, with few exceptions: those for which
/// the small letter looks like another one than the capital.
#[test]
fn look_alikes_are_read_as_what_they_look_like() {
    let skeleton = |text: &str| unicode_security::skeleton(text).collect::<String>();
    let mut latin: BTreeMap<String, Vec<char>> = BTreeMap::new();
    for c in ('a'..='z').chain('A'..='Z') {
        latin.entry(skeleton(&c.to_string())).or_default().push(c.to_ascii_lowercase());
    }
    let (mut all, mut missed) = (0, Vec::new());
    for c in ('\u{80}'..=char::MAX).filter(|c| c.is_alphabetic() && !unicode_normalization::char::is_combining_mark(*c))
    {
        let Some(letters) = latin.get(&skeleton(&c.to_string())) else { continue };
        all += 1;
        let read = folded(&format!("xy{c}yx"));
        let read = read.strip_prefix("xy").and_then(|r| r.strip_suffix("yx")).unwrap_or_default().to_owned();
        let alike = |a: &str| a.replace(['i', '1'], "l").replace("rn", "m");
        if !letters.iter().any(|letter| alike(&letter.to_string()) == alike(&read)) {
            missed.push(format!("{c} U+{:04X} as {read:?}, not {letters:?}", u32::from(c)));
        }
    }
    println!("{} of {all} look-alikes are read as another letter: {missed:#?}", missed.len());
    assert!(all > 1_200, "only {all} look-alikes");
    assert!(missed.len() * 200 <= all, "{} of {all}", missed.len());
}

/// Messages with their label and language.
fn messages() -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let files =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}: the messages are needed", folder.display()));
    let mut all = Vec::new();
    for file in files.map(|f| f.unwrap().path()).filter(|f| f.extension().is_some_and(|e| e == "tsv")) {
        for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
            if let [label, language, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] {
                all.push((label.to_owned(), language.to_owned(), text.to_owned()));
            }
        }
    }
    all
}

/// Honest messages are not called disguised: how many are is printed by language and kind.
#[test]
fn honest_messages_have_no_disguise() {
    let mut counts: BTreeMap<(String, String), (u32, u32, u32)> = BTreeMap::new();
    let mut kinds: BTreeMap<(String, &str), (u32, Vec<String>)> = BTreeMap::new();
    for (label, language, text) in messages() {
        let mut reading = tapis::text::Reading::default();
        reading.read_text(&text, &tapis::text::ReadContext::default());
        let count = counts.entry((language.clone(), label.clone())).or_default();
        count.0 += 1;
        count.1 += u32::from(reading.obfuscation() > 0);
        count.2 += u32::from(reading.views().undone().next().is_some());
        for kind in Kind::ALL {
            if let Some(first) = reading.disguises().iter().find(|d| d.kind == kind) {
                let entry = kinds.entry((format!("{label} {language}"), kind.name())).or_default();
                entry.0 += 1;
                let near = text.char_indices().filter(|(at, _)| at.abs_diff(first.written.start) < 16).map(|(_, c)| c);
                entry.1.push(near.collect());
            }
        }
    }
    for ((language, label), (all, disguised, again)) in &counts {
        let share = |n: u32| 100.0 * f64::from(n) / f64::from(*all);
        println!(
            "{language} {label:<6} {all:>6} messages, {:>5.2} % disguised, {:>5.1} % read twice",
            share(*disguised),
            share(*again)
        );
    }
    for ((whose, kind), (n, samples)) in &kinds {
        println!(
            "{whose:<9} {kind:<10} {n:>5}  {:?}",
            samples.iter().step_by(samples.len().div_ceil(12)).collect::<Vec<_>>()
        );
    }
    let ham = counts.iter().filter(|((_, label), _)| label == "ham");
    let (all, disguised) = ham.fold((0, 0), |sum, (_, count)| (sum.0 + count.0, sum.1 + count.1));
    assert!(all > 10_000, "only {all} honest messages");
    assert!(disguised * 100 <= all, "{disguised} of {all} honest messages are called disguised: more than 1 %");
}
