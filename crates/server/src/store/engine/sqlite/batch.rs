//! Commits a batch on the writing connection: one transaction, a prepared statement per change, one commit.
//!
//! No `RETURNING`: on SQLite, reading the row in the same transaction is cheaper, and it also answers if nothing changed.

use super::connection::SqliteConnection;
use super::sweep;
use crate::store::apps::secrets;
use crate::store::engine::writer::bounds::BatchBounds;
use crate::store::engine::writer::queue::Committed;
use crate::store::engine::writer::work::{
    Applied, ENDS, End, Ends, Outcome, Recorded, RotationOutcome, Use, Used, Work, Write,
};
use crate::store::error::{is_own, own};
use crate::store::feed::numbering::Numbering;
use crate::store::grants::{self, end, insert, redeem, rotate, uses};
use crate::store::model::{AuditEvent, Change, Grant, GrantId, NewChange, NewGrant, Redeem, Rotate};
use crate::store::rows::{all, first};
use crate::store::value::{Row, Statement, Value};
use crate::store::{Result, StoreError, audit, feed};
use crate::time::Instant;

/// A batch that is being committed.
pub(crate) struct SqliteBatch<'a> {
    connection: &'a SqliteConnection,
    feed: &'a mut Numbering,
    /// The numbering including this batch. The numbering of the run is set to it after the commit.
    numbered: Numbering,
    bounds: &'a BatchBounds,
    changes: Vec<Change>,
    /// Work that the sweep leaves for the next commit.
    left: Option<Write>,
}

impl<'a> SqliteBatch<'a> {
    pub(crate) fn new(connection: &'a SqliteConnection, feed: &'a mut Numbering, bounds: &'a BatchBounds) -> Self {
        Self {
            connection,
            numbered: *feed,
            feed,
            bounds,
            changes: Vec::new(),
            left: None,
        }
    }

    /// Commits all of this or nothing; the answer to each work, and the entries of the feed. A work that is refused
    /// by itself (a conflict, an impossible row) does not affect the others.
    pub(crate) fn apply(mut self, works: &[&Work]) -> Result<Committed> {
        let answers = self.transaction(works);
        if answers.is_err() {
            self.feed.rename();
            // SQLite may have rolled back by itself.
            if !self.connection.raw.is_autocommit() {
                self.connection.execute("ROLLBACK", &[])?;
            }
        }
        let answers = answers?;
        *self.feed = self.numbered;
        Ok(Committed {
            answers,
            changes: self.changes,
            left: self.left,
        })
    }

    fn transaction(&mut self, works: &[&Work]) -> Result<Vec<Result<Applied>>> {
        self.connection.execute("BEGIN IMMEDIATE", &[])?;
        let now = works.iter().filter_map(|work| work.now()).max();
        if let Some(now) = now {
            self.numbered.note(now);
        }
        let mut answers = Vec::with_capacity(works.len());
        for work in works {
            answers.push(own(self.work(work))?);
        }
        if let Some(now) = now {
            self.left = sweep::sweep(self.connection, self.bounds, now, works)?;
        }
        self.connection.execute("COMMIT", &[])?;
        Ok(answers)
    }

    fn work(&mut self, work: &Work) -> Result<Applied> {
        let outcome = match work {
            Work::Insert(grant, recorded) => Outcome::Grant(self.insert(grant, recorded)?.map(Box::new)),
            Work::Redeem(redeem, check) => Outcome::Redeemed(self.redeem(redeem, *check)?),
            Work::Rotate(rotate) => Outcome::Rotated(self.rotate(rotate)?),
            Work::End(end, recorded) => Outcome::Ended(self.end(end, recorded)?),
            Work::Uses(uses) => self.seen(uses)?,
            Work::Write(write) => return self.write(write),
            #[cfg(test)]
            Work::Panic => panic!("a test asked for it"),
            #[cfg(test)]
            Work::Pragma(pragma) => self.connection.query(pragma, &[]).map(|_| Outcome::Noted)?,
        };
        Ok(Applied::Whole(outcome))
    }

    fn insert(&mut self, grant: &NewGrant, recorded: &Recorded) -> Result<Option<Grant>> {
        let inserted = self.connection.execute(insert::INSERT, &insert::insert_params(grant))?;
        if inserted > 0 {
            self.record_of_grant(grant.id, recorded)?;
        }
        self.grant(grant.id)
    }

    /// A change of a grant has no savepoint: if its event cannot be appended, the whole batch fails.
    fn record_of_grant(&self, grant: GrantId, recorded: &Recorded) -> Result<()> {
        let Some(event) = recorded else { return Ok(()) };
        let params = audit::insert_of_grant_params(grant, event);
        match self.connection.execute(audit::INSERT_OF_GRANT, &params) {
            Ok(_) => Ok(()),
            Err(error) => Err(StoreError::Unavailable(format!("no event can be appended: {error}"))),
        }
    }

