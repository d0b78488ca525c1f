//! The `hallpass` command.

use std::process::ExitCode;

/// Gives the system back what is no longer used, which glibc's keeps (decision 70).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    hallpass::cli::main()
}
