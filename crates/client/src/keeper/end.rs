//! The end of a connection: at the provider first, then in the vault.

use super::engine::Lease;
use super::failure;
use super::outcome;
use super::record::{Record, Standing};
use super::refresh::unasked;
use super::vault::{Row, Taken};
use super::{Connection, Keeper, KeeperError, VaultError};
use crate::{AnyToken, Refusal, TokenError};
use std::time::Duration;

impl Keeper {
    /// Ends a connection: revokes its grant at the provider (RFC 7009), then deletes it. Returns whether there was one.
    ///
    /// # Errors
    /// [`KeeperError::Unavailable`] if the provider cannot be reached or refuses to revoke, a refresh is in flight, or new
    /// tokens were stored meanwhile, [`VaultError::Sealed`] if the record does not open, and [`VaultError::UnknownState`]: the
    /// connection stays, so ask again. [`Keeper::forget`] deletes it without the provider.
    pub async fn end(&self, connection: &Connection) -> Result<bool, KeeperError> {
        self.delete(connection, true).await
    }

    /// Deletes a connection without a word to the provider, which the keeper need not know. Returns whether there was one.
    ///
    /// # Errors
    /// [`KeeperError::Unavailable`] while a refresh is in flight, or if new tokens were stored meanwhile, and
    /// [`KeeperError::Vault`].
    pub async fn forget(&self, connection: &Connection) -> Result<bool, KeeperError> {
        self.delete(connection, false).await
    }

    /// A caller that hangs up must not cancel this between the provider and the vault: the vault would keep a revoked grant.
    async fn delete(&self, connection: &Connection, revoke: bool) -> Result<bool, KeeperError> {
        let (keeper, name) = (self.clone(), connection.clone());
        let ended = tokio::spawn(async move { keeper.delete_now(&name, revoke).await }).await;
        ended.unwrap_or_else(|error| Err(VaultError::Failed(error.to_string()).into()))
    }

    async fn delete_now(&self, connection: &Connection, revoke: bool) -> Result<bool, KeeperError> {
        let engine = &self.engine;
        engine.orient().await?;
        let _place = engine.gate.enter().await.map_err(VaultError::from)?;
        if revoke {
            // The vault may still have a refresh token that was spent: its revocation would end nothing.
            engine.save(connection).await?;
            if engine.unsaved.get(connection).is_some() {
                return Err(later(None));
            }
        }
        let lease = match engine.provider(connection) {
            Ok(provider) => engine.lease(provider),
            Err(error) if revoke => return Err(error),
            Err(_) => engine.lease_without_provider(),
        };
        let taken = match engine.vault.take(connection, lease.request).await {
            Err(VaultError::UnknownState(_)) if !revoke => return Ok(engine.vault.remove_unknown(connection).await?),
            taken => taken?,
        };
        match taken {
            Taken::Missing => Ok(false),
            Taken::Held => Err(later(None)),
            Taken::Leased(row) => {
                if revoke {
                    self.revoke(lease, &row).await?;
                }
                let removed = engine.vault.remove(connection, row.fence, lease.request.owner).await?;
                // Somebody stored new tokens, or took the lease over. Without a row, somebody else ended it.
                if !removed && engine.vault.read(connection).await?.is_some() {
                    return Err(later(None));
                }
                Ok(true)
            }
        }
    }

    async fn revoke(&self, lease: Lease, row: &Row) -> Result<(), KeeperError> {
        let engine = &self.engine;
        let provider = engine.provider(&row.connection)?;
        let record = match Record::open(&engine.key, &row.connection, &row.sealed) {
            Ok(record) => record,
            // Nobody can read what would have to be revoked: with the right key it still can be.
            Err(error) => return Err(engine.leave_alone(lease, row, error).await),
        };
        if provider.endpoints.check(&record.variables).is_err() {
            // There is no server that could have given these tokens.
            return Ok(());
        }
        let token = match (&record.refresh, &record.access) {
            _ if is_ended(&record) => return Ok(()),
            (Some(refresh), _) => AnyToken::Refresh(&refresh.token),
            (None, Some(access)) => AnyToken::Access(&access.token),
            (None, None) => return Ok(()),
        };
        let revoked = provider.endpoints.revoke(&record.variables, token);
        match tokio::time::timeout(engine.limits.request, revoked).await {
            Ok(Ok(())) => Ok(()),
            // The provider knows no such grant any more.
            Ok(Err(TokenError::Refused(error))) if error.refusal() == Refusal::Grant => Ok(()),
            outcome => {
                let reason = match &outcome {
                    Ok(Err(error)) => failure::word(error),
                    _ => "unanswered".to_owned(),
                };
                let settled = unasked(record, row);
                let due_at = row.due_at.min(settled.due_at());
                engine.vault.write(engine.change(lease, row, &settled, due_at)?).await?;
                Err(later(Some(reason)))
            }
        }
    }
}

/// Whether the grant is known to be over. After a lost answer it may be alive, and only its tokens are lost.
fn is_ended(record: &Record) -> bool {
    matches!(&record.standing, Standing::NeedsUser { reason, .. } if reason != outcome::ANSWER_LOST)
}

pub(super) fn later(reason: Option<String>) -> KeeperError {
    KeeperError::Unavailable {
        retry_after: Duration::from_secs(1),
        reason,
    }
}
