//! The master key: it seals the others, and never comes near the database.

use super::KeyError;
use crate::config;
use crate::random;
use crate::store::model::Key as StoredKey;
use crate::tokens::sealed::SealKey;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::io::{self, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The key that seals the others.
pub struct Master(SealKey);

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
            Err(error) if error.kind() == io::ErrorKind::NotFound => match Self::make(&path) {
                // Another server was quicker with a file that they share.
                Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {
                    Self::obtain(keys, data, true)
                }
                made => made,
            },
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

    pub(super) fn seal(&self, id: u32, purpose: &str, key: &[u8; 32]) -> Result<Vec<u8>, KeyError> {
        let nonce = random::bytes::<12>();
        let mut body = key.to_vec();
        self.0.seal(nonce, &label(id, purpose), &mut body)?;
        Ok([nonce.as_slice(), &body].concat())
    }

    pub(super) fn open(&self, stored: &StoredKey) -> Result<Zeroizing<[u8; 32]>, KeyError> {
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

/// The file appears with all that it holds, unless it is there already.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", random::alphanumeric(12)));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| std::fs::hard_link(&draft, path));
    match linked {
        // Not every file system has links.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => std::fs::rename(&draft, path),
        linked => std::fs::remove_file(&draft).and(linked),
    }
}
