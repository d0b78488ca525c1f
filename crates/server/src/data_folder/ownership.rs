//! Checks who owns a file, folder or socket. It is not trusted if another account could have put it there or can change it:
//! whoever can replace the master key, the database or the socket controls everything that goes through it
//! (docs/decisions/0052).

use rustix::process::{Uid, geteuid};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The account that is always trusted: root can change everything anyway.
const ROOT: u32 = Uid::ROOT.as_raw();
/// The permission bit that lets everybody write.
const WORLD_WRITABLE: u32 = 0o002;

/// Refuses a file that everybody can write, or that another account than this process's or root owns. A link is refused too
/// if another account owns the link or its target.
pub(crate) fn check(path: &Path, found: &Metadata) -> io::Result<()> {
    let own = geteuid().as_raw();
    let denied = |text| io::Error::new(io::ErrorKind::PermissionDenied, text);
    let link = fs::symlink_metadata(path)?;
    if link.is_symlink() {
        belongs(path, link.uid(), own).map_err(denied)?;
    }
    judge(path, found.uid(), found.mode(), own).map_err(denied)
}

/// Whether this process trusts a server that runs under this account.
pub(crate) fn is_trusted(account: u32) -> bool {
    account == ROOT || account == geteuid().as_raw()
}

fn belongs(path: &Path, owner: u32, own: u32) -> Result<(), String> {
    if owner != ROOT && owner != own {
        let path = path.display();
        return Err(format!(
            "{path} belongs to another account (uid {owner}; this process has uid {own}): run as the owner, or change the owner with chown"
        ));
    }
    Ok(())
}

fn judge(path: &Path, owner: u32, mode: u32, own: u32) -> Result<(), String> {
    belongs(path, owner, own)?;
    let path = path.display();
    if mode & WORLD_WRITABLE != 0 {
        return Err(format!("everybody may write {path}: run `chmod o-w {path}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_account_or_writable_by_everybody_are_refused() {
        let verdict = |owner, mode| judge(Path::new("master.key"), owner, mode, 1000);
        for (owner, mode) in [(1000, 0o600), (1000, 0o755), (0, 0o444), (0, 0o775)] {
            assert!(verdict(owner, mode).is_ok(), "{owner} {mode:o}");
        }
        assert!(verdict(1001, 0o600).unwrap_err().contains("another account (uid 1001"));
        for mode in [0o666, 0o777, 0o1777, 0o602] {
            assert!(
                verdict(1000, mode).unwrap_err().contains("chmod o-w master.key"),
                "{mode:o}"
            );
        }
        // Root can read the files of others, but must not act on them.
        assert!(judge(Path::new("hallpass.toml"), 1000, 0o644, 0).is_err());
    }
}
