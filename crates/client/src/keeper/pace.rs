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
        self.admit(now, place, connection)
            .map_err(|_| self.held(now, place).unwrap_or(PROBED))?;
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
mod tests;
