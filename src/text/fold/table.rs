//! What each character is, and what it stands for: Unicode's data and ours, spread into pages at first use.
//!
//! `unicode.tsv` is generated (NFKC and the confusables of UTS #39, with their version); `own.tsv` has what Unicode is
//! silent about. A character in neither is what its properties say.

use std::sync::LazyLock;

use unicode_normalization::char::is_combining_mark;

use super::disguise::Kind;

/// What a character is to the two views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A letter of a script that spaces its words; both views keep it.
    Letter,
    /// A letter of a script that does not: Thai, Lao, Burmese, Khmer, kana, Han.
    Unspaced,
    /// A mark that carries meaning: vowel signs, tone marks, viramas.
    Mark,
    /// Punctuation or a symbol.
    Sign,
    /// A space of any width.
    Space,
    /// The end of a line.
    Line,
    /// An apostrophe or what is typed for one.
    Apostrophe,
    /// Zero-width characters, soft hyphens, variation selectors, tags.
    Invisible,
    /// Controls that turn the direction of writing.
    Bidi,
    /// Marks that only strike through or enclose.
    Overlay,
    /// Marks on Latin letters: the matching form drops them.
    Accent,
    /// Half of a flag.
    Regional,
    /// The circle of Thai and Lao, which `า` makes a vowel of.
    Circle,
    /// `ๅ`, which is typed for `า`.
    Aa,
    /// A letter with a small letter.
    Capital,
    /// A character that stands for others.
    Change(&'static Change),
}

/// What a character stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// In the plain view; empty for the small letter.
    pub plain: &'static str,
    /// In the matching form; empty for what stands between words.
    pub folded: &'static str,
    /// The disguise that it is, if it is one.
    pub kind: Option<Kind>,
    /// Only beside Latin letters: elsewhere it is a letter of its own script.
    pub beside: bool,
    /// Whether the plain view has the character itself.
    pub is_small: bool,
}

const UNICODE: &str = include_str!("unicode.tsv");
const OWN: &str = include_str!("own.tsv");

/// Whether a reader sees a character by itself.
pub(in crate::text) fn is_seen(c: char) -> bool {
    c.is_ascii() || !matches!(Table::get().class(c), Class::Invisible | Class::Bidi | Class::Overlay | Class::Accent)
}

static TABLE: LazyLock<Table> = LazyLock::new(Table::build);

/// Classes that need no more than their name, by their number in a page; larger numbers are changes.
const BARE: [Class; 14] = [
    Class::Letter,
    Class::Unspaced,
    Class::Mark,
    Class::Sign,
    Class::Space,
    Class::Line,
    Class::Apostrophe,
    Class::Invisible,
    Class::Bidi,
    Class::Overlay,
    Class::Accent,
    Class::Regional,
    Class::Circle,
    Class::Aa,
];

/// The number of [`Class::Unspaced`].
const UNSPACED: u16 = 1;

/// The number of [`Class::Capital`].
const CAPITAL: u16 = 14;

/// The number of the first change.
const CHANGES: u16 = 15;

/// Characters of one page.
const PAGE: usize = 256;

/// Two levels: the page of a character, and its number there.
pub(super) struct Table {
    /// For each 256 characters their page, if they have one.
    index: Vec<Option<u16>>,
    pages: Vec<[u16; PAGE]>,
    changes: Vec<Change>,
    /// The page of all blocks that hold nothing but Han.
    shared: Option<u16>,
    /// For each character of three octets of UTF-8, one bit: whether it is of Han, kana or the like and stands for itself.
    plain_han: Vec<u64>,
}

