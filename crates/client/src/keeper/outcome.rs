//! What the answer to a refresh means for its connection: a pure function, laid out as the cases of RFC 6749 §5.
//!
//! Three kinds of failure are told apart. *Transient*: nothing is known, so ask again with the same refresh token. *Paused*:
//! the provider says that it works again later. *Terminal*: only the user can help, so nothing is asked again.

use super::events::Happening;
use super::failure;
use super::record::{Record, Refresh, Standing, is_ahead};
use super::schedule::{self, Keep, Trouble};
use super::vault::{NEVER, NewEvent};
use crate::{OAuthError, RefreshToken, Refusal, TokenError, Tokens};
use std::time::Duration;

/// An access token that the API refused within this time after its issue counts for the breaker.
const AT_ONCE: i64 = 60_000;
/// The number of new access tokens in a row, each refused at once, from which on the keeper waits. It is also the number of
/// refusals that end a token that cannot be refreshed.
const REFUSALS: u32 = 3;
/// The least time between two refusals of a token that cannot be refreshed: those of one fault of the API count once. It is
/// not short, because nothing but a late notice is lost by waiting.
const REFUSALS_APART: i64 = 15 * 60_000;
/// The longest time between them: a fault of the API months ago says nothing of the token. Long enough for a daily program.
const REFUSALS_WITHIN: i64 = 48 * 3_600_000;

/// The reason of a connection whose refresh was answered once, but whose answer was lost, and which the provider does not
/// answer again.
pub(crate) const ANSWER_LOST: &str = "answer_lost";
/// The reason of a connection whose access token is over and which has no refresh token.
const NO_REFRESH_TOKEN: &str = "no_refresh_token";

/// The cause of a wait because the API refuses every new token.
const TOKENS_REFUSED: &str = "tokens_refused";

/// What a holder writes at the end of its lease.
#[derive(Clone)]
pub(crate) struct Settled {
    pub(crate) record: Record,
    pub(crate) asked_at: Option<i64>,
    pub(crate) event: Option<NewEvent>,
}

impl Settled {
    /// When Method 2 has something to do. A lost answer is asked for whenever the connection is due, so then nothing but the next
    /// request counts.
    pub(crate) fn due_at(&self) -> i64 {
        match self.asked_at {
            Some(_) => self.record.next_at,
            None => schedule::due(&self.record),
        }
    }
}

/// The facts around an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around {
    /// The moment of the answer, by the provider's clock.
    pub(crate) now: i64,
    /// When this refresh token was sent.
    pub(crate) asked_at: i64,
    /// When it was first sent before, if its answer was lost.
    pub(crate) asked_before: Option<i64>,
    /// The lease under which it was sent.
    pub(crate) fence: i64,
    /// The provider's clock minus ours.
    pub(crate) skew: i64,
    pub(crate) keep: Keep,
    /// From 0 to 1.
    pub(crate) fraction: f64,
}

/// Decides what becomes of `record` after this answer.
pub(crate) fn settle(mut record: Record, answer: &Result<Tokens, TokenError>, around: Around) -> Settled {
    let counted = answer.as_ref().is_err_and(TokenError::may_have_counted);
    if let Err(error) = answer {
        record.failure = Some(failure::word(error));
        if !counted {
            record.note_quiet(around.fence);
        }
        if counted && around.asked_before.is_none() && !matches!(error, TokenError::Incomplete { .. }) {
            // Failures of requests that were never sent must not delay the question for a lost answer.
            record.attempts = 0;
        }
    }
    match answer {
        Ok(tokens) => return accepted(record, tokens, around),
        Err(TokenError::Refused(error)) => match error.refusal() {
            Refusal::Grant => return ended(record, &reason_of(error, around), around.now),
            Refusal::Paused => return paused(record, error, around),
            // The operator must act, or the server. The tokens stay what they are.
            Refusal::Client | Refusal::Request | Refusal::Unknown => {
                later(&mut record, Trouble::Lasting, None, around);
            }
        },
        Err(TokenError::Incomplete { refresh, .. }) => return renewed(record, refresh, around),
        Err(TokenError::Unavailable { retry_after, .. }) => {
            later(&mut record, Trouble::Passing, *retry_after, around);
        }
        Err(
            TokenError::Unanswered(_) | TokenError::NotSent(_) | TokenError::Metadata(_) | TokenError::Malformed { .. },
        ) => {
            later(&mut record, Trouble::Passing, None, around);
        }
    }
    Settled {
        record,
        // The lost answer of an earlier request stays lost.
        asked_at: around.asked_before.or(counted.then_some(around.asked_at)),
        event: None,
    }
}

