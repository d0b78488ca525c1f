//! The folder of everything that is kept: database, master key, admin socket.
//!
//! One server at a time: two on one embedded database would not know of each other's revocations. The lock goes with the
//! process, however it ends, so nothing stale is ever left.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A data folder that is this process's own until it is dropped.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// Why a data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// Another server works in it.
    #[error("another server uses the data folder {}", .0.display())]
    InUse(PathBuf),
    /// The file system refuses.
    #[error("the data folder {} cannot be used: {source}", .path.display())]
    File {
        /// Which folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl DataFolder {
    /// Makes the folder, for its owner only, where it is not there yet, and takes it.
    ///
    /// # Errors
    /// Where another server has it, or the file system refuses.
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

    /// Where it is, from the root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Where the admin API of the server that works in the folder `data` is found.
#[must_use]
pub fn admin_socket(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_folder_is_made_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::open(&folder.path().join("a/b")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.path().join("hallpass.lock")), 0o600);
    }

    #[test]
    fn a_folder_is_one_servers_until_it_ends() {
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
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refusal = DataFolder::open(file.path()).unwrap_err();
        assert!(matches!(refusal, DataFolderError::File { .. }), "{refusal}");
    }
}
