//! Picks the command, sets the exit code.

use std::process::ExitCode;

/// A policy is many small pieces: making it takes less time with this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tapis::cli::main()
}
