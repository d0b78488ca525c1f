//! Authorization servers of others, at the versions that `lab/peers` pins. `cargo xtask test --only ends` installs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::app::{CLIENT_ID, EMAIL, REDIRECT_URI, SECRET};
use crate::process::Process;

/// `oidc-provider` (npm), in memory. It signs the person in and allows everything without asking.
///
/// Access tokens live a minute. Refresh tokens rotate, and a used one ends the grant.
pub struct OidcProvider {
    url: String,
    _process: Process,
}

/// django-oauth-toolkit (PyPI) on SQLite. It signs the person in and allows everything without asking.
///
/// Its defaults: refresh tokens rotate, without a grace period.
pub struct Django {
    url: String,
    _process: Process,
}

impl OidcProvider {
    /// Starts it, with the app that this crate declares everywhere.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn start() -> Self {
        Self::run(REDIRECT_URI, "")
    }

    /// As [`start`](Self::start), for an app whose redirect URI ends with `/` and the name of the provider.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn start_for(provider: &str) -> Self {
        Self::run(&format!("{REDIRECT_URI}/{provider}"), "")
    }

    /// Also with the client `signer`, which authenticates by assertions that fit the public JWK.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn with_signer(public_jwk: &str) -> Self {
        Self::run(REDIRECT_URI, public_jwk)
    }

    fn run(redirect_uri: &str, public_jwk: &str) -> Self {
        let installed = peer("oidc-provider");
        let mut command = Command::new(installed.join("node_modules/.bin/node"));
        command.arg(script("oidc_provider.mjs")).current_dir(installed);
        command.env("PUBLIC_JWK", public_jwk);
        let (process, url) = start(command, redirect_uri);
        Self { url, _process: process }
    }

    /// The issuer.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Django {
    /// Starts it, with the app that this crate declares everywhere.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn start() -> Self {
        Self::run(REDIRECT_URI)
    }

    /// As [`start`](Self::start), for an app whose redirect URI ends with `/` and the name of the provider.
    ///
    /// # Panics
    /// If it is not installed.
    pub fn start_for(provider: &str) -> Self {
        Self::run(&format!("{REDIRECT_URI}/{provider}"))
    }

    fn run(redirect_uri: &str) -> Self {
        let mut command = Command::new(peer("django").join("bin/python"));
        command.arg(script("django_toolkit.py"));
        let (process, url) = start(command, redirect_uri);
        Self { url, _process: process }
    }

    /// `http://127.0.0.1:PORT`. The toolkit's paths begin with `/o/`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

fn start(mut command: Command, redirect_uri: &str) -> (Process, String) {
    let folder = tempfile::tempdir().expect("a folder");
    command
        .env("CLIENT_ID", CLIENT_ID)
        .env("CLIENT_SECRET", SECRET)
        .env("REDIRECT_URI", redirect_uri)
        .env("PERSON", EMAIL)
        .env("FOLDER", folder.path());
    Process::start(command, folder, "listening on ")
}

/// The folder into which `cargo xtask test --only ends` installs a server.
fn peer(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let installed = test.ancestors().map(|folder| folder.join("peers").join(name));
    let stamps = ["installed-package-lock.json", "installed-requirements.txt"];
    let found = installed
        .into_iter()
        .find(|folder| stamps.iter().any(|stamp| folder.join(stamp).exists()));
    found.unwrap_or_else(|| panic!("{name} is not installed: `cargo xtask test --only ends` installs it"))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/ends").join(name)
}
