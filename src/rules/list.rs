//! Lists and registries, compiled for looking up: each costs the same however long it is.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::likeness;
use crate::config::spec::RegistryEntry;
use crate::text::number::Number;
use crate::time::Timestamp;

/// Domains; each stands for its subdomains too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    entries: HashSet<Box<str>>,
    /// Look-alike forms of the registrable label, with the label.
    labels: HashMap<Box<str>, Box<str>>,
}

impl Domains {
    /// Adds one entry, as written: a scheme, a path and a leading `*.` are ignored.
    pub fn insert(&mut self, entry: &str) {
        let entry = entry.trim().to_lowercase();
        let host = entry.split_once("://").map_or(entry.as_str(), |(_, rest)| rest);
        let host = host.split(['/', '?', '#', ':']).next().unwrap_or(host).trim_start_matches("*.").trim_matches('.');
        if host.is_empty() {
            return;
        }
        let label = host.split('.').next().unwrap_or(host);
        self.labels.insert(likeness::skeleton(label).into(), label.into());
        self.entries.insert(host.into());
    }

    /// Whether the host, or a domain above it, is an entry.
    #[must_use]
    pub fn contains(&self, host: &str) -> bool {
        let mut rest = host;
        loop {
            if self.entries.contains(rest) {
                return true;
            }
            match rest.split_once('.') {
                Some((_, above)) => rest = above,
                None => return false,
            }
        }
    }

    /// Whether the registrable domain looks like that of an entry and the host is none.
    #[must_use]
    pub fn is_like(&self, host: &str, domain: &str) -> bool {
        if self.contains(host) {
            return false;
        }
        let label = domain.split('.').next().unwrap_or(domain);
        let is_like = |part: &str| {
            let skeleton = likeness::skeleton(part);
            self.labels.contains_key(skeleton.as_str())
                || self.labels.keys().any(|known| likeness::is_one_off(&skeleton, known))
        };
        is_like(label) || label.split('-').any(|part| part.len() >= 4 && part != label && is_like(part))
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

/// Sender ids, without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Senders {
    entries: HashSet<Box<str>>,
    skeletons: HashSet<Box<str>>,
}

impl Senders {
    /// Adds one entry.
    pub fn insert(&mut self, entry: &str) {
        let entry = entry.trim();
        if !entry.is_empty() {
            self.skeletons.insert(likeness::skeleton(entry).into());
            self.entries.insert(entry.to_lowercase().into());
        }
    }

    /// Whether it is an entry.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        if self.entries.contains(id) {
            return true;
        }
        id.chars().any(char::is_uppercase) && self.entries.contains(id.to_lowercase().as_str())
    }

    /// Whether it reads like an entry and is none.
    #[must_use]
    pub fn is_like(&self, id: &str) -> bool {
        if id.is_empty() || self.contains(id) {
            return false;
        }
        let skeleton = likeness::skeleton(id);
        !skeleton.is_empty()
            && (self.skeletons.contains(skeleton.as_str())
                || self.skeletons.iter().any(|known| likeness::is_one_off(&skeleton, known)))
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
    entries: HashSet<Box<str>>,
}

impl Prefixes {
    /// Adds one entry; `+`, spaces and hyphens are ignored.
    pub fn insert(&mut self, entry: &str) {
        let digits: String = entry.chars().filter(char::is_ascii_digit).collect();
        if !digits.is_empty() {
            self.entries.insert(digits.into());
        }
    }

    /// Whether the number begins with an entry.
    #[must_use]
    pub fn has_prefix_of(&self, number: &Number) -> bool {
        self.has_prefix_of_digits(number.digits())
    }

    /// Whether these digits begin with an entry.
    #[must_use]
    pub fn has_prefix_of_digits(&self, digits: &str) -> bool {
        (1..=digits.len()).any(|len| digits.get(..len).is_some_and(|prefix| self.entries.contains(prefix)))
    }

    /// Whether the whole number is an entry.
    #[must_use]
    pub fn contains(&self, number: &Number) -> bool {
        self.entries.contains(number.digits())
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
    entries: Vec<(u128, u128)>,
}

impl Addresses {
    /// Adds `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Answers false when it is none of these.
    pub fn insert(&mut self, entry: &str) -> bool {
        let (address, bits) = entry.trim().split_once('/').map_or((entry.trim(), None), |(a, b)| (a, Some(b)));
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let Ok(bits) = bits.map_or(Ok(width), str::parse::<u32>) else { return false };
        if bits > width {
            return false;
        }
        let mask = u128::MAX.checked_shl(width - bits).unwrap_or(0);
        self.entries.push((mapped(address) & mask, mask));
        true
    }

