//! Hosts as they stand in a text: labels, and what people put between them in place of a dot.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::words::Words;
use crate::text::letter;
use std::sync::LazyLock;

/// How two labels are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dot {
    /// A dot.
    Plain,
    /// `[.]`, `(dot)`: a dot that nobody writes by chance.
    Disguised,
    /// ` dot `, ` titik `, `点`: the word for it.
    Spelled,
    /// A dot at a line break.
    Broken,
    /// A dot among spaces.
    Spaced,
    /// A comma.
    Comma,
}

/// One label, and the dot before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) dot: Dot,
}

/// Octets of a label as written; DNS allows 63, other scripts and percent signs take three for one.
const LABEL_OCTETS_MAX: usize = 189;

/// Words for a dot.
static DOTS: LazyLock<Words<()>> = LazyLock::new(|| Words::by_first(DOT_WORDS));
/// The same, to be asked what ends at a place.
pub(super) static DOTS_BEFORE: LazyLock<Words<()>> = LazyLock::new(|| Words::by_last(DOT_WORDS));

const DOT_WORDS: &[((), &str)] = &[((), "dot|d0t|titik|chấm|cham|punto|จุด|点|點")];

/// Reads labels that plain or disguised dots join, from `at` on. `open` is said behind a scheme: there labels may be of
/// any script, and percent signs stand for octets.
pub(super) fn read(text: &str, at: usize, open: bool, labels: &mut Vec<Label>) {
    labels.clear();
    extend(text, at, open, Dot::Plain, labels);
}

/// Reads on behind a dot of another kind.
pub(super) fn extend(text: &str, at: usize, open: bool, dot: Dot, labels: &mut Vec<Label>) {
    let (mut from, mut dot) = (at, dot);
    loop {
        let Some(to) = label_end(text, from, open, !labels.is_empty()) else { return };
        labels.push(Label { from, to, dot });
        match dot_at(text, to, open) {
            Some((next @ (Dot::Plain | Dot::Disguised), width)) => (dot, from) = (next, to + width),
            _ => return,
        }
    }
}

/// Where the label that begins at `from` ends; none when there is none, or it is too long for one.
fn label_end(text: &str, from: usize, open: bool, inner: bool) -> Option<usize> {
    let octets = text.as_bytes();
    let mut at = from;
    let mut last = from;
    while let Some(octet) = octets.get(at) {
        match octet {
            b'a'..=b'z' | b'0'..=b'9' => {
                at += 1;
                last = at;
            }
            b'-' | b'_' if at > from => at += 1,
            // A line break inside a word goes on behind its hyphen.
            b'\n' if at > last && octets.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) => at += 1,
            b'%' if open && percent(octets.get(at..)?).is_some_and(|b| b != b'.') => {
                at += 3;
                last = at;
            }
            0x80.. => {
                let c = text.get(at..)?.chars().next()?;
                let glued = is_unspaced(c) && (!open || (inner && is_top(text.get(from..at)?)));
                if glued || !(letter::is_alphanumeric(c) || is_mark(c)) {
                    break;
                }
                at += c.len_utf8();
                last = at;
            }
            _ => break,
        }
        if at - from > LABEL_OCTETS_MAX {
            return None;
        }
    }
    (last > from).then_some(last)
}

/// Where the label that ends at `to` begins, not before `floor`.
pub(super) fn label_start(text: &str, to: usize, floor: usize) -> usize {
    let octets = text.as_bytes();
    let mut at = to;
    let mut first = to;
    while at > floor && to - at <= LABEL_OCTETS_MAX {
        match octets.get(at - 1) {
            Some(b'a'..=b'z' | b'0'..=b'9') => {
                at -= 1;
                first = at;
            }
            Some(b'-' | b'_') => at -= 1,
            // A line break inside a word that ends in a hyphen.
            Some(b'\n') if at >= 2 && octets.get(at - 2) == Some(&b'-') && first == at => at -= 1,
            Some(0x80..) => {
                let Some(c) = text.get(..at).and_then(|t| t.chars().next_back()) else { break };
                if is_unspaced(c) || !(letter::is_alphanumeric(c) || is_mark(c)) {
                    break;
                }
                at -= c.len_utf8();
                first = at;
            }
            _ => break,
        }
    }
    first
}

/// What joins the label that ends at `at` to the next, and its octets.
pub(super) fn dot_at(text: &str, at: usize, open: bool) -> Option<(Dot, usize)> {
    let rest = text.get(at..)?;
    let (dot, width) = match rest.as_bytes() {
        [b'.', b'a'..=b'z' | b'0'..=b'9' | 0x80..=0xff, ..] => (Dot::Plain, 1),
        [b'.' | b'\n', ..] => loose(rest)?,
        [b',', ..] => (Dot::Comma, 1),
        [b'[' | b'(' | b'{', ..] => bracketed(rest)?,
        [b' ', ..] => spaced(rest)?,
        [b'%', b'2', b'e', ..] if open => (Dot::Disguised, 3),
        [0x80..=0xff, ..] => beyond_ascii(rest)?,
        _ => return None,
    };
    starts_label(rest.get(width..)?, open).then_some((dot, width))
}

