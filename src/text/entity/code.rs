//! One-time codes: four to eight digits near a word that says so.

use std::ops::Range;
use std::sync::LazyLock;

use super::Taken;
use super::marks::{Marks, Needles, Run, each_word};
use super::words::Words;
use crate::limits::ENTITIES_MAX;
use crate::text::fold::READING;

/// One code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Octets of the text.
    pub written: Range<usize>,
    /// Digits.
    pub len: usize,
}

/// Digits of a code.
pub const DIGITS: std::ops::RangeInclusive<usize> = 4..=8;

/// Octets between a word and its code.
const REACH: usize = 48;

/// What a word says of digits near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Code,
    /// A code that everybody may know: of a promotion, of an area.
    Other,
}

/// Words that begin with a letter of ASCII.
static WORDS: LazyLock<Words<Says>> = LazyLock::new(|| {
    Words::by_first(&[
        (
            Says::Code,
            "otp|o.t.p|tac|pin|code|codes|c0de|passcode|password|kata laluan|kata sandi|sandi|kode|kod|token|\
             tan|one-time|one time|verification|verify|verifikasi|pengesahan|mã xác|ma xac|mã otp|ma otp|\
             mã bảo mật|ma bao mat|mã kích hoạt|ma kich hoat|mật khẩu|mat khau|mật mã|mat ma|mã pin|ma pin|\
             mã số|mã đăng nhập|ma dang nhap|xác thực|xac thuc|xác minh|xac minh|xác nhận|xac nhan|contraseña|\
             código|codigo",
        ),
        (
            Says::Other,
            "promo code|promocode|promotion code|voucher code|coupon code|discount code|referral code|ref code|\
             claim code|zip code|postal code|post code|postcode|area code|country code|dial code|short code|\
             shortcode|sort code|swift code|ussd code|qr code|dress code|source code|kode promo|kode voucher|\
             kode pos|kod promo|poskod|mã giảm giá|ma giam gia|mã khuyến mãi|ma giao dich|mã giao dịch|mã đơn|\
             ma don|mã kh|ma kh|tan phu|tan binh|pin code|bonus code|gift code|giftcode|service code|code of|\
             code to",
        ),
    ])
});

/// Words of other scripts, which stand anywhere.
static BEYOND_ASCII: LazyLock<Needles> = LazyLock::new(|| Needles::new("รหัส|ລະຫັດ|កូដ|ကုဒ်|码|碼|인증"));

/// What stands right before digits that are the end of a longer number, or of something else.
static NOT_BEFORE: LazyLock<Words<()>> = LazyLock::new(|| {
    Words::by_last(&[(
        (),
        "ending|ending in|ending with|ends|ends in|berakhir|berakhiran|ref|ref.|ref no|ref:|rujukan|reference|\
         order|invoice|acct|account|a/c|ac|akaun|rekening|rek|tk|stk|ลงท้าย|บัญชี|อ้างอิง|尾号|尾號|尾数|卡|year|tahun|\
         năm|nam|ปี|พ.ศ.|no|no.|to|dial|call|sms|text|txt|gửi|gui|ke|kirim ke|room|gate|flight|bus|x|xx|xxx|\
         xxxx|card|kad|kartu|thẻ|ticket|ext|ext.|seat",
    )])
});

/// Finds codes among the digits that nothing else has taken.
pub(super) fn find(text: &str, marks: &Marks, taken: &Taken, places: &mut Vec<(usize, usize)>, codes: &mut Vec<Code>) {
    codes.clear();
    let mut looked = false;
    let mut runs: &[Run] = &marks.runs;
    while let Some((run, rest)) = runs.split_first()
        && codes.len() < ENTITIES_MAX
    {
        runs = rest;
        let Some((end, len, used)) = candidate(text, *run, rest) else { continue };
        if taken.holds(run.start) {
            continue;
        }
        if !looked {
            looked = true;
            words(text, marks, places);
            if places.is_empty() {
                return;
            }
        }
        if is_near(text, run.start..end, len, places) {
            codes.push(Code { written: run.start..end, len });
            runs = rest.get(used..).unwrap_or_default();
        }
    }
}

