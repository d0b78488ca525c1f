//! Tests of the whole module: published vectors, attacks, another library as the oracle, and properties of any input.

mod keys;
mod oracle;
mod policy;
mod properties;
mod rfc;
mod sets;
mod wycheproof;

use super::compact::Compact;
use super::verify::check_signature;
use super::{Algorithm, Claims, JoseError, Jwk, Jwks, Policy, SigningKey, Typ, verify};
use std::time::Duration;

/// Seconds since the epoch at which the tests' tokens expire.
const EXPIRES: i64 = 1_900_000_000;
const NOW_MS: i64 = (EXPIRES - 600) * 1000;

/// Verifies only the signature: vectors of JWS have payloads that are no claims.
fn signed_by(token: &str, jwk: &str, allowed: &[Algorithm]) -> Result<(), JoseError> {
    let key = Jwk::parse(jwk.as_bytes()).expect("a public key");
    check_signature(&Compact::parse(token)?, &Jwks::from(vec![key]), allowed)
}

fn claims() -> serde_json::Value {
    serde_json::json!({"iss": "https://id.example", "aud": "https://api.example", "exp": EXPIRES, "sub": "ada"})
}

fn read(token: &str, keys: &Jwks) -> Result<Claims, JoseError> {
    let audiences = ["https://api.example".to_owned()];
    let policy = Policy {
        typ: Typ::Is("at+jwt"),
        algorithms: &[],
        issuer: "https://id.example",
        audiences: &audiences,
        leeway: Duration::from_secs(30),
    };
    verify(token, keys, &policy, NOW_MS)
}

fn public(key: &SigningKey) -> Jwks {
    Jwks::parse(key.public_jwks().as_bytes()).expect("a set")
}
