//! [`Message`]: the one value that flows on. Rules, verdict and audit see a message only through it.

use std::net::IpAddr;

use crate::text::concat::{self, Part, Piece};
use crate::text::number::{Country, Number};
use crate::text::{Alphabet, Anomaly, ReadContext, Reading, UserData, decode};
use crate::time::{Timestamp, smpp_time};
use crate::wire::body::{Address, BroadcastSm, DataSm, ReplaceSm, Sm, SubmitMulti};
use crate::wire::command::{CommandId, DataCoding, EsmClass, Npi, Tag, Ton};
use crate::wire::tlv::Tlvs;

/// Which way a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Mobile terminated: from an ESME towards a subscriber.
    Mt,
    /// Mobile originated: from the SMSC towards an ESME.
    Mo,
}

impl Direction {
    /// `mt` or `mo`, as in YAML, metrics and journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mt => "mt",
            Self::Mo => "mo",
        }
    }
}

/// What an address is, whatever its type of number claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartyKind {
    /// A name: TON 5, or anything with a letter in it.
    Alphanumeric,
    /// A subscriber number.
    Number,
    /// Three to seven digits that are no international number.
    ShortCode,
    /// No address: the SMSC fills in its default.
    Empty,
}

impl PartyKind {
    /// The name in YAML and journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Alphanumeric => "alphanumeric",
            Self::Number => "number",
            Self::ShortCode => "short_code",
            Self::Empty => "empty",
        }
    }
}

/// One end of a message: its source or its destination address.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// What the address is.
    pub kind: PartyKind,
    /// The address as written (octets that are not UTF-8 read as Latin-1 upstream of here).
    pub id: &'a str,
    /// The international number, when `kind` is `Number` and it could be resolved.
    pub number: Option<Number>,
}

impl<'a> Party<'a> {
    /// Reads an address by its type of number; `Ton::UNKNOWN` is judged by its look. `home` is the country that
    /// national numbers belong to.
    #[must_use]
    pub fn new(ton: Ton, id: &'a str, home: Option<Country>) -> Self {
        let digits = id.strip_prefix('+').unwrap_or(id);
        let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let kind = if id.is_empty() {
            PartyKind::Empty
        } else if ton == Ton::ALPHANUMERIC || !numeric {
            PartyKind::Alphanumeric
        } else if digits.len() == id.len() && digits.len() <= 7 && ton != Ton::INTERNATIONAL {
            PartyKind::ShortCode
        } else {
            PartyKind::Number
        };
        let number = if kind == PartyKind::Number { Number::resolve(ton, id, home) } else { None };
        Self { kind, id, number }
    }

    /// The country of the number, when it is one and could be resolved.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        self.number.and_then(|n| n.country())
    }
}

/// What policy knows of the account (system_id) that a message came through or goes to.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountFacts<'a> {
    /// The system_id of the accepted bind.
    pub id: &'a str,
    /// Its class in the policy's `accounts:`.
    pub class: Option<&'a str>,
    /// The country its national numbers belong to.
    pub home: Option<Country>,
}

/// A message as rules see it: one destination of one PDU, its text read.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Which way it travels.
    pub direction: Direction,
    /// The request that carries it.
    pub operation: CommandId,
    /// The account it belongs to.
    pub account: AccountFacts<'a>,
    /// The ESME's address.
    pub peer: Option<IpAddr>,
    /// Who claims to send it.
    pub sender: Party<'a>,
    /// Who shall get it.
    pub recipient: Party<'a>,
    /// The coding its PDU names; none for operations that have no such field (replace_sm).
    pub data_coding: Option<DataCoding>,
    /// Its esm_class.
    pub esm_class: EsmClass,
    /// Its protocol_id; none for operations that have no such field.
    pub protocol_id: Option<u8>,
    /// Its message class: 0 is shown at once and kept nowhere.
    pub class: Option<u8>,
    /// How many parts the whole message has: 1 unless a UDH or SAR TLVs say more.
    pub parts: u8,
    /// Whether the text is that of the whole message: parts may be missing.
    pub complete: bool,
    /// When it is judged.
    pub now: Timestamp,
    /// When it reaches the subscriber: schedule_delivery_time, else `now`.
    pub delivery: Timestamp,
    /// Tags of the optional parameters of vendors that it carries.
    pub vendor_tlvs: &'a [Tag],
    /// Its text, as the subscriber would read it.
    pub reading: &'a Reading,
}

