//! Conditions as compiled, and what they are for a message: true, false, or unknown.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use super::calendar::Dates;
use super::likeness::{Likeness, Room};
use super::list::{Addresses, Domains, Hashes, Prefixes, Senders, is_under};
use super::matcher::{Hits, RegexId, SetId};
use super::memory::{Facts, Recalled};
pub use super::truth::Truth;
use super::{Fired, Registries, Ruleset};
use crate::message::{Direction, Message, Party, PartyKind};
use crate::text::number::Country;
use crate::text::template;
use crate::text::{Anomalies, App, LinkKind, Payload};
use crate::time::Timestamp;
use crate::wire::command::{CommandId, Tag};

/// One node of a condition.
#[derive(Debug)]
pub(super) struct Node {
    /// The key that it was written with.
    pub(super) name: &'static str,
    /// The rest of it, for people.
    pub(super) detail: Box<str>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    AtLeast(usize, Box<[Node]>),
    Finding(Box<[u32]>),
    /// All of these hold of the message.
    Fact(Box<[Test]>),
    /// One thing of the message holds all of these; none asks for the thing alone.
    Thing(Thing, Box<[Test]>),
}

impl Node {
    /// Calls `visit` with every comparison in it.
    pub(super) fn each_test(&self, visit: &mut dyn FnMut(&Test)) {
        match &self.kind {
            Kind::All(nodes) | Kind::Any(nodes) | Kind::AtLeast(_, nodes) => {
                nodes.iter().for_each(|node| node.each_test(visit));
            }
            Kind::Not(node) => node.each_test(visit),
            Kind::Fact(tests) | Kind::Thing(_, tests) => tests.iter().for_each(visit),
            Kind::Finding(_) => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Link,
    Phone,
    Handle,
    Amount,
    Code,
}

/// One comparison.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Needs what this version does not have.
    Unknown,
    /// The answer to a question is above a bound. A rate of messages with a finding says nothing of one without.
    Above(u32, u64, Option<u32>),
    /// The answer to a question is below a bound.
    Below(u32, u64),
    Direction(Direction),
    Operation(CommandId),
    DataCoding(u8),
    Class(u8),
    PartsAbove(u64),
    ProtocolId(u8),
    Ports(bool),
    Tlv(Box<[Tag]>),
    Port(u16),
    Payload(Box<[Payload]>),
    Anomaly(Anomalies),
    Account(Box<[String]>),
    AccountIn(Arc<Senders>),
    AccountClass(String),
    PeerIn(Arc<Addresses>),
    SenderId(Box<[String]>),
    SenderIn(Arc<Senders>),
    SenderLike(Arc<Senders>, Arc<Likeness>),
    SenderKind(PartyKind),
    Registered(usize),
    Country(Whose, Box<[Country]>),
    PrefixIn(Whose, Arc<Prefixes>),
    Words(SetId),
    Regex(RegexId),
    StartsWith(Box<[String]>),
    Language(Box<[String]>),
    HashIn(Arc<Hashes>),
    LengthAbove(u64),
    /// In hundredths.
    ObfuscationAbove(u64),
    LengthBelow(u64),
    /// One of these, or under one.
    Domain(Box<[Box<str>]>),
    DomainIn(Arc<Domains>, bool),
    DomainLike(Arc<Domains>, Arc<Likeness>),
    HostIn(Arc<Domains>),
    LinkKind(LinkKind),
    SenderOwns(bool),
    BrandIn(Arc<Likeness>),
    PhoneIn(Arc<Prefixes>, bool),
    PhoneCountry(Box<[Country]>),
    App(Box<[App]>),
    HandleIn(Arc<Senders>),
    Currency(String),
    ValueAbove(u64),
    CodeLength(u64),
    Within {
        from: u16,
        to: u16,
        zone: jiff::tz::TimeZone,
    },
    Calendar {
        dates: Arc<Dates>,
        zone: jiff::tz::TimeZone,
    },
    Days {
        days: Box<[i8]>,
        zone: jiff::tz::TimeZone,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Sender,
    Recipient,
}

/// What a condition is evaluated over.
pub(super) struct Cx<'a> {
    pub(super) message: &'a Message<'a>,
    pub(super) rules: &'a Ruleset,
    pub(super) hits: &'a mut Hits,
    pub(super) room: &'a mut Room,
    /// For each rule that was asked whether it has fired.
    pub(super) fired: &'a mut Fired,
    pub(super) facts: &'a Facts<'a>,
    /// What was asked of memory so far.
    pub(super) recalled: &'a mut Vec<Recalled>,
}

impl Cx<'_> {
    /// What memory says to a question.
    pub(super) fn recall(&mut self, question: u32, nth: usize) -> Option<u64> {
        let asked = usize::try_from(question).ok().and_then(|n| self.rules.questions.get(n))?;
        self.facts.answer(question, asked, nth, self.recalled)
    }
}

