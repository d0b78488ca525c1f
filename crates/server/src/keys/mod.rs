//! Keys: a ring for each purpose, sealed in the database by a master key that is never in the database.
//!
//! Tokens and rows carry key ids, so a key can be replaced while tokens made with it still live. A new key is *published*:
//! every server can open with it, and none makes anything with it yet. It becomes *current* at `active_from`. The key
//! before it then *overlaps* until everything made with it has expired, and then *retires*. All of this is computed from
//! `now` and the rows: nodes that have read the same rows agree without a timer (docs/decisions/0016).

mod change;
mod master;
mod ring;

pub use change::{KeyRevocation, KeyRotation, RevokeError};
pub use master::Master;
pub use ring::{KeyState, Keyring, ListedKey};

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

/// All keys of the server, opened.
pub struct Keys {
    master: Master,
    ring: ArcSwap<Keyring>,
    /// The key for declared values. Nothing is issued with it, so it is neither rotated nor revoked.
    declared: hmac::Key,
    /// Allows one change at a time.
    changing: tokio::sync::Mutex<()>,
}

/// The purpose of a key that can be rotated. A key serves one purpose only.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyPurpose {
    /// Sealing access tokens.
    Access,
    /// Proving codes and refresh tokens.
    Proof,
    /// Sealing what a page carries from one request to the next.
    Page,
}

/// The rows of the database about keys.
struct Rows {
    keys: Vec<StoredKey>,
    revoked: Vec<RevokedKey>,
    /// The longest life of any access token that was ever issued. If it is not known, no access key retires.
    longest_access: Duration,
}

/// Why keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The master key is not 32 bytes in base64.
    #[error("{0} must hold 32 bytes in base64")]
    MalformedMaster(String),
    /// Sealed by another master key.
    #[error(
        "key {0} in the database was sealed by another master key: servers on one database share one; \
         copy the master key file of another server to this one ([keys] master_file)"
    )]
    WrongMaster(u32),
    /// The database has keys, but the master key file is absent. A new master key would make every token void.
    #[error(
        "{} is missing, and the database has keys that were sealed by it: restore the file, or copy that of another \
         server on this database ([keys] master_file)", .0.display()
    )]
    LostMaster(PathBuf),
    /// No key for this purpose. No server leaves the database in this state.
    #[error("the database no longer has a key for the purpose {0:?}")]
    NoKey(&'static str),
    /// The file system refuses.
    #[error("{}: {source}", .path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cipher refuses.
    #[error(transparent)]
    Cipher(#[from] NotSealed),
}

/// The purpose of the key with which declared values are remembered.
const DECLARED: &str = "declared";
/// All purposes, in the order in which a first start creates their keys.
const PURPOSES: [&str; 4] = ["access", "proof", "page", DECLARED];

impl KeyPurpose {
    /// All purposes whose keys rotate.
    pub const ALL: [Self; 3] = [Self::Access, Self::Proof, Self::Page];

    /// The name of the purpose in the database and on the command line.
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
    /// Opens the stored keys, creates a key for each purpose without one, and deletes the retired keys.
    ///
    /// # Errors
    /// If the master key is another one, or the database refuses.
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

    /// The keys as they are now. Take the ring once for all uses that belong together.
    #[must_use]
    pub fn ring(&self) -> Guard<Arc<Keyring>> {
        self.ring.load()
    }

    /// The key with which declared values are remembered.
    #[must_use]
    pub fn declared(&self) -> &hmac::Key {
        &self.declared
    }
}

/// Creates the missing keys. Servers that start at the same time on an empty database share them: the second server to use
/// a number reads again. No server adds keys to a database whose keys it cannot open, so all keys have the same master key.
async fn complete(store: &Store, master: &Master, mut rows: Rows, now: Instant) -> Result<Rows, KeyError> {
    loop {
        // Skips other purposes: the keys of a later version may be of kinds that this version cannot open.
        for key in rows.keys.iter().filter(|key| PURPOSES.contains(&key.purpose.as_str())) {
            master.open(key)?;
        }
        let has = |purpose: &&str| rows.keys.iter().any(|key| key.purpose == **purpose);
        let Some(missing) = PURPOSES.iter().find(|purpose| !has(purpose)) else {
            return Ok(rows);
        };
        let key = fresh(master, rows.unused(), missing, now)?;
        match store.create_key(key).await {
            // Another key has this number now. Each turn finds at least one more key.
            Ok(()) | Err(StoreError::Taken(_)) => rows = Rows::read(store).await?,
            Err(error) => return Err(error.into()),
        }
    }
}

impl Rows {
    /// Reads the keys first: a key that is revoked between the two reads is then in both, and counts as revoked.
    async fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            keys: store.keys().await?,
            revoked: store.revoked_keys().await?,
            longest_access: store.longest_access().await?.unwrap_or(Duration::MAX),
        })
    }

    /// A number that no key ever had.
    fn unused(&self) -> u32 {
        let revoked = self.revoked.iter().map(|key| key.id);
        let highest = self.keys.iter().map(|key| key.id).chain(revoked).max();
        highest.unwrap_or(0) + 1
    }
}

/// A new random key, used from now on.
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
