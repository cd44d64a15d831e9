//! One reading of a text for all literals of all rules; regexes are confirmed only on candidates.
//!
//! ```text
//!  skeleton ─┐                                ┌─ words of lists and conditions, held against their entry ─▶ sets
//!  tight ────┼─ at beginnings of words ─▶ dictionary
//!            │                                └─ one literal of each regex that begins a word ──┐
//!  squeezed ─┴─ every other octet ─▶ anywhere ── one literal of each other regex ───────────────┴─▶ candidates
//! ```
//!
//! What was seen is told in lists of what was seen, so that a message that has nothing costs nothing more. A regex is run
//! at most once a message, when a rule asks for it, when its literal was seen, and when the text has what else it needs.
//! Where two texts have the same regex, and where a policy follows another, it is compiled once.
//!
//! Places are octets of the matching form, or of the second readings behind it.

mod anywhere;
mod atoms;
mod build;
mod dictionary;
mod grams;
mod heads;
mod regexes;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

pub use build::{Builder, Remark};

use anywhere::Anywhere;
use dictionary::Dictionary;
use heads::Heads;
use regexes::{Confirm, Pattern, Room};

use super::list::Until;
use super::word::{Forms, Word};
use crate::text::fold::{Gap, Tight, Views, is_unspaced};
use crate::text::language;
use crate::text::letter;
use crate::time::Timestamp;

/// Names a set of words that a condition asks for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(u32);

/// Names a regex with its exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegexId(u32);

