//! Hallpass itself, and a person who signs in there.

use std::fs;
use std::process::Command;
use std::sync::Arc;

use hallpass_cluster::{Schema, free_port};

use crate::app::{EMAIL, PASSWORD};
use crate::person;
use crate::process::{Process, built};

/// A master key for servers that share a database.
const MASTER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A running `hallpass serve`, on a free port.
pub struct Hallpass {
    url: String,
    process: Process,
    /// The database of a pair, which ends after its servers.
    _shared: Option<Arc<Schema>>,
}

impl Hallpass {
    /// Starts a server on `preset` and SQLite, with the configuration `declared` in addition to address and data folder. Waits
    /// until it is ready.
    pub fn start(preset: &str, declared: &str) -> Self {
        Self::configured(preset, "listen = \"127.0.0.1:0\"", declared, None)
    }

    /// Starts two servers on one PostgreSQL. The address of the first one is the issuer of both.
    ///
    /// # Panics
    /// If PostgreSQL is not installed.
    pub fn pair(preset: &str, declared: &str) -> [Self; 2] {
        let schema = Arc::new(Schema::new().expect("a PostgreSQL"));
        let port = free_port().expect("a free port");
        let issuer = format!("http://127.0.0.1:{port}");
        let declared = format!("[keys]\nmaster = \"{MASTER}\"\n{declared}");
        [port, 0].map(|port| {
            let server = format!("listen = \"127.0.0.1:{port}\"\npublic_url = \"{issuer}\"");
            Self::configured(preset, &server, &declared, Some(schema.clone()))
        })
    }

    fn configured(preset: &str, server: &str, declared: &str, shared: Option<Arc<Schema>>) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the data");
        let config = folder.path().join("hallpass.toml");
        let data = folder.path().join("data");
        let text = format!("preset = \"{preset}\"\n[server]\n{server}\ndata = {data:?}\n{declared}");
        fs::write(&config, text).expect("the configuration is written");
        let mut command = Command::new(built("hallpass"));
        command.env_remove("HALLPASS_TEST_DATABASE");
        command.args(["serve", "--config"]).arg(&config);
        command.args(shared.as_ref().map(|schema| format!("--database={}", schema.url())));
        let (process, address) = Process::start(command, folder, "listening on ");
        // A server without a name of its own is known by `localhost`.
        let url = match shared {
            Some(_) => address,
            None => address.replace("127.0.0.1", "localhost"),
        };
        Self {
            url,
            process,
            _shared: shared,
        }
    }

    /// Its address. It is the issuer, except of the second of a pair.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The process, for tests that stop it for a while or kill it.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Runs a command of `hallpass` on this server, such as `app suspend reports`, and returns its output.
    ///
    /// # Panics
    /// If the command fails.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(built("hallpass"));
        command.env_remove("HALLPASS_TEST_DATABASE");
        command
            .args(arguments)
            .arg("--data")
            .arg(self.process.folder().join("data"));
        let output = command.output().expect("the command starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The declared person, who stays signed in. Call it outside of an asynchronous runtime, or in `spawn_blocking`.
pub struct Person(person::Person);

impl Person {
    /// The person whom [`declared`](crate::declared) names.
    #[expect(clippy::new_without_default, reason = "a person is nobody's default")]
    pub fn new() -> Self {
        Self(person::Person::new(EMAIL, PASSWORD))
    }

    /// Follows an authorization URL, allows what is asked, and returns where the browser is sent in the end.
    pub fn allow(&mut self, authorization: &str, redirect_uri: &str) -> String {
        self.0.allow(authorization, redirect_uri)
    }

    /// Ends the access of the one connected app.
    pub fn end_access(&mut self, server: &str) {
        self.0.end_access(server);
    }
}
