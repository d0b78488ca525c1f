//! The feed: what changed and what was revoked, for the memory of every node (DESIGN: several nodes).
//!
//! Entries are numbered per run of a server by the writer when it commits them, and swept once no token can be left that
//! they matter for.

use super::connection::Connection;
use super::model::{Change, ChangeKind, NewChange};
use super::value::{Row, Value};
use super::{Result, Store, all};
use crate::time::Instant;

impl Store {
    /// Every entry that still matters, to build the revoked set from at a start.
    pub async fn changes(&self, now: Instant) -> Result<Vec<Change>> {
        all(self.scan(CURRENT, vec![now.into()]).await?, change_of)
    }

    /// Revokes one access token (RFC 7009) until it would have expired.
    pub async fn revoke_token(&self, serial: [u8; 16], expires: Instant, now: Instant) -> Result<()> {
        let mut change = NewChange::about(ChangeKind::Token, &serial, now);
        change.expires = Some(expires);
        self.write_announcing(vec![], change).await
    }
}

impl NewChange {
    /// A change of this very thing.
    #[must_use]
    pub fn about(kind: ChangeKind, subject: &[u8], now: Instant) -> Self {
        Self {
            at: now,
            expires: None,
            kind,
            subject: subject.to_vec(),
            value: 0,
        }
    }
}

pub(super) const CURRENT: &str = "SELECT node, number, happened, expires, kind, subject, value FROM changes \
     WHERE expires > $1 ORDER BY node, number";

/// Every entry that is there, on the connection that writes.
pub(super) fn entries(connection: &Connection) -> Result<Vec<Change>> {
    all(connection.query(CURRENT, &[Instant(0).into()])?, change_of)
}

/// An entry.
pub(super) const INSERT: &str = "INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// The values of [`INSERT`].
pub(super) fn insert_params(change: &Change) -> Vec<Value> {
    vec![
        change.node.into(),
        change.number.into(),
        change.at.into(),
        change.expires.into(),
        change.kind.into(),
        change.subject.as_slice().into(),
        change.value.into(),
    ]
}

pub(super) fn change_of(row: &mut Row) -> Result<Change> {
    Ok(Change {
        node: row.take()?,
        number: row.take()?,
        at: row.take()?,
        expires: row.take()?,
        // One that a newer server knows: to read keys and all that is cached anew is the most that an entry can ask for.
        kind: ChangeKind::from_text(&row.take::<String>()?).unwrap_or(ChangeKind::Key),
        subject: row.take()?,
        value: row.take()?,
    })
}
