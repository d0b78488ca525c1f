//! Settings of the running writer: the longest life of access tokens, how long the audit log is kept, and the clock of
//! the expiry sweep.

use crate::time::Instant;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How long feed entries are kept until the server sets the life of access tokens: longer than any.
const UNTOLD: Duration = Duration::from_secs(400 * 24 * 3600);

/// Clock used by the expiry sweep.
pub(crate) type SweepClock = Box<dyn Fn() -> Instant + Send + Sync>;

#[derive(Default)]
pub(crate) struct BatchBounds {
    /// In milliseconds; 0: not set.
    longest_access: AtomicI64,
    /// In milliseconds; 0: not set.
    audit_kept: AtomicI64,
    sweep_clock: OnceLock<SweepClock>,
}

impl BatchBounds {
    /// Sets the longest life of any access token.
    pub(crate) fn use_longest_access(&self, longest: Duration) {
        let millis = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        self.longest_access.store(millis, Ordering::SeqCst);
    }

    /// Sets how long events of the audit log are kept.
    pub(crate) fn keep_audit_for(&self, kept: Duration) {
        let millis = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        self.audit_kept.store(millis, Ordering::SeqCst);
    }

    /// Events up to this moment are deleted. Before the server has set how long they are kept, none are.
    pub(crate) fn audit_over(&self, now: Instant) -> Instant {
        match self.audit_kept.load(Ordering::SeqCst) {
            0 => Instant(i64::MIN),
            millis => now.before(Duration::from_millis(millis.unsigned_abs())),
        }
    }

    /// Sets the clock of the sweep, which is used if it is behind the time of the write. Only the first call counts.
    pub(crate) fn sweep_by(&self, clock: SweepClock) {
        let _ = self.sweep_clock.set(clock);
    }

    pub(crate) fn longest_access(&self) -> Duration {
        match self.longest_access.load(Ordering::SeqCst) {
            0 => UNTOLD,
            millis => Duration::from_millis(millis.unsigned_abs()),
        }
    }

    /// The moment up to which rows are due, in a commit whose writes came at `now`.
    pub(crate) fn swept_until(&self, now: Instant) -> Instant {
        self.sweep_clock.get().map_or(now, |clock| clock().min(now))
    }
}
