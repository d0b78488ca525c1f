//! What one process knows of a provider: how fast it may be asked, whether it answers, and how far its clock is from ours.
//!
//! A provider whose endpoints have variables is several servers. Each has a *place* here, and rests alone. One connection
//! must not stop all others: what one answer can ask of everybody is bounded, and a refused client counts only when several
//! connections hear of it. The clock of such a provider is nobody's: moments are measured by the vault's, and no server's
//! `Date` moves them.

use super::Connection;
use super::health::Health;
use crate::{Refusal, TokenError, Tokens};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The rest of a provider that says "too many requests" and not how long, in milliseconds.
const BUSY: i64 = 10_000;
/// Distances of clocks below this are none: `Date` counts in seconds, and reading a clock takes a moment.
pub(super) const NONE: i64 = 2000;
/// How soon somebody who waits for a token asks again while another request finds out whether the server answers.
const PROBED: Duration = Duration::from_secs(1);
/// The most servers of one provider whose health is remembered.
const PLACES: usize = 10_000;

/// The pace of requests to one provider.
pub(crate) struct Pace {
    per_minute: Option<u32>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The provider's clock minus ours, in milliseconds.
    skew: i64,
    /// How much of that answers said since the clocks were compared last.
    taught: i64,
    /// The health of each server. Without variables there is one, with an empty name.
    places: HashMap<String, Health>,
    /// Refreshes that may begin now, and when that was counted.
    allowance: f64,
    counted_at: Option<i64>,
}

