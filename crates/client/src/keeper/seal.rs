//! Seals what the vault stores: AES-256-GCM-SIV (RFC 8452) under one key.
//!
//! The associated data of a record names its connection, so a row that is copied to another connection cannot be opened.

use crate::random;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;
use std::path::Path;

/// The first byte of everything sealed: the format.
const FORMAT: u8 = 1;
/// The length of a nonce, in bytes (RFC 8452 §4).
const NONCE: usize = 12;

/// The key that seals a vault. It does not print.
///
/// Everybody who opens the same vault needs the same key. Without it the vault's tokens are lost.
pub struct VaultKey(LessSafeKey);

/// A file that holds no vault key.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// The file cannot be read.
    #[error("failed to read the vault key {path}: {reason}")]
    Unreadable {
        /// The path of the file.
        path: String,
        /// The error of the operating system.
        reason: std::io::Error,
    },
    /// The file does not hold exactly 32 bytes in base64.
    #[error("the vault key must be 32 bytes in base64: make one with `openssl rand -base64 32`")]
    Malformed,
}

/// Something sealed under another key, for another connection, or changed since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotSealed;

impl VaultKey {
    /// The key from its 32 bytes.
    ///
    /// # Errors
    /// If there are not exactly 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| InvalidKey::Malformed)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Reads the key from a file with 32 bytes in base64, as `openssl rand -base64 32` writes it.
    ///
    /// # Errors
    /// If the file cannot be read or holds something else.
    pub fn from_file(path: &Path) -> Result<Self, InvalidKey> {
        let text = std::fs::read_to_string(path).map(zeroize::Zeroizing::new);
        let text = text.map_err(|reason| InvalidKey::Unreadable {
            path: path.display().to_string(),
            reason,
        })?;
        let bytes = STANDARD.decode(text.trim()).map_err(|_| InvalidKey::Malformed)?;
        Self::from_bytes(&zeroize::Zeroizing::new(bytes))
    }

    /// Seals `plain` for `purpose`, which is a connection or the state of a sign-in.
    pub(crate) fn seal(&self, purpose: &Purpose<'_>, plain: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let nonce: [u8; NONCE] = random::bytes();
        let mut out = Vec::with_capacity(1 + NONCE + plain.len() + 16);
        out.push(FORMAT);
        out.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        let aad = Aad::from(purpose.bytes());
        let sealed = self
            .0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body);
        sealed.map_err(|_| NotSealed)?;
        out.append(&mut body);
        Ok(out)
    }

    /// Opens what [`VaultKey::seal`] sealed for the same purpose.
    pub(crate) fn open(&self, purpose: &Purpose<'_>, sealed: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, NotSealed> {
        let (format, rest) = sealed.split_first().ok_or(NotSealed)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(NotSealed)?;
        if *format != FORMAT {
            return Err(NotSealed);
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealed)?;
        let mut body = zeroize::Zeroizing::new(body.to_vec());
        let length = self
            .0
            .open_in_place(nonce, Aad::from(purpose.bytes()), &mut body)
            .map_err(|_| NotSealed)?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("VaultKey(..)")
    }
}

/// What a sealed value belongs to.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// The record of a connection.
    Record(&'a super::Connection),
    /// A sign-in that was begun, by the digest of its state.
    SignIn(&'a [u8; 32]),
}

impl Purpose<'_> {
    /// No two purposes have the same bytes: the first byte names the kind, and a provider contains no `/`.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Record(connection) => [b"\x01", connection.to_string().as_bytes()].concat(),
            Self::SignIn(state) => [b"\x02", state.as_slice()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Connection;
    use super::*;

    fn key(byte: u8) -> VaultKey {
        VaultKey::from_bytes(&[byte; 32]).unwrap()
    }

    #[test]
    fn a_record_opens_only_for_its_own_connection_and_key() {
        let (one, other) = ("a/1".parse::<Connection>().unwrap(), "a/2".parse().unwrap());
        let sealed = key(1).seal(&Purpose::Record(&one), b"secret").unwrap();
        assert_eq!(*key(1).open(&Purpose::Record(&one), &sealed).unwrap(), b"secret");
        assert!(key(1).open(&Purpose::Record(&other), &sealed).is_err());
        assert!(key(2).open(&Purpose::Record(&one), &sealed).is_err());
        assert!(key(1).open(&Purpose::SignIn(&[0; 32]), &sealed).is_err());
    }

    #[test]
    fn a_changed_or_truncated_record_does_not_open() {
        let one = "a/1".parse().unwrap();
        let sealed = key(1).seal(&Purpose::Record(&one), b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key(1).open(&Purpose::Record(&one), &changed).is_err(), "byte {at}");
            assert!(
                key(1).open(&Purpose::Record(&one), &sealed[..at]).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn a_key_file_holds_32_bytes_in_base64() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
        assert!(VaultKey::from_file(&path).is_ok());
        std::fs::write(&path, "AAEC\n").unwrap();
        assert!(matches!(VaultKey::from_file(&path), Err(InvalidKey::Malformed)));
        assert!(matches!(
            VaultKey::from_file(&folder.path().join("none")),
            Err(InvalidKey::Unreadable { .. })
        ));
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", key(7)), "VaultKey(..)");
    }
}
