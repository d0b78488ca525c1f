//! The few numbers that the database keeps about the configuration.

use super::engine::writer::work::Write;
use super::model::{ChangeKind, NewChange};
use super::rows::first;
use super::value::Statement;
use super::{Result, Store, StoreError};
use crate::time::Instant;
use std::time::Duration;

impl Store {
    /// Stores the longest access lifetime ever configured, and returns it; called at each start. An entry of the feed
    /// must outlive every access token ever issued, also under an older configuration.
    pub async fn keep_longest_access(&self, lifetime: Duration) -> Result<Duration> {
        self.write(vec![put_longest(lifetime)]).await?;
        let longest = self.longest_access().await?.ok_or(StoreError::Conflict)?;
        self.use_longest_access(longest);
        Ok(longest)
    }

    /// The same beside other running servers, which read it from the feed. Whether it is longer than the one that
    /// they use until then.
    pub async fn share_longest_access(&self, lifetime: Duration, now: Instant) -> Result<bool> {
        let before = self.longest_access().await?;
        let longer = before.is_some_and(|before| before < lifetime);
        if longer {
            self.use_longest_access(lifetime);
            let change = NewChange::about(ChangeKind::Key, LONGEST_ACCESS.as_bytes(), now);
            self.write_announcing(vec![put_longest(lifetime)], change).await?;
        } else {
            self.keep_longest_access(lifetime).await?;
        }
        Ok(longer)
    }

    /// Uses the stored longest access lifetime: another server may have a longer one.
    pub async fn use_kept_longest_access(&self) -> Result<()> {
        if let Some(longest) = self.longest_access().await? {
            self.use_longest_access(longest);
        }
        Ok(())
    }

    /// The longest access lifetime ever configured, if there was one.
    pub async fn longest_access(&self) -> Result<Option<Duration>> {
        let rows = self.read(SETTING, &[LONGEST_ACCESS.into()]).await?;
        let millis = first(rows, super::value::Row::take::<i64>)?;
        Ok(millis.map(|millis| Duration::from_millis(millis.max(0).unsigned_abs())))
    }

    /// Whether the database can be written, as far as the last commit tells. The writer tries another by itself after one that
    /// failed: to ask costs nothing.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where not.
    pub fn check_writing(&self) -> Result<()> {
        if self.is_failing() {
            return Err(StoreError::Unavailable("the last commit failed".to_owned()));
        }
        Ok(())
    }
}

/// A write that shows whether the database takes writes.
pub(super) fn probe() -> Write {
    Write {
        statements: vec![Statement::new(PROBE, vec![LAST_PROBE.into()])],
        ..Write::default()
    }
}

fn put_longest(lifetime: Duration) -> Statement {
    let millis = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    Statement::new(PUT_LONGEST, vec![LONGEST_ACCESS.into(), millis.into()]).expect_one()
}

const LONGEST_ACCESS: &str = "longest_access";
const LAST_PROBE: &str = "last_probe";

const SETTING: &str = "SELECT value FROM settings WHERE name = $1";

/// Another value each time, so that the commit has something to write.
const PROBE: &str =
    "INSERT INTO settings (name, value) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET value = settings.value + 1";

const PUT_LONGEST: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET \
     value = CASE WHEN settings.value < excluded.value THEN excluded.value ELSE settings.value END";
