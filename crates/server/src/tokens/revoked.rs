//! The tokens that were revoked before they expired. The set is in memory and exact: a false positive would refuse a good
//! token.
//!
//! An entry is kept until the latest expiry of any token that it revokes. The store's feed keeps the same entries on disk,
//! and the set is rebuilt from the feed at start. An app or a person can make any number of entries. So above a limit the
//! oldest entries of one owner are folded into a *recall*: one entry that revokes all of them (docs/decisions/0047).

use crate::store::model::{ActsAs, AppId, GrantId, Mark, Recall, Recalled, UserId};
use crate::time::Instant;
use crate::tokens::claims::Claims;
use std::collections::{HashMap, VecDeque};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use uuid::Uuid;

/// The number of entries that are folded into one recall at a time.
pub(crate) const FOLDED: usize = 32;

/// The number of feed entries of one owner's recalls that are remembered, so that the next recall can replace them.
const RECALLS: usize = 8;

/// The target of a revocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// Every token of a grant.
    Grant(Uuid),
    /// The access tokens of one generation of a grant, which its successor replaced before any of them was seen.
    Generation(Uuid, u32),
    /// One access token, by its serial.
    Token([u8; 16]),
}

/// An entry of the feed that revokes tokens.
#[derive(Clone, Copy, Debug)]
pub struct Revocation {
    /// The tokens that the entry revokes.
    pub entry: Entry,
    /// Until when the entry matters: its tokens have expired then.
    pub until: Instant,
    /// The position of the entry in the feed.
    pub mark: Mark,
}

/// The revoked set.
#[derive(Debug, Default)]
pub struct Revoked(RwLock<Set>);

#[derive(Debug, Default)]
struct Set {
    entries: HashMap<Entry, Held>,
    /// The single tokens that were revoked at this server since its start, with the moment of their issue. The key is the
    /// owner: the app of a token without a grant, else the grant.
    owned: HashMap<Uuid, Vec<(Instant, [u8; 16])>>,
    tokens: HashMap<Uuid, RecalledTokens>,
    grants: HashMap<(UserId, AppId), Vec<RecalledGrants>>,
    /// The names of the runs that wrote entries.
    runs: Vec<[u8; 16]>,
}

/// How long an entry matters, and its position in the feed. There may be a million of these, so the run is stored as an
/// index into `runs`.
#[derive(Clone, Copy, Debug)]
struct Held {
    until: Instant,
    run: u32,
    number: u32,
}

/// All tokens of an owner that were issued up to a moment.
#[derive(Debug)]
struct RecalledTokens {
    issued_by: Instant,
    until: Instant,
    /// The feed entries of this recall. There are several if several servers wrote one. The next recall replaces all of
    /// them.
    marks: VecDeque<Mark>,
}

/// The grants of a person for an app up to a last one, except those that had not ended then. If one of the exceptions ends
/// later, it gets its own entry. So each recall stays true whatever entries come before or after it. A later recall names
/// the recalls that it replaces.
#[derive(Debug)]
struct RecalledGrants {
    last: GrantId,
    spared: Vec<GrantId>,
    until: Instant,
    mark: Mark,
}

impl Revoked {
    /// Adds an entry of the feed, and removes a few entries that no longer matter.
    pub fn add(&self, revocation: Revocation, now: Instant) {
        self.changed(|set| set.add(revocation, now));
    }

    /// Adds a recall that matters until `until`, and removes the entries that it replaces.
    pub fn recall(&self, recall: Recall, until: Instant, mark: Mark) {
        self.changed(|set| set.recall(recall, until, mark));
    }

    /// Whether the token with these claims, its generation or its grant was revoked.
    #[must_use]
    pub fn has(&self, claims: &Claims) -> bool {
        let set = self.read();
        let has = |entry| set.entries.contains_key(&entry);
        let token = has(Entry::Token(claims.serial));
        match claims.grant {
            None => token || set.has_recalled(claims.app.0, claims.issued_at),
            Some(grant) => {
                let (id, generation) = (grant.id.0, grant.generation);
                token
                    || has(Entry::Grant(id))
                    || has(Entry::Generation(id, generation))
                    || set.has_recalled(id, claims.issued_at)
                    // The person of a grant of an organization may change, so no recall speaks of it.
                    || grant.acts_as == ActsAs::Person && set.has_ended(grant.user, claims.app, grant.id)
            }
        }
    }

