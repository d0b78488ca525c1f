//! SQLite: point reads on the calling thread, on connections that only read; lists on other threads and connections; all
//! writes on one thread (`engine/writer/queue.rs`).

pub(crate) mod batch;
pub(crate) mod connection;
pub(crate) mod schema;
pub(crate) mod sweep;
mod writer;

use self::connection::SqliteConnection;
use self::writer::SqliteWriter;
use super::writer::bounds::BatchBounds;
use crate::store::error::unavailable;
use crate::store::value::{Row, Value};
use crate::store::{Result, StoreError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Before this version SQLite could lose commits of a WAL that was being reset.
const OLDEST: i32 = 3_051_003;
/// How many lists are read at the same time.
const SCANS: usize = 4;

pub(crate) struct Sqlite {
    path: PathBuf,
    points: Pool,
    scans: Arc<Pool>,
    scanning: Arc<tokio::sync::Semaphore>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, readers: usize, bounds: Arc<BatchBounds>) -> Result<(Self, SqliteWriter)> {
        if rusqlite::version_number() < OLDEST {
            let text = format!(
                "SQLite {} can lose commits; 3.51.3 is the oldest to use",
                rusqlite::version()
            );
            return Err(StoreError::Unfit(text));
        }
        let writer = SqliteWriter::open(path, bounds)?;
        let sqlite = Self {
            path: path.to_owned(),
            points: Pool::new(path, readers),
            scans: Arc::new(Pool::new(path, SCANS)),
            scanning: Arc::new(tokio::sync::Semaphore::new(SCANS)),
        };
        Ok((sqlite, writer))
    }

    pub(crate) fn migrate(&self) -> Result<()> {
        schema::migrate(&mut SqliteConnection::writer(&self.path)?)
    }

    pub(crate) fn pending_migrations(&self) -> Result<Vec<String>> {
        schema::pending(&mut SqliteConnection::writer(&self.path)?)
    }

    pub(crate) fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        self.points.query(sql, params)
    }

    pub(crate) async fn scan(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        let permit = Arc::clone(&self.scanning).acquire_owned().await.map_err(unavailable)?;
        let pool = Arc::clone(&self.scans);
        let query = move || {
            let _permit = permit;
            pool.query(sql, &params)
        };
        tokio::task::spawn_blocking(query).await.map_err(unavailable)?
    }
}

/// Connections that only read, lent for one query.
struct Pool {
    path: PathBuf,
    keep: usize,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Pool {
    fn new(path: &Path, keep: usize) -> Self {
        let (path, idle) = (path.to_owned(), Mutex::default());
        Self { path, keep, idle }
    }

    /// Never waits for a connection: if none is idle, another is opened, and closed again if there are too many.
    fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        let idle = self.idle().pop();
        let connection = idle.map_or_else(|| SqliteConnection::reader(&self.path), Ok)?;
        let rows = connection.query(sql, params);
        if !connection.is_broken() {
            let mut idle = self.idle();
            if idle.len() < self.keep {
                idle.push(connection);
            }
        }
        rows
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
