//! [`Spec`] → [`Ruleset`]: names are looked up, words folded, regexes compiled; every mistake points into the YAML.
//!
//! One file for each kind of compilation: lists and registries, rules and exemptions, conditions, the tests of facts.

mod condition;
mod fact;
mod lists;
mod rule;

use std::collections::HashMap;

use super::calendar::Dates;
use super::list::{Addresses, Domains, Prefixes, Senders};
use super::matcher::{Builder, SetId};
use super::word::Word;
use super::{Registries, Ruleset};
use crate::config::diagnostic::{Diagnostics, nearest};
use crate::config::spec::{Field, FieldValue, ListFile, Mode, Place, Placed, Points, Spec};

/// Texts of the files that lists and registries name.
pub type ListFiles = [ListFile];

/// Compiles what was written. Mistakes are told, and what has one is left out, so that all are told at once.
pub fn compile(spec: &Spec, files: &ListFiles, diagnostics: &mut Diagnostics) -> Ruleset {
    let mut compiler = Compiler::new(spec, files, diagnostics);
    compiler.name_twice();
    compiler.registries();
    compiler.lists();
    let rules = compiler.order();
    let mut set = Ruleset { groups: groups(spec), ..Ruleset::default() };
    for rule in rules {
        if let Some(rule) = compiler.rule(rule, &set) {
            set.rules.push(rule);
        }
    }
    for exemption in &spec.exemptions {
        if let Some(exemption) = compiler.exemption(exemption, &set) {
            set.exemptions.push(exemption);
        }
    }
    compiler.all_are_there(&set);
    set.exemptions.sort_by(|a, b| a.id.cmp(&b.id));
    set.list_entries = compiler.list_entries();
    set.registries = compiler.registries;
    set.report_short_codes =
        if spec.report_short_codes.is_empty() { vec!["7726".into()] } else { spec.report_short_codes.clone() };
    match compiler.builder.build() {
        Ok(matcher) => set.matcher = matcher,
        Err(message) => {
            let place = spec.rules.first().map_or_else(|| Place::start("rules"), |r| r.id.place.clone());
            compiler.diagnostics.error(&place, "too-many-words", message);
        }
    }
    set
}

fn groups(spec: &Spec) -> Vec<(Box<str>, Points)> {
    let mut groups: Vec<(Box<str>, Points)> =
        spec.groups.iter().map(|g| (g.name.value.as_str().into(), g.cap)).collect();
    groups.sort();
    groups.dedup_by(|a, b| a.0 == b.0);
    groups
}

enum Entries {
    Words {
        set: SetId,
        /// Each with how it was written, but for the `*` of an open end.
        words: Vec<(Word, String)>,
    },
    Domains(Domains),
    Senders(Senders),
    Numbers(Prefixes),
    Addresses(Addresses),
    Hashes(Senders),
    Dates(Dates),
}

struct Compiler<'a> {
    spec: &'a Spec,
    files: &'a ListFiles,
    diagnostics: &'a mut Diagnostics,
    builder: Builder,
    lists: HashMap<String, Entries>,
    registries: Registries,
}

/// Names that a help lists; who has more looks them up.
const KNOWN_SHOWN: usize = 12;

/// Where a condition stands, as far as looking up names goes.
struct Scope<'a> {
    pack: Option<&'a str>,
    set: &'a Ruleset,
    id: &'a str,
    mode: Mode,
    negated: bool,
    in_exemption: bool,
    needs_memory: bool,
    per_account: bool,
}

fn full(pack: Option<&str>, name: &str) -> String {
    pack.map_or_else(|| name.to_owned(), |pack| format!("{pack}/{name}"))
}

/// Whether a glob with `*` covers an id.
pub(crate) fn covers(glob: &str, id: &str) -> bool {
    match glob.split_once('*') {
        None => glob == id,
        Some((start, rest)) => id
            .strip_prefix(start)
            .is_some_and(|tail| (0..=tail.len()).any(|at| tail.get(at..).is_some_and(|t| covers(rest, t)))),
    }
}

