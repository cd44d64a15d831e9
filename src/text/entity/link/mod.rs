//! Links: with a scheme or without, and with the dots that people put to slip past a filter.

mod lettered;
mod scheme;
mod tail;

use std::net::IpAddr;
use std::ops::Range;
use std::sync::LazyLock;

use super::belief::{BELIEVED_HOSTS, Candidate, has_path};
use super::host::{self, Dot, Label};
use super::idn;
use super::marks::{Marks, Needles};
use crate::limits::ENTITIES_MAX;
use crate::text::fold::READING;

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A host with a name, and nothing else to say of it.
    Plain,
    /// An IP address.
    Ip,
    /// A name with characters beyond ASCII, or in punycode.
    Punycode,
    /// An Android package, by its path or by what the text says.
    Apk,
}

impl LinkKind {
    /// The word in YAML.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ip => "ip",
            Self::Punycode => "punycode",
            Self::Apk => "apk",
        }
    }
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Octets of the text.
    pub written: Range<usize>,
    ip: bool,
    punycode: bool,
    apk: bool,
    pub(super) host: Range<usize>,
    pub(super) domain: Range<usize>,
    pub(super) shown: Range<usize>,
    /// Port, path and query, in the text that was searched.
    pub(super) tail: Range<usize>,
}

impl Link {
    /// Whether it is of this kind; it may be of several, of an IP address and a package for one.
    #[must_use]
    pub fn is(&self, kind: LinkKind) -> bool {
        match kind {
            LinkKind::Plain => !(self.ip || self.punycode || self.apk),
            LinkKind::Ip => self.ip,
            LinkKind::Punycode => self.punycode,
            LinkKind::Apk => self.apk,
        }
    }

    /// Its kinds.
    pub fn kinds(&self) -> impl Iterator<Item = LinkKind> {
        [LinkKind::Plain, LinkKind::Ip, LinkKind::Punycode, LinkKind::Apk].into_iter().filter(|k| self.is(*k))
    }
}

/// Octets of a host (RFC 1035 §2.3.4).
const HOST_OCTETS_MAX: usize = 253;

/// Names tried for one chain of labels: a chain is read once, however many of its labels are suffixes.
const TRIES_MAX: usize = 6;

/// What is behind the word for a dot, or is it itself.
static SPELLED: LazyLock<Needles> = LazyLock::new(|| Needles::new(" dot |com"));

static PACKAGE: LazyLock<Needles> = LazyLock::new(|| Needles::new("apk"));

/// What finding links is lent.
pub(super) struct Search<'a> {
    /// The plain view of a text.
    pub(super) text: &'a str,
    /// Whether the character at an octet was written as a capital letter.
    pub(super) is_capital: &'a dyn Fn(usize) -> bool,
    pub(super) labels: &'a mut Vec<Label>,
    /// The same, of a host that is read aside.
    pub(super) spare: &'a mut Vec<Label>,
    /// Gets the names of hosts.
    pub(super) names: &'a mut String,
    pub(super) links: &'a mut Vec<Link>,
    /// What is before this octet has been decided.
    pub(super) done: usize,
    /// Up to this octet letters parted by spaces have been tried.
    pub(super) spaced: usize,
}

