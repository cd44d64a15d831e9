//! What is odd in rules that have nothing wrong with them: rules that can never fire or never matter, that say what
//! another says, that nobody has tried, or that end soon.
//!
//! Doubts are warnings. Each is about the rules as they are in force, overrides included; every look-up is by hash, so
//! that ten thousand rules are doubted in the time that they take to be read.

mod never;
mod same;

use std::collections::{HashMap, HashSet};

use super::Loaded;
use crate::config::diagnostic::Diagnostics;
use crate::config::source::Place;
use crate::config::spec::{Action, Condition, ConditionKind, FieldValue, Mode, Points, RuleSpec, Spec};
use crate::rules::{self, Rule};
use crate::time::Timestamp;
use same::Reading;

/// What ends within this many days is told.
const SOON_DAYS: u64 = 30;
const DAY_MICROS: u64 = 86_400_000_000;

/// Tells every doubt about what was loaded, at `now`.
pub fn doubts(loaded: &Loaded, now: Timestamp, diagnostics: &mut Diagnostics) {
    let in_force = loaded.policy.rules.rules.iter().map(|r| (&*r.id, r)).collect();
    let mut seen = HashSet::new();
    let rules = loaded.spec.rules.iter().filter(|r| seen.insert(r.id.value.as_str()));
    let rules: Vec<&RuleSpec> = rules.collect();
    let specs = rules.iter().map(|r| (r.id.value.as_str(), *r)).collect();
    let doubter = Doubter { spec: &loaded.spec, loaded, reading: Reading::new(&loaded.spec), in_force, specs, now };
    let rules: Vec<Known<'_>> = rules.into_iter().filter_map(|spec| doubter.known(spec)).collect();
    doubter.cases(&rules, diagnostics);
    doubter.ends_soon(diagnostics);
    doubter.never_fire(&rules, diagnostics);
    if diagnostics.has_errors() {
        // What a rule is for can be in what could not be read.
        return;
    }
    doubter.never_matter(&rules, diagnostics);
    doubter.say_the_same(&rules, diagnostics);
    doubter.no_threshold(diagnostics);
}

/// A rule as written and as in force.
#[derive(Clone, Copy)]
struct Known<'a> {
    spec: &'a RuleSpec,
    rule: &'a Rule,
    when: &'a Condition,
}

struct Doubter<'a> {
    spec: &'a Spec,
    loaded: &'a Loaded,
    reading: Reading<'a>,
    in_force: HashMap<&'a str, &'a Rule>,
    specs: HashMap<&'a str, &'a RuleSpec>,
    now: Timestamp,
}

