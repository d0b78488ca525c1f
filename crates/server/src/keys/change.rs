//! Keys come and go: rotation publishes one, a revocation takes one away at once.
//!
//! The rows after the change are opened first, then committed, then put in the place of the ring: nothing can fail between
//! the commit and the moment from which it holds here.

use super::ring::{PUBLISHED, overlap};
use super::{KeyError, Keyring, Keys, Purpose, Rows, fresh};
use crate::audit::Who;
use crate::store::model::{AuditAction, Key as StoredKey, RevokedKey, Successor};
use crate::store::{Store, StoreError};
use crate::time::Instant;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// What came of a rotation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// The key that is next.
    pub id: u32,
    /// Whether this very request made it. If not, it waits already.
    pub made: bool,
}

/// What came of a revocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Revoked {
    /// The key that took its place, if it was the current one.
    pub successor: Option<u32>,
    /// Whether this very request revoked it. If not, it was before.
    pub made: bool,
}

/// Why a key is not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// There is none of this number; it may have retired.
    #[error("there is no key {0}")]
    NoSuchKey(u32),
    /// Nothing is issued under it.
    #[error("key {id} is for {purpose:?}: nothing is issued under it that could end")]
    NothingIssued {
        /// Its number.
        id: u32,
        /// What it is for.
        purpose: String,
    },
    /// It could not be done.
    #[error(transparent)]
    Keys(#[from] KeyError),
}

impl Keys {
    /// Reads the keys anew: at a start, and where the feed tells of a change that another server made.
    ///
    /// # Errors
    /// Where they cannot be read or opened; the ring stays as it is.
    pub async fn load(&self, store: &Store) -> Result<(), KeyError> {
        // What was read before a change here must not take the place of what holds after it.
        let _one = self.changing.lock().await;
        self.read_again(store).await
    }

    /// Publishes a key, to be used once every server has read it. One that waits already is next, and no other is made.
    ///
    /// # Errors
    /// Where the database is away, or another server was quicker.
    pub async fn rotate(&self, store: &Store, who: &Who, purpose: Purpose, now: Instant) -> Result<Rotated, KeyError> {
        let _one = self.changing.lock().await;
        let mut rows = Rows::read(store).await?;
        self.adopt(&rows)?;
        if let (_, Some(id)) = self.ring().current_and_next(purpose, now) {
            return Ok(Rotated { id, made: false });
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
        Ok(Rotated { id, made: true })
    }

    /// Ends a key and what was made under it. The place of the current one is taken at once, by the key that waits or by a
    /// new one; other servers read that within their staleness.
    ///
    /// # Errors
    /// Where there is no such key, nothing is issued under it, or the database is away.
    pub async fn revoke(&self, store: &Store, who: &Who, id: u32, now: Instant) -> Result<Revoked, RevokeError> {
        let _one = self.changing.lock().await;
        let mut rows = Rows::read(store).await.map_err(KeyError::from)?;
        self.adopt(&rows)?;
        if rows.revoked.iter().any(|key| key.id == id) {
            let (successor, made) = (None, false);
            return Ok(Revoked { successor, made });
        }
        let found = rows.keys.iter().find(|key| key.id == id);
        let key = found.ok_or(RevokeError::NoSuchKey(id))?.clone();
        let Some(purpose) = Purpose::named(&key.purpose) else {
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
        Ok(Revoked {
            successor: successor_id,
            made: true,
        })
    }

    /// Has a change hold that was committed. Where nobody knows whether it was, the database is asked.
    async fn commit(&self, store: &Store, committed: Result<(), StoreError>, ring: Keyring) -> Result<(), KeyError> {
        if let Err(error) = committed {
            if let Err(unread) = self.read_again(store).await {
                tracing::error!(error = %unread, "the keys could not be read again");
            }
            return Err(error.into());
        }
        self.ring.store(Arc::new(ring));
        Ok(())
    }

    /// Forgets the keys that have retired. They open nothing any more, so that a failure is only told of.
    pub(super) async fn retire(&self, store: &Store, now: Instant) {
        if let Err(error) = self.try_retire(store, now).await {
            tracing::warn!(%error, "retired keys are still in the database");
        }
    }

    async fn try_retire(&self, store: &Store, now: Instant) -> Result<(), KeyError> {
        let retired = |purpose: &Purpose| self.ring().has_retired(*purpose, now);
        let due: Vec<Purpose> = Purpose::ALL.into_iter().filter(retired).collect();
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
    /// What the rows are once the key is revoked.
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
