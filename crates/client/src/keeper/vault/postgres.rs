//! A vault in PostgreSQL (14 or later), for keepers on several machines.
//!
//! Each operation is one statement, so it is one commit, and correct behind a pooler that gives each transaction another
//! connection. Leases follow the database's clock: the clocks of the machines may differ. Nothing waits for a lock of another
//! keeper: what is locked counts as leased.

mod pool;
mod rows;
mod statements;

use super::{
    Change, Connection, FIRST_FOR, LeaseRequest, NewEvent, Owner, Put, Row, SignIn, StoredEvent, Taken, Vault,
    VaultError, VaultFuture,
};
use crate::random;
use pool::Pool;
use rows::{event_of, row_of};
use statements as sql;
#[cfg(test)]
pub(super) use statements::CLAIM;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::types::ToSql;

/// Connections in a PostgreSQL database.
pub struct PostgresVault {
    pool: Pool,
}

impl PostgresVault {
    /// Connects, and creates the tables if they are missing. If they are there, the role needs only to read and write them.
    ///
    /// `url` is like `postgres://keeper@db.example/keeper`. A connection to another machine is encrypted and verified with the
    /// roots of this machine and those in `roots_pem`, unless the URL says `sslmode=disable`.
    ///
    /// # Errors
    /// If the URL is wrong, the database cannot be reached, or a newer version made the tables.
    pub async fn connect(url: &str, roots_pem: Option<&[u8]>) -> Result<Self, VaultError> {
        let vault = Self {
            pool: Pool::new(url, roots_pem)?,
        };
        if !vault.is_made().await? {
            vault.pool.create(sql::TABLES).await?;
        }
        match vault.version().await? {
            Some(1) => Ok(vault),
            _ => Err(VaultError::Failed(
                "a newer version of the keeper made this vault".to_owned(),
            )),
        }
    }

    async fn is_made(&self) -> Result<bool, VaultError> {
        let rows = self.pool.rows(sql::IS_MADE, &[&sql::made()]).await?;
        let is_made = rows.first().map(|row| rows::get(row, 0)).transpose()?;
        Ok(is_made == Some(true) && self.version().await?.is_some())
    }

    async fn version(&self) -> Result<Option<i64>, VaultError> {
        let rows = self.pool.rows(sql::VERSION, &[]).await?;
        Ok(rows.first().map(|row| rows::get(row, 0)).transpose()?.flatten())
    }

    async fn keep_event(&self, id: &[u8; 16], span: Duration, tries: i64) -> Result<bool, VaultError> {
        let values: [&(dyn ToSql + Sync); 3] = [&millis(span), &id.as_slice(), &tries];
        self.changes(sql::KEEP_EVENT, &values).await
    }

    /// Whether a statement that returns one row for each row it changed has changed one.
    async fn changes(&self, statement: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<bool, VaultError> {
        Ok(!self.pool.rows(statement, values).await?.is_empty())
    }
}

impl Vault for PostgresVault {
    fn read<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, Option<Row>> {
        Box::pin(async move {
            let values: [&(dyn ToSql + Sync); 2] = [&connection.provider(), &connection.reference()];
            let rows = self.pool.rows(sql::READ, &values).await?;
            rows.first().map(row_of).transpose()
        })
    }

    fn put(&self, put: Put) -> VaultFuture<'_, bool> {
        Box::pin(async move {
            let (id, event) = (random::bytes::<16>(), Told::new(put.event.as_ref()));
            let values: [&(dyn ToSql + Sync); 14] = [
                &put.connection.provider(),
                &put.connection.reference(),
                &put.sealed,
                &put.summary.state.word(),
                &put.summary.reason,
                &put.summary.since,
                &put.summary.expires_at,
                &put.due_at,
                &put.replace,
                &id.as_slice(),
                &event.kind,
                &event.reason,
                &event.at,
                &event.ends_at,
            ];
            self.changes(sql::PUT, &values).await
        })
    }

    fn take<'a>(&'a self, connection: &'a Connection, lease: LeaseRequest) -> VaultFuture<'a, Taken> {
        Box::pin(async move {
            let span = millis(lease.span);
            let values: [&(dyn ToSql + Sync); 6] = [
                &connection.provider(),
                &connection.reference(),
                &lease.owner.as_slice(),
                &span,
                &lease.asked_at,
                &lease.retry_at,
            ];
            if let Some(row) = self.pool.rows(sql::TAKE, &values).await?.first() {
                return Ok(Taken::Leased(row_of(row)?));
            }
            Ok(match self.read(connection).await? {
                Some(_) => Taken::Held,
                None => Taken::Missing,
            })
        })
    }

