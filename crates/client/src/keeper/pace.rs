//! What one process knows of a provider: how fast it may be asked, whether it answers, and how far its clock is from ours.

use crate::{Refusal, TokenError, Tokens};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Failures in a row from which on the provider is asked by one connection at a time.
const FAILURES: u32 = 3;
/// The longest rest of a provider that does not answer, in milliseconds.
const LONGEST_REST: i64 = 60_000;
/// The rest of a provider that says "too many requests" and not how long, in milliseconds.
const BUSY: i64 = 10_000;
/// The rest of a provider that refuses our client, in milliseconds. An operator has to act.
const REFUSED: i64 = 60_000;

/// The pace of requests to one provider.
pub(crate) struct Pace {
    per_minute: Option<u32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The provider's clock minus ours, in milliseconds.
    skew: i64,
    /// From when to when the provider rests, by our clock.
    rest: Option<(i64, i64)>,
    failures: u32,
    /// Refreshes that may begin now, and when that was counted.
    allowance: f64,
    counted_at: Option<i64>,
}

impl Pace {
    pub(crate) fn new(per_minute: Option<u32>) -> Self {
        Self {
            per_minute,
            state: Mutex::new(State::default()),
        }
    }

    /// The provider's clock at the moment `now` of ours.
    pub(crate) fn there(&self, now: i64) -> i64 {
        now.saturating_add(self.lock().skew)
    }

    /// The provider's clock minus ours.
    pub(crate) fn skew(&self) -> i64 {
        self.lock().skew
    }

    /// Takes a distance of the clocks for true until an answer says otherwise.
    pub(crate) fn assume(&self, skew: i64) {
        self.lock().skew = skew;
    }

    /// How long the provider rests from now on.
    pub(crate) fn rest(&self, now: i64) -> Option<Duration> {
        self.lock().resting(now)
    }

    /// Counts a refresh that somebody waits for. `Err` with the wait if the provider rests.
    pub(crate) fn demand(&self, now: i64) -> Result<(), Duration> {
        let mut state = self.lock();
        if let Some(rest) = state.resting(now) {
            return Err(rest);
        }
        if self.per_minute.is_some() {
            self.refill(&mut state, now);
            // A demand does not wait; Method 2 waits the longer. The debt is bounded.
            state.allowance = (state.allowance - 1.0).max(-self.burst());
        }
        Ok(())
    }

    /// How many refreshes Method 2 may begin now, at most `wanted`.
    pub(crate) fn begin(&self, now: i64, wanted: usize) -> usize {
        let mut state = self.lock();
        if state.resting(now).is_some() {
            return 0;
        }
        let wanted = if state.failures >= FAILURES {
            wanted.min(1)
        } else {
            wanted
        };
        if self.per_minute.is_none() {
            return wanted;
        }
        self.refill(&mut state, now);
        let allowed = whole(state.allowance).min(wanted);
        state.allowance -= f64::from(u32::try_from(allowed).unwrap_or(u32::MAX));
        allowed
    }

    /// Gives back refreshes that did not begin.
    pub(crate) fn give_back(&self, unused: usize) {
        if self.per_minute.is_some() {
            let mut state = self.lock();
            let more = state.allowance + f64::from(u32::try_from(unused).unwrap_or(u32::MAX));
            state.allowance = more.min(self.burst());
        }
    }

    /// Learns from an answer: clock, health, and how long to wait.
    pub(crate) fn answered(&self, now: i64, answer: &Result<Tokens, TokenError>) {
        let mut state = self.lock();
        match answer {
            Ok(tokens) => {
                state.failures = 0;
                state.rest = None;
                // A distance of less than two seconds from what is known is none: `Date` counts in seconds.
                if let Some(skew) = tokens
                    .clock_skew
                    .filter(|skew| skew.saturating_sub(state.skew).abs() >= 2000)
                {
                    state.skew = skew;
                }
            }
            Err(TokenError::Refused(error)) if error.refusal() == Refusal::Client => state.rest_for(now, REFUSED),
            Err(TokenError::Refused(_)) => state.failures = 0,
            Err(TokenError::Unavailable {
                retry_after, status, ..
            }) => {
                state.fail(now);
                let asked = retry_after.and_then(|span| i64::try_from(span.as_millis()).ok());
                let busy = (*status == 429).then_some(BUSY);
                if let Some(span) = asked.or(busy) {
                    state.rest_for(now, span);
                }
            }
            Err(_) => state.fail(now),
        }
    }

