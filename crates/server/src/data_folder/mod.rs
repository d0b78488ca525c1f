//! The data folder: database, master key, admin socket.
//!
//! One server at a time uses a data folder: two servers on one embedded database would not see each other's revocations.
//! The folder is locked, and so is the database file, which may have other names and be in another folder. The operating
//! system releases the locks when the process ends in any way, so no stale lock remains.

pub(crate) mod ownership;

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A data folder that only this process uses, until the value is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another server uses the folder.
    #[error("another server uses the data folder {}", .0.display())]
    InUse(PathBuf),
    /// The file system refuses, or the folder is not trusted.
    #[error("the data folder {} cannot be used: {source}", .path.display())]
    File {
        /// The path of the folder.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// Another server uses the database, perhaps by another name of the file.
    #[error("another server uses the database {}", .0.display())]
    DatabaseInUse(PathBuf),
    /// The file system refuses, or the file is not trusted.
    #[error("the database {} cannot be used: {source}", .path.display())]
    Database {
        /// The path of the file.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
}

/// An SQLite database that only this process uses, until the value is dropped. Drop it after the database is closed: POSIX
/// releases SQLite's locks as soon as any descriptor of the file is closed.
#[derive(Debug)]
pub struct DatabaseLock(#[expect(dead_code, reason = "held for its lock")] File);

impl DataFolder {
    /// Opens and locks the folder. Creates it, for its owner only, if it does not exist.
    ///
    /// # Errors
    /// If another server uses it, or the file system refuses.
    pub fn open(path: &Path) -> Result<Self, DataFolderError> {
        let file = |source| DataFolderError::File {
            path: path.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(file)?;
        let found = fs::metadata(path).map_err(file)?;
        ownership::check(path, &found).map_err(file)?;
        let path = fs::canonicalize(path).map_err(file)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("hallpass.lock"))
            .map_err(file)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse(path)),
            Err(TryLockError::Error(source)) => Err(file(source)),
        }
    }

    /// The absolute path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl DatabaseLock {
    /// Locks the file. Creates it, for its owner only, if it does not exist. The lock belongs to the file and not to its
    /// name, so hard and symbolic links lead to the same lock.
    ///
    /// # Errors
    /// If another server uses it, another account owns or can write the file or its folder, the file has several names, or
    /// the file system refuses.
    pub fn take(path: &Path) -> Result<Self, DataFolderError> {
        let unusable = |source| DataFolderError::Database {
            path: path.to_owned(),
            source,
        };
        check_folder(path).map_err(unusable)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(unusable)?;
        let found = file.metadata().map_err(unusable)?;
        ownership::check(path, &found).map_err(unusable)?;
        check_links(&found).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(DataFolderError::DatabaseInUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }
}

/// Checks the folder too: SQLite reads the newest commits from a file beside the database, whoever created that file.
fn check_folder(database: &Path) -> io::Result<()> {
    let resolved = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    for path in [database, &resolved] {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        ownership::check(folder, &fs::metadata(folder)?)?;
    }
    Ok(())
}

/// SQLite keeps the newest commits in a file that is named after the name it opened. Under another name it would not find
/// these commits, and would overwrite them.
fn check_links(database: &Metadata) -> io::Result<()> {
    match database.nlink() {
        0 | 1 => Ok(()),
        names => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the file has {names} names (hard links), and SQLite does not find the commits that were made under another name: keep the name \
                 with a file beside it that ends in \"-wal\", or any name if there is none, and remove the others"
            ),
        )),
    }
}

/// The open files of this process, where the system shows them as a folder.
const OPEN_FILES: &str = "/proc/self/fd";

/// The longest path of a socket that every system accepts, in bytes (`sun_path` without its NUL).
const LONGEST_SOCKET: usize = 103;

/// A path to a socket that the system accepts, however long the path of the socket is.
pub(crate) struct SocketPath {
    path: PathBuf,
    _folder: Option<File>,
}

impl SocketPath {
    /// The path itself, or, if it is too long, a path through the open folder. That path is valid as long as this value
    /// lives.
    pub(crate) fn to(socket: &Path) -> io::Result<Self> {
        let open = Path::new(OPEN_FILES);
        let Some((parent, name)) = split_if_long(socket, open)? else {
            let path = socket.to_owned();
            return Ok(Self { path, _folder: None });
        };
        let folder = File::open(parent)?;
        let path = open.join(folder.as_raw_fd().to_string()).join(name);
        let folder = Some(folder);
        Ok(Self { path, _folder: folder })
    }