/// A request that was sent: the connection, the server, and how many failures that server had before.
pub(crate) struct Sent {
    connection: Connection,
    place: String,
    failures: u64,
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
        let mut state = self.lock();
        (state.skew, state.taught) = (skew, 0);
    }

    /// Our clock was set back by this much, or not at all, since the last call. An answer may have said so before: then this
    /// is `false`.
    pub(crate) fn shift(&self, step: i64) -> bool {
        let mut state = self.lock();
        let is_new = step.saturating_sub(state.taught).abs() >= NONE;
        if is_new {
            state.skew = state.skew.saturating_add(step);
        }
        state.taught = 0;
        is_new
    }

    /// Learns the provider's clock from an answer. A server behind variables says nothing of the others' clocks.
    pub(crate) fn learn(&self, place: &str, tokens: &Tokens) {
        let mut state = self.lock();
        let Some(said) = tokens.clock_skew.filter(|_| place.is_empty()) else {
            return;
        };
        let news = said.saturating_sub(state.skew);
        if news.abs() >= NONE {
            state.skew = said;
            state.taught = state.taught.saturating_add(news);
        }
    }

    /// How long somebody who waits for a token must wait: the server rests, or it fails and another request asks it.
    pub(crate) fn held(&self, now: i64, place: &str) -> Option<Duration> {
        let mut state = self.lock();
        let health = state.places.get_mut(place)?;
        health.resting(now).or_else(|| health.probed(now).map(|_| PROBED))
    }

    /// Whether the provider's one server fails.
    pub(crate) fn is_failing(&self) -> bool {
        self.lock().places.get("").is_some_and(Health::is_failing)
    }

    /// Counts a refresh that somebody waits for. `Err` with the wait if the server rests, or fails and is asked by another.
    pub(crate) fn demand(&self, now: i64, place: &str, connection: &Connection) -> Result<(), Duration> {
        if let Some(wait) = self.held(now, place) {
            return Err(wait);
        }
        self.admit(now, place, connection).map_err(|_| PROBED)?;
        if self.per_minute.is_some() {
            let mut state = self.lock();
            self.refill(&mut state, now);
            // A demand does not wait; Method 2 waits the longer. The debt is bounded.
            state.allowance = (state.allowance - 1.0).max(-self.burst());
        }
        Ok(())
    }

    /// Whether a request may be sent. `Err` with the longest wait if the server rests, or fails and is asked by another.
    pub(crate) fn admit(&self, now: i64, place: &str, connection: &Connection) -> Result<(), Duration> {
        match self.lock().places.get_mut(place) {
            Some(health) => health.admit(now, connection),
            None => Ok(()),
        }
    }

    /// How many refreshes Method 2 may begin now, at most `wanted`, while `running` of it have no answer yet. One connection at a
    /// time asks a provider that fails; a silent one has not failed again yet.
    pub(crate) fn begin(&self, now: i64, wanted: usize, running: usize) -> usize {
        let mut state = self.lock();
        let mut wanted = wanted;
        if let Some(only) = state.places.get_mut("") {
            if only.resting(now).is_some() || only.probed(now).is_some() {
                return 0;
            }
            if only.is_failing() {
                wanted = wanted.min(1_usize.saturating_sub(running));
            }
        }
        if self.per_minute.is_none() {
            return wanted;
        }
        self.refill(&mut state, now);
        let allowed = whole(state.allowance).min(wanted);
        state.allowance -= f64::from(u32::try_from(allowed).unwrap_or(u32::MAX));
        allowed
    }

    pub(crate) fn has_limit(&self) -> bool {
        self.per_minute.is_some()
    }

    /// How long the limit a minute alone keeps Method 2 from its next refresh. `None` if it does not, or a server is in trouble.
    pub(crate) fn limited(&self, now: i64) -> Option<Duration> {
        let per_minute = f64::from(self.per_minute?);
        let mut state = self.lock();
        let only = state.places.get_mut("");
        if only.is_some_and(|only| only.resting(now).is_some() || only.is_failing()) {
            return None;
        }
        self.refill(&mut state, now);
        let missing = Some(1.0 - state.allowance).filter(|missing| *missing > 0.0)?;
        let wait = Duration::try_from_secs_f64(missing * 60.0 / per_minute).ok()?;
        // Our clock counts whole milliseconds.
        Some(wait + Duration::from_millis(1))
    }

    /// Gives back refreshes that did not begin.
    pub(crate) fn give_back(&self, unused: usize) {
        if self.per_minute.is_some() {
            let mut state = self.lock();
            let more = state.allowance + f64::from(u32::try_from(unused).unwrap_or(u32::MAX));
            state.allowance = more.min(self.burst());
        }
    }

    /// A request that was let through is not sent.
    pub(crate) fn not_sent(&self, place: &str, connection: &Connection) {
        if let Some(health) = self.lock().places.get_mut(place) {
            health.ended(connection);
        }
        self.give_back(1);
    }

    /// A request that is sent now.
    pub(crate) fn sent(&self, connection: &Connection, place: &str) -> Sent {
        let failures = self.lock().places.get(place).map_or(0, Health::counted);
        Sent {
            connection: connection.clone(),
            place: place.to_owned(),
            failures,
        }
    }

    /// Learns from an answer: clock, health, and how long to wait. A late answer may follow the failure that it seemed to be.
    pub(crate) fn answered(&self, now: i64, sent: &Sent, answer: &Result<Tokens, TokenError>) {
        if let Ok(tokens) = answer {
            self.learn(&sent.place, tokens);
        }
        let mut state = self.lock();
        let health = state.health(now, &sent.place);
        health.ended(&sent.connection);
        match answer {
            Ok(_) => health.is_well(),
            Err(TokenError::Refused(error)) if error.refusal() == Refusal::Client => {
                health.refuses_client(now, &sent.connection);
            }
            Err(TokenError::Refused(_)) => health.answers(),
            Err(TokenError::Unavailable {
                retry_after, status, ..
            }) => {
                health.is_unavailable(now, sent.failures, &sent.connection);
                let asked = retry_after.and_then(|span| i64::try_from(span.as_millis()).ok());
                let busy = (*status == 429).then_some(BUSY);
                if let Some(span) = asked.or(busy) {
                    health.asks_for_rest(now, span);
                }
            }
            Err(_) => health.fail(now, sent.failures, &sent.connection),
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
    /// The health of a server. Those that are well are forgotten first when there are too many.
    fn health(&mut self, now: i64, place: &str) -> &mut Health {
        if self.places.len() >= PLACES && !self.places.contains_key(place) {
            self.places.retain(|_, health| health.resting(now).is_some());
            if self.places.len() >= PLACES {
                self.places.clear();
            }
        }
        self.places.entry(place.to_owned()).or_default()
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

    fn answered(pace: &Pace, now: i64, answer: &Result<Tokens, TokenError>) {
        let connection = "shop/1".parse().unwrap();
        pace.answered(now, &pace.sent(&connection, ""), answer);
    }

    fn refused(code: &str) -> Result<Tokens, TokenError> {
        let error = crate::OAuthError {
            code: code.to_owned(),
            ..Default::default()
        };
        Err(TokenError::Refused(error))
    }

    #[test]
    fn a_client_that_is_refused_for_one_connection_stops_no_other() {
        let pace = Pace::new(None);
        for _ in 0..100 {
            answered(&pace, 0, &refused("unauthorized_client"));
            assert_eq!(pace.begin(0, 10, 0), 10);
        }
        let others: Vec<Connection> = ["shop/2", "shop/3"].map(|name| name.parse().unwrap()).into();
        pace.answered(0, &pace.sent(&others[0], ""), &refused("invalid_client"));
        assert_eq!(pace.begin(0, 10, 0), 10);
        pace.answered(0, &pace.sent(&others[1], ""), &refused("invalid_client"));
        assert_eq!(pace.begin(59_999, 10, 0), 0, "three connections heard the same");
        answered(&pace, 60_000, &Ok(tokens(0, "a", None, (None, None))));
        answered(&pace, 60_000, &refused("invalid_client"));
        assert_eq!(pace.begin(60_000, 10, 0), 10, "a success begins the count anew");
    }

    #[test]
    fn a_server_error_of_one_connection_stops_no_other() {
        let pace = Pace::new(None);
        for _ in 0..5 {
            answered(&pace, 0, &unavailable(None, 500));
        }
        let others: Vec<Connection> = ["shop/2", "shop/3"].map(|name| name.parse().unwrap()).into();
        assert_eq!(pace.demand(0, "", &others[0]), Ok(()));
        assert_eq!(pace.begin(0, 10, 0), 10);
        for other in &others {
            pace.answered(0, &pace.sent(other, ""), &unavailable(None, 500));
        }
        assert_eq!(pace.begin(999, 10, 0), 0, "three connections got it");
    }

    #[test]
    fn one_answer_stops_a_provider_for_five_minutes_at_most() {
        let pace = Pace::new(None);
        answered(&pace, 0, &unavailable(Some(86_400), 429));
        assert_eq!(pace.begin(299_999, 10, 0), 0);
        assert_eq!(pace.begin(300_000, 10, 0), 10);
    }

    #[test]
    fn a_success_does_not_end_the_wait_that_the_provider_asked_for() {
        let pace = Pace::new(None);
        answered(&pace, 0, &unavailable(Some(60), 429));
        answered(&pace, 1, &Ok(tokens(0, "a", None, (None, None))));
        assert_eq!(pace.begin(59_999, 10, 0), 0);
        assert_eq!(pace.begin(60_000, 10, 0), 10);
    }

    #[test]
    fn each_server_behind_variables_rests_alone() {
        let pace = Pace::new(None);
        let one = "shop/1".parse().unwrap();
        pace.answered(0, &pace.sent(&one, "a.example"), &unavailable(Some(60), 429));
        assert_eq!(pace.demand(0, "a.example", &one), Err(Duration::from_secs(60)));
        assert_eq!(pace.demand(0, "b.example", &one), Ok(()));
        assert_eq!(pace.begin(0, 10, 0), 10);
    }

    #[test]
    fn requests_that_were_in_flight_together_fail_once() {
        let pace = Pace::new(None);
        let one = "shop/1".parse().unwrap();
        let down = Err(TokenError::NotSent("refused".to_owned()));
        for round in 0..2 {
            let sent: Vec<Sent> = (0..16).map(|_| pace.sent(&one, "")).collect();
            for sent in &sent {
                pace.answered(0, sent, &down);
            }
            assert_eq!(pace.begin(0, 10, 0), 10, "round {round}");
        }
        pace.answered(0, &pace.sent(&one, ""), &down);
        assert_eq!(pace.begin(999, 10, 0), 0);
        assert_eq!(pace.begin(1000, 10, 0), 1);
    }

    #[test]
    fn a_limit_a_minute_bounds_every_minute_and_never_gathers() {
        let pace = Pace::new(Some(60));
        let mut begun = 0;
        for second in 0..60 {
            begun += pace.begin(second * 1000, 100, 0);
        }
        assert!((60..=65).contains(&begun), "{begun} in the first minute");
        assert_eq!(
            pace.begin(3_600_000, 100, 0),
            5,
            "an idle hour allows five seconds' worth at once"
        );
    }

    #[test]
    fn a_demand_goes_first_and_method_2_waits_for_it() {
        let pace = Pace::new(Some(60));
        pace.begin(0, 1, 0);
        let one = "shop/1".parse().unwrap();
        for _ in 0..3 {
            assert_eq!(pace.demand(0, "", &one), Ok(()));
        }
        assert_eq!(pace.begin(3000, 10, 0), 0);
        assert_eq!(pace.begin(4000, 10, 0), 1);
        pace.give_back(1);
        assert_eq!(pace.begin(4000, 10, 0), 1);
    }

    #[test]
    fn retry_after_is_obeyed_by_everybody() {
        let pace = Pace::new(None);
        answered(&pace, 0, &unavailable(Some(120), 429));
        assert_eq!(pace.begin(119_999, 10, 0), 0);
        let one = "shop/1".parse().unwrap();
        assert_eq!(pace.demand(60_000, "", &one), Err(Duration::from_secs(60)));
        assert_eq!(pace.begin(120_000, 10, 0), 10);
        answered(&pace, 120_000, &unavailable(None, 429));
        assert_eq!(pace.begin(129_999, 10, 0), 0);
    }

    #[test]
    fn a_provider_that_is_down_is_asked_by_one_connection_at_a_time() {
        let pace = Pace::new(None);
        let down = Err(TokenError::NotSent("refused".to_owned()));
        for _ in 0..3 {
            assert_eq!(pace.begin(0, 10, 0), 10);
            answered(&pace, 0, &down);
        }
        assert_eq!(pace.begin(999, 10, 0), 0);
        assert_eq!(pace.begin(1000, 10, 0), 1);
        answered(&pace, 1000, &down);
        assert_eq!(pace.begin(2999, 10, 0), 0);
        assert_eq!(pace.begin(3000, 10, 0), 1);
        answered(&pace, 3000, &Ok(tokens(3000, "a", None, (None, None))));
        assert_eq!(pace.begin(3000, 10, 0), 10);
    }

    #[test]
    fn a_demand_of_a_provider_that_fails_waits_for_the_one_that_asks() {
        let pace = Pace::new(None);
        let down = Err(TokenError::NotSent("refused".to_owned()));
        for _ in 0..3 {
            answered(&pace, 0, &down);
        }
        let (one, two): (Connection, Connection) = ("shop/1".parse().unwrap(), "shop/2".parse().unwrap());
        assert_eq!(pace.demand(1000, "", &one), Ok(()));
        assert_eq!(pace.demand(1000, "", &two), Err(PROBED));
        assert_eq!(pace.begin(1000, 10, 0), 0);
        answered(&pace, 1001, &refused("invalid_grant"));
        assert_eq!(pace.demand(1001, "", &two), Ok(()));
    }

    #[test]
    fn a_clock_set_back_ends_a_rest() {
        let pace = Pace::new(None);
        answered(&pace, 1_000_000, &unavailable(Some(60), 503));
        assert_eq!(pace.begin(0, 10, 0), 10);
    }

    #[test]
    fn the_providers_clock_is_learned() {
        let pace = Pace::new(None);
        let mut answer = tokens(0, "a", None, (None, None));
        answer.clock_skew = Some(-300_000);
        answered(&pace, 0, &Ok(answer));
        assert_eq!(pace.there(400_000), 100_000);
    }

    #[test]
    fn a_server_behind_variables_moves_no_clock() {
        let pace = Pace::new(None);
        let mut answer = tokens(0, "a", None, (None, None));
        answer.clock_skew = Some(-3_540_000);
        let one = "shop/1".parse().unwrap();
        pace.answered(0, &pace.sent(&one, "a.example"), &Ok(answer));
        assert_eq!(pace.skew(), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_is_noticed_once() {
        let said = |pace: &Pace, skew| {
            let mut answer = tokens(0, "a", None, (None, None));
            answer.clock_skew = Some(skew);
            answered(pace, 0, &Ok(answer));
            pace.skew()
        };
        let pace = Pace::new(None);
        pace.assume(60_000);
        assert_eq!(said(&pace, 3_661_000), 3_661_000, "the answer says so first");
        pace.shift(3_600_000);
        assert_eq!(pace.skew(), 3_661_000);
        pace.shift(0);
        pace.shift(-3_600_000);
        assert_eq!(pace.skew(), 61_000, "the vault says so first");
        assert_eq!(said(&pace, 60_000), 61_000);
        assert_eq!(said(&pace, 70_000), 70_000, "the provider's own clock was set");
        pace.shift(-3_600_000);
        assert_eq!(pace.skew(), -3_530_000);
    }
}
