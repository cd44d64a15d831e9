//! A day at a carrier: who sends what to whom, and what becomes of it, all of it by a seed.
//!
//! A tenth as many people as there are messages write to each other; banks send codes, shops and offices send notices; one
//! bank has a burst of codes, one shop a flash sale. Among them are five attacks ([`Class::is_attack`]). Each message follows
//! from the seed, its class and its number in it alone, so a day is the same however it is looked at; its classes are
//! merged by time.
//!
//! ```
//! use tapis::sim::day::{Class, Day, Sent};
//!
//! let mut day = Day::new(10_000, 7);
//! let mut sent = Sent::default();
//! let mut count = 0;
//! while day.next(&mut sent) {
//!     count += u64::from(sent.class == Some(Class::Sale));
//! }
//! assert_eq!(count, day.messages(Class::Sale));
//! ```

mod texts;

use std::time::Duration;

use crate::time::Timestamp;

/// Midnight of Tuesday 2026-11-24 in Singapore, where it happens.
pub const MIDNIGHT: Timestamp = Timestamp(1_795_449_600_000_000);

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// People write to whom they know.
    Conversation,
    /// A teacher, a coach: one to two dozen at once.
    Group,
    /// One text with a link to a known page, passed on from number to number.
    Chain,
    /// Codes of banks, all day.
    Codes,
    /// Parcels, appointments, payments.
    Notices,
    /// A bank's codes within six minutes to one subscriber in twenty.
    CodeBurst,
    /// A shop's advertisement, within twenty minutes.
    Sale,
    /// Subscribers report what they got to the short code.
    Reports,
    /// A campaign over 500 numbers, its wording, names, digits and links varied.
    Snowshoe,
    /// Number after number is tried, of which three in four do not exist.
    Scanner,
    /// A shop's form is made to send codes into four ranges of numbers.
    Pumping,
    /// A stranger's account sends under a bank's name.
    Hijack,
    /// One number, one message in five minutes, one in three reported.
    Quiet,
}

impl Class {
    /// Every class, honest ones first.
    pub const ALL: [Self; 13] = [
        Self::Conversation,
        Self::Group,
        Self::Chain,
        Self::Codes,
        Self::Notices,
        Self::CodeBurst,
        Self::Sale,
        Self::Reports,
        Self::Snowshoe,
        Self::Scanner,
        Self::Pumping,
        Self::Hijack,
        Self::Quiet,
    ];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Conversation => "people",
            Self::Group => "one to a group",
            Self::Chain => "chain letter",
            Self::Codes => "codes of banks",
            Self::Notices => "notices",
            Self::CodeBurst => "a bank's burst of codes",
            Self::Sale => "flash sale",
            Self::Reports => "reports to 7726",
            Self::Snowshoe => "snowshoe campaign",
            Self::Scanner => "number scanner",
            Self::Pumping => "SMS pumping",
            Self::Hijack => "hijacked sender ID",
            Self::Quiet => "slow and reported",
        }
    }

    /// Whether it is to be caught.
    #[must_use]
    pub fn is_attack(self) -> bool {
        self >= Self::Snowshoe
    }

    /// Its messages of a day of so many.
    fn share(self, messages: u64) -> u64 {
        match self {
            Self::Conversation => {
                let others = Self::ALL.iter().filter(|class| **class != self).map(|class| class.share(messages));
                messages.saturating_sub(others.sum())
            }
            Self::Group => messages / 200 / GROUP * GROUP,
            Self::Chain => messages / 5_000,
            Self::Codes => messages * 9 / 100,
            Self::Notices => messages * 10 / 100,
            Self::CodeBurst => messages / 200,
            Self::Sale => messages * 3 / 100,
            Self::Reports => 0,
            Self::Snowshoe => (messages / 1_000).max(2 * SNOWSHOE_SENDERS),
            Self::Scanner | Self::Pumping => (messages / 2_000).max(800),
            Self::Hijack => (messages / 20_000).max(100),
            Self::Quiet => 260,
        }
    }

    /// When it begins and how long it goes on; none for all day, as people wake and sleep.
    fn span(self) -> Option<(Duration, Duration)> {
        let at = |hour: u64, minutes: u64| Some((Duration::from_secs(hour * 3600), Duration::from_secs(minutes * 60)));
        match self {
            Self::Conversation | Self::Codes | Self::Notices | Self::Group | Self::Reports => None,
            Self::Chain => at(17, 180),
            Self::CodeBurst => at(9, 6),
            Self::Sale => at(12, 20),
            Self::Snowshoe => at(14, 50),
            Self::Scanner => at(10, 40),
            Self::Pumping => at(3, 40),
            Self::Hijack => at(11, 30),
            Self::Quiet => at(1, 1_320),
        }
    }
}

/// Whom one writes to at once.
const GROUP: u64 = 25;

