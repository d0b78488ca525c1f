//! Tokens, in types that do not print.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The longest token that is read, in bytes. Longer ones fit no header.
const LONGEST_TOKEN: usize = 32 * 1024;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<Box<str>>);

        impl $name {
            /// Reads a token. `None` if it is empty, longer than 32 KiB, or holds characters beyond the printable ones of
            /// ASCII (RFC 6749 appendix A).
            pub fn new(text: impl Into<Box<str>>) -> Option<Self> {
                let text = Zeroizing::new(text.into());
                let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
                let fits = !text.is_empty() && text.len() <= LONGEST_TOKEN && text.trim().len() == text.len();
                (printable && fits).then_some(Self(text))
            }

            /// The token itself. Keep it out of logs.
            pub fn secret(&self) -> &str {
                &self.0
            }
        }

        /// Takes the same time wherever two tokens of one length differ.
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

token! {
    /// An access token (RFC 6749 §1.4).
    AccessToken
}

token! {
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken
}

/// How an access token is presented (RFC 6749 §7.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenType {
    /// In the header `Authorization: Bearer` (RFC 6750). Also read from `bearer`, `BearerToken` and an absent member.
    Bearer,
    /// Another word, as the server wrote it, at most 40 characters.
    Other(String),
}

impl TokenType {
    /// The type of a server's word: `bearer`, `BearerToken` and an empty one are [`Bearer`](Self::Bearer).
    pub fn from_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "" | "bearer" | "bearertoken" | "bearer_token" => Self::Bearer,
            _ => Self::Other(word.trim().chars().filter(|c| c.is_ascii_graphic()).take(40).collect()),
        }
    }

    /// The word for a header or an answer: `Bearer`, or what the server wrote.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Bearer => "Bearer",
            Self::Other(word) => word,
        }
    }
}

/// What a token endpoint answered (RFC 6749 §5.1). Times are milliseconds since the Unix epoch by the clock of the client.
#[derive(Clone)]
#[non_exhaustive]
pub struct Tokens {
    /// The access token.
    pub access: AccessToken,
    /// How to present it.
    pub token_type: TokenType,
    /// The moment after which the access token is expired, counted from when the request was sent. `None` if neither the
    /// server nor [`Provider::access_lifetime`](crate::Provider::access_lifetime) says.
    pub expires_at: Option<i64>,
    /// The refresh token, if the answer has one. After a refresh, `None` means that the one before stays valid (§6).
    pub refresh: Option<RefreshToken>,
    /// The moment after which the refresh token is expired if nobody uses it, if known.
    pub refresh_expires_at: Option<i64>,
    /// The moment at which the grant ends whatever is refreshed, if the server says so
    /// (draft-ietf-oauth-refresh-token-expiration §6).
    pub grant_expires_at: Option<i64>,
    /// The scopes as the server wrote them; a list is joined by spaces. `None` if the answer has none: what was asked for (§5.1).
    pub scope: Option<String>,
    /// The members that [`Provider::extra`](crate::Provider::extra) names.
    pub extra: Map<String, Value>,
    /// When the request was sent.
    pub requested_at: i64,
    /// The clock of the server minus the clock of the client, in milliseconds, from the header `Date`, which counts in
    /// seconds. `None` also if the two are more than an hour apart.
    pub clock_skew: Option<i64>,
    /// Whether the header `Date` was more than an hour away, and was not believed.
    pub has_odd_date: bool,
}

impl Tokens {
    /// An access token that came from elsewhere, at the moment `now`. Set the other fields that you know.
    ///
    /// ```
    /// use hallpass_client::{AccessToken, RefreshToken, Tokens};
    ///
    /// let access = AccessToken::new("an access token").expect("printable");
    /// let mut tokens = Tokens::new(access, 1_800_000_000_000);
    /// tokens.refresh = RefreshToken::new("a refresh token");
    /// tokens.expires_at = Some(1_800_003_600_000);
    /// ```
    pub fn new(access: AccessToken, now: i64) -> Self {
        Self {
            access,
            token_type: TokenType::Bearer,
            expires_at: None,
            refresh: None,
            refresh_expires_at: None,
            grant_expires_at: None,
            scope: None,
            extra: Map::new(),
            requested_at: now,
            clock_skew: None,
            has_odd_date: false,
        }
    }
}

impl fmt::Debug for Tokens {
    /// Values of `extra` may be tokens too, so only their names are printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("has_refresh", &self.refresh.is_some())
            .field("scope", &self.scope)
            .field("extra", &self.extra.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_not_print() {
        let token = AccessToken::new("hp_at_secret").unwrap();
        assert_eq!(format!("{token:?}"), "AccessToken(…)");
        assert_eq!(token.secret(), "hp_at_secret");
    }

    #[test]
    fn a_token_that_fits_no_header_is_refused() {
        for text in ["", " x", "x ", "a\r\nb", "ü", "\u{7f}"] {
            assert!(AccessToken::new(text).is_none(), "{text:?}");
        }
        assert!(AccessToken::new("x".repeat(LONGEST_TOKEN)).is_some());
        assert!(RefreshToken::new("x".repeat(LONGEST_TOKEN + 1)).is_none());
    }

    #[test]
    fn odd_words_for_bearer_are_bearer() {
        for word in [
            "Bearer",
            "bearer",
            "BEARER",
            "BearerToken",
            "bearer_token",
            "",
            " Bearer ",
        ] {
            assert_eq!(TokenType::from_word(word), TokenType::Bearer, "{word:?}");
        }
        assert_eq!(TokenType::from_word("DPoP").as_str(), "DPoP");
        assert_eq!(TokenType::from_word("mac\r\nX: y").as_str(), "macX:y");
    }
}
