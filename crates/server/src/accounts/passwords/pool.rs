//! The threads that compute hashes, and the queue before them.

use super::{HashMemory, work};
use crate::config::Secret;
use aws_lc_rs::digest::{SHA256, digest};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io, thread};
use tokio::sync::oneshot;

/// How long an idle thread keeps its memory. With it, the next password is verified sooner. But 19 MiB for each thread are
/// as much as the rest of an idle server. The time is longer than the allocator keeps freed memory.
const KEPT: Duration = Duration::from_secs(2);

/// A few threads that hash and verify, behind a bounded queue.
pub struct Pool {
    shared: Arc<Shared>,
}

/// The queue is full. The answer is 503 with `Retry-After`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many passwords are waiting to be verified")]
pub struct Busy;

impl Pool {
    /// Starts `workers` threads. At most `queue` different tasks can wait for them.
    pub fn new(workers: usize, queue: usize) -> io::Result<Self> {
        let pool = Self::without_workers(queue);
        for _ in 0..workers.max(1) {
            let shared = pool.shared.clone();
            thread::Builder::new().name("passwords".to_owned()).spawn(move || {
                let mut memory = HashMemory::default();
                while shared.work_once(&mut memory) {}
            })?;
        }
        Ok(pool)
    }

    /// Whether `phc` was made from `password`. Callers with the same password and hash at the same time share one
    /// computation.
    pub async fn verify(&self, password: &str, phc: &str) -> Result<bool, Busy> {
        let answer = self.shared.join(password, phc, fingerprint(password, phc))?;
        answer.await.map_err(|_| Busy)
    }

    /// Hashes `password` with `salt`, which must be fresh and random.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, Busy> {
        let (reply, answer) = oneshot::channel();
        let password = Secret::new(password.to_owned());
        self.shared
            .enqueue(&mut self.shared.lock(), Task::Hash { password, salt, reply })?;
        answer.await.map_err(|_| Busy)
    }

    /// The sum of all verifications so far, in KiB of memory times passes.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.shared.work.load(Ordering::Relaxed)
    }

    fn without_workers(queue: usize) -> Self {
        let state = State {
            tasks: VecDeque::new(),
            waiting: HashMap::new(),
            closed: false,
        };
        let shared = Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            queue,
            work: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("queue", &self.shared.queue)
            .finish_non_exhaustive()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    queue: usize,
    work: AtomicU64,
}

struct State {
    tasks: VecDeque<Task>,
    /// The callers that wait for each verification, whether it is queued or in progress.
    waiting: HashMap<Fingerprint, Vec<oneshot::Sender<bool>>>,
    closed: bool,
}

/// SHA-256 over hash and password. It is kept no longer than the password itself, which waits in the queue beside it.
type Fingerprint = [u8; 32];

enum Task {
    Verify {
        password: Secret,
        phc: String,
        fingerprint: Fingerprint,
    },
    Hash {
        password: Secret,
        salt: [u8; 16],
        reply: oneshot::Sender<String>,
    },
}

impl Shared {
    /// Joins the verification of this password and hash. Queues it if nobody waits for it yet.
    fn join(&self, password: &str, phc: &str, fingerprint: Fingerprint) -> Result<oneshot::Receiver<bool>, Busy> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.lock();
        if let Some(waiting) = state.waiting.get_mut(&fingerprint) {
            waiting.push(reply);
            return Ok(answer);
        }
        let task = Task::Verify {
            password: Secret::new(password.to_owned()),
            phc: phc.to_owned(),
            fingerprint,
        };
        self.enqueue(&mut state, task)?;
        state.waiting.insert(fingerprint, vec![reply]);
        Ok(answer)
    }

    fn enqueue(&self, state: &mut State, task: Task) -> Result<(), Busy> {
        if state.tasks.len() >= self.queue {
            return Err(Busy);
        }
        state.tasks.push_back(task);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for one task and does it. `false` once the pool is closed.
    fn work_once(&self, memory: &mut HashMemory) -> bool {
        let mut state = self.lock();
        let task = loop {
            if state.closed {
                return false;
            }
            match state.tasks.pop_front() {
                Some(task) => break task,
                None if memory.is_released() => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                None => {
                    let waited = self.changed.wait_timeout(state, KEPT);
                    let (after, waited) = waited.unwrap_or_else(PoisonError::into_inner);
                    state = after;
                    if waited.timed_out() {
                        memory.release();
                    }
                }
            }
        };
        let abandoned = match &task {
            Task::Verify { fingerprint, .. } => state.abandon(fingerprint),
            Task::Hash { reply, .. } => reply.is_closed(),
        };
        drop(state);
        if !abandoned {
            self.perform(task, memory);
        }
        true
    }

    fn perform(&self, task: Task, memory: &mut HashMemory) {
        match task {
            Task::Verify {
                password,
                phc,
                fingerprint,
            } => {
                self.work.fetch_add(work(&phc), Ordering::Relaxed);
                let fits = memory.verify(password.expose(), &phc);
                let waiting = self.lock().waiting.remove(&fingerprint);
                for reply in waiting.into_iter().flatten() {
                    // A caller that was cancelled in the meantime needs no answer.
                    let _ = reply.send(fits);
                }
            }
            Task::Hash { password, salt, reply } => {
                let _ = reply.send(memory.hash(password.expose(), salt));
            }
        }
    }

    /// Locks the state. A panic of another thread leaves no half-done change, so a poisoned lock is used as it is.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes a verification that nobody waits for any more, and returns whether it did. A closed connection then costs
    /// nothing.
    fn abandon(&mut self, fingerprint: &Fingerprint) -> bool {
        let waited_for = |replies: &Vec<oneshot::Sender<bool>>| replies.iter().any(|reply| !reply.is_closed());
        if self.waiting.get(fingerprint).is_some_and(waited_for) {
            return false;
        }
        self.waiting.remove(fingerprint);
        true
    }
}

