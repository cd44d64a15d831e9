//! Parts of longer messages: which part a PDU carries, and a bounded memory of what came under each reference, so that
//! the whole can be judged whatever its parts were sent like.
//!
//! References are 8 bits, reused, and often constant. So a part under a number that was seen with other octets opens a
//! new message; parts of the one before it that reached the subscriber stay beside it ([`Assembly::read`]), because his
//! handset may join them. Only an octet-identical repeat is the same part, with the same fate.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::UserData;
use super::udh::Concat;
use crate::time::Timestamp;
use crate::wire::command::{DataCoding, Tag};
use crate::wire::tlv::Tlvs;

/// Where a reference stands, and so how wide it is: the same number in another place is another reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reference {
    /// Information element 0x00 (3GPP TS 23.040 §9.2.3.24.1).
    Udh8(u8),
    /// Information element 0x08 (§9.2.3.24.8).
    Udh16(u16),
    /// TLV sar_msg_ref_num (SMPP 3.4 §5.3.2.22).
    Sar(u16),
}

/// Which part of which message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// What the parts of one message have in common.
    pub reference: Reference,
    /// How many there are, from 2.
    pub total: u8,
    /// Which this is, from 1 to `total`.
    pub number: u8,
}

impl Part {
    /// The part that a header or, without one, SAR TLVs name. A number or total of zero, and a number above its total,
    /// are to be ignored by whoever receives them (§9.2.3.24.1); a message of one part is whole.
    #[must_use]
    pub fn of(concat: Option<Concat>, tlvs: &Tlvs<'_>) -> Option<Self> {
        let part = match concat {
            Some(c) => {
                let [_, low] = c.reference.to_be_bytes();
                let reference = if c.wide { Reference::Udh16(c.reference) } else { Reference::Udh8(low) };
                Self { reference, total: c.total, number: c.number }
            }
            None => {
                let [high, low] = *tlvs.get(Tag::SAR_MSG_REF_NUM)?.first_chunk()?;
                let [total] = *tlvs.get(Tag::SAR_TOTAL_SEGMENTS)?.first_chunk()?;
                let [number] = *tlvs.get(Tag::SAR_SEGMENT_SEQNUM)?.first_chunk()?;
                Self { reference: Reference::Sar(u16::from_be_bytes([high, low])), total, number }
            }
        };
        (part.total >= 2 && (1..=part.total).contains(&part.number)).then_some(part)
    }
}

/// Names what has one reference between the same two ends: 128 bits of BLAKE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u128);

impl Key {
    /// The key of a message whose parts have `part`'s reference and total; `ends` names its direction and both
    /// addresses.
    #[must_use]
    pub fn new(ends: u128, part: &Part) -> Self {
        let (kind, reference) = match part.reference {
            Reference::Udh8(r) => (0_u8, u16::from(r)),
            Reference::Udh16(r) => (1, r),
            Reference::Sar(r) => (2, r),
        };
        let [a, b] = reference.to_be_bytes();
        Self(digest(&[&ends.to_be_bytes(), &[kind, a, b, part.total]]))
    }

    /// The key under which single messages between two ends follow one another.
    #[must_use]
    pub fn single(ends: u128) -> Self {
        Self(digest(&[&ends.to_be_bytes(), b"single"]))
    }
}

/// 128 bits of BLAKE3 over fields, each with its length before it.
#[must_use]
pub fn digest(fields: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for field in fields {
        hasher.update(&(field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u128::from_be_bytes(*first))
}

/// User data that outlives its PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    octets: Box<[u8]>,
    data_coding: DataCoding,
    udhi: bool,
}

impl From<UserData<'_>> for Piece {
    fn from(user_data: UserData<'_>) -> Self {
        let UserData { octets, data_coding, udhi } = user_data;
        Self { octets: octets.into(), data_coding, udhi }
    }
}

impl Piece {
    /// As it came.
    #[must_use]
    pub fn user_data(&self) -> UserData<'_> {
        UserData { octets: &self.octets, data_coding: self.data_coding, udhi: self.udhi }
    }
}

