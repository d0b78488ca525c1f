//! The vault, its key, and the provider, as every process of a run sees them.

use crate::Outcome;
use crate::world::{CLIENT_ID, CLIENT_SECRET};
use hallpass_client::keeper::{PostgresVault, SqliteVault};
use hallpass_client::{ClientAuth, Provider, keeper};
use std::path::PathBuf;
use std::sync::Arc;

/// The name of the provider.
pub(super) const PROVIDER: &str = "hallpass";
/// The key of the vault.
pub(super) const KEY: [u8; 32] = [7; 32];

/// Where a vault is.
#[derive(Clone, Debug)]
pub(super) enum Vault {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Vault {
    pub(super) fn parse(text: &str) -> Self {
        match text.starts_with("postgres://") {
            true => Self::Postgres(text.to_owned()),
            false => Self::Sqlite(PathBuf::from(text)),
        }
    }

    /// The text from which [`Vault::parse`] makes the same.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Opens it. Another process may hold its lock for a moment.
    pub(super) async fn open(&self) -> Outcome<Arc<dyn keeper::Vault>> {
        let mut tries = 0;
        loop {
            let opened: Result<Arc<dyn keeper::Vault>, _> = match self {
                Self::Sqlite(path) => SqliteVault::open(path).map(|vault| Arc::new(vault) as _),
                Self::Postgres(url) => PostgresVault::connect(url, None)
                    .await
                    .map(|vault| Arc::new(vault) as _),
            };
            match opened {
                Ok(vault) => return Ok(vault),
                Err(error) if tries == 100 => return Err(error.into()),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

/// The lab's app at the token endpoint.
pub(super) fn provider(endpoint: &str) -> Provider {
    let mut provider = Provider::new(CLIENT_ID, ClientAuth::basic(CLIENT_SECRET.to_owned()));
    provider.token_endpoint = Some(endpoint.to_owned());
    provider
}
