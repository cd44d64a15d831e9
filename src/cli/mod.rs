//! The command line: one file a command. It reads files, calls the library, prints; it decides nothing.
//!
//! Exit codes are a contract: 0 fine, 1 a case or comparison failed, 2 usage, 78 configuration.

mod admin;
mod bench;
mod check;
mod day;
mod decode;
mod demo;
mod diff;
mod explain;
mod help;
mod intel;
mod list;
mod policy;
mod reload;
mod replay;
mod reputation;
mod rules;
mod run;
mod screen;
mod sim;
mod traffic;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::diagnostic::Diagnostic;
use crate::config::source::Sources;

/// An inline SMS firewall for carriers: an SMPP proxy that judges every message and blocks, tags or passes it.
#[derive(Debug, Parser)]
#[command(name = "tapis", version, disable_help_subcommand = true, after_help = help::contents())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Demo(demo::Args),
    Check(check::Args),
    Explain(explain::Args),
    Replay(replay::Args),
    Diff(diff::Args),
    Bench(bench::Args),
    Decode(decode::Args),
    Reload(reload::Args),
    Rules(rules::Args),
    List(list::Args),
    Policy(policy::Args),
    Reputation(reputation::Args),
    Intel(intel::Args),
    Sim(sim::Args),
    Help(help::Args),
}

/// How a command answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Fine,
    Failed,
    Usage,
    Config,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Config => 78,
        })
    }
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Fine }.into();
        }
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(has_colour(io::stderr().is_terminal()))
        .with_target(false)
        .with_max_level(tracing::Level::INFO)
        .init();
    let exit = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Reload(args) => reload::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::List(args) => list::run(&args),
        Command::Policy(args) => policy::run(&args),
        Command::Reputation(args) => reputation::run(&args),
        Command::Intel(args) => intel::run(&args),
        Command::Sim(args) => sim::run(args),
        Command::Help(args) => help::run(&args),
    };
    exit.into()
}

/// Colour only on a terminal, and not where NO_COLOR says otherwise.
fn has_colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// How this program was called, for lines that people copy.
fn program() -> String {
    let called = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    let here = std::env::current_dir().unwrap_or_default();
    let called = called.strip_prefix(&here).unwrap_or(&called);
    let shown = called.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if shown.is_empty() || !shown.chars().all(plain) { "tapis".into() } else { shown }
}

/// `1 case`, `2 cases`.
fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// One line of the answer. A reader that has seen enough ends the command.
fn say(line: impl std::fmt::Display) {
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// One line beside the answer.
fn tell(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What is wrong with a command's arguments or files, and how it ends.
fn fail(exit: Exit, why: impl std::fmt::Display) -> Exit {
    tell(format_args!("tapis: {why}"));
    exit
}

/// All diagnostics on stderr, with their source lines.
fn tell_all(diagnostics: &[Diagnostic], sources: &Sources) {
    for one in diagnostics {
        tell(one.render(sources));
    }
}

/// A runtime for a command with sockets.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// When the operator wants an end: SIGTERM or SIGINT.
fn asked_to_end() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut int)) = signals else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    }
}
