//! Two connections: one prepared statement reads a batch of rows on the first; one prepared statement, and so one commit,
//! changes a batch of rows on the second. Each connection has one batch in flight.

use super::{BATCH, ROWS, key};
use crate::Outcome;
use crate::postgres::connect;
use std::collections::HashMap;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_postgres::{Client, Error, Statement};

/// The two connections to the table of rows.
#[derive(Clone)]
pub(super) struct Rows {
    reads: UnboundedSender<Read>,
    changes: UnboundedSender<Change>,
}

struct Read {
    id: i64,
    found: oneshot::Sender<i64>,
}

struct Change {
    id: i64,
    generation: i64,
    done: oneshot::Sender<bool>,
}

/// No index has the columns that a rotation changes, and pages have free space for the next version of a row.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS rows (id BYTEA NOT NULL PRIMARY KEY, generation BIGINT NOT NULL, \
     rotated_at BIGINT NOT NULL, last_used BIGINT NOT NULL, expires BIGINT NOT NULL, rest BYTEA NOT NULL) \
     WITH (fillfactor = 85)";

const READ: &str = "SELECT id, generation, rotated_at, last_used, expires, rest FROM rows WHERE id = ANY($1)";

/// Locks the rows in the order of their ids, so that batches of several connections cannot deadlock.
const CHANGE: &str = "WITH l AS (SELECT b.n, b.generation, r.id, r.generation AS found \
         FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS b(id, generation, n) \
         JOIN rows AS r ON r.id = b.id ORDER BY r.id FOR NO KEY UPDATE OF r), \
     u AS (UPDATE rows AS r SET generation = r.generation + 1, rotated_at = $3, last_used = $3, expires = $4 \
         FROM l WHERE r.id = l.id AND l.found = l.generation RETURNING l.n) \
     SELECT n FROM u";

impl Rows {
    /// Opens the database, and creates the table and its rows if they are missing.
    pub(super) async fn open(url: &str) -> Outcome<Self> {
        let (reader, writer) = (connect(url).await?, connect(url).await?);
        writer.batch_execute(TABLE).await?;
        let keys: Vec<[u8; 16]> = (0..ROWS).map(|n| key(n as i64)).collect();
        let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
        writer
            .execute(
                "INSERT INTO rows SELECT id, 1, 0, 0, 0, $2 FROM unnest($1::bytea[]) AS id ON CONFLICT DO NOTHING",
                &[&keys, &[0_u8; 150].as_slice()],
            )
            .await?;
        let (read, change) = (reader.prepare(READ).await?, writer.prepare(CHANGE).await?);
        let (reads, reading) = unbounded_channel();
        let (changes, changing) = unbounded_channel();
        tokio::spawn(read_all(reader, read, reading));
        tokio::spawn(change_all(writer, change, changing));
        Ok(Self { reads, changes })
    }

    /// Reads and updates a row. Returns whether the row exists.
    pub(super) async fn change(&self, id: i64) -> bool {
        let (found, generation) = oneshot::channel();
        if self.reads.send(Read { id, found }).is_err() {
            return false;
        }
        let Ok(generation) = generation.await else {
            return false;
        };
        let (done, changed) = oneshot::channel();
        let sent = self.changes.send(Change { id, generation, done });
        sent.is_ok() && changed.await.unwrap_or(false)
    }
}

async fn read_all(client: Client, statement: Statement, mut waiting: UnboundedReceiver<Read>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        // If the read fails, dropping the batch tells each waiting request that its row does not exist.
        if let Err(error) = read(&client, &statement, &mut batch).await {
            eprintln!("{error}");
        }
        batch.clear();
    }
}

async fn read(client: &Client, statement: &Statement, batch: &mut Vec<Read>) -> Result<(), Error> {
    let keys: Vec<[u8; 16]> = batch.iter().map(|read| key(read.id)).collect();
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
    let rows = client.query(statement, &[&keys]).await?;
    let mut found: HashMap<&[u8], i64> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let _: (i64, i64, i64, &[u8]) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(5)?);
        found.insert(row.try_get(0)?, row.try_get(1)?);
    }
    for read in batch.drain(..) {
        if let Some(generation) = found.get(key(read.id).as_slice()) {
            let _ = read.found.send(*generation);
        }
    }
    Ok(())
}

async fn change_all(client: Client, statement: Statement, mut waiting: UnboundedReceiver<Change>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let changed = commit(&client, &statement, &batch).await.unwrap_or_else(|error| {
            eprintln!("{error}");
            vec![false; batch.len()]
        });
        for (change, changed) in batch.drain(..).zip(changed) {
            let _ = change.done.send(changed);
        }
    }
}

/// Returns for each change whether it was made.
async fn commit(client: &Client, statement: &Statement, batch: &[Change]) -> Result<Vec<bool>, Error> {
    let keys: Vec<[u8; 16]> = batch.iter().map(|change| key(change.id)).collect();
    let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
    let generations: Vec<i64> = batch.iter().map(|change| change.generation).collect();
    let rows = client.query(statement, &[&keys, &generations, &1_i64, &2_i64]).await?;
    let mut changed = vec![false; batch.len()];
    for row in rows {
        let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(usize::MAX);
        if let Some(changed) = changed.get_mut(place) {
            *changed = true;
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends where an expectation fails")]

    use super::*;
    use crate::postgres::Postgres;
    use tokio::task::JoinSet;

    #[tokio::test]
    async fn each_row_of_a_batch_is_changed_once() {
        let folder = std::env::temp_dir().join(format!("hallpass-bare-{}", std::process::id()));
        let postgres = Postgres::start(&folder, &["fsync=off"]).unwrap();
        let rows = Rows::open(&postgres.url()).await.unwrap();
        let mut changes = JoinSet::new();
        for id in 0..600 {
            let rows = rows.clone();
            changes.spawn(async move { rows.change(id).await });
        }
        assert!(changes.join_all().await.into_iter().all(|changed| changed));
        assert!(!rows.change(1_000_000).await, "there is no such row");
        let moved = postgres.number("SELECT sum(generation - 1) FROM rows").unwrap();
        assert!((moved - 600.0).abs() < 0.5, "{moved} changes");
    }
}
