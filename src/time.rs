//! Time as an argument: the core reads no clock, so a capture's own timestamps drive the same code as the wall clock.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time elapsed since `earlier`, zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// A moment as RFC 3339 has it in UTC, with `Z` at its end; none when it is none, or before 1970.
    #[must_use]
    pub fn of_utc(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.ends_with('Z').then(|| text.parse().ok())??;
        u64::try_from(at.as_microsecond()).ok().map(Self)
    }

    /// Whole microseconds since the Unix epoch.
    #[must_use]
    pub fn as_micros(self) -> u64 {
        self.0
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(rhs.as_micros()).unwrap_or(u64::MAX)))
    }
}

/// RFC 3339 in UTC with microseconds, as the journal writes it.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = i64::try_from(self.0).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_microsecond(micros) {
            Ok(t) => write!(f, "{t:.6}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// Reads an SMPP time (SMPP 3.4 §7.1.1): absolute `YYMMDDhhmmsstnnp`, or relative to `now` with `R` at its end. None when
/// it is empty or none.
#[must_use]
pub fn smpp_time(octets: &[u8], now: Timestamp) -> Option<Timestamp> {
    let [digits @ .., sign] = octets else { return None };
    if digits.len() != 15 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let field = |at: usize| digits.get(at..at + 2)?.iter().try_fold(0_i64, |n, d| Some(n * 10 + i64::from(d - b'0')));
    let (year, month, day) = (field(0)?, field(2)?, field(4)?);
    let seconds = field(6)? * 3600 + field(8)? * 60 + field(10)?;
    let at = match sign {
        b'R' => {
            let days = u64::try_from(year * 365 + month * 30 + day).ok()?;
            return Some(now + Duration::from_secs(days * 86_400 + u64::try_from(seconds).ok()?));
        }
        b'+' | b'-' if (1..=12).contains(&month) && (1..=31).contains(&day) => {
            let quarters = field(13)? * 900;
            let offset = if *sign == b'+' { -quarters } else { quarters };
            days_from_civil(2000 + year, month, day) * 86_400 + seconds + offset
        }
        _ => return None,
    };
    Some(Timestamp(u64::try_from(at).ok()?.saturating_mul(1_000_000)))
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar; months and days count from 1.
#[must_use]
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Writes an absolute SMPP time in UTC, as receipts carry it in their text: `YYMMDDhhmm`.
pub fn write_receipt_time(at: Timestamp, out: &mut Vec<u8>) {
    let micros = i64::try_from(at.0).unwrap_or(i64::MAX);
    if let Ok(t) = jiff::Timestamp::from_microsecond(micros) {
        out.extend_from_slice(t.strftime("%y%m%d%H%M").to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_with_microseconds() {
        assert_eq!(Timestamp(1_763_870_706_123_456).to_string(), "2025-11-23T04:05:06.123456Z");
    }

    #[test]
    fn smpp_times_are_read_absolute_and_relative() {
        let now = Timestamp(1_000_000);
        assert_eq!(smpp_time(b"251123040506000+", now), Some(Timestamp(1_763_870_706_000_000)));
        assert_eq!(smpp_time(b"251123120506032+", now), Some(Timestamp(1_763_870_706_000_000)));
        assert_eq!(smpp_time(b"000002000000000R", now), Some(Timestamp(1_000_000 + 2 * 86_400_000_000)));
        for bad in [&b""[..], b"251123040506000", b"251323040506000+", b"2511230405060x0+"] {
            assert_eq!(smpp_time(bad, now), None);
        }
    }

    #[test]
    fn receipt_times_are_utc_to_the_minute() {
        let mut out = Vec::new();
        write_receipt_time(Timestamp(1_763_870_706_123_456), &mut out);
        assert_eq!(out, b"2511230405");
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Timestamp(5) - Duration::from_secs(1), Timestamp(0));
        assert_eq!(Timestamp(1).since(Timestamp(2)), Duration::ZERO);
    }
}
