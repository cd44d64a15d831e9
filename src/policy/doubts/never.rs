//! Conditions that no message can meet.

use std::collections::{HashMap, HashSet};

use super::same::leaves_of;
use super::{Doubter, Known};
use crate::config::source::Place;
use crate::config::spec::{Condition, ConditionKind, Field, FieldValue, Mode, Placed, Shape};

/// Why a condition can never hold.
pub(super) struct Never {
    pub(super) place: Place,
    pub(super) why: String,
    pub(super) help: &'static str,
}

const AT_ONCE: &str = "all of a list must hold at once; for either of them write any: [..]";

/// Findings that ask for findings are followed so far.
const DEPTH_MAX: usize = 8;

/// A condition that must hold, and the pack that it belongs to.
type Leaf<'c> = (&'c Condition, Option<&'c str>);

impl<'a> Doubter<'a> {
    pub(super) fn never<'c>(&'c self, condition: &'c Condition, pack: Option<&'c str>) -> Option<Never> {
        self.never_at(condition, pack, 0)
    }

    fn never_at<'c>(&'c self, condition: &'c Condition, pack: Option<&'c str>, depth: usize) -> Option<Never> {
        let mut leaves: Vec<Leaf<'c>> = Vec::new();
        let mut own = Vec::new();
        leaves_of(condition, &mut own);
        for leaf in own {
            leaves.push((leaf, pack));
            if let Some(never) = self.leaf(leaf, pack, depth) {
                return Some(never);
            }
            if let Some(known) = self.only_rule(leaf, pack).filter(|_| depth < DEPTH_MAX) {
                let mut inner = Vec::new();
                leaves_of(known.when, &mut inner);
                leaves.extend(inner.into_iter().map(|l| (l, known.spec.pack.as_deref())));
            }
        }
        self.denied(&leaves).or_else(|| values(&leaves)).or_else(|| numbers(&leaves)).or_else(|| together(&leaves))
    }

    /// One that is no `all`.
    fn leaf<'c>(&'c self, leaf: &'c Condition, pack: Option<&'c str>, depth: usize) -> Option<Never> {
        match &leaf.kind {
            ConditionKind::Any(any) => {
                let mut first = None;
                for one in any {
                    let never = self.never_at(one, pack, depth)?;
                    first = first.or(Some(never));
                }
                first
            }
            ConditionKind::AtLeast { count, of } => {
                let mut possible = 0;
                let mut first = None;
                for one in of {
                    match self.never_at(one, pack, depth) {
                        Some(never) => first = first.or(Some(never)),
                        None => possible += 1,
                    }
                }
                first.filter(|_| possible < *count)
            }
            ConditionKind::Fact { .. } if asked(leaf).is_none() => within_one(leaf),
            ConditionKind::Finding(_) | ConditionKind::Fact { .. } => {
                let (id, rule) = (asked(leaf)?, self.only_rule(leaf, pack)?);
                let why = if rule.rule.mode == Mode::Off {
                    format!("`{}` is off, and gives no finding", rule.rule.id)
                } else if rule
                    .spec
                    .expires
                    .as_ref()
                    .is_some_and(|d| crate::rules::midnight(&d.value).is_some_and(|end| self.now >= end))
                {
                    format!("`{}` has ended, and gives no finding", rule.rule.id)
                } else if depth < DEPTH_MAX && self.never_at(rule.when, rule.spec.pack.as_deref(), depth + 1).is_some()
                {
                    format!("`{}` can never fire", rule.rule.id)
                } else {
                    return None;
                };
                Some(Never { place: id.place.clone(), why, help: "ask for a rule that can fire, or take this one out" })
            }
            ConditionKind::All(_) | ConditionKind::Not(_) | ConditionKind::Has(_) => None,
        }
    }

    /// The rule of a `finding:`, or of a rate of messages with a finding, that names exactly one.
    fn only_rule<'c>(&'c self, leaf: &Condition, pack: Option<&str>) -> Option<Known<'c>> {
        let id = asked(leaf)?;
        let [id] = self.reading.finding(&id.value, pack).try_into().ok()?;
        let id: String = id;
        let rule = self.in_force.get(id.as_str())?;
        let spec = self.specs.get(id.as_str())?;
        Some(Known { spec, rule, when: spec.when.as_ref()? })
    }

    /// The same thing is asked for and denied.
    fn denied(&self, leaves: &[Leaf<'_>]) -> Option<Never> {
        let is_not = |c: &Condition| matches!(c.kind, ConditionKind::Not(_));
        let asked = leaves.iter().filter(|(c, _)| !is_not(c));
        let asked: HashSet<String> = asked.flat_map(|(c, pack)| self.reading.implied_by(c, *pack)).collect();
        let denied = leaves.iter().filter_map(|(c, pack)| match &c.kind {
            ConditionKind::Not(inner) => Some((*c, self.reading.canonical(inner, *pack))),
            _ => None,
        });
        let (condition, _) = denied.into_iter().find(|(_, says)| asked.contains(says))?;
        let why = "it asks for something, and denies it under `not`".to_owned();
        Some(Never { place: condition.place.clone(), why, help: "take one of the two out" })
    }
}

