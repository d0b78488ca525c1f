//! Expiry on PostgreSQL. Rows that another server treats at the same moment are left to it.

use super::batch::begin;
use super::connection::{Param, PostgresConnection, QueryResult};
use crate::store::apps::secrets;
use crate::store::engine::sweep::{ANY_DUE, ROWS};
use crate::store::engine::writer::work::{Locks, Write};
use crate::store::grants::due::{self, Verdict, next_check, verdict};
use crate::store::grants::end::ended_check;
use crate::store::organizations::memberships::{self, LONGEST_ENDED};
use crate::store::people::sessions;
use crate::store::rows::first;
use crate::store::value::Value;
use crate::store::{audit, feed};
use crate::time::Instant;
use tokio_postgres::types::Type;

/// How many rows of each kind are treated after `commits` commits that inserted so many grants.
pub(crate) fn limit(commits: usize, inserted: usize) -> usize {
    ROWS * commits + 2 * inserted
}

/// Treats rows that are due at `now`, and events of the audit log up to `audit_over`, in a commit of its own; returns the
/// work left for another commit.
pub(crate) async fn sweep(
    connection: &PostgresConnection,
    now: Instant,
    audit_over: Instant,
    limit: usize,
) -> QueryResult<Option<Write>> {
    let ended_by = memberships::ended_by(now);
    let due = [now.into(), ended_by.into(), audit_over.into()];
    if connection.query(ANY_DUE, &due).await?.is_empty() {
        return Ok(None);
    }
    let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
    let until = [now.into(), limit.clone()];
    connection.batch(&begin(Locks::Awaited)).await?;
    let (mut gone, mut over, mut later) = (vec![], vec![], vec![]);
    for mut row in connection.query(due::DUE_ON_POSTGRES, &until).await? {
        let id: Value = row.take()?;
        match verdict(&mut row, now) {
            Ok(Verdict::Delete) => gone.push(id),
            Ok(Verdict::End(reason)) => over.push((id, Value::from(reason))),
            Ok(Verdict::Later(moment)) => later.push((id, Value::from(moment))),
            Err(error) => {
                tracing::error!(%error, "a grant cannot be read");
                later.push((id, next_check(None, None, now).into()));
            }
        }
    }
    if !gone.is_empty() {
        connection
            .rows(due::DELETE_ON_POSTGRES, &[(&gone, Type::BYTEA_ARRAY)])
            .await?;
    }
    if !over.is_empty() {
        end(connection, over, now).await?;
    }
    if !later.is_empty() {
        let (ids, moments): (Vec<Value>, Vec<Value>) = later.into_iter().unzip();
        connection
            .rows(
                due::LATER_ON_POSTGRES,
                &[(&ids, Type::BYTEA_ARRAY), (&moments, Type::INT8_ARRAY)],
            )
            .await?;
    }
    for sql in [
        secrets::DELETE_EXPIRED_ON_POSTGRES,
        sessions::DELETE_EXPIRED_ON_POSTGRES,
        feed::DELETE_EXPIRED_ON_POSTGRES,
    ] {
        connection.execute(sql, &until).await?;
    }
    for (sql, until) in [
        (memberships::DELETE_ENDED, ended_by),
        (audit::DELETE_EXPIRED_ON_POSTGRES, audit_over),
    ] {
        connection.execute(sql, &[until.into(), limit.clone()]).await?;
    }
    let left = connection.query(LONGEST_ENDED, &[ended_by.into()]).await?;
    connection.batch("COMMIT").await?;
    Ok(first(left, |row| memberships::ends_of(row, now))?)
}

/// Ends these grants, each for its reason.
async fn end(connection: &PostgresConnection, grants: Vec<(Value, Value)>, now: Instant) -> QueryResult<()> {
    let (ids, reasons): (Vec<Value>, Vec<Value>) = grants.into_iter().unzip();
    let (at, due) = (now.0, ended_check(now).0);
    let params: [Param<'_>; 4] = [
        (&ids, Type::BYTEA_ARRAY),
        (&reasons, Type::TEXT_ARRAY),
        (&at, Type::INT8),
        (&due, Type::INT8),
    ];
    connection.rows(due::END_ON_POSTGRES, &params).await.map(drop)
}
