//! The keeper: tokens that are always fresh, and never lost.
//!
//! A program *connects* a user once ([`Keeper::begin`], [`Keeper::complete`]) or takes over tokens that it has
//! ([`Keeper::take_over`]). From then on it asks for an access token by the connection's name ([`Keeper::token`]: Method 1,
//! refresh on demand), and may let [`Keeper::watch`] refresh every connection ahead of time (Method 2).
//!
//! What it promises, with any number of processes and machines on one [`Vault`]:
//! - A connection has one refresh in flight at a time. A lease with a fencing number in the vault decides whose.
//! - A crash at any point loses no connection that the provider can still honour: the intent is stored before a request, and
//!   the new refresh token before anybody gets the access token. A lost answer is asked for again with the same refresh token.
//! - A failed refresh never takes away an access token that is still good.
//! - A pause, a passing failure and the end are told apart ([`KeeperError`]). After the end the provider is not asked again.
//!
//! ```
//! use hallpass_client::http::HttpClient;
//! use hallpass_client::keeper::{Care, Keeper, MemoryVault, VaultKey};
//! use hallpass_client::{AccessToken, ClientAuth, Clock as _, Provider, SystemClock, Tokens};
//! use std::sync::Arc;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut warehouse = Provider::new("123abc", ClientAuth::basic("456def"));
//! warehouse.token_endpoint = Some("https://id.example/oauth/token".to_owned());
//! let http = HttpClient::builder().build()?;
//! // In a program: `SqliteVault::open` or `PostgresVault::connect`, and `VaultKey::from_file`.
//! let keeper = Keeper::builder(Arc::new(MemoryVault::new()), VaultKey::from_bytes(&[7; 32])?, Arc::new(SystemClock))
//!     .provider("warehouse", warehouse, http, Care::default())
//!     .build();
//!
//! let connection = "warehouse/customer-17".parse()?;
//! let access = AccessToken::new("from another store").ok_or("not printable")?;
//! keeper.take_over(&connection, &Tokens::new(access, SystemClock.now_millis())).await?;
//! assert_eq!(keeper.token(&connection).await?.access.secret(), "from another store");
//! # Ok(())
//! # }
//! ```

mod asking;
mod clocks;
mod connect;
mod connection;
mod end;
mod engine;
mod error;
mod events;
mod failure;
mod flights;
mod gate;
mod health;
mod key_check;
mod late;
mod observer;
mod orientation;
mod outcome;
mod pace;
mod provider;
mod real;
mod record;
mod refresh;
mod saving;
mod schedule;
mod seal;
mod send;
mod take_over;
#[cfg(test)]
mod tests;
mod token;
mod transfer;
mod unsaved;
pub mod vault;
mod watch;

pub use connect::{ConnectError, ConnectRequest, Connected};
pub use connection::{Connection, InvalidConnection};
pub use error::KeeperError;
pub use events::{Event, Events, Happening};
pub use observer::{Noted, Observer};
pub use provider::{Care, Variables};
pub use schedule::Keep;
pub use seal::{InvalidKey, VaultKey};
pub use send::SendError;
pub use token::Token;
pub use transfer::Exported;
#[cfg(feature = "postgres")]
pub use vault::PostgresVault;
#[cfg(feature = "sqlite")]
pub use vault::SqliteVault;
pub use vault::{MemoryVault, Row, State, Summary, Vault, VaultError};
pub use watch::Kept;

use crate::Clock;
use crate::http::HttpClient;
use asking::Asking;
use engine::{Engine, Limits};
use flights::Flights;
use gate::Gate;
use orientation::Orientation;
use provider::{Endpoints, Provider};
use real::Real;
use record::{Record, Standing, is_ahead};
use refresh::{Wanted, reply};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use token::RefusedToken;
use unsaved::UnsavedChanges;

/// Keeps the tokens of connections. A clone shares everything. It needs a tokio runtime.
#[derive(Clone)]
pub struct Keeper {
    engine: Arc<Engine>,
    flights: Arc<Flights>,
    redirect_uri: Option<String>,
    places: usize,
}

/// Builds a [`Keeper`].
pub struct KeeperBuilder {
    vault: Arc<dyn Vault>,
    key: VaultKey,
    clock: Arc<dyn Clock>,
    providers: BTreeMap<String, Provider>,
    redirect_uri: Option<String>,
    limits: Limits,
    places: usize,
    orientation: Orientation,
    observer: Option<Arc<dyn Observer>>,
}

impl KeeperBuilder {
    /// Adds a provider under the name that its connections have. Its endpoints may have `{variables}`, which each connection
    /// fills. If it has an issuer and no token endpoint, the metadata of the issuer is asked for at the first use, and again
    /// later if that fails.
    #[must_use]
    pub fn provider(self, name: &str, provider: crate::Provider, http: HttpClient, care: Care) -> Self {
        let clock = self.clock.clone();
        self.endpoints(name, Arc::new(Real::new(provider, http, clock)), care)
    }

