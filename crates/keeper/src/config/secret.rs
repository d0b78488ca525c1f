//! Secrets, which are always in files of their own.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::ConfigError;
use crate::trust;

/// A secret, which does not print.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads a file: one line, with or without a line break at its end.
    pub(super) fn read(path: &Path) -> Result<Self, ConfigError> {
        let secret = Self::read_lines(path)?;
        let wrong = |what| Err(ConfigError::new(format!("{} {what}", path.display())));
        if secret.expose().is_empty() {
            return wrong("is empty");
        }
        // Nobody can type these: they come from an editor or from two commands that wrote the file.
        if secret.expose().chars().any(char::is_control) || secret.expose().starts_with('\u{feff}') {
            return wrong("holds a control character, a second line or a byte order mark");
        }
        Ok(secret)
    }

    /// Reads a file of several lines, such as a key in PEM form.
    pub(super) fn read_lines(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| ConfigError::unreadable(path, &error))?;
        Ok(Self::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Refuses a key of the vault that other people of this machine can read, or gave.
pub(crate) fn key_file(path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::MetadataExt as _;
    let known = std::fs::metadata(path).map_err(|error| {
        let path = path.display();
        let make = format!("make one with `(umask 077; openssl rand -base64 32 > {path})`");
        ConfigError::new(format!("failed to read the vault key {path}: {error}; {make}"))
    })?;
    if known.mode() & 0o077 != 0 {
        let path = path.display();
        return Err(ConfigError::new(format!(
            "the vault key is readable by others: run `chmod 600 {path}`"
        )));
    }
    trust::check(path)
}