impl<'a> Doubter<'a> {
    fn known(&self, spec: &'a RuleSpec) -> Option<Known<'a>> {
        Some(Known { spec, rule: self.in_force.get(spec.id.value.as_str())?, when: spec.when.as_ref()? })
    }

    /// Rules with cases that all say the same: what they would do with other messages was never tried.
    fn cases(&self, rules: &[Known<'_>], diagnostics: &mut Diagnostics) {
        for Known { spec, .. } in rules {
            let has = |wanted: bool| spec.cases.iter().any(|c| c.fires == Some(wanted));
            let (lacks, help) = match (has(true), has(false)) {
                (true, true) => continue,
                // That there is no case at all is told where the rule is read.
                (false, false) if spec.cases.is_empty() => continue,
                (true, false) => ("stays silent", "add a message that is near and honest: expect: silent"),
                (false, true) => ("fires", "add a message that it is there for: expect: fires"),
                (false, false) => {
                    ("fires, and none in which it stays silent", "add one of each: expect: fires, silent")
                }
            };
            let message = format!("rule `{}` has no case in which it {lacks}", spec.id.value);
            diagnostics.warning(&spec.id.place, "one-sided", message).help(help);
        }
    }

    fn ends_soon(&self, diagnostics: &mut Diagnostics) {
        let rules = self.spec.rules.iter().map(|r| ("rule", &r.id, &r.expires));
        let exemptions = self.spec.exemptions.iter().map(|e| ("exemption", &e.id, &e.expires));
        for (what, id, expires) in rules.chain(exemptions) {
            let Some((date, end)) = expires.as_ref().and_then(|d| Some((d, rules::midnight(&d.value)?))) else {
                continue;
            };
            if self.now < end && end.0 - self.now.0 <= SOON_DAYS * DAY_MICROS {
                let days = (end.0 - self.now.0).div_ceil(DAY_MICROS);
                let days = if days == 1 { "1 day".into() } else { format!("{days} days") };
                let message = format!("{what} `{}` ends in {days}", id.value);
                diagnostics
                    .warning(&date.place, "ends-soon", message)
                    .help("take it out, or let it expire on a later day");
            }
        }
    }

    fn never_fire(&self, rules: &[Known<'_>], diagnostics: &mut Diagnostics) {
        for Known { spec, rule, when } in rules {
            if rule.mode != Mode::Off
                && let Some(never) = self.never(when, spec.pack.as_deref())
            {
                let message = format!("rule `{}` can never fire: {}", spec.id.value, never.why);
                diagnostics.warning(&never.place, "unreachable", message).help(never.help);
            }
        }
        for exemption in &self.spec.exemptions {
            let when = exemption.when.as_ref();
            if let Some(never) = when.and_then(|when| self.never(when, exemption.pack.as_deref())) {
                let message = format!("exemption `{}` can never hold: {}", exemption.id.value, never.why);
                diagnostics.warning(&never.place, "unreachable", message).help(never.help);
            }
        }
    }

    /// Rules whose findings change nothing.
    fn never_matter(&self, rules: &[Known<'_>], diagnostics: &mut Diagnostics) {
        let mut asked = HashSet::new();
        let conditions = rules.iter().map(|k| (k.when, k.spec.pack.as_deref()));
        let exemptions = self.spec.exemptions.iter().filter_map(|e| Some((e.when.as_ref()?, e.pack.as_deref())));
        for (when, pack) in conditions.chain(exemptions) {
            self.asked(when, pack, &mut asked);
        }
        let globs: Vec<&String> = asked.iter().filter(|a| a.contains('*')).collect();
        let is_asked = |id: &str| asked.contains(id) || globs.iter().any(|glob| rules::covers(glob, id));
        for Known { spec, rule, .. } in rules {
            if rule.mode == Mode::Off || rule.action.is_some() || is_asked(&rule.id) {
                continue;
            }
            let set = &self.loaded.policy.rules;
            let capped = rule.group.and_then(|g| set.groups.get(g)).filter(|(_, cap)| *cap == Points(0));
            if rule.score == Points(0) {
                let message =
                    format!("rule `{}` can never act: its score is 0, and no rule asks for its finding", rule.id);
                diagnostics
                    .warning(&spec.id.place, "never-acts", message)
                    .help("give it a score or an action, or ask for it: { finding: .. }");
            } else if let Some((group, _)) = capped {
                let message = format!("rule `{}` can never act: the cap of its group `{group}` is 0", rule.id);
                diagnostics.warning(&spec.id.place, "never-acts", message);
            }
        }
    }

    /// Ids that conditions ask for, globs as they are.
    fn asked(&self, condition: &Condition, pack: Option<&str>, out: &mut HashSet<String>) {
        match &condition.kind {
            ConditionKind::All(all) | ConditionKind::Any(all) | ConditionKind::AtLeast { of: all, .. } => {
                all.iter().for_each(|c| self.asked(c, pack, out));
            }
            ConditionKind::Not(inner) => self.asked(inner, pack, out),
            ConditionKind::Finding(id) => out.extend(self.reading.finding(&id.value, pack)),
            ConditionKind::Fact { fields, .. } => {
                for field in fields.iter().filter(|f| f.spec.shape == crate::config::facts::Shape::Finding) {
                    if let FieldValue::Texts(ids) = &field.value {
                        ids.iter().for_each(|id| out.extend(self.reading.finding(&id.value, pack)));
                    }
                }
            }
            ConditionKind::Has(_) => {}
        }
    }

    /// Rules that ask for what another asks for, and rules that only fire where another blocks already.
    fn say_the_same(&self, rules: &[Known<'_>], diagnostics: &mut Diagnostics) {
        let mut first: HashMap<(String, Mode), &Place> = HashMap::new();
        let mut twins = HashSet::new();
        for Known { spec, rule, when } in rules.iter().filter(|k| k.rule.mode != Mode::Off) {
            let says = self.reading.canonical(when, spec.pack.as_deref());
            match first.get(&(says.clone(), rule.mode)) {
                Some(place) => {
                    twins.insert(&*rule.id);
                    let message = format!("rule `{}` asks for the same as another", rule.id);
                    diagnostics.warning(&spec.id.place, "duplicate", message).help(format!("the other is at {place}"));
                }
                None => drop(first.insert((says, rule.mode), &spec.id.place)),
            }
        }
        let blocking: Vec<_> = rules.iter().filter(|k| self.always_blocks(k)).map(|k| (k, self.parts(k))).collect();
        let mut by_part: HashMap<&str, Vec<usize>> = HashMap::new();
        for (n, (_, parts)) in blocking.iter().enumerate() {
            parts.iter().next().into_iter().for_each(|part| by_part.entry(part).or_default().push(n));
        }
        for known in rules.iter().filter(|k| k.rule.mode == Mode::Live && !twins.contains(&*k.rule.id)) {
            let implied = self.reading.implied(known.when, known.spec.pack.as_deref());
            let candidates = implied.iter().filter_map(|part| by_part.get(part.as_str())).flatten();
            let stronger = candidates.filter_map(|n| blocking.get(*n)).find(|(other, parts)| {
                other.rule.id != known.rule.id && parts.is_subset(&implied) && parts.len() < implied.len()
            });
            // What blocks too may be there for its own answer, and a building block is there for others.
            let only_adds = known.rule.action != Some(Action::Block) && known.rule.score != Points(0);
            if let Some((other, _)) = stronger.filter(|_| only_adds || known.rule.action == Some(Action::Tag)) {
                let message =
                    format!("rule `{}` changes nothing: whenever it fires, `{}` blocks", known.rule.id, other.rule.id);
                diagnostics
                    .warning(&known.spec.id.place, "shadowed", message)
                    .help(format!("the other is at {}", other.spec.id.place));
            }
        }
    }

    /// Whether nothing takes the action from a rule that blocks.
    fn always_blocks(&self, known: &Known<'_>) -> bool {
        let set = &self.loaded.policy.rules;
        let id = &*known.rule.id;
        let group = known.rule.group.and_then(|g| set.groups.get(g)).map(|(name, _)| format!("group:{name}"));
        let silenced = |target: &str, pack: Option<&str>| {
            Some(target) == group.as_deref() || self.reading.finding(target, pack).iter().any(|t| rules::covers(t, id))
        };
        let exempt = self.spec.exemptions.iter();
        known.rule.mode == Mode::Live
            && known.rule.action == Some(Action::Block)
            && known.spec.expires.is_none()
            && !self.spec.profiles.iter().any(|p| p.action_max.is_some_and(|max| max < Action::Block))
            && !exempt.clone().any(|e| e.silences.iter().any(|s| silenced(&s.value, e.pack.as_deref())))
    }

    fn parts(&self, known: &Known<'_>) -> HashSet<String> {
        self.reading.parts(known.when, known.spec.pack.as_deref()).into_iter().collect()
    }

    /// All scores together, where profiles say from which score on something is done.
    fn no_threshold(&self, diagnostics: &mut Diagnostics) {
        let set = &self.loaded.policy.rules;
        let scoring = set.rules.iter().filter(|r| r.mode == Mode::Live && r.score > Points(0));
        if self.spec.profiles.is_empty() || scoring.clone().next().is_none() {
            return;
        }
        let mut groups = vec![0_i64; set.groups.len()];
        let mut all = 0_i64;
        for rule in scoring {
            let sum = rule.group.and_then(|g| groups.get_mut(g)).unwrap_or(&mut all);
            *sum = sum.saturating_add(i64::from(rule.score.0));
        }
        let capped = groups.iter().zip(&set.groups).map(|(sum, (_, cap))| (*sum).min(i64::from(cap.0)));
        let most = all.saturating_add(capped.sum());
        let written = |place: &Place| self.spec.profiles.iter().any(|p| p.id.place == *place);
        let profiles = self.loaded.policy.profiles.iter().filter(|(spec, _)| written(&spec.id.place));
        for (spec, profile) in profiles {
            let least = profile.tag_from.min(profile.block_from);
            if most < i64::from(least.0) {
                let most = Points(i32::try_from(most).unwrap_or(i32::MAX));
                let id = &spec.id.value;
                let message =
                    format!("no score reaches a threshold of profile `{id}`: all rules together come to {most}");
                diagnostics
                    .warning(&spec.id.place, "never-acts", message)
                    .help(format!("its lowest threshold is {least}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::{Source, Sources};
    use crate::policy;

    fn told(text: &str, now: &str) -> Vec<String> {
        let rules = vec![Source { name: "t.yaml".into(), text: text.into() }];
        let (loaded, mut all) = policy::read(&Sources { rules, ..Sources::default() });
        doubts(&loaded, rules::midnight(now).unwrap(), &mut all);
        all.sorted()
            .into_iter()
            .filter(|d| d.code != "no-advice")
            .map(|d| format!("{} {}", d.code, d.message))
            .collect()
    }

    #[test]
    fn what_ends_soon_is_told_a_month_before() {
        let rule = "rules: [ { id: a, action: tag, expires: 2027-03-31, when: { has: link } } ]";
        assert_eq!(told(rule, "2027-02-28"), [""; 0]);
        assert_eq!(told(rule, "2027-03-01"), ["ends-soon rule `a` ends in 30 days"]);
        assert_eq!(told(rule, "2027-03-30"), ["ends-soon rule `a` ends in 1 day"]);
        assert_eq!(told(rule, "2027-03-31"), [""; 0], "that it has ended is told elsewhere");
    }

    #[test]
    fn what_an_exemption_may_silence_shadows_nothing() {
        let rules = "
rules:
  - { id: any, action: block, when: { has: link } }
  - { id: both, score: 3, when: { all: [ { has: link }, { has: phone } ] } }
exemptions: [ { id: e, silences: [any], owner: o, expires: 2030-01-01, when: { account: { id: a } } } ]";
        assert_eq!(told(rules, "2027-01-01"), [""; 0]);
        let (without, _) = rules.split_once("exemptions").unwrap();
        assert_eq!(
            told(without, "2027-01-01"),
            ["shadowed rule `both` changes nothing: whenever it fires, `any` blocks"]
        );
    }

    #[test]
    fn one_way_to_write_a_condition_is_as_good_as_another() {
        let rules = "
rules:
  - { id: a, action: tag, when: { all: [ { sender: { id: A } }, { text: { words: [x, y] } } ] } }
  - { id: b, action: tag, when: { all: [ { text: { words: [y, x] } }, { all: [ { sender: { ids: [A] } } ] } ] } }
  - { id: c, action: tag, when: { all: [ { text: { words: [y, x] } }, { sender: { ids: [A, B] } } ] } }";
        assert_eq!(told(rules, "2027-01-01"), ["duplicate rule `b` asks for the same as another"]);
    }
}
