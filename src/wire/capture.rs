//! PDUs out of captures: pcap and pcapng files, their TCP streams put together again.
//!
//! Streams whose first octets are no SMPP are left out. A stream that began before the capture is read from the first
//! segment on that starts with a PDU.

use std::collections::{BTreeMap, HashMap};

use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16, be_u32, le_u16, le_u32};
use nom::{IResult, Parser};

use super::frame::{Frame, Header, frame};
use crate::limits::PDU_OCTETS_MAX;
use crate::time::Timestamp;

/// One PDU, or octets that are none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// A whole PDU; else the octets and why they are none.
    pub octets: Result<Vec<u8>, (Vec<u8>, &'static str)>,
    /// `source>destination`, when it was captured.
    pub from: Option<String>,
    /// When its last octet was captured.
    pub at: Option<Timestamp>,
}

/// All PDUs of octets that stand one behind the other.
#[must_use]
pub fn pdus(octets: &[u8], from: Option<&str>) -> Vec<Piece> {
    let from = from.map(ToOwned::to_owned);
    let mut pieces = Vec::new();
    let mut rest = octets;
    while !rest.is_empty() {
        let why = match frame(rest, PDU_OCTETS_MAX) {
            Ok(Frame::Whole { header }) => {
                let len = usize::try_from(header.command_length).unwrap_or(rest.len());
                let (pdu, after) = rest.split_at(len.min(rest.len()));
                pieces.push(Piece { octets: Ok(pdu.to_vec()), from: from.clone(), at: None });
                rest = after;
                continue;
            }
            Ok(Frame::Partial { .. }) => "truncated",
            Err(_) => "command_length",
        };
        pieces.push(Piece { octets: Err((rest.to_vec(), why)), from, at: None });
        break;
    }
    pieces
}

/// The PDUs of a capture; none when the file is no capture.
#[must_use]
pub fn pieces(file: &[u8]) -> Option<Result<Vec<Piece>, String>> {
    let (little, nanoseconds) = match file.first_chunk::<4>()? {
        [0xd4, 0xc3, 0xb2, 0xa1] => (true, false),
        [0x4d, 0x3c, 0xb2, 0xa1] => (true, true),
        [0xa1, 0xb2, 0xc3, 0xd4] => (false, false),
        [0xa1, 0xb2, 0x3c, 0x4d] => (false, true),
        [0x0a, 0x0d, 0x0d, 0x0a] => return Some(pcapng(file)),
        _ => return None,
    };
    Some(pcap(file, little, if nanoseconds { 1_000_000_000 } else { 1_000_000 }))
}

fn pcap(file: &[u8], little: bool, ticks: u64) -> Result<Vec<Piece>, String> {
    let cut = |_| "the capture ends within its header".to_owned();
    let (rest, _) = octets(file, 20).map_err(cut)?;
    let (mut rest, link) = word(rest, little).map_err(cut)?;
    let mut streams = Streams::default();
    while let Ok((data, (seconds, fraction, packet))) = pcap_packet(rest, little) {
        streams.at = time(u64::from(seconds) * ticks + u64::from(fraction), ticks);
        streams.packet(link & 0x0fff_ffff, packet);
        rest = data;
    }
    Ok(streams.end())
}

/// Seconds, fraction, captured length, original length, octets.
fn pcap_packet(input: &[u8], little: bool) -> IResult<&[u8], (u32, u32, &[u8])> {
    let (input, seconds) = word(input, little)?;
    let (input, fraction) = word(input, little)?;
    let (input, captured) = word(input, little)?;
    let (input, _) = take(4_usize)(input)?;
    let (input, packet) = take(captured)(input)?;
    Ok((input, (seconds, fraction, packet)))
}

/// A time that is counted in so many ticks a second.
fn time(count: u64, ticks: u64) -> Timestamp {
    let micros = u128::from(count) * 1_000_000 / u128::from(ticks.max(1));
    Timestamp(u64::try_from(micros).unwrap_or(u64::MAX))
}

fn pcapng(file: &[u8]) -> Result<Vec<Piece>, String> {
    let mut streams = Streams::default();
    let mut links: Vec<Interface> = Vec::new();
    let mut little = true;
    let mut rest = file;
    while let Ok((after, (kind, body))) = block(rest, &mut little) {
        rest = after;
        match kind {
            0x0a0d_0d0a => links.clear(),
            1 => links.push(interface(body, little)),
            6 => {
                if let Ok((link, count, packet)) = enhanced(body, little) {
                    let link = usize::try_from(link).ok().and_then(|n| links.get(n)).copied().unwrap_or_default();
                    streams.at = time(count, link.ticks);
                    streams.packet(link.kind, packet);
                }
            }
            3 => {
                if let Some(packet) = body.get(4..) {
                    streams.packet(links.first().copied().unwrap_or_default().kind, packet);
                }
            }
            _ => {}
        }
    }
    if links.is_empty() { Err("the capture ends within its header".into()) } else { Ok(streams.end()) }
}

