//! Time as the server counts it: milliseconds since the Unix epoch, read once a request and handed on.

mod corrected;

pub use corrected::{Corrected, Sample};

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Instant(pub i64);

impl Instant {
    /// Time since `earlier`; zero where clocks disagree and the result would be negative.
    #[must_use]
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }

    /// This moment and `span` more.
    #[must_use]
    pub fn after(self, span: Duration) -> Instant {
        Instant(
            self.0
                .saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// This moment less `span`.
    #[must_use]
    pub fn before(self, span: Duration) -> Instant {
        Instant(
            self.0
                .saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
        )
    }

    /// Whole seconds since the epoch, as `exp` and `iat` count (RFC 7519 §2).
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }
}

/// Where `now` comes from: the machine, the database that several servers share, or a test's hand.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The database's clock, as the machine carries it on.
    Corrected(Arc<Corrected>),
    /// A clock that only moves when told; milliseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Instant {
        match self {
            Clock::System => wall(),
            Clock::Corrected(corrected) => corrected.now(),
            Clock::Manual(millis) => Instant(millis.load(Ordering::SeqCst)),
        }
    }

    /// The same, to be corrected by a database's clock. One that is moved by hand stays as it is.
    #[must_use]
    pub fn correctable(self) -> Self {
        match self {
            Clock::System => Clock::Corrected(Arc::default()),
            other => other,
        }
    }
}

/// What the machine's clocks show at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Milliseconds since the machine started, those in which it slept among them. Nobody sets this clock.
    pub boot: i64,
    /// The clock that people set.
    pub wall: Instant,
}

impl Reading {
    /// Reads both.
    #[must_use]
    pub fn take() -> Self {
        let (boot, wall) = (boot(), wall());
        Self { boot, wall }
    }

    /// How long ago `earlier` was: by the clock that says more.
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

/// Elsewhere than on Linux and Android the monotonic clock is the one that counts sleep.
fn boot() -> i64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = rustix::time::ClockId::Monotonic;
    let read = rustix::time::clock_gettime(clock);
    read.tv_sec * 1000 + read.tv_nsec / 1_000_000
}

/// How much faster than the machine's other clock, which nobody sets, time may seem to pass: a clock that is being put
/// right, a little at a time.
const FASTER: u32 = 10;
/// How long a jump must have held before it is believed.
const HELD: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock for what cannot be undone, such as forgetting a revocation: it is never ahead of the clock it follows, and takes
/// a jump forward only after a day. A clock that is set wrong and set right again has then cost nothing.
#[derive(Debug)]
pub struct Steady {
    clock: Clock,
    pace: Mutex<Option<Pace>>,
}

impl Steady {
    /// Follows `clock`. One that is moved by hand is followed as it goes.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        let pace = Mutex::new(None);
        Self { clock, pace }
    }

    /// The present moment, or one before it.
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

/// What a steady clock showed when the other one was not ahead of it, and since when that one has been.
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
            // Counted from where both agreed: who asks more than once a millisecond must not lose the rest of it each time.
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

    const HOUR: u64 = 3600;

    /// What a steady clock shows where the other one shows `wall` after `passed` hours, beginning at 0 and 0.
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
    fn time_that_passes_is_followed() {
        assert_eq!(shown(&[(1, 1), (2, 2), (50, 50)]), [1, 2, 50]);
        assert_eq!(shown(&[(10, 11), (20, 22)]), [11, 22], "a clock that catches up");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "some moment to begin at")]
    fn time_that_is_asked_for_often_is_followed() {
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
    fn a_jump_and_its_return_are_not() {
        assert_eq!(shown(&[(10, 1000), (20, 1010), (21, 21)]), [11, 22, 21]);
        assert_eq!(
            shown(&[(1, 1), (2, -500), (3, -499)]),
            [1, -500, -499],
            "back is taken at once"
        );
    }

    #[test]
    fn a_jump_that_holds_for_a_day_is_time() {
        assert_eq!(
            shown(&[(1, 1000), (20, 1019), (25, 1024), (26, 1025)]),
            [1, 22, 1024, 1025]
        );
    }
}
