//! The only clock: microseconds since the Unix epoch that never run backwards.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Wall-clock time at the start, and monotonic time since.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    start: Instant,
}

impl Clock {
    /// Starts it.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is where time comes from")]
    pub fn start() -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { wall: Timestamp(u64::try_from(wall.as_micros()).unwrap_or(0)), start: Instant::now() }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.wall + self.start.elapsed()
    }

    /// What time an instant is.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Timestamp {
        self.wall + instant.saturating_duration_since(self.start)
    }

    /// The instant of a time, for sleeping until it.
    #[must_use]
    pub fn instant(&self, at: Timestamp) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.start + at.since(self.wall))
    }
}

/// Nanoseconds since it was first asked: to measure with.
#[must_use]
#[allow(clippy::disallowed_methods, reason = "this is where time comes from")]
pub fn stopwatch() -> u64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
