//! `hallpass init`: a configuration to begin with, and the secrets that it names.

mod site;

use super::{Failed, print};
use crate::data_folder::ownership;
use crate::random;
use clap::Args;
use site::Site;
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

#[derive(Args)]
pub(super) struct Init {
    /// Put the server behind the login of a site, and print the page that the site adds
    #[arg(long, value_name = "LANGUAGE")]
    site: Option<Site>,
}

/// Writes the files into the working folder. A file that exists is left as it is.
pub(super) fn run(options: &Init) -> Result<(), Failed> {
    // A symbolic link without a target counts as an existing file too.
    if fs::symlink_metadata(CONFIGURATION).is_ok() {
        return match options.site {
            Some(site) => add_site(site),
            None => Err(Failed::Init(format!(
                "{CONFIGURATION} already exists: nothing was written. Run `hallpass init` in another folder"
            ))),
        };
    }
    for name in SECRETS {
        make_secret(name)?;
    }
    let mut text = TEXT.to_owned();
    if options.site.is_some() {
        make_secret(site::SECRET)?;
        text = format!("{text}{}\n{}", site::APP, site::SECTION);
    }
    // Written last, so that an interrupted `init` can be repeated.
    if !write_new(Path::new(CONFIGURATION), &text)? {
        return Err(Failed::Init(format!(
            "{CONFIGURATION} already exists: it is left as it is"
        )));
    }
    print(&format!("wrote {CONFIGURATION}\n{NEXT}"))?;
    options.site.map_or(Ok(()), Site::print)
}

/// Prints the section for an existing configuration, which only its owner changes.
fn add_site(site: Site) -> Result<(), Failed> {
    make_secret(site::SECRET)?;
    print(&format!(
        "{CONFIGURATION} already exists: it is left as it is. Add this section to it, unless it has one:\n\n{}",
        site::SECTION
    ))?;
    site.print()
}

/// Writes a new secret into the file, or checks the file that exists.
fn make_secret(name: &str) -> Result<(), Failed> {
    let secret = random::alphanumeric(SECRET_LENGTH);
    if write_new(Path::new(name), &format!("{secret}\n"))? {
        return print(&format!("wrote {name}\n"));
    }
    check_own(Path::new(name))?;
    print(&format!("{name} already exists: it is used as it is\n"))
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

    /// The secret files that a configuration names.
    fn named(text: &str) -> Vec<&str> {
        let named = text.lines().filter_map(|line| line.split_once("_file = "));
        let mut named: Vec<_> = named.map(|(_, name)| name.trim_matches('"')).collect();
        named.sort_unstable();
        named
    }

    #[test]
    fn every_secret_that_the_configuration_names_is_made() {
        let mut made = SECRETS;
        made.sort_unstable();
        assert_eq!(named(TEXT), made);
        assert_eq!(named(site::SECTION), [site::SECRET]);
    }
}