impl Node {
    pub(super) fn evaluate(&self, cx: &mut Cx<'_>) -> Truth {
        match &self.kind {
            Kind::All(all) => {
                let mut truth = Truth::True;
                for node in all {
                    truth = truth.and(node.evaluate(cx));
                    if truth == Truth::False {
                        break;
                    }
                }
                truth
            }
            Kind::Any(any) => {
                let mut truth = Truth::False;
                for node in any {
                    match node.evaluate(cx) {
                        Truth::True => return Truth::True,
                        Truth::Unknown => truth = Truth::Unknown,
                        Truth::False => {}
                    }
                }
                truth
            }
            Kind::Not(inner) => inner.evaluate(cx).not(),
            Kind::AtLeast(count, of) => {
                let (mut held, mut unknown) = (0, 0);
                for node in of {
                    match node.evaluate(cx) {
                        Truth::True => held += 1,
                        Truth::Unknown => unknown += 1,
                        Truth::False => {}
                    }
                    if held >= *count {
                        return Truth::True;
                    }
                }
                if held + unknown >= *count { Truth::Unknown } else { Truth::False }
            }
            Kind::Finding(rules) => any(rules.iter().map(|rule| cx.rules.fires(*rule, cx))),
            Kind::Fact(tests) => {
                let mut truth = Truth::True;
                for test in tests {
                    truth = truth.and(test.holds(cx));
                    if truth == Truth::False {
                        break;
                    }
                }
                truth
            }
            Kind::Thing(thing, tests) => thing.any(tests, cx),
        }
    }
}

fn any(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut all = Truth::False;
    for truth in truths {
        match truth {
            Truth::True => return Truth::True,
            Truth::Unknown => all = Truth::Unknown,
            Truth::False => {}
        }
    }
    all
}

