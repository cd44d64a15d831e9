//! The bodies of the fuzz targets: one module a target, each with `run(octets)`, which panics when a law does not hold.
//!
//! They know nothing of libFuzzer: `fuzz_targets/` calls them from it, and `tests/fuzz_corpora.rs` calls them for every
//! file of `corpus/` and `regressions/`.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a panic is how a target tells what it found"
)]

pub mod concat;
pub mod config;
pub mod decode;
pub mod entity;
pub mod fold;
pub mod frame;
pub mod gate;
pub mod input;
pub mod intel;
pub mod pdu;
pub mod policies;
pub mod world;

/// A target: its name, which is also the name of its folders, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("concat", concat::run),
    ("config", config::run),
    ("decode", decode::run),
    ("entity", entity::run),
    ("fold", fold::run),
    ("frame", frame::run),
    ("gate", gate::run),
    ("intel", intel::run),
    ("pdu", pdu::run),
];
