//! Whose a file, folder or socket is. What somebody else could have put there, or may change, is not trusted: whoever can replace
//! the master key, the database or the socket has everything that goes through them (docs/decisions/0052).

use rustix::process::{Uid, geteuid};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The account that may always be trusted: it can change everything anyway.
const ROOT: u32 = Uid::ROOT.as_raw();
/// Whether everybody may write.
const WORLD_WRITABLE: u32 = 0o002;

/// Refuses what another account than this process's or root owns, also where its link leads to what does not, and what everybody
/// may write.
pub(crate) fn check(path: &Path, found: &Metadata) -> io::Result<()> {
    let own = geteuid().as_raw();
    let denied = |text| io::Error::new(io::ErrorKind::PermissionDenied, text);
    let link = fs::symlink_metadata(path)?;
    if link.is_symlink() {
        belongs(path, link.uid(), own).map_err(denied)?;
    }
    judge(path, found.uid(), found.mode(), own).map_err(denied)
}

/// Whether what this account serves can be trusted.
pub(crate) fn is_trusted(account: u32) -> bool {
    account == ROOT || account == geteuid().as_raw()
}

fn belongs(path: &Path, owner: u32, own: u32) -> Result<(), String> {
    if owner != ROOT && owner != own {
        let path = path.display();
        return Err(format!(
            "{path} belongs to another account (uid {owner}, this is uid {own}): run this as its owner, or give it to this account"
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
    fn what_another_account_owns_or_everybody_may_write_is_refused() {
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
        // Root reads what others own, and is not to be led by it.
        assert!(judge(Path::new("hallpass.toml"), 1000, 0o644, 0).is_err());
    }
}