impl SetId {
    /// Its number, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

impl RegexId {
    /// Its number, from 0.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What a literal of the dictionary is for.
#[derive(Clone, Copy, Debug)]
enum Use {
    Word(u32, Forms),
    /// Whether it counts only where its word ends.
    Atom(u32, bool),
}

/// Candidates from which on it is worth knowing which words a text has before one is asked for.
const WOKEN_MANY: usize = 8;

/// Says where the word of a match really stands, if it does.
type Stands<'s> = &'s dyn Fn(&Word, Forms, Range<usize>) -> Option<Range<usize>>;

/// Everything compiled.
#[derive(Default)]
pub struct Matcher {
    dictionary: Dictionary,
    /// For each literal of the dictionary where its uses begin; one more at the end.
    starts: Box<[u32]>,
    uses: Box<[Use]>,
    words: Vec<Arc<Word>>,
    /// For each word where the sets that it is in begin; one more at the end.
    sets_of: Box<[u32]>,
    /// Those, each with the moment at which the word ends there.
    members: Box<[(SetId, Until)]>,
    /// The regexes that an atom wakes.
    atoms: Vec<Box<[RegexId]>>,
    /// Atoms in the text without blanks, and which they are.
    anywhere: Anywhere,
    squeezed: Box<[u32]>,
    sets: usize,
    regexes: Vec<Confirm>,
    always: Vec<bool>,
    patterns: HashMap<Box<str>, Arc<Pattern>>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matcher({} literals, {} regexes)", self.literals(), self.regexes.len())
    }
}

/// What was seen in one message; reused from message to message.
#[derive(Debug, Default)]
pub struct Hits {
    generation: u32,
    /// For each set, the generation in which it was last seen, and where first.
    sets: Vec<(u32, u32, u32)>,
    /// For each word and each atom, the generation in which it was last seen.
    words: Vec<u32>,
    atoms: Vec<u32>,
    /// For each regex: the generation in which it became a candidate.
    candidates: Vec<u32>,
    /// For each regex: the generation in which it was run, and whether and where it matched.
    confirmed: Vec<(u32, Option<(u32, u32)>)>,
    /// The sets and the candidates of this message.
    seen: Vec<SetId>,
    woken: Vec<RegexId>,
    room: Room,
    octets: Vec<u8>,
    /// The language of the text, once somebody has asked.
    language: Option<Option<&'static str>>,
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Matcher {
    /// Reads the views of a text at a time; [`Hits`] then answers for it.
    pub fn scan(&self, views: &Views, now: Timestamp, hits: &mut Hits) {
        hits.start(self);
        let folded = views.folded();
        if !self.dictionary.is_empty() && !folded.is_empty() {
            self.look(folded, views.skeleton(), now, hits, |word, forms, range| {
                (forms.spelled && word.stands(folded, &range)).then_some(range)
            });
            let (tight, behind) = (views.tight(), views.undone_start());
            beginnings_of_tight(tight, |at| {
                self.dictionary.at(tight.octets(), at, |id, len| {
                    // What parts words is not among these octets: a word may end anywhere.
                    self.used(id, at..at + len, true, now, hits, &|word, forms, range| {
                        let undone = if forms.tight { word.stands_tight(tight, &range) } else { None };
                        undone.map(|range| behind + range.start..behind + range.end)
                    });
                });
            });
        }
        if !self.anywhere.is_empty() {
            let mut octets = std::mem::take(&mut hits.octets);
            squeeze(std::iter::once(folded).chain(views.undone()), &mut octets);
            self.anywhere.search(&octets, |n| {
                self.squeezed.get(index(n)).into_iter().for_each(|atom| self.wake(*atom, hits));
            });
            hits.octets = octets;
        }
        if hits.woken.len() >= WOKEN_MANY {
            self.keep_possible(views, hits);
        }
    }

    /// Drops candidates that need words which no reading of the text has.
    fn keep_possible(&self, views: &Views, hits: &mut Hits) {
        let mut words = Heads::default();
        for text in std::iter::once(views.folded()).chain(views.undone()) {
            beginnings(text, |at| words.insert(text.as_bytes().get(at..).unwrap_or_default()));
        }
        let Hits { woken, candidates, .. } = hits;
        woken.retain(|regex| {
            let may_match = self.regexes.get(index(regex.0)).is_some_and(|confirm| confirm.may_match(&words));
            if !may_match {
                candidates.get_mut(index(regex.0)).into_iter().for_each(|slot| *slot = 0);
            }
            may_match
        });
    }

    /// Looks for literals at the beginnings of a text's words.
    fn look(
        &self,
        text: &str,
        octets: &[u8],
        now: Timestamp,
        hits: &mut Hits,
        stands: impl Fn(&Word, Forms, Range<usize>) -> Option<Range<usize>>,
    ) {
        beginnings(text, |at| {
            self.dictionary.at(octets, at, |id, len| {
                let is_end = octets.get(at + len).is_none_or(|octet| !octet.is_ascii_alphanumeric());
                self.used(id, at..at + len, is_end, now, hits, &stands);
            });
        });
    }

    fn used(&self, id: u32, range: Range<usize>, is_end: bool, now: Timestamp, hits: &mut Hits, stands: Stands<'_>) {
        let start = |n: usize| self.starts.get(n).map_or(0, |start| index(*start));
        let uses = start(index(id))..start(index(id) + 1);
        for one in self.uses.get(uses).unwrap_or_default() {
            match one {
                Use::Atom(atom, ends) => {
                    if is_end || !ends {
                        self.wake(*atom, hits);
                    }
                }
                Use::Word(n, forms) => {
                    let Some(word) = self.words.get(index(*n)).filter(|_| !hits.has_word(*n)) else { continue };
                    if let Some(place) = stands(word, *forms, range.clone()) {
                        hits.mark_word(*n);
                        let start = |n: u32| self.sets_of.get(index(n)).map_or(0, |start| index(*start));
                        let sets = self.members.get(start(*n)..start(*n + 1)).unwrap_or_default();
                        let holding = sets.iter().filter(|(_, until)| now < *until);
                        holding.for_each(|(set, _)| hits.mark_set(*set, &place));
                    }
                }
            }
        }
    }

    fn wake(&self, atom: u32, hits: &mut Hits) {
        let Some(seen) = hits.atoms.get_mut(index(atom)) else { return };
        if std::mem::replace(seen, hits.generation) != hits.generation {
            for regex in self.atoms.get(index(atom)).into_iter().flatten() {
                hits.mark_candidate(*regex);
            }
        }
    }

    /// Where a word of the set stands, if any does.
    #[must_use]
    pub fn set(&self, id: SetId, hits: &Hits) -> Option<Range<usize>> {
        let (generation, start, end) = *hits.sets.get(index(id.0))?;
        (generation == hits.generation).then(|| index(start)..index(end))
    }

    /// Where the regex matches first outside its exceptions, if it does: in the matching form, else in a second reading.
    pub fn regex(&self, id: RegexId, views: &Views, hits: &mut Hits) -> Option<Range<usize>> {
        let confirm = self.regexes.get(index(id.0))?;
        let generation = hits.generation;
        if let Some((when, found)) = hits.confirmed.get(index(id.0))
            && *when == generation
        {
            return found.map(|(start, end)| index(start)..index(end));
        }
        let candidate = self.is_always_run(id) || hits.candidates.get(index(id.0)) == Some(&generation);
        let found = if candidate { find_in(confirm, views, &mut hits.room) } else { None };
        if let Some(slot) = hits.confirmed.get_mut(index(id.0)) {
            *slot = (generation, found.as_ref().map(|r| (short(r.start), short(r.end))));
        }
        found
    }

    /// Whether a regex may match any message.
    #[must_use]
    pub fn is_always_run(&self, id: RegexId) -> bool {
        self.always.get(index(id.0)) == Some(&true)
    }

    /// Literals that are looked for.
    #[must_use]
    pub fn literals(&self) -> usize {
        self.starts.len().saturating_sub(1) + self.squeezed.len()
    }

    /// Octets that it takes, without what an allocator adds.
    #[must_use]
    pub fn octets(&self) -> usize {
        let regexes: usize = self.patterns.values().map(|pattern| pattern.octets()).sum();
        let uses = size_of_val(&*self.uses) + size_of_val(&*self.starts);
        let words = self.words.iter().map(|word| size_of_val(word) + 4 * word.folded.len());
        let sets = size_of_val(&*self.sets_of) + size_of_val(&*self.members);
        self.dictionary.octets() + self.anywhere.octets() + regexes + uses + sets + words.sum::<usize>()
    }
}

/// Texts without their blanks, a line each.
fn squeeze<'t>(texts: impl Iterator<Item = &'t str>, octets: &mut Vec<u8>) {
    octets.clear();
    for text in texts {
        for some in text.as_bytes().chunks(64) {
            let (mut kept, mut len) = ([0; 64], 0);
            for octet in some {
                kept.get_mut(len & 63).into_iter().for_each(|slot| *slot = *octet);
                len += usize::from(*octet != b' ');
            }
            octets.extend_from_slice(kept.get(..len).unwrap_or_default());
        }
        octets.push(b'\n');
    }
}

fn find_in(confirm: &Confirm, views: &Views, room: &mut Room) -> Option<Range<usize>> {
    confirm.find(views.folded(), room).or_else(|| {
        views.undone_placed().find_map(|(reading, start)| {
            confirm.find(reading, room).map(|range| start + range.start..start + range.end)
        })
    })
}

/// Tells where words begin, as entries of lists and `\b` of regexes see it; in scripts that do not space their words, at
/// every character.
fn beginnings(text: &str, mut begins: impl FnMut(usize)) {
    if text.is_ascii() {
        begins(0);
        memchr::memchr2_iter(b' ', b'\n', text.as_bytes()).for_each(|at| begins(at + 1));
        return;
    }
    // Whether what stands before parts words.
    let mut parted = true;
    for (at, c) in text.char_indices() {
        if c.is_ascii_alphanumeric() {
            if parted {
                begins(at);
            }
            parted = false;
        } else {
            let parts = parts(c);
            if c != ' ' && (parted || (parts && begins_itself(c))) {
                begins(at);
            }
            parted = parts;
        }
    }
}

/// Whether words are parted on either side of it.
fn parts(c: char) -> bool {
    // A numeral of another script is a letter to lists, and none to `\b`.
    !c.is_ascii_alphanumeric() && (c == ' ' || is_unspaced(c) || !letter::is_alphabetic(c))
}

/// Whether what parts words is one by itself.
fn begins_itself(c: char) -> bool {
    is_unspaced(c) || !letter::is_alphanumeric(c)
}

fn is_beginning(before: char, c: char) -> bool {
    parts(before) || (parts(c) && begins_itself(c))
}

fn beginnings_of_tight(tight: &Tight, mut begins: impl FnMut(usize)) {
    let mut before = ' ';
    let mut at = 0;
    while let Some(letter) = tight.letter(at) {
        let in_word = before.is_ascii_alphanumeric() && letter.c.is_ascii_alphanumeric();
        if letter.gap != Gap::None || (!in_word && is_beginning(before, letter.c)) {
            begins(at);
        }
        before = letter.c;
        // A letter made one with another takes as many octets as before.
        at += letter.c.len_utf8();
    }
}

impl Hits {
    fn start(&mut self, matcher: &Matcher) {
        let counts = [matcher.sets, matcher.words.len(), matcher.atoms.len(), matcher.regexes.len()];
        let [sets, words, atoms, regexes] = counts;
        let known = [self.sets.len(), self.words.len(), self.atoms.len(), self.candidates.len()];
        if known != counts || self.generation == u32::MAX {
            *self = Self {
                sets: vec![(0, 0, 0); sets],
                words: vec![0; words],
                atoms: vec![0; atoms],
                candidates: vec![0; regexes],
                confirmed: vec![(0, None); regexes],
                ..Self::default()
            };
        }
        self.generation += 1;
        self.seen.clear();
        self.woken.clear();
        self.room.octets = 0;
        self.language = None;
    }

