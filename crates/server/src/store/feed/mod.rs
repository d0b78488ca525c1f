//! The feed: what changed and what was revoked, for the memory of every server (decision 27).
//!
//! The writer numbers the entries of each run of a server when it commits them. They are deleted when no token is left
//! for which they matter.

pub(crate) mod nodes;
pub(crate) mod numbering;

use super::model::{Change, ChangeKind, NewChange, Recall, Recalled};
use super::rows::all;
use super::value::{Row, Statement, Value};
use super::{Result, Store};
use crate::time::Instant;
use std::time::Duration;

impl Store {
    /// All entries that still matter, from which the revoked set is built at the start.
    pub async fn changes(&self, now: Instant) -> Result<Vec<Change>> {
        all(self.scan(CURRENT, vec![now.into()]).await?, change_of)
    }

    /// Revokes one access token (RFC 7009) until it would have expired.
    pub async fn revoke_token(&self, serial: [u8; 16], expires: Instant, now: Instant) -> Result<()> {
        let mut change = NewChange::about(ChangeKind::Token, &serial, now);
        change.expires = Some(expires);
        self.write_announcing(vec![], change).await
    }

    /// Replaces several entries by one. [`StoreError::Conflict`](crate::store::StoreError::Conflict): another request did that
    /// first.
    pub async fn recall(&self, recall: &Recall, now: Instant) -> Result<()> {
        let (statements, change) = recall_statements(recall, now);
        self.write_announcing(statements, change).await
    }
}

impl NewChange {
    /// A change of this subject.
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

/// The statements that replace several entries by one, and that one. The first of them must still exist: of requests that
/// race, one does it.
pub(super) fn recall_statements(recall: &Recall, now: Instant) -> (Vec<Statement>, NewChange) {
    let mut change = recalled(recall, now);
    let mut statements = Vec::with_capacity(recall.folded.len() + 1);
    for (id, mark) in &recall.folded {
        change.subject.extend_from_slice(id);
        statements.push(Statement::new(DELETE, vec![mark.node.into(), mark.number.into()]));
    }
    if let Some(first) = statements.first_mut() {
        first.expect = Some(1);
    }
    for before in &recall.before {
        // It stays for a while: it names entries that other servers must forget.
        let params = vec![
            now.after(REPLACED_KEPT).into(),
            before.node.into(),
            before.number.into(),
        ];
        statements.push(Statement::new(SHORTEN, params));
    }
    (statements, change)
}

fn recalled(recall: &Recall, now: Instant) -> NewChange {
    match &recall.recalled {
        Recalled::Tokens { owner, issued_by } => {
            let mut change = NewChange::about(ChangeKind::Recall, owner.as_bytes(), now);
            change.value = issued_by.0;
            change
        }
        Recalled::Grants {
            user,
            app,
            last,
            spared,
        } => {
            let mut change = NewChange::about(ChangeKind::GrantsRecall, user.0.as_bytes(), now);
            change.subject.extend_from_slice(app.0.as_bytes());
            for grant in std::iter::once(last).chain(spared) {
                change.subject.extend_from_slice(grant.0.as_bytes());
            }
            for before in &recall.before {
                change.subject.extend_from_slice(&before.node);
                change
                    .subject
                    .extend_from_slice(&i128::from(before.number).to_be_bytes());
            }
            change.value = counts(spared.len(), recall.before.len());
            change
        }
    }
}

/// Two counts, both far below 65,536: the grants of a person for an app, and the recalls of an app.
fn counts(spared: usize, before: usize) -> i64 {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::from(u16::MAX));
    count(before) << 16 | count(spared)
}

/// How long a replaced recall stays: every server has read it by then, or reads the whole feed again.
const REPLACED_KEPT: Duration = Duration::from_secs(10 * 60);

const DELETE: &str = "DELETE FROM changes WHERE node = $1 AND number = $2";
const SHORTEN: &str =
    "UPDATE changes SET expires = CASE WHEN expires < $1 THEN expires ELSE $1 END WHERE node = $2 AND number = $3";

pub(super) const CURRENT: &str = "SELECT node, number, happened, expires, kind, subject, value FROM changes \
     WHERE expires > $1 ORDER BY node, number";

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
        kind: ChangeKind::from_text(&row.take::<String>()?).unwrap_or(ChangeKind::Unknown),
        subject: row.take()?,
        value: row.take()?,
    })
}

pub(crate) const DELETE_EXPIRED: &str = "DELETE FROM changes WHERE (node, number) IN \
     (SELECT node, number FROM changes WHERE expires <= $1 ORDER BY expires LIMIT $2)";
pub(crate) const DELETE_EXPIRED_ON_POSTGRES: &str = "DELETE FROM changes WHERE (node, number) IN \
     (SELECT node, number FROM changes WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// The entries of these runs above these numbers.
pub(crate) const UNTOLD_ON_POSTGRES: &str = "SELECT c.node, c.number, c.happened, c.expires, c.kind, c.subject, c.value \
     FROM unnest($1::bytea[], $2::bigint[]) AS run (node, number) \
     JOIN changes AS c ON c.node = run.node AND c.number > run.number ORDER BY c.node, c.number";
