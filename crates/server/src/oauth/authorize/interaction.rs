//! How an app wants the person to be asked: `prompt` and `max_age` (OpenID Connect Core 1.0 §3.1.2.1).

use super::reason::AuthorizeReason;
use crate::oauth::Refusal;
use crate::time::Instant;
use hallpass_wire::Parameters;

/// How the person is to be asked. Consent is never skipped, so `prompt=consent` changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Interaction {
    /// No page may be shown.
    pub none: bool,
    /// The person signs in again, or chooses an account.
    fresh: bool,
    /// The largest age of the sign-in, in seconds.
    max_age: Option<i64>,
}

impl Interaction {
    /// Reads the parameters.
    ///
    /// # Errors
    /// If `prompt` contradicts itself, or `max_age` is no number.
    pub(super) fn of(query: &Parameters<'_>) -> Result<Self, Refusal> {
        let words: Vec<&str> = query.get("prompt").unwrap_or_default().split(' ').collect();
        let none = words.contains(&"none");
        if none && words.len() > 1 {
            return Err(AuthorizeReason::PromptNoneWithOthers.into());
        }
        let max_age = match query.get("max_age") {
            None => None,
            Some(text) => Some(seconds(text).ok_or(AuthorizeReason::MaxAgeMalformed)?),
        };
        Ok(Self {
            none,
            fresh: words.contains(&"login") || words.contains(&"select_account"),
            max_age,
        })
    }

    /// The moment since which the person must have signed in, in Unix seconds.
    #[must_use]
    pub fn after(self, now: Instant) -> Option<i64> {
        let now = now.0.div_euclid(1_000);
        match (self.fresh, self.max_age) {
            (true, _) => Some(now),
            (false, max_age) => max_age.map(|seconds| now - seconds),
        }
    }
}

/// Digits alone. An age beyond 32 bits is longer than anybody's session, so it counts as the largest.
fn seconds(text: &str) -> Option<i64> {
    let are_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits.then(|| i64::from(text.parse().unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_digits_and_a_huge_one_is_the_largest() {
        assert_eq!(seconds("600"), Some(600));
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds("99999999999999999999"), Some(i64::from(u32::MAX)));
        for text in ["", "+5", "-1", " 5", "5.0", "0x5"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
