//! Decides what a presented refresh token means (RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! A lost answer, or two refreshes that race, must not end access. A stolen token must be detected. This module decides
//! both from the grant's row and the clock alone. The caller has already authenticated the client and has verified the
//! token's HMAC and its owner. The caller then performs exactly one statement.

use crate::time::Instant;
use std::time::Duration;

/// The columns of a grant's row that decide a refresh. The refresh token issued for the code has generation 1. Each
/// rotation adds one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    /// The last issued generation.
    pub current: u32,
    /// The generation that the holder presented last. `None` before the first refresh.
    pub previous: Option<u32>,
    /// When generation `current` was issued.
    pub rotated_at: Instant,
    /// Whether any endpoint has received a token of `current`. `None` if its use cannot be seen (JWT access tokens).
    pub confirmed: Option<bool>,
}

/// How long the token before the current one is still accepted (`[tokens] grace` and `retry`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leniency {
    /// For a race or a lost answer: the same successor is issued again.
    pub grace: Duration,
    /// For a lost answer whose successor was never used: a new successor is issued.
    pub retry: Duration,
}

/// The action for a presented refresh token. Only `Rotate`, `Replace` and `Reused` write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Meaning {
    /// The current token: issue the next generation.
    Rotate,
    /// A race or a lost answer: issue the current generation again, unchanged.
    Repeat,
    /// The answer was lost longer ago: issue a new generation. The unconfirmed generation becomes void.
    Replace,
    /// The holder had already exchanged this token: end the grant.
    Reused,
    /// This database never issued the generation, so the database was rolled back. Refuse, log an alarm, end nothing.
    RolledBack,
}

/// Decides which action `presented` needs at `now`.
#[must_use]
pub(crate) fn meaning(presented: u32, row: Rotation, now: Instant, lenient: Leniency) -> Meaning {
    if presented == row.current {
        return Meaning::Rotate;
    }
    if presented > row.current {
        return Meaning::RolledBack;
    }
    if row.previous != Some(presented) {
        return Meaning::Reused;
    }
    let age = now.since(row.rotated_at);
    if age <= lenient.grace {
        Meaning::Repeat
    } else if row.confirmed == Some(false) && age <= lenient.retry {
        Meaning::Replace
    } else {
        Meaning::Reused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENIENT: Leniency = Leniency {
        grace: Duration::from_secs(30),
        retry: Duration::from_secs(3600),
    };

    fn after(seconds: i64, presented: u32, previous: u32, confirmed: Option<bool>) -> Meaning {
        let row = Rotation {
            current: 7,
            previous: Some(previous),
            rotated_at: Instant(0),
            confirmed,
        };
        meaning(presented, row, Instant(seconds * 1000), LENIENT)
    }

    #[test]
    fn each_presented_generation_has_the_meaning_of_rfc_9700() {
        use Meaning::{Repeat, Replace, Reused, RolledBack, Rotate};
        let table = [
            // seconds since the rotation, presented, previous, confirmed → meaning
            ((1_000_000, 7, 6, Some(true)), Rotate),
            ((0, 7, 6, None), Rotate),
            ((0, 6, 6, Some(false)), Repeat),
            ((30, 6, 6, Some(true)), Repeat),
            ((30, 6, 6, None), Repeat),
            ((-5, 6, 6, None), Repeat),
            ((31, 6, 6, Some(false)), Replace),
            ((3600, 6, 6, Some(false)), Replace),
            ((3601, 6, 6, Some(false)), Reused),
            ((31, 6, 6, Some(true)), Reused),
            ((31, 6, 6, None), Reused),
            ((1, 5, 6, Some(false)), Reused),
            ((1, 4, 6, Some(false)), Reused),
            // 7 replaced 5, so 6 is void although it is the nearest
            ((1, 6, 5, Some(false)), Reused),
            ((1, 5, 5, Some(true)), Repeat),
            ((31, 5, 5, Some(false)), Replace),
            ((1, 8, 6, Some(true)), RolledBack),
        ];
        for ((seconds, presented, previous, confirmed), expected) in table {
            let found = after(seconds, presented, previous, confirmed);
            assert_eq!(
                found, expected,
                "{seconds}s, {presented} after {previous}, {confirmed:?}"
            );
        }
    }

    #[test]
    fn a_grant_without_a_refresh_accepts_no_older_generation() {
        let row = Rotation {
            current: 1,
            previous: None,
            rotated_at: Instant(0),
            confirmed: Some(false),
        };
        assert_eq!(meaning(1, row, Instant(0), LENIENT), Meaning::Rotate);
        assert_eq!(meaning(0, row, Instant(0), LENIENT), Meaning::Reused);
    }
}
