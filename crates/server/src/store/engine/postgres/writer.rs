//! PostgreSQL's half of the writer: one connection, one batch in flight (`queue.rs` has the thread, on which all this runs).
//!
//! What many ask for is one statement for each kind (`hot.rs`); one kind alone commits by itself, several go out together in
//! one transaction without a wait between them. Anything else runs step by step in the same transaction.

use super::connection::{Answer, Connection, Failed, Param, Undone};
use super::hot::{self, Done, Group};
use super::points::read_grants;
use super::{Way, acknowledged, sweep};
use crate::store::engine::sqlite::batch::{is_own, own};
use crate::store::engine::sqlite::connection::unavailable;
use crate::store::engine::writer::bounds::Bounds;
use crate::store::engine::writer::queue::{Committed, Engine};
use crate::store::engine::writer::work::{Applied, ENDS, End, Ends, Locks, Outcome, Rotation, Use, Used, Work, Write};
use crate::store::feed::numbering::Numbering;
use crate::store::model::{AuditEvent, Change, GrantId, Mark};
use crate::store::value::{Row, Statement, Value};
use crate::store::{Result, StoreError, all};
use crate::store::{audit, feed};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::Type;

/// How often a batch is done again that the database undid for another's sake.
const ATTEMPTS: u32 = 8;
/// From how many works on a batch shows that others wait: then not every commit is followed by a sweep.
const BUSY: usize = 8;
/// How many such commits are not.
const UNSWEPT: usize = 8;

/// The connection that writes, and the runtime that drives it while a batch is on its way.
pub(in crate::store) struct Writer {
    runtime: Runtime,
    own: Own,
}

struct Own {
    way: Way,
    connection: Option<Connection>,
    numbering: Numbering,
    bounds: Arc<Bounds>,
    /// How many commits there were since the last sweep, and how many grants they inserted.
    unswept: usize,
    inserted: usize,
    /// The runs that commits failed under, and how far each had come; where the last commit began.
    abandoned: Vec<Mark>,
    begun: Mark,
    /// Whether a commit has begun and not come to an end, which a panic would leave behind.
    committing: bool,
}

/// One transaction, or the one statement that is one.
struct Batch<'a> {
    connection: &'a Connection,
    works: &'a [&'a Work],
    bounds: &'a Bounds,
    locks: Locks,
    /// The numbering with this batch in it: the run's own moves on with the commit.
    numbering: Numbering,
    answers: Vec<Option<Result<Applied>>>,
    changes: Vec<Change>,
    /// Uses that were not written down.
    locked: Vec<Use>,
}

impl Writer {
    pub(super) fn new(way: Way, bounds: Arc<Bounds>) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(unavailable)?;
        let numbering = Numbering::begin()?;
        let own = Own {
            way,
            connection: None,
            begun: numbering.mark(),
            numbering,
            bounds,
            unswept: 0,
            inserted: 0,
            abandoned: Vec::new(),
            committing: false,
        };
        Ok(Self { runtime, own })
    }
}

impl Engine for Writer {
    /// A panic in here loses the connection, and with it all that was not committed.
    fn commit(&mut self, works: &[&Work], locks: Locks) -> Result<Committed> {
        self.runtime.block_on(self.own.commit(works, locks))
    }

    /// What failed commits may have made, and the last one that did not fail. All else was told, by the reader of the feed too.
    fn untold(&mut self) -> Result<Vec<Change>> {
        self.runtime.block_on(self.own.untold())
    }
}

impl Own {
    async fn commit(&mut self, works: &[&Work], locks: Locks) -> Result<Committed> {
        if std::mem::replace(&mut self.committing, true) {
            self.abandon();
        }
        self.begun = self.numbering.mark();
        if let Some(now) = works.iter().filter_map(|work| work.now()).max() {
            self.numbering.note(now);
        }
        let committed = self.attempts(works, locks).await.map_err(StoreError::from);
        if committed.is_err() {
            self.abandon();
        }
        self.committing = false;
        committed
    }

    /// Goes on under another name: it may be that nobody knows whether a commit was made.
    fn abandon(&mut self) {
        self.abandoned.push(self.numbering.mark());
        self.numbering.rename();
    }

