//! From words and regexes to a [`Matcher`]: each word kept once, each regex compiled once, and for each regex the literals
//! that wake it.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::anywhere::Anywhere;
use super::atoms::{Atom, Group, Never};
use super::dictionary::Dictionary;
use super::regexes::{BadRegex, Confirm, Pattern};
use super::{Matcher, RegexId, SetId, Use, index, short};
use crate::rules::list::Until;
use crate::rules::word::{Forms, Word, forms};
use crate::text::language::is_function_word;

/// A map with a hasher that is quick for short keys.
type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Collects what shall be found.
#[derive(Debug, Default)]
pub struct Builder {
    words: Map<Written, u32>,
    entries: Vec<Arc<Word>>,
    /// Entries that are in a set, with the moment at which each ends there.
    members: Vec<(u32, SetId, Until)>,
    sets: u32,
    regexes: Vec<(Arc<Pattern>, Option<Arc<Pattern>>)>,
    /// Which are known already, by what is written: the same one is run once a message, whoever asks.
    written: HashMap<(Box<str>, Option<Box<str>>), RegexId>,
    /// What was compiled, here or for the policy before.
    patterns: HashMap<Box<str>, Arc<Pattern>>,
    before: HashMap<Box<str>, Arc<Pattern>>,
}

/// A word by how it is written, whenever it ends.
#[derive(Debug)]
struct Written(Arc<Word>);

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        (&self.0.folded, self.0.open) == (&other.0.folded, other.0.open)
    }
}

impl Eq for Written {}

impl Hash for Written {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.0.folded, self.0.open).hash(state);
    }
}

/// What there is to say of a regex that is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Too little must be there: it is run on every message.
    AlwaysRun,
    /// It matches nothing: no matching form has this character, or any that it takes.
    Never {
        /// Whether it is the exception that does not.
        in_except: bool,
        /// The character.
        what: Option<char>,
    },
    /// It takes so many octets when it is compiled.
    Costly(usize),
}

impl Builder {
    /// A builder that compiles no regex which the matcher before has.
    #[must_use]
    pub fn after(before: &Matcher) -> Self {
        let words = Map::with_capacity_and_hasher(before.words.len(), foldhash::fast::RandomState::default());
        let entries = Vec::with_capacity(before.words.len());
        let members = Vec::with_capacity(before.members.len());
        Self { before: before.patterns.clone(), words, entries, members, ..Self::default() }
    }

    /// A set of words; [`Hits::set`] says whether one of them was seen.
    pub fn words(&mut self, words: impl IntoIterator<Item = Arc<Word>>) -> SetId {
        let set = SetId(self.sets);
        self.sets += 1;
        for word in words {
            let until = word.until;
            let next = short(self.entries.len());
            let n = *self.words.entry(Written(Arc::clone(&word))).or_insert(next);
            if n == next {
                self.entries.push(word);
            }
            self.members.push((n, set, until));
        }
        set
    }

    /// A regex over the matching form, and one whose matches hide those that lie inside them.
    ///
    /// # Errors
    /// When one of them cannot be compiled; the flag says whether it is `except`.
    pub fn regex(&mut self, pattern: &str, except: Option<&str>) -> Result<RegexId, (bool, BadRegex)> {
        let written = (pattern.into(), except.map(Into::into));
        let regex = self.pattern(pattern).map_err(|e| (false, e))?;
        let except = except.map(|e| self.pattern(e)).transpose().map_err(|e| (true, e))?;
        let next = RegexId(short(self.regexes.len()));
        let id = *self.written.entry(written).or_insert(next);
        if id == next {
            self.regexes.push((regex, except));
        }
        Ok(id)
    }

    fn pattern(&mut self, text: &str) -> Result<Arc<Pattern>, BadRegex> {
        if let Some(known) = self.patterns.get(text) {
            return Ok(Arc::clone(known));
        }
        let pattern = match self.before.get(text) {
            Some(known) => Arc::clone(known),
            None => Arc::new(Pattern::new(text)?),
        };
        self.patterns.insert(text.into(), Arc::clone(&pattern));
        Ok(pattern)
    }

