//! The few numbers that the database remembers about its configuration.

use super::value::Statement;
use super::{Result, Store, StoreError, first};
use crate::time::Instant;
use std::time::Duration;

impl Store {
    /// Remembers the longest access lifetime ever configured: an entry of the feed must outlive every access token that
    /// was ever issued, also under an older configuration. Called at each start with the present one; answers the longest.
    pub async fn keep_longest_access(&self, lifetime: Duration) -> Result<Duration> {
        let millis = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
        let params = vec![LONGEST_ACCESS.into(), millis.into()];
        self.write(vec![Statement::new(PUT_LONGEST, params).expect_one()])
            .await?;
        let longest = self.longest_access().await?.ok_or(StoreError::Conflict)?;
        self.use_longest_access(longest);
        Ok(longest)
    }

    /// The longest access lifetime ever configured, once there was one.
    pub async fn longest_access(&self) -> Result<Option<Duration>> {
        let rows = self.read(SETTING, &[LONGEST_ACCESS.into()]).await?;
        let millis = first(rows, super::value::Row::take::<i64>)?;
        Ok(millis.map(|millis| Duration::from_millis(millis.max(0).unsigned_abs())))
    }

    /// Whether the database can be written. After a commit that failed one is tried, for otherwise a server that gets no
    /// requests because it is not ready would never learn that it is again.
    pub async fn check_writing(&self, now: Instant) -> Result<()> {
        if !self.is_failing() {
            return Ok(());
        }
        let params = vec![LAST_PROBE.into(), now.into()];
        self.write(vec![Statement::new(PUT, params).expect_one()]).await
    }
}

const LONGEST_ACCESS: &str = "longest_access";
const LAST_PROBE: &str = "last_probe";

const SETTING: &str = "SELECT value FROM settings WHERE name = $1";

const PUT: &str =
    "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";

const PUT_LONGEST: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET \
     value = CASE WHEN settings.value < excluded.value THEN excluded.value ELSE settings.value END";
