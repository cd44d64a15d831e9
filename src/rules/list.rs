//! Lists and registries, compiled for looking up: each costs the same however long it is.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::config::spec::{Placed, RegistryEntry};
use crate::text::entity::idn;
use crate::text::number::Number;
use crate::time::Timestamp;

/// An entry with the moment at which it ends.
pub type Until = Timestamp;

/// An entry without an end.
pub const FOR_EVER: Until = Timestamp(u64::MAX);

/// Keeps the later end of what stands in a list twice.
fn keep(entries: &mut HashMap<Box<str>, Until>, entry: &str, until: Until) {
    let end = entries.entry(entry.into()).or_insert(until);
    *end = (*end).max(until);
}

fn holds(entries: &HashMap<Box<str>, Until>, entry: &str, now: Timestamp) -> bool {
    entries.get(entry).is_some_and(|until| now < *until)
}

/// Asks with a name in small letters, when it has others; a name as long as a PDU carries it costs no allocation.
fn in_small_letters<T>(name: &str, ask: impl FnOnce(&str) -> T) -> Option<T> {
    if !name.chars().any(char::is_uppercase) {
        return None;
    }
    let mut room = [0; 64];
    let ascii = room.get_mut(..name.len()).filter(|_| name.is_ascii()).and_then(|room| {
        room.copy_from_slice(name.as_bytes());
        room.make_ascii_lowercase();
        std::str::from_utf8(room).ok()
    });
    Some(match ascii {
        Some(name) => ask(name),
        None => ask(&name.to_lowercase()),
    })
}

/// Domains; each stands for its subdomains too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    /// In ASCII, as links are looked up.
    entries: HashMap<Box<str>, Until>,
}

impl Domains {
    /// Adds one entry, as written: a scheme, a path and a leading `*.` are ignored. Answers false when what is left is no
    /// domain.
    pub fn insert(&mut self, entry: &str, until: Until) -> bool {
        let entry = entry.trim().to_lowercase();
        let host = entry.split_once("://").map_or(entry.as_str(), |(_, rest)| rest);
        let host = host.split(['/', '?', '#', ':']).next().unwrap_or(host).trim_start_matches("*.").trim_matches('.');
        if !host.split('.').all(is_label) {
            return false;
        }
        keep(&mut self.entries, &idn::ascii(host), until);
        true
    }

