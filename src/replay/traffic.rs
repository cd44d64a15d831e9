//! Requests by session and time, out of whatever they were recorded in.

use std::collections::HashMap;

use crate::message::Direction;
use crate::session::Leg;
use crate::sim::corpus::Letter;
use crate::time::Timestamp;
use crate::wire::body::{self, Body, Parsed};
use crate::wire::capture::Piece;
use crate::wire::command::{CommandId, InterfaceVersion, RegisteredDelivery};
use crate::wire::encode as wire;
use crate::wire::frame::{self, HEADER_OCTETS};

/// What is said of traffic that does not say it itself.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// The account of what names none.
    pub account: String,
    /// Which way everything goes; as each request says when none.
    pub direction: Option<Direction>,
    /// When what has no time came.
    pub at: Timestamp,
}

/// One request of a session.
#[derive(Clone, Copy, Debug)]
pub struct Request<'t> {
    /// When it came.
    pub at: Timestamp,
    /// Who sent it.
    pub leg: Leg,
    /// Its octets.
    pub pdu: &'t [u8],
}

/// What recordings hold beside requests to replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Answers, binds and what else keeps a session going.
    pub other: usize,
    /// Octets that are no PDU.
    pub no_pdu: usize,
}

/// See the [module documentation](super).
#[derive(Debug, Default)]
pub struct Traffic {
    octets: Vec<u8>,
    requests: Vec<Stored>,
    sessions: Vec<Session>,
    by_name: HashMap<(String, usize), u32>,
    accounts: HashMap<String, usize>,
    /// What was left out.
    pub left_out: LeftOut,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    at: Timestamp,
    session: u32,
    leg: Leg,
    start: usize,
    len: usize,
}

/// What is known of a session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) account: String,
    pub(super) version: InterfaceVersion,
    lane: usize,
}

/// Sessions that one account of a corpus is spread over.
const SHARDS: usize = 16;
/// One for recordings, and the shards of a corpus.
const LANES_OF_ACCOUNT: usize = 1 + SHARDS;

impl Traffic {
    /// How many requests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// A request by its number.
    #[must_use]
    pub fn request(&self, number: u32) -> Option<Request<'_>> {
        let one = self.requests.get(usize::try_from(number).ok()?)?;
        Some(Request { at: one.at, leg: one.leg, pdu: self.octets.get(one.start..one.start + one.len)? })
    }

    pub(super) fn session_of(&self, number: u32) -> Option<(u32, &Session)> {
        let one = self.requests.get(usize::try_from(number).ok()?)?;
        Some((one.session, self.sessions.get(usize::try_from(one.session).ok()?)?))
    }

    /// The account of a request.
    #[must_use]
    pub fn account(&self, number: u32) -> &str {
        self.session_of(number).map_or("", |(_, session)| &session.account)
    }

    /// Numbers of requests that must be played in this order; what stands in another lane cannot meet them.
    #[must_use]
    pub fn lanes(&self) -> Vec<Vec<u32>> {
        let mut lanes: Vec<Vec<u32>> = Vec::new();
        for (number, one) in (0..).zip(&self.requests) {
            let session = usize::try_from(one.session).ok().and_then(|n| self.sessions.get(n));
            let lane = session.map_or(0, |s| s.lane);
            if lanes.len() <= lane {
                lanes.resize_with(lane + 1, Vec::new);
            }
            lanes.get_mut(lane).into_iter().for_each(|l| l.push(number));
        }
        let at = |number: &u32| self.request(*number).map(|r| r.at);
        // The sort is stable: what came at one time stays in the order in which it was read.
        lanes.iter_mut().for_each(|lane| lane.sort_by_key(at));
        lanes.retain(|lane| !lane.is_empty());
        lanes
    }

    /// Adds the messages of a corpus, as submit_sm and deliver_sm.
    pub fn add_letters(&mut self, letters: &[Letter], defaults: &Defaults) {
        let mut pdu = Vec::new();
        for (n, letter) in letters.iter().enumerate() {
            let mo = defaults.direction.map_or(letter.mo, |d| d == Direction::Mo);
            let (command, leg) =
                if mo { (CommandId::DELIVER_SM, Leg::Smsc) } else { (CommandId::SUBMIT_SM, Leg::Esme) };
            pdu.clear();
            wire::sm(&mut pdu, command, 1, &letter.sm(RegisteredDelivery(0)));
            let account = if letter.account.is_empty() { &defaults.account } else { &letter.account };
            let session = self.session("corpus", 1 + shard(&letter.to, n), account, InterfaceVersion::V3_4);
            self.push(session, leg, defaults.at, &pdu);
        }
    }

    /// Adds the PDUs of a pcap, or of lines. Those of a pcap belong to the account whose bind was seen on their connection;
    /// lines are one connection.
    pub fn add_pieces(&mut self, file: &str, pieces: &[Piece], defaults: &Defaults) {
        let esmes = esmes(pieces);
        let mut binds: HashMap<String, (String, InterfaceVersion)> = HashMap::new();
        for piece in pieces {
            let Ok(pdu) = &piece.octets else {
                self.left_out.no_pdu += 1;
                continue;
            };
            let at = piece.at.unwrap_or(defaults.at);
            let (connection, sent_by) = match piece.from.as_deref().and_then(|f| f.split_once('>')) {
                Some((from, to)) => {
                    let connection = if from < to { format!("{from}>{to}") } else { format!("{to}>{from}") };
                    let leg = esmes.get(&connection).map(|e| if e == from { Leg::Esme } else { Leg::Smsc });
                    (connection, leg)
                }
                None => (String::new(), None),
            };
            let leg = match defaults.direction {
                Some(Direction::Mo) => Leg::Smsc,
                Some(Direction::Mt) => Leg::Esme,
                None => sent_by.unwrap_or_else(|| sender(pdu).unwrap_or(Leg::Esme)),
            };
            if let Some((account, version)) = bind(pdu) {
                binds.insert(connection, (account, version));
                self.left_out.other += 1;
                continue;
            }
            let (account, version) = binds
                .get(&connection)
                .map_or((defaults.account.as_str(), InterfaceVersion::V3_4), |(account, v)| (account, *v));
            let session = self.session(&format!("{file}\0{connection}"), 0, account, version);
            self.add(session, leg, at, pdu);
        }
    }

    /// Adds one PDU of a session that is named.
    pub fn add_pdu(&mut self, name: &str, account: &str, leg: Leg, at: Timestamp, pdu: &[u8]) {
        let name = format!("captured\0{name}");
        let session = self.session(&name, 0, account, InterfaceVersion::V3_4);
        if let Some((_, version)) = bind(pdu)
            && let Some(session) = usize::try_from(session).ok().and_then(|n| self.sessions.get_mut(n))
        {
            session.version = version;
        }
        self.add(session, leg, at, pdu);
    }

    fn add(&mut self, session: u32, leg: Leg, at: Timestamp, pdu: &[u8]) {
        if frame::header(pdu).is_some_and(|h| is_replayed(h.command_id)) {
            self.push(session, leg, at, pdu);
        } else {
            self.left_out.other += 1;
        }
    }

    fn push(&mut self, session: u32, leg: Leg, at: Timestamp, pdu: &[u8]) {
        let start = self.octets.len();
        self.octets.extend_from_slice(pdu);
        self.requests.push(Stored { at, session, leg, start, len: pdu.len() });
    }

    /// The session of a name, which plays in the lane of its account and shard.
    fn session(&mut self, name: &str, shard: usize, account: &str, version: InterfaceVersion) -> u32 {
        if let Some(known) = self.by_name.get(&(format!("{name}\0{account}"), shard)) {
            return *known;
        }
        let accounts = self.accounts.len();
        let of_account = *self.accounts.entry(account.to_owned()).or_insert(accounts);
        let number = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        self.sessions.push(Session {
            account: account.to_owned(),
            version,
            lane: of_account * LANES_OF_ACCOUNT + shard,
        });
        self.by_name.insert((format!("{name}\0{account}"), shard), number);
        number
    }
}

