//! The queue before the one thread that writes. All that waits is one commit, and every answer is given after it.
//!
//! Works that meet a lock of another session wait apart (`held.rs`): no commit waits for them.
//!
//! If a commit fails, every caller in it and every caller that waited behind it gets `Unavailable`; the next commit may
//! work. No caller waits for ever: a dropped reply is an answer too. The engine decides how a batch is committed. The
//! tests run this file in every order of its threads (`tests/queue/`).

use super::threads::{REST, mpsc, receive, rest, thread};
use crate::store::engine::writer::batch::{Job, plan};
use crate::store::engine::writer::held::Held;
use crate::store::engine::writer::pressure::Pressure;
use crate::store::engine::writer::uses;
use crate::store::engine::writer::uses::PendingUses;
use crate::store::engine::writer::work::{Applied, Locks, Outcome, Work, Write};
use crate::store::error::unavailable;
use crate::store::model::Change;
use crate::store::settings::probe;
use crate::store::{Result, StoreError};
use crate::time::Instant;
use mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many works may be on their way to the thread; one more is refused.
const QUEUE: usize = 8_192;
/// The most works of one commit.
const BATCH: usize = 256;
/// How many waiting works a commit is chosen from: many changes of one grant must not delay all others.
const CHOICE: usize = 2_048;
/// The most uses that one commit writes.
pub(crate) const USES: usize = 1_000;
/// The longest that a use waits to be written.
const BEHIND: Duration = Duration::from_secs(5);
/// The time after a failed commit at which the thread tries another by itself. A server that is not ready gets no
/// requests whose commits would show that the database is back.
const RETRY: Duration = Duration::from_millis(500);

type Reply = oneshot::Sender<Result<Outcome>>;
#[derive(Default)]
pub(crate) struct Committed {
    /// The answer to each work.
    pub(crate) answers: Vec<Result<Applied>>,
    /// The entries of the feed.
    pub(crate) changes: Vec<Change>,
    /// Expired rows that need a commit of their own.
    pub(crate) left: Option<Write>,
}

/// Called with the entries of each commit.
pub(crate) type Listener = Box<dyn Fn(&[Change]) + Send + Sync>;

/// Commits batches: SQLite, PostgreSQL, or a test.
pub(crate) trait BatchWriter: Send + 'static {
    /// Does all of this in one commit. If it fails, the commit may have been made all the same. A work that is
    /// refused by itself, or that met a lock for too long, does not affect the others. After a panic the next call
    /// goes on.
    fn commit(&mut self, works: &[&Work], locks: Locks) -> Result<Committed>;

    /// The entries that the listener may have missed: those that failed commits may have made, and those of the last
    /// commit.
    fn untold(&mut self) -> Result<Vec<Change>>;
}

/// What the thread and its callers share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) uses: PendingUses,
    pub(crate) listener: OnceLock<Listener>,
    pub(crate) pressure: Pressure,
    /// Commits that a caller waited for.
    #[cfg(test)]
    pub(crate) commits: std::sync::atomic::AtomicUsize,
}

#[cfg(test)]
impl Shared {
    fn count(&self, batch: &[Job<Reply>]) {
        let asked_for = batch.iter().any(|job| !job.replies.is_empty());
        self.commits
            .fetch_add(usize::from(asked_for), std::sync::atomic::Ordering::SeqCst);
    }
}

/// The way to the thread. When it is dropped, the thread finishes what waits, and the drop waits for that.
pub(crate) struct Queue {
    entrance: Option<SyncSender<Job<Reply>>>,
    thread: Option<thread::JoinHandle<()>>,
    shared: Arc<Shared>,
}

pub(crate) fn start(engine: impl BatchWriter, shared: Arc<Shared>) -> Result<Queue> {
    let (entrance, arriving) = sync_channel(QUEUE);
    let worker = Worker {
        engine,
        arriving,
        waiting: VecDeque::new(),
        held: Held::new(REST),
        uses_locked: false,
        shared: Arc::clone(&shared),
        uses_written: Instant(0),
        closing: false,
        unsure: false,
    };
    let thread = thread::Builder::new()
        .name("hallpass-writer".to_owned())
        .spawn(move || worker.run())
        .map_err(unavailable)?;
    Ok(Queue {
        entrance: Some(entrance),
        thread: Some(thread),
        shared,
    })
}

impl Queue {
    /// Sends a work to the thread and waits for its commit.
    pub(crate) async fn change(&self, work: Work) -> Result<Outcome> {
        // What takes access away, and what an operator does, is not turned away for others' sake.
        let _place = match work {
            Work::Insert(..) | Work::Redeem(..) | Work::Rotate(_) => {
                Some(self.shared.pressure.enter(BATCH).ok_or_else(crowded)?)
            }
            _ => None,
        };
        let (reply, answer) = oneshot::channel();
        self.enqueue(Job {
            work,
            replies: vec![reply],
            held: None,
        })?;
        answer.await.unwrap_or_else(|_| Err(fault()))
    }

