//! The master key. It seals the other keys, and is never in the database.

use super::KeyError;
use crate::config;
use crate::data_folder::ownership;
use crate::random;
use crate::store::model::Key as StoredKey;
use crate::tokens::sealed::SealKey;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// The key that seals the other keys.
pub struct Master(SealKey);

impl Master {
    /// Takes the key from the configuration or its file. If neither the file nor any stored key exists, creates the file.
    /// The key of a new file is read back from it, so nothing is ever sealed with a key that is not on the disk.
    ///
    /// # Errors
    /// If the key is malformed, the file cannot be read or created, or the file is lost.
    pub fn obtain(keys: &config::Keys, data: &Path, database_has_keys: bool) -> Result<Self, KeyError> {
        if let Some(master) = &keys.master {
            return Self::parse(master.expose(), "[keys] master");
        }
        let path = data.join(&keys.master_file);
        let unusable = |source| KeyError::File {
            path: path.clone(),
            source,
        };
        match Self::read(&path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            read => return read,
        }
        if database_has_keys {
            return Err(KeyError::LostMaster(path));
        }
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*Zeroizing::new(random::bytes::<32>()))));
        if put(&path, text.as_bytes(), create_private, |draft, path| {
            fs::hard_link(draft, path)
        })
        .map_err(unusable)?
        {
            tracing::info!(path = %path.display(), "created the master key file: keep a copy of it, apart from the backups of the database");
        }
        Self::read(&path)
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let text = read_trusted(path).map_err(|source| KeyError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    fn parse(text: &str, place: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::MalformedMaster(place.to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| malformed())?;
        Ok(Self(SealKey::new(0, bytes)?))
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

/// Reads the file, if no other account can have put it there. If others can read the key, it is no longer secret. The
/// server cannot undo this, but warns.
fn read_trusted(path: &Path) -> io::Result<Zeroizing<String>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    ownership::check(path, &found)?;
    if found.permissions().mode() & 0o077 != 0 {
        tracing::warn!(
            "the master key file is readable by others: run `chmod 600 {}`",
            path.display()
        );
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Creates the file with all of its content on the disk, or not at all. Returns whether it did. An existing file is kept,
/// such as that of a server that started at the same moment.
fn put(
    path: &Path,
    content: &[u8],
    create: impl Fn(&Path) -> io::Result<File>,
    link: impl Fn(&Path, &Path) -> io::Result<()>,
) -> io::Result<bool> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", random::alphanumeric(12)));
    let draft = Path::new(&draft);
    let linked = write(draft, content, &create).and_then(|()| match link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system supports links. A rename instead would replace an existing file.
        Err(_) => write(path, content, &create),
        Ok(()) => Ok(()),
    });
    let _ = fs::remove_file(draft);
    match linked {
        Ok(()) => sync_folder(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a new file. If this fails, no file remains.
fn write(path: &Path, content: &[u8], create: impl Fn(&Path) -> io::Result<File>) -> io::Result<()> {
    let mut file = create(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// A new file survives a power failure only once its folder is on the disk too. Not every file system supports this.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or(Path::new(".")))?.sync_all() {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(master_file: &str) -> config::Keys {
        config::Keys {
            master: None,
            master_file: master_file.into(),
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn hard_link(draft: &Path, path: &Path) -> io::Result<()> {
        fs::hard_link(draft, path)
    }

    /// Fails like FAT and some network file systems.
    fn no_links(_: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn full_disk(_: &Path) -> io::Result<File> {
        File::options().write(true).open("/dev/full")
    }

    #[test]
    fn a_created_key_is_the_key_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let made = Master::obtain(&keys("master.key"), folder.path(), false).unwrap();
        let read = Master::obtain(&keys("master.key"), folder.path(), true).unwrap();
        let sealed = StoredKey {
            id: 1,
            purpose: "access".to_owned(),
            sealed: made.seal(1, "access", &[7; 32]).unwrap(),
            created: crate::time::Instant(0),
            active_from: crate::time::Instant(0),
        };
        assert_eq!(*read.open(&sealed).unwrap(), [7; 32]);
        assert_eq!(names(folder.path()), ["master.key"]);
    }

    #[test]
    fn on_a_full_disk_no_key_is_created_and_no_file_remains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for link in [hard_link, no_links] {
            let error = put(&path, b"key", full_disk, link).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
            assert!(names(folder.path()).is_empty());
        }
    }

    #[test]
    fn an_existing_file_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        for link in [hard_link, no_links] {
            let _ = fs::remove_file(&path);
            assert!(put(&path, b"first", create_private, link).unwrap());
            assert!(!put(&path, b"second", create_private, link).unwrap());
            assert_eq!(fs::read(&path).unwrap(), b"first");
            assert_eq!(names(folder.path()), ["master.key"]);
        }
    }

    #[test]
    fn servers_that_start_at_once_use_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let obtain = || Master::obtain(&keys("master.key"), folder.path(), false).unwrap();
        let masters: Vec<Master> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..8).map(|_| scope.spawn(obtain)).collect();
            started.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let sealed = masters[0].seal(1, "page", &[7; 32]).unwrap();
        for master in &masters {
            let stored = StoredKey {
                id: 1,
                purpose: "page".to_owned(),
                sealed: sealed.clone(),
                created: crate::time::Instant(0),
                active_from: crate::time::Instant(0),
            };
            assert_eq!(*master.open(&stored).unwrap(), [7; 32]);
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let half = STANDARD.encode([7; 16]);
        for content in ["", "\n", "not base64", &half] {
            fs::write(&path, content).unwrap();
            let refused = Master::obtain(&keys("master.key"), folder.path(), false);
            assert!(matches!(refused, Err(KeyError::MalformedMaster(_))), "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_missing_folder_stops_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Master::obtain(&keys("absent/master.key"), folder.path(), false);
        assert!(matches!(refused, Err(KeyError::File { .. })));
    }
}
