//! `hallpass-keeper`: access tokens that are always fresh, for programs in any language.
//!
//! A thin service over the keeper of `hallpass-client`. Programs ask over a Unix socket or HTTP; the tokens are in a vault.

mod check;
mod cli;
mod config;
mod listener;
mod login;
mod metrics;
mod moving;
mod open;
mod output;
mod refreshes;
mod serve;
mod trust;
mod webhook;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