fn starts_label(rest: &str, open: bool) -> bool {
    match rest.as_bytes() {
        [b'a'..=b'z' | b'0'..=b'9', ..] => true,
        [b'%', ..] => open && percent(rest.as_bytes()).is_some(),
        [0x80..=0xff, ..] => {
            rest.chars().next().is_some_and(|c| (open || !is_unspaced(c)) && letter::is_alphanumeric(c))
        }
        _ => false,
    }
}

/// A dot with spaces or a line break before or behind it.
fn loose(rest: &str) -> Option<(Dot, usize)> {
    let dot = skip_gap(rest);
    let after = skip_gap(dot.strip_prefix('.')?);
    let gap = rest.get(..rest.len() - after.len())?;
    Some((if gap.contains('\n') { Dot::Broken } else { Dot::Spaced }, gap.len()))
}

/// Without the spaces and line breaks at its start, three octets at most.
fn skip_gap(text: &str) -> &str {
    let gap = text.bytes().take(3).take_while(|b| matches!(b, b' ' | b'\n')).count();
    text.get(gap..).unwrap_or_default()
}

/// Whether what stands behind a dot with a space, or behind a comma, may be a suffix: hardly any next sentence begins so.
pub(super) fn loose_top(dot: &str) -> bool {
    let octets = dot.as_bytes();
    let gap = octets.iter().skip(1).take(3).take_while(|b| matches!(b, b' ' | b'\n')).count();
    let Some(top) = dot.get(1 + gap..) else { return false };
    let letters = top.bytes().take(8).take_while(u8::is_ascii_lowercase).count();
    match (letters, top.as_bytes().get(letters)) {
        (2.., Some(b'/')) => true,
        (2.., Some(b'.' | b':')) => top.as_bytes().get(letters + 1).is_some_and(u8::is_ascii_alphanumeric),
        (2..=5, _) => super::belief::RARE.at_start(top).is_some(),
        _ => false,
    }
}

/// `[.]`, `(dot)`, `{ . }`.
fn bracketed(rest: &str) -> Option<(Dot, usize)> {
    let inner = rest.get(1..)?;
    let inner = inner.strip_prefix(' ').unwrap_or(inner);
    let inner = match inner.strip_prefix(['.', ',']) {
        Some(inner) => inner,
        None => inner.get(DOTS.at_start(inner)?.0..)?,
    };
    let inner = inner.strip_prefix(' ').unwrap_or(inner);
    let after = inner.strip_prefix([']', ')', '}'])?;
    let after = after.strip_prefix(' ').unwrap_or(after);
    Some((Dot::Disguised, rest.len() - after.len()))
}

/// ` . `, ` .`, ` dot `, ` [.] `.
fn spaced(rest: &str) -> Option<(Dot, usize)> {
    let inner = skip_gap(rest);
    let gap = rest.len() - inner.len();
    match inner.as_bytes() {
        [b'.', ..] => loose(rest),
        [b'[' | b'(' | b'{', ..] => bracketed(inner).map(|(dot, width)| (dot, width + gap)),
        [b'd' | b't' | b'c' | b'p', ..] | [0x80..=0xff, ..] => {
            let (width, ()) = DOTS.at_start(inner)?;
            let after = super::words::trim_spaces_start(inner.get(width..)?, 2);
            Some((Dot::Spelled, rest.len() - after.len()))
        }
        _ => None,
    }
}

fn beyond_ascii(rest: &str) -> Option<(Dot, usize)> {
    let (width, ()) = DOTS.at_start(rest)?;
    let after = super::words::trim_spaces_start(rest.get(width..)?, 1);
    Some((Dot::Spelled, rest.len() - after.len()))
}

