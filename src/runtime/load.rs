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

/// Reads, compiles and runs cases.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn load(origin: &Origin, now: Timestamp) -> Result<(Loaded, Sources, case::Outcome), Refused> {
    load_after(None, origin, now)
}

/// The same for a policy that follows another, with which it shares what has not changed.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn load_after(
    before: Option<&Policy>,
    origin: &Origin,
    now: Timestamp,
) -> Result<(Loaded, Sources, case::Outcome), Refused> {
    let work = || {
        let sources = origin.read().map_err(|why| (vec![unreadable(why)], Box::default()))?;
        checked(before, sources, now)
    };
    // Before the first policy there are no messages.
    if before.is_some() { behind(work) } else { work() }
}

/// Compiles and runs cases; where a policy follows another it shares with it what has not changed.
///
/// # Errors
/// Everything that is wrong, with what was read.
pub fn check_after(
    before: Option<&Policy>,
    sources: Sources,
    now: Timestamp,
) -> Result<(Loaded, Sources, case::Outcome), Refused> {
    behind(|| checked(before, sources, now))
}

fn checked(
    before: Option<&Policy>,
    sources: Sources,
    now: Timestamp,
) -> Result<(Loaded, Sources, case::Outcome), Refused> {
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
