//! Which files are trusted. An account that can write or replace a configuration, a key or a database gets the tokens
//! (docs/decisions/0052, 0066).

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

use rustix::process::{Uid, geteuid};

use crate::config::ConfigError;

/// The permission bit that lets everybody write.
const WORLD_WRITABLE: u32 = 0o002;

/// Refuses a file or folder that everybody may write, or that another account than this process's or root owns. A link is
/// refused too if another account owns the link or its target.
pub(crate) fn check(path: &Path) -> Result<(), ConfigError> {
    let unreadable = |error| ConfigError::unreadable(path, &error);
    let (link, found) = (
        fs::symlink_metadata(path).map_err(unreadable)?,
        fs::metadata(path).map_err(unreadable)?,
    );
    let own = geteuid().as_raw();
    belongs(path, link.uid(), own)?;
    belongs(path, found.uid(), own)?;
    if found.mode() & WORLD_WRITABLE != 0 {
        let path = path.display();
        return Err(ConfigError::new(format!(
            "everybody may write {path}: run `chmod o-w {path}`"
        )));
    }
    Ok(())
}

/// Checks a database and its folder: SQLite reads the newest commits from a file beside the database, and does not ask who made
/// that file. The database itself may be missing.
pub(crate) fn check_database(path: &Path) -> Result<(), ConfigError> {
    check_database_folder(path)?;
    let Ok(resolved) = fs::canonicalize(path) else {
        return Ok(());
    };
    check_database_folder(&resolved)?;
    check(path)
}

/// Volumes of containers are often open to everybody, and the container may not change that.
fn check_database_folder(database: &Path) -> Result<(), ConfigError> {
    let folder = folder_of(database);
    check(folder).map_err(|error| {
        let own = folder.join("keeper").join(database.file_name().unwrap_or_default());
        ConfigError::new(format!(
            "{error}; or write `sqlite:{}`: the keeper makes a folder that is missing, for its own account alone",
            own.display()
        ))
    })
}

/// Makes the folder of a database for this account alone, if it is missing. The folder above it must be there.
pub(crate) fn make_folder(database: &Path) -> Result<(), ConfigError> {
    let folder = folder_of(database);
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(ConfigError::new(format!(
            "failed to make the folder {}: {error}",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// The folder of a file.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or_else(|| Path::new("."))
}

fn belongs(path: &Path, owner: u32, own: u32) -> Result<(), ConfigError> {
    if owner == own || owner == Uid::ROOT.as_raw() {
        return Ok(());
    }
    let path = path.display();
    Err(ConfigError::new(format!(
        "{path} belongs to another account (uid {owner}; this process has uid {own}): run as the owner, or change the owner with chown"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_belongs_to_this_account_or_to_root() {
        let path = Path::new("keeper.key");
        for (owner, own) in [(1000, 1000), (0, 1000), (0, 0)] {
            assert_eq!(belongs(path, owner, own), Ok(()), "{owner} {own}");
        }
        // Root can read the files of others, but must not act on them.
        for (owner, own) in [(1001, 1000), (1000, 0)] {
            let told = belongs(path, owner, own).unwrap_err().to_string();
            assert!(told.contains("belongs to another account"), "{told}");
        }
    }
}