/// A message as read from its PDU: the buffers that a [`Message`] borrows from, reused from message to message.
#[derive(Debug, Default)]
pub struct Envelope {
    operation: Option<CommandId>,
    source_ton: Ton,
    source: String,
    destination_ton: Ton,
    destination: String,
    /// Whose national numbers these are, and what the addresses are then.
    home: Option<Country>,
    sender: Known,
    recipient: Known,
    data_coding: Option<DataCoding>,
    esm_class: EsmClass,
    protocol_id: Option<u8>,
    class: Option<u8>,
    several: bool,
    parts: u8,
    part: Option<Part>,
    complete: bool,
    delivery: Option<Timestamp>,
    vendor_tlvs: Vec<Tag>,
    reading: Reading,
    read_context: ReadContext,
}

/// What an address turned out to be.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    kind: Option<PartyKind>,
    number: Option<Number>,
}

impl Known {
    fn of(ton: Ton, id: &str, home: Option<Country>) -> Self {
        let Party { kind, number, .. } = Party::new(ton, id, home);
        Self { kind: Some(kind), number }
    }
}

/// How an envelope is read: what the account's policy says of its texts and numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadAs {
    /// What data_coding 0 means.
    pub alphabet: Alphabet,
    /// The country of national numbers.
    pub home: Option<Country>,
    /// When it is judged, for relative delivery times.
    pub now: Timestamp,
    /// Nobody asks for the text: it is read only where something may be wrong with it.
    pub unasked: bool,
}

impl Envelope {
    /// Reads a submit_sm or deliver_sm.
    pub fn read_sm(&mut self, operation: CommandId, sm: &Sm<'_>, read_as: ReadAs) {
        self.start(operation, &sm.source, Some(&sm.destination), read_as.home);
        self.delivery = smpp_time(sm.schedule_delivery_time, read_as.now);
        self.protocol_id = Some(sm.protocol_id);
        self.read_text(sm.short_message, &sm.tlvs, sm.data_coding, sm.esm_class, read_as);
    }

    /// Reads a data_sm.
    pub fn read_data_sm(&mut self, sm: &DataSm<'_>, read_as: ReadAs) {
        self.start(CommandId::DATA_SM, &sm.source, Some(&sm.destination), read_as.home);
        self.read_text(&[], &sm.tlvs, sm.data_coding, sm.esm_class, read_as);
    }

    /// Reads a submit_multi, all but its destinations: [`Envelope::set_destination`] sets them one by one.
    pub fn read_submit_multi(&mut self, sm: &SubmitMulti<'_>, read_as: ReadAs) {
        self.start(CommandId::SUBMIT_MULTI, &sm.source, None, read_as.home);
        self.delivery = smpp_time(sm.schedule_delivery_time, read_as.now);
        self.protocol_id = Some(sm.protocol_id);
        self.read_text(sm.short_message, &sm.tlvs, sm.data_coding, sm.esm_class, read_as);
    }

    /// Reads a replace_sm, whose text has no data_coding of its own: `data_coding` is the original's, or a guess.
    pub fn read_replace_sm(&mut self, sm: &ReplaceSm<'_>, data_coding: DataCoding, read_as: ReadAs) {
        self.start(CommandId::REPLACE_SM, &sm.source, None, read_as.home);
        self.delivery = smpp_time(sm.schedule_delivery_time, read_as.now);
        self.read_text(sm.short_message, &sm.tlvs, data_coding, EsmClass(0), read_as);
        self.data_coding = None;
    }

    /// Reads a broadcast_sm: it has no destination address, whoever is in the area gets it.
    pub fn read_broadcast_sm(&mut self, sm: &BroadcastSm<'_>, read_as: ReadAs) {
        self.start(CommandId::BROADCAST_SM, &sm.source, None, read_as.home);
        self.read_text(&[], &sm.tlvs, sm.data_coding, EsmClass(0), read_as);
    }

    /// Reads nothing: the PDU could not be understood.
    pub fn read_nothing(&mut self, operation: CommandId) {
        let nobody = Address { ton: Ton::UNKNOWN, npi: Npi(0), address: &[] };
        self.start(operation, &nobody, None, None);
        self.reading.read(&[], &ReadContext::default());
    }