    fn claim<'a>(
        &'a self,
        provider: &'a str,
        due_by: i64,
        limit: usize,
        lease: LeaseRequest,
    ) -> VaultFuture<'a, Vec<Row>> {
        Box::pin(async move {
            let (span, limit) = (millis(lease.span), i64::try_from(limit).unwrap_or(i64::MAX));
            let first_from = lease.asked_at.saturating_sub(FIRST_FOR);
            let values: [&(dyn ToSql + Sync); 8] = [
                &provider,
                &due_by,
                &limit,
                &lease.owner.as_slice(),
                &span,
                &lease.asked_at,
                &lease.retry_at,
                &first_from,
            ];
            let rows = self.pool.rows(sql::CLAIM, &values).await?;
            rows.iter().map(row_of).collect()
        })
    }

    fn write(&self, change: Change) -> VaultFuture<'_, bool> {
        Box::pin(async move {
            let (id, event) = (random::bytes::<16>(), Told::new(change.event.as_ref()));
            let sealed = change.record.as_ref().map(|(sealed, _)| sealed);
            let summary = change.record.as_ref().map(|(_, summary)| summary);
            let state = summary.map(|summary| summary.state.word());
            let reason = summary.and_then(|summary| summary.reason.as_ref());
            let since = summary.map(|summary| summary.since);
            let expires_at = summary.and_then(|summary| summary.expires_at);
            let values: [&(dyn ToSql + Sync); 16] = [
                &change.connection.provider(),
                &change.connection.reference(),
                &change.fence,
                &change.owner.as_slice(),
                &change.due_at,
                &change.asked_at,
                &sealed,
                &state,
                &reason,
                &since,
                &expires_at,
                &id.as_slice(),
                &event.kind,
                &event.reason,
                &event.at,
                &event.ends_at,
            ];
            self.changes(sql::WRITE, &values).await
        })
    }

    fn remove<'a>(&'a self, connection: &'a Connection, fence: i64, owner: Owner) -> VaultFuture<'a, bool> {
        Box::pin(async move {
            let values: [&(dyn ToSql + Sync); 4] = [
                &connection.provider(),
                &connection.reference(),
                &fence,
                &owner.as_slice(),
            ];
            self.changes(sql::REMOVE, &values).await
        })
    }

    fn remove_unknown<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, bool> {
        Box::pin(async move {
            let values: [&(dyn ToSql + Sync); 2] = [&connection.provider(), &connection.reference()];
            self.changes(sql::REMOVE_UNKNOWN, &values).await
        })
    }

    fn count_unknown(&self) -> VaultFuture<'_, usize> {
        Box::pin(async move {
            let rows = self.pool.rows(sql::COUNT_UNKNOWN, &[]).await?;
            let count: i64 = rows.first().map(|row| rows::get(row, 0)).transpose()?.unwrap_or(0);
            Ok(usize::try_from(count).unwrap_or(usize::MAX))
        })
    }

    fn list<'a>(
        &'a self,
        providers: Option<&'a BTreeSet<String>>,
        after: Option<&'a Connection>,
        limit: usize,
    ) -> VaultFuture<'a, Vec<Row>> {
        Box::pin(async move {
            let (provider, reference) = after.map_or(("", ""), |after| (after.provider(), after.reference()));
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = match providers {
                None => self.pool.rows(sql::LIST, &[&provider, &reference, &limit]).await?,
                Some(providers) => {
                    let providers: Vec<&str> = providers.iter().map(String::as_str).collect();
                    let values: [&(dyn ToSql + Sync); 4] = [&provider, &reference, &limit, &providers];
                    self.pool.rows(sql::LIST_OF, &values).await?
                }
            };
            rows.iter().map(row_of).collect()
        })
    }

    fn begin(&self, sign_in: SignIn, now: i64) -> VaultFuture<'_, ()> {
        Box::pin(async move {
            let values: [&(dyn ToSql + Sync); 4] =
                [&sign_in.state.as_slice(), &sign_in.sealed, &sign_in.expires_at, &now];
            self.pool.rows(sql::BEGIN, &values).await.map(drop)
        })
    }

    fn begun<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, Option<SignIn>> {
        Box::pin(async move {
            let rows = self.pool.rows(sql::BEGUN, &[&state.as_slice()]).await?;
            let sign_in = |row: &tokio_postgres::Row| {
                Ok(SignIn {
                    state: *state,
                    sealed: rows::get(row, 0)?,
                    expires_at: rows::get(row, 1)?,
                })
            };
            rows.first().map(sign_in).transpose()
        })
    }

    fn spend<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, bool> {
        Box::pin(async move { self.changes(sql::SPEND, &[&state.as_slice()]).await })
    }

    fn next_event(&self, span: Duration) -> VaultFuture<'_, Option<StoredEvent>> {
        Box::pin(async move {
            let rows = self.pool.rows(sql::NEXT_EVENT, &[&millis(span)]).await?;
            rows.first().map(event_of).transpose()
        })
    }

    fn event_failed<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        Box::pin(self.keep_event(id, span, 1))
    }

    fn event_kept<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        Box::pin(self.keep_event(id, span, 0))
    }

    fn event_done<'a>(&'a self, id: &'a [u8; 16]) -> VaultFuture<'a, ()> {
        Box::pin(async move { self.pool.rows(sql::EVENT_DONE, &[&id.as_slice()]).await.map(drop) })
    }

    fn now(&self) -> VaultFuture<'_, Option<i64>> {
        Box::pin(async move {
            let rows = self.pool.rows(sql::NOW, &[]).await?;
            rows.first().map(|row| rows::get(row, 0)).transpose()
        })
    }

    fn skews(&self) -> VaultFuture<'_, Vec<(String, i64)>> {
        Box::pin(async move {
            let rows = self.pool.rows(sql::SKEWS, &[]).await?;
            rows.iter()
                .map(|row| Ok((rows::get(row, 0)?, rows::get(row, 1)?)))
                .collect()
        })
    }

    fn set_skew<'a>(&'a self, provider: &'a str, skew: i64) -> VaultFuture<'a, ()> {
        Box::pin(async move { self.pool.rows(sql::SET_SKEW, &[&provider, &skew]).await.map(drop) })
    }
}

/// The columns of an event that may be none.
struct Told<'a> {
    kind: Option<&'a str>,
    reason: Option<&'a str>,
    at: Option<i64>,
    ends_at: Option<i64>,
}

impl<'a> Told<'a> {
    fn new(event: Option<&'a NewEvent>) -> Self {
        Self {
            kind: event.map(|event| event.kind.as_str()),
            reason: event.and_then(|event| event.reason.as_deref()),
            at: event.map(|event| event.at),
            ends_at: event.and_then(|event| event.ends_at),
        }
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}
