//! Octets of snapshots and deltas: little endian, each record with its own fields, and where reading went wrong.

use std::fmt;

use super::key::{Key, Kind};
use super::met::{Met, More};
use super::reporters::{REPORTERS_MAX, Reporters};
use super::spread::{FEW_MAX, RANKS, REGISTERS, Set, Spread};
use super::state::{Counts, Known, Pin, State};

/// Why octets are not those of a snapshot or of deltas, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotFault {
    /// The octet from 0 at which it shows.
    pub at: usize,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with octets that shall be a snapshot or deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// They do not begin as one.
    NoSnapshot,
    /// They are of a version that is not known.
    Version(u16),
    /// Their keys were hashed under another secret.
    OtherSecret,
    /// They end too early.
    Short,
    /// A chunk is not as it was written.
    Checksum,
    /// A field has a value that it cannot have.
    Value(&'static str),
}

impl fmt::Display for SnapshotFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "octet {}: ", self.at)?;
        match self.reason {
            Reason::NoSnapshot => f.write_str("this is not the beginning of a snapshot of reputation"),
            Reason::Version(version) => write!(f, "version {version} is not known here"),
            Reason::OtherSecret => f.write_str("its keys were hashed under another secret"),
            Reason::Short => f.write_str("it ends before its end"),
            Reason::Checksum => f.write_str("the checksum is wrong: it was damaged since it was written"),
            Reason::Value(field) => write!(f, "`{field}` has a value that it cannot have"),
        }
    }
}

impl std::error::Error for SnapshotFault {}

/// Octets that are read one field after another.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads octets that stand at `at` of the whole.
    pub fn new(octets: &'a [u8], at: usize) -> Self {
        Self { octets, at }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    pub fn fault(&self, reason: Reason) -> SnapshotFault {
        SnapshotFault { at: self.at, reason }
    }

    pub fn octets(&mut self, len: usize) -> Result<&'a [u8], SnapshotFault> {
        let (taken, rest) = self.octets.split_at_checked(len).ok_or(self.fault(Reason::Short))?;
        self.octets = rest;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotFault> {
        let fault = self.fault(Reason::Short);
        self.octets(N)?.try_into().map_err(|_| fault)
    }

    pub fn u8(&mut self) -> Result<u8, SnapshotFault> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub fn u16(&mut self) -> Result<u16, SnapshotFault> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub fn u32(&mut self) -> Result<u32, SnapshotFault> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub fn u64(&mut self) -> Result<u64, SnapshotFault> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub fn flag(&mut self, field: &'static str) -> Result<bool, SnapshotFault> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.fault(Reason::Value(field))),
        }
    }

    /// A number that is at most `most`.
    pub fn len(&mut self, most: usize, field: &'static str) -> Result<usize, SnapshotFault> {
        let len = usize::from(self.u16()?);
        if len > most { Err(self.fault(Reason::Value(field))) } else { Ok(len) }
    }

    /// A count: finite, not below 0.
    pub fn amount(&mut self, field: &'static str) -> Result<f32, SnapshotFault> {
        let amount = f32::from_bits(self.u32()?);
        if amount.is_finite() && amount >= 0.0 { Ok(amount) } else { Err(self.fault(Reason::Value(field))) }
    }

    pub fn hash(&mut self) -> Result<u64, SnapshotFault> {
        let hash = self.u64()?;
        if hash == 0 { Err(self.fault(Reason::Value("hash"))) } else { Ok(hash) }
    }

    pub fn kind(&mut self) -> Result<Kind, SnapshotFault> {
        let code = self.u8()?;
        Kind::of_code(code).ok_or(self.fault(Reason::Value("kind")))
    }

    pub fn pin(&mut self) -> Result<Pin, SnapshotFault> {
        let code = self.u8()?;
        Pin::of_code(code).ok_or(self.fault(Reason::Value("pin")))
    }

    pub fn key(&mut self) -> Result<Key, SnapshotFault> {
        Ok(Key { kind: self.kind()?, hash: self.hash()? })
    }

    pub fn text(&mut self, most: usize, field: &'static str) -> Result<&'a str, SnapshotFault> {
        let len = self.len(most, field)?;
        let octets = self.octets(len)?;
        std::str::from_utf8(octets).map_err(|_| self.fault(Reason::Value(field)))
    }

    pub fn counts(&mut self) -> Result<Counts, SnapshotFault> {
        let mut numbers = [0.0; 9];
        for number in &mut numbers {
            *number = self.amount("count")?;
        }
        Ok(Counts::of(numbers))
    }

    pub fn registers(&mut self) -> Result<[u8; REGISTERS], SnapshotFault> {
        let registers: [u8; REGISTERS] = self.array()?;
        if registers.iter().any(|rank| usize::from(*rank) >= RANKS) {
            return Err(self.fault(Reason::Value("rank")));
        }
        Ok(registers)
    }

    pub fn set(&mut self) -> Result<Set, SnapshotFault> {
        let len = self.u8()?;
        if len == MANY {
            return Ok(Set::Many(Box::new(self.registers()?)));
        }
        if usize::from(len) > FEW_MAX {
            return Err(self.fault(Reason::Value("set")));
        }
        let mut halves = [0; FEW_MAX];
        for half in halves.iter_mut().take(usize::from(len)) {
            *half = self.u32()?;
        }
        Ok(Set::few(halves.into_iter().take(usize::from(len))))
    }

    pub fn reporters(&mut self) -> Result<Reporters, SnapshotFault> {
        let len = self.len(REPORTERS_MAX, "reporters")?;
        (0..len).map(|_| Ok((self.u64()?, self.u32()?))).collect::<Result<Vec<_>, _>>().map(Reporters)
    }

    /// What is kept of a key.
    pub fn known(&mut self) -> Result<Known, SnapshotFault> {
        let (kind, pin) = (self.kind()?, self.pin()?);
        let inherited = i8::from_le_bytes([self.u8()?]);
        let reporters = self.u8()?;
        let (first, last) = (self.u32()?, self.u32()?);
        let short = [self.amount("short")?, self.amount("short")?];
        let counts = self.counts()?;
        let mut state = State { first, last, short, counts, kind, pin, inherited, ..State::default() };
        state.set_reporters(reporters);
        let met = if self.flag("more")? {
            let begun = self.u32()?;
            let current = self.set()?;
            let former = if self.flag("former")? { Some(Box::new(self.set()?)) } else { None };
            let spread = Spread { current, former, begun, news: false };
            Met::of(Box::new(More { spread, reporters: self.reporters()? }))
        } else {
            Met::default()
        };
        Ok(Known { state, met })
    }
}

