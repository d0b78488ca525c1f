//! The way to the database: the two engines, and the one thread that writes.

pub(super) mod migrations;
pub(super) mod postgres;
pub(super) mod sqlite;
mod sweep;
pub(super) mod writer;

use super::grants::{GRANT, grant_of};
use super::model::{Beat, Grant, GrantId, Mark, User, UserId};
use super::people::{PERSON, person_of};
use super::rows::first;
use super::value::{Row, Value};
use super::{Result, StoreError};
use postgres::Postgres;
use sqlite::Sqlite;

/// The engine that the configuration names.
pub(super) enum Engine {
    Sqlite(Sqlite),
    Postgres(Box<Postgres>),
}

impl Engine {
    pub(super) async fn migrate(&self) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.migrate(),
            Self::Postgres(postgres) => postgres.migrate().await,
        }
    }

    pub(super) async fn pending_migrations(&self) -> Result<Vec<String>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.pending_migrations(),
            Self::Postgres(postgres) => postgres.pending_migrations().await,
        }
    }

    /// Reads few rows by a key. On SQLite on the calling thread.
    pub(super) async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(sql, params),
            Self::Postgres(postgres) => postgres.read(sql, params).await,
        }
    }

    /// Reads a list, on SQLite on another thread.
    pub(super) async fn scan(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.scan(sql, params).await,
            Self::Postgres(postgres) => postgres.read(sql, &params).await,
        }
    }

    /// The grant. PostgreSQL is asked once for all that are asked for at the same moment.
    pub(super) async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        match self {
            Self::Sqlite(sqlite) => first(sqlite.read(GRANT, &[id.into()])?, grant_of),
            Self::Postgres(postgres) => postgres.grant(id).await,
        }
    }

    /// The person, with memberships, read in the same way.
    pub(super) async fn user(&self, id: UserId) -> Result<Option<User>> {
        match self {
            Self::Sqlite(sqlite) => person_of(sqlite.read(PERSON, &[id.into()])?),
            Self::Postgres(postgres) => postgres.user(id).await,
        }
    }

    /// A heartbeat, and the feed above `marks`.
    pub(super) async fn beat(&self, node: [u8; 16], reads: &str, marks: &[Mark]) -> Result<Beat> {
        match self {
            Self::Postgres(postgres) => postgres.beat(node, reads, marks).await,
            Self::Sqlite(_) => Err(StoreError::Unfit("SQLite is one server's".to_owned())),
        }
    }

    /// Runs a statement in a commit of its own on PostgreSQL; on SQLite there is nothing for it to do.
    pub(super) async fn run_on_postgres(&self, sql: &'static str, params: &[Value]) -> Result<()> {
        match self {
            Self::Postgres(postgres) => postgres.directly(sql, params).await.map(drop),
            Self::Sqlite(_) => Ok(()),
        }
    }

    /// The statement of this engine, where each has its own.
    pub(super) fn one_of(&self, on_sqlite: &'static str, on_postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => on_sqlite,
            Self::Postgres(_) => on_postgres,
        }
    }
}
