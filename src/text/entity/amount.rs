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
        ("$", Dollar),
        ("s$", Of(*b"SGD")),
        ("sgd", Of(*b"SGD")),
        ("b$", Of(*b"BND")),
        ("bnd", Of(*b"BND")),
        ("us$", Of(*b"USD")),
        ("usd", Of(*b"USD")),
        ("usdt", Of(*b"USD")),
        ("hk$", Of(*b"HKD")),
        ("hkd", Of(*b"HKD")),
        ("nt$", Of(*b"TWD")),
        ("twd", Of(*b"TWD")),
        ("a$", Of(*b"AUD")),
        ("aud", Of(*b"AUD")),
        ("rm", Of(*b"MYR")),
        ("myr", Of(*b"MYR")),
        ("rp", Of(*b"IDR")),
        ("idr", Of(*b"IDR")),
        ("₱", Of(*b"PHP")),
        ("php", Of(*b"PHP")),
        ("p", Letter(*b"PHP")),
        ("฿", Of(*b"THB")),
        ("thb", Of(*b"THB")),
        ("₫", Of(*b"VND")),
        ("vnd", Of(*b"VND")),
        ("vnđ", Of(*b"VND")),
        ("៛", Of(*b"KHR")),
        ("khr", Of(*b"KHR")),
        ("₭", Of(*b"LAK")),
        ("lak", Of(*b"LAK")),
        ("mmk", Of(*b"MMK")),
        ("¥", Yen),
        ("rmb", Of(*b"CNY")),
        ("cny", Of(*b"CNY")),
        ("人民币", Of(*b"CNY")),
        ("jpy", Of(*b"JPY")),
        ("₩", Of(*b"KRW")),
        ("krw", Of(*b"KRW")),
        ("₹", Of(*b"INR")),
        ("rs", Of(*b"INR")),
        ("inr", Of(*b"INR")),
        ("₦", Of(*b"NGN")),
        ("ngn", Of(*b"NGN")),
        ("£", Of(*b"GBP")),
        ("gbp", Of(*b"GBP")),
        ("€", Of(*b"EUR")),
        ("eur", Of(*b"EUR")),
    ])
});

static BEHIND: LazyLock<Words<Sign>> = LazyLock::new(|| {
    Words::by_first(&[
        ("$", Dollar),
        ("dollar", Dollar),
        ("dollars", Dollar),
        ("sgd", Of(*b"SGD")),
        ("新币", Of(*b"SGD")),
        ("bnd", Of(*b"BND")),
        ("usd", Of(*b"USD")),
        ("usdt", Of(*b"USD")),
        ("美元", Of(*b"USD")),
        ("美金", Of(*b"USD")),
        ("hkd", Of(*b"HKD")),
        ("港币", Of(*b"HKD")),
        ("ringgit", Of(*b"MYR")),
        ("myr", Of(*b"MYR")),
        ("令吉", Of(*b"MYR")),
        ("rupiah", Of(*b"IDR")),
        ("idr", Of(*b"IDR")),
        ("peso", Of(*b"PHP")),
        ("pesos", Of(*b"PHP")),
        ("piso", Of(*b"PHP")),
        ("php", Of(*b"PHP")),
        ("₱", Of(*b"PHP")),
        ("比索", Of(*b"PHP")),
        ("บาท", Of(*b"THB")),
        ("บ.", Of(*b"THB")),
        ("บ/", Of(*b"THB")),
        ("บ ", Of(*b"THB")),
        ("baht", Of(*b"THB")),
        ("bath", Of(*b"THB")),
        ("thb", Of(*b"THB")),
        ("฿", Of(*b"THB")),
        ("泰铢", Of(*b"THB")),
        ("đ", Of(*b"VND")),
        ("₫", Of(*b"VND")),
        ("vnđ", Of(*b"VND")),
        ("vnd", Of(*b"VND")),
        ("đồng", Of(*b"VND")),
        ("dong", Of(*b"VND")),
        ("d", Many(*b"VND")),
        ("riel", Of(*b"KHR")),
        ("khr", Of(*b"KHR")),
        ("៛", Of(*b"KHR")),
        ("រៀល", Of(*b"KHR")),
        ("kip", Of(*b"LAK")),
        ("lak", Of(*b"LAK")),
        ("₭", Of(*b"LAK")),
        ("ກີບ", Of(*b"LAK")),
        ("kyat", Of(*b"MMK")),
        ("kyats", Of(*b"MMK")),
        ("ks", Many(*b"MMK")),
        ("mmk", Of(*b"MMK")),
        ("ကျပ်", Of(*b"MMK")),
        ("元", Of(*b"CNY")),
        ("块", Of(*b"CNY")),
        ("圆", Of(*b"CNY")),
        ("rmb", Of(*b"CNY")),
        ("cny", Of(*b"CNY")),
        ("yuan", Of(*b"CNY")),
        ("人民币", Of(*b"CNY")),
        ("円", Of(*b"JPY")),
        ("jpy", Of(*b"JPY")),
        ("원", Of(*b"KRW")),
        ("krw", Of(*b"KRW")),
        ("rupees", Of(*b"INR")),
        ("inr", Of(*b"INR")),
        ("naira", Of(*b"NGN")),
        ("ngn", Of(*b"NGN")),
        ("pounds", Of(*b"GBP")),
        ("gbp", Of(*b"GBP")),
        ("€", Of(*b"EUR")),
        ("euro", Of(*b"EUR")),
        ("eur", Of(*b"EUR")),
    ])
});

static TIMES: LazyLock<Words<Times>> = LazyLock::new(|| {
    let (idr, vnd) = (Some(*b"IDR"), Some(*b"VND"));
    Words::by_first(&[
        ("k", Times(1_000, None)),
        ("rb", Times(1_000, idr)),
        ("ribu", Times(1_000, idr)),
        ("jt", Times(1_000_000, idr)),
        ("juta", Times(1_000_000, idr)),
        ("miliar", Times(1_000_000_000, idr)),
        ("nghin", Times(1_000, vnd)),
        ("nghìn", Times(1_000, vnd)),
        ("ngan", Times(1_000, None)),
        ("ngàn", Times(1_000, vnd)),
        ("tr", Times(1_000_000, vnd)),
        ("trieu", Times(1_000_000, vnd)),
        ("triệu", Times(1_000_000, vnd)),
        ("tỷ", Times(1_000_000_000, vnd)),
        ("ty", Times(1_000_000_000, None)),
        ("m", Times(1_000_000, None)),
        ("million", Times(1_000_000, None)),
        ("thousand", Times(1_000, None)),
        ("พัน", Times(1_000, None)),
        ("หมื่น", Times(10_000, None)),
        ("แสน", Times(100_000, None)),
        ("ล้าน", Times(1_000_000, None)),
        ("千", Times(1_000, None)),
        ("万", Times(10_000, None)),
        ("萬", Times(10_000, None)),
        ("亿", Times(100_000_000, None)),
        ("lakh", Times(100_000, None)),
        ("crore", Times(10_000_000, None)),
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
