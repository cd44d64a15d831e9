//! What rules in shadow would have changed, counted by rule: `pass→block` and the like.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::verdict::Action;

/// Counts by rule, and by what was done and what would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShadowChanges(BTreeMap<Box<str>, BTreeMap<(Action, Action), u64>>);

/// Rules that are counted; a node that has seen more forgets those of earlier policies first.
const RULES_MAX: usize = 100_000;

impl ShadowChanges {
    /// Counts one.
    pub fn add(&mut self, rule: &str, from: Action, to: Action) {
        match self.0.get_mut(rule) {
            Some(changes) => *changes.entry((from, to)).or_default() += 1,
            None => {
                self.0.insert(rule.into(), BTreeMap::from([((from, to), 1)]));
            }
        }
    }

    /// Adds what another has counted; `is_known` says which rules the policy in force has.
    pub fn merge(&mut self, other: Self, is_known: impl Fn(&str) -> bool) {
        for (rule, changes) in other.0 {
            let own = self.0.entry(rule).or_default();
            changes.into_iter().for_each(|(change, n)| *own.entry(change).or_default() += n);
        }
        if self.0.len() > RULES_MAX {
            self.0.retain(|rule, _| is_known(rule));
        }
    }

    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of one rule: `{"pass→block": 3}`.
    #[must_use]
    pub fn of(&self, rule: &str) -> Value {
        let changes = self.0.get(rule).into_iter().flatten();
        let named = changes.map(|((from, to), n)| (format!("{}→{}", from.name(), to.name()), Value::from(*n)));
        named.collect::<Map<_, _>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_sessions_add_up() {
        let (mut one, mut other) = (ShadowChanges::default(), ShadowChanges::default());
        one.add("a", Action::Pass, Action::Block);
        other.add("a", Action::Pass, Action::Block);
        other.add("a", Action::Tag, Action::Block);
        one.merge(other, |_| true);
        assert_eq!(one.of("a").to_string(), r#"{"pass→block":2,"tag→block":1}"#);
        assert_eq!(one.of("b").to_string(), "{}");
    }
}
