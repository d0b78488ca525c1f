//! The database: grants, and what people entered.
//!
//! One concrete [`Store`] with one of two engines inside, SQLite or PostgreSQL. Each noun has a folder, or a file, with its
//! statements. Most are the same for both engines; where they cannot be, the two texts stand side by side, and the name of the
//! one that only PostgreSQL gets ends in `_ON_POSTGRES`.
//!
//! A change of state is one conditional statement, never a read and then a write. All changes that wait at the same moment are
//! one commit (`engine/writer/queue.rs`), and each is answered after it. Of a token only its grant's row is stored, so the
//! database grows with grants and not with refreshes.

mod apps;
mod audit;
mod declared;
mod deletions;
mod engine;
mod error;
mod feed;
mod grants;
mod handovers;
mod keys;
pub mod model;
mod organizations;
mod people;
mod resources;
mod rows;
mod settings;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod value;

pub use apps::Manager;
pub use deletions::Toll;
pub use engine::postgres::Address;
pub use error::{Result, StoreError, if_readable};
pub(crate) use feed::nodes::{ORGANIZATION_GRANTS, RECALL};
pub(crate) use grants::CODE_KEPT;
pub use grants::Connected;
pub use handovers::REPEATED;
pub use people::SiteChange;

use crate::config::{self, StoreUrl};
use crate::time::Instant;
use engine::Engine;
use engine::postgres::Postgres;
use engine::sqlite::Sqlite;
use engine::writer::bounds::BatchBounds;
use engine::writer::queue::{Queue, Shared};
use engine::writer::work::{Outcome, Use, Work, Write};
use model::{AuditEvent, Change, GrantId, NewChange};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use value::{Row, Statement, Value};

/// The database. Cheap to clone; every clone is the same store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// The event that the audit log gets with the next change (see [`Store::recording`]).
    event: Option<Box<AuditEvent>>,
}

struct Inner {
    engine: Engine,
    queue: Queue,
    shared: Arc<Shared>,
    bounds: Arc<BatchBounds>,
}

impl Store {
    /// Opens the configured database and starts its writer; `readers` connections of SQLite are kept for point reads.
    /// [`Store::migrate`] makes the tables.
    pub async fn open(config: &config::Store, readers: usize) -> Result<Self> {
        match &config.url {
            StoreUrl::Sqlite(path) => Self::open_sqlite(path, readers),
            StoreUrl::Postgres(address) => {
                let (shared, bounds) = (Arc::default(), Arc::default());
                let (postgres, writer) = Postgres::open(address, config, Arc::clone(&bounds)).await?;
                let queue = engine::writer::queue::start(writer, Arc::clone(&shared))?;
                Ok(Self::of(Engine::Postgres(Box::new(postgres)), queue, shared, bounds))
            }
        }
    }

    /// Opens or makes an SQLite database and starts its writer; `readers` connections are kept for point reads.
    /// [`Store::migrate`] makes the tables.
    pub fn open_sqlite(path: &Path, readers: usize) -> Result<Self> {
        let (shared, bounds) = (Arc::default(), Arc::default());
        let (sqlite, writer) = Sqlite::open(path, readers, Arc::clone(&bounds))?;
        let queue = engine::writer::queue::start(writer, Arc::clone(&shared))?;
        Ok(Self::of(Engine::Sqlite(sqlite), queue, shared, bounds))
    }

    fn of(engine: Engine, queue: Queue, shared: Arc<Shared>, bounds: Arc<BatchBounds>) -> Self {
        let inner = Inner {
            engine,
            queue,
            shared,
            bounds,
        };
        Self {
            inner: Arc::new(inner),
            event: None,
        }
    }

    /// Whether other servers may use the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.engine, Engine::Postgres(_))
    }

    /// Applies missing migrations. They only add: an older server goes on working beside a newer one.
    pub async fn migrate(&self) -> Result<()> {
        self.inner.engine.migrate().await
    }

    /// The SQL that [`Store::migrate`] would run, the oldest first.
    pub async fn pending_migrations(&self) -> Result<Vec<String>> {
        self.inner.engine.pending_migrations().await
    }

    /// The SQL that [`Store::migrate`] runs on a new SQLite database, the oldest first.
    #[must_use]
    pub fn all_migrations() -> Vec<String> {
        engine::migrations::all()
    }

    /// Calls `listener` with every entry of the feed that this store commits: after the commit and before its answer,
    /// even if the caller has gone away. It must be quick. Only the first listener counts.
    pub fn on_change(&self, listener: impl Fn(&[Change]) + Send + Sync + 'static) {
        // A second listener would be a bug of the start; the first one is the revoked set.
        let _ = self.inner.shared.listener.set(Box::new(listener));
    }

    /// Sets the clock of the expiry sweep, which is used if it is behind the time of the write. Only the first call
    /// counts.
    pub fn sweep_by(&self, clock: impl Fn() -> Instant + Send + Sync + 'static) {
        self.inner.bounds.sweep_by(Box::new(clock));
    }

    /// How many commits a caller waited for.
    #[cfg(test)]
    pub(crate) fn commits(&self) -> usize {
        self.inner.shared.commits.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn note(&self, one: Use) {
        self.inner.shared.uses.note(one);
    }

    /// Writes all pending uses at once, before the server ends. Works of this kind keep their order: even if no use
    /// is due, those that the writer had taken are committed by then.
    pub async fn flush(&self) -> Result<()> {
        for _ in 0..=engine::writer::uses::LIMIT / engine::writer::queue::USES {
            self.change(Work::Uses(vec![])).await?;
            if !self.inner.shared.uses.is_due() {
                break;
            }
        }
        Ok(())
    }

    fn is_failing(&self) -> bool {
        self.inner.shared.pressure.is_failing()
    }

    fn use_longest_access(&self, longest: Duration) {
        self.inner.bounds.use_longest_access(longest);
    }

    /// Reads few rows by a key. On SQLite on the calling thread.
    async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        self.inner.engine.read(sql, params).await
    }

    /// Reads a list, on SQLite on another thread.
    async fn scan(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        self.inner.engine.scan(sql, params).await
    }

    /// Runs all of these statements or none, in one commit.
    async fn write(&self, statements: Vec<Statement>) -> Result<()> {
        let write = Write {
            statements,
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }

    /// The same, with an entry of the feed.
    async fn write_announcing(&self, statements: Vec<Statement>, change: NewChange) -> Result<()> {
        let announce = vec![change];
        let write = Write {
            statements,
            announce,
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }

    /// The same with entries of the feed and grants to end; returns the ended grants.
    async fn write_with(&self, write: Write) -> Result<Vec<GrantId>> {
        match self.change(Work::Write(write)).await? {
            Outcome::EndedMany(ended) => Ok(ended),
            outcome => Err(outcome.unexpected()),
        }
    }

    /// Sends one change to the writer.
    async fn change(&self, work: Work) -> Result<Outcome> {
        let work = match &self.event {
            Some(event) => work.recorded((**event).clone())?,
            None => work,
        };
        self.inner.queue.change(work).await
    }
}
