//! Grants, from which codes and tokens are derived.
//!
//! Each change of a grant has a file with its statement for SQLite and, beside it, the one for PostgreSQL, which makes
//! all waiting changes of that kind at once. Each statement repeats the state that the decision was based on.

mod connections;
pub(crate) mod due;
pub(crate) mod end;
pub(crate) mod insert;
mod lists;
pub(crate) mod of_organization;
mod of_person;
pub(crate) mod redeem;
mod room;
pub(crate) mod rotate;
pub(crate) mod uses;

pub(crate) use insert::CODE_KEPT;
pub use lists::Connected;

use super::model::{ActsAs, Grant, GrantId, GrantState};
use super::value::Row;
use super::{Result, Store, StoreError};
use hallpass_wire::Scopes;
use std::time::Duration;

/// How long the row of an ended grant is kept: a person sees it, and its tokens are known to be over.
const ENDED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Store {
    /// The grant, with the uses that only memory knows yet.
    pub async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        let grant = self.inner.engine.grant(id).await?;
        Ok(grant.map(|grant| self.with_last_use(grant)))
    }
}

/// The columns of a grant in the order in which [`grant_of`] takes them.
macro_rules! select_grant {
    ($rest:literal) => {
        concat!(
            "SELECT id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt, proof_key, ",
            "previous_key, generation, previous, confirmed, rotated_at, created, code_expires, expires, ends, last_used, ",
            "ended_at, reason, repeats, source, acts_as, resource FROM grants ",
            $rest
        )
    };
}

/// One grant.
pub(crate) const GRANT: &str = select_grant!("WHERE id = $1");

/// The same columns for many, each with its id before them.
pub(crate) const GRANTS_ON_POSTGRES: &str = "SELECT id, id, app_id, user_id, organization_id, state, scopes, redirect_uri, \
     code_challenge, salt, proof_key, previous_key, generation, previous, confirmed, rotated_at, created, code_expires, \
     expires, ends, last_used, ended_at, reason, repeats, source, acts_as, resource FROM grants WHERE id = ANY($1)";

/// Locks these grants in the order of their ids.
pub(crate) const LOCK_ON_POSTGRES: &str = "SELECT 1 FROM grants WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";

/// The grants among these whose rows another session has locked.
pub(crate) const LOCKED_ON_POSTGRES: &str = "WITH free AS (SELECT id FROM grants WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED) \
     SELECT g.id FROM grants AS g WHERE g.id = ANY($1) AND NOT EXISTS (SELECT 1 FROM free WHERE free.id = g.id)";

/// A grant from the columns of `select_grant!`.
pub(crate) fn grant_of(row: &mut Row) -> Result<Grant> {
    let mut unknown = None;
    let mut grant = Grant {
        id: row.take()?,
        app: row.take()?,
        user: row.take()?,
        organization: row.take()?,
        acts_as: ActsAs::Person,
        state: row.take_known("state", GrantState::Ended, &mut unknown)?,
        scopes: row.take_known("scopes", Scopes::default(), &mut unknown)?,
        redirect_uri: row.take()?,
        code_challenge: row.take()?,
        salt: row.take()?,
        key: row.take()?,
        previous_key: row.take()?,
        generation: row.take()?,
        previous: row.take()?,
        confirmed: row.take()?,
        rotated_at: row.take()?,
        created: row.take()?,
        code_expires: row.take()?,
        expires: row.take()?,
        ends: row.take()?,
        last_used: row.take()?,
        ended_at: row.take()?,
        reason: row.take_known("reason", None, &mut unknown)?,
        repeats: row.take()?,
        source: row.take::<Option<Vec<u8>>>()?.and_then(|bytes| bytes.try_into().ok()),
        unknown: None,
    };
    if let Some(acts_as) = row.take_known("acts_as", None, &mut unknown)? {
        grant.acts_as = acts_as;
    }
    // A grant for one API only opens less than this version would allow.
    row.take_only("resource", None, &mut unknown)?;
    grant.unknown = unknown;
    possible(grant)
}

/// Refuses combinations of columns that none of our statements makes.
fn possible(grant: Grant) -> Result<Grant> {
    let whole = match grant.state {
        GrantState::Pending => grant.generation == 0 && grant.previous.is_none(),
        GrantState::Active => grant.generation > 0,
        GrantState::Ended => grant.unknown.is_some() || grant.ended_at.is_some() && grant.reason.is_some(),
    };
    let ordered = grant.previous.is_none_or(|previous| previous < grant.generation);
    if whole && ordered {
        return Ok(grant);
    }
    Err(StoreError::Corrupt(format!("grant {} contradicts itself", grant.id)))
}
