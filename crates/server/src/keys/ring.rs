//! The opened keys: which one makes, which ones still open and prove.
//!
//! On the path of every token, so a look is a comparison or two; nothing here changes, a changed ring takes the place of this
//! one.

use super::{KeyError, Master, Purpose, Rows};
use crate::store::model::{Grant, RevokedKey};
use crate::time::Instant;
use crate::tokens::proofs::Proof;
use crate::tokens::sealed::{AccessKey, SealKey};
use aws_lc_rs::hmac;
use std::time::Duration;

/// How long a key is published before it makes anything: until then every server must have read it. A node reads what changed
/// every 200 ms and stops trusting its memory after 2 s; clocks may be 5 s off on either side. A minute is several times
/// that, and nobody waits for it. Keys that others fetch, such as a JWK set, will have to wait for their caches too.
pub(super) const PUBLISHED: Duration = Duration::from_secs(60);

/// For how long a page can be led back to where its visitor was going, sealed by a key that a rotation replaced: a tab that
/// was left open overnight. Acted upon it is for half an hour only.
const PAGES: Duration = Duration::from_secs(24 * 60 * 60);

/// How many keys other servers may make at once, at most. A forged token names any number of four thousand million, and must
/// not have the database asked for it.
const TO_COME: u32 = 16;

/// The keys of every purpose.
pub struct Keyring {
    access: Ring<AccessKey>,
    proof: Ring<hmac::Key>,
    page: Ring<SealKey>,
    revoked: Vec<RevokedKey>,
    /// The highest number of any key that was ever read, of whatever purpose.
    highest: u32,
}

/// The keys of one purpose.
struct Ring<K> {
    newest: Held<K>,
    /// The others, the newest first.
    older: Vec<Held<K>>,
}

/// A key in its ring.
struct Held<K> {
    id: u32,
    created: Instant,
    active_from: Instant,
    /// When the last thing made under it has expired; `None`: it has no successor, or that cannot be known.
    retires: Option<Instant>,
    key: K,
}

/// Where a key is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published; it waits for its moment.
    Next,
    /// It makes what its purpose is.
    Current,
    /// It only opens or proves what it made.
    Overlapping,
    /// Gone, and what it made with it.
    Revoked,
}

/// A key as the operator is told of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Its number.
    pub id: u32,
    /// What it is for.
    pub purpose: String,
    /// Where in its life.
    pub state: KeyState,
    /// When it was made.
    pub created: Instant,
    /// From when on it makes; `None` for one that was revoked.
    pub active_from: Option<Instant>,
    /// When it goes by itself, where that is known.
    pub retires: Option<Instant>,
    /// When it was revoked.
    pub revoked: Option<Instant>,
}

impl Keyring {
    pub(super) fn of(master: &Master, rows: &Rows) -> Result<Self, KeyError> {
        let sign = |_, bytes: &[u8; 32]| Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes));
        let access = |id, bytes: &[u8; 32]| Ok(AccessKey::new(id, bytes)?);
        let seal = |id, bytes: &[u8; 32]| Ok(SealKey::new(id, bytes)?);
        Ok(Self {
            access: ring(master, rows, Purpose::Access, access)?,
            proof: ring(master, rows, Purpose::Proof, sign)?,
            page: ring(master, rows, Purpose::Page, seal)?,
            revoked: rows.revoked.clone(),
            highest: rows.unused() - 1,
        })
    }

    /// The key that seals access tokens issued at this moment.
    #[must_use]
    pub fn access(&self, issued_at: Instant) -> &AccessKey {
        &self.access.current(issued_at).key
    }

    /// The key that an access token names.
    #[must_use]
    pub fn access_by_id(&self, id: u32, now: Instant) -> Option<&AccessKey> {
        self.access.by_id(id, now)
    }

    /// The id of the key that proves codes and refresh tokens made now.
    #[must_use]
    pub fn proof_id(&self, now: Instant) -> u32 {
        self.proof.current(now).id
    }

    /// The key that a grant's row names. Such a key does not retire: a grant may lie idle for years.
    #[must_use]
    pub fn proof_by_id(&self, id: u32) -> Option<&hmac::Key> {
        self.proof.iter().find(|held| held.id == id).map(|held| &held.key)
    }

    /// Whether this server made the proof for this grant. The generations that still give something are proved by the one key
    /// that the row names for them; an older one only tells of its second use, and any key that lives may have made it.
    #[must_use]
    pub fn prove(&self, proof: &Proof, grant: &Grant) -> bool {
        let authentic = |key: &hmac::Key| proof.is_authentic(key, &grant.salt);
        let by = |id| self.proof_by_id(id).is_some_and(authentic);
        if proof.generation == grant.generation {
            by(grant.key)
        } else if grant.previous == Some(proof.generation) {
            grant.previous_key.is_some_and(by)
        } else {
            self.proof.iter().any(|held| authentic(&held.key))
        }
    }

    /// Whether this key was revoked, and what was made under it is over.
    #[must_use]
    pub fn is_revoked(&self, id: u32) -> bool {
        self.revoked.iter().any(|key| key.id == id)
    }

    /// Whether a key of this number may have been made since these were read: numbers are given one after the other.
    #[must_use]
    pub fn is_to_come(&self, id: u32) -> bool {
        id > self.highest && id - self.highest <= TO_COME
    }

    /// The key that seals what a page carries, now.
    #[must_use]
    pub fn page(&self, now: Instant) -> &SealKey {
        &self.page.current(now).key
    }

    /// The key that a page's sealed state names.
    #[must_use]
    pub fn page_by_id(&self, id: u32, now: Instant) -> Option<&SealKey> {
        self.page.by_id(id, now)
    }

    /// The key in use, and the one that waits to be.
    pub(super) fn current_and_next(&self, purpose: Purpose, now: Instant) -> (u32, Option<u32>) {
        match purpose {
            Purpose::Access => self.access.current_and_next(now),
            Purpose::Proof => self.proof.current_and_next(now),
            Purpose::Page => self.page.current_and_next(now),
        }
    }

    /// Whether a key of this purpose has retired and is still here.
    pub(super) fn has_retired(&self, purpose: Purpose, now: Instant) -> bool {
        match purpose {
            Purpose::Access => self.access.iter().any(|held| held.has_retired(now)),
            Purpose::Proof => self.proof.iter().any(|held| held.has_retired(now)),
            Purpose::Page => self.page.iter().any(|held| held.has_retired(now)),
        }
    }

    /// Every key that can be rotated, and those that were revoked, by number.
    #[must_use]
    pub fn standings(&self, now: Instant) -> Vec<Standing> {
        let mut all = self.access.standings(Purpose::Access, now);
        all.extend(self.proof.standings(Purpose::Proof, now));
        all.extend(self.page.standings(Purpose::Page, now));
        all.extend(self.revoked.iter().map(|key| Standing {
            id: key.id,
            purpose: key.purpose.clone(),
            state: KeyState::Revoked,
            created: key.created,
            active_from: None,
            retires: None,
            revoked: Some(key.revoked),
        }));
        all.sort_by_key(|standing| standing.id);
        all
    }
}

