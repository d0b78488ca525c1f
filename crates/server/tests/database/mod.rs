//! The database of a test, on the engine that `HALLPASS_TEST_DATABASE` names: an SQLite file, or a schema of its own in the
//! PostgreSQL that this process shares. Unit tests share this module with those through HTTP.
#![allow(dead_code, reason = "not every test that shares this module needs all of it")]
#![allow(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

use hallpass_cluster::{Schema, tests_run_on_postgres};
use rusqlite::Connection;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// It is deleted when this value is dropped.
pub(crate) enum Database {
    /// A file, and its folder if it has its own.
    Sqlite(PathBuf, Option<TempDir>),
    /// A schema.
    Postgres(Schema),
    /// The database of this URL.
    Elsewhere(String),
}

impl Database {
    /// A database without tables.
    pub(crate) fn empty() -> Self {
        match tests_run_on_postgres() {
            true => Self::empty_on_postgres(),
            false => Self::sqlite(),
        }
    }

    /// The same on PostgreSQL, whatever engine the other tests use.
    pub(crate) fn empty_on_postgres() -> Self {
        Self::Postgres(Schema::new().unwrap())
    }

    /// A database for a server that begins. It may have the tables already.
    pub(crate) fn new() -> Self {
        match tests_run_on_postgres() {
            true => Self::postgres(),
            false => Self::sqlite(),
        }
    }

    /// The same on PostgreSQL.
    pub(crate) fn postgres() -> Self {
        Self::Postgres(Schema::reusable().unwrap())
    }

    /// The same on SQLite.
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::Sqlite(folder.path().join("hallpass.db"), Some(folder))
    }

    /// The same. On SQLite it is this file, which the caller deletes.
    pub(crate) fn at(file: PathBuf) -> Self {
        match tests_run_on_postgres() {
            true => Self::new(),
            false => Self::Sqlite(file, None),
        }
    }

    /// A database without tables. On SQLite it is this file, which the caller deletes.
    pub(crate) fn empty_at(file: PathBuf) -> Self {
        match tests_run_on_postgres() {
            true => Self::empty(),
            false => Self::Sqlite(file, None),
        }
    }

    /// A copy of this database. On SQLite it is this file, which was copied already.
    pub(crate) fn copied(&self, file: PathBuf) -> Self {
        match self {
            Self::Sqlite(..) => Self::Sqlite(file, None),
            Self::Postgres(schema) => Self::Postgres(schema.copied().unwrap()),
            Self::Elsewhere(_) => unreachable!("nobody copies it"),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        !matches!(self, Self::Sqlite(..))
    }

    /// Its URL, if it is not the database in the data folder.
    pub(crate) fn named(&self) -> Option<String> {
        match self {
            Self::Sqlite(_, None) => None,
            _ => Some(self.url()),
        }
    }

    /// The URL for `[store] url`.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(file, _) => format!("sqlite:{}", file.display()),
            Self::Postgres(schema) => schema.url().to_owned(),
            Self::Elsewhere(url) => url.clone(),
        }
    }

    /// The file of an SQLite database.
    pub(crate) fn file(&self) -> &Path {
        match self {
            Self::Sqlite(file, _) => file,
            Self::Postgres(_) | Self::Elsewhere(_) => unreachable!("a test of SQLite alone"),
        }
    }

    /// Runs statements as another program would. Returns the rows as lines, with `|` between columns.
    pub(crate) fn sql(&self, statements: &str) -> Result<String, String> {
        match self {
            Self::Sqlite(file, _) => sqlite(file, statements).map_err(|error| error.to_string()),
            Self::Postgres(schema) => schema.sql(statements),
            Self::Elsewhere(_) => unreachable!("who made it asks it"),
        }
    }

    /// Everything in it: SQLite's file and log, or PostgreSQL's rows as text, without the heartbeats of nodes.
    pub(crate) fn kept(&self) -> Vec<u8> {
        let Self::Postgres(schema) = self else {
            let log = self.file().with_extension("db-wal");
            return [fs::read(self.file()).unwrap(), fs::read(log).unwrap_or_default()].concat();
        };
        let tables = format!(
            "SELECT tablename FROM pg_tables WHERE schemaname = '{}' AND tablename <> 'nodes' ORDER BY tablename",
            schema.name()
        );
        let tables = schema.sql(&tables).unwrap();
        let rows = tables
            .lines()
            .map(|table| schema.sql(&format!("SELECT t::text FROM {table} AS t ORDER BY 1")));
        rows.map(Result::unwrap).collect::<Vec<_>>().join("\n").into_bytes()
    }

    /// Bytes in the notation of this engine's statements.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> String {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self {
            Self::Sqlite(..) => format!("x'{digits}'"),
            Self::Postgres(_) | Self::Elsewhere(_) => format!("'\\x{digits}'::bytea"),
        }
    }
}

fn sqlite(file: &Path, statements: &str) -> rusqlite::Result<String> {
    let connection = Connection::open(file)?;
    let mut batch = rusqlite::Batch::new(&connection, statements);
    let mut lines = Vec::new();
    while let Some(mut statement) = batch.next()? {
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..columns).map(|column| row.get_ref(column).map(cell));
            lines.push(cells.collect::<rusqlite::Result<Vec<_>>>()?.join("|"));
        }
    }
    Ok(lines.join("\n"))
}

fn cell(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => bytes
            .iter()
            .fold("\\x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
    }
}
