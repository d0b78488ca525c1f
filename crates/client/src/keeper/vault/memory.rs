//! A vault in memory, for tests and for programs that can ask their users again after a restart.

use super::{
    Change, Connection, LeaseRequest, NEVER, Owner, Put, Row, SignIn, StoredEvent, Taken, Vault, VaultError,
    VaultFuture,
};
use crate::random;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The most sign-ins in flight.
const SIGN_INS: usize = 100_000;

/// Connections in the memory of this process. They are lost when it ends.
#[derive(Default)]
pub struct MemoryVault {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    connections: BTreeMap<Connection, Entry>,
    /// For each provider the connections with something to do, in the order of their time.
    due: HashMap<String, BTreeSet<(i64, Connection)>>,
    sign_ins: HashMap<[u8; 32], SignIn>,
    events: Vec<Event>,
}

struct Entry {
    row: Row,
    lease: Option<(Owner, Instant)>,
}

struct Event {
    stored: StoredEvent,
    taken_until: Option<Instant>,
}

impl MemoryVault {
    /// An empty vault.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn schedule(&mut self, connection: &Connection, from: i64, to: i64) {
        if !self.due.contains_key(connection.provider()) {
            self.due.insert(connection.provider().to_owned(), BTreeSet::new());
        }
        if let Some(due) = self.due.get_mut(connection.provider()) {
            due.remove(&(from, connection.clone()));
            if to != NEVER {
                due.insert((to, connection.clone()));
            }
        }
    }

    fn tell(&mut self, connection: &Connection, event: Option<super::NewEvent>) {
        let Some(event) = event else { return };
        self.events
            .retain(|old| old.stored.connection != *connection || old.stored.event.kind != event.kind);
        self.events.push(Event {
            stored: StoredEvent {
                id: random::bytes(),
                connection: connection.clone(),
                event,
                tries: 0,
            },
            taken_until: None,
        });
    }

    fn put(&mut self, put: Put) -> bool {
        let before = self.connections.get(&put.connection);
        if before.is_some() && !put.replace {
            return false;
        }
        let (fence, from) = before.map_or((0, NEVER), |entry| (entry.row.fence, entry.row.due_at));
        let row = Row {
            connection: put.connection.clone(),
            sealed: put.sealed,
            summary: put.summary,
            due_at: put.due_at,
            asked_at: None,
            fence: fence + 1,
        };
        self.schedule(&put.connection, from, put.due_at);
        self.tell(&put.connection, put.event);
        self.connections.insert(put.connection, Entry { row, lease: None });
        true
    }

    fn take(&mut self, connection: &Connection, lease: LeaseRequest) -> Taken {
        let Some(entry) = self.connections.get_mut(connection) else {
            return Taken::Missing;
        };
        let now = Instant::now();
        if entry
            .lease
            .is_some_and(|(owner, until)| owner != lease.owner && until > now)
        {
            return Taken::Held;
        }
        entry.lease = Some((lease.owner, now + lease.span));
        entry.row.fence += 1;
        let before = entry.row.clone();
        entry.row.asked_at = before.asked_at.or(Some(lease.asked_at));
        entry.row.due_at = lease.retry_at;
        self.schedule(connection, before.due_at, lease.retry_at);
        Taken::Leased(before)
    }

    fn claim(&mut self, provider: &str, due_by: i64, limit: usize, lease: LeaseRequest) -> Vec<Row> {
        let Some(due) = self.due.get(provider) else {
            return Vec::new();
        };
        let now = Instant::now();
        let free = |connection: &Connection| {
            let entry = self.connections.get(connection);
            entry.is_some_and(|entry| entry.lease.is_none_or(|(_, until)| until <= now))
        };
        let due = due.iter().take_while(|(at, _)| *at <= due_by);
        let due = due.filter(|(_, connection)| free(connection)).take(limit);
        let due: Vec<Connection> = due.map(|(_, connection)| connection.clone()).collect();
        let taken = due.iter().filter_map(|connection| match self.take(connection, lease) {
            Taken::Leased(row) => Some(row),
            Taken::Held | Taken::Missing => None,
        });
        taken.collect()
    }

    /// The entry whose last lease this is.
    fn leased(&mut self, connection: &Connection, fence: i64, owner: Owner) -> Option<&mut Entry> {
        let entry = self.connections.get_mut(connection)?;
        let holds = entry.row.fence == fence && entry.lease.is_some_and(|(holder, _)| holder == owner);
        holds.then_some(entry)
    }

    fn write(&mut self, change: Change) -> bool {
        let Some(entry) = self.leased(&change.connection, change.fence, change.owner) else {
            return false;
        };
        entry.lease = None;
        if let Some((sealed, summary)) = change.record {
            entry.row.sealed = sealed;
            entry.row.summary = summary;
        }
        entry.row.asked_at = change.asked_at;
        let from = std::mem::replace(&mut entry.row.due_at, change.due_at);
        self.schedule(&change.connection, from, change.due_at);
        self.tell(&change.connection, change.event);
        true
    }

    fn remove(&mut self, connection: &Connection, fence: i64, owner: Owner) -> bool {
        let Some(due_at) = self.leased(connection, fence, owner).map(|entry| entry.row.due_at) else {
            return false;
        };
        self.schedule(connection, due_at, NEVER);
        self.connections.remove(connection);
        self.events.retain(|event| event.stored.connection != *connection);
        true
    }
}

