//! A database in memory whose commits can fail, and a queue before it.

use super::shuttled::{self, BatchWriter, Committed, Queue, Shared};
use crate::store::engine::writer::work::{Applied, End, Locks, Outcome, RotationOutcome, Use, Work};
use crate::store::model::{
    ActsAs, AppId, Change, ChangeKind, EndReason, Grant, GrantId, GrantState, OrganizationId, Rotate, UserId,
};
use crate::store::tests::{NOW, grant_id, uuid};
use crate::store::{Result, StoreError};
use crate::time::Instant;
use futures_util::FutureExt as _;
use shuttle::future::block_on;
use shuttle::rand::{Rng as _, thread_rng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// What can go wrong in a commit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Faults {
    None,
    /// Now and then it fails, with nothing done or with all of it, and the feed cannot be read.
    Errors,
    /// It panics now and then.
    Panics,
    /// Another server has locked what a work changes, now and then.
    Locks,
}

/// A database in memory, and everything that was committed to it.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) generations: BTreeMap<GrantId, u32>,
    pub(super) ended: BTreeSet<GrantId>,
    pub(super) feed: Vec<Change>,
    pub(super) uses: Vec<Use>,
    /// Every work that was done, in order, and how many commits there were.
    pub(super) done: Vec<Work>,
    pub(super) commits: usize,
}

#[derive(Clone)]
pub(super) struct Memory {
    pub(super) rows: Arc<Mutex<Rows>>,
    pub(super) faults: Faults,
}

/// A queue with its engine, and what the listener was told.
pub(super) struct World {
    pub(super) queue: Queue,
    pub(super) memory: Memory,
    pub(super) shared: Arc<Shared>,
    pub(super) told: Arc<Mutex<BTreeSet<Vec<u8>>>>,
}

impl World {
    pub(super) fn new(faults: Faults) -> Self {
        let (shared, rows) = (Arc::<Shared>::default(), Arc::default());
        let memory = Memory { rows, faults };
        let told = Arc::<Mutex<BTreeSet<Vec<u8>>>>::default();
        let listener = Arc::clone(&told);
        let _ = shared.listener.set(Box::new(move |changes| {
            let subjects = changes.iter().map(|change| change.subject.clone());
            listener.lock().unwrap().extend(subjects);
        }));
        let queue = shuttled::start(memory.clone(), Arc::clone(&shared)).unwrap();
        Self {
            queue,
            memory,
            shared,
            told,
        }
    }

    pub(super) fn change(&self, work: Work) -> Result<Outcome> {
        block_on(self.queue.change(work))
    }

    /// Somebody asks for work, and does not wait for it.
    pub(super) fn send(&self, work: Work) {
        let _ = self.queue.change(work).now_or_never();
    }

    pub(super) fn end(&self, id: u128) -> Result<Outcome> {
        self.change(end(id, 0))
    }

    pub(super) fn knows_the_end_of(&self, id: u128) -> bool {
        self.told.lock().unwrap().contains(uuid(id).as_bytes().as_slice())
    }

    /// Lets `each` run in so many threads, waits for them, and has the queue end; what is left.
    pub(super) fn run(self, threads: usize, each: impl Fn(&Self, usize) + Send + Sync + 'static) -> Memory {
        let (world, each) = (Arc::new(self), Arc::new(each));
        let spawn = |thread| {
            let (world, each) = (Arc::clone(&world), Arc::clone(&each));
            shuttle::thread::spawn(move || each(&world, thread))
        };
        for thread in (0..threads).map(spawn).collect::<Vec<_>>() {
            thread.join().unwrap();
        }
        let world = Arc::into_inner(world).expect("all threads have ended");
        drop(world.queue);
        world.memory
    }
}

impl Memory {
    pub(super) fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap()
    }

    pub(super) fn generation(&self, id: u128) -> u32 {
        self.rows().generations.get(&grant_id(id)).copied().unwrap_or(1)
    }

    pub(super) fn happens(&self, faults: Faults) -> bool {
        self.faults == faults && thread_rng().gen_ratio(1, 3)
    }
}

