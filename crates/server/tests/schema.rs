//! The OpenAPI document against the server that serves it: Schemathesis makes requests from it, right and wrong ones, and
//! holds the answers against it. `cargo xtask test --only schema` installs it and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod process;

use hallpass::config::preset_names;
use process::{Server, e2e};
use std::process::Command;

/// One app, which proves itself by a Basic header.
const DECLARED: &str = r#"
[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]
"#;

/// An API that follows the feed.
const RESOURCE: &str = r#"
[[resources]]
identifier = "orders"
name = "Orders"
secret = "a-secret-of-the-api-with-at-least-32-bytes"
"#;

/// A site that signs its people in.
const HANDOVER: &str = r#"
[handover]
url = "https://www.example.com/connect/sign-in"
secret = "a-secret-of-the-site-with-at-least-32-bytes"
roles = ["member", "owner"]
"#;

/// Runs Schemathesis with these arguments against the server.
fn answers_as_it_says(server: &Server, arguments: &[&str]) -> bool {
    let status = Command::new(e2e("schema/.venv/bin/schemathesis"))
        .arg("--config-file")
        .arg(e2e("schema/schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/openapi.json", server.url))
        .args(["--url", &server.url, "--max-time", "10", "--seed", "1", "--no-color"])
        .args(arguments)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .status();
    status.expect("Schemathesis starts").success()
}

#[test]
fn every_answer_is_as_the_document_says() {
    for preset in preset_names() {
        let server = Server::start(preset, DECLARED);
        let app = ["--auth", "sample:a-secret-of-43-characters-as-hallpass-makes"];
        assert!(answers_as_it_says(&server, &app), "under {preset}");
        server.stop();
    }
}

#[test]
fn every_answer_to_the_site_is_as_the_document_says() {
    let server = Server::start("default", &format!("{HANDOVER}{DECLARED}"));
    let secret = "Authorization: Bearer a-secret-of-the-site-with-at-least-32-bytes";
    let site = ["--header", secret, "--include-path-regex", "^/handover"];
    assert!(answers_as_it_says(&server, &site));
    server.stop();
}

#[test]
fn every_answer_to_an_api_is_as_the_document_says() {
    let server = Server::start("default", &format!("{RESOURCE}{DECLARED}"));
    let auth = ["--auth", "orders:a-secret-of-the-api-with-at-least-32-bytes"];
    let feed = [auth[0], auth[1], "--include-path-regex", "^/resource/feed"];
    assert!(answers_as_it_says(&server, &feed));
    server.stop();
}
