//! PostgreSQL: the same statements, batches as one statement, and a few connections.
//!
//! One connection writes and has one batch in flight. One reads grants and people, many at a time. One commits heartbeats
//! and reads the feed. The few others are lent for everything else. More connections would not be faster: each commit
//! takes all that waits (docs/decisions/0023).

mod address;
mod batch;
mod connection;
mod groups;
mod heartbeat;
mod host;
mod points;
mod pool;
mod schema;
mod start;
mod sweep;
mod writer;

pub use address::Address;

use super::writer::bounds::BatchBounds;
use crate::config;
use crate::store::model::{Beat, Grant, GrantId, Mark, User, UserId};
use crate::store::value::{Row, Value};
use crate::store::{Result, StoreError};
use connection::PostgresConnection;
use heartbeat::HeartbeatConnection;
use points::Points;
use pool::Pool;
use std::sync::Arc;
use writer::PostgresWriter;

/// The connections that are not lent: for writing, for reads by id, and for the heartbeat.
const OWN: u32 = 3;

pub(crate) struct Postgres {
    pool: Pool,
    points: Points,
    heartbeat: HeartbeatConnection,
}

/// How to connect.
#[derive(Clone)]
struct Connector {
    address: Arc<Address>,
    /// Whether statements may be prepared.
    prepared: bool,
}

impl Connector {
    async fn connect(&self) -> Result<PostgresConnection> {
        PostgresConnection::open(&self.address, self.prepared).await
    }
}

impl Postgres {
    /// Connects, checks that the database may be used, and starts the reader; the writer is returned.
    pub(crate) async fn open(
        address: &Address,
        config: &config::Store,
        bounds: Arc<BatchBounds>,
    ) -> Result<(Self, PostgresWriter)> {
        let address = Arc::new(address.clone());
        let look = start::look(&address, config.prepared_statements).await?;
        let (prepared, [reading, beating]) = (look.prepared, look.connections);
        let connector = Connector { address, prepared };
        let lent = config.connections.saturating_sub(OWN).max(1);
        let postgres = Self {
            pool: Pool::new(connector.clone(), lent)?,
            points: Points::start(connector.clone(), reading),
            heartbeat: HeartbeatConnection::new(connector.clone(), beating),
        };
        Ok((postgres, PostgresWriter::new(connector, bounds)?))
    }

    pub(crate) async fn migrate(&self) -> Result<()> {
        schema::migrate(&*self.pool.lend().await?).await
    }

    pub(crate) async fn pending_migrations(&self) -> Result<Vec<String>> {
        schema::pending(&*self.pool.lend().await?).await
    }

    /// Reads a grant together with all others that are asked for at the same moment.
    pub(crate) async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        self.points.grant(id).await
    }

    /// Reads a person, with memberships, in the same way.
    pub(crate) async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.points.user(id).await
    }

    /// PostgreSQL stores no text with a NUL, so a search for one finds nothing.
    pub(crate) async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        if params
            .iter()
            .any(|value| matches!(value, Value::Text(text) if text.contains('\0')))
        {
            return Ok(vec![]);
        }
        let connection = self.pool.lend().await?;
        match connection.query(sql, params).await {
            // The connection was closed while idle, or the others have left its host. A read can be repeated.
            _ if connection.is_broken() => {
                drop(connection);
                Ok(self.pool.lend().await?.query(sql, params).await?)
            }
            rows => Ok(rows?),
        }
    }

    /// Commits a heartbeat and reads the feed above `marks`.
    pub(crate) async fn beat(&self, node: [u8; 16], reads: &str, marks: &[Mark]) -> Result<Beat> {
        self.heartbeat.beat(node, reads, marks).await
    }

    /// Runs one statement in a commit of its own, outside the queue.
    pub(crate) async fn directly(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        let connection = self.pool.lend().await?;
        let warnings = connection.warnings();
        let rows = connection.query(sql, params).await?;
        acknowledged(&connection, warnings)?;
        Ok(rows)
    }
}

/// PostgreSQL warns if it stopped waiting for its standby. The commit may then be lost, so it does not count as made.
fn acknowledged(connection: &PostgresConnection, warnings: u64) -> Result<()> {
    match connection.warnings() == warnings {
        true => Ok(()),
        false => Err(StoreError::Unavailable(
            "PostgreSQL committed with a warning".to_owned(),
        )),
    }
}