    /// Whether its text is longer than what is judged.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.reading.is_cut()
    }

    /// Which part of a longer message it is.
    #[must_use]
    pub fn part(&self) -> Option<Part> {
        self.part
    }

    /// Names who sends it to whom, whatever types of number are written: what the parts of one message share.
    #[must_use]
    pub fn ends(&self, direction: Direction, home: Option<Country>) -> u128 {
        let source = Party::new(self.source_ton, &self.source, home);
        let destination = Party::new(self.destination_ton, &self.destination, home);
        let name = |party: &Party<'_>| match &party.number {
            Some(number) => number.digits().to_owned(),
            None => party.id.trim_start_matches('+').to_owned(),
        };
        concat::digest(&[direction.name().as_bytes(), name(&source).as_bytes(), name(&destination).as_bytes()])
    }

    /// Replaces the text by that of all parts that are there; everything else stays this part's.
    pub fn read_parts(&mut self, parts: &[UserData<'_>], complete: bool) {
        self.reading.read_parts(parts, &self.read_context);
        self.note_several();
        self.complete = complete;
    }

    /// Replaces the text by that of several messages, with a line feed between them or without.
    pub fn read_joined(&mut self, texts: &[UserData<'_>], apart: bool) {
        if apart {
            self.reading.read(texts, &self.read_context);
        } else {
            self.reading.read_parts(texts, &self.read_context);
        }
        self.note_several();
    }

    /// Reading anew forgets what its octets do not show.
    fn note_several(&mut self) {
        if self.several {
            self.reading.note(Anomaly::SeveralTexts);
        }
    }

    /// Who a message says that it is from, before anything else of it is read.
    pub fn read_sender(&mut self, source: &Address<'_>, home: Option<Country>) -> Party<'_> {
        self.home = home;
        self.set_source(source);
        self.party(self.source_ton, &self.source, self.sender, home)
    }

    /// Sets the source.
    pub fn set_source(&mut self, source: &Address<'_>) {
        self.source_ton = source.ton;
        fill(&mut self.source, source.address);
        self.sender = Known::of(source.ton, &self.source, self.home);
    }

    /// Sets the destination.
    pub fn set_destination(&mut self, destination: &Address<'_>) {
        self.destination_ton = destination.ton;
        fill(&mut self.destination, destination.address);
        self.recipient = Known::of(destination.ton, &self.destination, self.home);
    }

    /// The message as rules see it.
    #[must_use]
    pub fn message<'a>(
        &'a self,
        direction: Direction,
        account: AccountFacts<'a>,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Message<'a> {
        Message {
            direction,
            operation: self.operation.unwrap_or(CommandId::SUBMIT_SM),
            account,
            peer,
            sender: self.party(self.source_ton, &self.source, self.sender, account.home),
            recipient: self.party(self.destination_ton, &self.destination, self.recipient, account.home),
            data_coding: self.data_coding,
            esm_class: self.esm_class,
            protocol_id: self.protocol_id,
            class: self.class,
            parts: self.parts,
            complete: self.complete,
            now,
            delivery: self.delivery.unwrap_or(now),
            vendor_tlvs: &self.vendor_tlvs,
            reading: &self.reading,
        }
    }

    /// The country of the destination; national ones belong to `home`.
    #[must_use]
    pub fn recipient_country(&self, home: Option<Country>) -> Option<Country> {
        self.party(self.destination_ton, &self.destination, self.recipient, home).country()
    }

    /// A party of the message as it was read, or anew when its numbers are another country's.
    fn party<'a>(&self, ton: Ton, id: &'a str, known: Known, home: Option<Country>) -> Party<'a> {
        match known.kind {
            Some(kind) if home == self.home => Party { kind, id, number: known.number },
            _ => Party::new(ton, id, home),
        }
    }

    fn start(
        &mut self,
        operation: CommandId,
        source: &Address<'_>,
        destination: Option<&Address<'_>>,
        home: Option<Country>,
    ) {
        self.operation = Some(operation);
        self.source_ton = source.ton;
        fill(&mut self.source, source.address);
        self.destination_ton = destination.map_or(Ton::UNKNOWN, |d| d.ton);
        fill(&mut self.destination, destination.map_or(&[], |d| d.address));
        self.home = home;
        self.sender = Known::of(self.source_ton, &self.source, home);
        self.recipient = Known::of(self.destination_ton, &self.destination, home);
        self.delivery = None;
        self.data_coding = None;
        self.esm_class = EsmClass(0);
        (self.protocol_id, self.class, self.several) = (None, None, false);
        self.vendor_tlvs.clear();
        self.parts = 1;
        (self.part, self.complete) = (None, true);
    }

    /// Every place that a text can stand in is read: senders fill the one that a filter does not look at.
    fn read_text(
        &mut self,
        short_message: &[u8],
        tlvs: &Tlvs<'_>,
        data_coding: DataCoding,
        esm_class: EsmClass,
        read_as: ReadAs,
    ) {
        self.data_coding = Some(data_coding);
        self.esm_class = esm_class;
        // A national number in a text is dialled where the text is read.
        let home = self.recipient_country(read_as.home).or(read_as.home);
        let of_vendors = tlvs.iter().map(|t| t.tag).filter(|tag| VENDOR_TAGS.contains(&tag.0));
        self.vendor_tlvs.extend(of_vendors.take(VENDOR_TLVS_MAX));
        let port = |tag| tlvs.get(tag).and_then(|value| value.first_chunk()).map(|port| u16::from_be_bytes(*port));
        self.read_context = ReadContext {
            alphabet: read_as.alphabet,
            home,
            protocol_id: self.protocol_id.unwrap_or(0),
            ports: port(Tag::DESTINATION_PORT).map(|to| (to, port(Tag::SOURCE_PORT).unwrap_or(0))),
        };
        // A class can also be named as the part of the handset that gets the message (SMPP 3.4 §5.3.2.1).
        self.class = decode::message_class(data_coding).or(match tlvs.get(Tag::DEST_ADDR_SUBUNIT) {
            Some([subunit @ 1..=4]) => Some(subunit - 1),
            _ => None,
        });
        let (all, count) = user_data(short_message, tlvs, data_coding, esm_class);
        let all = all.get(..count).unwrap_or_default();
        if read_as.unasked && Part::of(None, tlvs).is_none() && decode::is_surely_readable(all, read_as.alphabet) {
            self.reading.leave_unread();
        } else {
            self.reading.read(all, &self.read_context);
        }
        self.several = count > 1;
        self.note_several();
        let by_udh = self.reading.udh().and_then(|udh| udh.concat);
        self.part = Part::of(by_udh, tlvs);
        self.complete = self.part.is_none();
        let by_sar = match tlvs.get(Tag::SAR_TOTAL_SEGMENTS) {
            Some([total]) => Some(*total),
            _ => None,
        };
        self.parts = by_udh.map(|c| c.total).or(by_sar).unwrap_or(1).max(1);
    }
}

