//! The access token that a program gets.

use super::record::Access;
use crate::{AccessToken, TokenType};
use serde_json::{Map, Value};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The shortest end of a token that may stand for it.
const TAIL: usize = 8;

/// An access token, ready for use. The refresh token never leaves the vault.
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// The access token.
    pub access: AccessToken,
    /// How to present it.
    pub token_type: TokenType,
    /// When it expires, in milliseconds since 1970 by the keeper's clock. `None` if the provider does not say.
    pub expires_at: Option<i64>,
    /// The scopes, as the provider wrote them.
    pub scope: Option<String>,
    /// Other members of the provider's answers, as configured.
    pub extra: Map<String, Value>,
}

impl Token {
    /// `skew` is the provider's clock minus ours.
    pub(crate) fn new(access: &Access, skew: i64) -> Self {
        Self {
            access: access.token.clone(),
            token_type: access.token_type(),
            expires_at: access.expires_at.map(|end| end.saturating_sub(skew)),
            scope: access.scope.clone(),
            extra: access.extra.clone(),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Token")
            .field("token_type", &self.token_type)
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A token that an API refused: the whole, or at least its last eight characters.
#[derive(Clone)]
pub(crate) struct RefusedToken(zeroize::Zeroizing<String>);

impl RefusedToken {
    pub(crate) fn new(text: &str) -> Self {
        Self(zeroize::Zeroizing::new(text.to_owned()))
    }

    /// Whether this is that token. Too short an end is no token's.
    pub(crate) fn is(&self, token: &AccessToken) -> bool {
        let (own, whole) = (self.0.as_bytes(), token.secret().as_bytes());
        let tail = whole.len().checked_sub(own.len()).and_then(|from| whole.get(from..));
        let enough = own.len() >= TAIL || own.len() == whole.len();
        enough && tail.is_some_and(|tail| bool::from(tail.ct_eq(own)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_itself_or_its_last_eight_characters() {
        let token = AccessToken::new("hp_at_0123456789").unwrap();
        for text in ["hp_at_0123456789", "23456789", "0123456789"] {
            assert!(RefusedToken::new(text).is(&token), "{text}");
        }
        for text in ["", "6789", "23456780", "xhp_at_0123456789"] {
            assert!(!RefusedToken::new(text).is(&token), "{text}");
        }
        assert!(RefusedToken::new("abc").is(&AccessToken::new("abc").unwrap()));
    }
}
