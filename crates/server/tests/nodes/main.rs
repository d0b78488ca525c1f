//! Several servers on one PostgreSQL behind a real nginx, with clients that reach another one at every request.
//!
//! Servers here are the released binary, on the machine's clock: what is tried is how soon one knows what another did, and
//! what one answers that was stopped or lost its database. So some tests wait for real time, bounded.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only nodes` installs nginx and runs this.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test ends where an expectation fails, and measures how long things take"
)]

mod away;
mod client;
mod front;
mod hopping;
#[allow(dead_code, reason = "tests through HTTP read more of a page than this person does")]
#[path = "../http/harness/html.rs"]
mod html;
mod idle;
mod person;
mod server;
mod spreading;
mod start;
mod world;