    fn enqueue(&self, job: Job<Reply>) -> Result<()> {
        let entrance = self.entrance.as_ref().ok_or_else(fault)?;
        entrance.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => crowded(),
            TrySendError::Disconnected(_) => fault(),
        })
    }
}

/// The state of the thread.
struct Worker<E> {
    engine: E,
    arriving: Receiver<Job<Reply>>,
    waiting: VecDeque<Job<Reply>>,
    held: Held<Reply>,
    shared: Arc<Shared>,
    uses_written: Instant,
    /// Some of the last uses were not written, since their grants were locked.
    uses_locked: bool,
    closing: bool,
    /// A commit failed since the listener was last called: it may have been made all the same.
    unsure: bool,
}

impl<E: BatchWriter> Worker<E> {
    fn run(mut self) {
        while self.gather() {
            for (job, error) in self.held.take_from(&mut self.waiting, now()) {
                reply(job, Err(error));
            }
            let mut batch = plan(&mut self.waiting, BATCH);
            self.write_uses_behind(&mut batch);
            let _ = self.commit(batch, Locks::Awaited);
            if self.held.are_due(now()) {
                self.try_held();
            }
        }
    }

    /// Tries the works that met locks, and refuses those that have waited for too long.
    fn try_held(&mut self) {
        let before = self.held.len();
        let mut batches = self.held.next().into_iter();
        while let Some(batch) = batches.next() {
            if let Err(error) = self.commit(batch, Locks::NotAwaited) {
                return self.refuse(batches.flatten(), &error);
            }
        }
        self.held.tried(now(), self.held.len() < before);
        for (job, error) in self.held.expired(now()) {
            reply(job, Err(error));
        }
    }

    /// Waits until there is work; `false`: there will never be any.
    fn gather(&mut self) -> bool {
        if self.waiting.is_empty() && self.has_many_uses() && !self.shared.pressure.is_failing() {
            // One commit did not hold them all.
            self.waiting.push_back(unasked(Work::Uses(vec![])));
        }
        while self.waiting.is_empty() {
            let failing = self.shared.pressure.is_failing();
            let received = match self.held.is_empty() {
                true => self.arriving.recv_timeout(if failing { RETRY } else { BEHIND }),
                false => receive(&self.arriving, self.held.rest(now())),
            };
            match received {
                Ok(job) => self.waiting.push_back(job),
                Err(RecvTimeoutError::Timeout) if !self.held.is_empty() => return true,
                Err(RecvTimeoutError::Disconnected) if !self.held.is_empty() => {
                    rest(self.held.rest(now()));
                    return true;
                }
                Err(RecvTimeoutError::Timeout) if failing => self.waiting.push_back(unasked(Work::Write(probe()))),
                Err(RecvTimeoutError::Timeout) if !self.shared.uses.is_due() => {}
                Err(RecvTimeoutError::Timeout) => self.waiting.push_back(unasked(Work::Uses(vec![]))),
                Err(RecvTimeoutError::Disconnected) if self.closing || !self.shared.uses.is_due() => return false,
                Err(RecvTimeoutError::Disconnected) => {
                    // Once only: a database that is away must not keep the server from ending.
                    self.closing = true;
                    self.waiting
                        .extend((0..=uses::LIMIT / USES).map(|_| unasked(Work::Uses(vec![]))));
                }
            }
        }
        while self.waiting.len() < CHOICE {
            let Ok(job) = self.arriving.try_recv() else { break };
            self.waiting.push_back(job);
        }
        true
    }

    /// Fills the uses into the works of a batch that write them. Queues such a work if uses are due and the thread is
    /// never idle.
    fn write_uses_behind(&mut self, batch: &mut [Job<Reply>]) {
        let now = batch.iter().filter_map(|job| job.work.now()).max();
        let late = now.filter(|now| now.since(self.uses_written) >= BEHIND);
        let writes = batch.iter().any(|job| matches!(job.work, Work::Uses(_)));
        if (late.is_some() && self.shared.uses.is_due()) || (!writes && self.has_many_uses()) {
            self.uses_written = late.unwrap_or(self.uses_written);
            self.waiting.push_back(unasked(Work::Uses(vec![])));
        }
        for job in batch {
            if let Work::Uses(uses) = &mut job.work {
                *uses = self.shared.uses.take(USES);
            }
        }
    }

    /// Whether more uses are due than one commit writes, and can be written.
    fn has_many_uses(&self) -> bool {
        !self.uses_locked && self.shared.uses.has_due(USES)
    }