    fn endpoints(mut self, name: &str, endpoints: Arc<dyn Endpoints>, care: Care) -> Self {
        self.providers.insert(name.to_owned(), Provider::new(endpoints, care));
        self
    }

    /// The address of the program to which users come back, for [`Keeper::begin`]. Each provider gets one of its own:
    /// `base/provider`, which must be registered there.
    #[must_use]
    pub fn redirect_uri(mut self, base: &str) -> Self {
        self.redirect_uri = Some(base.to_owned());
        self
    }

    /// How long callers wait for one request to a provider (10 s). Its answer is waited for half as long again (until 20 s after the
    /// request at most), and stored; then it is asked for again. The lease covers all of this: 20 s for a request of 10 s. Keep
    /// it below 20 s, so that a second request fits into the time in which providers repeat a lost answer, which is 30 s with
    /// Hallpass. All keepers of a vault should have about the same.
    #[must_use]
    pub fn request_timeout(mut self, span: Duration) -> Self {
        self.limits = Limits::of(span);
        self
    }

    /// Never compares the clock with the vault's. For tests that move the clock: otherwise a keeper takes the vault's word, and
    /// time stands still for it.
    #[must_use]
    pub fn without_vault_clock(mut self) -> Self {
        self.orientation = Orientation::without_vault();
        self
    }

    /// How many refreshes Method 2 has in flight for each provider (16).
    #[must_use]
    pub fn concurrency(mut self, refreshes: usize) -> Self {
        self.places = refreshes.max(1);
        self
    }

    /// Who hears of every refresh, for a log and counts.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The keeper.
    #[must_use]
    pub fn build(self) -> Keeper {
        let engine = Engine {
            vault: self.vault,
            key: self.key,
            clock: self.clock,
            providers: self.providers,
            limits: self.limits,
            unsaved: UnsavedChanges::default(),
            orientation: self.orientation,
            gate: Gate::default(),
            asking: Asking::default(),
            observer: self.observer,
        };
        Keeper {
            engine: Arc::new(engine),
            flights: Arc::default(),
            redirect_uri: self.redirect_uri,
            places: self.places,
        }
    }
}

impl Keeper {
    /// A keeper of the connections in `vault`, which `key` seals.
    pub fn builder(vault: Arc<dyn Vault>, key: VaultKey, clock: Arc<dyn Clock>) -> KeeperBuilder {
        KeeperBuilder {
            vault,
            key,
            clock,
            providers: BTreeMap::new(),
            redirect_uri: None,
            limits: Limits::of(Duration::from_secs(10)),
            places: 16,
            orientation: Orientation::default(),
            observer: None,
        }
    }

