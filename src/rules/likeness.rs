//! When one name reads like another: `D8S`, `DB5` and `DBS.` for `DBS`, `kbank-th.xyz` and `dbs.com.verify.top` for the
//! domains of banks (Unicode UTS #39 skeletons, with digits read as the letters that they stand for).
//!
//! A name is not compared with every entry of a list: each entry's skeleton is kept by its hash, and by the hashes of
//! what is left of it when one character is dropped. Two names that differ by one character have such a rest in common,
//! so that a look costs the same for ten entries and for a hundred thousand.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::list::Until;
use crate::text::fold::Folder;
use crate::text::letter;
use crate::time::Timestamp;

/// Octets of a skeleton; a label of a domain has at most 63 characters, a sender fewer.
const OCTETS_MAX: usize = 192;

/// What a name looks like at a glance: lower case, without marks, spaces and punctuation, look-alike characters made one.
#[derive(Clone, Copy, Debug)]
pub struct Skeleton {
    octets: [u8; OCTETS_MAX],
    len: usize,
}

/// Room to look at names in, reused from name to name; and what the last one that was asked for looks like, since many
/// lists are asked about one sender.
#[derive(Debug, Default)]
pub struct Room {
    folder: Folder,
    last: Option<Glance>,
}

/// A name at a glance.
#[derive(Debug)]
struct Glance {
    name: String,
    skeleton: Skeleton,
    is_a_word: bool,
    /// The hash of its skeleton, and of it with each of its characters dropped in turn.
    hashes: Vec<u32>,
}

impl Room {
    fn glance(&mut self, name: &str) -> &Glance {
        let known = self.last.take();
        let glance = match known {
            Some(glance) if glance.name == name => glance,
            known => {
                let (mut kept, mut all) = known.map(|glance| (glance.name, glance.hashes)).unwrap_or_default();
                let skeleton = Skeleton::of(name, self);
                kept.clear();
                kept.push_str(name);
                all.clear();
                all.extend(hashes(skeleton.as_str()));
                Glance { name: kept, skeleton, is_a_word: is_a_word(name), hashes: all }
            }
        };
        self.last.insert(glance)
    }
}

impl Skeleton {
    /// The skeleton of a name; what is longer than a name can be is cut.
    #[must_use]
    pub fn of(name: &str, room: &mut Room) -> Self {
        let mut this = Self { octets: [0; OCTETS_MAX], len: 0 };
        for c in name.chars() {
            if c.is_ascii() {
                this.push(c);
            } else {
                room.folder.fold(c.encode_utf8(&mut [0; 4])).nfkd().for_each(|c| this.push(c));
            }
        }
        this
    }

    fn push(&mut self, c: char) {
        let Some(c) = glance(c) else { return };
        match (self.last(), c) {
            (Some(b'r'), 'n') => self.replace_last(b'm'),
            (Some(b'v'), 'v') => self.replace_last(b'w'),
            _ => {
                if let Some(room) = self.octets.get_mut(self.len..self.len + c.len_utf8()) {
                    self.len += c.encode_utf8(room).len();
                }
            }
        }
    }

    fn last(&self) -> Option<u8> {
        self.len.checked_sub(1).and_then(|n| self.octets.get(n)).copied()
    }

    fn replace_last(&mut self, octet: u8) {
        if let Some(last) = self.len.checked_sub(1).and_then(|n| self.octets.get_mut(n)) {
            *last = octet;
        }
    }

    /// It as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.octets.get(..self.len).and_then(|o| std::str::from_utf8(o).ok()).unwrap_or_default()
    }
}

fn glance(c: char) -> Option<char> {
    Some(match c.to_ascii_lowercase() {
        '0' => 'o',
        '1' | 'i' | '|' | '!' => 'l',
        '2' => 'z',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' => 't',
        '8' => 'b',
        c if letter::is_alphanumeric(c) => c,
        _ => return None,
    })
}

/// Names, kept so that one that looks like any of them is found at once.
#[derive(Clone, Debug, Default)]
pub struct Likeness {
    /// Skeletons, each with the moment at which its entry ends.
    names: Vec<(Box<str>, Until)>,
    /// For the hash of each skeleton, and of each with one character less, which it is of; in the order of hashes.
    places: Vec<(u32, u32)>,
}

/// Characters of a label or of a part of one that may be a name; what is shorter is in too many words.
const NAME_CHARACTERS_MIN: usize = 3;

/// Characters of a name that is recognized whatever is written before or behind it without a sign.
const LONG_NAME_CHARACTERS_MIN: usize = 7;

/// Characters from which one wrong letter is a disguise and not another name.
const ONE_OFF_CHARACTERS_MIN: usize = 5;

/// Labels of one host that are looked at, from its registrable one on.
const LABELS_MAX: usize = 8;

