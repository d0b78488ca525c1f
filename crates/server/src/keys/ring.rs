//! The opened keys: which key is current, and which keys still open or prove.
//!
//! Every token needs a look-up here, so it is a comparison or two. A ring never changes: a changed ring replaces it.

use super::{KeyError, KeyPurpose, Master, Rows};
use crate::store::model::{Grant, RevokedKey};
use crate::time::Instant;
use crate::tokens::proofs::Proof;
use crate::tokens::sealed::{AccessKey, SealKey};
use aws_lc_rs::hmac;
use std::time::Duration;

/// How long a key is published before it is used: until then every server must have read it. A node reads changes every 200
/// ms and stops trusting its memory after 2 s; clocks may be wrong by 5 s in each direction. A minute is several times
/// that, and nobody waits for it. Keys that others fetch, such as a JWK set, must also wait for the caches of others.
pub(super) const PUBLISHED: Duration = Duration::from_secs(60);

/// How long a page sealed by a replaced key can still lead its visitor back: a tab may be left open overnight. The page can
/// be submitted for half an hour only.
const PAGES: Duration = Duration::from_secs(24 * 60 * 60);

/// The highest number of keys that other servers may create at once. A forged token can name any of four billion key
/// numbers, and must not cause a database query for each.
const TO_COME: u32 = 16;

/// The keys of all purposes.
pub struct Keyring {
    access: Ring<AccessKey>,
    proof: Ring<hmac::Key>,
    page: Ring<SealKey>,
    revoked: Vec<RevokedKey>,
    /// The highest number of any key that was ever read, for any purpose.
    highest: u32,
}

/// The keys of one purpose.
struct Ring<K> {
    newest: RingKey<K>,
    /// The other keys, the newest first.
    older: Vec<RingKey<K>>,
}

/// A key in its ring.
struct RingKey<K> {
    id: u32,
    created: Instant,
    active_from: Instant,
    /// When everything made with the key has expired. `None` if the key has no successor, or if the time is not known.
    retires: Option<Instant>,
    key: K,
}

/// The state of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, and not used yet.
    Next,
    /// In use for everything new of its purpose.
    Current,
    /// Opens or proves what was made with it, and makes nothing new.
    Overlapping,
    /// Revoked, with everything made with it.
    Revoked,
}

/// A key as shown to the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedKey {
    /// The number of the key.
    pub id: u32,
    /// The purpose of the key.
    pub purpose: String,
    /// The state of the key.
    pub state: KeyState,
    /// When the key was created.
    pub created: Instant,
    /// When the key comes into use. `None` for a revoked key.
    pub active_from: Option<Instant>,
    /// When the key retires, if that is known.
    pub retires: Option<Instant>,
    /// When the key was revoked.
    pub revoked: Option<Instant>,
}