    fn refill(&self, state: &mut State, now: i64) {
        let burst = self.burst();
        let per_minute = f64::from(self.per_minute.unwrap_or(u32::MAX));
        // A clock that was set back gives nothing.
        let minutes = state.counted_at.map_or(0.0, |then| {
            let past = now.saturating_sub(then).clamp(0, 60_000);
            f64::from(i32::try_from(past).unwrap_or(i32::MAX)) / 60_000.0
        });
        let before = if state.counted_at.is_none() {
            1.0
        } else {
            state.allowance
        };
        state.allowance = (before + per_minute * minutes).min(burst);
        state.counted_at = Some(now);
    }

    /// What may begin at once: five seconds' worth.
    fn burst(&self) -> f64 {
        (f64::from(self.per_minute.unwrap_or(u32::MAX)) / 12.0).max(1.0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// How long the provider still rests.
    fn resting(&mut self, now: i64) -> Option<Duration> {
        let (from, until) = self.rest?;
        // Before `from`: our clock was set back, so the end means nothing.
        if now < from || now >= until {
            self.rest = None;
            return None;
        }
        Some(Duration::from_millis(until.saturating_sub(now).unsigned_abs()))
    }

    fn fail(&mut self, now: i64) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            let span = 1000_i64 << (self.failures - FAILURES).min(10);
            self.rest_for(now, span.min(LONGEST_REST));
        }
    }

    fn rest_for(&mut self, now: i64, span: i64) {
        let until = now.saturating_add(span);
        if self.rest.is_none_or(|(_, before)| before < until) {
            self.rest = Some((now, until));
        }
    }
}

/// The whole refreshes in an allowance, which is never above some million.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest whole number, and a negative one zero"
)]
fn whole(allowance: f64) -> usize {
    allowance.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::tokens;
    use super::*;

    fn unavailable(retry_after: Option<u64>, status: u16) -> Result<Tokens, TokenError> {
        Err(TokenError::Unavailable {
            retry_after: retry_after.map(Duration::from_secs),
            status,
            may_have_counted: false,
        })
    }

    #[test]
    fn a_limit_a_minute_bounds_every_minute_and_never_gathers() {
        let pace = Pace::new(Some(60));
        let mut begun = 0;
        for second in 0..60 {
            begun += pace.begin(second * 1000, 100);
        }
        assert!((60..=65).contains(&begun), "{begun} in the first minute");
        assert_eq!(
            pace.begin(3_600_000, 100),
            5,
            "an idle hour allows five seconds' worth at once"
        );
    }

    #[test]
    fn a_demand_goes_first_and_method_2_waits_for_it() {
        let pace = Pace::new(Some(60));
        pace.begin(0, 1);
        for _ in 0..3 {
            assert_eq!(pace.demand(0), Ok(()));
        }
        assert_eq!(pace.begin(3000, 10), 0);
        assert_eq!(pace.begin(4000, 10), 1);
        pace.give_back(1);
        assert_eq!(pace.begin(4000, 10), 1);
    }

    #[test]
    fn retry_after_is_obeyed_by_everybody() {
        let pace = Pace::new(None);
        pace.answered(0, &unavailable(Some(120), 429));
        assert_eq!(pace.begin(119_999, 10), 0);
        assert_eq!(pace.demand(60_000), Err(Duration::from_secs(60)));
        assert_eq!(pace.begin(120_000, 10), 10);
        pace.answered(120_000, &unavailable(None, 429));
        assert_eq!(pace.begin(129_999, 10), 0);
    }

    #[test]
    fn a_provider_that_is_down_is_asked_by_one_connection_at_a_time() {
        let pace = Pace::new(None);
        let down = Err(TokenError::NotSent("refused".to_owned()));
        for _ in 0..3 {
            assert_eq!(pace.begin(0, 10), 10);
            pace.answered(0, &down);
        }
        assert_eq!(pace.begin(999, 10), 0);
        assert_eq!(pace.begin(1000, 10), 1);
        pace.answered(1000, &down);
        assert_eq!(pace.begin(2999, 10), 0);
        assert_eq!(pace.begin(3000, 10), 1);
        pace.answered(3000, &Ok(tokens(3000, "a", None, (None, None))));
        assert_eq!(pace.begin(3000, 10), 10);
    }

    #[test]
    fn a_clock_set_back_ends_a_rest() {
        let pace = Pace::new(None);
        pace.answered(1_000_000, &unavailable(Some(60), 503));
        assert_eq!(pace.begin(0, 10), 10);
    }

    #[test]
    fn the_providers_clock_is_learned() {
        let pace = Pace::new(None);
        let mut answer = tokens(0, "a", None, (None, None));
        answer.clock_skew = Some(-300_000);
        pace.answered(0, &Ok(answer));
        assert_eq!(pace.there(400_000), 100_000);
    }
}
