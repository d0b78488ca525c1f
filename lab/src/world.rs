//! The deployment that the lab puts under load: one confidential app, one API, a few people; preset `default`.

use crate::Outcome;
use crate::http::basic;
use crate::process::Program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The client id of the app.
pub(crate) const CLIENT_ID: &str = "lab";
/// Its secret; long enough to be kept as SHA-256.
pub(crate) const CLIENT_SECRET: &str = "lab-secret-lab-secret-lab-secret-lab-secret-lab";
/// Where it is called back.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/cb";
/// The identifier of the API.
pub(crate) const RESOURCE: &str = "lab-api";
/// Its secret.
pub(crate) const RESOURCE_SECRET: &str = "api-secret-api-secret-api-secret-api-secret-api";
/// Every person's password.
pub(crate) const PASSWORD: &str = "correct horse";
/// How many people there are: `person1@example.com` and so on.
pub(crate) const PEOPLE: usize = 4;

/// A folder with a configuration and the data of a server.
pub(crate) struct World {
    /// The binary under test.
    hallpass: PathBuf,
    /// Where everything lies.
    pub(crate) folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl World {
    /// Writes the configuration into `folder`; `more` is laid behind it.
    pub(crate) fn make(hallpass: &Path, folder: &Path, more: &str) -> Outcome<Self> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("hallpass.toml"), configuration(folder, more))?;
        Ok(Self {
            hallpass: hallpass.to_owned(),
            folder: folder.to_owned(),
            environment: Vec::new(),
        })
    }

    /// Sets a key of the configuration, as the environment does: `SERVER__PUBLIC_URL`.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.environment(&format!("HALLPASS_{key}"), value);
    }

    /// Tokens outlive a run, and the issuer is the same on whatever port.
    pub(crate) fn lasts(&mut self) {
        self.set("SERVER__PUBLIC_URL", "https://id.example");
        self.set("TOKENS__ACCESS", "12h");
        self.set("TOKENS__GRANTS_PER_USER_AND_APP", "1000000");
    }

    /// Sets a variable of the environment in which Hallpass runs.
    pub(crate) fn environment(&mut self, key: &str, value: &str) {
        self.environment.push((key.to_owned(), value.to_owned()));
    }

    /// Goes on with another version of Hallpass.
    pub(crate) fn becomes(&mut self, hallpass: &Path) {
        hallpass.clone_into(&mut self.hallpass);
    }

    /// Whether its database is one that others may have too.
    pub(crate) fn is_shared(&self) -> bool {
        self.environment.iter().any(|(key, _)| key == "HALLPASS_STORE__URL")
    }

    /// Starts the server.
    pub(crate) fn serve(&self) -> Outcome<Program> {
        Program::start(&mut self.command(&["serve"]), &self.log())
    }

    /// Starts the server and kills it `after` that, be it ready by then or not.
    pub(crate) fn serve_briefly(&self, after: Duration) -> Outcome {
        Program::cut_short(&mut self.command(&["serve"]), &self.log(), after)
    }

    /// A command of Hallpass on this configuration.
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

    /// What the server says.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Where the server keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Where its database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join("hallpass.db")
    }
}

/// How the app authenticates.
pub(crate) fn app() -> String {
    basic(CLIENT_ID, CLIENT_SECRET)
}

/// How the API authenticates.
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
