//! The command line, through the binary: what it prints, how it ends, and the server it runs.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod audit_log;
mod configuration;
#[path = "../database/mod.rs"]
mod database;
mod harness;
mod init;
mod objects;
mod serving;
mod trust;
mod two_roles;
mod usage;
