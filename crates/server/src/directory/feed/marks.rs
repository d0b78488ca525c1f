//! The entries of the feed that were taken in: for each run of a server, the number of the last entry.
//!
//! The entries of a run become visible in the order of their numbers, however late, so a reader above a mark misses none. A
//! window in time would miss an entry that is committed later than the window is wide (docs/decisions/0027).

use crate::store::model::{Change, Mark};
use crate::time::Instant;
use std::collections::HashMap;
use std::time::Duration;

/// Up to this number of runs, their age is not checked. There is one run for each start of a server.
const RUNS: usize = 1_000;
/// How long a run is remembered after its last entry has expired. By then that entry has been swept.
const SWEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// The marks.
#[derive(Default, Debug)]
pub(super) struct Marks(HashMap<[u8; 16], Last>);

/// The last entry of a run.
#[derive(Clone, Copy, Debug)]
struct Last {
    number: i64,
    /// When the last of this run's entries expires.
    expires: Instant,
}

impl Marks {
    /// Whether an entry has not been taken in.
    pub(super) fn lacks(&self, change: &Change) -> bool {
        self.0.get(&change.node).is_none_or(|last| last.number < change.number)
    }

    /// Notes that this entry and all earlier entries of the same run have been taken in.
    pub(super) fn advance(&mut self, change: &Change) {
        let (number, expires) = (change.number, change.expires);
        let last = self.0.entry(change.node).or_insert(Last { number, expires });
        last.number = last.number.max(number);
        last.expires = last.expires.max(expires);
    }

    /// All marks.
    pub(super) fn all(&self) -> Vec<Mark> {
        let marks = self.0.iter();
        marks
            .map(|(&node, last)| Mark {
                node,
                number: last.number,
            })
            .collect()
    }

    /// If there are many runs, forgets those whose entries have been swept. An entry that is left is only taken in again.
    pub(super) fn forget(&mut self, now: Instant) {
        if self.0.len() > RUNS {
            self.0.retain(|_, last| last.expires.after(SWEPT) > now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::model::ChangeKind;

    fn entry(node: u8, number: i64) -> Change {
        Change {
            node: [node; 16],
            number,
            at: Instant(0),
            expires: Instant(1000),
            kind: ChangeKind::App,
            subject: vec![],
            value: 0,
        }
    }

    #[test]
    fn what_was_taken_in_is_known_for_each_run() {
        let mut marks = Marks::default();
        assert!(marks.lacks(&entry(1, 1)));
        marks.advance(&entry(1, 3));
        assert!(!marks.lacks(&entry(1, 1)) && !marks.lacks(&entry(1, 3)));
        assert!(marks.lacks(&entry(1, 4)) && marks.lacks(&entry(2, 1)));
    }

    #[test]
    fn a_mark_does_not_go_back() {
        let mut marks = Marks::default();
        marks.advance(&entry(1, 3));
        marks.advance(&entry(1, 2));
        let (node, number) = ([1; 16], 3);
        assert_eq!(marks.all(), [Mark { node, number }]);
    }

    #[test]
    fn runs_of_which_nothing_is_left_are_forgotten_where_there_are_many() {
        let mut marks = Marks::default();
        let over = Instant(1000).after(SWEPT);
        marks.advance(&entry(1, 1));
        marks.forget(over);
        assert_eq!(marks.all().len(), 1);
        for run in 0..=RUNS {
            let node = (run as u128).to_be_bytes();
            marks.advance(&Change { node, ..entry(0, 1) });
        }
        marks.forget(over.before(Duration::from_millis(1)));
        assert!(marks.all().len() > RUNS);
        marks.forget(over);
        assert_eq!(marks.all(), []);
    }
}
