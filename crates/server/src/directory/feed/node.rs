//! A server that is one of several: it reads what the others wrote, and knows how old its knowledge is.
//!
//! Five times a second, one statement commits a heartbeat and reads the database's clock and every entry of the feed above the
//! marks. It does not wait in the queue of writes: a long queue does not make memory stale. A request that finds memory stale
//! waits for the next attempt, together with all others. After a failed attempt no request waits (docs/decisions/0026).

use super::Feed;
use super::freshness::Freshness;
use crate::keys::Keys;
use crate::random;
use crate::store::{Store, StoreError};
use crate::time::{Clock, Instant, Reading, Sample};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// The interval at which the feed is read.
const PACE: Duration = Duration::from_millis(200);
/// The shortest pause between two attempts, even if requests wait for the next one.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an attempt may take, and how long a request waits for one.
const PATIENCE: Duration = Duration::from_secs(1);
/// How far a clock may be off. A key is published for a minute before it is used, which leaves room for this error
/// (docs/decisions/0016).
const OFF: Duration = Duration::from_secs(5);
/// The number of attempts, about a minute, after which the heartbeats of stopped servers are deleted.
const HOUSEKEEPING: u64 = 300;

/// This server as one of several.
pub(super) struct Node {
    /// The id of its heartbeats. Its entries of the feed are numbered under another name, the run, which may change.
    id: [u8; 16],
    clock: Clock,
    fresh: Freshness,
    /// The difference of the wall clock to the database's, in milliseconds.
    off: AtomicI64,
    progress: watch::Sender<Progress>,
    wanted: Notify,
    /// For each other server, the words of the feed that it can read.
    others: Mutex<Vec<String>>,
}

/// The numbers of the attempts so far.
#[derive(Clone, Copy, Default)]
struct Progress {
    begun: u64,
    ended: u64,
    /// The last attempt that succeeded.
    succeeded: u64,
    /// Whether the last attempt that ended has failed.
    failed: bool,
}

/// Reads the feed until the task is aborted. Run it from the start of the server to the end of its drain.
pub(crate) async fn follow(feed: Arc<Feed>, store: Store, keys: Arc<Keys>) {
    let Some(node) = &feed.node else { return };
    let mut ticks = interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for attempt in 1_u64.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = node.wanted.notified() => ticks.reset(),
        }
        feed.attempt(node, &store, &keys).await;
        if attempt % HOUSEKEEPING == 0 {
            feed.marks().forget(feed.steady.now());
            let store = store.clone();
            // In a task of its own, so that no heartbeat waits for it.
            tokio::spawn(async move {
                if let Err(error) = store.forget_nodes().await {
                    tracing::debug!(%error, "heartbeats of servers that are gone are still there");
                }
            });
        }
        sleep(PAUSE).await;
    }
}

impl Feed {
    /// Resolves when memory can be trusted: usually at once.
    ///
    /// # Errors
    /// If the database is away. Then nothing may be answered from memory.
    pub async fn fresh(&self) -> Result<(), StoreError> {
        match &self.node {
            Some(node) if !node.is_fresh() => Box::pin(node.catch_up()).await,
            _ => Ok(()),
        }
    }

