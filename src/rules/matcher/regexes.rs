//! One regex, compiled, and looked for in a text that may match it.
//!
//! A text of a message is short, so that a regex is followed through it by backtracking that never takes the same step
//! twice, in room that all regexes share: it is compiled in half the time and takes a third of the memory of an automaton
//! that is built on the way. That automaton is made when a text is long enough to be worth it. For a text of ASCII, as most
//! are in their matching form, it is compiled without other characters: a tenth of the steps.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use memchr::memmem::Finder;
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::{Compiler, NFA, WhichCaptures};
use regex_automata::{Anchored, Input, Span};
use regex_syntax::hir::Hir;

use super::atoms::{self, Group, Never};
use super::heads::{self, Heads};

/// Octets of a compiled regex beyond which it is refused.
const OCTETS_MAX: usize = 4 << 20;

/// Octets of a compiled regex from which on it is costly.
const OCTETS_COSTLY: usize = 128 << 10;

/// Literals with which a regex may begin that are looked for one by one.
const BEGINNINGS_MAX: usize = 4;

/// Times that a regex is tried at one place.
const ATTEMPTS_MAX: usize = 5;

/// Octets of a text from which on it is worth an automaton.
const LONG: usize = 2_048;

/// A regex that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct BadRegex {
    /// Why.
    pub message: String,
    /// Character of the pattern, from 0.
    pub at: usize,
}

/// A compiled regex. It knows nothing of rules, so that one of the same text is the same.
#[derive(Debug)]
pub(super) struct Pattern {
    text: Box<str>,
    /// For texts of ASCII, and for others.
    ascii: Engine,
    other: Engine,
    long: OnceLock<Option<Regex>>,
    /// Literals of which every match begins with one; none when it may begin otherwise.
    begins: Box<[Finder<'static>]>,
    /// What a text that it matches has of each.
    pub groups: Vec<Group>,
    pub never: Option<Never>,
}

/// A regex as it is followed through a short text.
#[derive(Debug)]
struct Engine {
    backtracker: BoundedBacktracker,
    /// Octets of the longest match, if there is one.
    longest: Option<usize>,
}

impl Engine {
    fn new(hir: &Hir) -> Result<Self, BadRegex> {
        let config = NFA::config().nfa_size_limit(Some(OCTETS_MAX)).which_captures(WhichCaptures::Implicit);
        let nfa = Compiler::new().configure(config).build_from_hir(hir).map_err(too_large)?;
        let backtracker = BoundedBacktracker::new_from_nfa(nfa).map_err(too_large)?;
        Ok(Self { backtracker, longest: hir.properties().maximum_len() })
    }

    fn octets(&self) -> usize {
        self.backtracker.get_nfa().memory_usage()
    }
}

/// Room to run regexes in, and how much was run.
#[derive(Debug, Default)]
pub(super) struct Room {
    cache: Option<backtrack::Cache>,
    /// Octets of text that regexes were run over.
    pub octets: u64,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, BadRegex> {
        let hir = parse(text)?;
        let (ascii, other) = (Engine::new(&atoms::in_ascii(&hir))?, Engine::new(&hir)?);
        let mut cache = ascii.backtracker.create_cache();
        if ascii.backtracker.try_is_match(&mut cache, "").unwrap_or(false) {
            return Err(BadRegex { message: "it matches the empty text, and so every message".into(), at: 0 });
        }
        let (groups, never) = (atoms::groups(&hir), atoms::never(&hir));
        let begins = atoms::prefixes(&hir).filter(|all| all.len() <= BEGINNINGS_MAX).unwrap_or_default();
        let begins = begins.iter().map(|literal| Finder::new(literal.as_bytes()).into_owned()).collect();
        Ok(Self { text: text.into(), ascii, other, long: OnceLock::new(), begins, groups, never })
    }

    /// Octets that it takes.
    pub(super) fn octets(&self) -> usize {
        self.ascii.octets() + self.other.octets()
    }

    pub(super) fn is_costly(&self) -> bool {
        self.octets() > OCTETS_COSTLY
    }

    fn long(&self) -> Option<&Regex> {
        let build = || Regex::builder().build_from_hir(&parse(&self.text).ok()?).ok();
        self.long.get_or_init(build).as_ref()
    }

