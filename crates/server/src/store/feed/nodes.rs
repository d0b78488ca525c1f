//! Heartbeats of servers that share a database, each with a look at the feed (decision 26).

use super::change_of;
use crate::store::model::{Beat, Mark};
use crate::store::value::{Row, Value};
use crate::store::{Result, Store, StoreError};

/// What this version reads beyond the first one. A new word or format is written only when every server reads it.
pub(crate) const READS: &str = "recall organization_grants";

/// Entries of the feed that replace several others.
pub(crate) const RECALL: &str = "recall";

/// Grants of organizations, and the field of their access tokens.
pub(crate) const ORGANIZATION_GRANTS: &str = "organization_grants";

/// The most entries of one read.
pub(crate) const ENTRIES: i64 = 10_000;

impl Store {
    /// Commits a heartbeat and reads, in the same statement, the clock of the database and the feed above `marks`. A
    /// server whose heartbeat is committed has read the current state: a primary that was cut off cannot commit.
    ///
    /// # Errors
    /// If the database is away, or cannot be shared.
    pub async fn beat(&self, node: [u8; 16], marks: &[Mark]) -> Result<Beat> {
        self.inner.engine.beat(node, READS, marks).await
    }

    /// Deletes the heartbeat of a server that stops, so that the others need not wait for what it cannot read.
    ///
    /// # Errors
    /// If the database is away. The heartbeat is then deleted after a day.
    pub async fn leave(&self, node: [u8; 16]) -> Result<()> {
        let id = Value::Bytes(node.to_vec());
        self.inner.engine.run_on_postgres(LEAVE_ON_POSTGRES, &[id]).await
    }

    /// Deletes a few servers whose last heartbeat is a day old.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn forget_nodes(&self) -> Result<()> {
        self.inner.engine.run_on_postgres(FORGET_ON_POSTGRES, &[]).await
    }
}

/// Converts rows: each entry with the heartbeat before it, or the heartbeat alone.
pub(crate) fn beat_of(rows: Vec<Row>) -> Result<Beat> {
    let mut beat: Option<Beat> = None;
    for mut row in rows {
        let clock = row.take()?;
        let others: Option<String> = row.take()?;
        let beat = beat.get_or_insert_with(|| Beat {
            clock,
            changes: vec![],
            whole: true,
            others: others
                .iter()
                .flat_map(|all| all.split(','))
                .map(str::to_owned)
                .collect(),
        });
        if row.take()? {
            beat.changes.push(change_of(&mut row)?);
        }
    }
    let mut beat = beat.ok_or_else(|| StoreError::Unavailable("the heartbeat was not taken".to_owned()))?;
    beat.whole = (beat.changes.len() as u64) < ENTRIES.unsigned_abs();
    Ok(beat)
}

/// A server without heartbeats still counts as one that reads what it read, until it is deleted: it may only be
/// suspended. The runs in the feed are found one after the other in its primary key, with one look for each; then the
/// entries of each run above its mark are read.
pub(crate) const BEAT_ON_POSTGRES: &str = "WITH RECURSIVE beat AS ( \
       INSERT INTO nodes (id, beat, reads) \
       VALUES ($1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), $5) \
       ON CONFLICT (id) DO UPDATE SET beat = excluded.beat RETURNING beat), \
     runs AS ( \
       (SELECT node FROM changes ORDER BY node LIMIT 1) \
       UNION ALL \
       SELECT (SELECT next.node FROM changes AS next WHERE next.node > runs.node ORDER BY next.node LIMIT 1) \
       FROM runs WHERE runs.node IS NOT NULL), \
     entries AS ( \
       SELECT entry.* FROM runs LEFT JOIN unnest($2::bytea[], $3::bigint[]) AS mark (node, number) ON mark.node = runs.node \
       CROSS JOIN LATERAL ( \
         SELECT node, number, happened, expires, kind, subject, value FROM changes \
         WHERE changes.node = runs.node AND changes.number > COALESCE(mark.number, 0) ORDER BY number LIMIT $4) AS entry \
       ORDER BY entry.node, entry.number LIMIT $4) \
     SELECT beat.beat, (SELECT string_agg(DISTINCT reads, ',') FROM nodes WHERE id <> $1), entries.node IS NOT NULL, entries.node, entries.number, entries.happened, entries.expires, \
       entries.kind, entries.subject, entries.value \
     FROM beat LEFT JOIN entries ON TRUE ORDER BY entries.node, entries.number";

const LEAVE_ON_POSTGRES: &str = "DELETE FROM nodes WHERE id = $1";

/// A row that its own server has locked stays: that server woke up.
const FORGET_ON_POSTGRES: &str = "DELETE FROM nodes WHERE id IN (SELECT id FROM nodes \
     WHERE beat < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - 86400000 LIMIT 32 FOR UPDATE SKIP LOCKED)";
