//! Whether one server answers, and until when it rests.

use super::Connection;
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

#[derive(Default)]
pub(super) struct Health {
    /// From when to when it rests after failures, by our clock.
    rest: Option<(i64, i64)>,
    /// The same, because an answer asked for it.
    asked: Option<(i64, i64)>,
    failures: u32,
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
        let left = |rest: &mut Option<(i64, i64)>| {
            let (from, until) = (*rest)?;
            // Before `from`: our clock was set back, so the end means nothing.
            if now < from || now >= until {
                *rest = None;
                return None;
            }
            Some(Duration::from_millis(until.saturating_sub(now).unsigned_abs()))
        };
        left(&mut self.rest).max(left(&mut self.asked))
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
    }

    /// Counts a failure. `known` is what was counted when the request was sent: requests that were in flight together fail
    /// together, which says no more than one of them.
    pub(super) fn fail(&mut self, now: i64, known: u64) {
        if known < self.counted {
            return;
        }
        self.counted += 1;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            let span = 1000_i64 << (self.failures - FAILURES).min(10);
            lengthen(&mut self.rest, now, span.min(LONGEST_REST));
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

fn lengthen(rest: &mut Option<(i64, i64)>, now: i64, span: i64) {
    let until = now.saturating_add(span);
    if rest.is_none_or(|(_, before)| before < until) {
        *rest = Some((now, until));
    }
}
