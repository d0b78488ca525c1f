//! Several servers on one PostgreSQL behind a real nginx, with clients that reach another server at every request.
//!
//! The servers are the released binary, on the machine's clock. The tests check how soon one server knows of another's change,
//! and what a server answers after it was stopped or lost its database. So some tests wait for real time, with a limit.
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

mod api_feed;
mod away;
mod client;
mod front;
mod handed_over;
mod hopping;
#[allow(dead_code, reason = "tests through HTTP read more of a page than this person does")]
#[path = "../http/harness/html.rs"]
mod html;
mod idle;
mod person;
mod server;
mod spreading;
mod start;
mod told;
mod world;
