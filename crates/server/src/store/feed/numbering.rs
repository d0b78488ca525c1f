//! Numbers of the entries of the feed, and how long entries stay.
//!
//! Each run of a server counts its own entries, under a random name. A reader of the feed keeps one mark for each name,
//! and misses nothing however late a commit becomes visible (docs/decisions/0027).

use crate::store::Result;
use crate::store::engine::writer::bounds::BatchBounds;
use crate::store::error::unavailable;
use crate::store::model::{Change, Mark, NewChange};
use crate::time::Instant;
use std::time::Duration;

/// How far a clock may be turned back without making a revoked token valid again: more than any wrong time zone. A token
/// may expire that much later than its issue time and life say, and an entry may be needed after it seemed expired.
pub(crate) const SETBACK: Duration = Duration::from_secs(24 * 3600);

/// The numbers of the entries of this run.
#[derive(Clone, Copy)]
pub(crate) struct Numbering {
    node: [u8; 16],
    number: i64,
    /// The latest time of any write: tokens may have been issued until then, even if the clock was turned back.
    latest: Instant,
}

impl Numbering {
    /// Begins a run with a new name.
    pub(crate) fn begin() -> Result<Self> {
        let mut node = [0; 16];
        #[expect(
            clippy::disallowed_methods,
            reason = "no decision and no secret hangs on it: a name no other run has"
        )]
        getrandom::fill(&mut node).map_err(unavailable)?;
        Ok(Self::named(node))
    }

    pub(crate) fn named(node: [u8; 16]) -> Self {
        let (number, latest) = (0, Instant(0));
        Self { node, number, latest }
    }

    /// Begins a new run, after a commit of which it may be unknown whether it was made.
    pub(crate) fn rename(&mut self) {
        let node = u128::from_be_bytes(self.node).wrapping_add(1).to_be_bytes();
        *self = Self {
            latest: self.latest,
            ..Self::named(node)
        };
    }

    /// The name of the run and its last number.
    pub(crate) fn mark(&self) -> Mark {
        let (node, number) = (self.node, self.number);
        Mark { node, number }
    }

    /// Records the time of a write.
    pub(crate) fn note(&mut self, now: Instant) {
        self.latest = self.latest.max(now);
    }

    /// Makes the entry for a change. A number that is never committed is missed by no reader.
    pub(crate) fn entry(&mut self, change: &NewChange, bounds: &BatchBounds) -> Change {
        self.number += 1;
        // When the last access token issued until now expires.
        let last_expiry = change.at.max(self.latest).after(bounds.longest_access());
        Change {
            node: self.node,
            number: self.number,
            at: change.at,
            expires: change.expires.unwrap_or(last_expiry).after(SETBACK),
            kind: change.kind,
            subject: change.subject.clone(),
            value: change.value,
        }
    }
}
