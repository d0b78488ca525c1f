//! The clock of the demo: the machine's clock, plus the time by which a person moved it forward.
//!
//! Nobody can wait an hour to see a token expire. Server, sample API and sample app share this clock, so the button of the
//! app shows a real expiry that each of them checks. The offset is stored in the data folder, so that time never goes back.
//! Browser sessions last twelve hours, and a token of a preset lasts a week. So the clock postpones the end of all sessions
//! before it moves: a person who lets a token expire stays signed in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use super::folder::write_private;
use crate::serve::hallpass::Hallpass;
use crate::time::{Clock, Instant};

/// The interval at which the shared clock follows the machine's.
const TICK: Duration = Duration::from_millis(20);

/// A clock that can be moved forward.
pub(super) struct DemoClock {
    now: Arc<AtomicI64>,
    ahead: AtomicI64,
    kept: PathBuf,
    server: OnceLock<Weak<Hallpass>>,
}

impl DemoClock {
    /// Opens the clock whose offset is stored in `folder`.
    pub(super) fn open(folder: &Path) -> Arc<Self> {
        let kept = folder.join("demo-clock");
        let ahead = fs::read_to_string(&kept)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        let clock = Self {
            now: Arc::default(),
            ahead: AtomicI64::new(ahead),
            kept,
            server: OnceLock::new(),
        };
        clock.follow();
        Arc::new(clock)
    }

    /// The same clock, in the form that the server takes.
    pub(super) fn shared(&self) -> Clock {
        Clock::Manual(Arc::clone(&self.now))
    }

    pub(super) fn now(&self) -> Instant {
        self.shared().now()
    }

    /// How far the clock is ahead of the machine's.
    pub(super) fn ahead(&self) -> Duration {
        Duration::from_millis(self.ahead.load(Ordering::SeqCst).max(0).unsigned_abs())
    }

    /// Sets the server whose sessions are postponed when the clock moves.
    pub(super) fn keep_sessions_of(&self, server: &Arc<Hallpass>) {
        self.server.get_or_init(|| Arc::downgrade(server));
    }

    /// Moves the clock forward.
    pub(super) async fn advance(&self, span: Duration) {
        if let Some(server) = self.server.get().and_then(Weak::upgrade)
            && let Err(error) = server.store.postpone_sessions(span).await
        {
            tracing::warn!(%error, "failed to postpone the end of sessions: people may have to sign in again");
        }
        let span = i64::try_from(span.as_millis()).unwrap_or(0);
        let ahead = self.ahead.fetch_add(span, Ordering::SeqCst) + span;
        if let Err(error) = write_private(&self.kept, &ahead.to_string()) {
            tracing::warn!(%error, "failed to store the offset of the demo's clock: after a restart, time goes back");
        }
        self.follow();
    }

    /// Follows the machine's clock until the process ends.
    pub(super) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.follow();
        }
    }

    fn follow(&self) {
        let now = Clock::System.now().0 + self.ahead.load(Ordering::SeqCst);
        self.now.fetch_max(now, Ordering::SeqCst);
    }
}

/// The clock of the sample app.
impl hallpass_client::Clock for DemoClock {
    fn now_millis(&self) -> i64 {
        self.now().0
    }
}

/// The clocks of the sample API.
impl hallpass_resource::Clock for DemoClock {
    fn now_ms(&self) -> i64 {
        self.now().0
    }

    /// The demo's clock is never set back.
    fn steady(&self) -> Duration {
        self.now().since(Instant(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::folder::Folder;

    #[tokio::test]
    async fn a_clock_that_was_moved_stays_ahead_after_a_restart() {
        let folder = Folder::open(None).unwrap();
        let before = DemoClock::open(folder.path());
        let early = before.now();
        before.advance(Duration::from_secs(3600)).await;
        assert!(before.now().since(early) >= Duration::from_secs(3600));
        assert_eq!(DemoClock::open(folder.path()).ahead(), Duration::from_secs(3600));
    }
}
