//! Amounts of money, in the ways that the region writes them.

use std::ops::Range;
use std::sync::LazyLock;

use super::marks::Run;
use super::words::{self, Words};
use super::{Taken, number::Country};
use crate::limits::ENTITIES_MAX;

/// ISO 4217, in capital letters.
pub type Currency = [u8; 3];

/// One amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// Octets of the text.
    pub written: Range<usize>,
    /// Its currency.
    pub currency: Currency,
    /// In hundredths.
    pub value: u64,
}

impl Amount {
    /// Its currency's three letters.
    #[must_use]
    pub fn currency(&self) -> &str {
        std::str::from_utf8(&self.currency).unwrap_or_default()
    }
}

/// What a currency is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// It is this one wherever it is read.
    Of(Currency),
    /// A dollar sign: the reader's own dollar, else the American one.
    Dollar,
    /// ¥: the yen in Japan, else the yuan.
    Yen,
    /// A letter that is a sign only right before a number: P1222.
    Letter(Currency),
    /// A letter that is a sign only behind a thousand or more: 9000d.
    Many(Currency),
}

/// What a number is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times(u64, Option<Currency>);

use Sign::{Dollar, Letter, Many, Of, Yen};

static BEFORE: LazyLock<Words<Sign>> = LazyLock::new(|| {
    Words::by_last(&[
        (Dollar, "$"),
        (Of(*b"SGD"), "s$|sgd"),
        (Of(*b"BND"), "b$|bnd"),
        (Of(*b"USD"), "us$|usd|usdt"),
        (Of(*b"HKD"), "hk$|hkd"),
        (Of(*b"TWD"), "nt$|twd"),
        (Of(*b"AUD"), "a$|aud"),
        (Of(*b"MYR"), "rm|myr"),
        (Of(*b"IDR"), "rp|idr"),
        (Of(*b"PHP"), "₱|php"),
        (Letter(*b"PHP"), "p"),
        (Of(*b"THB"), "฿|thb"),
        (Of(*b"VND"), "₫|vnd|vnđ"),
        (Of(*b"KHR"), "៛|khr"),
        (Of(*b"LAK"), "₭|lak"),
        (Of(*b"MMK"), "mmk"),
        (Yen, "¥"),
        (Of(*b"CNY"), "rmb|cny|人民币"),
        (Of(*b"JPY"), "jpy"),
        (Of(*b"KRW"), "₩|krw"),
        (Of(*b"INR"), "₹|rs|inr"),
        (Of(*b"NGN"), "₦|ngn"),
        (Of(*b"GBP"), "£|gbp"),
        (Of(*b"EUR"), "€|eur"),
    ])
});

static BEHIND: LazyLock<Words<Sign>> = LazyLock::new(|| {
    Words::by_first(&[
        (Dollar, "$|dollar|dollars"),
        (Of(*b"SGD"), "sgd|新币"),
        (Of(*b"BND"), "bnd"),
        (Of(*b"USD"), "usd|usdt|美元|美金"),
        (Of(*b"HKD"), "hkd|港币"),
        (Of(*b"MYR"), "ringgit|myr|令吉"),
        (Of(*b"IDR"), "rupiah|idr"),
        (Of(*b"PHP"), "peso|pesos|piso|php|₱|比索"),
        (Of(*b"THB"), "บาท|บ.|บ/|บ |baht|bath|thb|฿|泰铢"),
        (Of(*b"VND"), "đ|₫|vnđ|vnd|đồng|dong"),
        (Many(*b"VND"), "d"),
        (Of(*b"KHR"), "riel|khr|៛|រៀល"),
        (Of(*b"LAK"), "kip|lak|₭|ກີບ"),
        (Of(*b"MMK"), "kyat|kyats|mmk|ကျပ်"),
        (Many(*b"MMK"), "ks"),
        (Of(*b"CNY"), "元|块|圆|rmb|cny|yuan|人民币"),
        (Of(*b"JPY"), "円|jpy"),
        (Of(*b"KRW"), "원|krw"),
        (Of(*b"INR"), "rupees|inr"),
        (Of(*b"NGN"), "naira|ngn"),
        (Of(*b"GBP"), "pounds|gbp"),
        (Of(*b"EUR"), "€|euro|eur"),
    ])
});

