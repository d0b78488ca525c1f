//! The last events that this server took in, for APIs that follow the feed over HTTP (docs/decisions/0084).
//!
//! An event is logged only after memory reflects it. So an answer that was computed after its position was read is newer than
//! every event of that position.
//!
//! A reader may ask another server than the last time. The count of one server says nothing at another, so a position also has
//! the last number of each run that wrote an event lately. For a run that is not named, time decides: a server that answers
//! knows everything that was committed two seconds before. In doubt an event is told again, which costs a reader one question.

use super::position::{EventId, Position, RUNS, ShortName};
use crate::random;
use crate::store::model::{Change, ChangeKind};
use crate::time::Instant;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// The number of events that are kept. A reader that missed more begins again.
const EVENTS: usize = 4_096;
/// How long a position names a run after its last event.
const NAMED: Duration = Duration::from_secs(60);
/// How far the moments of two servers may be apart: more than the staleness of memory and the error of their clocks. A snapshot
/// has the events of this time, because an answer may be as old.
pub(super) const OVERLAP: Duration = Duration::from_secs(10);

/// The object of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Subject {
    /// Everything.
    All,
    /// A grant.
    Grant(Uuid),
    /// A generation of a grant.
    Generation(Uuid, u32),
    /// A token, by its serial.
    Token([u8; 16]),
    /// All tokens of an owner up to a moment: an app, or a grant.
    Owner(Uuid),
    /// A person.
    Person(Uuid),
    /// A person in an organization.
    Member(Uuid, Uuid),
    /// The owners of an organization.
    Owners(Uuid),
    /// An app.
    App(Uuid),
    /// An organization.
    Organization(Uuid),
    /// The resource with this identifier.
    Resource(String),
    /// A key.
    Key(u32),
}

/// Something that ended or changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// Its place in its run. `None` if no entry of the feed says it.
    pub(crate) id: Option<EventId>,
    /// Whether memory reflects it already when a position covers it. Keys are read a moment later.
    pub(crate) reflected: bool,
    /// Its object.
    pub(crate) subject: Subject,
}

/// The server does not know everything that happened after the position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gap;

/// The log.
pub(crate) struct Log {
    server: ShortName,
    kept: Mutex<Kept>,
    /// The number of events so far.
    count: watch::Sender<u64>,
}

struct Kept {
    events: VecDeque<Logged>,
    count: u64,
    /// Every event since this moment is kept.
    complete_since: Instant,
    /// Whether the entries that the database has are being taken in, at the start.
    loading: bool,
    runs: Vec<(EventId, Instant)>,
}

struct Logged {
    event: Event,
    at: Instant,
}

impl Log {
    /// An empty log, which begins at this moment.
    pub(super) fn begin(now: Instant) -> Self {
        Self {
            server: ShortName::of(random::bytes()),
            kept: Mutex::new(Kept {
                events: VecDeque::new(),
                count: 0,
                complete_since: now,
                loading: false,
                runs: Vec::new(),
            }),
            count: watch::Sender::new(0),
        }
    }

    /// Logs changes that memory reflects.
    pub(super) fn add(&self, changes: &[Change], now: Instant) {
        let mut kept = self.lock();
        for change in changes {
            kept.add_change(change, now);
        }
        self.tell(kept);
    }

    /// Logs that anything may have changed.
    pub(super) fn add_all(&self, now: Instant) {
        let mut kept = self.lock();
        let subject = Subject::All;
        kept.add(
            Event {
                id: None,
                reflected: false,
                subject,
            },
            now,
        );
        self.tell(kept);
    }

    /// The entries that are added until [`Self::loaded`] were written earlier, by this server or others.
    pub(super) fn load(&self) {
        self.lock().loading = true;
    }

    /// Memory reflects all entries that the database has. The last ones are logged: a reader of another server may have to know
    /// them.
    pub(super) fn loaded(&self, now: Instant) {
        let mut kept = self.lock();
        kept.loading = false;
        // Unless more were dropped.
        kept.complete_since = match kept.events.len() < EVENTS {
            true => now.before(OVERLAP),
            false => now,
        };
    }

    /// The present position.
    pub(super) fn position(&self, epoch: ShortName, now: Instant) -> Position {
        self.lock().position(self.server, epoch, now)
    }

    /// The events of the last seconds, and the present position. If the log does not know all of them, anything may have ended.
    pub(super) fn snapshot(&self, epoch: ShortName, now: Instant) -> (Vec<Event>, Position) {
        let kept = self.lock();
        let since = now.before(OVERLAP);
        let events = kept.events.iter().filter(|logged| logged.at >= since);
        let mut events: Vec<Event> = events.map(|logged| logged.event.clone()).collect();
        if kept.complete_since > since {
            events.push(Event {
                id: None,
                reflected: false,
                subject: Subject::All,
            });
        }
        (events, kept.position(self.server, epoch, now))
    }

