//! Keys: a ring for each purpose, sealed in the database by a master key that the database never sees.
//!
//! Tokens and rows carry key ids, so that a key can be replaced while what it made still lives. A new key is *published*: every
//! server can open with it, none makes with it yet. It makes from `active_from` on; the one before it *overlaps* until the
//! last thing made under it has expired, and then *retires*. All of that is decided from `now` and the rows: nodes that
//! have read the same rows agree, without a timer. (docs/decisions/0016)

mod change;
mod master;
mod ring;

pub use change::{RevokeError, Revoked, Rotated};
pub use master::Master;
pub use ring::{KeyState, Keyring, Standing};

use crate::config;
use crate::random;
use crate::store::model::{Key as StoredKey, RevokedKey};
use crate::store::{Store, StoreError};
use crate::time::Instant;
use crate::tokens::sealed::NotSealed;
use arc_swap::{ArcSwap, Guard};
use aws_lc_rs::hmac;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Every key of the server, opened.
pub struct Keys {
    master: Master,
    ring: ArcSwap<Keyring>,
    /// Under it nothing is issued, so it is neither rotated nor revoked.
    declared: hmac::Key,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

/// What a key that can be rotated is for; it serves nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Sealing access tokens.
    Access,
    /// Proving codes and refresh tokens.
    Proof,
    /// Sealing what a page carries from one request to the next.
    Page,
}

/// What the database says of keys.
struct Rows {
    keys: Vec<StoredKey>,
    revoked: Vec<RevokedKey>,
    /// The longest life of any access token, ever. Not known: no access key retires.
    longest_access: Duration,
}

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The master key is no 32 bytes in base64.
    #[error("{0} must hold 32 bytes in base64")]
    MalformedMaster(String),
    /// Made by another master key.
    #[error(
        "key {0} in the database was sealed by another master key: servers on one database share one; \
         put the right one in its place ([keys] master_file)"
    )]
    WrongMaster(u32),
    /// The database has keys, the master key file is absent: a new one would make every token void.
    #[error(
        "{} is missing, and the database has keys that were sealed by it: restore the file, or copy that of another \
         server on this database ([keys] master_file)", .0.display()
    )]
    LostMaster(PathBuf),
    /// There is no key for this purpose, which no server leaves behind.
    #[error("the database has no key for the purpose {0:?} any more")]
    NoKey(&'static str),
    /// The file system refuses.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cipher refuses.
    #[error(transparent)]
    Cipher(#[from] NotSealed),
}

/// The purpose of the key under which declared values are remembered.
const DECLARED: &str = "declared";
/// Every purpose, in the order in which a first start makes their keys.
const PURPOSES: [&str; 4] = ["access", "proof", "page", DECLARED];

impl Purpose {
    /// Every purpose whose keys rotate.
    pub const ALL: [Self; 3] = [Self::Access, Self::Proof, Self::Page];

    /// Its name in the database and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Proof => "proof",
            Self::Page => "page",
        }
    }

    fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

impl Keys {
    /// Opens the stored keys, makes those of a purpose that has none yet, and forgets those that have retired.
    ///
    /// # Errors
    /// Where the master key is another one, or the database refuses.
    pub async fn open(store: &Store, config: &config::Keys, data: &Path, now: Instant) -> Result<Self, KeyError> {
        let rows = Rows::read(store).await?;
        let master = Master::obtain(config, data, !rows.keys.is_empty())?;
        let rows = complete(store, &master, rows, now).await?;
        let declared = rows.keys.iter().rfind(|key| key.purpose == DECLARED);
        let declared = master.open(declared.ok_or(KeyError::NoKey(DECLARED))?)?;
        let keys = Self {
            ring: ArcSwap::from_pointee(Keyring::of(&master, &rows)?),
            declared: hmac::Key::new(hmac::HMAC_SHA256, declared.as_slice()),
            master,
            changing: tokio::sync::Mutex::default(),
        };
        keys.retire(store, now).await;
        Ok(keys)
    }

    /// The keys as they are now. To be taken once for what belongs together.
    #[must_use]
    pub fn ring(&self) -> Guard<Arc<Keyring>> {
        self.ring.load()
    }

    /// The key under which declared values are remembered.
    #[must_use]
    pub fn declared(&self) -> &hmac::Key {
        &self.declared
    }
}

/// Makes the keys that are missing. Servers that start at once on an empty database share them: who comes second with a number
/// reads again. None adds to what it cannot open, so all keys are one master's.
async fn complete(store: &Store, master: &Master, mut rows: Rows, now: Instant) -> Result<Rows, KeyError> {
    loop {
        // A later version's keys may be of other kinds: they are its own to open.
        for key in rows.keys.iter().filter(|key| PURPOSES.contains(&key.purpose.as_str())) {
            master.open(key)?;
        }
        let has = |purpose: &&str| rows.keys.iter().any(|key| key.purpose == **purpose);
        let Some(missing) = PURPOSES.iter().find(|purpose| !has(purpose)) else {
            return Ok(rows);
        };
        let key = fresh(master, rows.unused(), missing, now)?;
        match store.create_key(key).await {
            // Another key has the number now: each turn finds at least one more.
            Ok(()) | Err(StoreError::Taken(_)) => rows = Rows::read(store).await?,
            Err(error) => return Err(error.into()),
        }
    }
}

impl Rows {
    /// Keys first: one that is revoked between the two reads is then in both, and counts as revoked.
    async fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            keys: store.keys().await?,
            revoked: store.revoked_keys().await?,
            longest_access: store.longest_access().await?.unwrap_or(Duration::MAX),
        })
    }

    /// A number that no key had before.
    fn unused(&self) -> u32 {
        let revoked = self.revoked.iter().map(|key| key.id);
        let highest = self.keys.iter().map(|key| key.id).chain(revoked).max();
        highest.unwrap_or(0) + 1
    }
}

/// A key that nobody knew before, used from now on.
fn fresh(master: &Master, id: u32, purpose: &str, now: Instant) -> Result<StoredKey, KeyError> {
    Ok(StoredKey {
        id,
        purpose: purpose.to_owned(),
        sealed: master.seal(id, purpose, &random::bytes())?,
        created: now,
        active_from: now,
    })
}

#[cfg(test)]
mod tests;