    /// What was revoked and still matters, at most `most` entries, and whether these are all.
    #[must_use]
    pub(crate) fn entries(&self, most: usize, now: Instant) -> (Vec<Entry>, bool) {
        let set = self.read();
        let mut living = set
            .entries
            .iter()
            .filter(|(_, held)| held.until > now)
            .map(|(entry, _)| *entry);
        let entries: Vec<Entry> = living.by_ref().take(most).collect();
        let whole = living.next().is_none() && set.tokens.is_empty() && set.grants.is_empty();
        (entries, whole)
    }

    /// Whether a recall covers this grant. A new grant must not get such an id.
    #[must_use]
    pub fn has_ended(&self, user: UserId, app: AppId, grant: GrantId) -> bool {
        self.read().has_ended(user, app, grant)
    }

    /// The newest grant of a person for an app that a recall covers. The id of the next grant must be higher, even if the
    /// clock is behind.
    #[must_use]
    pub fn last_ended(&self, user: UserId, app: AppId) -> Option<GrantId> {
        let set = self.read();
        set.grants.get(&(user, app))?.iter().map(|recall| recall.last).max()
    }

    /// The moment up to which all issued tokens of this owner are revoked. The next token must be issued later, even if the
    /// clock is behind.
    #[must_use]
    pub fn recalled_by(&self, owner: Uuid) -> Option<Instant> {
        let set = self.read();
        set.tokens.get(&owner).map(|recall| recall.issued_by)
    }

    /// Counts a singly revoked token for its owner: the app of a token without a grant, else the grant.
    pub fn count(&self, owner: Uuid, serial: [u8; 16], issued_at: Instant) {
        self.changed(|set| set.count(owner, serial, issued_at));
    }

    /// Folds the oldest entries of an owner of single tokens, if there are more than `most`.
    #[must_use]
    pub fn fold(&self, owner: Uuid, most: usize, now: Instant) -> Option<Recall> {
        self.changed(|set| set.fold(owner, most, now))
    }

