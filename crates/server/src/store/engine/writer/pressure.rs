//! The load on the writer: how many changes wait, how long a commit takes, whether the last commit failed.
//!
//! A queue bounded by its length alone takes seconds on a slow disk. A change that would wait longer than [`PATIENCE`] is
//! refused at once: accepted changes stay quick, and the client is told to retry.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How long a change may have to wait before its own commit begins.
const PATIENCE: Duration = Duration::from_millis(250);

#[derive(Default)]
pub(crate) struct Pressure {
    /// Callers that wait for a change.
    waiting: AtomicUsize,
    /// Average of recent commits, in microseconds.
    commit: AtomicU64,
    failing: AtomicBool,
}

/// Counts as one waiting change until it is dropped.
pub(crate) struct QueuePlace<'a>(&'a Pressure);

impl Pressure {
    /// Takes a place in the queue, of which `batch` changes are one commit. `None`: the wait would be too long.
    pub(crate) fn enter(&self, batch: usize) -> Option<QueuePlace<'_>> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let place = QueuePlace(self);
        let commits = u64::try_from(before / batch).unwrap_or(u64::MAX);
        let wait = Duration::from_micros(self.commit.load(Ordering::Relaxed).saturating_mul(commits));
        (wait <= PATIENCE).then_some(place)
    }

    /// Records how long a commit took, and whether it was made.
    pub(crate) fn committed(&self, took: Duration, made: bool) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.commit.load(Ordering::Relaxed);
        self.commit
            .store((before.saturating_mul(3).saturating_add(took)) / 4, Ordering::Relaxed);
        self.failing.store(!made, Ordering::SeqCst);
    }

    /// Whether the last commit failed.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::SeqCst)
    }
}

impl Drop for QueuePlace<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_would_wait_too_long_is_refused_until_others_have_gone() {
        let pressure = Pressure::default();
        for _ in 0..20 {
            pressure.committed(Duration::from_millis(100), true);
        }
        // Two commits of ten are before the thirtieth, which is 200 ms.
        let mut places: Vec<_> = (0..30).map(|_| pressure.enter(10)).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(pressure.enter(10).is_none());
        assert!(pressure.enter(10).is_none(), "who was refused does not wait");
        places.pop();
        assert!(pressure.enter(10).is_some());
    }

    #[test]
    fn what_fits_into_one_commit_is_never_refused() {
        let pressure = Pressure::default();
        pressure.committed(Duration::from_secs(60), false);
        let places: Vec<_> = (0..10).map(|_| pressure.enter(10)).collect();
        assert!(places.iter().all(Option::is_some));
    }

    #[test]
    fn a_failure_is_known_until_a_commit_is_made() {
        let pressure = Pressure::default();
        assert!(!pressure.is_failing());
        pressure.committed(Duration::ZERO, false);
        assert!(pressure.is_failing());
        pressure.committed(Duration::ZERO, true);
        assert!(!pressure.is_failing());
    }
}
