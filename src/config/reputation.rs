//! `reputation:` of `tapis.yaml`: what the operator says of the memory of earlier messages. What he does not say is as
//! memory itself has it.

use std::time::Duration;

use super::decode::Decoder;
use super::keys;
use super::tree::Node;

/// See the [module documentation](self): none where it is not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReputationSettings {
    /// The file of what keys are hashed under.
    pub secret: Option<String>,
    /// Keys that are kept.
    pub entries_max: Option<usize>,
    /// Counters of rates.
    pub counters_max: Option<usize>,
    /// Keys of which distinct recipients or senders are counted.
    pub spreads_max: Option<usize>,
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
        for (key, room) in [
            ("entries_max", &mut settings.entries_max),
            ("counters_max", &mut settings.counters_max),
            ("spreads_max", &mut settings.spreads_max),
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
}

/// The cold start where the operator says none, as memory has it.
const COLD_START: u8 = 50;
