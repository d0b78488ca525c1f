//! Works that met a lock of another session. They wait apart from the queue and delay no other work.
//!
//! Commits of other servers take milliseconds, and a commit here waits for them. If another server loses its way to the
//! database during a commit, that commit hangs and keeps its locks; a commit here that waited for it would delay every
//! work in it (decision 67).

use super::batch::{Job, Since, plan};
use super::work::Work;
use crate::store::StoreError;
use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// How long a work waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many works may wait for locks.
const MOST: usize = 1_024;
/// How many of the works that are tried one by one are tried in one attempt.
const SINGLES: usize = 16;

/// A work that is refused, and the error.
pub(crate) type Refused<R> = (Job<R>, StoreError);

/// The works that wait for locks, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Held<R> {
    jobs: VecDeque<Job<R>>,
    /// How many works have ever waited here; each gets its number from it.
    count: u64,
    /// The number of the work that was tried last of those that are tried one by one.
    turn: u64,
    /// The pause between two attempts.
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

    /// How long the pause still lasts.
    pub(crate) fn rest(&self, now: Instant) -> Duration {
        let rested = self.tried.map(|tried| now.duration_since(tried));
        rested.map_or(Duration::ZERO, |rested| self.again.saturating_sub(rested))
    }

    /// Whether works wait and the pause is over.
    pub(crate) fn are_due(&self, now: Instant) -> bool {
        !self.is_empty() && self.rest(now).is_zero()
    }

    /// Puts a work here, at its rank if it was here before. Gives it back, with an error, if it has waited for too
    /// long or there is no room.
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

    fn put(&mut self, job: Job<R>) {
        let place = self.jobs.partition_point(|other| number(other) < number(&job));
        self.jobs.insert(place, job);
    }

    fn refused(&mut self, job: Job<R>, now: Instant) -> Refused<R> {
        // Not more often than anybody waits.
        if self.told.is_none_or(|told| now.duration_since(told) >= PATIENCE) {
            self.told = Some(now);
            tracing::warn!("another database session keeps rows locked: changes of these rows are refused");
        }
        let reason = "another database session keeps the row locked";
        (job, StoreError::Unavailable(reason.to_owned()))
    }

    /// Takes out the works that have waited for too long.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<Refused<R>> {
        let since = |job: &Job<R>| job.held.is_some_and(|since| now.duration_since(since.at) >= PATIENCE);
        // They stand in the order in which they began to wait.
        let count = self.jobs.partition_point(since);
        let expired: Vec<_> = self.jobs.drain(..count).collect();
        expired.into_iter().map(|job| self.refused(job, now)).collect()
    }

    /// Moves here the works of `waiting` that change the same grants: they would meet the same locks. Gives back
    /// those for which there is no room.
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

    /// Takes out the works to try now, as batches. Changes of single grants form one batch, since the database can
    /// say which of them are locked. Any other work is a batch of its own, a few in each attempt.
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

    /// Begins the pause. If a lock was freed there is none: the works behind it may be free too.
    pub(crate) fn tried(&mut self, now: Instant, freed: bool) {
        self.tried = Some(now).filter(|_| !freed);
    }

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

/// Whether the work changes one existing row.
fn is_of_a_row(work: &Work) -> bool {
    work.grant().is_some() && !matches!(work, Work::Insert(..))
}
