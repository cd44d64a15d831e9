//! Two policies over the same traffic: every verdict that differs, by rule, sender and cluster of texts.
//!
//! Each lane is played to the old policy and then to the new one, each with a memory of its own that starts empty, so that
//! what is counted of a side is what a replay of it alone counts. Nothing is left out as unchanged: what one message does
//! to another through memory would be lost with it.

use std::collections::{BTreeMap, HashMap};

use super::{Decided, Report, Setting, Traffic, play, template};
use crate::audit::{Basis, Decision, Reply};
use crate::config::spec::{Mode, Points};
use crate::explain::visible;
use crate::policy::Policy;
use crate::rules::Finding;
use crate::time::Timestamp;
use crate::verdict::Action;

/// What was done with a message, and how: an error by its status, a mark by its tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Done {
    /// What.
    pub action: Action,
    /// How: `ESME_RSUBMITFAIL`, `swallowed`, `likely-scam`; empty for a pass.
    pub how: String,
}

/// A group of changed verdicts: the same change, for the same reason, to the same sender's texts of one template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// What the old policy does.
    pub old: Done,
    /// What the new one does.
    pub new: Done,
    /// The rule that makes the difference; `exception: …` where an exception policy does.
    pub rule: String,
    /// The sender.
    pub sender: String,
    /// The template of the texts.
    pub template: String,
}

/// One message of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it came.
    pub at: Timestamp,
    /// The request's number in the traffic.
    pub request: u32,
    /// The account.
    pub account: String,
    /// The recipient.
    pub to: String,
    /// The text.
    pub text: String,
}

/// How many verdicts changed in one way, and a few of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many.
    pub count: u64,
    /// The first ones.
    pub samples: Vec<Sample>,
}

/// What two policies make of the same traffic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// What the old policy makes of it.
    pub old: Report,
    /// What the new one makes of it.
    pub new: Report,
    /// Messages by what was and what would be done.
    pub table: BTreeMap<(Action, Action), u64>,
    /// Verdicts that are the same for another reason: another rule decides, or the score differs.
    pub other_reasons: u64,
    /// Verdicts that change.
    pub changes: BTreeMap<Group, Changed>,
}

impl Diff {
    /// How many verdicts change.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.changes.values().map(|c| c.count).sum()
    }

    /// Adds what was found in another lane. The first samples of the traffic stay, whatever lane ended first.
    pub fn merge(&mut self, other: Self, samples_max: usize) {
        self.old.merge(&other.old);
        self.new.merge(&other.new);
        self.other_reasons += other.other_reasons;
        for (actions, n) in other.table {
            *self.table.entry(actions).or_default() += n;
        }
        for (group, changed) in other.changes {
            let own = self.changes.entry(group).or_default();
            own.count += changed.count;
            own.samples.extend(changed.samples);
            own.samples.sort_by_key(|s| s.request);
            own.samples.truncate(samples_max);
        }
    }
}

/// What is kept of the old policy's decision until the new one's comes.
struct Kept {
    done: Done,
    score: Points,
    decided_by: Option<u32>,
    exception: Option<&'static str>,
    findings: Box<[Finding]>,
}

impl Kept {
    fn of(decision: &Decision<'_>) -> Self {
        let verdict = decision.verdict;
        let exception = match decision.basis {
            Basis::Exception { cause, .. } => Some(cause),
            Basis::Judged | Basis::EarlyPart => None,
        };
        Self {
            done: done(decision),
            score: verdict.score,
            decided_by: verdict.decided_by.and_then(|n| verdict.findings.get(n)).map(|f| f.rule),
            exception,
            findings: verdict.findings.as_slice().into(),
        }
    }
}

fn done(decision: &Decision<'_>) -> Done {
    let how = match decision.reply {
        Reply::Forwarded => String::new(),
        Reply::Tagged => {
            let names = decision.verdict.tags.iter().filter_map(|t| decision.policy.tag_name(*t));
            names.collect::<Vec<_>>().join(",")
        }
        Reply::Refused(status) => status.to_string(),
        Reply::Swallowed => "swallowed".into(),
        Reply::Dropped => "dropped".into(),
    };
    Done { action: decision.action(), how }
}

