//! Connections that are lent for one statement or one list.

use super::Connector;
use super::connection::PostgresConnection;
use crate::store::{Result, StoreError};
use deadpool::Runtime;
use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use std::time::Duration;

/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Pool(managed::Pool<Connector>);

impl Pool {
    pub(super) fn new(connector: Connector, size: u32) -> Result<Self> {
        let builder = managed::Pool::builder(connector)
            .max_size(size as usize)
            .wait_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1);
        let pool = builder
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self(pool))
    }

    /// Lends a connection, which comes back when it is dropped.
    pub(super) async fn lend(&self) -> Result<Object<Connector>> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => StoreError::Unavailable("every connection to PostgreSQL is in use".to_owned()),
            error => StoreError::Unavailable(error.to_string()),
        })
    }
}

impl managed::Manager for Connector {
    type Type = PostgresConnection;
    type Error = StoreError;

    async fn create(&self) -> Result<PostgresConnection> {
        self.connect().await
    }

    async fn recycle(&self, connection: &mut PostgresConnection, _: &Metrics) -> RecycleResult<StoreError> {
        match connection.is_broken() {
            true => Err(RecycleError::message("it is closed")),
            false => Ok(()),
        }
    }
}
