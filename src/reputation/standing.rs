//! Standing: what is known of a key, as one number from 0 (bad) to 100 (good), and how it came about.
//!
//! All sums are log-odds in nats, so that terms add up:
//!
//! ```text
//!  standing = 100 · σ( logit(cold_start / 100) − inherited − evidence − heard + held back )
//!
//!  inherited   logit(p₀) − logit(base_rate), within −0.5 … +1; p₀ was (b + (m + e)·base_rate)/(b + g + e + m) of the parent (a
//!              sender's account, a campaign's sender) when the key was last seen
//!  evidence    the long memory's, or the short one's where that is worse:
//!      b       weight of evidence against it: reports, decisive rules, proof, failed receipts beyond honest traffic's share
//!      g       weight of evidence for it: receipts of messages that arrived, recipients that wrote back
//!      e       weight of messages that passed, counted at the prior: neither praise nor blame, only how much it was of
//!      p       (b + (m + e)·p₀) / (b + g + e + m),  with m = `prior`
//!      s       1.64 · √(p(1 − p) / (b + g + e + m + 1)): nineteen times in twenty p is no lower than p − s
//!      against logit(p − s) − logit(p₀) where that is above 0, at most 3: punished is only what is sure
//!      for     logit(p + s) − logit(p₀) where that is below 0, at least −1.5: a good name can be stolen
//!  heard       what the words of other carriers add to it, each weighing so many b ([`super::Hearsay`])
//!  held back   what lifts it to `bad_below` where fewer than `reporters_min` distinct reporters alone pushed it below
//! ```
//!
//! b and g fade by halves, so a key that stays clean returns to its cold start: nobody is blocked for ever. Tapis's own
//! scores, its model, rates and standings are no evidence (see [`super::Ground`]): what blocks for them is not proven by it.

use super::key::Key;
use super::settings::Settings;
use super::state::{Counts, Pin, State};
use crate::time::Timestamp;

/// One term of a standing.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What it is.
    pub name: &'static str,
    /// What it adds to the log-odds of being good, in nats.
    pub nats: f32,
    /// Where it comes from, for people.
    pub about: String,
}

/// A standing and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Whose it is.
    pub key: Key,
    /// Its plain name, where one is kept.
    pub name: Option<String>,
    /// From 0 to 100.
    pub standing: f32,
    /// `standing = 100 · σ(sum of nats)`, unless it is pinned.
    pub terms: Vec<Term>,
    /// An operator's word, before which no term counts.
    pub pin: Pin,
    /// What was counted, faded to now.
    pub counts: Counts,
    /// Distinct recipients of an account or a sender; distinct senders of a domain, phone or campaign.
    pub distinct: u64,
    /// Distinct reporters.
    pub reporters: u8,
    /// When it was first seen; none when it is not known.
    pub first: Option<Timestamp>,
    /// When it was last seen, or something was heard of it.
    pub last: Option<Timestamp>,
}

/// The terms of a standing as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reckoning {
    pub neutral: f32,
    pub inherited: f32,
    pub long: f32,
    /// What others say adds to the long memory.
    pub heard: f32,
    /// What the short memory adds to both.
    pub short: f32,
    pub held_back: f32,
}

impl Reckoning {
    /// What a state, faded to now, and so much weight of what others say come to.
    pub fn of(state: Option<&State>, heard: f32, settings: &Settings) -> Self {
        let neutral = logit(settings.cold_start / 100.0);
        let Some(state) = state else {
            let heard = evidence(heard, 0.0, 0.0, settings.base_rate, settings.prior).max(0.0);
            return Self { neutral, heard, ..Self::default() };
        };
        let inherited = f32::from(state.inherited) / 64.0;
        let prior =
            if state.inherited == 0 { settings.base_rate } else { sigma(logit(settings.base_rate) + inherited) };
        let this = Self { neutral, inherited, ..Self::default() };
        if state.counts.is_without_evidence() && heard == 0.0 {
            return this;
        }
        let this = this.weigh(state, heard, prior, settings);
        if state.reporters() >= settings.reporters_min || state.counts.reported == 0.0 {
            return this;
        }
        // Without the reports it may be bad all the same.
        let reports = state.weight_of_reports(state.counts.reported, &settings.weights);
        let mut without = *state;
        without.counts.reported = 0.0;
        if let Some(bad) = without.short.first_mut() {
            *bad = (*bad - reports).max(0.0);
        }
        let floor = logit((settings.bad_below / 100.0).clamp(0.000_1, 0.999_9))
            .min(this.weigh(&without, heard, prior, settings).sum());
        Self { held_back: (floor - this.sum()).max(0.0), ..this }
    }