impl Test {
    fn holds(&self, cx: &mut Cx<'_>) -> Truth {
        let m = cx.message;
        match self {
            Self::Direction(direction) => (m.direction == *direction).into(),
            Self::Operation(operation) => (m.operation == *operation).into(),
            Self::DataCoding(coding) => m.data_coding.map_or(Truth::Unknown, |c| (c.0 == *coding).into()),
            Self::Class(class) => m.data_coding.map_or(Truth::Unknown, |_| (m.class == Some(*class)).into()),
            Self::PartsAbove(parts) => (u64::from(m.parts) > *parts).into(),
            Self::ProtocolId(wanted) => m.protocol_id.map_or(Truth::Unknown, |id| (id == *wanted).into()),
            Self::Tlv(wanted) => wanted.iter().any(|tag| m.vendor_tlvs.contains(tag)).into(),
            Self::Ports(wanted) => (m.reading.ports().is_some() == *wanted).into(),
            Self::Port(wanted) => m.reading.ports().is_some_and(|(to, _)| to == *wanted).into(),
            Self::Payload(wanted) => wanted.contains(&m.reading.payload()).into(),
            Self::Anomaly(wanted) => wanted.iter().any(|anomaly| m.reading.anomalies().has(anomaly)).into(),
            Self::Account(ids) => ids.iter().any(|id| id == m.account.id).into(),
            Self::AccountIn(list) => list.contains(m.account.id, m.now).into(),
            Self::AccountClass(class) => (m.account.class == Some(class)).into(),
            Self::PeerIn(list) => m.peer.map_or(Truth::Unknown, |peer: IpAddr| list.contains(peer, m.now).into()),
            Self::SenderId(ids) => ids.iter().any(|id| id.eq_ignore_ascii_case(m.sender.id)).into(),
            Self::SenderIn(list) => list.contains(m.sender.id, m.now).into(),
            Self::SenderLike(list, likeness) => {
                (!list.contains(m.sender.id, m.now) && likeness.has(m.sender.id, m.now, cx.room)).into()
            }
            Self::SenderKind(kind) => (m.sender.kind == *kind).into(),
            Self::Registered(registry) => {
                cx.rules.registries.is_registered(*registry, m.sender.id, m.account.id, m.now).into()
            }
            Self::Country(whose, countries) => country(party(m, *whose), countries),
            Self::PrefixIn(whose, list) => prefix(party(m, *whose), list, m.now),
            Self::Within { from, to, zone } => {
                let minute = minute_of_day(m.delivery.0, zone);
                minute.map_or(Truth::Unknown, |at| {
                    if from < to { (*from..*to).contains(&at) } else { at >= *from || at < *to }.into()
                })
            }
            Self::Calendar { dates, zone } => {
                local(m.delivery.0, zone).map_or(Truth::Unknown, |at| dates.contains(at.date(), m.now).into())
            }
            Self::Above(question, bound, of) => {
                let counts = of.map_or(Truth::True, |rule| cx.rules.fires(rule, cx));
                let mut is_above = || cx.recall(*question, 0).map_or(Truth::Unknown, |n| (n > *bound).into());
                if counts == Truth::False { counts } else { counts.and(is_above()) }
            }
            Self::Below(question, bound) => cx.recall(*question, 0).map_or(Truth::Unknown, |n| (n < *bound).into()),
            Self::Days { days, zone } => local(m.delivery.0, zone)
                .map_or(Truth::Unknown, |z| days.contains(&z.weekday().to_monday_zero_offset()).into()),
            _ => self.holds_of_text(cx),
        }
    }

    fn holds_of_text(&self, cx: &mut Cx<'_>) -> Truth {
        let reading = cx.message.reading;
        if reading.undecodable().is_some() {
            return Truth::Unknown;
        }
        match self {
            Self::Words(set) => cx.rules.matcher.set(*set, cx.hits).is_some().into(),
            Self::Regex(regex) => cx.rules.matcher.regex(*regex, reading.views(), cx.hits).is_some().into(),
            Self::StartsWith(starts) => starts.iter().any(|s| reading.text().starts_with(s.as_str())).into(),
            Self::Language(codes) => {
                let language = cx.hits.language(reading.shown());
                language.map_or(Truth::Unknown, |code| codes.iter().any(|c| c == code).into())
            }
            Self::HashIn(list) => list.contains(&template::hash(reading.folded()), cx.message.now).into(),
            Self::ObfuscationAbove(n) => (u64::from(reading.obfuscation()) * 100 > *n).into(),
            Self::LengthAbove(n) => (reading.shown().chars().count() as u64 > *n).into(),
            Self::LengthBelow(n) => ((reading.shown().chars().count() as u64) < *n).into(),
            _ => Truth::Unknown,
        }
    }

    /// Where the text shows it, in the matching form.
    pub(super) fn span(&self, cx: &mut Cx<'_>) -> Option<Range<usize>> {
        match self {
            Self::Words(set) => cx.rules.matcher.set(*set, cx.hits),
            Self::Regex(regex) => cx.rules.matcher.regex(*regex, cx.message.reading.views(), cx.hits),
            _ => None,
        }
    }
}

