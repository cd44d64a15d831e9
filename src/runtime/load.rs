//! A policy from its files: read, compiled, and its cases run; behind the sessions where there are some already.

use super::beside::{behind, beside};
use super::files::Origin;
use crate::case;
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::source::{Place, Sources};
use crate::policy::{self, Loaded, Policy};
use crate::time::Timestamp;

/// Everything that is wrong, and what was read.
pub type Refused = (Vec<Diagnostic>, Box<Sources>);

/// A policy, what it was read from, and how its cases went.
pub type Checked = Result<(Loaded, Sources, case::Outcome), Refused>;

/// Reads, compiles and runs cases.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn load(origin: &Origin, now: Timestamp) -> Checked {
    read(None, origin, now)
}

/// The same for a policy that follows another, with which it shares what has not changed.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn load_after(before: &Policy, origin: &Origin, now: Timestamp) -> Checked {
    behind(|| read(Some(before), origin, now))
}

/// Compiles and runs cases, for a policy that follows another.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn check_after(before: &Policy, sources: Sources, now: Timestamp) -> Checked {
    behind(|| check(Some(before), sources, now))
}

fn read(before: Option<&Policy>, origin: &Origin, now: Timestamp) -> Checked {
    let sources = origin.read().map_err(|why| (vec![unreadable(why)], Box::default()))?;
    check(before, sources, now)
}

/// Compiles and runs cases; where a policy follows another it shares with it what has not changed.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn check(before: Option<&Policy>, sources: Sources, now: Timestamp) -> Checked {
    let (loaded, mut diagnostics) = policy::read_ahead(before, &sources, &beside);
    let outcome = case::run(&loaded, &sources, now, &mut diagnostics);
    policy::doubts(&loaded, now, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err((diagnostics.sorted(), Box::new(sources)));
    }
    Ok((Loaded { warnings: diagnostics.sorted(), ..loaded }, sources, outcome))
}

pub(super) fn unreadable(why: String) -> Diagnostic {
    Diagnostic { place: Place::start("files"), code: "file", severity: Severity::Error, message: why, help: None }
}
