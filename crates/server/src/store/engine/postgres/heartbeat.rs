//! The heartbeat, with a look at the feed, on a connection of its own. If other connections are lent or a batch waits for
//! its commit, memory must not grow old.

use super::Connector;
use super::connection::{Param, PostgresConnection};
use crate::store::feed::nodes::{BEAT_ON_POSTGRES, ENTRIES, beat_of};
use crate::store::model::{Beat, Mark};
use crate::store::{Result, StoreError};
use tokio::sync::Mutex;
use tokio_postgres::types::Type;

/// The connection, and how to open it again.
pub(super) struct HeartbeatConnection {
    connector: Connector,
    connection: Mutex<Option<PostgresConnection>>,
}

impl HeartbeatConnection {
    pub(super) fn new(connector: Connector, connection: PostgresConnection) -> Self {
        let connection = Mutex::new(Some(connection));
        Self { connector, connection }
    }

    /// If the waiter is cancelled, the connection is dropped: an answer may still arrive on it.
    pub(super) async fn beat(&self, node: [u8; 16], reads: &str, marks: &[Mark]) -> Result<Beat> {
        let mut place = self.connection.lock().await;
        let connection = match place.take().filter(|connection| !connection.is_broken()) {
            Some(connection) => connection,
            None => self.connector.connect().await?,
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
        let (rows, _) = connection.rows(BEAT_ON_POSTGRES, &params).await?;
        super::acknowledged(connection, warnings)?;
        *place = unanswered.answered();
        drop(place);
        beat_of(rows)
    }
}

/// A connection on which a heartbeat was sent. If the waiter is cancelled, the host is in doubt: a primary that was cut
/// off from its standby answers everything but this.
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
