//! Other people's OAuth clients, as published, against the binary on preset `default`:
//! code with PKCE, refresh, client credentials, introspection and revocation.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only clients` installs the clients and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod process;

use std::path::Path;
use std::process::Command;

use process::{Server, e2e};

const DECLARED: &str = r#"
[scopes.read]
title = "Read your things"

[[users]]
email = "john@doe.com"
name = "John Doe"
password = "correct horse"

[[apps]]
name = "Reports"
client_id = "reports"
client_secret = "a-long-secret-a-long-secret-a-long-secret-aa"
redirect_uris = ["http://127.0.0.1:9/cb"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
"#;

#[test]
fn authlib_goes_from_code_to_revocation() {
    drive(&e2e(".venv/bin/python"), &e2e("python/authlib_client.py"));
}

#[test]
fn openid_client_goes_from_code_to_revocation() {
    e2e("node/node_modules/openid-client");
    drive(Path::new("node"), &e2e("node/openid_client.js"));
}

fn drive(program: &Path, script: &Path) {
    let server = Server::start("default", DECLARED);
    let output = Command::new(program)
        .arg(script)
        .env("E2E_ISSUER", &server.url)
        .env("E2E_CLIENT_ID", "reports")
        .env("E2E_CLIENT_SECRET", "a-long-secret-a-long-secret-a-long-secret-aa")
        .env("E2E_REDIRECT_URI", "http://127.0.0.1:9/cb")
        .env("E2E_USERNAME", "john@doe.com")
        .env("E2E_PASSWORD", "correct horse")
        .env("E2E_SCOPE", "read")
        .output()
        .expect("the client starts");
    println!("{}", String::from_utf8_lossy(&output.stdout));
    println!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the client ended with {}", output.status);
    server.stop();
}
