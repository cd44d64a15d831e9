//! `tapis check`: what is wrong with rule files, all at once, and whether their cases hold.

use std::path::{Path, PathBuf};

use super::{Exit, Format, count, say, tell, tell_all};
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::config::{self, source::Source, source::Sources};
use crate::runtime::clock::Clock;
use crate::runtime::files::Origin;
use crate::runtime::load;
use crate::time::Timestamp;

/// Validates rule files or a whole configuration, and runs their cases.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Rule files, folders of them, or a tapis.yaml.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Warnings are errors.
    #[arg(long)]
    strict: bool,
    /// As if it were then: 2027-01-01T00:00Z shows what will have ended.
    #[arg(long, value_name = "TIME")]
    at: Option<jiff::Timestamp>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub(super) fn run(args: &Args) -> Exit {
    let origin = origin(&args.paths);
    let at = args.at.and_then(|at| u64::try_from(at.as_microsecond()).ok()).map(Timestamp);
    let checked = load::load(&origin, at.unwrap_or_else(|| Clock::start().now()));
    let (diagnostics, sources, summary, notes) = match checked {
        Ok((loaded, sources, cases)) => {
            let rules = loaded.policy.rules.rules.len();
            let summary = format!(
                "{}, {}, {} held; digest {}",
                count(rules, "rule"),
                count(loaded.policy.rules.exemptions.len(), "exemption"),
                count(cases.held, "case"),
                loaded.policy.digest(),
            );
            let notes = crate::policy::notes(&loaded.spec);
            (loaded.warnings, sources, summary, notes)
        }
        Err((diagnostics, sources)) => (diagnostics, *sources, String::new(), Vec::new()),
    };
    let diagnostics = severe(diagnostics, args.strict);
    let wrong = diagnostics.iter().any(|d| d.severity == Severity::Error);
    match args.format {
        Format::Json => diagnostics.iter().for_each(|d| say(d.json())),
        Format::Text => {
            tell_all(&diagnostics, &sources);
            if wrong {
                let errors = diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
                let warnings = count(diagnostics.len() - errors, "warning");
                tell(format_args!("{}, {warnings}", count(errors, "error")));
            } else {
                say(summary);
                notes.iter().for_each(|note| say(format_args!("{}: {}", note.place, note.text)));
            }
        }
    }
    exit(&diagnostics)
}

/// Cases that do not hold are one thing, files that cannot be used another.
fn exit(diagnostics: &[Diagnostic]) -> Exit {
    let errors = || diagnostics.iter().filter(|d| d.severity == Severity::Error);
    if errors().next().is_none() {
        Exit::Fine
    } else if errors().all(|d| d.code == "case") {
        Exit::Failed
    } else {
        Exit::Config
    }
}

fn severe(diagnostics: Vec<Diagnostic>, strict: bool) -> Vec<Diagnostic> {
    let severity = |d: &Diagnostic| if strict { Severity::Error } else { d.severity };
    diagnostics.into_iter().map(|d| Diagnostic { severity: severity(&d), ..d }).collect()
}

/// A path that is a `tapis.yaml`, or a folder that holds one, is the main file; the others are rules.
pub(super) fn origin(paths: &[PathBuf]) -> Origin {
    let mut origin = Origin::default();
    for path in paths {
        let inside = path.join("tapis.yaml");
        if path.is_file() && is_main(path) && origin.main.is_none() {
            origin.main = Some(path.clone());
        } else if inside.is_file() && origin.main.is_none() {
            origin.main = Some(inside);
        } else {
            origin.rules.push(path.clone());
        }
    }
    origin
}

fn is_main(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    config::is_main(&Source { name: path.display().to_string(), text })
}

/// What was loaded, or all that is wrong with it on stderr.
pub(super) fn policy(origin: &Origin) -> Result<crate::policy::Loaded, Exit> {
    let sources: Sources = origin.read().map_err(|why| super::fail(Exit::Config, why))?;
    crate::policy::load(&sources).map_err(|all| {
        tell_all(&all, &sources);
        Exit::Config
    })
}