type Block<'a> = (u32, &'a [u8]);

/// Type, total length, body, total length again; a section header says how octets are ordered from then on.
fn block<'a>(input: &'a [u8], little: &mut bool) -> IResult<&'a [u8], Block<'a>> {
    let (rest, kind) = word(input, *little)?;
    if kind == 0x0a0d_0d0a {
        let (_, magic) = le_u32(rest.get(4..).unwrap_or_default())?;
        *little = magic == 0x1a2b_3c4d;
    }
    let (rest, total) = word(rest, *little)?;
    let (rest, body) = take(total.saturating_sub(12))(rest)?;
    let (rest, _) = word(rest, *little)?;
    Ok((rest, (kind, body)))
}

/// What nom says of octets that are no packet.
type Unreadable<'a> = nom::Err<nom::error::Error<&'a [u8]>>;

/// What an interface description says: the link type, and how many ticks its clock makes a second.
#[derive(Clone, Copy, Debug)]
struct Interface {
    kind: u32,
    ticks: u64,
}

impl Default for Interface {
    fn default() -> Self {
        Self { kind: 1, ticks: 1_000_000 }
    }
}

/// Link type, reserved, snap length, options; option 9 is the clock's resolution, a power of ten, or of two where its
/// highest bit is set.
fn interface(body: &[u8], little: bool) -> Interface {
    let kind = half(body, little).map_or(0, |(_, link)| link.into());
    let mut options = body.get(8..).unwrap_or_default();
    let mut ticks = Interface::default().ticks;
    while let Ok((rest, code)) = half(options, little) {
        let Ok((rest, length)) = half(rest, little) else { break };
        let Ok((rest, value)) = octets(rest, usize::from(length).next_multiple_of(4)) else { break };
        if let (9, Some(resolution)) = (code, value.first()) {
            let power = u32::from(resolution & 0x7f);
            let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
            ticks = base.checked_pow(power).unwrap_or(ticks);
        }
        options = rest;
    }
    Interface { kind, ticks }
}

/// Interface, timestamp, captured length, original length, octets.
fn enhanced(body: &[u8], little: bool) -> Result<(u32, u64, &[u8]), Unreadable<'_>> {
    let (rest, link) = word(body, little)?;
    let (rest, high) = word(rest, little)?;
    let (rest, low) = word(rest, little)?;
    let (rest, captured) = word(rest, little)?;
    let (rest, _) = octets(rest, 4)?;
    let (_, packet) = take(captured)(rest)?;
    Ok((link, u64::from(high) << 32 | u64::from(low), packet))
}

fn octets(input: &[u8], n: usize) -> IResult<&[u8], &[u8]> {
    take(n)(input)
}

fn word(input: &[u8], little: bool) -> IResult<&[u8], u32> {
    if little { le_u32(input) } else { be_u32(input) }
}

fn half(input: &[u8], little: bool) -> IResult<&[u8], u16> {
    if little { le_u16(input) } else { be_u16(input) }
}

/// One direction of one connection.
#[derive(Debug, Default)]
struct Stream {
    next: Option<u32>,
    /// Segments that came before their turn, by their number.
    early: BTreeMap<u32, Vec<u8>>,
    octets: Vec<u8>,
    foreign: bool,
    spoken: bool,
}

#[derive(Debug, Default)]
struct Streams {
    all: HashMap<String, Stream>,
    order: Vec<String>,
    pieces: Vec<Piece>,
    /// When the packet that is being read was captured.
    at: Timestamp,
}

/// One TCP segment.
struct Segment<'a> {
    name: String,
    number: u32,
    syn: bool,
    payload: &'a [u8],
}

/// Segments that may wait for a lost one before it is given up.
const EARLY_MAX: usize = 1_000;

impl Streams {
    fn packet(&mut self, link: u32, packet: &[u8]) {
        let Ok((_, ip)) = network(packet, link) else { return };
        let Ok((_, segment)) = segment(ip) else { return };
        if !self.all.contains_key(&segment.name) {
            self.order.push(segment.name.clone());
        }
        let stream = self.all.entry(segment.name.clone()).or_default();
        stream.take(&segment);
        stream.speak(&segment.name, self.at, &mut self.pieces);
    }

