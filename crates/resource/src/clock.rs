//! The two clocks, as arguments.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clocks that a verifier reads.
pub trait Clock: Send + Sync {
    /// The time of day, in milliseconds since the Unix epoch. It is compared with `exp`, `nbf` and `auth_time`.
    fn now_ms(&self) -> i64;

    /// The time since any fixed moment, by a clock that is never set. It measures the age of answers.
    fn steady(&self) -> Duration;
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one reader of the steady clock")]
        let start = Instant::now();
        Self { start }
    }
}

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one reader of the time of day")]
        let now = SystemTime::now();
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn steady(&self) -> Duration {
        #[expect(clippy::disallowed_methods, reason = "the one reader of the steady clock")]
        let passed = self.start.elapsed();
        passed
    }
}

/// A reading of both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    pub(crate) now_ms: i64,
    pub(crate) steady: Duration,
}

impl Moment {
    pub(crate) fn read(clock: &dyn Clock) -> Self {
        Self {
            now_ms: clock.now_ms(),
            steady: clock.steady(),
        }
    }

    /// The time since `earlier`, by the clock that says more: the steady clock stands still while a machine sleeps, and the
    /// time of day may be set back.
    pub(crate) fn age_of(self, earlier: Self) -> Duration {
        let steady = self.steady.saturating_sub(earlier.steady);
        let wall = self.now_ms.saturating_sub(earlier.now_ms).max(0).unsigned_abs();
        steady.max(Duration::from_millis(wall))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_that_of_the_clock_that_says_more() {
        let at = |now_ms, steady| Moment {
            now_ms,
            steady: Duration::from_millis(steady),
        };
        let start = at(1_000, 1_000);
        assert_eq!(at(1_500, 1_200).age_of(start), Duration::from_millis(500));
        assert_eq!(at(900, 1_200).age_of(start), Duration::from_millis(200));
        assert_eq!(at(900, 900).age_of(start), Duration::ZERO);
    }
}
