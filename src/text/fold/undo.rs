//! The second reading: digits and signs that stand for letters, words pulled apart, letters drawn out, Latin letters that
//! pose as Thai ones.
//!
//! All of it is guesswork, so nothing of the first reading is given up for it: a text has a second reading only where
//! something in it looks like a disguise, and rules search both. Where a disguise has more than one solution there are
//! more readings, one a line.

use std::ops::Range;

use super::disguise::{Disguise, Kind};
use super::guess::{Glyph, draw_in, is_doubtful, pose, stands_for, unleet};
use super::joint::{has_joint, joint, note_joints};
use super::map::{Cursor, Map, end_of};
use super::suspicion::{LONE_GAP_MAX, LONE_MIN, Suspicion};
use super::tight::{Gap, Tight};
use crate::text::everyday::{Letters, Open};
use crate::text::letter;

/// A word of the matching form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Octets of the matching form.
    pub folded: (usize, usize),
    /// Octets of the text.
    pub text: (usize, usize),
    /// Letters and digits; marks do not count.
    pub characters: usize,
    pub first: char,
    pub last: char,
    /// What stands before it.
    pub gap: Gap,
    /// Octets of the text: signs for letters right before and right behind it.
    pub prefix: Option<(usize, usize)>,
    pub suffix: Option<(usize, usize)>,
    /// Whether nothing of it is to be guessed: it belongs to a link.
    pub spared: bool,
    /// Whether the gap before it is wider than those between the letters of its word.
    pub wide: bool,
    /// Whether it may be read otherwise, and whether such a piece is near.
    pub doubtful: bool,
    pub near: bool,
    /// Whether what its octets read in another alphabet begins with it.
    pub opens: bool,
    /// Whether an everyday word begins with it that nothing else parts from the one before.
    pub cut: bool,
}

/// What the second reading is written to; reused from text to text.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// Its readings, parted by line feeds.
    pub text: String,
    pub map: Map,
    pub tight: Tight,
    pieces: Vec<Piece>,
    word: Vec<Glyph>,
}

/// What the second reading starts from.
#[derive(Clone, Copy)]
pub(super) struct First<'a> {
    pub text: &'a str,
    pub folded: &'a str,
    pub map: &'a Map,
    pub suspicion: Suspicion,
}

/// Ways to read a letter that poses as another, at most.
const READINGS_MAX: usize = 3;

/// Words around a doubtful one that a phrase with it may have.
const NEAR: usize = 6;

/// Letters that stand alone and are looked at as one word, so that no text is looked at again and again.
const LONE_MAX: usize = 128;