    /// The language of the text that was scanned: guessed once, however many rules ask.
    pub fn language(&mut self, text: &str) -> Option<&'static str> {
        *self.language.get_or_insert_with(|| language::guess(text))
    }

    /// The sets of which a word was seen.
    #[must_use]
    pub fn sets(&self) -> &[SetId] {
        &self.seen
    }

    /// The regexes that may match.
    #[must_use]
    pub fn candidates(&self) -> &[RegexId] {
        &self.woken
    }

    /// Octets of text that regexes were run over since the scan.
    #[must_use]
    pub fn octets_run(&self) -> u64 {
        self.room.octets
    }

    fn has_word(&self, word: u32) -> bool {
        self.words.get(index(word)) == Some(&self.generation)
    }

    fn mark_word(&mut self, word: u32) {
        if let Some(slot) = self.words.get_mut(index(word)) {
            *slot = self.generation;
        }
    }

    fn mark_set(&mut self, set: SetId, range: &Range<usize>) {
        if let Some(slot) = self.sets.get_mut(index(set.0)).filter(|slot| slot.0 != self.generation) {
            *slot = (self.generation, short(range.start), short(range.end));
            self.seen.push(set);
        }
    }

    fn mark_candidate(&mut self, regex: RegexId) {
        if let Some(slot) = self.candidates.get_mut(index(regex.0)).filter(|slot| **slot != self.generation) {
            *slot = self.generation;
            self.woken.push(regex);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Views {
        let mut views = Views::default();
        views.read(text);
        views.undo(text, &|_| false);
        views
    }

    fn words(entries: &[&str]) -> Vec<Arc<Word>> {
        entries.iter().filter_map(|e| Word::new(e)).map(Arc::new).collect()
    }

    #[test]
    fn a_word_ends_where_its_script_says() {
        let mut builder = Builder::default();
        let set = builder.words(words(&["kta", "pinjam*", "slot", "กสิกร", "cash in"]));
        let matcher = builder.build().unwrap();
        let mut hits = Hits::default();
        let mut seen = |text: &str| {
            let views = read(text);
            matcher.scan(&views, Timestamp(0), &mut hits);
            matcher.set(set, &hits).map(|r| text[views.written(text, &r)].to_owned())
        };
        assert_eq!(seen("ajukan kta hari ini").as_deref(), Some("kta"));
        assert_eq!(seen("faktanya begini"), None);
        assert_eq!(seen("mau pinjaman").as_deref(), Some("pinjam"));
        assert_eq!(seen("meminjam"), None);
        assert_eq!(seen("slots"), None);
        assert_eq!(seen("ธนาคารกสิกรไทย").as_deref(), Some("กสิกร"));
        assert_eq!(seen("ตรวจslotที่นี่").as_deref(), Some("slot"));
        assert_eq!(seen("cash in now").as_deref(), Some("cash in"));
        assert_eq!(seen(""), None);
    }

    #[test]
    fn what_lies_inside_an_exception_is_dropped_and_nothing_else() {
        let mut builder = Builder::default();
        let regex =
            builder.regex(r"\bsend\b.{0,20}?\bcode\b", Some(r"\bnever\b.{0,9}?\bsend\b.{0,20}?\bcode\b")).unwrap();
        assert!(!builder.is_always_run(regex));
        let matcher = builder.build().unwrap();
        let mut hits = Hits::default();
        let mut fires = |text: &str| {
            let views = read(text);
            matcher.scan(&views, Timestamp(0), &mut hits);
            matcher.regex(regex, &views, &mut hits).is_some()
        };
        assert!(fires("please send me the code"));
        assert!(!fires("never send anybody the code"));
        assert!(fires("never send the code but do send me your code"));
        assert!(!fires("the code"));
    }

    #[test]
    fn a_bad_regex_says_where() {
        let error = Builder::default().regex("ab(c", None).unwrap_err();
        assert_eq!((error.0, error.1.at), (false, 2));
        assert!(Builder::default().regex("a", Some("[")).unwrap_err().0);
        assert!(Builder::default().regex("x*", None).is_err());
    }
}