impl Keyring {
    pub(super) fn of(master: &Master, rows: &Rows) -> Result<Self, KeyError> {
        let sign = |_, bytes: &[u8; 32]| Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes));
        let access = |id, bytes: &[u8; 32]| Ok(AccessKey::new(id, bytes)?);
        let seal = |id, bytes: &[u8; 32]| Ok(SealKey::new(id, bytes)?);
        Ok(Self {
            access: ring(master, rows, KeyPurpose::Access, access)?,
            proof: ring(master, rows, KeyPurpose::Proof, sign)?,
            page: ring(master, rows, KeyPurpose::Page, seal)?,
            revoked: rows.revoked.clone(),
            highest: rows.unused() - 1,
        })
    }

    /// The key that seals access tokens issued at this moment.
    #[must_use]
    pub fn access(&self, issued_at: Instant) -> &AccessKey {
        &self.access.current(issued_at).key
    }

    /// The key with the id that an access token names.
    #[must_use]
    pub fn access_by_id(&self, id: u32, now: Instant) -> Option<&AccessKey> {
        self.access.by_id(id, now)
    }

    /// The id of the key for new codes and refresh tokens.
    #[must_use]
    pub fn proof_id(&self, now: Instant) -> u32 {
        self.proof.current(now).id
    }

    /// The key with the id that a grant's row names. Such a key does not retire: a grant may be idle for years.
    #[must_use]
    pub fn proof_by_id(&self, id: u32) -> Option<&hmac::Key> {
        self.proof.iter().find(|held| held.id == id).map(|held| &held.key)
    }

    /// Whether this server made the proof for this grant. The row names the key for each generation that is still accepted.
    /// An older generation is only checked to detect its second use, so any living key may have made it.
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

    /// Whether this key was revoked, and with it everything made with it.
    #[must_use]
    pub fn is_revoked(&self, id: u32) -> bool {
        self.revoked.iter().any(|key| key.id == id)
    }

    /// Whether a key with this number may have been created since the keys were read. Numbers are given in ascending order.
    #[must_use]
    pub fn is_to_come(&self, id: u32) -> bool {
        id > self.highest && id - self.highest <= TO_COME
    }

    /// The key that seals the state of pages now.
    #[must_use]
    pub fn page(&self, now: Instant) -> &SealKey {
        &self.page.current(now).key
    }

    /// The key with the id that the sealed state of a page names.
    #[must_use]
    pub fn page_by_id(&self, id: u32, now: Instant) -> Option<&SealKey> {
        self.page.by_id(id, now)
    }

    /// The current key, and the one that waits.
    pub(super) fn current_and_next(&self, purpose: KeyPurpose, now: Instant) -> (u32, Option<u32>) {
        match purpose {
            KeyPurpose::Access => self.access.current_and_next(now),
            KeyPurpose::Proof => self.proof.current_and_next(now),
            KeyPurpose::Page => self.page.current_and_next(now),
        }
    }

    /// Whether a key of this purpose has retired and is still in the ring.
    pub(super) fn has_retired(&self, purpose: KeyPurpose, now: Instant) -> bool {
        match purpose {
            KeyPurpose::Access => self.access.iter().any(|held| held.has_retired(now)),
            KeyPurpose::Proof => self.proof.iter().any(|held| held.has_retired(now)),
            KeyPurpose::Page => self.page.iter().any(|held| held.has_retired(now)),
        }
    }

    /// Every key that can be rotated and every revoked key, by number.
    #[must_use]
    pub fn standings(&self, now: Instant) -> Vec<ListedKey> {
        let mut all = self.access.standings(KeyPurpose::Access, now);
        all.extend(self.proof.standings(KeyPurpose::Proof, now));
        all.extend(self.page.standings(KeyPurpose::Page, now));
        all.extend(self.revoked.iter().map(|key| ListedKey {
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

/// How long a key of this purpose opens what it made after its successor came into use. The publishing time is added once
/// more, because a node whose clock is behind uses the old key a little longer. Proof keys never retire by themselves: rows
/// name them, the column has no index, and a scan of all rows is not bounded work.
pub(super) fn overlap(purpose: KeyPurpose, longest_access: Duration) -> Option<Duration> {
    match purpose {
        KeyPurpose::Access => Some(longest_access.saturating_add(PUBLISHED)),
        KeyPurpose::Proof => None,
        KeyPurpose::Page => Some(PAGES),
    }
}

fn ring<K>(
    master: &Master,
    rows: &Rows,
    purpose: KeyPurpose,
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
        older.push(RingKey {
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
    /// The newest key that has come into use. If the clock was turned back to before all of them, the oldest key.
    fn current(&self, now: Instant) -> &RingKey<K> {
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

    fn iter(&self) -> impl Iterator<Item = &RingKey<K>> {
        std::iter::once(&self.newest).chain(&self.older)
    }

    fn current_and_next(&self, now: Instant) -> (u32, Option<u32>) {
        let current = self.current(now).id;
        (current, Some(self.newest.id).filter(|newest| *newest != current))
    }

    fn standings(&self, purpose: KeyPurpose, now: Instant) -> Vec<ListedKey> {
        let current = self.current(now).id;
        let living = self.iter().filter(|held| !held.has_retired(now));
        let standing = |held: &RingKey<K>| ListedKey {
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

impl<K> RingKey<K> {
    fn has_retired(&self, now: Instant) -> bool {
        self.retires.is_some_and(|retires| retires <= now)
    }
}
