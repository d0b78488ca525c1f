//! How often one person may allow one app.
//!
//! Rows make room for each other (docs/decisions/0047), but each time leaves an event in the audit log, which is kept for a year.
//! A browser that allows all day would fill the disk with it. Nothing else waits: to end access always works.

use crate::store::model::{AppId, UserId};
use crate::time::Instant;
use quick_cache::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Milliseconds in which a person may use up what is allowed.
const HOUR: i64 = 60 * 60 * 1000;
/// Nobody does that by hand; the tests of a site may.
const LEAST: u32 = 500;
/// How many pairs of a person and an app are remembered.
const PAIRS: usize = 10_000;

/// Who allowed what how often, in memory.
pub struct Consents {
    /// When all that is allowed is there again.
    full: Cache<(UserId, AppId), Arc<AtomicI64>>,
    /// Milliseconds until one more is there again.
    each: i64,
}

impl Consents {
    /// For a server that keeps so many grants of a person and an app (`tokens.grants_per_user_and_app`): ten times as many in an
    /// hour, and 500 at least.
    #[must_use]
    pub fn new(grants: u32) -> Self {
        Self {
            full: Cache::new(PAIRS),
            each: (HOUR / i64::from(grants.saturating_mul(10).max(LEAST))).max(1),
        }
    }

    /// Counts one.
    ///
    /// # Errors
    /// How long the person has to wait, where there were too many.
    pub fn count(&self, person: UserId, app: AppId, now: Instant) -> Result<(), Duration> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
        let Ok(full) = self.full.get_or_insert_with(&(person, app), fresh);
        let after_one_more = |full: i64| {
            // Later than in an hour means that the clock was turned back; nobody waits for that.
            let full = if full > now.0 + HOUR { now.0 } else { full.max(now.0) };
            (full + self.each <= now.0 + HOUR).then_some(full + self.each)
        };
        let counted = full.fetch_update(Ordering::SeqCst, Ordering::SeqCst, after_one_more);
        counted
            .map(drop)
            .map_err(|_| Duration::from_millis(self.each.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const PERSON: UserId = UserId(Uuid::from_u128(1));
    const APP: AppId = AppId(Uuid::from_u128(2));

    fn counted(consents: &Consents, app: AppId, now: i64) -> usize {
        (0..10_000)
            .take_while(|_| consents.count(PERSON, app, Instant(now)).is_ok())
            .count()
    }

    #[test]
    fn so_many_an_hour_are_allowed_and_then_one_at_a_time() {
        let consents = Consents::new(50);
        assert_eq!(counted(&consents, APP, 0), 500);
        assert_eq!(
            consents.count(PERSON, APP, Instant(0)),
            Err(Duration::from_millis(7200))
        );
        assert_eq!(counted(&consents, APP, 7200), 1);
        assert_eq!(counted(&consents, APP, 7200 + HOUR), 500);
        assert_eq!(counted(&consents, AppId(Uuid::from_u128(3)), 0), 500, "another app");
    }

    #[test]
    fn whoever_keeps_more_grants_may_allow_more_often() {
        assert_eq!(counted(&Consents::new(200), APP, 0), 2000);
        assert_eq!(
            counted(&Consents::new(u32::MAX), APP, 0),
            10_000,
            "as many as were tried"
        );
    }

    #[test]
    fn a_clock_that_is_turned_back_keeps_nobody_waiting() {
        let consents = Consents::new(50);
        assert_eq!(counted(&consents, APP, 10 * HOUR), 500);
        assert_eq!(counted(&consents, APP, 0), 500);
    }
}
