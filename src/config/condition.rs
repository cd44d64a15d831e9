//! `when:` — conditions are maps with exactly one key, so that every part keeps its place.

use std::time::Duration;

use super::decode::{Decoder, Placed};
use super::diagnostic::nearest;
use super::facts::{self, FACTS, FactSpec, FieldSpec, Shape, THINGS};
use super::spec::{Condition, ConditionKind, Field, FieldValue};
use super::tree::{Node, Value};
use crate::text::entity::CURRENCIES;

pub(super) const FORMS: [&str; 6] = ["all", "any", "not", "at_least", "has", "finding"];

/// The times that a rate may count over.
const RATE_OVER: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(31 * 86_400);

/// Nested conditions deeper than this are refused: nobody can read them.
const DEPTH_MAX: usize = 32;

impl Decoder<'_> {
    /// One condition.
    pub fn condition(&mut self, node: &Node) -> Option<Condition> {
        self.condition_at(node, 0)
    }

    fn condition_at(&mut self, node: &Node, depth: usize) -> Option<Condition> {
        if depth > DEPTH_MAX {
            self.diagnostics.error(&node.place, "too-deep", format!("conditions nest deeper than {DEPTH_MAX}"));
            return None;
        }
        let fields = self.map(node, "a condition")?;
        let [(key, value)] = fields.entries() else {
            let count = fields.entries().len();
            let message = format!(
                "a condition has exactly one key, this has {}",
                if count == 0 { "none".into() } else { count.to_string() }
            );
            let help = match count {
                0 => "as in { has: link } or { text: { words: [..] } }",
                _ => "put several in a list: all: [ {..}, {..} ]",
            };
            self.diagnostics.error(&node.place, "condition", message).help(help);
            return None;
        };
        let kind = match key.text().unwrap_or_default() {
            "all" => ConditionKind::All(self.conditions(value, "all", depth)?),
            "any" => ConditionKind::Any(self.conditions(value, "any", depth)?),
            "not" => ConditionKind::Not(Box::new(self.condition_at(value, depth + 1)?)),
            "at_least" => self.at_least(value, depth)?,
            "has" => ConditionKind::Has(facts::fact(&self.choice(value, "`has`", THINGS)?.value)?),
            "finding" => ConditionKind::Finding(self.text(value, "`finding`")?),
            name => match facts::fact(name) {
                Some(fact) => ConditionKind::Fact { fact, fields: self.fact(value, fact)? },
                None => return self.unknown_condition(key, name),
            },
        };
        Some(Condition { place: key.place.clone(), kind })
    }

    fn unknown_condition(&mut self, key: &Node, name: &str) -> Option<Condition> {
        let known = || FORMS.into_iter().chain(FACTS.iter().map(|f| f.name));
        let help = match nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a condition is one of {}", known().collect::<Vec<_>>().join(", ")),
        };
        self.diagnostics.error(&key.place, "unknown-fact", format!("there is no fact `{name}`")).help(help);
        None
    }

    fn conditions(&mut self, node: &Node, what: &str, depth: usize) -> Option<Vec<Condition>> {
        let items = self.items(node, &format!("`{what}`"));
        if items.is_empty() {
            if matches!(node.value, Value::Sequence(_)) {
                self.diagnostics
                    .error(&node.place, "empty", format!("`{what}` of nothing"))
                    .help("put conditions in it: [ { has: link }, { text: { words: [..] } } ]");
            }
            return None;
        }
        let all: Vec<_> = items.iter().map(|i| self.condition_at(i, depth + 1)).collect();
        all.into_iter().collect()
    }

    fn at_least(&mut self, node: &Node, depth: usize) -> Option<ConditionKind> {
        let fields = self.section(node, &super::keys::AT_LEAST)?;
        let of = match fields.get("of") {
            Some(of) => self.conditions(of, "of", depth),
            None => {
                self.missing(fields.place, "`at_least`", "of");
                None
            }
        };
        let Some(count) = fields.get("count") else {
            self.missing(fields.place, "`at_least`", "count");
            return None;
        };
        let max = of.as_ref().map_or(u64::MAX, |of| of.len() as u64);
        let count = self.count(count, "`count`", 1, max)?;
        Some(ConditionKind::AtLeast { count, of: of? })
    }

    fn fact(&mut self, node: &Node, fact: &'static FactSpec) -> Option<Vec<Field>> {
        if matches!(node.value, Value::Null) {
            let message = format!("`{}` has no fields", fact.name);
            let diagnostic = self.diagnostics.error(&node.place, "empty", message);
            if fact.many {
                diagnostic.help(format!("for \"any {0}\" write has: {0}", fact.name));
            }
            return None;
        }
        let known: Vec<_> = fact.fields.iter().map(|f| f.name).collect();
        let fields = self.fields(node, &format!("`{}`", fact.name), &known)?;
        if fields.entries().is_empty() {
            self.diagnostics.error(&node.place, "empty", format!("`{}` has no fields", fact.name));
            return None;
        }
        let mut all = Vec::with_capacity(fields.entries().len());
        let mut whole = true;
        for (key, value) in fields.entries() {
            let Some(spec) = key.text().and_then(|k| fact.field(k)) else {
                whole = false;
                continue;
            };
            match self.field_value(value, fact, spec) {
                Some(v) => {
                    let stretches = match &value.value {
                        Value::Scalar { stretches, .. } if matches!(spec.shape, Shape::Regex) => stretches.clone(),
                        _ => Box::default(),
                    };
                    all.push(Field { spec, value: v, place: value.place.clone(), stretches });
                }
                None => whole = false,
            }
        }
        self.field_rules(node, fact, &all);
        whole.then_some(all)
    }

    /// Fields that need each other.
    fn field_rules(&mut self, node: &Node, fact: &FactSpec, fields: &[Field]) {
        let has = |name: &str| fields.iter().any(|f| f.spec.name == name);
        if fact.name == "text" && has("except") && !has("regex") {
            self.diagnostics.error(&node.place, "missing-key", "`except` drops matches of `regex`, and there is none");
        }
        if fact.name == "time" && has("zone") && !has("within") && !has("days") && !has("calendar_in") {
            self.diagnostics.error(
                &node.place,
                "missing-key",
                "`zone` says nothing without `within`, `days` or `calendar_in`",
            );
        }
        if fact.name == "rate" {
            for key in ["count", "per", "over", "above"] {
                if node.get(key).is_none() {
                    self.missing(&node.place, "`rate`", key);
                }
            }
            self.rate_rules(fields);
        }
        if fact.name == "standing" {
            for key in ["of", "below"] {
                if node.get(key).is_none() {
                    self.missing(&node.place, "`standing`", key);
                }
            }
        }
    }

    /// What the fields of a rate say together.
    fn rate_rules(&mut self, fields: &[Field]) {
        let words = |name: &str| -> Vec<&str> {
            let field = fields.iter().find(|f| f.spec.name == name);
            match field.map(|f| &f.value) {
                Some(FieldValue::Texts(texts)) => texts.iter().map(|t| t.value.as_str()).collect(),
                _ => Vec::new(),
            }
        };
        let (counts, per) = (words("count").concat(), words("per"));
        for field in fields {
            match (field.spec.name, &field.value) {
                // One recipient has one recipient: of such a key there is never more than one.
                ("per", _) if per.iter().any(|key| format!("{key}s") == counts) => {
                    let message = format!("`count: {counts}` is always 1 for each of {}", per.join(" and "));
                    self.diagnostics
                        .error(&field.place, "rate", message)
                        .help("count something else, or name another key: { count: recipients, per: sender }");
                }
                ("per", FieldValue::Texts(keys)) => {
                    let twice = keys.iter().enumerate().find(|(n, k)| keys.iter().take(*n).any(|o| o.value == k.value));
                    if let Some((_, key)) = twice {
                        let message = format!("`per` names {} twice", key.value);
                        self.diagnostics.error(&key.place, "rate", message);
                    }
                }
                ("over", FieldValue::Duration(over)) if !RATE_OVER.contains(over) => {
                    let message = "`over` is from a second to 31 days";
                    self.diagnostics.error(&field.place, "out-of-range", message).help("write 10m, 24h or 7d");
                }
                ("of", FieldValue::Texts(ids)) => {
                    for id in ids.iter().filter(|id| id.value.contains('*')) {
                        let message = format!("`of: {}` would count anew with every rule added", id.value);
                        self.diagnostics.error(&id.place, "glob", message).help("name one rule");
                    }
                }
                _ => {}
            }
        }
    }

    fn field_value(&mut self, node: &Node, fact: &FactSpec, spec: &FieldSpec) -> Option<FieldValue> {
        let what = &format!("`{}: {}`", fact.name, spec.name);
        let one = |text: Placed<String>| FieldValue::Texts(vec![text]);
        match spec.shape {
            Shape::Text
            | Shape::List(_)
            | Shape::ListOrRegistry(_)
            | Shape::Registry
            | Shape::Regex
            | Shape::Zone
            | Shape::Finding => {
                if matches!(node.value, Value::Sequence(_)) {
                    let message = format!("{what} is one text, not a list");
                    let plural =
                        fact.fields.iter().find(|f| matches!(f.shape, Shape::Texts) && is_plural(f.name, spec.name));
                    let diagnostic = self.diagnostics.error(&node.place, "wrong-shape", message);
                    if let Some(plural) = plural {
                        diagnostic.help(format!("for several write `{}`", plural.name));
                    }
                    return None;
                }
                self.text(node, what).map(one)
            }
            Shape::Texts => {
                let texts = self.texts(node, what);
                (!texts.is_empty()).then_some(FieldValue::Texts(texts))
            }
            Shape::Choice(words) => self.choice(node, what, words).map(one),
            Shape::Choices(words) => self.choices(node, what, words),
            Shape::Country => self.country(node, what).map(|c| FieldValue::Countries(vec![c])),
            Shape::Countries => {
                let items = self.items(node, what);
                let all: Vec<_> = items.iter().map(|i| self.country(i, what)).collect();
                let all: Option<Vec<_>> = all.into_iter().collect();
                all.filter(|c| !c.is_empty()).map(FieldValue::Countries)
            }
            Shape::Flag => self.flag(node, what).map(FieldValue::Flag),
            Shape::Count(max) => self.count(node, what, 0, max).map(FieldValue::Count),
            Shape::Currency => self.currency(node, what).map(one),
            Shape::Money => self.money(node, what).map(FieldValue::Money),
            Shape::Number => self.hundredths(node, what, 0, 20_000_000).map(FieldValue::Number),
            Shape::Duration => self.duration(node, what).map(FieldValue::Duration),
            Shape::Within => self.within(node, what),
            Shape::Tag => {
                let text = self.text(node, what)?;
                self.vendor_tag(&text).map(|tag| FieldValue::Tags(vec![tag]))
            }
            Shape::Tags => {
                let texts = self.texts(node, what);
                let tags: Option<Vec<_>> = texts.iter().map(|t| self.vendor_tag(t)).collect();
                tags.filter(|t| !t.is_empty()).map(FieldValue::Tags)
            }
        }
    }

    /// One word or a list of them: `per: account`, `per: [account, recipient]`.
    fn choices(&mut self, node: &Node, what: &str, words: &[&str]) -> Option<FieldValue> {
        if matches!(node.value, Value::Scalar { .. }) {
            return self.choice(node, what, words).map(|w| FieldValue::Texts(vec![w]));
        }
        let items = self.items(node, what);
        let all: Vec<_> = items.iter().map(|i| self.choice(i, what, words)).collect();
        let all: Option<Vec<_>> = all.into_iter().collect();
        all.filter(|w| !w.is_empty()).map(FieldValue::Texts)
    }

    fn currency(&mut self, node: &Node, what: &str) -> Option<Placed<String>> {
        let mut text = self.text(node, what)?;
        if text.value.len() != 3 || !text.value.bytes().all(|b| b.is_ascii_alphabetic()) {
            let message = format!("{what} cannot be `{}`", text.value);
            self.diagnostics
                .error(&text.place, "currency", message)
                .help("write its three letters (ISO 4217): SGD, MYR, THB");
            return None;
        }
        text.value.make_ascii_uppercase();
        if !CURRENCIES.contains(&text.value.as_str()) {
            let message = format!("no amount is ever found in `{}`", text.value);
            self.diagnostics
                .error(&text.place, "currency", message)
                .help(format!("amounts are found in {}", CURRENCIES.join(", ")));
            return None;
        }
        Some(text)
    }

    fn money(&mut self, node: &Node, what: &str) -> Option<u64> {
        let text = self.text(node, what)?.value;
        let money = money(&text);
        if money.is_none() {
            let message = format!("{what} must be an amount with at most two decimals, not `{text}`");
            self.diagnostics
                .error(&node.place, "wrong-shape", message)
                .help("write 1000 or 99.50, without its currency");
        }
        money
    }

    fn within(&mut self, node: &Node, what: &str) -> Option<FieldValue> {
        let text = self.text(node, what)?.value;
        let minutes = |hm: &str| {
            let (h, m) = hm.split_once(':')?;
            let (h, m) = (h.parse::<u16>().ok()?, m.parse::<u16>().ok()?);
            (hm.len() == 5 && h < 24 && m < 60).then_some(h * 60 + m)
        };
        let range = text.split_once('-').and_then(|(a, b)| Some((minutes(a)?, minutes(b)?)));
        let Some((from, to)) = range.filter(|(a, b)| a != b) else {
            let message = format!("{what} must be from and to of a day, not `{text}`");
            self.diagnostics
                .error(&node.place, "wrong-shape", message)
                .help("write \"22:00-07:00\"; it may cross midnight");
            return None;
        };
        Some(FieldValue::Within(from, to))
    }
}

/// An amount in hundredths.
fn money(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || decimals.len() > 2 || !digits(whole) || !digits(decimals) {
        return None;
    }
    let hundredths: u64 = format!("{decimals:0<2}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths)
}

fn is_plural(plural: &str, one: &str) -> bool {
    plural.strip_suffix('s') == Some(one)
}
