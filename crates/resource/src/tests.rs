//! The verifier against a scripted authorization server, with clocks that are moved by hand.

mod feed;
mod guards;
mod introspection;
mod jwt;
mod server;

use crate::{Access, Refused, Verifier};
use hallpass_wire::bearer::BearerToken;
use std::sync::Arc;

const ISSUER: &str = "https://id.example";
const API: &str = "https://api.example";

async fn verify(verifier: &Verifier, token: &str) -> Result<Arc<Access>, Refused> {
    verifier.verify(BearerToken::parse(token).expect("a token")).await
}

/// The reason why nobody can say whether the token is good.
fn unavailable(outcome: Result<Arc<Access>, Refused>) -> String {
    match outcome {
        Err(Refused::Unavailable(unavailable)) => unavailable.reason,
        other => panic!("not unavailable: {other:?}"),
    }
}
