//! Links that say what they are: `https://`, and what people write for it.

use super::Search;
use super::host::{self, Dot};
use crate::text::fold::READING;
use crate::text::letter;

/// Octets before a host that may name its user.
const USERINFO_OCTETS_MAX: usize = 256;

impl Search<'_> {
    /// `https://` and what people write for it, at its colon or its first slash.
    pub(super) fn scheme(&mut self, at: usize) {
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
        let ends = |b: u8| matches!(b, b'/' | b'?' | b'#' | b'\\' | b' ' | b'\n' | READING | b'"' | b'<' | b'>');
        let authority =
            rest.bytes().take(USERINFO_OCTETS_MAX).position(ends).unwrap_or(rest.len().min(USERINFO_OCTETS_MAX));
        let userinfo = rest.as_bytes().get(..authority).and_then(|a| a.iter().rposition(|b| *b == b'@'));
        let at = at + userinfo.map_or(0, |n| n + 1);
        if let Some((address, len)) = host::ipv6(self.text.get(at..).unwrap_or_default()) {
            self.push_address(start, at + len, self.names.len(), address.into());
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
        self.push_address(start, end, from, address.into());
        true
    }

    /// A host behind a scheme whose last label no list knows: lists grow old.
    fn unknown_top(&mut self, start: usize) -> bool {
        let Some(last) = self.labels.last().copied() else { return false };
        let top = self.text.get(last.from..last.to).unwrap_or_default();
        let (count, letters) = (self.labels.len(), top.chars().all(letter::is_alphabetic));
        count >= 2 && letters && top.chars().count() >= 2 && self.host(start, count, true)
    }
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
