//! The one automaton over all literals of all rules; regexes are confirmed only on candidates.
//!
//! The matching form of a text is read once, and the second readings of a text that looks disguised. Every word of every
//! list and condition, and for every regex a set of literals without which it cannot match, are patterns of one
//! Aho-Corasick automaton. A word counts when it stands between word ends (in scripts that space words); a regex is run, at
//! most once a message, when one of its literals was seen.
//!
//! Places are octets of the matching form, or of the second readings behind it.

use std::collections::HashMap;
use std::ops::Range;

use daachorse::{DoubleArrayAhoCorasick, DoubleArrayAhoCorasickBuilder, MatchKind};
use regex_automata::meta::Regex;
use regex_syntax::hir::{Hir, HirKind};

use super::word::{Forms, Word, forms};
use crate::text::fold::Views;
use crate::time::Timestamp;

/// Names a set of words that a condition asks for together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SetId(u32);

/// Names a regex with its exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RegexId(u32);

#[derive(Clone, Debug)]
enum Use {
    Word { set: SetId, word: Word, forms: Forms },
    Atom(RegexId),
}

#[derive(Debug)]
struct Confirm {
    regex: Regex,
    except: Option<Regex>,
    /// Nothing must be seen before it is run.
    always: bool,
}

/// Collects what the automaton shall find.
#[derive(Debug, Default)]
pub struct Builder {
    patterns: HashMap<String, Vec<Use>>,
    sets: u32,
    regexes: Vec<Confirm>,
}

/// Everything compiled.
#[derive(Default)]
pub struct Matcher {
    automaton: Option<DoubleArrayAhoCorasick<u32>>,
    uses: Vec<Vec<Use>>,
    sets: usize,
    regexes: Vec<Confirm>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Matcher({} literals, {} regexes)", self.uses.len(), self.regexes.len())
    }
}

/// What was seen in one message; reused from message to message.
#[derive(Debug, Default)]
pub struct Hits {
    generation: u32,
    /// For each set, the generation in which it was last seen, and where first.
    sets: Vec<(u32, u32, u32)>,
    /// For each regex: the generation in which it became a candidate.
    candidates: Vec<u32>,
    /// For each regex: the generation in which it was run, and whether and where it matched.
    confirmed: Vec<(u32, Option<(u32, u32)>)>,
}

/// A regex that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct BadRegex {
    /// Why.
    pub message: String,
    /// Character of the pattern, from 0.
    pub at: usize,
}

impl Builder {
    /// A set of words; [`Hits::set`] says whether one of them was seen.
    pub fn words(&mut self, words: impl IntoIterator<Item = Word>) -> SetId {
        let set = SetId(self.sets);
        self.sets += 1;
        for word in words {
            for (form, forms) in word.forms() {
                self.patterns.entry(form).or_default().push(Use::Word { set, word: word.clone(), forms });
            }
        }
        set
    }

    /// A regex over the matching form, and one whose matches hide those that lie inside them.
    ///
    /// # Errors
    /// When one of them cannot be compiled; the flag says whether it is `except`.
    pub fn regex(&mut self, pattern: &str, except: Option<&str>) -> Result<RegexId, (bool, BadRegex)> {
        let (regex, hir) = compile(pattern).map_err(|e| (false, e))?;
        let except = except.map(compile).transpose().map_err(|e| (true, e))?.map(|(regex, _)| regex);
        let id = RegexId(u32::try_from(self.regexes.len()).unwrap_or(u32::MAX));
        let atoms = required(&hir);
        for atom in atoms.iter().flatten() {
            for (form, _) in forms(atom) {
                self.patterns.entry(form).or_default().push(Use::Atom(id));
            }
        }
        self.regexes.push(Confirm { regex, except, always: atoms.is_none() });
        Ok(id)
    }

    /// Whether a regex must be run on every message.
    #[must_use]
    pub fn is_always_run(&self, id: RegexId) -> bool {
        self.regexes.get(index(id.0)).is_some_and(|c| c.always)
    }

    /// The automaton over everything.
    ///
    /// # Errors
    /// When there are more literals than it can hold.
    pub fn build(self) -> Result<Matcher, String> {
        let mut patterns: Vec<(String, Vec<Use>)> = self.patterns.into_iter().collect();
        patterns.sort_by(|a, b| a.0.cmp(&b.0));
        let automaton = if patterns.is_empty() {
            None
        } else {
            let numbered = patterns.iter().enumerate().map(|(n, (p, _))| (p.as_bytes(), u32::try_from(n).unwrap_or(0)));
            let builder = DoubleArrayAhoCorasickBuilder::new().match_kind(MatchKind::Standard);
            Some(builder.build_with_values(numbered).map_err(|e| e.to_string())?)
        };
        let uses = patterns.into_iter().map(|(_, uses)| uses).collect();
        Ok(Matcher { automaton, uses, sets: index(self.sets), regexes: self.regexes })
    }
}

fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// States of a regex's automaton, in octets, beyond which it is refused.
const REGEX_OCTETS_MAX: usize = 4 << 20;

