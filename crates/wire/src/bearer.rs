//! Bearer tokens in a request (RFC 6750 §2.1).

use aws_lc_rs::digest;
use std::fmt;

/// The longest token that is read, in bytes.
pub const MAX_BEARER: usize = 16 * 1024;

/// An access token as a caller presents it. It does not print.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a>(&'a str);

/// The header is not `Bearer` with one token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the Authorization header is not Bearer with one token of at most {MAX_BEARER} bytes")]
pub struct NotBearer;

impl<'a> BearerToken<'a> {
    /// Reads the value of an `Authorization` header: the scheme without case, one space or more, a token of the characters
    /// of RFC 6750 §2.1.
    ///
    /// # Errors
    /// If the header has another scheme, or anything but one token.
    pub fn from_header(header: &'a str) -> Result<Self, NotBearer> {
        let (scheme, rest) = header.split_once(' ').ok_or(NotBearer)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(NotBearer);
        }
        Self::parse(rest.trim_matches(' ')).ok_or(NotBearer)
    }

    /// Parses a token alone: `b64token`, that is letters, digits and `-._~+/`, then any number of `=`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let body = text.trim_end_matches('=');
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        (!body.is_empty() && text.len() <= MAX_BEARER && body.bytes().all(fits)).then_some(Self(text))
    }

    /// The token as text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The SHA-256 of the token, which stands for it in caches: who reads the memory of a cache learns no token.
    #[must_use]
    pub fn fingerprint(self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref());
        key
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_one_token_after_the_scheme() {
        for header in [
            "Bearer abc.DEF-1_~+/==",
            "bearer  abc.DEF-1_~+/==",
            "BEARER abc.DEF-1_~+/== ",
        ] {
            assert_eq!(
                BearerToken::from_header(header).unwrap().as_str(),
                "abc.DEF-1_~+/==",
                "{header}"
            );
        }
        for header in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer a,b",
            "Bearer a=b",
            "Bearer =",
            "Basic YTpi",
            "Bearer é",
            "Bearerx a",
            "",
        ] {
            assert_eq!(BearerToken::from_header(header), Err(NotBearer), "{header}");
        }
    }

    #[test]
    fn a_token_has_a_longest_length() {
        assert!(BearerToken::parse(&"a".repeat(MAX_BEARER)).is_some());
        assert!(BearerToken::parse(&"a".repeat(MAX_BEARER + 1)).is_none());
    }

    #[test]
    fn a_token_does_not_print_and_its_fingerprint_is_sha_256() {
        let token = BearerToken::parse("abc").unwrap();
        assert_eq!(format!("{token:?}"), "BearerToken");
        assert_eq!(token.fingerprint()[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
