//! Commits a batch as one transaction, or as one statement that is a transaction by itself.
//!
//! Hot works are one statement for each kind (`groups.rs`). One kind alone commits by itself; several are sent in one
//! transaction without waiting between them. Any other work runs step by step in the same transaction.

use super::acknowledged;
use super::connection::{PostgresConnection, QueryFailed, QueryResult, Undone};
use super::groups::{self, Done, Group};
use super::points::read_grants;
use crate::store::engine::writer::bounds::BatchBounds;
use crate::store::engine::writer::queue::Committed;
use crate::store::engine::writer::work::{
    Applied, ENDS, End, Ends, Locks, Outcome, RotationOutcome, Use, Used, Work, Write,
};
use crate::store::error::{is_own, own};
use crate::store::feed::numbering::Numbering;
use crate::store::model::{AuditEvent, Change, Grant, GrantId};
use crate::store::rows::all;
use crate::store::value::{Row, Statement, Value};
use crate::store::{Result, StoreError, audit, feed, grants};
use futures_util::future::join_all;
use tokio_postgres::types::Type;

/// How often a batch is tried if the database rolls it back because of another transaction.
pub(super) const ATTEMPTS: u32 = 8;

/// A batch that is being committed.
pub(super) struct PostgresBatch<'a> {
    connection: &'a PostgresConnection,
    works: &'a [&'a Work],
    bounds: &'a BatchBounds,
    locks: Locks,
    /// The numbering including this batch. The numbering of the run is set to it after the commit.
    numbering: Numbering,
    answers: Vec<Option<Result<Applied>>>,
    changes: Vec<Change>,
    /// Uses that were not written, since their grants are locked.
    locked: Vec<Use>,
}

