//! Picks the command, sets the exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tapis::cli::main()
}
