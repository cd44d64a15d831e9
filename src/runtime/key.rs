//! The node's own key, by which subscriber numbers in its journal are hashed, and those of its days.

use std::io;
use std::path::Path;

use super::clock::Clock;

/// The key that day keys are derived from: made once, and kept beside the journal so that numbers can be found again.
pub(super) fn of_node(journal: Option<&Path>) -> io::Result<[u8; 32]> {
    let Some(dir) = journal else { return random() };
    std::fs::create_dir_all(dir)?;
    let path = dir.join("key");
    match std::fs::read(&path) {
        Ok(octets) => octets
            .try_into()
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not 32 octets", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = random()?;
            let mut options = std::fs::OpenOptions::new();
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.write(true).create_new(true).open(&path)?;
            io::Write::write_all(&mut file, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn random() -> io::Result<[u8; 32]> {
    let mut key = [0; 32];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut key)?;
    Ok(key)
}

/// The first half of a key, to tell nodes apart.
pub(super) fn hex(key: &[u8; 32]) -> String {
    key.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

pub(super) fn of_day(master: &[u8; 32], clock: Clock) -> ([u8; 32], String) {
    let time = crate::audit::record::rfc3339(clock.now());
    let day = time.get(..10).unwrap_or_default().to_owned();
    (*blake3::keyed_hash(master, day.as_bytes()).as_bytes(), day)
}
