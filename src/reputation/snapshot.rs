//! Everything that is remembered, as octets: what survives a restart.
//!
//! ```text
//!  "TAPISREP" version:u16 secret:u64 taken:u64 since:u32 checksum:[8]
//!  { table:u8 octets:u32 records… checksum:[8] }…
//!  0xff octets:4 chunks:u32 checksum:[8]
//! ```
//!
//! Numbers are little endian. Checksums are the first eight octets of BLAKE3 over what stands before them since the last one.
//! A chunk has the records of one shard of one table, so that traffic waits for the copying of a thousandth of memory at
//! most; what is written is not of one moment, but each key is. Reading verifies every chunk before it takes any.

use super::Reputation;
use super::campaign::Campaign;
use super::codec::{Reader, Reason, SnapshotFault, Writer};
use super::counter::Counter;
use super::fingerprint::Fingerprint;
use super::key::{Key, Kind};
use super::name::{NAME_MAX, Name};
use super::table::Comer;
use super::{SAMPLE_MAX, seconds};
use crate::time::Timestamp;

const MAGIC: &[u8; 8] = b"TAPISREP";

/// The version that is written, and the only one that is read.
pub const SNAPSHOT_VERSION: u16 = 1;

const CHECKSUM: usize = 8;

const KEYS: u8 = 0;
const COUNTERS: u8 = 1;
const CAMPAIGNS: u8 = 2;
const NAMES: u8 = 3;
const END: u8 = 0xff;

/// A snapshot that is being taken, chunk by chunk.
#[derive(Debug)]
pub struct Snapshot<'r> {
    memory: &'r Reputation,
    taken: Timestamp,
    next: Option<(u8, usize)>,
    chunks: u32,
    begun: bool,
}

/// What a snapshot held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// When it was taken.
    pub taken: Timestamp,
    /// Keys with their counts.
    pub keys: usize,
    /// Counters of rates.
    pub counters: usize,
    /// Campaigns.
    pub campaigns: usize,
    /// Plain names.
    pub names: usize,
    /// Records for which there was no room.
    pub left_out: usize,
}

impl Reputation {
    /// Begins a snapshot. Traffic goes on while it is taken.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot<'_> {
        Snapshot { memory: self, taken: now, next: Some((KEYS, 0)), chunks: 0, begun: false }
    }

    /// Takes back what a snapshot held, beside what is known already; a key that is in both is as the snapshot has it.
    ///
    /// # Errors
    /// When the octets are not those of a whole snapshot, under this secret. Nothing is taken then but, where a record of
    /// sound checksum has a value that it cannot have, the chunks before it.
    pub fn restore(&self, octets: &[u8]) -> Result<Restored, SnapshotFault> {
        let (taken, since, chunks) = self.verify(octets)?;
        let mut restored = Restored { taken, ..Restored::default() };
        for (table, mut records) in chunks {
            while !records.is_empty() {
                let kept = match table {
                    KEYS => {
                        restored.keys += 1;
                        self.restore_key(&mut records)?
                    }
                    COUNTERS => {
                        restored.counters += 1;
                        let (hash, counter) = (records.hash()?, Counter::read(&mut records)?);
                        self.counters.enter(hash, Comer::Equal, seconds(taken), &(), |one| *one = counter).is_some()
                    }
                    CAMPAIGNS => {
                        restored.campaigns += 1;
                        let (hash, campaign) = read_campaign(&mut records)?;
                        self.campaigns.put(Key { kind: Kind::Campaign, hash }, campaign);
                        true
                    }
                    _ => {
                        restored.names += 1;
                        let (key, last) = (records.key()?, records.u32()?);
                        let name = records.text(NAME_MAX, "name")?;
                        let set = |one: &mut Name| one.set(key.kind, name, last);
                        self.names.enter(key.hash, Comer::Equal, last, &(), set).is_some()
                    }
                };
                restored.left_out += usize::from(!kept);
            }
        }
        self.since.fetch_min(since, std::sync::atomic::Ordering::Relaxed);
        Ok(restored)
    }

    fn restore_key(&self, records: &mut Reader<'_>) -> Result<bool, SnapshotFault> {
        let (hash, known) = (records.hash()?, records.known()?);
        let last = known.state.last;
        Ok(self
            .known
            .of(known.state.kind)
            .enter(hash, Comer::Equal, last, &self.settings, |one| *one = known)
            .is_some())
    }

    /// When it was taken, since when it remembers, and its chunks, all of which are as they were written.
    #[allow(clippy::type_complexity, reason = "it is taken to pieces by its one caller")]
    fn verify<'o>(&self, octets: &'o [u8]) -> Result<(Timestamp, u32, Vec<(u8, Reader<'o>)>), SnapshotFault> {
        let mut all = Reader::new(octets, 0);
        let begin = all.clone();
        if all.octets(MAGIC.len()).is_ok_and(|magic| magic != MAGIC) || all.at() == 0 {
            return Err(begin.fault(Reason::NoSnapshot));
        }
        let (version, secret) = (all.u16()?, all.u64()?);
        if version != SNAPSHOT_VERSION {
            return Err(begin.fault(Reason::Version(version)));
        }
        let (taken, since) = (Timestamp(all.u64()?), all.u32()?);
        check(&mut all, octets, 0)?;
        if secret != self.settings.secret.fingerprint() {
            return Err(begin.fault(Reason::OtherSecret));
        }
        let mut chunks = Vec::new();
        loop {
            let start = all.at();
            let (table, len) = (all.u8()?, all.u32()?);
            let records = Reader::new(all.octets(usize::try_from(len).unwrap_or(usize::MAX))?, start + 5);
            check(&mut all, octets, start)?;
            match table {
                KEYS..=NAMES => chunks.push((table, records)),
                END if records.clone().u32()? == u32::try_from(chunks.len()).unwrap_or(u32::MAX) && all.is_empty() => {
                    return Ok((taken, since, chunks));
                }
                _ => return Err(records.fault(Reason::Value("table"))),
            }
        }
    }
}

