//! Keys: one for each purpose, sealed in the database by a master key that the database never sees.
//!
//! Tokens and rows carry key ids, so that a key can be replaced while what it made still lives.

use crate::config;
use crate::random;
use crate::store::model::Key as StoredKey;
use crate::store::{Store, StoreError};
use crate::time::Instant;
use crate::tokens::proofs::Proof;
use crate::tokens::sealed::{NotSealed, SealKey};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The key that seals the others.
pub struct Master(SealKey);

/// Every key of the server, opened.
pub struct Keys {
    access: Ring<SealKey>,
    proof: Ring<hmac::Key>,
    page: Ring<SealKey>,
    declared: Ring<hmac::Key>,
}

/// The keys of one purpose: the current one makes, all of them check.
struct Ring<K> {
    current: u32,
    keys: HashMap<u32, K>,
}

/// Why keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The master key is no 32 bytes in base64.
    #[error("{0} must hold 32 bytes in base64")]
    MalformedMaster(String),
    /// Made by another master key.
    #[error("key {0} in the database was sealed by another master key; restore the right one ([keys] master_file)")]
    WrongMaster(u32),
    /// The database has keys, the master key file is absent: a new one would make every token void.
    #[error("{} is missing, and the database has keys that were sealed by it; restore the file", .0.display())]
    LostMaster(PathBuf),
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

const PURPOSES: [&str; 4] = ["access", "proof", "page", "declared"];

impl Master {
    /// Takes the key from the configuration or its file; makes the file where neither it nor any stored key exists.
    ///
    /// # Errors
    /// Where the key is malformed, the file cannot be read or made, or it is lost.
    pub fn obtain(keys: &config::Keys, data: &Path, database_has_keys: bool) -> Result<Self, KeyError> {
        if let Some(master) = &keys.master {
            return Self::parse(master.expose(), "[keys] master");
        }
        let path = data.join(&keys.master_file);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                warn_if_shared(&path);
                Self::parse(&text, &path.display().to_string())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && database_has_keys => {
                Err(KeyError::LostMaster(path))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(&path),
            Err(source) => Err(KeyError::File { path, source }),
        }
    }

    fn parse(text: &str, place: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::MalformedMaster(place.to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| malformed())?;
        Ok(Self(SealKey::new(0, bytes)?))
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(random::bytes::<32>());
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*bytes)));
        write_private(path, text.as_bytes()).map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })?;
        tracing::info!(path = %path.display(), "made a master key: keep a copy apart from the database's backups");
        Ok(Self(SealKey::new(0, &bytes)?))
    }

    fn seal(&self, id: u32, purpose: &str, key: &[u8; 32]) -> Result<Vec<u8>, KeyError> {
        let nonce = random::bytes::<12>();
        let mut body = key.to_vec();
        self.0.seal(nonce, &label(id, purpose), &mut body)?;
        Ok([nonce.as_slice(), &body].concat())
    }

    fn open(&self, stored: &StoredKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let wrong = || KeyError::WrongMaster(stored.id);
        let mut sealed = stored.sealed.clone();
        let (nonce, body) = sealed.split_first_chunk_mut::<12>().ok_or_else(wrong)?;
        let plain = self
            .0
            .open(*nonce, &label(stored.id, &stored.purpose), body)
            .map_err(|_| wrong())?;
        plain.try_into().map(Zeroizing::new).map_err(|_| wrong())
    }
}

