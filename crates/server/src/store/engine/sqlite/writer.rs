//! Commits batches to SQLite: the writing connection, and one transaction for each batch.

use super::batch::SqliteBatch;
use super::connection::SqliteConnection;
use crate::store::engine::writer::bounds::BatchBounds;
use crate::store::engine::writer::queue::{BatchWriter, Committed};
use crate::store::engine::writer::work::{Locks, Work};
use crate::store::error::unavailable;
use crate::store::feed::numbering::Numbering;
use crate::store::feed::{CURRENT, change_of};
use crate::store::model::Change;
use crate::store::rows::all;
use crate::store::{Result, StoreError};
use crate::time::Instant;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The device and inode of a file.
type FileId = (u64, u64);

pub(crate) struct SqliteWriter {
    path: PathBuf,
    /// The file at the start.
    file: FileId,
    /// `None` after an error: it is opened again for the next commit.
    connection: Option<SqliteConnection>,
    numbering: Numbering,
    bounds: Arc<BatchBounds>,
}

impl SqliteWriter {
    pub(crate) fn open(path: &Path, bounds: Arc<BatchBounds>) -> Result<Self> {
        Ok(Self {
            connection: Some(SqliteConnection::writer(path)?),
            path: path.to_owned(),
            file: file_at(path)?,
            numbering: Numbering::begin()?,
            bounds,
        })
    }
}

impl BatchWriter for SqliteWriter {
    /// A panic in here drops the connection, and with it all that was not committed. No other server writes to this
    /// file.
    fn commit(&mut self, works: &[&Work], _: Locks) -> Result<Committed> {
        // SQLite would go on writing to a file that was moved or deleted, and the next start would not find those
        // changes.
        if file_at(&self.path)? != self.file {
            return Err(StoreError::Unavailable(
                "the database file was replaced by another file".to_owned(),
            ));
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::writer(&self.path)?,
        };
        let applied = SqliteBatch::new(&connection, &mut self.numbering, &self.bounds).apply(works);
        if !connection.is_broken() {
            self.connection = Some(connection);
        }
        applied
    }

    fn untold(&mut self) -> Result<Vec<Change>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => SqliteConnection::writer(&self.path)?,
        };
        // All entries of the feed.
        let rows = self
            .connection
            .insert(connection)
            .query(CURRENT, &[Instant(0).into()])?;
        all(rows, change_of)
    }
}

fn file_at(path: &Path) -> Result<FileId> {
    let found = std::fs::metadata(path).map_err(unavailable)?;
    Ok((found.dev(), found.ino()))
}
