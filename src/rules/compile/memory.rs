//! What is asked of memory: ages, rates and standing, each question once however many rules ask it.

use super::{Compiler, Scope, texts};
use crate::config::spec::{FactSpec, Field, FieldValue, Key};
use crate::rules::condition::Test;
use crate::rules::memory::{Counted, Question, Rate};

impl<'a> Compiler<'a> {
    /// One field as a test: all fields of a rate or a standing are one, which stands for the first of them.
    pub(super) fn memory_test(
        &mut self,
        fact: &FactSpec,
        field: &'a Field,
        all: &'a [Field],
        scope: &mut Scope<'_>,
    ) -> Option<Option<Test>> {
        let is_first = all.first().is_some_and(|first| first.spec.name == field.spec.name);
        let test = match (fact.name, &field.value) {
            ("rate" | "standing", _) if !is_first => return Some(None),
            ("rate", _) => self.rate(all, scope)?,
            ("standing", _) => {
                let of = find(all, "of").and_then(|f| Key::from_name(&texts(f).first()?.value))?;
                Test::Below(self.question(Question::Standing(of)), count(all, "below")?)
            }
            (name, FieldValue::Duration(below)) => {
                let of = if name == "link" { Key::Domain } else { Key::from_name(name)? };
                let micros = u64::try_from(below.as_micros()).unwrap_or(u64::MAX);
                Test::Below(self.question(Question::Age { of, below: *below }), micros)
            }
            _ => return None,
        };
        Some(Some(test))
    }

    fn rate(&mut self, all: &'a [Field], scope: &mut Scope<'_>) -> Option<Test> {
        let word = |name: &str| find(all, name).and_then(|f| texts(f).first()).map(|t| t.value.as_str());
        let counted = Counted::ALL.into_iter().find(|c| Some(c.name()) == word("count"))?;
        let mut per: Vec<Key> = find(all, "per").map(texts)?.iter().filter_map(|t| Key::from_name(&t.value)).collect();
        per.sort_unstable();
        scope.per_account |= per == [Key::Account];
        let over = match find(all, "over").map(|f| &f.value) {
            Some(FieldValue::Duration(over)) => *over,
            _ => return None,
        };
        let of = match find(all, "of").and_then(|f| texts(f).first()) {
            // Why the rule that is asked for could not be compiled is told at its own place.
            Some(id) => Some(self.finding(id, scope)?.first().copied()?),
            None => None,
        };
        let passed = word("counted") == Some("passed");
        let rate = Rate { count: counted, per: per.into(), over, of, passed };
        let at = place(&mut self.rates, rate);
        Some(Test::Above(self.question(Question::Rate(at)), count(all, "above")?, of))
    }

    fn question(&mut self, question: Question) -> u32 {
        u32::try_from(place(&mut self.questions, question)).unwrap_or(u32::MAX)
    }
}

/// The place of a thing among others, at the end if it is none of them.
fn place<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    })
}

fn find<'f>(all: &'f [Field], name: &str) -> Option<&'f Field> {
    all.iter().find(|f| f.spec.name == name)
}

fn count(all: &[Field], name: &str) -> Option<u64> {
    match find(all, name).map(|f| &f.value) {
        Some(FieldValue::Count(n)) => Some(*n),
        _ => None,
    }
}
