//! The shape of what the operator wrote, one struct a section, every value with its place. No behaviour.

mod case;

use std::time::Duration;

pub use case::{Before, Case, CaseMemory, Key, Known};

pub use super::decode::Placed;
pub use super::facts::{By, FactSpec, FieldSpec, ListKind, Shape, THINGS};
pub use super::source::{ListFile, Place};
pub use super::stretch::{Stretch, place as place_in};
use crate::text::Alphabet;
use crate::text::number::Country;
use crate::wire::command::{CommandStatus, Tag};

/// What is done with a message, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It goes on as it came.
    #[default]
    Pass,
    /// It goes on marked.
    Tag,
    /// It does not go on.
    Block,
}

impl Action {
    /// Every action, the weakest first.
    pub const ALL: [Self; 3] = [Self::Pass, Self::Tag, Self::Block];

    /// The word in YAML, metrics and journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Tag => "tag",
            Self::Block => "block",
        }
    }
}

/// Whether a rule acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// It is not evaluated.
    Off,
    /// It is recorded, and changes nothing.
    Shadow,
    /// It acts.
    #[default]
    Live,
}

/// How a blocked message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// With an error.
    Refuse,
    /// As if it had been taken.
    Accept,
}

/// Points in hundredths: one point is a doubling of the odds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points(pub i32);

impl std::fmt::Display for Points {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0.abs() / 100, self.0.abs() % 100);
        let sign = if self.0 < 0 { "-" } else { "" };
        match rest {
            0 => write!(f, "{sign}{whole}"),
            r if r % 10 == 0 => write!(f, "{sign}{whole}.{}", r / 10),
            r => write!(f, "{sign}{whole}.{r:02}"),
        }
    }
}

impl Points {
    /// As a JSON number.
    #[must_use]
    pub fn json(self) -> serde_json::Value {
        if self.0 % 100 == 0 { (self.0 / 100).into() } else { (f64::from(self.0) / 100.0).into() }
    }
}

/// What is true when a rule fires.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub kind: ConditionKind,
}

