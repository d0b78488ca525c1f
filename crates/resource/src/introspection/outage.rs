//! The log of an authorization server that cannot be asked: a line when that begins, and a line when it is over.

use crate::refused::Unavailable;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the last question failed.
#[derive(Default)]
pub(super) struct Outage {
    lasts: AtomicBool,
}

impl Outage {
    /// Notes how a question ended. Returns whether that was another end than the one before.
    pub(super) fn note(&self, failure: Option<&Unavailable>) -> bool {
        let changed = self.lasts.swap(failure.is_some(), Ordering::Relaxed) != failure.is_some();
        match failure {
            Some(failure) if changed => tracing::warn!(
                reason = %failure.reason,
                "failed to ask the authorization server about a token; requests with tokens that it must judge get 503"
            ),
            None if changed => tracing::info!("the authorization server answers questions about tokens again"),
            _ => {}
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_when_it_begins_and_when_it_ends() {
        let outage = Outage::default();
        let failure = Unavailable::new("no answer");
        let told = [None, Some(&failure), Some(&failure), None, None].map(|end| outage.note(end));
        assert_eq!(told, [false, true, false, true, false]);
    }
}