fn fingerprint(password: &str, phc: &str) -> Fingerprint {
    let mut fingerprint = [0; 32];
    let mut input = zeroize::Zeroizing::new(Vec::with_capacity(8 + phc.len() + password.len()));
    input.extend_from_slice(&phc.len().to_be_bytes());
    input.extend_from_slice(phc.as_bytes());
    input.extend_from_slice(password.as_bytes());
    fingerprint.copy_from_slice(digest(&SHA256, &input).as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::passwords::{StandIns, hash};
    use aws_lc_rs::hmac;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Polls once, which is enough for a future on an idle pool.
    fn poll<F: Future>(future: F) -> Poll<F::Output> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn join(shared: &Shared, password: &str, phc: &str) -> Result<oneshot::Receiver<bool>, Busy> {
        shared.join(password, phc, fingerprint(password, phc))
    }

    #[tokio::test]
    async fn a_pool_hashes_and_verifies() {
        let pool = Pool::new(2, 8).unwrap();
        let phc = pool.hash("secret", [3; 16]).await.unwrap();
        assert_eq!(pool.verify("secret", &phc).await, Ok(true));
        assert_eq!(pool.verify("other", &phc).await, Ok(false));
    }

    #[test]
    fn a_full_queue_is_busy_except_for_a_task_that_waits_already() {
        let pool = Pool::without_workers(1);
        let phc = hash("secret", [3; 16]);
        let first = join(&pool.shared, "secret", &phc).unwrap();
        let same = join(&pool.shared, "secret", &phc).unwrap();
        assert_eq!(join(&pool.shared, "other", &phc).unwrap_err(), Busy);
        assert_eq!(poll(pool.hash("secret", [4; 16])), Poll::Ready(Err(Busy)));

        pool.shared.work_once(&mut HashMemory::default());
        assert_eq!(poll(first), Poll::Ready(Ok(true)));
        assert_eq!(poll(same), Poll::Ready(Ok(true)));
        assert!(pool.shared.lock().waiting.is_empty());
        assert!(join(&pool.shared, "other", &phc).is_ok());
    }

    #[test]
    fn another_hash_is_another_computation() {
        let pool = Pool::without_workers(8);
        let answers = [("a", "bc"), ("ab", "c"), ("a", "bcd")].map(|(password, phc)| join(&pool.shared, password, phc));
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(pool.shared.lock().tasks.len(), 3);
    }

    /// Guesses at a known account share one too: an attacker who sends two at once must see no difference.
    #[test]
    fn equal_guesses_at_an_unknown_account_share_one_computation() {
        let pool = Pool::without_workers(8);
        let stand_ins = StandIns::new(hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]));
        let guess = |account: &str| {
            let stand_in = stand_ins.hash(account, None);
            join(&pool.shared, "secret", &stand_in).unwrap()
        };
        let answers = [
            guess("nobody@example.com"),
            guess("nobody@example.com"),
            guess("none@example.com"),
        ];
        assert_eq!(pool.shared.lock().tasks.len(), 2);
        for _ in 0..2 {
            pool.shared.work_once(&mut HashMemory::default());
        }
        for answer in answers {
            assert_eq!(poll(answer), Poll::Ready(Ok(false)));
        }
    }

    #[test]
    fn a_hash_that_nobody_waits_for_is_not_computed() {
        let pool = Pool::without_workers(8);
        let phc = hash("other", [3; 16]);
        drop(join(&pool.shared, "secret", &phc).unwrap());
        assert!(pool.shared.work_once(&mut HashMemory::default()));
        assert!(pool.shared.lock().waiting.is_empty());
        assert_eq!(pool.work(), 0);
        let late = join(&pool.shared, "secret", &phc).unwrap();
        pool.shared.work_once(&mut HashMemory::default());
        assert_eq!(poll(late), Poll::Ready(Ok(false)));
        assert_eq!(pool.work(), 19 * 1024 * 2);
    }

    #[test]
    fn a_dropped_pool_ends_its_threads() {
        let pool = Pool::without_workers(8);
        let shared = pool.shared.clone();
        drop(pool);
        assert!(!shared.work_once(&mut HashMemory::default()));
    }
}
