//! How often something held, by a name.

use std::collections::BTreeMap;

/// Counts, and a few times that it did not hold.
#[derive(Default)]
pub struct Rates {
    by_name: BTreeMap<String, (u32, u32)>,
    wrong: Vec<String>,
}

impl Rates {
    /// Counts one.
    pub fn count(&mut self, name: &str, right: bool, told: impl FnOnce() -> String) {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), (0, 0));
        }
        let (all, good) = self.by_name.get_mut(name).unwrap();
        *all += 1;
        *good += u32::from(right);
        if !right && self.wrong.len() < 100 {
            self.wrong.push(format!("{name}: {}", told()));
        }
    }

    /// Reports, and demands a share of all, and of those of each name that is counted often enough to have a share.
    pub fn hold(&self, of_all: f64, of_each: f64) {
        let share = |all: u32, good: u32| f64::from(good) / f64::from(all);
        let (mut counted, mut held, mut low) = (0, 0, false);
        for (name, (all, good)) in &self.by_name {
            println!("{name:<40} {good} of {all} ({:.3} %)", 100.0 * share(*all, *good));
            low |= share(*all, *good) < of_each && *all - *good > 1;
            (counted, held) = (counted + all, held + good);
        }
        println!("in all {held} of {counted} ({:.4} %)", 100.0 * share(counted, held));
        self.wrong.iter().for_each(|wrong| println!("{wrong}"));
        assert!(counted > 0 && share(counted, held) >= of_all && !low, "see above");
    }
}
