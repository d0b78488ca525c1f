//! A vault in memory, for tests and for programs that can ask their users again after a restart.

use super::{
    Change, Connection, FIRST_FOR, LeaseRequest, NEVER, Owner, Put, Row, SignIn, StoredEvent, Taken, Vault, VaultError,
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
    /// The connections with something to do.
    due: Times,
    /// Those whose refresh token may have been sent, by when that was.
    asked: Times,
    sign_ins: HashMap<[u8; 32], SignIn>,
    events: Vec<Event>,
}

struct Entry {
    row: Row,
    lease: Option<(Owner, Instant)>,
}

/// For each provider its connections in the order of a time. Without one, they are not here.
#[derive(Default)]
struct Times(HashMap<String, BTreeSet<(i64, Connection)>>);

impl Times {
    fn of(&self, provider: &str) -> impl DoubleEndedIterator<Item = &(i64, Connection)> {
        self.0.get(provider).into_iter().flatten()
    }

    fn set(&mut self, connection: &Connection, from: i64, to: i64) {
        if !self.0.contains_key(connection.provider()) {
            self.0.insert(connection.provider().to_owned(), BTreeSet::new());
        }
        if let Some(times) = self.0.get_mut(connection.provider()) {
            times.remove(&(from, connection.clone()));
            if to != NEVER {
                times.insert((to, connection.clone()));
            }
        }
    }
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

    /// Ends every lease, as a clock that is set forward does.
    #[cfg(test)]
    pub(in crate::keeper) fn end_leases(&self) {
        for entry in self.lock().connections.values_mut() {
            entry.lease = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Moves a connection from its old times, `due_at` and `asked_at`, to the new ones.
    fn schedule(&mut self, connection: &Connection, from: (i64, Option<i64>), to: (i64, Option<i64>)) {
        self.due.set(connection, from.0, to.0);
        self.asked
            .set(connection, from.1.unwrap_or(NEVER), to.1.unwrap_or(NEVER));
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

    fn keep_event(&mut self, id: &[u8; 16], span: Duration, tries: u32) -> bool {
        let event = self.events.iter_mut().find(|event| event.stored.id == *id);
        let Some(event) = event else { return false };
        event.taken_until = Some(Instant::now() + span);
        event.stored.tries = event.stored.tries.saturating_add(tries);
        true
    }

    fn put(&mut self, put: Put) -> bool {
        let before = self.connections.get(&put.connection);
        if before.is_some() && !put.replace {
            return false;
        }
        let (fence, from) = before.map_or((0, (NEVER, None)), |entry| (entry.row.fence, entry.row.times()));
        let row = Row {
            connection: put.connection.clone(),
            sealed: put.sealed,
            summary: put.summary,
            due_at: put.due_at,
            asked_at: None,
            fence: fence + 1,
        };
        self.schedule(&put.connection, from, row.times());
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
        let after = entry.row.times();
        self.schedule(connection, before.times(), after);
        Taken::Leased(before)
    }

    fn claim(&mut self, provider: &str, due_by: i64, limit: usize, lease: LeaseRequest) -> Vec<Row> {
        let now = Instant::now();
        let first_from = lease.asked_at.saturating_sub(FIRST_FOR);
        let free = |connection: &Connection| {
            let entry = self.connections.get(connection);
            entry.filter(|entry| entry.lease.is_none_or(|(_, until)| until <= now))
        };
        let is_first = |row: &Row| row.asked_at.is_some_and(|at| at >= first_from);
        let lately = self.asked.of(provider).rev().take_while(|(at, _)| *at >= first_from);
        let lately = lately.filter(|(_, connection)| free(connection).is_some_and(|entry| entry.row.due_at <= due_by));
        let first: Vec<&(i64, Connection)> = lately.collect();
        let due = self.due.of(provider).take_while(|(at, _)| *at <= due_by);
        let due = due.filter(|(_, connection)| free(connection).is_some_and(|entry| !is_first(&entry.row)));
        let due = first.into_iter().rev().chain(due).take(limit);
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
        let from = entry.row.times();
        (entry.row.due_at, entry.row.asked_at) = (change.due_at, change.asked_at);
        let to = entry.row.times();
        self.schedule(&change.connection, from, to);
        self.tell(&change.connection, change.event);
        true
    }

    fn remove(&mut self, connection: &Connection, fence: i64, owner: Owner) -> bool {
        let Some(from) = self.leased(connection, fence, owner).map(|entry| entry.row.times()) else {
            return false;
        };
        self.schedule(connection, from, (NEVER, None));
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

    /// Nothing but this version writes here.
    fn remove_unknown<'a>(&'a self, _: &'a Connection) -> VaultFuture<'a, bool> {
        Box::pin(async { Ok(false) })
    }

    fn count_unknown(&self) -> VaultFuture<'_, usize> {
        Box::pin(async { Ok(0) })
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
        Box::pin(async move { Ok(self.lock().keep_event(id, span, 1)) })
    }

    fn event_kept<'a>(&'a self, id: &'a [u8; 16], span: Duration) -> VaultFuture<'a, bool> {
        Box::pin(async move { Ok(self.lock().keep_event(id, span, 0)) })
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
