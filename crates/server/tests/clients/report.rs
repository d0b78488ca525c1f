//! Runs the script of a client as a process. The script asks for the person on its standard output, gets the answer on its
//! standard input, and reports line by line.
//!
//! Two lines are requests: `visit URL` is answered with the redirect, `end access` with `ended`. All others are the report.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use serde_json::Value;

use crate::person::Person;
use crate::process::Server;

pub(crate) const EMAIL: &str = "john@doe.com";
pub(crate) const PASSWORD: &str = "correct horse";
/// No program listens there. The person passes the redirect to the client.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/cb";

/// Has every character that clients encode differently in a Basic header; some clients do not encode at all (RFC 6749 §2.3.1).
pub(crate) const SECRET: &str = r#"odd secret+with/every=sign:that%41is&allowed~"#;

/// How long a client may be silent. A script makes at most one request between two lines.
const SILENCE: Duration = Duration::from_secs(60);

/// For each preset, the scopes that the app requests, and whether it must use PKCE. If it need not, it follows the
/// documentation of the API.
pub(crate) const PRESETS: [(&str, &str, &str); 5] = [
    ("default", "profile read", "S256"),
    ("common-controls-hub", "controls documents", ""),
    ("connected-home", "user", ""),
    ("house-check", "houses reports", ""),
    ("apicbase", "library sales", ""),
];

/// Runs the client against a server of its own on `preset` and returns its report.
pub(crate) fn report(client: &mut Command, preset: &str) -> String {
    let (_, scope, pkce) = PRESETS.iter().find(|(name, ..)| *name == preset).expect("a preset");
    let server = Server::start(preset, &declared());
    let mut person = Person::new(EMAIL, PASSWORD);
    for (name, endpoint) in endpoints(&server.url) {
        client.env(format!("E2E_{name}"), endpoint);
    }
    let mut script = Script::start(
        client
            .env("E2E_ISSUER", &server.url)
            .env("E2E_CLIENT_ID", "reports")
            .env("E2E_CLIENT_SECRET", SECRET)
            .env("E2E_REDIRECT_URI", REDIRECT_URI)
            .env("E2E_SCOPE", scope)
            .env("E2E_PKCE", pkce),
    );
    let mut lines = Vec::new();
    while let Some(line) = script.line() {
        if let Some(url) = line.strip_prefix("visit ") {
            script.answer(&person.allow(url, REDIRECT_URI));
        } else if line == "end access" {
            person.end_access(&server.url);
            script.answer("ended");
        } else {
            println!("{line}");
            lines.push(line.trim_end().to_owned());
        }
    }
    script.ended_well();
    server.stop();
    lines.join("\n")
}

/// What the server declares. The app comes last, so that a test can add keys of its own.
pub(crate) fn declared() -> String {
    format!(
        r#"
[scopes.read]
title = "Read your things"

[[users]]
email = "{EMAIL}"
name = "John Doe"
password = "{PASSWORD}"

[[apps]]
name = "Reports"
client_id = "reports"
client_secret = '{SECRET}'
redirect_uris = ["{REDIRECT_URI}"]
"#
    )
}

/// The endpoints, from the metadata (RFC 8414), as a developer would copy them.
fn endpoints(server: &str) -> Vec<(&'static str, String)> {
    let url = format!("{server}/.well-known/oauth-authorization-server");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let metadata: Value = runtime.expect("a runtime").block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = client.get(url).send().await.expect("the server answers");
        answer.json().await.expect("metadata is JSON")
    });
    let named = [
        ("AUTHORIZE", "authorization_endpoint"),
        ("TOKEN", "token_endpoint"),
        ("INTROSPECT", "introspection_endpoint"),
        ("REVOKE", "revocation_endpoint"),
        ("IDENTITY", "userinfo_endpoint"),
    ];
    named
        .into_iter()
        .map(|(name, member)| (name, metadata[member].as_str().expect(member).to_owned()))
        .collect()
}

/// A running script. It ends with the test.
struct Script {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Script {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let mut all = output.lines().map_while(Result::ok);
            all.try_for_each(|line| sender.send(line))
        });
        Self { child, input, lines }
    }

    /// The next line, or nothing at the end.
    fn line(&self) -> Option<String> {
        match self.lines.recv_timeout(SILENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the client says nothing any more"),
        }
    }

    fn answer(&mut self, text: &str) {
        writeln!(self.input, "{text}").expect("the client listens");
    }

    fn ended_well(mut self) {
        let status = self.child.wait().expect("the client is our child");
        assert!(status.success(), "the client ended with {status}");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
