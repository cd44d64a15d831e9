//! Findings → verdict: what is done with a message, and how it is answered.
//!
//! The strongest action of what remains wins; scores add up within groups that have a cap; a profile's thresholds turn the
//! sum into an action. Order of rules never matters. Two laws, each a property test: adding a rule never weakens a
//! verdict, and adding an exemption never strengthens one.

use crate::config::spec::{AnswerKind, Mode};
use crate::rules::{Finding, Rule, Ruleset};
use crate::wire::command::CommandStatus;

pub use crate::config::spec::{Action, Points};

/// How a blocked message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// With this error.
    Refuse(CommandStatus),
    /// As if it had been taken.
    Accept,
}

/// How evidence becomes an action for one kind of traffic.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its id.
    pub id: Box<str>,
    /// The score from which a message is tagged.
    pub tag_from: Points,
    /// The score from which it is blocked.
    pub block_from: Points,
    /// The strongest action allowed.
    pub action_max: Action,
    /// The status of refusals that no rule names one for.
    pub status: CommandStatus,
    /// How blocked messages are answered when no rule says.
    pub answer: AnswerKind,
    /// The tag of messages that no rule names one for, by index into the policy's tags.
    pub tag: Option<usize>,
}

/// What is done with one message, and why.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What is done.
    pub action: Action,
    /// What would be done if shadow rules acted.
    pub shadow_action: Action,
    /// The sum of weights.
    pub score: Points,
    /// How a block is answered.
    pub answer: Answer,
    /// The profile, by index into the policy's.
    pub profile: usize,
    /// Every finding: live, shadow and exempt.
    pub findings: Vec<Finding>,
    /// The finding that decided, by its place in `findings`; none for a pass.
    pub decided_by: Option<usize>,
    /// Tags to apply, by index into the policy's, without repeats.
    pub tags: Vec<usize>,
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            action: Action::Pass,
            shadow_action: Action::Pass,
            score: Points(0),
            answer: Answer::Refuse(CommandStatus::ESME_RSUBMITFAIL),
            profile: 0,
            findings: Vec::new(),
            decided_by: None,
            tags: Vec::new(),
        }
    }
}

/// Buffers of weighing, reused from message to message.
#[derive(Debug, Default)]
pub struct Weighing {
    groups: Vec<i64>,
}

impl Verdict {
    /// Starts again, for another message.
    pub fn clear(&mut self) {
        self.findings.clear();
        self.tags.clear();
        (self.action, self.shadow_action, self.score) = (Action::Pass, Action::Pass, Points(0));
        (self.decided_by, self.profile) = (None, 0);
    }

    /// Whether it says more against a message than another: by action, then by score, then by findings. Of several readings
    /// of one message the one that says most counts.
    #[must_use]
    pub fn outweighs(&self, other: &Self) -> bool {
        let weight = |v: &Self| (v.action, v.score, v.findings.len());
        weight(self) > weight(other)
    }

    /// Judging was not possible, and a policy for that decides.
    pub fn except(&mut self, action: Action) {
        self.clear();
        self.action = action;
        self.shadow_action = action;
    }

    /// Weighs `findings`, which are set already.
    pub(crate) fn weigh(&mut self, rules: &Ruleset, profile: &Profile, weighing: &mut Weighing) {
        if self.findings.is_empty() {
            return;
        }
        let (score, action) = weigh(rules, profile, &self.findings, |f| f.mode == Mode::Live, weighing);
        let (_, shadow_action) = weigh(rules, profile, &self.findings, |f| f.mode >= Mode::Shadow, weighing);
        (self.score, self.action, self.shadow_action) = (score, action, shadow_action);
        if action == Action::Pass {
            return;
        }
        self.decide(rules, profile);
    }

