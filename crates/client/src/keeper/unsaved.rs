//! New tokens that the vault did not take: it was full, locked or away when the provider had answered.
//!
//! They are kept in memory and written as soon as the vault takes them; until then nobody gets the access token. If this
//! process ends first, the old refresh token is still in the vault and is sent again.

use super::record::{Record, Standing};
use super::refresh::Engine;
use super::vault::{Change, Taken};
use super::{Connection, VaultError};
use crate::RefreshToken;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use subtle::ConstantTimeEq as _;

/// A change that could not be written. There is at most one for each refresh in flight, because no refresh begins while the
/// vault takes no lease.
#[derive(Clone)]
pub(crate) struct Unsaved {
    pub(crate) change: Change,
    /// The refresh token that was exchanged for it.
    pub(crate) presented: RefreshToken,
}

#[derive(Default)]
pub(crate) struct UnsavedChanges(Mutex<HashMap<Connection, Unsaved>>);

impl UnsavedChanges {
    pub(crate) fn keep(&self, unsaved: Unsaved) {
        self.lock().insert(unsaved.change.connection.clone(), unsaved);
    }

    /// The connections with such changes.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.lock().keys().cloned().collect()
    }

    fn get(&self, connection: &Connection) -> Option<Unsaved> {
        self.lock().get(connection).cloned()
    }

    /// Forgets a change, unless a newer one took its place.
    pub(crate) fn written(&self, change: &Change) {
        let mut changes = self.lock();
        let kept = changes.get(&change.connection);
        if kept.is_some_and(|kept| kept.change.fence == change.fence) {
            changes.remove(&change.connection);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, Unsaved>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Writes the change of a connection that could not be written before, if there is one.
    pub(crate) async fn save(&self, connection: &Connection) -> Result<(), VaultError> {
        let Some(unsaved) = self.unsaved.get(connection) else {
            return Ok(());
        };
        if self.vault.write(unsaved.change.clone()).await? || self.restore(&unsaved).await? {
            self.unsaved.written(&unsaved.change);
        }
        Ok(())
    }

    /// The lease went on to another keeper. If that keeper was told that the refresh token is spent, then our answer is the one
    /// that spent it, and it is written under a new lease. In every other case the record holds what the provider said last.
    /// Returns `false` if that must be tried again.
    async fn restore(&self, unsaved: &Unsaved) -> Result<bool, VaultError> {
        let connection = &unsaved.change.connection;
        let Ok(provider) = self.provider(connection) else {
            return Ok(true);
        };
        let is_ours = |sealed: &[u8]| -> Result<bool, VaultError> {
            let record = Record::open(&self.key, connection, sealed)?;
            let needs_user = matches!(record.standing, Standing::NeedsUser { .. });
            let same = record.refresh.as_ref().is_some_and(|refresh| {
                let (stored, presented) = (refresh.token.secret(), unsaved.presented.secret());
                bool::from(stored.as_bytes().ct_eq(presented.as_bytes()))
            });
            Ok(needs_user && same)
        };
        match self.vault.read(connection).await? {
            Some(row) if is_ours(&row.sealed)? => {}
            _ => return Ok(true),
        }
        let lease = self.lease(provider);
        let Taken::Leased(row) = self.vault.take(connection, lease.request).await? else {
            return Ok(false);
        };
        let mut change = Change {
            fence: row.fence,
            owner: lease.request.owner,
            ..unsaved.change.clone()
        };
        if is_ours(&row.sealed)? {
            change.event = Some(super::Happening::Recovered.at(lease.request.asked_at));
        } else {
            change.record = None;
            (change.due_at, change.asked_at, change.event) = (row.due_at, row.asked_at, None);
        }
        self.vault.write(change).await
    }
}