impl<'a> Compiler<'a> {
    fn new(spec: &'a Spec, files: &'a ListFiles, diagnostics: &'a mut Diagnostics) -> Self {
        let registries = Registries::default();
        Self { spec, files, diagnostics, builder: Builder::default(), lists: HashMap::new(), registries }
    }

    fn name_twice(&mut self) {
        let spec = self.spec;
        let ids =
            spec.rules.iter().map(|r| ("rule", &r.id)).chain(spec.exemptions.iter().map(|e| ("exemption", &e.id)));
        let mut seen: HashMap<&str, &Place> = HashMap::new();
        for (what, id) in ids {
            match seen.get(id.value.as_str()) {
                Some(first) => {
                    let message = format!("{what} `{}` has the id of another", id.value);
                    self.diagnostics.error(&id.place, "duplicate-id", message).help(format!("the first is at {first}"));
                }
                None => {
                    seen.insert(&id.value, &id.place);
                }
            }
        }
        let lists = spec.lists.iter().map(|l| (full(l.pack.as_deref(), &l.name.value), &l.name.place));
        let registries = spec.registries.iter().map(|r| (full(r.pack.as_deref(), &r.name.value), &r.name.place));
        let mut seen: HashMap<String, &Place> = HashMap::new();
        for (name, place) in lists.chain(registries) {
            if let Some(first) = seen.insert(name.clone(), place) {
                let message = format!("`{name}` is the name of another list or registry");
                self.diagnostics.error(place, "duplicate-id", message).help(format!("the other is at {first}"));
            }
        }
        let groups = spec.groups.iter().map(|g| ("group", g.name.value.clone(), &g.name.place));
        let tags = spec.tags.iter().map(|t| ("tag", full(t.pack.as_deref(), &t.name.value), &t.name.place));
        let mut seen: HashMap<(&str, String), &Place> = HashMap::new();
        for (what, name, place) in groups.chain(tags) {
            let message = format!("there is another {what} `{name}`");
            if let Some(first) = seen.insert((what, name), place) {
                self.diagnostics.error(place, "duplicate-id", message).help(format!("the other is at {first}"));
            }
        }
    }

    /// Nothing is left out in silence: a rule that is not there was told.
    fn all_are_there(&mut self, set: &Ruleset) {
        if self.diagnostics.has_errors() {
            return;
        }
        for rule in self.spec.rules.iter().filter(|r| set.rule_of(&r.id.value).is_none()) {
            let message = format!("rule `{}` could not be compiled", rule.id.value);
            self.diagnostics.error(&rule.id.place, "not-compiled", message);
        }
    }

    fn list_entries(&self) -> std::collections::BTreeMap<String, usize> {
        let count = |entries: &Entries| match entries {
            Entries::Words { words, .. } => words.len(),
            Entries::Domains(d) => d.count(),
            Entries::Senders(s) => s.count(),
            Entries::Numbers(n) => n.count(),
            Entries::Addresses(a) => a.count(),
            Entries::Hashes(h) => h.count(),
            Entries::Dates(d) => d.count(),
        };
        let lists = self.lists.iter().map(|(name, entries)| (name.clone(), count(entries)));
        lists.chain(self.registries.all.iter().map(|(name, r)| (name.clone(), r.count()))).collect()
    }

    fn unknown_name(&mut self, name: &Placed<String>, what: &str, known: &[String]) {
        let message = format!("there is no {what} `{}`", name.value);
        let near = nearest(&name.value, known.iter().map(String::as_str)).map(ToOwned::to_owned);
        let diagnostic = self.diagnostics.error(&name.place, "unknown-name", message);
        match near {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => {}
            None => {
                let more = known.len().saturating_sub(KNOWN_SHOWN);
                let shown = known.iter().take(KNOWN_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                diagnostic.help(format!("known are {shown}{more}"));
            }
        }
    }
}

fn texts(field: &Field) -> &[Placed<String>] {
    match &field.value {
        FieldValue::Texts(texts) => texts,
        _ => &[],
    }
}

/// The first 16 hexadecimal digits of BLAKE3.
pub(crate) fn digest(canonical: &str) -> Box<str> {
    blake3::hash(canonical.as_bytes()).to_hex().get(..16).unwrap_or_default().into()
}
