//! One pass over a text, from which both views come.
//!
//! Most of a text stands in the views as it stands in the text: such stretches are copied whole, when something ends
//! them. Capital ASCII letters are made small at the end, all at once.

use super::disguise::Kind;
use super::map::Map;
use super::suspicion::{Cast, Roles};
use super::table::{Change, Class, Table, is_unspaced};

/// A disguise seen in passing, to be judged when the whole text is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub kind: Kind,
    /// Octets of the text.
    pub at: usize,
    pub len: usize,
    /// How many visible characters came before it, and the gap at the start.
    pub after: usize,
}

/// What the pass writes to; reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub plain: String,
    pub plain_map: Map,
    pub folded: String,
    pub folded_map: Map,
    /// What the visible characters are, between two gaps.
    pub cast: Cast,
    pub seen: Vec<Seen>,
    /// Letters of Cyrillic, Greek and the like that look like no Latin one.
    pub foreign: bool,
    /// Letters written from right to left.
    pub leftward: bool,
    /// Han or kana.
    pub han: bool,
}

impl Written {
    fn clear(&mut self) {
        self.plain.clear();
        self.plain_map.clear();
        self.folded.clear();
        self.folded_map.clear();
        self.cast.clear();
        self.seen.clear();
        (self.foreign, self.leftward, self.han) = (false, false, false);
    }
}

/// The pass itself.
pub(super) struct Pass<'a> {
    pub(super) text: &'a str,
    pub(super) to: &'a mut Written,
    table: &'static Table,
    /// From where on the text is still to be copied to the plain view, and to the matching form.
    plain_from: usize,
    folded_from: usize,
    /// The character before, made small; the last of the marks that followed it, and how many.
    pub(super) last: char,
    pub(super) mark: char,
    pub(super) marks: usize,
}

/// Marks on one letter; no script of ours needs more.
const MARKS_MAX: usize = 6;

/// Accents on one Latin letter; Vietnamese needs two.
const ACCENTS_MAX: usize = 2;

impl<'a> Pass<'a> {
    /// Reads a text into both views.
    pub(super) fn run(text: &'a str, to: &'a mut Written) {
        to.clear();
        to.cast.push(Roles::GAP);
        let mut pass =
            Pass { text, to, table: Table::get(), plain_from: 0, folded_from: 0, last: '\0', mark: '\0', marks: 0 };
        let mut at = 0;
        while let Some(octet) = text.as_bytes().get(at) {
            at += if octet.is_ascii() { pass.ascii(at) } else { pass.character(at) };
        }
        pass.keep_plain(at);
        pass.keep_folded(at);
        to.plain.make_ascii_lowercase();
        to.folded.make_ascii_lowercase();
        if to.folded.ends_with(' ') {
            to.folded.pop();
        }
        to.cast.push(Roles::GAP);
    }

    /// Copies what is still to be copied before `at`.
    fn keep_plain(&mut self, at: usize) {
        if let Some(kept) = self.text.get(self.plain_from..at).filter(|kept| !kept.is_empty()) {
            self.to.plain_map.run(self.to.plain.len(), self.plain_from);
            self.to.plain.push_str(kept);
        }
        self.plain_from = at;
    }

    fn keep_folded(&mut self, at: usize) {
        if let Some(kept) = self.text.get(self.folded_from..at).filter(|kept| !kept.is_empty()) {
            self.to.folded_map.run(self.to.folded.len(), self.folded_from);
            self.to.folded.push_str(kept);
        }
        self.folded_from = at;
    }

    /// Writes for the characters at `at`, `len` octets of the text, something else in the plain view.
    pub(super) fn plain(&mut self, at: usize, len: usize, instead: impl Iterator<Item = char>) {
        self.keep_plain(at);
        self.to.plain_map.whole(self.to.plain.len(), at);
        self.to.plain.extend(instead);
        self.plain_from = at + len;
    }

    /// Writes for the characters at `at` something else in the matching form.
    pub(super) fn folded(&mut self, at: usize, len: usize, instead: &str) {
        self.keep_folded(at);
        self.to.folded_map.whole(self.to.folded.len(), at);
        self.to.folded.push_str(instead);
        self.folded_from = at + len;
    }

    /// Leaves characters out of the matching form.
    pub(super) fn skip(&mut self, at: usize, len: usize) {
        self.keep_folded(at);
        self.folded_from = at + len;
    }

    /// Whether the matching form would take no gap at `at`.
    pub(super) fn after_gap(&self, at: usize) -> bool {
        let pending = at.checked_sub(1).filter(|before| *before >= self.folded_from);
        let last = pending.map_or(self.to.folded.as_bytes().last(), |before| self.text.as_bytes().get(before));
        last.is_none_or(|last| *last == b' ')
    }

