//! The grants of one person, for the site that signs them in. Grants of an organization (`acts_as`) are not among them.

use super::grant_of;
use crate::store::engine::writer::work::Write;
use crate::store::feed::recall_statements;
use crate::store::model::{Grant, GrantId, ListPage, Recall, UserId};
use crate::store::rows::{first, more_than, page};
use crate::store::value::{Statement, Value};
use crate::store::{Result, Store};
use crate::time::Instant;
use hallpass_wire::Scopes;
use uuid::Uuid;

impl Store {
    /// The grants of a person that have not ended, the newest first.
    pub async fn grants_of(
        &self,
        user: UserId,
        after: Option<GrantId>,
        limit: u32,
        now: Instant,
    ) -> Result<ListPage<Grant, GrantId>> {
        let after = after.unwrap_or(GrantId(Uuid::max()));
        let params = vec![user.into(), after.into(), now.into(), more_than(limit)];
        page(self.scan(LIVE_OF_USER, params).await?, limit, |row| {
            Ok(self.with_last_use(grant_of(row)?))
        })
    }

    /// A grant of a person, also one that has ended. `None`: there is none, or it is somebody else's.
    pub async fn grant_of_user(&self, user: UserId, id: GrantId) -> Result<Option<Grant>> {
        let rows = self.read(OF_USER, &[id.into(), user.into()]).await?;
        let grant = first(rows, |row| {
            row.take::<Value>()?;
            grant_of(row)
        })?;
        Ok(grant.map(|grant| self.with_last_use(grant)))
    }

    /// Leaves a grant only these scopes, and revokes its access tokens that were issued up to `issued_by`. Its refresh tokens
    /// stay. [`StoreError::Conflict`](crate::store::StoreError::Conflict): it ended, or its scopes changed, since it was read.
    pub async fn narrow(&self, grant: &Grant, scopes: &Scopes, issued_by: Instant, now: Instant) -> Result<()> {
        let recall = Recall::of_tokens(grant.id.0, issued_by);
        let (mut statements, change) = recall_statements(&recall, now);
        let params = vec![scopes.into(), grant.id.into(), (&grant.scopes).into()];
        statements.push(Statement::new(NARROW, params).expect_one());
        let write = Write {
            statements,
            announce: vec![change],
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }
}

macro_rules! select_grant_of_user {
    ($rest:literal) => {
        concat!(
            "SELECT id, id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt, proof_key, ",
            "previous_key, generation, previous, confirmed, rotated_at, created, code_expires, expires, ends, last_used, ",
            "ended_at, reason, repeats, source, acts_as, resource FROM grants ",
            $rest
        )
    };
}

/// What has expired is over before the sweep says so.
const LIVE_OF_USER: &str = select_grant_of_user!(
    "WHERE user_id = $1 AND acts_as IS NULL AND id < $2 AND (state = 1 OR (state = 0 AND code_expires > $3)) \
     AND (expires IS NULL OR expires > $3) AND (ends IS NULL OR ends > $3) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys AS r WHERE r.id = grants.proof_key) ORDER BY id DESC LIMIT $4"
);

const OF_USER: &str = select_grant_of_user!("WHERE id = $1 AND user_id = $2 AND acts_as IS NULL");

/// Repeats the scopes on which the decision was based.
const NARROW: &str = "UPDATE grants SET scopes = $1 WHERE id = $2 AND scopes = $3 AND state < 2";
