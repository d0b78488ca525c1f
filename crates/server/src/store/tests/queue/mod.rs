//! The queue before the writer, in many orders of its threads (decision 19).
//!
//! `queue.rs` is compiled a second time here, on shuttle's channel and threads, which run one at a time and change places at
//! random wherever they meet. The engine is a small one in memory whose commits can fail. A failure names its schedule,
//! which `shuttle::replay` runs again. Time does not pass: that uses are written where nothing else is, other tests show.

mod world;

use super::{NOW, grant_id};
use crate::store::engine::writer::work::{Outcome, RotationOutcome, Use, Used};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use world::{Faults, World, away, end, grant_of, rotate};

#[expect(clippy::duplicate_mod, reason = "once on the machine's threads, once on shuttle's")]
#[allow(dead_code, reason = "what only a real engine asks for")]
#[path = "../../engine/writer/queue.rs"]
mod shuttled;

/// What that copy stands on.
mod threads {
    pub(super) use shuttle::sync::mpsc;
    pub(super) use shuttle::thread;

    pub(super) const REST: std::time::Duration = std::time::Duration::ZERO;

    pub(super) fn rest(_: std::time::Duration) {
        thread::yield_now();
    }

    /// What has come: time does not pass.
    pub(super) fn receive<T>(
        arriving: &mpsc::Receiver<T>,
        _: std::time::Duration,
    ) -> Result<T, mpsc::RecvTimeoutError> {
        thread::yield_now();
        arriving.try_recv().map_err(|error| match error {
            mpsc::TryRecvError::Empty => mpsc::RecvTimeoutError::Timeout,
            mpsc::TryRecvError::Disconnected => mpsc::RecvTimeoutError::Disconnected,
        })
    }
}

/// How many orders each test tries.
const ORDERS: usize = 500;

#[test]
fn of_the_same_rotation_one_makes_the_change_and_all_hear_of_it() {
    tried(|| {
        let memory = World::new(Faults::None).run(4, |world, thread| {
            // The last one comes with another token.
            let presented = if thread == 3 { 0 } else { 1 };
            match world.change(rotate(1, presented, 1)).unwrap() {
                Outcome::Rotated(rotation) => {
                    match rotation {
                        RotationOutcome::Made { by, .. } => assert_eq!((by.presented, by.expect), (presented, 1)),
                        RotationOutcome::Found(grant) => assert_eq!(grant.generation, 2),
                    }
                    assert_eq!(world.memory.generation(1), 2, "after its commit");
                }
                outcome => panic!("{outcome:?}"),
            }
        });
        assert_eq!(memory.generation(1), 2);
    });
}

#[test]
fn exactly_one_of_many_is_told_that_it_changed_the_grant() {
    tried(|| {
        let winners = Arc::new(Mutex::new(0));
        let count = Arc::clone(&winners);
        let memory = World::new(Faults::None).run(3, move |world, _| {
            for generation in 1..=2 {
                if let Outcome::Rotated(RotationOutcome::Made { own: true, .. }) =
                    world.change(rotate(1, generation, generation)).unwrap()
                {
                    *count.lock().unwrap() += 1;
                }
            }
        });
        assert_eq!((*winners.lock().unwrap(), memory.generation(1)), (2, 3));
    });
}

#[test]
fn what_is_locked_is_done_when_it_is_free_and_in_the_order_in_which_it_came() {
    tried(|| {
        let memory = World::new(Faults::Locks).run(3, |world, thread| {
            let id = 1 + thread as u128 % 2;
            // Nobody waits for the first.
            world.send(end(id, thread as i64));
            assert!(matches!(
                world.change(end(id, 10 + thread as i64)),
                Ok(Outcome::Ended(_))
            ));
            assert!(world.knows_the_end_of(id));
        });
        let rows = memory.rows();
        let numbers: Vec<i64> = rows.done.iter().filter_map(|work| Some(work.now()?.0)).collect();
        assert_eq!(numbers.len(), 6, "{numbers:?}");
        for thread in 0..3 {
            let of = numbers.iter().filter(|number| *number % 10 == thread);
            assert!(of.is_sorted(), "{numbers:?}");
        }
    });
}