    async fn untold(&mut self) -> Result<Vec<Change>> {
        let connection = self.connected().await?;
        let marks = self.abandoned.iter().chain([&self.begun]);
        let (runs, numbers): (Vec<&[u8]>, Vec<i64>) = marks.map(|mark| (&mark.node[..], mark.number)).unzip();
        let params: [Param<'_>; 2] = [(&runs, Type::BYTEA_ARRAY), (&numbers, Type::INT8_ARRAY)];
        let rows = connection.rows(UNTOLD, &params).await;
        self.connection = Some(connection);
        let changes = all(rows?.0, feed::change_of)?;
        self.abandoned.clear();
        Ok(changes)
    }

    /// One commit of all of these, or of those for which nothing is locked.
    async fn attempts(&mut self, works: &[&Work], mut locks: Locks) -> Answer<Committed> {
        let mut aside = vec![false; works.len()];
        loop {
            let chosen = works.iter().zip(&aside).filter(|(_, aside)| !**aside);
            let chosen: Vec<&Work> = chosen.map(|(work, _)| *work).collect();
            match self.attempt(&chosen, locks).await {
                Err(failed) if failed.undone == Some(Undone::Locked) => {
                    locks = Locks::NotAwaited;
                    self.put_aside(works, &mut aside).await?;
                }
                Err(failed) => return Err(failed),
                Ok(mut committed) => {
                    let mut answers = std::mem::take(&mut committed.answers).into_iter();
                    let answer = |aside: &bool| match aside {
                        true => Ok(Applied::Locked),
                        false => answers.next().unwrap_or(Err(StoreError::Conflict)),
                    };
                    committed.answers = aside.iter().map(answer).collect();
                    return Ok(committed);
                }
            }
        }
    }

    /// Finds works for which something is locked: those whose grants are, else all that insert grants, else all.
    async fn put_aside(&mut self, works: &[&Work], aside: &mut [bool]) -> Answer<()> {
        let connection = self.connected().await?;
        let ids: Vec<GrantId> = works.iter().filter_map(|work| work.grant()).collect();
        let locked = hot::locked(&connection, &ids).await;
        self.connection = Some(connection);
        let locked = locked?;
        let rules: [&dyn Fn(&Work) -> bool; 3] = [
            &|work| work.grant().is_some_and(|id| locked.contains(&id)),
            &|work| matches!(work, Work::Insert(..)),
            &|_| true,
        ];
        for rule in rules {
            let mut found = false;
            for (work, aside) in works.iter().zip(aside.iter_mut()) {
                if !*aside && rule(work) {
                    (*aside, found) = (true, true);
                }
            }
            if found {
                break;
            }
        }
        Ok(())
    }

    /// One commit of these, done again where the database undid it for another's sake.
    async fn attempt(&mut self, works: &[&Work], locks: Locks) -> Answer<Committed> {
        let mut attempt = 1;
        loop {
            let connection = self.connected().await?;
            let batch = Batch::new(&connection, works, &self.bounds, (self.numbering, locks));
            let committed = batch.commit().await;
            let mut left = None;
            if let Ok((_, numbering)) = &committed {
                self.numbering = *numbering;
                if locks == Locks::Awaited {
                    left = self.sweep(&connection, works).await;
                }
            }
            if connection.is_broken() {
                drop(connection);
                // Nothing runs here between batches; it is closed before the next one.
                tokio::task::yield_now().await;
            } else {
                self.connection = Some(connection);
            }
            match committed {
                Ok((committed, _)) => return Ok(Committed { left, ..committed }),
                Err(failed) if failed.undone == Some(Undone::Collided) && attempt < ATTEMPTS => wait(attempt).await,
                Err(failed) => return Err(failed),
            }
            attempt += 1;
        }
    }

    /// The connection, taken out: after a panic there is none. One that PostgreSQL has closed meanwhile is made anew.
    async fn connected(&mut self) -> Result<Connection> {
        if let Some(connection) = self.connection.take() {
            // What drives it runs only now: it is woken by what has come since the last batch, then hears it, then ends.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if !connection.is_broken() {
                return Ok(connection);
            }
        }
        Connection::open(&self.way.address, self.way.prepared).await
    }