impl Keys {
    /// Opens the stored keys, and makes those of a purpose that has none yet.
    ///
    /// # Errors
    /// Where the master key is another one, or the database refuses.
    pub async fn open(store: &Store, config: &config::Keys, data: &Path, now: Instant) -> Result<Self, KeyError> {
        let mut stored = store.keys().await?;
        let master = Master::obtain(config, data, !stored.is_empty())?;
        let highest = stored.iter().map(|key| key.id).max().unwrap_or(0);
        for (id, purpose) in (highest + 1..).zip(
            PURPOSES
                .iter()
                .filter(|p| !stored.iter().any(|key| key.purpose == **p))
                .collect::<Vec<_>>(),
        ) {
            let sealed = master.seal(id, purpose, &random::bytes())?;
            let key = StoredKey {
                id,
                purpose: (*purpose).to_owned(),
                sealed,
                created: now,
            };
            store.create_key(key.clone()).await?;
            stored.push(key);
        }
        let opened = stored
            .iter()
            .map(|key| Ok((key.id, key.purpose.as_str(), master.open(key)?)));
        let opened = opened.collect::<Result<Vec<_>, KeyError>>()?;
        let seal = |purpose| ring(&opened, purpose, |id, bytes| Ok(SealKey::new(id, bytes)?));
        let sign = |purpose| {
            ring(&opened, purpose, |_, bytes| {
                Ok(hmac::Key::new(hmac::HMAC_SHA256, bytes))
            })
        };
        Ok(Self {
            access: seal("access")?,
            proof: sign("proof")?,
            page: seal("page")?,
            declared: sign("declared")?,
        })
    }

    /// The key that seals access tokens now.
    #[must_use]
    pub fn access(&self) -> &SealKey {
        self.access.current()
    }

    /// The key that an access token names.
    #[must_use]
    pub fn access_by_id(&self, id: u32) -> Option<&SealKey> {
        self.access.keys.get(&id)
    }

    /// The id of the key that proves codes and refresh tokens now.
    #[must_use]
    pub fn proof_id(&self) -> u32 {
        self.proof.current
    }

    /// The key that a grant's row names.
    #[must_use]
    pub fn proof_by_id(&self, id: u32) -> Option<&hmac::Key> {
        self.proof.keys.get(&id)
    }

    /// Whether this server made the proof for the grant with this salt. The key that the row names is tried first; an older
    /// generation may have been made under one before it.
    #[must_use]
    pub fn prove(&self, proof: &Proof, salt: &[u8; 16], named: u32) -> bool {
        let first = self.proof.keys.get(&named);
        let others = self
            .proof
            .keys
            .iter()
            .filter(|(id, _)| **id != named)
            .map(|(_, key)| key);
        first.into_iter().chain(others).any(|key| proof.is_authentic(key, salt))
    }

    /// The key that seals what a page carries from one request to the next.
    #[must_use]
    pub fn page(&self) -> &SealKey {
        self.page.current()
    }

    /// The key that a page's sealed state names.
    #[must_use]
    pub fn page_by_id(&self, id: u32) -> Option<&SealKey> {
        self.page.keys.get(&id)
    }

    /// The key under which declared values are remembered.
    #[must_use]
    pub fn declared(&self) -> &hmac::Key {
        self.declared.current()
    }
}

impl<K> Ring<K> {
    fn current(&self) -> &K {
        &self.keys[&self.current]
    }
}

type Opened<'a> = (u32, &'a str, Zeroizing<[u8; 32]>);

fn ring<K>(
    opened: &[Opened<'_>],
    purpose: &str,
    make: impl Fn(u32, &[u8; 32]) -> Result<K, KeyError>,
) -> Result<Ring<K>, KeyError> {
    let mine = opened.iter().filter(|(_, of, _)| *of == purpose);
    let keys = mine
        .map(|(id, _, bytes)| Ok((*id, make(*id, bytes)?)))
        .collect::<Result<HashMap<_, _>, KeyError>>()?;
    let current = keys.keys().copied().max().unwrap_or(0);
    Ok(Ring { current, keys })
}

fn label(id: u32, purpose: &str) -> Vec<u8> {
    format!("hallpass key {id} {purpose}").into_bytes()
}

/// A key that others can read is no secret any more; the server cannot undo that, but it can say so.
fn warn_if_shared(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "others than its owner may read the master key");
    }
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}
