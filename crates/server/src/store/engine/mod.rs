//! How the database is reached: the two engines, and the one thread that writes.

pub(super) mod migrations;
pub(super) mod postgres;
pub(super) mod sqlite;
mod sweep;
pub(super) mod writer;

use super::Result;
use super::value::{Row, Value};
use postgres::Postgres;
use sqlite::Sqlite;

/// The database of this server.
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

    /// Point reads: by a key, few rows. On SQLite on this very thread.
    pub(super) async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(sql, params),
            Self::Postgres(postgres) => postgres.read(sql, params).await,
        }
    }

    /// Lists, away from the threads that answer requests.
    pub(super) async fn scan(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.scan(sql, params).await,
            Self::Postgres(postgres) => postgres.read(sql, &params).await,
        }
    }
}
