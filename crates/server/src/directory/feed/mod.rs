//! Keeps memory up to date: revoked tokens are refused, and changed objects are read again (decision 58).
//!
//! The store reports every change after its commit and before its answer, so a change that this server acknowledged holds here at
//! once. Changes by other servers are read from the feed, five times a second (`feed/node.rs`).

mod freshness;
mod log;
mod marks;
mod node;
mod position;

pub(crate) use freshness::STALENESS;
pub(crate) use log::{Event, Gap, Log, Subject};
pub(crate) use node::follow;
pub(crate) use position::{Position, ShortName};

use super::memory::Memory;
use crate::keys::{KeyError, Keys};
use crate::store::model::{AppId, Change, ChangeKind, GrantId, Mark, Recall, Recalled, UserId};
use crate::store::{Store, StoreError};
use crate::time::{Clock, Instant, Steady};
use crate::tokens::revoked::{Entry, Revocation, Revoked};
use marks::Marks;
use node::Node;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The memory of this server, and how far it can be trusted.
pub struct Feed {
    revoked: Arc<Revoked>,
    memory: Arc<Memory>,
    /// The clock by which expired entries are removed.
    steady: Arc<Steady>,
    marks: Mutex<Marks>,
    /// What happened lately, for APIs that follow the feed.
    log: Log,
    /// The clock that servers share, by which they compare their logs.
    clock: Clock,
    /// The number of changes of keys so far, and the number at the last read of the keys.
    keys_changed: AtomicU64,
    keys_read: AtomicU64,
    /// `None`: no other server writes to the database.
    node: Option<Node>,
}

impl Feed {
    /// The feed of a server that starts. If other servers share the database, the feed corrects `clock`.
    #[must_use]
    pub fn new(store: &Store, clock: &Clock, revoked: Arc<Revoked>, steady: Arc<Steady>) -> Self {
        Self {
            revoked,
            memory: Arc::default(),
            steady,
            marks: Mutex::default(),
            log: Log::begin(clock.now()),
            clock: clock.clone(),
            keys_changed: AtomicU64::new(0),
            keys_read: AtomicU64::new(0),
            node: store.is_shared().then(|| Node::new(clock.clone())),
        }
    }

    /// The memory that the feed keeps up to date.
    #[must_use]
    pub fn memory(&self) -> Arc<Memory> {
        self.memory.clone()
    }

    /// What happened lately.
    #[must_use]
    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// How far memory goes. An answer that is computed afterwards reflects every event before this position.
    #[must_use]
    pub(crate) fn position(&self, epoch: ShortName) -> Position {
        self.log.position(epoch, self.clock.now())
    }

    /// The events of the last seconds, and the present position.
    #[must_use]
    pub(crate) fn snapshot(&self, epoch: ShortName) -> (Vec<Event>, Position) {
        self.log.snapshot(epoch, self.clock.now())
    }

    /// The events after a position of the same epoch, and the present position.
    ///
    /// # Errors
    /// If not all of them are known.
    pub(crate) fn after(&self, position: &Position) -> Result<(Vec<Event>, Position), Gap> {
        // A server alone has restarted: what was written in between is not in its log, and its clock may have been set back.
        if self.node.is_none() && !self.log.wrote(position) {
            return Err(Gap);
        }
        self.log.after(position, self.clock.now())
    }

