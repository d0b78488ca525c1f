//! The user that programs run as: PostgreSQL, PgBouncer and others refuse to run as root.

use crate::{Outcome, text};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

/// The user that Debian's package creates.
const USER: &str = "postgres";

/// A program that runs as an unprivileged user. The system ends it together with the thread that starts it.
///
/// # Errors
/// If the current user cannot be determined.
pub fn unprivileged(program: &Path) -> Outcome<Command> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if is_root()? {
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
    }
    command.arg(program);
    Ok(command)
}

/// Gives a folder to the unprivileged user.
///
/// # Errors
/// If this user may not change the owner of the folder.
pub fn hand_over(folder: &Path) -> Outcome {
    if !is_root()? {
        return Ok(());
    }
    let id = |what: &str| -> Outcome<u32> {
        let said = Command::new("id").args([what, USER]).output().map_err(text)?;
        let number = String::from_utf8_lossy(&said.stdout).trim().parse();
        number.map_err(|_| format!("there is no user {USER}"))
    };
    chown(folder, Some(id("-u")?), Some(id("-g")?)).map_err(text)
}

/// Lets other users reach files below a folder, without listing the folder.
///
/// # Errors
/// If this user may not change the permissions of the folder.
pub fn let_others_through(folder: &Path) -> Outcome {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).map_err(text)
}

fn is_root() -> Outcome<bool> {
    Ok(fs::metadata("/proc/self").map_err(text)?.uid() == 0)
}
