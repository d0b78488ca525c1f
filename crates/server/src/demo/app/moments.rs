//! Formats times and durations for the sample app.

use std::time::Duration;

use crate::time::Instant;

/// `23 Nov 2026 14:03:22 UTC`.
pub(super) fn time(moment: Instant) -> String {
    let formatted =
        jiff::Timestamp::from_millisecond(moment.0).map(|at| at.strftime("%-d %b %Y %H:%M:%S UTC").to_string());
    formatted.unwrap_or_default()
}

/// The two largest units: `6 d 23 h`, `59 min 58 s`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts: Vec<String> = units
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_two_units_at_most() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (3600, "1 h"),
            (3598, "59 min 58 s"),
            (604_799, "6 d 23 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_time_is_written_in_utc() {
        assert_eq!(time(Instant(1_795_442_602_000)), "23 Nov 2026 14:03:22 UTC");
    }
}
