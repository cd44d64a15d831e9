//! [`Spec`] → [`Ruleset`]: names are looked up, words folded, regexes compiled; every mistake points into the YAML.
//!
//! One file for each kind of compilation: lists and registries, long lists that are read ahead, rules and exemptions, conditions, the tests of facts.

mod ahead;
mod condition;
mod entries;
mod fact;
mod lists;
mod memory;
mod rule;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::calendar::Dates;
use super::index::Index;
use super::likeness::Likeness;
use super::list::{Addresses, Domains, Hashes, Names, Prefixes, Senders};
use super::matcher::{Builder, RegexId, SetId};
use super::memory::{Question, Rate};
use super::word::Word;
use super::{Registries, Ruleset};
use crate::config::diagnostic::{Diagnostics, nearest};
use crate::config::spec::{Field, FieldValue, ListFile, ListSpec, Mode, Place, Placed, Points, Spec};

pub use ahead::Ahead;
pub(crate) use ahead::LongFile;

/// Texts of the files that lists and registries name.
pub type ListFiles = [ListFile];

/// Compiles what was written. Mistakes are told, and what has one is left out, so that all are told at once. Lists and
/// regexes that the rules before have too are shared with them and not made again, and neither are lists that were read
/// ahead.
pub fn compile(
    spec: &Spec,
    files: &ListFiles,
    (before, ahead): (Option<&Ruleset>, Ahead),
    diagnostics: &mut Diagnostics,
) -> Ruleset {
    let mut compiler = Compiler::new(spec, files, (before, ahead), diagnostics);
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
    (set.questions, set.rates) = (compiler.questions, compiler.rates);
    set.report_short_codes =
        if spec.report_short_codes.is_empty() { vec!["7726".into()] } else { spec.report_short_codes.clone() };
    set.times = super::times::Times::new(set.rules.len());
    set.asks = set.rules.iter().any(|rule| rule.mode != Mode::Off);
    set.kept = kept(&compiler.lists);
    set.file_digests = compiler.file_digests;
    set.long_files = compiler.long_files;
    match compiler.builder.build() {
        Ok(matcher) => {
            set.index = Index::new(&set.rules, &set.exemptions, &matcher);
            set.matcher = matcher;
        }
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

/// What the next policy may share, by the digest of what it was made of.
fn kept(lists: &HashMap<String, Entries>) -> HashMap<[u8; 32], Entries> {
    let kept = lists.values().filter_map(|entries| match entries {
        Entries::Domains(list) => Some((list.digest, Entries::Domains(list.clone()))),
        Entries::Senders(list) => Some((list.digest, Entries::Senders(list.clone()))),
        Entries::Numbers(list) => Some((list.digest, Entries::Numbers(list.clone()))),
        Entries::Words { set, words, digest } => {
            Some((*digest, Entries::Words { set: *set, words: Arc::clone(words), digest: *digest }))
        }
        Entries::Hashes(list) => Some((list.digest, Entries::Hashes(list.clone()))),
        Entries::Addresses(_) | Entries::Dates(_) => None,
    });
    kept.collect()
}

/// A list that is looked up by hashes.
#[derive(Debug)]
pub(crate) struct Kept<L> {
    list: Arc<L>,
    /// Its entries; where they are too many for comparing looks, some of them.
    names: Arc<Names>,
    count: usize,
    /// Of what it was made of.
    digest: [u8; 32],
}

impl Entries {
    /// Octets that the next policy shares with this one.
    pub(crate) fn octets(&self) -> usize {
        match self {
            Self::Domains(kept) => kept.list.octets(),
            Self::Senders(kept) => kept.list.octets(),
            Self::Numbers(kept) => kept.list.octets(),
            Self::Hashes(kept) => kept.list.octets(),
            Self::Words { .. } | Self::Addresses(_) | Self::Dates(_) => 0,
        }
    }
}

impl<L> Clone for Kept<L> {
    fn clone(&self) -> Self {
        let (list, names) = (Arc::clone(&self.list), Arc::clone(&self.names));
        Self { list, names, count: self.count, digest: self.digest }
    }
}

/// Words, each with how it was written, but for the `*` of an open end.
type Words = Arc<Vec<(Arc<Word>, Box<str>)>>;

/// A list as compiled.
#[derive(Debug)]
pub(crate) enum Entries {
    Words {
        set: SetId,
        words: Words,
        /// Of what it was made of.
        digest: [u8; 32],
    },
    Domains(Kept<Domains>),
    Senders(Kept<Senders>),
    Numbers(Kept<Prefixes>),
    Addresses(Arc<Addresses>),
    Hashes(Kept<Hashes>),
    Dates(Arc<Dates>),
}

struct Compiler<'a> {
    spec: &'a Spec,
    diagnostics: &'a mut Diagnostics,
    before: Option<&'a Ruleset>,
    ahead: Ahead,
    long_files: Vec<LongFile>,
    /// Files by what names them and their name, lists by their pack and name: the first of each.
    texts: HashMap<(&'a str, &'a str), &'a ListFile>,
    named: HashMap<(Option<&'a str>, &'a str), &'a ListSpec>,
    builder: Builder,
    lists: HashMap<String, Entries>,
    registries: Registries,
    /// Lists made of others, by the name of those.
    senders: HashMap<String, Kept<Senders>>,
    file_digests: HashMap<(String, String), [u8; 32]>,
    /// Regexes that are run on every message.
    always: HashSet<RegexId>,
    likenesses: HashMap<(String, &'static str), Arc<Likeness>>,
    /// What rules ask of memory.
    questions: Vec<Question>,
    /// What they count.
    rates: Vec<Rate>,
    /// Whether the rule that is being compiled looks into a list of what other carriers warn of.
    by_hearsay: bool,
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
    fn new(
        spec: &'a Spec,
        files: &'a ListFiles,
        (before, mut ahead): (Option<&'a Ruleset>, Ahead),
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        Self {
            spec,
            diagnostics,
            before,
            file_digests: std::mem::take(&mut ahead.file_digests),
            ahead,
            long_files: Vec::new(),
            texts: files.iter().rev().map(|f| ((f.named_in.as_str(), f.name.as_str()), f)).collect(),
            named: spec.lists.iter().rev().map(|l| ((l.pack.as_deref(), l.name.value.as_str()), l)).collect(),
            builder: before.map_or_else(Builder::default, |before| Builder::after(&before.matcher)),
            lists: HashMap::new(),
            registries: Registries::default(),
            senders: HashMap::new(),
            always: HashSet::new(),
            likenesses: HashMap::new(),
            questions: Vec::new(),
            rates: Vec::new(),
            by_hearsay: false,
        }
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
        let there: HashSet<&str> = set.rules.iter().map(|r| &*r.id).collect();
        for rule in self.spec.rules.iter().filter(|r| !there.contains(r.id.value.as_str())) {
            let message = format!("rule `{}` could not be compiled", rule.id.value);
            self.diagnostics.error(&rule.id.place, "not-compiled", message);
        }
    }

    fn list_entries(&self) -> std::collections::BTreeMap<String, usize> {
        let count = |entries: &Entries| match entries {
            Entries::Words { words, .. } => words.len(),
            Entries::Domains(d) => d.count,
            Entries::Senders(s) => s.count,
            Entries::Numbers(n) => n.count,
            Entries::Addresses(a) => a.count(),
            Entries::Hashes(h) => h.count,
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
