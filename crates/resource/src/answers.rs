//! Refusals as answers: the dialect's body and challenge (RFC 6750 §3), with what RFC 9470 §3 and RFC 9728 §5.1 add.

use crate::refused::{Refused, StepUp, Unavailable};
use hallpass_dialect::{Dialect, RenderedResponse};
use hallpass_wire::public_error::{AccessFault, Trouble};
use hallpass_wire::{PublicError, Scopes};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::json;
use std::borrow::Cow;
use std::time::Duration;

/// RFC 9470 has the code and the sentence. No original of a dialect has either, so it is the same in all.
const STEP_UP: (&str, &str) = (
    "insufficient_user_authentication",
    "A different authentication level is required",
);

/// How an API refuses.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) dialect: Dialect,
    /// The address of the API's metadata (RFC 9728).
    pub(crate) metadata_url: Option<String>,
}

impl Answers {
    /// The answer to a refused request. `needed` are the scopes of the route: a caller without a token learns at once what to
    /// ask for (RFC 6750 §3).
    pub(crate) fn render(&self, refused: &Refused, needed: &Scopes) -> RenderedResponse {
        let mut answer = match refused {
            Refused::StepUp(step_up) => self.step_up(step_up),
            other => self.dialect.resource_refusal(&public(other)),
        };
        if let Refused::Unavailable(unavailable) = refused {
            answer.headers_mut().insert(RETRY_AFTER, seconds(unavailable));
        }
        let absent = *refused == Refused::Absent;
        let scope = (absent && !needed.is_empty()).then(|| needed.to_string());
        let metadata = self.metadata_url.as_deref();
        for (name, value) in [("scope", scope.as_deref()), ("resource_metadata", metadata)] {
            add_to_challenge(&mut answer, name, value);
        }
        answer
    }