impl Undone {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.map.clear();
        self.tight.clear();
    }

    /// Reads a text a second time; `is_spared` says what belongs to a link.
    pub(super) fn read(
        &mut self,
        first: First<'_>,
        is_spared: &dyn Fn(&Range<usize>) -> bool,
        disguises: &mut Vec<Disguise>,
    ) {
        self.clear();
        if !first.suspicion.any() {
            return;
        }
        let Suspicion { leet, signed, tight, lone, drawn, posing, .. } = first.suspicion;
        if tight && !(leet | signed | lone | drawn | posing) && !has_joint(first.text, is_spared) {
            return;
        }
        self.cut(first, is_spared);
        if first.suspicion.tight | first.suspicion.signed {
            self.join_tight(first.text);
        }
        if first.suspicion.lone {
            self.join_lone(first.text, first.folded, disguises);
        }
        if !self.look_around() || !self.reading(first, 0, Some(disguises)) {
            self.clear();
            return;
        }
        // Friends draw out vowels; who hides words does more than that.
        if disguises.iter().all(|d| d.kind == Kind::Repeated) {
            let is_drawl = |d: &Disguise| first.text.get(d.written.clone()).is_none_or(|c| !is_consonant(c));
            disguises.retain(|d| !is_drawl(d));
        }
        let more = match first.suspicion {
            Suspicion { posing: true, .. } => READINGS_MAX,
            Suspicion { drawn: true, .. } => 2,
            _ => 1,
        };
        for n in 1..more {
            self.text.push('\n');
            self.tight.part();
            self.reading(first, n, None);
        }
        // `p a y l a t e r` may be one word as well as two.
        if self.pieces.iter().any(|piece| piece.cut) {
            for piece in self.pieces.iter_mut().filter(|piece| piece.cut) {
                (piece.wide, piece.gap) = (false, Gap::None);
            }
            self.text.push('\n');
            self.tight.part();
            self.reading(first, 0, None);
        }
    }

    /// Cuts the matching form into its words.
    fn cut(&mut self, first: First<'_>, is_spared: &dyn Fn(&Range<usize>) -> bool) {
        self.pieces.clear();
        let mut cursor = first.map.cursor();
        let mut start = 0;
        let mut opens = false;
        for word in first.folded.split([' ', '\n']) {
            let folded = (start, start + word.len());
            opens |= start > 0 && first.folded.as_bytes().get(start - 1) == Some(&b'\n');
            start = folded.1 + 1;
            let is_letter = |c: &char| !is_mark(*c);
            let (Some(first_char), Some(last)) = (word.chars().next(), word.chars().rfind(is_letter)) else { continue };
            let text = (cursor.place(folded.0), end_of(first.text, cursor.place(folded.1 - 1)));
            let characters = if word.is_ascii() { word.len() } else { word.chars().filter(is_letter).count() };
            let spared = is_spared(&(text.0..text.1));
            self.pieces.push(Piece {
                folded,
                text,
                characters,
                first: first_char,
                last,
                gap: Gap::Hard,
                prefix: None,
                suffix: None,
                spared,
                wide: false,
                doubtful: !spared && is_doubtful(word, first.suspicion),
                near: false,
                opens: std::mem::take(&mut opens),
                cut: false,
            });
        }
    }

    /// Finds punctuation inside words, and signs for letters.
    fn join_tight(&mut self, text: &str) {
        let mut before: Option<Piece> = None;
        for n in 0..=self.pieces.len() {
            let after = self.pieces.get(n).copied();
            let from = before.map_or(0, |p| p.text.1);
            let to = after.map_or(text.len(), |p| p.text.0);
            let between = text.get(from..to).unwrap_or_default();
            let found = joint(text, from, between, before.as_ref(), after.as_ref());
            if let Some(piece) = self.pieces.get_mut(n) {
                (piece.gap, piece.prefix) = (found.gap, found.prefix);
                if piece.opens {
                    piece.gap = Gap::Hard;
                }
            }
            if let Some(piece) = n.checked_sub(1).and_then(|n| self.pieces.get_mut(n)) {
                piece.suffix = found.suffix;
            }
            before = after;
        }
    }
}

impl Undone {
    /// Finds letters that stand alone, at least [`LONE_MIN`] of them, close to each other: `B a n k`, `b.a.n.k`.
    fn join_lone(&mut self, text: &str, folded: &str, disguises: &mut Vec<Disguise>) {
        let mut start = 0;
        while start < self.pieces.len() {
            let run = match self.lone_run(text, start) {
                many if many + 1 >= LONE_MAX => self.up_to_a_word(folded, start, many),
                run => run,
            };
            let lone = || {
                self.pieces.iter().skip(start).take(run).filter(|p| p.characters == 1 && letter::is_alphabetic(p.first))
            };
            let letters = lone().count();
            if letters < LONE_MIN || 2 * letters <= run {
                start += 1;
                continue;
            }
            let is_list = lone().zip(lone().skip(1)).all(|(a, b)| u32::from(b.first) <= u32::from(a.first) + 1);
            let counts = letters > LONE_MIN && !is_list;
            let gaps = self.pieces.iter().skip(start).zip(self.pieces.iter().skip(start + 1)).take(run - 1);
            disguises.extend(
                gaps.filter(|_| counts).map(|(a, b)| Disguise { kind: Kind::Spaced, written: a.text.1..b.text.0 }),
            );
            let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
            let is_spaced = |gap: &str| gap.contains(char::is_whitespace);
            let gaps = self.pieces.iter().skip(start).zip(self.pieces.iter().skip(start + 1)).take(run - 1);
            let gaps = gaps.map(|(a, b)| between(a.text.1, b.text.0));
            let narrow = gaps.clone().map(|gap| gap.chars().count()).min().unwrap_or(1);
            let mostly_spaced = 2 * gaps.filter(|gap| is_spaced(gap)).count() >= run - 1;
            let mut end = None;
            let mut parted = false;
            for piece in self.pieces.iter_mut().skip(start).take(run) {
                if let Some(end) = end {
                    let gap = between(end, piece.text.0);
                    piece.wide = gap.chars().count() > narrow || (is_spaced(gap) && !mostly_spaced);
                    // `s*e*l*a*m*a 7`: a number behind a word.
                    let is_number = piece.wide && !letter::is_alphabetic(piece.first);
                    let gap = if is_number { Gap::Hard } else { Gap::Soft };
                    (piece.gap, piece.prefix, piece.suffix) = (gap, None, None);
                    parted |= piece.wide && letter::is_alphabetic(piece.first);
                }
                end = Some(piece.text.1);
            }
            // Words end at the wider gaps if there are any, and where spaces stand among dots; else where known words do.
            let firm = parted || !mostly_spaced || self.cut_lone(folded, start, run);
            for piece in self.pieces.iter_mut().skip(start + 1).take(run - 1).filter(|piece| firm && !piece.wide) {
                piece.gap = Gap::None;
            }
            start += run;
        }
    }

