//! Expiries of tokens that were good here.
//!
//! Introspection reports an inactive token without a reason (RFC 7662 §2.2), but a client should learn that its token has
//! *expired* rather than that it is bad (CCH-11). An API that has seen the token active knows when it expires. Hallpass says it
//! about other tokens too (decision 95).

use crate::refused::Refused;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Expiries by the fingerprint of the token, the oldest dropped first.
pub(super) struct Seen {
    most: usize,
    ends: HashMap<[u8; 32], i64>,
    order: VecDeque<[u8; 32]>,
}

impl Seen {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ends: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Notes a token that is good until `end_ms`.
    pub(super) fn note(&mut self, key: [u8; 32], end_ms: i64) {
        if self.ends.insert(key, end_ms).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.most {
            if let Some(oldest) = self.order.pop_front() {
                self.ends.remove(&oldest);
            }
        }
    }

    /// Why a token that is not active is refused. The server's clock may be ahead by the leeway.
    pub(super) fn refusal(&self, key: &[u8; 32], now_ms: i64, leeway: Duration) -> Refused {
        let leeway = i64::try_from(leeway.as_millis()).unwrap_or(i64::MAX);
        match self.ends.get(key) {
            Some(end) if *end <= now_ms.saturating_add(leeway) => Refused::Expired,
            Some(_) => Refused::Revoked,
            None => Refused::Invalid("the authorization server calls it inactive".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expired_revoked_and_unknown_are_told_apart() {
        let mut seen = Seen::new(2);
        seen.note([1; 32], 100);
        let refusal = |key, now_ms| seen.refusal(&[key; 32], now_ms, Duration::from_millis(30));
        assert_eq!(refusal(1, 70), Refused::Expired);
        assert_eq!(refusal(1, 69), Refused::Revoked);
        assert!(matches!(refusal(2, 100), Refused::Invalid(_)));
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut seen = Seen::new(2);
        for key in [1, 2, 1, 3] {
            seen.note([key; 32], 100);
        }
        let refusal = |key| seen.refusal(&[key; 32], 0, Duration::ZERO);
        assert!(matches!(refusal(1), Refused::Invalid(_)));
        assert_eq!(refusal(2), Refused::Revoked);
        assert_eq!((seen.ends.len(), seen.order.len()), (2, 2));
    }
}