    /// Whether the address is one, or in one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = mapped(address);
        self.entries.iter().any(|(network, mask)| address & mask == *network)
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

#[derive(Clone, Debug)]
struct Registered {
    accounts: Vec<String>,
    domains: Domains,
    phones: Prefixes,
    valid_from: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Registry {
    /// Adds one entry.
    pub fn insert(&mut self, entry: &RegistryEntry) {
        let mut domains = Domains::default();
        entry.domains.iter().for_each(|d| domains.insert(d));
        let mut phones = Prefixes::default();
        entry.phones.iter().for_each(|p| phones.insert(p));
        self.senders.insert(&entry.sender);
        self.entries.entry(entry.sender.to_lowercase().into()).or_default().push(Registered {
            accounts: entry.accounts.clone(),
            domains,
            phones,
            valid_from: entry.valid_from.as_deref().and_then(|d| midnight(d, 0)),
            valid_before: entry.valid_until.as_deref().and_then(|d| midnight(d, 1)),
        });
    }

    /// The entries of a sender that hold for this account today.
    fn holding(&self, sender: &str, account: &str, now: Timestamp) -> impl Iterator<Item = &Registered> {
        let all = match self.entries.get(sender) {
            None if sender.chars().any(char::is_uppercase) => self.entries.get(sender.to_lowercase().as_str()),
            found => found,
        };
        let account = account.to_owned();
        all.into_iter().flatten().filter(move |e| {
            (e.accounts.is_empty() || e.accounts.contains(&account))
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
        } else if self.senders.contains(sender) {
            "other-account"
        } else {
            "unregistered"
        }
    }

    /// Whether the host belongs to the sender.
    #[must_use]
    pub fn owns_host(&self, sender: &str, account: &str, now: Timestamp, host: &str) -> bool {
        self.holding(sender, account, now).any(|e| e.domains.contains(host))
    }

    /// Whether the number belongs to the sender.
    #[must_use]
    pub fn owns_number(&self, sender: &str, account: &str, now: Timestamp, number: &Number) -> bool {
        self.holding(sender, account, now).any(|e| e.phones.contains(number))
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

    #[test]
    fn a_domain_stands_for_its_subdomains_and_for_nothing_that_ends_like_it() {
        let mut domains = Domains::default();
        domains.insert("https://DBS.com.sg/login");
        assert!(domains.contains("dbs.com.sg") && domains.contains("www.dbs.com.sg"));
        assert!(!domains.contains("xdbs.com.sg") && !domains.contains("com.sg"));
        assert!(domains.is_like("d8s.top", "d8s.top"));
        assert!(!domains.is_like("www.dbs.com.sg", "dbs.com.sg"));
    }

    #[test]
    fn a_look_alike_is_no_entry() {
        let mut senders = Senders::default();
        ["DBS", "SingPost", "gov.sg"].into_iter().for_each(|s| senders.insert(s));
        for like in ["D8S", "DB5", "DBS.", "S1ngPost", "SingP0st", "Gov-SG", "SingPosst"] {
            assert!(senders.is_like(like), "{like}");
        }
        for other in ["DBS", "dbs", "DHL", "UOB", "singpost", ""] {
            assert!(!senders.is_like(other), "{other}");
        }
    }

    #[test]
    fn networks_hold_their_addresses() {
        let mut all = Addresses::default();
        assert!(all.insert("10.0.0.0/8") && all.insert("2001:db8::/32") && all.insert("192.0.2.1"));
        assert!(!all.insert("300.0.0.1") && !all.insert("10.0.0.0/40"));
        assert!(all.contains("10.9.8.7".parse().unwrap()) && all.contains("2001:db8::9".parse().unwrap()));
        assert!(!all.contains("11.0.0.1".parse().unwrap()) && !all.contains("192.0.2.2".parse().unwrap()));
    }

    #[test]
    fn a_registered_name_holds_for_its_account_and_its_days() {
        let mut registry = Registry::default();
        registry.insert(&RegistryEntry {
            sender: "DBS".into(),
            accounts: vec!["dbs-direct".into()],
            domains: vec!["dbs.com".into()],
            valid_from: Some("2026-01-01".into()),
            valid_until: Some("2026-12-31".into()),
            ..RegistryEntry::default()
        });
        let day = |date: &str| midnight(date, 0).unwrap();
        assert!(registry.is_registered("DBS", "dbs-direct", day("2026-12-31")));
        assert!(!registry.is_registered("DBS", "dbs-direct", day("2027-01-01")));
        assert!(!registry.is_registered("DBS", "agg", day("2026-06-01")));
        assert_eq!(registry.standing("dbs", "agg", day("2026-06-01")), "other-account");
        assert!(registry.owns_host("DBS", "dbs-direct", day("2026-06-01"), "www.dbs.com"));
    }
}
