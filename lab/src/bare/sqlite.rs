//! One writer thread that commits in groups, and separate connections that read.

use super::{BATCH, ROWS, key};
use crate::Outcome;
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot;

/// The connections to the table of rows.
pub(super) struct Rows {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    writer: Sender<Change>,
}

struct Change {
    id: i64,
    generation: i64,
    done: oneshot::Sender<bool>,
}

impl Rows {
    /// Opens the database, and creates the table and its rows if they are missing.
    pub(super) fn open(path: &Path) -> Outcome<Self> {
        let mut connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;
             CREATE TABLE IF NOT EXISTS rows (id BLOB NOT NULL PRIMARY KEY, generation BIGINT NOT NULL,
             rotated_at BIGINT NOT NULL, last_used BIGINT NOT NULL, expires BIGINT NOT NULL, rest BLOB NOT NULL);",
        )?;
        let transaction = connection.transaction()?;
        for n in 0..ROWS {
            transaction.execute(
                "INSERT OR IGNORE INTO rows VALUES (?1, 1, 0, 0, 0, ?2)",
                params![key(n as i64), [0u8; 150]],
            )?;
        }
        transaction.commit()?;
        let (writer, changes) = channel();
        std::thread::spawn(move || write(&connection, &changes));
        let (path, readers) = (path.to_owned(), Mutex::default());
        Ok(Self { path, readers, writer })
    }

    /// Reads and updates a row. Returns whether the row exists.
    pub(super) async fn change(&self, id: i64) -> bool {
        let Ok(generation) = self.read(id) else { return false };
        let (done, changed) = oneshot::channel();
        let sent = self.writer.send(Change { id, generation, done });
        sent.is_ok() && changed.await.unwrap_or(false)
    }

    fn read(&self, id: i64) -> rusqlite::Result<i64> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => Connection::open(&self.path)?,
        };
        let generation = reader
            .prepare_cached("SELECT generation, rotated_at, last_used, expires, rest FROM rows WHERE id = ?1")?
            .query_row([key(id)], |row| {
                let _: (i64, i64, i64, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                row.get(0)
            });
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        generation
    }
}

fn write(connection: &Connection, changes: &Receiver<Change>) {
    while let Ok(first) = changes.recv() {
        let mut batch = vec![first];
        batch.extend(changes.try_iter().take(BATCH - 1));
        let committed = commit(connection, &batch);
        if let Err(error) = &committed {
            eprintln!("{error}");
        }
        for change in batch {
            let _ = change.done.send(committed.is_ok());
        }
    }
}

fn commit(connection: &Connection, batch: &[Change]) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for change in batch {
        connection
            .prepare_cached(
                "UPDATE rows SET generation = generation + 1, rotated_at = ?1, last_used = ?1, expires = ?2
                 WHERE id = ?3 AND generation = ?4",
            )?
            .execute(params![1_i64, 2_i64, key(change.id), change.generation])?;
    }
    connection.execute_batch("COMMIT")
}
