//! The client library against real authorization servers: Hallpass on every preset, `oidc-provider`, django-oauth-toolkit.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only ends` installs the servers and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod django;
mod hallpass;
mod oidc_provider;

use std::sync::Arc;

use hallpass_client::{Client, ClientAuth, Provider, Refusal, SystemClock, TokenError, Tokens};
use hallpass_ends::http;

fn provider(auth: ClientAuth, scope: &str) -> Provider {
    let mut provider = Provider::new(hallpass_ends::CLIENT_ID, auth);
    provider.scopes = scope.split(' ').map(str::to_owned).collect();
    provider
}

fn client(provider: Provider) -> Client {
    Client::new(provider, http(), Arc::new(SystemClock)).expect("the endpoints are URLs")
}

/// What the server's refusal is about.
fn refusal(outcome: Result<Tokens, TokenError>) -> Refusal {
    match outcome {
        Err(TokenError::Refused(error)) => error.refusal(),
        other => panic!("not refused: {other:?}"),
    }
}

fn seconds_left(tokens: &Tokens) -> i64 {
    let at = tokens.expires_at.expect("the answer says when the token expires");
    (at - tokens.requested_at) / 1000
}
