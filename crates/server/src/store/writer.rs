//! The one thread that writes to SQLite: whatever waits is one commit, and every answer is given after it.
//!
//! A commit that fails answers everyone in it, and everyone who has waited for it, with `Unavailable`; the next one may
//! work. Nothing here can leave a caller waiting: a reply that is dropped is an answer too.

use super::apply::{Applied, Batch, Feed};
use super::batch::{Job, Outcome, Work, plan};
use super::changes;
use super::connection::{Connection, unavailable};
use super::model::Change;
use super::pressure::Pressure;
use super::seen::{self, Seen};
use super::{Result, StoreError};
use crate::time::Instant;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// How many works may be on their way to the writer; one more is refused.
const QUEUE: usize = 8_192;
/// How many works one commit holds at most.
const BATCH: usize = 256;
/// How many the writer chooses them from: many changes of one grant must not hold up all others.
const CHOICE: usize = 2_048;
/// How many uses one commit holds at most.
pub(super) const USES: usize = 1_000;
/// How long a use waits at most before it is written down.
const BEHIND: Duration = Duration::from_secs(5);
/// How long feed entries stay before the server has said how long access tokens live: longer than any.
const UNTOLD: Duration = Duration::from_secs(400 * 24 * 3600);

/// Which file a path leads to: its device and its number there.
type FileId = (u64, u64);
type Reply = oneshot::Sender<Result<Outcome>>;
/// What is told of every committed change.
pub(super) type Listener = Box<dyn Fn(&[Change]) + Send + Sync>;

/// What the writer shares with those who call it.
pub(super) struct Shared {
    path: PathBuf,
    pub(super) seen: Seen,
    pub(super) listener: OnceLock<Listener>,
    node: [u8; 16],
    longest_access: AtomicI64,
    pub(super) pressure: Pressure,
}

impl Shared {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let mut node = [0; 16];
        #[expect(
            clippy::disallowed_methods,
            reason = "no decision and no secret hangs on it: a name no other run has"
        )]
        getrandom::fill(&mut node).map_err(unavailable)?;
        let shared = Self {
            path: path.to_owned(),
            seen: Seen::default(),
            listener: OnceLock::new(),
            node,
            longest_access: AtomicI64::new(0),
            pressure: Pressure::default(),
        };
        shared.set_longest_access(UNTOLD);
        Ok(shared)
    }

    pub(super) fn set_longest_access(&self, longest: Duration) {
        let millis = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        self.longest_access.store(millis, Ordering::SeqCst);
    }

    fn longest_access(&self) -> Duration {
        Duration::from_millis(self.longest_access.load(Ordering::SeqCst).max(0).unsigned_abs())
    }
}

/// The way to the thread. Dropping it lets the thread finish what waits, and waits for that.
pub(super) struct Writer {
    queue: Option<SyncSender<Job<Reply>>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// Starts the thread.
pub(super) fn start(connection: Connection, shared: Arc<Shared>) -> Result<Writer> {
    let (queue, arriving) = sync_channel(QUEUE);
    let worker = Worker {
        file: file_at(&shared.path)?,
        arriving,
        waiting: VecDeque::new(),
        connection: Some(connection),
        feed: Feed::new(shared.node),
        shared: Arc::clone(&shared),
        uses_written: Instant(0),
        closing: false,
        unsure: false,
    };
    let thread = std::thread::Builder::new()
        .name("hallpass-writer".to_owned())
        .spawn(move || worker.run())
        .map_err(unavailable)?;
    let (queue, thread) = (Some(queue), Some(thread));
    Ok(Writer { queue, thread, shared })
}

impl Writer {
    /// Has work done and waits for its commit.
    pub(super) async fn change(&self, work: Work) -> Result<Outcome> {
        let _place = self.shared.pressure.enter(BATCH).ok_or_else(crowded)?;
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job {
            work,
            replies: vec![reply],
        })?;
        answer.await.unwrap_or_else(|_| Err(fault()))
    }

    /// Has work done without waiting for it; work that does not find room is left.
    pub(super) fn send(&self, work: Work) {
        let _ = self.enqueue(Job { work, replies: vec![] });
    }

    fn enqueue(&self, job: Job<Reply>) -> Result<()> {
        let queue = self.queue.as_ref().ok_or_else(fault)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => crowded(),
            TrySendError::Disconnected(_) => fault(),
        })
    }
}

/// The thread's own.
struct Worker {
    /// Which file the database was at the start.
    file: FileId,
    arriving: Receiver<Job<Reply>>,
    waiting: VecDeque<Job<Reply>>,
    /// `None` after an error that only opening it again mends.
    connection: Option<Connection>,
    feed: Feed,
    shared: Arc<Shared>,
    uses_written: Instant,
    closing: bool,
    /// A commit failed since the feed was last told: it may have been made all the same.
    unsure: bool,
}

impl Worker {
    fn run(mut self) {
        while self.gather() {
            let mut batch = plan(&mut self.waiting, BATCH);
            self.write_uses_behind(&mut batch);
            self.commit(batch);
        }
    }

    /// Waits until something is to be done; `false` when nothing will be any more.
    fn gather(&mut self) -> bool {
        while self.waiting.is_empty() {
            match self.arriving.recv_timeout(BEHIND) {
                Ok(job) => self.waiting.push_back(job),
                Err(RecvTimeoutError::Timeout) if !self.shared.seen.is_due() => {}
                Err(RecvTimeoutError::Timeout) => self.waiting.push_back(uses()),
                Err(RecvTimeoutError::Disconnected) if self.closing || !self.shared.seen.is_due() => return false,
                Err(RecvTimeoutError::Disconnected) => {
                    // Once: a database that is away must not keep the server from ending.
                    self.closing = true;
                    self.waiting.extend((0..=seen::LIMIT / USES).map(|_| uses()));
                }
            }
        }
        while self.waiting.len() < CHOICE {
            let Ok(job) = self.arriving.try_recv() else { break };
            self.waiting.push_back(job);
        }
        true
    }