impl<'a> PostgresBatch<'a> {
    pub(super) fn new(
        connection: &'a PostgresConnection,
        works: &'a [&'a Work],
        bounds: &'a BatchBounds,
        (numbering, locks): (Numbering, Locks),
    ) -> Self {
        Self {
            connection,
            works,
            bounds,
            locks,
            numbering,
            answers: works.iter().map(|_| None).collect(),
            changes: Vec::new(),
            locked: Vec::new(),
        }
    }

    /// Commits all of this or nothing; the answer to each work, and the entries of the feed. A work that is refused
    /// by itself does not affect the others.
    pub(super) async fn commit(mut self) -> QueryResult<(Committed, Numbering)> {
        let warnings = self.connection.warnings();
        let groups = groups::groups(self.works, &mut self.numbering, self.bounds);
        let cold = self.works.iter().any(|work| is_cold(work));
        let done = match groups.as_slice() {
            [] if !cold => vec![],
            [one] if !cold => one.run(self.connection, self.locks).await?,
            several => self.transaction(several, cold).await?,
        };
        acknowledged(self.connection, warnings)?;
        for done in done {
            self.note(done);
        }
        self.read_back(&groups).await;
        let answers = self.answers.into_iter();
        let committed = Committed {
            answers: answers
                .map(|answer| answer.unwrap_or(Err(StoreError::Conflict)))
                .collect(),
            changes: self.changes,
            left: None,
        };
        Ok((committed, self.numbering))
    }

    /// Runs several statements in one transaction; if one fails, nothing is done.
    async fn transaction(&mut self, groups: &[Group], cold: bool) -> QueryResult<Vec<Done>> {
        let outcome = match cold {
            true => self.step_by_step(groups).await,
            false => together(self.connection, groups, self.locks).await,
        };
        // If the COMMIT was sent along, the transaction has ended already.
        if outcome.is_err() && cold && !self.connection.is_broken() && self.connection.batch("ROLLBACK").await.is_err()
        {
            self.connection.give_up();
        }
        outcome
    }

    async fn step_by_step(&mut self, groups: &[Group]) -> QueryResult<Vec<Done>> {
        self.connection.batch(&begin(self.locks)).await?;
        let mut done = Vec::new();
        if let Some(ids) = groups::lock(groups) {
            self.connection
                .rows(grants::LOCK_ON_POSTGRES, &[(&ids, Type::BYTEA_ARRAY)])
                .await?;
        }
        for group in groups {
            done.extend(group.run(self.connection, self.locks).await?);
        }
        for (place, work) in self.works.iter().enumerate() {
            let applied = match work {
                Work::Write(write) => self.write(write).await,
                #[cfg(test)]
                Work::Panic => panic!("a test asked for it"),
                #[cfg(test)]
                Work::Pragma(text) => {
                    self.connection.batch(text).await?;
                    Ok(Applied::Whole(Outcome::Noted))
                }
                _ => continue,
            };
            let (undone, applied) = match applied {
                Err(QueryFailed { error, undone }) => (undone, Err(error)),
                Ok(applied) => (None, Ok(applied)),
            };
            let answer = own(applied).map_err(|error| QueryFailed { error, undone })?;
            if let Some(place) = self.answers.get_mut(place) {
                *place = Some(answer);
            }
        }
        self.connection.batch("COMMIT").await?;
        Ok(done)
    }

    /// Runs a write under a savepoint, so that its conflict does not affect other works.
    async fn write(&mut self, write: &Write) -> QueryResult<Applied> {
        for _ in 0..ATTEMPTS {
            let (numbering, told) = (self.numbering, self.changes.len());
            self.connection.batch("SAVEPOINT own").await?;
            let failed = match self.parts(write).await {
                Ok(applied) => {
                    self.connection.batch("RELEASE own").await?;
                    return Ok(applied);
                }
                Err(failed) if failed.undone == Some(Undone::Locked) => failed,
                Err(failed) if !is_own(&failed.error) => return Err(failed),
                Err(failed) => failed,
            };
            self.connection.batch("ROLLBACK TO own; RELEASE own").await?;
            self.numbering = numbering;
            self.changes.truncate(told);
            if failed.undone == Some(Undone::Locked) {
                // One such wait is enough for a batch.
                self.locks = Locks::NotAwaited;
                let at_once = format!("SET LOCAL lock_timeout = '{}'", groups::lock_timeout(self.locks));
                self.connection.batch(&at_once).await?;
                return Ok(Applied::Locked);
            }
            // Two servers took the same number at the same moment; the next one is free.
            if failed.error != StoreError::Taken(NUMBER.to_owned()) {
                return Err(failed);
            }
        }
        Err(StoreError::Taken(NUMBER.to_owned()).into())
    }

    async fn parts(&mut self, write: &Write) -> QueryResult<Applied> {
        if !write.after_ends {
            self.statements(write).await?;
        }
        let found = match &write.ends {
            Some(ends) => self.end_some(ends).await?,
            None => vec![],
        };
        let rest = write.rest(&found);
        if write.after_ends {
            if let Some(rest) = rest {
                return Ok(Applied::Partly(rest));
            }
            self.statements(write).await?;
        }
        self.record(write.to_record(found.len())).await?;
        Ok(rest.map_or_else(|| write.whole(&found), Applied::Partly))
    }

    async fn statements(&mut self, write: &Write) -> QueryResult<()> {
        for Statement { sql, params, expect } in &write.statements {
            let changed = self.connection.execute(sql, params).await?;
            if expect.is_some_and(|expected| expected != changed) {
                return Err(StoreError::Conflict.into());
            }
        }
        for change in &write.announce {
            let entry = self.numbering.entry(change, self.bounds);
            self.connection
                .execute(feed::INSERT, &feed::insert_params(&entry))
                .await?;
            self.changes.push(entry);
        }
        Ok(())
    }

    async fn record(&self, event: Option<&AuditEvent>) -> QueryResult<()> {
        if let Some(event) = event {
            let params = audit::insert_params(event);
            self.connection.execute(audit::INSERT, &params).await?;
        }
        Ok(())
    }

    async fn end_some(&mut self, ends: &Ends) -> QueryResult<Vec<GrantId>> {
        let mut params = ends.params.clone();
        let after = ends.after.map_or_else(|| Value::Bytes(vec![]), Value::from);
        params.extend([after, ENDS.into()]);
        let found: Vec<GrantId> = all(self.connection.query(ends.select, &params).await?, Row::take)?;
        let each = |&id: &GrantId| End {
            id,
            reason: ends.reason,
            now: ends.now,
            generation: None,
        };
        let each: Vec<End> = found.iter().map(each).collect();
        if let Some(group) = groups::ends(&each, &mut self.numbering, self.bounds) {
            let done = group.run(self.connection, self.locks).await?;
            self.changes.extend(done.into_iter().filter_map(|done| done.entry));
        }
        Ok(found)
    }

    /// Records the result of a hot work.
    fn note(&mut self, done: Done) {
        let Some(work) = self.works.get(done.place) else { return };
        if let (Work::Uses(uses), Some(id)) = (work, done.locked) {
            self.locked.extend(uses.iter().filter(|one| one.of == Used::Grant(id)));
        }
        let outcome = match work {
            Work::Redeem(..) => Outcome::Redeemed(done.made.then_some(done.crowded)),
            Work::Rotate(rotate) if done.made => Outcome::Rotated(RotationOutcome::Made { by: *rotate, own: true }),
            Work::End(..) => Outcome::Ended(done.made),
            // The state that another change left must be read.
            _ => return,
        };
        self.changes.extend(done.entry);
        if let Some(place) = self.answers.get_mut(done.place) {
            *place = Some(Ok(Applied::Whole(outcome)));
        }
    }

    /// After the commit, reads the grants whose callers need the row: inserted ones, and those that another change
    /// came first to. Then answers all works that have no answer yet.
    async fn read_back(&mut self, groups: &[Group]) {
        let mut ids: Vec<GrantId> = groups.iter().flat_map(Group::inserted).collect();
        for (work, answer) in self.works.iter().zip(&self.answers) {
            if let (Work::Rotate(rotate), None) = (work, answer) {
                ids.push(rotate.id);
            }
        }
        let found = match ids.is_empty() {
            true => Ok(std::collections::HashMap::new()),
            false => read_grants(self.connection, &ids).await,
        };
        for (work, answer) in self.works.iter().zip(&mut self.answers) {
            if matches!(work, Work::Uses(_)) && !self.locked.is_empty() {
                *answer = Some(Ok(Applied::Without(std::mem::take(&mut self.locked))));
            }
            let grant = |id: GrantId| match &found {
                Ok(found) => found.get(&id).cloned().transpose(),
                Err(failed) => Err(failed.error.clone()),
            };
            if answer.is_none() {
                *answer = unanswered(work, grant).map(|outcome| outcome.map(Applied::Whole));
            }
        }
    }
}

