//! Tokens and keys (RFC 7515, RFC 7517): an input that was not signed is refused, and what is read can be read again.

use hallpass_wire::jose::{JoseError, Jwks, MAX_TOKEN, Policy, SigningKey, Typ, sign, verify};
use std::time::Duration;

/// RFC 8037 appendix A.1.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

/// The input: a token, a set of keys, or the payload of a token that is signed here.
pub fn check(data: &[u8]) {
    let key = SigningKey::from_jwk(KEY).expect("a key");
    let own = Jwks::parse(key.public_jwks().as_bytes()).expect("a set");
    let audiences = ["a".to_owned()];
    let policy = Policy {
        typ: Typ::IsOrAbsent("JWT"),
        algorithms: &[],
        issuer: "i",
        audiences: &audiences,
        leeway: Duration::from_secs(60),
    };
    if let Ok(set) = Jwks::parse(data) {
        assert!(set.keys().iter().all(|key| !format!("{key:?}").is_empty()));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(claims) = verify(text, &own, &policy, 1_000) {
        // Nobody but the holder of the key can have made it, and the corpus has none.
        panic!("an input was accepted: {claims:?}");
    }
    let Ok(payload) = serde_json::from_str::<serde_json::Value>(text) else {
        return;
    };
    let Ok(token) = sign(&key, "JWT", &payload) else { return };
    assert!(token.len() <= MAX_TOKEN);
    match verify(&token, &own, &policy, 1_000) {
        Ok(claims) => assert_eq!((claims.issuer(), claims.audiences().contains(&"a")), (Some("i"), true)),
        Err(error) => assert!(!matches!(
            error,
            JoseError::Malformed(_) | JoseError::Header(_) | JoseError::Signature | JoseError::UnknownKey
        )),
    }
}
