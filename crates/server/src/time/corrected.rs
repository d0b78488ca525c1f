//! The time of a server that is one of several: the database's clock, extrapolated with the clock that counts since the
//! machine's start. Codes, keys and expiries that one server wrote are checked by others, so all use the one clock that
//! they share. A change of the machine's wall clock does not affect this time.

use super::{Instant, Reading};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How far a measurement may be from the kept time before it is taken, in milliseconds. Queries wait, and the time must not
/// jump back and forth for that.
const JITTER: i64 = 50;
/// No measurement was made yet.
const UNKNOWN: i64 = i64::MIN;

/// The database's clock. Before the first measurement, the machine's clock.
#[derive(Debug)]
pub struct Corrected {
    /// How far the database's clock is ahead of the clock that counts since the machine's start, in milliseconds.
    ahead: AtomicI64,
}

/// One measurement: the database's clock showed `database` at some moment between `sent` and `received`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// The clocks before the query was sent.
    pub sent: Reading,
    /// The clocks after the answer arrived.
    pub received: Reading,
    /// The time that the database's clock showed in between.
    pub database: Instant,
}

impl Default for Corrected {
    fn default() -> Self {
        let ahead = AtomicI64::new(UNKNOWN);
        Self { ahead }
    }
}

impl Corrected {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self.ahead.load(Ordering::Relaxed) {
            UNKNOWN => super::wall(),
            ahead => Instant(super::boot().saturating_add(ahead)),
        }
    }

    /// Adds a measurement. Only one may be made at a time.
    pub fn measured(&self, sample: &Sample) {
        let known = match self.ahead.load(Ordering::Relaxed) {
            UNKNOWN => None,
            known => Some(known),
        };
        self.ahead.store(sample.ahead(known), Ordering::Relaxed);
    }
}

impl Sample {
    /// The least amount by which the machine's wall clock is wrong, in either direction.
    #[must_use]
    pub fn off(&self) -> Duration {
        let late = self.sent.wall.since(self.database);
        late.max(self.database.since(self.received.wall))
    }

    /// How far the database's clock is ahead of the clock that counts since the machine's start. The known value is kept as
    /// long as this sample does not contradict it. A slow query contradicts little.
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

    /// A query sent at 1000 ms since the start that took `took` ms. The wall clock is `wall` ahead of the count since the
    /// start.
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
    fn a_measurement_within_the_jitter_changes_nothing() {
        let at = |database| sample(10, 0, database).ahead(Some(500));
        assert_eq!(at(1500), 500);
        assert_eq!(at(1500 + 10 + JITTER), 500);
        assert_eq!(at(1500 - JITTER), 500);
        assert_ne!(at(1500 + 11 + JITTER), 500);
        assert_ne!(at(1499 - JITTER), 500);
    }

    #[test]
    fn a_slow_query_corrects_only_an_impossible_time() {
        assert_eq!(sample(5000, 0, 1600).ahead(Some(500)), 500);
        assert_eq!(sample(5000, 0, 6550).ahead(Some(500)), 500);
        assert_ne!(sample(5000, 0, 7000).ahead(Some(500)), 500);
        assert_ne!(sample(5000, 0, 1400).ahead(Some(500)), 500);
    }

    #[test]
    fn the_error_of_the_wall_clock_is_reported() {
        assert_eq!(sample(10, 0, 1005).off(), Duration::ZERO);
        assert_eq!(sample(10, 7000, 1005).off(), Duration::from_millis(6995));
        assert_eq!(sample(10, -7000, 1005).off(), Duration::from_millis(6995));
    }

    #[test]
    fn the_time_is_the_databases_after_a_measurement() {
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
