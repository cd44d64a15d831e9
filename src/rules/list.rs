//! Lists, compiled for looking up: each costs the same however long it is.
//!
//! What was written is kept only where rules compare looks with it, which
//! [`LIKE_ENTRIES_MAX`](crate::limits::LIKE_ENTRIES_MAX) bounds.

use std::borrow::Cow;
use std::net::IpAddr;

use super::keys::Keys;
use super::lines::Plain;
use crate::text::entity::idn;
use crate::text::number::Number;
use crate::time::Timestamp;

/// An entry with the moment at which it ends.
pub type Until = Timestamp;

/// An entry without an end.
pub const FOR_EVER: Until = Timestamp(u64::MAX);

/// Entries as they are looked up, each with its end.
pub type Names = Vec<(Box<str>, Until)>;

/// What a list is made of.
pub trait Listed: Plain + Sized {
    /// An entry as it is looked up; none when it is none.
    fn entry(written: &str) -> Option<Cow<'_, str>>;

    /// The list of these.
    fn of(keys: Keys, longest: &[usize]) -> Self;
}

/// Asks with a name in small letters; a name as long as a PDU carries it costs no allocation.
pub(super) fn in_small_letters<T>(name: &str, ask: impl FnOnce(&str) -> T) -> T {
    if !name.chars().any(char::is_uppercase) {
        return ask(name);
    }
    let mut room = [0; 64];
    let ascii = room.get_mut(..name.len()).filter(|_| name.is_ascii()).and_then(|room| {
        room.copy_from_slice(name.as_bytes());
        room.make_ascii_lowercase();
        std::str::from_utf8(room).ok()
    });
    match ascii {
        Some(name) => ask(name),
        None => ask(&name.to_lowercase()),
    }
}

/// An entry in small letters, without blanks around it.
fn small(written: &str) -> Cow<'_, str> {
    let written = written.trim();
    if written.bytes().all(|octet| octet.is_ascii() && !octet.is_ascii_uppercase()) {
        return Cow::Borrowed(written);
    }
    Cow::Owned(written.to_lowercase())
}

/// Domains; each stands for its subdomains too.
#[derive(Debug)]
pub struct Domains(Keys);

/// A domain as links are looked up, in ASCII: a scheme, a path and a leading `*.` are ignored. None when what is left is no
/// domain.
#[must_use]
pub fn domain(written: &str) -> Option<Cow<'_, str>> {
    let entry = small(written);
    let host = entry.split_once("://").map_or(&*entry, |(_, rest)| rest);
    let host = host.split(['/', '?', '#', ':']).next().unwrap_or(host).trim_start_matches("*.").trim_matches('.');
    if !host.split('.').all(is_label) {
        return None;
    }
    if host.is_ascii() && host.len() == entry.len() {
        return Some(entry);
    }
    Some(Cow::Owned(idn::ascii(host)))
}

impl Plain for Domains {
    #[inline]
    fn inside(octet: u8) -> bool {
        (octet.wrapping_sub(b'a') < 26) | (octet.wrapping_sub(b'0') < 10) | (octet == b'-') | (octet == b'_')
    }

    #[inline]
    fn between(octet: u8) -> bool {
        octet == b'.'
    }
}

impl Listed for Domains {
    fn entry(written: &str) -> Option<Cow<'_, str>> {
        domain(written)
    }

    fn of(keys: Keys, _: &[usize]) -> Self {
        Self(keys)
    }
}

impl Domains {
    /// Whether the host, or a domain above it, is an entry.
    #[must_use]
    pub fn contains(&self, host: &str, now: Timestamp) -> bool {
        let mut rest = host;
        loop {
            if self.has(rest, now) {
                return true;
            }
            match rest.split_once('.') {
                Some((_, above)) => rest = above,
                None => return false,
            }
        }
    }

    /// Whether this very host is an entry.
    #[must_use]
    pub fn has(&self, host: &str, now: Timestamp) -> bool {
        self.0.holds(host.as_bytes(), now)
    }

    /// Octets that it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.0.octets()
    }
}

/// Whether a host is a domain or under it.
#[must_use]
pub fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// What people know domains by: the label under which each is registered.
pub fn labels(names: &Names) -> impl Iterator<Item = (&str, Until)> {
    names.iter().map(|(entry, until)| {
        let domain = psl::domain_str(entry).unwrap_or(entry);
        (domain.split('.').next().unwrap_or(domain), *until)
    })
}