/// The octet that `%65` stands for.
fn percent(octets: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = octets else { return None };
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

/// Appends a label as a resolver gets it: percent signs read, line breaks gone.
pub(super) fn push_label(written: &str, out: &mut String) {
    if !written.contains(['%', '\n']) {
        out.push_str(written);
        return;
    }
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        let width = match percent(rest.as_bytes()) {
            // Octets beyond ASCII would be UTF-8 in pieces: what they spell is for the resolver to refuse.
            Some(octet) if octet.is_ascii_graphic() => {
                out.push(char::from(octet.to_ascii_lowercase()));
                3
            }
            Some(_) => 3,
            None if c == '\n' => 1,
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(width..).unwrap_or_default();
    }
}

/// Whether a name is a public suffix, whole.
pub(super) fn is_suffix(name: &str) -> bool {
    use psl::Psl;
    name.len() > 1
        && !name.as_bytes().last().is_some_and(u8::is_ascii_digit)
        && psl::List.suffix(name.as_bytes()).is_some_and(|s| s.is_known() && s.as_bytes().len() == name.len())
}

/// Whether a label is a top-level domain.
pub(super) fn is_top(label: &str) -> bool {
    is_suffix(label) || OPEN_BELOW.contains(&label)
}

/// Top-level domains of which the list knows only what is below: `*.mm`.
const OPEN_BELOW: &[&str] = &["ck", "er", "fk", "jm", "mm", "np", "pg"];

/// An IPv4 address in any notation that browsers read (WHATWG URL §3.5): one to four numbers, decimal, octal or
/// hexadecimal, of which the last fills what is left.
pub(super) fn ipv4_any(host: &str) -> Option<Ipv4Addr> {
    let mut numbers = [0u64; 4];
    let mut count = 0;
    for part in host.split('.') {
        *numbers.get_mut(count)? = ipv4_number(part)?;
        count += 1;
    }
    let (last, before) = numbers.get(..count)?.split_last()?;
    if before.iter().any(|n| *n > 255) || *last >= 1u64 << (8 * (4 - before.len())) {
        return None;
    }
    let high = before.iter().zip([24, 16, 8]).fold(0, |sum, (n, shift)| sum | n << shift);
    Some(Ipv4Addr::from_bits(u32::try_from(high | last).ok()?))
}

fn ipv4_number(part: &str) -> Option<u64> {
    if let Some(hex) = part.strip_prefix("0x") {
        return if hex.is_empty() { Some(0) } else { u64::from_str_radix(hex, 16).ok() };
    }
    match part.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ if part.starts_with('+') => None,
        _ => part.parse().ok(),
    }
}

/// An IPv6 address in brackets, and its octets with them.
pub(super) fn ipv6(rest: &str) -> Option<(Ipv6Addr, usize)> {
    let inner = rest.strip_prefix('[')?;
    let end = inner.bytes().take(46).position(|b| b == b']')?;
    Some((inner.get(..end)?.parse().ok()?, end + 2))
}

/// Thai, Lao, Burmese, Khmer, kana, Han and Hangul stand beside a host without a space.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff | 0x19e0..=0x19ff | 0x3040..=0x30ff
        | 0x3400..=0x9fff | 0xaa60..=0xaa7f | 0xac00..=0xd7af | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff)
}

fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x300..=0x36f | 0x900..=0xdff) && !letter::is_alphanumeric(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_is_read_in_every_notation() {
        for (host, address) in [
            ("203.0.113.9", Some([203, 0, 113, 9])),
            ("0313.0.0161.011", Some([203, 0, 113, 9])),
            ("0xcb.0x0.0x71.0x9", Some([203, 0, 113, 9])),
            ("3405803785", Some([203, 0, 113, 9])),
            ("0xcb007109", Some([203, 0, 113, 9])),
            ("203.28937", Some([203, 0, 113, 9])),
            ("256.1.1.1", None),
            ("1.2.3.4.5", None),
            ("1.2.3.256", None),
            ("a.1", None),
            ("", None),
            ("09.1.1.1", None),
        ] {
            assert_eq!(ipv4_any(host), address.map(Ipv4Addr::from), "{host}");
        }
    }

    #[test]
    fn labels_are_read_with_the_dots_that_join_them() {
        let read = |text: &str| {
            let mut labels = Vec::new();
            super::read(text, 0, false, &mut labels);
            labels.iter().map(|l| text[l.from..l.to].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(read("a.b-c.com/x"), ["a", "b-c", "com"]);
        assert_eq!(read("bit[.]ly"), ["bit", "ly"]);
        assert_eq!(read("kbank (dot) co ok"), ["kbank", "co"]);
        assert_eq!(read("kbank.comด่วน"), ["kbank", "com"]);
        assert_eq!(read("kbank . com"), ["kbank"]);
        assert_eq!(dot_at("kbank . com", 5, false), Some((Dot::Spaced, 3)));
        assert_eq!(dot_at("kbank dot com", 5, false), Some((Dot::Spelled, 5)));
        assert_eq!(dot_at("kbank,com", 5, false), Some((Dot::Comma, 1)));
        assert_eq!(dot_at("kbank.\ncom", 5, false), Some((Dot::Broken, 2)));
        assert_eq!(dot_at("kbank , com", 5, false), None);
    }

    #[test]
    fn suffixes_are_those_of_the_list() {
        for name in ["com", "sg", "com.sg", "kh", "com.mm", "blogspot.com", "xn--fiqs8s", "中国"] {
            assert!(is_suffix(name) || is_top(name), "{name}");
        }
        for name in ["apk", "dbs.com", "please", "c", "1", ""] {
            assert!(!is_suffix(name) && !is_top(name), "{name}");
        }
        let stale: Vec<_> = OPEN_BELOW.iter().filter(|t| is_suffix(t) || !is_suffix(&format!("x.{t}"))).collect();
        assert!(stale.is_empty(), "in the list by now: {stale:?}");
    }
}
