//! Moments as STIX has them (STIX 2.1 §2.16): RFC 3339 in UTC.

use crate::time::Timestamp;

/// A moment with milliseconds.
pub(super) fn written(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_micros() / 1_000).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis)
        .map_or_else(|_| "9999-12-31T23:59:59.999Z".to_owned(), |t| format!("{t:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        let at = Timestamp(1_795_000_000_123_000);
        assert_eq!((written(at).as_str(), Timestamp::of_utc(&written(at))), ("2026-11-18T11:06:40.123Z", Some(at)));
        assert_eq!(Timestamp::of_utc("2026-11-18T11:06:40Z"), Some(Timestamp(1_795_000_000_000_000)));
        for wrong in ["", "2026-11-18", "2026-11-18T11:06:40", "2026-11-18T11:06:40+01:00", "1969-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::of_utc(wrong), None, "{wrong}");
        }
        assert!(written(Timestamp(u64::MAX)).starts_with("9999"));
    }
}
