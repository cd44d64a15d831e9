//! Work beside the traffic: it takes what time the sessions leave.

use std::num::NonZero;
use std::thread;

/// How much nicer than the sessions a thread is that works behind them: it gets a tenth of what one of them gets where both
/// want the same processor, and gives way when a message comes.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// Does something on a thread that gives way to the sessions, as do those that it starts.
pub fn behind<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let (mut work, mut done) = (Some(work), None);
    thread::scope(|scope| {
        let (work, done) = (&mut work, &mut done);
        let take = move || {
            give_way();
            *done = work.take().map(|work| work());
        };
        // Without a thread it is done by who asks.
        let _ = thread::Builder::new().name("behind".into()).spawn_scoped(scope, take);
    });
    done.or_else(|| work.take().map(|work| work())).expect("it is done by the thread, or else now")
}

/// Elsewhere a priority is that of all threads, and stays as it is.
fn give_way() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::nice(NICER);
}

/// Processors from which on there is one for the traffic beside two that compile.
const PROCESSORS_MIN: usize = 3;

/// Does the first beside the second on a thread of its own, or not at all where messages would wait for it.
pub fn beside(first: &mut (dyn FnMut() + Send), second: &mut dyn FnMut()) {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        if processors >= PROCESSORS_MIN {
            // Without a thread the second does everything by itself.
            let _ = thread::Builder::new().name("lists".into()).spawn_scoped(scope, first);
        }
        second();
    });
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).expect("a thread has a priority")
    }

    #[test]
    fn what_is_done_behind_the_sessions_gives_way_to_them_and_so_does_what_it_starts() {
        let own = niceness();
        let started = || thread::scope(|scope| scope.spawn(niceness).join().expect("it only asks"));
        assert_eq!(behind(|| [niceness(), started()]), [(own + NICER).min(19); 2]);
        assert_eq!(niceness(), own, "who asks is as it was");
    }
}
