//! The longer documents: read here, and printed by `tapis help TOPIC`.
//!
//! A topic is a Markdown file in this folder and one line in the list below.

/// One document.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// What it is asked for by.
    pub name: &'static str,
    /// What it is about, in one line.
    pub about: &'static str,
    /// Its text, in Markdown.
    pub text: &'static str,
}

macro_rules! topics {
    ($($name:ident: $about:literal,)*) => {
        $(#[doc = include_str!(concat!(stringify!($name), ".md"))] pub mod $name {})*

        /// Every document.
        pub const TOPICS: &[Topic] = &[
            $(Topic { name: stringify!($name), about: $about, text: include_str!(concat!(stringify!($name), ".md")) },)*
        ];
    };
}

topics! {
    design: "what Tapis is made of, and why",
    rules: "the rule language: the reference",
    facts: "every fact and key of the rules: its type, its unit, an example",
    codings: "how a text is read, and what may be wrong with the way it came",
    evasions: "tricks that hide a text, and the line that stops each",
    operations: "running it: configuration, reloads, metrics, journal",
}

/// The document of a name.
#[must_use]
pub fn topic(name: &str) -> Option<&'static Topic> {
    TOPICS.iter().find(|t| t.name == name)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::config;
    use crate::config::facts::ListKind;
    use crate::text::{Alphabet, Anomaly, Payload};

    fn text(name: &str) -> &'static str {
        topic(name).unwrap().text
    }

    /// The cells of the row that begins with `` `name` ``.
    fn row<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
        let start = format!("| `{name}` |");
        let line = text.lines().find(|l| l.starts_with(&start)).unwrap_or_else(|| panic!("there is no row {start}"));
        line.split('|').map(str::trim).collect()
    }

    #[test]
    fn every_document_of_the_folder_is_a_topic() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
        let mut files = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "md") {
                files += 1;
                let name = path.file_stem().unwrap().to_str().unwrap();
                assert_eq!(text(name), fs::read_to_string(&path).unwrap());
            }
        }
        assert_eq!(files, TOPICS.len());
    }

    #[test]
    fn facts_is_written_from_the_tables() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual/facts.md");
        let page = config::reference::page();
        if std::env::var_os("TAPIS_BLESS").is_some() {
            fs::write(&path, &page).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap();
        assert!(kept == page, "src/manual/facts.md is old: TAPIS_BLESS=1 cargo test --lib manual writes it");
    }

    #[test]
    fn the_reference_names_every_category_and_kind_of_list() {
        let rules = text("rules");
        let (_, list) = rules.split_once("**Categories**: ").unwrap();
        let (list, _) = list.split_once("\n\n").unwrap();
        let named: Vec<&str> = list.trim_end_matches('.').split(',').map(str::trim).collect();
        assert_eq!(named, config::rules::CATEGORIES);
        for kind in ListKind::ALL {
            assert!(rules.contains(&format!("`{}`", kind.name())), "list kind {}", kind.name());
        }
    }

    #[test]
    fn codings_names_every_alphabet_payload_and_anomaly() {
        let codings = text("codings");
        for (name, _) in Alphabet::NAMES {
            assert!(codings.contains(&format!("`{name}`")), "alphabet {name}");
        }
        for payload in Payload::ALL {
            assert!(codings.contains(&format!("| `{}` |", payload.name())), "payload {}", payload.name());
        }
        for anomaly in Anomaly::ALL {
            assert_eq!(row(codings, anomaly.name())[2], anomaly.about(), "anomaly {}", anomaly.name());
        }
    }

    #[test]
    fn operations_names_every_setting_and_every_metric() {
        let operations = text("operations");
        for key in config::keys::MAIN_FILE.names() {
            assert!(operations.contains(&format!("`{key}`")), "key {key}");
        }
        let source = include_str!("../runtime/metrics.rs");
        let names = source
            .split('"')
            .filter(|s| s.starts_with("tapis_") && !s.contains(|c: char| !c.is_ascii_lowercase() && c != '_'));
        let mut seen = 0;
        for name in names {
            seen += 1;
            assert!(operations.contains(&format!("`{name}`")), "metric {name}");
        }
        assert!(seen > 20, "the names of metrics were not found in their source");
    }
}
