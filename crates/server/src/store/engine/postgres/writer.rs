//! PostgreSQL's half of the writer: one connection, one batch in flight (`queue.rs` has the thread, on which all this runs).

use super::batch::{ATTEMPTS, PostgresBatch};
use super::connection::{Answer, Param, PostgresConnection, Undone};
use super::{Way, groups, sweep};
use crate::store::engine::writer::bounds::Bounds;
use crate::store::engine::writer::queue::{BatchWriter, Committed};
use crate::store::engine::writer::work::{Applied, Locks, Work, Write};
use crate::store::error::unavailable;
use crate::store::feed::numbering::Numbering;
use crate::store::model::{Change, GrantId, Mark};
use crate::store::rows::all;
use crate::store::{Result, StoreError, feed};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::Type;

/// From how many works on a batch shows that others wait: then not every commit is followed by a sweep.
const BUSY: usize = 8;
/// How many such commits are not.
const UNSWEPT: usize = 8;

/// The connection that writes, and the runtime that drives it while a batch is on its way.
pub(crate) struct PostgresWriter {
    runtime: Runtime,
    own: Own,
}

struct Own {
    way: Way,
    connection: Option<PostgresConnection>,
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

impl PostgresWriter {
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

impl BatchWriter for PostgresWriter {
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
        let rows = connection.rows(feed::UNTOLD_ON_POSTGRES, &params).await;
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
        let locked = groups::locked(&connection, &ids).await;
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
            let batch = PostgresBatch::new(&connection, works, &self.bounds, (self.numbering, locks));
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
    async fn connected(&mut self) -> Result<PostgresConnection> {
        if let Some(connection) = self.connection.take() {
            // What drives it runs only now: it is woken by what has come since the last batch, then hears it, then ends.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if !connection.is_broken() {
                return Ok(connection);
            }
        }
        PostgresConnection::open(&self.way.address, self.way.prepared).await
    }

    /// What is due, in a commit of its own; mostly that is one look. Where many wait, some commits are followed by none, and the
    /// next one treats more.
    async fn sweep(&mut self, connection: &PostgresConnection, works: &[&Work]) -> Option<Write> {
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

/// A little, and not the same for everybody: who collided once would again.
async fn wait(attempt: u32) {
    let mut byte = [0];
    #[expect(clippy::disallowed_methods, reason = "no decision hangs on it")]
    let _ = getrandom::fill(&mut byte);
    tokio::time::sleep(Duration::from_micros(u64::from(byte[0]) * 40 * u64::from(attempt))).await;
}
