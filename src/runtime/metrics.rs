//! Every metric's name, unit and help in one place, and the handles that a session keeps so that counting costs no lookup.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::Duration;

use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::durations::{Counted, Total};
use crate::audit::{Basis, Decision};
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::spec::Mode;
use crate::message::Direction;
use crate::policy::Policy;
use crate::session::{Counters, Fault, Leg};
use crate::verdict::Action;

const MICROSECOND: u64 = 1_000;

/// A bound of a bucket in microseconds: 1, 2 and 5 of each power of ten.
#[allow(clippy::indexing_slicing, reason = "runs at compile time, where a bad index is an error of the build")]
const fn bounds<const N: usize>(first: usize) -> [u64; N] {
    let mut all = [0; N];
    let mut n = 0;
    while n < N {
        let place = first + n;
        let mut bound = MICROSECOND * [1, 2, 5][place % 3];
        let mut power = place / 3;
        while power > 0 {
            bound *= 10;
            power -= 1;
        }
        all[n] = bound;
        n += 1;
    }
    all
}

/// 1 µs to 100 ms.
const VERDICT_BOUNDS: [u64; 16] = bounds(0);
/// 10 µs to 10 s.
const DELAY_BOUNDS: [u64; 19] = bounds(3);

/// From a whole PDU to its disposition, and from reading a message to writing it on, by direction.
static VERDICTS: [Total; 2] = [const { Total::new(&VERDICT_BOUNDS) }; 2];
static DELAYS: [Total; 2] = [const { Total::new(&DELAY_BOUNDS) }; 2];

/// Starts counting; what the handle renders is `/metrics`. Within one process it is done once.
///
/// # Errors
/// When something else in the process counts already.
pub fn install() -> Result<PrometheusHandle, String> {
    let handle = PrometheusBuilder::new().install_recorder().map_err(|e| e.to_string())?;
    describe();
    gauge!("tapis_build_info", "version" => env!("CARGO_PKG_VERSION"), "commit" => option_env!("TAPIS_COMMIT").unwrap_or("unknown")).set(1.0);
    Ok(handle)
}

fn describe() {
    for (name, help) in [
        ("tapis_messages_total", "Messages decided on, each destination of a submit_multi as one"),
        ("tapis_verdicts_total", "Messages tagged and blocked, by what decided"),
        ("tapis_findings_total", "Rules that fired"),
        ("tapis_shadow_changes_total", "Messages that a shadow rule would have treated otherwise"),
        ("tapis_pdus_total", "PDUs read"),
        ("tapis_decode_faults_total", "Things that a peer should not have sent"),
        ("tapis_exceptions_total", "PDUs treated by an exception policy"),
        ("tapis_config_reloads_total", "Attempts to load another policy"),
        ("tapis_journal_records_total", "Records written"),
        ("tapis_journal_lost_total", "Records that could not be written"),
        ("tapis_canary_messages_total", "Messages decided on while a policy is on trial, by the old and the new one"),
        ("tapis_canaries_total", "Trials that ended"),
        ("tapis_capture_records_total", "PDUs written to the capture"),
        ("tapis_capture_lost_total", "PDUs that the capture could not take"),
        ("tapis_reputation_snapshots_total", "Snapshots of reputation, by what became of them"),
        ("tapis_reputation_deltas_sent_total", "Changes of reputation that other nodes were told"),
        ("tapis_reputation_deltas_received_total", "Changes of reputation that other nodes told"),
        ("tapis_reputation_deltas_refused_total", "What other nodes told and could not be read"),
        ("tapis_intel_fetches_total", "Looks at feeds of other carriers, by what became of them"),
        ("tapis_session_panics_total", "Sessions closed because the program erred"),
        ("tapis_sessions_total", "Connections of ESMEs accepted"),
        ("tapis_tls_handshakes_failed_total", "Connections of ESMEs with whom no TLS came about"),
        ("tapis_tls_renewals_total", "Changed certificates by result: taken, failed"),
    ] {
        describe_counter!(name, Unit::Count, help);
    }
    describe_counter!("tapis_received_bytes_total", Unit::Bytes, "Octets read");
    describe_counter!("tapis_sent_bytes_total", Unit::Bytes, "Octets written");
    for (name, help) in [
        ("tapis_sessions", "Sessions by state"),
        ("tapis_outstanding_requests", "Requests that wait for their answers"),
        ("tapis_held_messages", "Messages that wait for other parts"),
        ("tapis_policy_info", "The policy in force"),
        ("tapis_rules", "Rules by mode"),
        ("tapis_list_entries", "Entries by list"),
        ("tapis_list_update_timestamp_seconds", "When a fetched list was last known to be as its source has it"),
        ("tapis_journal_queue_records", "Records that wait to be written"),
        ("tapis_config_last_reload_successful", "Whether the last attempt to load a policy succeeded"),
        ("tapis_config_last_reload_diagnostics", "What was said of the last attempt to load a policy"),
        ("tapis_canary_share", "The share of sessions that a policy on trial judges"),
        ("tapis_config_last_reload_success_timestamp_seconds", "When a policy was last loaded"),
        ("tapis_reputation_entries", "Keys that are remembered"),
        ("tapis_reputation_snapshot_timestamp_seconds", "When reputation was last written"),
        ("tapis_reputation_shared_up", "Whether the store that nodes share reputation through answers"),
        ("tapis_reputation_shared_lag_seconds", "From a change on another node to its being known here"),
        ("tapis_reputation_untold", "Changes that others will not be told of, because too many waited"),
        ("tapis_intel_indicators", "Indicators of a feed of other carriers that are heard, and that are not"),
        ("tapis_intel_update_timestamp_seconds", "When a feed was last known to be as its source has it"),
        ("tapis_build_info", "What is running"),
    ] {
        describe_gauge!(name, help);
    }
    describe_gauge!("tapis_capture_bytes", Unit::Bytes, "Size of all files of the capture");
    describe_gauge!("tapis_buffer_bytes", Unit::Bytes, "Octets buffered");
}

