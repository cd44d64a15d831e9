//! What came out of replayed traffic, counted.

use std::collections::BTreeMap;

use super::Decided;
use crate::audit::Decision;
use crate::config::spec::Mode;
use crate::verdict::Action;

/// Messages by what was done with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; 3]);

impl Counts {
    /// Messages with which this was done.
    #[must_use]
    pub fn of(&self, action: Action) -> u64 {
        let [pass, tag, block] = self.0;
        match action {
            Action::Pass => pass,
            Action::Tag => tag,
            Action::Block => block,
        }
    }

    /// All messages.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts so many more.
    pub fn add(&mut self, action: Action, n: u64) {
        let [pass, tag, block] = &mut self.0;
        match action {
            Action::Pass => *pass += n,
            Action::Tag => *tag += n,
            Action::Block => *block += n,
        }
    }

    fn merge(&mut self, other: &Self) {
        Action::ALL.into_iter().for_each(|action| self.add(action, other.of(action)));
    }
}

/// What one rule did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleCounts {
    /// It fired and counted.
    pub live: u64,
    /// It fired in shadow.
    pub shadow: u64,
    /// It fired and was exempt.
    pub exempt: u64,
    /// It decided.
    pub decided: u64,
    /// In shadow it would have changed what was done, from and to.
    pub changes: BTreeMap<(Action, Action), u64>,
}

/// Everything counted of one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Messages, each destination of a submit_multi as one.
    pub messages: Counts,
    /// What would have been done if shadow rules acted.
    pub shadow: Counts,
    /// By direction: `mt`, `mo`.
    pub directions: BTreeMap<&'static str, Counts>,
    /// By account.
    pub accounts: BTreeMap<String, Counts>,
    /// By sender.
    pub senders: BTreeMap<String, Counts>,
    /// By rule: only those that fired.
    pub rules: BTreeMap<String, RuleCounts>,
    /// Exception policies that were asked: the cause, and what they said.
    pub exceptions: BTreeMap<(&'static str, &'static str), u64>,
}

impl Report {
    /// Counts what was decided.
    pub fn add(&mut self, decided: &Decided<'_>) {
        match decided {
            Decided::Decision { decision, .. } => self.decision(decision),
            Decided::Exception { cause, policy } => *self.exceptions.entry((cause, policy)).or_default() += 1,
        }
    }

    fn decision(&mut self, decision: &Decision<'_>) {
        let (message, action) = (&decision.message, decision.action());
        self.messages.add(action, 1);
        self.shadow.add(decision.verdict.shadow_action.max(action), 1);
        self.directions.entry(message.direction.name()).or_default().add(action, 1);
        of(&mut self.accounts, message.account.id).add(action, 1);
        of(&mut self.senders, message.sender.id).add(action, 1);
        for finding in &decision.verdict.findings {
            let Some(rule) = decision.policy.rules.rule(finding) else { continue };
            let counts = of(&mut self.rules, &rule.id);
            match (finding.exempt_by, finding.mode) {
                (Some(_), _) => counts.exempt += 1,
                (None, Mode::Live) => counts.live += 1,
                (None, _) => counts.shadow += 1,
            }
        }
        if let Some(rule) = decision.verdict.deciding(&decision.policy.rules).filter(|_| action != Action::Pass) {
            of(&mut self.rules, &rule.id).decided += 1;
        }
        decision.shadow_changes(|rule, to| {
            *of(&mut self.rules, &rule.id).changes.entry((action, to)).or_default() += 1;
        });
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.messages.merge(&other.messages);
        self.shadow.merge(&other.shadow);
        for (name, counts) in &other.directions {
            self.directions.entry(name).or_default().merge(counts);
        }
        for (all, others) in [(&mut self.accounts, &other.accounts), (&mut self.senders, &other.senders)] {
            others.iter().for_each(|(name, counts)| of(all, name).merge(counts));
        }
        for (id, counts) in &other.rules {
            let rule = of(&mut self.rules, id);
            rule.live += counts.live;
            rule.shadow += counts.shadow;
            rule.exempt += counts.exempt;
            rule.decided += counts.decided;
            for (change, n) in &counts.changes {
                *rule.changes.entry(*change).or_default() += n;
            }
        }
        for (exception, n) in &other.exceptions {
            *self.exceptions.entry(*exception).or_default() += n;
        }
    }
}

/// The entry of a name, which is copied only the first time.
fn of<'m, T: Default>(map: &'m mut BTreeMap<String, T>, name: &str) -> &'m mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name).expect("what is missing was put in above")
}