impl Table {
    /// The table, built once.
    pub(super) fn get() -> &'static Self {
        &TABLE
    }

    /// What a character is.
    #[inline]
    pub(super) fn class(&'static self, c: char) -> Class {
        let Some(number) = self.number(c) else { return by_property(c) };
        match BARE.get(usize::from(number)) {
            Some(class) => *class,
            None => {
                let change = number.checked_sub(CHANGES).and_then(|n| self.changes.get(usize::from(n)));
                change.map_or(Class::Capital, Class::Change)
            }
        }
    }

    /// Whether a character is of Han, kana or the like and stands for itself, as nearly all of them do.
    #[inline]
    pub(super) fn is_plain_han(&self, c: char) -> bool {
        self.is_plain(u32::from(c))
    }

    /// The same of a character as it is written in UTF-8, and its code; none where three octets are no character.
    #[inline]
    pub(super) fn plain_han(&self, octets: [u8; 3]) -> Option<u32> {
        let [first, second, third] = octets.map(u32::from);
        let code = (first & 0xf) << 12 | (second & 0x3f) << 6 | third & 0x3f;
        (first & 0xf0 == 0xe0 && self.is_plain(code)).then_some(code)
    }

    #[inline]
    fn is_plain(&self, code: u32) -> bool {
        self.plain_han.get((code / u64::BITS) as usize).is_some_and(|bits| bits >> (code % u64::BITS) & 1 == 1)
    }

    #[inline]
    fn number(&self, c: char) -> Option<u16> {
        let code = u32::from(c) as usize;
        let page = (*self.index.get(code / PAGE)?)?;
        self.pages.get(usize::from(page))?.get(code % PAGE).copied()
    }

    fn build() -> Self {
        let mut table = Self {
            index: vec![None; 0x11_0000 / PAGE],
            pages: Vec::new(),
            changes: Vec::new(),
            shared: None,
            plain_han: Vec::new(),
        };
        let everyday = (0x00..=0x33).chain(0xa8..=0xab).chain(0xfe..=0xff).chain(0x1f0..=0x1fa);
        everyday.for_each(|number| _ = table.page(number));
        table.shared = u16::try_from(table.pages.len()).ok();
        table.pages.push([number_of(Class::Unspaced); PAGE]);
        table.index.iter_mut().skip(0x4e).take(0x51).for_each(|page| *page = table.shared);
        for line in UNICODE.lines().chain(OWN.lines()).filter(|line| !line.starts_with('#')) {
            table.read(line);
        }
        let is_plain = |c: char| c >= '\u{3040}' && table.number(c) == Some(UNSPACED);
        let bit = |code: u32| u64::from(char::from_u32(code).is_some_and(is_plain)) << (code % u64::BITS);
        let starts = (0..0x1_0000).step_by(64);
        table.plain_han = starts.map(|start| (start..start + 64).fold(0, |bits, code| bits | bit(code))).collect();
        table
    }

    /// Takes in one line of the two files.
    fn read(&mut self, line: &'static str) {
        let mut fields = line.split('\t');
        let (Some(kind), Some(plain), Some(folded), Some(sources)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return;
        };
        let (folded, kind, beside) = (folded.trim(), Kind::named(kind), kind == "beside");
        for is_small in [false, true] {
            let number = match plain {
                "'" => number_of(Class::Apostrophe),
                _ => CHANGES.saturating_add(u16::try_from(self.changes.len()).unwrap_or(u16::MAX)),
            };
            self.changes.push(Change { plain, folded, kind, beside, is_small });
            let sources = sources.chars().filter(|c| (plain.is_empty() && c.to_lowercase().eq([*c])) == is_small);
            sources.for_each(|c| self.set(c, number));
        }
    }

    /// A page that may be written to.
    fn page(&mut self, number: usize) -> Option<&mut [u16; PAGE]> {
        let index = self.index.get_mut(number)?;
        if index.is_none() || *index == self.shared {
            *index = u16::try_from(self.pages.len()).ok();
            let classes =
                (number * PAGE..).map_while(|code| char::from_u32(u32::try_from(code).ok()?)).map(by_property);
            let mut page = [number_of(Class::Sign); PAGE];
            page.iter_mut().zip(classes).for_each(|(slot, class)| *slot = number_of(class));
            self.pages.push(page);
        }
        self.pages.get_mut(usize::from((*index)?))
    }

    fn set(&mut self, c: char, number: u16) {
        let code = u32::from(c) as usize;
        if let Some(slot) = self.page(code / PAGE).and_then(|page| page.get_mut(code % PAGE)) {
            *slot = number;
        }
    }
}

fn number_of(class: Class) -> u16 {
    BARE.iter().position(|bare| *bare == class).and_then(|n| u16::try_from(n).ok()).unwrap_or(CAPITAL)
}

/// The version of Unicode that the generated table was made from.
#[must_use]
pub fn version() -> &'static str {
    UNICODE.split("Unicode ").nth(1).and_then(|rest| rest.split(':').next()).unwrap_or_default()
}

/// What a character is by its properties alone.
fn by_property(c: char) -> Class {
    match u32::from(c) {
        0x0a | 0x85 | 0x2028 | 0x2029 => Class::Line,
        0x27 | 0x60 => Class::Apostrophe,
        0xad
        | 0x34f
        | 0x61c
        | 0x115f
        | 0x1160
        | 0x17b4
        | 0x17b5
        | 0x180b..=0x180f
        | 0x200b..=0x200f
        | 0x2060..=0x2064
        | 0x206a..=0x206f
        | 0x3164
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xffa0
        | 0xfff9..=0xfffb
        | 0x1_bca0..=0x1_bca3
        | 0x1_d173..=0x1_d17a
        | 0xe_0000..=0xe_0fff => Class::Invisible,
        0x202a..=0x202e | 0x2066..=0x2069 => Class::Bidi,
        0x334..=0x338 | 0x20d0..=0x20f0 => Class::Overlay,
        0x300..=0x36f | 0x483..=0x489 | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20f1..=0x20ff => Class::Accent,
        0x1_f1e6..=0x1_f1ff => Class::Regional,
        0xe4d | 0xecd => Class::Circle,
        0xe45 => Class::Aa,
        _ if c.is_whitespace() || c.is_control() => Class::Space,
        _ if is_unspaced(c) && c.is_alphanumeric() && !is_combining_mark(c) => Class::Unspaced,
        _ if is_combining_mark(c) => Class::Mark,
        _ if c.is_alphanumeric() && c.to_lowercase().ne([c]) => Class::Capital,
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Sign,
    }
}

/// Thai, Lao, Burmese, Khmer, kana and Han are written without spaces between words.
#[must_use]
pub fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c),
        0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x19e0..=0x19ff | 0x3040..=0x30ff | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff | 0xaa60..=0xaa7f | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_name_their_version_and_only_kinds_that_exist() {
        assert!(version().split('.').all(|n| n.parse::<u8>().is_ok()), "{}", version());
        for line in UNICODE.lines().chain(OWN.lines()).filter(|l| !l.starts_with('#')) {
            let kind = line.split('\t').next().unwrap();
            let plain = ["marked", "compatible", "mark", "digit", "beside"].contains(&kind);
            assert!(plain || Kind::named(kind).is_some(), "{line}");
            assert_eq!(line.split('\t').count(), 4, "{line}");
        }
    }

    #[test]
    fn what_a_character_stands_for_stands_for_itself() {
        let table = Table::get();
        assert_eq!(number_of(Class::Unspaced), UNSPACED);
        for c in '\u{80}'..=char::MAX {
            if let Class::Change(change) = table.class(c) {
                for d in change.folded.chars().filter(|d| !d.is_ascii()) {
                    assert!(matches!(table.class(d), Class::Letter | Class::Unspaced | Class::Mark), "{c} → {d}");
                }
            }
        }
    }
}
