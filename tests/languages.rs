//! How often the guess at a text's language is right, on messages whose language is known.
//!
//! `cargo test --test languages -- --nocapture` prints the table that the reference of rules quotes.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tapis::text::language;

#[test]
fn a_guess_is_seldom_wrong() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages");
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}: the messages are needed", folder.display()));
    let files = entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|x| x == "tsv"));
    // Right, wrong, unsure.
    let mut counts: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for file in files {
        let table = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        for line in table.lines().skip(1) {
            let mut fields = line.splitn(3, '\t');
            let (Some(_), Some(known), Some(text)) = (fields.next(), fields.next(), fields.next()) else { continue };
            let at = match language::guess(text) {
                Some(guess) if guess == known => 0,
                Some(guess) => {
                    if std::env::var_os("SHOW").is_some_and(|s| s == known) {
                        println!("{guess} {text}");
                    }
                    1
                }
                None => 2,
            };
            counts.entry(known.to_owned()).or_default()[at] += 1;
        }
    }
    println!("language   right  wrong  unsure");
    for (language, [right, wrong, unsure]) in &counts {
        println!("{language:<8} {right:>7} {wrong:>6} {unsure:>7}");
        let decided = right + wrong;
        assert!(right * 100 >= decided * 95, "{language}: {wrong} of {decided} are wrong");
        assert!(decided * 100 >= (decided + unsure) * 60, "{language}: {unsure} are left open");
    }
    assert!(counts.len() >= 6, "{counts:?}");
}
