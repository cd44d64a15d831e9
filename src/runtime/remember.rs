//! The memory of earlier messages as a node keeps it: what the operator says of it, and the secret that its keys are hashed
//! under.

use std::fs;
use std::io;
use std::path::Path;

use super::capture;
use crate::account::PASSED_MAX;
use crate::config::reputation::ReputationSettings;
use crate::reputation::{Secret, Settings};

/// How memory is kept. Without a `secret` of its own it is a node's, made of the key that the journal hashes numbers with.
///
/// # Errors
/// When the file of the secret cannot be read, or others may read it.
pub fn settings(written: &ReputationSettings, base: &Path, journal_key: &[u8; 32]) -> io::Result<Settings> {
    let own = match &written.secret {
        Some(path) => {
            let path = base.join(path);
            capture::key(&path)?;
            blake3::derive_key(CONTEXT, fs::read(&path)?.trim_ascii())
        }
        None => blake3::derive_key(CONTEXT, journal_key),
    };
    let mut settings = Settings {
        secret: own.first_chunk::<16>().map_or_else(Secret::default, |o| (*o).into()),
        ..Settings::default()
    };
    let number = |hundredths: i32| {
        #[allow(clippy::cast_possible_truncation, reason = "weights have two decimals")]
        let number = (f64::from(hundredths) / 100.0) as f32;
        number
    };
    for (place, count) in [
        (&mut settings.entries_max, written.entries_max),
        (&mut settings.counters_max, written.counters_max),
        (&mut settings.campaigns_max, written.campaigns_max),
        (&mut settings.names_max, written.names_max),
    ] {
        *place = count.unwrap_or(*place);
    }
    settings.short = written.short.unwrap_or(settings.short);
    settings.long = written.long.unwrap_or(settings.long);
    settings.long_of_links = written.long_of_links.unwrap_or(settings.long_of_links);
    settings.cold_start = written.cold_start.map_or(settings.cold_start, f32::from);
    settings.bad_below = written.bad_below.map_or(settings.bad_below, f32::from);
    settings.reporters_min = written.reporters_min.unwrap_or(settings.reporters_min);
    let (weights, said) = (&mut settings.weights, written.weights);
    for (place, weight) in [
        (&mut weights.report, said.report),
        (&mut weights.rule, said.rule),
        (&mut weights.proof, said.proof),
        (&mut weights.failed, said.failed),
        (&mut weights.delivered, said.delivered),
        (&mut weights.replied, said.replied),
    ] {
        *place = weight.map_or(*place, number);
    }
    Ok(settings)
}

/// Messages that passed and are remembered for reports.
#[must_use]
pub fn passed_max(written: &ReputationSettings) -> usize {
    written.passed_max.unwrap_or(PASSED_MAX)
}

/// What the secret is for (BLAKE3's key derivation).
const CONTEXT: &str = "tapis 2026 reputation keys";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::decode::duration;
    use crate::config::reputation::Weights;

    #[test]
    fn what_is_said_is_as_said_and_the_rest_as_memory_has_it() {
        let written = ReputationSettings {
            entries_max: Some(1_000),
            long: duration("7d"),
            cold_start: Some(40),
            weights: Weights { report: Some(150), ..Weights::default() },
            ..ReputationSettings::default()
        };
        let made = settings(&written, Path::new("."), &[1; 32]).unwrap();
        let own = Settings::default();
        assert_eq!((made.entries_max, made.counters_max), (1_000, own.counters_max));
        assert_eq!((made.long, made.short), (duration("7d").unwrap(), own.short));
        assert_eq!((made.cold_start, made.weights.report, made.weights.rule), (40.0, 1.5, own.weights.rule));
        assert_ne!(made.secret, own.secret);
        assert_ne!(made.secret, settings(&written, Path::new("."), &[2; 32]).unwrap().secret);
        let missing = ReputationSettings { secret: Some("no-such-file".into()), ..written };
        assert!(settings(&missing, Path::new("."), &[1; 32]).is_err());
    }
}
