//! Phone numbers that a text asks to call.
//!
//! Digits alone say little: a number to call, an account and a parcel look alike. A number is believed by its form
//! (`+65 …`, a national number of the reader's country with its 0) or by a word before it; the nearest word decides, so
//! that `rekening 0812…` is an account and `rekening habis, hub 0812…` a number.

use std::ops::Range;

use super::cue::{OR, SAYS, Says, UNITS};
use super::marks::Run;
use super::number::{Country, Number};
use super::plan::{self, Fit};
use super::words;
use super::{Taken, overlaps};
use crate::limits::ENTITIES_MAX;

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Octets of the text.
    pub written: Range<usize>,
    /// The international number; as written where nobody can say which country it belongs to.
    pub number: Number,
    /// How many octets before it the nearest word that speaks of it ends.
    cue: Option<usize>,
}

/// Digits that a word says are no number to call.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    /// Octets of the text.
    pub(super) written: Range<usize>,
    /// How many octets before them that word ends.
    cue: usize,
}

impl Refused {
    /// Whether no word by which a number was believed is nearer than that.
    pub(super) fn is_nearest(&self, phone: &Phone) -> bool {
        phone.cue.is_none_or(|cue| self.cue <= cue)
    }
}

/// Digits of the longest number (E.164 §6), and of what stands before it abroad: 00, or a carrier's three.
const DIGITS_MAX: usize = 18;

/// Groups that one number is written in.
const GROUPS_MAX: usize = 16;

/// Groups from which on a failed candidate is passed whole, so that no digit is read again and again.
const GROUPS_MANY: usize = 7;

/// Octets before a number in which a word speaks of it.
const REACH: usize = 44;

/// Finds numbers. `home` is the country that national ones belong to.
pub(super) fn find(text: &str, home: Option<Country>, runs: &[Run], taken: &Taken, phones: &mut Vec<Phone>) {
    phones.clear();
    let mut done = 0;
    for (n, run) in runs.iter().enumerate() {
        if run.start < done || !may_begin(text, *run, runs.get(n + 1)) || taken.holds(run.start) {
            continue;
        }
        if phones.len() >= ENTITIES_MAX {
            break;
        }
        let Some(written) = Written::read(text, run.start, done) else { continue };
        let before = text.get(..written.start).unwrap_or_default();
        let goes_on =
            phones.last().is_some_and(|p| text.get(p.written.end..written.start).is_some_and(|gap| OR.contains(&gap)));
        match written.believed(text, before, home, goes_on) {
            Some(phone) if !taken.overlaps(&phone.written) => {
                done = phone.written.end;
                phones.push(phone);
            }
            // A date, or digits too long for a number: what belongs to them is no number either.
            _ => done = written.skips(text),
        }
    }
}

/// Adds the digits that are no number and of which the word before them says that they are something else than one to
/// call.
pub(super) fn refused(text: &str, runs: &[Run], phones: &[Phone], refused: &mut Vec<Refused>) {
    for run in runs.iter().filter(|run| run.len() >= GROUP_MIN).take(ENTITIES_MAX) {
        let written = run.start..run.end;
        if !phones.iter().any(|p| overlaps(&p.written, &written))
            && let Some((cue, Says::Other | Says::Write)) =
                SAYS.nearest_before(text.get(..run.start).unwrap_or_default(), REACH)
        {
            refused.push(Refused { written, cue });
        }
    }
}

/// Digits of the first group of a number.
const GROUP_MIN: usize = 3;

/// Digits that may be a subscriber's number.
const DIGITS_MIN: usize = 7;

/// Digits that are a number of their own right behind a word and a full stop, a comma or a stroke.
const NUMBER_MIN: usize = 9;

/// Whether a number may begin with this run: few digits that stand alone are none.
fn may_begin(text: &str, run: Run, next: Option<&Run>) -> bool {
    let beside = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).copied();
    run.len() >= 3
        || next.is_some_and(|next| next.start <= run.end + 3)
        || matches!(beside(run.start.checked_sub(1)), Some(b'+' | b'o'))
        || matches!(beside(Some(run.end)), Some(b'o' | b'l' | b'i'))
}

/// Digits in groups, as written: `+65 6000 1111`, `(02) 8123 4567`, `O812-3456-789O`.
struct Written {
    start: usize,
    plus: bool,
    /// A letter stands for a digit.
    lettered: bool,
    digits: [u8; DIGITS_MAX],
    /// For each group the octet of the text where it ends, and how many digits there are up to there.
    groups: [(usize, usize); GROUPS_MAX],
    count: usize,
}

