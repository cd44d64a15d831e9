//! What was taken off a text before it was read: each disguise by its kind, and where it stood.

use std::ops::Range;

/// How a text was disguised. The list is closed: journal, `explain` and the docs name these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A letter of another alphabet, or a phonetic one, that looks like a Latin letter (UTS #39); a Latin letter that
    /// poses as a Thai one.
    Confusable,
    /// A letter of double width.
    Width,
    /// A letter of formulas: bold, script, superscript, numeral.
    Math,
    /// A letter in a circle, square or brackets.
    Enclosed,
    /// A character without width inside a word.
    Invisible,
    /// A control that turns the direction of writing, in a text that has no letter written that way.
    Bidi,
    /// A mark that strikes a letter through or piles up on it.
    Overlay,
    /// A digit or sign for a letter.
    Leet,
    /// Spaces, dots or dashes between the letters of a word.
    Spaced,
    /// Punctuation inside a word.
    Shredded,
    /// A letter drawn out in the middle of a word.
    Repeated,
}

impl Kind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 11] = [
        Self::Confusable,
        Self::Width,
        Self::Math,
        Self::Enclosed,
        Self::Invisible,
        Self::Bidi,
        Self::Overlay,
        Self::Leet,
        Self::Spaced,
        Self::Shredded,
        Self::Repeated,
    ];

    /// The word in journal and `explain`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Confusable => "confusable",
            Self::Width => "width",
            Self::Math => "math",
            Self::Enclosed => "enclosed",
            Self::Invisible => "invisible",
            Self::Bidi => "bidi",
            Self::Overlay => "overlay",
            Self::Leet => "leet",
            Self::Spaced => "spaced",
            Self::Shredded => "shredded",
            Self::Repeated => "repeated",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One character that was changed or taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disguise {
    /// How.
    pub kind: Kind,
    /// Octets of the text.
    pub written: Range<usize>,
}