fn compile(pattern: &str) -> Result<(Regex, Hir), BadRegex> {
    let hir = regex_syntax::Parser::new().parse(pattern).map_err(|e| {
        let (message, offset) = match &e {
            regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span().start.offset),
            regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span().start.offset),
            other => (other.to_string(), 0),
        };
        let at = pattern.get(..offset).map_or(0, |before| before.chars().count());
        BadRegex { message, at }
    })?;
    let config = Regex::config().nfa_size_limit(Some(REGEX_OCTETS_MAX)).utf8_empty(true);
    let regex = Regex::builder().configure(config).build_from_hir(&hir).map_err(|e| {
        let message = match e.size_limit() {
            Some(_) => "it is too large when it is compiled".to_owned(),
            None => std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string),
        };
        BadRegex { message, at: 0 }
    })?;
    if regex.find("").is_some() {
        return Err(BadRegex { message: "it matches the empty text, and so every message".into(), at: 0 });
    }
    Ok((regex, hir))
}

/// Literals of which every match contains at least one; none when there is no such set.
fn required(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(|s| vec![s.to_owned()]),
        HirKind::Capture(capture) => required(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => required(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(required).max_by_key(|atoms| worth(atoms)),
        HirKind::Alternation(branches) => {
            let all: Option<Vec<_>> = branches.iter().map(required).collect();
            all.map(|sets| sets.into_iter().flatten().collect())
        }
        _ => None,
    }
    .filter(|atoms| atoms.iter().all(|a| !a.is_empty()))
}

/// Long literals are rare, and few are better than many.
fn worth(atoms: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    (atoms.iter().map(String::len).min().unwrap_or(0), std::cmp::Reverse(atoms.len()))
}

impl Matcher {
    /// Reads the views of a text at a time; [`Hits`] then answers for it.
    pub fn scan(&self, views: &Views, now: Timestamp, hits: &mut Hits) {
        hits.start(self.sets, self.regexes.len());
        let folded = views.folded();
        self.search(views.skeleton(), now, hits, |word, forms, range| {
            (forms.spelled && word.stands(folded, &range)).then_some(range)
        });
        let (tight, behind) = (views.tight(), views.undone_start());
        self.search(tight.octets(), now, hits, |word, forms, range| {
            let undone = if forms.tight { word.stands_tight(tight, &range) } else { None };
            undone.map(|range| behind + range.start..behind + range.end)
        });
    }

    fn search(
        &self,
        octets: &[u8],
        now: Timestamp,
        hits: &mut Hits,
        stands: impl Fn(&Word, Forms, Range<usize>) -> Option<Range<usize>>,
    ) {
        let Some(automaton) = self.automaton.as_ref().filter(|_| !octets.is_empty()) else { return };
        for found in automaton.find_overlapping_iter(octets) {
            let range = found.start()..found.end();
            for one in self.uses.get(index(found.value())).into_iter().flatten() {
                match one {
                    Use::Atom(regex) => hits.mark_candidate(*regex),
                    Use::Word { set, word, forms } if !hits.has_set(*set) && now < word.until => {
                        if let Some(place) = stands(word, *forms, range.clone()) {
                            hits.mark_set(*set, &place);
                        }
                    }
                    Use::Word { .. } => {}
                }
            }
        }
    }

    /// Where a word of the set stands first (by its end), if any does.
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
        let candidate = confirm.always || hits.candidates.get(index(id.0)) == Some(&generation);
        let found = if candidate { confirm.find_in(views) } else { None };
        if let Some(slot) = hits.confirmed.get_mut(index(id.0)) {
            let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            *slot = (generation, found.as_ref().map(|r| (short(r.start), short(r.end))));
        }
        found
    }

    /// Patterns of the automaton.
    #[must_use]
    pub fn literals(&self) -> usize {
        self.uses.len()
    }
}

impl Confirm {
    fn find_in(&self, views: &Views) -> Option<Range<usize>> {
        let mut behind = views.undone_start();
        self.find(views.folded()).or_else(|| {
            views.undone().find_map(|reading| {
                let start = behind;
                behind += reading.len() + 1;
                self.find(reading).map(|range| start + range.start..start + range.end)
            })
        })
    }

    fn find(&self, text: &str) -> Option<Range<usize>> {
        let Some(except) = &self.except else { return self.regex.find(text).map(|m| m.range()) };
        self.regex
            .find_iter(text)
            .map(|m| m.range())
            .find(|m| !except.find_iter(text).any(|e| e.start() <= m.start && m.end <= e.end()))
    }
}

impl Hits {
    fn start(&mut self, sets: usize, regexes: usize) {
        if self.sets.len() != sets || self.candidates.len() != regexes || self.generation == u32::MAX {
            *self = Self {
                generation: 0,
                sets: vec![(0, 0, 0); sets],
                candidates: vec![0; regexes],
                confirmed: vec![(0, None); regexes],
            };
        }
        self.generation += 1;
    }

    fn has_set(&self, set: SetId) -> bool {
        self.sets.get(index(set.0)).is_some_and(|s| s.0 == self.generation)
    }

    fn mark_set(&mut self, set: SetId, range: &Range<usize>) {
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if let Some(slot) = self.sets.get_mut(index(set.0)) {
            *slot = (self.generation, short(range.start), short(range.end));
        }
    }

    fn mark_candidate(&mut self, regex: RegexId) {
        if let Some(slot) = self.candidates.get_mut(index(regex.0)) {
            *slot = self.generation;
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

    fn words(entries: &[&str]) -> Vec<Word> {
        entries.iter().filter_map(|e| Word::new(e)).collect()
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
