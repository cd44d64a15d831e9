//! Conditions: a tree of what must hold, its findings looked up.

use super::{Compiler, Scope};
use crate::config::spec::{Condition, ConditionKind, FactSpec, Field, FieldValue, Mode, Placed, Points};
use crate::rules::condition::{Kind, Node, Test, Thing};

impl<'a> Compiler<'a> {
    pub(super) fn condition(&mut self, condition: &'a Condition, scope: &mut Scope<'_>) -> Option<Node> {
        let (name, detail, kind): (&'static str, String, Kind) = match &condition.kind {
            ConditionKind::All(all) => ("all", String::new(), Kind::All(self.conditions(all, scope)?)),
            ConditionKind::Any(any) => ("any", String::new(), Kind::Any(self.conditions(any, scope)?)),
            ConditionKind::Not(inner) => {
                scope.negated = !scope.negated;
                let inner = self.condition(inner, scope);
                scope.negated = !scope.negated;
                ("not", String::new(), Kind::Not(Box::new(inner?)))
            }
            ConditionKind::AtLeast { count, of } => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                ("at_least", format!("{count} of"), Kind::AtLeast(count, self.conditions(of, scope)?))
            }
            ConditionKind::Has(fact) => ("has", fact.name.to_owned(), Kind::Thing(thing(fact)?, Box::default())),
            ConditionKind::Finding(id) => ("finding", id.value.clone(), {
                // Why the rule that is asked for could not be compiled is told at its own place.
                let found = self.finding(id, scope).filter(|found| !found.is_empty())?;
                Kind::Finding(found)
            }),
            ConditionKind::Fact { fact, fields } => {
                if fact.name == "text" && scope.negated && !scope.in_exemption {
                    let message = "under `not`: the sender can silence this rule by adding words";
                    self.diagnostics.warning(&condition.place, "not-text", message).help("use `except` beside `regex`");
                }
                let mut tests = Vec::with_capacity(fields.len());
                for field in fields {
                    tests.push(self.field(fact, field, fields, scope));
                }
                // `except` and `zone` belong to their neighbours and are no tests of their own.
                let tests: Option<Vec<Option<Test>>> = tests.into_iter().collect();
                let tests: Box<[Test]> = tests?.into_iter().flatten().collect();
                let kind = match thing(fact) {
                    Some(thing) => Kind::Thing(thing, tests),
                    None => Kind::Fact(tests),
                };
                (fact.name, describe(fields), kind)
            }
        };
        Some(Node { name, detail: detail.into(), kind })
    }

    fn conditions(&mut self, all: &'a [Condition], scope: &mut Scope<'_>) -> Option<Box<[Node]>> {
        let nodes: Vec<_> = all.iter().map(|c| self.condition(c, scope)).collect();
        nodes.into_iter().collect()
    }

    pub(super) fn finding(&mut self, id: &Placed<String>, scope: &Scope<'_>) -> Option<Box<[u32]>> {
        let glob = id.value.contains('*');
        if glob && (scope.negated || scope.in_exemption) {
            // Adding a rule must never weaken a verdict.
            let place = if scope.negated { "under `not`" } else { "in an exemption" };
            let message = format!("`{}` {place} would let more through with every rule added", id.value);
            self.diagnostics.error(&id.place, "glob", message).help("name each rule");
            return None;
        }
        let target = self.target(&id.value, scope.pack);
        let rules = &scope.set.rules;
        let found: Vec<_> = rules.iter().enumerate().filter(|(_, r)| target.names(&r.id)).collect();
        let specs = &self.spec.rules;
        if found.is_empty() && !specs.iter().any(|r| target.names(&r.id.value)) {
            self.unknown_name(id, "rule", &self.rule_ids());
            return None;
        }
        if let Some((_, quiet)) = found.iter().find(|(_, r)| r.mode < scope.mode)
            && scope.mode == Mode::Live
        {
            let message = format!("live rule `{}` depends on `{}`, which is not live", scope.id, quiet.id);
            self.diagnostics.error(&id.place, "shadow", message);
        }
        Some(found.into_iter().filter_map(|(n, _)| u32::try_from(n).ok()).collect())
    }
}

fn thing(fact: &FactSpec) -> Option<Thing> {
    Some(match fact.name {
        "link" => Thing::Link,
        "phone" => Thing::Phone,
        "handle" => Thing::Handle,
        "amount" => Thing::Amount,
        "code" => Thing::Code,
        _ => return None,
    })
}

fn describe(fields: &[Field]) -> String {
    let value = |field: &Field| match &field.value {
        FieldValue::Texts(t) => match t.as_slice() {
            [one] => one.value.clone(),
            many => format!("[{}]", many.iter().map(|t| t.value.as_str()).collect::<Vec<_>>().join(", ")),
        },
        FieldValue::Countries(c) => c.iter().map(|c| c.as_str().to_owned()).collect::<Vec<_>>().join(", "),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Tags(tags) => tags.iter().map(|t| format!("{:#06x}", t.0)).collect::<Vec<_>>().join(", "),
        FieldValue::Count(n) => n.to_string(),
        FieldValue::Number(n) => Points(*n).to_string(),
        FieldValue::Money(n) if n % 100 == 0 => (n / 100).to_string(),
        FieldValue::Money(n) => format!("{}.{:02}", n / 100, n % 100),
        FieldValue::Duration(d) => format!("{}s", d.as_secs()),
        FieldValue::Within(a, b) => format!("{:02}:{:02}-{:02}:{:02}", a / 60, a % 60, b / 60, b % 60),
    };
    fields.iter().map(|f| format!("{}: {}", f.spec.name, value(f))).collect::<Vec<_>>().join(", ")
}
