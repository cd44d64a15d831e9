//! Near-duplicate texts: a [`Template`] is what texts of one campaign share, and its [`Fingerprint`] tells how much.
//!
//! Links, handles and numbers are masked, since that is what a campaign changes from message to message. The fingerprint is a
//! one-permutation minhash (Li, Owen, Zhang: One Permutation Hashing, 2012): each run of five octets is hashed once, the hash
//! says which of 16 slots it belongs to, and a slot keeps the least; empty ones borrow from the next (Shrivastava and Li,
//! 2014). The share of equal slots of two texts is an estimate of the share of runs that they have in common.

use std::cell::Cell;
use std::ops::Range;

use crate::text::Reading;

/// Octets of a masked text that are looked at.
const OCTETS_MAX: usize = 2_048;

/// Octets of a masked text below which it is no campaign's: `ok`, `call me`.
const OCTETS_MIN: usize = 12;

/// A text as campaigns are told apart by: its matching form with links, handles and numbers masked. Reused from text to text.
#[derive(Clone, Debug, Default)]
pub struct Template {
    text: String,
    marks: Vec<Range<usize>>,
    /// Its fingerprint, worked out once, with the seed that it is under.
    fingerprint: Cell<Option<(u64, Fingerprint)>>,
}

impl Template {
    /// A text that is masked already, as another carrier tells of it.
    #[must_use]
    pub fn masked(text: &str) -> Self {
        let end = (0..=text.len().min(OCTETS_MAX)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        Self { text: text.get(..end).unwrap_or_default().to_owned(), ..Self::default() }
    }

    /// Masks a text.
    pub fn read(&mut self, reading: &Reading) {
        self.fingerprint.set(None);
        self.marks.clear();
        self.marks.extend(reading.links().iter().map(|link| link.written.clone()));
        self.marks.extend(reading.handles().iter().map(|handle| handle.written.clone()));
        self.text.clear();
        let folded = reading.folded();
        let is_even =
            !folded.starts_with(' ') && !folded.ends_with(' ') && !folded.contains("  ") && !folded.contains('\n');
        if self.marks.is_empty() && folded.len() <= OCTETS_MAX && is_even {
            return self.mask(folded);
        }
        let mut at = 0;
        for word in folded.split([' ', '\n']) {
            let range = at..at + word.len();
            at = range.end + 1;
            if word.is_empty() {
                continue;
            }
            if self.text.len() + word.len() > OCTETS_MAX {
                break;
            }
            self.push(reading, word, range);
        }
    }

    fn push(&mut self, reading: &Reading, word: &str, range: Range<usize>) {
        if !self.marks.is_empty() {
            let written = reading.written(range);
            if self.marks.iter().any(|mark| mark.start < written.end && written.start < mark.end) {
                if !self.text.ends_with(LINK) {
                    self.space();
                    self.text.push_str(LINK);
                }
                return;
            }
        }
        self.space();
        self.mask(word);
    }

    /// Adds a stretch of text, each run of digits as one 0.
    fn mask(&mut self, mut rest: &str) {
        while let Some(digit) = rest.bytes().position(|octet| octet.is_ascii_digit()) {
            let (before, digits) = rest.split_at(digit);
            self.text.push_str(before);
            self.text.push('0');
            rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        self.text.push_str(rest);
    }

    pub(super) fn fingerprint(&self, seed: u64) -> Fingerprint {
        match self.fingerprint.get() {
            Some((under, fingerprint)) if under == seed => fingerprint,
            _ => {
                let fingerprint = Fingerprint::of(self.text(), seed);
                self.fingerprint.set(Some((seed, fingerprint)));
                fingerprint
            }
        }
    }

    fn space(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
    }

    /// The masked text; empty when there is none to speak of.
    #[must_use]
    pub fn text(&self) -> &str {
        if self.text.len() < OCTETS_MIN { "" } else { &self.text }
    }
}

/// Slots of a fingerprint.
pub(super) const SLOTS: usize = 16;

/// Octets of a run: a word or two thirds of one, in any script.
const RUN: usize = 5;

/// Slots that two texts of one campaign have in common, at least.
const ALIKE_MIN: usize = 8;

/// Bands of a fingerprint: two texts that have all four slots of a band in common are compared.
pub(super) const BANDS: usize = 4;

/// What a text's runs of octets come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(pub [u32; SLOTS]);

impl Fingerprint {
    /// The fingerprint of a masked text, under a secret: who does not know it cannot make texts that fall together.
    pub fn of(text: &str, seed: u64) -> Self {
        let mut slots = [u32::MAX; SLOTS];
        let mut run = 0_u64;
        for (n, octet) in text.bytes().enumerate() {
            run = (run << 8 | u64::from(octet)) & ((1 << (8 * RUN)) - 1);
            if n + 1 < RUN {
                continue;
            }
            let mixed = (run ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ mixed >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
            let [a, b, c, d, slot, ..] = mixed.to_be_bytes();
            if let Some(least) = slots.get_mut(usize::from(slot) % SLOTS) {
                *least = u32::from_be_bytes([a, b, c, d]).min(*least);
            }
        }
        Self(filled(slots))
    }

    /// What texts that are nearly the same have at least one of in common.
    pub fn bands(&self) -> [u64; BANDS] {
        let mut bands = [0; BANDS];
        for (n, (band, slots)) in bands.iter_mut().zip(self.0.chunks_exact(SLOTS / BANDS)).enumerate() {
            let start = u64::try_from(n).unwrap_or(0) + 1;
            *band = slots.iter().fold(start, |hash, slot| {
                let mixed = (hash ^ u64::from(*slot)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                mixed ^ mixed >> 29
            });
            *band = (*band).max(1);
        }
        bands
    }

    /// How many slots two have in common.
    pub fn common(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count()
    }

    /// Whether two are of one campaign.
    pub fn is_like(&self, other: &Self) -> bool {
        self.common(other) >= ALIKE_MIN
    }
}

/// Slots of which none is empty, unless all are: an empty one has what the next one that is not has, changed by how far away
/// that is.
fn filled(slots: [u32; SLOTS]) -> [u32; SLOTS] {
    let mut filled = slots;
    let twice = || slots.iter().chain(&slots);
    for (n, slot) in filled.iter_mut().enumerate().filter(|(_, slot)| **slot == u32::MAX) {
        let next = twice().skip(n).enumerate().find(|(_, other)| **other != u32::MAX);
        if let Some((far, other)) = next {
            *slot = other.wrapping_add(u32::try_from(far).unwrap_or(0).wrapping_mul(0x9e37_79b9));
        }
    }
    filled
}

/// What stands for a link or a handle.
const LINK: &str = "@";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::ReadContext;

    fn template(text: &str) -> String {
        let mut reading = Reading::default();
        reading.read_text(text, &ReadContext::default());
        let mut template = Template::default();
        template.read(&reading);
        template.text().to_owned()
    }

    fn of(text: &str) -> Fingerprint {
        Fingerprint::of(&template(text), 7)
    }

    const PARCEL: &str = "Dear customer, your parcel 88123 is held at our depot because of an unpaid fee of SGD 2.99. \
        Pay within 24 hours at https://sg-post.top/p/81 or it will be returned to the sender.";

    #[test]
    fn what_changes_from_message_to_message_is_masked() {
        let other = PARCEL.replace("88123", "9").replace("https://sg-post.top/p/81", "www.singp0st-pay.xyz");
        assert_eq!(template(PARCEL), template(&other));
        assert!(template(PARCEL).contains(" @ "), "{}", template(PARCEL));
        assert_eq!(template("ok 12"), "", "too short for a campaign");
    }

    #[test]
    fn a_text_without_links_is_masked_at_once_as_it_is_word_by_word() {
        for text in ["12 parcels, no 345: wait 6 days", "99", "OTP 123456", "ราคา 1,500 บาท ต่อเดือน", "  a  b  1  "]
        {
            let mut reading = Reading::default();
            reading.read_text(text, &ReadContext::default());
            let (mut at_once, mut by_word) = (Template::default(), Template::default());
            at_once.read(&reading);
            let mut at = 0;
            for word in reading.folded().split(' ') {
                let range = at..at + word.len();
                at = range.end + 1;
                if !word.is_empty() {
                    by_word.push(&reading, word, range);
                }
            }
            assert_eq!(at_once.text, by_word.text);
        }
    }

    #[test]
    fn variants_of_a_template_are_alike_and_other_texts_are_not() {
        let variants = [
            PARCEL.replace("Dear customer", "Hi Wei Ling"),
            PARCEL.replace("24 hours", "12 hrs"),
            format!("{PARCEL} Thank you"),
            PARCEL.replace("depot", "warehouse"),
        ];
        for variant in variants {
            assert!(of(PARCEL).is_like(&of(&variant)), "{variant}");
        }
        let other =
            "Your one-time code is 482913. It is valid for 5 minutes. Never share it with anyone, not even our staff.";
        assert!(!of(PARCEL).is_like(&of(other)));
        assert_ne!(Fingerprint::of(&template(PARCEL), 1), Fingerprint::of(&template(PARCEL), 2), "the secret counts");
    }

    #[test]
    fn no_slot_is_empty() {
        for text in ["0123456789ab", "hello, hello, hello", PARCEL] {
            assert!(Fingerprint::of(text, 3).0.iter().all(|slot| *slot != u32::MAX), "{text}");
        }
    }
}