    /// A character that parts words.
    fn gap(&mut self, roles: Roles, at: usize, len: usize) {
        self.to.cast.push(roles);
        self.last = ' ';
        if self.after_gap(at) {
            self.skip(at, len);
        } else if self.text.as_bytes().get(at) != Some(&b' ') {
            self.folded(at, len, " ");
        }
    }

    /// Notes a letter or digit.
    fn letter(&mut self, roles: Roles, small: char) {
        let is_same = small == self.last && self.marks == 0;
        let roles_here = if is_same { roles.and(Roles::SAME) } else { roles };
        if roles == Roles::UNSPACED {
            self.to.cast.push_unspaced(roles_here)
        } else {
            self.to.cast.push(roles_here)
        }
        (self.last, self.mark, self.marks) = (small, '\0', 0);
    }

    fn see(&mut self, kind: Kind, at: usize, len: usize) {
        self.to.seen.push(Seen { kind, at, len, after: self.to.cast.len() });
    }

    /// Takes in one character that is not ASCII, or a sequence that is written for one; how many octets.
    fn character(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { return 1 };
        let len = c.len_utf8();
        match self.table.class(c) {
            Class::Letter => {
                self.to.foreign |= is_foreign(c);
                self.to.leftward |= matches!(u32::from(c), 0x590..=0x8ff);
                self.letter(Roles::LETTER, c);
            }
            Class::Unspaced => return self.unspaced(c, at, rest),
            Class::Mark => return self.mark(c, at, rest),
            Class::Capital => {
                self.to.foreign |= is_foreign(c);
                self.letter(Roles::LETTER, c.to_lowercase().next().unwrap_or(c));
                self.plain(at, len, c.to_lowercase());
                let mut small = [0; 4];
                self.folded(at, len, c.to_lowercase().next().unwrap_or(c).encode_utf8(&mut small));
            }
            Class::Sign => self.gap(if stands_for(c).is_some() { Roles::STANDS_FOR } else { Roles::SIGN }, at, len),
            Class::Space => {
                self.plain(at, len, [' '].into_iter());
                self.gap(Roles::GAP, at, len);
            }
            Class::Line => {
                self.plain(at, len, ['\n'].into_iter());
                self.gap(Roles::GAP, at, len);
            }
            Class::Apostrophe => {
                self.plain(at, len, ['\''].into_iter());
                if joins(self.text, at, len) { self.skip(at, len) } else { self.gap(Roles::GAP, at, len) }
            }
            Class::Invisible => self.vanish(Kind::Invisible, at, len),
            Class::Bidi => self.vanish(Kind::Bidi, at, len),
            Class::Overlay => self.vanish(Kind::Overlay, at, len),
            Class::Accent => {
                self.skip(at, len);
                self.marks += 1;
                if self.marks > ACCENTS_MAX {
                    self.see(Kind::Overlay, at, len);
                }
            }
            Class::Regional => return self.regional(c, at, rest),
            Class::Change(change) if change.beside && !self.is_beside_latin(at, rest) => {
                self.letter(if is_unspaced(c) { Roles::UNSPACED } else { Roles::LETTER }, c);
            }
            Class::Change(change) => self.change(change, c, at),
        }
        len
    }

    /// Thai and Lao vowels are also typed in pieces: two `เ` for `แ`, a circle and `า` for `ำ`, `ๅ` for `า`.
    fn unspaced(&mut self, c: char, at: usize, rest: &str) -> usize {
        self.to.han |= c >= '\u{3040}';
        let (len, whole) = match c {
            'เ' if rest.starts_with("เเ") => (6, "แ"),
            'ເ' if rest.starts_with("ເເ") => (6, "ແ"),
            'ๅ' if self.last != 'ฤ' && self.last != 'ฦ' => (3, "า"),
            _ => {
                self.letter(Roles::UNSPACED, c);
                return c.len_utf8();
            }
        };
        self.letter(Roles::UNSPACED, whole.chars().next().unwrap_or(c));
        self.plain(at, len, whole.chars());
        self.folded(at, len, whole);
        len
    }

    /// A mark of a script that needs it, unless it is piled up.
    fn mark(&mut self, c: char, at: usize, rest: &str) -> usize {
        let len = c.len_utf8();
        let mut after = rest.chars().skip(1);
        let (next, second) = (after.next().unwrap_or(' '), after.next().unwrap_or(' '));
        let tone = matches!(next, '่'..='๋' | '່'..='໋').then_some(next);
        let vowel = match (c, tone.map_or(next, |_| second)) {
            ('ํ', 'า') => Some('ำ'),
            ('ໍ', 'າ') => Some('ຳ'),
            _ => None,
        };
        if let Some(vowel) = vowel {
            let len = if tone.is_some() { 9 } else { 6 };
            self.plain(at, len, tone.into_iter().chain([vowel]));
            self.folded(at, len, "");
            for c in tone.into_iter().chain([vowel]) {
                self.to.folded.push(c);
            }
            self.letter(Roles::UNSPACED, vowel);
            return len;
        }
        self.marks += 1;
        if c == self.mark || self.marks > MARKS_MAX {
            self.vanish(Kind::Overlay, at, len);
        }
        self.mark = c;
        len
    }
}