static TIMES: LazyLock<Words<Times>> = LazyLock::new(|| {
    let (idr, vnd) = (Some(*b"IDR"), Some(*b"VND"));
    Words::by_first(&[
        (Times(1_000, None), "k|ngan|thousand|พัน|千"),
        (Times(1_000, idr), "rb|ribu"),
        (Times(1_000_000, idr), "jt|juta"),
        (Times(1_000_000_000, idr), "miliar"),
        (Times(1_000, vnd), "nghin|nghìn|ngàn"),
        (Times(1_000_000, vnd), "tr|trieu|triệu"),
        (Times(1_000_000_000, vnd), "tỷ"),
        (Times(1_000_000_000, None), "ty"),
        (Times(1_000_000, None), "m|million|ล้าน"),
        (Times(10_000, None), "หมื่น|万|萬"),
        (Times(100_000, None), "แสน|lakh"),
        (Times(100_000_000, None), "亿"),
        (Times(10_000_000, None), "crore"),
    ])
});

/// The currencies that amounts are found in.
pub const CURRENCIES: &[&str] = &[
    "AUD", "BND", "CNY", "EUR", "GBP", "HKD", "IDR", "INR", "JPY", "KHR", "KRW", "LAK", "MMK", "MYR", "NGN", "PHP",
    "SGD", "THB", "TWD", "USD", "VND",
];

/// Finds amounts. `home` is where the text is read.
pub(super) fn find(text: &str, home: Option<Country>, runs: &[Run], taken: &Taken, amounts: &mut Vec<Amount>) {
    amounts.clear();
    let mut runs = runs;
    while let Some((first, rest)) = runs.split_first()
        && amounts.len() < ENTITIES_MAX
    {
        runs = rest;
        if taken.holds(first.start) {
            continue;
        }
        let mut end = first.end;
        while let Some((next, rest)) = runs.split_first()
            && next.start == end + 1
            && matches!(text.as_bytes().get(end), Some(b'.' | b','))
        {
            end = next.end;
            runs = rest;
        }
        let floor = amounts.last().map_or(0, |a: &Amount| a.written.end);
        let mut found = amount(text, first.start..end, floor, home);
        if found.is_none() {
            // `2 000 000 vnd`
            let mut wide = end;
            for next in runs.iter().take(4).take_while(|r| r.len() == 3) {
                if next.start != wide + 1 || text.as_bytes().get(wide) != Some(&b' ') || end - first.start > 3 {
                    break;
                }
                wide = next.end;
            }
            if wide > end {
                found = amount(text, first.start..wide, floor, home);
                let taken = if found.is_some() { runs.iter().take_while(|r| r.end <= wide).count() } else { 0 };
                runs = runs.get(taken..).unwrap_or_default();
            }
        }
        amounts.extend(found);
    }
}

/// The amount whose number this is; the text before `floor` belongs to another.
fn amount(text: &str, number: Range<usize>, floor: usize, home: Option<Country>) -> Option<Amount> {
    if !may_be_money(text.as_bytes(), &number) {
        return None;
    }
    let before = text.get(floor..number.start)?;
    let sign_before = sign_before(before);
    let mut end = number.end;
    let behind = text.get(end..)?;
    let gap = |rest: &str| rest.len() - words::trim_spaces_start(rest, 1).len();
    let near = behind.get(gap(behind)..)?;
    let times = TIMES
        .at_start(near)
        .filter(|(_, t)| gap(behind) == 0 || t.0 != 1_000 || t.1.is_some() || !near.starts_with('k'));
    let times = times.map(|(len, times)| (gap(behind) + len, times));
    if let Some((len, _)) = times {
        end += len;
    }
    let last = text.get(end..)?;
    let near = last.get(gap(last)..)?;
    let sign_behind = BEHIND.at_start(near).map(|(len, sign)| (gap(last) + len, sign)).or_else(|| {
        // `100บ` at the end.
        (near == "บ").then_some((gap(last) + near.len(), Of(*b"THB")))
    });
    let written = text.get(number.clone())?;
    let value = parse(written)?.checked_mul(times.map_or(1, |(_, t)| t.0))?;
    let joined = text.as_bytes().get(end).is_some_and(u8::is_ascii_alphabetic);
    let currency = match (sign_before, sign_behind, times) {
        (Some((len, sign)), _, _) if !(joined && before.as_bytes().last().is_some_and(u8::is_ascii_alphabetic)) => {
            let start = number.start - len;
            return Some(Amount { written: start..end, currency: currency(sign, home), value });
        }
        (_, Some((len, sign)), _) => {
            if matches!(sign, Many(_)) && value < 100_000 {
                return None;
            }
            end += text.get(end..end + len)?.trim_end_matches([' ', '/']).len();
            currency(sign, home)
        }
        (_, None, Some((_, Times(_, Some(currency))))) if !joined => currency,
        _ => return None,
    };
    Some(Amount { written: number.start..end, currency, value })
}

