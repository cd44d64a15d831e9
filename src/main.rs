//! Picks the command, sets the exit code.

use std::process::ExitCode;

/// Policies are many small pieces and long tables: making both takes less time with it, and so does looking into the tables.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tapis::cli::main()
}
