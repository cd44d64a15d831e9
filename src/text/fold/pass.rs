//! One pass over a text, from which both views come.
//!
//! Most of a text stands in the views as it stands in the text: such stretches are copied whole, when something ends
//! them. Capital ASCII letters are made small at the end, all at once.

use super::READING;
use super::disguise::Kind;
use super::guess::stands_for;
use super::map::Map;
use super::suspicion::{GAP, SIGN, STANDS_FOR, spaced, unspaced};
use super::table::{Change, Class, Table, is_seen, is_unspaced};
use crate::text::letter;

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
    /// An octet for each visible character, between two gaps.
    pub shape: Vec<u8>,
    pub seen: Vec<Seen>,
    /// Accents that stand behind their letter.
    pub accented: bool,
    /// An apostrophe that parts the letters of what may be one word.
    pub parted: bool,
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
        self.shape.clear();
        self.seen.clear();
        (self.accented, self.parted) = (false, false);
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
    /// Whether a circle was seen that may begin a vowel.
    circle: bool,
    /// From where on the text is what somebody would read who took its octets for another alphabet.
    doubtful_from: usize,
}

/// Marks on one letter; no script of ours needs more.
const MARKS_MAX: usize = 6;

/// Characters beside an apostrophe among which letters are looked for: some are not seen.
const UNSEEN_MAX: usize = 12;

/// Characters behind a letter of another script in which it is looked for whom it stands among.
const NEIGHBOURS_MAX: usize = 8;

/// The first octet of kana, of Han, and of what comes after them.
const HAN_FIRST: u8 = 0xe3;

/// Characters of Han that are taken in together.
const HAN_MANY: usize = 32;

/// Accents on one Latin letter; Vietnamese needs two.
const ACCENTS_MAX: usize = 2;

impl<'a> Pass<'a> {
    /// Reads a text into both views. From `doubtful_from` on it is a reading in another alphabet than the one it is shown in.
    pub(super) fn run(text: &'a str, doubtful_from: usize, to: &'a mut Written) {
        to.clear();
        to.shape.push(GAP);
        let mut pass = Pass {
            text,
            to,
            table: Table::get(),
            plain_from: 0,
            folded_from: 0,
            last: '\0',
            mark: '\0',
            marks: 0,
            circle: false,
            doubtful_from,
        };
        pass.text = text.get(..doubtful_from).unwrap_or(text);
        pass.take(0);
        if doubtful_from < text.len() {
            pass.text = text;
            pass.part(doubtful_from);
            pass.take(doubtful_from + 1);
        }
        to.plain.make_ascii_lowercase();
        to.folded.make_ascii_lowercase();
        if to.folded.ends_with(' ') {
            to.folded.pop();
        }
        to.shape.push(GAP);
    }

    /// Takes in everything from `at` on.
    fn take(&mut self, mut at: usize) {
        while let Some(octet) = self.text.as_bytes().get(at) {
            at += if octet.is_ascii() { self.ascii(at) } else { self.letters(at) };
            if self.text.as_bytes().get(at).is_some_and(|octet| !octet.is_ascii()) {
                at += self.character(at);
            }
        }
        self.keep_plain(at);
        self.keep_folded(at);
    }

