//! Servers that share a database: their heartbeats, and with each a look at the feed (DESIGN: several nodes).

use crate::store::model::{Beat, Mark};
use crate::store::{Engine, Result, Store, StoreError};

/// What this version reads beyond the first one. A word or format is written once every server reads it.
pub(in crate::store) const READS: &str = RECALL;
/// Entries of the feed that take the place of several.
pub(crate) const RECALL: &str = "recall";

impl Store {
    /// Commits a heartbeat and reads, in the same statement, the database's clock and the feed above `marks`. What a server
    /// that commits has read is what the database holds: a primary that was cut off can only read.
    ///
    /// # Errors
    /// Where the database is away, or no other server can share it.
    pub async fn beat(&self, node: [u8; 16], marks: &[Mark]) -> Result<Beat> {
        match &self.inner.engine {
            Engine::Postgres(postgres) => postgres.beat(node, READS, marks).await,
            Engine::Sqlite(_) => Err(StoreError::Unfit("SQLite is one server's".to_owned())),
        }
    }

    /// Forgets a few servers that were not heard of for a day.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn forget_nodes(&self) -> Result<()> {
        match &self.inner.engine {
            Engine::Postgres(postgres) => postgres.directly(FORGET, &[]).await.map(drop),
            Engine::Sqlite(_) => Ok(()),
        }
    }
}

/// One that is held by its server, which woke up, stays.
const FORGET: &str = "DELETE FROM nodes WHERE id IN (SELECT id FROM nodes \
     WHERE beat < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - 86400000 LIMIT 32 FOR UPDATE SKIP LOCKED)";
