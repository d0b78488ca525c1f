//! What a caller expects of a token, and what a header may say.

use super::keys::{ED25519, RSA, public_half, signing};
use super::{EXPIRES, NOW_MS, claims, public, read};
use crate::jose::{Algorithm, JoseError, Jwk, Jwks, MAX_TOKEN, Policy, SignError, Typ, sign, verify};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::time::Duration;

/// RFC 8032 §7.1, test 2.
const OTHER: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#;

/// A token with exactly this header and payload, signed by the key `k`.
fn signed(header: &str, payload: &str) -> String {
    let key = signing(Algorithm::Es256);
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = key.sign(text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn with_header(header: &str) -> Result<(), JoseError> {
    let token = signed(header, &claims().to_string());
    read(&token, &public(&signing(Algorithm::Es256))).map(drop)
}

fn with_claims(payload: &str) -> Result<(), JoseError> {
    let token = signed(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, payload);
    read(&token, &public(&signing(Algorithm::Es256))).map(drop)
}

#[test]
fn every_algorithm_signs_what_it_verifies() {
    for algorithm in Algorithm::ALL {
        let key = signing(algorithm);
        let token = sign(&key, "at+jwt", &claims()).unwrap();
        let read = read(&token, &public(&key)).unwrap();
        assert_eq!(
            (read.subject(), read.expires_at_ms()),
            (Some("ada"), EXPIRES * 1000),
            "{algorithm}"
        );
    }
}

#[test]
fn the_key_decides_the_algorithm() {
    let keys = public(&signing(Algorithm::Rs256));
    for other in [Algorithm::Ps256, Algorithm::Rs384, Algorithm::Es256, Algorithm::EdDsa] {
        let token = sign(&signing(other), "at+jwt", &claims()).unwrap();
        assert_eq!(read(&token, &keys).err(), Some(JoseError::Algorithm), "{other}");
    }
    for name in ["none", "None", "HS256", "es256", ""] {
        let header = json!({"alg": name, "typ": "at+jwt", "kid": "k"}).to_string();
        assert_eq!(with_header(&header), Err(JoseError::Algorithm), "{name}");
    }
}

#[test]
fn the_callers_list_narrows_what_the_keys_allow() {
    let token = sign(&signing(Algorithm::Es256), "at+jwt", &claims()).unwrap();
    let audiences = ["https://api.example".to_owned()];
    let policy = |algorithms| Policy {
        typ: Typ::Is("at+jwt"),
        algorithms,
        issuer: "https://id.example",
        audiences: &audiences,
        leeway: Duration::ZERO,
    };
    let keys = public(&signing(Algorithm::Es256));
    let refused = verify(&token, &keys, &policy(&[Algorithm::EdDsa]), NOW_MS);
    assert_eq!(refused.err(), Some(JoseError::Algorithm));
    assert!(verify(&token, &keys, &policy(&[Algorithm::EdDsa, Algorithm::Es256]), NOW_MS).is_ok());
}

#[test]
fn both_names_of_ed25519_are_read() {
    let key = signing(Algorithm::EdDsa);
    let token = sign(&key, "at+jwt", &claims()).unwrap();
    let payload = token.split('.').nth(1).unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"Ed25519","typ":"at+jwt","kid":"k"}"#);
    let text = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).unwrap());
    assert!(read(&format!("{text}.{signature}"), &public(&key)).is_ok());
}