/// When the tokens of an answer were issued, by the provider's clock. `None` if the answer has none to store.
pub(crate) fn issued_at(answer: &Result<Tokens, TokenError>, around: Around) -> Option<i64> {
    match answer {
        Ok(tokens) => Some(tokens.requested_at.saturating_add(around.skew)),
        Err(TokenError::Incomplete { .. }) => Some(around.now),
        Err(_) => None,
    }
}

/// Ends a connection that has no refresh token, once its access token is over.
pub(crate) fn exhausted(record: Record, now: i64) -> Settled {
    ended(record, NO_REFRESH_TOKEN, now)
}

/// Tells the user that the connection ends, if it is time to and there is nothing else to tell.
pub(crate) fn tell_end(settled: &mut Settled, now: i64) {
    let record = &mut settled.record;
    let is_time = record.tell_end_at().is_some_and(|at| at <= now);
    if !is_time || settled.event.is_some() || matches!(record.standing, Standing::NeedsUser { .. }) {
        return;
    }
    record.told_end = record.ends_at();
    settled.event = record.told_end.map(|end| Happening::EndsOn(end).at(now));
}

/// Notes that the API refused the access token. `Err` with the wait if the provider's new tokens are refused at once, again
/// and again: then another refresh would only load the provider. A token that cannot be refreshed is given until it was
/// refused several times: one answer 401 may be the API's fault, and this token's end is the connection's.
pub(crate) fn refused(record: &mut Record, now: i64) -> Result<(), Duration> {
    if record.refresh.is_none() {
        let since = now.saturating_sub(record.failed_at);
        if record.refusals == 0 || since > REFUSALS_WITHIN || is_ahead(record.failed_at, now) {
            (record.refusals, record.failed_at) = (1, now);
        } else if since >= REFUSALS_APART {
            (record.refusals, record.failed_at) = (record.refusals.saturating_add(1), now);
        }
        if let Some(access) = record.access.as_mut() {
            access.refused |= record.refusals >= REFUSALS;
        }
        return Ok(());
    }
    if let Some(access) = record.access.as_mut() {
        let at_once = now.saturating_sub(access.issued_at) < AT_ONCE;
        if !access.refused {
            record.refusals = if at_once { record.refusals.saturating_add(1) } else { 1 };
        }
        access.refused = true;
    }
    if record.refusals < REFUSALS {
        return Ok(());
    }
    let (_, wait) = schedule::waits(Trouble::Lasting, record.refusals - REFUSALS + 1, None, 0.0);
    let until = record
        .access
        .as_ref()
        .map_or(now, |access| access.issued_at)
        .saturating_add(wait.max(AT_ONCE));
    match u64::try_from(until.saturating_sub(now)) {
        Ok(remaining) if remaining > 0 => {
            // Also for those who ask for a token without having been refused one.
            (record.failed_at, record.not_before) = (now, until);
            record.failure = Some(TOKENS_REFUSED.to_owned());
            Err(Duration::from_millis(remaining))
        }
        _ => Ok(()),
    }
}

fn accepted(mut record: Record, tokens: &Tokens, around: Around) -> Settled {
    let recovered = record.standing != Standing::Ready;
    let refused = record.access.as_ref().is_some_and(|access| access.refused);
    record.accept(tokens, around.skew);
    if !refused {
        record.refusals = 0;
    }
    record.next_at = schedule::next_refresh(&record, around.keep, around.fraction);
    Settled {
        record,
        asked_at: None,
        event: recovered.then(|| Happening::Recovered.at(around.now)),
    }
}

/// The answer came, with a new refresh token and nothing else that can be read. Nobody has sent that one yet.
fn renewed(mut record: Record, refresh: &RefreshToken, around: Around) -> Settled {
    record.refresh = Some(Refresh {
        token: refresh.clone(),
        issued_at: around.now,
        expires_at: None,
    });
    later(&mut record, Trouble::Passing, None, around);
    Settled {
        record,
        asked_at: None,
        event: None,
    }
}

fn ended(mut record: Record, reason: &str, now: i64) -> Settled {
    let event = match record.standing {
        Standing::NeedsUser { .. } => None,
        _ => Some(Happening::NeedsUser(reason.to_owned()).at(now)),
    };
    if event.is_some() {
        record.standing = Standing::NeedsUser {
            since: now,
            reason: reason.to_owned(),
        };
    }
    record.next_at = NEVER;
    Settled {
        record,
        asked_at: None,
        event,
    }
}

