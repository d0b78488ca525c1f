//! Expiry as part of running: each commit also treats a few rows that are due, so nothing has to be cleaned up.
//!
//! Grants are found by `check_at`, which a rotation does not touch. A commit that inserts grants treats more, so that
//! what goes keeps up with what comes.

use super::connection::SqliteConnection;
use crate::store::engine::writer::bounds::Bounds;
use crate::store::engine::writer::work::{End, Work, Write};
use crate::store::grants::{END, end_params, next_check};
use crate::store::model::{EndReason, State};
use crate::store::organizations::memberships;
use crate::store::organizations::memberships::{DELETE_ENDED, LONGEST_ENDED};
use crate::store::rows::first;
use crate::store::value::{Row, Value};
use crate::store::{Result, StoreError};
use crate::time::Instant;

/// How many rows of each kind a commit treats.
pub(in crate::store) const ROWS: usize = 32;

/// Treats what is due once these were done, which came with `now`; returns what is left to a commit of its own.
pub(in crate::store) fn sweep(
    connection: &SqliteConnection,
    bounds: &Bounds,
    now: Instant,
    works: &[&Work],
) -> Result<Option<Write>> {
    let now = bounds.swept_until(now);
    let (ended_by, audit_over) = (memberships::ended_by(now), bounds.audit_over(now));
    let added: usize = works.iter().map(|work| work.adds()).sum();
    let limit = Value::Int(i64::try_from(ROWS + 2 * added).unwrap_or(i64::MAX));
    let due = [now.into(), ended_by.into(), audit_over.into()];
    if connection.query(ANY_DUE, &due)?.is_empty() {
        return Ok(None);
    }
    let until = [now.into(), limit.clone()];
    for mut row in connection.query(DUE, &until)? {
        let id: Value = row.take()?;
        let verdict = verdict(&mut row, now).unwrap_or_else(|error| {
            tracing::error!(%error, "a grant cannot be read");
            Verdict::Later(next_check(None, None, now))
        });
        let (sql, params) = match verdict {
            Verdict::Delete => (DELETE, vec![id]),
            Verdict::End(reason) => {
                let id = Row::new(vec![id]).take()?;
                let generation = None;
                let end = End {
                    id,
                    reason,
                    now,
                    generation,
                };
                (END, end_params(&end))
            }
            Verdict::Later(moment) => (LATER, vec![moment.into(), id]),
        };
        connection.execute(sql, &params)?;
    }
    connection.execute(DELETE_SECRETS, &until)?;
    connection.execute(DELETE_SESSIONS, &until)?;
    connection.execute(DELETE_CHANGES, &until)?;
    connection.execute(DELETE_ENDED, &[ended_by.into(), limit.clone()])?;
    connection.execute(DELETE_EVENTS, &[audit_over.into(), limit])?;
    let left = connection.query(LONGEST_ENDED, &[ended_by.into()])?;
    first(left, |row| memberships::ends_of(row, now))
}

/// What becomes of a grant whose time to be looked at has come.
pub(in crate::store) enum Verdict {
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
pub(in crate::store) fn verdict(row: &mut Row, now: Instant) -> Result<Verdict, StoreError> {
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

/// One look at the beginning of six indexes, which most commits end with. Asked for any row that is due, PostgreSQL would
/// count on many and read the whole table, once it plans without the moment.
pub(in crate::store) const ANY_DUE: &str = "SELECT 1 WHERE (SELECT MIN(check_at) FROM grants) <= $1 \
     OR (SELECT MIN(expires) FROM sessions) <= $1 OR (SELECT MIN(expires) FROM changes) <= $1 \
     OR (SELECT MIN(expires) FROM secrets) <= $1 \
     OR (SELECT MIN(ended_at) FROM memberships WHERE ended_at IS NOT NULL) <= $2 \
     OR (SELECT MIN(happened) FROM audit_events) <= $3";

const DUE: &str = "SELECT id, state, expires, ends, \
     CASE WHEN EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) THEN 1 ELSE 0 END, \
     CASE WHEN NOT EXISTS (SELECT 1 FROM apps WHERE apps.id = grants.app_id) THEN 'app_deleted' \
     WHEN acts_as IS NULL AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = grants.user_id) THEN 'person_deleted' \
     WHEN NOT EXISTS (SELECT 1 FROM organizations WHERE organizations.id = grants.organization_id) \
     THEN 'organization_deleted' END \
     FROM grants WHERE check_at <= $1 ORDER BY check_at LIMIT $2";
const DELETE: &str = "DELETE FROM grants WHERE id = $1 AND state <> 1";
/// A code whose second use no longer matters leaves nothing behind.
const LATER: &str = "UPDATE grants SET check_at = $1, \
     redirect_uri = CASE WHEN state = 1 THEN NULL ELSE redirect_uri END, \
     code_challenge = CASE WHEN state = 1 THEN NULL ELSE code_challenge END WHERE id = $2";
/// The sweep is to come sooner.
pub(in crate::store) const SOONER: &str = "UPDATE grants SET check_at = $1 WHERE id = $2";

const DELETE_SECRETS: &str =
    "DELETE FROM secrets WHERE id IN (SELECT id FROM secrets WHERE expires <= $1 ORDER BY expires LIMIT $2)";

const DELETE_SESSIONS: &str =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= $1 ORDER BY expires LIMIT $2)";

const DELETE_CHANGES: &str = "DELETE FROM changes WHERE (node, number) IN \
     (SELECT node, number FROM changes WHERE expires <= $1 ORDER BY expires LIMIT $2)";

const DELETE_EVENTS: &str = "DELETE FROM audit_events WHERE id IN \
     (SELECT id FROM audit_events WHERE happened <= $1 ORDER BY happened LIMIT $2)";
