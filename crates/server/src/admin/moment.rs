//! Moments as people and programs read them: RFC 3339, in UTC.

use crate::time::Instant;
use jiff::Timestamp;

/// The moment as text. One beyond the year 9999 is the last that can be written.
pub(super) fn text(moment: Instant) -> String {
    Timestamp::from_millisecond(moment.0)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}
