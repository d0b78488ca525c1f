//! Dates, durations and "how long ago" in the reader's language.
//!
//! Days are UTC days. The server does not know the reader's time zone, and a date marked UTC is better than a guess. The
//! `<time>` element holds the exact instant.

use std::fmt;

use askama::filters::{HtmlSafe, HtmlSafeOutput};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words::{Given, Message, Phrase, Words};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// An average month, accurate enough for "5 months ago".
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

const MONTHS: [Message; 12] = [
    Message("month-1"),
    Message("month-2"),
    Message("month-3"),
    Message("month-4"),
    Message("month-5"),
    Message("month-6"),
    Message("month-7"),
    Message("month-8"),
    Message("month-9"),
    Message("month-10"),
    Message("month-11"),
    Message("month-12"),
];

/// A `<time>` element.
pub(super) struct Moment {
    instant: Timestamp,
    text: Phrase,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\">{}</time>", self.instant, self.text)
    }
}

/// Holds an ISO 8601 instant and a phrase, both without foreign markup.
impl HtmlSafe for Moment {}

impl Words {
    /// The day of an instant in Unix milliseconds: "2 Nov 2026".
    pub(super) fn date(self, millis: impl Given<i64>) -> Moment {
        let instant = instant(millis.given());
        Moment {
            instant,
            text: self.day(instant),
        }
    }

    /// Day and minute: "2 Nov 2026, 14:03 UTC".
    pub(super) fn minute(self, millis: impl Given<i64>) -> Moment {
        let instant = instant(millis.given());
        let time = instant.to_zoned(TimeZone::UTC).time();
        let text = self.say("moment-minute").part("date", self.day(instant)).part(
            "time",
            HtmlSafeOutput(format!("{:02}:{:02}", time.hour(), time.minute())),
        );
        Moment { instant, text }
    }

    /// The time from `then` to `now`: "4 minutes ago". A moment after `now` gives "just now".
    pub(super) fn ago(self, then: impl Given<i64>, now: impl Given<i64>) -> Moment {
        let (then, now) = (then.given(), now.given());
        let seconds = seconds_between(then, now);
        let text = match seconds {
            0..MINUTE => self.say("ago-now"),
            MINUTE..HOUR => self.say("ago-minutes").count("n", seconds / MINUTE),
            HOUR..DAY => self.say("ago-hours").count("n", seconds / HOUR),
            _ if seconds < 2 * MONTH => self.say("ago-days").count("n", seconds / DAY),
            _ if seconds < 2 * YEAR => self.say("ago-months").count("n", seconds / MONTH),
            _ => self.say("ago-years").count("n", seconds / YEAR),
        };
        Moment {
            instant: instant(then),
            text,
        }
    }

    /// A duration in the largest unit that divides it: "3 days", "90 seconds".
    pub(super) fn lasting(self, seconds: impl Given<u64>) -> Phrase {
        let (id, n) = in_largest_unit(seconds.given());
        self.say(id).count("n", n)
    }

    fn day(self, instant: Timestamp) -> Phrase {
        let date = instant.to_zoned(TimeZone::UTC).date();
        let month = MONTHS[usize::try_from(date.month() - 1).unwrap_or(0)];
        self.say("moment-day")
            .part("day", date.day())
            .part("month", self.say(month))
            .part("year", date.year())
    }
}

/// The number of units that [`Words::lasting`] writes, which selects the plural of a sentence around it.
pub(super) fn units_of(seconds: u64) -> u64 {
    in_largest_unit(seconds).1
}

fn in_largest_unit(seconds: u64) -> (Message, u64) {
    let units = [
        (Message("span-days"), DAY),
        (Message("span-hours"), HOUR),
        (Message("span-minutes"), MINUTE),
    ];
    let fitting = units
        .into_iter()
        .find(|(_, unit)| seconds >= *unit && seconds.is_multiple_of(*unit));
    let (id, unit) = fitting.unwrap_or((Message("span-seconds"), 1));
    (id, seconds / unit)
}

/// Seconds from `then` to `now`. Zero if `then` is later.
pub(super) fn seconds_between(then: i64, now: i64) -> u64 {
    u64::try_from(now.saturating_sub(then) / 1000).unwrap_or(0)
}

/// The instant of Unix milliseconds. A value out of range becomes the last representable instant.
fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{Locale, words::Words};

    const NOW: i64 = 1_795_000_000_000;

    #[test]
    fn dates_follow_the_language() {
        let day = 1_793_577_600_000; // 2026-11-02T00:00:00Z
        assert_eq!(
            Words::new(Locale::En).date(day).to_string(),
            "<time datetime=\"2026-11-02T00:00:00Z\">2 Nov 2026</time>"
        );
        assert_eq!(
            Words::new(Locale::Nl).date(day + 1).to_string(),
            "<time datetime=\"2026-11-02T00:00:00.001Z\">2 nov 2026</time>"
        );
        assert!(
            Words::new(Locale::En)
                .minute(day + 3_600_000)
                .to_string()
                .contains(">2 Nov 2026, 01:00 UTC<")
        );
        for impossible in [i64::MIN, i64::MAX] {
            assert!(Words::new(Locale::Nl).date(impossible).to_string().contains("<time"));
        }
    }

    #[test]
    fn a_past_moment_is_given_in_the_largest_fitting_unit() {
        let cases = [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (240, "4 minutes ago"),
            (3 * 3600, "3 hours ago"),
            (86_400, "1 day ago"),
            (59 * 86_400, "59 days ago"),
            (160 * 86_400, "5 months ago"),
            (800 * 86_400, "2 years ago"),
        ];
        for (seconds, expected) in cases {
            let text = Words::new(Locale::En).ago(NOW - seconds * 1000, NOW).to_string();
            assert!(text.contains(&format!(">{expected}<")), "{seconds}: {text}");
        }
    }

    #[test]
    fn spans_use_the_largest_unit_that_divides() {
        let cases: [(u64, &str, &str); 6] = [
            (1, "1 second", "1 seconde"),
            (60, "1 minute", "1 minuut"),
            (90, "90 seconds", "90 seconden"),
            (7200, "2 hours", "2 uur"),
            (259_200, "3 days", "3 dagen"),
            (86_400_000, "1,000 days", "1.000 dagen"),
        ];
        for (seconds, en, nl) in cases {
            assert_eq!(Words::new(Locale::En).lasting(seconds).to_string(), en);
            assert_eq!(Words::new(Locale::Nl).lasting(seconds).to_string(), nl);
        }
    }
}
