//! Tells the program what happens to refreshes, for its log and its counts.

use super::failure;
use super::{Connection, VaultError};
use crate::{TokenError, Tokens};

/// What a keeper tells of a refresh. It holds no token, and no text of the provider but an error code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Noted<'a> {
    /// `refreshed`, `refused`, `unavailable`, `unanswered`, `not_reached` or `malformed`.
    pub outcome: &'static str,
    /// Why it failed: the provider's error code, or a word of the keeper.
    pub cause: Option<&'a str>,
    /// Whether the `Date` of the answer was more than an hour away, and was not believed.
    pub has_odd_date: bool,
    /// How far the provider's clock is ahead of the keeper's, in milliseconds. For endpoints with variables it is the vault's
    /// clock.
    pub clock_skew: i64,
}

/// Hears of every refresh that was sent, and of failures that no caller hears of. It must not block.
pub trait Observer: Send + Sync {
    /// A refresh of `connection` ended so.
    fn refreshed(&self, connection: &Connection, noted: Noted<'_>);

    /// The vault failed while connections were kept fresh ahead of time. While it fails, this is called every few seconds for
    /// each provider.
    fn vault_failed(&self, error: &VaultError) {
        let _ = error;
    }
}

impl<'a> Noted<'a> {
    pub(super) fn of(answer: &Result<Tokens, TokenError>, cause: Option<&'a str>, clock_skew: i64) -> Self {
        Self {
            outcome: answer.as_ref().map_or_else(failure::kind, |_| "refreshed"),
            cause,
            has_odd_date: answer.as_ref().is_ok_and(|tokens| tokens.has_odd_date),
            clock_skew,
        }
    }
}
