//! Lists of days: `2026-12-25` is that day, `12-25` is it in every year.

use std::collections::HashMap;

use super::list::Until;
use crate::time::Timestamp;

/// Days, each with the moment at which its entry ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// Year, or none for every year; month; day.
    entries: HashMap<(Option<i16>, i8, i8), Until>,
}

impl Dates {
    /// Adds one entry. Answers false when it is no day.
    pub fn insert(&mut self, entry: &str, until: Until) -> bool {
        let entry = entry.trim();
        // A leap year has every day that any year has.
        let (date, yearly) = match entry.len() {
            5 => (format!("2024-{entry}"), true),
            10 => (entry.to_owned(), false),
            _ => return false,
        };
        let Ok(date) = date.parse::<jiff::civil::Date>() else { return false };
        let year = (!yearly).then_some(date.year());
        let end = self.entries.entry((year, date.month(), date.day())).or_insert(until);
        *end = (*end).max(until);
        true
    }

    /// Whether a day is an entry.
    #[must_use]
    pub fn contains(&self, day: jiff::civil::Date, now: Timestamp) -> bool {
        let holds = |year| self.entries.get(&(year, day.month(), day.day())).is_some_and(|until| now < *until);
        holds(Some(day.year())) || holds(None)
    }

    /// Entries.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::list::FOR_EVER;

    #[test]
    fn a_day_is_of_its_year_or_of_every_year() {
        let mut dates = Dates::default();
        assert!(
            dates.insert("2026-02-17", FOR_EVER) && dates.insert("12-25", FOR_EVER) && dates.insert("02-29", FOR_EVER)
        );
        for no in ["", "25-12", "2026-13-01", "02-30", "2026-2-17", "tomorrow"] {
            assert!(!dates.insert(no, FOR_EVER), "{no}");
        }
        let is = |y, m, d| dates.contains(jiff::civil::date(y, m, d), Timestamp(0));
        assert!(is(2026, 2, 17) && !is(2027, 2, 17) && is(2026, 12, 25) && is(2031, 12, 25) && !is(2026, 12, 24));
        assert_eq!(dates.count(), 3);
    }
}
