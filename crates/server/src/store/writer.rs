//! SQLite's half of the writer: the connection that writes, and one transaction for each batch (`queue.rs` has the thread).

use super::apply::{Batch, Bounds, Feed};
use super::batch::Work;
use super::changes;
use super::connection::{Connection, unavailable};
use super::model::Change;
use super::queue::{Committed, Engine};
use super::{Result, StoreError};
use crate::time::Instant;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long feed entries stay before the server has said how long access tokens live: longer than any.
const UNTOLD: Duration = Duration::from_secs(400 * 24 * 3600);

/// Which file a path leads to: its device and its number there.
type FileId = (u64, u64);

/// By what time what is due is treated.
pub(super) type SweepClock = Box<dyn Fn() -> Instant + Send + Sync>;

/// The longest life of an access token, which the writer is told while it runs.
#[derive(Clone)]
pub(super) struct LongestAccess(Arc<AtomicI64>);

impl LongestAccess {
    pub(super) fn set(&self, longest: Duration) {
        let millis = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        self.0.store(millis, Ordering::SeqCst);
    }

    fn get(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst).max(0).unsigned_abs())
    }
}

impl Default for LongestAccess {
    fn default() -> Self {
        let untold = Self(Arc::default());
        untold.set(UNTOLD);
        untold
    }
}

/// The connection that writes.
pub(super) struct Writer {
    path: PathBuf,
    /// Which file the database was at the start.
    file: FileId,
    /// `None` after an error that only opening it again mends.
    connection: Option<Connection>,
    feed: Feed,
    longest_access: LongestAccess,
    sweep_clock: Arc<OnceLock<SweepClock>>,
}

impl Writer {
    pub(super) fn open(
        path: &Path,
        longest_access: LongestAccess,
        sweep_clock: Arc<OnceLock<SweepClock>>,
    ) -> Result<Self> {
        let mut node = [0; 16];
        #[expect(
            clippy::disallowed_methods,
            reason = "no decision and no secret hangs on it: a name no other run has"
        )]
        getrandom::fill(&mut node).map_err(unavailable)?;
        Ok(Self {
            connection: Some(Connection::writer(path)?),
            path: path.to_owned(),
            file: file_at(path)?,
            feed: Feed::new(node),
            longest_access,
            sweep_clock,
        })
    }
}

impl Engine for Writer {
    /// A panic in here loses the connection, and with it all that was not committed.
    fn commit(&mut self, works: &[&Work]) -> Result<Committed> {
        // SQLite would go on in a file that was moved or deleted, and the next start would know of nothing.
        if file_at(&self.path)? != self.file {
            return Err(StoreError::Unavailable(
                "another file is in the database's place".to_owned(),
            ));
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::writer(&self.path)?,
        };
        let bounds = Bounds {
            longest_access: self.longest_access.get(),
            sweep: self.sweep_clock.get().map(|clock| clock()),
        };
        let applied = Batch::new(&connection, &mut self.feed, bounds).apply(works);
        if !connection.is_broken() {
            self.connection = Some(connection);
        }
        applied
    }

    fn feed(&mut self) -> Result<Vec<Change>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::writer(&self.path)?,
        };
        changes::entries(self.connection.insert(connection))
    }
}

fn file_at(path: &Path) -> Result<FileId> {
    let found = std::fs::metadata(path).map_err(unavailable)?;
    Ok((found.dev(), found.ino()))
}