    /// Of the findings with the final action: a permanent status beats a retryable one, then the higher score, then the
    /// id.
    fn decide(&mut self, rules: &Ruleset, profile: &Profile) {
        let own = |rule: &Rule| rule.action.map(|a| a.min(profile.action_max)) == Some(self.action);
        let any_own = self.remaining(rules).any(|(_, rule)| own(rule));
        let order = |rule: &Rule| {
            let retryable = rule.status.unwrap_or(profile.status).is_retryable();
            (retryable, std::cmp::Reverse(rule.score), rule.id.clone())
        };
        let mut deciding: Vec<(usize, &Rule)> =
            self.remaining(rules).filter(|(_, rule)| if any_own { own(rule) } else { rule.score.0 > 0 }).collect();
        deciding.sort_by_key(|(_, rule)| order(rule));
        self.decided_by = deciding.first().map(|(n, _)| *n);
        let first = deciding.first().map(|(_, rule)| *rule);
        let kind = first.and_then(|r| r.answer).unwrap_or(profile.answer);
        let status = first.and_then(|r| r.status).unwrap_or(profile.status);
        self.answer = match kind {
            AnswerKind::Refuse => Answer::Refuse(status),
            AnswerKind::Accept => Answer::Accept,
        };
        let mut tags = std::mem::take(&mut self.tags);
        if self.action == Action::Tag {
            tags.extend(deciding.iter().filter_map(|(_, rule)| rule.tag));
            if tags.is_empty() {
                tags.extend(profile.tag);
            }
            let mut seen = 0;
            while let Some(tag) = tags.get(seen).copied() {
                let mut at = 0;
                tags.retain(|t| {
                    at += 1;
                    *t != tag || at <= seen + 1
                });
                seen += 1;
            }
        }
        self.tags = tags;
    }

    /// What the rules in shadow would have changed: each that would do more by itself than was done, or without which they
    /// would do less together, and the action it would have come to.
    pub fn shadow_changes(&self, rules: &Ruleset, profile: &Profile, mut tell: impl FnMut(&Finding, Action)) {
        if self.shadow_action <= self.action {
            return;
        }
        let mut weighing = Weighing::default();
        let mut action =
            |counts: &dyn Fn(&Finding) -> bool| weigh(rules, profile, &self.findings, counts, &mut weighing).1;
        for finding in self.findings.iter().filter(|f| f.mode == Mode::Shadow && f.exempt_by.is_none()) {
            let alone = action(&|f| f.mode == Mode::Live || f == finding);
            let without = action(&|f| f.mode >= Mode::Shadow && f != finding);
            if alone > self.action {
                tell(finding, alone);
            } else if without < self.shadow_action {
                tell(finding, self.shadow_action);
            }
        }
    }

    /// Findings that count: live and not exempt.
    fn remaining<'r>(&self, rules: &'r Ruleset) -> impl Iterator<Item = (usize, &'r Rule)> {
        let counts = |f: &Finding| f.mode == Mode::Live && f.exempt_by.is_none();
        let all = self.findings.iter().enumerate().filter(move |(_, f)| counts(f));
        all.filter_map(|(n, f)| Some((n, rules.rule(f)?)))
    }

    /// The rule that decided.
    #[must_use]
    pub fn deciding<'r>(&self, rules: &'r Ruleset) -> Option<&'r Rule> {
        self.findings.get(self.decided_by?).and_then(|f| rules.rule(f))
    }
}

/// The score and action of those findings that count and are not exempt.
fn weigh(
    rules: &Ruleset,
    profile: &Profile,
    findings: &[Finding],
    counts: impl Fn(&Finding) -> bool,
    weighing: &mut Weighing,
) -> (Points, Action) {
    weighing.groups.clear();
    weighing.groups.resize(rules.groups.len(), 0);
    let mut score = 0_i64;
    let mut action = Action::Pass;
    let mut any = false;
    for finding in findings.iter().filter(|f| counts(f) && f.exempt_by.is_none()) {
        let Some(rule) = rules.rule(finding) else { continue };
        any = true;
        action = action.max(rule.action.unwrap_or(Action::Pass));
        match rule.group.and_then(|g| weighing.groups.get_mut(g)) {
            Some(group) => *group += i64::from(rule.score.0),
            None => score += i64::from(rule.score.0),
        }
    }
    score += weighing.groups.iter().zip(&rules.groups).map(|(sum, (_, cap))| (*sum).min(cap.0.into())).sum::<i64>();
    let score = Points(i32::try_from(score).unwrap_or(i32::MAX));
    let by_score = if !any || score.0 <= 0 {
        Action::Pass
    } else if score >= profile.block_from {
        Action::Block
    } else if score >= profile.tag_from {
        Action::Tag
    } else {
        Action::Pass
    };
    (score, action.max(by_score).min(profile.action_max))
}
