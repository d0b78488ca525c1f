//! Uses that memory knows and the database does not yet.
//!
//! That a token of a generation was seen decides what a late refresh means (DESIGN: the grant's life), so it is known here
//! at once; it is written down every few seconds, and a later use at most once a minute.

use super::work::{Use, Used};
#[cfg(test)]
use crate::store::model::GrantId;
use crate::time::Instant;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many uses may wait, and how many written ones are remembered in each of two halves.
pub(crate) const LIMIT: usize = 65_536;
/// How long a use that was written down speaks for later ones.
const MINUTE: Duration = Duration::from_secs(60);

/// Uses of grants and of secrets.
#[derive(Default)]
pub(crate) struct PendingUses(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    /// To be written.
    due: HashMap<Used, Note>,
    /// The same, the oldest first.
    order: VecDeque<Used>,
    /// Written: the newer half.
    young: HashMap<Used, Note>,
    /// Written: the older half, forgotten when the newer one is full. Forgetting costs a write too many.
    old: HashMap<Used, Note>,
}

#[derive(Clone, Copy)]
struct Note {
    generation: u32,
    at: Instant,
}

impl PendingUses {
    /// Which generation's token of a grant, or which secret, was seen last, and when.
    pub(crate) fn last(&self, of: Used) -> Option<(u32, Instant)> {
        self.notes().find(of).map(|note| (note.generation, note.at))
    }

    /// Whether a token of this generation was seen.
    #[cfg(test)]
    pub(crate) fn knows(&self, id: GrantId, generation: u32) -> bool {
        self.last(Used::Grant(id)).is_some_and(|(seen, _)| seen == generation)
    }

    /// Notes a use. The writer writes it at its own time: a GET notes uses too, and does not make it work (decision 59).
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

    /// Whether at least so many uses are to be written down.
    pub(crate) fn has_due(&self, count: usize) -> bool {
        self.notes().due.len() >= count
    }

    /// Whether any use is to be written down.
    pub(crate) fn is_due(&self) -> bool {
        !self.notes().due.is_empty()
    }

    /// Up to `limit` uses to write down. Until [`PendingUses::put_back`] they count as written.
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

    /// Has uses written down later, because it did not work.
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

    /// Counts a use as written that is not, to make room: memory knows of it, and its next use after a minute is written. It
    /// happens where the database is away, and then no refresh is answered either; or with 13,000 grants a second.
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
