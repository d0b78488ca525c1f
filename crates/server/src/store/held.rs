//! Works for which another server's transaction has locked something: they wait apart from the queue, and hold up nobody else.
//!
//! Commits of other servers take milliseconds, and are waited for. One whose commit hangs, since its way to the database does,
//! keeps its locks for as long: a commit here would wait with all that it holds.

use super::StoreError;
use super::batch::{Job, plan};
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// How long after one attempt the next one is made.
const AGAIN: Duration = Duration::from_millis(50);
/// How long somebody waits for another's lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many works may wait so.
const MOST: usize = 2_048;

/// A work that does not wait, and why.
pub(super) type Refused<R> = (Job<R>, StoreError);

/// Those works, in the order in which they came.
#[derive(Debug)]
pub(super) struct Held<R> {
    jobs: VecDeque<Job<R>>,
    tried: Option<Instant>,
    told: Option<Instant>,
}

impl<R> Default for Held<R> {
    fn default() -> Self {
        Self {
            jobs: VecDeque::new(),
            tried: None,
            told: None,
        }
    }
}

impl<R> Held<R> {
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// How long they rest before they are tried again; zero where there are none.
    pub(super) fn rest(&self, now: Instant) -> Duration {
        let rested = self.tried.map(|tried| now.duration_since(tried));
        let rest = rested.map_or(Duration::ZERO, |rested| AGAIN.saturating_sub(rested));
        if self.is_empty() { Duration::ZERO } else { rest }
    }

    /// Something was let go: what waits behind it need not rest.
    pub(super) fn wake(&mut self) {
        self.tried = None;
    }

    /// Has a work wait from `now` on, or go on waiting. One that has waited for too long, or finds no room, is given back.
    pub(super) fn hold(&mut self, mut job: Job<R>, now: Instant) -> Option<Refused<R>> {
        let since = *job.held.get_or_insert(now);
        if now.duration_since(since) >= PATIENCE || self.jobs.len() >= MOST {
            self.tell(now);
            let reason = "another session of the database has locked what this changes";
            return Some((job, StoreError::Unavailable(reason.to_owned())));
        }
        // What was tried before keeps its place before what came later for the same grant.
        match since == now {
            true => self.jobs.push_back(job),
            false => self.jobs.push_front(job),
        }
        None
    }

    /// Tells the log, not more often than anybody waits.
    fn tell(&mut self, now: Instant) {
        if self.told.is_none_or(|told| now.duration_since(told) >= PATIENCE) {
            self.told = Some(now);
            tracing::warn!("another session of the database keeps rows locked: what was to change them is refused");
        }
    }

    /// Takes out of what waits that which changes the same grants: it would meet the same locks. What finds no room is given
    /// back.
    pub(super) fn take_from(&mut self, waiting: &mut VecDeque<Job<R>>, now: Instant) -> Vec<Refused<R>> {
        let mut refused = Vec::new();
        if self.is_empty() {
            return refused;
        }
        let grants: HashSet<_> = self.jobs.iter().filter_map(|job| job.work.grant()).collect();
        for job in std::mem::take(waiting) {
            match job.work.grant() {
                Some(id) if grants.contains(&id) => refused.extend(self.hold(job, now)),
                _ => waiting.push_back(job),
            }
        }
        refused
    }

    /// Up to `limit` of them, to be tried at `now`.
    pub(super) fn next(&mut self, limit: usize, now: Instant) -> Vec<Job<R>> {
        self.tried = Some(now);
        plan(&mut self.jobs, limit)
    }

    /// All of them.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Job<R>> {
        self.jobs.drain(..)
    }
}