/// The finding without which a condition does not hold.
fn asked(leaf: &Condition) -> Option<&Placed<String>> {
    match &leaf.kind {
        ConditionKind::Finding(id) => Some(id),
        ConditionKind::Fact { fields, .. } => {
            fields.iter().filter(|f| f.spec.shape == Shape::Finding).find_map(|f| match &f.value {
                FieldValue::Texts(ids) => ids.first(),
                _ => None,
            })
        }
        _ => None,
    }
}

fn texts(field: &Field) -> Vec<String> {
    match &field.value {
        FieldValue::Texts(texts) => texts.iter().map(|t| t.value.clone()).collect(),
        FieldValue::Countries(all) => all.iter().map(|c| c.as_str().to_owned()).collect(),
        FieldValue::Count(n) => vec![n.to_string()],
        FieldValue::Flag(flag) => vec![flag.to_string()],
        _ => Vec::new(),
    }
}

/// Fields of things that a message has once, each with what it must be: those of one value only.
fn value_of<'f>(
    fact: &'static str,
    field: &'f Field,
) -> Option<((&'static str, &'static str), Vec<String>, &'f Place)> {
    let base = match (fact, field.spec.name) {
        ("sender" | "account", "id" | "ids") => "id",
        ("sender" | "recipient", "country" | "countries") => "country",
        ("message", "payload" | "payloads") => "payload",
        ("text", "language" | "languages") => "language",
        ("sender", "kind") => "kind",
        ("account", "class") => "class",
        (
            "message",
            name @ ("direction" | "operation" | "data_coding" | "class" | "protocol_id" | "port" | "ports"),
        ) => name,
        _ => return None,
    };
    let mut values = texts(field);
    if fact == "sender" {
        values.iter_mut().for_each(|v| *v = v.to_lowercase());
    }
    Some(((fact, base), values, &field.place))
}

fn fields<'c>(leaves: &[Leaf<'c>]) -> impl Iterator<Item = (&'static str, &'c Field)> {
    let of = |leaf: &'c Condition| match &leaf.kind {
        ConditionKind::Fact { fact, fields } => Some(fields.iter().map(|f| (fact.name, f))),
        _ => None,
    };
    leaves.iter().filter_map(move |(leaf, _)| of(leaf)).flatten().collect::<Vec<_>>().into_iter()
}

