//! Works for which another server's transaction has locked something: they wait apart from the queue, and hold up nobody else.
//!
//! Commits of other servers take milliseconds, and are waited for. One whose commit hangs, since its way to the database does,
//! keeps its locks for as long: a commit here would wait with all that it holds (decision 67).

use super::batch::{Job, Since, plan};
use super::work::Work;
use crate::store::StoreError;
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// How long somebody waits for another's lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many works may wait so.
const MOST: usize = 1_024;
/// How many of those that are tried one by one have their turn in one attempt.
const SINGLES: usize = 16;

/// A work that does not wait, and why.
pub(crate) type Refused<R> = (Job<R>, StoreError);

/// Those works, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Held<R> {
    jobs: VecDeque<Job<R>>,
    /// How many there have been.
    count: u64,
    /// Which of those that are tried one by one had its turn last.
    turn: u64,
    /// How long after one attempt the next one is made.
    again: Duration,
    tried: Option<Instant>,
    told: Option<Instant>,
}

impl<R> Held<R> {
    pub(crate) fn new(again: Duration) -> Self {
        Self {
            jobs: VecDeque::new(),
            count: 0,
            turn: 0,
            again,
            tried: None,
            told: None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// How long they rest before they are tried again.
    pub(crate) fn rest(&self, now: Instant) -> Duration {
        let rested = self.tried.map(|tried| now.duration_since(tried));
        rested.map_or(Duration::ZERO, |rested| self.again.saturating_sub(rested))
    }

    /// Whether some are to be tried now.
    pub(crate) fn are_due(&self, now: Instant) -> bool {
        !self.is_empty() && self.rest(now).is_zero()
    }

    /// Has a work wait from `now` on, or go on waiting, at its place. One that has waited for too long, or finds no room, is
    /// given back.
    pub(crate) fn hold(&mut self, mut job: Job<R>, now: Instant) -> Option<Refused<R>> {
        let since = *job.held.get_or_insert_with(|| {
            self.count += 1;
            let number = self.count;
            Since { at: now, number }
        });
        if now.duration_since(since.at) >= PATIENCE || self.jobs.len() >= MOST {
            return Some(self.refused(job, now));
        }
        self.put(job);
        None
    }

    /// Puts a work at its place.
    fn put(&mut self, job: Job<R>) {
        let place = self.jobs.partition_point(|other| number(other) < number(&job));
        self.jobs.insert(place, job);
    }

    fn refused(&mut self, job: Job<R>, now: Instant) -> Refused<R> {
        // Not more often than anybody waits.
        if self.told.is_none_or(|told| now.duration_since(told) >= PATIENCE) {
            self.told = Some(now);
            tracing::warn!("another session of the database keeps rows locked: what was to change them is refused");
        }
        let reason = "another session of the database has locked what this changes";
        (job, StoreError::Unavailable(reason.to_owned()))
    }

    /// Those that have waited for too long.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<Refused<R>> {
        let since = |job: &Job<R>| job.held.is_some_and(|since| now.duration_since(since.at) >= PATIENCE);
        // They stand in the order in which they began to wait.
        let count = self.jobs.partition_point(since);
        let expired: Vec<_> = self.jobs.drain(..count).collect();
        expired.into_iter().map(|job| self.refused(job, now)).collect()
    }

    /// Takes out of what waits that which changes the same grants: it would meet the same locks. What finds no room is given
    /// back.
    pub(crate) fn take_from(&mut self, waiting: &mut VecDeque<Job<R>>, now: Instant) -> Vec<Refused<R>> {
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

    /// Takes out what is to be tried now, as batches: changes of grants together, of which the database says which are locked;
    /// anything else by itself, some in each attempt.
    pub(crate) fn next(&mut self) -> Vec<Vec<Job<R>>> {
        let (together, alone): (VecDeque<_>, VecDeque<_>) = self.jobs.drain(..).partition(|job| is_of_a_row(&job.work));
        self.jobs = together;
        let mut batches = vec![plan(&mut self.jobs, MOST)];
        let (after, before): (VecDeque<_>, VecDeque<_>) = alone.into_iter().partition(|job| number(job) > self.turn);
        for job in after.into_iter().chain(before) {
            if batches.len() > SINGLES {
                self.put(job);
            } else {
                self.turn = number(&job);
                batches.push(vec![job]);
            }
        }
        batches.retain(|batch| !batch.is_empty());
        batches
    }

    /// They rest from `now` on; where one was let go, those behind it need not.
    pub(crate) fn tried(&mut self, now: Instant, freed: bool) {
        self.tried = Some(now).filter(|_| !freed);
    }

    /// All of them.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Job<R>> {
        self.jobs.drain(..)
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }
}

fn number<R>(job: &Job<R>) -> u64 {
    job.held.map_or(u64::MAX, |since| since.number)
}

/// Whether it changes one row that is there.
fn is_of_a_row(work: &Work) -> bool {
    work.grant().is_some() && !matches!(work, Work::Insert(..))
}
