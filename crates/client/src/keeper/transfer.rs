//! Export and import: connections with their secrets, to move them to another vault or key.

use super::engine::Lease;
use super::record::{Record, Standing};
use super::vault::{Change, Put, Taken};
use super::{Connection, Keeper, KeeperError, State, VaultError, schedule};
use crate::random;
use serde::{Deserialize, Serialize};

/// A connection with its secrets, which give the user's access. It does not print.
///
/// As JSON it has the members `connection`, `state`, `asked` and `record`; the last one is for this library alone. Stop all keepers
/// before an export that another vault goes on with: a refresh after it makes the exported refresh token useless.
#[derive(Clone, Serialize, Deserialize)]
pub struct Exported {
    connection: String,
    state: String,
    /// Whether the refresh token may have been sent, and its answer is lost.
    #[serde(default)]
    asked: bool,
    record: Record,
}

impl Exported {
    /// The name of the connection, `provider/reference`.
    #[must_use]
    pub fn connection(&self) -> &str {
        &self.connection
    }

    /// The refresh token, if there is one. Keep it out of logs.
    #[must_use]
    pub fn refresh_token(&self) -> Option<&str> {
        self.record.refresh.as_ref().map(|refresh| refresh.token.secret())
    }
}

impl Keeper {
    /// Up to `limit` connections with their secrets, after `after`. The second value is where the next page begins; `None` after
    /// the last one.
    ///
    /// # Errors
    /// If the vault fails, or a record does not open with this key.
    pub async fn export(
        &self,
        after: Option<&Connection>,
        limit: usize,
    ) -> Result<(Vec<Exported>, Option<Connection>), VaultError> {
        let rows = self.engine.vault.list(None, after, limit).await?;
        let next = rows.last().map(|row| row.connection.clone());
        let exported = rows.into_iter().map(|row| {
            Ok(Exported {
                record: Record::open(&self.engine.key, &row.connection, &row.sealed)?,
                connection: row.connection.to_string(),
                state: row.summary.state.word().to_owned(),
                asked: row.asked_at.is_some(),
            })
        });
        Ok((exported.collect::<Result<_, VaultError>>()?, next))
    }

    /// How many connections [`export`](Self::export) and [`list`](Self::list) leave out, because a later version of the keeper
    /// wrote their state. A vault that has some is not moved by an export.
    ///
    /// # Errors
    /// If the vault fails.
    pub async fn left_out(&self) -> Result<usize, VaultError> {
        self.engine.vault.count_unknown().await
    }

    /// Stores an exported connection. Returns `false` if there is one of this name already, which stays: it may be newer.
    ///
    /// # Errors
    /// [`KeeperError::Unknown`] if there is no such provider or the name is malformed, and [`KeeperError::Vault`].
    pub async fn import(&self, exported: Exported) -> Result<bool, KeeperError> {
        let connection: Connection = exported.connection.parse().map_err(|_| KeeperError::Unknown)?;
        let provider = self.engine.provider(&connection)?;
        self.engine.orient().await?;
        let mut record = exported.record;
        provider.endpoints.check(&record.variables)?;
        // The leases of another vault.
        record.quiet = None;
        let lease = self.engine.lease(provider);
        if record.standing == Standing::Ready {
            record.next_at = match exported.asked {
                true => lease.request.asked_at,
                false => schedule::next_refresh(&record, provider.keep, random::fraction()),
            };
        }
        let due_at = schedule::due(&record);
        let put = Put {
            sealed: record.seal(&self.engine.key, &connection)?,
            summary: record.summary(),
            due_at,
            connection: connection.clone(),
            replace: false,
            event: None,
        };
        let is_stored = self.engine.vault.put(put).await?;
        if is_stored && exported.asked {
            self.ask_again(&connection, lease, due_at).await?;
        }
        Ok(is_stored)
    }

    /// Marks the answer to the refresh token as lost: a lease does, and ends at once.
    async fn ask_again(&self, connection: &Connection, lease: Lease, due_at: i64) -> Result<(), VaultError> {
        if let Taken::Leased(row) = self.engine.vault.take(connection, lease.request).await? {
            let change = Change {
                connection: row.connection,
                fence: row.fence,
                owner: lease.request.owner,
                record: None,
                due_at,
                asked_at: Some(lease.request.asked_at),
                event: None,
            };
            self.engine.vault.write(change).await?;
        }
        Ok(())
    }

    /// Whether a connection exists, and in which state it is. Costs no request.
    ///
    /// # Errors
    /// If the vault fails.
    pub async fn state(&self, connection: &Connection) -> Result<Option<State>, VaultError> {
        let row = self.engine.vault.read(connection).await?;
        Ok(row.map(|row| row.summary.state))
    }
}
