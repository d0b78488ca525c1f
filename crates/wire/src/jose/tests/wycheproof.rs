//! A selection of Wycheproof's vectors for JWS: `testvectors_v1/json_web_signature_test.json` of C2SP/wycheproof, groups
//! `es256` and `rs256` (Apache-2.0). The crate `wycheproof` has only those of the primitives, which aws-lc-rs runs itself.

use super::signed_by;
use crate::jose::JoseError;

const ES256: &str = r#"{"alg":"ES256","use":"sig","x":"04N0xi21hshyvBp7I167sbE_bXqyqkAPfefdklMO7wY","y":"UI8exy-C06a7DUnjIdENkxeFtHM4-l_41LqEw9nVgmw","crv":"P-256","kid":"kid-ec-sign","kty":"EC"}"#;
const HEADER: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0";
const SIGNATURE: &str = "5cA0OHyMP7ezamUd5c9kV-FrGxdx4hbGXOdplQkutrqWrte5P-pAvsE3Ve6xSyU3YDQwUHjVVOtvcrEbbnZ8yA";
const EMBEDDED: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIiwiandrIjp7Imt0eSI6IkVDIiwia2lkIjoia2lkLWVjLXNpZ24iLCJ1c2UiOiJzaWciLCJhbGciOiJFUzI1NiIsIngiOiJNZG5UWkRJaERKYmZBU2RGcWFtY3BPMkNoOUdOS0sybTBNUWxoNDAyU3BvIiwieSI6Ijdhdko0bHFfV3l4LW5MUERCUTJZcHl0dUh5TWlvMDdCVXl2bDNqYUMtMVkiLCJjcnYiOiJQLTI1NiJ9fQ.Zm9v.4jmsollQD8ZxvySzXYnIEYA4fwaZi2ZbC0aI1J4LYmW2Bn31NhKdjms2N6o51Dff5-InWXQF9m45VtTexl6yjg";

fn es256(token: &str) -> Result<(), JoseError> {
    signed_by(token, ES256, &[])
}

#[test]
fn es256_accepts_the_valid_token() {
    assert_eq!(es256(&format!("{HEADER}.Zm9v.{SIGNATURE}")), Ok(()));
}

#[test]
fn es256_refuses_what_was_changed() {
    let changed = SIGNATURE.replacen('5', "X", 1);
    assert_eq!(es256(&format!("{HEADER}.Zm9v.{changed}")), Err(JoseError::Signature));
    assert_eq!(es256(&format!("{HEADER}.WG9v.{SIGNATURE}")), Err(JoseError::Signature));
    assert_eq!(es256(&format!("{HEADER}..{SIGNATURE}")), Err(JoseError::Signature));
    assert_eq!(es256(&format!("{HEADER}.Zm9v.")), Err(JoseError::Signature));
    // The `kid` becomes `Xid-ec-sign`.
    let other = "eyJhbGciOiJFUzI1NiIsImtpZCI6IlhpZC1lYy1zaWduIn0";
    assert_eq!(es256(&format!("{other}.Zm9v.{SIGNATURE}")), Err(JoseError::UnknownKey));
}

#[test]
fn es256_refuses_other_numbers_of_parts() {
    let tokens = [
        String::new(),
        "Zm9v".to_owned(),
        ".Zm9v.".to_owned(),
        format!("{HEADER}.Zm9v"),
        format!("{HEADER}.{SIGNATURE}"),
        format!(".Zm9v.{SIGNATURE}"),
        format!("Zm9v.{SIGNATURE}"),
        format!("{HEADER}.Zm9v.{SIGNATURE}."),
        format!("{HEADER}.Zm9v.{SIGNATURE}.foo"),
    ];
    for token in tokens {
        assert!(matches!(es256(&token), Err(JoseError::Malformed(_))), "{token}");
    }
}

#[test]
fn the_public_key_is_never_the_secret_of_hs256() {
    let token = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImtpZC1lYy1zaWduIn0.Zm9v.TgWtz2FIRukBQ_mA5sgHa0Ybtgn7bl-YBPAi7Z0XdHU";
    assert_eq!(es256(token), Err(JoseError::Algorithm));
}

#[test]
fn a_key_that_the_sender_brings_is_refused() {
    assert_eq!(es256(EMBEDDED), Err(JoseError::Header("jwk")));
}

#[test]
fn the_json_serialization_is_refused() {
    let token = format!(
        r#"{{"payload":"Zm9v","signatures":[{{"protected":"{HEADER}","header":{{"unknown":"x"}},"signature":"{SIGNATURE}"}}]}}"#
    );
    assert!(matches!(es256(&token), Err(JoseError::Malformed(_))));
}

#[test]
fn rs256_accepts_the_valid_token() {
    let jwk = r#"{"alg":"RS256","use":"sig","n":"kqGboBfAWttWPCA-0cGRgsY6SaYoIARt0B_PkaEcIq9HPYNdu9n6UuWHuuTHrjF_ZoQW97r5HaAorNvrMEGTGdxCHZdEtkHvNVVmrtxTBLiQCbCozXhFoIrVcr3qUBrdGnNn_M3jJi7Wg7p_-x62nS5gNG875oyheRkutHsQXikFZwsN3q_TsPNOVlCiHy8mxzaFTUQGm-X8UYexFyAivlDSjgDJLAZSWfxd7k9Gxuwa3AUfQqQcVcegmgKGCaErQ3qQbh1x7WB6iopE3_-GZ8HMAVtR9AmrVscqYsnjhaCehfAI0iKKs8zXr8tISc0ORbaalrkk03H1ZrsEnDKEWQ","e":"AQAB","kid":"kid-rsa-sign","kty":"RSA"}"#;
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImtpZC1yc2Etc2lnbiJ9.Zm9v.HUwxI1-cZrZgcuOgBQ7G7NE-GrqK79l6GV1KT4DKXnSMFwC8pfZCzE7pmLE7mYpLCIvzC87yuOjuhT0uW5oe6aaAEtR978cm-q8dfly45flqMrd_ifhi9GCsMlyi8dpQ42Ou1etZljFZuWjfyk8CN1c5DaHRwhqjScAPIFp6xmzKIRUJ_xdQfUSfSlujLaixtScU518EoNP4oo1v7E8RAz6ZO4g2N4Xqs8OvSxYydcoTEg42QnLHe9JnXgI37Q5gSwinwaPsG3Ry56UYiLoL8mCUa74S51y02VsIgVmmGWgaXjM-i_lCiKQDBiBnvWlka4XhVuvd6ZWibM9cbCPtPg";
    assert_eq!(signed_by(token, jwk, &[]), Ok(()));
    let changed = token.replacen(".HUwx", ".XUwx", 1);
    assert_eq!(signed_by(&changed, jwk, &[]), Err(JoseError::Signature));
}