    /// What was waited for will not come.
    fn end(mut self) -> Vec<Piece> {
        for name in &self.order {
            let Some(stream) = self.all.get_mut(name) else { continue };
            while stream.give_up() {
                stream.speak(name, self.at, &mut self.pieces);
            }
            if stream.spoken && !stream.octets.is_empty() {
                self.pieces.push(Piece {
                    octets: Err((std::mem::take(&mut stream.octets), "truncated")),
                    from: Some(name.clone()),
                    at: Some(self.at),
                });
            }
        }
        self.pieces
    }
}

impl Stream {
    fn take(&mut self, segment: &Segment<'_>) {
        if segment.syn {
            *self = Self { next: Some(segment.number.wrapping_add(1)), ..Self::default() };
            return;
        }
        if segment.payload.is_empty() || self.foreign {
            return;
        }
        self.early.entry(segment.number).or_insert_with(|| segment.payload.to_vec());
        self.next = self.next.or(Some(segment.number));
        self.advance();
        if self.early.len() > EARLY_MAX {
            self.give_up();
        }
    }

    /// Takes what is next, and leaves out what came twice.
    fn advance(&mut self) {
        while let Some(next) = self.next {
            let behind = |number: u32| next.wrapping_sub(number) < u32::MAX / 2;
            let Some(number) = self.early.keys().copied().find(|n| behind(*n)) else { break };
            let payload = self.early.remove(&number).unwrap_or_default();
            let seen = usize::try_from(next.wrapping_sub(number)).unwrap_or(usize::MAX);
            if let Some(new) = payload.get(seen..).filter(|new| !new.is_empty()) {
                self.octets.extend_from_slice(new);
                self.next = Some(next.wrapping_add(u32::try_from(new.len()).unwrap_or(0)));
            }
        }
    }

    /// Goes on behind a lost segment, as if a PDU began there.
    fn give_up(&mut self) -> bool {
        let Some(next) = self.next else { return false };
        let Some(number) = self.early.keys().copied().min_by_key(|n| n.wrapping_sub(next)) else { return false };
        self.octets.clear();
        self.next = Some(number);
        self.advance();
        true
    }

    fn speak(&mut self, name: &str, at: Timestamp, pieces: &mut Vec<Piece>) {
        let (from, at) = (Some(name.to_owned()), Some(at));
        loop {
            match frame(&self.octets, PDU_OCTETS_MAX) {
                Ok(Frame::Whole { header }) if self.spoken || is_smpp(header) => {
                    self.spoken = true;
                    let len = usize::try_from(header.command_length).unwrap_or(usize::MAX).min(self.octets.len());
                    let pdu = self.octets.drain(..len).collect();
                    pieces.push(Piece { octets: Ok(pdu), from: from.clone(), at });
                }
                Ok(Frame::Partial { .. }) => return,
                Err(_) if self.spoken => {
                    let rest = std::mem::take(&mut self.octets);
                    pieces.push(Piece { octets: Err((rest, "command_length")), from: from.clone(), at });
                    self.foreign = true;
                    return;
                }
                // The middle of a PDU that began before the capture, or no SMPP at all: the next segment may tell.
                Ok(Frame::Whole { .. }) | Err(_) => {
                    self.octets.clear();
                    return;
                }
            }
        }
    }
}

fn is_smpp(header: Header) -> bool {
    header.command_id.name().is_some()
}

/// The network layer's octets, by the capture's link type.
fn network(packet: &[u8], link: u32) -> IResult<&[u8], &[u8]> {
    let skip: usize = match link {
        // BSD loopback, and OpenBSD's.
        0 | 108 => 4,
        // Raw IP.
        12 | 14 | 101 | 228 | 229 => 0,
        // Linux cooked, versions 1 and 2.
        113 => 16,
        276 => 20,
        // Ethernet, with any number of VLAN tags.
        _ => {
            let (mut rest, _) = take(12_usize)(packet)?;
            loop {
                let (after, kind) = be_u16(rest)?;
                rest = after;
                if !matches!(kind, 0x8100 | 0x88a8 | 0x9100) {
                    return Ok((&[], rest));
                }
                let (after, _) = take(2_usize)(rest)?;
                rest = after;
            }
        }
    };
    let (rest, _) = take(skip)(packet)?;
    Ok((&[], rest))
}

