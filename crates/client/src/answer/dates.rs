//! Headers that hold a time: `Date` and `Retry-After` (RFC 9110 §6.6.1, §10.2.3).

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

use crate::clock::millis;

/// Nobody waits longer for a server than a day, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

/// The largest difference of clocks that is believed, in milliseconds. A `Date` further away is a fault of the server, or of a
/// cache before it.
const LARGEST_SKEW: i64 = 3_600_000;

/// When a request was sent and when its answer was there, by the clock of the client, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) sent_at: i64,
    pub(crate) answered_at: i64,
}

impl Moment {
    /// The clock of the server minus ours. The server wrote its `Date` somewhere between the two moments, cut to a second,
    /// so a difference inside that range is none. One beyond an hour is not believed.
    pub(crate) fn skew(self, headers: &HeaderMap) -> Option<i64> {
        self.said_skew(headers).filter(|skew| is_believable(*skew))
    }

    /// Whether the server's `Date` is too far away to be believed.
    pub(crate) fn is_odd(self, headers: &HeaderMap) -> bool {
        self.said_skew(headers).is_some_and(|skew| !is_believable(skew))
    }

    fn said_skew(self, headers: &HeaderMap) -> Option<i64> {
        let date = date(headers, &DATE)?;
        let earliest = self.sent_at.saturating_sub(999);
        Some(if date < earliest {
            date.saturating_sub(earliest)
        } else {
            date.saturating_sub(self.answered_at).max(0)
        })
    }

    /// How long the server asks to wait, at most a day. A date is compared with the server's own `Date`, so that a wrong clock
    /// of ours does not matter.
    pub(super) fn retry_after(self, headers: &HeaderMap) -> Option<Duration> {
        let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let wait = match value.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => LONGEST_WAIT,
            Err(_) => {
                let now = date(headers, &DATE).unwrap_or(self.answered_at);
                let wait = date(headers, &RETRY_AFTER)?.saturating_sub(now).max(0);
                Duration::from_millis(wait.unsigned_abs())
            }
        };
        Some(wait.min(LONGEST_WAIT))
    }
}

/// Whether two clocks may be so many milliseconds apart.
pub(crate) fn is_believable(skew: i64) -> bool {
    (-LARGEST_SKEW..=LARGEST_SKEW).contains(&skew)
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let value = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(value).ok().map(millis)
}
