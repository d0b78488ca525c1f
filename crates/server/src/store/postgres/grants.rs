//! Reads of grants: whatever is asked for at the same moment is one statement. Asking one by one costs three times as much,
//! also where the questions follow each other without a wait.

use super::Way;
use super::connection::{Answer, Connection};
use crate::store::grants::grant_of;
use crate::store::model::{Grant, GrantId};
use crate::store::{Result, StoreError};
use std::collections::HashMap;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::Type;

/// How many reads may wait; one more is refused.
const QUEUE: usize = 8_192;
/// How many grants one statement reads at most.
const BATCH: usize = 512;

/// A read that waits.
type Asked = (GrantId, oneshot::Sender<Result<Option<Grant>>>);

/// The way to what reads. It ends when this is dropped.
pub(super) struct Grants(mpsc::Sender<Asked>);

impl Grants {
    /// Starts what reads.
    pub(super) fn start(way: Way) -> Self {
        let (entrance, arriving) = mpsc::channel(QUEUE);
        tokio::spawn(Reader { way, connection: None }.run(arriving));
        Self(entrance)
    }

    /// The grant.
    pub(super) async fn read(&self, id: GrantId) -> Result<Option<Grant>> {
        let (reply, answer) = oneshot::channel();
        let crowded = |_| StoreError::Unavailable("too many reads wait".to_owned());
        self.0.try_send((id, reply)).map_err(crowded)?;
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("what reads grants has ended".to_owned())))
    }
}

struct Reader {
    way: Way,
    connection: Option<Connection>,
}

impl Reader {
    async fn run(mut self, mut arriving: mpsc::Receiver<Asked>) {
        let mut batch = Vec::with_capacity(BATCH);
        while arriving.recv_many(&mut batch, BATCH).await > 0 {
            let ids: Vec<GrantId> = batch.iter().map(|(id, _)| *id).collect();
            let found = self.found(&ids).await;
            for (id, reply) in batch.drain(..) {
                // Whoever does not wait any more has gone away.
                let _ = reply.send(match &found {
                    Ok(found) => found.get(&id).cloned().transpose(),
                    Err(error) => Err(error.clone()),
                });
            }
        }
    }

    /// Each grant that is there, or why it cannot be read. A connection that was closed while nobody looked is made anew, and
    /// what came from a host that the others have left is read again.
    async fn found(&mut self, ids: &[GrantId]) -> Result<HashMap<GrantId, Result<Grant>>> {
        let connection = self.connection().await?;
        let mut found = read_grants(connection, ids).await;
        if connection.is_broken() {
            found = read_grants(self.connection().await?, ids).await;
        }
        Ok(found?)
    }

    async fn connection(&mut self) -> Result<&Connection> {
        let connection = match self.connection.take().filter(|connection| !connection.is_broken()) {
            Some(connection) => connection,
            None => Connection::open(&self.way.address, self.way.prepared).await?,
        };
        Ok(self.connection.insert(connection))
    }
}

/// Many, each with its id before it.
const GRANTS: &str = "SELECT id, id, app_id, user_id, organization_id, state, scopes, redirect_uri, \
     code_challenge, salt, proof_key, previous_key, generation, previous, confirmed, rotated_at, created, code_expires, \
     expires, ends, last_used, ended_at, reason FROM grants WHERE id = ANY($1)";

/// These grants as they stand: each that is there, or why it cannot be read.
pub(super) async fn read_grants(connection: &Connection, ids: &[GrantId]) -> Answer<HashMap<GrantId, Result<Grant>>> {
    let ids: Vec<&[u8]> = ids.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let (rows, _) = connection.rows(GRANTS, &[(&ids, Type::BYTEA_ARRAY)]).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for mut row in rows {
        let id: GrantId = row.take()?;
        found.insert(id, grant_of(&mut row));
    }
    Ok(found)
}
