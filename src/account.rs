//! What the binds of one account share: its SMSC, the receipts it is owed, the parts of longer messages, and the
//! messages that Tapis tagged or swallowed, which their receipts, queries and cancels must find again.
//!
//! It is a room apart because it is the only state that outlives a session and the only place of the core with locks.
//! They are small, and taken only on a bind, an unbind, for parts, and for a message that was tagged or swallowed: an
//! account without any of those answers [`Account::remembers_nothing`] from one atomic, so the passing path never takes
//! one.
//!
//! Bounds: at most [`limits::REMEMBERED_MAX`] messages over all accounts, each for [`REMEMBERED_FOR`]; the oldest go
//! first. A receipt that misses its message passes unchanged.

mod lately;
mod parts;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use lately::{Lately, PASSED_MAX};
pub use parts::{Fate, Incoming, Keeping};

use crate::limits;
use crate::reputation::{self, Reputation};
use crate::text::concat::Assembly;
use crate::time::Timestamp;

/// How long a tagged or swallowed message is remembered: longer than SMSCs keep trying to deliver.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(4 * 24 * 3600);

/// Receipts kept for an account that has no receiving bind.
const OWED_MAX: usize = 10_000;

/// Tagged messages of one account whose message_id is not known yet.
const UNANSWERED_MAX: usize = 10_000;

/// Names one proxied session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// Names an SMSC by its place in the configured list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SmscId(pub u16);

/// An SMPP address that outlives its PDU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAddress {
    /// Type of number.
    pub ton: u8,
    /// Numbering plan indicator.
    pub npi: u8,
    /// The address octets, without the NUL.
    pub address: Vec<u8>,
}

/// Why a message is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Why {
    /// It went on under another source address.
    Tagged {
        /// The source address that the ESME gave it.
        source: StoredAddress,
        /// The one that the SMSC saw.
        shown: StoredAddress,
    },
    /// It was accepted and went nowhere: its message_id is ours.
    Swallowed {
        /// The source address that the ESME gave it.
        source: StoredAddress,
    },
}

/// A tagged or swallowed message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Why, and under which addresses.
    pub why: Why,
    /// Where it was to go.
    pub destination: StoredAddress,
    /// Its data_coding.
    pub data_coding: u8,
    /// When it was judged, µs since the Unix epoch.
    pub at: u64,
    /// The session that it came through.
    pub session: u64,
    /// The number of its decision in that session.
    pub decision: u64,
}

/// A receipt that Tapis owes an account for a message it swallowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedReceipt {
    /// The message_id that the submit was answered with.
    pub message_id: Vec<u8>,
    /// Where the message was to go: the receipt's source.
    pub destination: StoredAddress,
    /// Who sent it: the receipt's destination.
    pub source: StoredAddress,
    /// When it was submitted.
    pub submitted: Timestamp,
}

/// Everything that sessions share.
#[derive(Debug)]
pub struct Memory {
    /// Who sends what, how often, to how many, and how it ended.
    pub reputation: Reputation,
    lately: Lately,
    accounts: Mutex<HashMap<Box<str>, Arc<Account>>>,
    shared: Arc<Tally>,
}

/// Counts over all accounts.
#[derive(Debug, Default)]
struct Tally {
    remembered: AtomicUsize,
    changes: AtomicU64,
    next_message_id: AtomicU64,
    parts: AtomicUsize,
}

/// What the binds of one system_id share.
#[derive(Debug)]
pub struct Account {
    id: Box<str>,
    remembered: AtomicUsize,
    owed: AtomicUsize,
    shared: Mutex<Shared>,
    parts: Mutex<Assembly<Arc<Fate>>>,
    tally: Arc<Tally>,
}

#[derive(Debug, Default)]
struct Shared {
    smsc: Option<SmscId>,
    binds: Vec<(SessionId, bool)>,
    owed: VecDeque<OwedReceipt>,
    by_message_id: HashMap<Box<[u8]>, Remembered>,
    order: VecDeque<Box<[u8]>>,
    unanswered: VecDeque<(SessionId, u64, Remembered)>,
}