    /// Cuts letters that stand alone into everyday words, if they are such words from the first to the last.
    fn cut_lone(&mut self, folded: &str, start: usize, run: usize) -> bool {
        let letters = self.letters(folded, start, run);
        let Some((words, _)) = letters.words(0, letters.len(), Open::default()) else { return false };
        let mut at = 0;
        for piece in self.pieces.iter_mut().skip(start).take(run) {
            piece.cut = at > 0 && words.has(at);
            piece.wide = piece.cut;
            at += piece.folded.1 - piece.folded.0;
        }
        true
    }

    /// Of so many letters that stand alone that no more are looked at: those up to where the last everyday word ends, so that
    /// the next one is looked at whole.
    fn up_to_a_word(&self, folded: &str, start: usize, run: usize) -> usize {
        let letters = self.letters(folded, start, run);
        let Some((_, end)) = letters.words(0, letters.len(), Open { before: false, after: true }) else { return run };
        let mut at = 0;
        let pieces = self.pieces.iter().skip(start).take(run);
        let within = pieces.take_while(|piece| {
            at += piece.folded.1 - piece.folded.0;
            at <= end
        });
        within.count().max(1)
    }

    fn letters(&self, folded: &str, start: usize, run: usize) -> Letters {
        let mut letters = Letters::default();
        for piece in self.pieces.iter().skip(start).take(run) {
            folded.get(piece.folded.0..piece.folded.1).unwrap_or_default().chars().for_each(|c| letters.push(c));
            letters.part();
        }
        letters
    }

    /// Finds which pieces may be read otherwise, and which are near one; whether there are any.
    fn look_around(&mut self) -> bool {
        for n in 0..self.pieces.len() {
            let is_joined = |piece: &Piece| piece.gap != Gap::Hard || piece.prefix.is_some() || piece.suffix.is_some();
            let joined_after = self.pieces.get(n + 1).is_some_and(|next| next.gap != Gap::Hard);
            if let Some(piece) = self.pieces.get_mut(n) {
                piece.doubtful |= joined_after || is_joined(piece);
            }
        }
        let mut reach = 0;
        for piece in &mut self.pieces {
            reach = if piece.doubtful { NEAR } else { reach.saturating_sub(1_usize) };
            piece.near |= reach > 0;
        }
        reach = 0;
        for piece in self.pieces.iter_mut().rev() {
            reach = if piece.doubtful { NEAR } else { reach.saturating_sub(1) };
            piece.near |= reach > 0;
        }
        self.pieces.iter().any(|piece| piece.doubtful)
    }

    /// How many pieces from `start` on are letters that stand alone, with a few pairs among them; no run begins or ends
    /// with a pair.
    fn lone_run(&self, text: &str, start: usize) -> usize {
        let mut run = 0;
        let mut end = None;
        for (n, piece) in self.pieces.iter().skip(start).take(LONE_MAX).enumerate() {
            let between = end.and_then(|end| text.get(end..piece.text.0));
            let is_close = n == 0 || between.is_some_and(|b| b.chars().count() <= LONE_GAP_MAX);
            let is_letter = letter::is_alphabetic(piece.first);
            if piece.spared
                || !is_close
                || (piece.opens && n > 0)
                || piece.characters > 2
                || (n == 0 && !(piece.characters == 1 && is_letter))
            {
                break;
            }
            if piece.characters == 1 {
                run = n + 1;
            }
            end = Some(piece.text.1);
        }
        run
    }

