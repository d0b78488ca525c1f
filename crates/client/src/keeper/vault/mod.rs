//! Where connections are kept, sealed: memory, SQLite or PostgreSQL.
//!
//! A vault is used by several keepers at once. Each operation is one atomic change. A refresh begins with a *lease* of its
//! connection ([`Vault::take`], [`Vault::claim`]), which has a fencing number that only grows. [`Vault::write`] changes
//! nothing unless its lease is still the last one. So a keeper that was suspended and continues later can overwrite nothing.

mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(test)]
mod tests;

pub use memory::MemoryVault;
#[cfg(feature = "postgres")]
pub use postgres::PostgresVault;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteVault;

use super::Connection;
use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A due time that never comes.
pub const NEVER: i64 = i64::MAX;

/// A connection whose refresh token was sent at most this long ago, in milliseconds, is claimed before all others: a provider
/// gives a lost answer again for a short time only. Nobody keeps the first place for ever.
const FIRST_FOR: i64 = 600_000;

/// The result of an operation on a vault.
pub type VaultFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// An operation that the vault could not carry out, or whose result is not known. Nothing that was stored is lost.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no room left.
    #[error("the vault is full: {0}")]
    Full(String),
    /// Another program locks it.
    #[error("the vault is locked by another program: {0}")]
    Locked(String),
    /// It cannot be written.
    #[error("the vault is read-only: {0}")]
    ReadOnly(String),
    /// It cannot be reached, or the connection to it broke.
    #[error("the vault cannot be reached: {0}")]
    Unreachable(String),
    /// The stored record does not open: another key, or changed by somebody.
    #[error("a record of the vault does not open with this key: {0}")]
    Sealed(String),
    /// The connection is in a state that this version does not know.
    #[error("a later version of the keeper wrote the state of the connection: {0}")]
    UnknownState(String),
    /// Any other error of the database.
    #[error("the vault failed: {0}")]
    Failed(String),
}

/// A stored connection. The secrets are in `sealed`. All moments are milliseconds since 1970 by the provider's clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The connection.
    pub connection: Connection,
    /// The sealed record.
    pub sealed: Vec<u8>,
    /// What a list shows without the key.
    pub summary: Summary,
    /// When Method 2 has something to do. [`NEVER`] if nothing.
    pub due_at: i64,
    /// When the refresh token may first have been sent. `None` if it was certainly not sent yet.
    pub asked_at: Option<i64>,
    /// The number of the last lease.
    pub fence: i64,
}

impl Row {
    /// What [`Vault::claim`] goes by.
    fn times(&self) -> (i64, Option<i64>) {
        (self.due_at, self.asked_at)
    }
}

/// The part of a record that needs no key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Whether tokens can be had.
    pub state: State,
    /// The cause of the state, or why the last refresh of a ready connection failed: the provider's error code or a word of the
    /// keeper.
    pub reason: Option<String>,
    /// Since when.
    pub since: i64,
    /// When the access token expires, if the provider said so.
    pub expires_at: Option<i64>,
}

/// Whether the tokens of a connection can be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Yes.
    Ready,
    /// Not now; the provider says that it will work again without the user.
    Paused,
    /// Not before the user connects again.
    NeedsUser,
}

impl State {
    /// The word for this state in databases, exports and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Paused => "paused",
            Self::NeedsUser => "needs_user",
        }
    }

    /// The state of a word. `None` if the word is not known.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Ready, Self::Paused, Self::NeedsUser]
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// The holder of a lease: random, new for each refresh.
pub type Owner = [u8; 16];

/// The lease that a refresh wants.
#[derive(Clone, Copy, Debug)]
pub struct LeaseRequest {
    /// The holder.
    pub owner: Owner,
    /// How long the lease lasts, by the vault's own clock: the keepers' clocks may differ.
    pub span: Duration,
    /// The moment that is stored as `asked_at` unless an earlier one is.
    pub asked_at: i64,
    /// The new due time: if this holder disappears, the refresh token is sent again then.
    pub retry_at: i64,
}

/// The result of [`Vault::take`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Taken {
    /// The lease is held. `asked_at` of the row is the value before the lease; `fence` is the new number.
    Leased(Row),
    /// Somebody else holds a lease.
    Held,
    /// There is no such connection.
    Missing,
}

/// What a holder writes at the end of its lease.
#[derive(Clone, Debug)]
pub struct Change {
    /// The connection.
    pub connection: Connection,
    /// The number of the lease.
    pub fence: i64,
    /// The holder.
    pub owner: Owner,
    /// The new record. `None` leaves record and summary as they are.
    pub record: Option<(Vec<u8>, Summary)>,
    /// The new due time.
    pub due_at: i64,
    /// The new `asked_at`.
    pub asked_at: Option<i64>,
    /// What happened to the connection, for [`Vault::next_event`].
    pub event: Option<NewEvent>,
}