    /// A live access token of a connection: the stored one, or a new one if that is over or nearly so (Method 1).
    ///
    /// If a refresh fails while the access token is still good, the caller gets that.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn token(&self, connection: &Connection) -> Result<Token, KeeperError> {
        let provider = self.engine.provider(connection)?;
        self.engine.orient().await?;
        let row = self.engine.vault.read(connection).await?.ok_or(KeeperError::Unknown)?;
        let record = Record::open(&self.engine.key, connection, &row.sealed)?;
        let local = self.engine.clock.now_millis();
        let now = provider.pace.there(local);
        // A lost answer is asked for again as soon as that is due, although the access token may still be good.
        let lost = row
            .asked_at
            .is_some_and(|asked| now >= row.due_at || is_ahead(asked, now));
        let needs_user = matches!(record.standing, Standing::NeedsUser { .. });
        let is_fresh = record.is_fresh(now, self.engine.limits.margin) && !lost;
        let held = provider
            .pace
            .held(local, &provider.endpoints.place(&record.variables))
            .unwrap_or_default();
        if is_fresh || needs_user || record.waits(now) || !held.is_zero() {
            return reply(provider, &record, now, held).map_err(|error| cause(provider, &record, error));
        }
        let result = self.flights.join(&self.engine, connection, Wanted::Live).await;
        result.or_else(|error| {
            // The failure of an early refresh takes nothing away.
            let now = provider.pace.there(self.engine.clock.now_millis());
            match record.usable(now) {
                Some(access) => Ok(Token::new(access, provider.pace.skew())),
                None => Err(cause(provider, &record, error)),
            }
        })
    }

    /// Another access token, after the API refused `token` with 401. `token` may also be its last eight characters or more.
    ///
    /// Callers that were refused the same token share one refresh. A token that is not the stored one any more costs none. If
    /// new tokens are refused at once, three times in a row, the keeper waits: [`KeeperError::Unavailable`]. A token that cannot
    /// be refreshed is given again until it was refused three times, each from 15 minutes to two days after the one before.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn refused(&self, connection: &Connection, token: &str) -> Result<Token, KeeperError> {
        let refused = RefusedToken::new(token);
        let provider = self.engine.provider(connection)?;
        let row = self.engine.vault.read(connection).await?.ok_or(KeeperError::Unknown)?;
        let record = Record::open(&self.engine.key, connection, &row.sealed)?;
        let is_stored = record.access.as_ref().is_some_and(|access| refused.is(&access.token));
        if !is_stored {
            // Somebody else was refused the same token before.
            return self.token(connection).await;
        }
        // A refresh that was in flight already may end with the very token that was refused: then one more is needed, if there
        // can be another token.
        let wanted = || Wanted::Instead(refused.clone());
        let first = self.flights.join(&self.engine, connection, wanted()).await;
        let last = match first {
            Ok(token) if refused.is(&token.access) && record.refresh.is_some() => {
                self.flights.join(&self.engine, connection, wanted()).await
            }
            other => other,
        };
        last.map_err(|error| cause(provider, &record, error))
    }

    /// Another access token than `token`, which is still good: because the user allowed more in the meantime, for instance.
    /// `token` may also be its last eight characters or more. If the refresh fails, the caller gets the stored token again.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn renew(&self, connection: &Connection, token: &str) -> Result<Token, KeeperError> {
        let wanted = Wanted::Other(RefusedToken::new(token));
        self.flights.join(&self.engine, connection, wanted).await
    }

    /// Up to `limit` connections in the order of their names, after `after`. The sealed parts stay sealed.
    ///
    /// # Errors
    /// If the vault fails.
    pub async fn list(&self, after: Option<&Connection>, limit: usize) -> Result<Vec<Row>, VaultError> {
        self.engine.vault.list(None, after, limit).await
    }

    /// As [`list`](Self::list), of these providers alone. Nothing tells that others have connections.
    ///
    /// # Errors
    /// If the vault fails.
    pub async fn list_of(
        &self,
        providers: &BTreeSet<String>,
        after: Option<&Connection>,
        limit: usize,
    ) -> Result<Vec<Row>, VaultError> {
        self.engine.vault.list(Some(providers), after, limit).await
    }

    /// What happened to connections, once each.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(self.engine.vault.clone())
    }

    /// Refreshes every connection ahead of time, until this future is dropped (Method 2). Run it once in a process. Any number
    /// of processes may run it on one vault.
    ///
    /// Refreshes that are in flight when it is dropped are cancelled as by a crash: they are made again after their lease. Call
    /// [`stop`](Self::stop) first to wait for them.
    pub async fn watch(&self) {
        let mut loops = tokio::task::JoinSet::new();
        for name in self.engine.providers.keys() {
            loops.spawn(watch::run(self.engine.clone(), name.clone(), self.places));
        }
        while loops.join_next().await.is_some() {}
    }

    /// Stops the keeper: begins no request to a provider any more, and returns when the answers to those in flight are stored.
    ///
    /// Call it before the program ends, so that an end loses no answer. Live tokens are still given. Answers that the vault
    /// does not take are written again and again, for the time of one lease at most.
    pub async fn stop(&self) {
        self.engine.gate.shut().await;
        self.engine.save_before_end().await;
    }

    /// Refreshes what is due now, once, and waits until that is done. For a program that a timer starts. If
    /// [`Care::per_minute`] allows less at once, it waits for the next refresh that is allowed, for 50 s at most.
    ///
    /// # Errors
    /// If the vault fails for one of the providers. What was begun for the others is finished before.
    pub async fn keep_due(&self) -> Result<Kept, KeeperError> {
        let mut passes = tokio::task::JoinSet::new();
        for name in self.engine.providers.keys() {
            passes.spawn(watch::pass(self.engine.clone(), name.clone(), self.places));
        }
        let (mut kept, mut failed) = (Kept::default(), None);
        // Requests of other providers are in flight: a pass that fails must not cancel them.
        while let Some(pass) = passes.join_next().await {
            // A pass that panicked has kept nothing.
            match pass.unwrap_or_else(|error| Err(VaultError::Failed(error.to_string()).into())) {
                Ok(pass) => {
                    kept.ready += pass.ready;
                    kept.needs_user += pass.needs_user;
                    kept.later += pass.later;
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(kept), Err)
    }
}

/// A provider that cannot be asked with what the record says stays so until a person mends the configuration.
fn cause(provider: &Provider, record: &Record, error: KeeperError) -> KeeperError {
    match (error, provider.endpoints.check(&record.variables)) {
        (KeeperError::Unavailable { .. }, Err(unfit)) => unfit.into(),
        (error, _) => error,
    }
}
