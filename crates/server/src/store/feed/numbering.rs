//! How the feed's entries are numbered, and how long they stay.
//!
//! Each run of a server counts its own, under a name that no other run has: whoever reads the feed keeps one mark for each
//! name, and misses nothing however late a commit becomes visible (docs/decisions/0027).

use crate::store::Result;
use crate::store::engine::writer::bounds::Bounds;
use crate::store::error::unavailable;
use crate::store::model::{Change, Mark, NewChange};
use crate::time::Instant;
use std::time::Duration;

/// How far a clock may be turned back without a revoked token coming to life again: more than any wrong time zone. By that
/// much a token's expiry may lie beyond what this moment and its life say, and an entry be missed after it seemed over.
pub(crate) const SETBACK: Duration = Duration::from_secs(24 * 3600);

/// The numbering of this run's changes.
#[derive(Clone, Copy)]
pub(crate) struct Numbering {
    node: [u8; 16],
    number: i64,
    /// The latest moment that a write came with: tokens may have been issued until then, even where the clock went back.
    latest: Instant,
}

impl Numbering {
    /// Begins under a name that nobody had before.
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

    /// Goes on under another name: after a commit that failed, of which it may be that nobody knows whether it was made.
    pub(crate) fn rename(&mut self) {
        let node = u128::from_be_bytes(self.node).wrapping_add(1).to_be_bytes();
        *self = Self {
            latest: self.latest,
            ..Self::named(node)
        };
    }

    /// How far it has come, and under which name.
    pub(crate) fn mark(&self) -> Mark {
        let (node, number) = (self.node, self.number);
        Mark { node, number }
    }

    /// A write came with this moment.
    pub(crate) fn note(&mut self, now: Instant) {
        self.latest = self.latest.max(now);
    }

    /// The entry that tells of a change. A number that is not used in the end is missed by nobody.
    pub(crate) fn entry(&mut self, change: &NewChange, bounds: &Bounds) -> Change {
        self.number += 1;
        // When the last access token expires that was issued until now.
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
