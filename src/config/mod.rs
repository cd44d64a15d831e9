//! What the operator wrote, and where: sources in, [`Spec`] and all [`Diagnostics`] out.
//!
//! Reading is pure and goes on after every mistake, so that one run tells all of them. A file with a syntax error is left
//! out, and told; the others are still read. What the values *mean* together (names that must exist, regexes, cases) is
//! told by the compiler of [`crate::rules`] and [`crate::policy`].

pub mod canary;
mod condition;
pub mod decode;
pub mod diagnostic;
pub mod facts;
pub mod intel;
pub mod keys;
mod parts;
pub mod reference;
pub mod reputation;
pub mod rules;
pub mod schema;
pub mod settings;
pub mod source;
pub mod spec;
pub mod stretch;
pub mod tls;
pub mod tree;

use decode::{Decoder, Fields};
use diagnostic::Diagnostics;
use settings::Settings;
use source::{Place, Source, Sources};
use spec::Spec;
use tree::Node;

/// Whether a file is a `tapis.yaml`, by its keys.
#[must_use]
pub fn is_main(source: &Source) -> bool {
    let has = |section: &keys::Section, key: &str| section.keys.iter().any(|k| k.name == key);
    let only_main = |key: &str| has(&keys::MAIN_FILE, key) && !has(&keys::RULE_FILE, key);
    tree::parse(source, &mut Diagnostics::default()).is_some_and(|root| match &root.value {
        tree::Value::Map(entries) => entries.iter().any(|(k, _)| k.text().is_some_and(only_main)),
        _ => false,
    })
}

/// Reads the main file alone: where the rules are, it says.
#[must_use]
pub fn read_settings(main: &Source, diagnostics: &mut Diagnostics) -> Settings {
    let mut spec = Spec::default();
    read_main(main, &mut spec, diagnostics)
}

/// Reads everything.
#[must_use]
pub fn read(sources: &Sources, diagnostics: &mut Diagnostics) -> (Settings, Spec) {
    let mut spec = Spec::default();
    let settings = match &sources.main {
        Some(main) => read_main(main, &mut spec, diagnostics),
        None => Settings::default(),
    };
    for (name, why) in &sources.unread {
        diagnostics.error(&Place::start(name), "file", format!("cannot be read: {why}"));
    }
    for source in &sources.rules {
        read_rules(source, &mut spec, diagnostics);
    }
    (settings, spec)
}

/// Names of the files that lists and registries name, each with the rule file that names it.
#[must_use]
pub fn files_named(sources: &Sources) -> Vec<(String, String)> {
    let (_, spec) = read(sources, &mut Diagnostics::default());
    let lists = spec.lists.iter().filter_map(|l| l.file.as_ref());
    let registries = spec.registries.iter().filter_map(|r| r.file.as_ref());
    lists.chain(registries).map(|f| (f.place.file.to_string(), f.value.clone())).collect()
}

fn read_main(main: &Source, spec: &mut Spec, diagnostics: &mut Diagnostics) -> Settings {
    let Some(root) = tree::parse(main, diagnostics) else { return Settings::default() };
    let mut decoder = Decoder { diagnostics };
    let Some(fields) = decoder.section(&root, &keys::MAIN_FILE) else { return Settings::default() };
    decoder.policy_parts(&fields, spec);
    decoder.settings(&fields, spec)
}

fn read_rules(source: &Source, spec: &mut Spec, diagnostics: &mut Diagnostics) {
    let Some(root) = tree::parse(source, diagnostics) else { return };
    let mut decoder = Decoder { diagnostics };
    let Some(fields) = decoder.section(&root, &keys::RULE_FILE) else { return };
    if let Some(node) = fields.get("version") {
        decoder.choice(node, "`version`", &["1"]);
    }
    let pack = decoder.pack(&fields);
    decoder.policy_parts(&fields, spec);
    decoder.named_parts(&fields, &pack, spec);
    for node in items(&mut decoder, &fields, "rules") {
        spec.rules.extend(decoder.rule(node, &pack));
    }
    for node in items(&mut decoder, &fields, "exemptions") {
        spec.exemptions.extend(decoder.exemption(node, &pack));
    }
}

fn items<'n>(decoder: &mut Decoder<'_>, fields: &Fields<'n>, key: &str) -> &'n [Node] {
    fields.get(key).map(|n| decoder.items(n, &format!("`{key}`"))).unwrap_or_default()
}
