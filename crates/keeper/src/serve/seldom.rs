//! Keeps a fault that each request or pass meets out of the log but once a minute.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const AGAIN: Duration = Duration::from_secs(60);

/// When something was told last.
#[derive(Default)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it is time to tell it. Then it is not before a minute has passed.
    pub(crate) fn is_time(&self, now: Instant) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|at| now.saturating_duration_since(at) < AGAIN) {
            return false;
        }
        *told = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_every_request_is_told_once_a_minute() {
        let (seldom, now) = (Seldom::default(), Instant::now());
        assert!(seldom.is_time(now));
        for seconds in 0..60 {
            assert!(!seldom.is_time(now + Duration::from_secs(seconds)), "{seconds}");
        }
        assert!(seldom.is_time(now + AGAIN));
        assert!(!seldom.is_time(now + AGAIN));
    }
}
