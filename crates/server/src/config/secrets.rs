//! Reads secrets: in place, or from a file beside the configuration. No error repeats what was found.

use super::fields::Fields;
use super::problems::unreadable;
use super::secret::Secret;
use super::tree::Node;
use super::values;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The secret at `key`, or in the file that `file_key` names, judged by `judge`.
pub(super) fn optional(
    fields: &mut Fields<'_>,
    key: &'static str,
    file_key: &'static str,
    judge: fn(&str) -> Result<(), String>,
) -> Option<Secret> {
    if fields.has(key) && fields.has(file_key) {
        fields.problem(key, &format!("give either `{key}` or `{file_key}`"));
    }
    let inline = fields.optional(key, plain).map(|secret| (secret, key));
    let file = fields.optional(file_key, read).map(|secret| (secret, file_key));
    let (secret, key) = inline.or(file)?;
    judge(secret.expose()).map_err(|text| fields.problem(key, &text)).ok()?;
    Some(secret)
}

/// A secret that must be there.
pub(super) fn required(
    fields: &mut Fields<'_>,
    key: &'static str,
    file_key: &'static str,
    judge: fn(&str) -> Result<(), String>,
) -> Option<Secret> {
    if !fields.has(key) && !fields.has(file_key) {
        fields.missing(key, &format!("this key, or `{file_key}`, is missing"));
    }
    optional(fields, key, file_key, judge)
}

/// A client secret (RFC 6749 appendix A.2).
pub(super) fn client_secret(secret: &str) -> Result<(), String> {
    let fits = |byte: u8| matches!(byte, 0x20..=0x7e);
    typeable(secret)?;
    if secret.is_empty() || secret.len() > 1024 || !secret.bytes().all(fits) {
        return Err("expected 1 to 1024 printable ASCII characters".to_owned());
    }
    Ok(())
}

/// Whether a person could type a secret: what an editor or a shell adds unseen would lock everybody out.
pub(crate) fn typeable(secret: &str) -> Result<(), String> {
    let found = match secret
        .chars()
        .find(|letter| letter.is_control() || *letter == '\u{feff}')
    {
        None => return Ok(()),
        Some('\u{feff}') => "a byte order mark",
        Some('\n' | '\r') => "a line break",
        Some('\t') => "a tab",
        Some('\0') => "a NUL",
        Some(_) => "a control character",
    };
    Err(format!("it has {found}, which nobody can type"))
}

/// What holds for a file or standard input besides: white space at an end is an editor's or a shell's more often than meant.
pub(crate) fn without_blanks_around(secret: &str) -> Result<(), String> {
    if secret.starts_with(char::is_whitespace) || secret.ends_with(char::is_whitespace) {
        return Err("white space stands before or after the secret: remove it".to_owned());
    }
    Ok(())
}

/// A declared password: how good it is, is the operator's affair (DESIGN §10).
pub(super) fn password(password: &str) -> Result<(), String> {
    typeable(password)?;
    if password.is_empty() || password.len() > 1024 {
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

/// The content of the file that `node` names, less one line break at its end.
fn read(node: &Node) -> Result<Secret, String> {
    let folder: PathBuf = node.origin.layer.folder.clone().unwrap_or_default();
    let path = folder.join(values::text(node)?);
    let wrong = |error| format!("cannot read {}: {}", path.display(), unreadable(&error));
    let mut content = fs::read_to_string(&path).map(Zeroizing::new).map_err(wrong)?;
    let line = content.strip_suffix('\n').unwrap_or(&content);
    let length = line.strip_suffix('\r').unwrap_or(line).len();
    content.truncate(length);
    // Before the white space: a line break in the midst is the likelier mistake.
    let wrong = |text| format!("{}: {text}", path.display());
    typeable(&content)
        .and_then(|()| without_blanks_around(&content))
        .map_err(wrong)?;
    Ok(Secret::new(std::mem::take(&mut *content)))
}
