//! What the writer is told while it runs: how long access tokens live, how long the audit log is kept, and by what time what is
//! due is treated.

use crate::time::Instant;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How long feed entries stay before the server has said how long access tokens live: longer than any.
const UNTOLD: Duration = Duration::from_secs(400 * 24 * 3600);

/// By what time what is due is treated.
pub(crate) type SweepClock = Box<dyn Fn() -> Instant + Send + Sync>;

/// What the writer is told.
#[derive(Default)]
pub(crate) struct Bounds {
    /// In milliseconds; 0: not told.
    longest_access: AtomicI64,
    /// In milliseconds; 0: not told.
    audit_kept: AtomicI64,
    sweep_clock: OnceLock<SweepClock>,
}

impl Bounds {
    /// The longest life of any access token.
    pub(crate) fn use_longest_access(&self, longest: Duration) {
        let millis = i64::try_from(longest.as_millis()).unwrap_or(i64::MAX);
        self.longest_access.store(millis, Ordering::SeqCst);
    }

    /// How long events of the audit log are kept.
    pub(crate) fn keep_audit_for(&self, kept: Duration) {
        let millis = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        self.audit_kept.store(millis, Ordering::SeqCst);
    }

    /// Events of this moment and before are deleted; none before the server has said how long they are kept.
    pub(crate) fn audit_over(&self, now: Instant) -> Instant {
        match self.audit_kept.load(Ordering::SeqCst) {
            0 => Instant(i64::MIN),
            millis => now.before(Duration::from_millis(millis.unsigned_abs())),
        }
    }

    /// The clock to treat what is due by, where it is behind the one that writes come with. Only the first is taken.
    pub(crate) fn sweep_by(&self, clock: SweepClock) {
        let _ = self.sweep_clock.set(clock);
    }

    pub(crate) fn longest_access(&self) -> Duration {
        match self.longest_access.load(Ordering::SeqCst) {
            0 => UNTOLD,
            millis => Duration::from_millis(millis.unsigned_abs()),
        }
    }

    /// Until when what is due is treated, where a write comes with `now`.
    pub(crate) fn swept_until(&self, now: Instant) -> Instant {
        self.sweep_clock.get().map_or(now, |clock| clock().min(now))
    }
}
