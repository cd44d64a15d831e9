//! Durations in buckets: a session counts for itself, without touching what others touch, and adds its counts to those of
//! the process once for everything that it read.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// Buckets at most, the last one without an end.
const BUCKETS_MAX: usize = 20;

/// Upper bounds of buckets, in nanoseconds.
pub type Bounds = &'static [u64];

/// What one session has counted since it last handed it over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    counts: [u64; BUCKETS_MAX],
    nanos: u64,
    any: bool,
}

/// What all sessions of the process have counted.
#[derive(Debug)]
pub struct Total {
    bounds: Bounds,
    counts: [AtomicU64; BUCKETS_MAX],
    nanos: AtomicU64,
}

impl Total {
    /// Nothing yet.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, counts: [const { AtomicU64::new(0) }; BUCKETS_MAX], nanos: AtomicU64::new(0) }
    }

    /// Counts `count` durations of so many nanoseconds each for a session.
    pub fn count(&self, counted: &mut Counted, nanos: u64, count: u64) {
        let at = self.bounds.iter().position(|bound| nanos <= *bound).unwrap_or(self.bounds.len());
        if let Some(slot) = counted.counts.get_mut(at) {
            *slot += count;
        }
        counted.nanos += nanos * count;
        counted.any = true;
    }

    /// Takes over what a session has counted.
    pub fn take(&self, counted: &mut Counted) {
        if !counted.any {
            return;
        }
        for (total, count) in self.counts.iter().zip(&counted.counts).filter(|(_, count)| **count > 0) {
            total.fetch_add(*count, Ordering::Relaxed);
        }
        self.nanos.fetch_add(counted.nanos, Ordering::Relaxed);
        *counted = Counted::default();
    }

    /// Writes its lines as Prometheus reads them; none while nothing was counted.
    pub fn render(&self, name: &str, labels: &str, out: &mut String) {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return;
        }
        let seconds = |nanos: u64| std::time::Duration::from_nanos(nanos).as_secs_f64();
        let mut so_far = 0;
        for (bound, count) in self.bounds.iter().zip(&counts) {
            so_far += count;
            let _ = writeln!(out, "{name}_bucket{{{labels},le=\"{}\"}} {so_far}", seconds(*bound));
        }
        let _ = writeln!(out, "{name}_bucket{{{labels},le=\"+Inf\"}} {total}");
        let _ = writeln!(out, "{name}_sum{{{labels}}} {}", seconds(self.nanos.load(Ordering::Relaxed)));
        let _ = writeln!(out, "{name}_count{{{labels}}} {total}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_sums_are_exact() {
        let total = Total::new(&[1_000, 2_000, 5_000_000]);
        let mut counted = Counted::default();
        for (nanos, count) in [(10, 3), (1_000, 1), (1_001, 1), (4_000_000, 2), (6_000_000_000, 1)] {
            total.count(&mut counted, nanos, count);
        }
        let mut out = String::new();
        total.render("x", "a=\"b\"", &mut out);
        assert_eq!(out, "", "nothing was handed over yet");
        total.take(&mut counted);
        total.take(&mut counted);
        total.render("x", "a=\"b\"", &mut out);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(
            lines,
            [
                "x_bucket{a=\"b\",le=\"0.000001\"} 4",
                "x_bucket{a=\"b\",le=\"0.000002\"} 5",
                "x_bucket{a=\"b\",le=\"0.005\"} 7",
                "x_bucket{a=\"b\",le=\"+Inf\"} 8",
                "x_sum{a=\"b\"} 6.008002031",
                "x_count{a=\"b\"} 8",
            ]
        );
    }
}
