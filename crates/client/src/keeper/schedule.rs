//! When Method 2 refreshes: pure functions of the record, the moment and a random fraction.
//!
//! Tokens are refreshed when between 70 % and 90 % of their lifetime is over, spread at random, so that connections that were
//! made together do not come due together for ever.

use super::record::{Record, Standing};
use super::vault::NEVER;
use std::time::Duration;

/// What Method 2 keeps for a provider's connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Keep {
    /// A live access token at all times, also of connections that nobody uses.
    #[default]
    Ready,
    /// Only the connection: a refresh as often as the lifetime of the refresh token needs it. Access tokens come on demand.
    Alive,
}

/// The lifetime that is assumed for an access token whose provider says none.
const ACCESS: i64 = 3_600_000;
/// The lifetime that is assumed for a refresh token whose provider says none.
const REFRESH: i64 = 7 * 24 * 3_600_000;
/// The shortest time between a good answer and the next refresh of Method 2, whatever lifetimes the answer says.
const SHORTEST: i64 = 10_000;
/// The first wait after a failure.
const FIRST_WAIT: i64 = 1_000;
/// The longest wait after failures of the network or the server.
const LONGEST_WAIT: i64 = 5 * 60_000;
/// The longest wait while a connection is paused, or its provider refuses for a reason that takes a person to mend.
const LONGEST_PAUSE: i64 = 3_600_000;
/// The longest wait on demand: somebody is waiting, and the cause may be gone.
const LONGEST_DEMAND: i64 = 10_000;

/// The next refresh after a good answer.
pub(crate) fn next_refresh(record: &Record, keep: Keep, fraction: f64) -> i64 {
    let Some(refresh) = &record.refresh else {
        // Nothing can be refreshed. At the end of the access token, the user is needed.
        return record
            .access
            .as_ref()
            .and_then(|access| access.expires_at)
            .unwrap_or(NEVER);
    };
    let life = refresh
        .expires_at
        .map_or(REFRESH, |end| end.saturating_sub(refresh.issued_at));
    let issued_at = record
        .access
        .as_ref()
        .map_or(refresh.issued_at, |access| access.issued_at);
    // An answer without a new refresh token was a use of the one before, and the next use is not due at once.
    let alive = part_of(refresh.issued_at.max(issued_at), life, 0.5 + 0.2 * fraction);
    let access = match (keep, &record.access) {
        (Keep::Ready, Some(access)) => {
            let life = access
                .expires_at
                .map_or(ACCESS, |end| end.saturating_sub(access.issued_at));
            part_of(access.issued_at, life, 0.7 + 0.2 * fraction)
        }
        _ => NEVER,
    };
    // What does not expire needs no refresh to stay alive, but what is never used may still be forgotten by its server.
    alive.min(access).max(issued_at.saturating_add(SHORTEST))
}

/// When Method 2 has something to do with a record: refresh it, or tell that it ends. What has ended is never due.
pub(crate) fn due(record: &Record) -> i64 {
    match record.standing {
        Standing::NeedsUser { .. } => NEVER,
        _ => record.next_at.min(record.tell_end_at().unwrap_or(NEVER)),
    }
}

/// The kinds of failures after which a refresh is tried again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// The network or the server. Asked again soon: after a lost answer the server gives the same successor only for a while.
    Passing,
    /// A pause, or a refusal of the client: somebody must act.
    Lasting,
}

/// The waits after a failed refresh: until Method 2 tries again, and until a demand may.
pub(crate) fn waits(trouble: Trouble, attempts: u32, retry_after: Option<Duration>, fraction: f64) -> (i64, i64) {
    let longest = match trouble {
        Trouble::Passing => LONGEST_WAIT,
        Trouble::Lasting => LONGEST_PAUSE,
    };
    let first = match trouble {
        Trouble::Passing => FIRST_WAIT,
        Trouble::Lasting => 60_000,
    };
    let wait = first
        .saturating_mul(1 << attempts.saturating_sub(1).min(16))
        .min(longest);
    // Up to a quarter more, so that connections that failed together do not come back together.
    let spread = wait.saturating_add(scale(wait, 0.25 * fraction));
    let asked = retry_after.map_or(0, |span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    (
        spread.max(asked.saturating_add(scale(asked, 0.1 * fraction))),
        wait.min(LONGEST_DEMAND).max(asked),
    )
}

fn part_of(from: i64, life: i64, part: f64) -> i64 {
    from.saturating_add(scale(life.max(0), part))
}

/// A part of a span. Floating point is exact enough for a hundred years of milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "a span times a number below 1 is a span")]
#[expect(clippy::cast_precision_loss, reason = "below 2^53 milliseconds nothing is lost")]
fn scale(span: i64, part: f64) -> i64 {
    (span as f64 * part).round() as i64
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{record, tokens};
    use super::*;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    #[test]
    fn a_ready_connection_is_refreshed_between_70_and_90_percent_of_its_lifetime() {
        let record = record(0, Some(HOUR), Some(14 * DAY));
        assert_eq!(next_refresh(&record, Keep::Ready, 0.0), 42 * 60_000);
        assert_eq!(next_refresh(&record, Keep::Ready, 1.0), 54 * 60_000);
    }

    #[test]
    fn an_alive_connection_is_refreshed_for_its_refresh_token_alone() {
        let one = record(0, Some(HOUR), Some(14 * DAY));
        assert_eq!(next_refresh(&one, Keep::Alive, 0.0), 7 * DAY);
        let longer = record(0, Some(30 * DAY), Some(14 * DAY));
        assert_eq!(next_refresh(&longer, Keep::Ready, 0.0), 7 * DAY);
    }

    #[test]
    fn no_lifetime_makes_method_2_refresh_without_a_pause() {
        for (access, refresh) in [
            (Some(0), None),
            (Some(1000), None),
            (Some(-5), Some(0)),
            (Some(HOUR), Some(1000)),
            (Some(HOUR), Some(-HOUR)),
        ] {
            let record = record(5, access, refresh);
            assert_eq!(
                next_refresh(&record, Keep::Ready, 0.0),
                10_005,
                "{access:?}, {refresh:?}"
            );
        }
    }

    #[test]
    fn an_old_refresh_token_that_stays_does_not_make_every_answer_due_at_once() {
        let mut one = record(0, Some(HOUR), Some(DAY));
        one.accept(&tokens(DAY, "next", None, (Some(HOUR), None)), 0);
        assert_eq!(next_refresh(&one, Keep::Ready, 0.0), DAY + 42 * 60_000);
    }

    #[test]
    fn without_lifetimes_an_hour_and_a_week_are_assumed() {
        let record = record(0, None, None);
        assert_eq!(next_refresh(&record, Keep::Ready, 0.0), 42 * 60_000);
        assert_eq!(next_refresh(&record, Keep::Alive, 0.0), 84 * HOUR);
    }

    #[test]
    fn waits_double_up_to_their_longest_and_obey_retry_after() {
        let wait = |attempts| waits(Trouble::Passing, attempts, None, 0.0);
        assert_eq!([wait(1), wait(2), wait(4)], [(1000, 1000), (2000, 2000), (8000, 8000)]);
        assert_eq!(wait(40), (300_000, 10_000));
        assert_eq!(waits(Trouble::Lasting, 1, None, 0.0), (60_000, 10_000));
        assert_eq!(waits(Trouble::Lasting, 40, None, 1.0), (4_500_000, 10_000));
        let asked = Some(Duration::from_secs(120));
        assert_eq!(waits(Trouble::Passing, 1, asked, 0.0), (120_000, 120_000));
    }
}
