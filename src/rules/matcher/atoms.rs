//! What must be in a text for a regex to match it.
//!
//! A regex is first narrowed to what the matching form of a text can have: small letters, digits, blanks, and letters and
//! marks of other scripts. There `\w` is whatever is no blank, `\d` is 0 to 9, and `\s`, `\W` and `[\W_]` are the blank.
//! Then it is read for literals without which it cannot match, in two ways:
//!
//! - **at the beginning of a word**, where the regex says that one begins (`\bsend`, `me\s+the code`, Thai and Chinese):
//!   such are found with the words of lists, and where the regex says that the word ends behind them, only where it does;
//! - **squeezed**: leaving blanks out of the text and of the regex keeps every match, so that `p[\W_]*i[\W_]*n` needs `pin`
//!   in the text without its blanks (dropping characters is a homomorphism).

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look, Repetition};

use crate::text::fold::{self, is_unspaced};

/// Literals of which every match has at least one.
pub(super) type Group = Vec<Atom>;

/// A literal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Atom {
    pub text: String,
    /// It begins where a word begins; else it is to be found in the text without blanks.
    pub begins: bool,
    /// No letter or digit of ASCII follows.
    pub ends: bool,
}

/// Words of a literal at most: no second reading keeps more of them together.
const WORDS_MAX: usize = 6;

/// Letters and marks that a matching form may have beside ASCII ones. Numerals that are no digits are in it too seldom
/// to be asked for: `\w` has them, and `\W` has not.
static LETTERS: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let class = regex_syntax::parse(r"[\p{Alphabetic}\p{M}&&[^\x00-\x7F\p{Nd}]]").expect("a class of Unicode");
    match class.into_kind() {
        HirKind::Class(Class::Unicode(class)) => class,
        _ => ClassUnicode::empty(),
    }
});

/// Ranges that a class may have and is left as it is.
const RANGES_FEW: usize = 8;

/// Characters that are asked one by one whether a matching form may have them.
const CHARACTERS_FEW: u32 = 64;

/// A regex as it is searched, without its groups.
pub(super) fn narrow(hir: Hir) -> Hir {
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Unicode(narrow_class(&class))),
        HirKind::Class(class) => Hir::class(class),
        HirKind::Capture(capture) => narrow(*capture.sub),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(narrow(*repetition.sub)), ..repetition })
        }
        HirKind::Concat(parts) => Hir::concat(parts.into_iter().map(narrow).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.into_iter().map(narrow).collect()),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Empty => Hir::empty(),
    }
}

/// What a narrowed regex is for a text of ASCII.
pub(super) fn in_ascii(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Literal(literal) if literal.0.is_ascii() => hir.clone(),
        HirKind::Literal(_) => Hir::fail(),
        HirKind::Class(Class::Unicode(class)) => {
            let mut ascii = range('\0', '\x7f');
            ascii.intersect(class);
            Hir::class(Class::Unicode(ascii))
        }
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => *other,
        }),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(in_ascii(&repetition.sub)), ..repetition.clone() })
        }
        HirKind::Capture(capture) => in_ascii(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(in_ascii).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(in_ascii).collect()),
        HirKind::Class(_) | HirKind::Empty => hir.clone(),
    }
}

fn range(from: char, to: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(from, to)])
}

fn narrow_class(class: &ClassUnicode) -> ClassUnicode {
    let mut ascii = ClassUnicode::new([('a', 'z'), ('0', '9'), (' ', ' ')].map(|(a, b)| ClassUnicodeRange::new(a, b)));
    ascii.intersect(class);
    let others = range('\u{80}', char::MAX);
    let mut rest = others.clone();
    rest.intersect(class);
    let count = |class: &ClassUnicode| class.iter().map(|r| u32::from(r.end()) - u32::from(r.start()) + 1).sum::<u32>();
    if count(&rest) <= CHARACTERS_FEW {
        let kept = rest.iter().flat_map(|r| r.start()..=r.end()).filter(|c| is_in_form(*c));
        rest = ClassUnicode::new(kept.map(|c| ClassUnicodeRange::new(c, c)));
    } else if rest.ranges().len() > RANGES_FEW {
        let mut missing = LETTERS.clone();
        missing.difference(&rest);
        let mut common = LETTERS.clone();
        common.intersect(&rest);
        if missing.ranges().is_empty() {
            rest = others;
        } else if common.ranges().is_empty() {
            rest = ClassUnicode::empty();
        }
    }
    ascii.union(&rest);
    ascii
}

