//! What was revoked before it expired, in memory and exact: a false positive would refuse a good token.
//!
//! An entry lives until the latest expiry that any token it speaks of can carry. The store's feed keeps the same entries
//! on disk, from which the set is rebuilt at start.

use crate::time::Instant;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use uuid::Uuid;

/// What can be revoked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// Every token of a grant.
    Grant(Uuid),
    /// The access tokens of one generation of a grant: its successor replaced it unseen.
    Generation(Uuid, u32),
    /// One access token, by its serial.
    Token([u8; 16]),
}

/// The revoked set.
#[derive(Debug, Default)]
pub struct Revoked {
    entries: RwLock<HashMap<Entry, Instant>>,
}

impl Revoked {
    /// Adds an entry that matters until `until`, and forgets a few that no longer do.
    pub fn add(&self, entry: Entry, until: Instant, now: Instant) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        // Doubling keeps the work per entry constant: a set that grows is swept only when it would have to move anyway.
        if entries.len() == entries.capacity() {
            entries.retain(|_, until| *until > now);
        }
        entries.insert(entry, until);
    }

    /// Whether any of `of` is revoked.
    #[must_use]
    pub fn any(&self, of: &[Entry]) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        !entries.is_empty() && of.iter().any(|entry| entries.contains_key(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_revoked_and_nothing_else() {
        let revoked = Revoked::default();
        let grant = Uuid::from_u128(1);
        assert!(!revoked.any(&[Entry::Grant(grant)]));
        revoked.add(Entry::Generation(grant, 2), Instant(10), Instant(0));
        assert!(revoked.any(&[Entry::Grant(grant), Entry::Generation(grant, 2)]));
        assert!(!revoked.any(&[Entry::Grant(grant), Entry::Generation(grant, 3)]));
    }

    #[test]
    fn entries_that_no_longer_matter_are_forgotten() {
        let revoked = Revoked::default();
        for number in 0..10_000 {
            let now = Instant(number);
            revoked.add(
                Entry::Grant(Uuid::from_u128(number.unsigned_abs().into())),
                Instant(number + 10),
                now,
            );
        }
        assert!(revoked.entries.read().unwrap().len() < 100);
    }
}
