//! The words for failed refreshes, for lists, answers and counts. None holds a text of the provider but its error code.

use crate::{DiscoveryError, TokenError};

/// The longest error code that is shown.
const LONGEST: usize = 60;

/// The cause of a failed refresh: the provider's error code, or a word of ours.
pub(super) fn word(error: &TokenError) -> String {
    match error {
        TokenError::Refused(error) if is_code(&error.code) => error.code.clone(),
        TokenError::Unavailable { status, .. } => format!("status_{status}"),
        other => kind(other).to_owned(),
    }
}

/// The kind of a failure: one of few words.
pub(super) fn kind(error: &TokenError) -> &'static str {
    match error {
        TokenError::Refused(_) => "refused",
        TokenError::Unavailable { .. } => "unavailable",
        TokenError::Unanswered(_) => "unanswered",
        TokenError::NotSent(_) => "not_reached",
        TokenError::Metadata(DiscoveryError::OtherIssuer { .. }) => "other_issuer",
        TokenError::Metadata(_) => "no_metadata",
        TokenError::Malformed { .. } | TokenError::Incomplete { .. } => "malformed",
    }
}

/// Whether a word is a code, as RFC 6749 §5.2 has them, and no text or token.
fn is_code(word: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.' | b'-');
    (1..=LONGEST).contains(&word.len()) && word.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OAuthError;

    #[test]
    fn a_word_is_a_code_or_one_of_ours() {
        let refused = |code: &str| {
            let error = OAuthError {
                code: code.to_owned(),
                ..OAuthError::default()
            };
            word(&TokenError::Refused(error))
        };
        assert_eq!(refused("unauthorized_client"), "unauthorized_client");
        for text in ["", "Hallo Welt", "hp_rt_0123456789", "a\nb"] {
            assert_eq!(refused(text), "refused", "{text:?}");
        }
        assert_eq!(word(&TokenError::Unanswered("secret".to_owned())), "unanswered");
    }
}