impl Test {
    /// For a test of whether something is in a list: what is asked, and which list it is.
    pub(super) fn list(&self) -> Option<(u8, usize)> {
        fn at<T>(list: &Arc<T>) -> usize {
            Arc::as_ptr(list).addr()
        }
        Some(match self {
            Self::AccountIn(list) => (0, at(list)),
            Self::PeerIn(list) => (1, at(list)),
            Self::SenderIn(list) => (2, at(list)),
            Self::Registered(registry) => (3, *registry),
            Self::PrefixIn(Whose::Sender, list) => (4, at(list)),
            Self::PrefixIn(Whose::Recipient, list) => (5, at(list)),
            Self::DomainIn(list, true) => (6, at(list)),
            Self::HostIn(list) => (7, at(list)),
            Self::PhoneIn(list, true) => (8, at(list)),
            Self::HandleIn(list) => (9, at(list)),
            Self::SenderLike(_, likeness) => (10, at(likeness)),
            Self::DomainLike(_, likeness) => (11, at(likeness)),
            Self::BrandIn(likeness) => (12, at(likeness)),
            Self::HashIn(list) => (13, at(list)),
            _ => return None,
        })
    }
}

impl Thing {
    /// Every kind of thing, by its number.
    pub(super) const ALL: [Self; 5] = [Self::Link, Self::Phone, Self::Handle, Self::Amount, Self::Code];

    /// Its place in [`Thing::ALL`].
    pub(super) fn number(self) -> u8 {
        Self::ALL.iter().position(|thing| *thing == self).and_then(|n| u8::try_from(n).ok()).unwrap_or(0)
    }

    fn any(self, tests: &[Test], cx: &mut Cx<'_>) -> Truth {
        if cx.message.reading.undecodable().is_some() {
            return Truth::Unknown;
        }
        any((0..self.count(cx.message)).map(|n| self.holds(n, tests, cx)))
    }

    pub(super) fn count(self, message: &Message<'_>) -> usize {
        let reading = message.reading;
        match self {
            Self::Link => reading.links().len(),
            Self::Phone => reading.phones().len(),
            Self::Handle => reading.handles().len(),
            Self::Amount => reading.amounts().len(),
            Self::Code => reading.codes().len(),
        }
    }

    /// Where the `n`th stands in the text as written.
    pub(super) fn written(self, n: usize, message: &Message<'_>) -> Option<Range<usize>> {
        let reading = message.reading;
        match self {
            Self::Link => reading.links().get(n).map(|x| x.written.clone()),
            Self::Phone => reading.phones().get(n).map(|x| x.written.clone()),
            Self::Handle => reading.handles().get(n).map(|x| x.written.clone()),
            Self::Amount => reading.amounts().get(n).map(|x| x.written.clone()),
            Self::Code => reading.codes().get(n).map(|x| x.written.clone()),
        }
    }

    /// Whether all tests hold of the `n`th.
    pub(super) fn holds(self, n: usize, tests: &[Test], cx: &mut Cx<'_>) -> Truth {
        let mut truth = Truth::True;
        for test in tests {
            truth = truth.and(self.test(n, test, cx));
        }
        truth
    }