impl Likeness {
    /// Keeps names.
    #[must_use]
    pub fn of<'n>(names: impl IntoIterator<Item = (&'n str, Until)>) -> Self {
        let mut room = Room::default();
        let skeletons = names.into_iter().map(|(name, until)| (Skeleton::of(name, &mut room), until));
        let mut all: Vec<(Box<str>, Until)> =
            skeletons.filter(|(s, _)| !s.as_str().is_empty()).map(|(s, until)| (s.as_str().into(), until)).collect();
        // Of an entry that stands twice the later end holds.
        all.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        all.dedup_by(|a, b| a.0 == b.0);
        let mut places = Vec::new();
        for (n, (name, _)) in all.iter().enumerate() {
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            places.push((hash(name, ""), n));
            if name.chars().count() + 1 >= ONE_OFF_CHARACTERS_MIN {
                places.extend(shortened(name).map(|(front, back)| (hash(front, back), n)));
            }
        }
        places.sort_unstable();
        places.dedup();
        Self { names: all, places }
    }

    /// Whether the name reads like one of these.
    #[must_use]
    pub fn has(&self, name: &str, now: Timestamp, room: &mut Room) -> bool {
        let Glance { skeleton, is_a_word, hashes, .. } = room.glance(name);
        *is_a_word && (self.is(skeleton.as_str(), now) || self.is_near(skeleton.as_str(), hashes.iter().copied(), now))
    }

    /// Whether a label of the host, but for its public suffix, reads like one of these or has one in it.
    #[must_use]
    pub fn is_in_host(&self, host: &str, now: Timestamp, room: &mut Room) -> bool {
        let suffix = psl::suffix_str(host).unwrap_or_default();
        let front = host.get(..host.len() - suffix.len()).unwrap_or_default().trim_end_matches('.');
        front.rsplit('.').take(LABELS_MAX).any(|label| {
            let parts = label.split(['-', '_']).filter(|part| part.len() < label.len());
            std::iter::once(label).chain(parts).any(|part| self.is_in_part(part, now, room))
        })
    }

    /// Whether a label, or what is between its hyphens, is a name, or is made of one.
    fn is_in_part(&self, part: &str, now: Timestamp, room: &mut Room) -> bool {
        let whole = Skeleton::of(part, room);
        let skeleton = whole.as_str();
        if !is_a_word(part) || skeleton.chars().count() < NAME_CHARACTERS_MIN {
            return false;
        }
        self.is(skeleton, now)
            || self.is_near(skeleton, hashes(skeleton), now)
            || self.is_at_an_end(skeleton, now)
            || self.has_an_affix(part, now, room)
    }

    /// Whether an affix before or behind it leaves a name.
    fn has_an_affix(&self, part: &str, now: Timestamp, room: &mut Room) -> bool {
        part.char_indices().skip(1).any(|(at, _)| {
            let Some((front, back)) = part.split_at_checked(at) else { return false };
            self.is_name_with(front, back, now, room) || self.is_name_with(back, front, now, room)
        })
    }

    /// Whether it is a name, and what stands beside it an affix. One letter before or behind three is a word: `mais`.
    fn is_name_with(&self, part: &str, affix: &str, now: Timestamp, room: &mut Room) -> bool {
        if !is_affix(affix) || !is_a_word(part) {
            return false;
        }
        let skeleton = Skeleton::of(part, room);
        let count = skeleton.as_str().chars().count();
        let letter = affix.len() == 1 && !affix.starts_with(|c: char| c.is_ascii_digit());
        count >= if letter { NAME_CHARACTERS_MIN + 1 } else { NAME_CHARACTERS_MIN } && self.is(skeleton.as_str(), now)
    }

    /// Whether a long name stands at the start or the end of it.
    fn is_at_an_end(&self, skeleton: &str, now: Timestamp) -> bool {
        let cuts = skeleton.char_indices().map(|(at, _)| at);
        cuts.filter_map(|at| skeleton.split_at_checked(at)).any(|(front, back)| {
            [front, back].iter().any(|s| s.chars().count() >= LONG_NAME_CHARACTERS_MIN && self.is(s, now))
        })
    }

    /// Whether a skeleton is that of a name.
    fn is(&self, skeleton: &str, now: Timestamp) -> bool {
        self.at(hash(skeleton, "")).any(|(name, until)| **name == *skeleton && now < *until)
    }

    /// Whether a skeleton, of these [`hashes`], is that of a name but for one slip.
    fn is_near(&self, skeleton: &str, mut hashes: impl Iterator<Item = u32>, now: Timestamp) -> bool {
        skeleton.chars().count() + 1 >= ONE_OFF_CHARACTERS_MIN
            && hashes.any(|hash| self.at(hash).any(|(name, until)| now < *until && is_one_off(skeleton, name)))
    }

    fn at(&self, hash: u32) -> impl Iterator<Item = &(Box<str>, Until)> {
        let from = self.places.partition_point(|(h, _)| *h < hash);
        let here = self.places.get(from..).unwrap_or_default().iter().take_while(move |(h, _)| *h == hash);
        here.filter_map(|(_, n)| self.names.get(usize::try_from(*n).ok()?))
    }
}