/// Whether it can stand between two dots of a domain, in Latin or another script.
fn is_label(label: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c) || (!c.is_ascii() && !c.is_whitespace());
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    !label.is_empty() && (label.bytes().all(is_plain) || label.chars().all(is_sign))
}

/// Sender ids, without regard to case.
#[derive(Debug)]
pub struct Senders(Keys);

impl Plain for Senders {
    #[inline]
    fn inside(octet: u8) -> bool {
        (octet.wrapping_sub(b'a') < 26) | (octet.wrapping_sub(b'0') < 10)
    }

    #[inline]
    fn between(octet: u8) -> bool {
        (octet == b' ') | (octet == b'-') | (octet == b'.')
    }
}

impl Listed for Senders {
    fn entry(written: &str) -> Option<Cow<'_, str>> {
        Some(small(written))
    }

    fn of(keys: Keys, _: &[usize]) -> Self {
        Self(keys)
    }
}

impl Senders {
    /// Whether it is an entry.
    #[must_use]
    pub fn contains(&self, id: &str, now: Timestamp) -> bool {
        !self.0.is_empty()
            && (self.0.holds(id.as_bytes(), now) || in_small_letters(id, |id| self.0.holds(id.as_bytes(), now)))
    }

    /// Octets that it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.0.octets()
    }
}

/// Hashes of texts: 16 hexadecimal digits.
#[derive(Debug)]
pub struct Hashes(Keys);

// Their length counts as well.
impl Plain for Hashes {
    #[inline]
    fn inside(_: u8) -> bool {
        false
    }

    #[inline]
    fn between(_: u8) -> bool {
        false
    }
}

impl Listed for Hashes {
    fn entry(written: &str) -> Option<Cow<'_, str>> {
        let hash = small(written);
        (hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit())).then_some(hash)
    }

    fn of(keys: Keys, _: &[usize]) -> Self {
        Self(keys)
    }
}

impl Hashes {
    /// Whether it is an entry.
    #[must_use]
    pub fn contains(&self, hash: &str, now: Timestamp) -> bool {
        self.0.holds(hash.as_bytes(), now)
    }

    /// Octets that it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.0.octets()
    }
}

/// Prefixes of international numbers, digits only.
#[derive(Debug)]
pub struct Prefixes {
    keys: Keys,
    /// Digits that entries have.
    lengths: Box<[usize]>,
}

/// The digits of a number or the start of one; `+`, spaces and hyphens are ignored. None when it is no number.
#[must_use]
pub fn digits(written: &str) -> Option<Cow<'_, str>> {
    let written = written.trim();
    if !written.is_empty() && written.bytes().all(|octet| octet.is_ascii_digit()) {
        return Some(Cow::Borrowed(written));
    }
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let is_number = !digits.is_empty() && written.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    is_number.then_some(Cow::Owned(digits))
}

impl Plain for Prefixes {
    #[inline]
    fn inside(octet: u8) -> bool {
        octet.wrapping_sub(b'0') < 10
    }

    #[inline]
    fn between(_: u8) -> bool {
        false
    }
}

impl Listed for Prefixes {
    fn entry(written: &str) -> Option<Cow<'_, str>> {
        digits(written)
    }

    fn of(keys: Keys, lengths: &[usize]) -> Self {
        Self { keys, lengths: lengths.into() }
    }
}

impl Prefixes {
    /// Whether the number begins with an entry.
    #[must_use]
    pub fn has_prefix_of(&self, number: &Number, now: Timestamp) -> bool {
        self.has_prefix_of_digits(number.digits(), now)
    }

    /// Whether these digits begin with an entry.
    #[must_use]
    pub fn has_prefix_of_digits(&self, digits: &str, now: Timestamp) -> bool {
        let mut prefixes = self.lengths.iter().filter_map(|len| digits.get(..*len));
        prefixes.any(|prefix| self.keys.holds(prefix.as_bytes(), now))
    }

    /// Whether the whole number is an entry, with its country's code or, as services' numbers are written, without.
    #[must_use]
    pub fn contains(&self, number: &Number, now: Timestamp) -> bool {
        let holds = |digits: &str| self.keys.holds(digits.as_bytes(), now);
        holds(number.digits()) || holds(number.subscriber())
    }

    /// Octets that it takes.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.keys.octets()
    }
}

/// IP addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    entries: Vec<(u128, u128, Until)>,
}