/// A connection that is new, or that replaces the one of the same name and ends its leases.
#[derive(Clone, Debug)]
pub struct Put {
    /// The connection.
    pub connection: Connection,
    /// The sealed record.
    pub sealed: Vec<u8>,
    /// What a list shows.
    pub summary: Summary,
    /// When Method 2 has something to do.
    pub due_at: i64,
    /// Whether a connection of the same name is replaced. If not, it stays.
    pub replace: bool,
    /// What happened to the connection.
    pub event: Option<NewEvent>,
}

/// Something to tell the program once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewEvent {
    /// The kind: one of the words of [`super::Happening`]. The event replaces an older one of this connection and kind that
    /// nobody has dealt with, so events take bounded space.
    pub kind: String,
    /// The reason, for the kinds that have one.
    pub reason: Option<String>,
    /// When it happened.
    pub at: i64,
    /// When the connection ends, for the kind that says so.
    pub ends_at: Option<i64>,
}

/// An event that a reader has taken. Others do not get it while the reader's time lasts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEvent {
    /// The same at each delivery, and different for each event.
    pub id: [u8; 16],
    /// The connection.
    pub connection: Connection,
    /// What happened.
    pub event: NewEvent,
    /// How many tries to deliver it have failed.
    pub tries: u32,
}

/// A sign-in that was begun.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// SHA-256 of the `state`.
    pub state: [u8; 32],
    /// Reference, verifier and the rest, sealed.
    pub sealed: Vec<u8>,
    /// When it is over, by the keeper's clock.
    pub expires_at: i64,
}

/// A store of connections, shared by keepers. Each method is atomic, and durable when it returns.
pub trait Vault: Send + Sync {
    /// A connection.
    fn read<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, Option<Row>>;

    /// Inserts or replaces a connection. Replacing raises the fence, so that refreshes in flight can write nothing. Returns
    /// whether it was written: not if there is one that must not be replaced.
    fn put(&self, put: Put) -> VaultFuture<'_, bool>;

    /// Leases a connection, unless somebody else does.
    fn take<'a>(&'a self, connection: &'a Connection, lease: LeaseRequest) -> VaultFuture<'a, Taken>;

    /// Leases up to `limit` connections of `provider` that are due and that nobody leases, in a known state: first those whose
    /// `asked_at` is at most ten minutes before that of the lease, so that no backlog keeps a lost answer waiting, then the longest
    /// due. Returns them as [`Taken::Leased`] does.
    fn claim<'a>(
        &'a self,
        provider: &'a str,
        due_by: i64,
        limit: usize,
        lease: LeaseRequest,
    ) -> VaultFuture<'a, Vec<Row>>;

    /// Writes and ends the lease. Returns `false` and writes nothing if the lease is not the last one of the connection.
    fn write(&self, change: Change) -> VaultFuture<'_, bool>;

    /// Deletes a connection under its lease. Returns `false` and deletes nothing if the lease is not the last one.
    fn remove<'a>(&'a self, connection: &'a Connection, fence: i64, owner: Owner) -> VaultFuture<'a, bool>;

    /// Deletes a connection in an unknown state, even if somebody leases it. Returns whether there was one.
    fn remove_unknown<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, bool>;

    /// How many connections are in an unknown state.
    fn count_unknown(&self) -> VaultFuture<'_, usize>;

    /// Up to `limit` connections in a known state, in the order of their names, after `after`. `None` for `providers`: those of all
    /// providers.
    fn list<'a>(
        &'a self,
        providers: Option<&'a BTreeSet<String>>,
        after: Option<&'a Connection>,
        limit: usize,
    ) -> VaultFuture<'a, Vec<Row>>;

    /// Stores a sign-in that was begun, and deletes a few that were over at `now`.
    fn begin(&self, sign_in: SignIn, now: i64) -> VaultFuture<'_, ()>;

    /// A sign-in that was begun, by the digest of its state.
    fn begun<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, Option<SignIn>>;

    /// Deletes a sign-in. Returns whether it was there: only one caller gets `true`.
    fn spend<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, bool>;

    /// The oldest event that no reader has, and whose connection has no older one: what happened to a connection is told in
    /// order. This reader has it for `span`, by the vault's clock.
    fn next_event(&self, span: Duration) -> VaultFuture<'_, Option<StoredEvent>>;

    /// Counts a failed try to deliver an event, and lets its reader have it for `span` from now on. Returns `false` if it is
    /// gone.
    fn event_failed<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool>;

    /// As [`Vault::event_failed`], and counts no try.
    fn event_kept<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool>;

    /// Deletes an event, which was dealt with.
    fn event_done<'a>(&'a self, id: &'a [u8; 16]) -> VaultFuture<'a, ()>;

    /// The vault's own clock, in milliseconds since 1970. `None` if it has none.
    fn now(&self) -> VaultFuture<'_, Option<i64>>;

    /// How far the clocks of providers are from the vault's, in milliseconds, as last set.
    fn skews(&self) -> VaultFuture<'_, Vec<(String, i64)>>;

    /// Remembers that the provider's clock is so many milliseconds ahead of the vault's.
    fn set_skew<'a>(&'a self, provider: &'a str, skew: i64) -> VaultFuture<'a, ()>;
}
