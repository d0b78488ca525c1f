//! A server that is one of several: it reads what the others wrote, and knows how old its knowledge is.
//!
//! One statement, five times a second, commits a heartbeat, reads the database's clock and every entry of the feed above the
//! marks. It goes past the queue of writes: what waits there says nothing about how true memory is. Who meets a stale memory
//! waits for the next attempt, all for the same one; after an attempt that failed nobody waits (docs/decisions/0026).

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

/// How often the feed is read.
const PACE: Duration = Duration::from_millis(200);
/// The least time between two attempts, however much the next one is waited for.
const PAUSE: Duration = Duration::from_millis(20);
/// How long an attempt may take, and how long a request waits for one.
const PATIENCE: Duration = Duration::from_secs(1);
/// How far a clock may be off: a key is published for a minute before it is used (docs/decisions/0016), which allows for it.
const OFF: Duration = Duration::from_secs(5);
/// After how many attempts the heartbeats of servers that are gone are looked for: about a minute.
const HOUSEKEEPING: u64 = 300;

/// What a server knows about itself among others.
pub(super) struct Node {
    /// Under which its heartbeats are kept. The numbering of its changes has another name, which may change.
    id: [u8; 16],
    clock: Clock,
    fresh: Freshness,
    /// How far the wall clock is off, in milliseconds.
    off: AtomicI64,
    progress: watch::Sender<Progress>,
    wanted: Notify,
    /// What the other servers read.
    others: Mutex<Vec<String>>,
}

/// How far the attempts have come.
#[derive(Clone, Copy, Default)]
struct Progress {
    begun: u64,
    ended: u64,
    /// The last one that succeeded.
    succeeded: u64,
    /// The last one that ended did not succeed.
    failed: bool,
}

/// Reads the feed until it is aborted. To be run where the server has begun, also while it drains.
pub async fn follow(feed: Arc<Feed>, store: Store, keys: Arc<Keys>) {
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
            // Beside: no heartbeat waits for it.
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
    /// Comes back once memory can be trusted: at once, mostly.
    ///
    /// # Errors
    /// Where the database is away: nothing may be answered from memory then.
    pub async fn fresh(&self) -> Result<(), StoreError> {
        match &self.node {
            Some(node) if !node.is_fresh() => Box::pin(node.catch_up()).await,
            _ => Ok(()),
        }
    }

    /// Waits until the feed was read anew, for what only the newest knowledge can tell.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn newest(&self) -> Result<(), StoreError> {
        match &self.node {
            Some(node) => Box::pin(node.next()).await,
            None => Ok(()),
        }
    }

    /// Whether every server reads this word, so that it may be written. One that is gone counts until it is forgotten.
    #[must_use]
    pub fn all_read(&self, word: &str) -> bool {
        let reads = |words: &String| words.split(' ').any(|one| one == word);
        self.node.as_ref().is_none_or(|node| node.others().iter().all(reads))
    }

    /// Whether requests should be sent here. After an attempt that failed the next one tells: memory may still be fresh, and be
    /// stale for the first request.
    ///
    /// # Errors
    /// Why not.
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

    /// One attempt, and what came of it.
    async fn attempt(&self, node: &Node, store: &Store, keys: &Keys) {
        node.progress.send_modify(|progress| progress.begun += 1);
        let begun = Reading::take();
        let mut outcome = timeout(PATIENCE, self.poll(node, store, Some(keys))).await;
        if let Ok(Err(_)) = outcome {
            // A connection that was closed while nobody looked is no database that is away.
            outcome = timeout(PATIENCE, self.poll(node, store, Some(keys))).await;
        }
        let succeeded = matches!(outcome, Ok(Ok(())));
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            // Who slept knows nothing about the database.
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

    /// Commits a heartbeat and takes in all that is new. Only then is anything known.
    pub(super) async fn poll(&self, node: &Node, store: &Store, keys: Option<&Keys>) -> Result<(), StoreError> {
        loop {
            let sent = Reading::take();
            let marks = self.marks().all();
            let mut beat = store.beat(node.id, &marks).await?;
            node.measured(sent, beat.clock);
            {
                // What this server wrote meanwhile it has taken in already.
                let marks = self.marks();
                beat.changes.retain(|change| marks.lacks(change));
            }
            self.take_in(&beat.changes);
            *node.others() = beat.others;
            if !beat.whole {
                continue;
            }
            if !node.is_fresh() {
                // Away for long: entries that would tell what to forget may have been swept.
                self.memory.forget();
                self.keys_changed.fetch_add(1, Ordering::SeqCst);
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
            // Nobody was asked yet.
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

    /// Waits for an attempt that begins from now on.
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
