//! Keys, sealed by the master key before they come here.
//!
//! Numbers only grow, and of two keys of one purpose the one with the higher number is used later: that is the order of
//! the ring.

use super::model::{ChangeKind, Key, NewChange, RevokedKey, Successor};
use super::rows::all;
use super::value::{Row, Statement};
use super::{Result, Store};
use crate::time::Instant;

impl Store {
    /// Every key, by number.
    pub async fn keys(&self) -> Result<Vec<Key>> {
        all(self.scan(KEYS, vec![]).await?, key_of)
    }

    /// Every key that was revoked, by number.
    pub async fn revoked_keys(&self) -> Result<Vec<RevokedKey>> {
        all(self.scan(REVOKED, vec![]).await?, revoked_of)
    }

    /// Stores a key. [`StoreError::Taken`](super::StoreError::Taken): another server used its number first.
    pub async fn create_key(&self, key: Key) -> Result<()> {
        let announce = about(key.id, key.created);
        self.write_announcing(vec![insert(key)], announce).await
    }

    /// Deletes a key for good and activates its successor, in one commit.
    /// [`StoreError::Conflict`](super::StoreError::Conflict): the key or its successor does not exist.
    pub async fn revoke_key(&self, id: u32, successor: Option<Successor>, now: Instant) -> Result<()> {
        let mut statements = vec![
            Statement::new(BURY, vec![now.into(), id.into()]).expect_one(),
            Statement::new(DELETE, vec![id.into()]).expect_one(),
        ];
        let mut announce = vec![NewChange {
            subject: REVOKED_SUBJECT.to_vec(),
            ..about(id, now)
        }];
        match successor {
            Some(Successor::New(key)) => {
                announce.push(about(key.id, now));
                statements.push(insert(key));
            }
            Some(Successor::Waiting(next)) => {
                announce.push(about(next, now));
                statements.push(Statement::new(ACTIVATE, vec![now.into(), next.into()]).expect_one());
            }
            None => {}
        }
        let write = super::Write {
            statements,
            announce,
            ..super::Write::default()
        };
        self.write_with(write).await.map(drop)
    }

    /// Deletes the keys of a purpose whose successor has been in use since `since` or longer.
    pub async fn retire_keys(&self, purpose: &str, since: Instant) -> Result<()> {
        let params = vec![purpose.into(), since.into()];
        self.write(vec![Statement::new(RETIRE, params)]).await
    }
}

/// The subject of the entry for a revoked key; that of a new or changed key is empty.
const REVOKED_SUBJECT: &[u8] = b"revoked";

const KEYS: &str = "SELECT id, purpose, sealed, created, COALESCE(active_from, created) FROM keys ORDER BY id";
const REVOKED: &str = "SELECT id, purpose, created, revoked FROM revoked_keys ORDER BY id";
const INSERT: &str = "INSERT INTO keys (id, purpose, sealed, created, active_from) VALUES ($1, $2, $3, $4, $5)";
const ACTIVATE: &str = "UPDATE keys SET active_from = $1 WHERE id = $2";
const BURY: &str =
    "INSERT INTO revoked_keys (id, purpose, created, revoked) SELECT id, purpose, created, $1 FROM keys WHERE id = $2";
const DELETE: &str = "DELETE FROM keys WHERE id = $1";
const RETIRE: &str = "DELETE FROM keys WHERE purpose = $1 AND id < \
     (SELECT MAX(id) FROM keys WHERE purpose = $1 AND COALESCE(active_from, created) <= $2)";

fn insert(key: Key) -> Statement {
    let (id, purpose, sealed) = (key.id.into(), key.purpose.into(), key.sealed.into());
    let params = vec![id, purpose, sealed, key.created.into(), key.active_from.into()];
    Statement::new(INSERT, params).expect_one()
}

fn about(id: u32, now: Instant) -> NewChange {
    NewChange {
        value: id.into(),
        ..NewChange::about(ChangeKind::Key, &[], now)
    }
}

fn key_of(row: &mut Row) -> Result<Key> {
    Ok(Key {
        id: row.take()?,
        purpose: row.take()?,
        sealed: row.take()?,
        created: row.take()?,
        active_from: row.take()?,
    })
}

fn revoked_of(row: &mut Row) -> Result<RevokedKey> {
    Ok(RevokedKey {
        id: row.take()?,
        purpose: row.take()?,
        created: row.take()?,
        revoked: row.take()?,
    })
}