impl Memory {
    /// A memory whose message_ids start at `seed`, so that they differ from those of an earlier run. It has watched for no
    /// time yet, and never will have: ages are unknown.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Reputation::new(reputation::Settings::default(), Timestamp(u64::MAX)), PASSED_MAX)
    }

    /// The same with what is remembered of senders, and room for so many messages that passed lately.
    #[must_use]
    pub fn with(seed: u64, reputation: Reputation, passed_max: usize) -> Self {
        let shared = Arc::new(Tally { next_message_id: AtomicU64::new(seed), ..Tally::default() });
        let lately = Lately::new(reputation.settings().secret, passed_max);
        Self { reputation, lately, accounts: Mutex::default(), shared }
    }

    /// What happened lately, message by message.
    #[must_use]
    pub fn lately(&self) -> &Lately {
        &self.lately
    }

    /// The SMSC that the account's live binds use.
    #[must_use]
    pub fn smsc_of(&self, account: &str) -> Option<SmscId> {
        let account = lock(&self.accounts).get(account).cloned()?;
        let shared = lock(&account.shared);
        if shared.binds.is_empty() { None } else { shared.smsc }
    }

    /// A bind of `account` was accepted on `smsc`.
    pub fn join(&self, account: &str, session: SessionId, receives: bool, smsc: SmscId) -> Arc<Account> {
        let account = self.account(account);
        let mut shared = lock(&account.shared);
        shared.binds.retain(|(s, _)| *s != session);
        shared.binds.push((session, receives));
        shared.smsc = Some(smsc);
        drop(shared);
        account
    }

    /// How often what is remembered has changed: a snapshot is due when this differs from its last.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.shared.changes.load(Ordering::Acquire)
    }

    /// A new message_id of ours: unique in this memory, and unlike a counter from 1.
    #[must_use]
    pub fn next_message_id(&self) -> u64 {
        self.shared.next_message_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Everything remembered, one JSON object a line: `{"account","message_id","message"}`.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let accounts: Vec<_> = lock(&self.accounts).values().cloned().collect();
        let mut out = Vec::new();
        for account in accounts {
            let shared = lock(&account.shared);
            for (message_id, message) in shared.order.iter().filter_map(|k| Some((k, shared.by_message_id.get(k)?))) {
                let entry =
                    Entry { account: (&*account.id).into(), message_id: message_id.to_vec(), message: message.clone() };
                if serde_json::to_writer(&mut out, &entry).is_ok() {
                    out.push(b'\n');
                }
            }
        }
        out
    }

    /// Takes back what [`Memory::snapshot`] gave.
    ///
    /// # Errors
    /// The line, from 1, that is none of a snapshot's; the lines before it are taken.
    pub fn restore(&self, snapshot: &[u8]) -> Result<usize, usize> {
        let mut taken = 0;
        for (number, line) in snapshot.split(|b| *b == b'\n').filter(|l| !l.is_empty()).enumerate() {
            let entry: Entry = serde_json::from_slice(line).map_err(|_| number + 1)?;
            self.account(&entry.account).insert(&entry.message_id, &entry.message);
            taken += 1;
        }
        Ok(taken)
    }

    fn account(&self, id: &str) -> Arc<Account> {
        let mut accounts = lock(&self.accounts);
        if let Some(account) = accounts.get(id) {
            return Arc::clone(account);
        }
        let account = Arc::new(Account {
            id: id.into(),
            remembered: AtomicUsize::new(0),
            owed: AtomicUsize::new(0),
            shared: Mutex::default(),
            parts: Mutex::default(),
            tally: Arc::clone(&self.shared),
        });
        accounts.insert(id.into(), Arc::clone(&account));
        account
    }
}

#[derive(Serialize, Deserialize)]
struct Entry {
    account: String,
    message_id: Vec<u8>,
    message: Remembered,
}

impl Account {
    /// The system_id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A bind is over.
    pub fn leave(&self, session: SessionId) {
        let mut shared = lock(&self.shared);
        shared.binds.retain(|(s, _)| *s != session);
        let before = shared.unanswered.len();
        shared.unanswered.retain(|(s, ..)| *s != session);
        let gone = before - shared.unanswered.len();
        drop(shared);
        self.remembered.fetch_sub(gone, Ordering::Release);
    }

    /// Whether no message of this account was tagged or swallowed lately.
    #[must_use]
    pub fn remembers_nothing(&self) -> bool {
        self.remembered.load(Ordering::Acquire) == 0
    }

    /// A tagged message has gone out; its message_id is not known yet.
    pub fn await_message_id(&self, session: SessionId, token: u64, message: Remembered) {
        let mut shared = lock(&self.shared);
        // One that was not answered until now hardly will be: it makes room.
        let full = shared.unanswered.len() >= UNANSWERED_MAX && shared.unanswered.pop_front().is_some();
        shared.unanswered.push_back((session, token, message));
        self.remembered.fetch_add(usize::from(!full), Ordering::Release);
    }

