//! Two pieces of work, one beside the other: where the traffic keeps a processor to itself, and nowhere else.

use std::num::NonZero;
use std::thread;

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
