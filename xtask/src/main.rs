//! `cargo xtask …`: the commands for developers and for the build.
//!
//! It uses only the standard library, so that it compiles in a moment and needs nothing installed.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on its standard streams"
)]

mod bench;
mod faults;
mod fuzz;
mod install;
mod peers;
mod previous;
mod process;
mod test;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [--only STEP,STEP…]    run all checks that a change must pass
cargo xtask test --list                 list the steps
cargo xtask bench [OPTION…]             compare with bare servers (--help shows the options)
cargo xtask bench --peers [OPTION…]     install other authorization servers, and compare with them
cargo xtask faults [--kills NUMBER] [--seed NUMBER] [--only PART,PART…]
                                        run the fault tests at full length: kill, disk, overload, torment, upgrade,
                                        ha, keeper, model, fuzz
cargo xtask fuzz [--seconds N] [TARGET…]  run the fuzz targets, each for N seconds (60 by default)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::run(root(), None),
        ["test", "--list"] => test::list(),
        ["test", "--only", names] => test::run(root(), Some(names)),
        ["fuzz", words @ ..] => fuzz::command(root(), words),
        ["bench", options @ ..] => bench::bench(root(), options),
        ["faults", options @ ..] => match faults::Options::read(options) {
            Some(options) => faults::run(root(), &options),
            None => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

/// The folder of the workspace, from any working directory.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