    /// Its first match in a text from an octet on.
    fn find_at(&self, text: &str, from: usize, room: &mut Room) -> Option<Range<usize>> {
        let mut span = Span { start: from, end: text.len() };
        let engine = if text.is_ascii() { &self.ascii } else { &self.other };
        let regex = &engine.backtracker;
        if text.len() <= LONG.min(regex.max_haystack_len()) {
            let cache = room.cache.get_or_insert_with(|| regex.create_cache());
            cache.reset(regex);
            // Where it may begin there are few places; where there are many, all are tried at once.
            for attempt in 0..ATTEMPTS_MAX {
                span.start = self.beginning(text, span.start)?;
                let is_last = self.begins.is_empty() || attempt + 1 == ATTEMPTS_MAX;
                let anchored = if is_last { Anchored::No } else { Anchored::Yes };
                let longest = engine.longest.filter(|_| !is_last).map_or(text.len(), |longest| span.start + longest);
                let span_here = Span { end: longest.min(text.len()), ..span };
                room.octets += u64::try_from(span_here.len()).unwrap_or(0);
                match regex.try_find(cache, Input::new(text).span(span_here).anchored(anchored)) {
                    Ok(None) if !is_last => span.start += 1,
                    Ok(found) => return found.map(|found| found.range()),
                    Err(_) => break,
                }
            }
        }
        room.octets += u64::try_from(span.len()).unwrap_or(0);
        self.long()?.find(Input::new(text).span(span)).map(|found| found.range())
    }

    /// The first octet from one on where it may begin.
    fn beginning(&self, text: &str, from: usize) -> Option<usize> {
        if self.begins.is_empty() {
            return Some(from);
        }
        let rest = text.as_bytes().get(from..)?;
        self.begins.iter().filter_map(|finder| finder.find(rest)).min().map(|at| from + at)
    }

    /// Its next match behind the last one, leftmost and without overlap.
    fn next(&self, text: &str, last: Option<&Range<usize>>, room: &mut Room) -> Option<Range<usize>> {
        let found = self.find_at(text, last.map_or(0, |last| last.end), room)?;
        if !found.is_empty() || last.is_none_or(|last| last.end != found.end) {
            return Some(found);
        }
        // An empty match that touches the last one is none.
        let step = text.get(found.end..)?.chars().next()?.len_utf8();
        self.find_at(text, found.end + step, room)
    }
}

fn parse(text: &str) -> Result<Hir, BadRegex> {
    let hir = regex_syntax::Parser::new().parse(text).map_err(|e| {
        let (message, offset) = match &e {
            regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span().start.offset),
            regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span().start.offset),
            other => (other.to_string(), 0),
        };
        let at = text.get(..offset).map_or(0, |before| before.chars().count());
        BadRegex { message, at }
    })?;
    Ok(atoms::narrow(hir))
}

#[allow(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn too_large(e: regex_automata::nfa::thompson::BuildError) -> BadRegex {
    let message = match e.size_limit() {
        Some(_) => "it is too large when it is compiled".to_owned(),
        None => e.to_string(),
    };
    BadRegex { message, at: 0 }
}

/// A regex with its exceptions, and what a text has that it may match.
#[derive(Debug)]
pub(super) struct Confirm {
    pub pattern: Arc<Pattern>,
    pub except: Option<Arc<Pattern>>,
    /// A text that it matches has one of each.
    needed: Box<[Box<[Finder<'static>]>]>,
    /// It has a word with one of each of these heads.
    heads: Box<[Box<[u16]>]>,
}

impl Confirm {
    /// `trigger` is the group of which one was seen before.
    pub(super) fn new(pattern: Arc<Pattern>, except: Option<Arc<Pattern>>, trigger: Option<usize>) -> Self {
        let mut rest: Vec<&Group> = Vec::new();
        for (n, group) in pattern.groups.iter().enumerate() {
            if Some(n) != trigger && group.iter().all(|atom| atom.begins) {
                rest.push(group);
            }
        }
        rest.sort_by_key(|group| std::cmp::Reverse(atoms::worth(group)));
        rest.truncate(NEEDED_MAX);
        let heads = rest.iter().filter_map(|group| group.iter().map(heads::place_of).collect()).collect();
        let finder = |atom: &atoms::Atom| Finder::new(atom.text.as_bytes()).into_owned();
        let needed = rest.into_iter().map(|group| group.iter().map(finder).collect()).collect();
        Self { pattern, except, needed, heads }
    }

    /// Whether a text of these words may match.
    pub(super) fn may_match(&self, words: &Heads) -> bool {
        self.heads.iter().all(|group| group.iter().any(|head| words.has(*head)))
    }

    /// Its first match outside its exceptions.
    pub(super) fn find(&self, text: &str, room: &mut Room) -> Option<Range<usize>> {
        let has = |group: &[Finder<'_>]| group.iter().any(|finder| finder.find(text.as_bytes()).is_some());
        if !self.needed.iter().all(|group| has(group)) {
            return None;
        }
        let Some(except) = &self.except else { return self.pattern.find_at(text, 0, room) };
        let mut spared: Option<Vec<Range<usize>>> = None;
        let mut found = self.pattern.next(text, None, room)?;
        loop {
            let spared = spared.get_or_insert_with(|| {
                let mut all = Vec::new();
                while let Some(next) = except.next(text, all.last(), room) {
                    all.push(next);
                }
                all
            });
            if !spared.iter().any(|s| s.start <= found.start && found.end <= s.end) {
                return Some(found);
            }
            found = self.pattern.next(text, Some(&found), room)?;
        }
    }
}

/// Other groups that are asked for before a regex is run.
const NEEDED_MAX: usize = 3;
