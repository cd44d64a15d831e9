//! Internationalized names both ways (UTS #46): what a resolver gets, and what a reader sees.

use std::fmt::Write;

use idna::uts46::{AsciiDenyList, ErrorPolicy, Hyphens, ProcessingSuccess, Uts46};

/// Appends the ASCII form of a name; answers false when it has none.
pub(super) fn push_ascii(name: &str, out: &mut String) -> bool {
    push(name, false, out)
}

/// Appends the form of a name that a reader sees; answers false when it is not a valid name.
pub(super) fn push_unicode(name: &str, out: &mut String) -> bool {
    push(name, true, out)
}

fn push(name: &str, unicode: bool, out: &mut String) -> bool {
    let before = out.len();
    let done = Uts46::new().process(
        name.as_bytes(),
        AsciiDenyList::EMPTY,
        Hyphens::Allow,
        ErrorPolicy::FailFast,
        |_, _, _| unicode,
        out,
        None,
    );
    match done {
        Ok(ProcessingSuccess::WroteToSink) => true,
        Ok(ProcessingSuccess::Passthrough) => out.write_str(name).is_ok(),
        Err(_) => {
            out.truncate(before);
            false
        }
    }
}

/// A name as lists hold it: small letters, ASCII where it has such a form.
#[must_use]
pub fn ascii(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let lower = name.to_lowercase();
    if lower.is_ascii() || !push_ascii(&lower, &mut out) {
        return lower;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        assert_eq!(ascii("KBаnk.com"), "xn--kbnk-63d.com");
        assert_eq!(ascii("Dbs.com.sg"), "dbs.com.sg");
        assert_eq!(ascii("กสิกร.com"), "xn--12ca6h0a4c.com");
        let mut shown = String::new();
        assert!(push_unicode("xn--kbnk-63d.com", &mut shown));
        assert_eq!(shown, "kbаnk.com");
        assert!(!push_unicode("xn--a-ecp.ru", &mut shown) && shown == "kbаnk.com");
    }
}
