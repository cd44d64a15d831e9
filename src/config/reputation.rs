//! `reputation:` of `tapis.yaml`: what the operator says of the memory of earlier messages. What he does not say is as
//! memory itself has it.

use std::time::Duration;

use super::decode::Decoder;
use super::intel::IntelSettings;
use super::keys;
use super::tree::Node;

/// See the [module documentation](self): none where it is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReputationSettings {
    /// The file of what keys are hashed under.
    pub secret: Option<String>,
    /// The snapshot's file; none for one in `state`.
    pub file: Option<String>,
    /// How often it is written.
    pub flush: Option<Duration>,
    /// What other nodes are told; none tells and hears nothing.
    pub shared: Option<SharedSettings>,
    /// What other carriers are told, and tell.
    pub intel: IntelSettings,
    /// Keys that are kept.
    pub entries_max: Option<usize>,
    /// Counters of rates.
    pub counters_max: Option<usize>,
    /// Campaigns that are told apart.
    pub campaigns_max: Option<usize>,
    /// Plain names that are kept.
    pub names_max: Option<usize>,
    /// Messages that passed lately and are remembered for reports.
    pub passed_max: Option<usize>,
    /// Half-life of the short memory.
    pub short: Option<Duration>,
    /// Half-life of the long one.
    pub long: Option<Duration>,
    /// The same of domains and phones.
    pub long_of_links: Option<Duration>,
    /// The standing of who is not known.
    pub cold_start: Option<u8>,
    /// Standings that few reporters alone never cause.
    pub bad_below: Option<u8>,
    /// How many reporters must have said so.
    pub reporters_min: Option<u8>,
    /// What evidence weighs.
    pub weights: Weights,
}

/// `shared:`, how nodes tell each other what they learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSettings {
    /// Where the store is, as `redis://host:port/db`.
    pub store: String,
    /// The stream that nodes meet in.
    pub stream: String,
    /// How often it is asked.
    pub every: Duration,
    /// How long what was told stays in it.
    pub keep: Duration,
}

/// What evidence weighs, in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    /// A report.
    pub report: Option<i32>,
    /// A block by a rule.
    pub rule: Option<i32>,
    /// What is proven.
    pub proof: Option<i32>,
    /// A failed receipt.
    pub failed: Option<i32>,
    /// One of a message that arrived.
    pub delivered: Option<i32>,
    /// A reply.
    pub replied: Option<i32>,
}

/// The largest weight, in messages.
const WEIGHT_MAX: i32 = 1_000;

