//! Who reported a key: so that one subscriber counts once a day, and that many reports of few are seen to be of few.

/// Reports of a key that are told apart; more are not needed to believe them.
pub const REPORTERS_MAX: usize = 16;

/// Days after which a reporter is forgotten.
const DAYS_MAX: u32 = 60;

const DAY: u32 = 24 * 3600;

/// The reports of a key that count, each by its reporter's hash and when it came, in seconds: one a reporter and day (of
/// UTC, so that nodes which hear of them in any order, and more than once, come to the same).
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reporters(pub Vec<(u64, u32)>);

impl Reporters {
    /// Takes in a report; whether it counts: not a second one of a reporter and day.
    pub fn add(&mut self, reporter: u64, when: u32) -> bool {
        self.0.retain(|(_, one)| when.saturating_sub(*one) < DAYS_MAX * DAY);
        if self.0.iter().any(|(one, before)| *one == reporter && *before / DAY == when / DAY) {
            return false;
        }
        if self.0.len() >= REPORTERS_MAX {
            // Who reported on several days is still one of the reporters without the oldest of them.
            let again = |one: u64| self.0.iter().filter(|(other, _)| *other == one).count() > 1;
            let least = self.0.iter().enumerate().min_by_key(|(_, (one, when))| (!again(*one), *when));
            if let Some(at) = least.map(|(at, _)| at) {
                self.0.swap_remove(at);
            }
        }
        self.0.push((reporter, when));
        true
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many different ones there are.
    pub fn count(&self) -> u8 {
        let is_first = |(at, (one, _)): &(usize, &(u64, u32))| self.0.iter().take(*at).all(|(other, _)| other != one);
        u8::try_from(self.0.iter().enumerate().filter(is_first).count()).unwrap_or(u8::MAX)
    }

    /// Octets that it points to.
    #[inline]
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
        assert!(!reporters.add(1, 1_000_000 + 1));
        assert!(reporters.add(1, 1_000_000 + DAY));
        assert!(reporters.add(2, 1_000_000 + DAY));
        assert_eq!(reporters.count(), 2);
        (0..1000).for_each(|n| _ = reporters.add(n, 2_000_000));
        assert_eq!(usize::from(reporters.count()), REPORTERS_MAX);
        reporters.add(5, 2_000_000 + DAYS_MAX * DAY);
        assert_eq!(reporters.count(), 1);
    }

    #[test]
    fn reports_come_to_the_same_in_any_order_and_however_often_they_are_told() {
        let all = [(1, 3 * DAY), (1, DAY + 7), (2, DAY), (1, 3 * DAY + 60)];
        let (mut one, mut two) = (Reporters::default(), Reporters::default());
        let counted = all.iter().filter(|(by, when)| one.add(*by, *when)).count();
        assert_eq!(all.iter().rev().filter(|(by, when)| two.add(*by, *when)).count(), counted);
        assert_eq!((counted, one.count(), two.count()), (3, 2, 2));
        assert!(!all.iter().any(|(by, when)| one.add(*by, *when) || two.add(*by, *when)), "told again");
    }

    #[test]
    fn one_who_reports_every_day_pushes_out_no_other() {
        let mut reporters = Reporters::default();
        (2..5).for_each(|by| _ = reporters.add(by, DAY));
        (1..40).for_each(|day| _ = reporters.add(1, day * DAY));
        assert_eq!(reporters.count(), 4);
    }
}
