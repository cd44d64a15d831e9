//! Who reported a key: so that one subscriber counts once a day, and that many reports of few are seen to be of few.

/// Reporters of a key that are told apart; more are not needed to believe them.
pub const REPORTERS_MAX: usize = 16;

/// Days after which a reporter is forgotten.
const DAYS_MAX: u32 = 60;

const DAY: u32 = 24 * 3600;

/// The reporters of a key, each by its hash and when it was last heard, in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reporters(pub Vec<(u64, u32)>);

impl Reporters {
    /// Takes in a report; whether it counts: not a second one of a reporter within a day.
    pub fn add(&mut self, reporter: u64, now: u32) -> bool {
        self.0.retain(|(_, last)| now.saturating_sub(*last) < DAYS_MAX * DAY);
        if let Some((_, last)) = self.0.iter_mut().find(|(one, _)| *one == reporter) {
            let counts = now.saturating_sub(*last) >= DAY;
            if counts {
                *last = now;
            }
            return counts;
        }
        if self.0.len() >= REPORTERS_MAX
            && let Some(oldest) = self.0.iter().enumerate().min_by_key(|(_, (_, last))| *last).map(|(n, _)| n)
        {
            self.0.swap_remove(oldest);
        }
        self.0.push((reporter, now));
        true
    }

    /// How many different ones there are.
    pub fn count(&self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }

    /// Octets that it points to.
    pub fn octets(&self) -> usize {
        self.0.capacity() * size_of::<(u64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reporter_counts_once_a_day_and_is_one() {
        let mut reporters = Reporters::default();
        assert!(reporters.add(1, 1_000_000));
        assert!(!reporters.add(1, 1_000_000 + DAY - 1));
        assert!(reporters.add(1, 1_000_000 + DAY));
        assert!(reporters.add(2, 1_000_000 + DAY));
        assert_eq!(reporters.count(), 2);
        (0..1000).for_each(|n| _ = reporters.add(n, 2_000_000));
        assert_eq!(usize::from(reporters.count()), REPORTERS_MAX);
        reporters.add(5, 2_000_000 + DAYS_MAX * DAY);
        assert_eq!(reporters.count(), 1);
    }
}
