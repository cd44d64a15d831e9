//! Two policies compared: what a reload changes, before it does.

use std::collections::BTreeMap;

use crate::config::source::{ListFile, Sources};
use crate::config::spec::Spec;
use crate::rules::Ruleset;

/// Digests of what a policy is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    rules: BTreeMap<String, Box<str>>,
    rest: Box<str>,
}

/// What changes from one policy to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Ids of rules and exemptions that are new.
    pub added: Vec<String>,
    /// Ids of those that are gone.
    pub removed: Vec<String>,
    /// Ids of those that read differently.
    pub changed: Vec<String>,
    /// Whether lists, registries, profiles, accounts, tags or exception policies differ.
    pub other: bool,
}

impl Parts {
    /// Rules are taken out of the specification meanwhile.
    pub(super) fn new(spec: &mut Spec, sources: &Sources, compiled: &Ruleset) -> Self {
        let mut rules = BTreeMap::new();
        for rule in &spec.rules {
            rules.insert(rule.id.value.clone(), crate::rules::digest(&rule.canonical));
        }
        for exemption in &spec.exemptions {
            rules.insert(exemption.id.value.clone(), crate::rules::digest(&exemption.canonical));
        }
        // Debug output of the specification holds every value; places are taken out and what has a name is sorted by it,
        // so that moving something to another line or file changes nothing.
        let apart = (std::mem::take(&mut spec.rules), std::mem::take(&mut spec.exemptions));
        let mut rest = spec.clone();
        (spec.rules, spec.exemptions) = apart;
        rest.report_short_codes.sort();
        rest.accounts.sort_by(|a, b| a.id.value.cmp(&b.id.value));
        rest.overrides.sort_by(|a, b| a.target.value.cmp(&b.target.value));
        rest.groups.sort_by(|a, b| a.name.value.cmp(&b.name.value));
        rest.lists.sort_by(|a, b| (&a.pack, &a.name.value).cmp(&(&b.pack, &b.name.value)));
        rest.registries.sort_by(|a, b| (&a.pack, &a.name.value).cmp(&(&b.pack, &b.name.value)));
        rest.tags.sort_by(|a, b| (&a.pack, &a.name.value).cmp(&(&b.pack, &b.name.value)));
        let mut text = without_places(&format!("{rest:?}"));
        let digest = |file: &ListFile| {
            let known = compiled.file_digests.get(&(file.named_in.clone(), file.name.clone())).copied();
            known.unwrap_or_else(|| blake3::hash(file.text.as_deref().unwrap_or_default().as_bytes()).into())
        };
        let mut lists: Vec<(&str, [u8; 32])> = sources.lists.iter().map(|l| (l.name.as_str(), digest(l))).collect();
        lists.sort_unstable();
        for (name, digest) in lists {
            text.push_str(name);
            text.push_str(&blake3::Hash::from(digest).to_hex());
        }
        Self { rules, rest: crate::rules::digest(&text) }
    }

    pub(super) fn digest(&self) -> Box<str> {
        let mut all = format!("tapis {} {}", env!("CARGO_PKG_VERSION"), self.rest);
        for (id, digest) in &self.rules {
            all.push_str(&format!(" {id} {digest}"));
        }
        crate::rules::digest(&all)
    }

    pub(super) fn difference(&self, new: &Self) -> Difference {
        let not_in = |a: &Self, b: &Self| a.rules.keys().filter(|id| !b.rules.contains_key(*id)).cloned().collect();
        let changed = self.rules.iter().filter(|(id, digest)| new.rules.get(*id).is_some_and(|d| d != *digest));
        Difference {
            added: not_in(new, self),
            removed: not_in(self, new),
            changed: changed.map(|(id, _)| id.clone()).collect(),
            other: self.rest != new.rest,
        }
    }
}

fn without_places(debug: &str) -> String {
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug;
    while let Some(at) = rest.find("place: ") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let end = after.find([',', '}', ')', ']']).unwrap_or(after.len());
        rest = after.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
