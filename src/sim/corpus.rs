//! Messages to send: a table of tab-separated values whose first line names its columns.

use crate::text::encode;
use crate::wire::body::Sm;
use crate::wire::command::{DataCoding, RegisteredDelivery, Tag};
use crate::wire::encode as wire;
use crate::wire::field::Address;
use crate::wire::tlv::Tlvs;

/// One message of a corpus, encoded.
#[derive(Clone, Debug, Default)]
pub struct Letter {
    /// The account that sends it; empty for any.
    pub account: String,
    /// Source address.
    pub from: String,
    /// Destination address.
    pub to: String,
    /// Text.
    pub text: String,
    /// Whether a subscriber sends it, to the account.
    pub mo: bool,
    data_coding: DataCoding,
    short_message: Vec<u8>,
    tlvs: Vec<u8>,
}

/// Senders and recipients of messages that name none.
const SENDERS: [&str; 4] = ["TAPIS", "INFO", "+6591230000", "88222"];
const RECIPIENTS: [&str; 6] =
    ["+6591234567", "+66812345678", "+6281234567890", "+639171234567", "+84901234567", "+60123456789"];

impl Letter {
    /// A message in the narrowest coding that holds it; what is longer than a short_message goes into message_payload.
    #[must_use]
    pub fn new(account: &str, from: &str, to: &str, text: &str) -> Self {
        let (data_coding, octets) = encode::narrowest(text);
        let mut tlvs = Vec::new();
        let long = octets.len() > 254;
        if long {
            wire::tlv(&mut tlvs, Tag::MESSAGE_PAYLOAD, &octets);
        }
        Self {
            account: account.into(),
            from: from.into(),
            to: to.into(),
            text: text.into(),
            mo: false,
            data_coding,
            short_message: if long { Vec::new() } else { octets },
            tlvs,
        }
    }

    /// As a submit_sm or deliver_sm.
    #[must_use]
    pub fn sm(&self, registered_delivery: RegisteredDelivery) -> Sm<'_> {
        Sm {
            source: Address::of_writing(&self.from),
            destination: Address::of_writing(&self.to),
            data_coding: self.data_coding,
            registered_delivery,
            short_message: &self.short_message,
            tlvs: Tlvs::new(&self.tlvs),
            ..Sm::default()
        }
    }
}

/// Reads a table with a column `text`, and perhaps `from`, `to`, `account` and `direction` (`mt`, `mo`); other
/// columns are left out. Messages that name no sender or recipient get one.
///
/// # Errors
/// When there is no such column, or a line has fewer values than there are columns.
pub fn read(table: &str) -> Result<Vec<Letter>, String> {
    read_with(table, &SENDERS, &RECIPIENTS)
}

/// Reads the same, and makes nothing up: messages that name no sender or recipient get `from` and `to`.
///
/// # Errors
/// As [`read`].
pub fn read_from_to(table: &str, from: &str, to: &str) -> Result<Vec<Letter>, String> {
    read_with(table, &[from], &[to])
}

fn read_with(table: &str, senders: &[&str], recipients: &[&str]) -> Result<Vec<Letter>, String> {
    let mut lines = table.lines().enumerate();
    let (_, head) = lines.next().ok_or("the table is empty")?;
    let names: Vec<&str> = head.trim_start_matches('\u{feff}').split('\t').map(str::trim).collect();
    let column = |name: &str| names.iter().position(|n| *n == name);
    let text = column("text").ok_or("the first line must name its columns, one of them `text`")?;
    let (from, to, account, direction) = (column("from"), column("to"), column("account"), column("direction"));
    let mut letters = Vec::new();
    for (n, line) in lines.filter(|(_, l)| !l.trim().is_empty()) {
        let values: Vec<&str> = line.split('\t').collect();
        if values.len() < names.len() {
            return Err(format!("line {}: {} values for {} columns", n + 1, values.len(), names.len()));
        }
        let value = |at: Option<usize>| at.and_then(|at| values.get(at)).copied().filter(|v| !v.is_empty());
        let sender = senders.get(n % senders.len()).copied().unwrap_or_default();
        let recipient = recipients.get(n % recipients.len()).copied().unwrap_or_default();
        let letter = Letter::new(
            value(account).unwrap_or_default(),
            value(from).unwrap_or(sender),
            value(to).unwrap_or(recipient),
            value(Some(text)).unwrap_or_default(),
        );
        letters.push(Letter { mo: value(direction) == Some("mo"), ..letter });
    }
    if letters.is_empty() { Err("the table has no messages".into()) } else { Ok(letters) }
}

/// Lifelike traffic of six languages, banks and scammers alike; all names, numbers and domains are made up or reserved.
#[must_use]
pub fn demo() -> Vec<Letter> {
    read(include_str!("corpus.tsv")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_its_columns() {
        let letters = read("to\tfrom\ttext\n+6591234567\tDBS\thello\n").unwrap();
        assert_eq!(
            (letters[0].from.as_str(), letters[0].to.as_str(), letters[0].text.as_str()),
            ("DBS", "+6591234567", "hello")
        );
        assert_eq!(read("label\tlang\ttext\nham\ten\thi\n").unwrap()[0].text, "hi");
        assert_eq!(read("a\tb\n").unwrap_err(), "the first line must name its columns, one of them `text`");
        assert_eq!(read("from\ttext\nx\n").unwrap_err(), "line 2: 1 values for 2 columns");
    }
}
