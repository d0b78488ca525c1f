//! Keys, sealed by the master key before they come here.

use super::model::{ChangeKind, Key, NewChange};
use super::value::{Row, Statement};
use super::{Result, Store, all};

impl Store {
    /// Every key, by number.
    pub async fn keys(&self) -> Result<Vec<Key>> {
        all(self.scan(KEYS, vec![]).await?, key_of)
    }

    /// Keeps a key. [`super::StoreError::Taken`]: its number is, by another start of a server that was quicker.
    pub async fn create_key(&self, key: Key) -> Result<()> {
        let mut announce = NewChange::about(ChangeKind::Key, &[], key.created);
        announce.value = key.id.into();
        let params = vec![key.id.into(), key.purpose.into(), key.sealed.into(), key.created.into()];
        let statements = vec![Statement::new(INSERT, params).expect_one()];
        self.write_announcing(statements, announce).await
    }
}

const KEYS: &str = "SELECT id, purpose, sealed, created FROM keys ORDER BY id";
const INSERT: &str = "INSERT INTO keys (id, purpose, sealed, created) VALUES ($1, $2, $3, $4)";

fn key_of(row: &mut Row) -> Result<Key> {
    Ok(Key {
        id: row.take()?,
        purpose: row.take()?,
        sealed: row.take()?,
        created: row.take()?,
    })
}