/// Counts a snapshot of reputation: `written`, `failed` or `refused`.
pub fn snapshot(result: &'static str) {
    counter!("tapis_reputation_snapshots_total", "result" => result).increment(1);
}

/// Sets when reputation was last written.
pub fn snapshot_written(seconds: f64) {
    snapshot("written");
    gauge!("tapis_reputation_snapshot_timestamp_seconds").set(seconds);
}

/// Sets how much is remembered, and what others will not hear.
#[allow(clippy::cast_precision_loss, reason = "a gauge is a float")]
pub fn reputation(entries: usize, untold: u64) {
    gauge!("tapis_reputation_entries").set(entries as f64);
    gauge!("tapis_reputation_untold").set(untold as f64);
}

/// Sets whether the store answers.
pub fn shared_up(is_up: bool) {
    gauge!("tapis_reputation_shared_up").set(f64::from(u8::from(is_up)));
}

/// Counts what others were told.
pub fn shared_sent(deltas: usize) {
    counter!("tapis_reputation_deltas_sent_total").increment(u64::try_from(deltas).unwrap_or(0));
}

/// Counts what others told.
pub fn shared_received(deltas: u64) {
    counter!("tapis_reputation_deltas_received_total").increment(deltas);
}

/// Counts an entry of another node that cannot be read.
pub fn shared_refused() {
    counter!("tapis_reputation_deltas_refused_total").increment(1);
}

/// Sets how old the newest change of another node was when it was taken in; zero where there is none.
pub fn shared_lag(lag: std::time::Duration) {
    gauge!("tapis_reputation_shared_lag_seconds").set(lag.as_secs_f64());
}

/// `/metrics`: what the recorder has, and durations.
#[must_use]
pub fn render(recorded: &PrometheusHandle) -> String {
    let mut out = recorded.render();
    for (name, help, totals, more) in [
        ("tapis_verdict_duration_seconds", "From a whole PDU to its disposition", &VERDICTS, ""),
        ("tapis_message_delay_seconds", "From reading a message to writing it on", &DELAYS, ",held=\"false\""),
    ] {
        let mut lines = String::new();
        for (direction, total) in DIRECTIONS.iter().zip(totals) {
            total.render(name, &format!("direction=\"{}\"{more}", direction.name()), &mut lines);
        }
        if !lines.is_empty() {
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} histogram\n{lines}\n");
        }
    }
    out
}

const DIRECTIONS: [Direction; 2] = [Direction::Mt, Direction::Mo];

/// Accounts that metrics name: those whose bind an SMSC accepted, up to a cap; later ones are `other`.
#[derive(Debug)]
pub struct Accounts {
    named: Mutex<HashSet<String>>,
    max: usize,
}

impl Accounts {
    /// Room for `max` accounts.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { named: Mutex::default(), max }
    }

    /// The label of an account.
    #[must_use]
    pub fn label(&self, account: &str) -> String {
        let mut named = self.named.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if named.contains(account) || named.len() < self.max {
            named.insert(account.to_owned());
            return account.to_owned();
        }
        "other".to_owned()
    }
}

