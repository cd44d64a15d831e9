//! What a condition says, as text: equal texts mean equal conditions, wherever they stand and however they are ordered.

use std::collections::HashSet;

use crate::config::facts::{FactSpec, Shape};
use crate::config::spec::{Condition, ConditionKind, Field, FieldValue, Spec};

/// Reads conditions: names are resolved as the compiler resolves them.
pub(super) struct Reading<'a> {
    lists: HashSet<(Option<&'a str>, &'a str)>,
    ids: HashSet<&'a str>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(spec: &'a Spec) -> Self {
        let lists = spec.lists.iter().map(|l| (l.pack.as_deref(), l.name.value.as_str()));
        let registries = spec.registries.iter().map(|r| (r.pack.as_deref(), r.name.value.as_str()));
        Self { lists: lists.chain(registries).collect(), ids: spec.rules.iter().map(|r| r.id.value.as_str()).collect() }
    }

    /// The full ids that `finding:` or `silences:` may mean; globs stay globs.
    pub(super) fn finding(&self, written: &str, pack: Option<&str>) -> Vec<String> {
        let own = pack.map(|pack| format!("{pack}/{written}"));
        match own {
            Some(own) if written.contains('*') => vec![written.to_owned(), own],
            Some(own) if self.ids.contains(own.as_str()) => vec![own],
            _ => vec![written.to_owned()],
        }
    }

    pub(super) fn canonical(&self, condition: &Condition, pack: Option<&str>) -> String {
        match &condition.kind {
            ConditionKind::All(_) => match self.parts(condition, pack).as_slice() {
                [one] => one.clone(),
                parts => format!("all[{}]", sorted(parts.to_vec())),
            },
            ConditionKind::Any(any) => format!("any[{}]", sorted(self.each(any, pack))),
            ConditionKind::AtLeast { count, of } => format!("at_least {count}[{}]", sorted(self.each(of, pack))),
            ConditionKind::Not(inner) => format!("not[{}]", self.canonical(inner, pack)),
            ConditionKind::Has(fact) => format!("has[{}]", fact.name),
            ConditionKind::Finding(id) => format!("finding[{}]", sorted(self.finding(&id.value, pack))),
            ConditionKind::Fact { fact, fields } => {
                let fields = fields.iter().map(|f| self.field(f, pack)).collect();
                format!("{}[{}]", fact.name, sorted(fields))
            }
        }
    }

    fn each(&self, conditions: &[Condition], pack: Option<&str>) -> Vec<String> {
        conditions.iter().map(|c| self.canonical(c, pack)).collect()
    }

    /// What must all hold, `all` within `all` taken apart.
    pub(super) fn parts(&self, condition: &Condition, pack: Option<&str>) -> Vec<String> {
        let mut leaves = Vec::new();
        leaves_of(condition, &mut leaves);
        leaves.into_iter().map(|leaf| self.canonical(leaf, pack)).collect()
    }

    /// The same, and what follows from each: one key of several, and that there is such a thing.
    pub(super) fn implied(&self, condition: &Condition, pack: Option<&str>) -> HashSet<String> {
        let mut leaves = Vec::new();
        leaves_of(condition, &mut leaves);
        leaves.into_iter().flat_map(|leaf| self.implied_by(leaf, pack)).collect()
    }

    pub(super) fn implied_by(&self, leaf: &Condition, pack: Option<&str>) -> Vec<String> {
        let mut all = vec![self.canonical(leaf, pack)];
        if let ConditionKind::Fact { fact, fields } = &leaf.kind {
            if fact.many {
                all.push(format!("has[{}]", fact.name));
            }
            let asked = fields.iter().filter(|f| f.spec.shape == Shape::Finding).filter_map(|f| match &f.value {
                FieldValue::Texts(ids) => ids.first(),
                _ => None,
            });
            all.extend(asked.map(|id| format!("finding[{}]", sorted(self.finding(&id.value, pack)))));
            // `zone` and `except` change what their neighbours say.
            let alone =
                |f: &&Field| !has(fact, fields, f.spec.name, "zone") && !has(fact, fields, f.spec.name, "except");
            all.extend(fields.iter().filter(alone).map(|f| format!("{}[{}]", fact.name, self.field(f, pack))));
        }
        all
    }

    fn field(&self, field: &Field, pack: Option<&str>) -> String {
        let is_name = matches!(field.spec.shape, Shape::List(_) | Shape::ListOrRegistry(_) | Shape::Registry);
        let text = |text: &str| match pack.filter(|p| is_name && self.lists.contains(&(Some(p), text))) {
            Some(pack) => format!("{pack}/{text:?}"),
            None => format!("{text:?}"),
        };
        let value = match &field.value {
            FieldValue::Texts(texts) => sorted(texts.iter().map(|t| text(&t.value)).collect()),
            FieldValue::Countries(all) => sorted(all.iter().map(|c| c.as_str().to_owned()).collect()),
            other => format!("{other:?}"),
        };
        // `id: A` and `ids: [A]` say the same.
        let name = match field.spec.name {
            "ids" => "id",
            "countries" => "country",
            "domains" => "domain",
            "apps" => "app",
            "payloads" => "payload",
            "anomalies" => "anomaly",
            "languages" => "language",
            name => name,
        };
        format!("{name}: {value}")
    }
}

fn has(fact: &FactSpec, fields: &[Field], of: &str, neighbour: &str) -> bool {
    let concerned = match (fact.name, neighbour) {
        ("time", "zone") => true,
        ("text", "except") => of == "regex" || of == "except",
        ("rate" | "standing", _) => true,
        _ => false,
    };
    concerned && (fact.name != "text" || fields.iter().any(|f| f.spec.name == neighbour))
}

/// What must all hold for a condition to hold.
pub(super) fn leaves_of<'c>(condition: &'c Condition, out: &mut Vec<&'c Condition>) {
    match &condition.kind {
        ConditionKind::All(all) => all.iter().for_each(|c| leaves_of(c, out)),
        _ => out.push(condition),
    }
}

fn sorted(mut all: Vec<String>) -> String {
    all.sort_unstable();
    all.dedup();
    all.join(", ")
}