    /// Whether the host, or a domain above it, is an entry.
    #[must_use]
    pub fn contains(&self, host: &str, now: Timestamp) -> bool {
        let mut rest = host;
        loop {
            if holds(&self.entries, rest, now) {
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
        holds(&self.entries, host, now)
    }

    /// What people know the entries by: the label under which each is registered.
    pub fn labels(&self) -> impl Iterator<Item = (&str, Until)> {
        self.entries.iter().map(|(entry, until)| {
            let domain = psl::domain_str(entry).unwrap_or(entry);
            (domain.split('.').next().unwrap_or(domain), *until)
        })
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

/// Whether it can stand between two dots of a domain, in Latin or another script.
fn is_label(label: &str) -> bool {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c) || (!c.is_ascii() && !c.is_whitespace());
    !label.is_empty() && label.chars().all(is_sign)
}

/// Sender ids, without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Senders {
    entries: HashMap<Box<str>, Until>,
}

impl Senders {
    /// Adds one entry.
    pub fn insert(&mut self, entry: &str, until: Until) {
        let entry = entry.trim();
        if !entry.is_empty() {
            keep(&mut self.entries, &entry.to_lowercase(), until);
        }
    }

    /// Whether it is an entry.
    #[must_use]
    pub fn contains(&self, id: &str, now: Timestamp) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        holds(&self.entries, id, now) || in_small_letters(id, |id| holds(&self.entries, id, now)).unwrap_or(false)
    }

    /// The entries, in small letters.
    pub fn names(&self) -> impl Iterator<Item = (&str, Until)> {
        self.entries.iter().map(|(entry, until)| (&**entry, *until))
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

/// Prefixes of international numbers, digits only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    entries: HashMap<Box<str>, Until>,
}

impl Prefixes {
    /// Adds one entry; `+`, spaces and hyphens are ignored. Answers false when it is no number.
    pub fn insert(&mut self, entry: &str, until: Until) -> bool {
        let digits: String = entry.chars().filter(char::is_ascii_digit).collect();
        let is_number = !digits.is_empty() && entry.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
        if is_number {
            keep(&mut self.entries, &digits, until);
        }
        is_number
    }

    /// Whether the number begins with an entry.
    #[must_use]
    pub fn has_prefix_of(&self, number: &Number, now: Timestamp) -> bool {
        self.has_prefix_of_digits(number.digits(), now)
    }

    /// Whether these digits begin with an entry.
    #[must_use]
    pub fn has_prefix_of_digits(&self, digits: &str, now: Timestamp) -> bool {
        (1..=digits.len()).any(|len| digits.get(..len).is_some_and(|prefix| holds(&self.entries, prefix, now)))
    }

    /// Whether the whole number is an entry, with its country's code or, as services' numbers are written, without.
    #[must_use]
    pub fn contains(&self, number: &Number, now: Timestamp) -> bool {
        holds(&self.entries, number.digits(), now) || holds(&self.entries, number.subscriber(), now)
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
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

/// Who may send under which name, through which account, and what it may link to and ask people to call.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: HashMap<Box<str>, Vec<Registered>>,
    /// The names.
    pub senders: Senders,
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

#[derive(Clone, Debug)]
struct Registered {
    accounts: Vec<String>,
    domains: Domains,
    phones: Prefixes,
    valid_from: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Registry {
    /// Adds one entry. Answers what of it is no domain, number or date; an entry without its dates would hold too long,
    /// and is not added.
    pub fn insert<'e>(&mut self, entry: &'e RegistryEntry) -> Vec<(Fault, &'e Placed<String>)> {
        let mut domains = Domains::default();
        let mut phones = Prefixes::default();
        let bad_domains =
            entry.domains.iter().filter(|d| !domains.insert(&d.value, FOR_EVER)).map(|d| (Fault::Domain, d));
        let mut faults: Vec<_> = bad_domains.collect();
        faults.extend(entry.phones.iter().filter(|p| !phones.insert(&p.value, FOR_EVER)).map(|p| (Fault::Number, p)));
        let mut date = |date: Option<&'e Placed<String>>, days| {
            let at = midnight(&date?.value, days);
            if at.is_none() {
                faults.extend(date.map(|d| (Fault::Date, d)));
            }
            at
        };
        let valid_from = date(entry.valid_from.as_ref(), 0);
        let valid_before = date(entry.valid_until.as_ref(), 1);
        if faults.iter().all(|(fault, _)| *fault != Fault::Date) {
            self.senders.insert(&entry.sender, FOR_EVER);
            let accounts = entry.accounts.clone();
            let one = Registered { accounts, domains, phones, valid_from, valid_before };
            self.entries.entry(entry.sender.to_lowercase().into()).or_default().push(one);
        }
        faults
    }

    /// The entries of a sender that hold for this account today.
    fn holding<'a>(
        &'a self,
        sender: &str,
        account: &'a str,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Registered> + use<'a> {
        let all =
            self.entries.get(sender).or_else(|| in_small_letters(sender, |sender| self.entries.get(sender)).flatten());
        all.into_iter().flatten().filter(move |e| {
            (e.accounts.is_empty() || e.accounts.iter().any(|a| a == account))
                && e.valid_from.is_none_or(|from| now >= from)
                && e.valid_before.is_none_or(|before| now < before)
        })
    }

    /// Whether the name is registered for this account today.
    #[must_use]
    pub fn is_registered(&self, sender: &str, account: &str, now: Timestamp) -> bool {
        self.holding(sender, account, now).next().is_some()
    }

    /// How the name stands, for the record: `registered`, `other-account` or `unregistered`.
    #[must_use]
    pub fn standing(&self, sender: &str, account: &str, now: Timestamp) -> &'static str {
        if self.is_registered(sender, account, now) {
            "registered"
        } else if self.senders.contains(sender, now) {
            "other-account"
        } else {
            "unregistered"
        }
    }

    /// Whether the host belongs to the sender.
    #[must_use]
    pub fn owns_host(&self, sender: &str, account: &str, now: Timestamp, host: &str) -> bool {
        self.holding(sender, account, now).any(|e| e.domains.contains(host, now))
    }

    /// Whether the number belongs to the sender.
    #[must_use]
    pub fn owns_number(&self, sender: &str, account: &str, now: Timestamp, number: &Number) -> bool {
        self.holding(sender, account, now).any(|e| e.phones.contains(number, now))
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }
}

/// The start of a day, in UTC, `days` later.
pub(super) fn midnight(date: &str, days: i64) -> Option<Timestamp> {
    let date: jiff::civil::Date = date.parse().ok()?;
    let day = crate::time::days_from_civil(date.year().into(), date.month().into(), date.day().into());
    u64::try_from((day + days).checked_mul(86_400_000_000)?).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(0);

    #[test]
    fn a_domain_stands_for_its_subdomains_and_for_nothing_that_ends_like_it() {
        let mut domains = Domains::default();
        assert!(domains.insert("https://DBS.com.sg/login", FOR_EVER));
        assert!(domains.contains("dbs.com.sg", NOW) && domains.contains("www.dbs.com.sg", NOW));
        assert!(!domains.contains("xdbs.com.sg", NOW) && !domains.contains("com.sg", NOW));
        assert!(domains.has("dbs.com.sg", NOW) && !domains.has("www.dbs.com.sg", NOW));
        assert!(domains.insert("www.kbаnk.com", FOR_EVER) && !domains.contains("xn--kbnk-63d.com", NOW));
        let mut labels: Vec<_> = domains.labels().map(|(label, _)| label).collect();
        labels.sort_unstable();
        assert_eq!(labels, ["dbs", "xn--kbnk-63d"]);
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
        let (mut domains, mut senders, mut prefixes) = (Domains::default(), Senders::default(), Prefixes::default());
        let day = |date: &str| midnight(date, 0).unwrap();
        for end in ["2026-06-01", "2026-03-01"].map(day) {
            assert!(domains.insert("bad.top", end) && prefixes.insert("+65 9", end));
            senders.insert("SCAMMY", end);
        }
        for (now, holds) in [(Timestamp(day("2026-06-01").0 - 1), true), (day("2026-06-01"), false)] {
            assert_eq!(domains.contains("a.bad.top", now), holds);
            assert_eq!(senders.contains("scammy", now), holds);
            assert_eq!(prefixes.has_prefix_of_digits("6591234567", now), holds);
        }
    }

    #[test]
    fn what_is_no_entry_is_told() {
        for no in ["https://", "not a domain", "a..b", "", "a,b"] {
            assert!(!Domains::default().insert(no, FOR_EVER), "{no}");
        }
        for no in ["none", "", "+", "65x"] {
            assert!(!Prefixes::default().insert(no, FOR_EVER), "{no}");
        }
        assert!(
            Domains::default().insert("*.ธนาคาร.ไทย", FOR_EVER) && Prefixes::default().insert("+65 (6)-1", FOR_EVER)
        );
    }

    fn placed(text: &str) -> Placed<String> {
        Placed { value: text.into(), place: crate::config::spec::Place::start("t") }
    }

    #[test]
    fn a_registered_name_holds_for_its_account_and_its_days() {
        let mut registry = Registry::default();
        let mut entry = RegistryEntry {
            sender: "DBS".into(),
            accounts: vec!["dbs-direct".into()],
            domains: vec![placed("dbs.com")],
            valid_from: Some(placed("2026-01-01")),
            valid_until: Some(placed("2026-12-31")),
            ..RegistryEntry::default()
        };
        assert!(registry.insert(&entry).is_empty());
        let day = |date: &str| midnight(date, 0).unwrap();
        assert!(registry.is_registered("DBS", "dbs-direct", day("2026-12-31")));
        assert!(!registry.is_registered("DBS", "dbs-direct", day("2027-01-01")));
        assert!(!registry.is_registered("DBS", "agg", day("2026-06-01")));
        assert_eq!(registry.standing("dbs", "agg", day("2026-06-01")), "other-account");
        assert!(registry.owns_host("DBS", "dbs-direct", day("2026-06-01"), "www.dbs.com"));

        entry.sender = "POSB".into();
        entry.domains.push(placed("no domain"));
        entry.valid_until = Some(placed("soon"));
        let faults = registry.insert(&entry);
        let told: Vec<_> = faults.iter().map(|(fault, what)| (*fault, what.value.as_str())).collect();
        assert_eq!(told, [(Fault::Domain, "no domain"), (Fault::Date, "soon")]);
        assert!(!registry.is_registered("POSB", "dbs-direct", day("2026-06-01")), "it would never end");
    }
}
