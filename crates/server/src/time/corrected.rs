//! The time of a server that is one of several: the database's, carried on by the clock that counts since the machine
//! started. Codes, keys and expiries that one server wrote are judged by others, so all go by the one clock that they share;
//! and a wall clock that somebody sets does not move it at all.

use super::{Instant, Reading};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// By how much a measurement may contradict the time that is kept, in milliseconds, before it is believed: queries wait, and
/// time must not wobble for it.
const JITTER: i64 = 50;
/// Nothing was measured yet.
const UNKNOWN: i64 = i64::MIN;

/// The database's clock as far as it is known; until it is, the machine's.
#[derive(Debug)]
pub struct Corrected {
    /// How far the database's clock is ahead of the machine's count since its start, in milliseconds.
    ahead: AtomicI64,
}

/// What a query measured: the database showed `database` at some moment from `sent` to `received`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Before the query was sent.
    pub sent: Reading,
    /// After its answer came.
    pub received: Reading,
    /// What the database's clock showed in between.
    pub database: Instant,
}

impl Default for Corrected {
    fn default() -> Self {
        let ahead = AtomicI64::new(UNKNOWN);
        Self { ahead }
    }
}

impl Corrected {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self.ahead.load(Ordering::Relaxed) {
            UNKNOWN => super::wall(),
            ahead => Instant(super::boot().saturating_add(ahead)),
        }
    }

    /// Takes a measurement in. There is one at a time.
    pub fn measured(&self, sample: &Sample) {
        let known = match self.ahead.load(Ordering::Relaxed) {
            UNKNOWN => None,
            known => Some(known),
        };
        self.ahead.store(sample.ahead(known), Ordering::Relaxed);
    }
}

impl Sample {
    /// How far the machine's wall clock is off at least, whichever way.
    #[must_use]
    pub fn off(&self) -> Duration {
        let late = self.sent.wall.since(self.database);
        late.max(self.database.since(self.received.wall))
    }

    /// How far the database's clock is ahead of the count since the machine's start: as was known, as long as this sample does
    /// not contradict it. One that took long contradicts little.
    fn ahead(&self, known: Option<i64>) -> i64 {
        let most = self.database.0.saturating_sub(self.sent.boot);
        let least = self.database.0.saturating_sub(self.received.boot);
        match known {
            Some(known) if (least - JITTER..=most + JITTER).contains(&known) => known,
            _ => least + (most - least) / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sent at 1000 since the start, `took` milliseconds long; the wall clock is `wall` ahead of that count.
    fn sample(took: i64, wall: i64, database: i64) -> Sample {
        let reading = |boot| Reading {
            boot,
            wall: Instant(boot + wall),
        };
        Sample {
            sent: reading(1000),
            received: reading(1000 + took),
            database: Instant(database),
        }
    }

    #[test]
    fn the_first_measurement_is_taken_from_its_middle() {
        assert_eq!(sample(10, 0, 900_000).ahead(None), 900_000 - 1005);
    }

    #[test]
    fn what_is_within_the_jitter_changes_nothing() {
        let at = |database| sample(10, 0, database).ahead(Some(500));
        assert_eq!(at(1500), 500);
        assert_eq!(at(1500 + 10 + JITTER), 500);
        assert_eq!(at(1500 - JITTER), 500);
        assert_ne!(at(1500 + 11 + JITTER), 500);
        assert_ne!(at(1499 - JITTER), 500);
    }

    #[test]
    fn a_long_round_trip_contradicts_only_what_cannot_be() {
        assert_eq!(sample(5000, 0, 1600).ahead(Some(500)), 500);
        assert_eq!(sample(5000, 0, 6550).ahead(Some(500)), 500);
        assert_ne!(sample(5000, 0, 7000).ahead(Some(500)), 500);
        assert_ne!(sample(5000, 0, 1400).ahead(Some(500)), 500);
    }

    #[test]
    fn a_wall_clock_that_is_off_is_told() {
        assert_eq!(sample(10, 0, 1005).off(), Duration::ZERO);
        assert_eq!(sample(10, 7000, 1005).off(), Duration::from_millis(6995));
        assert_eq!(sample(10, -7000, 1005).off(), Duration::from_millis(6995));
    }

    #[test]
    fn time_is_the_databases_once_it_was_measured() {
        let corrected = Corrected::default();
        let before = Reading::take();
        assert!(corrected.now().since(before.wall) < Duration::from_secs(5));
        let (hour, sent) = (3_600_000, Reading::take());
        let database = Instant(sent.wall.0 + hour);
        corrected.measured(&Sample {
            sent,
            received: Reading::take(),
            database,
        });
        let now = corrected.now();
        assert!(now.since(database) < Duration::from_secs(5) && database.since(now) < Duration::from_secs(1));
    }
}