impl Written {
    /// Reads the candidate whose first run of digits begins at `at`, not taking what is before `floor`.
    fn read(text: &str, at: usize, floor: usize) -> Option<Self> {
        let octets = text.as_bytes();
        let before = |n: usize| at.checked_sub(n).filter(|n| *n >= floor).and_then(|n| octets.get(n)).copied();
        let is_letter = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        // A first digit may be written as a letter: `O812…`.
        let mut start = at;
        if matches!(before(1), Some(b'o' | b'l' | b'i')) && !is_letter(before(2)) {
            start -= 1;
        }
        let sign = |start: usize| start.checked_sub(1).filter(|n| *n >= floor).and_then(|n| octets.get(n)).copied();
        let mut first = start;
        if matches!(sign(first), Some(b'(')) {
            first -= 1;
        }
        let plus = matches!(sign(first), Some(b'+'));
        if plus {
            first -= 1;
            if matches!(sign(first), Some(b'(')) {
                first -= 1;
            }
        }
        // `02150000/0812345678` are two numbers.
        let is_second = || {
            let number = octets.get(..first.saturating_sub(1)).unwrap_or_default();
            number.iter().rev().take(DIGITS_MIN).take_while(|b| b.is_ascii_digit()).count() == DIGITS_MIN
        };
        // `t0812345678`, `3.0812345678`, `#100`: it belongs to what is before it; `hub.0812345678` and `CS,0812345678` do not.
        let behind_word = || {
            let word = text.get(..first - 1).unwrap_or_default();
            matches!(SAYS.at_end(word), Some((_, Says::Call | Says::Write)))
                || (matches!(sign(first), Some(b'.' | b',' | b'/'))
                    && word.as_bytes().last().is_some_and(u8::is_ascii_alphabetic)
                    && octets.get(at..).is_some_and(|rest| {
                        rest.iter().take(NUMBER_MIN).take_while(|b| b.is_ascii_digit()).count() == NUMBER_MIN
                    }))
        };
        let joined = sign(first).is_some_and(|b| {
            (b.is_ascii_alphanumeric() && !(plus && b.is_ascii_alphabetic())) || matches!(b, b'*' | b'#')
        }) || (matches!(sign(first), Some(b'.' | b',' | b'-' | b'/' | b'_'))
            && is_letter(first.checked_sub(2).and_then(|n| octets.get(n)).copied())
            && !plus
            && !(sign(first) == Some(b'/') && is_second())
            && !behind_word());
        let mut this = Self {
            start: first,
            plus,
            lettered: false,
            digits: [0; DIGITS_MAX],
            groups: [(0, 0); GROUPS_MAX],
            count: 0,
        };
        let read = this.groups(text, start);
        let closed = text.get(first..this.end(this.count)).is_some_and(|w| w.contains(')'));
        if !closed && octets.get(first) == Some(&b'(') {
            this.start += 1;
        }
        (read && !joined).then_some(this)
    }

