//! Reads secrets from the configuration itself or from a file that it names. No error contains the secret.

use super::fields::Fields;
use super::problems::unreadable;
use super::secret::Secret;
use super::section::Setting;
use super::shown::Shown as _;
use super::tree::Node;
use super::values;
use crate::apps::registration::is_invisible;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use toml::Table;
use zeroize::Zeroizing;

/// The longest secret, in bytes.
const LONGEST: usize = 1024;

/// Checks the form of a secret.
type Judge = fn(&str) -> Result<(), String>;

/// A required secret.
pub(super) struct RequiredSecret(pub(super) Judge);

impl Setting<Secret> for RequiredSecret {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Secret> {
        if !is_given(fields, name) {
            missing(fields, name);
        }
        read_optional(fields, name, self.0)
    }

    fn show(&self, name: &'static str, secret: &Secret, table: &mut Table) {
        table.insert(name.to_owned(), secret.shown());
    }
}

/// An optional secret.
pub(super) struct OptionalSecret(pub(super) Judge);

impl Setting<Option<Secret>> for OptionalSecret {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Option<Secret>> {
        Some(read_optional(fields, name, self.0))
    }

    fn show(&self, name: &'static str, secret: &Option<Secret>, table: &mut Table) {
        if let Some(secret) = secret {
            table.insert(name.to_owned(), secret.shown());
        }
    }
}

/// One or two secrets, so that a new one can be put beside the old one: in place or in files, alone or as a list.
pub(super) struct Secrets(pub(super) Judge);

/// The most secrets at once: the new one and the old one.
const MOST: usize = 2;

impl Setting<Vec<Secret>> for Secrets {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Vec<Secret>> {
        if !is_given(fields, name) {
            missing(fields, name);
        }
        let file_key = file_key(name);
        if fields.has(name) && fields.has(&file_key) {
            fields.problem(name, &format!("give either `{name}` or `{file_key}`"));
        }
        let inline = fields
            .optional(name, |node| values::one_or_more(node, plain))
            .map(|secrets| (secrets, name));
        let files = fields.optional(&file_key, |node| values::one_or_more(node, read));
        let (secrets, key) = inline.or(files.map(|secrets| (secrets, file_key.as_str())))?;
        if secrets.is_empty() || secrets.len() > MOST {
            fields.problem(key, "expected one secret, or two while it is changed");
            return None;
        }
        for secret in &secrets {
            (self.0)(secret.expose())
                .map_err(|text| fields.problem(key, &text))
                .ok()?;
        }
        Some(secrets)
    }

    fn show(&self, name: &'static str, secrets: &Vec<Secret>, table: &mut Table) {
        let hidden = secrets.iter().map(super::shown::Shown::shown);
        table.insert(name.to_owned(), hidden.collect::<Vec<_>>().into());
    }
}

/// The name of the key for the file of a secret.
fn file_key(key: &str) -> String {
    format!("{key}_file")
}

/// Whether the secret or its file is given.
pub(super) fn is_given(fields: &Fields<'_>, key: &str) -> bool {
    fields.has(key) || fields.has(&file_key(key))
}

/// Notes that a secret is missing.
pub(super) fn missing(fields: &mut Fields<'_>, key: &str) {
    let text = format!("this key, or `{}`, is missing", file_key(key));
    fields.missing(key, &text);
}

/// The secret at `key`, or in the file that `KEY_file` names.
pub(super) fn read_optional(fields: &mut Fields<'_>, key: &str, judge: Judge) -> Option<Secret> {
    let file_key = file_key(key);
    if fields.has(key) && fields.has(&file_key) {
        fields.problem(key, &format!("give either `{key}` or `{file_key}`"));
    }
    let inline = fields.optional(key, plain).map(|secret| (secret, key));
    let file = fields
        .optional(&file_key, read)
        .map(|secret| (secret, file_key.as_str()));
    let (secret, key) = inline.or(file)?;
    judge(secret.expose()).map_err(|text| fields.problem(key, &text)).ok()?;
    Some(secret)
}

/// A client secret (RFC 6749 appendix A.2).
pub(super) fn client_secret(secret: &str) -> Result<(), String> {
    let fits = |byte: u8| matches!(byte, 0x20..=0x7e);
    typeable(secret)?;
    if secret.is_empty() || secret.len() > LONGEST || !secret.bytes().all(fits) {
        return Err("expected 1 to 1024 printable ASCII characters".to_owned());
    }
    Ok(())
}

