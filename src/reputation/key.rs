//! What is remembered, and under which name: a [`Key`] is a kind and a keyed hash, never a number or a name itself.
//!
//! Names are made alike before they are hashed ([`Names`]), so that one sender is one key however it is dressed: a number in
//! its international form, a name in its matching form. The hash is SipHash-1-3 (Aumasson and Bernstein, 2012) under a
//! secret of the operator's: who does not know it can neither tell a subscriber from a key nor make keys that fall
//! together. Nodes that share what they know need one secret.

use std::fmt::{self, Write as _};

use crate::message::{Party, PartyKind};
use crate::text::fold::Folder;

/// What a key stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The system_id of a bind.
    Account,
    /// A source address.
    Sender,
    /// A destination address: for rates and distinct counts, it has no standing.
    Recipient,
    /// The registrable domain of a link.
    Domain,
    /// A number to call or a chat handle in a text.
    Phone,
    /// Texts that are nearly the same.
    Campaign,
    /// The thousand numbers that a recipient's is one of: for rates only, it has no standing.
    Range,
}

impl Kind {
    /// Every kind, in the order of its octet in snapshots.
    pub const ALL: [Self; 7] =
        [Self::Account, Self::Sender, Self::Recipient, Self::Domain, Self::Phone, Self::Campaign, Self::Range];

    /// The word in YAML, on the command line and in the journal.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Domain => "domain",
            Self::Phone => "phone",
            Self::Campaign => "campaign",
            Self::Range => "range",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its octet in snapshots and deltas.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The kind of an octet.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// Someone or something that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What it is.
    pub kind: Kind,
    /// The keyed hash of its kind and name; never 0.
    pub hash: u64,
}

/// `sender:00a1b2c3d4e5f607`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:016x}", self.kind.name(), self.hash)
    }
}

impl Key {
    /// The key of a name that is in its normal form already.
    #[must_use]
    pub fn new(secret: Secret, kind: Kind, name: &str) -> Self {
        Self { kind, hash: secret.hash(kind.code(), name.as_bytes()).max(1) }
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, hash) = text.split_once(':')?;
        let is_hash = hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let hash = if is_hash { u64::from_str_radix(hash, 16).ok()? } else { return None };
        Some(Self { kind: Kind::named(kind)?, hash: (hash != 0).then_some(hash)? })
    }
}

/// Digits in which the numbers of one range differ.
const RANGE_DIGITS: usize = 3;

/// The secret that keys are hashed under: 16 octets that nodes which share what they know have in common.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Secret([u64; 2]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl From<[u8; 16]> for Secret {
    fn from(octets: [u8; 16]) -> Self {
        let all = u128::from_le_bytes(octets);
        Self([low(all), low(all >> 64)])
    }
}

impl Secret {
    /// A hash of octets, apart for each `domain`.
    #[must_use]
    pub fn hash(self, domain: u8, octets: &[u8]) -> u64 {
        let [k0, k1] = self.0;
        sip::<1, 3>(k0 ^ u64::from(domain) << 56, k1, octets)
    }

    /// What tells two secrets apart without giving them away: snapshots and deltas carry it.
    #[must_use]
    pub fn fingerprint(self) -> u64 {
        self.hash(0xff, b"tapis reputation")
    }
}

fn low(wide: u128) -> u64 {
    u64::try_from(wide & u128::from(u64::MAX)).unwrap_or_default()
}

