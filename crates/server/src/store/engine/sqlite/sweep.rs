//! Expiry on SQLite, in the commit of the changes that it comes with.

use super::connection::SqliteConnection;
use crate::store::apps::secrets;
use crate::store::engine::sweep::{ANY_DUE, ROWS};
use crate::store::engine::writer::bounds::BatchBounds;
use crate::store::engine::writer::work::{End, Work, Write};
use crate::store::grants::due::{self, Verdict, next_check, verdict};
use crate::store::grants::end::{END, end_params};
use crate::store::organizations::memberships::{self, LONGEST_ENDED};
use crate::store::people::sessions;
use crate::store::rows::first;
use crate::store::value::{Row, Value};
use crate::store::{Result, audit, feed};
use crate::time::Instant;

/// Treats rows that are due, after works that came at `now`; returns the work left for a commit of its own.
pub(crate) fn sweep(
    connection: &SqliteConnection,
    bounds: &BatchBounds,
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
    for mut row in connection.query(due::DUE, &until)? {
        let id: Value = row.take()?;
        let verdict = verdict(&mut row, now).unwrap_or_else(|error| {
            tracing::error!(%error, "a grant cannot be read");
            Verdict::Later(next_check(None, None, now))
        });
        let (sql, params) = match verdict {
            Verdict::Delete => (due::DELETE, vec![id]),
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
            Verdict::Later(moment) => (due::LATER, vec![moment.into(), id]),
        };
        connection.execute(sql, &params)?;
    }
    connection.execute(secrets::DELETE_EXPIRED, &until)?;
    connection.execute(sessions::DELETE_EXPIRED, &until)?;
    connection.execute(feed::DELETE_EXPIRED, &until)?;
    connection.execute(memberships::DELETE_ENDED, &[ended_by.into(), limit.clone()])?;
    connection.execute(audit::DELETE_EXPIRED, &[audit_over.into(), limit])?;
    let left = connection.query(LONGEST_ENDED, &[ended_by.into()])?;
    first(left, |row| memberships::ends_of(row, now))
}
