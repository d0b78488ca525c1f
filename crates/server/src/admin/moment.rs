//! Moments as people and programs read them: RFC 3339, in UTC, always with milliseconds: they line up, and sort as text.

use crate::time::Instant;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// The moment as text. A moment after the year 9999 is written as the last one that has a form.
pub(super) fn text(moment: Instant) -> String {
    PRINTER.timestamp_to_string(&Timestamp::from_millisecond(moment.0).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_milliseconds() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_200, "2023-11-14T22:13:20.200Z"),
            (1_700_000_000_226, "2023-11-14T22:13:20.226Z"),
        ] {
            assert_eq!(text(Instant(millis)), expected);
        }
        assert_eq!(text(Instant(i64::MAX)).len(), text(Instant(0)).len());
    }
}