/// Whether what is beside a number can be a currency's sign at all.
fn may_be_money(octets: &[u8], number: &Range<usize>) -> bool {
    let near = octets.get(..number.start).unwrap_or_default().iter().rev().take(4);
    let before = near.copied().find(|b| !matches!(b, b' ' | b'.' | b':'));
    let near = octets.get(number.end..).unwrap_or_default().iter().take(2);
    let behind = near.copied().find(|b| *b != b' ');
    before.is_some_and(|b| BEFORE.may_be(b)) || behind.is_some_and(|b| BEHIND.may_be(b) || TIMES.may_be(b))
}

/// The sign of a currency right before a number, and how far it is to its start.
fn sign_before(before: &str) -> Option<(usize, Sign)> {
    let near = words::trim_spaces_end(before, 2);
    let dotted = near.strip_suffix(['.', ':']).unwrap_or(near);
    let dotted = if dotted.len() < near.len() { words::trim_spaces_end(dotted, 1) } else { dotted };
    let (len, sign) = BEFORE.at_end(dotted)?;
    let distance = before.len() - dotted.len();
    let right = !matches!(sign, Letter(_)) || distance == 0;
    // A currency's letters need a point or nothing between them and the number; a colon is for whole words.
    right.then_some((distance + len, sign))
}

fn currency(sign: Sign, home: Option<Country>) -> Currency {
    let home = home.map(|c| c.0).unwrap_or_default();
    match sign {
        Of(currency) | Letter(currency) | Many(currency) => currency,
        Yen => *if home == *b"JP" { b"JPY" } else { b"CNY" },
        Dollar => *match &home {
            b"SG" => b"SGD",
            b"BN" => b"BND",
            b"HK" => b"HKD",
            b"TW" => b"TWD",
            b"AU" => b"AUD",
            _ => b"USD",
        },
    }
}

/// A number in hundredths: the last separator parts decimals when one or two digits follow it.
fn parse(number: &str) -> Option<u64> {
    let decimals = number.rfind(['.', ',']).filter(|at| number.len() - at <= 3);
    let (whole, decimals) = match decimals {
        Some(at) => (number.get(..at)?, number.get(at + 1..)?),
        None => (number, ""),
    };
    let digits = |text: &str, value: u64| {
        text.bytes()
            .filter(u8::is_ascii_digit)
            .try_fold(value, |sum, b| sum.checked_mul(10)?.checked_add(u64::from(b - b'0')))
    };
    let value = digits(decimals, digits(whole, 0)?)?;
    value.checked_mul(match decimals.len() {
        0 => 100,
        1 => 10,
        _ => 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_hundredths() {
        for (number, value) in [
            ("1,250.00", Some(125_000)),
            ("1.250,5", Some(125_050)),
            ("50.000", Some(5_000_000)),
            ("2.000.000", Some(200_000_000)),
            ("12", Some(1_200)),
            ("0.50", Some(50)),
            ("99999999999999999999", None),
        ] {
            assert_eq!(parse(number), value, "{number}");
        }
    }

    #[test]
    fn the_closed_set_of_currencies_is_what_is_found() {
        let all = BEFORE.meanings().chain(BEHIND.meanings()).map(|sign| currency(sign, None));
        let others = [b"SG", b"BN", b"HK", b"TW", b"AU", b"JP"].map(|c| Some(Country(*c)));
        let at_home = others.into_iter().flat_map(|home| [currency(Dollar, home), currency(Yen, home)]);
        let mut found: Vec<_> = all.chain(at_home).collect();
        found.sort_unstable();
        found.dedup();
        let named: Vec<_> = found.iter().map(|c| std::str::from_utf8(c).unwrap()).collect();
        assert_eq!(named, CURRENCIES);
    }
}
