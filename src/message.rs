//! [`Message`]: the one value that flows on. Rules, verdict and audit see a message only through it.

use std::net::IpAddr;

use crate::text::{Reading, number::Country, number::Number};
use crate::time::Timestamp;
use crate::wire::command::{CommandId, DataCoding, EsmClass, Ton};

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
#[derive(Clone, Copy, Debug)]
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
    /// How many parts the whole message has: 1 unless a UDH or SAR TLVs say more.
    pub parts: u8,
    /// When it is judged.
    pub now: Timestamp,
    /// When it reaches the subscriber: schedule_delivery_time, else `now`.
    pub delivery: Timestamp,
    /// Its text, as the subscriber would read it.
    pub reading: &'a Reading,
}
