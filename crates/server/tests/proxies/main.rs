//! Real proxies before a plain backend: nginx (`auth_request`) and Caddy (`forward_auth`), with the files of the guide.
//!
//! The backend believes its proxy and reads headers as CGI does. The tests play attackers who know that.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only proxies` installs nginx, Caddy and Python, and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test ends where an expectation fails, and waits for programs to start"
)]

#[path = "../database/mod.rs"]
mod database;
mod guarded;
#[allow(dead_code, unused_imports, reason = "tests through HTTP use more of it")]
#[path = "../http/harness/mod.rs"]
mod harness;
mod world;
