//! Registries: who may send under which name, through which account, and what it may link to and ask people to call.

use std::collections::HashMap;

use super::list::{FOR_EVER, Fault, Names, digits, domain, in_small_letters, is_under, midnight};
use crate::config::spec::{Placed, RegistryEntry};
use crate::text::number::Number;
use crate::time::Timestamp;

/// Who may send under which name, through which account, and what it may link to and ask people to call.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// By the name in small letters.
    entries: HashMap<Box<str>, Vec<Registered>>,
}

#[derive(Clone, Debug)]
struct Registered {
    accounts: Vec<String>,
    domains: Box<[Box<str>]>,
    phones: Box<[Box<str>]>,
    valid_from: Option<Timestamp>,
    valid_before: Option<Timestamp>,
}

impl Registry {
    /// Adds one entry. Answers what of it is no domain, number or date; an entry without its dates would hold too long,
    /// and is not added.
    pub fn insert<'e>(&mut self, entry: &'e RegistryEntry) -> Vec<(Fault, &'e Placed<String>)> {
        let mut faults = Vec::new();
        let domains = entries(&entry.domains, domain, Fault::Domain, &mut faults);
        let phones = entries(&entry.phones, digits, Fault::Number, &mut faults);
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
            let accounts = entry.accounts.clone();
            let one = Registered { accounts, domains, phones, valid_from, valid_before };
            self.entries.entry(entry.sender.trim().to_lowercase().into()).or_default().push(one);
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
        let all = self.entries.get(sender).or_else(|| in_small_letters(sender, |sender| self.entries.get(sender)));
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
        } else if self.knows(sender) {
            "other-account"
        } else {
            "unregistered"
        }
    }

    /// Whether the name stands in it, for whatever account and day.
    #[must_use]
    pub fn knows(&self, sender: &str) -> bool {
        self.entries.contains_key(sender) || in_small_letters(sender, |sender| self.entries.contains_key(sender))
    }

    /// The names, in small letters.
    #[must_use]
    pub fn names(&self) -> Names {
        self.entries.keys().filter(|name| !name.is_empty()).map(|name| (name.clone(), FOR_EVER)).collect()
    }

    /// Whether the host belongs to the sender.
    #[must_use]
    pub fn owns_host(&self, sender: &str, account: &str, now: Timestamp, host: &str) -> bool {
        self.holding(sender, account, now).any(|e| e.domains.iter().any(|domain| is_under(host, domain)))
    }

    /// Whether the number belongs to the sender.
    #[must_use]
    pub fn owns_number(&self, sender: &str, account: &str, now: Timestamp, number: &Number) -> bool {
        let is_number = |phone: &str| phone == number.digits() || phone == number.subscriber();
        self.holding(sender, account, now).any(|e| e.phones.iter().any(|phone| is_number(phone)))
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.values().map(Vec::len).sum()
    }
}

/// Entries as they are looked up; what is none is told.
fn entries<'e>(
    written: &'e [Placed<String>],
    read: impl Fn(&str) -> Option<std::borrow::Cow<'_, str>>,
    fault: Fault,
    faults: &mut Vec<(Fault, &'e Placed<String>)>,
) -> Box<[Box<str>]> {
    let mut all = Vec::new();
    for one in written {
        match read(&one.value) {
            Some(entry) => all.push(entry.into()),
            None => faults.push((fault, one)),
        }
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

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