/// IPv4 or IPv6 with TCP in it; fragments are left out.
fn segment(ip: &[u8]) -> IResult<&[u8], Segment<'_>> {
    let (_, version) = be_u8(ip)?;
    let (source, destination, tcp) = if version >> 4 == 4 {
        let head = usize::from(version & 0x0f) * 4;
        let (rest, fields) = take(20_usize)(ip)?;
        let (_, total) = be_u16(fields.get(2..).unwrap_or_default())?;
        let (_, fragment) = be_u16(fields.get(6..).unwrap_or_default())?;
        if fields.get(9) != Some(&6) || fragment & 0x3fff != 0 {
            return fails(rest);
        }
        let address =
            |at: usize| fields.get(at..at + 4).unwrap_or_default().iter().map(u8::to_string).collect::<Vec<_>>();
        // Where the network card cuts segments, the length is 0.
        let end = if total == 0 { ip.len() } else { usize::from(total).min(ip.len()) };
        (address(12).join("."), address(16).join("."), ip.get(head..end).unwrap_or_default())
    } else {
        let (rest, fields) = take(40_usize)(ip)?;
        if version >> 4 != 6 || fields.get(6) != Some(&6) {
            return fails(rest);
        }
        let (_, len) = be_u16(fields.get(4..).unwrap_or_default())?;
        let address = |at: usize| {
            let octets: Option<[u8; 16]> = fields.get(at..at + 16).and_then(|o| o.try_into().ok());
            format!("[{}]", std::net::Ipv6Addr::from(octets.unwrap_or_default()))
        };
        let len = if len == 0 { rest.len() } else { usize::from(len) };
        (address(8), address(24), rest.get(..len.min(rest.len())).unwrap_or_default())
    };
    let (rest, (from, to, number, _, offset, flags)) = (be_u16, be_u16, be_u32, be_u32, be_u8, be_u8).parse(tcp)?;
    let payload = tcp.get(usize::from(offset >> 4) * 4..).unwrap_or_default();
    let name = format!("{source}:{from}>{destination}:{to}");
    Ok((rest, Segment { name, number, syn: flags & 0x02 != 0, payload }))
}

fn fails<T>(input: &[u8]) -> IResult<&[u8], T> {
    Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENQUIRE: [u8; 16] = [0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 7];

    fn packet(number: u32, payload: &[u8]) -> Vec<u8> {
        let mut ip = vec![0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        ip.extend([0x9c, 0x40, 0x0a, 0xd7]);
        ip.extend(number.to_be_bytes());
        ip.extend([0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0]);
        ip.extend(payload);
        let total = u16::try_from(ip.len()).unwrap().to_be_bytes();
        ip[2..4].copy_from_slice(&total);
        let mut packet = vec![0; 8];
        packet.extend(u32::try_from(ip.len()).unwrap().to_le_bytes());
        packet.extend([0; 4]);
        packet.extend(ip);
        packet
    }

    fn capture(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
        file.extend([101, 0, 0, 0]);
        file.extend(packets.concat());
        file
    }

    #[test]
    fn a_stream_is_put_together_whatever_order_its_segments_have() {
        let two = [ENQUIRE, ENQUIRE].concat();
        let file = capture(&[
            packet(100, &two[..10]),
            packet(120, &two[20..]),
            packet(100, &two[..10]),
            packet(110, &two[10..20]),
        ]);
        let pieces = pieces(&file).unwrap().unwrap();
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(|p| p.octets == Ok(ENQUIRE.to_vec())));
        assert_eq!(pieces[0].from.as_deref(), Some("10.0.0.1:40000>10.0.0.2:2775"));
    }

    #[test]
    fn a_lost_segment_costs_its_pdu_only() {
        let file = capture(&[packet(100, &ENQUIRE), packet(116, &ENQUIRE[..8]), packet(132, &ENQUIRE)]);
        let pieces = pieces(&file).unwrap().unwrap();
        assert_eq!(pieces.iter().filter(|p| p.octets == Ok(ENQUIRE.to_vec())).count(), 2);
    }

    #[test]
    fn what_is_not_smpp_is_left_out() {
        let file = capture(&[packet(1, b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")]);
        assert_eq!(pieces(&file).unwrap().unwrap(), []);
        assert!(pieces(b"00000010").is_none());
    }

    #[test]
    fn octets_that_are_no_pdu_say_why() {
        assert_eq!(pdus(&ENQUIRE[..9], None)[0].octets, Err((ENQUIRE[..9].to_vec(), "truncated")));
        assert_eq!(pdus(&[0, 0, 0, 3, 0, 0], None)[0].octets.as_ref().unwrap_err().1, "command_length");
    }
}
