//! The life of the server: it starts, listens (`listen/`), and drains.

mod descriptors;
mod dispatch;
pub mod hallpass;
pub(crate) mod in_flight;
pub(crate) mod listen;

pub use self::listen::Patience;
use crate::accounts::limits::Limits;
use crate::accounts::limits::hourly::{Changes, Consents};
use crate::accounts::passwords::{Pool, Remembered, StandIns};
use crate::admin;
use crate::config::{Config, StoreUrl};
use crate::data_folder::{DataFolder, DataFolderError, DatabaseLock, admin_socket};
use crate::declared::{self, DeclaredError};
use crate::directory::Directory;
use crate::directory::feed;
use crate::directory::feed::{Feed, STALENESS};
use crate::http::cookies;
use crate::http::endpoints::{Endpoints, bare};
use crate::http::source::Proxies;
use crate::keys::{KeyError, Keys};
use crate::oauth::forward_auth::ForwardAuth;
use crate::oauth::resource_feed::ResourceFeed;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::serve::listen::{DRAIN, LINGERING, ListenBounds, listen};
use crate::store::{Store, StoreError};
use crate::time::{Clock, Instant, Steady};
use crate::tokens::copies::Repeats;
use crate::tokens::revoked::Revoked;
use hallpass_dialect::Dialect;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A server that is running.
pub struct Running {
    /// The address it is bound to.
    pub address: SocketAddr,
    hallpass: Arc<Hallpass>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// Reads the feed until the last open request is answered, because the requests need fresh memory.
    following: JoinHandle<()>,
    /// Held as long as the server runs.
    _data: DataFolder,
    _database: Option<DatabaseLock>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}: {source}; choose another address with `listen` in [server], or with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The data folder, the admin socket or a thread cannot be created.
    #[error("{what}: {source}")]
    Io {
        /// The thing that cannot be created.
        what: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The data folder cannot be used, or another server uses it.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The declared objects cannot be applied.
    #[error(transparent)]
    Declared(#[from] DeclaredError),
}

/// Starts a server: locks the data folder, opens the store, applies the declared objects, listens.
///
/// # Errors
/// The reason why it cannot start. Nothing is left running.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    start_with(config, clock, Patience::default()).await
}

/// Starts a server with these waiting times of connections.
///
/// # Errors
/// As [`start`].
pub async fn start_with(config: Config, clock: Clock, patience: Patience) -> Result<Running, StartError> {
    let address = config.server.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })?;
    let address = listener
        .local_addr()
        .map_err(|source| StartError::Listen { address, source })?;
    let data = DataFolder::open(&config.server.data)?;
    let database = match &config.store.url {
        StoreUrl::Sqlite(file) => Some(DatabaseLock::take(file)?),
        StoreUrl::Postgres(_) => None,
    };
    let hallpass = Arc::new(prepare(config, clock, address).await?);
    let socket = admin_socket(data.path());
    let commands = admin::bind(&socket).map_err(|source| StartError::Io {
        what: format!("cannot listen on {}", socket.display()),
        source,
    })?;
    let (stop, stopped) = watch::channel(false);
    let mut told = stopped.clone();
    let told = async move { drop(told.wait_for(|stopped| *stopped).await) };
    let bounds = ListenBounds {
        connections: descriptors::connections(),
        lingering: LINGERING,
        patience,
    };
    let following = tokio::spawn(feed::follow(
        hallpass.feed.clone(),
        hallpass.store.clone(),
        hallpass.keys.clone(),
    ));
    let tasks = vec![
        tokio::spawn(listen(listener, hallpass.clone(), stopped, bounds)),
        tokio::spawn(admin::listen(hallpass.clone(), commands, told)),
    ];
    Ok(Running {
        address,
        hallpass,
        stop,
        tasks,
        following,
        _data: data,
        _database: database,
    })
}

impl Running {
    /// The address that people and apps use.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.hallpass.issuer
    }

    /// The services that every endpoint gets.
    #[must_use]
    pub fn hallpass(&self) -> &Arc<Hallpass> {
        &self.hallpass
    }

    /// Accepts no more requests, answers the open ones, and writes the last uses, which are only in memory.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            let _ = tokio::time::timeout(DRAIN, task).await;
        }
        self.following.abort();
        // After this, nothing uses the database any more.
        let _ = self.following.await;
        if let Err(error) = self.hallpass.store.flush().await {
            tracing::warn!(%error, "failed to flush last-used times: they are up to 5 s old");
        }
        if let Err(error) = self.hallpass.feed.leave(&self.hallpass.store).await {
            tracing::warn!(%error, "failed to delete this server's heartbeat: the others count it for a day");
        }
    }
}

