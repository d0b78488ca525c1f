//! A thread that owns a connection, and runs what waits in one transaction.

use super::super::{VaultError, VaultFuture};
use super::statements::UnknownState;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// The most work that may wait. Beyond it, callers hear that the vault is locked.
const WAITING: usize = 4096;
/// The most work in one transaction.
const BATCH: usize = 256;

/// Work that can be run again if its transaction was rolled back.
trait Work: Send {
    fn run(&mut self, database: &Connection) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, outcome: Result<(), VaultError>);
}

struct Task<T, F> {
    work: F,
    result: Option<T>,
    caller: oneshot::Sender<Result<T, VaultError>>,
}

impl<T: Send, F: FnMut(&Connection) -> rusqlite::Result<T> + Send> Work for Task<T, F> {
    fn run(&mut self, database: &Connection) -> rusqlite::Result<()> {
        self.result = Some((self.work)(database)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), VaultError>) {
        let Self { result, caller, .. } = *self;
        let answer = outcome.and_then(|()| result.ok_or_else(gone));
        // A caller that gave up has no use for it.
        drop(caller.send(answer));
    }
}

/// The thread. It ends when this is dropped.
pub(super) struct Thread(SyncSender<Box<dyn Work>>);

impl Thread {
    pub(super) fn start(name: &str, database: Connection, writes: bool) -> Result<Self, VaultError> {
        let (send, receive) = sync_channel(WAITING);
        let run = move || serve(database, &receive, writes);
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
        started.map_err(|error| VaultError::Failed(error.to_string()))?;
        Ok(Self(send))
    }

    /// Runs `work` and returns its result after the commit. `work` may run more than once; the last time counts.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> VaultFuture<'_, T> {
        let (caller, answer) = oneshot::channel();
        let task = Task {
            work,
            result: None,
            caller,
        };
        let sent = self.0.try_send(Box::new(task));
        Box::pin(async move {
            sent.map_err(|error| match error {
                TrySendError::Full(_) => VaultError::Locked("too much work waits for it".to_owned()),
                TrySendError::Disconnected(_) => gone(),
            })?;
            answer.await.unwrap_or_else(|_| Err(gone()))
        })
    }
}

fn gone() -> VaultError {
    VaultError::Failed("the thread of the vault has ended".to_owned())
}

fn serve(mut database: Connection, waiting: &Receiver<Box<dyn Work>>, writes: bool) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            match waiting.try_recv() {
                Ok(next) => batch.push(next),
                Err(_) => break,
            }
        }
        let behavior = match writes {
            true => TransactionBehavior::Immediate,
            false => TransactionBehavior::Deferred,
        };
        run_all(&mut database, behavior, batch);
    }
}

/// Runs a batch, and answers each caller.
fn run_all(database: &mut Connection, behavior: TransactionBehavior, mut batch: Vec<Box<dyn Work>>) {
    let outcome = commit(database, behavior, &mut batch);
    let mut is_free = !matches!(outcome, Err(Fault::Begin(_)));
    let mut outcome = outcome.map_err(|fault| fault.error());
    // One work failed, and the others need not fail with it. If the file is locked, they all do: each would wait for it anew.
    let one_by_one = outcome.is_err() && is_free && batch.len() > 1;
    for work in batch {
        let mut alone = [work];
        if one_by_one && is_free {
            let single = commit(database, behavior, &mut alone);
            is_free = !matches!(single, Err(Fault::Begin(_)));
            outcome = single.map_err(|fault| fault.error());
        }
        let [work] = alone;
        work.answer(outcome.clone());
    }
}

/// Why a transaction failed.
enum Fault {
    /// It could not begin: none of its work is the cause.
    Begin(rusqlite::Error),
    Work(rusqlite::Error),
}

impl Fault {
    fn error(&self) -> VaultError {
        match self {
            Self::Begin(error) | Self::Work(error) => failed(error),
        }
    }
}

fn commit(database: &mut Connection, behavior: TransactionBehavior, batch: &mut [Box<dyn Work>]) -> Result<(), Fault> {
    let transaction = database.transaction_with_behavior(behavior).map_err(Fault::Begin)?;
    for work in batch.iter_mut() {
        work.run(&transaction).map_err(Fault::Work)?;
    }
    transaction.commit().map_err(Fault::Work)
}

/// Runs `work` in a transaction, again while another process writes.
pub(super) fn retried<T>(
    database: &Connection,
    patience: Duration,
    work: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> Result<T, VaultError> {
    database.busy_timeout(patience).map_err(|error| failed(&error))?;
    let run = || {
        database.execute_batch("BEGIN IMMEDIATE")?;
        let done = work(database).and_then(|done| database.execute_batch("COMMIT").map(|()| done));
        if done.is_err() {
            // The transaction may be over already.
            drop(database.execute_batch("ROLLBACK"));
        }
        done
    };
    run().map_err(|error| failed(&error))
}

/// The error of the vault for one of SQLite.
pub(super) fn failed(error: &rusqlite::Error) -> VaultError {
    let text = error.to_string();
    if let rusqlite::Error::FromSqlConversionFailure(_, _, cause) = error {
        if let Some(state) = cause.downcast_ref::<UnknownState>() {
            return VaultError::UnknownState(state.to_string());
        }
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => VaultError::Full(text),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => VaultError::Locked(text),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => VaultError::ReadOnly(text),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => VaultError::Unreachable(text),
        _ => VaultError::Failed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static WAITS: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn a_batch_waits_for_a_locked_file_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.db");
        let holder = Connection::open(&path).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut database = Connection::open(&path).unwrap();
        let counted = |_| {
            WAITS.fetch_add(1, Ordering::SeqCst);
            false
        };
        database.busy_handler(Some(counted)).unwrap();
        let mut answers = Vec::new();
        let batch = (0..5).map(|_| {
            let (caller, answer) = oneshot::channel();
            answers.push(answer);
            let work = |_: &Connection| Ok(());
            Box::new(Task {
                work,
                result: None,
                caller,
            }) as Box<dyn Work>
        });
        let batch = batch.collect();
        run_all(&mut database, TransactionBehavior::Immediate, batch);
        for mut answer in answers {
            assert!(matches!(answer.try_recv(), Ok(Err(VaultError::Locked(_)))));
        }
        assert_eq!(WAITS.load(Ordering::SeqCst), 1);
    }
}
