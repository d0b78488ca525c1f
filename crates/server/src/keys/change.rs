//! Changes of keys: a rotation publishes a new key, a revocation removes a key at once.
//!
//! The changed rows are opened first, then committed, then put in place of the ring. So nothing can fail between the commit
//! and the moment from which this server uses the change.

use super::ring::{PUBLISHED, overlap};
use super::{KeyError, KeyPurpose, Keyring, Keys, Rows, fresh};
use crate::audit::Who;
use crate::store::model::{AuditAction, Key as StoredKey, RevokedKey, Successor};
use crate::store::{Store, StoreError};
use crate::time::Instant;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The result of a rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRotation {
    /// The id of the next key.
    pub id: u32,
    /// Whether this request created the key. If not, it was waiting already.
    pub made: bool,
}

/// The result of a revocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyRevocation {
    /// The key that replaced the revoked one, if that was the current key.
    pub successor: Option<u32>,
    /// Whether this request revoked the key. If not, it was revoked before.
    pub made: bool,
}

/// Why a key was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is no key with this number. It may have retired.
    #[error("there is no key {0}")]
    NoSuchKey(u32),
    /// No token or page is made with the key.
    #[error("key {id} is for {purpose:?}: no token or page is made with it, so it cannot be revoked")]
    NothingIssued {
        /// The number of the key.
        id: u32,
        /// The purpose of the key.
        purpose: String,
    },
    /// The change failed.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Keys {
    /// Reads the keys again: at the start, and after the feed reports a change by another server.
    ///
    /// # Errors
    /// If they cannot be read or opened. The ring then stays as it is.
    pub async fn load(&self, store: &Store) -> Result<(), KeyError> {
        // Without this lock, rows read before a change on this server could replace the newer ring.
        let _one = self.changing.lock().await;
        self.read_again(store).await
    }

    /// Publishes a key, which is used once every server has read it. If a key is already waiting, it is the next one, and
    /// no other is made.
    ///
    /// # Errors
    /// If the database is unavailable, or another server was quicker.
    pub async fn rotate(
        &self,
        store: &Store,
        who: &Who,
        purpose: KeyPurpose,
        now: Instant,
    ) -> Result<KeyRotation, KeyError> {
        let _one = self.changing.lock().await;
        let mut rows = Rows::read(store).await?;
        self.adopt(&rows)?;
        if let (_, Some(id)) = self.ring().current_and_next(purpose, now) {
            return Ok(KeyRotation { id, made: false });
        }
        let key = StoredKey {
            active_from: now.after(PUBLISHED),
            ..fresh(&self.master, rows.unused(), purpose.as_str(), now)?
        };
        let id = key.id;
        rows.keys.push(key.clone());
        let ring = Keyring::of(&self.master, &rows)?;
        let event = who.did(AuditAction::KeyRotated, now);
        let event = event.detail(&json!({ "key": id, "purpose": purpose.as_str() }));
        let created = store.recording(event).create_key(key).await;
        self.commit(store, created, ring).await?;
        self.retire(store, now).await;
        Ok(KeyRotation { id, made: true })
    }

    /// Revokes a key and everything made with it. If it is the current key, the waiting key or a new one replaces it at
    /// once. Other servers read the change within their staleness.
    ///
    /// # Errors
    /// If there is no such key, nothing is made with it, or the database is unavailable.
    pub async fn revoke(&self, store: &Store, who: &Who, id: u32, now: Instant) -> Result<KeyRevocation, RevokeError> {
        let _one = self.changing.lock().await;
        let mut rows = Rows::read(store).await.map_err(KeyError::from)?;
        self.adopt(&rows)?;
        if rows.revoked.iter().any(|key| key.id == id) {
            let (successor, made) = (None, false);
            return Ok(KeyRevocation { successor, made });
        }
        let found = rows.keys.iter().find(|key| key.id == id);
        let key = found.ok_or(RevokeError::NoSuchKey(id))?.clone();
        let Some(purpose) = KeyPurpose::named(&key.purpose) else {
            let purpose = key.purpose;
            return Err(RevokeError::NothingIssued { id, purpose });
        };
        let successor = match self.ring().current_and_next(purpose, now) {
            (current, _) if current != id => None,
            (_, Some(next)) => Some(Successor::Waiting(next)),
            (_, None) => Some(Successor::New(fresh(
                &self.master,
                rows.unused(),
                purpose.as_str(),
                now,
            )?)),
        };
        rows.revoke(key, successor.as_ref(), now);
        let ring = Keyring::of(&self.master, &rows)?;
        let successor_id = successor.as_ref().map(Successor::id);
        let event = who.did(AuditAction::KeyRevoked, now);
        let detail = json!({ "key": id, "purpose": purpose.as_str(), "successor": successor_id });
        let revoked = store
            .recording(event.detail(&detail))
            .revoke_key(id, successor, now)
            .await;
        self.commit(store, revoked, ring).await?;
        self.retire(store, now).await;
        Ok(KeyRevocation {
            successor: successor_id,
            made: true,
        })
    }

    /// Puts a committed change into use. If the result of the commit is unknown, reads the keys from the database.
    async fn commit(&self, store: &Store, committed: Result<(), StoreError>, ring: Keyring) -> Result<(), KeyError> {
        if let Err(error) = committed {
            if let Err(unread) = self.read_again(store).await {
                tracing::error!(error = %unread, "failed to read the keys again after a failed change: this server goes on with the keys that it had");
            }
            return Err(error.into());
        }
        self.ring.store(Arc::new(ring));
        Ok(())
    }

    /// Deletes the keys that have retired. They open nothing any more, so a failure is only logged.
    pub(super) async fn retire(&self, store: &Store, now: Instant) {
        if let Err(error) = self.try_retire(store, now).await {
            tracing::warn!(%error, "failed to delete retired keys from the database: the next change of keys or start tries again");
        }
    }

    async fn try_retire(&self, store: &Store, now: Instant) -> Result<(), KeyError> {
        let retired = |purpose: &KeyPurpose| self.ring().has_retired(*purpose, now);
        let due: Vec<KeyPurpose> = KeyPurpose::ALL.into_iter().filter(retired).collect();
        if due.is_empty() {
            return Ok(());
        }
        let longest_access = store.longest_access().await?.unwrap_or(Duration::MAX);
        for purpose in due {
            if let Some(overlap) = overlap(purpose, longest_access) {
                store.retire_keys(purpose.as_str(), now.before(overlap)).await?;
            }
        }
        self.read_again(store).await
    }

    async fn read_again(&self, store: &Store) -> Result<(), KeyError> {
        let rows = Rows::read(store).await?;
        self.adopt(&rows)
    }

    fn adopt(&self, rows: &Rows) -> Result<(), KeyError> {
        self.ring.store(Arc::new(Keyring::of(&self.master, rows)?));
        Ok(())
    }
}

impl Rows {
    /// Changes the rows as the revocation of the key does.
    fn revoke(&mut self, key: StoredKey, successor: Option<&Successor>, now: Instant) {
        self.keys.retain(|kept| kept.id != key.id);
        match successor {
            Some(Successor::New(new)) => self.keys.push(new.clone()),
            Some(Successor::Waiting(id)) => {
                let waiting = self.keys.iter_mut().filter(|kept| kept.id == *id);
                waiting.for_each(|kept| kept.active_from = now);
            }
            None => {}
        }
        self.revoked.push(RevokedKey {
            id: key.id,
            purpose: key.purpose,
            created: key.created,
            revoked: now,
        });
    }
}

impl Successor {
    fn id(&self) -> u32 {
        match self {
            Self::New(key) => key.id,
            Self::Waiting(id) => *id,
        }
    }
}
