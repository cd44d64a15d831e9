//! Traffic that has been, through a policy: what would it have done?
//!
//! [`Traffic`] is what a capture, a pcap, lines of PDUs or a corpus hold: requests of two legs, by session, each with its
//! time. [`play`] hands them to the same [`Gate`](crate::gate::Gate) that runs behind sockets, with their own times, as
//! fast as it goes: parts are joined, order is kept, exception policies hold. A [`Report`] counts what came out;
//! [`diff`] plays the same traffic to two policies and tells every verdict that differs.
//!
//! # What is put in the place of the other side
//!
//! Requests alone are replayed. What the gate forwards is answered at once with ESME_ROK by the leg it went to, since the
//! recorded answers are those to another policy's doings: a message that was refused then and passes now has none. Binds
//! are made anew, by the recorded system_id. So an ESME that would have sent less or more after another answer is taken
//! to have sent what it sent.
//!
//! # Lanes
//!
//! Sessions whose messages can meet in memory play in one [lane](Traffic::lanes), in the order of their times; lanes know
//! nothing of each other, so any number of them can be played side by side and counts do not depend on it. An account is
//! one lane. A corpus, whose messages come whole, is spread over several by recipient, since all that a message may be
//! joined with goes to the same one.
//!
//! Memory starts empty in each lane.

mod cluster;
pub mod day;
pub mod diff;
mod drive;
mod page;
mod report;
pub mod stages;
mod traffic;

pub use cluster::template;
pub use drive::{Decided, Setting, play};
pub use report::{Counts, Report, RuleCounts};
pub use traffic::{Defaults, LeftOut, Request, Traffic};