/// The handles of one session, and what it has counted since it last handed it over.
pub struct Meters {
    account: String,
    messages: [[Counter; 3]; 2],
    counts: [[u64; 3]; 2],
    verdicts: [Counted; 2],
    delays: [Counted; 2],
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meters({})", self.account)
    }
}

impl Meters {
    /// Whether they count for this account.
    #[must_use]
    pub fn is_for(&self, account: &str) -> bool {
        self.account == account
    }

    /// Handles for messages of `account`, which is labelled `label`.
    #[must_use]
    pub fn new(account: &str, label: &str) -> Self {
        let directions = [Direction::Mt, Direction::Mo].map(Direction::name);
        let messages = directions.map(|direction| {
            Action::ALL.map(|action| {
                let account = label.to_owned();
                counter!("tapis_messages_total", "direction" => direction, "account" => account, "action" => action.name())
            })
        });
        let (verdicts, delays) = Default::default();
        Self { account: account.to_owned(), messages, counts: [[0; 3]; 2], verdicts, delays }
    }

    /// Counts a decision; handed over by [`Meters::hand_over`].
    pub fn decision(&mut self, decision: &Decision<'_>) {
        let [mt, mo] = &mut self.counts;
        let [pass, tag, block] = if decision.message.direction == Direction::Mt { mt } else { mo };
        match decision.action() {
            Action::Pass => *pass += 1,
            Action::Tag => *tag += 1,
            Action::Block => *block += 1,
        }
        if !decision.verdict.findings.is_empty() || decision.action() != Action::Pass || decision.basis != Basis::Judged
        {
            findings(decision);
        }
    }

    /// Counts messages that passed without a decision.
    pub fn passed(&mut self, direction: Direction, count: u64) {
        let [pass, ..] = of_mut(direction, &mut self.counts);
        *pass += count;
    }

    /// Decisions since the last handing over, in one direction.
    #[must_use]
    pub fn decisions(&self, direction: Direction) -> u64 {
        of(direction, &self.counts).iter().sum()
    }

    /// Records how long `count` verdicts took each.
    pub fn verdicts(&mut self, direction: Direction, took: Duration, count: u64) {
        of(direction, &VERDICTS).count(of_mut(direction, &mut self.verdicts), nanos(took), count);
    }

    /// Adds what was counted to the counts of all sessions; every message since the last time took so long from socket to
    /// socket.
    pub fn hand_over(&mut self, delay: Option<Duration>) {
        for direction in DIRECTIONS {
            let decisions = self.decisions(direction);
            if decisions == 0 {
                continue;
            }
            if let Some(delay) = delay {
                let (delays, total) = (of_mut(direction, &mut self.delays), of(direction, &DELAYS));
                total.count(delays, nanos(delay), decisions);
                total.take(delays);
            }
            for (counter, count) in of(direction, &self.messages).iter().zip(of(direction, &self.counts)) {
                if *count > 0 {
                    counter.increment(*count);
                }
            }
            *of_mut(direction, &mut self.counts) = [0; 3];
            of(direction, &VERDICTS).take(of_mut(direction, &mut self.verdicts));
        }
    }
}

fn of<T>(direction: Direction, [mt, mo]: &[T; 2]) -> &T {
    if direction == Direction::Mt { mt } else { mo }
}

