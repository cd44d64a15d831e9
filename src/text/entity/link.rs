//! Links: with a scheme or without, and with the dots that people put to slip past a filter.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::belief::{BELIEVED_HOSTS, Candidate, has_path};
use super::host::{self, Dot, Label};
use super::idn;
use super::marks::Marks;
use crate::limits::ENTITIES_MAX;

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

/// Octets before a host that may name its user.
const USERINFO_OCTETS_MAX: usize = 256;

/// Names tried for one chain of labels: a chain is read once, however many of its labels are suffixes.
const TRIES_MAX: usize = 6;

static DOT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(" dot "));
static COM: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("com"));
static MIDDLE_DOT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("·"));
static BULLET: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("•"));
static APK: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("apk"));

/// What finding links is lent.
pub(super) struct Search<'a> {
    /// The plain view of a text.
    pub(super) text: &'a str,
    /// Whether the character at an octet was written as a capital letter.
    pub(super) is_capital: &'a dyn Fn(usize) -> bool,
    pub(super) labels: &'a mut Vec<Label>,
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
        self.spelled();
        if marks.beyond_ascii {
            for finder in [&*MIDDLE_DOT, &*BULLET] {
                self.each(finder, |search, at| search.around(at));
            }
        }
        if !self.links.is_empty() {
            self.finish();
        }
    }

    fn sign(&mut self, at: usize) {
        match self.text.as_bytes().get(at..) {
            Some([b'.', b'/' | b')' | b']' | b'"' | b'\'' | b'.' | b'!' | b'?' | b',', ..] | [b'.']) | None => {}
            Some([b'.', b' ', b' ', b' ', ..] | [b',', b' ' | b'\n', ..]) => {}
            Some([b'.', b' ', ..]) => {
                if !self.lettered(at) {
                    self.around(at);
                }
            }
            Some([b'.' | b',' | b'[' | b'(', ..]) => {
                self.around(at);
            }
            Some([b':' | b'/' | b'\\', ..]) => self.scheme(at),
            _ => {}
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
        for (n, label) in self.labels.iter().take(to).enumerate().skip(from) {
            if n > from {
                self.names.push('.');
            }
            let written = self.text.get(label.from..label.to).unwrap_or_default();
            host::push_label(written, self.names);
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
        let (before, behind) =
            (self.text.get(..start).unwrap_or_default(), self.text.get(last.to..).unwrap_or_default());
        let candidate = Candidate {
            name: name.get(glued..).unwrap_or(name),
            suffix,
            front,
            dot: self.labels.iter().take(count).skip(1).map(|l| l.dot).find(|d| *d != Dot::Plain).unwrap_or(Dot::Plain),
            before,
            behind,
            sentence: self.is_sentence(count),
        };
        let mail = behind.starts_with('@')
            || (before.ends_with('@') && !scheme && !has_path(behind))
            || (before.ends_with('@') && before.len() < 2);
        // `gov.sg` is a suffix under which others register, and a host itself.
        let bare_suffix =
            name.contains('.') && (name.starts_with("gov.") || name.starts_with("go.") || has_path(behind));
        let believed = if front.is_empty() { bare_suffix } else { scheme || candidate.is_believed() };
        if mail || !believed {
            self.names.truncate(from);
            return false;
        }
        let start = if glued > 0 { start + glued } else { start };
        self.push(start, last.to, from + glued, None);
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
        let alone = before.is_none_or(|c| c == ' ' || c == '\n' || c == '(' || c == ':' || host::is_unspaced(c));
        let address = name.as_bytes().first().filter(|b| b.is_ascii_digit()).and_then(|_| host::ipv4_any(name));
        let believed = scheme || (decimal() && alone && (!thousands() || has_path(behind)));
        self.names.truncate(from);
        let Some(address) = address.filter(|_| believed) else { return false };
        self.push(start, end, from, Some(address.into()));
        true
    }

    /// Adds a link whose host is written up to `end`; its name stands in `names` from `from` on.
    fn push(&mut self, start: usize, end: usize, from: usize, address: Option<IpAddr>) {
        if let Some(address) = address {
            use std::fmt::Write;
            self.names.truncate(from);
            let _ = write!(self.names, "{address}");
        }
        let shown = from..self.names.len();
        let mut host = shown.clone();
        let mut shown_as = shown.clone();
        let name = self.names.get(shown.clone()).unwrap_or_default();
        let beyond_ascii = !name.is_ascii();
        let punycode = beyond_ascii || (address.is_none() && name.split('.').any(|l| l.starts_with("xn--")));
        if punycode {
            let name = name.to_owned();
            let at = self.names.len();
            if beyond_ascii && idn::push_ascii(&name, self.names) {
                host = at..self.names.len();
            } else if !beyond_ascii && idn::push_unicode(&name, self.names) {
                shown_as = at..self.names.len();
            }
        }
        let name = self.names.get(host.clone()).unwrap_or_default();
        let domain = if address.is_some() { name } else { psl::domain_str(name).unwrap_or(name) };
        let domain = host.end - domain.len()..host.end;
        let tail = end..end + tail_len(self.text.get(end..).unwrap_or_default());
        let apk = self.text.get(tail.clone()).is_some_and(names_a_package);
        self.done = tail.end;
        let written = start..tail.end;
        self.links.push(Link { written, ip: address.is_some(), punycode, apk, host, domain, shown: shown_as, tail });
    }

    /// `https://` and what people write for it, at its colon or its first slash.
    fn scheme(&mut self, at: usize) {
        let before = self.text.get(self.done..at).unwrap_or_default();
        let Some(len) = scheme_len(before) else { return };
        let rest = self.text.get(at..).unwrap_or_default();
        let colon = if rest.starts_with(':') { rest.get(1..).unwrap_or_default() } else { rest };
        let slashes = colon.trim_start_matches(' ');
        let path = slashes.trim_start_matches(['/', '\\', ' ', '\n', ':', ']']);
        let signs = slashes.len() - path.len();
        let written = slashes.get(..signs).unwrap_or_default();
        let slash = written.contains(['/', '\\']);
        if signs > 8 || (!slash && (colon.len() < slashes.len() || signs > 0 || !rest.starts_with(':'))) {
            return;
        }
        if !rest.starts_with(':') && !written.starts_with("//") && !written.starts_with("\\\\") {
            return;
        }
        self.authority(at - len, self.text.len() - path.len());
    }

    /// The host behind a scheme that begins at `start`.
    fn authority(&mut self, start: usize, at: usize) {
        let rest = self.text.get(at..).unwrap_or_default();
        let ends = |b: u8| matches!(b, b'/' | b'?' | b'#' | b'\\' | b' ' | b'\n' | b'"' | b'<' | b'>');
        let authority =
            rest.bytes().take(USERINFO_OCTETS_MAX).position(ends).unwrap_or(rest.len().min(USERINFO_OCTETS_MAX));
        let userinfo = rest.as_bytes().get(..authority).and_then(|a| a.iter().rposition(|b| *b == b'@'));
        let at = at + userinfo.map_or(0, |n| n + 1);
        if let Some((address, len)) = host::ipv6(self.text.get(at..).unwrap_or_default()) {
            self.push(start, at + len, self.names.len(), Some(address.into()));
            return;
        }
        host::read(self.text, at, true, self.labels);
        if self.labels.is_empty() {
            return;
        }
        self.cut_by_a_line();
        let Some(end) = self.labels.last().map(|l| l.to) else { return };
        if self.numbers(start, end) || self.chain(start, true) || self.joined(start, true) || self.unknown_top(start) {
            return;
        }
        if !self.lettered(at) {
            self.done = self.done.max(end);
        }
    }

    /// A name that a line break cuts before its suffix goes on in the next line.
    fn cut_by_a_line(&mut self) {
        let Some(last) = self.labels.last().copied() else { return };
        let whole = self.labels.len() > 1 && self.is_top(last);
        if whole || self.text.as_bytes().get(last.to) != Some(&b'\n') {
            return;
        }
        let count = self.labels.len();
        host::extend(self.text, last.to + 1, true, Dot::Plain, self.labels);
        let goes_on = self.labels.len() > count && self.labels.last().is_some_and(|l| self.is_top(*l));
        if !goes_on {
            self.labels.truncate(count);
            return;
        }
        let next = self.labels.remove(count);
        if let Some(label) = self.labels.get_mut(count - 1) {
            label.to = next.to;
        }
    }

    /// A host behind a scheme that is numbers only.
    fn numbers(&mut self, start: usize, end: usize) -> bool {
        if self.labels.len() > 4
            || !self.text.as_bytes().get(self.labels.first().map_or(end, |l| l.from)).is_some_and(u8::is_ascii_digit)
        {
            return false;
        }
        let from = self.names.len();
        self.push_name(0, self.labels.len());
        let address = self.names.get(from..).and_then(host::ipv4_any);
        self.names.truncate(from);
        let Some(address) = address else { return false };
        self.push(start, end, from, Some(address.into()));
        true
    }

    /// A host behind a scheme whose last label no list knows: lists grow old.
    fn unknown_top(&mut self, start: usize) -> bool {
        let Some(last) = self.labels.last().copied() else { return false };
        let top = self.text.get(last.from..last.to).unwrap_or_default();
        let (count, letters) = (self.labels.len(), top.chars().all(char::is_alphabetic));
        count >= 2 && letters && top.chars().count() >= 2 && self.host(start, count, true)
    }

    /// Letters parted by spaces: `b i t . l y / x`, with its dot at `at` or its first letter there.
    fn lettered(&mut self, at: usize) -> bool {
        let octets = self.text.as_bytes();
        let single = |n: usize| {
            let beside = |n: Option<&u8>| n.is_none_or(|b| !is_spaced_out(*b));
            octets.get(n).is_some_and(|b| is_spaced_out(*b))
                && beside(octets.get(n + 1))
                && (n == 0 || beside(octets.get(n - 1)))
        };
        if at < self.spaced {
            return false;
        }
        let mut start = at;
        while start >= self.done + 2
            && at - start < 2 * HOST_OCTETS_MAX
            && octets.get(start - 1) == Some(&b' ')
            && single(start - 2)
        {
            start -= 2;
        }
        let mut end = start;
        while end < start + 2 * HOST_OCTETS_MAX && single(end) && octets.get(end + 1) == Some(&b' ') && single(end + 2)
        {
            end += 2;
        }
        self.spaced = end;
        if end < start + 8 {
            return false;
        }
        let squeezed: String = self.text.get(start..=end).unwrap_or_default().chars().filter(|c| *c != ' ').collect();
        let mut labels = Vec::new();
        let host_at = squeezed.rfind("//").map_or(0, |n| n + 2);
        host::read(&squeezed, host_at, false, &mut labels);
        let Some(last) = labels.last().copied().filter(|_| labels.len() >= 2) else { return false };
        if !host::is_top(squeezed.get(last.from..last.to).unwrap_or_default()) {
            return false;
        }
        let from = self.names.len();
        self.names.push_str(squeezed.get(host_at..last.to).unwrap_or_default());
        self.push(start, end + 1, from, None);
        true
    }

    /// Dots that are spelled: `kbank dot co`, `kbank titik com`.
    fn spelled(&mut self) {
        self.each(&DOT, |search, at| search.around(at + 1));
        self.each(&COM, |search, at| {
            let before = search.text.get(..at).unwrap_or_default();
            let near = super::words::trim_spaces_end(before, 2);
            match host::DOTS_BEFORE.at_end(near) {
                Some((len, ())) => search.around(near.len() - len),
                None => false,
            }
        });
    }

    /// Tries every place where `finder` finds something that is not part of a link already.
    fn each(&mut self, finder: &Finder<'_>, mut at: impl FnMut(&mut Self, usize) -> bool) {
        let text = self.text;
        for place in finder.find_iter(text.as_bytes()) {
            if self.links.len() >= ENTITIES_MAX {
                return;
            }
            let known = self.links.iter().any(|l| l.written.contains(&place));
            if !known {
                // Links found already bound what this one may take of the text before it.
                self.done = self.links.iter().map(|l| l.written.end).filter(|end| *end <= place).max().unwrap_or(0);
                at(self, place);
            }
        }
    }

    /// Puts links in order, and says of all what the text says: that there is a package.
    fn finish(&mut self) {
        self.links.sort_by_key(|l| l.written.start);
        self.links.dedup_by(|later, earlier| later.written.start < earlier.written.end);
        let octets = self.text.as_bytes();
        let says = APK.find_iter(octets).any(|at| {
            let letter = |n: Option<usize>| n.and_then(|n| octets.get(n)).is_some_and(u8::is_ascii_alphanumeric);
            !letter(at.checked_sub(1)) && !letter(Some(at + 3))
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
    if host.len() > 4 && BELIEVED_HOSTS.binary_search(&host).is_ok() { name.len() - host.len() } else { 0 }
}

fn is_spaced_out(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'/' | b'-' | b':')
}

/// Octets of the scheme that `before` ends with, spaces between its letters counted.
fn scheme_len(before: &str) -> Option<usize> {
    let octets = before.as_bytes();
    match octets {
        [.., b'p' | b's'] | [.., b'p' | b's' | b']', b' '] | [.., b']' | b'['] => {}
        _ => return None,
    }
    let plain = SCHEMES.iter().find(|s| before.ends_with(*s)).map(|s| s.len());
    plain.or_else(|| {
        let mut letters = [0; 5];
        let (mut count, mut len) = (0, 0);
        for octet in octets.iter().rev().take(10) {
            len += 1;
            if *octet != b' ' {
                *letters.get_mut(4 - count)? = *octet;
                count += 1;
            }
            match (letters, count) {
                ([_, b'h', b't' | b'x', b't' | b'x', b'p'], 4) | ([b'h', b't' | b'x', b't' | b'x', b'p', b's'], 5) => {
                    return Some(len);
                }
                (_, 5) => return None,
                _ => {}
            }
        }
        None
    })
}

const SCHEMES: &[&str] =
    &["https", "http", "hxxps", "hxxp", "h**ps", "h**p", "ftp", "https[", "http[", "http[s]", "hxxps[", "hxxp["];

/// Octets of port, path and query behind a host.
fn tail_len(rest: &str) -> usize {
    let octets = rest.as_bytes();
    let digits = rest.strip_prefix(':').map_or(0, |p| p.bytes().take_while(u8::is_ascii_digit).count());
    let port = if digits > 0 { digits + 1 } else { 0 };
    if !matches!(octets.get(port), Some(b'/' | b'?' | b'#' | b'\\')) {
        return port;
    }
    let mut end = port;
    for (at, c) in rest.char_indices().skip_while(|(at, _)| *at < port) {
        let goes_on = match c {
            '\n' => {
                let cut =
                    matches!(octets.get(at.wrapping_sub(1)), Some(b'-' | b'_' | b'/' | b'=' | b'&' | b'?' | b'%'));
                cut && octets.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
            }
            ' ' | '<' | '>' | '"' | '「' | '」' | '《' | '》' | '【' | '】' | '“' | '”' => false,
            c => !c.is_whitespace() && !host::is_unspaced(c),
        };
        if !goes_on {
            break;
        }
        end = at + c.len_utf8();
    }
    let mut path = rest.get(port..end).unwrap_or_default();
    loop {
        let trimmed = path.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '’', '»', '*', '…', '。', '、']);
        let unopened = |open: char, close: char| trimmed.ends_with(close) && !trimmed.contains(open);
        let closed = unopened('(', ')') || unopened('[', ']') || unopened('{', '}');
        let next = if closed { trimmed.get(..trimmed.len() - 1).unwrap_or_default() } else { trimmed };
        if next.len() == path.len() {
            return port + path.len();
        }
        path = next;
    }
}

/// Whether a path or query ends in `.apk`, or has it before a `?`.
fn names_a_package(tail: &str) -> bool {
    tail.match_indices(".apk")
        .any(|(at, apk)| !tail.as_bytes().get(at + apk.len()).is_some_and(u8::is_ascii_alphanumeric))
}