    /// Writes one reading; whether it differs from the first.
    fn reading(&mut self, first: First<'_>, n: usize, mut disguises: Option<&mut Vec<Disguise>>) -> bool {
        let mut differs = false;
        let mut cursor = first.map.cursor();
        let mut word = std::mem::take(&mut self.word);
        let mut start = 0;
        while start < self.pieces.len() {
            let joined = self.pieces.iter().skip(start + 1).take_while(|p| p.gap != Gap::Hard).count();
            let group = self.pieces.get(start..=start + joined).unwrap_or_default();
            if group.first().is_some_and(|piece| piece.opens) && !self.text.is_empty() && !self.text.ends_with('\n') {
                self.text.push('\n');
                self.tight.part();
            }
            if let [piece] = group
                && !piece.doubtful
            {
                let piece = *piece;
                self.copy(piece, first, &mut cursor);
                start += 1;
                continue;
            }
            word.clear();
            for piece in group {
                spell(*piece, first, &mut cursor, &mut word);
            }
            differs |= joined > 0 || group.iter().any(|p| p.prefix.or(p.suffix).is_some());
            if let Some(disguises) = disguises.as_deref_mut() {
                note_joints(group, first.text, disguises);
            }
            if !group.iter().any(|p| p.spared) {
                differs |= first.suspicion.posing && pose(&mut word, n, &mut disguises);
                differs |= first.suspicion.leet && unleet(&mut word, &mut disguises);
                differs |= first.suspicion.drawn && draw_in(&mut word, n, &mut disguises);
            }
            self.write(&word);
            start += joined + 1;
        }
        self.word = word;
        differs
    }

    /// Begins a word.
    fn part(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push(' ');
        }
    }

    /// Writes a word that is read as before.
    fn copy(&mut self, piece: Piece, first: First<'_>, cursor: &mut Cursor<'_>) {
        self.part();
        let start = self.text.len();
        let word = first.folded.get(piece.folded.0..piece.folded.1).unwrap_or_default();
        cursor.copy(piece.folded.0..piece.folded.1, start, &mut self.map);
        self.text.push_str(word);
        if !piece.near {
            // No entry reaches over what is left out here.
            self.tight.part();
            return;
        }
        let mut gap = Gap::Hard;
        for (n, c) in word.char_indices() {
            self.tight.push(c, gap, n == 0, (short(start + n), short(start + n + c.len_utf8())));
            gap = Gap::None;
        }
    }

    fn write(&mut self, word: &[Glyph]) {
        self.part();
        for glyph in word.iter().filter(|glyph| !glyph.gone) {
            if glyph.wide {
                self.part();
            }
            let start = self.text.len();
            if !glyph.surplus {
                self.map.whole(start, glyph.at.0);
                self.text.push(glyph.c);
            }
            let begins = glyph.gap == Gap::Hard || glyph.wide;
            self.tight.push(glyph.c, glyph.gap, begins, (short(start), short(self.text.len())));
        }
    }
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn is_consonant(c: &str) -> bool {
    c.bytes().all(|c| c.is_ascii_alphabetic() && !b"aeiouyhm".contains(&c.to_ascii_lowercase()))
}

fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0xe31 | 0xe34..=0xe3a | 0xe47..=0xe4e | 0xeb1 | 0xeb4..=0xebc | 0xec8..=0xece
        | 0x102b..=0x103e | 0x1056..=0x1059 | 0x17b6..=0x17d3)
}

/// Spells a piece, with the signs that stand for letters on its edges.
fn spell(piece: Piece, first: First<'_>, cursor: &mut Cursor<'_>, word: &mut Vec<Glyph>) {
    let (mut gap, mut wide) = (piece.gap, piece.wide);
    let signs = |(from, to): (usize, usize)| {
        let signs = first.text.get(from..to).unwrap_or_default().char_indices();
        signs.filter_map(move |(n, c)| Some((stands_for(c)?, (from + n, from + n + c.len_utf8()))))
    };
    for (c, at) in piece.prefix.into_iter().flat_map(signs) {
        word.push(Glyph { c, at, capital: false, gap, wide: false, surplus: false, gone: false });
        gap = Gap::None;
    }
    let folded = first.folded.get(piece.folded.0..piece.folded.1).unwrap_or_default();
    for (n, c) in folded.char_indices() {
        let at = cursor.place(piece.folded.0 + n);
        let to = end_of(first.text, at);
        let capital = first.text.get(at..to).is_some_and(|c| c.contains(char::is_uppercase));
        word.push(Glyph { c, at: (at, to), capital, gap, wide, surplus: false, gone: false });
        (gap, wide) = (Gap::None, false);
    }
    for (c, at) in piece.suffix.into_iter().flat_map(signs) {
        word.push(Glyph { c, at, capital: false, gap: Gap::None, wide: false, surplus: false, gone: false });
    }
}
