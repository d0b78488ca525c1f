//! Moments in the answers of the admin API.

use crate::time::Instant;

/// The moment as text.
pub(super) fn text(moment: Instant) -> String {
    moment.rfc3339()
}
