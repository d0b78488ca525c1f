//! Commits batches to PostgreSQL: one connection, one batch in flight. All of this runs on the thread of `queue.rs`.

use super::batch::{ATTEMPTS, PostgresBatch};
use super::connection::{Param, PostgresConnection, QueryResult, Undone};
use super::{Connector, groups, sweep};
use crate::store::engine::writer::bounds::BatchBounds;
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

/// A batch of this many works shows that others wait: then not every commit is followed by a sweep.
const BUSY: usize = 8;
/// How many such commits may pass without a sweep.
const UNSWEPT: usize = 8;

/// The connection that writes, and the runtime that drives it during a commit.
pub(crate) struct PostgresWriter {
    runtime: Runtime,
    state: State,
}

struct State {
    connector: Connector,
    connection: Option<PostgresConnection>,
    numbering: Numbering,
    bounds: Arc<BatchBounds>,
    /// Commits since the last sweep, and the grants that they inserted.
    unswept: usize,
    inserted: usize,
    /// The runs whose commits failed, with the last number before each; and the number before the last commit.
    abandoned: Vec<Mark>,
    begun: Mark,
    /// Whether a commit has begun and not ended: a panic leaves this set.
    committing: bool,
}

impl PostgresWriter {
    pub(super) fn new(connector: Connector, bounds: Arc<BatchBounds>) -> Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(unavailable)?;
        let numbering = Numbering::begin()?;
        let state = State {
            connector,
            connection: None,
            begun: numbering.mark(),
            numbering,
            bounds,
            unswept: 0,
            inserted: 0,
            abandoned: Vec::new(),
            committing: false,
        };
        Ok(Self { runtime, state })
    }
}

impl BatchWriter for PostgresWriter {
    /// A panic in here drops the connection, and with it all that was not committed.
    fn commit(&mut self, works: &[&Work], locks: Locks) -> Result<Committed> {
        self.runtime.block_on(self.state.commit(works, locks))
    }

    /// The entries that failed commits may have made, and those of the last commit. The listener got all others, also
    /// from the reader of the feed.
    fn untold(&mut self) -> Result<Vec<Change>> {
        self.runtime.block_on(self.state.untold())
    }
}

impl State {
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

    /// Begins a new run: it may be unknown whether the last commit was made.
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

    /// Makes one commit of all works, or of those that met no lock.
    async fn attempts(&mut self, works: &[&Work], mut locks: Locks) -> QueryResult<Committed> {
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

    /// Marks works that met a lock: those whose grants are locked, otherwise all that insert grants, otherwise all.
    async fn put_aside(&mut self, works: &[&Work], aside: &mut [bool]) -> QueryResult<()> {
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

    /// Makes one commit, and tries again if the database rolled it back because of another transaction.
    async fn attempt(&mut self, works: &[&Work], locks: Locks) -> QueryResult<Committed> {
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
                // Nothing runs on this runtime between batches; without this the connection would be closed only in
                // the next commit.
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

    /// Takes the connection, so that a panic drops it. Opens another if PostgreSQL has closed it meanwhile.
    async fn connected(&mut self) -> Result<PostgresConnection> {
        if let Some(connection) = self.connection.take() {
            // The driver of the connection runs only here: it wakes up for what arrived since the last batch, reads
            // it, and ends.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            if !connection.is_broken() {
                return Ok(connection);
            }
        }
        self.connector.connect().await
    }

    /// Treats expired rows in a commit of its own; mostly this is one look. Under load some commits are followed by
    /// none, and the next sweep treats more.
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
                tracing::warn!(error = %failed.error, "the expiry sweep failed; the next commit tries it again");
                if connection.batch("ROLLBACK").await.is_err() {
                    connection.give_up();
                }
                None
            }
        }
    }
}

/// Waits a little, by chance: two that collided would collide again.
async fn wait(attempt: u32) {
    let mut byte = [0];
    #[expect(clippy::disallowed_methods, reason = "no decision hangs on it")]
    let _ = getrandom::fill(&mut byte);
    tokio::time::sleep(Duration::from_micros(u64::from(byte[0]) * 40 * u64::from(attempt))).await;
}
