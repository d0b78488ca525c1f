//! What the page shows of the tokens that the keeper holds.
//!
//! It is read from the answers that the keeper gets: a refresh token never leaves the keeper.

use serde_json::Value;

use crate::time::Instant;
use std::time::Duration;

/// A token response (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HeldTokens {
    pub(super) access: String,
    /// The refresh token. `None` if the response had none.
    pub(super) refresh: Option<String>,
    pub(super) scope: Option<String>,
    /// When the response arrived.
    pub(super) received: Instant,
    /// When the access token expires. `None` if the response did not say.
    pub(super) expires: Option<Instant>,
}

impl HeldTokens {
    /// Parses the token response of any dialect; some write numbers as text. `None` if it is not a token response.
    pub(super) fn parse(body: &str, received: Instant) -> Option<Self> {
        let answer: Value = serde_json::from_str(body).ok()?;
        let text = |name: &str| {
            answer
                .get(name)?
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let kind = text("token_type")?;
        if !kind.eq_ignore_ascii_case("bearer") && kind != "BearerToken" {
            return None;
        }
        let seconds = match answer.get("expires_in") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_u64(),
            None => None,
        };
        Some(Self {
            access: text("access_token")?,
            refresh: text("refresh_token"),
            scope: text("scope"),
            received,
            expires: seconds.map(|seconds| received.after(Duration::from_secs(seconds))),
        })
    }

    /// Whether the access token has expired, as far as the app knows.
    pub(super) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The tokens after those of `self`. Without a new refresh token the old one remains valid, and without `scope` the old
    /// scope remains (RFC 6749 §6).
    pub(super) fn followed_by(&self, new: Self) -> Self {
        Self {
            refresh: new.refresh.or_else(|| self.refresh.clone()),
            scope: new.scope.or_else(|| self.scope.clone()),
            ..new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_000_000);

    fn held() -> HeldTokens {
        let body = r#"{"access_token":"a1","token_type":"Bearer","expires_in":60,"refresh_token":"r1","scope":"x"}"#;
        HeldTokens::parse(body, NOW).unwrap()
    }

    #[test]
    fn the_answers_of_all_dialects_are_read() {
        let apigee = r#"{"refresh_token_expires_in":"0","":"","token_type":"BearerToken","access_token":"a","expires_in":"3599","scope":"user"}"#;
        let set = HeldTokens::parse(apigee, NOW).unwrap();
        assert_eq!((set.expires, set.refresh), (Some(Instant(NOW.0 + 3_599_000)), None));
        let php = r#"{"access_token":"a","expires_in":3600,"token_type":"Bearer","scope":null,"refresh_token":"r"}"#;
        assert_eq!(HeldTokens::parse(php, NOW).unwrap().scope, None);
    }

    #[test]
    fn a_body_that_is_not_a_token_response_is_not_parsed() {
        for body in [
            "",
            "[]",
            r#"{"error":"invalid_grant"}"#,
            r#"{"access_token":"","token_type":"Bearer"}"#,
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
        ] {
            assert_eq!(HeldTokens::parse(body, NOW), None, "{body}");
        }
    }

    #[test]
    fn a_token_is_expired_from_its_last_moment_on() {
        let set = held();
        assert!(!set.is_expired(Instant(NOW.0 + 59_999)));
        assert!(set.is_expired(Instant(NOW.0 + 60_000)));
        assert!(!HeldTokens { expires: None, ..set }.is_expired(Instant(i64::MAX)));
    }

    #[test]
    fn a_refresh_without_a_new_refresh_token_keeps_the_old_one() {
        let body = r#"{"access_token":"a2","token_type":"Bearer","expires_in":60}"#;
        let set = held().followed_by(HeldTokens::parse(body, NOW).unwrap());
        assert_eq!(
            (set.access.as_str(), set.refresh.as_deref(), set.scope.as_deref()),
            ("a2", Some("r1"), Some("x"))
        );
    }
}
