//! What an operator may choose: bounds, half-lives, and what evidence weighs. [`Settings::default`] is what ships.

use std::time::Duration;

use super::key::{Kind, Secret};

/// How memory is kept and read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The secret that keys are hashed under. Nodes that share need one; the default is for tests and examples.
    pub secret: Secret,
    /// Keys whose counts are kept: an eighth of the places is for accounts, domains and phones, the others are for senders and
    /// campaigns. A key takes 102 octets of a full table, and room for at most twice as many is held while the table grows.
    pub entries_max: usize,
    /// Counters of rates: one for each rate and key (or pair of keys) seen within its window.
    pub counters_max: usize,
    /// Campaigns that are told apart.
    pub campaigns_max: usize,
    /// Plain names that are kept for lists and exports.
    pub names_max: usize,
    /// Octets that tables may point to beside their entries: windows of counters (a half), distinct counts (a quarter),
    /// campaigns' samples, reporters and names.
    pub octets_max: usize,
    /// Half-life of the short memory, which sees that a good sender was taken over an hour ago.
    pub short: Duration,
    /// Half-life of the long memory of accounts, senders, recipients and campaigns.
    pub long: Duration,
    /// Half-life of the long memory of domains and phones, which cost more to replace.
    pub long_of_links: Duration,
    /// The standing of who is not known, from 0 to 100.
    pub cold_start: f32,
    /// The share of keys that turn out bad, from 0 to 1: the prior of the root.
    pub base_rate: f32,
    /// How many messages' worth of evidence the prior weighs.
    pub prior: f32,
    /// Standings below this are those that policies block by.
    pub bad_below: f32,
    /// Distinct reporters without whom reports alone never push a standing below `bad_below`.
    pub reporters_min: u8,
    /// What evidence weighs.
    pub weights: Weights,
}

/// What evidence weighs, in messages known for sure to be fraud (or to be wanted).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// A report of a subscriber, at most one a reporter and day.
    pub report: f32,
    /// A message caught by a rule that is decisive by itself.
    pub rule: f32,
    /// A message that breaks a registry or a list of proven fraud, or that an analyst called fraud.
    pub proof: f32,
    /// A failed receipt beyond the share of failures that honest traffic has.
    pub failed: f32,
    /// That share, from 0 to 1.
    pub failed_share: f32,
    /// A message that arrived: wanted, for all anyone knows.
    pub delivered: f32,
    /// A recipient that wrote back (other than to stop).
    pub replied: f32,
    /// A message that passed: neither praise nor blame, it only says how much traffic the evidence is of.
    pub passed: f32,
    /// What evidence against a message weighs against its account, of its full weight: many senders share one.
    pub account_share: f32,
}

impl Weights {
    /// Nothing is evidence: whoever is seen stands as who is not known.
    pub const NONE: Self = Self {
        report: 0.0,
        rule: 0.0,
        proof: 0.0,
        failed: 0.0,
        failed_share: 0.0,
        delivered: 0.0,
        replied: 0.0,
        passed: 0.0,
        account_share: 0.0,
    };
}

const DAY: u64 = 24 * 3600;

impl Default for Settings {
    fn default() -> Self {
        Self {
            secret: Secret::default(),
            entries_max: 1_000_000,
            counters_max: 1_000_000,
            campaigns_max: 65_536,
            names_max: 100_000,
            octets_max: 128 * 1024 * 1024,
            short: Duration::from_secs(3600),
            long: Duration::from_secs(14 * DAY),
            long_of_links: Duration::from_secs(30 * DAY),
            cold_start: 50.0,
            base_rate: 0.02,
            prior: 20.0,
            bad_below: 20.0,
            reporters_min: 3,
            weights: Weights {
                report: 3.0,
                rule: 2.0,
                proof: 5.0,
                failed: 0.2,
                failed_share: 0.1,
                delivered: 0.02,
                replied: 0.5,
                passed: 0.002,
                account_share: 0.1,
            },
        }
    }
}

impl Settings {
    /// The half-life of a kind's long memory.
    #[must_use]
    pub fn long_of(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Domain | Kind::Phone => self.long_of_links,
            Kind::Account | Kind::Sender | Kind::Recipient | Kind::Campaign | Kind::Range => self.long,
        }
    }

    /// What is impossible is made possible: shares between their ends, half-lives of at least a second, room for something.
    #[must_use]
    pub fn made_sound(mut self) -> Self {
        let second = Duration::from_secs(1);
        self.short = self.short.max(second);
        self.long = self.long.max(second);
        self.long_of_links = self.long_of_links.max(second);
        self.cold_start = clamp(self.cold_start, 1.0, 99.0);
        self.base_rate = clamp(self.base_rate, 0.001, 0.5);
        self.prior = clamp(self.prior, 1.0, 1e6);
        self.bad_below = clamp(self.bad_below, 0.0, self.cold_start);
        self.weights.failed_share = clamp(self.weights.failed_share, 0.0, 1.0);
        self.entries_max = self.entries_max.max(64);
        self.counters_max = self.counters_max.max(64);
        self.campaigns_max = self.campaigns_max.max(64);
        self.names_max = self.names_max.max(64);
        self.octets_max = self.octets_max.max(1024 * 1024);
        self
    }
}

/// A number within bounds; what is none is the lower one.
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    if x.is_nan() { low } else { x.clamp(low, high) }
}
