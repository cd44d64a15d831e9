//! Phone numbers that a text asks to call.

use std::ops::Range;

use super::amount::Amount;
use super::link::Link;
use super::number::{Country, Number};
use super::overlaps;
use crate::limits::ENTITIES_MAX;

/// One number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Octets of the text.
    pub written: Range<usize>,
    /// The international number; as written where nobody can say which country it belongs to.
    pub number: Number,
}

/// Octets of one candidate: digits and what groups them.
const CANDIDATE_OCTETS_MAX: usize = 32;

/// Finds numbers. `home` is the country that national ones belong to.
pub(super) fn find(text: &str, home: Option<Country>, links: &[Link], amounts: &[Amount], phones: &mut Vec<Phone>) {
    phones.clear();
    let mut at = 0;
    while at < text.len() && phones.len() < ENTITIES_MAX {
        let rest = text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        if !(c.is_ascii_digit() || c == '+' || c == '(') {
            at += c.len_utf8();
            continue;
        }
        let len = candidate(rest);
        let range = at..at + len;
        let taken =
            links.iter().any(|l| overlaps(&l.written, &range)) || amounts.iter().any(|a| overlaps(&a.written, &range));
        let joined =
            text.get(..at).and_then(|t| t.chars().next_back()).is_some_and(|p| p.is_ascii_alphabetic() || p == '.');
        if !taken
            && !joined
            && let Some(number) =
                number(text.get(range.clone()).unwrap_or_default(), text.get(..at).unwrap_or_default(), home)
        {
            phones.push(Phone { written: range, number });
        }
        at += len.max(c.len_utf8());
    }
}

/// Octets of digits in groups: `+65 6000 1111`, `03-2345 6789`, `(02) 123.4567`.
fn candidate(rest: &str) -> usize {
    let mut end = 0;
    let mut gap = 0;
    for (at, c) in rest.char_indices().take(CANDIDATE_OCTETS_MAX) {
        match c {
            '0'..='9' => {
                end = at + 1;
                gap = 0;
            }
            '+' | '(' if at == 0 => {}
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    end
}

/// Words that say a number is to be called.
const CALLS: &[&str] = &[
    "call",
    "tel",
    "phone",
    "dial",
    "hotline",
    "contact",
    "whatsapp",
    "wa",
    "hubungi",
    "telefon",
    "telp",
    "hp",
    "โทร",
    "ติดต่อ",
    "goi",
    "gọi",
    "lien he",
    "liên hệ",
    "sđt",
    "tawag",
    "text",
    "sms",
    "电话",
    "致电",
    "拨打",
    "call center",
];

fn number(written: &str, before: &str, home: Option<Country>) -> Option<Number> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let groups: Vec<&str> = written.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
    let grouped = groups.len() > 1;
    if looks_like_a_date(&groups, written) {
        return None;
    }
    let international = written.starts_with('+') || (digits.starts_with("00") && digits.len() > 10);
    if international {
        return (9..=17)
            .contains(&digits.len())
            .then(|| Number::international(digits.trim_start_matches("00")))
            .flatten();
    }
    let asked = || {
        let tail: String = before.chars().rev().take(24).collect::<Vec<_>>().into_iter().rev().collect();
        let tail = tail.to_lowercase();
        CALLS.iter().any(|c| tail.contains(c))
    };
    let national = digits.starts_with('0') && (9..=11).contains(&digits.len());
    let free = ["1800", "1300", "1900", "800"].iter().any(|p| digits.starts_with(p))
        && (8..=11).contains(&digits.len())
        && grouped;
    let local = (7..=12).contains(&digits.len()) && asked();
    if !(national || free || local) {
        return None;
    }
    home.and_then(|home| Number::national(&digits, home)).or_else(|| Number::unplaced(&digits))
}

fn looks_like_a_date(groups: &[&str], written: &str) -> bool {
    let short = groups.len() == 3 && !written.starts_with(['+', '0']) && groups.iter().all(|g| g.len() <= 4);
    short && groups.iter().any(|g| g.len() == 4 && (g.starts_with("19") || g.starts_with("20") || g.starts_with("25")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, home: &str) -> Vec<String> {
        let mut phones = Vec::new();
        find(text, Country::parse(home), &[], &[], &mut phones);
        phones.iter().map(|p| p.number.digits().to_owned()).collect()
    }

    #[test]
    fn numbers_to_call_are_found() {
        assert_eq!(found("Help: dbs.com.sg or +65 6000 1111", "SG"), ["6560001111"]);
        assert_eq!(found("RM0.00 Sila hubungi 03-2345 6789 segera", "MY"), ["60323456789"]);
        assert_eq!(found("min4t hub WA 0812-3456-7890", "ID"), ["6281234567890"]);
        assert_eq!(found("โทร 0812345678", "TH"), ["66812345678"]);
        assert_eq!(found("call 61234567 now", "SG"), ["6561234567"]);
    }

    #[test]
    fn codes_and_dates_are_no_numbers_to_call() {
        assert_eq!(found("Kod TAC anda 482913 pada 23/11/2026 10.30pm", "MY"), [""; 0]);
        assert_eq!(found("OTP 12345678. Ref 2026-11-23", "SG"), [""; 0]);
    }
}