/// A text with each of its characters dropped in turn, as what is before and what is behind it.
fn shortened(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.char_indices().filter_map(|(at, c)| Some((text.get(..at)?, text.get(at + c.len_utf8()..)?)))
}

/// The hash of a skeleton, and of it with each of its characters dropped in turn.
fn hashes(skeleton: &str) -> impl Iterator<Item = u32> {
    std::iter::once(hash(skeleton, "")).chain(shortened(skeleton).map(|(front, back)| hash(front, back)))
}

/// FNV-1a of two texts one after the other.
fn hash(front: &str, back: &str) -> u32 {
    front.bytes().chain(back.bytes()).fold(0x811c_9dc5, |sum, octet| (sum ^ u32::from(octet)).wrapping_mul(0x0100_0193))
}

/// Whether it has a letter: digits alone read like nothing, though each stands for a letter.
fn is_a_word(name: &str) -> bool {
    name.chars().any(letter::is_alphabetic)
}

/// Whether two skeletons differ by one insertion, deletion, exchange or swap of neighbours, and are long enough for that
/// to mean something. Readers know a short word by its first and its last letter.
#[must_use]
pub fn is_one_off(a: &str, b: &str) -> bool {
    let (a_len, b_len) = (a.chars().count(), b.chars().count());
    let (short, long, short_len, long_len) = if a_len <= b_len { (a, b, a_len, b_len) } else { (b, a, b_len, a_len) };
    if long_len < ONE_OFF_CHARACTERS_MIN || long_len - short_len > 1 || short == long {
        return false;
    }
    let same_ends =
        short.chars().next() == long.chars().next() && short.chars().next_back() == long.chars().next_back();
    if short_len <= ONE_OFF_CHARACTERS_MIN && !same_ends {
        return false;
    }
    let same_front = short.chars().zip(long.chars()).take_while(|(x, y)| x == y).count();
    let same_back = short.chars().rev().zip(long.chars().rev()).take_while(|(x, y)| x == y).count();
    if short_len != long_len {
        return same_front + same_back >= short_len;
    }
    let differ = short_len - (same_front + same_back).min(short_len);
    let pair = |text: &str| {
        let mut chars = text.chars().skip(same_front);
        (chars.next(), chars.next())
    };
    let ((a, b), (x, y)) = (pair(short), pair(long));
    differ == 1 || (differ == 2 && (a, b) == (y, x))
}

/// Whether it is what is written before or behind a brand to make a domain of it: `bcabank`, `onlinebdo`, `aisthailand`.
#[must_use]
pub fn is_affix(text: &str) -> bool {
    let Some(first) = text.bytes().next() else { return false };
    if first.is_ascii_digit() {
        return (text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())) || AFFIXES.binary_search(&text).is_ok();
    }
    // Most stretches of a host are as long as no affix with their first letter.
    let lengths = usize::from(first).checked_sub(usize::from(b'a')).and_then(|n| AFFIX_LENGTHS.get(n)).copied();
    lengths.is_some_and(|lengths| lengths >> text.len().min(31) & 1 == 1) && AFFIXES.binary_search(&text).is_ok()
}

/// For each letter the lengths of the affixes that begin with it, one bit each.
static AFFIX_LENGTHS: LazyLock<[u32; 26]> = LazyLock::new(|| {
    let mut lengths = [0; 26];
    for affix in AFFIXES.iter() {
        let first = affix.bytes().next().unwrap_or(0);
        let slot = usize::from(first).checked_sub(usize::from(b'a')).and_then(|n| lengths.get_mut(n));
        slot.into_iter().for_each(|slot| *slot |= 1 << affix.len().min(31));
    }
    lengths
});

