//! The tokens that the sample app holds, and Method 1: check the expiry when the person acts (CCH-12, HC-14).

use serde_json::Value;

use crate::time::Instant;
use std::time::Duration;

/// The stored token response (RFC 6749 §5.1).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TokenSet {
    pub(super) access: String,
    /// The refresh token. `None` if the response had none.
    pub(super) refresh: Option<String>,
    pub(super) scope: Option<String>,
    /// When the response arrived.
    pub(super) received: Instant,
    /// When the access token expires. `None` if the response did not say.
    pub(super) expires: Option<Instant>,
}

/// Whether the access token can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TokenStanding {
    Good,
    Expired,
}

/// The result of a refresh.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Renewal {
    /// The new tokens.
    Renewed(TokenSet),
    /// The refresh token is invalid: only the person can give access again.
    Over,
    /// The server could not answer. The app may send the same refresh token again.
    Later,
}

impl TokenSet {
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

    /// Whether the access token is still valid at `now`, as far as the app knows.
    pub(super) fn standing(&self, now: Instant) -> TokenStanding {
        match self.expires {
            Some(expires) if expires <= now => TokenStanding::Expired,
            _ => TokenStanding::Good,
        }
    }

    /// The tokens after a refresh. Without a new refresh token the old one remains valid, and without `scope` the old scope
    /// remains (RFC 6749 §6). A response that is neither success nor refusal ends nothing.
    pub(super) fn renewed(&self, status: u16, body: &str, now: Instant) -> Renewal {
        match status {
            200 => match Self::parse(body, now) {
                Some(new) => Renewal::Renewed(Self {
                    refresh: new.refresh.clone().or_else(|| self.refresh.clone()),
                    scope: new.scope.clone().or_else(|| self.scope.clone()),
                    ..new
                }),
                None => Renewal::Later,
            },
            408 | 429 => Renewal::Later,
            400..500 => Renewal::Over,
            _ => Renewal::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_000_000);

    fn held() -> TokenSet {
        let body = r#"{"access_token":"a1","token_type":"Bearer","expires_in":60,"refresh_token":"r1","scope":"x"}"#;
        TokenSet::parse(body, NOW).unwrap()
    }

    #[test]
    fn the_answers_of_all_dialects_are_read() {
        let apigee = r#"{"refresh_token_expires_in":"0","":"","token_type":"BearerToken","access_token":"a","expires_in":"3599","scope":"user"}"#;
        let set = TokenSet::parse(apigee, NOW).unwrap();
        assert_eq!((set.expires, set.refresh), (Some(Instant(NOW.0 + 3_599_000)), None));
        let php = r#"{"access_token":"a","expires_in":3600,"token_type":"Bearer","scope":null,"refresh_token":"r"}"#;
        assert_eq!(TokenSet::parse(php, NOW).unwrap().scope, None);
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
            assert_eq!(TokenSet::parse(body, NOW), None, "{body}");
        }
    }

    #[test]
    fn a_token_is_expired_from_its_last_moment_on() {
        let set = held();
        assert_eq!(set.standing(Instant(NOW.0 + 59_999)), TokenStanding::Good);
        assert_eq!(set.standing(Instant(NOW.0 + 60_000)), TokenStanding::Expired);
        assert_eq!(
            TokenSet { expires: None, ..set }.standing(Instant(i64::MAX)),
            TokenStanding::Good
        );
    }

    #[test]
    fn a_refresh_without_a_new_refresh_token_keeps_the_old_one() {
        let body = r#"{"access_token":"a2","token_type":"Bearer","expires_in":60}"#;
        let Renewal::Renewed(set) = held().renewed(200, body, NOW) else {
            panic!()
        };
        assert_eq!(
            (set.access.as_str(), set.refresh.as_deref(), set.scope.as_deref()),
            ("a2", Some("r1"), Some("x"))
        );
    }

    #[test]
    fn only_a_refusal_ends_access() {
        for (status, meaning) in [
            (400, Renewal::Over),
            (401, Renewal::Over),
            (408, Renewal::Later),
            (429, Renewal::Later),
            (500, Renewal::Later),
            (503, Renewal::Later),
            (200, Renewal::Later),
        ] {
            assert_eq!(held().renewed(status, "{}", NOW), meaning, "{status}");
        }
    }
}