/// The forms of a condition.
#[derive(Clone, Debug)]
pub enum ConditionKind {
    /// All of these.
    All(Vec<Condition>),
    /// At least one of these.
    Any(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// At least `count` of these.
    AtLeast {
        /// How many.
        count: u64,
        /// Of what.
        of: Vec<Condition>,
    },
    /// The message has one of these things.
    Has(&'static FactSpec),
    /// Another rule has fired: full ids, or with a glob.
    Finding(Placed<String>),
    /// A fact whose fields all hold, of the same thing.
    Fact {
        /// Which.
        fact: &'static FactSpec,
        /// Its fields.
        fields: Vec<Field>,
    },
}

/// One field of a fact.
#[derive(Clone, Debug)]
pub struct Field {
    /// Which.
    pub spec: &'static FieldSpec,
    /// What it is compared with.
    pub value: FieldValue,
    /// Where the value stands.
    pub place: Place,
    /// Where the characters of a regex stand.
    pub stretches: Box<[Stretch]>,
}

/// What a field is compared with.
#[derive(Clone, Debug)]
pub enum FieldValue {
    /// Texts, words, names of lists and registries, countries: as written.
    Texts(Vec<Placed<String>>),
    /// Countries.
    Countries(Vec<Country>),
    /// A flag.
    Flag(bool),
    /// Tags of TLVs.
    Tags(Vec<Tag>),
    /// A whole number.
    Count(u64),
    /// A number in hundredths.
    Number(i32),
    /// An amount of money in hundredths.
    Money(u64),
    /// A duration.
    Duration(Duration),
    /// Minutes of the day, from inclusive, to exclusive.
    Within(u16, u16),
}

/// One entry of `rules:`.
#[derive(Clone, Debug)]
pub struct RuleSpec {
    /// Its full id.
    pub id: Placed<String>,
    /// The pack that it belongs to.
    pub pack: Option<String>,
    /// What it is about.
    pub about: Option<String>,
    /// One of the closed set.
    pub category: Option<String>,
    /// The law or contract.
    pub basis: Option<String>,
    /// Its group of correlated evidence.
    pub group: Option<Placed<String>>,
    /// Its weight.
    pub score: Option<Points>,
    /// Its decision.
    pub action: Option<Action>,
    /// How a block by it is answered.
    pub status: Option<CommandStatus>,
    /// Whether it is answered with an error.
    pub answer: Option<AnswerKind>,
    /// The tag that it marks with.
    pub tag: Option<Placed<String>>,
    /// Whether it acts.
    pub mode: Mode,
    /// Only an exemption that names its full id silences it.
    pub firm: bool,
    /// The first day on which it no longer holds, `YYYY-MM-DD`.
    pub expires: Option<Placed<String>>,
    /// Of the messages that it would fire on, one in so many.
    pub sample: Option<u32>,
    /// When it fires.
    pub when: Option<Condition>,
    /// Its examples.
    pub cases: Vec<Case>,
    /// All of it, without places and comments: what its digest is made of.
    pub canonical: String,
}

/// One entry of `exemptions:`.
#[derive(Clone, Debug)]
pub struct ExemptionSpec {
    /// Its full id.
    pub id: Placed<String>,
    /// The pack that it belongs to.
    pub pack: Option<String>,
    /// The findings that it silences: ids, globs, `group:` names.
    pub silences: Vec<Placed<String>>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The first day on which it no longer holds.
    pub expires: Option<Placed<String>>,
    /// When it holds.
    pub when: Option<Condition>,
    /// Its examples.
    pub cases: Vec<Case>,
    /// All of it, without places and comments.
    pub canonical: String,
}

/// One entry of `lists:`.
#[derive(Clone, Debug)]
pub struct ListSpec {
    /// Its name.
    pub name: Placed<String>,
    /// The pack that it belongs to.
    pub pack: Option<String>,
    /// What its entries are.
    pub kind: ListKind,
    /// Entries written inline.
    pub entries: Vec<Placed<String>>,
    /// A file with more, or the address of one.
    pub file: Option<Placed<String>>,
    /// How `file` is fetched, when it is an address.
    pub feed: Option<FeedSpec>,
    /// What a feed of other carriers' warnings has, which stands under the name in `file`.
    pub intel: Option<IntelSource>,
    /// Entries that were removed at run time.
    pub removed: Vec<String>,
}

impl ListSpec {
    /// Whether a running node fills it.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        self.feed.is_some() || self.intel.is_some()
    }
}

/// What of a feed of `reputation: intel` is in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntelSource {
    /// The feed.
    pub feed: Placed<String>,
    /// Only what is so sure.
    pub confidence_min: u8,
}

/// A list that is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSpec {
    /// How often.
    pub every: Duration,
    /// What it must hash to.
    pub sha256: Option<String>,
    /// More entries are refused.
    pub entries_max: u64,
}

/// One entry of `registries:`.
#[derive(Clone, Debug)]
pub struct RegistrySpec {
    /// Its name.
    pub name: Placed<String>,
    /// The pack that it belongs to.
    pub pack: Option<String>,
    /// Entries written inline.
    pub entries: Vec<RegistryEntry>,
    /// A file with more.
    pub file: Option<Placed<String>>,
}

/// One registered sender.
#[derive(Clone, Debug, Default)]
pub struct RegistryEntry {
    /// The sender id.
    pub sender: String,
    /// The legal person behind it.
    pub entity: String,
    /// The accounts it may come through; none means any.
    pub accounts: Vec<String>,
    /// The domains it may link to.
    pub domains: Vec<Placed<String>>,
    /// The numbers it may ask people to call.
    pub phones: Vec<Placed<String>>,
    /// First day, `YYYY-MM-DD`.
    pub valid_from: Option<Placed<String>>,
    /// Last day.
    pub valid_until: Option<Placed<String>>,
}

