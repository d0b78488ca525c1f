//! A vault in one SQLite file, for keepers on one machine.
//!
//! One thread owns the connection that writes, and commits what waits in one transaction with one `fsync`. Another thread
//! reads, so a live token is given also while a backup locks the file. Leases follow the clock of the machine, which all
//! processes that share a file have in common.

mod commits;
mod statements;

use super::{
    Change, Connection, LeaseRequest, Owner, Put, Row, SignIn, StoredEvent, Taken, Vault, VaultError, VaultFuture,
};
use commits::{Thread, failed};
use rusqlite::OpenFlags;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// Before this version, SQLite could lose committed changes of a WAL (sqlite.org, 3.51.3).
const OLDEST: i32 = 3_051_003;
/// How long a change waits for another process that writes.
const PATIENCE: Duration = Duration::from_secs(2);

/// Connections in an SQLite file.
pub struct SqliteVault {
    writer: Thread,
    reader: Thread,
}

impl SqliteVault {
    /// Opens the file, or creates it for its owner alone. No other account should be able to write in its folder: SQLite reads the
    /// newest commits from a file beside the database, and does not ask who made that file.
    ///
    /// # Errors
    /// If the file cannot be used, has several names, or a newer version made it.
    pub fn open(path: &Path) -> Result<Self, VaultError> {
        if rusqlite::version_number() < OLDEST {
            let version = rusqlite::version();
            return Err(VaultError::Failed(format!("SQLite {version} can lose data")));
        }
        create(path)?;
        Self::check_names(path)?;
        let writing = connect(path)?;
        // Who only reads needs no lock, which another program may hold.
        if !statements::is_current(&writing).map_err(|error| failed(&error))? {
            commits::retried(&writing, PATIENCE, statements::create)?;
        }
        let reading = connect(path)?;
        reading
            .pragma_update(None, "query_only", true)
            .map_err(|error| failed(&error))?;
        Ok(Self {
            writer: Thread::start("keeper-writes", writing, true)?,
            reader: Thread::start("keeper-reads", reading, false)?,
        })
    }

    /// Refuses a file with several names (hard links), as [`open`](Self::open) does. SQLite keeps the newest commits in a file
    /// that is named after the name it opened. Under another name it does not find them, and overwrites them.
    ///
    /// # Errors
    /// [`VaultError::Failed`] if the file has several names.
    #[cfg_attr(not(unix), expect(unused_variables, reason = "names are counted on Unix alone"))]
    pub fn check_names(path: &Path) -> Result<(), VaultError> {
        #[cfg(unix)]
        if std::fs::metadata(path).is_ok_and(|found| std::os::unix::fs::MetadataExt::nlink(&found) > 1) {
            return Err(VaultError::Failed(format!(
                "{} has several names (hard links), and SQLite does not find the commits that were made under another name: keep the \
                 name with a file beside it that ends in \"-wal\", or any name if there is none, and remove the others",
                path.display()
            )));
        }
        Ok(())
    }
}

/// SQLite itself would create a file that others may read.
fn create(path: &Path) -> Result<(), VaultError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(VaultError::Unreachable(format!("{}: {error}", path.display()))),
    }
}

fn connect(path: &Path) -> Result<rusqlite::Connection, VaultError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = rusqlite::Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", -8192)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| failed(&error))
}

impl Vault for SqliteVault {
    fn read<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, Option<Row>> {
        let connection = connection.clone();
        self.reader.run(move |database| statements::read(database, &connection))
    }

    fn put(&self, put: Put) -> VaultFuture<'_, bool> {
        self.writer.run(move |database| statements::put(database, &put))
    }

    fn take<'a>(&'a self, connection: &'a Connection, lease: LeaseRequest) -> VaultFuture<'a, Taken> {
        let connection = connection.clone();
        self.writer
            .run(move |database| statements::take(database, &connection, lease))
    }

    fn claim<'a>(
        &'a self,
        provider: &'a str,
        due_by: i64,
        limit: usize,
        lease: LeaseRequest,
    ) -> VaultFuture<'a, Vec<Row>> {
        let name = provider.to_owned();
        Box::pin(async move {
            // Most often nothing is due, and a look costs no transaction.
            let reading = name.clone();
            let due = self
                .reader
                .run(move |database| statements::due(database, &reading, due_by, lease, 1));
            if due.await?.is_empty() {
                return Ok(Vec::new());
            }
            let claim = move |database: &rusqlite::Connection| {
                let due = statements::due(database, &name, due_by, lease, limit)?;
                let mut rows = Vec::with_capacity(due.len());
                for connection in due {
                    if let Taken::Leased(row) = statements::take(database, &connection, lease)? {
                        rows.push(row);
                    }
                }
                Ok(rows)
            };
            self.writer.run(claim).await
        })
    }

    fn write(&self, change: Change) -> VaultFuture<'_, bool> {
        self.writer.run(move |database| statements::write(database, &change))
    }

    fn remove<'a>(&'a self, connection: &'a Connection, fence: i64, owner: Owner) -> VaultFuture<'a, bool> {
        let connection = connection.clone();
        self.writer
            .run(move |database| statements::remove(database, &connection, fence, owner))
    }

    fn remove_unknown<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, bool> {
        let connection = connection.clone();
        self.writer
            .run(move |database| statements::remove_unknown(database, &connection))
    }

    fn count_unknown(&self) -> VaultFuture<'_, usize> {
        self.reader.run(statements::count_unknown)
    }

    fn list<'a>(
        &'a self,
        providers: Option<&'a BTreeSet<String>>,
        after: Option<&'a Connection>,
        limit: usize,
    ) -> VaultFuture<'a, Vec<Row>> {
        let (providers, after) = (providers.cloned(), after.cloned());
        self.reader.run(move |database| match &providers {
            None => statements::list(database, after.as_ref(), limit),
            Some(providers) => statements::list_of(database, providers, after.as_ref(), limit),
        })
    }

    fn begin(&self, sign_in: SignIn, now: i64) -> VaultFuture<'_, ()> {
        self.writer
            .run(move |database| statements::begin(database, &sign_in, now))
    }

    fn begun<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, Option<SignIn>> {
        let state = *state;
        self.reader.run(move |database| statements::begun(database, state))
    }

    fn spend<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, bool> {
        let state = *state;
        self.writer.run(move |database| statements::spend(database, state))
    }

    fn next_event(&self, span: Duration) -> VaultFuture<'_, Option<StoredEvent>> {
        Box::pin(async move {
            if !self.reader.run(statements::has_event).await? {
                return Ok(None);
            }
            self.writer
                .run(move |database| statements::next_event(database, span))
                .await
        })
    }

    fn event_failed<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        let id = *id;
        self.writer
            .run(move |database| statements::keep_event(database, id, span, 1))
    }

    fn event_kept<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        let id = *id;
        self.writer
            .run(move |database| statements::keep_event(database, id, span, 0))
    }

    fn event_done<'a>(&'a self, id: &'a [u8; 16]) -> VaultFuture<'a, ()> {
        let id = *id;
        self.writer.run(move |database| statements::event_done(database, id))
    }

    fn now(&self) -> VaultFuture<'_, Option<i64>> {
        self.reader.run(|database| statements::now(database).map(Some))
    }

    fn skews(&self) -> VaultFuture<'_, Vec<(String, i64)>> {
        self.reader.run(statements::skews)
    }

    fn set_skew<'a>(&'a self, provider: &'a str, skew: i64) -> VaultFuture<'a, ()> {
        let provider = provider.to_owned();
        self.writer
            .run(move |database| statements::set_skew(database, &provider, skew))
    }
}