/// Whether a matching form may have a character.
fn is_in_form(c: char) -> bool {
    match c {
        'a'..='z' | '0'..='9' | ' ' => true,
        _ if c.is_ascii() => false,
        // What is typed in pieces is itself only beside others.
        _ if is_unspaced(c) => true,
        // A letter that looks Latin is itself among others of its script.
        _ => [format!("{c}"), format!("ж{c}ж")].iter().any(|text| {
            let mut folded = String::new();
            fold::fold(text, &mut folded);
            folded.contains(c)
        }),
    }
}

/// Why a narrowed regex matches nothing: a character that it must have and no matching form has, or that there is none
/// that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Never {
    Character(char),
    Nothing,
}

/// Why it matches nothing, if so.
pub(super) fn never(hir: &Hir) -> Option<Never> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.chars().find(|c| !is_in_form(*c)).map(Never::Character)
        }
        HirKind::Class(Class::Unicode(class)) => class.ranges().is_empty().then_some(Never::Nothing),
        HirKind::Class(Class::Bytes(class)) => class.ranges().is_empty().then_some(Never::Nothing),
        HirKind::Capture(capture) => never(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => never(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().find_map(never),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Never>> = parts.iter().map(never).collect();
            all.and_then(|all| all.into_iter().next())
        }
        _ => None,
    }
}

/// Whether it takes blanks and nothing else.
fn is_blank(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Literal(literal) => literal.0.iter().all(|octet| *octet == b' '),
        HirKind::Class(Class::Unicode(class)) => class.ranges() == [ClassUnicodeRange::new(' ', ' ')],
        HirKind::Repetition(repetition) => is_blank(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_blank),
        HirKind::Empty => true,
        _ => false,
    }
}

/// All groups of a narrowed regex.
pub(super) fn groups(hir: &Hir) -> Vec<Group> {
    let mut words = Words::default();
    words.read(hir, None);
    words.end();
    let mut groups = words.groups;
    let mut squeezed = Squeezed::default();
    squeezed.read(hir);
    squeezed.end();
    groups.append(&mut squeezed.groups);
    groups
}