/// Whom a message goes to, as one of the shards; what names nobody is nobody's neighbour. National and international
/// numbers end alike.
fn shard(recipient: &str, number: usize) -> usize {
    if recipient.is_empty() {
        return number % SHARDS;
    }
    let end: Vec<u8> = recipient.bytes().rev().take(6).collect();
    blake3::hash(&end).as_bytes().first().map_or(0, |first| usize::from(*first) % SHARDS)
}

/// Which end of each connection is the ESME: the one that binds, or sends what only an ESME sends.
fn esmes(pieces: &[Piece]) -> HashMap<String, String> {
    let mut esmes = HashMap::new();
    for piece in pieces {
        let Some((from, to)) = piece.from.as_deref().and_then(|f| f.split_once('>')) else { continue };
        let Some(leg) = piece.octets.as_ref().ok().and_then(|pdu| sender(pdu)) else { continue };
        let connection = if from < to { format!("{from}>{to}") } else { format!("{to}>{from}") };
        let esme = if leg == Leg::Esme { from } else { to };
        esmes.entry(connection).or_insert_with(|| esme.to_owned());
    }
    esmes
}

/// Who sends such a PDU, where only one side does.
fn sender(pdu: &[u8]) -> Option<Leg> {
    use CommandId as C;
    match frame::header(pdu)?.command_id {
        C::BIND_RECEIVER | C::BIND_TRANSMITTER | C::BIND_TRANSCEIVER | C::SUBMIT_SM | C::SUBMIT_MULTI => {
            Some(Leg::Esme)
        }
        C::QUERY_SM | C::CANCEL_SM | C::REPLACE_SM | C::BROADCAST_SM | C::DELIVER_SM_RESP => Some(Leg::Esme),
        C::DELIVER_SM | C::SUBMIT_SM_RESP | C::SUBMIT_MULTI_RESP | C::OUTBIND | C::ALERT_NOTIFICATION => {
            Some(Leg::Smsc)
        }
        C::BIND_RECEIVER_RESP | C::BIND_TRANSMITTER_RESP | C::BIND_TRANSCEIVER_RESP => Some(Leg::Smsc),
        _ => None,
    }
}

/// Whose bind it is, and by which version.
fn bind(pdu: &[u8]) -> Option<(String, InterfaceVersion)> {
    match body::parse(pdu) {
        Parsed::Understood(_, Body::Bind(bind)) => {
            Some((String::from_utf8_lossy(bind.system_id).into_owned(), bind.interface_version))
        }
        _ => None,
    }
}

/// Whether a gate has something to say of such a PDU once its session is bound.
fn is_replayed(command: CommandId) -> bool {
    use CommandId as C;
    !command.is_response()
        && !matches!(command, C::BIND_RECEIVER | C::BIND_TRANSMITTER | C::BIND_TRANSCEIVER | C::UNBIND)
        && !matches!(command, C::OUTBIND | C::ALERT_NOTIFICATION | C::ENQUIRE_LINK)
}

/// Sets the number of a PDU.
pub(super) fn renumber(pdu: &mut [u8], sequence_number: u32) {
    if let Some(field) = pdu.get_mut(HEADER_OCTETS - 4..HEADER_OCTETS) {
        field.copy_from_slice(&sequence_number.to_be_bytes());
    }
}