impl Vault for MemoryVault {
    fn read<'a>(&'a self, connection: &'a Connection) -> VaultFuture<'a, Option<Row>> {
        let found = self.lock().connections.get(connection).map(|entry| entry.row.clone());
        Box::pin(async move { Ok(found) })
    }

    fn put(&self, put: Put) -> VaultFuture<'_, bool> {
        Box::pin(async move { Ok(self.lock().put(put)) })
    }

    fn take<'a>(&'a self, connection: &'a Connection, lease: LeaseRequest) -> VaultFuture<'a, Taken> {
        Box::pin(async move { Ok(self.lock().take(connection, lease)) })
    }

    fn claim<'a>(
        &'a self,
        provider: &'a str,
        due_by: i64,
        limit: usize,
        lease: LeaseRequest,
    ) -> VaultFuture<'a, Vec<Row>> {
        Box::pin(async move { Ok(self.lock().claim(provider, due_by, limit, lease)) })
    }

    fn write(&self, change: Change) -> VaultFuture<'_, bool> {
        Box::pin(async move { Ok(self.lock().write(change)) })
    }

    fn remove<'a>(&'a self, connection: &'a Connection, fence: i64, owner: Owner) -> VaultFuture<'a, bool> {
        Box::pin(async move { Ok(self.lock().remove(connection, fence, owner)) })
    }

    fn list<'a>(
        &'a self,
        providers: Option<&'a BTreeSet<String>>,
        after: Option<&'a Connection>,
        limit: usize,
    ) -> VaultFuture<'a, Vec<Row>> {
        Box::pin(async move {
            let inner = self.lock();
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let listed = |name: &Connection| providers.is_none_or(|providers| providers.contains(name.provider()));
            let found = inner.connections.range((from, Bound::Unbounded));
            let found = found.filter(|(name, _)| listed(name)).take(limit);
            Ok(found.map(|(_, entry)| entry.row.clone()).collect())
        })
    }

    fn begin(&self, sign_in: SignIn, now: i64) -> VaultFuture<'_, ()> {
        Box::pin(async move {
            let mut inner = self.lock();
            inner.sign_ins.retain(|_, other| other.expires_at > now);
            if inner.sign_ins.len() >= SIGN_INS {
                return Err(VaultError::Full("too many sign-ins were begun".to_owned()));
            }
            inner.sign_ins.insert(sign_in.state, sign_in);
            Ok(())
        })
    }

    fn begun<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, Option<SignIn>> {
        Box::pin(async move { Ok(self.lock().sign_ins.get(state).cloned()) })
    }

    fn spend<'a>(&'a self, state: &'a [u8; 32]) -> VaultFuture<'a, bool> {
        Box::pin(async move { Ok(self.lock().sign_ins.remove(state).is_some()) })
    }

    fn next_event(&self, span: Duration) -> VaultFuture<'_, Option<StoredEvent>> {
        Box::pin(async move {
            let mut inner = self.lock();
            let now = Instant::now();
            let free = |event: &Event| event.taken_until.is_none_or(|until| until <= now);
            // What happened to a connection is told in order: while a reader has one event, the later ones wait.
            let mut before = BTreeSet::new();
            let next = inner
                .events
                .iter()
                .position(|event| before.insert(&event.stored.connection) && free(event));
            Ok(next.and_then(|next| inner.events.get_mut(next)).map(|event| {
                event.taken_until = Some(now + span);
                event.stored.clone()
            }))
        })
    }

    fn event_failed<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        Box::pin(async move {
            let mut inner = self.lock();
            let event = inner.events.iter_mut().find(|event| event.stored.id == *id);
            let Some(event) = event else { return Ok(false) };
            event.taken_until = Some(Instant::now() + span);
            event.stored.tries = event.stored.tries.saturating_add(1);
            Ok(true)
        })
    }

    fn event_done<'a>(&'a self, id: &'a [u8; 16]) -> VaultFuture<'a, ()> {
        Box::pin(async move {
            self.lock().events.retain(|event| event.stored.id != *id);
            Ok(())
        })
    }

    fn now(&self) -> VaultFuture<'_, Option<i64>> {
        Box::pin(async { Ok(None) })
    }

    fn skews(&self) -> VaultFuture<'_, Vec<(String, i64)>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn set_skew<'a>(&'a self, _: &'a str, _: i64) -> VaultFuture<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}
