//! Amounts of money and one-time codes.

use std::ops::Range;

use super::link::Link;
use super::overlaps;
use super::phone::Phone;
use crate::limits::ENTITIES_MAX;

/// One amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Octets of the text.
    pub written: Range<usize>,
    /// ISO 4217.
    pub currency: [u8; 3],
    /// In hundredths.
    pub value: u64,
}

/// One code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Octets of the text.
    pub written: Range<usize>,
    /// Digits.
    pub len: usize,
}

/// What stands before an amount.
const BEFORE: &[(&str, &[u8; 3])] = &[
    ("s$", b"SGD"),
    ("sgd", b"SGD"),
    ("us$", b"USD"),
    ("usd", b"USD"),
    ("hk$", b"HKD"),
    ("rm", b"MYR"),
    ("myr", b"MYR"),
    ("rp.", b"IDR"),
    ("rp", b"IDR"),
    ("idr", b"IDR"),
    ("php", b"PHP"),
    ("₱", b"PHP"),
    ("thb", b"THB"),
    ("฿", b"THB"),
    ("rs.", b"INR"),
    ("rs", b"INR"),
    ("inr", b"INR"),
    ("₹", b"INR"),
    ("₦", b"NGN"),
    ("ngn", b"NGN"),
    ("£", b"GBP"),
    ("€", b"EUR"),
    ("¥", b"CNY"),
    ("￥", b"CNY"),
    ("rmb", b"CNY"),
    ("vnd", b"VND"),
    ("₫", b"VND"),
    ("$", b"USD"),
    ("p", b"PHP"),
];

/// What stands behind one.
const BEHIND: &[(&str, &[u8; 3])] = &[
    ("บาท", b"THB"),
    ("baht", b"THB"),
    ("thb", b"THB"),
    ("元", b"CNY"),
    ("万元", b"CNY"),
    ("块", b"CNY"),
    ("vnđ", b"VND"),
    ("vnd", b"VND"),
    ("đồng", b"VND"),
    ("dong", b"VND"),
    ("đ", b"VND"),
    ("₫", b"VND"),
    ("pesos", b"PHP"),
    ("peso", b"PHP"),
    ("php", b"PHP"),
    ("ringgit", b"MYR"),
    ("rupiah", b"IDR"),
    ("juta", b"IDR"),
    ("ribu", b"IDR"),
    ("jt", b"IDR"),
    ("rb", b"IDR"),
    ("usdt", b"USD"),
    ("usd", b"USD"),
    ("dollars", b"USD"),
    ("sgd", b"SGD"),
    ("€", b"EUR"),
    ("tr", b"VND"),
    ("triệu", b"VND"),
    ("trieu", b"VND"),
];

/// Multiples that stand behind the digits.
const MULTIPLES: &[(&str, u64)] = &[
    ("juta", 1_000_000),
    ("jt", 1_000_000),
    ("triệu", 1_000_000),
    ("trieu", 1_000_000),
    ("tr", 1_000_000),
    ("ribu", 1_000),
    ("rb", 1_000),
    ("万", 10_000),
    ("k", 1_000),
];

pub(super) fn find_amounts(text: &str, links: &[Link], amounts: &mut Vec<Amount>) {
    amounts.clear();
    let mut at = 0;
    while at < text.len() && amounts.len() < ENTITIES_MAX {
        let rest = text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        if !c.is_ascii_digit() {
            at += c.len_utf8();
            continue;
        }
        let digits = number_len(rest);
        if let Some(amount) = amount(text, at, digits)
            && !links.iter().any(|l| overlaps(&l.written, &amount.written))
        {
            amounts.push(amount);
        }
        at += digits;
    }
}

/// Octets of digits with their separators.
fn number_len(rest: &str) -> usize {
    let all = rest.bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b',')).count();
    rest.get(..all).map_or(0, |t| t.trim_end_matches(['.', ',']).len())
}

fn amount(text: &str, at: usize, digits: usize) -> Option<Amount> {
    let number = text.get(at..at + digits)?;
    let behind = text.get(at + digits..)?;
    let gap = behind.len() - behind.trim_start_matches([' ', '\u{a0}']).len();
    let behind_lower: String = behind.get(gap.min(2)..)?.chars().take(8).flat_map(char::to_lowercase).collect();
    let (multiple, skip) = MULTIPLES
        .iter()
        .find(|(m, _)| behind_lower.starts_with(m) && ends_word(&behind_lower, m.len()))
        .map_or((1, 0), |(m, times)| (*times, m.len()));
    let value = parse(number)?.checked_mul(multiple)?;
    let before = text.get(..at)?;
    if let Some((written, currency)) = currency_before(before) {
        let end = at + digits + if skip > 0 { gap.min(2) + skip } else { 0 };
        return Some(Amount { written: at - written..end, currency, value });
    }
    let (word, currency) =
        BEHIND.iter().find(|(w, _)| behind_lower.starts_with(w) && ends_word(&behind_lower, w.len()))?;
    let end = at + digits + gap.min(2) + word.len();
    text.get(at..end)?;
    Some(Amount { written: at..end, currency: **currency, value })
}