/// One entry of `tags:`.
#[derive(Clone, Debug)]
pub struct TagSpec {
    /// Its name.
    pub name: Placed<String>,
    /// The pack that it belongs to.
    pub pack: Option<String>,
    /// What the source address becomes.
    pub source_addr: Option<Placed<String>>,
    /// What is put before the text, by country of the recipient; none is the default.
    pub prefix: Vec<(Option<Country>, Placed<String>)>,
    /// What TLV is added.
    pub tlv: Option<(Tag, Vec<u8>)>,
}

/// One entry of `groups:`.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    /// Its name.
    pub name: Placed<String>,
    /// Its cap.
    pub cap: Points,
}

/// One entry of `accounts:`.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// Its system_id.
    pub id: Placed<String>,
    /// Its class.
    pub class: Option<String>,
    /// What data_coding 0 means.
    pub alphabet: Option<Alphabet>,
    /// The country of its national numbers.
    pub home: Option<Country>,
}

/// One entry of `profiles:`.
#[derive(Clone, Debug)]
pub struct ProfileSpec {
    /// Its id.
    pub id: Placed<String>,
    /// Conditions of `for:`; all must hold, none is the default.
    pub account: Option<String>,
    /// The account's class.
    pub account_class: Option<String>,
    /// `mo` or `mt`.
    pub mo: Option<bool>,
    /// The recipient's country.
    pub country: Option<Country>,
    /// The score from which a message is tagged.
    pub tag_from: Option<Points>,
    /// The score from which it is blocked.
    pub block_from: Option<Points>,
    /// The strongest action allowed.
    pub action_max: Option<Action>,
    /// The status of refusals that no rule names one for.
    pub status: Option<CommandStatus>,
    /// How blocked messages are answered.
    pub answer: Option<AnswerKind>,
    /// The tag of messages that no rule names one for.
    pub tag: Option<Placed<String>>,
}

/// One entry of `overrides:`.
#[derive(Clone, Debug)]
pub struct OverrideSpec {
    /// A full id, or a glob.
    pub target: Placed<String>,
    /// Its new mode.
    pub mode: Option<Mode>,
    /// Its new score.
    pub score: Option<Points>,
    /// Its new action.
    pub action: Option<Action>,
}

/// What is done when judging is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The message goes on: fail open.
    Pass,
    /// It is refused: fail closed.
    Block,
}

impl Failure {
    /// `pass` or `block`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Block => "block",
        }
    }
}

/// Exception policies, one for each way in which judging can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceptions {
    /// A message PDU that cannot be parsed.
    pub malformed: Failure,
    /// A text that cannot be decoded.
    pub undecodable: Failure,
    /// A text longer than is judged.
    pub limit: Failure,
    /// A PDU that is not of the standard.
    pub unknown_command: Failure,
    /// The journal cannot be written.
    pub journal_full: Failure,
}

impl Default for Exceptions {
    fn default() -> Self {
        Self {
            malformed: Failure::Block,
            undecodable: Failure::Pass,
            limit: Failure::Pass,
            unknown_command: Failure::Pass,
            journal_full: Failure::Pass,
        }
    }
}

/// Everything that was written, of all files together.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// How national numbers are read.
    pub home: Option<Placed<Country>>,
    /// No rule is louder than this.
    pub mode: Mode,
    /// Numbers that subscribers report to: messages to them stand outside.
    pub report_short_codes: Vec<String>,
    /// Exception policies.
    pub exceptions: Exceptions,
    /// `accounts:`
    pub accounts: Vec<AccountSpec>,
    /// `profiles:`, in their order.
    pub profiles: Vec<ProfileSpec>,
    /// `overrides:`
    pub overrides: Vec<OverrideSpec>,
    /// `groups:`
    pub groups: Vec<GroupSpec>,
    /// `lists:`
    pub lists: Vec<ListSpec>,
    /// `registries:`
    pub registries: Vec<RegistrySpec>,
    /// `tags:`
    pub tags: Vec<TagSpec>,
    /// `rules:`
    pub rules: Vec<RuleSpec>,
    /// `exemptions:`
    pub exemptions: Vec<ExemptionSpec>,
}
