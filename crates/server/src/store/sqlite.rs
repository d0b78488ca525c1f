//! SQLite: point reads inline on connections that cannot write, lists on threads and connections of their own, and all
//! writing through one thread (`queue.rs`, `writer.rs`).

use super::batch::{Outcome, Use, Used, Work};
use super::connection::{Connection, unavailable};
use super::model::{GrantId, SecretId};
use super::queue::{self, Listener, Queue, Shared};
use super::seen::{self, Seen};
use super::value::{Row, Value};
use super::writer::{LongestAccess, SweepClock, Writer};
use super::{Result, StoreError, schema};
use crate::time::Instant;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Before this version SQLite could lose commits of a WAL that was being reset.
const OLDEST: i32 = 3_051_003;
/// How many lists are read at a time.
const SCANS: usize = 4;

/// An SQLite database, open.
pub(super) struct Sqlite {
    path: PathBuf,
    points: Pool,
    scans: Arc<Pool>,
    scanning: Arc<tokio::sync::Semaphore>,
    shared: Arc<Shared>,
    longest_access: LongestAccess,
    sweep_clock: Arc<OnceLock<SweepClock>>,
    queue: Queue,
}

impl Sqlite {
    pub(super) fn open(path: &Path, readers: usize) -> Result<Self> {
        if rusqlite::version_number() < OLDEST {
            let text = format!(
                "SQLite {} can lose commits; 3.51.3 is the oldest to use",
                rusqlite::version()
            );
            return Err(StoreError::Unfit(text));
        }
        let (shared, longest_access) = (Arc::<Shared>::default(), LongestAccess::default());
        let sweep_clock = Arc::<OnceLock<SweepClock>>::default();
        let writer = Writer::open(path, longest_access.clone(), Arc::clone(&sweep_clock))?;
        Ok(Self {
            path: path.to_owned(),
            points: Pool::new(path, readers),
            scans: Arc::new(Pool::new(path, SCANS)),
            scanning: Arc::new(tokio::sync::Semaphore::new(SCANS)),
            queue: queue::start(writer, Arc::clone(&shared))?,
            shared,
            longest_access,
            sweep_clock,
        })
    }

    pub(super) fn migrate(&self) -> Result<()> {
        schema::migrate(&mut Connection::writer(&self.path)?)
    }

    pub(super) fn pending_migrations(&self) -> Result<Vec<String>> {
        schema::pending(&mut Connection::writer(&self.path)?)
    }

    pub(super) fn on_change(&self, listener: Listener) {
        // A second listener would be a defect of the start, and the first one is the revoked set.
        let _ = self.shared.listener.set(listener);
    }

    pub(super) fn sweep_by(&self, clock: SweepClock) {
        let _ = self.sweep_clock.set(clock);
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.shared.seen
    }

    pub(super) fn touch(&self, id: GrantId, generation: u32, at: Instant) {
        let of = Used::Grant(id);
        self.note(Use { of, generation, at });
    }

    pub(super) fn touch_secret(&self, id: SecretId, at: Instant) {
        let of = Used::Secret(id);
        self.note(Use { of, generation: 0, at });
    }

    fn note(&self, one: Use) {
        if self.shared.seen.note(one) {
            self.queue.send(Work::Seen(vec![]));
        }
    }

    /// Works of this kind keep their order, so even where nothing is due, what the writer had taken is committed by then.
    pub(super) async fn flush(&self) -> Result<()> {
        for _ in 0..=seen::LIMIT / queue::USES {
            self.change(Work::Seen(vec![])).await?;
            if !self.shared.seen.is_due() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn is_failing(&self) -> bool {
        self.shared.pressure.is_failing()
    }

    pub(super) fn use_longest_access(&self, longest: Duration) {
        self.longest_access.set(longest);
    }

    pub(super) fn read(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        self.points.query(sql, params)
    }

    pub(super) async fn scan(&self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        let permit = Arc::clone(&self.scanning).acquire_owned().await.map_err(unavailable)?;
        let pool = Arc::clone(&self.scans);
        let query = move || {
            let _permit = permit;
            pool.query(sql, &params)
        };
        tokio::task::spawn_blocking(query).await.map_err(unavailable)?
    }

    pub(super) async fn change(&self, work: Work) -> Result<Outcome> {
        self.queue.change(work).await
    }
}

/// Connections that only read, lent one query at a time.
struct Pool {
    path: PathBuf,
    keep: usize,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    fn new(path: &Path, keep: usize) -> Self {
        let (path, idle) = (path.to_owned(), Mutex::default());
        Self { path, keep, idle }
    }

    /// Never waits for a connection: where none is idle, one more is opened, and closed again if too many are.
    fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        let idle = self.idle().pop();
        let connection = idle.map_or_else(|| Connection::reader(&self.path), Ok)?;
        let rows = connection.query(sql, params);
        if !connection.is_broken() {
            let mut idle = self.idle();
            if idle.len() < self.keep {
                idle.push(connection);
            }
        }
        rows
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