/// Tags that the standard leaves to vendors (SMPP 3.4 §5.3.2).
const VENDOR_TAGS: std::ops::RangeInclusive<u16> = 0x1400..=0x3fff;
/// Of which so many are remembered.
const VENDOR_TLVS_MAX: usize = 16;

/// Places of one PDU that are read; what a sender repeats more often is for nobody to see.
const PLACES_MAX: usize = 4;

/// What of a PDU carries text: its short_message, and every message_payload it has.
pub(crate) fn user_data<'a>(
    short_message: &'a [u8],
    tlvs: &Tlvs<'a>,
    data_coding: DataCoding,
    esm_class: EsmClass,
) -> ([UserData<'a>; PLACES_MAX], usize) {
    let udhi = esm_class.udhi();
    let mut all = [UserData { octets: &[], data_coding, udhi }; PLACES_MAX];
    let payloads = tlvs.iter().filter(|t| t.tag == Tag::MESSAGE_PAYLOAD).map(|t| t.value);
    let filled = std::iter::once(short_message).chain(payloads).filter(|octets| !octets.is_empty());
    let mut count = 0;
    for (place, octets) in all.iter_mut().zip(filled) {
        place.octets = octets;
        count += 1;
    }
    (all, count)
}

/// Whether the text of a submit_sm or deliver_sm can be read for certain, whole, and is no part of a longer one.
pub(crate) fn is_surely_readable(sm: &Sm<'_>, alphabet: Alphabet) -> bool {
    let (all, count) = user_data(sm.short_message, &sm.tlvs, sm.data_coding, sm.esm_class);
    Part::of(None, &sm.tlvs).is_none() && decode::is_surely_readable(all.get(..count).unwrap_or_default(), alphabet)
}

/// What of a PDU carries text, to outlive it.
#[must_use]
pub fn pieces(short_message: &[u8], tlvs: &Tlvs<'_>, data_coding: DataCoding, esm_class: EsmClass) -> Vec<Piece> {
    let (all, count) = user_data(short_message, tlvs, data_coding, esm_class);
    all.into_iter().take(count).map(Piece::from).collect()
}

/// Octets of an address as text: they are ASCII by the standard; what is not is read as Latin-1, so that it stays
/// visible.
fn fill(text: &mut String, octets: &[u8]) {
    text.clear();
    match std::str::from_utf8(octets) {
        Ok(ascii) => text.push_str(ascii),
        Err(_) => text.extend(octets.iter().map(|b| char::from(*b))),
    }
}
