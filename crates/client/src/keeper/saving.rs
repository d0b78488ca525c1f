//! Writes tokens that the vault did not take before.

use super::engine::{Engine, Lease};
use super::record::{Record, Standing};
use super::refresh::unasked;
use super::unsaved::Unsaved;
use super::vault::{Change, Row, State, Taken};
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
                Err(VaultError::Sealed(_) | VaultError::UnknownState(_)) => {}
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
    /// then is the last word. Returns whether ours is of no use any more.
    async fn restore(&self, unsaved: &Unsaved) -> Result<bool, VaultError> {
        let connection = &unsaved.change.connection;
        let Ok(provider) = self.provider(connection) else {
            return Ok(true);
        };
        let Some(row) = self.vault.read(connection).await? else {
            return Ok(true);
        };
        let record = Record::open(&self.key, connection, &row.sealed)?;
        if !unsaved.is_answer_to(&record) {
            return Ok(true);
        }
        if !unsaved.is_settled(row.fence, &row, &record) {
            return Ok(false);
        }
        let lease = self.lease(provider);
        let Taken::Leased(row) = self.vault.take(connection, lease.request).await? else {
            return Ok(false);
        };
        let record = Record::open(&self.key, connection, &row.sealed)?;
        if !self.save_under(lease, &row, &record).await? {
            let change = self.change(lease, &row, &unasked(record, &row), row.due_at)?;
            self.vault.write(change).await?;
        }
        Ok(false)
    }

    /// Writes under this lease what could not be written before, if that is the answer to the refresh token of the record. Then
    /// nothing may be sent under it: the provider would take that for theft. Returns whether it is.
    ///
    /// If somebody else may have sent the same refresh token since, and has no answer yet, ours may be superseded: a provider that
    /// repeats a lost answer may give another successor then, and take ours for reuse. So the lost answer is asked for first. If that
    /// is a refusal, ours counts.
    pub(super) async fn save_under(&self, lease: Lease, row: &Row, record: &Record) -> Result<bool, VaultError> {
        let Some(unsaved) = self.unsaved.get(&row.connection) else {
            return Ok(false);
        };
        if !unsaved.is_answer_to(record) || !unsaved.is_settled(row.fence - 1, row, record) {
            return Ok(false);
        }
        self.unsaved.leased(&unsaved.change, row.fence);
        let mut change = Change {
            fence: row.fence,
            owner: lease.request.owner,
            ..unsaved.change.clone()
        };
        let state = unsaved.change.record.as_ref().map(|(_, summary)| summary.state);
        if state == Some(State::Ready) && record.standing != Standing::Ready {
            let recovered = super::Happening::Recovered.at(lease.request.asked_at);
            let before = change.event.replace(recovered);
            if before.is_some_and(|event| event.ends_at.is_some()) {
                self.tell_end_next(&mut change, lease.request.asked_at)?;
            }
        }
        if self.vault.write(change).await? {
            self.unsaved.written(&unsaved.change);
        }
        Ok(true)
    }

    /// A change tells one thing. The end that this one would have told of is told under the next lease, at once.
    fn tell_end_next(&self, change: &mut Change, now: i64) -> Result<(), VaultError> {
        if let Some((sealed, _)) = &mut change.record {
            let mut record = Record::open(&self.key, &change.connection, sealed)?;
            record.told_end = None;
            *sealed = record.seal(&self.key, &change.connection)?;
            change.due_at = now;
        }
        Ok(())
    }
}