#[test]
fn another_typ_is_a_token_for_another_use() {
    let header = |typ: &str| format!(r#"{{"alg":"ES256","kid":"k"{typ}}}"#);
    for typ in [
        r#","typ":"at+jwt""#,
        r#","typ":"application/at+jwt""#,
        r#","typ":"AT+JWT""#,
    ] {
        assert_eq!(with_header(&header(typ)), Ok(()), "{typ}");
    }
    for typ in [
        "",
        r#","typ":"JWT""#,
        r#","typ":"at+jwtx""#,
        r#","typ":"application/application/at+jwt""#,
        r#","typ":"é""#,
    ] {
        assert_eq!(with_header(&header(typ)), Err(JoseError::Type), "{typ}");
    }
    assert_eq!(with_header(&header(r#","typ":1"#)), Err(JoseError::Header("typ")));
}

#[test]
fn an_older_use_may_lack_the_typ_and_has_no_other() {
    assert!(Typ::IsOrAbsent("JWT").admits(None) && Typ::IsOrAbsent("JWT").admits(Some("jwt")));
    assert!(!Typ::IsOrAbsent("JWT").admits(Some("at+jwt")));
}

#[test]
fn headers_that_bring_keys_or_extensions_are_refused() {
    for name in ["crit", "jku", "jwk", "x5u", "zip", "b64", "cty"] {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "k", name: "x"}).to_string();
        assert_eq!(with_header(&header), Err(JoseError::Header(name)));
    }
    // Certificates and unknown parameters are ignored (RFC 7515 §4).
    assert_eq!(
        with_header(r#"{"alg":"ES256","typ":"at+jwt","kid":"k","x5t":"x","x5c":[],"other":1}"#),
        Ok(())
    );
    assert_eq!(
        with_header(r#"{"alg":"ES256","typ":"at+jwt","kid":7}"#),
        Err(JoseError::Header("kid"))
    );
    assert_eq!(
        with_header(r#"{"typ":"at+jwt","kid":"k"}"#),
        Err(JoseError::Header("alg"))
    );
    for header in [r#"{"alg":"ES256","alg":"ES256","typ":"at+jwt"}"#, "[]", "", "{"] {
        assert!(matches!(with_header(header), Err(JoseError::Malformed(_))), "{header}");
    }
}

#[test]
fn only_one_text_stands_for_a_token() {
    let token = sign(&signing(Algorithm::Es256), "at+jwt", &claims()).unwrap();
    let keys = public(&signing(Algorithm::Es256));
    assert!(read(&token, &keys).is_ok());
    // The last character of a signature of 64 bytes has four bits to spare.
    let (text, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let twins = alphabet.chars().filter(|twin| !last.contains(*twin));
    for twin in twins {
        assert!(read(&format!("{text}{twin}"), &keys).is_err(), "{twin}");
    }
    for other in [
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        token.replace('.', ".."),
    ] {
        assert!(matches!(read(&other, &keys), Err(JoseError::Malformed(_))), "{other}");
    }
}

#[test]
fn a_signature_of_another_length_is_wrong() {
    let token = sign(&signing(Algorithm::Es256), "at+jwt", &claims()).unwrap();
    let keys = public(&signing(Algorithm::Es256));
    let (text, signature) = token.rsplit_once('.').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let longer: Vec<u8> = [&[0], bytes.as_slice()].concat();
    for other in [&bytes[..63], &longer, &[0; 64], &[]] {
        let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(other));
        assert_eq!(read(&token, &keys).err(), Some(JoseError::Signature));
    }
}

#[test]
fn issuer_and_audience_are_compared_as_text() {
    let with = |name: &str, value: serde_json::Value| {
        let mut changed = claims();
        changed[name] = value;
        with_claims(&changed.to_string())
    };
    assert_eq!(with("iss", json!("https://id.example/")), Err(JoseError::Issuer));
    assert_eq!(with("iss", json!("https://ID.example")), Err(JoseError::Issuer));
    assert_eq!(with("iss", json!(7)), Err(JoseError::Claim("iss")));
    assert_eq!(with("aud", json!(["x", "https://api.example"])), Ok(()));
    assert_eq!(with("aud", json!("https://API.example")), Err(JoseError::Audience));
    for aud in [json!([]), json!([7]), json!({}), json!(["https://api.example", 7])] {
        assert_eq!(with("aud", aud), Err(JoseError::Claim("aud")));
    }
    for name in ["iss", "aud", "exp"] {
        let mut lacking = claims();
        lacking.as_object_mut().unwrap().remove(name);
        assert_eq!(with_claims(&lacking.to_string()), Err(JoseError::Claim(name)));
    }
}

#[test]
fn a_caller_without_an_audience_accepts_nothing() {
    let token = sign(&signing(Algorithm::Es256), "at+jwt", &claims()).unwrap();
    let policy = Policy {
        typ: Typ::Is("at+jwt"),
        algorithms: &[],
        issuer: "https://id.example",
        audiences: &[],
        leeway: Duration::ZERO,
    };
    let keys = public(&signing(Algorithm::Es256));
    assert_eq!(verify(&token, &keys, &policy, NOW_MS).err(), Some(JoseError::Audience));
}

#[test]
fn time_is_compared_with_the_leeway_on_both_ends() {
    let mut timed = claims();
    timed["nbf"] = json!(EXPIRES - 100);
    timed["iat"] = json!(EXPIRES - 50);
    let token = signed(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, &timed.to_string());
    let audiences = ["https://api.example".to_owned()];
    let policy = Policy {
        typ: Typ::Is("at+jwt"),
        algorithms: &[],
        issuer: "https://id.example",
        audiences: &audiences,
        leeway: Duration::from_secs(30),
    };
    let keys = public(&signing(Algorithm::Es256));
    let at = |ms: i64| {
        verify(&token, &keys, &policy, ms)
            .map(|claims| claims.issued_at_ms())
            .err()
    };
    let (expires, starts) = (EXPIRES * 1000, (EXPIRES - 100) * 1000);
    assert_eq!(at(expires + 29_999), None);
    assert_eq!(at(expires + 30_000), Some(JoseError::Expired));
    assert_eq!(at(starts - 30_000), None);
    assert_eq!(at(starts - 30_001), Some(JoseError::NotYetValid));
    assert_eq!(at(i64::MAX), Some(JoseError::Expired));
    assert_eq!(at(i64::MIN), Some(JoseError::NotYetValid));
}

#[test]
fn moments_are_whole_seconds() {
    for moment in [
        "1.5e9",
        "1900000000.5",
        "\"1900000000\"",
        "-1",
        "99999999999999999999",
        "null",
        "9007199254740993",
    ] {
        for name in ["exp", "nbf", "iat"] {
            let mut parts: Vec<String> = ["exp", "nbf", "iat"]
                .map(|other| format!(r#""{other}":{EXPIRES}"#))
                .to_vec();
            parts.retain(|part| !part.contains(name));
            let rest = parts.join(",");
            let text =
                format!(r#"{{"iss":"https://id.example","aud":"https://api.example",{rest},"{name}":{moment}}}"#);
            assert_eq!(with_claims(&text), Err(JoseError::Claim(name)), "{text}");
        }
    }
}

#[test]
fn claims_are_an_object_that_names_each_claim_once() {
    for text in [
        "[]",
        "7",
        "",
        "{",
        "{}}",
        r#"{"iss":"https://id.example","iss":"https://id.example"}"#,
    ] {
        assert!(matches!(with_claims(text), Err(JoseError::Claim(_))), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(with_claims(&deep[..8000]), Err(JoseError::Claim(_))));
}

#[test]
fn what_is_too_long_is_neither_read_nor_signed() {
    let keys = public(&signing(Algorithm::Es256));
    assert_eq!(read(&"a".repeat(MAX_TOKEN + 1), &keys).err(), Some(JoseError::TooLong));
    assert!(matches!(
        read(&"a".repeat(MAX_TOKEN), &keys),
        Err(JoseError::Malformed(_))
    ));
    let long = json!({"x": "a".repeat(MAX_TOKEN)});
    assert_eq!(sign(&signing(Algorithm::Es256), "JWT", &long), Err(SignError::TooLong));
    assert_eq!(
        sign(&signing(Algorithm::Es256), "JWT", &json!([])),
        Err(SignError::Claims)
    );
}

#[test]
fn an_unknown_key_is_told_apart_from_a_wrong_signature() {
    let token = sign(&signing(Algorithm::Es256), "at+jwt", &claims()).unwrap();
    assert_eq!(read(&token, &Jwks::default()).err(), Some(JoseError::UnknownKey));
    // Without a `kid`, all keys are tried, and newer ones may help.
    let nameless = signed(r#"{"alg":"ES256","typ":"at+jwt"}"#, &claims().to_string());
    assert!(read(&nameless, &public(&signing(Algorithm::Es256))).is_ok());
    let rsa = Jwks::from(vec![Jwk::parse(public_half(RSA).as_bytes()).unwrap()]);
    assert_eq!(read(&nameless, &rsa).err(), Some(JoseError::UnknownKey));
}

#[test]
fn only_the_key_that_the_token_names_is_tried() {
    let named = |jwk: &str, kid: &str| {
        let mut jwk: serde_json::Value = serde_json::from_str(&public_half(jwk)).unwrap();
        jwk["kid"] = json!(kid);
        Jwk::parse(jwk.to_string().as_bytes()).unwrap()
    };
    // The key `k` has signed, and `other` has the name.
    let token = sign(&signing(Algorithm::EdDsa), "at+jwt", &claims()).unwrap();
    let keys = Jwks::from(vec![named(ED25519, "x"), named(OTHER, "k")]);
    assert_eq!(read(&token, &keys).err(), Some(JoseError::Signature));
    let keys = Jwks::from(vec![named(OTHER, "x"), named(ED25519, "k")]);
    assert!(read(&token, &keys).is_ok());
}

#[test]
fn a_private_key_does_not_print() {
    for algorithm in Algorithm::ALL {
        let printed = format!("{:?}", signing(algorithm));
        assert!(
            printed.starts_with("SigningKey { algorithm:") && printed.len() < 80,
            "{printed}"
        );
    }
}