    /// The SMSC answered a tagged message, with the message_id it gave it, or none when it refused it.
    pub fn message_id_known(&self, session: SessionId, token: u64, message_id: Option<&[u8]>) {
        let mut shared = lock(&self.shared);
        let Some(at) = shared.unanswered.iter().position(|(s, t, _)| *s == session && *t == token) else { return };
        let message = shared.unanswered.remove(at).map(|(_, _, m)| m);
        drop(shared);
        self.remembered.fetch_sub(1, Ordering::Release);
        if let (Some(message), Some(message_id)) = (message, message_id.filter(|m| !m.is_empty())) {
            self.insert(message_id, &message);
        }
    }

    /// Remembers a message under the message_id that its ESME knows.
    pub fn remember(&self, message_id: &[u8], message: &Remembered) {
        self.insert(message_id, message);
    }

    /// The message that a receipt, a query, a cancel or a replace speaks of. SMSCs write one message_id in decimal here
    /// and in hexadecimal there, with and without leading zeros: each way is tried.
    #[must_use]
    pub fn recall(&self, message_id: &[u8]) -> Option<Remembered> {
        let shared = lock(&self.shared);
        candidates(message_id).find_map(|key| shared.by_message_id.get(&*key).cloned())
    }

    /// The tagged message that a receipt speaks of when it overtook the answer to its submit: by its addresses.
    #[must_use]
    pub fn recall_unanswered(&self, receipt_source: &[u8], receipt_destination: &[u8]) -> Option<Remembered> {
        let shared = lock(&self.shared);
        let fits = |m: &Remembered| {
            m.destination.address == receipt_source
                && matches!(&m.why, Why::Tagged { shown, .. } if shown.address == receipt_destination)
        };
        shared.unanswered.iter().map(|(_, _, m)| m).find(|m| fits(m)).cloned()
    }

    /// Owes a receipt; answers the bind to wake: `from` itself when it receives, else any that does.
    pub fn owe(&self, receipt: OwedReceipt, from: SessionId) -> Option<SessionId> {
        let mut shared = lock(&self.shared);
        if shared.owed.len() >= OWED_MAX {
            shared.owed.pop_front();
        }
        shared.owed.push_back(receipt);
        self.owed.store(shared.owed.len(), Ordering::Release);
        let mut receivers = shared.binds.iter().filter(|(_, receives)| *receives).map(|(s, _)| *s);
        let first = receivers.next()?;
        Some(if first == from || receivers.any(|s| s == from) { from } else { first })
    }

    /// Takes one receipt that is owed.
    #[must_use]
    pub fn take_owed(&self) -> Option<OwedReceipt> {
        if self.owed.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut shared = lock(&self.shared);
        let receipt = shared.owed.pop_front();
        self.owed.store(shared.owed.len(), Ordering::Release);
        receipt
    }

    fn insert(&self, message_id: &[u8], message: &Remembered) {
        let key = canonical(message_id);
        let mut shared = lock(&self.shared);
        if shared.by_message_id.insert(key.clone(), message.clone()).is_none() {
            shared.order.push_back(key);
            self.remembered.fetch_add(1, Ordering::Release);
            self.tally.remembered.fetch_add(1, Ordering::Relaxed);
        }
        let too_old = message.at.saturating_sub(u64::try_from(REMEMBERED_FOR.as_micros()).unwrap_or(u64::MAX));
        while let Some(oldest) = shared.order.front() {
            let aged = shared.by_message_id.get(oldest).is_none_or(|m| m.at < too_old);
            if !aged && self.tally.remembered.load(Ordering::Relaxed) <= limits::REMEMBERED_MAX {
                break;
            }
            let oldest = shared.order.pop_front().unwrap_or_default();
            shared.by_message_id.remove(&oldest);
            self.remembered.fetch_sub(1, Ordering::Release);
            self.tally.remembered.fetch_sub(1, Ordering::Relaxed);
        }
        self.tally.changes.fetch_add(1, Ordering::Release);
    }
}

/// A panic in one session must not stop the others: the data behind the lock is whole between statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn canonical(message_id: &[u8]) -> Box<[u8]> {
    let zeros = message_id.iter().take_while(|b| **b == b'0').count().min(message_id.len().saturating_sub(1));
    message_id.get(zeros..).unwrap_or_default().to_ascii_lowercase().into_boxed_slice()
}