    /// What there is to say of a regex, the gravest.
    #[must_use]
    pub fn remark(&self, id: RegexId) -> Option<Remark> {
        let (pattern, except) = self.regexes.get(index(id.0))?;
        let never = |pattern: &Pattern, in_except: bool| {
            let what = match pattern.never? {
                Never::Character(c) => Some(c),
                Never::Nothing => None,
            };
            Some(Remark::Never { in_except, what })
        };
        let all = [
            never(pattern, false).or_else(|| never(except.as_deref()?, true)),
            self.is_always_run(id).then_some(Remark::AlwaysRun),
            pattern.is_costly().then(|| Remark::Costly(pattern.octets())),
        ];
        all.into_iter().flatten().next()
    }

    /// Whether a regex must be run on every message.
    #[must_use]
    pub fn is_always_run(&self, id: RegexId) -> bool {
        self.regexes.get(index(id.0)).is_some_and(|(pattern, _)| !pattern.groups.iter().any(wakes))
    }

    /// Words of what regexes need, each with how often it stands there and in lists: a word that many have is one that
    /// many texts have.
    fn words_of_regexes(&self) -> Map<&str, u64> {
        let mut known: Map<&str, u64> = Map::default();
        let groups = self.regexes.iter().flat_map(|(pattern, _)| &pattern.groups);
        for word in groups.flatten().flat_map(|atom| atom.text.split(' ')) {
            *known.entry(word).or_insert_with(|| if is_function_word(word) { EVERYWHERE } else { 0 }) += 1;
        }
        for word in self.entries.iter().flat_map(|word| word.folded.split(' ')) {
            known.get_mut(word).into_iter().for_each(|count| *count += 1);
        }
        known
    }

    /// Everything compiled.
    ///
    /// # Errors
    /// When there are more literals than it can hold.
    pub fn build(self) -> Result<Matcher, String> {
        let known = self.words_of_regexes();
        // The seldomest wakes a regex: what few regexes and lists have, and what is long.
        let cost = |group: &Group| -> u64 { group.iter().map(|atom| weight(atom, &known)).sum() };
        let mut atoms: Map<&Atom, Vec<RegexId>> = Map::default();
        let (mut regexes, mut always) = (Vec::new(), Vec::new());
        for (n, (pattern, except)) in self.regexes.iter().enumerate() {
            let groups = pattern.groups.iter().enumerate().filter(|(_, group)| wakes(group));
            let trigger = groups.min_by_key(|(_, group)| cost(group)).map(|(n, _)| n);
            for atom in trigger.and_then(|n| pattern.groups.get(n)).into_iter().flatten() {
                atoms.entry(atom).or_default().push(RegexId(short(n)));
            }
            regexes.push(Confirm::new(Arc::clone(pattern), except.clone(), trigger));
            always.push(trigger.is_none());
        }
        let mut atoms: Vec<(&Atom, Vec<RegexId>)> = atoms.into_iter().collect();
        atoms.sort_by(|a, b| a.0.cmp(b.0));
        // Of a second reading a word stands in the matching form too, or in the tight form.
        let forms = |atom: &Atom| if atom.begins { forms(&atom.text) } else { Vec::new() };
        let beginnings: Vec<Vec<(Box<str>, Forms)>> = atoms.iter().map(|(atom, _)| forms(atom)).collect();
        let mut uses: Vec<(&str, Use)> = Vec::with_capacity(2 * self.entries.len());
        for (n, word) in self.entries.iter().enumerate() {
            uses.extend(word.forms().iter().map(|(form, forms)| (&**form, Use::Word(short(n), *forms))));
        }
        for (n, (forms, (atom, _))) in beginnings.iter().zip(&atoms).enumerate() {
            uses.extend(forms.iter().map(|(form, _)| (&**form, Use::Atom(short(n), atom.ends))));
        }
        let mut squeezed: Vec<(&str, u32)> = Vec::new();
        for (n, (atom, _)) in atoms.iter().enumerate() {
            if !atom.begins {
                squeezed.push((&atom.text, short(n)));
            }
        }
        let (texts, squeezed): (Vec<&str>, Vec<u32>) = squeezed.into_iter().unzip();
        let anywhere = Anywhere::new(&texts)?;
        let (literals, starts, uses) = by_form(&uses);
        let dictionary = Dictionary::new(&literals);
        let mut members = self.members;
        members.sort_by_key(|(word, ..)| *word);
        let sets_of = ends(members.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len));
        Ok(Matcher {
            dictionary,
            starts,
            uses,
            atoms: atoms.into_iter().map(|(_, regexes)| regexes.into()).collect(),
            anywhere,
            squeezed: squeezed.into(),
            sets: index(self.sets),
            regexes,
            always,
            words: self.entries,
            sets_of,
            members: members.into_iter().map(|(_, set, until)| (set, until)).collect(),
            patterns: self.patterns,
        })
    }
}