    /// The events after a position, and the present one. The caller compares the epochs.
    ///
    /// # Errors
    /// If not all of them are known.
    pub(super) fn after(&self, position: &Position, now: Instant) -> Result<(Vec<Event>, Position), Gap> {
        let kept = self.lock();
        let events = match self.wrote(position) {
            true => kept.after_count(position.count)?,
            // A moment from a clock that was ahead says nothing.
            false if position.at > now.after(OVERLAP) => return Err(Gap),
            false => kept.after_position(position)?,
        };
        Ok((events, kept.position(self.server, position.epoch, now)))
    }

    /// Whether this server gave the position.
    pub(super) fn wrote(&self, position: &Position) -> bool {
        position.server == self.server
    }

    /// Resolves when an event is logged after this call.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }

    fn tell(&self, kept: MutexGuard<'_, Kept>) {
        let count = kept.count;
        drop(kept);
        self.count.send_if_modified(|told| {
            let more = *told < count;
            *told = count.max(*told);
            more
        });
    }

    /// A poisoned lock is usable: nothing panics while it is held.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add_change(&mut self, change: &Change, now: Instant) {
        let id = EventId {
            run: ShortName::of(change.node),
            number: change.number.max(0).unsigned_abs(),
        };
        match self.runs.iter_mut().find(|(last, _)| last.run == id.run) {
            // The feed and the writer may both report an entry of this server.
            Some((last, _)) if last.number >= id.number => return,
            Some(last) => *last = (id, now),
            None => {
                self.runs.retain(|(_, at)| now.since(*at) < NAMED);
                if self.runs.len() >= RUNS {
                    let oldest = (0..).zip(&self.runs).min_by_key(|(_, (_, at))| *at);
                    let oldest = oldest.map(|(place, _)| place);
                    oldest.map(|place| self.runs.swap_remove(place));
                }
                self.runs.push((id, now));
            }
        }
        let subject = subject(change);
        let reflected = !matches!(subject, Subject::Key(_) | Subject::All);
        let id = Some(id);
        let at = match self.loading {
            true if change.at < now.before(2 * OVERLAP) => return,
            // The clock may have been set back since then.
            true => change.at.min(now),
            false => now,
        };
        self.add(Event { id, reflected, subject }, at);
    }

    fn add(&mut self, event: Event, now: Instant) {
        if self.events.len() >= EVENTS
            && let Some(dropped) = self.events.pop_front()
        {
            self.complete_since = self.complete_since.max(dropped.at);
        }
        self.events.push_back(Logged { event, at: now });
        self.count += 1;
    }

    fn position(&self, server: ShortName, epoch: ShortName, now: Instant) -> Position {
        let recent = self.runs.iter().filter(|(_, at)| now.since(*at) < NAMED);
        Position {
            epoch,
            server,
            count: self.count,
            at: now.max(Instant(0)),
            runs: recent.map(|(id, _)| *id).collect(),
        }
    }

    fn after_count(&self, count: u64) -> Result<Vec<Event>, Gap> {
        let missed = self.count.checked_sub(count).ok_or(Gap)?;
        let missed = usize::try_from(missed).map_err(|_| Gap)?;
        let first = self.events.len().checked_sub(missed).ok_or(Gap)?;
        Ok(self.events.range(first..).map(|logged| logged.event.clone()).collect())
    }

    fn after_position(&self, position: &Position) -> Result<Vec<Event>, Gap> {
        let since = position.at.before(OVERLAP);
        if since <= self.complete_since {
            return Err(Gap);
        }
        let is_new = |logged: &&Logged| {
            let known = logged.event.id.and_then(|id| position.covers(id));
            known.map_or(logged.at > since, |known| !known)
        };
        let events = self.events.iter().filter(is_new);
        Ok(events.map(|logged| logged.event.clone()).collect())
    }
}

/// What a change is about. A change that cannot be read may be about anything.
fn subject(change: &Change) -> Subject {
    let (ids, _) = change.subject.as_chunks::<16>();
    let uuid = |id: &[u8; 16]| Uuid::from_bytes(*id);
    match (change.kind, ids) {
        (ChangeKind::Grant, [grant]) => Subject::Grant(uuid(grant)),
        (ChangeKind::Generation, [grant]) => match u32::try_from(change.value) {
            Ok(generation) => Subject::Generation(uuid(grant), generation),
            Err(_) => Subject::Grant(uuid(grant)),
        },
        (ChangeKind::Token, [serial]) => Subject::Token(*serial),
        (ChangeKind::Recall, [owner, ..]) => Subject::Owner(uuid(owner)),
        (ChangeKind::GrantsRecall | ChangeKind::User, [user, ..]) => Subject::Person(uuid(user)),
        (ChangeKind::App, [app]) => Subject::App(uuid(app)),
        (ChangeKind::Membership, [user, organization]) => Subject::Member(uuid(user), uuid(organization)),
        (ChangeKind::Organization, [organization]) => Subject::Organization(uuid(organization)),
        (ChangeKind::Resource, _) => match String::from_utf8(change.subject.clone()) {
            Ok(identifier) => Subject::Resource(identifier),
            Err(_) => Subject::All,
        },
        (ChangeKind::Key, _) => u32::try_from(change.value).map_or(Subject::All, Subject::Key),
        _ => Subject::All,
    }
}

#[cfg(test)]
mod tests;