#[test]
fn nothing_is_lost_at_the_end_and_each_callers_changes_of_a_grant_keep_their_order() {
    tried(|| {
        let memory = World::new(Faults::None).run(2, |world, thread| {
            for number in 0..6_i64 {
                let number = number + if thread == 0 { 0 } else { 100 };
                // The numbers of a thread go to two grants in turns; nobody waits for an answer.
                world.send(end(if number % 2 == 0 { 1 } else { 2 }, number));
            }
        });
        let rows = memory.rows();
        for id in [1, 2] {
            let numbers = |from: i64| -> Vec<i64> {
                let of = rows.done.iter().filter(|work| grant_of(work) == Some(grant_id(id)));
                let numbers = of.filter_map(|work| work.now()).map(|now| now.0);
                numbers.filter(|number| (from..from + 100).contains(number)).collect()
            };
            let first = if id == 1 { 0 } else { 1 };
            for from in [0, 100] {
                assert_eq!(numbers(from), [from + first, from + first + 2, from + first + 4]);
            }
        }
    });
}

#[test]
fn what_waits_together_is_committed_together() {
    let fewest = Arc::new(Mutex::new(usize::MAX));
    let seen = Arc::clone(&fewest);
    tried(move || {
        let memory = World::new(Faults::None).run(4, |world, thread| {
            world.end(thread as u128).unwrap();
        });
        let commits = memory.rows().commits;
        assert!(commits <= 4);
        let mut fewest = seen.lock().unwrap();
        *fewest = (*fewest).min(commits);
    });
    assert!(
        *fewest.lock().unwrap() <= 2,
        "some order has the others wait for the first"
    );
}

#[test]
fn a_commit_that_fails_is_an_answer_and_what_is_acknowledged_was_told_first() {
    tried(|| {
        let memory = World::new(Faults::Errors).run(3, |world, thread| {
            let id = 1 + thread as u128 % 2;
            for _ in 0..4 {
                match world.end(id) {
                    // Whoever ended it, and whether its own commit seemed to fail or not.
                    Ok(Outcome::Ended(_)) => {
                        return assert!(world.knows_the_end_of(id), "memory knows before the answer");
                    }
                    Ok(outcome) => panic!("{outcome:?}"),
                    Err(error) => assert_eq!(error, away()),
                }
            }
        });
        assert!(memory.rows().done.len() <= 12);
    });
}

#[test]
fn a_panic_is_an_answer_and_the_queue_goes_on() {
    tried(|| {
        let memory = World::new(Faults::Panics).run(2, |world, thread| {
            for _ in 0..8 {
                if world.end(thread as u128).is_ok() {
                    return assert!(world.knows_the_end_of(thread as u128));
                }
            }
        });
        assert!(memory.rows().ended.len() <= 2);
    });
}

#[test]
fn uses_that_only_memory_knows_are_written_before_the_end() {
    every_use_is_written_once(Faults::None);
}

#[test]
fn uses_of_a_grant_that_is_locked_are_written_later() {
    every_use_is_written_once(Faults::Locks);
}

fn every_use_is_written_once(faults: Faults) {
    tried(move || {
        let memory = World::new(faults).run(2, |world, thread| {
            let of = Used::Grant(grant_id(thread as u128));
            let one = Use {
                of,
                generation: 1,
                at: NOW,
            };
            world.shared.uses.note(one);
            world.end(9).unwrap();
        });
        let rows = memory.rows();
        let grants: BTreeSet<u128> = (0..2).collect();
        let written = |id: &u128| {
            rows.uses
                .iter()
                .filter(|one| one.of == Used::Grant(grant_id(*id)))
                .count()
        };
        assert!(grants.iter().all(|id| written(id) == 1));
    });
}

/// At the writer's own time: to note them wakes nobody.
#[test]
fn more_uses_than_one_commit_holds_are_written_one_commit_after_the_other() {
    let check = || {
        let memory = World::new(Faults::None).run(1, |world, _| {
            for id in 0..3 * shuttled::USES {
                world.shared.uses.note(Use {
                    of: Used::Grant(grant_id(id as u128)),
                    generation: 1,
                    at: NOW,
                });
            }
            assert_eq!(world.memory.rows().commits, 0);
            world.end(9).unwrap();
            while world.shared.uses.has_due(shuttled::USES) {
                shuttle::thread::yield_now();
            }
        });
        assert_eq!(memory.rows().uses.len(), 3 * shuttled::USES);
    };
    shuttle::check_random(check, 10);
}

#[test]
fn a_database_that_is_away_keeps_nobody_from_ending() {
    tried(|| {
        World::new(Faults::Errors).run(2, |world, thread| {
            let of = Used::Grant(grant_id(thread as u128));
            world.shared.uses.note(Use {
                of,
                generation: 1,
                at: NOW,
            });
            world.send(end(thread as u128, 0));
        });
    });
}

/// Runs in many orders, some chosen evenly and some with few changes of place.
fn tried(check: impl Fn() + Clone + Send + Sync + 'static) {
    shuttle::check_random(check.clone(), ORDERS / 2);
    shuttle::check_pct(check, ORDERS / 2, 3);
}
