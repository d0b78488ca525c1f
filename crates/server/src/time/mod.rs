//! Time in the server: milliseconds since the Unix epoch, read once per request and passed on.

mod corrected;

pub use corrected::{Corrected, Sample};

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// The time since `earlier`. Zero if clocks disagree and the result would be negative.
    #[must_use]
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// The moment `span` after this one.
    #[must_use]
    pub fn after(self, span: Duration) -> Instant {
        Instant(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The moment `span` before this one.
    #[must_use]
    pub fn before(self, span: Duration) -> Instant {
        Instant(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// The moment as people and programs read it: RFC 3339, in UTC, always with milliseconds, so that moments line up and sort
    /// as text. One after the year 9999 is written as the last one that has a form.
    #[must_use]
    pub fn rfc3339(self) -> String {
        /// Milliseconds, even where they are zero.
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
        PRINTER.timestamp_to_string(&Timestamp::from_millisecond(self.0).unwrap_or(Timestamp::MAX))
    }

    /// Whole seconds since the epoch, as in `exp` and `iat` (RFC 7519 §2).
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

/// The source of `now`: the machine, the database that several servers share, or a test.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The database's clock, extrapolated with the machine's.
    Corrected(Arc<Corrected>),
    /// A clock that moves only when a test sets it, in milliseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The current time.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self {
            Clock::System => wall(),
            Clock::Corrected(corrected) => corrected.now(),
            Clock::Manual(millis) => Instant(millis.load(Ordering::SeqCst)),
        }
    }

    /// The same clock, made correctable by a database's clock. A manual clock stays as it is.
    #[must_use]
    pub fn correctable(self) -> Self {
        match self {
            Clock::System => Clock::Corrected(Arc::default()),
            other => other,
        }
    }
}

/// The machine's clocks at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Milliseconds since the machine started, including sleep. Nobody can set this clock.
    pub boot: i64,
    /// The wall clock, which people can set.
    pub wall: Instant,
}

impl Reading {
    /// Reads both clocks.
    #[must_use]
    pub fn take() -> Self {
        let (boot, wall) = (boot(), wall());
        Self { boot, wall }
    }

    /// How long ago `earlier` was: the larger of the two clocks' answers.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let boot = Instant(self.boot).since(Instant(earlier.boot));
        boot.max(self.wall.since(earlier.wall))
    }
}

fn wall() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// On systems other than Linux and Android, the monotonic clock is the one that counts sleep.
fn boot() -> i64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = rustix::time::ClockId::Monotonic;
    let read = rustix::time::clock_gettime(clock);
    read.tv_sec * 1000 + read.tv_nsec / 1_000_000
}

/// How much faster than the monotonic clock the wall clock may seem to run: a clock that is corrected a little at a time.
const FASTER: u32 = 10;
/// How long a jump forward must persist before it is accepted.
const HELD: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock for decisions that cannot be undone, such as forgetting a revocation. It is never ahead of the clock that it
/// follows, and takes a jump forward only after a day. So a clock that is set wrong and then corrected causes no harm.
#[derive(Debug)]
pub struct Steady {
    clock: Clock,
    pace: Mutex<Option<Pace>>,
}

impl Steady {
    /// Follows `clock`. A manual clock is followed without delay.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let pace = Mutex::new(None);
        Self { clock, pace }
    }

    /// The current time, or an earlier one.
    #[must_use]
    pub fn now(&self) -> Instant {
        let now = self.clock.now();
        if matches!(self.clock, Clock::Manual(_)) {
            return now;
        }
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
        let passed = std::time::Instant::now();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.get_or_insert(Pace::new(now, passed)).follow(now, passed)
    }
}

/// The time that the steady clock showed when the other clock was last not ahead of it, and since when the other has been
/// ahead.
#[derive(Debug)]
struct Pace {
    shown: Instant,
    at: std::time::Instant,
    jumped: Option<std::time::Instant>,
}

impl Pace {
    fn new(now: Instant, at: std::time::Instant) -> Self {
        let jumped = None;
        Self { shown: now, at, jumped }
    }

    fn follow(&mut self, now: Instant, at: std::time::Instant) -> Instant {
        let passed = at.saturating_duration_since(self.at);
        let reach = self.shown.after(passed + passed / FASTER);
        let jumped = *self.jumped.get_or_insert(at);
        if now > reach && at.saturating_duration_since(jumped) < HELD {
            // Counts from the moment at which both clocks agreed: with more than one call per millisecond, fractions would
            // be lost each time.
            return reach;
        }
        let jumped = None;
        *self = Self { shown: now, at, jumped };
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_milliseconds() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_200, "2023-11-14T22:13:20.200Z"),
            (1_700_000_000_226, "2023-11-14T22:13:20.226Z"),
        ] {
            assert_eq!(Instant(millis).rfc3339(), expected);
        }
        assert_eq!(Instant(i64::MAX).rfc3339().len(), Instant(0).rfc3339().len());
    }

    const HOUR: u64 = 3600;

    /// The steady clock's times, when the other clock shows `wall` after `passed` hours. Both begin at 0.
    #[expect(clippy::disallowed_methods, reason = "some moment to begin at")]
    fn shown(steps: &[(u64, i64)]) -> Vec<i64> {
        let (hours, begun) = (|hours: i64| Instant(hours * 3_600_000), std::time::Instant::now());
        let mut pace = Pace::new(hours(0), begun);
        let follow = |(passed, wall): &(u64, i64)| {
            let at = begun + Duration::from_secs(passed * HOUR);
            pace.follow(hours(*wall), at).0 / 3_600_000
        };
        steps.iter().map(follow).collect()
    }

    #[test]
    fn passing_time_is_followed() {
        assert_eq!(shown(&[(1, 1), (2, 2), (50, 50)]), [1, 2, 50]);
        assert_eq!(shown(&[(10, 11), (20, 22)]), [11, 22], "a clock that catches up");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "some moment to begin at")]
    fn passing_time_is_followed_with_frequent_calls() {
        let begun = std::time::Instant::now();
        let mut pace = Pace::new(Instant(0), begun);
        for micros in (0..=1_000_000).step_by(300) {
            let passed = Duration::from_micros(micros);
            let wall = Instant(0).after(passed);
            let behind = wall.since(pace.follow(wall, begun + passed));
            assert!(behind <= Duration::from_millis(1), "{behind:?} after {passed:?}");
        }
    }

    #[test]
    fn a_jump_that_is_corrected_is_not_followed() {
        assert_eq!(shown(&[(10, 1000), (20, 1010), (21, 21)]), [11, 22, 21]);
        assert_eq!(
            shown(&[(1, 1), (2, -500), (3, -499)]),
            [1, -500, -499],
            "back is taken at once"
        );
    }

    #[test]
    fn a_jump_that_persists_for_a_day_is_followed() {
        assert_eq!(
            shown(&[(1, 1000), (20, 1019), (25, 1024), (26, 1025)]),
            [1, 22, 1024, 1025]
        );
    }
}