impl Search<'_> {
    /// Finds all links, in their order.
    pub(super) fn run(mut self, marks: &Marks) {
        for &at in &marks.signs {
            if at >= self.done {
                self.sign(at);
            }
            if self.links.len() >= ENTITIES_MAX {
                break;
            }
        }
        for (at, _) in SPELLED.each(self.text, marks) {
            self.spelled(at);
        }
        if !self.links.is_empty() {
            self.finish(marks);
        }
    }

    fn sign(&mut self, at: usize) {
        let Some(text) = self.text.get(at..) else { return };
        match text.as_bytes() {
            [b'.', b' ' | b'\n', ..] | [b',', b'a'..=b'z', ..] => {
                if host::loose_top(text) {
                    let _ = self.lettered(at) || self.around(at);
                } else if let [b'.', b' ', _, b' ', ..] = text.as_bytes() {
                    self.lettered(at);
                }
            }
            [b'.', b'0'..=b'9', ..] if !self.may_be_more_than_a_decimal(at) => {}
            [b'.', b'a'..=b'z' | b'0'..=b'9' | 0x80..=0xff, ..] | [b'[' | b'(', ..] => {
                self.around(at);
            }
            [b'.', b'}', ..] => {
                self.around(at);
            }
            [b':' | b'/' | b'\\', ..] => self.scheme(at),
            _ => {}
        }
    }

    /// Two numbers with a dot between them are no host, unless something goes on behind them.
    fn may_be_more_than_a_decimal(&self, at: usize) -> bool {
        let octets = self.text.as_bytes();
        let digits = octets.get(at + 1..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
        match octets.get(at + 1 + digits) {
            Some(b'a'..=b'z' | b'-' | b'_' | 0x80..=0xff) => true,
            Some(b'.') => octets.get(at + 2 + digits).is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80),
            Some(b'[' | b'(' | b'{') => true,
            // The second and third dot of an address are looked at with its first.
            _ => false,
        }
    }

    /// Tries the labels on both sides of what may be a dot.
    fn around(&mut self, at: usize) -> bool {
        let octets = self.text.as_bytes();
        let gap = (self.done..at).rev().take(3).take_while(|n| matches!(octets.get(*n), Some(b' ' | b'\n'))).count();
        let mut end = at - gap;
        if octets.get(..end).and_then(<[u8]>::last) == Some(&b'{') && end > self.done {
            end -= 1;
        }
        if host::dot_at(self.text, end, false).is_none() {
            return false;
        }
        let start = host::label_start(self.text, end, self.done);
        start < end && self.bare(start)
    }

    /// A host without a scheme that begins at `start`.
    fn bare(&mut self, start: usize) -> bool {
        host::read(self.text, start, false, self.labels);
        let Some(end) = self.labels.last().map(|l| l.to) else { return false };
        let found = self.chain(start, false) || self.joined(start, false);
        self.done = self.done.max(end);
        found
    }

    /// A host in the labels that were read: the longest that is believed.
    fn chain(&mut self, start: usize, scheme: bool) -> bool {
        if self.labels.len() == 4 && self.address(start, scheme) {
            return true;
        }
        let mut tries = 0;
        for count in (2..=self.labels.len()).rev() {
            let Some(last) = self.labels.get(count - 1).copied() else { break };
            if !self.is_top(last) {
                continue;
            }
            if self.host(start, count, scheme) {
                return true;
            }
            tries += 1;
            if tries == TRIES_MAX {
                break;
            }
        }
        self.hyphened(start, scheme)
    }

    /// A hyphen behind a host belongs to the sentence: `www.job.in-sent by`.
    fn hyphened(&mut self, start: usize, scheme: bool) -> bool {
        let (text, count) = (self.text, self.labels.len());
        let Some(last) = self.labels.last_mut().filter(|_| count > 1) else { return false };
        let written = text.get(last.from..last.to).unwrap_or_default();
        let Some(hyphen) = written.find('-').filter(|at| written.get(..*at).is_some_and(host::is_top)) else {
            return false;
        };
        let whole = last.to;
        last.to = last.from + hyphen;
        let found = self.host(start, count, scheme);
        if let Some(last) = self.labels.last_mut().filter(|_| !found) {
            last.to = whole;
        }
        found
    }

    /// A host of which the labels read are the front, and its suffix stands behind a dot that is none.
    fn joined(&mut self, start: usize, scheme: bool) -> bool {
        let front = self.labels.len();
        let Some(end) = self.labels.last().map(|l| l.to) else { return false };
        let Some((dot, width)) = host::dot_at(self.text, end, scheme) else { return false };
        host::extend(self.text, end + width, scheme, dot, self.labels);
        // `kbank dot com dot my`
        if dot != Dot::Comma
            && let Some(end) = self.labels.last().map(|l| l.to)
            && let Some((next, width)) = host::dot_at(self.text, end, scheme)
            && next == dot
        {
            host::extend(self.text, end + width, scheme, dot, self.labels);
        }
        let tops = (front + 1..=self.labels.len().min(front + 3)).rev();
        let mut found = false;
        for count in tops {
            let from = self.names.len();
            self.push_name(front, count);
            let is_suffix = self.names.get(from..).is_some_and(host::is_suffix);
            self.names.truncate(from);
            if is_suffix && self.host(start, count, scheme) {
                found = true;
                break;
            }
        }
        if !found {
            self.labels.truncate(front);
        }
        found
    }

    /// Whether a label may be the last of a host.
    fn is_top(&self, label: Label) -> bool {
        let written = self.text.get(label.from..label.to).unwrap_or_default();
        host::is_top(written) || (is_look_alike(written) && host::is_top(&read_as(written)))
    }

    /// Appends labels, joined by dots, as a resolver gets them.
    fn push_name(&mut self, from: usize, to: usize) {
        let start = self.names.len();
        for (n, label) in self.labels.iter().take(to).enumerate().skip(from) {
            if n > from {
                self.names.push('.');
            }
            let written = self.text.get(label.from..label.to).unwrap_or_default();
            host::push_label(written, self.names);
        }
        // `%02` and `%2e` leave labels with nothing in them.
        let name = self.names.get(start..).unwrap_or_default();
        if name.split('.').any(str::is_empty) {
            let whole: Vec<&str> = name.split('.').filter(|label| !label.is_empty()).collect();
            let whole = whole.join(".");
            self.names.truncate(start);
            self.names.push_str(&whole);
        }
    }

    /// The first `count` labels as a host, when they are believed.
    fn host(&mut self, start: usize, count: usize, scheme: bool) -> bool {
        let (Some(first), Some(last)) = (self.fitting(count), self.labels.get(count - 1).copied()) else {
            return false;
        };
        let from = self.names.len();
        self.push_name(first, count);
        if let Some(top) = self.names.get(from..).and_then(|n| n.rsplit('.').next())
            && is_look_alike(top)
            && !host::is_top(top)
        {
            // The last label reads like `com` and is not: whoever types it gets there.
            let (top, len) = (read_as(top), top.len());
            self.names.truncate(self.names.len() - len);
            self.names.push_str(&top);
        }
        let name = self.names.get(from..).unwrap_or_default();
        let suffix = psl::suffix_str(name).unwrap_or_default();
        let front = name.get(..name.len() - suffix.len()).unwrap_or_default().trim_end_matches('.');
        let glued = glued_digits(name);
        let before = self.text.get(..start).unwrap_or_default();
        let behind = self.text.get(last.to..).unwrap_or_default();
        // `¡` is what `@` of ASCII says in the alphabet of GSM.
        let addressed = before.ends_with(['@', '¡']) && !(scheme && before.len() > 1);
        if behind.starts_with(['@', '¡']) || (addressed && !has_path(behind)) {
            self.names.truncate(from);
            return false;
        }
        let is_disguised = |label: &&Label| label.dot != Dot::Plain;
        let candidate = Candidate {
            name: name.get(glued..).unwrap_or(name),
            suffix,
            front,
            dot: self.labels.iter().take(count).skip(1).find(is_disguised).map_or(Dot::Plain, |l| l.dot),
            spaced: self.text.get(start..last.to).is_some_and(|written| written.contains(" . ")),
            before,
            behind,
            sentence: self.is_sentence(count),
        };
        let believed = if front.is_empty() {
            // `gov.sg` is a suffix under which others register, and a host itself.
            name.contains('.') && (name.starts_with("gov.") || name.starts_with("go.") || has_path(behind))
        } else {
            scheme || candidate.is_believed()
        };
        if !believed {
            self.names.truncate(from);
            return false;
        }
        let label = front.rsplit('.').next().map_or(0, str::len);
        let domain = self.names.len() - if label > 0 { label + 1 } else { 0 } - suffix.len();
        self.push(start + glued, last.to, from + glued..self.names.len(), domain.max(from + glued), false);
        true
    }

    /// The first of the labels with which a host is no longer than a host can be.
    fn fitting(&self, count: usize) -> Option<usize> {
        let mut octets = 0;
        let labels = self.labels.iter().enumerate().take(count).rev();
        let fit = labels.take_while(|(_, l)| {
            octets += l.to - l.from + 1;
            octets <= HOST_OCTETS_MAX + 1
        });
        fit.last().map(|(n, _)| n).filter(|n| n + 2 <= count)
    }

    /// Whether the last dot is the end of a sentence: `done.Please`.
    fn is_sentence(&self, count: usize) -> bool {
        let Some([.., front, top]) = self.labels.get(..count) else { return false };
        let capital = |at: usize| (self.is_capital)(at);
        capital(top.from) && !capital(top.to - 1) && !capital(front.to - 1)
    }

    /// Four numbers that are an address and no amount.
    fn address(&mut self, start: usize, scheme: bool) -> bool {
        let Some(end) = self.labels.last().map(|l| l.to) else { return false };
        let from = self.names.len();
        self.push_name(0, 4);
        let name = self.names.get(from..).unwrap_or_default();
        let decimal = || name.split('.').all(|n| n == "0" || !n.starts_with('0'));
        let thousands = || name.split('.').skip(1).all(|n| n.len() == 3);
        let behind = self.text.get(end..).unwrap_or_default();
        let before = self.text.get(..start).and_then(|t| t.chars().next_back());
        let parts = |c: char| matches!(c, ' ' | '\n' | '(' | ':') || c == char::from(READING);
        let alone = before.is_none_or(|c| parts(c) || host::is_unspaced(c));
        let address = name.as_bytes().first().filter(|b| b.is_ascii_digit()).and_then(|_| host::ipv4_any(name));
        // Versions have four short numbers, and digits are written one by one.
        let long = name.len() >= 10 && !thousands();
        let believed = scheme || (decimal() && alone && (long || has_path(behind)));
        self.names.truncate(from);
        let Some(address) = address.filter(|_| believed) else { return false };
        self.push_address(start, end, from, address.into());
        true
    }

    /// Adds a link to an address; what else of its name was put into `names` stands there from `from` on.
    fn push_address(&mut self, start: usize, end: usize, from: usize, address: IpAddr) {
        use std::fmt::Write;
        self.names.truncate(from);
        let _ = write!(self.names, "{address}");
        self.push(start, end, from..self.names.len(), from, true);
    }

    /// Adds a link whose host is written up to `end`; `name` is where its name stands in `names`, and `domain` where its
    /// registrable domain begins there.
    fn push(&mut self, start: usize, end: usize, name: Range<usize>, domain: usize, ip: bool) {
        let (mut host, mut shown, mut domain) = (name.clone(), name.clone(), domain..name.end);
        let written = self.names.get(name.clone()).unwrap_or_default();
        let beyond_ascii = !written.is_ascii();
        let octets = written.as_bytes();
        let coded = |at: usize| octets.get(at..).is_some_and(|label| label.starts_with(b"xn--"));
        let punycode = beyond_ascii || memchr::memchr_iter(b'x', octets).any(coded);
        if punycode {
            let mut room = [0; HOST_OCTETS_MAX + 4];
            let copy = room.get_mut(..written.len()).map(|room| {
                room.copy_from_slice(written.as_bytes());
                &*room
            });
            let written = copy.and_then(|copy| std::str::from_utf8(copy).ok()).unwrap_or_default();
            let at = self.names.len();
            if beyond_ascii && idn::push_ascii(written, self.names) {
                host = at..self.names.len();
                let ascii = self.names.get(host.clone()).unwrap_or_default();
                domain = host.end - psl::domain_str(ascii).unwrap_or(ascii).len()..host.end;
            } else if !beyond_ascii && idn::push_unicode(written, self.names) {
                shown = at..self.names.len();
            }
        }
        let tail = end..end + tail::tail_len(self.text.get(end..).unwrap_or_default());
        let apk = self.text.get(tail.clone()).is_some_and(tail::names_a_package);
        self.done = tail.end;
        self.links.push(Link { written: start..tail.end, ip, punycode, apk, host, domain, shown, tail });
    }

    /// A dot that is spelled, or the suffix behind one: `kbank dot co`, `kbank titik com`.
    fn spelled(&mut self, at: usize) {
        let before = self.text.get(..at).unwrap_or_default();
        let near = super::words::trim_spaces_end(before, 2);
        let at = match host::DOTS_BEFORE.at_end(near) {
            Some((len, ())) => near.len() - len,
            None if self.text.as_bytes().get(at) == Some(&b' ') => at + 1,
            None => return,
        };
        let known = self.links.iter().any(|l| l.written.contains(&at));
        if !known && self.links.len() < ENTITIES_MAX {
            // Links found already bound what this one may take of the text before it.
            self.done = self.links.iter().map(|l| l.written.end).filter(|end| *end <= at).max().unwrap_or(0);
            self.around(at);
        }
    }

    /// Puts links in order, and says of all what the text says: that there is a package.
    fn finish(&mut self, marks: &Marks) {
        self.links.sort_by_key(|l| l.written.start);
        self.links.dedup_by(|later, earlier| later.written.start < earlier.written.end);
        let octets = self.text.as_bytes();
        let says = PACKAGE.each(self.text, marks).any(|(from, to)| {
            let letter = |n: Option<usize>| n.and_then(|n| octets.get(n)).is_some_and(u8::is_ascii_alphanumeric);
            !letter(from.checked_sub(1)) && !letter(Some(to))
        });
        self.links.iter_mut().for_each(|l| l.apk |= says);
    }
}

/// Whether a label has letters of scripts that are mistaken for Latin: Greek, Cyrillic, Armenian, Cherokee.
fn is_look_alike(label: &str) -> bool {
    let other = |c: char| matches!(u32::from(c), 0x370..=0x58f | 0x13a0..=0x13ff | 0xab70..=0xabbf);
    !label.is_ascii() && label.chars().all(|c| c.is_ascii() || other(c))
}

/// What a label reads like: look-alike letters made Latin.
fn read_as(label: &str) -> String {
    let mut folded = String::new();
    crate::text::fold::fold(label, &mut folded);
    folded
}

/// Digits that stand before a well-known host without a space: `100bit.ly`, `1oobit.ly`, `bonus88lin.ee`.
fn glued_digits(name: &str) -> usize {
    let Some(digit) = name.bytes().rposition(|b| b.is_ascii_digit()) else { return 0 };
    let host = name.get(digit + 1..).unwrap_or_default().trim_start_matches('o');
    if host.len() > 4 && BELIEVED_HOSTS.whole(host).is_some() { name.len() - host.len() } else { 0 }
}
