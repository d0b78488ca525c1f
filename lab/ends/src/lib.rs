//! Real authorization servers for the tests of resource servers and clients: Hallpass on any preset, `oidc-provider` and
//! django-oauth-toolkit, each a process of its own on a free port of loopback, and a person who signs in there.
//!
//! Nothing is skipped: a test whose server is not installed fails, and says which command installs it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod app;
mod browser;
mod hallpass;
#[allow(dead_code, reason = "tests through HTTP read more of a page than this person does")]
#[path = "../../../crates/server/tests/http/harness/html.rs"]
mod html;
mod peers;
#[allow(dead_code, unreachable_pub, reason = "people of other tests press any button")]
#[path = "../../../crates/server/tests/clients/person.rs"]
mod person;
mod process;

pub use app::{CLIENT_ID, EMAIL, PASSWORD, PRESETS, Preset, REDIRECT_URI, SECRET, declared};
pub use browser::follow;
pub use hallpass::{Hallpass, Person};
pub use peers::{Django, OidcProvider};
pub use process::built;

/// A client of HTTP that trusts no certificate of this machine.
///
/// # Panics
/// If it cannot be made.
pub fn http() -> hallpass_client::http::HttpClient {
    hallpass_client::http::HttpClient::builder()
        .without_native_roots()
        .build()
        .expect("a client of HTTP")
}
