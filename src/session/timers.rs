//! A fixed table of deadlines: one slot a purpose, none allocated.

use std::time::Duration;

use crate::time::Timestamp;

/// What may run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// From the connection (or the last unbind) to an accepted bind (SMPP 3.4 §7.2, session_init_timer); while an
    /// unbind is under way, for its answer.
    SessionInit,
    /// The oldest outstanding request (response_timer).
    Response,
    /// Silence of the ESME (enquire_link_timer).
    Esme,
    /// Silence of the SMSC.
    Smsc,
    /// From the first close to the end of the session.
    Linger,
    /// From the order to drain to unbinding whatever is still outstanding.
    Drain,
}

const TIMERS: [Timer; 6] = [Timer::SessionInit, Timer::Response, Timer::Esme, Timer::Smsc, Timer::Linger, Timer::Drain];

#[derive(Debug, Default)]
pub(super) struct Timers {
    deadlines: [Option<Timestamp>; TIMERS.len()],
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, deadline: Timestamp) {
        *self.slot(timer) = Some(deadline);
    }

    /// Starts a timer unless it runs.
    pub(super) fn start(&mut self, timer: Timer, deadline: Timestamp) {
        self.slot(timer).get_or_insert(deadline);
    }

    pub(super) fn stop(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    /// The next deadline.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.deadlines.iter().flatten().min().copied()
    }

    /// Takes out one timer that has run out.
    pub(super) fn expired(&mut self, now: Timestamp) -> Option<Timer> {
        let (timer, slot) = TIMERS.iter().zip(&mut self.deadlines).find(|(_, d)| d.is_some_and(|d| d <= now))?;
        *slot = None;
        Some(*timer)
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<Timestamp> {
        let [init, response, esme, smsc, linger, drain] = &mut self.deadlines;
        match timer {
            Timer::SessionInit => init,
            Timer::Response => response,
            Timer::Esme => esme,
            Timer::Smsc => smsc,
            Timer::Linger => linger,
            Timer::Drain => drain,
        }
    }
}

/// How long a session waits for what, each in config under `timers:`.
#[derive(Clone, Copy, Debug)]
pub struct Durations {
    /// For an accepted bind, from the connection on.
    pub session_init: Duration,
    /// For the answer to a request, before it counts as unanswered.
    pub response: Duration,
    /// For any octet of a bound peer, before it is asked with an enquire_link of our own; and again for its answer.
    pub enquire_link: Duration,
    /// For the peers to close once one side is gone or unbound.
    pub linger: Duration,
    /// For outstanding answers when the process ends.
    pub drain: Duration,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            session_init: Duration::from_secs(10),
            response: Duration::from_secs(60),
            enquire_link: Duration::from_secs(60),
            linger: Duration::from_secs(2),
            drain: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_is_next_and_each_fires_once() {
        let mut timers = Timers::default();
        timers.set(Timer::Drain, Timestamp(30));
        timers.set(Timer::Esme, Timestamp(10));
        timers.start(Timer::Esme, Timestamp(99));
        assert_eq!(timers.next(), Some(Timestamp(10)));
        assert_eq!(timers.expired(Timestamp(9)), None);
        assert_eq!(timers.expired(Timestamp(40)), Some(Timer::Esme));
        assert_eq!(timers.expired(Timestamp(40)), Some(Timer::Drain));
        assert_eq!(timers.expired(Timestamp(40)), None);
        assert_eq!(timers.next(), None);
    }
}
