//! **Tapis** is an inline SMS firewall for carriers: an SMPP proxy between ESMEs and the SMSC that reads every
//! message, judges it by fraud rules, and passes, tags or blocks it before it reaches a subscriber.
//!
//! # The map
//!
//! ```text
//!  data     bytes → wire → session → text → message → rules → verdict → disposition → session → bytes
//!                                                                  └────→ audit, metrics
//!  control  YAML → config (as written, every value with its place) → Policy (as used, immutable) ─swap─▶ gate
//! ```
//!
//! Who may import whom follows the data: [`wire`] knows nothing above it; [`text`] knows `wire`'s codes; [`message`]
//! knows both. `tests/tidy.rs` enforces it. No layer but `runtime` and `cli` names tokio, a socket, a clock or the file
//! system.

pub mod account;
pub mod audit;
pub mod case;
pub mod cli;
pub mod config;
pub mod explain;
pub mod gate;
pub mod limits;
pub mod message;
pub mod policy;
pub mod rules;
pub mod runtime;
pub mod session;
pub mod sim;
pub mod text;
pub mod time;
pub mod verdict;
pub mod wire;
