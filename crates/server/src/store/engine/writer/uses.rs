//! Uses that memory knows and the database does not know yet.
//!
//! Whether a token of a generation was seen decides what a late refresh means (decision 3). So memory knows each use
//! at once. The database gets it within seconds, and a later use of the same generation at most once a minute.

use super::work::{Use, Used};
#[cfg(test)]
use crate::store::model::GrantId;
use crate::time::Instant;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many uses may wait to be written, and how many written ones each of the two halves remembers.
pub(crate) const LIMIT: usize = 65_536;
/// For this long after a written use, later uses of the same generation are not written.
const MINUTE: Duration = Duration::from_secs(60);

/// Uses of grants and of secrets.
#[derive(Default)]
pub(crate) struct PendingUses(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    due: HashMap<Used, Note>,
    /// The keys of `due`, the oldest first.
    order: VecDeque<Used>,
    /// The newer half of the written uses.
    young: HashMap<Used, Note>,
    /// The older half of the written uses, dropped when the newer half is full. Evicting an entry costs one extra
    /// write.
    old: HashMap<Used, Note>,
}

#[derive(Clone, Copy)]
struct Note {
    generation: u32,
    at: Instant,
}

impl PendingUses {
    /// The last seen generation of a grant, or use of a secret, and when.
    pub(crate) fn last(&self, of: Used) -> Option<(u32, Instant)> {
        self.notes().find(of).map(|note| (note.generation, note.at))
    }

    /// Whether a token of this generation was seen.
    #[cfg(test)]
    pub(crate) fn knows(&self, id: GrantId, generation: u32) -> bool {
        self.last(Used::Grant(id)).is_some_and(|(seen, _)| seen == generation)
    }

    /// Notes a use. It wakes nobody: a GET notes uses too, and must not cause a write (decision 59).
    pub(crate) fn note(&self, one: Use) {
        let mut notes = self.notes();
        if let Some(due) = notes.due.get_mut(&one.of) {
            due.generation = due.generation.max(one.generation);
            due.at = due.at.max(one.at);
            return;
        }
        let written = notes.find(one.of);
        let known = written.is_some_and(|note| note.generation >= one.generation && one.at.since(note.at) < MINUTE);
        if known {
            return;
        }
        if notes.due.len() >= LIMIT {
            notes.give_up_oldest();
        }
        let generation = written.map_or(0, |note| note.generation).max(one.generation);
        notes.add(one.of, Note { generation, at: one.at });
    }

    /// Whether at least `count` uses are due.
    pub(crate) fn has_due(&self, count: usize) -> bool {
        self.notes().due.len() >= count
    }

    /// Whether any use is due.
    pub(crate) fn is_due(&self) -> bool {
        !self.notes().due.is_empty()
    }

    /// Takes up to `limit` uses to write. They count as written until [`PendingUses::put_back`].
    pub(crate) fn take(&self, limit: usize) -> Vec<Use> {
        let mut notes = self.notes();
        let mut uses = Vec::with_capacity(limit.min(notes.due.len()));
        while uses.len() < limit
            && let Some((of, note)) = notes.pop_oldest()
        {
            notes.remember(of, note);
            let Note { generation, at } = note;
            uses.push(Use { of, generation, at });
        }
        uses
    }

