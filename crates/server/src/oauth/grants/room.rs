//! How much one person, app or grant may leave behind in the database and in memory (docs/decisions/0047).
//!
//! A consent that is never redeemed leaves a row, and so does a connection that is ended, and a token that an app revokes. People
//! and apps can repeat these without end, and nothing of it is refused: beyond a number the oldest rows make room. What still
//! keeps tokens revoked goes into one entry that revokes them together.

use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::model::{ActsAs, AppId, Grant, GrantId, UserId};
use crate::store::{RECALL, StoreError};
use crate::time::Instant;
use crate::tokens::claims::Claims;
use std::time::Duration;
use uuid::Uuid;

/// How many of an app's own access tokens are kept as revoked one by one.
const OF_APP: usize = 1_000;
/// How many access tokens of one grant are.
const OF_GRANT: usize = 32;

impl Hallpass {
    /// Revokes one access token.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn revoke_token(&self, claims: &Claims, now: Instant) -> Result<(), StoreError> {
        let (owner, most) = match claims.grant {
            Some(grant) => (grant.id.0, OF_GRANT),
            None => (claims.app.0, OF_APP),
        };
        self.store.revoke_token(claims.serial, claims.expires, now).await?;
        self.revoked.count(owner, claims.serial, claims.issued_at);
        let fold = || self.revoked.fold(owner, most, now);
        if let Some(recall) = self.feed.all_read(RECALL).then(fold).flatten() {
            settled(self.store.recall(&recall, now).await);
        }
        Ok(())
    }

    /// An id for a grant that is to be made. By a clock that was turned back it would be older than one that recalls speak of.
    #[must_use]
    pub fn new_grant_id(&self, user: UserId, app: AppId, now: Instant) -> GrantId {
        let last = self.revoked.last_ended(user, app);
        let after = last.map_or(now, |last| made(last).after(Duration::from_millis(1)));
        GrantId(random::uuid(now.max(after)))
    }

    /// When a token of this owner, an app or a grant, is issued. By a clock that was turned back it would be older than those
    /// that a recall revokes.
    #[must_use]
    pub fn issued_at(&self, owner: Uuid, now: Instant) -> Instant {
        let after = self.revoked.recalled_by(owner);
        after.map_or(now, |last| now.max(last.after(Duration::from_millis(1))))
    }

    /// Makes room for a grant that was made just now, where its person has too many rows for its app: codes that nobody
    /// redeemed and ended grants, the oldest first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn make_room(&self, newcomer: &Grant, now: Instant) -> Result<(), StoreError> {
        let Some(surplus) = self.store.surplus(newcomer).await? else {
            return Ok(());
        };
        let owner = (newcomer.user, newcomer.app);
        let fold = || self.revoked.fold_grants(owner, &surplus.ended, &surplus.others, now);
        // The person of a grant of an organization may change: the entries of its ended grants stay, each for itself.
        let folds = newcomer.acts_as == ActsAs::Person && self.feed.all_read(RECALL);
        let recall = folds.then(fold).flatten();
        settled(self.store.clear(&surplus, recall.as_ref(), now).await);
        Ok(())
    }
}

/// When it was made, as its id tells (RFC 9562 §5.7).
fn made(grant: GrantId) -> Instant {
    let (milliseconds, ..) = grant.0.as_u64_pair();
    Instant(i64::try_from(milliseconds >> 16).unwrap_or(0))
}

/// What was to be recorded holds whatever comes of this; the next request tries again.
fn settled(outcome: Result<(), StoreError>) {
    match outcome {
        // Another request did it.
        Ok(()) | Err(StoreError::Conflict) => {}
        Err(error) => tracing::warn!(%error, "rows beyond the limit stay until the next request"),
    }
}