/// For how long a key of this purpose opens what it made once its successor is in use. The wait is added once more, because
/// a node whose clock is behind goes on making for a moment. Proof keys never retire by themselves: rows name them, no index
/// may name the column, and a look at every row is no bounded work.
pub(super) fn overlap(purpose: Purpose, longest_access: Duration) -> Option<Duration> {
    match purpose {
        Purpose::Access => Some(longest_access.saturating_add(PUBLISHED)),
        Purpose::Proof => None,
        Purpose::Page => Some(PAGES),
    }
}

fn ring<K>(
    master: &Master,
    rows: &Rows,
    purpose: Purpose,
    make: impl Fn(u32, &[u8; 32]) -> Result<K, KeyError>,
) -> Result<Ring<K>, KeyError> {
    let overlap = overlap(purpose, rows.longest_access);
    let is_revoked = |id| rows.revoked.iter().any(|key| key.id == id);
    let mine = rows.keys.iter().filter(|key| key.purpose == purpose.as_str());
    let mut living: Vec<_> = mine.filter(|key| !is_revoked(key.id)).collect();
    living.sort_by_key(|key| key.id);
    let mut older = Vec::with_capacity(living.len());
    let mut successor: Option<Instant> = None;
    for stored in living.into_iter().rev() {
        older.push(Held {
            id: stored.id,
            created: stored.created,
            active_from: stored.active_from,
            retires: successor.zip(overlap).map(|(from, overlap)| from.after(overlap)),
            key: make(stored.id, &*master.open(stored)?)?,
        });
        successor = Some(stored.active_from);
    }
    if older.is_empty() {
        return Err(KeyError::NoKey(purpose.as_str()));
    }
    let newest = older.remove(0);
    Ok(Ring { newest, older })
}

impl<K> Ring<K> {
    /// The newest key whose moment has come. Before any of them, where a clock was turned back: the oldest.
    fn current(&self, now: Instant) -> &Held<K> {
        if self.newest.active_from <= now {
            return &self.newest;
        }
        let active = self.older.iter().find(|held| held.active_from <= now);
        active.or(self.older.last()).unwrap_or(&self.newest)
    }

    fn by_id(&self, id: u32, now: Instant) -> Option<&K> {
        let held = self.iter().find(|held| held.id == id)?;
        (!held.has_retired(now)).then_some(&held.key)
    }

    fn iter(&self) -> impl Iterator<Item = &Held<K>> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    fn current_and_next(&self, now: Instant) -> (u32, Option<u32>) {
        let current = self.current(now).id;
        (current, Some(self.newest.id).filter(|newest| *newest != current))
    }

    fn standings(&self, purpose: Purpose, now: Instant) -> Vec<Standing> {
        let current = self.current(now).id;
        let living = self.iter().filter(|held| !held.has_retired(now));
        let standing = |held: &Held<K>| Standing {
            id: held.id,
            purpose: purpose.as_str().to_owned(),
            state: match held.id.cmp(&current) {
                std::cmp::Ordering::Less => KeyState::Overlapping,
                std::cmp::Ordering::Equal => KeyState::Current,
                std::cmp::Ordering::Greater => KeyState::Next,
            },
            created: held.created,
            active_from: Some(held.active_from),
            retires: held.retires,
            revoked: None,
        };
        living.map(standing).collect()
    }
}

impl<K> Held<K> {
    fn has_retired(&self, now: Instant) -> bool {
        self.retires.is_some_and(|retires| retires <= now)
    }
}
