//! What a gate asks of memory while a message is judged, and what it tells it afterwards.
//!
//! A message is known by its keys ([`Keys`]); rules ask by them, through [`Recall`], and what was done with the message is
//! told by them once: a message of many parts is one, each destination of a submit_multi is one, and a retry of what was
//! refused is none. Reports of subscribers stand outside: they are counted by [`super::report`], and never against their
//! sender.

use std::fmt::Write as _;

use super::memo::Memo;
use super::{Context, Gate, Scratch};
use crate::account::Account;
use crate::message::{Direction, Message, Party};
use crate::policy::{self, Policy};
use crate::reputation::{Fate, Ground, Key, Kind, Names, Receipt, Reputation, Sighting, Template, Traits};
use crate::rules::{self, Facts, Question};
use crate::session::Leg;
use crate::text::Reading;
use crate::text::number::Number;
use crate::time::Timestamp;
use crate::verdict::{Action, Verdict};
use crate::wire::body::Address;

/// What one message is known by; reused from message to message.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    names: Names,
    memo: Memo,
    name: String,
    template: Template,
    pub(crate) traits: Traits,
    /// It counts already: it is a retry of what was refused, or another part of what was told.
    pub(crate) is_counted: bool,
    /// Nobody asks for anything of the message, and it is not remembered.
    is_unasked: bool,
}

impl Keys {
    /// Reads the keys of a message. What a subscriber sends is no doing of the account that gets it.
    pub(crate) fn read(&mut self, message: &Message<'_>, reputation: &Reputation) {
        self.traits.clear();
        (self.is_counted, self.is_unasked) = (false, false);
        if message.direction == Direction::Mt && !message.account.id.is_empty() {
            self.traits.add(reputation.key(Kind::Account, message.account.id));
        }
        for (kind, party) in [(Kind::Sender, &message.sender), (Kind::Recipient, &message.recipient)] {
            if let Some(key) = self.address(party, kind, reputation) {
                self.traits.add(key);
            }
        }
        if let Some(range) = self.names.range(&message.recipient) {
            self.traits.add(reputation.key(Kind::Range, range));
        }
        if message.delivery != message.now {
            self.traits.deliver_at(message.delivery);
        }
        self.read_text(message.reading, reputation);
    }

    /// For a message of which nobody asks anything.
    pub(super) fn forget(&mut self) {
        self.traits.clear();
        self.is_unasked = true;
    }

    /// The key of an address; none of none.
    pub(super) fn address(&mut self, party: &Party<'_>, kind: Kind, reputation: &Reputation) -> Option<Key> {
        let Self { names, memo, .. } = self;
        let mut read = || names.address(party).map(|name| reputation.key(kind, name));
        if kind == Kind::Sender { memo.sender(party, reputation, read) } else { read() }
    }

    /// Adds what a text has in it.
    pub(super) fn read_text(&mut self, reading: &Reading, reputation: &Reputation) {
        let Self { name, template, traits, .. } = self;
        names_of(reading, name, |kind, name| traits.add(reputation.key(kind, name)));
        template.read(reading);
        reputation.campaign(template).into_iter().for_each(|campaign| traits.add(campaign));
    }

    /// Keeps the plain names of what a message is known by, since they matter: of who sends, where it is no subscriber, and of
    /// what stands in its text, but for the subscriber's own number.
    fn keep_names(&mut self, message: &Message<'_>, reputation: &Reputation, now: Timestamp) {
        if message.direction == Direction::Mt {
            let account = message.account.id;
            if !account.is_empty() {
                reputation.name(reputation.key(Kind::Account, account), account, now);
            }
            if let Some(name) = self.names.address(&message.sender) {
                reputation.name(reputation.key(Kind::Sender, name), name, now);
            }
        }
        let subscriber = if message.direction == Direction::Mt { &message.recipient } else { &message.sender };
        self.keep_names_of_text(message.reading, subscriber, reputation, now);
    }

