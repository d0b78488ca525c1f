//! `hallpass-keeper` as a process, against real authorization servers: Hallpass on every preset, `oidc-provider` and
//! django-oauth-toolkit.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only ends` installs the servers and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod away;
mod commands;
mod examples;
mod guarded;
mod keeper;
mod lost;
mod presets;
mod proxy;
mod two_keepers;
mod webhook;