    /// Says that this server stops. Call it when nothing reads the feed any more.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn leave(&self, store: &Store) -> Result<(), StoreError> {
        match &self.node {
            Some(node) => store.leave(node.id).await,
            None => Ok(()),
        }
    }

    /// Waits until the feed is read again. For decisions that need the newest state.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn newest(&self) -> Result<(), StoreError> {
        match &self.node {
            Some(node) => Box::pin(node.next()).await,
            None => Ok(()),
        }
    }

    /// Whether every server can read this word, so that it may be written. A server that was killed counts for a day.
    #[must_use]
    pub fn all_read(&self, word: &str) -> bool {
        let reads = |words: &String| words.split(' ').any(|one| one == word);
        self.node.as_ref().is_none_or(|node| node.others().iter().all(reads))
    }

    /// Whether requests should be sent here. After a failed attempt the next attempt decides: memory may be fresh now, and stale
    /// when the first request comes.
    ///
    /// # Errors
    /// The reason if not.
    pub async fn ready(&self) -> Result<(), String> {
        let Some(node) = &self.node else { return Ok(()) };
        let failed = node.progress.borrow().failed;
        if failed && node.next().await.is_err() || !node.is_fresh() {
            return Err("the database takes no heartbeat".to_owned());
        }
        let off = Duration::from_millis(node.off.load(Ordering::SeqCst).unsigned_abs());
        if off > OFF {
            let seconds = off.as_secs();
            return Err(format!("this machine's clock is {seconds} s off the database's"));
        }
        Ok(())
    }

    /// Makes one attempt, and notes its result.
    async fn attempt(&self, node: &Node, store: &Store, keys: &Keys) {
        node.progress.send_modify(|progress| progress.begun += 1);
        let begun = Reading::take();
        let mut outcome = timeout(PATIENCE, self.poll(node, store, Some(keys))).await;
        if let Ok(Err(_)) = outcome {
            // The connection may have been closed while it was idle. This does not mean that the database is away.
            outcome = timeout(PATIENCE, self.poll(node, store, Some(keys))).await;
        }
        let succeeded = matches!(outcome, Ok(Ok(())));
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            // This process was suspended meanwhile, so the timeout says nothing about the database.
            Err(_) if Reading::take().since(begun) > 3 * PATIENCE => {
                node.wanted.notify_one();
                None
            }
            Err(_) => Some("the database did not answer within a second".to_owned()),
        };
        match (&error, node.progress.borrow().failed) {
            (Some(error), false) => tracing::warn!(%error, "the feed cannot be read"),
            (None, true) => tracing::info!("the feed can be read again"),
            _ => {}
        }
        node.progress.send_modify(|progress| {
            progress.ended = progress.begun;
            if succeeded {
                progress.succeeded = progress.begun;
            }
            progress.failed = error.is_some();
        });
    }

    /// Commits a heartbeat and takes in all new entries. Memory is fresh only after that.
    pub(super) async fn poll(&self, node: &Node, store: &Store, keys: Option<&Keys>) -> Result<(), StoreError> {
        loop {
            let sent = Reading::take();
            let marks = self.marks().all();
            let mut beat = store.beat(node.id, &marks).await?;
            node.measured(sent, beat.clock);
            {
                // This server has already taken in the entries that it wrote meanwhile.
                let marks = self.marks();
                beat.changes.retain(|change| marks.lacks(change));
            }
            self.take_in(&beat.changes);
            *node.others() = beat.others;
            if !beat.whole {
                continue;
            }
            if !node.is_fresh() {
                // After a long absence, entries that name objects to evict may have been swept already.
                self.memory.forget();
                self.keys_changed.fetch_add(1, Ordering::SeqCst);
                self.log.add_all(self.clock.now());
            }
            if let Some(keys) = keys {
                self.keep_keys(store, keys).await?;
            }
            node.fresh.prove(sent);
            return Ok(());
        }
    }
}

impl Node {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            id: random::bytes(),
            clock,
            fresh: Freshness::default(),
            off: AtomicI64::new(0),
            progress: watch::Sender::default(),
            wanted: Notify::new(),
            // Unknown until the first heartbeat: assume a server that reads no word.
            others: Mutex::new(vec![String::new()]),
        }
    }

    fn others(&self) -> MutexGuard<'_, Vec<String>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_fresh(&self) -> bool {
        self.fresh.at(Reading::take())
    }

    /// Waits for an attempt that makes memory fresh.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let mut progress = self.progress.subscribe();
        let caught_up = async {
            while !self.is_fresh() {
                if progress.borrow_and_update().failed {
                    return false;
                }
                self.wanted.notify_one();
                if progress.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        match timeout(PATIENCE, caught_up).await {
            Ok(true) => Ok(()),
            _ => Err(stale()),
        }
    }

    /// Waits for an attempt that begins after this call.
    async fn next(&self) -> Result<(), StoreError> {
        let mut progress = self.progress.subscribe();
        let wanted = progress.borrow().begun + 1;
        self.wanted.notify_one();
        let ended = timeout(PATIENCE, progress.wait_for(|progress| progress.ended >= wanted)).await;
        match ended {
            Ok(Ok(progress)) if progress.succeeded >= wanted => Ok(()),
            _ => Err(stale()),
        }
    }

    fn measured(&self, sent: Reading, database: Instant) {
        let received = Reading::take();
        let sample = Sample {
            sent,
            received,
            database,
        };
        let off = i64::try_from(sample.off().as_millis()).unwrap_or(i64::MAX);
        self.off.store(off, Ordering::SeqCst);
        if let Clock::Corrected(corrected) = &self.clock {
            corrected.measured(&sample);
        }
    }
}

fn stale() -> StoreError {
    StoreError::Unavailable("memory is older than two seconds, and the database does not answer".to_owned())
}
