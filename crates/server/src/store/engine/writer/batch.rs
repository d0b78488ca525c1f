//! Which of the waiting works go into one commit.
//!
//! A batch never holds two changes of the same grant. Identical rotations, which many copies of one refresh request
//! cause, become one work and share its answer. Any other change of a grant that is in the batch waits for the next batch
//! and sees the result of the first: a second redemption of a code is a replay. Waiting works keep their order.

use super::work::{Concerns, Work};
use crate::store::model::GrantId;
use std::collections::{HashMap, VecDeque};

/// A work and where its answer goes. Identical works share one job with several replies.
#[derive(Debug)]
pub(crate) struct Job<R> {
    pub(crate) work: Work,
    pub(crate) replies: Vec<R>,
    /// Set while the work waits for a lock of another session.
    pub(crate) held: Option<Since>,
}

/// When a work began to wait for a lock, and its rank among the works that wait so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    pub(super) at: std::time::Instant,
    pub(super) number: u64,
}

/// Takes up to `limit` works for one commit out of `waiting`, in order. Works that may not be in it stay there, in order.
pub(crate) fn plan<R>(waiting: &mut VecDeque<Job<R>>, limit: usize) -> Vec<Job<R>> {
    let mut batch: Vec<Job<R>> = Vec::new();
    let mut places: HashMap<GrantId, usize> = HashMap::new();
    let mut many = false;
    let mut left = VecDeque::new();
    for job in waiting.drain(..) {
        let concerns = job.work.concerns();
        let first = match concerns {
            Concerns::One(id) => places.get(&id).copied(),
            _ => None,
        };
        if let Some(same) = first.and_then(|place| batch.get_mut(place))
            && same.work.is_answered_like(&job.work)
        {
            same.replies.extend(job.replies);
            continue;
        }
        let free = match concerns {
            Concerns::None => true,
            Concerns::One(_) => first.is_none() && !many,
            Concerns::Many => places.is_empty() && !many,
        };
        if !free || batch.len() >= limit {
            left.push_back(job);
            continue;
        }
        match concerns {
            Concerns::None => {}
            Concerns::One(id) => drop(places.insert(id, batch.len())),
            Concerns::Many => many = true,
        }
        batch.push(job);
    }
    *waiting = left;
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::writer::work::{End, Ends, Write};
    use crate::store::model::{EndReason, Rotate};
    use crate::time::Instant;
    use uuid::Uuid;

    fn grant(id: u128) -> GrantId {
        GrantId(Uuid::from_u128(id))
    }

    fn rotate(id: u128, presented: u32, expect: u32) -> Work {
        Work::Rotate(Rotate {
            id: grant(id),
            presented,
            expect,
            expect_previous: None,
            now: Instant(0),
            expires: None,
            key: 1,
            repeats: 0,
            source: [0; 8],
        })
    }

    fn end(id: u128) -> Work {
        let reason = EndReason::ByPerson;
        let end = End {
            id: grant(id),
            reason,
            now: Instant(0),
            generation: None,
        };
        Work::End(end, None)
    }

    fn end_many() -> Work {
        let (select, params, reason) = ("", vec![], EndReason::ByPerson);
        let ends = Some(Ends::new(select, params, reason, Instant(0)));
        Work::Write(Write {
            ends,
            ..Write::default()
        })
    }

    /// Plans until nothing waits; each batch as the numbers of the works in it, identical ones joined by `+`.
    fn batches(works: Vec<Work>, limit: usize) -> Vec<Vec<String>> {
        let jobs = works.into_iter().enumerate();
        let mut waiting: VecDeque<_> = jobs
            .map(|(n, work)| Job {
                work,
                replies: vec![n.to_string()],
                held: None,
            })
            .collect();
        let mut batches = Vec::new();
        while !waiting.is_empty() {
            batches.push(
                plan(&mut waiting, limit)
                    .iter()
                    .map(|job| job.replies.join("+"))
                    .collect(),
            );
        }
        batches
    }

    #[test]
    fn works_of_different_grants_are_one_batch() {
        let works = vec![rotate(1, 1, 1), end(2), Work::Write(Write::default()), rotate(3, 1, 1)];
        assert_eq!(batches(works, 256), [["0", "1", "2", "3"]]);
    }

    #[test]
    fn identical_rotations_become_one() {
        let works = vec![rotate(1, 1, 1), rotate(2, 1, 1), rotate(1, 1, 1), rotate(1, 1, 1)];
        assert_eq!(batches(works, 256), [["0+2+3", "1"]]);
    }

    #[test]
    fn another_change_of_the_same_grant_waits_and_keeps_its_place() {
        let works = vec![rotate(1, 1, 1), end(1), rotate(1, 1, 2), end(2)];
        assert_eq!(batches(works, 256), [vec!["0", "3"], vec!["1"], vec!["2"]]);
    }

    #[test]
    fn a_second_end_is_another_change() {
        assert_eq!(batches(vec![end(1), end(1)], 256), [["0"], ["1"]]);
    }

    #[test]
    fn a_change_of_many_grants_shares_its_batch_with_no_change_of_a_grant() {
        let works = vec![end(1), end_many(), Work::Write(Write::default()), end(2), end_many()];
        assert_eq!(batches(works, 256), [vec!["0", "2", "3"], vec!["1"], vec!["4"]]);
    }

    #[test]
    fn a_change_of_a_grant_waits_for_a_change_of_many() {
        let works = vec![end_many(), end(1), Work::Uses(vec![]), end(2)];
        assert_eq!(batches(works, 256), [vec!["0"], vec!["1", "3"], vec!["2"]]);
    }

    #[test]
    fn a_batch_has_a_limit_and_identical_rotations_join_beyond_it() {
        let works = vec![rotate(1, 1, 1), end(2), end(3), rotate(1, 1, 1)];
        assert_eq!(batches(works, 2), [vec!["0+3", "1"], vec!["2"]]);
    }
}
