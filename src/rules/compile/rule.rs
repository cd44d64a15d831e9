//! Rules and exemptions: in the order of what they ask for, with their overrides, groups and tags.

use super::{Compiler, Scope, covers, digest, full, texts};
use crate::config::spec::{Action, Condition, ConditionKind, ExemptionSpec, Mode, Placed, Points, RuleSpec, Shape};
use crate::limits::FINDINGS_DEEP_MAX;
use crate::rules::{Exemption, Rule, Ruleset, list};

impl<'a> Compiler<'a> {
    /// Rules such that each stands after those whose findings it asks for.
    pub(super) fn order(&mut self) -> Vec<&'a RuleSpec> {
        let mut left: Vec<(&RuleSpec, Vec<Target>)> = self.spec.rules.iter().map(|r| (r, self.asked(r))).collect();
        left.sort_by(|a, b| a.0.id.value.cmp(&b.0.id.value));
        left.dedup_by(|a, b| a.0.id.value == b.0.id.value);
        let mut done: Vec<&RuleSpec> = Vec::with_capacity(left.len());
        let mut depth = 0;
        while !left.is_empty() {
            depth += 1;
            if depth == FINDINGS_DEEP_MAX + 1
                && let Some((rule, _)) = left.first()
            {
                let message =
                    format!("more than {FINDINGS_DEEP_MAX} rules ask for the finding of one another in a row");
                self.diagnostics.error(&rule.id.place, "too-deep", message);
            }
            let ids: Vec<&str> = left.iter().map(|(r, _)| r.id.value.as_str()).collect();
            let (later, now): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|(_, asked)| asked.iter().any(|a| ids.iter().any(|id| a.names(id))));
            if now.is_empty() {
                let round = self.cycle(&later);
                left = later.into_iter().filter(|(rule, _)| !round.contains(&rule.id.value.as_str())).collect();
            } else {
                done.extend(now.into_iter().map(|(rule, _)| rule));
                left = later;
            }
        }
        done
    }

    /// Of rules that all wait for one another, tells some that go round, and answers which: at least one.
    fn cycle(&mut self, waiting: &[(&'a RuleSpec, Vec<Target>)]) -> Vec<&'a str> {
        let mut way: Vec<usize> = Vec::new();
        let mut at = 0;
        // Each waits for another of them, so that the way comes back to where it was.
        while !way.contains(&at) {
            way.push(at);
            let asked = waiting.get(at).map_or(&[][..], |(_, asked)| asked);
            let next = waiting.iter().position(|(rule, _)| asked.iter().any(|a| a.names(&rule.id.value)));
            at = next.unwrap_or(at);
        }
        let round: Vec<&'a RuleSpec> =
            way.iter().skip_while(|n| **n != at).filter_map(|n| waiting.get(*n)).map(|(rule, _)| *rule).collect();
        let Some(first) = round.first() else { return Vec::new() };
        let ids: Vec<String> = round.iter().chain([first]).map(|r| format!("`{}`", r.id.value)).collect();
        let message = format!("findings go round: {}", ids.join(" asks for "));
        self.diagnostics
            .error(&first.id.place, "cycle", message)
            .help("a rule is found before those that ask for it: take one of them out of the round");
        round.iter().map(|r| r.id.value.as_str()).collect()
    }

    /// Ids of all rules, those that could not be compiled too.
    pub(super) fn rule_ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.spec.rules.iter().map(|r| r.id.value.clone()).collect();
        ids.sort();
        ids
    }

    /// The findings that a rule asks for.
    fn asked(&self, rule: &RuleSpec) -> Vec<Target> {
        let mut asked = Vec::new();
        rule.when.iter().for_each(|w| findings(w, &mut asked));
        asked.into_iter().map(|a| self.target(a, rule.pack.as_deref())).collect()
    }

    /// What a `finding:` or `silences:` of a pack means.
    pub(super) fn target(&self, written: &str, pack: Option<&str>) -> Target {
        let own = pack.map(|pack| full(Some(pack), written));
        if written.contains('*') {
            return Target { pattern: written.to_owned(), own };
        }
        let is_own = |own: &String| self.spec.rules.iter().any(|r| r.id.value == *own);
        Target { pattern: own.filter(is_own).unwrap_or_else(|| written.to_owned()), own: None }
    }

    pub(super) fn rule(&mut self, spec: &'a RuleSpec, set: &Ruleset) -> Option<Rule> {
        let (mut score, mut action, mut mode) = (spec.score.unwrap_or_default(), spec.action, spec.mode);
        self.overridden(spec, &mut score, &mut action, &mut mode);
        mode = mode.min(self.spec.mode);
        let mut scope = Scope {
            pack: spec.pack.as_deref(),
            set,
            id: &spec.id.value,
            mode,
            negated: false,
            in_exemption: false,
            per_account: false,
        };
        let group = spec.group.as_ref().and_then(|name| self.group(name, set));
        let tag = spec.tag.as_ref().and_then(|name| self.tag(name, spec.pack.as_deref()));
        let asked = self.asked(spec);
        self.by_hearsay =
            !asked.is_empty() && set.rules.iter().any(|r| r.by_hearsay && asked.iter().any(|a| a.names(&r.id)));
        let when = self.condition(spec.when.as_ref()?, &mut scope)?;
        let per_account = scope.per_account;
        if let Some(status) = spec.status.filter(|s| s.is_retryable())
            && !per_account
        {
            let message = format!("`{status}` makes ESMEs try again");
            self.diagnostics
                .error(&spec.id.place, "retryable", message)
                .help("only a rule whose rate is per: account may answer with it");
        }
        let mut facts = Vec::new();
        facts_of(spec.when.as_ref()?, &mut facts);
        facts.sort_unstable();
        facts.dedup();
        Some(Rule {
            id: spec.id.value.as_str().into(),
            place: spec.id.place.clone(),
            category: spec.category.as_deref().map(Into::into),
            basis: spec.basis.as_deref().map(Into::into),
            group,
            score,
            action,
            status: spec.status,
            answer: spec.answer,
            tag,
            mode,
            cause: cause(&facts),
            by_hearsay: self.by_hearsay,
            facts,
            digest: digest(&spec.canonical),
            expires: spec.expires.as_ref().and_then(|d| list::midnight(&d.value, 0)),
            sample: spec.sample,
            when,
        })
    }

    fn overridden(&self, spec: &RuleSpec, score: &mut Points, action: &mut Option<Action>, mode: &mut Mode) {
        let mut matching: Vec<_> =
            self.spec.overrides.iter().filter(|o| covers(&o.target.value, &spec.id.value)).collect();
        // A glob first, so that an id has the last word.
        matching.sort_by_key(|o| (!o.target.value.contains('*'), o.target.value.len()));
        for one in matching {
            *score = one.score.unwrap_or(*score);
            *action = one.action.or(*action);
            *mode = one.mode.unwrap_or(*mode);
        }
    }

    fn group(&mut self, name: &Placed<String>, set: &Ruleset) -> Option<usize> {
        let at = set.groups.iter().position(|(g, _)| **g == *name.value);
        if at.is_none() {
            let known: Vec<_> = set.groups.iter().map(|(g, _)| g.to_string()).collect();
            self.unknown_name(name, "group", &known);
        }
        at
    }

    fn tag(&mut self, name: &Placed<String>, pack: Option<&str>) -> Option<usize> {
        let tags = &self.spec.tags;
        let of = |p: Option<&str>| tags.iter().position(|t| t.name.value == name.value && t.pack.as_deref() == p);
        let at = of(pack).or_else(|| of(None));
        if at.is_none() {
            let known: Vec<_> = tags.iter().map(|t| t.name.value.clone()).collect();
            self.unknown_name(name, "tag", &known);
        }
        at
    }

    pub(super) fn exemption(&mut self, spec: &'a ExemptionSpec, set: &Ruleset) -> Option<Exemption> {
        let mut silences = Vec::new();
        for target in &spec.silences {
            silences.extend(self.silenced(target, spec, set));
        }
        silences.sort_unstable();
        silences.dedup();
        let mut scope = Scope {
            pack: spec.pack.as_deref(),
            set,
            id: &spec.id.value,
            mode: Mode::Shadow,
            negated: false,
            in_exemption: true,
            per_account: false,
        };
        Some(Exemption {
            id: spec.id.value.as_str().into(),
            place: spec.id.place.clone(),
            expires: spec.expires.as_ref().and_then(|d| list::midnight(&d.value, 0)),
            silences: silences.into(),
            when: self.condition(spec.when.as_ref()?, &mut scope)?,
        })
    }

    fn silenced(&mut self, target: &Placed<String>, spec: &ExemptionSpec, set: &Ruleset) -> Vec<u32> {
        let group = target.value.strip_prefix("group:");
        if let Some(name) = group
            && !set.groups.iter().any(|(g, _)| **g == *name)
        {
            let name = Placed { value: name.to_owned(), place: target.place.clone() };
            self.unknown_name(&name, "group", &set.groups.iter().map(|(g, _)| g.to_string()).collect::<Vec<_>>());
            return Vec::new();
        }
        let named = self.target(&target.value, spec.pack.as_deref());
        let is_named = |rule: &Rule| match group {
            Some(group) => rule.group.and_then(|g| set.groups.get(g)).is_some_and(|(name, _)| **name == *group),
            None => named.names(&rule.id),
        };
        let all: Vec<_> = set.rules.iter().enumerate().filter(|(_, r)| is_named(r)).collect();
        if all.is_empty() && group.is_none() {
            // A rule that is there and could not be compiled is told at its own place.
            if self.spec.rules.iter().any(|r| named.names(&r.id.value)) {
                return Vec::new();
            }
            self.unknown_name(target, "rule", &self.rule_ids());
            return Vec::new();
        }
        let by_full_id = group.is_none() && !target.value.contains('*');
        let is_firm = |id: &str| self.spec.rules.iter().any(|r| r.firm && r.id.value == id);
        let silenced: Vec<_> = all.into_iter().filter(|(_, r)| by_full_id || !is_firm(&r.id)).collect();
        if silenced.is_empty() {
            let message = format!("`{}` silences nothing", target.value);
            self.diagnostics
                .warning(&target.place, "no-effect", message)
                .help("a firm rule is silenced only by an exemption that names its full id");
        }
        silenced.into_iter().filter_map(|(n, _)| u32::try_from(n).ok()).collect()
    }
}

/// The rules that a name stands for: the pack's own rule of that id, else the rule of that full id; a glob stands for
/// all that it covers, in its pack and by full id.
pub(super) struct Target {
    pattern: String,
    own: Option<String>,
}

impl Target {
    pub(super) fn names(&self, id: &str) -> bool {
        covers(&self.pattern, id) || self.own.as_ref().is_some_and(|own| covers(own, id))
    }
}

fn findings<'s>(condition: &'s Condition, out: &mut Vec<&'s str>) {
    match &condition.kind {
        ConditionKind::All(all) | ConditionKind::Any(all) | ConditionKind::AtLeast { of: all, .. } => {
            all.iter().for_each(|c| findings(c, out));
        }
        ConditionKind::Not(inner) => findings(inner, out),
        ConditionKind::Finding(id) => out.push(&id.value),
        // A rate of messages with a finding asks for it.
        ConditionKind::Fact { fields, .. } => {
            for field in fields.iter().filter(|f| f.spec.shape == Shape::Finding) {
                out.extend(texts(field).iter().map(|id| id.value.as_str()));
            }
        }
        ConditionKind::Has(_) => {}
    }
}

fn facts_of(condition: &Condition, out: &mut Vec<&'static str>) {
    match &condition.kind {
        ConditionKind::All(all) | ConditionKind::Any(all) | ConditionKind::AtLeast { of: all, .. } => {
            all.iter().for_each(|c| facts_of(c, out));
        }
        ConditionKind::Not(inner) => facts_of(inner, out),
        ConditionKind::Finding(_) => {}
        ConditionKind::Has(fact) | ConditionKind::Fact { fact, .. } => out.push(fact.name),
    }
}

/// What a rule rests on, the most telling of its facts first.
fn cause(facts: &[&str]) -> &'static str {
    let has = |names: &[&str]| facts.iter().any(|f| names.contains(f));
    if has(&["rate"]) {
        "volume"
    } else if has(&["standing"]) {
        "reputation"
    } else if has(&["model"]) {
        "model"
    } else if has(&["link", "phone", "handle"]) {
        "link"
    } else if has(&["text", "amount", "code"]) {
        "content"
    } else if has(&["sender", "account", "peer"]) {
        "sender"
    } else {
        "protocol"
    }
}
