//! Other people's OAuth clients, as published, against the binary on every preset.
//!
//! A script runs everything that a client can do, and reports the results in the client's own words, including errors. The test
//! expects the whole report. So a request that a client cannot make on a preset is a line like any other.
//! `docs/guide/clients.md` says the same in prose.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only clients` installs the clients and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod app_page;
mod authlib;
mod guide;
#[allow(dead_code, reason = "tests through HTTP read more of a page than this person does")]
#[path = "../http/harness/html.rs"]
mod html;
mod league;
mod nimbus;
mod openid_client;
mod passport_oauth2;
#[allow(dead_code, reason = "people of other tests press any button")]
mod person;
#[path = "../process/mod.rs"]
mod process;
mod report;
mod requests_oauthlib;
mod simple_oauth2;
mod x_oauth2;
