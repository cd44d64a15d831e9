//! What a reader takes a text for, whatever characters it is dressed in.
//!
//! ```text
//!  text ──one pass──▶ plain    links, numbers, names: compatibility forms undone, small letters, nothing invisible
//!            │
//!            └──────▶ folded   words parted by single blanks, look-alike letters as Latin ones   ─▶ regexes
//!                        │        └ skeleton: letters and digits that stand for each other made one ─▶ words
//!                  (if suspicious)
//!                        └───▶ undone  digits and signs as letters, words put together            ─▶ regexes
//!                                 └ tight: the same without gaps and doubled letters              ─▶ words
//! ```
//!
//! The matching form is what can be read letter by letter, so that an honest text keeps every word that it has. What needs
//! a guess (is `1` an i, a number, or itself?) is made in a second reading beside it, which only texts have that look
//! disguised; rules search both, and words found there are held against their entry once more (see [`tight`]). Rule entries
//! go through the same pass. Every view knows where in the text its octets come from.

mod ascii;
mod disguise;
mod guess;
mod map;
mod pass;
mod suspicion;
mod table;
mod tight;
mod undo;

use std::ops::Range;

pub use disguise::{Disguise, Kind};
pub use table::{is_unspaced, version};
pub use tight::{Gap, Letter, Tight, alike, tighten};

use map::Map;
use pass::{Pass, Seen, Written};
use suspicion::{DIGIT, LETTER, Suspicion, UNSPACED};
use undo::{First, Undone};

/// Folds a text, as for a rule entry.
pub fn fold(text: &str, out: &mut String) {
    let mut written = Written::default();
    Pass::run(text, &mut written);
    out.push_str(&String::from_utf8(written.folded).unwrap_or_default());
}

/// The views of a text; reused from text to text.
#[derive(Debug, Default)]
pub struct Views {
    written: Written,
    folded: String,
    skeleton: Vec<u8>,
    suspicion: Suspicion,
    undone: Undone,
    disguises: Vec<Disguise>,
    lone: Vec<u8>,
}

impl Views {
    /// Reads a text into the plain view and the matching form.
    pub fn read(&mut self, text: &str) {
        self.written.folded = std::mem::take(&mut self.folded).into_bytes();
        Pass::run(text, &mut self.written);
        self.suspicion = Suspicion::of(&self.written.classes, &mut self.lone);
        self.folded = String::from_utf8(std::mem::take(&mut self.written.folded)).unwrap_or_default();
        self.skeleton.clear();
        if self.suspicion.mixed {
            self.skeleton.extend(self.folded.bytes().map(tight::alike_octet));
        } else {
            self.skeleton.extend(self.folded.bytes().map(|octet| if octet == b'i' { b'l' } else { octet }));
        }
        self.disguises.clear();
        self.judge();
        self.undone.clear();
    }

    /// Reads a text a second time if it looks disguised; `is_spared` says what belongs to a link.
    pub fn undo(&mut self, text: &str, is_spared: &dyn Fn(&Range<usize>) -> bool) {
        let first =
            First { text, folded: &self.folded, map: &self.written.folded_map, suspicion: self.suspicion };
        self.undone.read(first, is_spared, &mut self.disguises);
    }

    /// The plain view.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.written.plain
    }

    /// The matching form.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// The octets of the matching form, with letters and digits that stand for each other made one. Digits are left alone
    /// where none stands in a word with letters.
    #[must_use]
    pub fn skeleton(&self) -> &[u8] {
        &self.skeleton
    }

    /// The second readings, none or a few.
    pub fn undone(&self) -> impl Iterator<Item = &str> {
        self.undone.text.split('\n').filter(|reading| !reading.is_empty())
    }

    /// The second readings in tight form.
    #[must_use]
    pub fn tight(&self) -> &Tight {
        &self.undone.tight
    }

    /// What was taken off, in no order.
    #[must_use]
    pub fn disguises(&self) -> &[Disguise] {
        &self.disguises
    }

    /// Characters that were changed or taken out, for each hundred letters and digits of the matching form.
    #[must_use]
    pub fn obfuscation(&self) -> u32 {
        let characters = self.written.classes.iter().filter(|class| **class & (LETTER | UNSPACED | DIGIT) != 0).count();
        let per_hundred = 100 * self.disguises.len() / characters.max(1);
        u32::try_from(per_hundred).unwrap_or(u32::MAX)
    }

    /// The octets of the text that octets of the plain view come from.
    #[must_use]
    pub fn plain_written(&self, text: &str, plain: &Range<usize>) -> Range<usize> {
        self.written.plain_map.written(text, plain)
    }

    /// The octets of the text that octets of the matching form come from, or of what follows it: the second readings, one
    /// octet apart.
    #[must_use]
    pub fn written(&self, text: &str, folded: &Range<usize>) -> Range<usize> {
        match folded.start.checked_sub(self.undone_start()) {
            None => self.written.folded_map.written(text, folded),
            Some(start) => self.undone.map.written(text, &(start..start + folded.len())),
        }
    }

    /// Where the second readings begin behind the matching form.
    #[must_use]
    pub fn undone_start(&self) -> usize {
        self.folded.len() + 1
    }

    /// Keeps of what the pass saw what no honest text has.
    fn judge(&mut self) {
        let Written { seen, classes, foreign, leftward, han, .. } = &self.written;
        if seen.is_empty() {
            return;
        }
        let class = |n: Option<usize>| n.and_then(|n| classes.get(n)).copied().unwrap_or_default();
        let around = |seen: &Seen| (class(seen.class.checked_sub(1)), class(Some(seen.class)), class(Some(seen.class + 1)));
        for one in seen {
            let (before, this, after) = around(one);
            let in_word = |class: u8| class & (LETTER | DIGIT) != 0;
            let stands = match one.kind {
                Kind::Invisible => in_word(before) && in_word(this) && (before | this) & LETTER != 0,
                Kind::Bidi => !leftward,
                Kind::Overlay => (before & (LETTER | UNSPACED)) != 0,
                Kind::Width => !han,
                Kind::Confusable => !foreign,
                _ => in_word(before) || in_word(after),
            };
            if stands {
                self.disguises.push(Disguise { kind: one.kind, written: one.at..one.at + one.len });
            }
        }
    }
}

#[cfg(test)]
mod tests;
