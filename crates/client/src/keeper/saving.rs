//! Writes tokens that the vault did not take before.

use super::engine::Engine;
use super::record::{Record, Standing};
use super::unsaved::Unsaved;
use super::vault::{Change, Row, Taken};
use super::{Connection, VaultError};
use std::time::Duration;

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

    /// Writes what could not be written before. A connection whose row does not open stops no other. Returns whether nothing is
    /// left that another try could write.
    pub(super) async fn save_all(&self) -> Result<bool, VaultError> {
        let mut is_done = true;
        for connection in self.unsaved.connections() {
            match self.save(&connection).await {
                Ok(()) => is_done &= self.unsaved.get(&connection).is_none(),
                Err(VaultError::Sealed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(is_done)
    }

    /// Writes what could not be written before, again and again until the vault has taken all of it. A vault that stays away does
    /// not hold up the end of a program for longer than a lease.
    pub(super) async fn save_before_end(&self) {
        let saved = async {
            while !matches!(self.save_all().await, Ok(true)) {
                tokio::time::sleep(REWRITE).await;
            }
        };
        drop(tokio::time::timeout(self.limits.lease, saved).await);
    }

    /// The lease went on. If the record still has the refresh token that was exchanged for ours, then our answer is the one that
    /// spent it, whether somebody was told so meanwhile or not, and it is written under a new lease. In every other case the
    /// record holds what the provider said last. If the provider kept the refresh token, nobody spent it, and its refusal since
    /// then is the last word. Returns `false` if that must be tried again.
    ///
    /// If somebody else may have sent the same refresh token since, and has no answer yet, ours may be superseded: a provider that
    /// repeats a lost answer may give another successor then, and take ours for reuse. So the lost answer is asked for first. If that
    /// is a refusal, ours counts.
    async fn restore(&self, unsaved: &Unsaved) -> Result<bool, VaultError> {
        let connection = &unsaved.change.connection;
        let Ok(provider) = self.provider(connection) else {
            return Ok(true);
        };
        let open = |sealed: &[u8]| Record::open(&self.key, connection, sealed);
        let sealed = unsaved.change.record.as_ref().map(|(sealed, _)| sealed);
        let answer = sealed.map(|sealed| open(sealed)).transpose()?;
        let is_spent = answer.is_some_and(|answer| !unsaved.is_presented(&answer));
        let is_ours = |record: &Record| unsaved.is_answer_to(record, is_spent);
        // `fence` is the last lease before ours.
        let is_settled = |fence: i64, row: &Row, record: &Record| {
            row.asked_at.is_none() || fence <= unsaved.fence || matches!(record.standing, Standing::NeedsUser { .. })
        };
        let Some(row) = self.vault.read(connection).await? else {
            return Ok(true);
        };
        let record = open(&row.sealed)?;
        if !is_ours(&record) {
            return Ok(true);
        }
        if !is_settled(row.fence, &row, &record) {
            return Ok(false);
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
        let is_settled = is_settled(row.fence - 1, &row, &record);
        if is_settled {
            self.unsaved.leased(&unsaved.change, row.fence);
        }
        if !is_ours(&record) || !is_settled {
            change.record = None;
            (change.due_at, change.asked_at, change.event) = (row.due_at, row.asked_at, None);
        } else if matches!(record.standing, Standing::NeedsUser { .. }) {
            change.event = Some(super::Happening::Recovered.at(lease.request.asked_at));
        }
        Ok(self.vault.write(change).await? && is_settled)
    }
}
