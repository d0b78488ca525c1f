//! The data folder of the demo: a temporary folder that is deleted at the end, or a named one.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::DemoError;
use crate::data_folder::ownership;
use crate::random;

/// The configuration file of the world. A folder with this file is a demo's.
pub(super) const WORLD: &str = "demo.toml";

/// A data folder. A temporary one is deleted when the value is dropped.
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// Opens the folder `named`, or a new one that only its owner can enter. Refuses a folder that another account owns or
    /// everybody may write (decision 52), before anything is read or written there. Refuses a folder with other contents: a
    /// demo creates people whose password everybody knows.
    pub(super) fn open(named: Option<PathBuf>) -> Result<Self, DemoError> {
        let temporary = named.is_none();
        let path =
            named.unwrap_or_else(|| std::env::temp_dir().join(format!("hallpass-demo-{}", random::alphanumeric(12))));
        // The configuration in it names files, and paths in a configuration begin at its folder.
        let path = std::path::absolute(&path).map_err(|error| DemoError::Folder(path, error))?;
        let made = fs::DirBuilder::new().mode(0o700).recursive(!temporary).create(&path);
        made.map_err(|error| DemoError::Folder(path.clone(), error))?;
        let trusted = fs::metadata(&path).and_then(|found| ownership::check(&path, &found));
        trusted.map_err(|error| DemoError::Folder(path.clone(), error))?;
        let mut found = fs::read_dir(&path).map_err(|error| DemoError::Folder(path.clone(), error))?;
        if found.next().is_some() && !path.join(WORLD).exists() {
            return Err(DemoError::NotADemo(path));
        }
        Ok(Self { path, temporary })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Writes a file that only its owner can read.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, DemoError> {
        let path = self.path.join(name);
        write_private(&path, text).map_err(|error| DemoError::Folder(path.clone(), error))?;
        Ok(path)
    }
}

/// Replaces the file at `path` in one step, so that it is never half written. A draft that a killed process left behind is
/// removed; a link is never followed.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt;
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&draft, path)
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.path)
        {
            tracing::warn!(folder = %self.path.display(), %error, "failed to delete the demo's data folder: delete it by hand");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_temporary_folder_is_private_and_deleted_with_its_files() {
        let folder = Folder::open(None).unwrap();
        let file = folder.write("demo.toml", "secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&file)), (0o700, 0o600));
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_with_other_contents_is_refused() {
        let folder = Folder::open(None).unwrap();
        let inner = Some(folder.path().join("data"));
        assert!(Folder::open(inner.clone()).is_ok());
        let opened = Folder::open(inner.clone()).unwrap();
        opened.write("hallpass.db", "").unwrap();
        assert!(matches!(Folder::open(inner.clone()), Err(DemoError::NotADemo(_))));
        opened.write(WORLD, "").unwrap();
        assert!(Folder::open(inner).is_ok());
    }

    #[test]
    fn a_folder_that_everybody_may_write_is_refused() {
        let folder = Folder::open(None).unwrap();
        folder.write(WORLD, "").unwrap();
        let path = Some(folder.path().to_owned());
        assert!(Folder::open(path.clone()).is_ok());
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let refused = Folder::open(path).err().unwrap().to_string();
        assert!(refused.contains("everybody may write"), "{refused}");
    }

    #[test]
    fn a_link_in_the_place_of_a_draft_leaves_its_target_as_it_was() {
        let folder = Folder::open(None).unwrap();
        let other = folder.path().join("other");
        fs::write(&other, "of somebody else").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("demo.new")).unwrap();
        let file = folder.write(WORLD, "of the demo").unwrap();
        assert_eq!(fs::read_to_string(other).unwrap(), "of somebody else");
        assert_eq!(fs::read_to_string(file).unwrap(), "of the demo");
    }
}