    /// RFC 9470 §3. The values were checked when the guard was made, so they fit into quotes.
    fn step_up(&self, step_up: &StepUp) -> RenderedResponse {
        let (error, description) = STEP_UP;
        let mut challenge = format!(r#"Bearer error="{error}", error_description="{description}""#);
        if !step_up.acr_values.is_empty() {
            challenge.push_str(&format!(r#", acr_values="{}""#, step_up.acr_values.join(" ")));
        }
        if let Some(age) = step_up.max_age {
            challenge.push_str(&format!(r#", max_age="{}""#, age.as_secs()));
        }
        let mut body = json!({"error": error, "error_description": description});
        if self.dialect.refusal_message {
            body["message"] = json!(description);
        }
        let mut answer = Response::new(Cow::Owned(body.to_string()));
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        set(&mut answer, WWW_AUTHENTICATE, &challenge);
        answer
    }
}

/// What the caller may know.
fn public(refused: &Refused) -> PublicError {
    let fault = match refused {
        Refused::Absent => AccessFault::Absent,
        Refused::Malformed => AccessFault::Malformed,
        Refused::Expired => AccessFault::Expired,
        Refused::Revoked => AccessFault::Revoked,
        Refused::Scopes(scopes) => AccessFault::Scopes(scopes.clone()),
        Refused::NoPerson => AccessFault::NoPerson,
        Refused::Invalid(_) | Refused::StepUp(_) => AccessFault::Invalid,
        Refused::Unavailable(_) => return PublicError::Trouble(Trouble::Busy),
    };
    PublicError::Access(fault)
}

fn seconds(unavailable: &Unavailable) -> HeaderValue {
    let rounded = unavailable.retry_after.max(Duration::from_secs(1));
    HeaderValue::from(rounded.as_secs())
}

/// Adds a parameter to the Bearer challenge of the answer, where there is one.
fn add_to_challenge(answer: &mut RenderedResponse, name: &str, value: Option<&str>) {
    let challenge = answer
        .headers()
        .get(WWW_AUTHENTICATE)
        .and_then(|value| value.to_str().ok());
    let (Some(challenge), Some(value)) = (challenge, value) else {
        return;
    };
    let separator = if challenge.contains('=') { "," } else { "" };
    let longer = format!(r#"{challenge}{separator} {name}="{value}""#);
    set(answer, WWW_AUTHENTICATE, &longer);
}

fn set(answer: &mut RenderedResponse, name: HeaderName, value: &str) {
    // The values are checked by the builder and the guard. One that slipped through must not hide the refusal.
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hallpass_dialect::DialectName;

    const METADATA: &str = "https://api.example/.well-known/oauth-protected-resource";

    fn answers(name: DialectName, refusal_message: bool) -> Answers {
        Answers {
            dialect: Dialect {
                name,
                refusal_message,
                empty_member: false,
            },
            metadata_url: Some(METADATA.to_owned()),
        }
    }

    fn rendered(answers: &Answers, refused: &Refused) -> (u16, String, String) {
        let answer = answers.render(refused, &Scopes::parse("a b").unwrap());
        let challenge = answer.headers().get(WWW_AUTHENTICATE);
        let challenge = challenge
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default();
        (answer.status().as_u16(), challenge, answer.body().clone().into_owned())
    }

    #[test]
    fn a_request_without_a_token_learns_scope_and_metadata() {
        let (status, challenge, _) = rendered(&answers(DialectName::Standard, false), &Refused::Absent);
        assert_eq!(status, 401);
        assert_eq!(
            challenge,
            format!(r#"Bearer realm="api", scope="a b", resource_metadata="{METADATA}""#)
        );
    }

    #[test]
    fn a_missing_scope_is_named_once() {
        let refused = Refused::Scopes(Scopes::parse("a b").unwrap());
        let (status, challenge, _) = rendered(&answers(DialectName::Standard, false), &refused);
        assert_eq!(status, 403);
        assert_eq!(
            challenge,
            format!(
                r#"Bearer realm="api", error="insufficient_scope", error_description="The access token does not have the scope that this needs", scope="a b", resource_metadata="{METADATA}""#
            )
        );
    }

    /// CCH-11.
    #[test]
    fn an_expired_token_gets_the_message_of_the_dialect() {
        let (status, challenge, body) = rendered(&answers(DialectName::Oauth2ServerPhp, true), &Refused::Expired);
        assert_eq!(status, 401);
        assert!(
            body.contains(r#""message":"The access token provided has expired""#),
            "{body}"
        );
        assert!(
            challenge.starts_with(r#"Bearer realm="Service", error="invalid_token""#),
            "{challenge}"
        );
        assert!(
            challenge.ends_with(&format!(r#", resource_metadata="{METADATA}""#)),
            "{challenge}"
        );
    }

    #[test]
    fn a_step_up_names_what_is_needed() {
        let refused = Refused::StepUp(StepUp {
            acr_values: vec!["phr".to_owned(), "mfa".to_owned()],
            max_age: Some(Duration::from_secs(5)),
        });
        for name in DialectName::ALL {
            let (status, challenge, body) = rendered(&answers(*name, true), &refused);
            assert_eq!(status, 401);
            assert_eq!(
                challenge,
                format!(
                    r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="phr mfa", max_age="5", resource_metadata="{METADATA}""#
                )
            );
            assert!(body.contains(r#""error":"insufficient_user_authentication""#), "{body}");
        }
    }

    #[test]
    fn an_unreachable_server_is_503_with_retry_after_in_every_dialect() {
        let refused = Refused::Unavailable(Unavailable {
            reason: "the database is away".to_owned(),
            retry_after: Duration::from_secs(7),
        });
        for name in DialectName::ALL {
            let answer = answers(*name, true).render(&refused, &Scopes::default());
            assert_eq!(answer.status(), 503, "{name:?}");
            assert_eq!(answer.headers()[RETRY_AFTER], "7");
            assert!(answer.headers().get(WWW_AUTHENTICATE).is_none());
            assert!(!answer.body().contains("database"), "the reason is for the log");
        }
    }
}