fn of_mut<T>(direction: Direction, [mt, mo]: &mut [T; 2]) -> &mut T {
    if direction == Direction::Mt { mt } else { mo }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn findings(decision: &Decision<'_>) {
    let direction = decision.message.direction.name();
    let rules = &decision.policy.rules;
    for finding in &decision.verdict.findings {
        let mode = match (finding.exempt_by, finding.mode) {
            (Some(_), _) => "exempt",
            (None, Mode::Live) => "live",
            (None, _) => "shadow",
        };
        if let Some(rule) = rules.rule(finding) {
            counter!("tapis_findings_total", "rule" => rule.id.to_string(), "mode" => mode).increment(1);
        }
    }
    let action = decision.action();
    if action != Action::Pass {
        let cause = decision.cause().unwrap_or("other");
        let category = decision.category().unwrap_or("other").to_owned();
        counter!("tapis_verdicts_total", "direction" => direction, "action" => action.name(), "cause" => cause, "category" => category)
            .increment(1);
    }
}

/// Counts a message that a rule in shadow would have treated otherwise.
pub fn shadow_change(rule: &str, action: Action) {
    counter!("tapis_shadow_changes_total", "rule" => rule.to_owned(), "action" => action.name()).increment(1);
}

/// Adds what a session has counted since it was last asked.
pub fn session(counters: &Counters) {
    for leg in [Leg::Esme, Leg::Smsc] {
        for (name, n) in counters.pdus.of(leg).iter() {
            counter!("tapis_pdus_total", "leg" => leg.name(), "command_id" => name).increment(n);
        }
        let (received, sent) = (*counters.received.of(leg), *counters.sent.of(leg));
        if received > 0 {
            counter!("tapis_received_bytes_total", "leg" => leg.name()).increment(received);
        }
        if sent > 0 {
            counter!("tapis_sent_bytes_total", "leg" => leg.name()).increment(sent);
        }
    }
    for (fault, n) in Fault::ALL.iter().zip(&counters.faults).filter(|(_, n)| **n > 0) {
        counter!("tapis_decode_faults_total", "fault" => fault.name()).increment(*n);
    }
}

/// What an exception policy did.
pub fn exception(cause: &'static str, policy: &'static str) {
    counter!("tapis_exceptions_total", "cause" => cause, "policy" => policy).increment(1);
}

/// Moves a gauge that is labelled by leg and state.
pub fn gauge_by(name: &'static str, label: &'static str, value: &'static str, by: f64) {
    if by != 0.0 {
        gauge!(name, label => value).increment(by);
    }
}

/// The policy that came into force, and the one that it takes the place of.
pub fn policy(old: Option<&Policy>, new: &Policy, at_seconds: f64) {
    if let Some(old) = old.filter(|o| o.digest() != new.digest()) {
        gauge!("tapis_policy_info", "digest" => old.digest().to_owned(), "name" => old.name().to_owned()).set(0.0);
        for list in old.rules.list_entries.keys().filter(|l| !new.rules.list_entries.contains_key(*l)) {
            gauge!("tapis_list_entries", "list" => list.clone()).set(0.0);
        }
    }
    gauge!("tapis_policy_info", "digest" => new.digest().to_owned(), "name" => new.name().to_owned()).set(1.0);
    for (mode, name) in [(Mode::Live, "live"), (Mode::Shadow, "shadow"), (Mode::Off, "off")] {
        let n = new.rules.rules.iter().filter(|r| r.mode == mode).count();
        gauge!("tapis_rules", "mode" => name).set(count(n));
    }
    for (list, n) in &new.rules.list_entries {
        gauge!("tapis_list_entries", "list" => list.clone()).set(count(*n));
    }
    gauge!("tapis_config_last_reload_success_timestamp_seconds").set(at_seconds);
}

/// Certificates had changed: `taken` or `failed`.
pub fn certificates_renewed(result: &'static str) {
    counter!("tapis_tls_renewals_total", "result" => result).increment(1);
}

/// A list was asked for: `changed`, `same`, `refused` or `failed`.
pub fn list_fetched(list: &str, result: &'static str, at_seconds: f64) {
    counter!("tapis_list_fetches_total", "list" => list.to_owned(), "result" => result).increment(1);
    if result == "changed" || result == "same" {
        gauge!("tapis_list_update_timestamp_seconds", "list" => list.to_owned()).set(at_seconds);
    }
}

/// Sets how many indicators of a feed of other carriers are heard, and how many are not.
pub fn intel_held(feed: &str, taken: usize, skipped: usize) {
    for (held, number) in [("taken", taken), ("skipped", skipped)] {
        gauge!("tapis_intel_indicators", "feed" => feed.to_owned(), "held" => held).set(count(number));
    }
}

/// Counts a look at such a feed, and sets when it was last known to be as its source has it.
pub fn intel_looked(feed: &str, result: &'static str, at_seconds: f64) {
    counter!("tapis_intel_fetches_total", "feed" => feed.to_owned(), "result" => result).increment(1);
    if result == "changed" || result == "same" {
        gauge!("tapis_intel_update_timestamp_seconds", "feed" => feed.to_owned()).set(at_seconds);
    }
}

/// Counts an attempt to load a policy, and what was said of it.
pub fn reload(succeeded: bool, diagnostics: &[Diagnostic]) {
    for (severity, name) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let n = diagnostics.iter().filter(|d| d.severity == severity).count();
        gauge!("tapis_config_last_reload_diagnostics", "severity" => name).set(count(n));
    }
    let result = if succeeded { "success" } else { "failure" };
    counter!("tapis_config_reloads_total", "result" => result).increment(1);
    gauge!("tapis_config_last_reload_successful").set(f64::from(u8::from(succeeded)));
}

/// A count as a gauge's value.
#[must_use]
pub fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
