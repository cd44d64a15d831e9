//! One leg's octets: what came from its peer, and what goes to it.
//!
//! A passed PDU is never copied: the send queue of one leg names a range of what the *other* leg received, and
//! neighbouring ranges grow into one. Octets are addressed by their position in the stream, so moving the buffer under
//! them changes no range.
//!
//! ```text
//!   received (ESME)   ──released──┃ passed ┃ passed ┃ refused ┃ held ┃ partial …
//!                                 └───┬────────────┘
//!   queue (SMSC)            Relay 0..2┘  Own 0..1 (edited)  Relay …
//! ```

use std::collections::VecDeque;
use std::io::IoSlice;

/// The two sides of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// Towards the External Short Messaging Entity, which connected to us.
    Esme,
    /// Towards the SMSC, to which we connected.
    Smsc,
}

impl Leg {
    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Esme => Self::Smsc,
            Self::Smsc => Self::Esme,
        }
    }

    /// The label in metrics: `esme` or `smsc`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Esme => "esme",
            Self::Smsc => "smsc",
        }
    }
}

/// One value for each leg.
#[derive(Clone, Copy, Debug, Default)]
pub struct Legs<T> {
    /// The ESME's.
    pub esme: T,
    /// The SMSC's.
    pub smsc: T,
}

impl<T> Legs<T> {
    /// The value of one leg.
    #[must_use]
    pub fn of(&self, leg: Leg) -> &T {
        match leg {
            Leg::Esme => &self.esme,
            Leg::Smsc => &self.smsc,
        }
    }

    /// The value of one leg, to be changed.
    pub fn of_mut(&mut self, leg: Leg) -> &mut T {
        match leg {
            Leg::Esme => &mut self.esme,
            Leg::Smsc => &mut self.smsc,
        }
    }
}

/// A stretch of a stream, kept from its first octet still needed to its last received.
#[derive(Debug, Default)]
pub(super) struct Stream {
    octets: Vec<u8>,
    /// Stream position of `octets[0]`.
    base: u64,
    /// Octets at the front that nobody needs any more.
    released: usize,
}

/// An empty buffer larger than this is given back to the allocator.
const IDLE_OCTETS_MAX: usize = 16 * 1024;

impl Stream {
    /// Position after the last octet.
    pub(super) fn end(&self) -> u64 {
        self.base + self.octets.len() as u64
    }

    /// Octets held, those already released apart.
    pub(super) fn len(&self) -> usize {
        self.octets.len() - self.released
    }

    /// The octets from `start` on.
    pub(super) fn from(&self, start: u64) -> &[u8] {
        self.octets.get(self.index(start)..).unwrap_or_default()
    }

    /// `len` octets from `start` on; empty when they are not all held.
    pub(super) fn slice(&self, start: u64, len: usize) -> &[u8] {
        let at = self.index(start);
        self.octets.get(at..at + len).unwrap_or_default()
    }

    /// Appends what was read, moving the rest to the front when that saves growing.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.make_room(octets.len());
        self.octets.extend_from_slice(octets);
    }

    /// Lets `write` append, and answers the range that it wrote.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> (u64, usize) {
        self.make_room(0);
        let (start, before) = (self.end(), self.octets.len());
        write(&mut self.octets);
        (start, self.octets.len() - before)
    }

    /// Nobody needs the octets before `keep_from` any more.
    pub(super) fn release(&mut self, keep_from: u64) {
        self.released = self.index(keep_from).min(self.octets.len());
        if self.released == self.octets.len() {
            self.base = self.end();
            self.octets.clear();
            self.released = 0;
        }
    }

    /// Gives a large buffer back once it is empty.
    pub(super) fn shrink(&mut self) {
        if self.octets.is_empty() && self.octets.capacity() > IDLE_OCTETS_MAX {
            self.octets = Vec::new();
        }
    }

    fn make_room(&mut self, more: usize) {
        if self.released > 0 && (self.octets.len() + more > self.octets.capacity() || self.released > self.len()) {
            self.octets.drain(..self.released);
            self.base += self.released as u64;
            self.released = 0;
        }
    }

    fn index(&self, position: u64) -> usize {
        usize::try_from(position.saturating_sub(self.base)).unwrap_or(usize::MAX).min(self.octets.len())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// A range of what the other leg received.
    Relay,
    /// A range of what Tapis wrote itself.
    Own,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    origin: Origin,
    start: u64,
    len: usize,
}

