//! What joins two pieces of a text: punctuation inside a word, and signs that stand for letters.

use std::ops::Range;

use super::disguise::{Disguise, Kind};
use super::guess::{is_spacing, stands_for};
use super::table::is_unspaced;
use super::tight::Gap;
use super::undo::Piece;
use crate::text::letter;

/// What stands between two pieces.
pub(super) struct Joint {
    pub gap: Gap,
    /// Octets of the text: signs for letters right before what follows, and right behind what came before.
    pub prefix: Option<(usize, usize)>,
    pub suffix: Option<(usize, usize)>,
}

/// Finds it; `between` stands at `from` in the text.
pub(super) fn joint(text: &str, from: usize, between: &str, before: Option<&Piece>, after: Option<&Piece>) -> Joint {
    let mut joint = Joint { gap: Gap::Hard, prefix: None, suffix: None };
    let spared = before.is_some_and(|p| p.spared) || after.is_some_and(|p| p.spared);
    let (Some(open), Some(close)) = (between.chars().next(), between.chars().next_back()) else { return joint };
    if spared || (open == '@' && is_mail(text, from)) {
        return joint;
    }
    let is_one = between.chars().count() == 1;
    let (left, right) = (before.map(|p| p.last), after.map(|p| p.first));
    if !between.contains(char::is_whitespace) && before.is_some() && after.is_some() {
        if is_spacing(left) && is_spacing(right) {
            joint.gap = Gap::Soft;
            let alike = between.chars().all(|c| c == open);
            let are_letters = between.chars().take(SIGNS_MAX + 1).filter(|c| stands_for(*c).is_some()).count();
            if are_letters == between.chars().count() && (is_one || !alike) && are_letters <= SIGNS_MAX {
                (joint.gap, joint.prefix) = (Gap::None, Some((from, from + between.len())));
            }
        } else if left.is_some_and(is_unspaced) && right.is_some_and(is_unspaced) {
            let alone = [before, after].into_iter().flatten().any(|p| p.characters == 1);
            joint.gap = if alone || stands_for(open).is_some() { Gap::Soft } else { Gap::Hard };
        }
        return joint;
    }
    // At the edge of a word: `usah@`, `B0nu$`, `@gunan`; an exclamation mark only before one.
    let is_long = |p: Option<&Piece>| p.is_some_and(|p| p.characters >= 2);
    let is_edge = |c: Option<char>| c.is_none_or(char::is_whitespace);
    if is_spacing(left) && is_long(before) && !matches!(open, '!' | '|' | '¡') && is_edge(between.chars().nth(1)) {
        joint.suffix = stands_for(open).map(|_| (from, from + open.len_utf8()));
    }
    if is_spacing(right) && is_long(after) && is_edge(between.chars().rev().nth(1)) && !(is_one && before.is_some()) {
        let end = from + between.len();
        joint.prefix = stands_for(close).map(|_| (end - close.len_utf8(), end));
    }
    joint
}

/// A first look, which costs little: whether some punctuation stands between letters, outside what is spared.
pub(super) fn has_joint(text: &str, is_spared: &dyn Fn(&Range<usize>) -> bool) -> bool {
    let octets = text.as_bytes();
    let in_word = |octet: &u8| octet.is_ascii_alphabetic() || !octet.is_ascii();
    let mut from = 0;
    while let Some(at) = octets.get(from..).and_then(|rest| rest.iter().position(u8::is_ascii_punctuation)) {
        let start = from + at;
        let rest = octets.get(start..).unwrap_or_default();
        let end = start + rest.iter().take_while(|octet| octet.is_ascii_punctuation()).count();
        from = end;
        let before = start.checked_sub(1).and_then(|n| octets.get(n)).is_some_and(in_word);
        if !before || !octets.get(end).is_some_and(in_word) {
            continue;
        }
        let left = text.get(..start).and_then(|t| t.chars().next_back());
        let right = text.get(end..).and_then(|t| t.chars().next());
        let is_other = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
        let parts = is_spacing(left) != is_spacing(right) && !(is_other(left) && is_other(right));
        if !parts && !is_spared(&(start - 1..end + 1)) {
            return true;
        }
    }
    // Signs beyond ASCII are few; the second look finds what they are.
    !text.is_ascii() && text.chars().any(|c| !c.is_ascii() && !letter::is_alphanumeric(c) && !is_unspaced(c))
}

/// Notes punctuation inside a word, and signs that stand for letters there, where no honest writer puts them.
pub(super) fn note_joints(group: &[Piece], text: &str, disguises: &mut Vec<Disguise>) {
    let is_shredded = group.len() > SHORT + 1 && group.iter().all(|p| p.characters <= SHORT + 1);
    for (a, b) in group.iter().zip(group.iter().skip(1)) {
        let written = a.text.1..b.text.0;
        let shortest = a.characters.min(b.characters);
        let between = text.get(written.clone()).unwrap_or_default();
        let (kind, stands) = match b.prefix {
            Some(_) if between == "!" => (Kind::Leet, shortest == 1),
            Some(_) => (Kind::Leet, shortest <= SHORT),
            None => (Kind::Shredded, is_shredded || (shortest <= SHORT && between.chars().all(is_odd))),
        };
        if stands && !(a.characters == 1 && b.characters == 1) {
            disguises.push(Disguise { kind, written });
        }
    }
}

/// Letters of a piece that is no word.
const SHORT: usize = 2;

/// Signs in a row that stand for letters.
const SIGNS_MAX: usize = 3;

/// Signs that stand between letters in no honest text.
fn is_odd(c: char) -> bool {
    matches!(c, '*' | '^' | '~' | '|' | '\\' | '\'' | '`' | '´' | '’' | '·' | '•' | '°' | '¬' | '¦')
}

/// Octets of a domain at most (RFC 1035 §2.3.4): a mail address is not looked for beyond them.
const DOMAIN_OCTETS_MAX: usize = 253;

/// Whether what begins with `@` at an octet of the text is the end of a mail address.
fn is_mail(text: &str, at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    // Or a text of nothing but `a@a@` would be read once for each of its signs.
    let rest = rest.get(..rest.floor_char_boundary(DOMAIN_OCTETS_MAX)).unwrap_or(rest);
    rest.split(char::is_whitespace).next().is_some_and(|word| word.trim_end_matches('.').contains('.'))
}
