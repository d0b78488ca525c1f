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

#[test]
fn every_answer_is_as_the_document_says() {
    for preset in preset_names() {
        let server = Server::start(preset, DECLARED);
        let status = Command::new(e2e("schema/.venv/bin/schemathesis"))
            .arg("--config-file")
            .arg(e2e("schema/schemathesis.toml"))
            .arg("run")
            .arg(format!("{}/openapi.json", server.url))
            .args(["--url", &server.url, "--max-time", "10", "--seed", "1", "--no-color"])
            .args(["--auth", "sample:a-secret-of-43-characters-as-hallpass-makes"])
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .status();
        assert!(status.expect("Schemathesis starts").success(), "under {preset}");
        server.stop();
    }
}
