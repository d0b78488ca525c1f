//! The log of an authorization server that cannot be asked: a line when that begins, and a line when it is over, for one outage
//! a minute. If every other question fails, the log is not longer.

use crate::clock::Moment;
use crate::refused::Unavailable;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The least time from the beginning of an outage that is told to the next one.
const AGAIN: Duration = Duration::from_secs(60);

/// The outage that is told.
#[derive(Default)]
pub(super) struct Outage(Mutex<Told>);

#[derive(Default)]
struct Told {
    lasts: bool,
    /// When the last one was told.
    at: Option<Moment>,
}

impl Outage {
    /// Notes how a question ended. Returns whether that was told.
    pub(super) fn note(&self, failure: Option<&Unavailable>, now: Moment) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.lasts == failure.is_some() || (!told.lasts && told.at.is_some_and(|at| now.age_of(at) < AGAIN)) {
            return false;
        }
        told.lasts = failure.is_some();
        match failure {
            Some(failure) => {
                told.at = Some(now);
                tracing::warn!(
                    reason = %failure.reason,
                    "failed to ask the authorization server about a token; requests with tokens that it must judge get 503"
                );
            }
            None => tracing::info!("the authorization server answers questions about tokens again"),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_when_it_begins_and_when_it_ends_once_a_minute() {
        let outage = Outage::default();
        let failure = Unavailable::new("no answer");
        let note = |end, second| {
            let now = Moment {
                now_ms: 0,
                steady: Duration::from_secs(second),
            };
            outage.note(end, now)
        };
        let told = [None, Some(&failure), Some(&failure), None, None].map(|end| note(end, 100));
        assert_eq!(told, [false, true, false, true, false]);
        for second in 101..160 {
            assert!(!note(Some(&failure), second) && !note(None, second), "{second}");
        }
        assert!(
            !note(Some(&failure), 159) && note(Some(&failure), 160),
            "it lasts, and is told late"
        );
        assert!(note(None, 161));
    }
}