    fn weigh(self, state: &State, heard: f32, prior: f32, settings: &Settings) -> Self {
        let weights = &settings.weights;
        let (bad, good) = (state.counts.bad(state.kind, weights), state.counts.good(weights));
        let long = |bad: f32| evidence(bad, good, weights.passed * state.counts.passed, prior, settings.prior);
        // Nobody is better for what others say against him.
        let both = if heard > 0.0 { long(bad + heard).max(long(bad)) } else { long(bad) };
        let [lately, around] = state.short;
        let short = evidence(lately, 0.0, around, prior, settings.prior);
        let short = (short - both).max(0.0) * f32::from(u8::from(short > 0.0));
        Self { long: long(bad), heard: both - long(bad), short, ..self }
    }

    /// Log-odds of being good.
    pub fn sum(&self) -> f32 {
        self.neutral - self.inherited - self.long - self.heard - self.short + self.held_back
    }

    /// From 0 to 100.
    pub fn standing(&self, settings: &Settings) -> f32 {
        let sum = self.sum();
        if sum == self.neutral { settings.cold_start } else { 100.0 * sigma(sum) }
    }

    /// The terms with words.
    pub fn terms(&self, state: Option<&State>, heard: f32, settings: &Settings) -> Vec<Term> {
        let neutral = Term {
            name: "cold start",
            nats: self.neutral,
            about: format!("{} for who is not known", settings.cold_start),
        };
        let of_others =
            Term { name: "heard", nats: -self.heard, about: format!("{heard:.2} against it by the word of others") };
        let Some(state) = state else {
            return [neutral].into_iter().chain((self.heard != 0.0).then_some(of_others)).collect();
        };
        let weights = &settings.weights;
        let counts = &state.counts;
        let counted: Vec<String> = counts
            .named()
            .iter()
            .filter(|(_, number)| *number >= 0.05)
            .map(|(name, number)| format!("{number:.1} {name}"))
            .collect();
        let (bad, good) = (counts.bad(state.kind, weights), counts.good(weights));
        let long = format!("{bad:.2} against it and {good:.2} for it, of {}", counted.join(", "));
        let [bad, _] = state.short;
        let mut terms = vec![neutral];
        let mut add = |name, nats: f32, about: String| {
            if nats != 0.0 {
                terms.push(Term { name, nats, about });
            }
        };
        add("inherited", -self.inherited, "what its account, or its sender, was like when it was last seen".to_owned());
        add("long memory", -self.long, long);
        add(of_others.name, of_others.nats, of_others.about);
        add("short memory", -self.short, format!("{bad:.2} against it of late"));
        let few = format!("{} of {} distinct reporters", state.reporters(), settings.reporters_min);
        add("held back", self.held_back, few);
        terms
    }
}

/// What the children of a key inherit, in 64ths of a nat, by its state faded to now.
#[inline]
pub(super) fn legacy(state: &State, settings: &Settings) -> i8 {
    if state.counts.is_without_evidence() { 0 } else { inheritance(state, settings) }
}

#[allow(clippy::cast_possible_truncation, reason = "within a clamp")]
fn inheritance(state: &State, settings: &Settings) -> i8 {
    let inherited = logit(share(state, settings)) - logit(settings.base_rate);
    (inherited.clamp(-INHERITED_GOOD_MAX, INHERITED_BAD_MAX) * 64.0).round() as i8
}

/// The share of a key's traffic that is bad, by what is known of it.
fn share(state: &State, settings: &Settings) -> f32 {
    let weights = &settings.weights;
    let (bad, good) = (state.counts.bad(state.kind, weights), state.counts.good(weights));
    let around = weights.passed * state.counts.passed;
    let prior = settings.prior;
    clamp((bad + (prior + around) * settings.base_rate) / (bad + good + around + prior))
}

/// What evidence says against a key, in nats, above or below its prior.
fn evidence(bad: f32, good: f32, around: f32, prior: f32, weight: f32) -> f32 {
    if bad == 0.0 && good == 0.0 {
        return 0.0;
    }
    let all = bad + good + around + weight;
    let p = clamp((bad + (weight + around) * prior) / all);
    let spread = 1.64 * (p * (1.0 - p) / (all + 1.0)).sqrt();
    let against = logit(clamp(p - spread)) - logit(prior);
    if against > 0.0 {
        return against.min(BAD_MAX);
    }
    let praise = logit(clamp(p + spread)) - logit(prior);
    praise.clamp(-GOOD_MAX, 0.0)
}

/// A good parent lifts by so much, a bad one weighs by so much: not enough to condemn anyone.
const INHERITED_GOOD_MAX: f32 = 0.5;
const INHERITED_BAD_MAX: f32 = 1.0;

/// What evidence can say at most: for a key, and against it.
const GOOD_MAX: f32 = 1.5;
const BAD_MAX: f32 = 3.0;

fn clamp(p: f32) -> f32 {
    p.clamp(1e-4, 1.0 - 1e-4)
}

fn logit(p: f32) -> f32 {
    (p / (1.0 - p)).ln()
}

fn sigma(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}
