//! The `hallpass` command.

use std::process::ExitCode;

/// Answers are many small allocations, at which it is quicker than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hallpass::cli::main()
}
