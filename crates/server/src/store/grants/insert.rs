//! A code is issued: a pending grant.

use crate::store::engine::writer::work::{Outcome, Work};
use crate::store::model::{ActsAs, Grant, NewGrant};
use crate::store::value::{ArrayStatement, Value};
use crate::store::{Result, Store, StoreError};
use crate::time::Instant;
use std::time::Duration;

/// How long the row keeps what a redemption is checked against after the code expired. Until then a second use is
/// detected. Afterwards a row that was never redeemed is deleted.
pub(crate) const CODE_KEPT: Duration = Duration::from_secs(10 * 60);

impl Store {
    /// Inserts a pending grant; the row, also if one with its id existed already.
    pub async fn insert_grant(&self, grant: NewGrant) -> Result<Grant> {
        match self.change(Work::Insert(grant, None)).await? {
            Outcome::Grant(grant) => grant.map(|grant| *grant).ok_or(StoreError::Conflict),
            outcome => Err(outcome.unexpected()),
        }
    }
}

/// A pending grant, unless its id is taken.
pub(crate) const INSERT: &str = "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, redirect_uri, \
     code_challenge, salt, proof_key, generation, confirmed, rotated_at, created, code_expires, check_at, acts_as) \
     VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, 0, 0, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING";

/// The same for many, each with its event.
pub(crate) const INSERT_MANY: ArrayStatement = ArrayStatement {
    sql: INSERT_ON_POSTGRES,
    columns: "bbbbttbbiiiiitbtttttt",
    grant: None,
};

const INSERT_ON_POSTGRES: &str = "WITH b AS (SELECT b.* FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], \
     $6::text[], $7::bytea[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], \
     $14::text[], $15::bytea[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[]) \
     AS b(id, app, person, organization, scopes, uri, challenge, salt, key, rotated, created, code_expires, check_at, \
     acts_as, event, actor, action, source, before, after, detail), \
     (SELECT set_config('lock_timeout', $22, true)) AS w), \
     i AS (INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt, \
     proof_key, generation, confirmed, rotated_at, created, code_expires, check_at, acts_as) \
     SELECT id, app, person, organization, 0, scopes, uri, challenge, salt, key, 0, 0, rotated, created, code_expires, \
     check_at, acts_as FROM b ORDER BY id ON CONFLICT DO NOTHING RETURNING id) \
     INSERT INTO audit_events (id, happened, actor, action, app_id, user_id, organization_id, grant_id, source, before, \
     after, detail) SELECT b.event, b.created, b.actor, b.action, b.app, b.person, b.organization, b.id, b.source, \
     b.before, b.after, b.detail FROM i JOIN b ON b.id = i.id WHERE b.event IS NOT NULL";

/// The values of [`INSERT`].
pub(crate) fn insert_params(grant: &NewGrant) -> Vec<Value> {
    vec![
        grant.id.into(),
        grant.app.into(),
        grant.user.into(),
        grant.organization.into(),
        (&grant.scopes).into(),
        grant.redirect_uri.clone().into(),
        grant.code_challenge.into(),
        grant.salt.into(),
        grant.key.into(),
        grant.created.into(),
        grant.created.into(),
        grant.code_expires.into(),
        pending_check(grant.code_expires).into(),
        kept(grant.acts_as).into(),
    ]
}

/// The column of a person's grant is NULL, as in rows that older versions wrote.
fn kept(acts_as: ActsAs) -> Option<&'static str> {
    match acts_as {
        ActsAs::Person => None,
        ActsAs::Organization => Some(acts_as.as_str()),
    }
}

/// When the sweep looks at a grant whose code was issued. A redemption does not move this.
pub(crate) fn pending_check(code_expires: Instant) -> Instant {
    code_expires.after(CODE_KEPT)
}
