//! What each rule has cost since the start, over all policies that were in force: for `/metrics` and `tapis rules slowest`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::policy::Policy;
use crate::rules::Time;

/// Times by the full id of a rule.
#[derive(Debug, Default)]
pub(super) struct RuleTimes(Mutex<BTreeMap<Box<str>, Time>>);

impl RuleTimes {
    /// Adds what the rules of a policy have taken since they were last asked.
    pub(super) fn take(&self, policy: &Policy) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (rule, taken) in policy.rules.take_times() {
            let time = times.entry(rule.id.clone()).or_default();
            time.nanoseconds += taken.nanoseconds;
            time.asked += taken.asked;
        }
    }

    /// Forgets the rules that a policy does not have.
    pub(super) fn keep(&self, policy: &Policy) {
        let known: std::collections::HashSet<&str> = policy.rules.rules.iter().map(|rule| &*rule.id).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| known.contains(&**id));
    }

    /// A rule's seconds, and how often it was asked; null for one that was not.
    pub(super) fn of(&self, rule: &str) -> Value {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let time = times.get(rule).map(|time| json!({ "seconds": seconds(*time), "asked": time.asked }));
        time.unwrap_or_default()
    }

    /// Lines of the Prometheus text format.
    pub(super) fn render(&self, out: &mut String) {
        let times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if times.is_empty() {
            return;
        }
        let name = "tapis_rule_eval_seconds_total";
        let _ = writeln!(
            out,
            "# HELP {name} Time that rules took, estimated from one message in 64\n# TYPE {name} counter"
        );
        for (rule, time) in times.iter() {
            let _ = writeln!(out, "{name}{{rule=\"{rule}\"}} {}", seconds(*time));
        }
        out.push('\n');
    }
}

#[allow(clippy::cast_precision_loss, reason = "a figure for people")]
fn seconds(time: Time) -> f64 {
    time.nanoseconds as f64 / 1e9
}