/// Literals of which every match of a narrowed regex begins with one, if there are such.
pub(super) fn prefixes(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![std::str::from_utf8(&literal.0).ok()?.to_owned()]),
        HirKind::Repetition(repetition) if repetition.min > 0 => prefixes(&repetition.sub),
        HirKind::Concat(parts) => prefixes(parts.iter().find(|part| !matches!(part.kind(), HirKind::Look(_)))?),
        HirKind::Alternation(branches) => {
            let all: Option<Vec<Vec<String>>> = branches.iter().map(prefixes).collect();
            all.map(|all| all.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// How much a group has to offer: few literals, and long ones.
pub(super) fn worth(group: &Group) -> (usize, std::cmp::Reverse<usize>) {
    (group.iter().map(|atom| atom.text.len()).min().unwrap_or(0), std::cmp::Reverse(group.len()))
}

fn best(groups: Vec<Group>) -> Option<Group> {
    groups.into_iter().max_by_key(worth)
}

/// One group of what each branch needs, when each needs something.
fn either(branches: impl Iterator<Item = Vec<Group>>) -> Option<Group> {
    let all: Option<Vec<Group>> = branches.map(best).collect();
    all.map(|groups| groups.into_iter().flatten().collect())
}

/// Literals at beginnings of words. In the matching form a blank parts words, and there is one only.
#[derive(Default)]
struct Words {
    groups: Vec<Group>,
    /// What was read since a word began.
    run: String,
    /// Whether the word ends there.
    run_ends: bool,
    /// Whether a word begins here, if a letter follows.
    begins: bool,
}

impl Words {
    fn end(&mut self) {
        let mut run = std::mem::take(&mut self.run);
        let mut ends = std::mem::take(&mut self.run_ends) || run.ends_with(' ');
        if let Some((at, _)) = run.match_indices(' ').nth(WORDS_MAX - 1) {
            run.truncate(at);
            ends = true;
        }
        run.truncate(run.trim_end().len());
        if !run.is_empty() {
            self.groups.push(vec![Atom { text: run, begins: true, ends }]);
        }
    }

    fn literal(&mut self, text: &str) {
        if self.run.is_empty() {
            let starts = text.char_indices().find(|(at, c)| {
                let after_blank = text.get(..*at).is_some_and(|before| before.ends_with(' '));
                *c != ' ' && ((*at == 0 && self.begins) || after_blank || is_unspaced(*c))
            });
            self.run.push_str(starts.and_then(|(at, _)| text.get(at..)).unwrap_or_default());
        } else {
            self.run.push_str(text);
        }
        (self.run_ends, self.begins) = (false, text.ends_with(' '));
    }

    /// `behind` is what the regex has behind it.
    fn read(&mut self, hir: &Hir, behind: Option<&Hir>) {
        match hir.kind() {
            HirKind::Literal(literal) => self.literal(std::str::from_utf8(&literal.0).unwrap_or_default()),
            HirKind::Look(look) => {
                self.run_ends |= ends(&self.run, hir);
                let begins = [Look::Start, Look::WordUnicode, Look::WordStartUnicode, Look::WordStartHalfUnicode];
                self.begins = begins.contains(look);
            }
            HirKind::Empty => {}
            _ if is_blank(hir) => {
                if is_some(hir) {
                    if !self.run.is_empty() && !self.run.ends_with(' ') {
                        self.run.push(' ');
                    }
                    (self.run_ends, self.begins) = (false, true);
                } else {
                    self.end();
                }
            }
            HirKind::Capture(capture) => self.read(&capture.sub, behind),
            HirKind::Concat(parts) => {
                for (n, part) in parts.iter().enumerate() {
                    self.read(part, parts.get(n + 1).or(behind));
                }
            }
            HirKind::Repetition(repetition) if repetition.min > 0 => {
                self.end();
                self.read(&repetition.sub, None);
                self.end();
                // It may be there again, where no word begins.
                let mut again = Self::default();
                again.read(&repetition.sub, None);
                self.begins = again.begins;
            }
            HirKind::Alternation(branches) => {
                self.end();
                let mut all_begin = true;
                let begins = self.begins;
                self.groups.extend(either(branches.iter().map(|branch| {
                    let mut inner = Self { begins, ..Self::default() };
                    inner.read(branch, behind);
                    all_begin &= inner.begins;
                    inner.run_ends |= behind.is_some_and(|behind| ends(&inner.run, behind));
                    inner.end();
                    inner.groups
                })));
                self.begins = all_begin;
            }
            HirKind::Repetition(_) | HirKind::Class(_) => {
                self.end();
                self.begins = false;
            }
        }
    }
}

/// Whether a blank must be there, and not only may.
fn is_some(blank: &Hir) -> bool {
    blank.properties().minimum_len().is_some_and(|octets| octets > 0)
}

/// Whether a word that was read ends before what is behind it.
fn ends(run: &str, behind: &Hir) -> bool {
    match behind.kind() {
        HirKind::Look(Look::End | Look::WordEndUnicode | Look::WordEndHalfUnicode) => !run.ends_with(' '),
        HirKind::Look(Look::WordUnicode) => {
            run.chars().next_back().is_some_and(|c| regex_syntax::try_is_word_character(c).is_ok_and(|is| is))
        }
        HirKind::Literal(literal) => literal.0.starts_with(b" "),
        _ => is_blank(behind) && is_some(behind),
    }
}

/// Literals of the text without blanks.
#[derive(Default)]
struct Squeezed {
    groups: Vec<Group>,
    run: String,
}

impl Squeezed {
    fn end(&mut self) {
        if !self.run.is_empty() {
            let text = std::mem::take(&mut self.run);
            self.groups.push(vec![Atom { text, begins: false, ends: false }]);
        }
    }

    fn read(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).unwrap_or_default();
                self.run.extend(text.chars().filter(|c| *c != ' '));
            }
            HirKind::Look(_) | HirKind::Empty => {}
            _ if is_blank(hir) => {}
            HirKind::Capture(capture) => self.read(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.read(part)),
            HirKind::Repetition(repetition) => {
                self.end();
                if repetition.min > 0 {
                    self.read(&repetition.sub);
                    self.end();
                }
            }
            HirKind::Alternation(branches) => {
                self.end();
                self.groups.extend(either(branches.iter().map(|branch| {
                    let mut inner = Self::default();
                    inner.read(branch);
                    inner.end();
                    inner.groups
                })));
            }
            HirKind::Class(_) => self.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hir(pattern: &str) -> Hir {
        narrow(regex_syntax::parse(pattern).unwrap())
    }

    fn told(pattern: &str) -> Vec<String> {
        let mark = |is: bool, mark: &'static str| if is { mark } else { "" };
        let name = |atom: &Atom| format!("{}{}{}", mark(atom.begins, "^"), atom.text, mark(atom.ends, "$"));
        groups(&hir(pattern)).iter().map(|g| g.iter().map(name).collect::<Vec<_>>().join("|")).collect()
    }

    #[test]
    fn what_must_be_there_is_read_from_a_regex() {
        assert_eq!(told(r"\bsend\s+me\b"), ["^send me$", "sendme"]);
        assert_eq!(told(r"\bsend\s*me\b"), ["^send", "sendme"]);
        assert_eq!(told(r"\b(?:get|win (?:it|all)) \d+ now"), ["^get$|^win$", "^now", "get|win", "now"]);
        assert_eq!(told(r"\bstops?\b.*\bgo\b"), ["^stop", "^go$", "stop", "go"]);
        assert_eq!(told(r"\ba b c d e f g h"), ["^a b c d e f$", "abcdefgh"]);
        assert_eq!(told(r"ab(?: |)+xy"), ["abxy"], "a blank that may be missing");
        assert_eq!(told(r"\bstop½\b\w"), ["^stop½", "stop½"], "behind what is no letter, `\\b` begins a word");
        assert_eq!(told(r"p[\W_]*i[\W_]*n"), ["pin"]);
        assert_eq!(told(r"(?:\bfoo|xbar) baz"), ["^baz", "foo|xbar", "baz"]);
        assert_eq!(told(r"\b(?:won|win)\s*you"), ["^won|^win", "won|win", "you"]);
        assert_eq!(told(r"send me"), ["^me", "sendme"]);
        assert_eq!(told(r"รับเงิน"), ["^รับเงิน", "รับเงิน"]);
        assert_eq!(told(r"(?i)kiss"), ["kiss"], "a matching form has small letters only");
        assert_eq!(told(r"\d{4}|x"), Vec::<String>::new());
        assert_eq!(told(r"(?:ab)*c+"), ["c"]);
    }

    #[test]
    fn what_no_matching_form_has_is_told() {
        assert_eq!(never(&hir(r"kbnk\.xyz")), Some(Never::Character('.')));
        assert_eq!(never(&hir(r"Free")), Some(Never::Character('F')));
        assert_eq!(never(&hir(r"tài")), Some(Never::Character('à')));
        assert_eq!(never(&hir(r"[A-Z]{3}")), Some(Never::Nothing));
        for fine in [r"free|FREE", r"(?i)Free", r"แจก", r"[.]?x", "नमस्ते"] {
            assert_eq!(never(&hir(fine)), None, "{fine}");
        }
    }

    #[test]
    fn a_matching_form_has_nothing_but_what_narrowing_leaves() {
        let narrowed = [r"\w", r"\W", r"\d", r"\s", r"[\W_]"].map(|class| format!("{:?}", hir(class).kind()));
        assert!(narrowed.iter().all(|class| class.len() < 400), "{narrowed:#?}");
        let mut folded = String::new();
        let mut seen = std::collections::BTreeSet::new();
        for c in (0..0x11_0000_u32).filter_map(char::from_u32) {
            for text in [format!("{c}"), format!("a{c}b"), format!("ก{c}")] {
                folded.clear();
                fold::fold(&text, &mut folded);
                seen.extend(folded.chars());
            }
        }
        let is_expected = |d: &char| {
            let letter = LETTERS.iter().any(|r| (r.start()..=r.end()).contains(d));
            let numeral = d.is_numeric() && d.to_digit(10).is_none() && !d.is_alphabetic();
            is_in_form(*d) && (d.is_ascii() || letter || numeral)
        };
        let mut others: Vec<char> = seen.into_iter().filter(|d| !is_expected(d)).collect();
        // The two libraries know different versions of Unicode, and may differ about what is not assigned.
        let unassigned = regex_automata::meta::Regex::new(r"\A\p{Cn}\z").unwrap();
        others.retain(|c| !unassigned.is_match(c.to_string().as_str()));
        assert!(others.is_empty(), "{others:?}");
    }
}
