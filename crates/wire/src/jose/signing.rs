//! Signing, for client assertions (RFC 7523) and for servers that issue tokens.

use super::algorithm::{Algorithm, Primitive};
use super::compact::MAX_TOKEN;
use super::jwk::{JwkError, MAX_JWK, allows, candidates, modulus, needed, number, point};
use super::members::Members;
use aws_lc_rs::digest;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;

/// A private key, for one algorithm. It does not print its secret.
pub struct SigningKey {
    algorithm: Algorithm,
    kid: Option<String>,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// Why a token was not signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignError {
    /// The claims are not an object, or cannot be written as JSON.
    #[error("the claims are not a JSON object")]
    Claims,
    /// The token would be longer than [`MAX_TOKEN`]: what is issued must be accepted.
    #[error("the token would be longer than {MAX_TOKEN} bytes")]
    TooLong,
    /// The library refused to sign.
    #[error("the key refused to sign")]
    Key,
}

impl SigningKey {
    /// Reads a private JWK. An RSA key without `alg` signs with RS256.
    ///
    /// # Errors
    /// If the key cannot sign, or its numbers do not fit each other.
    pub fn from_jwk(json: &str) -> Result<Self, JwkError> {
        if json.len() > MAX_JWK {
            return Err(JwkError::TooLarge);
        }
        let members = Members::parse(json.as_bytes()).ok_or(JwkError::Malformed)?;
        allows(&members, "sign")?;
        let algorithm = *candidates(&members)?.first().ok_or(JwkError::Unsupported("kty"))?;
        Ok(Self {
            algorithm,
            kid: members.text("kid")?.map(str::to_owned),
            pair: pair(algorithm, &members)?,
        })
    }

    /// Reads a private key in PEM, `-----BEGIN PRIVATE KEY-----` (PKCS #8, RFC 5958), for `algorithm`.
    ///
    /// # Errors
    /// If the text is not such a key, or the key is for another kind of algorithm.
    pub fn from_pem(pem: &str, algorithm: Algorithm, kid: Option<&str>) -> Result<Self, JwkError> {
        if pem.len() > MAX_JWK {
            return Err(JwkError::TooLarge);
        }
        let body = pem.trim().strip_prefix("-----BEGIN PRIVATE KEY-----");
        let body = body.and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"));
        let text: String = body.ok_or(JwkError::Malformed)?.split_ascii_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| JwkError::Malformed)?;
        let pair = match algorithm.primitive() {
            Primitive::Ec { sign, .. } => EcdsaKeyPair::from_pkcs8(sign, &der).map(Pair::Ec),
            Primitive::Ed25519 => Ed25519KeyPair::from_pkcs8(&der).map(Pair::Ed25519),
            Primitive::Rsa { .. } => RsaKeyPair::from_pkcs8(&der).map(Pair::Rsa),
        };
        Ok(Self {
            algorithm,
            kid: kid.map(str::to_owned),
            pair: pair.map_err(|_| JwkError::Material)?,
        })
    }

    /// The algorithm that the key signs with.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The id of the key, if it has one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The public half as a set of one key, for registration as `jwks` (RFC 7591 §2).
    #[must_use]
    pub fn public_jwks(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match (&self.pair, self.algorithm.primitive()) {
            (Pair::Ec(pair), Primitive::Ec { curve, coordinate, .. }) => {
                // The uncompressed point: one byte, then both coordinates.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at_checked(coordinate).unwrap_or_default();
                json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)})
            }
            (Pair::Rsa(pair), _) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref()).unwrap_or_default();
                json!({"kty": "RSA", "n": text(n), "e": text(e)})
            }
            (Pair::Ed25519(pair), _) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
            // `from_jwk` and `from_pem` make the pair for the algorithm.
            (Pair::Ec(_), _) => json!({}),
        };
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm.as_str());
        if let Some(kid) = &self.kid {
            jwk["kid"] = json!(kid);
        }
        json!({"keys": [jwk]}).to_string()
    }

    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, SignError> {
        let digest = || digest::digest(self.algorithm.digest(), text);
        match (&self.pair, self.algorithm.primitive()) {
            (Pair::Ec(pair), _) => {
                let signature = pair.sign_digest(&digest()).map_err(|_| SignError::Key)?;
                Ok(signature.as_ref().to_vec())
            }
            (Pair::Ed25519(pair), _) => {
                let signature = pair.try_sign(text).map_err(|_| SignError::Key)?;
                Ok(signature.as_ref().to_vec())
            }
            (Pair::Rsa(pair), Primitive::Rsa { sign, .. }) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign_digest(sign, &digest(), &mut signature);
                signed.map(|()| signature).map_err(|_| SignError::Key)
            }
            (Pair::Rsa(_), _) => Err(SignError::Key),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Signs `claims` as a token of the type `typ`, such as `at+jwt` or `JWT`.
///
/// # Errors
/// If the claims are not an object, or the token would be too long to be read.
pub fn sign(key: &SigningKey, typ: &str, claims: &impl Serialize) -> Result<String, SignError> {
    let claims = serde_json::to_value(claims).map_err(|_| SignError::Claims)?;
    if !claims.is_object() {
        return Err(SignError::Claims);
    }
    let mut header = json!({"alg": key.algorithm.as_str(), "typ": typ});
    if let Some(kid) = &key.kid {
        header["kid"] = json!(kid);
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut token = format!("{}.{}", part(&header), part(&claims));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    if token.len() > MAX_TOKEN {
        return Err(SignError::TooLong);
    }
    Ok(token)
}

fn pair(algorithm: Algorithm, members: &Members) -> Result<Pair, JwkError> {
    let pair = match algorithm.primitive() {
        Primitive::Ec { sign, coordinate, .. } => {
            let (secret, public) = (needed(members, "d")?, point(members, coordinate)?);
            EcdsaKeyPair::from_private_key_and_public_key(sign, &secret, &public).map(Pair::Ec)
        }
        Primitive::Ed25519 => {
            let (secret, public) = (needed(members, "d")?, needed(members, "x")?);
            // The library reads a longer seed too.
            if secret.len() != 32 {
                return Err(JwkError::Member("d"));
            }
            Ed25519KeyPair::from_seed_and_public_key(&secret, &public).map(Pair::Ed25519)
        }
        Primitive::Rsa { .. } => RsaKeyPair::from_components(&KeyPairComponents {
            public_key: modulus(members)?,
            d: number(members, "d")?,
            p: number(members, "p")?,
            q: number(members, "q")?,
            dP: number(members, "dp")?,
            dQ: number(members, "dq")?,
            qInv: number(members, "qi")?,
        })
        .map(Pair::Rsa),
    };
    pair.map_err(|_| JwkError::Material)
}

/// The two numbers of an `RSAPublicKey` (RFC 8017 appendix A.1.1), which the library writes.
fn rsa_numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, _) = der_value(der, 0x30)?;
    let (n, rest) = der_value(sequence, 0x02)?;
    let (e, _) = der_value(rest, 0x02)?;
    // A number whose first bit is set has a zero in front.
    let positive = |bytes: &'_ [u8]| usize::from(bytes.first() == Some(&0));
    Some((n.get(positive(n)..)?, e.get(positive(e)..)?))
}

/// The value with `tag` at the beginning, and what follows it (X.690 §8.1).
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(count) => {
            let (bytes, rest) = rest.split_at_checked(usize::from(count))?;
            let length = bytes
                .iter()
                .fold(0_usize, |sum, byte| sum.wrapping_mul(256) + usize::from(*byte));
            (length, rest)
        }
    };
    (*found == tag).then(|| rest.split_at_checked(length)).flatten()
}