impl Pass<'_> {
    /// A character that nobody sees.
    fn vanish(&mut self, kind: Kind, at: usize, len: usize) {
        self.plain(at, len, std::iter::empty());
        self.skip(at, len);
        self.see(kind, at, len);
    }

    /// Half of a flag stands for a letter, two for a flag.
    fn regional(&mut self, c: char, at: usize, rest: &str) -> usize {
        let len = c.len_utf8();
        if rest.chars().nth(1).is_some_and(|next| self.table.class(next) == Class::Regional) {
            self.gap(Roles::SIGN, at, 2 * len);
            return 2 * len;
        }
        let letter = u32::from(c).checked_sub(0x1_f1e6).and_then(|n| char::from_u32(u32::from('a') + n)).unwrap_or(c);
        self.see(Kind::Enclosed, at, len);
        self.letter(Roles::LETTER, letter);
        self.plain(at, len, [letter].into_iter());
        self.folded(at, len, letter.encode_utf8(&mut [0; 4]));
        len
    }

    /// Whether a letter of another script that looks Latin stands among Latin ones.
    fn is_beside_latin(&self, at: usize, rest: &str) -> bool {
        let octet =
            if at > self.folded_from { self.text.as_bytes().get(at - 1) } else { self.to.folded.as_bytes().last() };
        let before = octet.filter(|_| at > 0).copied().unwrap_or(b' ');
        let after = rest.chars().skip(1).find_map(|c| match self.table.class(c) {
            Class::Change(change) if change.beside => None,
            Class::Change(change) => Some(change.folded.chars().next().unwrap_or(' ')),
            Class::Invisible | Class::Bidi | Class::Overlay | Class::Accent => None,
            Class::Unspaced | Class::Mark | Class::Regional => Some(c),
            _ if c.is_alphanumeric() => Some(c),
            _ => Some(' '),
        });
        let after = after.unwrap_or(' ');
        let is_open = |c: char| c.is_ascii_alphanumeric() || c == ' ';
        is_open(after)
            && (before.is_ascii_alphanumeric() || before == b' ')
            && (after.is_ascii_alphabetic() || before.is_ascii_alphabetic())
    }

    fn change(&mut self, change: &'static Change, c: char, at: usize) {
        let len = c.len_utf8();
        if !change.plain.is_empty() {
            self.plain(at, len, change.plain.chars());
        } else if !change.is_small {
            self.plain(at, len, c.to_lowercase());
        }
        if change.folded.is_empty() {
            let is_wide = is_unspaced(c) || matches!(u32::from(c), 0x2e80..=0x303f | 0xff00..);
            self.gap(if is_wide { Roles::GAP } else { Roles::SIGN }, at, len);
            return;
        }
        if let Some(kind) = change.kind {
            self.see(kind, at, len);
        }
        for d in change.folded.chars() {
            match d {
                ' ' => self.to.cast.push(Roles::GAP),
                '0'..='9' => self.letter(Roles::DIGIT, d),
                d => self.letter(if is_unspaced(d) { Roles::UNSPACED } else { Roles::LETTER }, d),
            }
        }
        self.folded(at, len, change.folded);
    }
}

/// Whether an apostrophe joins what stands on both sides of it, as in `don't` and `t'rima`; else it parts words, as in
/// `NHAN'TIEN`.
pub(super) fn joins(text: &str, at: usize, len: usize) -> bool {
    let is_letter = |c: &char| c.is_alphabetic() && !is_unspaced(*c);
    let before = text.get(..at).map_or(0, |t| t.chars().rev().take(2).take_while(is_letter).count());
    let after = text.get(at + len..).map_or(0, |t| t.chars().take(3).take_while(is_letter).count());
    before > 0 && after > 0 && (before == 1 || after < 3)
}

/// Alphabets that lend letters to Latin disguises.
fn is_foreign(c: char) -> bool {
    matches!(u32::from(c), 0x370..=0x58f | 0x10a0..=0x10ff | 0x13a0..=0x13ff)
}

/// The letter that a sign stands for inside a word.
pub(super) fn stands_for(c: char) -> Option<char> {
    Some(match c {
        '@' => 'a',
        '$' => 's',
        '!' | '¡' => 'i',
        '|' | '£' => 'l',
        '€' => 'e',
        '฿' => 'b',
        '¢' => 'c',
        '¥' => 'y',
        '₱' => 'p',
        '₦' => 'n',
        '₩' => 'w',
        _ => return None,
    })
}