impl Decoder<'_> {
    pub(super) fn reputation(&mut self, node: &Node) -> ReputationSettings {
        let mut settings = ReputationSettings::default();
        let Some(fields) = self.section(node, &keys::REPUTATION) else { return settings };
        settings.secret = fields.get("secret").and_then(|n| self.text(n, "`secret`")).map(|t| t.value);
        settings.file = fields.get("file").and_then(|n| self.text(n, "`file`")).map(|t| t.value);
        if let Some(node) = fields.get("flush") {
            settings.flush =
                self.duration_within(node, "flush", Duration::from_millis(10), Duration::from_secs(86_400));
        }
        settings.shared = fields.get("shared").and_then(|n| self.shared(n));
        if settings.shared.is_some() && settings.secret.is_none() {
            let message = "nodes that share what they know need one `secret`, and none is named";
            self.diagnostics
                .error(fields.place, "missing-key", message)
                .help("write `secret: FILE`, the same on all nodes");
        }
        settings.intel = fields.get("intel").map(|n| self.intel(n)).unwrap_or_default();
        for (key, room) in [
            ("entries_max", &mut settings.entries_max),
            ("counters_max", &mut settings.counters_max),
            ("campaigns_max", &mut settings.campaigns_max),
            ("names_max", &mut settings.names_max),
            ("passed_max", &mut settings.passed_max),
        ] {
            let count = fields.get(key).and_then(|n| self.count(n, &format!("`{key}`"), 64, 100_000_000));
            *room = count.and_then(|n| usize::try_from(n).ok());
        }
        for (key, half_life) in [
            ("short", &mut settings.short),
            ("long", &mut settings.long),
            ("long_of_links", &mut settings.long_of_links),
        ] {
            let Some(node) = fields.get(key) else { continue };
            *half_life = self.duration(node, &format!("`{key}`"));
            if half_life.is_some_and(|h| h < Duration::from_secs(1)) {
                let message = format!("`{key}` is less than a second");
                self.diagnostics.error(&node.place, "out-of-range", message).help("write 1h or 14d");
            }
        }
        for (key, number, min, max) in [
            ("cold_start", &mut settings.cold_start, 1, 99),
            ("bad_below", &mut settings.bad_below, 0, 100),
            ("reporters_min", &mut settings.reporters_min, 1, 100),
        ] {
            let count = fields.get(key).and_then(|n| self.count(n, &format!("`{key}`"), min, max));
            *number = count.and_then(|n| u8::try_from(n).ok());
        }
        if let (Some(bad), Some(cold)) = (settings.bad_below, settings.cold_start.or(Some(COLD_START)))
            && bad > cold
            && let Some(node) = fields.get("bad_below")
        {
            let message = format!("`bad_below: {bad}` is above the cold start of {cold}: everybody new would be bad");
            self.diagnostics.error(&node.place, "out-of-range", message).help("write 20");
        }
        if let Some(fields) = fields.get("weights").and_then(|n| self.section(n, &keys::WEIGHTS)) {
            let weights = &mut settings.weights;
            for (key, weight) in [
                ("report", &mut weights.report),
                ("rule", &mut weights.rule),
                ("proof", &mut weights.proof),
                ("failed", &mut weights.failed),
                ("delivered", &mut weights.delivered),
                ("replied", &mut weights.replied),
            ] {
                *weight = fields.get(key).and_then(|n| self.hundredths(n, &format!("`{key}`"), 0, WEIGHT_MAX));
            }
        }
        settings
    }

    fn shared(&mut self, node: &Node) -> Option<SharedSettings> {
        let fields = self.section(node, &keys::SHARED)?;
        let text = |d: &mut Self, key: &str| fields.get(key).and_then(|n| d.text(n, &format!("`{key}`")));
        let Some(store) = text(self, "store") else {
            if fields.get("store").is_none() {
                self.missing(fields.place, "`shared`", "store");
            }
            return None;
        };
        if !store.value.starts_with("redis://") {
            let message = format!("`{}` is no store", store.value);
            self.diagnostics
                .error(&store.place, "address", message)
                .help("write redis://host:port, as redis://127.0.0.1:6379");
            return None;
        }
        let stream = text(self, "stream").map_or_else(|| "tapis:reputation".into(), |t| t.value);
        let mut within = |key: &str, min: Duration, max: Duration| {
            fields.get(key).and_then(|n| self.duration_within(n, key, min, max))
        };
        let every = within("every", Duration::from_millis(20), Duration::from_secs(10));
        let keep = within("keep", Duration::from_secs(1), Duration::from_secs(86_400));
        Some(SharedSettings {
            store: store.value,
            stream,
            every: every.unwrap_or(Duration::from_millis(150)),
            keep: keep.unwrap_or(Duration::from_secs(600)),
        })
    }

    pub(super) fn duration_within(&mut self, node: &Node, key: &str, min: Duration, max: Duration) -> Option<Duration> {
        let duration = self.duration(node, &format!("`{key}`"))?;
        if duration < min || duration > max {
            let message = format!("`{key}` must be from {min:?} to {max:?}");
            self.diagnostics
                .error(&node.place, "out-of-range", message)
                .help("write it with its unit, as 150ms or 30s");
            return None;
        }
        Some(duration)
    }
}

/// The cold start where the operator says none, as memory has it.
const COLD_START: u8 = 50;
