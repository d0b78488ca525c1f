//! The tokens that the sample API has seen active, with their expiry.
//!
//! Introspection reports an inactive token without a reason (RFC 7662 §2.2), but a client must be told that its token *has
//! expired* (CCH-11). An API can know this by itself: it remembers the expiry of tokens that it has seen active.

use aws_lc_rs::digest::{SHA256, digest};
use indexmap::IndexMap;

use crate::oauth::access::AccessReason;
use crate::time::Instant;

/// The most remembered tokens. Beyond it, the oldest one is dropped.
const MOST: usize = 4096;

/// Expiries by the hash of the token. The tokens themselves are not kept.
#[derive(Default)]
pub(super) struct SeenTokens(IndexMap<[u8; 32], i64>);

impl SeenTokens {
    /// Notes a token that is active until `exp` (seconds since the epoch).
    pub(super) fn note(&mut self, token: &str, exp: i64) {
        let key = hash(token);
        if self.0.len() >= MOST && !self.0.contains_key(&key) {
            self.0.shift_remove_index(0);
        }
        self.0.insert(key, exp);
    }

    /// The reason for refusing a token that introspection calls inactive.
    pub(super) fn refusal(&self, token: &str, now: Instant) -> AccessReason {
        match self.0.get(&hash(token)) {
            Some(exp) if *exp <= now.seconds() => AccessReason::TokenExpired,
            Some(_) => AccessReason::TokenRevoked,
            None => AccessReason::InvalidToken,
        }
    }
}

fn hash(token: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_revoked_and_unknown_are_told_apart() {
        let mut seen = SeenTokens::default();
        seen.note("a", 100);
        let at = |seconds: i64, token| seen.refusal(token, Instant(seconds * 1000));
        assert_eq!(at(100, "a"), AccessReason::TokenExpired);
        assert_eq!(at(99, "a"), AccessReason::TokenRevoked);
        assert_eq!(at(100, "b"), AccessReason::InvalidToken);
    }

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let mut seen = SeenTokens::default();
        for number in 0..=MOST {
            seen.note(&number.to_string(), 1);
        }
        assert_eq!(seen.0.len(), MOST);
        assert_eq!(seen.refusal("0", Instant(5000)), AccessReason::InvalidToken);
        assert_eq!(seen.refusal("1", Instant(5000)), AccessReason::TokenExpired);
    }
}
