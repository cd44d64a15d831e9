//! What other carriers tell: any octets are a bundle or are refused, and what is taken can be used.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tapis::intel::{self, Terms};
use tapis::reputation::{Kind, Reputation, Settings};
use tapis::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

/// The input is a bundle, and a pattern.
pub fn run(octets: &[u8]) {
    if let Ok(pattern) = std::str::from_utf8(octets)
        && let Ok(subjects) = intel::subjects(pattern)
    {
        for subject in subjects {
            let again = intel::subjects(&subject.pattern()).expect("what is written is read");
            assert_eq!(again, [subject]);
        }
    }
    let day = Duration::from_secs(86_400);
    let terms = Terms { own: "A".into(), confidence_min: 1, expires: 3_650 * day, most: 100 };
    let Ok(taken) = intel::import::read(octets, &terms, NOW) else { return };
    assert!(taken.indicators.len() + taken.skipped.len() <= terms.most);
    assert!(taken.skipped.iter().all(|one| !one.why.is_empty()));
    let ids: BTreeSet<&str> = taken.indicators.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids.len(), taken.indicators.len(), "each counts once");

    // Beside itself it is what it was.
    let merged = intel::import::merge(octets, octets, NOW).expect("both are bundles");
    let again = intel::import::read(merged.as_bytes(), &terms, NOW);
    assert_eq!(again.map(|again| again.indicators).unwrap_or_default(), taken.indicators);

    let memory = Reputation::new(Settings { entries_max: 256, campaigns_max: 64, ..Settings::default() }, NOW);
    let mut said = HashMap::new();
    intel::words(&taken.indicators, (0, 4.0), &memory, NOW, &mut said);
    memory.hear(&said, NOW);
    for indicator in &taken.indicators {
        assert!(indicator.until > NOW && (1..=100).contains(&indicator.confidence) && !indicator.subjects.is_empty());
    }
    for key in said.keys() {
        let (heard, standing) = (memory.heard(*key, NOW), memory.standing(*key, NOW));
        assert!(heard <= 4.0 && (20.0..=50.0).contains(&standing), "{heard} {standing}");
    }
    for kind in [Kind::Domain, Kind::Phone, Kind::Sender] {
        let entries = intel::entries(&taken.indicators, kind, 1);
        assert!(entries.lines().skip(1).all(|line| line.starts_with('"') && line.ends_with('Z')), "{entries}");
    }
}
