//! What a presented refresh token means (RFC 6749 §6, RFC 9700 §4.14.2).
//!
//! A refresh whose answer was lost, or two that raced, must not sign anybody out; a stolen token must be found out.
//! Both are decided here, from the grant's row and the clock alone. The caller has already authenticated the client,
//! verified the token's HMAC and its owner: what arrives is authentic. It then performs exactly one statement.

use crate::time::Instant;
use std::time::Duration;

/// The columns of a grant's row that decide a refresh. A generation is 1 for the refresh token that the code gave, and one
/// more with every rotation.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The generation last issued.
    pub current: u32,
    /// The generation its holder proved last; `None` before the first refresh.
    pub previous: Option<u32>,
    /// When `current` was issued.
    pub rotated_at: Instant,
    /// Whether a token of `current` was seen by any endpoint. `None` where use cannot be seen (JWT access tokens).
    pub confirmed: Option<bool>,
}

/// How long a predecessor still counts (`[tokens] grace` and `retry`).
#[derive(Clone, Copy, Debug)]
pub struct Leniency {
    /// A race or a lost answer: the same successor again.
    pub grace: Duration,
    /// A lost answer whose successor nobody used: a new successor.
    pub retry: Duration,
}

/// What to do. Only `Rotate`, `Replace` and `Reused` write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// The current token: issue the next generation.
    Rotate,
    /// A race or a lost answer: issue the current generation again, unchanged.
    Repeat,
    /// An answer lost for longer: issue a new generation; the unconfirmed one is void.
    Replace,
    /// A token that its holder had already exchanged: end the grant.
    Reused,
    /// A generation that this database never issued: it was rolled back. Refuse, raise an alarm, end nothing.
    RolledBack,
}

/// Decides what `presented` means at `now`.
#[must_use]
pub fn meaning(presented: u32, row: Rotation, now: Instant, lenient: Leniency) -> Meaning {
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
    fn the_table_holds() {
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
            // 5 was replaced by 7, so 6 is void although it is the nearest
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
    fn a_grant_never_refreshed_knows_no_predecessor() {
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
