//! How old the memory of a server may be (docs/decisions/0026).
//!
//! A server is fresh if it knows everything that any server acknowledged until two seconds ago. The proof is a heartbeat that was
//! committed together with a read of the feed: the server knows everything up to the moment before it sent the heartbeat. A read
//! alone proves nothing, because a primary that was cut off still answers reads.

use crate::time::{Instant, Reading};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The largest age of memory.
pub(crate) const STALENESS: Duration = Duration::from_secs(2);

/// The last moment up to which everything is known. Its two halves are not read together; a mixture of two moments is older
/// than the newer one, so it is safe.
#[derive(Debug)]
pub(super) struct Freshness {
    boot: AtomicI64,
    wall: AtomicI64,
}

impl Default for Freshness {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            boot: AtomicI64::new(i64::MIN),
            wall: AtomicI64::new(i64::MIN),
        }
    }
}

impl Freshness {
    /// Everything is known that was acknowledged before this moment.
    pub(super) fn prove(&self, at: Reading) {
        self.boot.store(at.boot, Ordering::SeqCst);
        self.wall.store(at.wall.0, Ordering::SeqCst);
    }

    /// Whether memory is fresh at this moment. The clock by which more time has passed decides: one clock stops while the
    /// machine is suspended, and the other can be set.
    pub(super) fn at(&self, now: Reading) -> bool {
        let proved = Reading {
            boot: self.boot.load(Ordering::SeqCst),
            wall: Instant(self.wall.load(Ordering::SeqCst)),
        };
        now.since(proved) < STALENESS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(boot: i64, wall: i64) -> Reading {
        let wall = Instant(wall);
        Reading { boot, wall }
    }

    #[test]
    fn nothing_is_known_before_the_first_proof() {
        assert!(!Freshness::default().at(at(0, 0)));
    }

    #[test]
    fn memory_counts_for_less_than_two_seconds() {
        let freshness = Freshness::default();
        freshness.prove(at(1000, 50_000));
        assert!(freshness.at(at(1000, 50_000)));
        assert!(freshness.at(at(2999, 51_999)));
        assert!(!freshness.at(at(3000, 52_000)));
    }

    #[test]
    fn the_clock_that_says_more_counts() {
        let freshness = Freshness::default();
        freshness.prove(at(1000, 50_000));
        assert!(
            !freshness.at(at(3000, 50_100)),
            "suspended, and the wall clock set back"
        );
        assert!(
            !freshness.at(at(1100, 52_000)),
            "suspended, and the other clock stood still"
        );
        assert!(freshness.at(at(1100, 10_000)), "set back");
    }

    #[test]
    fn a_later_proof_counts_from_its_own_moment() {
        let freshness = Freshness::default();
        freshness.prove(at(1000, 50_000));
        freshness.prove(at(2000, 51_000));
        assert!(freshness.at(at(3999, 52_999)));
        assert!(!freshness.at(at(4000, 53_000)));
    }
}