    /// Keeps the plain names of what stands in a text that a subscriber got or sent; not that subscriber's number.
    pub(super) fn keep_names_of_text(
        &mut self,
        reading: &Reading,
        subscriber: &Party<'_>,
        reputation: &Reputation,
        now: Timestamp,
    ) {
        let own = subscriber.number.as_ref().map(Number::digits);
        names_of(reading, &mut self.name, |kind, name| {
            if kind != Kind::Phone || own.is_none() || name.strip_prefix('+') != own {
                reputation.name(reputation.key(kind, name), name, now);
            }
        });
    }
}

/// The names of the links, numbers and handles of a text.
fn names_of(reading: &Reading, room: &mut String, mut with: impl FnMut(Kind, &str)) {
    for link in reading.links() {
        with(Kind::Domain, reading.link_domain(link));
    }
    let numbers = reading.handles().iter().filter_map(|h| h.number.as_ref());
    for number in reading.phones().iter().map(|p| &p.number).chain(numbers) {
        room.clear();
        room.push('+');
        room.push_str(number.digits());
        with(Kind::Phone, room);
    }
    for handle in reading.handles().iter().filter(|h| h.number.is_none()) {
        room.clear();
        let _ = write!(room, "{}:", handle.app.name());
        room.extend(reading.handle_id(handle).chars().flat_map(char::to_lowercase));
        with(Kind::Phone, room);
    }
}

/// What answers the questions of rules about one message.
#[derive(Clone, Copy)]
pub(crate) struct Recall<'a> {
    pub(crate) reputation: &'a Reputation,
    pub(crate) policy: &'a Policy,
    pub(crate) message: &'a Message<'a>,
    pub(crate) keys: &'a Keys,
}

impl Recall<'_> {
    /// See [`Facts::Memory`].
    pub(crate) fn answer(&self, question: &Question, nth: usize) -> Option<u64> {
        let (memory, now) = (self.reputation, self.message.now);
        match question {
            Question::Age { of, below } => {
                let key = match of {
                    rules::Key::Domain => {
                        let reading = self.message.reading;
                        memory.key(Kind::Domain, reading.link_domain(reading.links().get(nth)?))
                    }
                    _ => self.keys.traits.key(policy::kind(*of))?,
                };
                let known = memory.known_for(key, now);
                let watched = memory.reaches_back(now) >= *below;
                let age = known.filter(|age| *age >= *below).or(watched.then(|| known.unwrap_or_default()))?;
                u64::try_from(age.as_micros()).ok()
            }
            Question::Rate(n) => {
                let rate = self.policy.rates().get(*n)?;
                let itself = !rate.is_passed_only() && !self.keys.is_counted;
                match memory.count(rate, &self.keys.traits, itself, now) {
                    None if self.is_unread(rate.per()) => None,
                    count => Some(count.unwrap_or(0)),
                }
            }
            Question::Standing(key) => {
                let kind = policy::kind(*key);
                let keys = self.keys.traits.keys(kind).iter();
                keys.filter_map(|key| memory.standing_if_known(*key, now)).map(standing).min()
            }
            Question::Neutral => Some(standing(memory.settings().cold_start)),
        }
    }

    /// Whether the message has a key of a sort.
    pub(crate) fn has(&self, key: rules::Key) -> bool {
        !self.keys.traits.keys(policy::kind(key)).is_empty()
    }

    /// Whether nobody knows what the text would say of these keys.
    fn is_unread(&self, per: &[Kind]) -> bool {
        let of_text = |kind: &Kind| matches!(kind, Kind::Domain | Kind::Phone | Kind::Campaign);
        self.message.reading.undecodable().is_some() && per.iter().any(of_text)
    }
}

/// A standing as rules see it: whole, from 0 to 100.
fn standing(standing: f32) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
    let whole = standing.clamp(0.0, 100.0).round() as u64;
    whole
}

