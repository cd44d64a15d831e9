//! What stands in a text: links, phone numbers, chat handles, amounts of money, one-time codes.
//!
//! Everything is looked for in the plain view ([`super::Reading::plain`]): small letters, compatibility forms undone,
//! invisible characters gone. Marks are read in one pass and say where anything can stand at all; then each kind is
//! found in turn, and what one has taken the next leaves alone: `bit.ly/12345678` has no code in it.
//!
//! Work is linear in the text: every finder goes forward over marks, reads at most a bounded stretch around one, and stops
//! at [`ENTITIES_MAX`](crate::limits::ENTITIES_MAX).
//!
//! Mail addresses are not links: nobody opens `help@dbs.com` by touching it, and their domain says who is written to, not
//! where the reader is led. An address with a path behind it is a link to its host.

mod amount;
mod belief;
mod code;
mod cue;
mod handle;
mod host;
pub mod idn;
mod link;
mod marks;
mod phone;
mod plan;
mod words;

use std::ops::Range;

use super::fold::is_seen;
use super::number::{self, Country};
pub use amount::{Amount, CURRENCIES, Currency};
pub use code::{Code, DIGITS as CODE_DIGITS};
pub use handle::{App, Handle};
pub use link::{Link, LinkKind};
pub use phone::Phone;

use marks::Marks;

/// Everything found in one text; reused from text to text.
#[derive(Debug, Default)]
pub struct Entities {
    marks: Marks,
    labels: Vec<host::Label>,
    spare: Vec<host::Label>,
    code_words: Vec<(usize, usize)>,
    taken: Taken,
    names: String,
    links: Vec<Link>,
    phones: Vec<Phone>,
    handles: Vec<Handle>,
    amounts: Vec<Amount>,
    codes: Vec<Code>,
    /// Digits that a word says are no number to call.
    refused: Vec<phone::Refused>,
}

impl Entities {
    /// Nothing stands in a text that is not there.
    pub fn clear(&mut self) {
        self.names.clear();
        self.links.clear();
        self.phones.clear();
        self.handles.clear();
        self.amounts.clear();
        self.codes.clear();
        self.refused.clear();
    }

    /// Finds what stands in `plain`, the plain view of a text that is read in `home`. `is_capital` says whether the
    /// character at an octet was written as a capital letter.
    pub fn find(&mut self, plain: &str, home: Option<Country>, is_capital: &dyn Fn(usize) -> bool) {
        self.names.clear();
        self.links.clear();
        self.handles.clear();
        self.refused.clear();
        self.taken.ranges.clear();
        self.marks.read(plain);
        let (names, links) = (&mut self.names, &mut self.links);
        link::Search {
            text: plain,
            is_capital,
            labels: &mut self.labels,
            spare: &mut self.spare,
            names,
            links,
            done: 0,
            spaced: 0,
        }
        .run(&self.marks);
        self.taken.add(self.links.iter().map(|l| &l.written));
        let runs = &self.marks.runs;
        amount::find(plain, home, runs, &self.taken, &mut self.amounts);
        self.taken.add(self.amounts.iter().map(|a| &a.written));
        phone::find(plain, home, runs, &self.taken, &mut self.phones);
        let (links, phones, taken) = (&self.links, &self.phones, &self.taken);
        let (names, handles) = (&mut self.names, &mut self.handles);
        handle::Search { text: plain, home, links, phones, taken, names, handles }.run(&self.marks);
        self.taken.add(self.phones.iter().map(|p| &p.written));
        self.taken.add(self.handles.iter().map(|h| &h.written));
        code::find(plain, &self.marks, &self.taken, &mut self.code_words, &mut self.codes);
    }

    /// Finds phone numbers alone, in a text whose words are not disguised any more.
    pub fn find_phones(&mut self, reading: &str, home: Option<Country>) {
        self.clear();
        self.taken.ranges.clear();
        self.marks.read(reading);
        amount::find(reading, home, &self.marks.runs, &self.taken, &mut self.amounts);
        self.taken.add(self.amounts.iter().map(|a| &a.written));
        phone::find(reading, home, &self.marks.runs, &self.taken, &mut self.phones);
        phone::refused(reading, &self.marks.runs, &self.phones, &mut self.refused);
    }