/// Numbers that a campaign is spread over.
pub const SNOWSHOE_SENDERS: u64 = 500;

/// Wordings that it has.
pub const SNOWSHOE_WORDINGS: u64 = texts::SNOWSHOE.len() as u64;

/// Ranges of a thousand numbers that codes are pumped into.
pub const PUMPED_RANGES: u64 = 4;

/// Of how many messages of the number that sends slowly one is reported, and how long that takes.
pub const QUIET_REPORTED: u64 = 3;

/// How long it takes to report a message.
pub const REPORTED_AFTER: Duration = Duration::from_secs(600);

/// How long it takes until a receipt comes.
pub const RECEIPT_AFTER: Duration = Duration::from_secs(5);

/// Of how many numbers that are tried out one exists.
pub const SCANNED_EXIST: u64 = 4;

/// Traffic of each hour of a day, from midnight.
const HOURS: [u64; 24] = [3, 2, 1, 1, 1, 2, 4, 7, 10, 11, 11, 11, 13, 12, 11, 11, 11, 12, 13, 14, 14, 12, 9, 5];

/// What is sent.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// When.
    pub at: Timestamp,
    /// Of which class; none for what was sent before the day.
    pub class: Option<Class>,
    /// Through which account.
    pub account: &'static str,
    /// Source address.
    pub from: String,
    /// Destination address.
    pub to: String,
    /// Text.
    pub text: String,
    /// Whether a receipt is asked for.
    pub wants_receipt: bool,
    /// Whether it arrives.
    pub arrives: bool,
    /// Whether who gets it reports it.
    pub is_reported: bool,
}

/// Numbers without end from a seed (splitmix64).
#[derive(Clone, Copy, Debug)]
struct Dice(u64);

impl Dice {
    fn new(seed: u64, class: Class, n: u64) -> Self {
        Self(mix(seed ^ ((class as u64) << 56)) ^ n.wrapping_mul(0xd6e8_feb8_6659_fd93))
    }

    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.roll()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    fn pick<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let at = self.below(u64::try_from(all.len()).unwrap_or(1));
        nth(all, at)
    }
}

fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn nth<T: Copy + Default>(all: &[T], n: u64) -> T {
    usize::try_from(n).ok().and_then(|n| all.get(n)).copied().unwrap_or_default()
}

/// Messages of one class that are still to come.
#[derive(Clone, Copy, Debug)]
struct Stream {
    class: Class,
    count: u64,
    next: u64,
    at: Timestamp,
}

/// See the [module documentation](self).
#[derive(Clone, Debug)]
pub struct Day {
    seed: u64,
    messages: u64,
    subscribers: u64,
    streams: Vec<Stream>,
}

impl Day {
    /// A day of so many messages; the attacks take 3,060 at least.
    #[must_use]
    pub fn new(messages: u64, seed: u64) -> Self {
        let messages = messages.max(10_000);
        let subscribers = messages / 10;
        let stream = |class: Class| Stream { class, count: class.share(messages), next: 0, at: MIDNIGHT };
        let mut day = Self { seed, messages, subscribers, streams: Class::ALL.map(stream).into() };
        day.streams.retain(|stream| stream.count > 0);
        let times: Vec<Timestamp> = day.streams.iter().map(|stream| day.time(stream)).collect();
        day.streams.iter_mut().zip(times).for_each(|(stream, at)| stream.at = at);
        day
    }

    /// How many messages a class has.
    #[must_use]
    pub fn messages(&self, class: Class) -> u64 {
        class.share(self.messages)
    }

    /// How long it is from one message of a class to the next, where that is the same all along.
    #[must_use]
    pub fn gap(&self, class: Class) -> Duration {
        let (_, long) = class.span().unwrap_or((Duration::ZERO, Duration::from_secs(24 * 3600)));
        long / u32::try_from(self.messages(class).max(1)).unwrap_or(u32::MAX)
    }

    /// The next message. False when the day is over.
    pub fn next(&mut self, sent: &mut Sent) -> bool {
        let first = self.streams.iter().enumerate().filter(|(_, s)| s.next < s.count).min_by_key(|(_, s)| s.at);
        let Some((at, stream)) = first.map(|(at, stream)| (at, *stream)) else { return false };
        self.write(stream.class, stream.next, sent);
        sent.at = stream.at;
        let next = Stream { next: stream.next + 1, ..stream };
        let next = Stream { at: self.time(&next), ..next };
        if let Some(place) = self.streams.get_mut(at) {
            *place = next;
        }
        true
    }

