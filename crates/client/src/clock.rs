//! The clock is an argument, so that a test can move it by hand.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time in milliseconds since the Unix epoch. A closure that returns an `i64` is one.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now_millis(&self) -> i64;
}

/// The clock of this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one reader of the clock")]
        let now = SystemTime::now();
        millis(now)
    }
}

impl<F: Fn() -> i64 + Send + Sync> Clock for F {
    fn now_millis(&self) -> i64 {
        self()
    }
}

/// Milliseconds since the Unix epoch; zero before it.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