    /// Commits a batch and answers its callers. If it fails, the callers that wait are answered too.
    fn commit(&mut self, batch: Vec<Job<Reply>>, locks: Locks) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        #[cfg(test)]
        self.shared.count(&batch);
        let works: Vec<&Work> = batch.iter().map(|job| &job.work).collect();
        let begun = now();
        let committed = catch_unwind(AssertUnwindSafe(|| self.committed(&works, locks)));
        let made = matches!(committed, Ok(Ok(_)));
        self.shared.pressure.committed(now().duration_since(begun), made);
        let error = match committed {
            Ok(Ok((answers, left))) => {
                let asked_for = batch.iter().any(|job| !job.replies.is_empty());
                for (job, answer) in batch.into_iter().zip(answers) {
                    self.finish_job(job, answer);
                }
                if let Some(write) = left.filter(|_| asked_for) {
                    self.go_on_with(write);
                }
                return Ok(());
            }
            Ok(Err(error)) => error,
            Err(_) => fault(),
        };
        self.fail(batch, &error);
        Err(error)
    }

    /// Makes one commit and calls the listener.
    ///
    /// A revocation whose commit seemed to fail may have been made. Asked again, it is found done and is
    /// acknowledged, and memory must know of it by then. So after a failed commit, the listener first gets all
    /// entries that it may have missed. If they cannot be read, no work is acknowledged.
    fn committed(&mut self, works: &[&Work], locks: Locks) -> Result<(Vec<Result<Applied>>, Option<Write>)> {
        let Committed { answers, changes, left } = self.engine.commit(works, locks)?;
        if self.unsure {
            let all = self.engine.untold().inspect_err(|_| self.tell(&changes))?;
            self.tell(&all);
            self.unsure = false;
        } else {
            self.tell(&changes);
        }
        Ok((answers, left))
    }

    /// Queues what the sweep found, unless such a work waits already: no caller waits for it, and it may be one of
    /// many. What that work finds in turn is left to the next commit of a caller, so that a server that ends is not
    /// delayed.
    fn go_on_with(&mut self, write: Write) {
        let unasked = |job: &Job<Reply>| job.replies.is_empty() && matches!(job.work, Work::Write(_));
        if !self.waiting.iter().any(unasked) {
            self.waiting.push_back(self::unasked(Work::Write(write)));
        }
    }

    /// A panic of the listener must not end the writer: what was committed is committed.
    fn tell(&self, changes: &[Change]) {
        let Some(listener) = self.shared.listener.get().filter(|_| !changes.is_empty()) else {
            return;
        };
        if catch_unwind(AssertUnwindSafe(|| listener(changes))).is_err() {
            tracing::error!("the feed listener panicked; caches may be stale until restart");
        }
    }

    fn finish_job(&mut self, job: Job<Reply>, answer: Result<Applied>) {
        if let Work::Uses(_) = job.work {
            self.uses_locked = matches!(answer, Ok(Applied::Without(_)));
        }
        match answer {
            Ok(Applied::Whole(outcome)) => reply(job, Ok(outcome)),
            Ok(Applied::Without(uses)) => {
                self.shared.uses.put_back(uses);
                reply(job, Ok(Outcome::Noted));
            }
            // Behind the works that came meanwhile: they must not wait for an app with a million grants.
            Ok(Applied::Partly(rest)) => self.waiting.push_back(Job {
                work: Work::Write(rest),
                held: None,
                ..job
            }),
            Ok(Applied::Locked) => {
                if let Some((job, error)) = self.held.hold(job, now()) {
                    self.refuse([job], &error);
                }
            }
            Err(error) => reply(job, Err(error)),
        }
    }

    /// Refuses a batch and all works that arrived meanwhile: they would wait as long again for the same error.
    fn fail(&mut self, batch: Vec<Job<Reply>>, error: &StoreError) {
        tracing::warn!(%error, "a commit failed");
        self.unsure = true;
        let arrived: Vec<_> = self.arriving.try_iter().take(QUEUE).collect();
        let waiting: Vec<_> = self.held.drain().chain(self.waiting.drain(..)).collect();
        self.refuse(batch.into_iter().chain(waiting).chain(arrived), error);
    }

    /// Refuses works. Their uses are put back.
    fn refuse(&mut self, jobs: impl IntoIterator<Item = Job<Reply>>, error: &StoreError) {
        for mut job in jobs {
            if let Work::Uses(uses) = &mut job.work {
                self.shared.uses.put_back(std::mem::take(uses));
            }
            reply(job, Err(error.clone()));
        }
    }
}

/// Answers every caller of a work.
fn reply(job: Job<Reply>, outcome: Result<Outcome>) {
    let mut replies = job.replies.into_iter();
    let first = replies.next();
    for reply in replies {
        // A caller may have gone away. The work is done nevertheless.
        let _ = reply.send(outcome.as_ref().map(Outcome::for_others).map_err(Clone::clone));
    }
    if let Some(reply) = first {
        let _ = reply.send(outcome);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a commit takes is the clock's to say")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

/// A work without a caller. Its uses are filled in when it is its turn.
fn unasked(work: Work) -> Job<Reply> {
    let (replies, held) = (vec![], None);
    Job { work, replies, held }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.entrance = None;
        let Some(thread) = self.thread.take() else { return };
        if thread.thread().id() != thread::current().id() {
            let _ = thread.join();
        }
    }
}

fn crowded() -> StoreError {
    StoreError::Unavailable("too many changes wait to be written".to_owned())
}

fn fault() -> StoreError {
    StoreError::Unavailable("the writer failed".to_owned())
}