impl Addresses {
    /// Adds `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Answers false when it is none of these.
    pub fn insert(&mut self, entry: &str, until: Until) -> bool {
        let (address, bits) = entry.trim().split_once('/').map_or((entry.trim(), None), |(a, b)| (a, Some(b)));
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let Ok(bits) = bits.map_or(Ok(width), str::parse::<u32>) else { return false };
        if bits > width {
            return false;
        }
        let mask = u128::MAX.checked_shl(width - bits).unwrap_or(0);
        self.entries.push((mapped(address) & mask, mask, until));
        true
    }

    /// Whether the address is one, or in one.
    #[must_use]
    pub fn contains(&self, address: IpAddr, now: Timestamp) -> bool {
        let address = mapped(address);
        self.entries.iter().any(|(network, mask, until)| address & mask == *network && now < *until)
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// What an entry of a list or registry is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A domain.
    Domain,
    /// A number or the start of one.
    Number,
    /// An IP address or network.
    Address,
    /// A day.
    Date,
    /// A hash of a text.
    Hash,
}

/// The start of a day, in UTC, `days` later.
pub(super) fn midnight(date: &str, days: i64) -> Option<Timestamp> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let day = crate::time::days_from_civil(date.year().into(), date.month().into(), date.day().into());
    u64::try_from((day + days).checked_mul(86_400_000_000)?).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::super::reading::Reading;
    use super::*;

    const NOW: Timestamp = Timestamp(0);

    fn list<L: Listed>(entries: &[(&str, Until)]) -> (L, Names) {
        let mut reading = Reading::default();
        for (entry, until) in entries {
            assert!(reading.insert::<L>(entry, *until), "{entry}");
        }
        let (list, names, _) = reading.list();
        (list, names)
    }

    #[test]
    fn a_domain_stands_for_its_subdomains_and_for_nothing_that_ends_like_it() {
        let (domains, names) = list::<Domains>(&[("https://DBS.com.sg/login", FOR_EVER), ("www.kbаnk.com", FOR_EVER)]);
        assert!(domains.contains("dbs.com.sg", NOW) && domains.contains("www.dbs.com.sg", NOW));
        assert!(!domains.contains("xdbs.com.sg", NOW) && !domains.contains("com.sg", NOW));
        assert!(domains.has("dbs.com.sg", NOW) && !domains.has("www.dbs.com.sg", NOW));
        assert!(!domains.contains("xn--kbnk-63d.com", NOW));
        assert_eq!(labels(&names).map(|(label, _)| label).collect::<Vec<_>>(), ["dbs", "xn--kbnk-63d"]);
        assert!(domains.contains("www.xn--kbnk-63d.com", NOW), "links are looked up in ASCII");
    }

    #[test]
    fn networks_hold_their_addresses() {
        let mut all = Addresses::default();
        assert!(
            all.insert("10.0.0.0/8", FOR_EVER)
                && all.insert("2001:db8::/32", FOR_EVER)
                && all.insert("192.0.2.1", FOR_EVER)
        );
        assert!(!all.insert("300.0.0.1", FOR_EVER) && !all.insert("10.0.0.0/40", FOR_EVER));
        assert!(all.contains("10.9.8.7".parse().unwrap(), NOW) && all.contains("2001:db8::9".parse().unwrap(), NOW));
        assert!(!all.contains("11.0.0.1".parse().unwrap(), NOW) && !all.contains("192.0.2.2".parse().unwrap(), NOW));
    }

    #[test]
    fn an_entry_ends_on_its_day_and_the_later_of_two_ends_counts() {
        let day = |date: &str| midnight(date, 0).unwrap();
        let twice = |entry| ["2026-06-01", "2026-03-01"].map(|end| (entry, day(end)));
        let (domains, _) = list::<Domains>(&twice("bad.top"));
        let (senders, _) = list::<Senders>(&twice("SCAMMY"));
        let (prefixes, _) = list::<Prefixes>(&twice("+65 9"));
        for (now, holds) in [(Timestamp(day("2026-06-01").0 - 1), true), (day("2026-06-01"), false)] {
            assert_eq!(domains.contains("a.bad.top", now), holds);
            assert_eq!(senders.contains("scammy", now), holds);
            assert_eq!(prefixes.has_prefix_of_digits("6591234567", now), holds);
        }
    }

    #[test]
    fn what_is_no_entry_is_told() {
        for no in ["https://", "not a domain", "a..b", "", "a,b"] {
            assert!(domain(no).is_none(), "{no}");
        }
        for no in ["none", "", "+", "65x"] {
            assert!(digits(no).is_none(), "{no}");
        }
        assert!(domain("*.ธนาคาร.ไทย").is_some() && digits("+65 (6)-1").as_deref() == Some("6561"));
    }
}