fn paused(mut record: Record, error: &OAuthError, around: Around) -> Settled {
    let description = error.description.as_deref().unwrap_or_default();
    let reason = description.strip_prefix("paused: ").unwrap_or(description);
    let event = match record.standing {
        Standing::Paused { .. } => None,
        _ => Some(Happening::Paused(reason.to_owned()).at(around.now)),
    };
    if event.is_some() {
        // The waits of a pause start from the beginning, whatever failed before.
        record.attempts = 0;
        record.standing = Standing::Paused {
            since: around.now,
            reason: reason.to_owned(),
        };
    }
    later(&mut record, Trouble::Lasting, None, around);
    Settled {
        record,
        asked_at: around.asked_before,
        event,
    }
}

fn later(record: &mut Record, trouble: Trouble, retry_after: Option<Duration>, around: Around) {
    record.attempts = record.attempts.saturating_add(1);
    // A lost answer is given again for a limited time, so no wait for it is long.
    let trouble = match around.asked_before {
        Some(_) => Trouble::Passing,
        None => trouble,
    };
    let (watch, demand) = schedule::waits(trouble, record.attempts, retry_after, around.fraction);
    record.failed_at = around.now;
    record.next_at = around.now.saturating_add(watch);
    record.not_before = around.now.saturating_add(demand);
}

