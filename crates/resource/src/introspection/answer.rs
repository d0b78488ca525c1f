//! An answer of the introspection endpoint, read.

use crate::access::Access;
use crate::clock::Moment;
use crate::feed::Dated;
use crate::refused::{Refused, Unavailable};
use crate::upstream::{Rules, retry_after};
use hallpass_wire::bearer::BearerToken;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What the server said about a token, when it was asked, and what the feed needs to know.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) verdict: Verdict,
    /// When the request was sent.
    pub(crate) sent: Moment,
    /// Tags and position; absent from servers without a feed.
    pub(crate) dated: Option<Dated>,
}

#[derive(Clone)]
pub(crate) enum Verdict {
    Active(Arc<Access>),
    /// `{"active":false}`: the server does not say why.
    Inactive,
    /// Active, but not for this API, or inactive for this reason.
    Refused(Refused),
}

/// In a request: asks why a token is not active. In the answer of Hallpass: the reason (decision 95).
pub(super) const INACTIVE: HeaderName = HeaderName::from_static("hallpass-inactive");

/// A token longer than this may be one that the server does not read at all. Hallpass reads parameters of 4096 bytes.
const LONG: usize = 4096;

/// Reads an answer. Anything but a clear yes or no is a fault of the server, or of this API's configuration: callers get 503.
pub(crate) fn read(
    answer: &Response<Vec<u8>>,
    token: BearerToken<'_>,
    sent: Moment,
    rules: Rules<'_>,
) -> Result<Told, Unavailable> {
    if token.as_str().len() > LONG && is_too_long(answer) {
        // Anybody can write such a token, so it must not look like an outage.
        return Ok(Told {
            verdict: Verdict::Refused(Refused::Invalid(
                "it is too long for the authorization server".to_owned(),
            )),
            sent,
            dated: None,
        });
    }
    match answer.status() {
        StatusCode::OK => {}
        status @ (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            return Err(Unavailable::new(format!(
                "the introspection endpoint refused this API with status {}: are its credentials right?",
                status.as_u16()
            )));
        }
        status => {
            return Err(Unavailable {
                reason: format!("the introspection endpoint answered with status {}", status.as_u16()),
                retry_after: retry_after(answer.headers()),
            });
        }
    }
    let document: Value = serde_json::from_slice(answer.body())
        .map_err(|_| Unavailable::new("the introspection endpoint did not answer with JSON"))?;
    let Value::Object(members) = document else {
        return Err(Unavailable::new(
            "the introspection endpoint did not answer with a JSON object",
        ));
    };
    let verdict = match members.get("active") {
        Some(Value::Bool(false)) if has_expired(answer.headers()) => Verdict::Refused(Refused::Expired),
        Some(Value::Bool(false)) => Verdict::Inactive,
        Some(Value::Bool(true)) => active(members, rules),
        _ => {
            return Err(Unavailable::new(
                "the introspection answer has no member `active` of true or false",
            ));
        }
    };
    Ok(Told {
        verdict,
        sent,
        dated: Dated::read(answer.headers()),
    })
}

fn has_expired(headers: &HeaderMap) -> bool {
    headers.get(INACTIVE).is_some_and(|reason| reason == "expired")
}

/// Whether the server may mean the length of the token. Everything else in the request is the same for every token. A server that
/// names this API's credentials means those.
fn is_too_long(answer: &Response<Vec<u8>>) -> bool {
    match answer.status() {
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => true,
        StatusCode::BAD_REQUEST => {
            let document = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
            let error = document.get("error").and_then(Value::as_str);
            !matches!(error, Some("invalid_client" | "unauthorized_client"))
        }
        _ => false,
    }
}

fn active(members: Map<String, Value>, rules: Rules<'_>) -> Verdict {
    let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
    // Optional (RFC 7662 §2.2).
    if text("iss").is_some_and(|issuer| issuer != rules.issuer) {
        return Verdict::Refused(Refused::Invalid("another issuer made it".to_owned()));
    }
    if !rules.is_bearer(text("token_type").as_deref()) {
        return Verdict::Refused(Refused::Invalid(
            "its `token_type` is not that of a bearer token".to_owned(),
        ));
    }
    match Access::introspected(members).and_then(|access| rules.admit(access)) {
        Ok(access) => Verdict::Active(Arc::new(access)),
        Err(refused) => Verdict::Refused(refused),
    }
}
