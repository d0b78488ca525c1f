//! `jsonwebtoken` reads what is signed here. Where it is less strict, the difference is named.

use super::keys::signing;
use super::{EXPIRES, claims, public, read};
use crate::jose::{Algorithm, JoseError, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken as other;
use serde_json::{Value, json};
use std::str::FromStr as _;

fn theirs(token: &str, jwks: &str, algorithm: Algorithm) -> Result<Value, other::errors::Error> {
    let set: other::jwk::JwkSet = serde_json::from_str(jwks).expect("a set");
    let key = other::DecodingKey::from_jwk(&set.keys[0])?;
    let mut validation = other::Validation::new(other::Algorithm::from_str(algorithm.as_str())?);
    validation.set_audience(&["https://api.example"]);
    validation.set_issuer(&["https://id.example"]);
    other::decode::<Value>(token, &key, &validation).map(|read| read.claims)
}

#[test]
fn the_oracle_reads_what_is_signed_here() {
    // It does not know P-521.
    for algorithm in Algorithm::ALL
        .into_iter()
        .filter(|algorithm| *algorithm != Algorithm::Es512)
    {
        let key = signing(algorithm);
        let token = sign(&key, "at+jwt", &claims()).unwrap();
        let claims = theirs(&token, &key.public_jwks(), algorithm).unwrap();
        assert_eq!(
            (&claims["sub"], &claims["exp"]),
            (&json!("ada"), &json!(EXPIRES)),
            "{algorithm}"
        );
    }
}

#[test]
fn the_oracle_refuses_what_is_refused_here() {
    let key = signing(Algorithm::Es256);
    let token = sign(&key, "at+jwt", &claims()).unwrap();
    let changed = |name: &str, value: Value| {
        let mut changed = claims();
        changed[name] = value;
        sign(&key, "at+jwt", &changed).unwrap()
    };
    let tokens = [
        token[..token.len() - 2].to_owned(),
        format!("{token}.x"),
        changed("iss", json!("https://other.example")),
        changed("aud", json!("https://other.example")),
        changed("exp", json!(1_000_000_000)),
    ];
    for token in tokens {
        assert!(theirs(&token, &key.public_jwks(), Algorithm::Es256).is_err(), "{token}");
        assert!(read(&token, &public(&key)).is_err(), "{token}");
    }
}

#[test]
fn stricter_than_the_oracle_in_typ_jku_and_fractions() {
    let key = signing(Algorithm::Es256);
    let token = |header: Value, claims: &Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).unwrap());
        format!("{text}.{signature}")
    };
    let mut fraction = claims();
    fraction["exp"] = json!(1.9e9 + 0.5);
    let at = json!({"alg": "ES256", "kid": "k", "typ": "at+jwt"});
    let cases = [
        (
            json!({"alg": "ES256", "kid": "k", "typ": "JWT"}),
            claims(),
            JoseError::Type,
        ),
        (
            json!({"alg": "ES256", "kid": "k", "typ": "at+jwt", "jku": "https://x.example"}),
            claims(),
            JoseError::Header("jku"),
        ),
        (at, fraction, JoseError::Claim("exp")),
    ];
    for (header, claims, refusal) in cases {
        let token = token(header, &claims);
        assert!(
            theirs(&token, &key.public_jwks(), Algorithm::Es256).is_ok(),
            "{refusal}"
        );
        assert_eq!(read(&token, &public(&key)).err(), Some(refusal));
    }
}