/// A provider that refuses what it has accepted once lost the connection together with its answer.
fn reason_of(error: &OAuthError, around: Around) -> String {
    match (around.asked_before, error.code.as_str()) {
        (Some(_), _) => ANSWER_LOST.to_owned(),
        // Some servers have no word of their own for a dead grant.
        (None, "" | "invalid_request") => "invalid_grant".to_owned(),
        (None, code) => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::{record, tokens};
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn around(now: i64) -> Around {
        Around {
            now,
            asked_at: now,
            asked_before: None,
            fence: 1,
            skew: 0,
            keep: Keep::Ready,
            fraction: 0.0,
        }
    }

    fn refusal(code: &str, description: Option<&str>) -> Result<Tokens, TokenError> {
        let error = OAuthError {
            code: code.to_owned(),
            description: description.map(str::to_owned),
            status: 400,
        };
        Err(TokenError::Refused(error))
    }

    fn kind(settled: &Settled) -> Option<&str> {
        settled.event.as_ref().map(|event| event.kind.as_str())
    }

    #[test]
    fn a_refused_grant_needs_the_user_once_and_is_never_asked_again() {
        let first = settle(record(0, Some(HOUR), None), &refusal("invalid_grant", None), around(5));
        assert_eq!(kind(&first), Some("needs_user"));
        assert_eq!(first.record.next_at, NEVER);
        assert!(
            first.record.live(5, Duration::ZERO).is_some(),
            "the live access token is kept"
        );
        let second = settle(first.record, &refusal("invalid_grant", None), around(9));
        assert_eq!(kind(&second), None);
    }

    #[test]
    fn a_grant_refused_after_a_lost_answer_says_so() {
        let lost = Err(TokenError::Unanswered("reset".to_owned()));
        let first = settle(record(0, Some(HOUR), None), &lost, around(5));
        assert_eq!((kind(&first), first.asked_at), (None, Some(5)));
        let asked_before = first.asked_at;
        let second = settle(
            first.record,
            &refusal("invalid_grant", None),
            Around {
                asked_before,
                ..around(9)
            },
        );
        assert_eq!(second.event.unwrap().reason.as_deref(), Some("answer_lost"));
    }

    #[test]
    fn a_pause_is_told_once_and_its_end_once() {
        let pause = refusal("access_denied", Some("paused: app_suspended"));
        let first = settle(record(0, Some(HOUR), None), &pause, around(5));
        assert_eq!(kind(&first), Some("paused"));
        assert_eq!(first.record.next_at, 60_005);
        let second = settle(first.record, &pause, around(60_005));
        assert_eq!(kind(&second), None);
        assert_eq!(second.record.next_at, 180_005);
        let third = settle(
            second.record,
            &Ok(tokens(7, "n", Some("r2"), (Some(HOUR), None))),
            around(7),
        );
        assert_eq!(kind(&third), Some("recovered"));
        let fourth = settle(
            third.record,
            &Ok(tokens(8, "m", Some("r3"), (Some(HOUR), None))),
            around(8),
        );
        assert_eq!(kind(&fourth), None);
    }

    #[test]
    fn a_refusal_of_the_client_ends_nothing() {
        for code in [
            "invalid_client",
            "unauthorized_client",
            "invalid_scope",
            "access_denied",
            "odd",
        ] {
            let settled = settle(record(0, Some(HOUR), None), &refusal(code, None), around(5));
            assert_eq!(kind(&settled), None, "{code}");
            assert_eq!(settled.record.standing, Standing::Ready, "{code}");
            assert_eq!(settled.record.next_at, 60_005, "{code}");
        }
    }

    #[test]
    fn an_answer_that_may_have_counted_is_remembered_and_another_is_not() {
        let unavailable = |may_have_counted| {
            Err(TokenError::Unavailable {
                retry_after: Some(Duration::from_secs(90)),
                status: 503,
                may_have_counted,
            })
        };
        let counted = settle(record(0, Some(HOUR), None), &unavailable(true), around(5));
        assert_eq!(
            (counted.asked_at, counted.record.next_at, counted.record.not_before),
            (Some(5), 90_005, 90_005)
        );
        let not = settle(record(0, Some(HOUR), None), &unavailable(false), around(5));
        assert_eq!(not.asked_at, None);
        let not_sent = Err(TokenError::NotSent("refused".to_owned()));
        assert_eq!(settle(record(0, Some(HOUR), None), &not_sent, around(5)).asked_at, None);
    }

    #[test]
    fn three_new_tokens_in_a_row_that_are_refused_at_once_stop_the_refreshes() {
        let mut record = record(0, Some(HOUR), None);
        for round in 0..2 {
            assert_eq!(refused(&mut record, 1), Ok(()), "round {round}");
            record = settle(record, &Ok(tokens(1, "n", None, (Some(HOUR), None))), around(1)).record;
        }
        assert_eq!(refused(&mut record, 1), Err(Duration::from_secs(60)));
        assert_eq!(refused(&mut record, 60_001), Ok(()), "after the wait, one more refresh");
        record = settle(
            record,
            &Ok(tokens(60_001, "n", None, (Some(HOUR), None))),
            around(60_001),
        )
        .record;
        assert_eq!(refused(&mut record, 60_002), Err(Duration::from_millis(59_999)));
        record = settle(
            record,
            &Ok(tokens(120_001, "n", None, (Some(HOUR), None))),
            around(120_001),
        )
        .record;
        assert_eq!(
            refused(&mut record, HOUR),
            Ok(()),
            "a token that worked for a while closes the breaker"
        );
    }

    /// A record without a refresh token, after refusals at these moments. Whether its token is given after each.
    fn given_after_refusals(moments: &[i64]) -> Vec<bool> {
        let mut record = record(0, None, None);
        record.refresh = None;
        let given = moments.iter().map(|now| {
            assert_eq!(refused(&mut record, *now), Ok(()));
            record.usable(*now).is_some()
        });
        given.collect()
    }

    #[test]
    fn a_token_that_cannot_be_refreshed_ends_with_the_third_refusal_a_quarter_of_an_hour_apart() {
        const APART: i64 = HOUR / 4;
        let moments = [0, APART - 1, APART, APART + 1, 2 * APART - 1, 2 * APART, 2 * APART + 1];
        let given = given_after_refusals(&moments.map(|moment| HOUR + moment));
        assert_eq!(given, [true, true, true, true, true, false, false]);
        assert_eq!(
            given_after_refusals(&[HOUR, 25 * HOUR, 50 * HOUR]),
            [true, true, false],
            "a daily program"
        );
    }

    #[test]
    fn refusals_long_ago_or_by_a_wrong_clock_do_not_end_a_token_that_cannot_be_refreshed() {
        const MONTH: i64 = 30 * 24 * HOUR;
        assert_eq!(given_after_refusals(&[MONTH, 4 * MONTH, 10 * MONTH]), [true; 3]);
        assert_eq!(given_after_refusals(&[HOUR, 2 * HOUR, 51 * HOUR, 52 * HOUR]), [true; 4]);
        assert_eq!(given_after_refusals(&[HOUR, 9 * HOUR, 2 * HOUR, 3 * HOUR]), [true; 4]);
    }

    #[test]
    fn the_end_is_told_with_its_moment() {
        let mut one = record(0, Some(HOUR), None);
        one.grant_expires_at = Some(10 * HOUR);
        let mut settled = Settled {
            record: one,
            asked_at: None,
            event: None,
        };
        tell_end(&mut settled, 8 * HOUR);
        assert_eq!(settled.event.unwrap().ends_at, Some(10 * HOUR));
        assert_eq!(settled.record.tell_end_at(), None);
    }
}