/// Checks that a person can type a secret. Editors and shells may add invisible characters, and then no sign-in would succeed.
pub(crate) fn typeable(secret: &str) -> Result<(), String> {
    let found = match secret
        .chars()
        .find(|letter| letter.is_control() || is_invisible(*letter))
    {
        None => return Ok(()),
        Some('\u{feff}') => "a byte order mark",
        Some('\n' | '\r' | '\u{2028}' | '\u{2029}') => "a line break",
        Some('\t') => "a tab",
        Some('\0') => "a NUL",
        Some(letter) if letter.is_control() => "a control character",
        Some(_) => "an invisible character",
    };
    Err(format!("it has {found}, which nobody can type"))
}

/// Refuses white space at either end of a secret from a file or standard input: it is rarely intended.
fn without_blanks_around(secret: &str) -> Result<(), String> {
    if secret.starts_with(char::is_whitespace) || secret.ends_with(char::is_whitespace) {
        return Err("the secret begins or ends with white space: remove it".to_owned());
    }
    Ok(())
}

/// A declared password. The operator decides how strong it is.
pub(super) fn password(password: &str) -> Result<(), String> {
    typeable(password)?;
    if password.is_empty() || password.len() > LONGEST {
        return Err("expected 1 to 1024 bytes".to_owned());
    }
    Ok(())
}

/// The master key: 32 bytes in base64.
pub(super) fn master_key(node: &Node) -> Result<Secret, String> {
    let key = plain(node)?;
    let bytes = STANDARD.decode(key.expose().trim()).map(Zeroizing::new);
    if !bytes.is_ok_and(|bytes| bytes.len() == 32) {
        return Err("expected 32 bytes in base64, as `head -c 32 /dev/urandom | base64` gives".to_owned());
    }
    Ok(key)
}

fn plain(node: &Node) -> Result<Secret, String> {
    values::text(node).map(Secret::new)
}

/// The content of the file that `node` names, without one line break at its end.
fn read(node: &Node) -> Result<Secret, String> {
    let folder: PathBuf = node.origin.layer.folder.clone().unwrap_or_default();
    let path = folder.join(values::text(node)?);
    let unread = |error| format!("cannot read {}: {}", path.display(), unreadable(&error));
    let content = beginning(File::open(&path).map_err(unread)?).map_err(unread)?;
    from_outside(&content).map_err(|fault| format!("{}: {fault}", path.display()))
}

/// Reads the beginning of a file or of standard input: more bytes than a secret may have, but a limited number.
pub(crate) fn beginning(mut source: impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // The buffer has its full size from the start: growing would leave copies of the secret in memory.
    let mut content = Zeroizing::new(Vec::with_capacity(4 * LONGEST));
    let most = u64::try_from(2 * LONGEST).unwrap_or(u64::MAX);
    source.by_ref().take(most).read_to_end(&mut content)?;
    Ok(content)
}

/// A secret from a file or from standard input. One line break at the end is removed, other invisible characters are refused.
pub(crate) fn from_outside(content: &[u8]) -> Result<Secret, String> {
    let line = content.strip_suffix(b"\n").unwrap_or(content);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} bytes"));
    }
    let text = str::from_utf8(line).map_err(|_| "it is not UTF-8 text")?;
    // Checked before white space, because a line break inside is the more likely mistake.
    typeable(text).and_then(|()| without_blanks_around(text))?;
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_with_a_character_that_cannot_be_typed_is_refused() {
        for (content, fault) in [
            ("\u{feff}secret", "a byte order mark"),
            ("sec\nret", "a line break"),
            ("sec\u{2028}ret", "a line break"),
            ("sec\tret", "a tab"),
            ("sec\0ret", "a NUL"),
            ("sec\u{7f}ret", "a control character"),
            ("sec\u{200b}ret", "an invisible character"),
            ("sec\u{ad}ret", "an invisible character"),
            ("secret\u{a0}", "white space"),
            ("secret\n\n", "a line break"),
        ] {
            let refused = from_outside(content.as_bytes()).unwrap_err();
            assert!(refused.contains(fault), "{content:?}: {refused}");
        }
        for content in ["secret", "secret\n", "secret\r\n"] {
            assert_eq!(from_outside(content.as_bytes()).unwrap().expose(), "secret");
        }
        // Joiners are on the keyboards of several scripts.
        assert!(typeable("می\u{200c}خواهم").is_ok());
        assert_eq!(from_outside(b"sec\xffret").unwrap_err(), "it is not UTF-8 text");
    }

    #[test]
    fn only_the_beginning_of_an_endless_source_is_read() {
        let content = beginning(io::repeat(b'x')).unwrap();
        assert_eq!(from_outside(&content).unwrap_err(), "it has more than 1024 bytes");
        let longest = "x".repeat(LONGEST);
        assert_eq!(
            from_outside(format!("{longest}\r\n").as_bytes()).unwrap().expose(),
            longest
        );
    }
}