    /// What honest senders sent a month before, so that they and their pages are known: one message after the other, until
    /// false.
    pub fn before(&self, n: u64, sent: &mut Sent) -> bool {
        let brands = u64::try_from(texts::NOTICES.len()).unwrap_or(0);
        let codes = u64::try_from(BANKS.len()).unwrap_or(0);
        let class = match n {
            n if n < brands => Class::Notices,
            n if n < brands + codes => Class::Codes,
            n if n < brands + codes + 4 => Class::Conversation,
            _ => return false,
        };
        self.write(class, n, sent);
        let known = ["https://www.channelnewsasia.com/a", "https://www.seriouseats.com/a", "https://maps.google.com/a"];
        match class {
            Class::Notices => {
                let (account, from, text) = nth(texts::NOTICES, n);
                (sent.account, sent.from) = (account, from.into());
                texts::fill(text, from, "", &mut Dice::new(self.seed, class, n), &mut sent.text);
            }
            Class::Codes => {
                let (account, from) = nth(BANKS, n - brands);
                (sent.account, sent.from) = (account, from.into());
            }
            _ => sent.text = nth(&known, n - brands - codes).into(),
        }
        (sent.class, sent.at) = (None, Timestamp(MIDNIGHT.0.saturating_sub(30 * 86_400_000_000)));
        (sent.wants_receipt, sent.is_reported) = (false, false);
        true
    }

    /// When the next message of a stream is sent.
    fn time(&self, stream: &Stream) -> Timestamp {
        let mut dice = Dice::new(self.seed, stream.class, !stream.next);
        let micros = |d: Duration| u64::try_from(d.as_micros()).unwrap_or(0);
        let share = |of: u64, n: u64| {
            u64::try_from(u128::from(of) * u128::from(n) / u128::from(stream.count.max(1))).unwrap_or(0)
        };
        if let Some((begin, long)) = stream.class.span() {
            return Timestamp(MIDNIGHT.0 + micros(begin) + share(micros(long), stream.next));
        }
        // A group is written to at once; the rest comes as the hours have it.
        let (n, behind) = if stream.class == Class::Group {
            (stream.next / GROUP * GROUP, stream.next % GROUP * 12_000_000)
        } else {
            (stream.next, dice.below(1_000))
        };
        let total: u64 = HOURS.iter().sum();
        let mut left = share(total * 3_600_000_000, n);
        for (hour, weight) in (0..).zip(HOURS) {
            let of_hour = weight * 3_600_000_000;
            if left < of_hour {
                return Timestamp(MIDNIGHT.0 + hour * 3_600_000_000 + left / weight + behind);
            }
            left -= of_hour;
        }
        Timestamp(MIDNIGHT.0 + 24 * 3_600_000_000)
    }

    /// The number of a subscriber: one in three numbers has one.
    fn number(&self, subscriber: u64, out: &mut String) {
        let within = mix(self.seed ^ subscriber) % 3;
        number("+658", 1_000_000 + subscriber * 3 + within, out);
    }

    fn write(&self, class: Class, n: u64, sent: &mut Sent) {
        let mut dice = Dice::new(self.seed, class, n);
        sent.class = Some(class);
        (sent.wants_receipt, sent.arrives, sent.is_reported) = (true, dice.below(100) < 97, false);
        match class {
            Class::Conversation | Class::Group | Class::Chain | Class::Reports => {
                self.person(class, n, &mut dice, sent)
            }
            Class::Codes | Class::Notices | Class::CodeBurst | Class::Sale => self.firm(class, &mut dice, sent),
            Class::Snowshoe | Class::Scanner | Class::Pumping | Class::Hijack | Class::Quiet => {
                self.attack(class, n, &mut dice, sent);
            }
        }
    }

    /// What people send.
    fn person(&self, class: Class, n: u64, dice: &mut Dice, sent: &mut Sent) {
        let people = self.subscribers;
        sent.account = GATEWAY;
        sent.wants_receipt = false;
        let (from, to, text) = match class {
            Class::Group => {
                let from = mix(self.seed ^ (n / GROUP)) % people;
                let text = nth(texts::TO_GROUP, n / GROUP % 2);
                *dice = Dice::new(self.seed, class, n / GROUP);
                (from, (from + 1 + n % GROUP) % people, text)
            }
            Class::Chain => (mix(self.seed ^ !n) % people, dice.below(people), texts::CHAIN),
            _ => {
                // Everybody writes, and one in ten most of all.
                let from = if n.is_multiple_of(3) { n / 3 % people } else { dice.below(people / 10) * 10 };
                let friend = mix(from ^ (self.seed << 7)).wrapping_add(dice.below(2 + from % 11) * 7_919);
                (from, friend % people, dice.pick(texts::TALK))
            }
        };
        self.number(from, &mut sent.from);
        self.number(to, &mut sent.to);
        texts::fill(text, "", "", dice, &mut sent.text);
    }