    /// Puts uses back that could not be written.
    pub(crate) fn put_back(&self, uses: Vec<Use>) {
        let mut notes = self.notes();
        for Use { of, generation, at } in uses {
            match notes.due.get_mut(&of) {
                Some(due) => {
                    due.generation = due.generation.max(generation);
                    due.at = due.at.max(at);
                }
                None => notes.add(of, Note { generation, at }),
            }
        }
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    fn find(&self, of: Used) -> Option<Note> {
        let maps = [&self.due, &self.young, &self.old];
        maps.into_iter().find_map(|map| map.get(&of)).copied()
    }

    fn add(&mut self, of: Used, note: Note) {
        self.due.insert(of, note);
        self.order.push_back(of);
    }

    fn pop_oldest(&mut self) -> Option<(Used, Note)> {
        let of = self.order.pop_front()?;
        self.due.remove(&of).map(|note| (of, note))
    }

    /// Makes room by marking the oldest use as written although it is not. Memory still knows it, and its next use
    /// after a minute is written. This happens if the database is away, when no refresh is answered either, or with
    /// 13,000 grants a second.
    fn give_up_oldest(&mut self) {
        if let Some((of, note)) = self.pop_oldest() {
            self.remember(of, note);
        }
    }

    fn remember(&mut self, of: Used, note: Note) {
        if self.young.len() >= LIMIT {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(of, note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ID: GrantId = GrantId(Uuid::from_u128(7));

    fn use_of(id: GrantId, generation: u32, at: i64) -> Use {
        let of = Used::Grant(id);
        Use {
            of,
            generation,
            at: Instant(at),
        }
    }

    #[test]
    fn a_use_is_known_at_once_for_its_generation_only() {
        let seen = PendingUses::default();
        seen.note(use_of(ID, 3, 0));
        assert!(seen.knows(ID, 3));
        assert!(!seen.knows(ID, 2) && !seen.knows(ID, 4));
        seen.note(use_of(ID, 2, 5));
        assert!(seen.knows(ID, 3), "an older token's use takes nothing back");
    }

    #[test]
    fn a_later_use_is_written_once_a_minute_and_a_new_generation_at_once() {
        let seen = PendingUses::default();
        seen.note(use_of(ID, 3, 0));
        assert_eq!(seen.take(10), [use_of(ID, 3, 0)]);
        seen.note(use_of(ID, 3, 59_999));
        assert_eq!(seen.take(10), []);
        assert!(seen.knows(ID, 3), "what is written is still known");
        seen.note(use_of(ID, 3, 60_000));
        assert_eq!(seen.take(10), [use_of(ID, 3, 60_000)]);
        seen.note(use_of(ID, 4, 60_001));
        assert_eq!(seen.take(10), [use_of(ID, 4, 60_001)]);
    }

    #[test]
    fn what_could_not_be_written_is_due_again() {
        let seen = PendingUses::default();
        seen.note(use_of(ID, 3, 0));
        let taken = seen.take(10);
        seen.note(use_of(ID, 4, 1));
        seen.put_back(taken);
        assert_eq!(seen.take(10), [use_of(ID, 4, 1)]);
    }

    fn fill(seen: &PendingUses, from: usize, count: usize) {
        for n in from..from + count {
            seen.note(use_of(GrantId(Uuid::from_u128(n as u128)), 1, 0));
        }
    }

    #[test]
    fn memory_is_bounded() {
        let seen = PendingUses::default();
        fill(&seen, 0, 2 * LIMIT);
        for round in 1..=5 {
            let notes = seen.notes();
            assert_eq!((notes.due.len(), notes.order.len()), (LIMIT, LIMIT));
            drop(notes);
            assert_eq!(seen.take(usize::MAX).len(), LIMIT);
            fill(&seen, 2 * round * LIMIT, 2 * LIMIT);
        }
        let notes = seen.notes();
        assert_eq!(notes.young.len(), LIMIT);
        assert!(notes.old.len() <= LIMIT);
    }

    #[test]
    fn where_too_many_are_due_the_oldest_is_not_written_and_still_known() {
        let seen = PendingUses::default();
        fill(&seen, 0, LIMIT + 1);
        let id = |n: usize| GrantId(Uuid::from_u128(n as u128));
        assert!(seen.knows(id(0), 1) && seen.knows(id(LIMIT), 1));
        assert_eq!(seen.take(1), [use_of(id(1), 1, 0)]);
        assert_eq!(seen.take(usize::MAX).len(), LIMIT - 1);
    }
}