/// Four to eight digits that stand alone, or twice three or four with a hyphen or a space between: where they end, how
/// many they are, and how many further runs belong to them.
fn candidate(text: &str, run: Run, rest: &[Run]) -> Option<(usize, usize, usize)> {
    let octets = text.as_bytes();
    let before = run.start.checked_sub(1).and_then(|n| octets.get(n)).copied();
    let two_before = run.start.checked_sub(2).and_then(|n| octets.get(n)).copied();
    // `G-123456`
    let prefixed = before == Some(b'-') && two_before == Some(b'g');
    let joins = |b: Option<u8>| {
        b.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+' | b'*' | b'$' | b'_' | b'\\'))
    };
    let in_number = |sign: Option<u8>, beyond: Option<u8>| {
        matches!(sign, Some(b'.' | b'-' | b'/' | b':')) && beyond.is_some_and(|b| b.is_ascii_digit())
    };
    if joins(before) || (matches!(before, Some(b'#')) && run.len() < 4) || (in_number(before, two_before) && !prefixed)
    {
        return None;
    }
    let alone = |end: usize| {
        let (after, beyond) = (octets.get(end).copied(), octets.get(end + 1).copied());
        !joins(after) && after != Some(b'#') && after != Some(b'%') && !in_number(after, beyond)
    };
    if let Some(next) = rest.first()
        && next.start == run.end + 1
        && matches!(octets.get(run.end), Some(b'-' | b' '))
        && next.len() == run.len()
        && (3..=4).contains(&run.len())
        && alone(next.end)
        && rest.get(1).is_none_or(|third| third.start > next.end + 1)
    {
        return Some((next.end, run.len() * 2, 1));
    }
    (DIGITS.contains(&run.len()) && alone(run.end)).then_some((run.end, run.len(), 0))
}

/// Where words for a code begin and end. A word of something else covers the word for a code that is in it.
fn words(text: &str, marks: &Marks, places: &mut Vec<(usize, usize)>) {
    places.clear();
    let (table, mut skip) = (&*WORDS, 0);
    each_word(text, |at| {
        if at >= skip
            && let Some((len, says)) = text.get(at..).and_then(|t| table.at_start(t))
        {
            skip = at + len;
            if says == Says::Code {
                places.push((at, at + len));
            }
        }
    });
    // The longest word begins first: `promo code` is found at `promo`, and `code` in it skipped.
    let before = places.len();
    places.extend(BEYOND_ASCII.each(text, marks));
    if before > 0 && places.len() > before {
        places.sort_unstable();
    }
}

/// Whether a word for a code is near these digits and nothing nearer says what else they are.
fn is_near(text: &str, digits: Range<usize>, len: usize, places: &[(usize, usize)]) -> bool {
    let before = text.get(..digits.start).unwrap_or_default();
    let near = super::words::trim_spaces_end(before, 2);
    let near = near.strip_suffix([':', '#']).map_or(near, |t| super::words::trim_spaces_end(t, 1));
    if NOT_BEFORE.at_end(near).is_some() {
        return false;
    }
    let at = places.partition_point(|(start, _)| *start < digits.start);
    let between_before =
        at.checked_sub(1).and_then(|n| places.get(n)).and_then(|(_, end)| text.get(*end..digits.start));
    let between_behind = places.get(at).and_then(|(start, _)| text.get(digits.end..*start));
    let written = text.get(digits).unwrap_or_default();
    let is_year = len == 4 && (["19", "20"].iter().any(|c| written.starts_with(c)) || written.starts_with("25"));
    let reach = if is_year { 6 } else { REACH };
    let close = |between: &str| {
        // The length in octets first: between two words may lie all of a long text.
        between.len() <= reach * 3 && between.chars().count() <= reach
    };
    between_before.is_some_and(close)
        || between_behind.is_some_and(|b| close(b) && !b.contains(['.', '\n', char::from(READING)]))
}