    /// What is due, in a commit of its own; mostly that is one look. Where many wait, some commits are followed by none, and the
    /// next one treats more.
    async fn sweep(&mut self, connection: &Connection, works: &[&Work]) -> Option<Write> {
        self.inserted += works.iter().map(|work| work.adds()).sum::<usize>();
        self.unswept += 1;
        let now = works.iter().filter_map(|work| work.now()).max()?;
        if works.len() >= BUSY && self.unswept < UNSWEPT {
            return None;
        }
        let until = self.bounds.swept_until(now);
        let over = self.bounds.audit_over(until);
        let swept = sweep::sweep(connection, until, over, sweep::limit(self.unswept, self.inserted)).await;
        (self.unswept, self.inserted) = (0, 0);
        match swept {
            Ok(left) => left,
            Err(failed) => {
                tracing::warn!(error = %failed.error, "what is due could not be treated; the next commit will");
                if connection.batch("ROLLBACK").await.is_err() {
                    connection.give_up();
                }
                None
            }
        }
    }
}

impl<'a> Batch<'a> {
    fn new(
        connection: &'a Connection,
        works: &'a [&'a Work],
        bounds: &'a Bounds,
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

    /// Does all of this or nothing; each work's answer, and what the feed got. A work that is refused for itself leaves the
    /// others alone.
    async fn commit(mut self) -> Answer<(Committed, Numbering)> {
        let warnings = self.connection.warnings();
        let groups = hot::groups(self.works, &mut self.numbering, self.bounds);
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

    /// Several statements in one transaction; where one fails, nothing of it was done.
    async fn transaction(&mut self, groups: &[Group], cold: bool) -> Answer<Vec<Done>> {
        let outcome = match cold {
            true => self.step_by_step(groups).await,
            false => together(self.connection, groups, self.locks).await,
        };
        // Where its end was sent along, there is none to undo any more.
        if outcome.is_err() && cold && !self.connection.is_broken() && self.connection.batch("ROLLBACK").await.is_err()
        {
            self.connection.give_up();
        }
        outcome
    }

    async fn step_by_step(&mut self, groups: &[Group]) -> Answer<Vec<Done>> {
        self.connection.batch(&begin(self.locks)).await?;
        let mut done = Vec::new();
        if let Some(ids) = hot::lock(groups) {
            self.connection.rows(hot::LOCK, &[(&ids, Type::BYTEA_ARRAY)]).await?;
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
                Err(Failed { error, undone }) => (undone, Err(error)),
                Ok(applied) => (None, Ok(applied)),
            };
            let answer = own(applied).map_err(|error| Failed { error, undone })?;
            if let Some(place) = self.answers.get_mut(place) {
                *place = Some(answer);
            }
        }
        self.connection.batch("COMMIT").await?;
        Ok(done)
    }

