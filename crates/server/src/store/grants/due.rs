//! Grants whose time to be looked at has come, by `check_at`, which a rotation does not touch.

use super::ENDED_KEPT;
use crate::store::StoreError;
use crate::store::model::{EndReason, State};
use crate::store::value::Row;
use crate::time::Instant;

/// What becomes of a grant whose time to be looked at has come.
pub(crate) enum Verdict {
    /// Its row goes.
    Delete,
    /// It ends.
    End(EndReason),
    /// It is looked at again then.
    Later(Instant),
}

/// Judges by what [`DUE`] selects behind the id.
///
/// One that expires is not announced: no access token outlives its grant (DESIGN: tokens), so none is left to refuse. Nor is
/// one whose key was revoked: its access tokens name that key, and are refused for it. Nor is one whose app, person or
/// organization was deleted before its end could be written: without their row nothing of it is honoured.
pub(crate) fn verdict(row: &mut Row, now: Instant) -> Result<Verdict, StoreError> {
    let (state, expires, ends): (State, Option<Instant>, Option<Instant>) = (row.take()?, row.take()?, row.take()?);
    let (key_revoked, deleted): (bool, Option<EndReason>) = (row.take()?, row.take()?);
    let expired = expires.into_iter().chain(ends).any(|bound| bound <= now);
    let reason = match (expired, key_revoked) {
        (true, _) => Some(EndReason::Expired),
        (false, true) => Some(EndReason::KeyRevoked),
        (false, false) => deleted,
    };
    Ok(match (state, reason) {
        (State::Pending | State::Ended, _) => Verdict::Delete,
        (State::Active, Some(reason)) => Verdict::End(reason),
        (State::Active, None) => Verdict::Later(next_check(expires, ends, now)),
    })
}

/// When the sweep looks at an active grant again. A rotation moves `expires` but no index, so this may be too early; and
/// never later than a month, because a token that does not expire may get a bound by configuration.
pub(crate) fn next_check(expires: Option<Instant>, ends: Option<Instant>, now: Instant) -> Instant {
    let latest = now.after(ENDED_KEPT);
    expires.into_iter().chain(ends).fold(latest, Instant::min)
}

pub(crate) const DUE: &str = "SELECT id, state, expires, ends, \
     CASE WHEN EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) THEN 1 ELSE 0 END, \
     CASE WHEN NOT EXISTS (SELECT 1 FROM apps WHERE apps.id = grants.app_id) THEN 'app_deleted' \
     WHEN acts_as IS NULL AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = grants.user_id) THEN 'person_deleted' \
     WHEN NOT EXISTS (SELECT 1 FROM organizations WHERE organizations.id = grants.organization_id) \
     THEN 'organization_deleted' END \
     FROM grants WHERE check_at <= $1 ORDER BY check_at LIMIT $2";

pub(crate) const DUE_ON_POSTGRES: &str = "SELECT id, state, expires, ends, \
     CASE WHEN EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) THEN 1 ELSE 0 END, \
     CASE WHEN NOT EXISTS (SELECT 1 FROM apps WHERE apps.id = grants.app_id) THEN 'app_deleted' \
     WHEN acts_as IS NULL AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = grants.user_id) THEN 'person_deleted' \
     WHEN NOT EXISTS (SELECT 1 FROM organizations WHERE organizations.id = grants.organization_id) \
     THEN 'organization_deleted' END \
     FROM grants WHERE check_at <= $1 ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED";

pub(crate) const DELETE: &str = "DELETE FROM grants WHERE id = $1 AND state <> 1";

pub(crate) const DELETE_ON_POSTGRES: &str = "DELETE FROM grants WHERE id = ANY($1) AND state <> 1";

/// What `grants/end.rs` does on SQLite.
pub(crate) const END_ON_POSTGRES: &str = "UPDATE grants AS g SET state = 2, ended_at = $3, reason = b.reason, redirect_uri = NULL, \
     code_challenge = NULL, check_at = $4 FROM unnest($1::bytea[], $2::text[]) AS b(id, reason) \
     WHERE g.id = b.id AND g.state < 2";

/// A code whose second use no longer matters leaves nothing behind.
pub(crate) const LATER: &str = "UPDATE grants SET check_at = $1, \
     redirect_uri = CASE WHEN state = 1 THEN NULL ELSE redirect_uri END, \
     code_challenge = CASE WHEN state = 1 THEN NULL ELSE code_challenge END WHERE id = $2";

pub(crate) const LATER_ON_POSTGRES: &str = "UPDATE grants AS g SET check_at = b.due, \
     redirect_uri = CASE WHEN g.state = 1 THEN NULL ELSE g.redirect_uri END, \
     code_challenge = CASE WHEN g.state = 1 THEN NULL ELSE g.code_challenge END \
     FROM unnest($1::bytea[], $2::bigint[]) AS b(id, due) \
     WHERE g.id = b.id";