    /// Folds the ends of these grants of a person for an app. `others` are all grants that have not ended. `None` if none
    /// of the ends matters any more.
    #[must_use]
    pub fn fold_grants(
        &self,
        (user, app): (UserId, AppId),
        ended: &[GrantId],
        others: &[GrantId],
        now: Instant,
    ) -> Option<Recall> {
        let set = self.read();
        let folded = ended.iter().filter_map(|grant| {
            let held = set
                .entries
                .get(&Entry::Grant(grant.0))
                .filter(|held| held.until > now)?;
            Some((*grant.0.as_bytes(), set.mark(held)?))
        });
        let folded: Vec<_> = folded.collect();
        let known = set.grants.get(&(user, app)).map_or(&[][..], Vec::as_slice);
        let last = ended
            .iter()
            .copied()
            .chain(known.iter().map(|recall| recall.last))
            .max()?;
        (!folded.is_empty()).then(|| Recall {
            recalled: Recalled::Grants {
                user,
                app,
                last,
                spared: others.iter().copied().filter(|grant| *grant <= last).collect(),
            },
            folded,
            before: known.iter().map(|recall| recall.mark).collect(),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Set> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed<T>(&self, change: impl FnOnce(&mut Set) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Set {
    fn has_recalled(&self, owner: Uuid, issued_at: Instant) -> bool {
        let recall = self.tokens.get(&owner);
        recall.is_some_and(|recall| issued_at <= recall.issued_by)
    }

    fn has_ended(&self, user: UserId, app: AppId, grant: GrantId) -> bool {
        let covers = |recall: &RecalledGrants| grant <= recall.last && !recall.spared.contains(&grant);
        self.grants.get(&(user, app)).is_some_and(|all| all.iter().any(covers))
    }

    fn add(&mut self, revocation: Revocation, now: Instant) {
        // Doubling keeps the work per entry constant: a growing set is swept only when it would have to be moved anyway.
        if self.entries.len() == self.entries.capacity() {
            self.forget(now);
        }
        let Revocation { entry, until, mark } = revocation;
        let run = self.run(mark.node);
        let number = u32::try_from(mark.number).unwrap_or(0);
        self.entries.insert(entry, Held { until, run, number });
        // The end of the grant revokes its single tokens too, so they need no entries.
        if let Entry::Grant(grant) = entry {
            for (_, serial) in self.owned.remove(&grant).unwrap_or_default() {
                self.entries.remove(&Entry::Token(serial));
            }
        }
    }

    fn count(&mut self, owner: Uuid, serial: [u8; 16], issued_at: Instant) {
        self.owned.entry(owner).or_default().push((issued_at, serial));
    }

    fn forget(&mut self, now: Instant) {
        let Self {
            entries,
            owned,
            tokens,
            grants,
            ..
        } = self;
        entries.retain(|_, held| held.until > now);
        tokens.retain(|_, recall| recall.until > now);
        grants.retain(|_, recalls| {
            recalls.retain(|recall| recall.until > now);
            !recalls.is_empty()
        });
        owned.retain(|_, tokens| {
            tokens.retain(|(_, serial)| entries.contains_key(&Entry::Token(*serial)));
            !tokens.is_empty()
        });
    }

    fn recall(&mut self, recall: Recall, until: Instant, mark: Mark) {
        for (id, _) in &recall.folded {
            self.entries.remove(&Entry::Token(*id));
            self.entries.remove(&Entry::Grant(Uuid::from_bytes(*id)));
        }
        match recall.recalled {
            Recalled::Tokens { owner, issued_by } => self.recall_tokens(owner, issued_by, until, mark),
            Recalled::Grants {
                user,
                app,
                last,
                spared,
            } => {
                let known = self.grants.entry((user, app)).or_default();
                known.retain(|one| one.mark != mark && !recall.before.contains(&one.mark));
                known.push(RecalledGrants {
                    last,
                    spared,
                    until,
                    mark,
                });
            }
        }
    }

    fn recall_tokens(&mut self, owner: Uuid, issued_by: Instant, until: Instant, mark: Mark) {
        let known = self.tokens.entry(owner).or_insert_with(|| RecalledTokens {
            issued_by,
            until,
            marks: VecDeque::new(),
        });
        known.issued_by = known.issued_by.max(issued_by);
        known.until = known.until.max(until);
        known.marks.push_back(mark);
        if known.marks.len() > RECALLS {
            known.marks.pop_front();
        }
        let Self { entries, owned, .. } = self;
        if let Some(tokens) = owned.get_mut(&owner) {
            tokens.retain(|(_, serial)| entries.contains_key(&Entry::Token(*serial)));
        }
    }

    fn fold(&mut self, owner: Uuid, most: usize, now: Instant) -> Option<Recall> {
        let Self { entries, owned, .. } = self;
        let tokens = owned.get_mut(&owner)?;
        if tokens.len() <= most {
            return None;
        }
        tokens.retain(|(_, serial)| entries.get(&Entry::Token(*serial)).is_some_and(|held| held.until > now));
        if tokens.len() <= most {
            return None;
        }
        tokens.sort_unstable();
        let oldest = tokens.get(..FOLDED.min(tokens.len()))?.to_vec();
        let (issued_by, _) = *oldest.last()?;
        let folded = oldest.into_iter().filter_map(|(_, serial)| {
            let held = self.entries.get(&Entry::Token(serial))?;
            Some((serial, self.mark(held)?))
        });
        let folded = folded.collect();
        // The new recall covers everything that the earlier recalls covered.
        let known = self.tokens.get(&owner);
        Some(Recall {
            recalled: Recalled::Tokens {
                owner,
                issued_by: known.map_or(issued_by, |known| known.issued_by.max(issued_by)),
            },
            folded,
            before: known.map_or_else(Vec::new, |known| known.marks.iter().copied().collect()),
        })
    }

    fn run(&mut self, node: [u8; 16]) -> u32 {
        // Searches from the end: the newest runs are there, and wrote most entries.
        let found = self.runs.iter().rposition(|run| *run == node);
        let place = found.unwrap_or_else(|| {
            self.runs.push(node);
            self.runs.len() - 1
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    fn mark(&self, held: &Held) -> Option<Mark> {
        let node = *self.runs.get(held.run as usize)?;
        let number = i64::from(held.number);
        (number > 0).then_some(Mark { node, number })
    }
}

#[cfg(test)]
mod tests;