    /// Puts into a batch the uses that it is to write, and has them written in time where there is no idle moment.
    fn write_uses_behind(&mut self, batch: &mut [Job<Reply>]) {
        let now = batch.iter().filter_map(|job| job.work.now()).max();
        if now.is_some_and(|now| now.since(self.uses_written) >= BEHIND) && self.shared.seen.is_due() {
            self.uses_written = now.unwrap_or(self.uses_written);
            self.waiting.push_back(uses());
        }
        for job in batch {
            if let Work::Seen(uses) = &mut job.work {
                *uses = self.shared.seen.take(USES);
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "how long a commit takes is the clock's to say")]
    fn commit(&mut self, batch: Vec<Job<Reply>>) {
        let begun = std::time::Instant::now();
        let applied = catch_unwind(AssertUnwindSafe(|| self.apply(&batch)));
        let made = matches!(applied, Ok(Ok(_)));
        self.shared.pressure.committed(begun.elapsed(), made);
        match applied {
            Ok(Ok((answers, changes))) => {
                self.tell_what_failed();
                self.tell(&changes);
                for (job, answer) in batch.into_iter().zip(answers) {
                    self.answer(job, answer);
                }
            }
            Ok(Err(error)) => self.fail(batch, &error),
            Err(_) => self.fail(batch, &fault()),
        }
    }

    /// One commit; each work's answer, and what the feed got. A panic in here loses the connection, and with it all that
    /// was not committed.
    fn apply(&mut self, batch: &[Job<Reply>]) -> Result<(Vec<Result<Applied>>, Vec<Change>)> {
        // SQLite would go on in a file that was moved or deleted, and the next start would know of nothing.
        if file_at(&self.shared.path)? != self.file {
            return Err(StoreError::Unavailable(
                "another file is in the database's place".to_owned(),
            ));
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::writer(&self.shared.path)?,
        };
        let works: Vec<&Work> = batch.iter().map(|job| &job.work).collect();
        let longest_access = self.shared.longest_access();
        let applied = Batch::new(&connection, &mut self.feed, longest_access).apply(&works);
        if !connection.is_broken() {
            self.connection = Some(connection);
        }
        applied
    }

    /// A revocation whose commit seemed to fail and was made is found done when it is asked again, and then acknowledged:
    /// memory must know of it. So after a failure the whole feed is told once more, before any answer.
    fn tell_what_failed(&mut self) {
        let Some(connection) = self.connection.as_ref().filter(|_| self.unsure) else {
            return;
        };
        match changes::entries(connection) {
            Ok(changes) => {
                self.tell(&changes);
                self.unsure = false;
            }
            Err(error) => tracing::error!(%error, "the feed cannot be read after a failed commit"),
        }
    }

    /// A listener that fails must not take the writer with it; what was committed is committed.
    fn tell(&self, changes: &[Change]) {
        let Some(listener) = self.shared.listener.get().filter(|_| !changes.is_empty()) else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| listener(changes))).is_err() {
            tracing::error!("what listens to the feed failed; its memory may lack changes until the next start");
        }
    }

    fn answer(&mut self, job: Job<Reply>, answer: Result<Applied>) {
        let outcome = match answer {
            Ok(Applied::Whole(outcome)) => Ok(outcome),
            Ok(Applied::Partly(rest)) => {
                let (work, replies) = (Work::Write(rest), job.replies);
                // Behind what came meanwhile: nobody waits for an app with a million grants.
                return self.waiting.push_back(Job { work, replies });
            }
            Err(error) => Err(error),
        };
        let mut replies = job.replies.into_iter();
        let first = replies.next();
        for reply in replies {
            // Whoever does not wait any more has gone away, and what they asked for is done all the same.
            let _ = reply.send(outcome.as_ref().map(Outcome::for_others).map_err(Clone::clone));
        }
        if let Some(reply) = first {
            let _ = reply.send(outcome);
        }
    }

    /// Refuses a batch, and with it all that waited meanwhile: it would wait as long again to hear the same.
    fn fail(&mut self, batch: Vec<Job<Reply>>, error: &StoreError) {
        tracing::warn!(%error, "a commit failed");
        self.unsure = true;
        let arrived: Vec<_> = self.arriving.try_iter().take(QUEUE).collect();
        for job in batch.into_iter().chain(self.waiting.drain(..)).chain(arrived) {
            if let Work::Seen(uses) = job.work {
                self.shared.seen.put_back(uses);
            }
            for reply in job.replies {
                let _ = reply.send(Err(error.clone()));
            }
        }
    }
}

fn file_at(path: &Path) -> Result<FileId> {
    let found = std::fs::metadata(path).map_err(unavailable)?;
    Ok((found.dev(), found.ino()))
}

/// The work of writing down what memory knows; what that is, is filled in when its turn comes.
fn uses() -> Job<Reply> {
    let (work, replies) = (Work::Seen(vec![]), vec![]);
    Job { work, replies }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
        }
    }
}

fn crowded() -> StoreError {
    StoreError::Unavailable("too much waits to be written".to_owned())
}

fn fault() -> StoreError {
    StoreError::Unavailable("the writer failed".to_owned())
}
