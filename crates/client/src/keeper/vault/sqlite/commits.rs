//! A thread that owns a connection, and runs what waits in one transaction.

use super::super::{VaultError, VaultFuture};
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
        let outcome = commit(&mut database, behavior, &mut batch);
        match outcome {
            Err(_) if batch.len() > 1 => {
                // One failed. The others need not fail with it.
                for work in batch {
                    let mut alone = [work];
                    let outcome = commit(&mut database, behavior, &mut alone);
                    let [work] = alone;
                    work.answer(outcome.map_err(|error| failed(&error)));
                }
            }
            outcome => {
                let outcome = outcome.map_err(|error| failed(&error));
                for work in batch {
                    work.answer(outcome.clone());
                }
            }
        }
    }
}

fn commit(
    database: &mut Connection,
    behavior: TransactionBehavior,
    batch: &mut [Box<dyn Work>],
) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(behavior)?;
    for work in batch.iter_mut() {
        work.run(&transaction)?;
    }
    transaction.commit()
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
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => VaultError::Full(text),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => VaultError::Locked(text),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => VaultError::ReadOnly(text),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => VaultError::Unreachable(text),
        _ => VaultError::Failed(text),
    }
}
