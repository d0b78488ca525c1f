//! Limits how often a person may do what leaves an event in the audit log and ends no access.
//!
//! Old grants make room for new ones (docs/decisions/0047), and deleted apps for new ones, but each consent and each change
//! adds an event to the audit log, which is kept for a year. A browser that allows or changes an app all day long would fill
//! the disk. Nothing else is limited: to end access always works, and can end only what was made before.

use crate::store::model::{AppId, UserId};
use crate::time::Instant;
use quick_cache::sync::Cache;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The time in which the whole allowance is refilled, in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;
/// The smallest allowance in an hour. Nobody reaches it by hand, but the automated tests of a site may.
const LEAST: u32 = 500;
/// The number of keys that are remembered.
const KEYS: usize = 10_000;

/// How often each person allowed each app.
pub(crate) type Consents = HourlyLimit<(UserId, AppId)>;
/// How often each person changed something on a page: apps, their secrets, grants of an organization.
pub(crate) type Changes = HourlyLimit<UserId>;

/// Counts in memory how often something was done for each key.
pub struct HourlyLimit<K> {
    /// The moment at which the whole allowance is available again.
    full: Cache<K, Arc<AtomicI64>>,
    /// The time until one more is available, in milliseconds.
    each: i64,
}

impl Consents {
    /// Creates the limit. `grants` is how many grants of a person and an app the server keeps
    /// (`tokens.grants_per_user_and_app`). Ten times as many consents are allowed in an hour, and at least 500.
    #[must_use]
    pub fn new(grants: u32) -> Self {
        Self::per_hour(grants.saturating_mul(10).max(LEAST))
    }
}

/// 500 changes of a person in an hour.
impl Default for Changes {
    fn default() -> Self {
        Self::per_hour(LEAST)
    }
}

impl<K: Copy + Eq + Hash> HourlyLimit<K> {
    fn per_hour(allowance: u32) -> Self {
        Self {
            full: Cache::new(KEYS),
            each: (HOUR / i64::from(allowance)).max(1),
        }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// How long the person has to wait, if there were too many.
    pub fn count(&self, key: K, now: Instant) -> Result<(), Duration> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
        let Ok(full) = self.full.get_or_insert_with(&key, fresh);
        let after_one_more = |full: i64| {
            // A moment more than an hour ahead means that the clock was turned back. Nobody has to wait for that.
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
            .take_while(|_| consents.count((PERSON, app), Instant(now)).is_ok())
            .count()
    }

    #[test]
    fn the_allowance_of_an_hour_is_used_up_then_refills_one_by_one() {
        let consents = Consents::new(50);
        assert_eq!(counted(&consents, APP, 0), 500);
        assert_eq!(
            consents.count((PERSON, APP), Instant(0)),
            Err(Duration::from_millis(7200))
        );
        assert_eq!(counted(&consents, APP, 7200), 1);
        assert_eq!(counted(&consents, APP, 7200 + HOUR), 500);
        assert_eq!(counted(&consents, AppId(Uuid::from_u128(3)), 0), 500, "another app");
    }

    #[test]
    fn more_grants_per_person_allow_more_consents_an_hour() {
        assert_eq!(counted(&Consents::new(200), APP, 0), 2000);
        assert_eq!(
            counted(&Consents::new(u32::MAX), APP, 0),
            10_000,
            "as many as were tried"
        );
    }

    #[test]
    fn a_clock_that_is_turned_back_makes_nobody_wait() {
        let consents = Consents::new(50);
        assert_eq!(counted(&consents, APP, 10 * HOUR), 500);
        assert_eq!(counted(&consents, APP, 0), 500);
    }
}
