//! The deployment under load: one confidential app, one API, a few people; preset `default`.

use crate::Outcome;
use crate::http::basic;
use crate::process::Program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The client ID of the app.
pub(crate) const CLIENT_ID: &str = "lab";
/// The app's secret, long enough to be stored as SHA-256.
pub(crate) const CLIENT_SECRET: &str = "lab-secret-lab-secret-lab-secret-lab-secret-lab";
/// The app's redirect URI.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/cb";
/// The identifier of the API.
pub(crate) const RESOURCE: &str = "lab-api";
/// The secret of the API.
pub(crate) const RESOURCE_SECRET: &str = "api-secret-api-secret-api-secret-api-secret-api";
/// The password of every person.
pub(crate) const PASSWORD: &str = "correct horse";
/// The number of people: `person1@example.com` and so on.
pub(crate) const PEOPLE: usize = 4;

/// A folder with the configuration and the data of a server.
pub(crate) struct World {
    /// The binary under test.
    hallpass: PathBuf,
    /// The folder of all files.
    pub(crate) folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl World {
    /// Writes the configuration into `folder`, with `more` appended.
    pub(crate) fn make(hallpass: &Path, folder: &Path, more: &str) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("hallpass.toml"), configuration(folder, more))?;
        Ok(Self {
            hallpass: hallpass.to_owned(),
            folder: folder.to_owned(),
            environment: Vec::new(),
        })
    }

    /// Sets a key of the configuration by an environment variable: `SERVER__PUBLIC_URL`.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.environment(&format!("HALLPASS_{key}"), value);
    }

    /// Sets long token lifetimes, and an issuer that is the same on every port.
    pub(crate) fn lasts(&mut self) {
        self.set("SERVER__PUBLIC_URL", "https://id.example");
        self.set("TOKENS__ACCESS", "12h");
        self.set("TOKENS__GRANTS_PER_USER_AND_APP", "1000000");
    }

    /// Sets an environment variable for Hallpass.
    pub(crate) fn environment(&mut self, key: &str, value: &str) {
        self.environment.push((key.to_owned(), value.to_owned()));
    }

    /// Continues with another version of Hallpass.
    pub(crate) fn becomes(&mut self, hallpass: &Path) {
        hallpass.clone_into(&mut self.hallpass);
    }

    /// Whether the database is shared with other servers.
    pub(crate) fn is_shared(&self) -> bool {
        self.environment.iter().any(|(key, _)| key == "HALLPASS_STORE__URL")
    }

    /// Starts the server.
    pub(crate) fn serve(&self) -> Outcome<Program> {
        Program::start(&mut self.command(&["serve"]), &self.log())
    }

    /// Starts the server and kills it `after` that time, ready or not.
    pub(crate) fn serve_briefly(&self, after: Duration) -> Outcome {
        Program::cut_short(&mut self.command(&["serve"]), &self.log(), after)
    }

    /// A command of Hallpass with this configuration.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.hallpass);
        command
            .args(words)
            .arg("--config")
            .arg(self.folder.join("hallpass.toml"))
            .envs(self.environment.iter().cloned())
            .env("RUST_LOG", "warn");
        command
    }

    /// The log file of the server.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The data folder of the server.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The path of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("hallpass.db")
    }
}

/// The app's `Authorization`.
pub(crate) fn app() -> String {
    basic(CLIENT_ID, CLIENT_SECRET)
}

/// The API's `Authorization`.
pub(crate) fn api() -> String {
    basic(RESOURCE, RESOURCE_SECRET)
}

fn configuration(folder: &Path, more: &str) -> String {
    let data = folder.join("data");
    let people: String = (1..=PEOPLE)
        .map(|n| {
            format!("[[users]]\nemail = \"person{n}@example.com\"\nname = \"Person {n}\"\npassword = \"{PASSWORD}\"\n")
        })
        .collect();
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
data = {data:?}
[tokens]
code = "10m"
[scopes.read]
title = "Read your things"
endpoints = ["GET /orders", "GET /orders/{{id}}", "GET /orders/{{id}}/lines"]
default = true
[[apps]]
name = "Lab"
client_id = "{CLIENT_ID}"
client_secret = "{CLIENT_SECRET}"
redirect_uris = ["{REDIRECT_URI}"]
grant_types = ["authorization_code", "refresh_token", "client_credentials"]
[[resources]]
identifier = "{RESOURCE}"
name = "Lab's API"
secret = "{RESOURCE_SECRET}"
{people}
{more}
"#
    )
}