    /// Takes over what was found by words that were disguised: phone numbers that are written without anything between
    /// their digits and are nothing else yet than a code, and digits that are none after all.
    pub fn correct_phones(&mut self, text: &str, found: &Self) {
        self.refused.extend_from_slice(&found.refused);
        // A number begins with its first digit, or with a sign before it.
        let begins =
            |phone: &Range<usize>, run: &Range<usize>| phone.contains(&run.start) && run.start <= phone.start + 2;
        let is_abroad = |phone: &Phone| text.get(phone.written.clone()).is_some_and(|written| written.contains('+'));
        let says_no =
            |phone: &Phone, run: &phone::Refused| begins(&phone.written, &run.written) && run.is_nearest(phone);
        let refused = |phone: &Phone| !is_abroad(phone) && self.refused.iter().any(|run| says_no(phone, run));
        self.phones.retain(|phone| !refused(phone));
        for phone in found.phones.iter().filter(|phone| !refused(phone)) {
            let digits = text.get(phone.written.clone()).unwrap_or_default();
            let known = self.links.iter().map(|l| &l.written).chain(self.phones.iter().map(|p| &p.written));
            let mut known = known.chain(self.amounts.iter().map(|a| &a.written));
            let before = text.get(..phone.written.start).and_then(|t| t.chars().rev().find(|c| is_seen(*c)));
            let after = text.get(phone.written.end..).and_then(|t| t.chars().find(|c| is_seen(*c)));
            let is_ussd = [before, after].into_iter().flatten().any(|c| matches!(c, '*' | '#' | '＊' | '＃'));
            if digits.bytes().all(|b| b.is_ascii_digit())
                && !is_ussd
                && !known.any(|written| overlaps(written, &phone.written))
                && !self.handles.iter().any(|handle| overlaps(&handle.written, &phone.written))
            {
                self.codes.retain(|code| !overlaps(&code.written, &phone.written));
                self.phones.push(phone.clone());
            }
        }
        self.phones.sort_by_key(|phone| phone.written.start);
    }

    /// Makes every `written` one of the text, by a map from the plain view to it.
    pub fn place(&mut self, written: impl Fn(Range<usize>) -> Range<usize>) {
        let links = self.links.iter_mut().map(|x| &mut x.written);
        let phones = self.phones.iter_mut().map(|x| &mut x.written);
        let handles = self.handles.iter_mut().map(|x| &mut x.written);
        let amounts = self.amounts.iter_mut().map(|x| &mut x.written);
        let codes = self.codes.iter_mut().map(|x| &mut x.written);
        let refused = self.refused.iter_mut().map(|x| &mut x.written);
        for range in links.chain(phones).chain(handles).chain(amounts).chain(codes).chain(refused) {
            *range = written(range.clone());
        }
        // Two may come from one character: `¼` is a number, a stroke and a number.
        let overlap = |later: &Range<usize>, earlier: &Range<usize>| later.start < earlier.end;
        self.links.dedup_by(|later, earlier| overlap(&later.written, &earlier.written));
        self.phones.dedup_by(|later, earlier| overlap(&later.written, &earlier.written));
        self.handles.dedup_by(|later, earlier| overlap(&later.written, &earlier.written));
        self.amounts.dedup_by(|later, earlier| overlap(&later.written, &earlier.written));
        self.codes.dedup_by(|later, earlier| overlap(&later.written, &earlier.written));
    }

    /// Links, in their order.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The host of a link as a resolver gets it: small letters, punycode for what is beyond ASCII.
    #[must_use]
    pub fn link_host(&self, link: &Link) -> &str {
        self.names.get(link.host.clone()).unwrap_or_default()
    }

    /// The registrable domain of a link (Public Suffix List), else its host.
    #[must_use]
    pub fn link_domain(&self, link: &Link) -> &str {
        self.names.get(link.domain.clone()).unwrap_or_default()
    }

    /// The host of a link as a reader sees it: punycode undone.
    #[must_use]
    pub fn link_shown(&self, link: &Link) -> &str {
        self.names.get(link.shown.clone()).unwrap_or_default()
    }

    /// Phone numbers to call.
    #[must_use]
    pub fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// Names in chat applications.
    #[must_use]
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// The name of a handle, in small letters.
    #[must_use]
    pub fn handle_id(&self, handle: &Handle) -> &str {
        self.names.get(handle.id.clone()).unwrap_or_default()
    }

    /// Amounts of money.
    #[must_use]
    pub fn amounts(&self) -> &[Amount] {
        &self.amounts
    }

    /// One-time codes.
    #[must_use]
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }
}

/// Stretches of the text that an entity has, in order.
#[derive(Debug, Default)]
struct Taken {
    ranges: Vec<Range<usize>>,
}

impl Taken {
    fn add<'a>(&mut self, ranges: impl Iterator<Item = &'a Range<usize>>) {
        let before = self.ranges.len();
        self.ranges.extend(ranges.cloned());
        if before > 0 && self.ranges.len() > before {
            self.ranges.sort_unstable_by_key(|r| r.start);
        }
    }

    /// Whether an octet is taken.
    fn holds(&self, at: usize) -> bool {
        self.overlaps(&(at..at + 1))
    }

    /// Whether a stretch shares an octet with one that is taken.
    fn overlaps(&self, range: &Range<usize>) -> bool {
        // Stretches are few and hardly ever overlap each other: the last that begins before the end decides, and the one
        // before it where a handle's stretch holds a number's.
        let end = self.ranges.partition_point(|r| r.start < range.end);
        self.ranges.get(..end).is_some_and(|before| before.iter().rev().take(3).any(|r| r.end > range.start))
    }
}

/// Whether two ranges share an octet.
pub(super) fn overlaps(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}