/// A message_id as written, a decimal one in hexadecimal, and a hexadecimal one in decimal.
fn candidates(message_id: &[u8]) -> impl Iterator<Item = Box<[u8]>> {
    let text = std::str::from_utf8(message_id).unwrap_or_default();
    let hex = text.parse::<u128>().ok().map(|n| format!("{n:x}"));
    let decimal = u128::from_str_radix(text, 16).ok().map(|n| n.to_string());
    let other = [hex, decimal].into_iter().flatten().map(|s| canonical(s.as_bytes()));
    std::iter::once(canonical(message_id)).chain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> StoredAddress {
        StoredAddress { ton: 1, npi: 1, address: text.as_bytes().to_vec() }
    }

    fn tagged(at: u64) -> Remembered {
        Remembered {
            why: Why::Tagged { source: address("ParcelSG"), shown: address("Likely-SCAM") },
            destination: address("6591234567"),
            data_coding: 0,
            at,
            session: 1,
            decision: 1,
        }
    }

    #[test]
    fn a_message_id_is_found_in_decimal_and_in_hexadecimal() {
        let memory = Memory::new(1);
        let account = memory.join("a", SessionId(1), true, SmscId(0));
        account.remember(b"00FF12", &tagged(1));
        for written in ["ff12", "00FF12", "65298"] {
            assert!(account.recall(written.as_bytes()).is_some(), "{written}");
        }
        account.remember(b"1234567890", &tagged(1));
        assert!(account.recall(b"499602D2").is_some());
        assert!(account.recall(b"499602D3").is_none());
    }

    #[test]
    fn what_is_remembered_survives_a_snapshot() {
        let memory = Memory::new(1);
        memory.join("a", SessionId(1), true, SmscId(0)).remember(b"id7", &tagged(5));
        let again = Memory::new(2);
        assert_eq!(again.restore(&memory.snapshot()), Ok(1));
        let account = again.join("a", SessionId(9), true, SmscId(0));
        assert_eq!(account.recall(b"ID7"), Some(tagged(5)));
        assert_eq!(again.restore(b"{\"account\":1}\n"), Err(1));
    }

    #[test]
    fn a_receipt_that_overtakes_its_answer_is_found_by_its_addresses() {
        let memory = Memory::new(1);
        let account = memory.join("a", SessionId(1), true, SmscId(0));
        assert!(account.remembers_nothing());
        account.await_message_id(SessionId(1), 7, tagged(1));
        assert!(!account.remembers_nothing());
        assert!(account.recall_unanswered(b"6591234567", b"Likely-SCAM").is_some());
        assert!(account.recall_unanswered(b"6591234568", b"Likely-SCAM").is_none());
        account.message_id_known(SessionId(1), 7, Some(b"x"));
        assert!(account.recall_unanswered(b"6591234567", b"Likely-SCAM").is_none());
        assert!(account.recall(b"x").is_some());
    }

    #[test]
    fn messages_that_are_never_answered_give_way() {
        let memory = Memory::new(1);
        let account = memory.join("a", SessionId(1), true, SmscId(0));
        let last = UNANSWERED_MAX as u64 + 5;
        (1..=last).for_each(|token| account.await_message_id(SessionId(1), token, tagged(token)));
        account.message_id_known(SessionId(1), last, Some(b"last"));
        account.message_id_known(SessionId(1), 1, Some(b"first"));
        assert!(account.recall(b"last").is_some() && account.recall(b"first").is_none());
        account.leave(SessionId(1));
        assert_eq!(account.remembered.load(Ordering::Acquire), 1);
    }

    #[test]
    fn old_messages_are_forgotten() {
        let memory = Memory::new(1);
        let account = memory.join("a", SessionId(1), true, SmscId(0));
        account.remember(b"old", &tagged(0));
        account.remember(b"new", &tagged(u64::try_from(REMEMBERED_FOR.as_micros()).unwrap() + 1));
        assert!(account.recall(b"old").is_none());
        assert!(account.recall(b"new").is_some());
    }

    #[test]
    fn a_receipt_is_owed_to_the_bind_that_asked_when_it_receives_else_to_another() {
        let memory = Memory::new(1);
        let account = memory.join("a", SessionId(1), false, SmscId(0));
        let receipt = OwedReceipt {
            message_id: b"1".to_vec(),
            destination: address("1"),
            source: address("2"),
            submitted: Timestamp(0),
        };
        assert_eq!(account.owe(receipt.clone(), SessionId(1)), None);
        memory.join("a", SessionId(2), true, SmscId(0));
        assert_eq!(account.owe(receipt.clone(), SessionId(1)), Some(SessionId(2)));
        memory.join("a", SessionId(3), true, SmscId(0));
        assert_eq!(account.owe(receipt.clone(), SessionId(3)), Some(SessionId(3)));
        assert_eq!((0..4).filter_map(|_| account.take_owed()).count(), 3);
        account.leave(SessionId(2));
        account.leave(SessionId(3));
        account.leave(SessionId(1));
        assert_eq!(memory.smsc_of("a"), None);
    }
}
