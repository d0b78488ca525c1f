//! Opens the vault and makes the keeper.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hallpass_client::keeper::{
    InvalidKey, Keeper, MemoryVault, PostgresVault, SqliteVault, Vault, VaultError, VaultKey,
};
use hallpass_client::{Metadata, Provider, SystemClock, discover};
use tokio::task::JoinSet;

use crate::config::{Config, ConfigError, ProviderConfig, Store, VaultPlace, key_file};
use crate::metrics::Metrics;
use crate::refreshes::Refreshes;
use crate::trust;

/// How long a start waits for the metadata of providers.
const PATIENCE: Duration = Duration::from_secs(5);

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
    for (name, provider) in providers(config, wanted).await {
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
        Store::Sqlite(path) => {
            trust::make_folder(path)?;
            trust::check_database(path)?;
            Arc::new(SqliteVault::open(path)?)
        }
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

/// The providers with the endpoints of their metadata. What was found is kept for the next start. A provider that is away is
/// in nobody's way: it has the metadata of an earlier start, or the keeper asks for it at the first use.
async fn providers(config: &Config, wanted: Wanted<'_>) -> BTreeMap<String, Provider> {
    let mut known: BTreeMap<String, Metadata> = read_cache(&config.cache);
    let needed = config.providers.iter().filter(|(name, _)| wanted.includes(name));
    let mut searches = JoinSet::new();
    for (_, configured) in needed.clone().filter(|(_, configured)| configured.discover) {
        let Some(issuer) = configured.provider.issuer.clone() else {
            continue;
        };
        if matches!(wanted, Wanted::Now) || !known.contains_key(&issuer) {
            let http = config.http.clone();
            searches.spawn(async move { (tokio::time::timeout(PATIENCE, discover(&http, &issuer)).await, issuer) });
        }
    }
    let kept: BTreeSet<String> = known.keys().cloned().collect();
    let warn =
        |issuer: &str, error: &str| tracing::warn!(%issuer, %error, "{}", without_metadata(kept.contains(issuer)));
    while let Some(searched) = searches.join_next().await {
        match searched {
            Ok((Ok(Ok(metadata)), issuer)) => drop(known.insert(issuer, metadata)),
            Ok((Ok(Err(error)), issuer)) => warn(&issuer, &error.to_string()),
            Ok((Err(_), issuer)) => warn(&issuer, "no answer in time"),
            Err(error) => tracing::warn!(%error, "the search for metadata failed"),
        }
    }
    write_cache(&config.cache, &known);
    let endpoints = |configured: &ProviderConfig| {
        let mut provider = configured.provider.clone();
        let found = provider.issuer.as_ref().and_then(|issuer| known.get(issuer));
        if let Some(metadata) = found.filter(|_| configured.discover) {
            provider.adopt(metadata);
        }
        provider
    };
    needed
        .map(|(name, configured)| (name.clone(), endpoints(configured)))
        .collect()
}

/// What happens when an issuer gives no metadata now.
fn without_metadata(is_kept: bool) -> &'static str {
    match is_kept {
        true => "no metadata now; using that of an earlier start",
        false => "no metadata now; asking again when it is needed",
    }
}

/// Metadata that another account could have written would send tokens to its endpoints.
fn read_cache(path: &Path) -> BTreeMap<String, Metadata> {
    if let Err(error) = trust::check(path) {
        // Before the first start there is none.
        if path.exists() {
            tracing::warn!(%error, "the metadata of an earlier start is not used");
        }
        return BTreeMap::new();
    }
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

    /// What is logged.
    #[derive(Clone, Default)]
    struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_log_tells_whether_metadata_of_an_earlier_start_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keeper.toml");
        let issuer = "http://127.0.0.1:9";
        let text = format!(
            "[vault]\nurl = \"memory:\"\nkey_file = \"k\"\n[providers.shop]\nissuer = \"{issuer}\"\nclient_id = \"x\"\n"
        );
        std::fs::write(&path, text).unwrap();
        let config = Config::read(&path).unwrap();
        let log = Log::default();
        let own = log.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || own.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let told = || String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
        providers(&config, Wanted::Now).await;
        let first = told();
        assert!(first.contains("asking again when it is needed"), "{first}");
        let metadata = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": "http://127.0.0.1:9/a",
            "token_endpoint": "http://127.0.0.1:9/t",
            "response_types_supported": ["code"],
        });
        let known = [(issuer.to_owned(), serde_json::from_value(metadata).unwrap())].into();
        write_cache(&config.cache, &known);
        let found = providers(&config, Wanted::Now).await;
        assert!(found["shop"].token_endpoint.is_some());
        let second = told();
        assert!(second.contains("using that of an earlier start"), "{second}");
        std::fs::set_permissions(&config.cache, std::fs::Permissions::from_mode(0o666)).unwrap();
        providers(&config, Wanted::Now).await;
        let third = told();
        assert!(
            third.contains("the metadata of an earlier start is not used"),
            "{third}"
        );
        assert!(!second.contains("is not used") && !first.contains("is not used"));
    }

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
        std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read_cache(&cache).is_empty(), "another account may have written it");
    }
}