    /// What banks, shops and offices send.
    fn firm(&self, class: Class, dice: &mut Dice, sent: &mut Sent) {
        let (account, from, text) = match class {
            Class::Notices => dice.pick(texts::NOTICES),
            Class::Sale => ("agg-sg-1", "FairMart", texts::SALE),
            Class::CodeBurst => ("dbs-direct", "DBS", nth(texts::CODES, 1)),
            _ => {
                let (account, bank) = dice.pick(BANKS);
                (account, bank, dice.pick(texts::CODES))
            }
        };
        (sent.account, sent.from) = (account, from.into());
        self.number(dice.below(self.subscribers), &mut sent.to);
        // Some are tired of advertisements.
        sent.is_reported = class == Class::Sale && dice.below(10_000) == 0;
        texts::fill(text, from, "", dice, &mut sent.text);
    }

    fn attack(&self, class: Class, n: u64, dice: &mut Dice, sent: &mut Sent) {
        let mut bad = String::from("album-");
        (0..5).for_each(|_| bad.push(char::from(b'a' + u8::try_from(dice.below(4)).unwrap_or(0))));
        bad.push_str(".com");
        self.number(dice.below(self.subscribers), &mut sent.to);
        sent.account = STRANGER;
        let mut brand = "";
        let text = match class {
            Class::Snowshoe => {
                sent.account = GATEWAY;
                sent.wants_receipt = false;
                number("+659", 5_000_000 + n % SNOWSHOE_SENDERS * 37, &mut sent.from);
                dice.pick(texts::SNOWSHOE)
            }
            Class::Scanner => {
                sent.from = "MYINFO".into();
                number("+6587", n, &mut sent.to);
                sent.arrives = n.is_multiple_of(SCANNED_EXIST);
                texts::SCAN
            }
            Class::Pumping => {
                (sent.account, sent.from) = ("agg-sg-1", "FairMart".into());
                number("+8558870", n % PUMPED_RANGES * 1_000 + n / PUMPED_RANGES % 1_000, &mut sent.to);
                texts::PUMPED
            }
            Class::Hijack => {
                brand = dice.pick(&["DBS", "OCBC"]);
                sent.from = brand.into();
                dice.pick(texts::HIJACKED)
            }
            _ => {
                sent.account = GATEWAY;
                sent.wants_receipt = false;
                sent.from = "+6594443333".into();
                sent.is_reported = n.is_multiple_of(QUIET_REPORTED);
                dice.pick(texts::QUIET)
            }
        };
        texts::fill(text, brand, &bad, dice, &mut sent.text);
    }
}

/// The gateway of subscribers.
pub const GATEWAY: &str = "sim-gw";
/// An account of nobody that anybody knows.
pub const STRANGER: &str = "agg-hk-9";

/// Banks, and the accounts that send for them.
const BANKS: &[(&str, &str)] = &[("agg-sg-1", "OCBC"), ("agg-sg-1", "DBS"), ("dbs-direct", "DBS")];

/// A number of seven more digits, or as many as there is room for in a number of ten with `+65`, of twelve with `+855`.
fn number(front: &str, n: u64, out: &mut String) {
    let digits = if front.starts_with("+855") { 12 } else { 11_usize }.saturating_sub(front.len());
    out.clear();
    out.push_str(front);
    let written = n.to_string();
    out.extend(std::iter::repeat_n('0', digits.saturating_sub(written.len())));
    out.push_str(&written);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(messages: u64, seed: u64) -> Vec<Sent> {
        let (mut day, mut sent, mut all) = (Day::new(messages, seed), Sent::default(), Vec::new());
        while day.next(&mut sent) {
            all.push(sent.clone());
        }
        all
    }

    #[test]
    fn a_day_is_the_same_by_its_seed_and_in_order() {
        let (one, again, other) = (all(20_000, 1), all(20_000, 1), all(20_000, 2));
        assert_eq!(one.len(), 20_000);
        assert!(one.windows(2).all(|pair| pair[0].at <= pair[1].at), "in order of time");
        let texts = |all: &[Sent]| all.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>();
        assert_eq!(texts(&one), texts(&again));
        assert_ne!(texts(&one), texts(&other));
    }

    #[test]
    fn everybody_sends_and_numbers_are_whole() {
        let all = all(20_000, 1);
        let of = |class: Class| all.iter().filter(move |sent| sent.class == Some(class));
        let people: std::collections::HashSet<&str> = of(Class::Conversation).map(|s| s.from.as_str()).collect();
        assert!(people.len() >= 1_900, "{}", people.len());
        assert_eq!(of(Class::Snowshoe).map(|s| s.from.as_str()).collect::<std::collections::HashSet<_>>().len(), 500);
        for sent in all.iter().filter(|sent| sent.to.starts_with("+65")) {
            assert_eq!(sent.to.len(), 11, "{}", sent.to);
        }
        assert!(all.iter().all(|sent| !sent.text.contains(['{', '}'])), "every slot is filled");
    }
}