/// Whether the checksum that comes next is that of the octets from `start` on.
fn check(all: &mut Reader<'_>, octets: &[u8], start: usize) -> Result<(), SnapshotFault> {
    let of = octets.get(start..all.at()).unwrap_or_default();
    let fault = SnapshotFault { at: start, reason: Reason::Checksum };
    if all.octets(CHECKSUM)? == checksum(of) { Ok(()) } else { Err(fault) }
}

pub(super) fn checksum(octets: &[u8]) -> [u8; CHECKSUM] {
    blake3::hash(octets).as_bytes().first_chunk().copied().unwrap_or_default()
}

impl Snapshot<'_> {
    /// Appends the next chunk; false when there is none any more.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        if !self.begun {
            self.begun = true;
            let start = out.len();
            out.extend(MAGIC);
            let mut writer = Writer(out);
            writer.u16(SNAPSHOT_VERSION);
            writer.u64(self.memory.settings.secret.fingerprint());
            writer.u64(self.taken.as_micros());
            writer.u32(self.memory.since.load(std::sync::atomic::Ordering::Relaxed));
            seal(out, start);
            return true;
        }
        let Some((table, shard)) = self.next else { return false };
        let memory = self.memory;
        let start = out.len();
        out.push(table);
        out.extend([0; 4]);
        let (shards, following) = match table {
            KEYS => {
                memory.known.for_each(shard, |hash, known| {
                    let mut writer = Writer(out);
                    writer.u64(hash);
                    writer.known(known);
                });
                (memory.known.shards(), Some((COUNTERS, 0)))
            }
            COUNTERS => {
                let now = self.taken.as_micros();
                memory.counters.for_each(shard, |hash, counter| {
                    if !counter.is_past(now) {
                        Writer(out).u64(hash);
                        counter.write(&mut Writer(out));
                    }
                });
                (memory.counters.shards(), Some((CAMPAIGNS, 0)))
            }
            CAMPAIGNS => {
                memory.campaigns.known.for_each(shard, |hash, one| write_campaign(hash, one, &mut Writer(out)));
                (memory.campaigns.known.shards(), Some((NAMES, 0)))
            }
            NAMES => {
                memory.names.for_each(shard, |hash, name| {
                    let Some(kind) = name.kind else { return };
                    let mut writer = Writer(out);
                    writer.key(Key { kind, hash });
                    writer.u32(name.last);
                    writer.text(&name.name);
                });
                (memory.names.shards(), Some((END, 0)))
            }
            _ => {
                Writer(out).u32(self.chunks);
                (0, None)
            }
        };
        self.next = if shard + 1 < shards { Some((table, shard + 1)) } else { following };
        let is_empty = out.len() == start + 5;
        if is_empty {
            out.truncate(start);
            return true;
        }
        self.chunks += 1;
        let len = u32::try_from(out.len() - start - 5).unwrap_or(u32::MAX);
        if let Some(place) = out.get_mut(start + 1..start + 5) {
            place.copy_from_slice(&len.to_le_bytes());
        }
        seal(out, start);
        true
    }
}

/// Appends the checksum of what stands from `start` on.
fn seal(out: &mut Vec<u8>, start: usize) {
    let sum = checksum(out.get(start..).unwrap_or_default());
    out.extend(sum);
}

pub(super) fn write_campaign(hash: u64, one: &Campaign, writer: &mut Writer<'_>) {
    writer.u64(hash);
    one.fingerprint.0.into_iter().for_each(|slot| writer.u32(slot));
    writer.u32(one.messages);
    writer.u32(one.first);
    writer.u32(one.last);
    writer.text(&one.sample);
}

pub(super) fn read_campaign(records: &mut Reader<'_>) -> Result<(u64, Campaign), SnapshotFault> {
    let hash = records.hash()?;
    let mut fingerprint = Fingerprint::default();
    for slot in &mut fingerprint.0 {
        *slot = records.u32()?;
    }
    let (messages, first, last) = (records.u32()?, records.u32()?, records.u32()?);
    let sample = records.text(SAMPLE_MAX, "sample")?.into();
    Ok((hash, Campaign { fingerprint, sample, messages, first, last }))
}
