//! The record: what was decided on each message, by which rules of which policy, and what became of it.
//!
//! A gate hands out [`Decision`]s and [`Outcome`]s that borrow everything; [`record`] writes them down, [`tally`] counts
//! all of them, those that are not written included. Subscriber numbers are keyed-hashed and texts left out unless the
//! operator says otherwise.

pub mod record;
pub mod shadow;
pub mod tally;

use crate::account::{SessionId, SmscId};
use crate::message::Message;
use crate::policy::Policy;
use crate::rules::Rule;
use crate::session::Leg;
use crate::verdict::{Action, Verdict};
use crate::wire::command::CommandStatus;

/// Names one decision within a run: the session, and the number of the message in it. Destinations of one submit_multi
/// share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct DecisionId {
    /// The session.
    pub session: SessionId,
    /// Which message of it, from 1.
    pub n: u64,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The message was read and judged.
    Judged,
    /// A part that could not wait for the others: judged with all text so far.
    EarlyPart,
    /// It could not be, and an exception policy decided.
    Exception {
        /// Why not: `malformed`, `undecodable`, `draining`, …
        cause: &'static str,
        /// `pass` or `block`.
        policy: &'static str,
    },
}

/// What was said or done to the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It went on as it came.
    Forwarded,
    /// It went on changed.
    Tagged,
    /// It was answered with this error.
    Refused(CommandStatus),
    /// It was answered as if taken, and went nowhere.
    Swallowed,
    /// It was neither answered nor sent on: its leg was gone.
    Dropped,
}

impl Reply {
    /// The word in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarded | Self::Tagged => "forward",
            Self::Refused(_) => "refuse",
            Self::Swallowed => "accept",
            Self::Dropped => "none",
        }
    }
}

/// One message, for one destination, judged and acted on.
#[derive(Debug)]
pub struct Decision<'a> {
    /// Its name.
    pub id: DecisionId,
    /// The message.
    pub message: Message<'a>,
    /// What was decided.
    pub verdict: &'a Verdict,
    /// What it was judged by.
    pub policy: &'a Policy,
    /// What it rests on.
    pub basis: Basis,
    /// What was said or done.
    pub reply: Reply,
    /// The SMSC of the session.
    pub smsc: Option<SmscId>,
    /// The PDU's number.
    pub sequence_number: u32,
    /// Destinations of the PDU.
    pub destinations: u16,
}

impl Decision<'_> {
    /// What was done, as counted.
    #[must_use]
    pub fn action(&self) -> Action {
        match self.reply {
            Reply::Forwarded => Action::Pass,
            Reply::Tagged => Action::Tag,
            Reply::Refused(_) | Reply::Swallowed | Reply::Dropped => Action::Block,
        }
    }

    /// What kind of evidence decided: the deciding rule's, or `exception`; none for a pass.
    #[must_use]
    pub fn cause(&self) -> Option<&'static str> {
        match self.basis {
            Basis::Exception { .. } => Some("exception"),
            Basis::Judged | Basis::EarlyPart => self.verdict.deciding(&self.policy.rules).map(|r| r.cause),
        }
    }

    /// The rules in shadow that would have changed what was decided, each with the action it would have come to.
    pub fn shadow_changes(&self, mut tell: impl FnMut(&Rule, Action)) {
        let rules = &self.policy.rules;
        if let Some(profile) = self.policy.profile(self.verdict) {
            self.verdict.shadow_changes(rules, profile, |finding, action| {
                rules.rule(finding).into_iter().for_each(|rule| tell(rule, action));
            });
        }
    }

    /// The category of the deciding rule.
    #[must_use]
    pub fn category(&self) -> Option<&str> {
        self.verdict.deciding(&self.policy.rules)?.category.as_deref()
    }
}

/// What became of a message that went on.
#[derive(Debug)]
pub struct Outcome<'a> {
    /// The decision that let it.
    pub decision: DecisionId,
    /// The SMSC's message_id, where it said one.
    pub message_id: &'a [u8],
    /// What.
    pub kind: OutcomeKind,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// It was answered.
    Answered {
        /// By whom.
        leg: Leg,
        /// How.
        command_status: CommandStatus,
    },
    /// Nobody knows: it was still unanswered at a close, or when its time was over.
    InDoubt {
        /// Where it had gone.
        leg: Leg,
    },
    /// Its receipt came.
    Receipt,
}
