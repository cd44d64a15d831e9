//! Reports and differences for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::diff::{Changed, Diff, Done, Group};
use super::report::{Counts, Report};
use crate::verdict::Action;

/// Senders that a page shows; the JSON has all.
const SENDERS_SHOWN: usize = 20;
/// Senders of one rule, and clusters of one sender, that a page shows.
const OF_RULE_SHOWN: usize = 5;
const OF_SENDER_SHOWN: usize = 3;
/// Characters of a sample that a page shows.
const TEXT_SHOWN: usize = 120;

impl Report {
    /// One object a fact: totals, directions, accounts, rules, senders, exceptions.
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        let mut all = vec![object("totals", &[("shadow", counts(&self.shadow))], &self.messages)];
        all.extend(self.directions.iter().map(|(name, n)| object("direction", &[("direction", (*name).into())], n)));
        all.extend(self.accounts.iter().map(|(name, n)| object("account", &[("account", name.as_str().into())], n)));
        for (id, rule) in &self.rules {
            let changes: Map<String, Value> =
                rule.changes.iter().map(|((from, to), n)| (change(*from, *to), Value::from(*n))).collect();
            all.push(json!({
                "kind": "rule", "rule": id, "decided": rule.decided, "live": rule.live, "shadow": rule.shadow,
                "exempt": rule.exempt, "would_have_changed": changes,
            }));
        }
        all.extend(self.senders.iter().map(|(name, n)| object("sender", &[("sender", name.as_str().into())], n)));
        for ((cause, policy), n) in &self.exceptions {
            all.push(json!({ "kind": "exception", "cause": cause, "policy": policy, "count": n }));
        }
        all
    }

    /// A page of tables.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("messages   {}\n", in_words(&self.messages));
        if self.shadow != self.messages {
            let _ = writeln!(out, "in shadow  {} if the rules in shadow acted", in_words(&self.shadow));
        }
        if self.directions.len() > 1 {
            for (name, n) in &self.directions {
                let _ = writeln!(out, "{name:<10} {}", in_words(n));
            }
        }
        for ((cause, policy), n) in &self.exceptions {
            let _ = writeln!(out, "exception  {cause}: {policy} {n} times");
        }
        if !self.rules.is_empty() {
            let _ = writeln!(out, "\n{:<40} decided    live  shadow  exempt  would have changed", "rule");
        }
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(id, r)| (std::cmp::Reverse(r.live + r.shadow + r.exempt), *id));
        for (id, r) in rules {
            let changes: Vec<String> = r.changes.iter().map(|((a, b), n)| format!("{} {n}", change(*a, *b))).collect();
            let line = format!(
                "{id:<40} {:>7} {:>7} {:>7} {:>7}  {}",
                r.decided,
                r.live,
                r.shadow,
                r.exempt,
                changes.join(", ")
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        for (what, all) in [("account", &self.accounts), ("sender", &self.senders)] {
            if all.len() > 1 {
                table(&mut out, what, all);
            }
        }
        out
    }
}

/// Those that the most is done about first.
fn table(out: &mut String, what: &str, all: &BTreeMap<String, Counts>) {
    let mut rows: Vec<_> = all.iter().collect();
    let order = |n: &Counts| (n.of(Action::Block), n.of(Action::Tag), n.all());
    rows.sort_by(|a, b| order(b.1).cmp(&order(a.1)).then(a.0.cmp(b.0)));
    let _ = writeln!(out, "\n{what:<40}    pass     tag   block");
    for (name, n) in rows.iter().take(SENDERS_SHOWN) {
        let [pass, tag, block] = Action::ALL.map(|a| n.of(a));
        let _ = writeln!(out, "{:<40} {pass:>7} {tag:>7} {block:>7}", named(name));
    }
    if rows.len() > SENDERS_SHOWN {
        let _ = writeln!(out, "and {} more", rows.len() - SENDERS_SHOWN);
    }
}

impl Diff {
    /// The totals, then one object a group of changed verdicts, the largest first.
    #[must_use]
    pub fn json(&self) -> Vec<Value> {
        let table: Map<String, Value> =
            self.table.iter().map(|((from, to), n)| (change(*from, *to), Value::from(*n))).collect();
        let mut all = vec![json!({
            "kind": "totals", "messages": self.old.messages.all(), "old": counts(&self.old.messages),
            "new": counts(&self.new.messages), "changed": self.changed(), "other_reasons": self.other_reasons,
            "table": table,
        })];
        for (group, changed) in self.by_size() {
            let samples: Vec<Value> = changed
                .samples
                .iter()
                .map(|s| {
                    json!({ "at": s.at.to_string(), "account": s.account, "from": group.sender, "to": s.to, "text": s.text })
                })
                .collect();
            all.push(json!({
                "kind": "change", "old": side(&group.old), "new": side(&group.new), "rule": group.rule,
                "sender": group.sender, "template": group.template, "count": changed.count, "samples": samples,
            }));
        }
        all
    }

