//! Uses that memory knows and the database does not yet.
//!
//! That a token of a generation was seen decides what a late refresh means (DESIGN: the grant's life), so it is known here
//! at once; it is written down every few seconds, and a later use at most once a minute.

use super::batch::{Use, Used};
#[cfg(test)]
use super::model::GrantId;
use crate::time::Instant;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many uses may wait, and how many written ones are remembered in each of two halves.
pub(super) const LIMIT: usize = 65_536;
/// How long a use that was written down speaks for later ones.
const MINUTE: Duration = Duration::from_secs(60);

/// Uses of grants and of secrets.
#[derive(Default)]
pub(super) struct Seen(Mutex<Notes>);

#[derive(Default)]
struct Notes {
    /// To be written.
    due: HashMap<Used, Note>,
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

impl Seen {
    /// Which generation's token of a grant, or which secret, was seen last, and when.
    pub(super) fn last(&self, of: Used) -> Option<(u32, Instant)> {
        self.notes().find(of).map(|note| (note.generation, note.at))
    }

    /// Whether a token of this generation was seen.
    #[cfg(test)]
    pub(super) fn knows(&self, id: GrantId, generation: u32) -> bool {
        self.last(Used::Grant(id)).is_some_and(|(seen, _)| seen == generation)
    }

    /// Notes a use. Whether so many wait now that they should be written at once.
    pub(super) fn note(&self, one: Use) -> bool {
        let mut notes = self.notes();
        if let Some(due) = notes.due.get_mut(&one.of) {
            due.generation = due.generation.max(one.generation);
            due.at = due.at.max(one.at);
            return false;
        }
        let written = notes.find(one.of);
        let known = written.is_some_and(|note| note.generation >= one.generation && one.at.since(note.at) < MINUTE);
        // Full only while nothing can be written: then the database is away, and no refresh is answered either.
        if known || notes.due.len() >= LIMIT {
            return false;
        }
        let generation = written.map_or(0, |note| note.generation).max(one.generation);
        notes.due.insert(one.of, Note { generation, at: one.at });
        notes.due.len() == LIMIT / 2
    }

    /// Whether any use is to be written down.
    pub(super) fn is_due(&self) -> bool {
        !self.notes().due.is_empty()
    }

    /// Up to `limit` uses to write down. Until [`Seen::put_back`] they count as written.
    pub(super) fn take(&self, limit: usize) -> Vec<Use> {
        let mut notes = self.notes();
        let taken: Vec<Used> = notes.due.keys().take(limit).copied().collect();
        let mut uses = Vec::with_capacity(taken.len());
        for of in taken {
            let Some(note) = notes.due.remove(&of) else { continue };
            notes.remember(of, note);
            let Note { generation, at } = note;
            uses.push(Use { of, generation, at });
        }
        uses
    }

    /// Has uses written down later, because it did not work.
    pub(super) fn put_back(&self, uses: Vec<Use>) {
        let mut notes = self.notes();
        for Use { of, generation, at } in uses {
            let due = notes.due.entry(of).or_insert(Note { generation, at });
            due.generation = due.generation.max(generation);
            due.at = due.at.max(at);
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
        let seen = Seen::default();
        seen.note(use_of(ID, 3, 0));
        assert!(seen.knows(ID, 3));
        assert!(!seen.knows(ID, 2) && !seen.knows(ID, 4));
        seen.note(use_of(ID, 2, 5));
        assert!(seen.knows(ID, 3), "an older token's use takes nothing back");
    }

    #[test]
    fn a_later_use_is_written_once_a_minute_and_a_new_generation_at_once() {
        let seen = Seen::default();
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
        let seen = Seen::default();
        seen.note(use_of(ID, 3, 0));
        let taken = seen.take(10);
        seen.note(use_of(ID, 4, 1));
        seen.put_back(taken);
        assert_eq!(seen.take(10), [use_of(ID, 4, 1)]);
    }

    #[test]
    fn memory_is_bounded() {
        let seen = Seen::default();
        let fill = |from: usize| {
            for n in from..from + 2 * LIMIT {
                seen.note(use_of(GrantId(Uuid::from_u128(n as u128)), 1, 0));
            }
        };
        fill(0);
        assert_eq!(seen.notes().due.len(), LIMIT);
        for round in 1..=5 {
            assert_eq!(seen.take(usize::MAX).len(), LIMIT);
            fill(2 * round * LIMIT);
        }
        let notes = seen.notes();
        assert_eq!((notes.young.len(), notes.old.len()), (LIMIT, LIMIT));
    }
}
