//! Public keys (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use super::algorithm::{Algorithm, Primitive};
use super::members::{Members, WrongType};
use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RsaPublicKeyComponents};
use std::fmt;

/// The longest key that is read, in bytes of JSON. An RSA key of 8192 bits has 1,500, with its certificates several thousand.
pub const MAX_JWK: usize = 16 * 1024;

/// A public key that verifies signatures.
///
/// The key decides the algorithm: the one of its `alg`, else the one of its curve. An RSA key without `alg` is for RS256,
/// unless the policy names other algorithms of RSA.
pub struct Jwk {
    kid: Option<String>,
    /// What the key can do, the default first. Never empty. Parsed once: parsing a key costs more than using it.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a key cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JwkError {
    /// The text is longer than [`MAX_JWK`] or [`super::MAX_JWKS`], or the set has more keys than [`super::MAX_KEYS`].
    #[error("the key or the set of keys is too large")]
    TooLarge,
    /// Not an object, or one with repeated names, or not a set.
    #[error("not a JSON object of the right form, or one with repeated names")]
    Malformed,
    /// A member is absent, has the wrong type, or is not base64url.
    #[error("the member `{0}` is missing or malformed")]
    Member(&'static str),
    /// A key type, curve or algorithm that is not known here, or an algorithm that does not fit the key.
    #[error("the value of `{0}` is not supported, or does not fit the key")]
    Unsupported(&'static str),
    /// `use` or `key_ops` name another use than signatures (RFC 7517 §4.2 and §4.3).
    #[error("`{0}` does not allow this use of the key")]
    Use(&'static str),
    /// A private key where a public one is expected.
    #[error("the key is private; a public key is expected")]
    Private,
    /// The numbers are not a key: a point that is not on its curve, a modulus that is too short.
    #[error("the numbers of the key are not a valid key")]
    Material,
}

impl From<WrongType> for JwkError {
    fn from(WrongType(name): WrongType) -> Self {
        Self::Member(name)
    }
}

impl Jwk {
    /// Reads a public key.
    ///
    /// # Errors
    /// If the key cannot verify signatures, or is private.
    pub fn parse(json: &[u8]) -> Result<Self, JwkError> {
        if json.len() > MAX_JWK {
            return Err(JwkError::TooLarge);
        }
        Self::from_members(&Members::parse(json).ok_or(JwkError::Malformed)?)
    }

    /// The id of the key, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithm of the key. An RSA key without `alg` has more; this is the one that it stands for by default.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        // `from_members` refuses a key without a verifier.
        self.verifiers.first().map_or(Algorithm::Rs256, |(first, _)| *first)
    }

    pub(super) fn from_members(members: &Members) -> Result<Self, JwkError> {
        if members.has_repeated_names() {
            return Err(JwkError::Malformed);
        }
        if members.has("d") || members.has("k") {
            return Err(JwkError::Private);
        }
        allows(members, "verify")?;
        let verifiers = candidates(members)?
            .into_iter()
            .map(|algorithm| Ok((algorithm, public_key(algorithm, members)?)))
            .collect::<Result<_, JwkError>>()?;
        Ok(Self {
            kid: members.text("kid")?.map(str::to_owned),
            verifiers,
        })
    }

    /// The key for `algorithm`, if the key and the caller's list allow it.
    pub(super) fn verifier(&self, algorithm: Algorithm, allowed: &[Algorithm]) -> Option<&ParsedPublicKey> {
        let admitted = if allowed.is_empty() {
            algorithm == self.algorithm()
        } else {
            allowed.contains(&algorithm)
        };
        let known = self.verifiers.iter().find(|(own, _)| *own == algorithm);
        known.filter(|_| admitted).map(|(_, key)| key)
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwk")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm())
            .finish_non_exhaustive()
    }
}

/// Checks `use` and `key_ops` for `operation`, `verify` or `sign`.
pub(super) fn allows(members: &Members, operation: &str) -> Result<(), JwkError> {
    if members.text("use")?.is_some_and(|purpose| purpose != "sig") {
        return Err(JwkError::Use("use"));
    }
    match members.texts("key_ops")? {
        Some(operations) if !operations.contains(&operation) => Err(JwkError::Use("key_ops")),
        _ => Ok(()),
    }
}

/// The algorithms that type, curve and `alg` leave, the default first. Never empty.
pub(super) fn candidates(members: &Members) -> Result<Vec<Algorithm>, JwkError> {
    let kind = members.text("kty")?.ok_or(JwkError::Member("kty"))?;
    let curve = members.text("crv")?;
    let fits = |algorithm: &Algorithm| match algorithm.primitive() {
        Primitive::Ec { curve: own, .. } => kind == "EC" && curve == Some(own),
        Primitive::Ed25519 => kind == "OKP" && curve == Some("Ed25519"),
        Primitive::Rsa { .. } => kind == "RSA",
    };
    let mut fitting: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(fits).collect();
    if fitting.is_empty() {
        let known = matches!(kind, "EC" | "OKP");
        return Err(JwkError::Unsupported(if known { "crv" } else { "kty" }));
    }
    if let Some(name) = members.text("alg")? {
        let named = Algorithm::from_name(name);
        fitting.retain(|algorithm| Some(*algorithm) == named);
        if fitting.is_empty() {
            return Err(JwkError::Unsupported("alg"));
        }
    }
    Ok(fitting)
}

fn public_key(algorithm: Algorithm, members: &Members) -> Result<ParsedPublicKey, JwkError> {
    let parsed = match algorithm.primitive() {
        Primitive::Ec { verify, coordinate, .. } => ParsedPublicKey::new(verify, point(members, coordinate)?),
        Primitive::Ed25519 => ParsedPublicKey::new(&ED25519, needed(members, "x")?),
        Primitive::Rsa { verify, .. } => modulus(members)?.to_parsed_public_key(verify),
    };
    parsed.map_err(|_| JwkError::Material)
}

/// The point of an elliptic curve, uncompressed (SEC 1 §2.3.3). Coordinates have their full length (RFC 7518 §6.2.1.2).
pub(super) fn point(members: &Members, coordinate: usize) -> Result<Vec<u8>, JwkError> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        let bytes = needed(members, name)?;
        if bytes.len() != coordinate {
            return Err(JwkError::Member(name));
        }
        point.extend(bytes);
    }
    Ok(point)
}

/// Modulus and exponent of an RSA key of 2048 to 8192 bits.
pub(super) fn modulus(members: &Members) -> Result<RsaPublicKeyComponents<Vec<u8>>, JwkError> {
    let (n, e) = (number(members, "n")?, number(members, "e")?);
    // Exponents are odd and above 1 (RFC 8017 §3.1). The library checks that only when it verifies.
    let fitting = e.len() <= 4 && e.last().is_some_and(|last| last % 2 == 1) && e != [1];
    if !fitting || !(256..=1024).contains(&n.len()) {
        return Err(JwkError::Material);
    }
    Ok(RsaPublicKeyComponents { n, e })
}

/// An integer without the zeros in front that some writers leave (RFC 7518 §6.3.1.1 mentions them).
pub(super) fn number(members: &Members, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let mut bytes = needed(members, name)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    Ok(bytes)
}

pub(super) fn needed(members: &Members, name: &'static str) -> Result<Vec<u8>, JwkError> {
    members.bytes(name)?.ok_or(JwkError::Member(name))
}
