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
    use crate::config::facts::{FACTS, ListKind};
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
    fn the_reference_names_every_fact_and_says_which_are_unknown() {
        let rules = text("rules");
        for fact in FACTS {
            let row = row(rules, fact.name);
            let (known, unknown) = (row[2], row[3]);
            for field in fact.fields {
                let name = format!("`{}`", field.name);
                assert_eq!(known.contains(&name), field.known, "{}: {name} in {known:?}", fact.name);
                assert_eq!(unknown.contains(&name), !field.known, "{}: {name} in {unknown:?}", fact.name);
            }
            for named in known.split('`').skip(1).step_by(2).chain(unknown.split('`').skip(1).step_by(2)) {
                assert!(fact.field(named).is_some(), "{}: there is no key {named}", fact.name);
            }
        }
    }

    #[test]
    fn the_reference_names_every_key_and_word_of_the_language() {
        let rules = text("rules");
        let keys = [config::rules::RULE_KEYS, config::rules::EXEMPTION_KEYS, config::rules::CASE_KEYS];
        for key in keys.concat() {
            assert!(rules.contains(&format!("`{key}`")) || rules.contains(&format!("`{key}:")), "key {key}");
        }
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
        for key in config::settings::SETTING_KEYS.iter().chain(config::SHARED_KEYS) {
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
