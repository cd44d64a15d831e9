//! Every input of the fuzz corpora, and every one that once broke a law, through the bodies of the fuzz targets; without
//! libFuzzer, so that nothing is needed to replay a finding.
//!
//! `TAPIS_FUZZ_INPUT=file cargo test --test fuzz_corpora` replays one input through every target.
#![allow(
    clippy::cast_possible_truncation,
    clippy::type_complexity,
    reason = "of the fuzz crate, whose lints are its own"
)]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::{Path, PathBuf};

fn inputs(folder: &str, target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder).join(target);
    let Ok(files) = fs::read_dir(&folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = files.map(|f| f.unwrap().path()).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

fn replay(target: &str) {
    let (_, body) = fuzz::TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    let corpus = inputs("corpus", target);
    assert!(!corpus.is_empty(), "the corpus of {target} is empty");
    for file in corpus.iter().chain(&inputs("regressions", target)) {
        let octets = fs::read(file).unwrap();
        // The name of the input that fails is what one wants to know first.
        if std::panic::catch_unwind(|| body(&octets)).is_err() {
            panic!("{} fails", file.display());
        }
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn every_target_is_replayed() {
            let here = [$(stringify!($name)),*];
            assert!(fuzz::TARGETS.iter().map(|(name, _)| *name).eq(here));
        }
    };
}

targets! { concat config decode entity fold frame gate intel pdu }

#[test]
fn one_input() {
    let Ok(file) = std::env::var("TAPIS_FUZZ_INPUT") else { return };
    let octets = fs::read(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
    let only = std::env::var("TAPIS_FUZZ_TARGET").ok();
    for (name, body) in fuzz::TARGETS.iter().filter(|(name, _)| only.as_deref().is_none_or(|t| t == *name)) {
        eprintln!("{name}");
        body(&octets);
    }
}
