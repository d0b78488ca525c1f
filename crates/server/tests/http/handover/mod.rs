//! Handover: the site that people already have signs them in (docs/guide/handover.md).

mod arrival;
mod attacks;
mod messages;
mod pages;
mod people;
mod presets;
mod request;
mod sign_in;

use crate::harness::{APPS, HANDOVER, Server};

/// A server whose people the site signs in.
async fn server() -> Server {
    server_with("").await
}

/// The same with more configuration.
async fn server_with(more: &str) -> Server {
    Server::library("default", &format!("{HANDOVER}{APPS}{more}")).await
}

/// The address of an authorization request of the app `sample`.
fn authorize(server: &Server, more: &[(&str, &str)]) -> String {
    let sample = server.client("sample", crate::harness::REDIRECT_URI);
    format!("/oauth/authorize?{}", sample.query(more))
}
