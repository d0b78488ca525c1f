//! Writes tokens that the vault did not take before.

use super::engine::Engine;
use super::record::{Record, Standing};
use super::unsaved::Unsaved;
use super::vault::{Change, Taken};
use super::{Connection, VaultError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// How often a failed write is tried again.
pub(super) const REWRITE: Duration = Duration::from_millis(200);

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

    /// The lease went on. If the record still has the refresh token that was exchanged for ours, then our answer is the one that
    /// spent it, whether somebody was told so meanwhile or not, and it is written under a new lease. In every other case the
    /// record holds what the provider said last. Returns `false` if that must be tried again.
    async fn restore(&self, unsaved: &Unsaved) -> Result<bool, VaultError> {
        let connection = &unsaved.change.connection;
        let Ok(provider) = self.provider(connection) else {
            return Ok(true);
        };
        let is_ours = |record: &Record| {
            let needs_user = matches!(record.standing, Standing::NeedsUser { .. });
            // A provider that does not rotate refresh tokens may have given newer access tokens since.
            let access = record.access.as_ref();
            let is_newer = access.is_none_or(|access| access.issued_at < unsaved.issued_at);
            let same = record.refresh.as_ref().is_some_and(|refresh| {
                let (stored, presented) = (refresh.token.secret(), unsaved.presented.secret());
                bool::from(stored.as_bytes().ct_eq(presented.as_bytes()))
            });
            same && (needs_user || is_newer)
        };
        let open = |sealed: &[u8]| Record::open(&self.key, connection, sealed);
        match self.vault.read(connection).await? {
            Some(row) if is_ours(&open(&row.sealed)?) => {}
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
        let record = open(&row.sealed)?;
        if is_ours(&record) {
            if matches!(record.standing, Standing::NeedsUser { .. }) {
                change.event = Some(super::Happening::Recovered.at(lease.request.asked_at));
            }
        } else {
            change.record = None;
            (change.due_at, change.asked_at, change.event) = (row.due_at, row.asked_at, None);
        }
        self.vault.write(change).await
    }
}
