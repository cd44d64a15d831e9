//! Findings → verdict: what is done with a message, and how it is answered.
//!
//! The strongest action of what remains wins; scores add up within groups that have a cap; a profile's thresholds turn the
//! sum into an action. Order of rules never matters. Two laws, each a property test: adding a rule never weakens a
//! verdict, and adding an exemption never strengthens one.

use crate::config::spec::{AnswerKind, Mode};
use crate::rules::{Facts, Finding, Key, Question, Recalled, Rule, Ruleset};
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
    /// The standing of each key of the message that is known.
    pub standing: Standings,
    /// What standing adds to the score, or takes from what the model adds.
    pub standing_points: Points,
    /// What rules asked of memory, and what it answered.
    pub recalled: Vec<Recalled>,
}

/// The standing of the keys of a message, from 0, the worst, to 100; none where the message has no such key, or it is
/// not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standings([Option<u8>; STANDING_KEYS.len()]);

/// The keys that have a standing.
pub const STANDING_KEYS: [Key; 5] = [Key::Sender, Key::Account, Key::Domain, Key::Phone, Key::Campaign];

impl Standings {
    /// Sets that of one key.
    pub fn set(&mut self, key: Key, standing: u8) {
        let all = STANDING_KEYS.iter().zip(&mut self.0);
        all.filter(|(k, _)| **k == key).for_each(|(_, slot)| *slot = Some(standing));
    }

    /// What they add to the score, or take from what the model adds: the doublings of the odds between the standing of
    /// what is not known and the worst of these. Only the sender's own good name, and only where nothing else is bad, takes
    /// anything.
    #[must_use]
    pub fn points(&self, neutral: u8) -> Points {
        let worst = self.known().map(|(_, standing)| standing).min();
        match worst {
            Some(worst) if worst < neutral => Points((odds(worst) - odds(neutral)).min(BLAME_MAX.0)),
            _ => {
                let sender =
                    self.known().find(|(key, _)| *key == Key::Sender).map_or(neutral, |(_, standing)| standing);
                Points((odds(sender) - odds(neutral)).clamp(-PRAISE_MAX.0, 0))
            }
        }
    }

    /// Those that are known.
    pub fn known(&self) -> impl Iterator<Item = (Key, u8)> {
        STANDING_KEYS.iter().zip(self.0).filter_map(|(key, standing)| Some((*key, standing?)))
    }
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
            standing: Standings::default(),
            standing_points: Points(0),
            recalled: Vec::new(),
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
        self.recalled.clear();
        (self.standing, self.standing_points) = (Standings::default(), Points(0));
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

    /// Asks for the standing of every key, and what it adds.
    pub(crate) fn recall(&mut self, facts: &Facts<'_>) {
        if let Facts::Memory(ask) = facts {
            let standing = |question| ask(&question, 0).and_then(|n| u8::try_from(n.min(100)).ok());
            for key in STANDING_KEYS {
                standing(Question::Standing(key)).into_iter().for_each(|standing| self.standing.set(key, standing));
            }
            if let Some(neutral) = standing(Question::Neutral) {
                self.standing_points = self.standing.points(neutral);
            }
        }
    }

    /// Weighs `findings`, which are set already.
    pub(crate) fn weigh(&mut self, rules: &Ruleset, profile: &Profile, weighing: &mut Weighing) {
        let beside = beside(self.standing_points, Points(0));
        if self.findings.is_empty() && beside == 0 {
            return;
        }
        let of = (&*self.findings, beside);
        let (score, action) = weigh(rules, profile, of, |f| f.mode == Mode::Live, weighing);
        let (_, shadow_action) = weigh(rules, profile, of, |f| f.mode >= Mode::Shadow, weighing);
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
            (retryable, std::cmp::Reverse(rule.score))
        };
        let mut deciding: Vec<(usize, &Rule)> =
            self.remaining(rules).filter(|(_, rule)| if any_own { own(rule) } else { rule.score.0 > 0 }).collect();
        deciding.sort_by(|(_, a), (_, b)| order(a).cmp(&order(b)).then_with(|| a.id.cmp(&b.id)));
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
        let of = (&*self.findings, beside(self.standing_points, Points(0)));
        let mut action = |counts: &dyn Fn(&Finding) -> bool| weigh(rules, profile, of, counts, &mut weighing).1;
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

/// Standing takes at most so much from what the model adds, and adds at most so much to the score.
const PRAISE_MAX: Points = Points(300);
const BLAME_MAX: Points = Points(600);

/// The odds against what has a standing, in hundredths of a doubling.
fn odds(standing: u8) -> i32 {
    let good = f64::from(standing.clamp(1, 99));
    #[allow(clippy::cast_possible_truncation, reason = "of 1 to 99 they are at most 663 either way")]
    let hundredths = (((100.0 - good) / good).log2() * 100.0).round() as i32;
    hundredths
}

/// What is added to the score beside the findings, in hundredths. A good standing only ever takes from what the model
/// adds: nothing weakens a rule but an exemption.
fn beside(standing: Points, model: Points) -> i64 {
    let praise = standing.0.clamp(-PRAISE_MAX.0, 0);
    i64::from(standing.0.max(0)) + i64::from((model.0 + praise).max(0))
}

/// The score and action of those findings that count and are not exempt, with what is added beside them. Without a
/// finding the score tags at most: what was remembered, or guessed, does not block by itself.
fn weigh(
    rules: &Ruleset,
    profile: &Profile,
    (findings, beside): (&[Finding], i64),
    counts: impl Fn(&Finding) -> bool,
    weighing: &mut Weighing,
) -> (Points, Action) {
    weighing.groups.clear();
    weighing.groups.resize(rules.groups.len(), 0);
    let mut score = beside;
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
    let by_score = if score.0 <= 0 {
        Action::Pass
    } else if score >= profile.block_from && any {
        Action::Block
    } else if score >= profile.tag_from {
        Action::Tag
    } else {
        Action::Pass
    };
    (score, action.max(by_score).min(profile.action_max))
}
