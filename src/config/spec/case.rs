//! A case, and the memory that it is judged in.

use std::time::Duration;

use super::{Action, Place, Placed};
use crate::wire::command::Tag;

/// A message that a rule must, or must not, fire on.
#[derive(Clone, Debug)]
pub struct Case {
    /// Where it stands.
    pub place: Place,
    /// Source address.
    pub from: String,
    /// Destination address.
    pub to: String,
    /// Text.
    pub text: String,
    /// Account; empty when none is named.
    pub account: String,
    /// `mo`, else `mt`.
    pub mo: bool,
    /// When it is sent, RFC 3339.
    pub at: Option<Placed<String>>,
    /// When it is to be delivered.
    pub schedule: Option<Placed<String>>,
    /// data_coding; the narrowest that carries the text when none is named.
    pub data_coding: Option<u8>,
    /// Parts of the whole message.
    pub parts: Option<u8>,
    /// Optional parameters that it carries.
    pub tlvs: Vec<(Tag, Vec<u8>)>,
    /// What is remembered before it.
    pub memory: CaseMemory,
    /// `fires` or `silent`.
    pub fires: Option<bool>,
    /// The final action.
    pub action: Option<Action>,
}

/// What is remembered before the message of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseMemory {
    /// How long things are known, where that is said.
    pub known: Vec<(Known, Duration)>,
    /// What came before.
    pub before: Option<Before>,
    /// Standings, from 0 to 100.
    pub standing: Vec<(Key, u8)>,
}

/// What is known for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The memory as a whole.
    Table,
    /// One key of a message.
    Key(Key),
}

/// Messages like that of a case, which came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// How many.
    pub messages: u64,
    /// How far apart; the last came as long before the message of the case.
    pub every: Duration,
    /// Whether each went to another recipient.
    pub to_others: bool,
    /// Whether each came from another sender.
    pub from_others: bool,
}

/// What memory is kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// The sender.
    Sender,
    /// The account.
    Account,
    /// The recipient.
    Recipient,
    /// The registrable domain of a link.
    Domain,
    /// A telephone number of the text, or a chat handle.
    Phone,
    /// Texts alike.
    Campaign,
    /// The numbers that differ from the recipient's in their last three digits only.
    Range,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 7] =
        [Self::Sender, Self::Account, Self::Recipient, Self::Domain, Self::Phone, Self::Campaign, Self::Range];

    /// The word in YAML and journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sender => "sender",
            Self::Account => "account",
            Self::Recipient => "recipient",
            Self::Domain => "domain",
            Self::Phone => "phone",
            Self::Campaign => "campaign",
            Self::Range => "range",
        }
    }

    /// The key of a word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|key| key.name() == name)
    }
}
