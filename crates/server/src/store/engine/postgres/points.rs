//! Reads of grants and people by id. All that are asked for at the same moment are one statement each. Asking one by one
//! costs three times as much, even if the questions are sent without waiting.

use super::Connector;
use super::connection::{PostgresConnection, QueryResult};
use crate::store::grants::{GRANTS_ON_POSTGRES, grant_of};
use crate::store::model::{Grant, GrantId, User, UserId};
use crate::store::people::{PEOPLE_ON_POSTGRES, person_of};
use crate::store::value::Row;
use crate::store::{Result, StoreError};
use std::collections::HashMap;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::types::Type;

/// How many reads may wait; one more is refused.
const QUEUE: usize = 8_192;
/// The most rows of one read.
const BATCH: usize = 512;

type PointReply<T> = oneshot::Sender<Result<Option<T>>>;
/// The rows that exist, each with its value or the error of reading it.
type FoundRows<I, T> = HashMap<I, Result<T>>;

/// A waiting read and where its answer goes.
enum PointRead {
    Grant(GrantId, PointReply<Grant>),
    User(UserId, PointReply<User>),
}

/// Sends reads to the task that reads, which ends when this is dropped.
pub(super) struct Points(mpsc::Sender<PointRead>);

impl Points {
    /// Starts the task, which reads on this connection as long as it lasts.
    pub(super) fn start(connector: Connector, connection: PostgresConnection) -> Self {
        let (entrance, arriving) = mpsc::channel(QUEUE);
        tokio::spawn(
            Reader {
                connector,
                connection: Some(connection),
            }
            .run(arriving),
        );
        Self(entrance)
    }

    pub(super) async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        self.ask(|reply| PointRead::Grant(id, reply)).await
    }

    pub(super) async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.ask(|reply| PointRead::User(id, reply)).await
    }

    async fn ask<T>(&self, asked: impl FnOnce(PointReply<T>) -> PointRead) -> Result<Option<T>> {
        let (reply, answer) = oneshot::channel();
        let crowded = |_| StoreError::Unavailable("too many reads are waiting".to_owned());
        self.0.try_send(asked(reply)).map_err(crowded)?;
        let ended = || {
            Err(StoreError::Unavailable(
                "the reader of grants and people has ended".to_owned(),
            ))
        };
        answer.await.unwrap_or_else(|_| ended())
    }
}

struct Reader {
    connector: Connector,
    connection: Option<PostgresConnection>,
}

impl Reader {
    async fn run(mut self, mut arriving: mpsc::Receiver<PointRead>) {
        let mut batch = Vec::with_capacity(BATCH);
        while arriving.recv_many(&mut batch, BATCH).await > 0 {
            let (mut grants, mut users) = (Vec::new(), Vec::new());
            for asked in &batch {
                match asked {
                    PointRead::Grant(id, _) => grants.push(*id),
                    PointRead::User(id, _) => users.push(*id),
                }
            }
            let found = self.found(&grants, &users).await;
            for asked in batch.drain(..) {
                match (asked, &found) {
                    (PointRead::Grant(id, reply), Ok((grants, _))) => send_reply(reply, grants.get(&id).cloned()),
                    (PointRead::User(id, reply), Ok((_, users))) => send_reply(reply, users.get(&id).cloned()),
                    (PointRead::Grant(_, reply), Err(error)) => send_reply(reply, Some(Err(error.clone()))),
                    (PointRead::User(_, reply), Err(error)) => send_reply(reply, Some(Err(error.clone()))),
                }
            }
        }
    }

    /// If the connection was closed while idle, it is opened again. If it led to a host that the others have left,
    /// the rows are read again.
    async fn found(
        &mut self,
        grants: &[GrantId],
        users: &[UserId],
    ) -> Result<(FoundRows<GrantId, Grant>, FoundRows<UserId, User>)> {
        let connection = self.connection().await?;
        let mut found = tokio::join!(read_grants(connection, grants), read_users(connection, users));
        if connection.is_broken() {
            let connection = self.connection().await?;
            found = tokio::join!(read_grants(connection, grants), read_users(connection, users));
        }
        Ok((found.0?, found.1?))
    }

    async fn connection(&mut self) -> Result<&PostgresConnection> {
        let connection = match self.connection.take().filter(|connection| !connection.is_broken()) {
            Some(connection) => connection,
            None => self.connector.connect().await?,
        };
        Ok(self.connection.insert(connection))
    }
}

/// A caller may have gone away.
fn send_reply<T>(reply: PointReply<T>, found: Option<Result<T>>) {
    let _ = reply.send(found.transpose());
}

/// The grants with these ids.
pub(super) async fn read_grants(
    connection: &PostgresConnection,
    ids: &[GrantId],
) -> QueryResult<FoundRows<GrantId, Grant>> {
    let mut found = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(found);
    }
    let ids: Vec<&[u8]> = ids.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let (rows, _) = connection
        .rows(GRANTS_ON_POSTGRES, &[(&ids, Type::BYTEA_ARRAY)])
        .await?;
    for mut row in rows {
        let id: GrantId = row.take()?;
        found.insert(id, grant_of(&mut row));
    }
    Ok(found)
}

/// The people with these ids, with memberships.
async fn read_users(connection: &PostgresConnection, ids: &[UserId]) -> QueryResult<FoundRows<UserId, User>> {
    let mut found = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(found);
    }
    let ids: Vec<&[u8]> = ids.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let (rows, _) = connection
        .rows(PEOPLE_ON_POSTGRES, &[(&ids, Type::BYTEA_ARRAY)])
        .await?;
    let mut rows_of: HashMap<UserId, Vec<Row>> = HashMap::with_capacity(ids.len());
    for row in rows {
        rows_of.entry(row.first()?).or_default().push(row);
    }
    for (id, rows) in rows_of {
        found.extend(person_of(rows).transpose().map(|person| (id, person)));
    }
    Ok(found)
}
