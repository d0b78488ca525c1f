//! The queue before the one thread that writes: whatever waits is one commit, and every answer is given after it.
//!
//! Works for which another server's transaction has locked something wait apart (`held.rs`): no commit waits for them.
//!
//! A commit that fails answers everyone in it, and everyone who has waited for it, with `Unavailable`; the next one may
//! work. Nothing here can leave a caller waiting: a reply that is dropped is an answer too. How a batch is committed is the
//! engine's; what runs here is tried in every order of its threads (`tests/queue.rs`).

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

/// How many works may be on their way to the writer; one more is refused.
const QUEUE: usize = 8_192;
/// How many works one commit holds at most.
const BATCH: usize = 256;
/// How many the writer chooses them from: many changes of one grant must not hold up all others.
const CHOICE: usize = 2_048;
/// How many uses one commit holds at most.
pub(crate) const USES: usize = 1_000;
/// How long a use waits at most before it is written down.
const BEHIND: Duration = Duration::from_secs(5);
/// How long after a commit that failed another is tried where nobody asks for one: a server that is not ready gets no requests
/// whose commit would tell that it is again.
const RETRY: Duration = Duration::from_millis(500);

type Reply = oneshot::Sender<Result<Outcome>>;
/// What a commit did.
#[derive(Default)]
pub(crate) struct Committed {
    /// Each work's answer.
    pub(crate) answers: Vec<Result<Applied>>,
    /// What the feed got.
    pub(crate) changes: Vec<Change>,
    /// What was found due and needs a commit of its own.
    pub(crate) left: Option<Write>,
}

/// What is told of every committed change.
pub(crate) type Listener = Box<dyn Fn(&[Change]) + Send + Sync>;

/// What commits.
pub(crate) trait BatchWriter: Send + 'static {
    /// Does all of this in one commit, or fails: then it may have been done all the same. A work that is refused for itself
    /// leaves the others alone, and so does one for which another has locked something for too long. After a panic the next
    /// call goes on.
    fn commit(&mut self, works: &[&Work], locks: Locks) -> Result<Committed>;

    /// What the feed has that the listener may not have been told of: what failed commits may have made, and the last commit.
    fn untold(&mut self) -> Result<Vec<Change>>;
}

/// What the thread shares with those who call it.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) uses: PendingUses,
    pub(crate) listener: OnceLock<Listener>,
    pub(crate) pressure: Pressure,
    /// How many commits somebody waited for.
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

/// The way to the thread. Dropping it lets the thread finish what waits, and waits for that.
pub(crate) struct Queue {
    entrance: Option<SyncSender<Job<Reply>>>,
    thread: Option<thread::JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// Starts the thread.
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
    /// Has work done and waits for its commit.
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

/// The thread's own.
struct Worker<E> {
    engine: E,
    arriving: Receiver<Job<Reply>>,
    waiting: VecDeque<Job<Reply>>,
    held: Held<Reply>,
    shared: Arc<Shared>,
    uses_written: Instant,
    /// Some of those that were to be written last were not, since others have locked their grants.
    uses_locked: bool,
    closing: bool,
    /// A commit failed since the feed was last told: it may have been made all the same.
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

    /// Tries what waits for others' locks, and refuses what has waited for too long.
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

    /// Waits until something is to be done; `false` when nothing will be any more.
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
                    // Once: a database that is away must not keep the server from ending.
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

    /// Puts into a batch the uses that it is to write, and has them written in time where there is no idle moment.
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

    /// Whether more uses are to be written than one commit holds, and can be.
    fn has_many_uses(&self) -> bool {
        !self.uses_locked && self.shared.uses.has_due(USES)
    }

    /// Commits, and answers everybody: where it fails, also those who have waited meanwhile.
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
                    self.answer(job, answer);
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

    /// One commit, of which the feed's listener has been told.
    ///
    /// A revocation whose commit seemed to fail and was made is found done when it is asked again, and then acknowledged:
    /// memory must know of it. So after a failure what may not have been told is told, before any answer; where it cannot be
    /// read, nobody hears that something was done.
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

    /// Queues what the sweep found, unless it waits already: nobody waits for it, and it may be one of many. What it finds
    /// itself is left to the next commit that somebody asks for, so that a server that ends is not held up.
    fn go_on_with(&mut self, write: Write) {
        let unasked = |job: &Job<Reply>| job.replies.is_empty() && matches!(job.work, Work::Write(_));
        if !self.waiting.iter().any(unasked) {
            self.waiting.push_back(self::unasked(Work::Write(write)));
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
        if let Work::Uses(_) = job.work {
            self.uses_locked = matches!(answer, Ok(Applied::Without(_)));
        }
        match answer {
            Ok(Applied::Whole(outcome)) => reply(job, Ok(outcome)),
            Ok(Applied::Without(uses)) => {
                self.shared.uses.put_back(uses);
                reply(job, Ok(Outcome::Noted));
            }
            // Behind what came meanwhile: nobody waits for an app with a million grants.
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

    /// Refuses a batch, and with it all that waited meanwhile: it would wait as long again to hear the same.
    fn fail(&mut self, batch: Vec<Job<Reply>>, error: &StoreError) {
        tracing::warn!(%error, "a commit failed");
        self.unsure = true;
        let arrived: Vec<_> = self.arriving.try_iter().take(QUEUE).collect();
        let waiting: Vec<_> = self.held.drain().chain(self.waiting.drain(..)).collect();
        self.refuse(batch.into_iter().chain(waiting).chain(arrived), error);
    }

    /// Refuses works. Their uses are written later.
    fn refuse(&mut self, jobs: impl IntoIterator<Item = Job<Reply>>, error: &StoreError) {
        for mut job in jobs {
            if let Work::Uses(uses) = &mut job.work {
                self.shared.uses.put_back(std::mem::take(uses));
            }
            reply(job, Err(error.clone()));
        }
    }
}

/// Answers everybody who asked for a work.
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

/// Work that nobody waits for. Which uses are written is filled in when their turn comes.
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
    StoreError::Unavailable("too much waits to be written".to_owned())
}

fn fault() -> StoreError {
    StoreError::Unavailable("the writer failed".to_owned())
}