/// What an assembly keeps, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Octets, what is needed to keep them included.
    pub octets_max: usize,
    /// From the first part of a message to its being forgotten.
    pub kept: Duration,
}

/// One part as it arrives.
#[derive(Debug)]
pub struct Arriving {
    /// Its message.
    pub key: Key,
    /// Its number, from 1.
    pub number: u8,
    /// How many there are.
    pub total: u8,
    /// All octets that make it what it is.
    pub fingerprint: u128,
    /// Its user data.
    pub pieces: Vec<Piece>,
    /// Whoever will hold it, to be told when its message is decided.
    pub holder: u64,
}

/// What a part that arrived is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival<F> {
    /// Tells messages under one key apart.
    pub generation: u64,
    /// Whether it is new.
    pub what: What<F>,
    /// Holders of parts of a message that this one has put an end to.
    pub wake: Vec<u64>,
}

/// Whether a part is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<F> {
    /// It is there already, octet for octet; with its fate, once it is decided.
    Repeat(Option<F>),
    /// It is new.
    New {
        /// Whether no part is missing any more.
        complete: bool,
    },
}

/// How far a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing<F> {
    /// Parts are missing, and nothing is decided.
    Open,
    /// All parts are there, and nothing is decided.
    Complete,
    /// This part is decided.
    Decided(F),
    /// It is forgotten, or another has taken its reference.
    Gone,
}

#[derive(Debug)]
struct Slot<F> {
    number: u8,
    fingerprint: u128,
    pieces: Vec<Piece>,
    /// What was decided on it, and whether it went on to the subscriber.
    fate: Option<(F, bool)>,
    /// It came again after its message was decided: it may be the beginning of the next one.
    again: bool,
    /// It belongs to the message before this one, and reached the subscriber.
    carried: bool,
}

#[derive(Debug)]
struct Whole<F> {
    generation: u64,
    opened: Timestamp,
    total: u8,
    /// In the order of their numbers.
    slots: Vec<Slot<F>>,
    holders: Vec<u64>,
    /// It counts already.
    told: bool,
}

/// The parts that are remembered. See the [module documentation](self).
#[derive(Debug)]
pub struct Assembly<F> {
    wholes: HashMap<Key, Whole<F>>,
    /// Generations in the order in which they were opened.
    order: VecDeque<(Key, u64, Timestamp)>,
    octets: usize,
    generation: u64,
}

impl<F> Default for Assembly<F> {
    fn default() -> Self {
        Self { wholes: HashMap::new(), order: VecDeque::new(), octets: 0, generation: 0 }
    }
}

/// What keeping one message costs beside its parts, in octets.
const WHOLE_OCTETS: usize = 256;
/// What keeping one part costs beside its user data.
const SLOT_OCTETS: usize = 192;

impl<F: Clone> Assembly<F> {
    /// Octets kept.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Takes a part in.
    pub fn arrive(&mut self, part: Arriving, now: Timestamp, bounds: &Bounds) -> Arrival<F> {
        self.forget(now, bounds);
        let Arriving { key, number, total, fingerprint, pieces, holder } = part;
        let (mut carried, mut wake) = (Vec::new(), Vec::new());
        if let Some(whole) = self.wholes.get_mut(&key)
            && let Some(slot) = whole.slots.iter_mut().find(|s| s.number == number && !s.carried)
        {
            if slot.fingerprint == fingerprint {
                slot.again |= slot.fate.is_some();
                let fate = slot.fate.as_ref().map(|(fate, _)| fate.clone());
                if fate.is_none() && !whole.holders.contains(&holder) {
                    whole.holders.push(holder);
                }
                return Arrival { generation: whole.generation, what: What::Repeat(fate), wake };
            }
            // Another message under the same reference.
            (carried, wake) = self.close(&key, number);
        }
        if !self.wholes.contains_key(&key) {
            self.open(key, total, carried, now);
        }
        let mut octets = SLOT_OCTETS + pieces.iter().map(|p| p.octets.len()).sum::<usize>();
        let slot = Slot { number, fingerprint, pieces, fate: None, again: false, carried: false };
        let (mut generation, mut complete) = (0, false);
        if let Some(whole) = self.wholes.get_mut(&key) {
            if let Some(at) = whole.slots.iter().position(|s| s.number == number) {
                octets = octets.saturating_sub(slot_octets(&whole.slots.remove(at)));
            }
            let at = whole.slots.partition_point(|s| s.number < number);
            whole.slots.insert(at, slot);
            if !whole.holders.contains(&holder) {
                whole.holders.push(holder);
            }
            (generation, complete) = (whole.generation, is_complete(whole));
        }
        self.octets += octets;
        Arrival { generation, what: What::New { complete }, wake }
    }

