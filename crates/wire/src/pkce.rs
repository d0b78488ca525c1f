//! Proof Key for Code Exchange, `S256` only (RFC 7636). RFC 9700 §2.1.1 leaves no use for `plain`.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

/// The SHA-256 of a code verifier (RFC 7636 §4.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeChallenge(pub [u8; 32]);

/// A code verifier: 43 to 128 unreserved characters (RFC 7636 §4.1).
#[derive(Clone, Copy)]
pub struct CodeVerifier<'a>(&'a str);

impl CodeChallenge {
    /// Parses the base64url text of a challenge. `None` if it is not 32 bytes (RFC 7636 §4.2).
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Whether this challenge was made from `verifier`, compared in constant time (RFC 7636 §4.6).
    pub fn is_answered_by(&self, verifier: CodeVerifier<'_>) -> bool {
        let hash = digest::digest(&digest::SHA256, verifier.0.as_bytes());
        hash.as_ref().ct_eq(&self.0).into()
    }
}

impl<'a> CodeVerifier<'a> {
    /// Parses a verifier. `None` if its length or a character is not allowed (RFC 7636 §4.1).
    pub fn parse(text: &'a str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        ((43..=128).contains(&text.len()) && text.bytes().all(fits)).then_some(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636 appendix B.
    #[test]
    fn a_challenge_matches_its_verifier_only() {
        let challenge = CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap();
        let verifier = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
        assert!(challenge.is_answered_by(verifier));
        let other = CodeVerifier::parse("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl").unwrap();
        assert!(!challenge.is_answered_by(other));
    }

    #[test]
    fn a_short_or_long_verifier_or_another_character_is_refused() {
        for text in ["a".repeat(42), "a".repeat(129), format!("{}!", "a".repeat(50))] {
            assert!(CodeVerifier::parse(&text).is_none());
        }
        assert!(CodeChallenge::parse("short").is_none());
    }
}