fn ends_word(text: &str, at: usize) -> bool {
    let last_is_ascii = text.get(..at).and_then(|t| t.chars().next_back()).is_some_and(|c| c.is_ascii());
    !last_is_ascii || !text.get(at..).and_then(|t| t.chars().next()).is_some_and(|c| c.is_ascii_alphanumeric())
}

fn currency_before(before: &str) -> Option<(usize, [u8; 3])> {
    let near = before.trim_end_matches([' ', '\u{a0}']);
    if before.len() - near.len() > 2 {
        return None;
    }
    let lower: String =
        near.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().flat_map(char::to_lowercase).collect();
    let (sign, currency) = BEFORE.iter().find(|(sign, _)| {
        let Some(rest) = lower.strip_suffix(sign) else { return false };
        let letters = sign.bytes().all(|b| b.is_ascii_alphabetic() || b == b'.');
        let joined = rest.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        let alone = *sign != "p" || before.len() == near.len();
        (!letters || !joined) && alone
    })?;
    Some((before.len() - near.len() + sign.len(), **currency))
}

/// A number in hundredths: the last separator parts decimals when two digits or fewer follow it.
fn parse(number: &str) -> Option<u64> {
    let last = number.rfind(['.', ',']);
    let (whole, decimals) = match last {
        Some(at) if number.len() - at <= 3 => (number.get(..at)?, number.get(at + 1..)?),
        _ => (number, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let hundredths: u64 = format!("{decimals:0<2}").parse().ok()?;
    digits.parse::<u64>().ok()?.checked_mul(100)?.checked_add(hundredths)
}

/// Codes have from four to eight digits and stand alone.
pub(super) fn find_codes(text: &str, links: &[Link], phones: &[Phone], amounts: &[Amount], codes: &mut Vec<Code>) {
    codes.clear();
    let mut at = 0;
    while at < text.len() && codes.len() < ENTITIES_MAX {
        let rest = text.get(at..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        if !c.is_ascii_digit() {
            at += c.len_utf8();
            continue;
        }
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let range = at..at + len;
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = rest.get(len..).and_then(|t| t.chars().next());
        let after_after = rest.get(len..).and_then(|t| t.chars().nth(1));
        let joins =
            |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | ':' | '+' | '*'));
        let decimal = matches!(after, Some('.' | ',' | '-' | '/')) && after_after.is_some_and(|c| c.is_ascii_digit());
        let in_number = matches!(before, Some('.' | ',' | '-' | '/'))
            && text.get(..at).and_then(|t| t.chars().rev().nth(1)).is_some_and(|c| c.is_ascii_digit());
        let alone = !joins(before) && !joins(after) && !decimal && !in_number;
        let taken = links.iter().any(|l| overlaps(&l.written, &range))
            || phones.iter().any(|p| overlaps(&p.written, &range))
            || amounts.iter().any(|a| overlaps(&a.written, &range));
        if (4..=8).contains(&len) && alone && !taken {
            codes.push(Code { written: range, len });
        }
        at += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(text: &str) -> Vec<(String, &'static str, u64)> {
        let mut found = Vec::new();
        find_amounts(text, &[], &mut found);
        let name = |c: [u8; 3]| {
            BEFORE.iter().chain(BEHIND).find(|(_, x)| **x == c).map_or("?", |(_, x)| std::str::from_utf8(*x).unwrap())
        };
        found.iter().map(|a| (text[a.written.clone()].to_owned(), name(a.currency), a.value)).collect()
    }

    #[test]
    fn amounts_of_the_region_are_read() {
        assert_eq!(amounts("Jumlah RM1,250.00 pada"), [("RM1,250.00".to_owned(), "MYR", 125_000)]);
        assert_eq!(amounts("รายได้ 2,000 บาท"), [("2,000 บาท".to_owned(), "THB", 200_000)]);
        assert_eq!(amounts("Rp 1.500.000 cair"), [("Rp 1.500.000".to_owned(), "IDR", 150_000_000)]);
        assert_eq!(amounts("limit 500jt"), [("500jt".to_owned(), "IDR", 50_000_000_000)]);
        assert_eq!(amounts("have P1222 for"), [("P1222".to_owned(), "PHP", 122_200)]);
        assert_eq!(amounts("S$12.50 or $9"), [("S$12.50".to_owned(), "SGD", 1_250), ("$9".to_owned(), "USD", 900)]);
        assert_eq!(amounts("bai 12 at 10.30pm, room 5"), []);
    }

    #[test]
    fn codes_stand_alone() {
        let codes = |text: &str| {
            let mut found = Vec::new();
            find_codes(text, &[], &[], &[], &mut found);
            found.iter().map(|c| text[c.written.clone()].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(codes("OTP 482913 (Ref 77)"), ["482913"]);
        assert_eq!(codes("23/11/2026 1,250.00 ab1234"), [""; 0]);
    }
}