/// Plays one lane to both; `progress` is told after every decision of either.
pub fn lane(
    traffic: &Traffic,
    lane: &[u32],
    old: &Setting,
    new: &Setting,
    samples_max: usize,
    progress: &mut dyn FnMut(),
) -> Diff {
    let mut diff = Diff::default();
    // Of each request the decisions on its destinations, in their order.
    let mut kept: HashMap<(u32, u32), Kept> = HashMap::with_capacity(lane.len());
    let mut told: HashMap<u32, u32> = HashMap::new();
    play(traffic, lane, old, &mut |decided| {
        diff.old.add(&decided);
        if let Decided::Decision { request, decision } = &decided {
            kept.insert((*request, nth(&mut told, *request, decision)), Kept::of(decision));
            progress();
        }
    });
    told.clear();
    play(traffic, lane, new, &mut |decided| {
        diff.new.add(&decided);
        if let Decided::Decision { request, decision } = &decided {
            progress();
            if let Some(was) = kept.remove(&(*request, nth(&mut told, *request, decision))) {
                compare(&mut diff, &was, *request, decision, traffic, &old.policy, samples_max);
            }
        }
    });
    diff
}

/// Which destination of its request a decision is about.
fn nth(told: &mut HashMap<u32, u32>, request: u32, decision: &Decision<'_>) -> u32 {
    if decision.destinations <= 1 {
        return 0;
    }
    let nth = told.entry(request).or_default();
    *nth += 1;
    *nth
}

fn compare(
    diff: &mut Diff,
    was: &Kept,
    request: u32,
    decision: &Decision<'_>,
    traffic: &Traffic,
    old: &Policy,
    samples_max: usize,
) {
    let is = Kept::of(decision);
    *diff.table.entry((was.done.action, is.done.action)).or_default() += 1;
    let name = |policy: &Policy, rule: Option<u32>| {
        rule.and_then(|r| policy.rules.rules.get(usize::try_from(r).ok()?)).map(|r| r.id.to_string())
    };
    if was.done == is.done {
        let other_rule = name(old, was.decided_by) != name(decision.policy, is.decided_by);
        diff.other_reasons += u64::from(other_rule || was.score != is.score);
        return;
    }
    let group = Group {
        rule: culprit(was, old, &is, decision.policy),
        old: was.done.clone(),
        new: is.done,
        sender: decision.message.sender.id.to_owned(),
        template: template(decision.message.reading),
    };
    let changed = diff.changes.entry(group).or_default();
    changed.count += 1;
    if changed.samples.len() < samples_max {
        changed.samples.push(Sample {
            at: traffic.request(request).map_or(decision.message.now, |r| r.at),
            request,
            account: decision.message.account.id.to_owned(),
            to: decision.message.recipient.id.to_owned(),
            text: visible(decision.message.reading.shown()),
        });
    }
}

/// The rule that makes the difference: of the findings that count on the side that does more, one that does not count, or
/// reads otherwise, on the other side; the deciding one of these if it is among them, else the heaviest. Where there is
/// none (thresholds differ, or profiles), the one that decided.
fn culprit(was: &Kept, old: &Policy, is: &Kept, new: &Policy) -> String {
    let ((strong, its), (weak, other)) =
        if was.done.action > is.done.action { ((was, old), (is, new)) } else { ((is, new), (was, old)) };
    if let Some(cause) = strong.exception {
        return format!("exception: {cause}");
    }
    let counts = |f: &&Finding| f.mode == Mode::Live && f.exempt_by.is_none();
    let same = |id: &str, digest: &str| {
        weak.findings
            .iter()
            .filter(counts)
            .filter_map(|f| other.rules.rule(f))
            .any(|r| &*r.id == id && &*r.digest == digest)
    };
    let own = strong.findings.iter().filter(counts).filter_map(|f| Some((f.rule, its.rules.rule(f)?)));
    let mut differing: Vec<_> = own.filter(|(_, r)| !same(&r.id, &r.digest)).collect();
    differing.sort_by_key(|(at, r)| {
        (Some(*at) != strong.decided_by, std::cmp::Reverse(r.action), std::cmp::Reverse(r.score), r.id.clone())
    });
    let decided = || strong.decided_by.and_then(|r| its.rules.rules.get(usize::try_from(r).ok()?));
    let rule = differing.first().map(|(_, r)| *r).or_else(decided);
    rule.map_or_else(|| "none".to_owned(), |r| r.id.to_string())
}