/// In the order of the alphabet.
#[rustfmt::skip]
static AFFIXES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    "2u access account accounts ads advisory agent alert alerts all app apps asia auth bank banking bankth biz \
     bonus branch brunei campaign card cards care cares cash center centre check claim click client club cn co \
     com confirm connect contact credit cs customer customers deals delivery digital direct e easy event express \
     fee finance free get gift gifts global go group help helpdesk hk home i ib id indo indonesia info internet \
     kh kyc la link live loan loans login logistics m mail malaysia mall manage mart member mm mobile money msg \
     my myanmar net new news notice official online onlinebanking otp parcel pay payee payment payments ph \
     philippines pin plus point points portal post prize pro promo promos recover recovery redeem refund register \
     reset reward rewards sale save secure secured security service services sg shop shopping sign signin \
     singapore site sms star store super support survey system tax team th thai thailand the top track tracking \
     transfer tv uk unlock up update updates upgrade us user valid validate verification verify vietnam vip visa \
     vn voucher wallet web win www"
        .split_ascii_whitespace()
        .collect()
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::list::FOR_EVER;

    const NOW: Timestamp = Timestamp(0);

    fn likeness(names: &[&str]) -> Likeness {
        Likeness::of(names.iter().map(|n| (*n, FOR_EVER)))
    }

    #[test]
    fn one_slip_in_a_long_name_is_a_disguise() {
        for like in ["slngpots", "slngpst", "slngbost", "slngposst", "singpost"] {
            assert!(is_one_off("slngpost", like), "{like}");
        }
        for (a, b) in
            [("dbs", "dhs"), ("slngpost", "slngpost"), ("abcdef", "fedcba"), ("gcash", "cash"), ("kbank", "ubank")]
        {
            assert!(!is_one_off(a, b), "{a} {b}");
        }
        assert!(is_one_off("kbank", "kbnk") && is_one_off("gcash", "gcaash"));
    }

    #[test]
    fn every_affix_is_one_and_what_begins_like_one_is_none() {
        assert!(AFFIXES.iter().all(|affix| is_affix(affix)));
        assert!(["1", "2024", "2u"].iter().all(|affix| is_affix(affix)));
        for other in ["", "12345", "2x", "onlinebankin", "onlinebankings", "-", "Bank", "ธ", "zz", "\u{1f600}"] {
            assert!(!is_affix(other), "{other}");
        }
    }

    #[test]
    fn names_are_known_in_every_dress() {
        let brands = likeness(&["DBS", "SingPost", "maybank2u", "กสิกร"]);
        for like in [
            "D8S",
            "DB5",
            "DBS.",
            "D B S",
            "D-B-S",
            "ＤＢＳ",
            "D\u{412}S",
            "dbs",
            "S1ngPost",
            "SingP0st",
            "SlngPosst",
            "rnaybank2u",
            "กสิกร",
        ] {
            assert!(brands.has(like, NOW, &mut Room::default()), "{like}");
        }
        for other in ["DHL", "UOB", "DBSX", "085", "", "Post", "D", "กสิกรไทย"] {
            assert!(!brands.has(other, NOW, &mut Room::default()), "{other}");
        }
    }

    #[test]
    fn a_brand_is_seen_in_a_host() {
        let brands =
            likeness(&["dbs", "kbank", "ocbc", "maybank2u", "vietcombank", "bca", "bdo", "ais", "kasikornbank"]);
        for host in "kbank-th.xyz dbs.com.verify.top dbs-sg.top payee-ocbc.com ocbc-payee.com vietcombank.vn-yys.club \
                     maybank2u-my.cc d8s.top kbаnk.com bcabank.shop onlinebdo-banking.online aisthailand.vip \
                     mykasikornbank.com vietconbank.com vietcombannk.com.vn bca88.top k-bank.cc dbs.com gov-dbs.com.vn"
            .split_ascii_whitespace()
        {
            assert!(brands.is_in_host(host, NOW, &mut Room::default()), "{host}");
        }
        for host in
            "abcam.com bank.com example.org disco.com 203.0.113.9 obdo.net mais.network aisle.com com-dbs x.y.z \
                     shop.com"
                .split_ascii_whitespace()
        {
            assert!(!brands.is_in_host(host, NOW, &mut Room::default()), "{host}");
        }
    }

    #[test]
    fn an_entry_ends_on_its_day() {
        let brands = Likeness::of([("kbank", Timestamp(10)), ("kbank", Timestamp(5))]);
        assert!(
            brands.has("kbank", Timestamp(9), &mut Room::default())
                && !brands.has("kbank", Timestamp(10), &mut Room::default())
        );
    }

    #[test]
    fn affixes_are_in_order() {
        assert!(AFFIXES.is_sorted());
    }

    proptest! {
        /// The index finds what a look at every entry finds.
        #[test]
        fn the_index_agrees_with_reading_all(names in prop::collection::vec("[a-d]{1,8}", 0..12), asked in "[a-d]{1,8}") {
            let known = Likeness::of(names.iter().map(|n| (n.as_str(), FOR_EVER)));
            let mut room = Room::default();
            let skeleton = Skeleton::of(&asked, &mut room);
            let all = names.iter().any(|n| {
                let name = Skeleton::of(n, &mut room);
                name.as_str() == skeleton.as_str() || is_one_off(name.as_str(), skeleton.as_str())
            });
            prop_assert_eq!(known.has(&asked, NOW, &mut room), all);
        }
    }
}