impl BatchWriter for Memory {
    fn commit(&mut self, works: &[&Work], _: Locks) -> Result<Committed> {
        shuttle::thread::yield_now();
        assert!(!self.happens(Faults::Panics), "a test asked for it");
        if self.happens(Faults::Errors) {
            return Err(away());
        }
        let mut rows = self.rows();
        let known = rows.feed.len();
        let of: Vec<GrantId> = works.iter().filter_map(|work| grant_of(work)).collect();
        assert_eq!(
            of.iter().collect::<BTreeSet<_>>().len(),
            of.len(),
            "two changes of a grant"
        );
        let answer = |work: &&Work| match self.happens(Faults::Locks) {
            true => Ok(Applied::Locked),
            false => Ok(Applied::Whole(rows.apply(work))),
        };
        let answers = works.iter().map(answer).collect();
        rows.commits += 1;
        let changes = rows.feed[known..].to_vec();
        drop(rows);
        shuttle::thread::yield_now();
        if self.happens(Faults::Errors) {
            return Err(away());
        }
        let left = None;
        Ok(Committed { answers, changes, left })
    }

    fn untold(&mut self) -> Result<Vec<Change>> {
        if self.happens(Faults::Errors) {
            return Err(away());
        }
        Ok(self.rows().feed.clone())
    }
}

impl Rows {
    fn apply(&mut self, work: &Work) -> Outcome {
        self.done.push(work.clone());
        match work {
            Work::Rotate(rotate) => {
                let generation = self.generations.entry(rotate.id).or_insert(1);
                if *generation != rotate.expect {
                    return Outcome::Rotated(RotationOutcome::Found(Box::new(grant(rotate.id, *generation))));
                }
                *generation += 1;
                let (by, own) = (*rotate, true);
                Outcome::Rotated(RotationOutcome::Made { by, own })
            }
            Work::End(end, _) => {
                let first = self.ended.insert(end.id);
                if first {
                    self.feed.push(change(end.id));
                }
                Outcome::Ended(first)
            }
            Work::Uses(uses) => {
                self.uses.extend(uses);
                Outcome::Noted
            }
            _ => Outcome::Noted,
        }
    }
}

pub(super) fn away() -> StoreError {
    StoreError::Unavailable("away".to_owned())
}

pub(super) fn grant_of(work: &Work) -> Option<GrantId> {
    match work {
        Work::Rotate(rotate) => Some(rotate.id),
        Work::End(end, _) => Some(end.id),
        _ => None,
    }
}

pub(super) fn end(id: u128, number: i64) -> Work {
    let end = End {
        id: grant_id(id),
        reason: EndReason::ByPerson,
        now: Instant(number),
        generation: None,
    };
    Work::End(end, None)
}

pub(super) fn rotate(id: u128, presented: u32, expect: u32) -> Work {
    Work::Rotate(Rotate {
        id: grant_id(id),
        presented,
        expect,
        expect_previous: None,
        now: NOW,
        expires: None,
        key: 1,
        repeats: 0,
        source: [0; 8],
    })
}

fn change(id: GrantId) -> Change {
    Change {
        node: [0; 16],
        number: 1,
        at: NOW,
        expires: NOW,
        kind: ChangeKind::Grant,
        subject: id.0.as_bytes().to_vec(),
        value: 0,
    }
}

fn grant(id: GrantId, generation: u32) -> Grant {
    Grant {
        acts_as: ActsAs::Person,
        id,
        app: AppId(uuid(100)),
        user: UserId(uuid(200)),
        organization: OrganizationId(uuid(300)),
        state: GrantState::Active,
        scopes: hallpass_wire::Scopes::default(),
        redirect_uri: None,
        code_challenge: None,
        salt: [0; 16],
        key: 1,
        previous_key: None,
        generation,
        previous: None,
        confirmed: false,
        rotated_at: NOW,
        created: NOW,
        code_expires: NOW,
        expires: None,
        ends: None,
        last_used: None,
        ended_at: None,
        reason: None,
        repeats: 0,
        source: None,
        unknown: None,
    }
}
