//! `cargo xtask …`: what a developer and the build run by one command.
//!
//! It uses the standard library alone, so that it is compiled in a moment and has nothing to install before it can install.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks on its standard streams"
)]

mod bench;
mod install;
mod peers;
mod process;
mod test;

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [--only STEP,STEP…]    everything a change must pass
cargo xtask test --list                 the steps
cargo xtask bench [OPTION…]             figures, beside bare servers (--help shows the options)
cargo xtask bench --peers [OPTION…]     figures, beside other authorization servers, installed first";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test"] => test::run(root(), None),
        ["test", "--list"] => test::list(),
        ["test", "--only", names] => test::run(root(), Some(names)),
        ["bench", options @ ..] => bench::bench(root(), options),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The folder of the workspace, wherever the command was typed.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
