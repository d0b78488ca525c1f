//! `hallpass init`: a configuration to begin with, and the secrets that it names.

use super::{Failed, print};
use crate::data_folder::ownership;
use crate::random;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const CONFIGURATION: &str = "hallpass.toml";
const TEXT: &str = include_str!("init/hallpass.toml");
/// The secret files that [`TEXT`] names.
const SECRETS: [&str; 3] = ["operator.password", "orders-api.secret", "first-app.secret"];
/// 43 of 62 characters have 256 bits.
const SECRET_LENGTH: usize = 43;

const NEXT: &str = r#"
Next:
  hallpass config check
  hallpass serve
and, while the server runs, in this folder in a second terminal:
  curl http://localhost:8080/oauth/token -u "first-app:$(cat first-app.secret)" -d grant_type=client_credentials
"#;

/// Writes the files into the working folder. A file that exists is left as it is.
pub(super) fn run() -> Result<(), Failed> {
    // A symbolic link without a target counts as an existing file too.
    if fs::symlink_metadata(CONFIGURATION).is_ok() {
        let text =
            format!("{CONFIGURATION} already exists: nothing was written. Run `hallpass init` in another folder");
        return Err(Failed::Init(text));
    }
    for name in SECRETS {
        let secret = random::alphanumeric(SECRET_LENGTH);
        match write_new(Path::new(name), &format!("{secret}\n"))? {
            true => print(&format!("wrote {name}\n"))?,
            false => {
                check_own(Path::new(name))?;
                print(&format!("{name} already exists: it is used as it is\n"))?;
            }
        }
    }
    // Written last, so that an interrupted `init` can be repeated.
    if !write_new(Path::new(CONFIGURATION), TEXT)? {
        return Err(Failed::Init(format!(
            "{CONFIGURATION} already exists: it is left as it is"
        )));
    }
    print(&format!("wrote {CONFIGURATION}\n{NEXT}"))
}

/// Refuses an existing secret file that another account may read or change.
fn check_own(path: &Path) -> Result<(), Failed> {
    let failed = |error: io::Error| Failed::Init(format!("cannot use {}: {error}", path.display()));
    let found = fs::metadata(path).map_err(failed)?;
    ownership::check(path, &found).map_err(failed)?;
    let is_private = found.is_file() && found.len() > 0 && found.permissions().mode() & 0o077 == 0;
    if is_private {
        return Ok(());
    }
    let name = path.display();
    let text = format!(
        "cannot use {name}: it must be a file with a secret that only its owner may read. Run `chmod 600 {name}`, or delete it"
    );
    Err(Failed::Init(text))
}

/// Writes a file that only its owner may read; false if the file exists.
fn write_new(path: &Path, content: &str) -> Result<bool, Failed> {
    let failed = |error: io::Error| Failed::Init(format!("cannot write {}: {error}", path.display()));
    let mut file = match File::options().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(failed(error)),
    };
    let written = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a secret must not stay.
        let _ = fs::remove_file(path);
    }
    written.map_err(failed)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_that_the_configuration_names_is_made() {
        let named = TEXT.lines().filter_map(|line| line.split_once("_file = "));
        let mut named: Vec<_> = named.map(|(_, name)| name.trim_matches('"')).collect();
        let mut made = SECRETS;
        named.sort_unstable();
        made.sort_unstable();
        assert_eq!(named, made);
    }
}
