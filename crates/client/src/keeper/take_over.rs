//! Tokens that a program has from elsewhere, or that the code of a sign-in gave.

use super::Happening;
use super::end::later;
use super::provider::Variables;
use super::record::Record;
use super::refresh::unasked;
use super::vault::{NewEvent, Put, Row, Taken};
use super::{Connection, Keeper, KeeperError, State, VaultError, schedule};
use crate::{Tokens, random};

impl Keeper {
    /// Stores tokens that the program has from elsewhere, in place of those of the connection if it exists. Moments in `tokens`
    /// are those of the keeper's clock.
    ///
    /// # Errors
    /// [`KeeperError::Unknown`] if there is no such provider, [`KeeperError::Unavailable`] while a refresh sends the very refresh
    /// token that these tokens have, and [`KeeperError::Vault`].
    pub async fn take_over(&self, connection: &Connection, tokens: &Tokens) -> Result<(), KeeperError> {
        self.store(connection, tokens, &Variables::new(), true).await.map(drop)
    }

    /// Stores tokens from elsewhere together with values for the variables of the provider's endpoints, as
    /// [`Keeper::take_over`] does without any.
    ///
    /// # Errors
    /// As [`Keeper::take_over`].
    pub async fn take_over_with(
        &self,
        connection: &Connection,
        tokens: &Tokens,
        variables: &Variables,
    ) -> Result<(), KeeperError> {
        self.store(connection, tokens, variables, true).await.map(drop)
    }

    /// As [`take_over_with`](Self::take_over_with), unless the connection exists. Returns `false` if it does: it stays, because
    /// it may be newer.
    ///
    /// # Errors
    /// As [`Keeper::take_over`].
    pub async fn take_in(
        &self,
        connection: &Connection,
        tokens: &Tokens,
        variables: &Variables,
    ) -> Result<bool, KeeperError> {
        self.store(connection, tokens, variables, false).await
    }

    /// Stores tokens. Returns `false` if there is a connection that must not be replaced.
    pub(super) async fn store(
        &self,
        connection: &Connection,
        tokens: &Tokens,
        variables: &Variables,
        replace: bool,
    ) -> Result<bool, KeeperError> {
        let provider = self.engine.provider(connection)?;
        provider.endpoints.check(variables)?;
        self.engine.orient().await?;
        let known = provider.pace.skew();
        provider.pace.learn(&provider.endpoints.place(variables), tokens);
        let skew = provider.pace.skew();
        let mut record = Record::new(tokens, skew);
        record.variables = variables.clone();
        record.next_at = schedule::next_refresh(&record, provider.keep, random::fraction());
        let is_stored = self.put(connection, record, replace).await?;
        self.engine.remember(connection.provider(), known, skew).await;
        Ok(is_stored)
    }

    async fn put(&self, connection: &Connection, record: Record, replace: bool) -> Result<bool, KeeperError> {
        let (before, recovered) = match self.engine.vault.read(connection).await {
            // What a later version wrote, a person repairs with new tokens.
            Err(VaultError::UnknownState(_)) => (None, true),
            read => {
                let row = read?;
                let recovered = row.as_ref().is_some_and(|row| row.summary.state != State::Ready);
                (row, recovered)
            }
        };
        let event = recovered.then(|| Happening::Recovered.at(record.connected_at));
        if replace && before.is_some_and(|row| self.asked_before(&row, &record).is_some()) {
            return self.put_asked(connection, record, event).await;
        }
        self.put_now(connection, &record, replace, event).await
    }

    /// What the row says of the refresh token of `record`, if that may have been sent and has no answer yet.
    fn asked_before(&self, row: &Row, record: &Record) -> Option<Record> {
        let before = Record::open(&self.engine.key, &row.connection, &row.sealed).ok()?;
        let (old, new) = (before.refresh.as_ref()?, record.refresh.as_ref()?);
        (row.asked_at.is_some() && old.token == new.token).then_some(before)
    }

    /// Stores a record whose refresh token may have been sent. It must not end the lease of who sent it: the token would be sent
    /// twice at once. And its answer stays lost, so that it is asked for while the provider repeats it.
    async fn put_asked(
        &self,
        connection: &Connection,
        mut record: Record,
        event: Option<NewEvent>,
    ) -> Result<bool, KeeperError> {
        let engine = &self.engine;
        let lease = engine.lease(engine.provider(connection)?);
        let row = match engine.vault.take(connection, lease.request).await? {
            Taken::Leased(row) => row,
            Taken::Held | Taken::Missing => return Err(later(None)),
        };
        let Some(before) = self.asked_before(&row, &record) else {
            // The answer came meanwhile.
            return self.put_now(connection, &record, true, event).await;
        };
        (record.quiet, record.next_at) = (before.quiet, lease.request.asked_at);
        let mut settled = unasked(record, &row);
        settled.event = event;
        let change = engine.change(lease, &row, &settled, settled.due_at())?;
        match engine.vault.write(change).await? {
            true => Ok(true),
            false => Err(later(None)),
        }
    }

    async fn put_now(
        &self,
        connection: &Connection,
        record: &Record,
        replace: bool,
        event: Option<NewEvent>,
    ) -> Result<bool, KeeperError> {
        let put = Put {
            connection: connection.clone(),
            sealed: record.seal(&self.engine.key, connection)?,
            summary: record.summary(),
            due_at: schedule::due(record),
            replace,
            event,
        };
        Ok(self.engine.vault.put(put).await?)
    }
}
