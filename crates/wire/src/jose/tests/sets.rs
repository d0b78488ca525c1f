//! Which keys of a set are used, and which are skipped.

use super::keys::{ED25519, P256, RSA, public_half};
use crate::jose::{Algorithm, Jwk, JwkError, Jwks, MAX_JWK, MAX_JWKS, MAX_KEYS, SigningKey};
use serde_json::{Value, json};

fn changed(jwk: &str, name: &str, value: Value) -> Value {
    let mut jwk: Value = serde_json::from_str(&public_half(jwk)).unwrap();
    jwk[name] = value;
    jwk
}

fn parsed(jwk: &Value) -> Result<Algorithm, JwkError> {
    Jwk::parse(jwk.to_string().as_bytes()).map(|key| key.algorithm())
}

#[test]
fn unknown_keys_are_skipped_and_the_others_are_used() {
    let good = changed(P256, "kid", json!("good"));
    let set = json!({"keys": [
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        changed(P256, "crv", json!("secp256k1")),
        changed(P256, "use", json!("enc")),
        changed(P256, "key_ops", json!(["encrypt"])),
        changed(ED25519, "crv", json!("X25519")),
        serde_json::from_str::<Value>(P256).unwrap(),
        {},
        good,
    ], "more": 1});
    let set = Jwks::parse(set.to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().iter().map(Jwk::kid).collect::<Vec<_>>(), [Some("good")]);
    let skipped = [
        JwkError::Private,
        JwkError::Unsupported("kty"),
        JwkError::Unsupported("crv"),
        JwkError::Use("use"),
        JwkError::Use("key_ops"),
        JwkError::Unsupported("crv"),
        JwkError::Private,
        JwkError::Member("kty"),
    ];
    assert_eq!(set.skipped(), skipped);
}

#[test]
fn use_operations_and_algorithm_of_a_key_are_enforced() {
    assert_eq!(parsed(&changed(P256, "use", json!("sig"))), Ok(Algorithm::Es256));
    assert_eq!(parsed(&changed(P256, "use", json!("tls"))), Err(JwkError::Use("use")));
    assert_eq!(parsed(&changed(P256, "use", json!(1))), Err(JwkError::Member("use")));
    assert_eq!(
        parsed(&changed(P256, "key_ops", json!(["verify"]))),
        Ok(Algorithm::Es256)
    );
    assert_eq!(
        parsed(&changed(P256, "key_ops", json!([]))),
        Err(JwkError::Use("key_ops"))
    );
    assert_eq!(
        parsed(&changed(P256, "key_ops", json!("verify"))),
        Err(JwkError::Member("key_ops"))
    );
    assert_eq!(parsed(&changed(RSA, "alg", json!("PS256"))), Ok(Algorithm::Ps256));
    for (jwk, alg) in [
        (P256, "RS256"),
        (P256, "ES384"),
        (RSA, "ES256"),
        (ED25519, "ES256"),
        (RSA, "RSA-OAEP"),
        (P256, "none"),
    ] {
        assert_eq!(
            parsed(&changed(jwk, "alg", json!(alg))),
            Err(JwkError::Unsupported("alg")),
            "{alg}"
        );
    }
}

#[test]
fn numbers_that_are_no_key_are_refused() {
    // A point beside the curve, short and long coordinates, padding.
    assert_eq!(
        parsed(&changed(
            P256,
            "x",
            json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEV")
        )),
        Err(JwkError::Member("x"))
    );
    assert_eq!(
        parsed(&changed(
            P256,
            "x",
            json!("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEQ")
        )),
        Err(JwkError::Material)
    );
    assert_eq!(
        parsed(&changed(P256, "y", json!("x_FEzRu9"))),
        Err(JwkError::Member("y"))
    );
    assert_eq!(parsed(&changed(P256, "y", Value::Null)), Err(JwkError::Member("y")));
    assert_eq!(parsed(&changed(ED25519, "x", json!("AAAA"))), Err(JwkError::Material));
    // 1024 bits; an even exponent; an exponent of one.
    let short = json!({"kty": "RSA", "e": "AQAB", "n": "AQAB".repeat(42)});
    assert_eq!(parsed(&short), Err(JwkError::Material));
    for exponent in ["AQABAQAB", "AQAA", "AQ", "AA", ""] {
        assert_eq!(
            parsed(&changed(RSA, "e", json!(exponent))),
            Err(JwkError::Material),
            "{exponent}"
        );
    }
}

#[test]
fn an_rsa_number_may_have_a_zero_in_front() {
    let jwk = changed(RSA, "e", json!("AAEAAQ"));
    assert_eq!(parsed(&jwk), Ok(Algorithm::Rs256));
}

#[test]
fn sizes_are_limited() {
    let long = changed(P256, "x5c", json!("a".repeat(MAX_JWK)));
    assert_eq!(parsed(&long), Err(JwkError::TooLarge));
    let many = json!({"keys": vec![json!({}); MAX_KEYS + 1]}).to_string();
    assert_eq!(Jwks::parse(many.as_bytes()).err(), Some(JwkError::TooLarge));
    let spaces = " ".repeat(MAX_JWKS + 1);
    assert_eq!(Jwks::parse(spaces.as_bytes()).err(), Some(JwkError::TooLarge));
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[7]}"#,
        "\u{feff}{\"keys\":[]}",
    ] {
        assert_eq!(Jwks::parse(text.as_bytes()).err(), Some(JwkError::Malformed), "{text}");
    }
}

#[test]
fn a_private_key_must_fit_its_public_half() {
    let read = |jwk: &str, name: &str, value: &str| {
        let mut jwk: Value = serde_json::from_str(jwk).unwrap();
        jwk[name] = value.into();
        SigningKey::from_jwk(&jwk.to_string()).err()
    };
    let other = "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE";
    assert_eq!(read(P256, "d", other), Some(JwkError::Material));
    assert_eq!(read(ED25519, "d", other), Some(JwkError::Material));
    assert_eq!(
        read(ED25519, "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2AAAA"),
        Some(JwkError::Member("d"))
    );
    assert_eq!(read(RSA, "q", "AQAB"), Some(JwkError::Material));
    assert_eq!(read(P256, "use", "enc"), Some(JwkError::Use("use")));
    assert_eq!(
        SigningKey::from_jwk(&public_half(P256)).err(),
        Some(JwkError::Member("d"))
    );
    assert_eq!(
        SigningKey::from_pem("x", Algorithm::Es256, None).err(),
        Some(JwkError::Malformed)
    );
}

#[test]
fn a_repeated_member_makes_a_key_unusable() {
    let text = public_half(P256).replacen('{', r#"{"use":"sig","use":"sig","#, 1);
    assert_eq!(Jwk::parse(text.as_bytes()).err(), Some(JwkError::Malformed));
    let set = Jwks::parse(format!(r#"{{"keys":[{text}]}}"#).as_bytes()).unwrap();
    assert_eq!((set.keys().len(), set.skipped()), (0, &[JwkError::Malformed][..]));
}