    fn test(self, n: usize, test: &Test, cx: &mut Cx<'_>) -> Truth {
        let (m, reading) = (cx.message, cx.message.reading);
        match self {
            Self::Link => {
                let Some(link) = reading.links().get(n) else { return Truth::Unknown };
                if let Test::Below(question, bound) = test {
                    return cx.recall(*question, n).map_or(Truth::Unknown, |age| (age < *bound).into());
                }
                let host = reading.link_host(link);
                let room = &mut *cx.room;
                let mut has_brand = |brands: &Likeness| {
                    !link.is(LinkKind::Ip) && brands.is_in_host(reading.link_shown(link), m.now, room)
                };
                match test {
                    Test::Domain(domains) => domains.iter().any(|domain| is_under(host, domain)).into(),
                    Test::DomainIn(list, wanted) => (list.contains(host, m.now) == *wanted).into(),
                    Test::DomainLike(list, likeness) => (!list.contains(host, m.now) && has_brand(likeness)).into(),
                    Test::HostIn(list) => list.has(host, m.now).into(),
                    Test::LinkKind(kind) => link.is(*kind).into(),
                    Test::BrandIn(brands) => has_brand(brands).into(),
                    Test::SenderOwns(wanted) => {
                        (cx.rules.registries.owns_host(m.sender.id, m.account.id, m.now, host) == *wanted).into()
                    }
                    _ => Truth::Unknown,
                }
            }
            Self::Phone => {
                let Some(phone) = reading.phones().get(n) else { return Truth::Unknown };
                let registries: &Registries = &cx.rules.registries;
                match test {
                    Test::PhoneIn(list, wanted) => (list.contains(&phone.number, m.now) == *wanted).into(),
                    Test::PrefixIn(_, list) => list.has_prefix_of(&phone.number, m.now).into(),
                    Test::PhoneCountry(countries) => {
                        phone.number.country().map_or(Truth::Unknown, |c| countries.contains(&c).into())
                    }
                    Test::SenderOwns(wanted) => {
                        (registries.owns_number(m.sender.id, m.account.id, m.now, &phone.number) == *wanted).into()
                    }
                    _ => Truth::Unknown,
                }
            }
            Self::Handle => match (reading.handles().get(n), test) {
                (Some(handle), Test::App(apps)) => apps.contains(&handle.app).into(),
                (Some(handle), Test::HandleIn(list)) => {
                    let number = handle.number.is_some_and(|n| list.contains(n.digits(), m.now));
                    (number || list.contains(reading.handle_id(handle), m.now)).into()
                }
                _ => Truth::Unknown,
            },
            Self::Amount => match (reading.amounts().get(n), test) {
                (Some(amount), Test::Currency(code)) => (amount.currency == code.as_bytes()).into(),
                (Some(amount), Test::ValueAbove(value)) => (amount.value > *value).into(),
                _ => Truth::Unknown,
            },
            Self::Code => match (reading.codes().get(n), test) {
                (Some(code), Test::CodeLength(length)) => (code.len as u64 == *length).into(),
                _ => Truth::Unknown,
            },
        }
    }
}

fn party<'a>(message: &'a Message<'a>, whose: Whose) -> &'a Party<'a> {
    match whose {
        Whose::Sender => &message.sender,
        Whose::Recipient => &message.recipient,
    }
}

fn country(party: &Party<'_>, countries: &[Country]) -> Truth {
    match (party.kind, party.country()) {
        (_, Some(country)) => countries.contains(&country).into(),
        (PartyKind::Number, None) => Truth::Unknown,
        _ => Truth::False,
    }
}

fn prefix(party: &Party<'_>, list: &Prefixes, now: Timestamp) -> Truth {
    match (party.kind, &party.number) {
        (_, Some(number)) => list.has_prefix_of(number, now).into(),
        (PartyKind::Number, None) => Truth::Unknown,
        (PartyKind::ShortCode, None) => list.has_prefix_of_digits(party.id, now).into(),
        _ => Truth::False,
    }
}

fn local(micros: u64, zone: &jiff::tz::TimeZone) -> Option<jiff::civil::DateTime> {
    let at = jiff::Timestamp::from_microsecond(i64::try_from(micros).ok()?).ok()?;
    Some(zone.to_datetime(at))
}

fn minute_of_day(micros: u64, zone: &jiff::tz::TimeZone) -> Option<u16> {
    let time = local(micros, zone)?;
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).ok()
}
