//! What a subscriber forwards to a report short code: it travels on untouched, counts against nobody who only carries it,
//! and is counted against the link, the number, the text and the sender that it is about.
//!
//! Who sent the message is known for sure where it passed here not long ago; else it is who the report names, in its one
//! message or, asked by the report centre, in a second one. That a report is honest nobody knows: memory counts one of each
//! reporter, and a few of them alone never condemn (`reporters_min`).

use super::memory::Keys;
use crate::account::Memory;
use crate::message::{Message, Party};
use crate::reputation::{Key, Kind};
use crate::text::forwarded::forwarded;
use crate::text::{ReadContext, Reading, UserData, encode};
use crate::wire::command::Ton;

/// Counts a report. Its message came from the SMSC: what an ESME sends to the short code says nothing of any subscriber.
pub(super) fn report(message: &Message<'_>, memory: &Memory, keys: &mut Keys) {
    let reputation = &memory.reputation;
    let Some(reporter) = keys.address(&message.sender, Kind::Recipient, reputation) else { return };
    if message.reading.undecodable().is_some() || message.reading.is_binary() {
        return;
    }
    let written = message.reading.shown();
    let found = forwarded(written);
    let named = found.sender.and_then(|range| named(written.get(range)?, message, keys, memory));
    keys.traits.clear();
    let text = written.get(found.text).unwrap_or_default();
    if text.is_empty() {
        // The answer to whose message it was, of a report that could not say.
        if let Some(named) = named.filter(|_| memory.lately().was_asked(reporter, message.now)) {
            keys.traits.add(named);
            reputation.report(&keys.traits, reporter, message.now);
        }
        return;
    }
    let (data_coding, octets) = encode::narrowest(text);
    let home = message.recipient.country().or(message.sender.country()).or(message.account.home);
    let mut reading = Reading::default();
    let context = ReadContext { home, ..ReadContext::default() };
    reading.read(&[UserData { octets: &octets, data_coding, udhi: false }], &context);
    keys.read_text(&reading, reputation);
    named.into_iter().for_each(|named| keys.traits.add(named));
    match memory.lately().sender_of(reporter, &keys.traits).or(named) {
        Some(sender) => keys.traits.add(sender),
        None => memory.lately().ask(reporter, message.now),
    }
    if reputation.report(&keys.traits, reporter, message.now) {
        keys.keep_names_of_text(&reading, &message.sender, reputation, message.now);
    }
}

/// The sender that a report names.
fn named(written: &str, message: &Message<'_>, keys: &mut Keys, memory: &Memory) -> Option<Key> {
    let is_number = written.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '.'));
    let digits: String = written.chars().filter(|c| !is_number || c.is_ascii_digit() || *c == '+').collect();
    let home = message.sender.country().or(message.account.home);
    let ton = if is_number { Ton::UNKNOWN } else { Ton::ALPHANUMERIC };
    let ton = if digits.starts_with('+') { Ton::INTERNATIONAL } else { ton };
    keys.address(&Party::new(ton, &digits, home), Kind::Sender, &memory.reputation)
}