/// Tells memory what was done with a message; how sure it is that it was fraud.
pub(crate) fn observe(
    reputation: &Reputation,
    policy: &Policy,
    keys: &Keys,
    verdict: &Verdict,
    now: Timestamp,
) -> Ground {
    let Keys { traits, template, is_counted, .. } = keys;
    let fate = match verdict.action {
        Action::Pass => Fate::Passed,
        Action::Tag => Fate::Tagged,
        Action::Block => Fate::Blocked,
    };
    if *is_counted && fate == Fate::Blocked {
        return Ground::None;
    }
    let has = |finding: &str| {
        let rules = verdict.findings.iter().filter_map(|f| policy.rules.rule(f));
        rules.into_iter().any(|rule| *rule.id == *finding)
    };
    let counts =
        |rate: &&crate::reputation::Rate| (!*is_counted || rate.is_passed_only()) && rate.finding().is_none_or(has);
    let ground = ground(policy, verdict);
    let sighting = Sighting { traits, fate, ground, template: Some(template) };
    reputation.observe(&sighting, policy.rates().iter().filter(counts), now);
    ground
}

/// How sure it is that a message was fraud: what one live rule blocks by itself is, where it rests on what the message says
/// or who sends it. Scores, volume, what is remembered, what is guessed and what other carriers warn of are opinions, and prove
/// nothing of themselves.
fn ground(policy: &Policy, verdict: &Verdict) -> Ground {
    let deciding = verdict.deciding(&policy.rules).filter(|rule| rule.action == Some(Action::Block));
    let is_opinion = |cause: &str| matches!(cause, "volume" | "reputation" | "model" | "protocol");
    match deciding.filter(|_| verdict.action == Action::Block) {
        Some(rule) if !is_opinion(rule.cause) && !rule.by_hearsay => Ground::Rule,
        _ => Ground::None,
    }
}

impl Gate {
    /// Tells memory what was done with the message that the scratch holds, which was judged as it stands there.
    pub(super) fn remember(&self, cx: &mut Context<'_>, leg: Leg) {
        if cx.scratch.keys.is_unasked {
            return;
        }
        let account = super::judge::facts(self.account.as_deref(), cx.policy);
        let Scratch { envelope, verdict, keys, .. } = &mut *cx.scratch;
        let message = envelope.message(super::judge::direction(leg), account, self.session.peer(), cx.now);
        if cx.policy.rules.is_report(&message) {
            if leg == Leg::Smsc {
                super::report::report(&message, cx.memory, keys);
            }
            return;
        }
        let ground = observe(&cx.memory.reputation, cx.policy, keys, verdict, cx.now);
        if ground != Ground::None {
            keys.keep_names(&message, &cx.memory.reputation, cx.now);
        }
        match verdict.action {
            Action::Block => cx.memory.lately().refused(&message),
            Action::Pass | Action::Tag if message.direction == Direction::Mt => {
                cx.memory.lately().passed(&keys.traits, cx.now);
            }
            Action::Pass | Action::Tag => {}
        }
    }

    /// Tells memory what a receipt says of who sent the message.
    pub(super) fn remember_receipt(&self, cx: &mut Context<'_>, source: &Address<'_>, state: Receipt) {
        let account = self.account.as_deref().map_or("", Account::id);
        let home = cx.policy.account(account).home;
        let keys = &mut cx.scratch.keys;
        let reputation = &cx.memory.reputation;
        keys.traits.clear();
        let id = String::from_utf8_lossy(source.address);
        let sender = keys.address(&Party::new(source.ton, &id, home), Kind::Sender, reputation);
        sender.into_iter().for_each(|sender| keys.traits.add(sender));
        keys.traits.add(reputation.key(Kind::Account, account));
        reputation.receipt(&keys.traits, state, cx.now);
    }
}

/// Lends memory to rules for as long as `with` takes.
pub(crate) fn with_facts<T>(recall: Recall<'_>, with: impl FnOnce(&Facts<'_>) -> T) -> T {
    let ask = |question: &Question, nth: usize| recall.answer(question, nth);
    with(&Facts::Memory(&ask))
}
