//! Whether one server answers, and until when it rests.

use super::Connection;
use super::engine::LONGEST_OPEN;
use std::collections::BTreeSet;
use std::time::Duration;

/// Failures in a row from which on the server is asked by one connection at a time.
const FAILURES: u32 = 3;
/// The longest rest of a server that does not answer, in milliseconds. A lost answer is given again for a short time, and the
/// question for it waits for the rest too.
const LONGEST_REST: i64 = 10_000;
/// The longest rest of a server because one answer asks for it, in milliseconds. The connection that was answered so waits as
/// long as it was asked to.
const LONGEST_ASKED: i64 = 300_000;
/// The rest of a server that refuses our client, in milliseconds. An operator has to act.
const REFUSED: i64 = 60_000;
/// Different connections in a row whose client is refused from which on the server rests. Fewer: the fault is theirs.
const REFUSED_CONNECTIONS: usize = 3;

/// From when to when something holds, by our clock.
type Span = (i64, i64);

#[derive(Default)]
pub(super) struct Health {
    /// The rest after failures.
    rest: Option<Span>,
    /// The rest that an answer asked for.
    asked: Option<Span>,
    /// The one connection that asks it while it fails, and how long its answer may take.
    probe: Option<Span>,
    prober: Option<Connection>,
    failures: u32,
    /// The connection of the last failure that counted, since the last answer.
    failed: Option<Connection>,
    /// All failures that ever counted.
    counted: u64,
    /// The connections whose client was refused since the last success, a few.
    refused: BTreeSet<Connection>,
}

impl Health {
    pub(super) fn counted(&self) -> u64 {
        self.counted
    }

    pub(super) fn is_failing(&self) -> bool {
        self.failures >= FAILURES || self.refused.len() >= REFUSED_CONNECTIONS
    }

    /// How long it still rests.
    pub(super) fn resting(&mut self, now: i64) -> Option<Duration> {
        left(&mut self.rest, now).max(left(&mut self.asked, now))
    }

    /// How long the answer to the one request that was let through may still take.
    pub(super) fn probed(&mut self, now: i64) -> Option<Duration> {
        left(&mut self.probe, now)
    }

    /// Lets a request through, or says how long to wait. While it fails, one goes at a time.
    pub(super) fn admit(&mut self, now: i64, connection: &Connection) -> Result<(), Duration> {
        // Who asks for a lost answer waits no longer for another request than for a rest.
        let longest = Duration::from_millis(LONGEST_REST.unsigned_abs());
        let probed = self.probed(now).map(|left| left.min(longest));
        if let Some(wait) = self.resting(now).or(probed) {
            return Err(wait);
        }
        if self.is_failing() {
            // A request that was never sent has no answer: its end opens the way too.
            let open = i64::try_from(LONGEST_OPEN.as_millis()).unwrap_or(i64::MAX);
            self.probe = Some((now, now.saturating_add(open)));
            self.prober = Some(connection.clone());
        }
        Ok(())
    }

    /// A request of this connection was answered, or is not waited for any more.
    pub(super) fn ended(&mut self, connection: &Connection) {
        if self.prober.as_ref() == Some(connection) {
            (self.probe, self.prober) = (None, None);
        }
    }

    /// It gave tokens. What it asked for still holds.
    pub(super) fn is_well(&mut self) {
        self.answers();
        self.refused.clear();
        self.rest = None;
    }

    /// It answered, whatever it said.
    pub(super) fn answers(&mut self) {
        self.failures = 0;
        self.failed = None;
        (self.probe, self.prober) = (None, None);
    }

    /// Counts a failure. `known` is what was counted when the request was sent: requests that were in flight together fail
    /// together, which says no more than one of them.
    pub(super) fn fail(&mut self, now: i64, known: u64, connection: &Connection) {
        if known < self.counted {
            return;
        }
        self.failed = Some(connection.clone());
        self.counted += 1;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            let span = 1000_i64 << (self.failures - FAILURES).min(10);
            lengthen(&mut self.rest, now, span.min(LONGEST_REST));
        }
    }

    /// Counts an answer that says "later". One connection that gets it again and again, such as a user whose data break the server,
    /// says nothing of the others; it has a pause of its own.
    pub(super) fn is_unavailable(&mut self, now: i64, known: u64, connection: &Connection) {
        if self.failed.as_ref() != Some(connection) {
            self.fail(now, known, connection);
        }
    }

    pub(super) fn asks_for_rest(&mut self, now: i64, span: i64) {
        lengthen(&mut self.asked, now, span.min(LONGEST_ASKED));
    }

    pub(super) fn refuses_client(&mut self, now: i64, connection: &Connection) {
        if self.refused.len() < REFUSED_CONNECTIONS {
            self.refused.insert(connection.clone());
        }
        if self.refused.len() >= REFUSED_CONNECTIONS {
            lengthen(&mut self.rest, now, REFUSED);
        }
    }
}

fn left(span: &mut Option<Span>, now: i64) -> Option<Duration> {
    let (from, until) = (*span)?;
    // Before `from`: our clock was set back, so the end means nothing.
    if now < from || now >= until {
        *span = None;
        return None;
    }
    Some(Duration::from_millis(until.saturating_sub(now).unsigned_abs()))
}

fn lengthen(rest: &mut Option<Span>, now: i64, span: i64) {
    let until = now.saturating_add(span);
    if rest.is_none_or(|(_, before)| before < until) {
        *rest = Some((now, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_let_through_and_never_answered_holds_the_others_for_a_while() {
        let (one, two): (Connection, Connection) = ("shop/1".parse().unwrap(), "shop/2".parse().unwrap());
        let mut health = Health::default();
        for known in 0..3 {
            health.fail(0, known, &one);
        }
        assert_eq!(health.admit(1000, &one), Ok(()));
        assert_eq!(health.admit(20_999, &two), Err(Duration::from_millis(1)));
        assert_eq!(health.admit(21_000, &two), Ok(()));
    }

    #[test]
    fn an_answer_to_any_request_lets_all_others_through() {
        let (one, two): (Connection, Connection) = ("shop/1".parse().unwrap(), "shop/2".parse().unwrap());
        let mut health = Health::default();
        for known in 0..3 {
            health.fail(0, known, &one);
        }
        assert_eq!(health.admit(1000, &one), Ok(()));
        assert!(health.admit(1000, &two).is_err());
        health.is_well();
        assert_eq!(health.admit(1000, &two), Ok(()));
    }
}