/// The answer to a work for which no statement returned a row; `grant` reads one.
fn unanswered(work: &Work, grant: impl Fn(GrantId) -> Result<Option<Grant>>) -> Option<Result<Outcome>> {
    match work {
        Work::Insert(new, _) => Some(grant(new.id).map(|found| Outcome::Grant(found.map(Box::new)))),
        Work::Rotate(rotate) => Some(grant(rotate.id).and_then(|found| {
            let found = found.ok_or(StoreError::Conflict)?;
            Ok(Outcome::Rotated(RotationOutcome::Found(Box::new(found))))
        })),
        Work::Redeem(..) => Some(Ok(Outcome::Redeemed(None))),
        Work::End(..) => Some(Ok(Outcome::Ended(false))),
        Work::Uses(_) => Some(Ok(Outcome::Noted)),
        _ => None,
    }
}

/// Sends all groups as one transaction without waiting. If one fails, PostgreSQL rolls back the others.
async fn together(connection: &PostgresConnection, groups: &[Group], locks: Locks) -> QueryResult<Vec<Done>> {
    let begin = begin(locks);
    let lock = groups::lock(groups);
    if lock.is_some() {
        connection.prepare(grants::LOCK_ON_POSTGRES).await?;
    }
    for group in groups {
        connection.prepare(group.sql()).await?;
    }
    let lock = async {
        match &lock {
            Some(ids) => connection
                .rows(grants::LOCK_ON_POSTGRES, &[(ids, Type::BYTEA_ARRAY)])
                .await
                .map(drop),
            None => Ok(()),
        }
    };
    let done = join_all(groups.iter().map(|group| group.run(connection, locks)));
    // Polled, and so sent, in this order.
    let (begun, locked, done, committed) =
        tokio::join!(biased; connection.batch(&begin), lock, done, connection.batch("COMMIT"));
    begun?;
    locked?;
    let mut all = Vec::new();
    for done in done {
        all.extend(done?);
    }
    committed?;
    Ok(all)
}

/// Sets the isolation level whatever the default of the database is: with a higher one, changes of other servers would be
/// errors. The locks of a server that is suspended or cut off are freed after five seconds; PostgreSQL itself would
/// notice hours later.
pub(super) fn begin(locks: Locks) -> String {
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL lock_timeout = '{}'",
        groups::lock_timeout(locks)
    )
}

/// The constraint that keeps the numbers of people unique.
const NUMBER: &str = "users_number_key";

fn is_cold(work: &Work) -> bool {
    match work {
        Work::Write(_) => true,
        #[cfg(test)]
        Work::Panic | Work::Pragma(_) => true,
        _ => false,
    }
}
