//! Grants that are due: the sweep finds them by `check_at`, which a rotation does not touch.

use super::ENDED_KEPT;
use crate::store::StoreError;
use crate::store::model::{EndReason, GrantState};
use crate::store::value::Row;
use crate::time::Instant;

/// What the sweep does with a due grant.
pub(crate) enum Verdict {
    /// The row is deleted.
    Delete,
    /// The grant ends.
    End(EndReason),
    /// The sweep looks again at this moment.
    Later(Instant),
}

/// Decides by the columns of [`DUE`] after the id.
///
/// The end of an expired grant is not in the feed: no access token outlives its grant, so none must be
/// refused. Nor is the end of a grant whose key was revoked: its access tokens name that key and are refused for it. Nor
/// is the end of a grant whose app, person or organization was deleted before the end could be written: without that row
/// every use is refused.
pub(crate) fn verdict(row: &mut Row, now: Instant) -> Result<Verdict, StoreError> {
    let (state, expires, ends): (GrantState, Option<Instant>, Option<Instant>) =
        (row.take()?, row.take()?, row.take()?);
    let (key_revoked, deleted): (bool, Option<EndReason>) = (row.take()?, row.take()?);
    let expired = expires.into_iter().chain(ends).any(|bound| bound <= now);
    let reason = match (expired, key_revoked) {
        (true, _) => Some(EndReason::Expired),
        (false, true) => Some(EndReason::KeyRevoked),
        (false, false) => deleted,
    };
    Ok(match (state, reason) {
        (GrantState::Pending | GrantState::Ended, _) => Verdict::Delete,
        (GrantState::Active, Some(reason)) => Verdict::End(reason),
        (GrantState::Active, None) => Verdict::Later(next_check(expires, ends, now)),
    })
}

/// When the sweep looks at an active grant again. A rotation moves `expires` but no index, so this may be too early. It
/// is a month at most, since the configuration may give tokens a bound that had none.
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

/// The end of due grants; on SQLite it is the statement of `grants/end.rs`.
pub(crate) const END_ON_POSTGRES: &str = "UPDATE grants AS g SET state = 2, ended_at = $3, reason = b.reason, redirect_uri = NULL, \
     code_challenge = NULL, check_at = $4 FROM unnest($1::bytea[], $2::text[]) AS b(id, reason) \
     WHERE g.id = b.id AND g.state < 2";

/// When a second use of the code no longer matters, what it was bound to is deleted.
pub(crate) const LATER: &str = "UPDATE grants SET check_at = $1, \
     redirect_uri = CASE WHEN state = 1 THEN NULL ELSE redirect_uri END, \
     code_challenge = CASE WHEN state = 1 THEN NULL ELSE code_challenge END WHERE id = $2";

pub(crate) const LATER_ON_POSTGRES: &str = "UPDATE grants AS g SET check_at = b.due, \
     redirect_uri = CASE WHEN g.state = 1 THEN NULL ELSE g.redirect_uri END, \
     code_challenge = CASE WHEN g.state = 1 THEN NULL ELSE g.code_challenge END \
     FROM unnest($1::bytea[], $2::bigint[]) AS b(id, due) \
     WHERE g.id = b.id";