    fn record(&self, event: Option<&AuditEvent>) -> Result<()> {
        if let Some(event) = event {
            self.connection.execute(audit::INSERT, &audit::insert_params(event))?;
        }
        Ok(())
    }

    /// Whether there may be too many grants is asked here, while the pages of the index are in the cache: a
    /// connection that only reads loses them with each commit.
    fn redeem(&mut self, redeem: &Redeem, check: Option<Instant>) -> Result<Option<bool>> {
        let params = redeem::redeem_params(redeem);
        if self.connection.execute(redeem::REDEEM, &params)? == 0 {
            return Ok(None);
        }
        if let Some(check) = check {
            self.connection
                .execute(redeem::SOONER, &[check.into(), redeem.id.into()])?;
        }
        let params = [redeem.id.into(), redeem.keep.into()];
        Ok(Some(!self.connection.query(redeem::CROWDED, &params)?.is_empty()))
    }

    fn rotate(&mut self, rotate: &Rotate) -> Result<RotationOutcome> {
        let params = rotate::rotation_params(rotate);
        if self.connection.execute(rotate::rotation(rotate), &params)? == 0 {
            let found = self.grant(rotate.id)?.ok_or(StoreError::Conflict)?;
            return Ok(RotationOutcome::Found(Box::new(found)));
        }
        if rotate.replaces() {
            self.announce(&rotate::voided(rotate))?;
        }
        let (by, own) = (*rotate, true);
        Ok(RotationOutcome::Made { by, own })
    }

    fn end(&mut self, end: &End, recorded: &Recorded) -> Result<bool> {
        if self.connection.execute(end::END, &end::end_params(end))? == 0 {
            return Ok(false);
        }
        self.announce(&end::ended(end))?;
        self.record_of_grant(end.id, recorded)?;
        Ok(true)
    }

    fn seen(&mut self, uses: &[Use]) -> Result<Outcome> {
        for one in uses {
            match one.of {
                Used::Grant(id) => {
                    let params = [one.at.into(), one.generation.into(), id.into()];
                    self.connection.execute(uses::SEEN, &params)?
                }
                Used::Secret(id) => self
                    .connection
                    .execute(secrets::SECRET_SEEN, &[one.at.into(), id.into()])?,
            };
        }
        Ok(Outcome::Noted)
    }

    /// Runs a write under a savepoint, so that its conflict does not affect other works.
    fn write(&mut self, write: &Write) -> Result<Applied> {
        let (feed, told) = (self.numbered, self.changes.len());
        self.connection.execute("SAVEPOINT own", &[])?;
        let applied = self.parts(write);
        if matches!(&applied, Err(error) if is_own(error)) {
            self.connection.execute("ROLLBACK TO own", &[])?;
            self.numbered = feed;
            self.changes.truncate(told);
        }
        self.connection.execute("RELEASE own", &[])?;
        applied
    }

    fn parts(&mut self, write: &Write) -> Result<Applied> {
        if !write.after_ends {
            self.statements(write)?;
        }
        let found = match &write.ends {
            Some(ends) => self.end_some(ends)?,
            None => vec![],
        };
        let rest = write.rest(&found);
        if write.after_ends {
            if let Some(rest) = rest {
                return Ok(Applied::Partly(rest));
            }
            self.statements(write)?;
        }
        self.record(write.to_record(found.len()))?;
        Ok(rest.map_or_else(|| write.whole(&found), Applied::Partly))
    }

    fn statements(&mut self, write: &Write) -> Result<()> {
        for Statement { sql, params, expect } in &write.statements {
            let changed = self.connection.execute(sql, params)?;
            if expect.is_some_and(|expected| expected != changed) {
                return Err(StoreError::Conflict);
            }
        }
        for change in &write.announce {
            self.announce(change)?;
        }
        Ok(())
    }

    fn end_some(&mut self, ends: &Ends) -> Result<Vec<GrantId>> {
        let mut params = ends.params.clone();
        params.extend([
            ends.after.map_or_else(|| Value::Bytes(vec![]), Value::from),
            ENDS.into(),
        ]);
        let found: Vec<GrantId> = all(self.connection.query(ends.select, &params)?, Row::take)?;
        for &id in &found {
            let end = End {
                id,
                reason: ends.reason,
                now: ends.now,
                generation: None,
            };
            self.end(&end, &None)?;
        }
        Ok(found)
    }

    fn announce(&mut self, change: &NewChange) -> Result<()> {
        let change = self.numbered.entry(change, self.bounds);
        self.connection.execute(feed::INSERT, &feed::insert_params(&change))?;
        self.changes.push(change);
        Ok(())
    }

    fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        first(self.connection.query(grants::GRANT, &[id.into()])?, grants::grant_of)
    }
}