    /// How far a message is, as seen by one of its parts.
    #[must_use]
    pub fn standing(&self, key: Key, generation: u64, number: u8) -> Standing<F> {
        let Some(whole) = self.get(key, generation) else { return Standing::Gone };
        let slot = whole.slots.iter().find(|s| s.number == number && !s.carried);
        match slot {
            Some(Slot { fate: Some((fate, _)), .. }) => Standing::Decided(fate.clone()),
            Some(_) if is_complete(whole) => Standing::Complete,
            Some(_) => Standing::Open,
            None => Standing::Gone,
        }
    }

    /// The message that is under `key` now, when it was opened less than `within` ago.
    #[must_use]
    pub fn latest(&self, key: Key, now: Timestamp, within: Duration) -> Option<u64> {
        self.wholes.get(&key).filter(|w| now.since(w.opened) < within).map(|w| w.generation)
    }

    /// Hands `read` the user data of what is there, in the order of the parts, and whether it is all. Where parts are
    /// missing, those of an earlier message that reached the subscriber under the same reference stand in for them.
    pub fn read<T>(&self, key: Key, generation: u64, read: impl FnOnce(&[UserData<'_>], bool) -> T) -> Option<T> {
        let whole = self.get(key, generation)?;
        let complete = is_complete(whole);
        let shown = whole.slots.iter().filter(|s| !s.carried || !complete);
        let user_data: Vec<UserData<'_>> = shown.flat_map(|s| s.pieces.iter().map(Piece::user_data)).collect();
        Some(read(&user_data, complete))
    }

    /// What is there has this fate; `delivered` says whether it goes on. Answers who else holds parts of it.
    pub fn decide(&mut self, key: Key, generation: u64, fate: &F, delivered: bool) -> Vec<u64> {
        let Some(whole) = self.wholes.get_mut(&key).filter(|w| w.generation == generation) else { return Vec::new() };
        for slot in whole.slots.iter_mut().filter(|s| s.fate.is_none() && !s.carried) {
            slot.fate = Some((fate.clone(), delivered));
        }
        std::mem::take(&mut whole.holders)
    }

    /// Whether a message counts for the first time, as it does once however its parts are judged; what is forgotten counts
    /// as it comes.
    pub fn is_told_first(&mut self, key: Key, generation: u64) -> bool {
        let whole = self.wholes.get_mut(&key).filter(|w| w.generation == generation);
        whole.is_none_or(|whole| !std::mem::replace(&mut whole.told, true))
    }

    fn get(&self, key: Key, generation: u64) -> Option<&Whole<F>> {
        self.wholes.get(&key).filter(|w| w.generation == generation)
    }

    /// Ends the message under `key`, because part `number` has come with other octets: what the next one takes over of
    /// it, and who held parts of it.
    fn close(&mut self, key: &Key, number: u8) -> (Vec<Slot<F>>, Vec<u64>) {
        let Some(whole) = self.wholes.remove(key) else { return (Vec::new(), Vec::new()) };
        self.octets = self.octets.saturating_sub(whole.slots.iter().map(slot_octets).sum());
        let reached = |s: &Slot<F>| s.number != number && matches!(s.fate, Some((_, true)));
        let carry = |s: Slot<F>| Slot { carried: !s.again, again: false, ..s };
        (whole.slots.into_iter().filter(reached).map(carry).collect(), whole.holders)
    }

    fn open(&mut self, key: Key, total: u8, slots: Vec<Slot<F>>, now: Timestamp) {
        self.generation += 1;
        let generation = self.generation;
        self.octets += WHOLE_OCTETS + slots.iter().map(slot_octets).sum::<usize>();
        self.wholes.insert(key, Whole { generation, opened: now, total, slots, holders: Vec::new(), told: false });
        self.order.push_back((key, generation, now));
    }

    /// Forgets what is too old, and the oldest while there is too much.
    fn forget(&mut self, now: Timestamp, bounds: &Bounds) {
        while let Some((key, generation, opened)) = self.order.front().copied() {
            if now.since(opened) <= bounds.kept && self.octets <= bounds.octets_max {
                break;
            }
            self.order.pop_front();
            self.octets = self.octets.saturating_sub(WHOLE_OCTETS);
            if self.get(key, generation).is_some()
                && let Some(whole) = self.wholes.remove(&key)
            {
                self.octets = self.octets.saturating_sub(whole.slots.iter().map(slot_octets).sum());
            }
        }
    }
}

fn slot_octets<F>(slot: &Slot<F>) -> usize {
    SLOT_OCTETS + slot.pieces.iter().map(|p| p.octets.len()).sum::<usize>()
}

fn is_complete<F>(whole: &Whole<F>) -> bool {
    whole.slots.iter().filter(|s| !s.carried).count() == usize::from(whole.total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { octets_max: 1 << 20, kept: Duration::from_secs(300) };

    fn key() -> Key {
        Key::new(7, &Part { reference: Reference::Udh8(1), total: 2, number: 1 })
    }

    fn part(number: u8, text: &str) -> Arriving {
        let user_data = UserData { octets: text.as_bytes(), data_coding: DataCoding(0), udhi: false };
        let fingerprint = digest(&[text.as_bytes()]);
        Arriving { key: key(), number, total: 2, fingerprint, pieces: vec![user_data.into()], holder: 1 }
    }

    fn text(assembly: &Assembly<char>, generation: u64) -> Option<(String, bool)> {
        let join = |data: &[UserData<'_>], complete| {
            (
                data.iter().map(|d| String::from_utf8_lossy(d.octets).into_owned()).collect::<Vec<_>>().join("+"),
                complete,
            )
        };
        assembly.read(key(), generation, join)
    }

    #[test]
    fn parts_in_any_order_make_the_whole() {
        let mut assembly = Assembly::default();
        let second = assembly.arrive(part(2, "world"), Timestamp(1), &BOUNDS);
        assert_eq!(second.what, What::New { complete: false });
        assert_eq!(assembly.standing(key(), second.generation, 2), Standing::Open);
        let first = assembly.arrive(part(1, "hello"), Timestamp(2), &BOUNDS);
        assert_eq!((first.generation, first.what), (second.generation, What::New { complete: true }));
        assert_eq!(assembly.standing(key(), second.generation, 2), Standing::Complete);
        assert_eq!(text(&assembly, first.generation), Some(("hello+world".into(), true)));
        assert_eq!(assembly.decide(key(), first.generation, &'p', true), [1]);
        assert_eq!(assembly.standing(key(), first.generation, 1), Standing::Decided('p'));
    }

    #[test]
    fn a_repeat_has_the_fate_of_the_first_and_other_octets_open_a_message() {
        let mut assembly = Assembly::default();
        let first = assembly.arrive(part(1, "a"), Timestamp(1), &BOUNDS);
        assert_eq!(assembly.arrive(part(1, "a"), Timestamp(2), &BOUNDS).what, What::Repeat(None));
        assembly.arrive(part(2, "b"), Timestamp(3), &BOUNDS);
        assembly.decide(key(), first.generation, &'p', true);
        assert_eq!(assembly.arrive(part(2, "b"), Timestamp(4), &BOUNDS).what, What::Repeat(Some('p')));
        // A bad first part under the reference of a clean pair: the handset may join it with what it has.
        let bad = assembly.arrive(part(1, "bad"), Timestamp(5), &BOUNDS);
        assert!(bad.generation > first.generation);
        // The second part was repeated: it may well be this message's.
        assert_eq!(bad.what, What::New { complete: true });
        let third = assembly.arrive(part(2, "c"), Timestamp(6), &BOUNDS);
        assert_eq!(
            (third.what, text(&assembly, third.generation)),
            (What::New { complete: false }, Some(("c".into(), false)))
        );
        assert_eq!(assembly.standing(key(), first.generation, 1), Standing::Gone);
    }

    #[test]
    fn what_reached_the_subscriber_stands_in_for_what_is_missing() {
        let mut assembly = Assembly::default();
        for (number, text) in [(1, "a"), (2, "b")] {
            assembly.arrive(part(number, text), Timestamp(1), &BOUNDS);
        }
        let generation = assembly.generation;
        assembly.decide(key(), generation, &'p', true);
        let next = assembly.arrive(part(2, "x"), Timestamp(2), &BOUNDS);
        assert_eq!(
            (&next.what, text(&assembly, next.generation)),
            (&What::New { complete: false }, Some(("a+x".into(), false)))
        );
        let last = assembly.arrive(part(1, "w"), Timestamp(3), &BOUNDS);
        assert_eq!(
            (last.what, text(&assembly, last.generation)),
            (What::New { complete: true }, Some(("w+x".into(), true)))
        );
        // What was refused did not reach him.
        assembly.decide(key(), last.generation, &'b', false);
        let next = assembly.arrive(part(2, "y"), Timestamp(4), &BOUNDS);
        assert_eq!(text(&assembly, next.generation), Some(("y".into(), false)));
    }

    #[test]
    fn a_flood_stays_within_its_bounds_and_time_ends_everything() {
        let bounds = Bounds { octets_max: 64 * 1024, kept: Duration::from_secs(5) };
        let mut assembly = Assembly::<char>::default();
        for n in 0..10_000_u32 {
            let part = Arriving {
                key: Key::new(n.into(), &Part { reference: Reference::Sar(1), total: 3, number: 1 }),
                total: 3,
                ..part(1, "first")
            };
            assembly.arrive(part, Timestamp(u64::from(n)), &bounds);
            assert!(assembly.octets() <= bounds.octets_max + 1_000);
        }
        for n in 0..10_000_u32 {
            assembly.arrive(part(1, &n.to_string()), Timestamp(u64::from(n)), &bounds);
            assert!(assembly.octets() <= bounds.octets_max + 1_000 && assembly.order.len() < 1_000);
        }
        assembly.arrive(part(1, "late"), Timestamp(60_000_000), &bounds);
        assert_eq!((assembly.wholes.len(), assembly.order.len()), (1, 1));
        assert_eq!(assembly.octets(), WHOLE_OCTETS + SLOT_OCTETS + 4);
    }

    #[test]
    fn what_a_handset_ignores_is_no_part() {
        let concat = |total, number| Some(Concat { reference: 9, wide: false, total, number });
        for (total, number, is) in
            [(2, 1, true), (2, 2, true), (2, 3, false), (2, 0, false), (0, 0, false), (1, 1, false)]
        {
            assert_eq!(Part::of(concat(total, number), &Tlvs::default()).is_some(), is, "{number} of {total}");
        }
        let mut tlvs = Vec::new();
        for (tag, value) in
            [(Tag::SAR_MSG_REF_NUM, &[1, 2][..]), (Tag::SAR_TOTAL_SEGMENTS, &[3]), (Tag::SAR_SEGMENT_SEQNUM, &[2])]
        {
            assert_eq!(Part::of(None, &Tlvs::new(&tlvs)), None);
            crate::wire::encode::tlv(&mut tlvs, tag, value);
        }
        let part = Part { reference: Reference::Sar(0x0102), total: 3, number: 2 };
        assert_eq!(Part::of(None, &Tlvs::new(&tlvs)), Some(part));
    }
}
