//! Sets of public keys (RFC 7517 §5).

use super::algorithm::Algorithm;
use super::jwk::{Jwk, JwkError};
use super::members::Members;
use aws_lc_rs::signature::ParsedPublicKey;

/// The longest set that is read, in bytes of JSON.
pub const MAX_JWKS: usize = 128 * 1024;

/// The largest number of keys in a set.
pub const MAX_KEYS: usize = 64;

/// The keys of an issuer.
#[derive(Default, Debug)]
pub struct Jwks {
    keys: Vec<Jwk>,
    skipped: Vec<JwkError>,
}

#[derive(serde::Deserialize)]
struct Document {
    keys: Vec<Members>,
}

impl Jwks {
    /// Reads a set. Keys of an unknown type, for another use, or malformed are skipped (RFC 7517 §5).
    ///
    /// # Errors
    /// If the text is not a set, or is too large. A set without a usable key is no error.
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        if json.len() > MAX_JWKS {
            return Err(JwkError::TooLarge);
        }
        let document: Document = serde_json::from_slice(json).map_err(|_| JwkError::Malformed)?;
        if document.keys.len() > MAX_KEYS {
            return Err(JwkError::TooLarge);
        }
        let mut set = Self::default();
        for members in &document.keys {
            match Jwk::from_members(members) {
                Ok(key) => set.keys.push(key),
                Err(error) => set.skipped.push(error),
            }
        }
        Ok(set)
    }

    /// The usable keys.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// Why the other keys were skipped.
    #[must_use]
    pub fn skipped(&self) -> &[JwkError] {
        &self.skipped
    }

    /// Whether the set has a usable key with this id.
    #[must_use]
    pub fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == Some(kid))
    }

    /// The keys that may have signed with `algorithm`: those with the id, where there is one (RFC 7515 §4.1.4).
    pub(super) fn verifiers<'a>(
        &'a self,
        kid: Option<&'a str>,
        algorithm: Algorithm,
        allowed: &'a [Algorithm],
    ) -> impl Iterator<Item = &'a ParsedPublicKey> {
        self.keys
            .iter()
            .filter(move |key| kid.is_none() || key.kid() == kid)
            .filter_map(move |key| key.verifier(algorithm, allowed))
    }
}

impl From<Vec<Jwk>> for Jwks {
    fn from(keys: Vec<Jwk>) -> Self {
        Self {
            keys,
            skipped: Vec::new(),
        }
    }
}