    /// Parts what is shown from its reading in another alphabet, which begins behind the line feed at `at`: nothing is found
    /// across.
    fn part(&mut self, at: usize) {
        if self.to.folded.ends_with(' ') {
            self.to.folded.pop();
            self.to.folded_map.truncate(self.to.folded.len());
        }
        self.plain(at, 1, [char::from(READING)].into_iter());
        self.folded(at, 1, "\n");
        self.to.shape.push(GAP);
        (self.last, self.mark, self.marks) = (' ', '\0', 0);
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

    /// Writes a blank for the octet at `at` in the matching form.
    pub(super) fn blank(&mut self, at: usize) {
        self.keep_folded(at);
        self.to.folded_map.run(self.to.folded.len(), at);
        self.to.folded.push(' ');
        self.folded_from = at + 1;
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
        last.is_none_or(|last| matches!(last, b' ' | b'\n'))
    }

    /// A character that parts words.
    fn gap(&mut self, shape: u8, at: usize, len: usize) {
        self.to.shape.push(shape);
        self.last = ' ';
        if self.after_gap(at) {
            self.skip(at, len);
        } else if self.text.as_bytes().get(at) != Some(&b' ') {
            self.folded(at, len, " ");
        }
    }

    /// Notes a letter or digit.
    fn letter(&mut self, shape: u8, small: char) {
        self.to.shape.push(shape);
        (self.last, self.mark, self.marks) = (small, '\0', 0);
    }

    fn see(&mut self, kind: Kind, at: usize, len: usize) {
        self.to.seen.push(Seen { kind, at, len, after: self.to.shape.len() });
    }

    /// Takes in Han from `at` on; how many octets.
    fn han(&mut self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default().as_chunks::<3>().0;
        let mut last = None;
        let mut taken = 0;
        for many in rest.chunks(HAN_MANY) {
            let mut shapes = [0; HAN_MANY];
            let mut count = 0;
            for (three, shape) in many.iter().zip(&mut shapes) {
                let Some(code) = self.table.plain_han(*three) else { break };
                // As `unspaced` has it.
                let [.., third] = *three;
                (*shape, last) = (third, Some(code));
                count += 1;
            }
            self.to.shape.extend_from_slice(shapes.get(..count).unwrap_or_default());
            taken += 3 * count;
            if count < HAN_MANY {
                break;
            }
        }
        if let Some(c) = last.and_then(char::from_u32) {
            self.to.han = true;
            (self.last, self.mark, self.marks) = (c, '\0', 0);
        }
        taken
    }

    /// Takes in letters and marks from `at` on that both views keep as they are; how many octets.
    fn letters(&mut self, at: usize) -> usize {
        let octets = self.text.as_bytes();
        let han = if octets.get(at).is_some_and(|octet| *octet >= HAN_FIRST) { self.han(at) } else { 0 };
        match octets.get(at + han) {
            Some(octet) if !octet.is_ascii() => han + self.other_letters(at + han),
            _ => han,
        }
    }

    fn other_letters(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let (mut last, mut mark, mut marks) = (self.last, self.mark, self.marks);
        let mut taken = 0;
        for (from, c) in rest.char_indices() {
            if self.table.is_plain_han(c) {
                self.to.han = true;
                self.to.shape.push(unspaced(c));
                (last, mark, marks) = (c, '\0', 0);
                taken = from + c.len_utf8();
                continue;
            }
            taken = from;
            match self.table.class(c) {
                Class::Unspaced if matches!(c, 'เ' | 'ເ') && c == last => break,
                Class::Unspaced if self.circle && matches!(c, 'า' | 'າ') => break,
                Class::Unspaced => {
                    self.to.han |= c >= '\u{3040}';
                    self.to.shape.push(unspaced(c));
                    (last, mark, marks) = (c, '\0', 0);
                }
                Class::Mark if c != mark && marks < MARKS_MAX && !last.is_ascii_alphabetic() => {
                    (mark, marks) = (c, marks + 1)
                }
                Class::Letter if !c.is_ascii() => {
                    self.to.foreign |= is_foreign(c);
                    self.to.leftward |= matches!(u32::from(c), 0x590..=0x8ff);
                    self.to.shape.push(spaced(c));
                    (last, mark, marks) = (c, '\0', 0);
                }
                _ => break,
            }
            taken = from + c.len_utf8();
        }
        (self.last, self.mark, self.marks) = (last, mark, marks);
        taken
    }

    /// Takes in one character that is not ASCII, or a sequence that is written for one; how many octets.
    fn character(&mut self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { return 1 };
        let (len, class) = (c.len_utf8(), self.table.class(c));
        match class {
            Class::Letter | Class::Mark | Class::Unspaced => match self.letters(at) {
                0 if class == Class::Mark && self.is_borne(c, rest) => (self.mark, self.marks) = (c, self.marks + 1),
                0 if class == Class::Mark => self.vanish(Kind::Overlay, at, len),
                0 => self.compose(c, at),
                taken => return taken,
            },
            Class::Circle if c == self.mark => self.vanish(Kind::Overlay, at, len),
            Class::Circle => (self.circle, self.mark, self.marks) = (true, c, self.marks + 1),
            Class::Aa if matches!(self.last, 'ฤ' | 'ฦ') => self.letter(unspaced(c), c),
            Class::Aa => self.compose('า', at),
            Class::Capital => {
                self.to.foreign |= is_foreign(c);
                self.letter(spaced(c), c.to_lowercase().next().unwrap_or(c));
                self.plain(at, len, c.to_lowercase());
                let mut small = [0; 4];
                self.folded(at, len, c.to_lowercase().next().unwrap_or(c).encode_utf8(&mut small));
            }
            // What another alphabet has no character for was a letter there, or part of one.
            Class::Sign if c == char::REPLACEMENT_CHARACTER && at >= self.doubtful_from => self.letter(spaced(c), c),
            Class::Sign => self.gap(if stands_for(c).is_some() { STANDS_FOR } else { SIGN }, at, len),
            Class::Space => {
                self.plain(at, len, [' '].into_iter());
                self.gap(GAP, at, len);
            }
            Class::Line => {
                self.plain(at, len, ['\n'].into_iter());
                self.gap(GAP, at, len);
            }
            Class::Apostrophe => {
                self.plain(at, len, ['\''].into_iter());
                match self.apostrophe(at, len) {
                    true => self.skip(at, len),
                    false => self.gap(GAP, at, len),
                }
            }
            Class::Invisible => self.vanish(Kind::Invisible, at, len),
            Class::Bidi => self.vanish(Kind::Bidi, at, len),
            Class::Overlay => self.vanish(Kind::Overlay, at, len),
            Class::Accent => {
                self.skip(at, len);
                self.to.accented = true;
                self.marks += 1;
                if self.marks > ACCENTS_MAX {
                    self.see(Kind::Overlay, at, len);
                }
            }
            Class::Regional => return self.regional(c, at, rest),
            Class::Change(change) if change.beside && !self.is_beside_latin(at, rest) => {
                self.letter(if is_unspaced(c) { unspaced(c) } else { spaced(c) }, c);
            }
            Class::Change(change) => self.change(change, c, at),
        }
        len
    }

    /// The end of a vowel that is also typed in pieces, in Thai and Lao: two `เ` for `แ`; a circle, a tone and `า` for the
    /// tone and `ำ`.
    fn compose(&mut self, c: char, at: usize) {
        let (begun, whole) = match c {
            'เ' => ('เ', 'แ'),
            'ເ' => ('ເ', 'ແ'),
            'າ' => ('ໍ', 'ຳ'),
            _ => ('ํ', 'ำ'),
        };
        let len = c.len_utf8();
        self.keep_folded(at);
        let (folded, map) = (&mut self.to.folded, &mut self.to.folded_map);
        let tone = folded.chars().next_back().filter(|c| matches!(c, '่'..='๋' | '່'..='໋'));
        let tone = tone.filter(|_| !matches!(begun, 'เ' | 'ເ'));
        let before = folded.len() - tone.map_or(0, char::len_utf8);
        if let Some(before) = folded.get(..before).and_then(|folded| folded.strip_suffix(begun)).map(str::len) {
            let place = map.place(before).unwrap_or(at);
            folded.truncate(before);
            map.truncate(before);
            map.whole(before, place);
            folded.extend(tone);
            folded.push(whole);
            self.folded_from = at + len;
            self.letter(unspaced(whole), whole);
        } else {
            self.folded(at, len, c.encode_utf8(&mut [0; 4]));
            self.letter(unspaced(c), c);
        }
    }
}

impl Pass<'_> {
    /// Whether an apostrophe joins what stands on both sides of it, as in `don't` and `t'rima`; else it parts words, as
    /// in `NHAN'TIEN`.
    pub(super) fn apostrophe(&mut self, at: usize, len: usize) -> bool {
        let is_letter = |c: &char| letter::is_alphabetic(*c) && !is_unspaced(*c);
        let (left, right) = (self.text.get(..at).unwrap_or_default(), self.text.get(at + len..).unwrap_or_default());
        let before = left.chars().rev().take(UNSEEN_MAX).filter(|c| is_seen(*c)).take(2).take_while(is_letter).count();
        let after = right.chars().take(UNSEEN_MAX).filter(|c| is_seen(*c)).take(3).take_while(is_letter).count();
        let is_inside = before > 0 && after > 0;
        let joins = is_inside && (before == 1 || after < 3);
        self.to.parted |= is_inside && !joins;
        joins
    }