    /// Takes in all entries of the feed. Must be called before anything else.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn begin(&self, store: &Store) -> Result<(), StoreError> {
        self.log.load();
        match &self.node {
            Some(node) => self.poll(node, store, None).await?,
            // Load expired entries as well: the clock may be wrong. The sweep removes them by the steady clock.
            None => self.take_in(&store.changes(Instant(0)).await?),
        }
        self.log.loaded(self.clock.now());
        Ok(())
    }

    /// Takes changes in, in the order of their making.
    pub fn take_in(&self, changes: &[Change]) {
        let now = self.steady.now();
        for change in changes {
            let understood = match change.kind {
                ChangeKind::Grant | ChangeKind::Generation | ChangeKind::Token => {
                    revocation(change).map(|revocation| self.revoked.add(revocation, now))
                }
                ChangeKind::Recall | ChangeKind::GrantsRecall => {
                    recall(change).map(|recall| self.revoked.recall(recall, change.expires, change.mark()))
                }
                ChangeKind::App
                | ChangeKind::User
                | ChangeKind::Membership
                | ChangeKind::Organization
                | ChangeKind::Resource => {
                    self.memory.evict(change);
                    Some(())
                }
                ChangeKind::Key => {
                    self.keys_changed.fetch_add(1, Ordering::SeqCst);
                    Some(())
                }
                // A word of a later version. Reading all keys and cached objects again covers everything that an entry can mean.
                ChangeKind::Unknown => {
                    self.memory.evict(change);
                    self.keys_changed.fetch_add(1, Ordering::SeqCst);
                    Some(())
                }
            };
            if understood.is_none() {
                tracing::error!(kind = %change.kind, "an entry of the feed is malformed");
            }
        }
        // Only now: whoever has read a position finds everything before it in memory.
        self.log.add(changes, self.clock.now());
        if self.node.is_some() {
            let mut marks = self.marks();
            changes.iter().for_each(|change| marks.advance(change));
        }
    }

    /// Reads the keys again if they have changed. They are marked as read only afterwards, because this future may be dropped
    /// at any point.
    async fn keep_keys(&self, store: &Store, keys: &Keys) -> Result<(), StoreError> {
        let changed = self.keys_changed.load(Ordering::SeqCst);
        if self.keys_read.load(Ordering::SeqCst) == changed {
            return Ok(());
        }
        let unread = |error: KeyError| StoreError::Unavailable(format!("the keys could not be read again: {error}"));
        keys.load(store).await.map_err(unread)?;
        // The longest life of an access token decides how long entries of the feed are kept.
        store.use_kept_longest_access().await?;
        self.keys_read.store(changed, Ordering::SeqCst);
        Ok(())
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The revocation in an entry about a grant or a token.
fn revocation(change: &Change) -> Option<Revocation> {
    let id: [u8; 16] = change.subject.as_slice().try_into().ok()?;
    let entry = match change.kind {
        ChangeKind::Generation => Entry::Generation(Uuid::from_bytes(id), u32::try_from(change.value).ok()?),
        ChangeKind::Token => Entry::Token(id),
        _ => Entry::Grant(Uuid::from_bytes(id)),
    };
    Some(Revocation {
        entry,
        until: change.expires,
        mark: change.mark(),
    })
}

/// The recall in an entry. The places of the entries that it replaced are not needed any more.
fn recall(change: &Change) -> Option<Recall> {
    let (ids, rest) = change.subject.as_chunks::<16>();
    let uuid = |bytes: &[u8; 16]| Uuid::from_bytes(*bytes);
    let mut before = vec![];
    let (recalled, folded) = match (change.kind, ids) {
        _ if !rest.is_empty() => return None,
        (ChangeKind::GrantsRecall, [user, app, last, ids @ ..]) => {
            let counts = usize::try_from(change.value).ok()?;
            let (spared, ids) = ids.split_at_checked(counts & 0xffff)?;
            let (marks, folded) = ids.split_at_checked(2 * (counts >> 16))?;
            before = marks.as_chunks::<2>().0.iter().filter_map(mark).collect();
            let recalled = Recalled::Grants {
                user: UserId(uuid(user)),
                app: AppId(uuid(app)),
                last: GrantId(uuid(last)),
                spared: spared.iter().map(|id| GrantId(uuid(id))).collect(),
            };
            (recalled, folded)
        }
        (ChangeKind::Recall, [owner, folded @ ..]) => {
            let (owner, issued_by) = (uuid(owner), Instant(change.value));
            (Recalled::Tokens { owner, issued_by }, folded)
        }
        _ => return None,
    };
    Some(Recall {
        recalled,
        folded: folded.iter().map(|id| (*id, change.mark())).collect(),
        before,
    })
}

fn mark([node, number]: &[[u8; 16]; 2]) -> Option<Mark> {
    let number = i64::try_from(i128::from_be_bytes(*number)).ok()?;
    Some(Mark { node: *node, number })
}