/// Opens store and keys and applies the declared objects: everything of a server except its socket.
///
/// # Errors
/// The reason why it cannot start.
pub async fn prepare(config: Config, clock: Clock, address: SocketAddr) -> Result<Hallpass, StartError> {
    let data = config.server.data.clone();
    let readers = std::thread::available_parallelism().map_or(2, usize::from);
    let store = Store::open(&config.store, readers).await?;
    store.migrate().await?;
    let clock = if store.is_shared() { clock.correctable() } else { clock };
    let revoked = Arc::new(Revoked::default());
    let feed = fed(&store, &clock, revoked.clone()).await?;
    // Not earlier: if servers share a database, its clock is known only now.
    let now = clock.now();
    store.keep_audit_for(config.audit.kept);
    // Before the keys, because this value decides when they retire.
    keep_longest_access(&store, config.tokens.access, now).await?;
    let keys = Arc::new(Keys::open(&store, &config.keys, &data, now).await?);
    declared::apply(&config, &store, &keys, now).await?;
    store.complete_name_keys().await?;
    store.fill_origins().await?;
    let threads = |source| StartError::Io {
        what: "cannot start the threads that verify passwords".to_owned(),
        source,
    };
    let issuer = config.server.public_url.clone().unwrap_or_else(|| bound_url(address));
    let api_url = config.server.api_url.clone().unwrap_or_else(|| issuer.clone());
    let base = path_of(&issuer);
    let dialect = Dialect {
        name: config.wire.dialect,
        refusal_message: config.wire.refusal_message,
        empty_member: config.wire.empty_member,
    };
    let config = Arc::new(config);
    Ok(Hallpass {
        directory: Directory::new(store.clone(), feed.clone(), config.clone(), dialect.names_developers()),
        session_cookie: cookies::session_name(&issuer),
        endpoints: Endpoints::new(&config.paths, &base, &path_of(&api_url)),
        api_url,
        dialect,
        people: Pool::new(readers, 256).map_err(threads)?,
        clients: Pool::new(1, 256).map_err(threads)?,
        remembered: Remembered::new(&random::bytes(), 10_000),
        stand_ins: StandIns::new(keys.declared().clone()),
        limits: Limits::default(),
        consents: Consents::new(config.tokens.grants_per_user_and_app),
        changes: Changes::default(),
        in_flight: Arc::default(),
        forward_auth: ForwardAuth::of(&config),
        resource_feed: ResourceFeed::new(keys.declared(), &config),
        proxies: Proxies::new(config.server.trusted_proxies.clone()),
        config,
        issuer,
        base,
        store,
        keys,
        clock,
        revoked,
        repeats: Repeats::default(),
        feed,
    })
}

/// The feed, which has taken in what the database has, and takes in what this server writes.
async fn fed(store: &Store, clock: &Clock, revoked: Arc<Revoked>) -> Result<Arc<Feed>, StoreError> {
    let steady = Arc::new(Steady::new(clock.clone()));
    let feed = Arc::new(Feed::new(store, clock, revoked, steady.clone()));
    let of_feed = feed.clone();
    store.on_change(move |changes| of_feed.take_in(changes));
    store.sweep_by(move || steady.now());
    feed.begin(store).await?;
    Ok(feed)
}

/// The path of an address, without a trailing slash.
fn path_of(address: &str) -> String {
    url::Url::parse(address)
        .map(|url| bare(url.path()).to_owned())
        .unwrap_or_default()
}

/// Revocations are kept as long as any access token lives. Other servers must know of a longer life before the first token has
/// it.
async fn keep_longest_access(store: &Store, access: Duration, now: Instant) -> Result<(), StoreError> {
    if !store.is_shared() {
        return store.keep_longest_access(access).await.map(drop);
    }
    if store.share_longest_access(access, now).await? {
        tokio::time::sleep(STALENESS).await;
    }
    Ok(())
}

/// The name of a server without `public_url`: this computer, or the one address that it listens on.
fn bound_url(address: SocketAddr) -> String {
    let this_computer = [Ipv4Addr::LOCALHOST.into(), IpAddr::from(Ipv6Addr::LOCALHOST)];
    if address.ip().is_unspecified() || this_computer.contains(&address.ip()) {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

#[cfg(test)]
mod tests;
