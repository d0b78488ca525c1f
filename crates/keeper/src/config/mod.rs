//! The configuration: one TOML file. An unknown key stops the start, with its line and the nearest known name.

mod address;
mod file;
mod problem;
mod provider;
mod secret;
mod span;
mod typed;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hallpass_client::http::HttpClient;
use hallpass_client::keeper::Care;

pub(crate) use problem::{ConfigError, Faults};
pub(crate) use secret::{Secret, key_file};

/// The configuration, read and checked.
pub(crate) struct Config {
    /// Where the keeper listens, and where users come back to.
    pub(crate) serve: Serve,
    /// Where the tokens are.
    pub(crate) vault: VaultPlace,
    /// Who may ask over TCP.
    pub(crate) programs: Vec<Program>,
    /// Where events are sent.
    pub(crate) webhook: Option<Webhook>,
    /// The providers, by name.
    pub(crate) providers: BTreeMap<String, ProviderConfig>,
    /// The HTTP client for providers and webhook.
    pub(crate) http: HttpClient,
    /// Where discovered metadata is kept for a start while a provider is away.
    pub(crate) cache: PathBuf,
}

/// `[serve]`.
pub(crate) struct Serve {
    pub(crate) place: Option<Place>,
    /// Names of this keeper in `Host`, beside those of loopback.
    pub(crate) hosts: Vec<String>,
    /// The program's address for users who come back; `/PROVIDER` is added.
    pub(crate) redirect_uri: Option<String>,
}

/// Where the keeper listens.
#[derive(Clone)]
pub(crate) enum Place {
    /// A Unix socket, with its permissions.
    Socket { path: PathBuf, mode: u32 },
    /// TCP, by https if there is a certificate.
    Tcp {
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
    },
}

/// `[vault]`.
pub(crate) struct VaultPlace {
    pub(crate) store: Store,
    pub(crate) key_file: PathBuf,
}

/// The kind of a vault.
pub(crate) enum Store {
    Memory,
    Sqlite(PathBuf),
    Postgres { url: Secret, ca_file: Option<PathBuf> },
}

/// `[[programs]]`: a program that may ask.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) secret: Secret,
    pub(crate) providers: Vec<String>,
}

/// `[webhook]`.
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Secret,
}

/// `[providers.NAME]`.
pub(crate) struct ProviderConfig {
    /// What is configured; discovery adds the rest.
    pub(crate) provider: hallpass_client::Provider,
    pub(crate) care: Care,
    /// Whether metadata has to be asked for: there is an issuer, and no token endpoint.
    pub(crate) discover: bool,
}

/// What could be read of a configuration, and what is wrong with the rest. A part with a fault is `None`.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) serve: Option<Serve>,
    pub(crate) vault: Option<VaultPlace>,
    pub(crate) programs: Option<Vec<Program>>,
    pub(crate) webhook: Option<Option<Webhook>>,
    pub(crate) providers: Option<BTreeMap<String, ProviderConfig>>,
    pub(crate) http: Option<HttpClient>,
    pub(crate) faults: Faults,
}

impl Parts {
    /// Reads a file. Relative paths in it start at the folder of the file.
    ///
    /// # Errors
    /// If there is no such text.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, &error))?;
        Ok(file::parse(&text, folder(path)))
    }

    fn faulty(faults: Faults) -> Self {
        Self {
            faults,
            ..Self::default()
        }
    }
}

impl Config {
    /// Reads a file, as [`Parts::read`] does.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let parts = Parts::read(path)?;
        parts.faults.end().map_err(|error| error.of(path))?;
        let missing = || ConfigError::new("a part cannot be read").of(path);
        Ok(Self {
            serve: parts.serve.ok_or_else(missing)?,
            vault: parts.vault.ok_or_else(missing)?,
            programs: parts.programs.ok_or_else(missing)?,
            webhook: parts.webhook.ok_or_else(missing)?,
            providers: parts.providers.ok_or_else(missing)?,
            http: parts.http.ok_or_else(missing)?,
            cache: folder(path).join("hallpass-keeper.issuers.json"),
        })
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new("."))
}

#[cfg(test)]
mod tests;
