//! Opens the vault and makes the keeper.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use hallpass_client::keeper::{
    InvalidKey, Keeper, MemoryVault, PostgresVault, SqliteVault, Vault, VaultError, VaultKey,
};
use hallpass_client::{DiscoveryError, Metadata, Provider, SystemClock, discover};

use crate::config::{Config, ConfigError, Store, VaultPlace, key_file};
use crate::metrics::Metrics;
use crate::refreshes::Refreshes;

/// Why the keeper cannot start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Key(#[from] InvalidKey),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the vault's CA file cannot be read: {0}")]
    CaFile(std::io::Error),
    #[error("provider `{name}`: {error}")]
    Discovery { name: String, error: DiscoveryError },
}

/// Which providers a process needs, and whether it asks for metadata that it has.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// All, with metadata as it is now: for a process that runs long.
    Now,
    /// All. Metadata of an earlier start is good enough.
    Known,
    /// One. The issuers of others are not asked, so one that is away is in nobody's way.
    One(&'a str),
}

impl Wanted<'_> {
    fn includes(self, name: &str) -> bool {
        match self {
            Self::Now | Self::Known => true,
            Self::One(wanted) => wanted == name,
        }
    }
}

/// The keeper of `config`. Users come back to `redirect_uri`.
pub(crate) async fn open(
    config: &Config,
    wanted: Wanted<'_>,
    redirect_uri: Option<&str>,
    metrics: &Metrics,
) -> Result<Keeper, OpenError> {
    key_file(&config.vault.key_file)?;
    let key = VaultKey::from_file(&config.vault.key_file)?;
    let vault = vault(&config.vault).await?;
    let clock = Arc::new(SystemClock);
    let mut builder = Keeper::builder(vault, key, clock);
    for (name, provider) in providers(config, wanted).await? {
        let Some(configured) = config.providers.get(&name) else {
            continue;
        };
        builder = builder.provider(&name, provider, config.http.clone(), configured.care);
    }
    builder = builder.observer(Arc::new(Refreshes::new(metrics.clone())));
    if let Some(base) = redirect_uri {
        builder = builder.redirect_uri(base);
    }
    let keeper = builder.build();
    keeper.check_key().await?;
    Ok(keeper)
}

async fn vault(place: &VaultPlace) -> Result<Arc<dyn Vault>, OpenError> {
    Ok(match &place.store {
        Store::Memory => Arc::new(MemoryVault::new()),
        Store::Sqlite(path) => Arc::new(SqliteVault::open(path)?),
        Store::Postgres { url, ca_file } => {
            let roots = ca_file
                .as_deref()
                .map(std::fs::read)
                .transpose()
                .map_err(OpenError::CaFile)?;
            Arc::new(PostgresVault::connect(url.expose(), roots.as_deref()).await?)
        }
    })
}

/// The providers with the endpoints of their metadata. What was found is kept: a keeper that starts while a provider is away
/// still gives the tokens of all others, and the live ones of that provider.
async fn providers(config: &Config, wanted: Wanted<'_>) -> Result<BTreeMap<String, Provider>, OpenError> {
    let mut known: BTreeMap<String, Metadata> = read_cache(&config.cache);
    let mut found = BTreeMap::new();
    for (name, configured) in config.providers.iter().filter(|(name, _)| wanted.includes(name)) {
        let mut provider = configured.provider.clone();
        let cached = provider.issuer.as_ref().and_then(|issuer| known.get(issuer));
        if let (true, Wanted::Known | Wanted::One(_), Some(metadata)) = (configured.discover, wanted, cached) {
            provider.adopt(metadata);
            found.insert(name.clone(), provider);
            continue;
        }
        if let (true, Some(issuer)) = (configured.discover, provider.issuer.clone()) {
            match discover(&config.http, &issuer).await {
                Ok(metadata) => {
                    provider.adopt(&metadata);
                    known.insert(issuer, metadata);
                }
                Err(error) => match known.get(&issuer) {
                    Some(metadata) => {
                        tracing::warn!(provider = %name, %error, "no metadata now: using that of an earlier start");
                        provider.adopt(metadata);
                    }
                    None => {
                        let name = name.clone();
                        return Err(OpenError::Discovery { name, error });
                    }
                },
            }
        }
        found.insert(name.clone(), provider);
    }
    write_cache(&config.cache, &known);
    Ok(found)
}

fn read_cache(path: &Path) -> BTreeMap<String, Metadata> {
    let text = std::fs::read(path).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Not writing it costs nothing now, so a fault is only logged.
fn write_cache(path: &Path, known: &BTreeMap<String, Metadata>) {
    if known.is_empty() {
        return;
    }
    let next = path.with_extension("json.next");
    let text = serde_json::to_vec_pretty(known).unwrap_or_default();
    let written = write_private(&next, &text).and_then(|()| std::fs::rename(&next, path));
    if let Err(error) = written {
        tracing::warn!(path = %path.display(), %error, "failed to keep the metadata of providers");
    }
}

/// Writes a new file for its owner alone. One that a killed process left behind is removed; a link is never followed.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn metadata_is_written_for_its_owner_and_through_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (other, cache) = (folder.path().join("other"), folder.path().join("issuers.json"));
        std::fs::write(&other, "mine").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("issuers.json.next")).unwrap();
        let metadata = serde_json::json!({
            "issuer": "https://id.example",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "response_types_supported": ["code"],
        });
        let metadata = serde_json::from_value(metadata).unwrap();
        let known = [("https://id.example".to_owned(), metadata)].into();
        write_cache(&cache, &known);
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "mine");
        assert_eq!(std::fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_cache(&cache).len(), 1);
    }
}