/// One value must be two.
fn values(leaves: &[Leaf<'_>]) -> Option<Never> {
    let mut known: HashMap<(&str, &str), Vec<String>> = HashMap::new();
    for (fact, field) in fields(leaves) {
        let Some((key, wanted, place)) = value_of(fact, field) else { continue };
        let left = match known.get(&key) {
            None => wanted,
            Some(before) => {
                let both: Vec<String> = before.iter().filter(|v| wanted.contains(v)).cloned().collect();
                if both.is_empty() {
                    let (fact, base) = key;
                    let why = format!("`{fact}: {base}` cannot be {} and {}", before.join(" or "), wanted.join(" or "));
                    return Some(Never { place: place.clone(), why, help: AT_ONCE });
                }
                both
            }
        };
        known.insert(key, left);
    }
    None
}

/// A number must be above one bound and below another that leave no room.
fn numbers(leaves: &[Leaf<'_>]) -> Option<Never> {
    let (mut above, mut below): (Option<u64>, Option<u64>) = (None, None);
    let (mut minutes, mut days): (HashMap<String, HashSet<u16>>, Option<Vec<String>>) = (HashMap::new(), None);
    for (leaf, _) in leaves {
        let ConditionKind::Fact { fact, fields } = &leaf.kind else { continue };
        for field in fields {
            match (fact.name, field.spec.name, &field.value) {
                ("text", "length_above", FieldValue::Count(n)) => above = above.max(Some(*n)),
                ("text", "length_below", FieldValue::Count(n)) => below = Some(below.map_or(*n, |b| b.min(*n))),
                ("time", "within", FieldValue::Within(from, to)) => {
                    let zone = fields.iter().find(|f| f.spec.name == "zone").map(texts).unwrap_or_default().concat();
                    let mut span: HashSet<u16> =
                        if from < to { (*from..*to).collect() } else { (*from..1_440).chain(0..*to).collect() };
                    if let Some(before) = minutes.get(&zone) {
                        span.retain(|minute| before.contains(minute));
                    }
                    if span.is_empty() {
                        let why = "no moment is within both times of the day".to_owned();
                        return Some(Never { place: field.place.clone(), why, help: AT_ONCE });
                    }
                    minutes.insert(zone, span);
                }
                ("time", "days", FieldValue::Texts(_)) => {
                    let mut wanted = texts(field);
                    wanted.retain(|d| days.as_ref().is_none_or(|before: &Vec<String>| before.contains(d)));
                    // Two zones may have two days, which are neighbours: that is told of one zone only.
                    if wanted.is_empty() && fields.iter().all(|f| f.spec.name != "zone") {
                        let why = "no day is one of both".to_owned();
                        return Some(Never { place: field.place.clone(), why, help: AT_ONCE });
                    }
                    days = Some(wanted);
                }
                _ => continue,
            }
            let least = above.map_or(0, |a| a.saturating_add(1));
            if let Some(most) = below.filter(|b| least >= *b) {
                let why = match above {
                    Some(above) => format!("no text has more than {above} characters and fewer than {most}"),
                    None => format!("no text has fewer than {most} characters"),
                };
                return Some(Never { place: field.place.clone(), why, help: "both bounds are exclusive" });
            }
        }
    }
    None
}

/// Values that exclude each other though they are of different keys.
fn together(leaves: &[Leaf<'_>]) -> Option<Never> {
    let all: Vec<_> = fields(leaves).collect();
    let find = |fact: &str, names: &[&str]| all.iter().find(|(f, x)| *f == fact && names.contains(&x.spec.name));
    let one = |fact: &str, name: &str| find(fact, &[name]).map(|(_, f)| (texts(f), *f));
    if let (Some((direction, _)), Some((operation, field))) = (one("message", "direction"), one("message", "operation"))
    {
        let is_mo = direction.first().is_some_and(|d| d == "mo");
        let only_mo = operation.first().is_some_and(|o| o == "deliver_sm");
        let both = operation.first().is_some_and(|o| o == "data_sm");
        if !both && is_mo != only_mo {
            let why = format!("{} is never {}", operation.concat(), direction.concat());
            let help = "deliver_sm is mo, data_sm may be both, the others are mt";
            return Some(Never { place: field.place.clone(), why, help });
        }
    }
    if let Some((kind, _)) = one("sender", "kind")
        && let Some((_, field)) = find("sender", &["country", "countries", "prefix_in"])
        && kind.first().is_some_and(|k| k == "alphanumeric" || k == "empty")
    {
        let why = format!("a sender that is {} has no number, and so no `{}`", kind.concat(), field.spec.name);
        return Some(Never { place: field.place.clone(), why, help: "only numbers belong to a country" });
    }
    None
}

/// Keys of one thing that exclude each other.
fn within_one(leaf: &Condition) -> Option<Never> {
    let ConditionKind::Fact { fact, fields } = &leaf.kind else { return None };
    let one = |name: &str| fields.iter().find(|f| f.spec.name == name);
    for field in fields {
        let why = match (&field.value, field.spec.name) {
            (FieldValue::Count(0), "below") => "no standing is below 0",
            (FieldValue::Duration(age), "age_below") if age.is_zero() => "nothing was first seen less than no time ago",
            _ => continue,
        };
        let help = "`below` is exclusive: write a larger bound";
        return Some(Never { place: field.place.clone(), why: why.to_owned(), help });
    }
    for (inside, outside) in [("domain_in", "domain_not_in"), ("in", "not_in")] {
        if let (Some(a), Some(b)) = (one(inside), one(outside))
            && texts(a) == texts(b)
        {
            let why = format!("no {} is in a list and not in it", fact.name);
            return Some(Never { place: b.place.clone(), why, help: "take one of the two out" });
        }
    }
    if let (Some(inside), Some(like)) = (one("domain_in"), one("domain_like"))
        && texts(inside) == texts(like)
    {
        let why = "what is in a list does not look like its entries".to_owned();
        return Some(Never { place: like.place.clone(), why, help: "take one of the two out" });
    }
    let kind = one("kind").map(texts).unwrap_or_default();
    if fact.name == "link"
        && kind.first().is_some_and(|k| k == "ip")
        && let Some(field) = one("brand_in").or(one("domain_like"))
    {
        let why = format!("an IP address has no name: `{}` is never true of it", field.spec.name);
        return Some(Never { place: field.place.clone(), why, help: "take one of the two out" });
    }
    None
}
