//! A node that has run for a while: a snapshot of what it knows of senders.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tapis::config::reputation::ReputationSettings;
use tapis::reputation::{Fate, Ground, Kind, Reputation, Sighting, Traits};
use tapis::runtime::clock::Clock;
use tapis::runtime::remember;
use tapis::runtime::snapshot::Snapshots;

use crate::work::Work;

/// The settings of a memory of so many senders: those of the messages, and others. Its files are written where they are
/// not there yet.
pub fn reputation(folder: &Path, work: &Work, senders: usize, is_new: bool) -> String {
    let (secret, file) = (folder.join("secret.key"), folder.join("known"));
    // Tables are seldom more than half full.
    let entries_max = 2 * senders.max(work.letters.len());
    if is_new {
        fs::write(&secret, "5a".repeat(32)).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        let written = ReputationSettings {
            secret: Some(secret.display().to_string()),
            file: Some(file.display().to_string()),
            entries_max: Some(entries_max),
            ..ReputationSettings::default()
        };
        save(&written, folder, work, senders);
    }
    format!(
        "reputation: {{ secret: {}, file: {}, flush: 1d, entries_max: {entries_max} }}\n",
        secret.display(),
        file.display()
    )
}

/// Writes a snapshot: each sender has sent one message that passed.
fn save(written: &ReputationSettings, folder: &Path, work: &Work, senders: usize) {
    let clock = Clock::start();
    let memory = Reputation::new(remember::settings(written, folder, &[0; 32]).unwrap(), clock.now());
    let mut traits = Traits::default();
    let own = work.letters.iter().map(|letter| letter.from.clone());
    let others = (0..).map(|n| format!("+852{n:09}"));
    for sender in own.chain(others).take(senders) {
        traits.clear();
        traits.add(memory.key(Kind::Sender, &sender));
        let sighting = Sighting { traits: &traits, fate: Fate::Passed, ground: Ground::None, template: None };
        memory.observe(&sighting, [], clock.now());
    }
    Snapshots::open(written, None, folder).unwrap().unwrap().save(&memory, None, clock).unwrap();
}