    fn groups(&mut self, text: &str, start: usize) -> bool {
        let octets = text.as_bytes();
        let (mut at, mut len, mut letters) = (start, 0, 0);
        loop {
            let from = len;
            while let Some(octet) = octets.get(at)
                && len < DIGITS_MAX
            {
                let beside = |n: Option<usize>| n.and_then(|n| octets.get(n)).is_some_and(u8::is_ascii_digit);
                let digit = match octet {
                    b'0'..=b'9' => *octet,
                    b'o' | b'l' | b'i'
                        if letters < 4 && (beside(at.checked_sub(1)) || beside(Some(at + 1)) || len > from) =>
                    {
                        letters += 1;
                        self.lettered = true;
                        if *octet == b'o' { b'0' } else { b'1' }
                    }
                    _ => break,
                };
                if let Some(slot) = self.digits.get_mut(len) {
                    *slot = digit;
                }
                (at, len) = (at + 1, len + 1);
            }
            if len == from
                || octets.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'*' | b'%'))
            {
                return self.count > 0;
            }
            if let Some(group) = self.groups.get_mut(self.count) {
                *group = (at, len);
                self.count += 1;
            }
            let gap = octets
                .get(at..)
                .unwrap_or_default()
                .iter()
                .take(3)
                .take_while(|b| matches!(b, b' ' | b'-' | b'.' | b'(' | b')' | b'\n'))
                .count();
            let next = octets.get(at + gap).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'o'));
            // `0.348`: a decimal; `9.1.2.3` is none.
            let decimal = octets.get(at) == Some(&b'.') && len == 1 && octets.get(at + 2) != Some(&b'.');
            if gap == 0 || !next || decimal || self.count == GROUPS_MAX {
                return true;
            }
            at += gap;
        }
    }

    fn digits(&self, group: usize) -> &str {
        let len = group.checked_sub(1).and_then(|n| self.groups.get(n)).map_or(0, |g| g.1);
        self.digits.get(..len).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or_default()
    }

    /// Digits of one group.
    fn len_of(&self, group: usize) -> usize {
        let end = self.groups.get(group).map_or(0, |g| g.1);
        end - group.checked_sub(1).and_then(|n| self.groups.get(n)).map_or(0, |g| g.1)
    }

    /// Where looking goes on when this is no number: behind a date, else behind its first group, or its many.
    fn skips(&self, text: &str) -> usize {
        let group = match self.count {
            _ if self.is_date(text) => 2,
            GROUPS_MANY.. => self.count - 1,
            _ => 0,
        };
        self.groups.get(group).map_or(self.start + 1, |g| g.0)
    }

    /// `24.11.2026`, `2026-11-24`, `24/11`.
    fn is_date(&self, text: &str) -> bool {
        if self.plus || self.count < 3 || self.digits(3).len() > 8 {
            return false;
        }
        let (Some(a), Some(b)) = (self.groups.first(), self.groups.get(1)) else { return false };
        let sign = |at: usize| text.as_bytes().get(at).copied().filter(|b| matches!(b, b'.' | b'-' | b'/'));
        let digits = self.digits(3);
        let part =
            |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<u16>().ok()).unwrap_or(u16::MAX);
        let (x, y, z) = (part(0, a.1), part(a.1, b.1), part(b.1, digits.len()));
        let year =
            |n: u16, len: usize| (len == 4 && ((1900..2100).contains(&n) || (2400..2700).contains(&n))) || len == 2;
        let day_month = |d: u16, m: u16| (1..=31).contains(&d) && (1..=31).contains(&m) && (d <= 12 || m <= 12);
        sign(a.0).is_some()
            && sign(a.0) == sign(b.0)
            && ((year(z, self.len_of(2)) && day_month(x, y)) || (self.len_of(0) == 4 && year(x, 4) && day_month(y, z)))
    }

    /// The number, if it is one.
    fn believed(&self, text: &str, before: &str, home: Option<Country>, goes_on: bool) -> Option<Phone> {
        if self.is_date(text) {
            return None;
        }
        let mut known = None;
        let mut says = || {
            *known
                .get_or_insert_with(|| if goes_on { Some((1, Says::Call)) } else { SAYS.nearest_before(before, REACH) })
        };
        // The plan of the reader's country knows where a number ends; digits behind it may be hours, or a price.
        let by_plan = (1..=self.count).rev().find_map(|groups| Some((groups, self.at_home(groups, home?, &mut says)?)));
        let found = by_plan.or_else(|| {
            (1..=self.count).rev().find_map(|groups| {
                let counted = self.digits(groups).len() < 7 && self.is_counted(text, groups);
                let number = if counted || self.is_thousands(text, groups) {
                    None
                } else {
                    self.number(groups, home, before, &mut says)
                };
                Some((groups, number?))
            })
        });
        let (groups, number) = found?;
        let cue = says().map(|(far, _)| far);
        Some(Phone { written: self.start..self.end(groups), number, cue })
    }

    fn end(&self, groups: usize) -> usize {
        groups.checked_sub(1).and_then(|n| self.groups.get(n)).map_or(self.start, |g| g.0)
    }

    /// `โทร 200 นาที`: minutes of calls, and not whom to call.
    fn is_counted(&self, text: &str, groups: usize) -> bool {
        let behind = text.get(self.end(groups)..).unwrap_or_default();
        UNITS.at_start(words::trim_spaces_start(behind, 1)).is_some()
    }

    /// `1.250.000`
    fn is_thousands(&self, text: &str, groups: usize) -> bool {
        let written = text.get(self.start..self.end(groups)).unwrap_or_default();
        groups > 1
            && !self.plus
            && (1..groups).all(|g| self.len_of(g) == 3)
            && !self.digits(1).starts_with('0')
            && written.contains('.')
    }

    /// A number as it is dialled in the reader's country.
    fn at_home(
        &self,
        groups: usize,
        home: Country,
        says: &mut impl FnMut() -> Option<(usize, Says)>,
    ) -> Option<Number> {
        let digits = self.digits(groups);
        if self.plus || digits.len() < 6 {
            return None;
        }
        let fit = plan::of(home)?.fit(digits)?;
        let believed = match (fit, says()) {
            (_, Some((_, Says::Other))) => false,
            (Fit::Trunk, _) | (_, Some((_, Says::Call | Says::Write))) => true,
            (Fit::Service, None) => groups > 1,
            // Eleven digits that begin like a Chinese subscriber's are hardly anything else.
            (Fit::Bare, None) => self.is_grouped(groups) || (digits.len() == 11 && home.0 == *b"CN"),
        };
        believed.then(|| Number::national(digits, home)).flatten()
    }

    /// A number of another form.
    fn number(
        &self,
        groups: usize,
        home: Option<Country>,
        before: &str,
        says: &mut impl FnMut() -> Option<(usize, Says)>,
    ) -> Option<Number> {
        let digits = self.digits(groups);
        if self.plus {
            let abroad = digits.strip_prefix("00").unwrap_or(digits);
            if let Some(number) = (8..=15).contains(&abroad.len()).then(|| Number::international(abroad)).flatten() {
                return Some(number);
            }
            // `call +08431234567`: no country has this code, but whoever reads it dials it.
            if digits.len() < 8 || !matches!(says(), Some((_, Says::Call | Says::Write))) {
                return None;
            }
        }
        if digits.len() < 7 {
            return self.short(digits, groups, before);
        }
        if let Some(abroad) = digits.strip_prefix("00").filter(|d| d.len() >= 9) {
            return Number::international(abroad).filter(|_| !matches!(says(), Some((_, Says::Other))));
        }
        self.abroad(digits, groups, home, says)
    }

    /// Groups as people write a subscriber's eight to ten digits: all of three or four.
    fn is_grouped(&self, groups: usize) -> bool {
        groups > 1 && (0..groups).all(|g| (3..=4).contains(&self.len_of(g)))
    }

    /// A number of no country, or of another one than the reader's.
    fn abroad(
        &self,
        digits: &str,
        groups: usize,
        home: Option<Country>,
        says: &mut impl FnMut() -> Option<(usize, Says)>,
    ) -> Option<Number> {
        let asked = matches!(says(), Some((_, Says::Call | Says::Write)));
        if matches!(says(), Some((_, Says::Other))) {
            return None;
        }
        if (10..=14).contains(&digits.len()) && !digits.starts_with('0') {
            // Ten digits are an account of many banks, and so are eleven that begin with 1: a word must ask.
            let few = digits.len() < 11 || digits.starts_with('1');
            if (asked || !few) && plan::abroad(digits).is_some() {
                return Number::international(digits);
            }
        }
        let zero = digits.starts_with('0') && !digits.starts_with("00");
        let trunk = zero
            && (9..=12).contains(&digits.len())
            && (asked || home.is_none() || (digits.len() >= 10 && groups == 1));
        let free = ["1800", "1300", "1900", "0800"].iter().any(|p| digits.starts_with(p))
            && (8..=13).contains(&digits.len())
            && (groups > 1 || asked);
        let called = matches!(says(), Some((far, Says::Call)) if far <= 12) && (7..=12).contains(&digits.len());
        (trunk || free || called).then(|| Number::unplaced(digits)).flatten()
    }

    /// A hotline's few digits, right behind a word that says to call it.
    fn short(&self, digits: &str, groups: usize, before: &str) -> Option<Number> {
        let year = digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"));
        if digits.len() < 3 || groups != self.count || groups > 2 || self.lettered || year {
            return None;
        }
        let signs = before.bytes().rev().take(3).take_while(|b| matches!(b, b' ' | b':' | b'.' | b'-')).count();
        let near = before.get(..before.len() - signs)?;
        (SAYS.at_end(near)?.1 == Says::Call).then(|| Number::unplaced(digits)).flatten()
    }
}

/// The digits of a candidate as a number, where a link or an application says that they are one.
pub(super) fn number_of(written: &str, home: Option<Country>) -> Option<Number> {
    let mut digits = [0; 15];
    let mut len = 0;
    for octet in written.bytes().filter(u8::is_ascii_digit) {
        *digits.get_mut(len)? = octet;
        len += 1;
    }
    let digits = digits.get(..len).and_then(|d| std::str::from_utf8(d).ok())?;
    if len < 8 {
        return None;
    }
    let written = words::trim_spaces_start(written, 2);
    if written.starts_with('+') || !digits.starts_with('0') {
        return Number::international(digits);
    }
    home.and_then(|home| Number::national(digits, home)).or_else(|| Number::unplaced(digits))
}
