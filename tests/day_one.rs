//! The example of the rule language: it loads, and every case holds, those that need memory too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;

use tapis::config::diagnostic::Diagnostics;
use tapis::config::source::{ListFile, Source, Sources};
use tapis::time::Timestamp;
use tapis::{case, policy};

fn sources() -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../shared/rules-day-one.yaml");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}: the example is needed", path.display()));
    let list = fs::read_to_string(root.join("config/lists/shorteners.txt")).unwrap();
    Sources {
        rules: vec![
            Source { name: "rules-day-one.yaml".into(), text },
            // What the language's own example of a `tapis.yaml` says of the account that one rule is about.
            Source { name: "accounts.yaml".into(), text: "accounts: { sim-gw: { class: p2p } }".into() },
        ],
        lists: vec![ListFile {
            named_in: "rules-day-one.yaml".into(),
            name: "lists/shorteners.txt".into(),
            text: Ok(list),
        }],
        ..Sources::default()
    }
}

#[test]
fn the_example_loads_and_its_cases_hold() {
    let sources = sources();
    let loaded = policy::load(&sources)
        .unwrap_or_else(|all| panic!("{}", all.iter().map(|d| d.render(&sources)).collect::<Vec<_>>().join("\n\n")));
    let mut diagnostics = Diagnostics::default();
    let now = Timestamp(1_795_000_000_000_000);
    let outcome = case::run(&loaded, &sources, now, &mut diagnostics);
    let failed: Vec<_> = diagnostics.sorted().iter().map(|d| d.render(&sources)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    assert_eq!((outcome.failed, outcome.held), (0, 40));
}