    /// Checks that there is such a path, also if the folder does not exist yet.
    ///
    /// # Errors
    /// If the path is too long here.
    pub(crate) fn check(socket: &Path) -> io::Result<()> {
        split_if_long(socket, Path::new(OPEN_FILES)).map(drop)
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }
}

/// The folder and the name of a socket whose path is too long for the system. `open` is the folder of the open files.
fn split_if_long<'a>(socket: &'a Path, open: &Path) -> io::Result<Option<(&'a Path, &'a OsStr)>> {
    if socket.as_os_str().len() <= LONGEST_SOCKET {
        return Ok(None);
    }
    let parts = socket.parent().zip(socket.file_name());
    parts.filter(|_| open.exists()).map(Some).ok_or_else(|| {
        let text = format!(
            "the path of a socket has at most {LONGEST_SOCKET} bytes here: use a data folder with a shorter path"
        );
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

/// The path of the admin API's socket in the folder `data`.
#[must_use]
pub fn admin_socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_is_created_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(&folder.path().join("a/b")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.path().join("hallpass.lock")), 0o600);
    }

    #[test]
    fn a_folder_is_locked_until_its_server_ends() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataFolder::open(folder.path()).unwrap();
        let refusal = DataFolder::open(folder.path()).unwrap_err().to_string();
        assert!(
            refusal.starts_with("another server uses the data folder /"),
            "{refusal}"
        );
        assert!(refusal.ends_with(first.path().to_str().unwrap()), "{refusal}");
        drop(first);
        DataFolder::open(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_everybody_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o777, 0o1777] {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
            let refusal = DataFolder::open(folder.path()).unwrap_err().to_string();
            assert!(refusal.contains("everybody may write"), "{refusal}");
        }
    }

    #[test]
    fn a_database_is_locked_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let first = DatabaseLock::take(&path("hallpass.db")).unwrap();
        assert_eq!(
            fs::metadata(path("hallpass.db")).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::os::unix::fs::symlink(path("hallpass.db"), path("soft.db")).unwrap();
        for name in ["hallpass.db", "soft.db"] {
            let refusal = DatabaseLock::take(&path(name)).unwrap_err();
            assert!(
                matches!(refusal, DataFolderError::DatabaseInUse(_)),
                "{name}: {refusal}"
            );
        }
        drop(first);
        DatabaseLock::take(&path("soft.db")).unwrap();
    }

    #[test]
    fn a_database_with_two_hard_links_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let server = DatabaseLock::take(&path("hallpass.db")).unwrap();
        fs::hard_link(path("hallpass.db"), path("hard.db")).unwrap();
        let refused = |name: &str| DatabaseLock::take(&path(name)).unwrap_err().to_string();
        assert!(refused("hard.db").contains("has 2 names"), "{}", refused("hard.db"));
        // Refused even after that server ended: its newest commits are in a file beside the name that it used.
        drop(server);
        for name in ["hallpass.db", "hard.db"] {
            assert!(refused(name).contains("has 2 names"), "{}", refused(name));
        }
        fs::remove_file(path("hard.db")).unwrap();
        DatabaseLock::take(&path("hallpass.db")).unwrap();
    }

    #[test]
    fn a_database_in_a_folder_that_everybody_may_write_is_refused() {
        let (folder, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o1777)).unwrap();
        let path = folder.path().join("hallpass.db");
        let refusal = DatabaseLock::take(&path).unwrap_err().to_string();
        assert!(refusal.contains("everybody may write"), "{refusal}");
        assert!(!path.exists());
        // A link into such a folder is refused too.
        fs::write(&path, "").unwrap();
        let link = own.path().join("hallpass.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refusal = DatabaseLock::take(&link).unwrap_err().to_string();
        assert!(refusal.contains("everybody may write"), "{refusal}");
    }

    #[test]
    fn a_long_path_to_a_socket_needs_the_folder_of_open_files() {
        let (open, missing) = (Path::new("/"), Path::new("/nowhere/fd"));
        let longest = PathBuf::from(format!("/{}/s", "d".repeat(LONGEST_SOCKET - 3)));
        assert_eq!(split_if_long(&longest, missing).unwrap(), None);
        let longer = PathBuf::from(format!("/{}/s", "d".repeat(LONGEST_SOCKET - 2)));
        let (folder, name) = split_if_long(&longer, open).unwrap().unwrap();
        assert_eq!(folder.join(name), longer);
        let refusal = split_if_long(&longer, missing).unwrap_err().to_string();
        assert!(refusal.contains("at most 103 bytes"), "{refusal}");
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = DataFolder::open(file.path()).unwrap_err();
        assert!(matches!(refusal, DataFolderError::File { .. }), "{refusal}");
    }
}
