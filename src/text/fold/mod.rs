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
//! disguised; rules search both, and words found there are held against their entry once more (see `tight`). Rule entries
//! go through the same pass. Every view knows where in the text its octets come from.

mod ascii;
mod disguise;
mod guess;
mod joint;
mod map;
mod pass;
mod suspicion;
mod table;
mod tight;
mod undo;

use std::ops::Range;

pub use disguise::{Disguise, Kind};
pub(super) use table::is_seen;
pub use table::{is_unspaced, version};
pub use tight::{Gap, Letter, Tight, alike, tighten};

use pass::{Pass, Written};
use suspicion::Suspicion;
use undo::{First, Undone};

/// Folds a text, as for a rule entry.
pub fn fold(text: &str, out: &mut String) {
    out.push_str(Folder::default().fold(text));
}

/// Folds one name after another in the same room.
#[derive(Debug, Default)]
pub struct Folder(Written);

impl Folder {
    /// The matching form of a text, without a gap at its end.
    pub fn fold(&mut self, text: &str) -> &str {
        Pass::run(text, text.len(), &mut self.0);
        self.0.folded.trim_end()
    }
}

/// In the plain view, what parts a text from how its octets read in another alphabet; in the matching form a line feed
/// does.
pub(super) const READING: u8 = b'\x1e';

/// Readings parted by line feeds, the first of which begins at `start`, and where each begins.
fn placed(readings: &str, start: usize) -> impl Iterator<Item = (&str, usize)> {
    let each = readings.split('\n').scan(start, |at, reading| {
        let start = std::mem::replace(at, *at + reading.len() + 1);
        Some((reading, start))
    });
    each.filter(|(reading, _)| !reading.is_empty())
}

/// The views of a text; reused from text to text.
#[derive(Debug, Default)]
pub struct Views {
    written: Written,
    skeleton: Vec<u8>,
    suspicion: Suspicion,
    undone: Undone,
    disguises: Vec<Disguise>,
}

impl Views {
    /// Reads a text into the plain view and the matching form.
    pub fn read(&mut self, text: &str) {
        self.read_from(text, text.len());
    }

    /// The same for a text behind which stands, from `doubtful_from` on, how its octets read in another alphabet.
    pub(super) fn read_from(&mut self, text: &str, doubtful_from: usize) {
        Pass::run(text, doubtful_from, &mut self.written);
        self.suspicion = Suspicion::of(&self.written.shape);
        self.suspicion.tight |= self.written.parted;
        self.skeleton.clear();
        if self.suspicion.mixed {
            self.skeleton.extend(self.written.folded.bytes().map(tight::alike_octet));
        } else {
            self.skeleton.extend(self.written.folded.bytes().map(|octet| if octet == b'i' { b'l' } else { octet }));
        }
        self.disguises.clear();
        self.judge();
        self.undone.clear();
    }

    /// Reads a text a second time if it looks disguised; `is_spared` says what belongs to a link.
    pub fn undo(&mut self, text: &str, is_spared: &dyn Fn(&Range<usize>) -> bool) {
        let first =
            First { text, folded: &self.written.folded, map: &self.written.folded_map, suspicion: self.suspicion };
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
        &self.written.folded
    }

    /// The octets of the matching form, with letters and digits that stand for each other made one. Digits are left alone
    /// where none stands in a word with letters.
    #[must_use]
    pub fn skeleton(&self) -> &[u8] {
        &self.skeleton
    }

    /// The second readings, none or a few.
    pub fn undone(&self) -> impl Iterator<Item = &str> {
        self.undone_placed().map(|(reading, _)| reading)
    }

    /// The second readings, and where each begins behind the matching form.
    pub fn undone_placed(&self) -> impl Iterator<Item = (&str, usize)> {
        placed(&self.undone.text, self.undone_start())
    }

    /// What words read as where some of them are disguised, or have marks that others have not: the second readings, else
    /// the matching form, and where each begins.
    pub fn without_dress(&self) -> impl Iterator<Item = (&str, usize)> {
        match self.undone.text.as_str() {
            "" if self.written.accented || !self.disguises.is_empty() => placed(self.folded(), 0),
            undone => placed(undone, self.undone_start()),
        }
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
        let in_word = |shape: &&u8| shape.is_ascii_alphanumeric() || **shape >= 0x80;
        let characters = self.written.shape.iter().filter(in_word).count();
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

    /// The words that come from a stretch of the text: of the second reading if there is one, else of the matching form.
    #[must_use]
    pub fn read_as(&self, text: &str, written: &Range<usize>) -> String {
        let readings = match self.undone.text.as_str() {
            "" => placed(self.folded(), 0),
            undone => placed(undone, self.undone_start()),
        };
        let mut words = Vec::new();
        for (reading, mut at) in readings {
            for word in reading.split(' ') {
                let from = self.written(text, &(at..at + word.len()));
                if from.start < written.end && written.start < from.end {
                    words.push(word);
                }
                at += word.len() + 1;
            }
            // Of several readings the first that has it.
            if !words.is_empty() {
                break;
            }
        }
        words.join(" ")
    }

    /// Where the second readings begin behind the matching form.
    #[must_use]
    pub fn undone_start(&self) -> usize {
        self.written.folded.len() + 1
    }

    /// Keeps of what the pass saw what no honest text has.
    fn judge(&mut self) {
        let Written { seen, shape, foreign, leftward, han, .. } = &self.written;
        for one in seen {
            let at = |n: usize| shape.get(n).copied().unwrap_or(suspicion::GAP);
            let (before, this, after) = (at(one.after.saturating_sub(1)), at(one.after), at(one.after + 1));
            let stands = match one.kind {
                Kind::Invisible => {
                    let in_word = before.is_ascii_alphanumeric() && this.is_ascii_alphanumeric();
                    in_word && (before.is_ascii_alphabetic() || this.is_ascii_alphabetic())
                }
                Kind::Bidi => !leftward,
                Kind::Overlay => before.is_ascii_alphabetic() || before >= 0x80,
                Kind::Width => !han,
                Kind::Confusable if *foreign => false,
                _ => before.is_ascii_alphanumeric() || after.is_ascii_alphanumeric(),
            };
            if stands {
                self.disguises.push(Disguise { kind: one.kind, written: one.at..one.at + one.len });
            }
        }
    }
}

#[cfg(test)]
mod tests;
