//! Secrets, which are always in files of their own.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use super::ConfigError;
use crate::trust;

/// Whether a character is invisible and on no keyboard: joiners, marks of direction, separators.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

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
        let text = secret.expose();
        if text.is_empty() {
            return wrong("is empty");
        }
        // Nobody can type these: they come from an editor, a copied page, or from two commands that wrote the file.
        if text.contains(|letter: char| letter.is_control() || letter == '\u{feff}') {
            return wrong("holds a control character, a second line or a byte order mark");
        }
        if text.contains(is_invisible) {
            return wrong("holds an invisible character: write the secret anew");
        }
        if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
            return wrong("begins or ends with white space: remove it");
        }
        Ok(secret)
    }

    /// As [`read`](Self::read), for the secret of a client. It is printable ASCII (RFC 6749 appendix A.2).
    pub(super) fn read_client_secret(path: &Path) -> Result<Self, ConfigError> {
        let secret = Self::read(path)?;
        if secret.expose().bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return Ok(secret);
        }
        let path = path.display();
        Err(ConfigError::new(format!(
            "{path} holds a character that no client secret has: printable ASCII is expected"
        )))
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
    let known = std::fs::metadata(path).map_err(|error| {
        let path = path.display();
        let make = format!("make one with `(umask 077; openssl rand -base64 32 > {path})`");
        ConfigError::new(format!("failed to read the vault key {path}: {error}; {make}"))
    })?;
    if is_exposed(known.uid(), known.mode()) {
        let path = path.display();
        return Err(ConfigError::new(format!(
            "the vault key is readable by others: run `chmod 600 {path}`"
        )));
    }
    trust::check(path)
}

/// A file of root that a group may read is how Kubernetes and systemd hand a secret to an account that is not root.
fn is_exposed(owner: u32, mode: u32) -> bool {
    let allowed = if owner == 0 { 0o740 } else { 0o700 };
    mode & 0o777 & !allowed != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_read_a_vault_key_of_root_alone() {
        for (owner, mode, exposed) in [
            (1000, 0o100_600, false),
            (1000, 0o100_640, true),
            (0, 0o100_440, false),
            (0, 0o100_640, false),
            (0, 0o100_660, true),
            (0, 0o100_644, true),
        ] {
            assert_eq!(is_exposed(owner, mode), exposed, "{owner} {mode:o}");
        }
    }

    #[test]
    fn a_secret_with_a_character_that_cannot_be_typed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.secret");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Secret::read(&path).map(|secret| secret.expose().to_owned())
        };
        for (text, fault) in [
            ("\n", "is empty"),
            ("\u{feff}secret", "byte order mark"),
            ("sec\u{feff}ret", "byte order mark"),
            ("sec\nret", "second line"),
            ("sec\tret", "control character"),
            ("sec\u{200b}ret", "invisible character"),
            ("sec\u{ad}ret", "invisible character"),
            ("sec\u{200c}ret", "invisible character"),
            ("sec\u{200f}ret", "invisible character"),
            ("sec\u{202a}ret", "invisible character"),
            ("sec\u{2066}ret", "invisible character"),
            ("sec\u{2028}ret", "invisible character"),
            (" secret", "white space"),
            ("secret \n", "white space"),
            ("secret\u{a0}\r\n", "white space"),
        ] {
            let told = read(text).unwrap_err().to_string();
            assert!(told.contains(fault), "{text:?}: {told}");
        }
        for text in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(read(text).unwrap(), "secret", "{text:?}");
        }
        assert_eq!(read("two words").unwrap(), "two words");
        assert_eq!(
            read("schlüssel").unwrap(),
            "schlüssel",
            "a password of a database, for instance"
        );
        let told = Secret::read_client_secret(&path).unwrap_err().to_string();
        assert!(told.contains("printable ASCII"), "{told}");
        std::fs::write(&path, "two words~\n").unwrap();
        assert!(Secret::read_client_secret(&path).is_ok());
    }
}