    /// Under a savepoint, so that one write's conflict is not another's.
    async fn write(&mut self, write: &Write) -> Answer<Applied> {
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
                let at_once = format!("SET LOCAL lock_timeout = '{}'", hot::lock_timeout(self.locks));
                self.connection.batch(&at_once).await?;
                return Ok(Applied::Locked);
            }
            // Two servers gave out the same number at the same moment; the next one is free.
            if failed.error != StoreError::Taken(NUMBER.to_owned()) {
                return Err(failed);
            }
        }
        Err(StoreError::Taken(NUMBER.to_owned()).into())
    }

    async fn parts(&mut self, write: &Write) -> Answer<Applied> {
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

    async fn statements(&mut self, write: &Write) -> Answer<()> {
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

    async fn record(&self, event: Option<&AuditEvent>) -> Answer<()> {
        if let Some(event) = event {
            let params = audit::insert_params(event);
            self.connection.execute(audit::INSERT, &params).await?;
        }
        Ok(())
    }

    async fn end_some(&mut self, ends: &Ends) -> Answer<Vec<GrantId>> {
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
        if let Some(group) = hot::ends(&each, &mut self.numbering, self.bounds) {
            let done = group.run(self.connection, self.locks).await?;
            self.changes.extend(done.into_iter().filter_map(|done| done.entry));
        }
        Ok(found)
    }

    /// What came of a work that a statement for many did.
    fn note(&mut self, done: Done) {
        let Some(work) = self.works.get(done.place) else { return };
        if let (Work::Seen(uses), Some(id)) = (work, done.locked) {
            self.locked.extend(uses.iter().filter(|one| one.of == Used::Grant(id)));
        }
        let outcome = match work {
            Work::Redeem(..) => Outcome::Redeemed(done.made.then_some(done.crowded)),
            Work::Rotate(rotate) if done.made => Outcome::Rotated(Rotation::Made { by: *rotate, own: true }),
            Work::End(..) => Outcome::Ended(done.made),
            // What another left has to be read.
            _ => return,
        };
        self.changes.extend(done.entry);
        if let Some(place) = self.answers.get_mut(done.place) {
            *place = Some(Ok(Applied::Whole(outcome)));
        }
    }

    /// Reads, after the commit, the grants of those who are to know how theirs stands: inserted ones, and those that another
    /// changed first. Then answers all that have none yet.
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
            if matches!(work, Work::Seen(_)) && !self.locked.is_empty() {
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

/// The answer to a work that no statement's row answers: `grant` says how one stands.
fn unanswered(
    work: &Work,
    grant: impl Fn(GrantId) -> Result<Option<crate::store::model::Grant>>,
) -> Option<Result<Outcome>> {
    match work {
        Work::Insert(new, _) => Some(grant(new.id).map(|found| Outcome::Grant(found.map(Box::new)))),
        Work::Rotate(rotate) => Some(grant(rotate.id).and_then(|found| {
            let found = found.ok_or(StoreError::Conflict)?;
            Ok(Outcome::Rotated(Rotation::Found(Box::new(found))))
        })),
        Work::Redeem(..) => Some(Ok(Outcome::Redeemed(None))),
        Work::End(..) => Some(Ok(Outcome::Ended(false))),
        Work::Seen(_) => Some(Ok(Outcome::Noted)),
        _ => None,
    }
}

/// All of these as one transaction, sent without a wait. Where one fails PostgreSQL undoes the others, and its end with it.
async fn together(connection: &Connection, groups: &[Group], locks: Locks) -> Answer<Vec<Done>> {
    let begin = begin(locks);
    let lock = hot::lock(groups);
    if lock.is_some() {
        connection.prepare(hot::LOCK).await?;
    }
    for group in groups {
        connection.prepare(group.sql()).await?;
    }
    let lock = async {
        match &lock {
            Some(ids) => connection.rows(hot::LOCK, &[(ids, Type::BYTEA_ARRAY)]).await.map(drop),
            None => Ok(()),
        }
    };
    let done = join_all(groups.iter().map(|group| group.run(connection, locks)));
    // Polled in this order, and so sent in it.
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

/// Whatever the database's default is: with more isolation others' changes would be errors. What a server has locked that is
/// suspended or cut off in the middle is free again soon: PostgreSQL itself would notice hours later.
pub(super) fn begin(locks: Locks) -> String {
    format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL lock_timeout = '{}'",
        hot::lock_timeout(locks)
    )
}

const UNTOLD: &str = "SELECT c.node, c.number, c.happened, c.expires, c.kind, c.subject, c.value \
     FROM unnest($1::bytea[], $2::bigint[]) AS run (node, number) \
     JOIN changes AS c ON c.node = run.node AND c.number > run.number ORDER BY c.node, c.number";

/// What keeps two people from the same number.
const NUMBER: &str = "users_number_key";

fn is_cold(work: &Work) -> bool {
    match work {
        Work::Write(_) => true,
        #[cfg(test)]
        Work::Panic | Work::Pragma(_) => true,
        _ => false,
    }
}

/// A little, and not the same for everybody: who collided once would again.
async fn wait(attempt: u32) {
    let mut byte = [0];
    #[expect(clippy::disallowed_methods, reason = "no decision hangs on it")]
    let _ = getrandom::fill(&mut byte);
    tokio::time::sleep(Duration::from_micros(u64::from(byte[0]) * 40 * u64::from(attempt))).await;
}