/// SipHash-c-d.
fn sip<const C: usize, const D: usize>(k0: u64, k1: u64, octets: &[u8]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, rest) = octets.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        v[3] ^= word;
        (0..C).for_each(|_| round(&mut v));
        v[0] ^= word;
    }
    let length = u64::try_from(octets.len() & 0xff).unwrap_or_default() << 56;
    let last = rest.iter().rev().fold(0, |word, octet| word << 8 | u64::from(*octet)) | length;
    v[3] ^= last;
    (0..C).for_each(|_| round(&mut v));
    v[0] ^= last;
    v[2] ^= 0xff;
    (0..D).for_each(|_| round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

/// Puts names into the form that they are remembered under; room that is reused from name to name.
#[derive(Debug, Default)]
pub struct Names {
    folder: Folder,
    name: String,
}

impl Names {
    /// A source or destination address: `+6591234567` for an international number, `=77266` for a short code, for digits of
    /// TON 5 and for numbers of which nobody can say where they belong, and the matching form without blanks for a name
    /// (`dbsbank` for `DBS Bank` and for `DВS-BANK` with a Cyrillic В). None for no address.
    ///
    /// One name shall be one sender through whatever dress; so whoever imitates a sender's name with another alphabet shares
    /// its key, and is told apart by its account.
    pub fn address(&mut self, party: &Party<'_>) -> Option<&str> {
        self.name.clear();
        match (party.kind, &party.number) {
            (PartyKind::Empty, _) => return None,
            (_, Some(number)) => {
                self.name.push('+');
                self.name.push_str(number.digits());
            }
            (PartyKind::Alphanumeric, None) if !is_digits(party.id) => self.fold(party.id),
            _ => _ = write!(self.name, "={}", party.id.trim_start_matches('+')),
        }
        Some(&self.name)
    }

    /// The thousand numbers that a party's is one of: its digits but the last three. None of what is no international
    /// number.
    pub fn range(&mut self, party: &Party<'_>) -> Option<&str> {
        party.number.as_ref()?;
        let number = self.address(party)?;
        number.get(..number.len().checked_sub(RANGE_DIGITS)?)
    }

    /// The system_id of an account, as it is.
    pub fn account<'n>(&self, id: &'n str) -> &'n str {
        id
    }

    /// A name as an operator gives it on the command line or in an import: a number with its `+`, a short code as digits, a
    /// domain, a chat handle, or any name of a sender.
    pub fn written(&mut self, kind: Kind, name: &str) -> &str {
        self.name.clear();
        let digits = name.strip_prefix('+').unwrap_or(name);
        match kind {
            Kind::Account | Kind::Campaign | Kind::Range => self.name.push_str(name),
            Kind::Domain => self.name.extend(name.trim_end_matches('.').chars().flat_map(char::to_lowercase)),
            Kind::Sender | Kind::Recipient if name.starts_with('=') => self.name.push_str(name),
            Kind::Sender | Kind::Recipient if is_digits(name) => _ = write!(self.name, "={name}"),
            Kind::Sender | Kind::Recipient | Kind::Phone if digits.len() < name.len() && is_digits(digits) => {
                self.name.push_str(name);
            }
            Kind::Phone => self.name.extend(name.chars().flat_map(char::to_lowercase)),
            Kind::Sender | Kind::Recipient => self.fold(name),
        }
        &self.name
    }

    /// The matching form of a name without its blanks; the name itself where nothing is left of it.
    fn fold(&mut self, name: &str) {
        let folded = self.folder.fold(name);
        self.name.extend(folded.chars().filter(|c| *c != ' '));
        if self.name.is_empty() {
            self.name.push_str(name);
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::number::Country;
    use crate::wire::command::Ton;

    fn name(ton: u8, id: &str) -> Option<String> {
        let party = Party::new(Ton(ton), id, Country::parse("SG"));
        Names::default().address(&party).map(ToOwned::to_owned)
    }

    #[test]
    fn hashes_are_those_of_the_paper() {
        // SipHash-2-4 of 00 01 … 0e under the key 00 01 … 0f: appendix A of the paper.
        let octets: Vec<u8> = (0..15).collect();
        assert_eq!(sip::<2, 4>(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, &octets), 0xa129_ca61_49be_45e5);
        let keyed = |n: u8| Key::new(Secret::from([n; 16]), Kind::Sender, "dbs");
        assert_ne!(keyed(1), keyed(2));
        assert_ne!(keyed(1).hash, Key::new(Secret::from([1; 16]), Kind::Domain, "dbs").hash);
    }

    #[test]
    fn one_sender_is_one_key_through_whatever_dress() {
        let is = |name: &str| Some(name.to_owned());
        assert_eq!(name(1, "6591234567"), is("+6591234567"));
        assert_eq!(name(0, "+6591234567"), is("+6591234567"));
        assert_eq!(name(2, "91234567"), is("+6591234567"));
        assert_eq!(name(0, "77266"), is("=77266"));
        assert_eq!(name(5, "6591234567"), is("=6591234567"), "TON 5 is no number");
        assert_eq!(name(5, "DBS Bank"), name(5, "dbs-BANK"));
        assert_eq!(name(5, "DBS"), name(5, "D\u{412}S"));
        assert_ne!(name(5, "DBS"), name(5, "OCBC"));
        assert_eq!(name(0, ""), None);
        assert!(name(5, "...").is_some_and(|n| !n.is_empty()), "something is left of every name");
    }

    #[test]
    fn a_range_is_a_thousand_numbers() {
        let range = |ton: u8, id: &str| {
            let party = Party::new(Ton(ton), id, Country::parse("SG"));
            Names::default().range(&party).map(ToOwned::to_owned)
        };
        assert_eq!(range(1, "6591234567").as_deref(), Some("+6591234"));
        assert_eq!(range(1, "6591234999"), range(2, "91234000"));
        assert_ne!(range(1, "6591234999"), range(1, "6591235000"));
        assert_eq!((range(5, "DBS"), range(0, "77266")), (None, None));
    }

    #[test]
    fn what_is_typed_is_what_was_seen() {
        let mut names = Names::default();
        assert_eq!(names.written(Kind::Sender, "+6591234567"), "+6591234567");
        assert_eq!(names.written(Kind::Sender, "77266"), "=77266");
        assert_eq!(names.written(Kind::Sender, "DBS Bank"), "dbsbank");
        assert_eq!(names.written(Kind::Domain, "DBS.com."), "dbs.com");
        assert_eq!(names.written(Kind::Phone, "line:WinBig"), "line:winbig");
    }

    #[test]
    fn keys_are_read_as_they_are_printed() {
        let key = Key::new(Secret::from([7; 16]), Kind::Campaign, "x");
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        for wrong in ["sender", "sender:12", "king:0000000000000001", "sender:0000000000000000"] {
            assert_eq!(Key::parse(wrong), None, "{wrong}");
        }
    }
}
