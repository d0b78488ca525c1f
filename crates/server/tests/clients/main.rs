//! Other people's OAuth clients, as published, against the binary on every preset.
//!
//! A script drives each client through all that it can do and reports in the client's own words what came of it: errors
//! too. The expectation is the whole report. What a client cannot do on a preset is therefore a line like any other, and
//! `docs/guide/clients.md` says it in prose.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only clients` installs the clients and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod authlib;
#[allow(dead_code, reason = "tests through HTTP read more of a page than this person does")]
#[path = "../http/harness/html.rs"]
mod html;
mod league;
mod nimbus;
mod openid_client;
mod passport_oauth2;
mod person;
#[path = "../process/mod.rs"]
mod process;
mod report;
mod requests_oauthlib;
mod simple_oauth2;
mod x_oauth2;
