//! What stands behind a host: port, path and query.

use super::host;
use crate::text::fold::READING;

/// Octets of port, path and query behind a host.
pub(super) fn tail_len(rest: &str) -> usize {
    let octets = rest.as_bytes();
    let digits = rest.strip_prefix(':').map_or(0, |p| p.bytes().take_while(u8::is_ascii_digit).count());
    let port = if digits > 0 { digits + 1 } else { 0 };
    if !matches!(octets.get(port), Some(b'/' | b'?' | b'#' | b'\\')) {
        return port;
    }
    let mut end = port;
    while let Some(octet) = octets.get(end) {
        let width = match *octet {
            b' ' | b'<' | b'>' | b'"' | READING => break,
            b'\n' => {
                let cut = matches!(octets.get(end - 1), Some(b'-' | b'_' | b'/' | b'=' | b'&' | b'?' | b'%'));
                if !cut || !octets.get(end + 1).is_some_and(u8::is_ascii_alphanumeric) {
                    break;
                }
                1
            }
            ..0x80 => 1,
            _ => match rest.get(end..).and_then(|t| t.chars().next()) {
                Some(c) if !is_end(c) => c.len_utf8(),
                _ => break,
            },
        };
        end += width;
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

/// Whether a character beyond ASCII is none of a path, as people write them in texts.
fn is_end(c: char) -> bool {
    matches!(c, '「' | '」' | '《' | '》' | '【' | '】' | '“' | '”') || c.is_whitespace() || host::is_unspaced(c)
}

/// Whether a path or query ends in `.apk`, or has it before a `?`.
pub(super) fn names_a_package(tail: &str) -> bool {
    let octets = tail.as_bytes();
    memchr::memchr_iter(b'.', octets)
        .any(|at| octets.get(at..at + 4) == Some(b".apk") && !octets.get(at + 4).is_some_and(u8::is_ascii_alphanumeric))
}