    /// Whether a mark of another script on a Latin letter belongs there: the letter poses as one of that script, among
    /// others of it.
    fn is_borne(&self, c: char, rest: &str) -> bool {
        let before = self.to.shape.iter().rev().nth(1).is_some_and(|shape| *shape >= 0x80);
        let mut after = rest.chars().take(NEIGHBOURS_MAX).filter(|c| self.table.class(*c) != Class::Mark);
        let among = before || after.next().is_some_and(|c| self.table.class(c) == Class::Unspaced);
        among && self.last.is_ascii_alphabetic() && c != self.mark && self.marks < MARKS_MAX
    }

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
            self.gap(SIGN, at, 2 * len);
            return 2 * len;
        }
        let letter = u32::from(c).checked_sub(0x1_f1e6).and_then(|n| char::from_u32(u32::from('a') + n)).unwrap_or(c);
        self.see(Kind::Enclosed, at, len);
        self.letter(spaced(letter), letter);
        self.plain(at, len, [letter].into_iter());
        self.folded(at, len, letter.encode_utf8(&mut [0; 4]));
        len
    }

    /// Whether a letter of another script that looks Latin stands among Latin ones.
    fn is_beside_latin(&self, at: usize, rest: &str) -> bool {
        let octet =
            if at > self.folded_from { self.text.as_bytes().get(at - 1) } else { self.to.folded.as_bytes().last() };
        let before = octet.filter(|_| at > 0).copied().unwrap_or(b' ');
        let after = rest.chars().skip(1).take(NEIGHBOURS_MAX).find_map(|c| match self.table.class(c) {
            Class::Change(change) if change.beside => None,
            Class::Change(change) => Some(change.folded.chars().next().unwrap_or(' ')),
            Class::Invisible | Class::Bidi | Class::Overlay | Class::Accent | Class::Apostrophe => None,
            Class::Unspaced | Class::Mark | Class::Regional => Some(c),
            _ if letter::is_alphanumeric(c) => Some(c),
            _ => Some(' '),
        });
        let after = after.unwrap_or(' ');
        let is_open = |c: char| c.is_ascii_alphanumeric() || c == ' ';
        is_open(after)
            && (before.is_ascii_alphanumeric() || matches!(before, b' ' | b'\n'))
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
            self.gap(if is_wide { GAP } else { SIGN }, at, len);
            return;
        }
        if let Some(kind) = change.kind {
            self.see(kind, at, len);
        }
        for d in change.folded.chars() {
            match d {
                ' ' => self.to.shape.push(GAP),
                '0'..='9' => self.letter(b'0', d),
                d => self.letter(if is_unspaced(d) { unspaced(d) } else { spaced(d) }, d),
            }
        }
        self.folded(at, len, change.folded);
    }
}

/// Alphabets that lend letters to Latin disguises.
fn is_foreign(c: char) -> bool {
    matches!(u32::from(c), 0x370..=0x58f | 0x10a0..=0x10ff | 0x13a0..=0x13ff)
}