/// The forms that are used in their order, each once; where the uses of each begin, one more at the end; and the uses.
fn by_form<'f>(uses: &[(&'f str, Use)]) -> (Vec<&'f str>, Box<[u32]>, Box<[Use]>) {
    let form = |n: u32| uses.get(index(n)).map_or("", |(form, _)| form);
    // Most are told apart by their first octets.
    let mut order: Vec<(u128, u32)> = uses.iter().zip(0..).map(|((form, _), n)| (first(form.as_bytes()), n)).collect();
    let cmp_forms = |a: &(u128, u32), b: &(u128, u32)| a.0.cmp(&b.0).then_with(|| form(a.1).cmp(form(b.1)));
    order.sort_unstable_by(|a, b| cmp_forms(a, b).then(a.1.cmp(&b.1)));
    let same: Vec<&[(u128, u32)]> = order.chunk_by(|a, b| cmp_forms(a, b).is_eq()).collect();
    let literals = same.iter().filter_map(|uses| uses.first()).map(|(_, n)| form(*n)).collect();
    let starts = ends(same.iter().map(|uses| uses.len()));
    (literals, starts, order.iter().filter_map(|(_, n)| Some(uses.get(index(*n))?.1)).collect())
}

/// The first sixteen octets as a number that is ordered as they are; behind the end there are zeros.
fn first(octets: &[u8]) -> u128 {
    let whole = octets.first_chunk().copied().unwrap_or_else(|| {
        let mut whole = [0; 16];
        whole.iter_mut().zip(octets).for_each(|(slot, octet)| *slot = *octet);
        whole
    });
    u128::from_be_bytes(whole)
}

/// For lengths of what stands one behind the other where each begins, and where the last ends.
fn ends(lengths: impl Iterator<Item = usize>) -> Box<[u32]> {
    let ends = lengths.scan(0, |sum, length| {
        *sum += short(length);
        Some(*sum)
    });
    std::iter::once(0).chain(ends).collect()
}

/// Whether what a text must have of a group is seldom enough to wait for.
fn wakes(group: &Group) -> bool {
    group.iter().all(|atom| atom.text.len() >= if atom.begins { 2 } else { 3 })
}

/// How often a literal is seen, as far as its length tells and the seldomest of its words. One that is squeezed has to be
/// looked for everywhere.
fn weight(atom: &Atom, known: &Map<&str, u64>) -> u64 {
    let characters = if atom.text.is_ascii() { atom.text.len() } else { atom.text.len() / 2 };
    let by_length = 1 << 8_usize.saturating_sub(characters).min(7);
    let by_words = atom.text.split(' ').map(|word| known.get(word).copied().unwrap_or(1)).min().unwrap_or(1);
    by_length * by_words * if atom.begins { 1 } else { 8 }
}

/// Times that a function word is taken to stand in lists.
const EVERYWHERE: u64 = 100;