/// What is on its way to one leg's peer, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    segments: VecDeque<Segment>,
    own: Stream,
    octets: usize,
}

impl Queue {
    /// Octets not yet transmitted.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// Octets that Tapis wrote itself and that are not yet transmitted.
    pub(super) fn own_octets(&self) -> usize {
        self.own.len()
    }

    /// Queues a range of what the other leg received.
    pub(super) fn relay(&mut self, start: u64, len: usize) {
        self.append(Segment { origin: Origin::Relay, start, len });
    }

    /// Queues octets that `write` appends.
    pub(super) fn own(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let (start, len) = self.own.write(write);
        if len > 0 {
            self.append(Segment { origin: Origin::Own, start, len });
        }
    }

    /// Fills `slices` with what may be written next; `received` is the other leg's stream. Answers how many.
    pub(super) fn fill<'a>(&'a self, received: &'a Stream, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, segment) in slices.iter_mut().zip(&self.segments) {
            let stream = match segment.origin {
                Origin::Relay => received,
                Origin::Own => &self.own,
            };
            *slice = IoSlice::new(stream.slice(segment.start, segment.len));
            filled += 1;
        }
        filled
    }

    /// `octets` of what `fill` showed are written.
    pub(super) fn transmitted(&mut self, mut octets: usize) {
        self.octets = self.octets.saturating_sub(octets);
        while let Some(first) = self.segments.front_mut() {
            let done = first.len.min(octets);
            first.start += done as u64;
            first.len -= done;
            octets -= done;
            if first.len > 0 {
                break;
            }
            self.segments.pop_front();
        }
        let own_from = self.first(Origin::Own).unwrap_or(self.own.end());
        self.own.release(own_from);
    }

    /// The first position of the other leg's stream that is still to be written.
    pub(super) fn relay_from(&self) -> Option<u64> {
        self.first(Origin::Relay)
    }

    /// Forgets everything: the peer is gone.
    pub(super) fn clear(&mut self) {
        self.segments.clear();
        self.own.release(self.own.end());
        self.octets = 0;
    }

    pub(super) fn shrink(&mut self) {
        self.own.shrink();
    }

    fn first(&self, origin: Origin) -> Option<u64> {
        self.segments.iter().find(|s| s.origin == origin).map(|s| s.start)
    }

    fn append(&mut self, segment: Segment) {
        self.octets += segment.len;
        match self.segments.back_mut() {
            Some(last) if last.origin == segment.origin && last.start + last.len as u64 == segment.start => {
                last.len += segment.len;
            }
            _ => self.segments.push_back(segment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(queue: &Queue, received: &Stream) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = queue.fill(received, &mut slices);
        slices[..filled].iter().flat_map(|s| s.to_vec()).collect()
    }

    #[test]
    fn neighbouring_relays_are_one_slice() {
        let mut received = Stream::default();
        received.push(b"abcdef");
        let mut queue = Queue::default();
        queue.relay(0, 2);
        queue.relay(2, 2);
        let mut slices = [IoSlice::new(&[]); 4];
        assert_eq!(queue.fill(&received, &mut slices), 1);
        assert_eq!(&*slices[0], b"abcd");
    }

    #[test]
    fn positions_survive_moves_and_partial_writes() {
        let mut received = Stream::default();
        let mut queue = Queue::default();
        let mut out = Vec::new();
        for round in 0..200_u8 {
            let at = received.end();
            received.push(&[round; 100]);
            queue.relay(at, 50);
            queue.own(|v| v.push(b'!'));
            queue.relay(at + 50, 50);
            let next = written(&queue, &received);
            let take = next.len().min(77);
            out.extend_from_slice(&next[..take]);
            queue.transmitted(take);
            received.release(queue.relay_from().unwrap_or(received.end()));
        }
        while queue.octets() > 0 {
            let next = written(&queue, &received);
            out.extend_from_slice(&next);
            queue.transmitted(next.len());
        }
        let expected: Vec<u8> = (0..200_u8).flat_map(|r| [vec![r; 50], vec![b'!'], vec![r; 50]].concat()).collect();
        assert_eq!(out, expected);
        assert_eq!(queue.own_octets(), 0);
    }
}
