//! Near-duplicate texts: a [`Template`] is what texts of one campaign share, and its fingerprint tells how much.
//!
//! Links, handles and numbers are masked, since that is what a campaign changes from message to message.

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
}

impl Template {
    /// Masks a text.
    pub fn read(&mut self, reading: &Reading) {
        self.marks.clear();
        self.marks.extend(reading.links().iter().map(|link| link.written.clone()));
        self.marks.extend(reading.handles().iter().map(|handle| handle.written.clone()));
        self.text.clear();
        let folded = reading.folded();
        let mut at = 0;
        for word in folded.split(' ') {
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
        for c in word.chars() {
            match c {
                '0'..='9' if self.text.ends_with('0') => {}
                '0'..='9' => self.text.push('0'),
                c => self.text.push(c),
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

/// What stands for a link or a handle.
const LINK: &str = "@";
