//! What happens to refreshes: counts of each, and a line in the log for each new cause and for a vault that fails.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hallpass_client::keeper::{Connection, Noted, Observer, VaultError};
use tokio::time::Instant;

use crate::metrics::Metrics;
use crate::serve::Seldom;

/// A cause that goes on is told again after this time.
const AGAIN: Duration = Duration::from_secs(3_600);
/// The most causes that are remembered of one provider, which chooses the words: it silences no other.
const CAUSES: usize = 100;
const ODD_DATE: &str = "odd_date";

pub(crate) struct Refreshes {
    metrics: Metrics,
    told: Mutex<HashMap<String, HashMap<String, Instant>>>,
    /// When to tell that the vault fails.
    seldom: Seldom,
}

impl Refreshes {
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            told: Mutex::default(),
            seldom: Seldom::default(),
        }
    }

    /// Whether a cause is news for its provider.
    fn is_news(&self, provider: &str, cause: &str, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let told = told.entry(provider.to_owned()).or_default();
        let is_fresh = |at: &Instant| now.duration_since(*at) < AGAIN;
        if told.get(cause).is_some_and(is_fresh) {
            return false;
        }
        if told.len() >= CAUSES {
            told.retain(|_, at| is_fresh(at));
        }
        if told.len() >= CAUSES {
            return false;
        }
        told.insert(cause.to_owned(), now);
        true
    }
}

impl Observer for Refreshes {
    fn refreshed(&self, connection: &Connection, noted: Noted<'_>) {
        let now = Instant::now();
        let provider = connection.provider();
        self.metrics.refresh(provider, noted.outcome);
        self.metrics.skew(provider, noted.clock_skew);
        if noted.has_odd_date && self.is_news(provider, ODD_DATE, now) {
            tracing::warn!(
                provider,
                "the provider's clock is more than an hour away: its `Date` is not believed"
            );
        }
        let Some(cause) = noted.cause else { return };
        if self.is_news(provider, cause, now) {
            let outcome = noted.outcome;
            tracing::warn!(provider, %connection, outcome, cause, "a refresh failed; told once an hour for each cause");
        }
    }

    fn vault_failed(&self, error: &VaultError) {
        if self.seldom.is_time(Instant::now()) {
            tracing::error!(%error, "{}", told_of(error));
        }
    }
}

/// Trying again mends a vault that fails, and no record.
fn told_of(error: &VaultError) -> &'static str {
    match error {
        VaultError::Sealed(_) | VaultError::UnknownState(_) => {
            "a connection cannot be kept fresh until its user connects again; told once a minute"
        }
        _ => "the vault failed while tokens were kept fresh; trying again, told once a minute",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_record_is_no_failure_of_the_vault() {
        let told = |error: fn(String) -> VaultError| told_of(&error("shop/1".to_owned()));
        assert!(told(VaultError::Locked).contains("the vault failed"));
        assert!(!told(VaultError::Sealed).contains("the vault failed"));
    }

    #[test]
    fn a_cause_is_news_once_an_hour_for_each_provider() {
        let refreshes = Refreshes::new(Metrics::default());
        let now = Instant::now();
        assert!(refreshes.is_news("shop", "status_503", now));
        assert!(!refreshes.is_news("shop", "status_503", now));
        assert!(refreshes.is_news("shop", "invalid_client", now));
        assert!(refreshes.is_news("crm", "status_503", now));
        assert!(refreshes.is_news("shop", "status_503", now + AGAIN));
        for number in 0..2 * CAUSES {
            refreshes.is_news("shop", &number.to_string(), now + AGAIN);
        }
        assert_eq!(refreshes.told.lock().unwrap()["shop"].len(), CAUSES);
        assert!(
            refreshes.is_news("crm", "status_502", now + AGAIN),
            "one silences no other"
        );
    }
}