/// The length of a set that is kept as registers.
const MANY: u8 = 0xff;

/// Octets that are written one field after another.
#[derive(Debug)]
pub(super) struct Writer<'o>(pub &'o mut Vec<u8>);

impl Writer<'_> {
    pub fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub fn u16(&mut self, value: u16) {
        self.0.extend(value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.0.extend(value.to_le_bytes());
    }

    pub fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub fn len(&mut self, len: usize) {
        self.u16(u16::try_from(len).unwrap_or(u16::MAX));
    }

    pub fn amount(&mut self, value: f32) {
        self.u32(value.to_bits());
    }

    pub fn key(&mut self, key: Key) {
        self.u8(key.kind.code());
        self.u64(key.hash);
    }

    pub fn text(&mut self, text: &str) {
        self.len(text.len());
        self.0.extend(text.as_bytes());
    }

    pub fn counts(&mut self, counts: &Counts) {
        counts.numbers().into_iter().for_each(|number| self.amount(number));
    }

    pub fn set(&mut self, set: &Set) {
        match set {
            Set::Few(len, _) => {
                self.u8(*len);
                set.halves().iter().for_each(|half| self.u32(*half));
            }
            Set::Many(registers) => {
                self.u8(MANY);
                self.0.extend(&**registers);
            }
        }
    }

    pub fn reporters(&mut self, reporters: &Reporters) {
        self.len(reporters.0.len());
        for (reporter, last) in &reporters.0 {
            self.u64(*reporter);
            self.u32(*last);
        }
    }

    /// What is kept of a key.
    pub fn known(&mut self, known: &Known) {
        let Known { state, met } = known;
        self.u8(state.kind.code());
        self.u8(state.pin.code());
        self.0.extend(state.inherited.to_le_bytes());
        self.u8(state.reporters());
        self.u32(state.first);
        self.u32(state.last);
        state.short.into_iter().for_each(|number| self.amount(number));
        self.counts(&state.counts);
        match met.all() {
            None => self.flag(false),
            Some(more) => self.more(&more.spread, &more.reporters),
        }
    }

    fn more(&mut self, spread: &Spread, reporters: &Reporters) {
        self.flag(true);
        self.u32(spread.begun);
        self.set(&spread.current);
        self.flag(spread.former.is_some());
        if let Some(former) = &spread.former {
            self.set(former);
        }
        self.reporters(reporters);
    }
}
