//! Expiry as part of running, on PostgreSQL: rows that another server treats at the same moment are left to it.

use super::batch::begin;
use super::connection::{Answer, PostgresConnection};
use crate::store::engine::sqlite::sweep::{ANY_DUE, ROWS, Verdict, verdict};
use crate::store::engine::writer::work::{Locks, Write};
use crate::store::grants;
use crate::store::organizations::memberships;
use crate::store::organizations::memberships::{DELETE_ENDED, LONGEST_ENDED};
use crate::store::rows::first;
use crate::store::value::Value;
use crate::time::Instant;
use tokio_postgres::types::{ToSql, Type};

/// How many rows of each kind are treated after so many commits, which inserted so many grants.
pub(super) fn limit(commits: usize, inserted: usize) -> usize {
    ROWS * commits + 2 * inserted
}

/// Treats what is due at `now`, in a commit of its own, and events of the audit log until `audit_over`; returns what is left to
/// another.
pub(super) async fn sweep(
    connection: &PostgresConnection,
    now: Instant,
    audit_over: Instant,
    limit: usize,
) -> Answer<Option<Write>> {
    let ended_by = memberships::ended_by(now);
    let due = [now.into(), ended_by.into(), audit_over.into()];
    if connection.query(ANY_DUE, &due).await?.is_empty() {
        return Ok(None);
    }
    let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
    let until = [now.into(), limit.clone()];
    connection.batch(&begin(Locks::Awaited)).await?;
    let (mut gone, mut over, mut later) = (vec![], vec![], vec![]);
    for mut row in connection.query(DUE, &until).await? {
        let id: Value = row.take()?;
        match verdict(&mut row, now) {
            Ok(Verdict::Delete) => gone.push(id),
            Ok(Verdict::End(reason)) => over.push((id, Value::from(reason))),
            Ok(Verdict::Later(moment)) => later.push((id, Value::from(moment))),
            Err(error) => {
                tracing::error!(%error, "a grant cannot be read");
                later.push((id, grants::next_check(None, None, now).into()));
            }
        }
    }
    if !gone.is_empty() {
        connection.rows(DELETE, &[(&gone, Type::BYTEA_ARRAY)]).await?;
    }
    if !over.is_empty() {
        let (ids, reasons): (Vec<Value>, Vec<Value>) = over.into_iter().unzip();
        let (at, due) = (now.0, grants::ended_check(now).0);
        let params: [(&(dyn ToSql + Sync), Type); 4] = [
            (&ids, Type::BYTEA_ARRAY),
            (&reasons, Type::TEXT_ARRAY),
            (&at, Type::INT8),
            (&due, Type::INT8),
        ];
        connection.rows(END, &params).await?;
    }
    if !later.is_empty() {
        let (ids, moments): (Vec<Value>, Vec<Value>) = later.into_iter().unzip();
        connection
            .rows(LATER, &[(&ids, Type::BYTEA_ARRAY), (&moments, Type::INT8_ARRAY)])
            .await?;
    }
    for sql in [DELETE_SECRETS, DELETE_SESSIONS, DELETE_CHANGES] {
        connection.execute(sql, &until).await?;
    }
    for (sql, until) in [(DELETE_ENDED, ended_by), (DELETE_EVENTS, audit_over)] {
        connection.execute(sql, &[until.into(), limit.clone()]).await?;
    }
    let left = connection.query(LONGEST_ENDED, &[ended_by.into()]).await?;
    connection.batch("COMMIT").await?;
    Ok(first(left, |row| memberships::ends_of(row, now))?)
}

const DUE: &str = "SELECT id, state, expires, ends, \
     CASE WHEN EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) THEN 1 ELSE 0 END, \
     CASE WHEN NOT EXISTS (SELECT 1 FROM apps WHERE apps.id = grants.app_id) THEN 'app_deleted' \
     WHEN acts_as IS NULL AND NOT EXISTS (SELECT 1 FROM users WHERE users.id = grants.user_id) THEN 'person_deleted' \
     WHEN NOT EXISTS (SELECT 1 FROM organizations WHERE organizations.id = grants.organization_id) \
     THEN 'organization_deleted' END \
     FROM grants WHERE check_at <= $1 ORDER BY check_at LIMIT $2 FOR UPDATE SKIP LOCKED";
const DELETE: &str = "DELETE FROM grants WHERE id = ANY($1) AND state <> 1";
const END: &str = "UPDATE grants AS g SET state = 2, ended_at = $3, reason = b.reason, redirect_uri = NULL, \
     code_challenge = NULL, check_at = $4 FROM unnest($1::bytea[], $2::text[]) AS b(id, reason) \
     WHERE g.id = b.id AND g.state < 2";
const LATER: &str = "UPDATE grants AS g SET check_at = b.due, \
     redirect_uri = CASE WHEN g.state = 1 THEN NULL ELSE g.redirect_uri END, \
     code_challenge = CASE WHEN g.state = 1 THEN NULL ELSE g.code_challenge END \
     FROM unnest($1::bytea[], $2::bigint[]) AS b(id, due) \
     WHERE g.id = b.id";

const DELETE_SECRETS: &str = "DELETE FROM secrets WHERE id IN \
     (SELECT id FROM secrets WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";
const DELETE_SESSIONS: &str = "DELETE FROM sessions WHERE id IN \
     (SELECT id FROM sessions WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";
const DELETE_CHANGES: &str = "DELETE FROM changes WHERE (node, number) IN \
     (SELECT node, number FROM changes WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";
const DELETE_EVENTS: &str = "DELETE FROM audit_events WHERE id IN \
     (SELECT id FROM audit_events WHERE happened <= $1 ORDER BY happened LIMIT $2 FOR UPDATE SKIP LOCKED)";
