//! PostgreSQL: the same statements, batches as one statement, and a few connections.
//!
//! One connection writes and has one batch in flight; one reads grants and people, as many at a time as are asked for; one takes
//! heartbeats and reads the feed; the others, few, are lent for everything else. More would not be faster: each commit takes
//! what waits (docs/decisions/0023).

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

use super::writer::bounds::Bounds;
use crate::config;
use crate::store::model::{Beat, Grant, GrantId, Mark, User, UserId};
use crate::store::value::{Row, Value};
use crate::store::{Result, StoreError};
use heartbeat::HeartbeatConnection;
use points::Points;
use pool::Pool;
use std::sync::Arc;
use writer::PostgresWriter;

/// How many connections are not lent: the one that writes, the one that reads by ids and the one that reads the feed.
const OWN: u32 = 3;

/// A PostgreSQL, open.
pub(crate) struct Postgres {
    pool: Pool,
    points: Points,
    feed: HeartbeatConnection,
}

/// How connections are made.
#[derive(Clone)]
struct Way {
    address: Arc<Address>,
    /// Whether statements may have names.
    prepared: bool,
}

impl Postgres {
    /// Connects, sees whether this is a database to start on, and starts what reads; what writes is to be started.
    pub(crate) async fn open(
        address: &Address,
        config: &config::Store,
        bounds: Arc<Bounds>,
    ) -> Result<(Self, PostgresWriter)> {
        let address = Arc::new(address.clone());
        let prepared = start::look(&address).await? && config.prepared_statements;
        let way = Way { address, prepared };
        let lent = config.connections.saturating_sub(OWN).max(1);
        let postgres = Self {
            pool: Pool::new(way.clone(), lent)?,
            points: Points::start(way.clone()),
            feed: HeartbeatConnection::new(way.clone()),
        };
        Ok((postgres, PostgresWriter::new(way, bounds)?))
    }

    pub(crate) async fn migrate(&self) -> Result<()> {
        schema::migrate(&*self.pool.lend().await?).await
    }

    pub(crate) async fn pending_migrations(&self) -> Result<Vec<String>> {
        schema::pending(&*self.pool.lend().await?).await
    }

    /// The grant, read together with all that are asked for at the same moment.
    pub(crate) async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        self.points.grant(id).await
    }

    /// The person, with memberships, read together with all that are asked for at the same moment.
    pub(crate) async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.points.user(id).await
    }

    /// No text in PostgreSQL has a NUL, so nothing is found by one.
    pub(crate) async fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        if params
            .iter()
            .any(|value| matches!(value, Value::Text(text) if text.contains('\0')))
        {
            return Ok(vec![]);
        }
        let connection = self.pool.lend().await?;
        match connection.query(sql, params).await {
            // It was closed while nobody looked, or the others have left its host; what reads can be asked again.
            _ if connection.is_broken() => {
                drop(connection);
                Ok(self.pool.lend().await?.query(sql, params).await?)
            }
            rows => Ok(rows?),
        }
    }

    /// A heartbeat, and what the feed has above these marks.
    pub(crate) async fn beat(&self, node: [u8; 16], reads: &str, marks: &[Mark]) -> Result<Beat> {
        self.feed.beat(node, reads, marks).await
    }

    /// One statement, in a commit of its own that waits for nothing else.
    pub(crate) async fn directly(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        let connection = self.pool.lend().await?;
        let warnings = connection.warnings();
        let rows = connection.query(sql, params).await?;
        acknowledged(&connection, warnings)?;
        Ok(rows)
    }
}

/// PostgreSQL warns where it gave up waiting for its standby: what was committed may be lost, so it does not count as done.
fn acknowledged(connection: &connection::PostgresConnection, warnings: u64) -> Result<()> {
    match connection.warnings() == warnings {
        true => Ok(()),
        false => Err(StoreError::Unavailable(
            "PostgreSQL committed with a warning".to_owned(),
        )),
    }
}
