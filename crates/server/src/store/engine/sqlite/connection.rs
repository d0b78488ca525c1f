//! One SQLite connection: how it is opened, and statements on it.

use crate::store::error::unavailable;
use crate::store::value::{Row, Value};
use crate::store::{Result, StoreError};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Error, ErrorCode, OpenFlags, ToSql, params_from_iter};
use std::cell::Cell;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

/// How long to wait for the lock of another process. All writes wait with it, so the wait is short.
const BUSY: Duration = Duration::from_secs(1);

/// A connection, and whether it can still be used.
pub(crate) struct SqliteConnection {
    pub(crate) raw: rusqlite::Connection,
    broken: Cell<bool>,
}

impl SqliteConnection {
    /// Opens the writing connection. WAL with FULL: a commit that returned survives a power loss.
    pub(crate) fn writer(path: &Path) -> Result<Self> {
        make_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Self::open(path, flags)?;
        let mode: String = connection
            .raw
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(unfit)?;
        if mode != "wal" {
            return Err(StoreError::Unfit(format!("it cannot use WAL (journal mode {mode})")));
        }
        let pragmas = "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -16000;";
        connection.raw.execute_batch(pragmas).map_err(unavailable)?;
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(crate) fn reader(path: &Path) -> Result<Self> {
        Self::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn open(path: &Path, flags: OpenFlags) -> Result<Self> {
        let raw = rusqlite::Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(unavailable)?;
        raw.busy_timeout(BUSY).map_err(unavailable)?;
        // Plans must not depend on bound values: otherwise a statement with a LIMIT, or with a condition beyond its
        // index, is prepared again at every execution.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(unavailable)?;
        raw.set_prepared_statement_cache_capacity(128);
        let broken = Cell::new(false);
        Ok(Self { raw, broken })
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value]) -> Result<u64> {
        let run = || self.raw.prepare_cached(sql)?.execute(params_from_iter(params));
        run().map(|changed| changed as u64).map_err(|error| self.judge(error))
    }

    /// Runs a statement; its rows.
    pub(crate) fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.rows(sql, params).map_err(|error| self.judge(error))
    }

    /// Whether it must be opened again after an error.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    fn rows(&self, sql: &str, params: &[Value]) -> rusqlite::Result<Vec<Row>> {
        let mut statement = self.raw.prepare_cached(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| row.get_ref(column).map(value));
            found.push(Row::new(values.collect::<rusqlite::Result<_>>()?));
        }
        Ok(found)
    }

    fn judge(&self, error: Error) -> StoreError {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => return StoreError::Taken(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull) => {}
            _ => self.broken.set(true),
        }
        unavailable(error)
    }
}

/// Only the owner may read a new database, in any folder; SQLite gives the files beside it the same mode. It has hashes
/// and e-mail addresses.
fn make_private(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(unavailable(error)),
        _ => Ok(()),
    }
}

/// A file that is not a database will not become one by waiting.
fn unfit(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Unfit(error.to_string()),
        _ => unavailable(error),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// The value of a column. Types that none of our statements writes become bytes, which no conversion takes for a number
/// or text. They never become NULL, which may mean "does not expire".
fn value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Real(number) => Value::Bytes(number.to_be_bytes().to_vec()),
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Bytes(text.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}
