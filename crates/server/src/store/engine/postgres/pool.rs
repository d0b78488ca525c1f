//! Connections that are lent, one statement or one list at a time.

use super::Way;
use super::connection::PostgresConnection;
use crate::store::{Result, StoreError};
use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use std::time::Duration;

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// The connections.
pub(super) struct Pool(managed::Pool<Way>);

impl Pool {
    pub(super) fn new(way: Way, size: u32) -> Result<Self> {
        let builder = managed::Pool::builder(way)
            .max_size(size as usize)
            .wait_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1);
        let pool = builder
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self(pool))
    }

    /// Lends one; it comes back when it is dropped.
    pub(super) async fn lend(&self) -> Result<Object<Way>> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => StoreError::Unavailable("every connection to PostgreSQL is in use".to_owned()),
            error => StoreError::Unavailable(error.to_string()),
        })
    }
}

impl managed::Manager for Way {
    type Type = PostgresConnection;
    type Error = StoreError;

    async fn create(&self) -> Result<PostgresConnection> {
        PostgresConnection::open(&self.address, self.prepared).await
    }

    async fn recycle(&self, connection: &mut PostgresConnection, _: &Metrics) -> RecycleResult<StoreError> {
        match connection.is_broken() {
            true => Err(RecycleError::message("it is closed")),
            false => Ok(()),
        }
    }
}
