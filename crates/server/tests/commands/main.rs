//! The command line, through the binary: what it prints, how it ends, and the server it runs.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod audit_log;
mod configuration;
#[path = "../database/mod.rs"]
mod database;
mod demo;
mod guides;
mod handover;
mod harness;
#[allow(dead_code, reason = "tests through HTTP read more of a page than a person does")]
#[path = "../http/harness/html.rs"]
mod html;
mod init;
mod objects;
#[allow(dead_code, reason = "people of other tests end access too")]
#[path = "../clients/person.rs"]
mod person;
mod serving;
mod trust;
mod two_roles;
mod usage;