    fn by_size(&self) -> Vec<(&Group, &Changed)> {
        let mut all: Vec<_> = self.changes.iter().collect();
        all.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(b.0)));
        all
    }

    /// The table old→new, then each change by rule, by sender, by cluster.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::from("old \\ new        pass       tag     block\n");
        for from in Action::ALL {
            let [pass, tag, block] = Action::ALL.map(|to| self.table.get(&(from, to)).copied().unwrap_or(0));
            let _ = writeln!(out, "{:<10} {pass:>10} {tag:>9} {block:>9}", from.name());
        }
        let changed = self.changed();
        let _ = writeln!(
            out,
            "\n{changed} of {} verdicts change; {} stay for another reason",
            self.old.messages.all(),
            self.other_reasons
        );
        let mut by_change: BTreeMap<String, Vec<(&Group, &Changed)>> = BTreeMap::new();
        for (group, changed) in self.by_size() {
            by_change.entry(done_change(&group.old, &group.new)).or_default().push((group, changed));
        }
        for (change, groups) in by_size(by_change) {
            let _ = writeln!(out, "\n{change}  {}", sum(&groups));
            for (rule, groups) in by_size(by(&groups, |g| &g.rule)) {
                let _ = writeln!(out, "  {rule}  {}", sum(&groups));
                let senders = by_size(by(&groups, |g| &g.sender));
                for (sender, groups) in senders.iter().take(OF_RULE_SHOWN) {
                    let _ = writeln!(out, "    {}  {}", named(sender), sum(groups));
                    clusters(&mut out, groups);
                }
                more(&mut out, "    ", senders.len(), OF_RULE_SHOWN, "senders");
            }
        }
        out
    }
}

fn clusters(out: &mut String, groups: &[(&Group, &Changed)]) {
    for (group, changed) in groups.iter().take(OF_SENDER_SHOWN) {
        let _ = writeln!(out, "      {} × {}", changed.count, group.template);
        if let Some(sample) = changed.samples.first() {
            let cut = if sample.text.chars().nth(TEXT_SHOWN).is_some() { "…" } else { "" };
            let text: String = sample.text.chars().take(TEXT_SHOWN).collect();
            let _ = writeln!(out, "          to {}: {text}{cut}", named(&sample.to));
        }
    }
    more(out, "      ", groups.len(), OF_SENDER_SHOWN, "clusters");
}

fn more(out: &mut String, indent: &str, all: usize, shown: usize, what: &str) {
    if all > shown {
        let _ = writeln!(out, "{indent}and {} more {what}", all - shown);
    }
}

type Groups<'d> = Vec<(&'d Group, &'d Changed)>;

fn by<'d>(groups: &Groups<'d>, key: impl Fn(&'d Group) -> &'d String) -> BTreeMap<String, Groups<'d>> {
    let mut all: BTreeMap<String, Groups<'d>> = BTreeMap::new();
    for (group, changed) in groups {
        all.entry(key(group).clone()).or_default().push((group, changed));
    }
    all
}

fn by_size(all: BTreeMap<String, Groups<'_>>) -> Vec<(String, Groups<'_>)> {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(_, groups)| std::cmp::Reverse(sum(groups)));
    all
}

fn sum(groups: &[(&Group, &Changed)]) -> u64 {
    groups.iter().map(|(_, c)| c.count).sum()
}

/// `pass→block`; where the action is the same, how it is done: `block ESME_RSUBMITFAIL→swallowed`.
fn done_change(old: &Done, new: &Done) -> String {
    if old.action == new.action {
        return format!("{} {}→{}", old.action.name(), old.how, new.how);
    }
    change(old.action, new.action)
}

fn change(from: Action, to: Action) -> String {
    format!("{}→{}", from.name(), to.name())
}

fn side(done: &Done) -> Value {
    json!({ "action": done.action.name(), "how": done.how })
}

fn counts(n: &Counts) -> Value {
    Action::ALL.iter().map(|a| (a.name().to_owned(), Value::from(n.of(*a)))).collect::<Map<_, _>>().into()
}

fn object(kind: &str, more: &[(&str, Value)], n: &Counts) -> Value {
    let mut object = Map::new();
    object.insert("kind".into(), kind.into());
    let (before, after): (Vec<_>, Vec<_>) = more.iter().partition(|(_, value)| value.is_string());
    object.extend(before.into_iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    object.insert("messages".into(), n.all().into());
    object.extend(Action::ALL.iter().map(|a| (a.name().to_owned(), Value::from(n.of(*a)))));
    object.extend(after.into_iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    object.into()
}

fn in_words(n: &Counts) -> String {
    let [pass, tag, block] = Action::ALL.map(|a| n.of(a));
    format!("{}: {pass} pass, {tag} tag, {block} block", n.all())
}

fn named(name: &str) -> String {
    if name.is_empty() { "(none)".into() } else { crate::explain::visible(name) }
}
