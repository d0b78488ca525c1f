//! The heartbeat and the feed, on a connection of their own: while others are lent, or a batch waits for its commit, memory
//! must not grow old for it.

use super::Way;
use super::connection::{Param, PostgresConnection};
use crate::store::feed::change_of;
use crate::store::model::{Beat, Mark};
use crate::store::value::Row;
use crate::store::{Result, StoreError};
use tokio::sync::Mutex;
use tokio_postgres::types::Type;

/// How many entries are read at once.
const ENTRIES: i64 = 10_000;

/// The connection, once it was needed.
pub(super) struct HeartbeatConnection {
    way: Way,
    connection: Mutex<Option<PostgresConnection>>,
}

impl HeartbeatConnection {
    pub(super) fn new(way: Way) -> Self {
        let connection = Mutex::default();
        Self { way, connection }
    }

    /// Who gives up waiting for this leaves no connection behind on which an answer is still to come.
    pub(super) async fn beat(&self, node: [u8; 16], reads: &str, marks: &[Mark]) -> Result<Beat> {
        let mut place = self.connection.lock().await;
        let connection = match place.take().filter(|connection| !connection.is_broken()) {
            Some(connection) => connection,
            None => PostgresConnection::open(&self.way.address, self.way.prepared).await?,
        };
        let (runs, numbers): (Vec<&[u8]>, Vec<i64>) = marks.iter().map(|mark| (&mark.node[..], mark.number)).unzip();
        let id = node.as_slice();
        let params: [Param<'_>; 5] = [
            (&id, Type::BYTEA),
            (&runs, Type::BYTEA_ARRAY),
            (&numbers, Type::INT8_ARRAY),
            (&ENTRIES, Type::INT8),
            (&reads, Type::TEXT),
        ];
        let warnings = connection.warnings();
        let unanswered = Unanswered(Some(connection));
        let connection = unanswered.connection()?;
        let (rows, _) = connection.rows(BEAT, &params).await?;
        super::acknowledged(connection, warnings)?;
        *place = unanswered.answered();
        drop(place);
        beat_of(rows)
    }
}

/// A connection on which a heartbeat was sent. Whoever gives up waiting for it has doubts about the host: a primary that was
/// cut off from its standby can answer everything but this.
struct Unanswered(Option<PostgresConnection>);

impl Unanswered {
    fn connection(&self) -> Result<&PostgresConnection> {
        let gone = || StoreError::Unavailable("the heartbeat has no connection".to_owned());
        self.0.as_ref().ok_or_else(gone)
    }

    fn answered(mut self) -> Option<PostgresConnection> {
        self.0.take()
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.doubt_host();
        }
    }
}

/// Each entry with the heartbeat before it; where there is none, the heartbeat alone.
fn beat_of(rows: Vec<Row>) -> Result<Beat> {
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
const BEAT: &str = "WITH RECURSIVE beat AS ( \
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
