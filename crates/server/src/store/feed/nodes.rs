//! Servers that share a database: their heartbeats, and with each a look at the feed (DESIGN: several nodes).

use super::change_of;
use crate::store::model::{Beat, Mark};
use crate::store::value::Row;
use crate::store::{Result, Store, StoreError};

/// What this version reads beyond the first one. A word or format is written once every server reads it.
pub(crate) const READS: &str = RECALL;

/// Entries of the feed that take the place of several.
pub(crate) const RECALL: &str = "recall";

/// How many entries are read at once.
pub(crate) const ENTRIES: i64 = 10_000;

impl Store {
    /// Commits a heartbeat and reads, in the same statement, the database's clock and the feed above `marks`. What a server
    /// that commits has read is what the database holds: a primary that was cut off can only read.
    ///
    /// # Errors
    /// Where the database is away, or no other server can share it.
    pub async fn beat(&self, node: [u8; 16], marks: &[Mark]) -> Result<Beat> {
        self.inner.engine.beat(node, READS, marks).await
    }

    /// Forgets a few servers that were not heard of for a day.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn forget_nodes(&self) -> Result<()> {
        self.inner.engine.run_on_postgres(FORGET_ON_POSTGRES).await
    }
}

/// Each entry with the heartbeat before it; where there is none, the heartbeat alone.
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

/// A server that is gone counts as one that reads what it read, until it is forgotten: it may only have been suspended.
/// The runs that the feed has entries of are found one after the other in its primary key, by as many looks as there are
/// runs; then each one's entries above its mark.
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

/// One that is held by its server, which woke up, stays.
const FORGET_ON_POSTGRES: &str = "DELETE FROM nodes WHERE id IN (SELECT id FROM nodes \
     WHERE beat < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - 86400000 LIMIT 32 FOR UPDATE SKIP LOCKED)";
