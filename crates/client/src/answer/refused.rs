//! The error in an answer, in the shapes that servers use.
//!
//! - RFC 6749 §5.2, with `hint` and `message` of league/oauth2-server beside it.
//! - `{"error":{"code":…,"type":…,"status":…,"message":…}}`, as large vendors write it for all of their APIs.
//! - `{"message":…}` alone, from frameworks and gateways.
//! - `{"ErrorCode":…,"Error":…}` and `{"fault":{"faultstring":…,"detail":{"errorcode":…}}}` of Apigee.

use serde_json::{Map, Value};

use super::text;
use crate::error::OAuthError;

/// An error that was found in a body.
pub(super) struct Reading {
    pub(super) error: OAuthError,
    /// Whether the shape is one of errors alone. A `message` may stand in any answer: it is an error only by its status.
    pub(super) is_certain: bool,
}

/// The first shape that fits. `None` if the body has none.
pub(super) fn read(body: &Map<String, Value>) -> Option<Reading> {
    let (code, description, is_certain) = rfc(body)
        .or_else(|| nested(body))
        .or_else(|| apigee(body))
        .or_else(|| fault(body))
        .or_else(|| message(body))?;
    Some(Reading {
        error: OAuthError::new(code, description.as_deref()),
        is_certain,
    })
}

type Shape<'a> = (&'a str, Option<String>, bool);

fn rfc(body: &Map<String, Value>) -> Option<Shape<'_>> {
    let code = text(body, "error")?;
    let description = text(body, "error_description").or_else(|| text(body, "message"));
    let description = match (description, text(body, "hint")) {
        (Some(description), Some(hint)) => Some(format!("{description} {hint}")),
        (one, other) => one.or(other).map(str::to_owned),
    };
    Some((code, description, true))
}

fn nested(body: &Map<String, Value>) -> Option<Shape<'_>> {
    let error = body.get("error")?.as_object()?;
    let words = ["code", "type", "status", "error"];
    let code = words.into_iter().find_map(|name| text(error, name)).unwrap_or_default();
    let texts = ["message", "error_description", "description"];
    let description = texts.into_iter().find_map(|name| text(error, name));
    Some((code, description.map(str::to_owned), true))
}

fn apigee(body: &Map<String, Value>) -> Option<Shape<'_>> {
    let code = text(body, "ErrorCode")?;
    Some((code, text(body, "Error").map(str::to_owned), true))
}

fn fault(body: &Map<String, Value>) -> Option<Shape<'_>> {
    let fault = body.get("fault")?.as_object()?;
    let detail = fault.get("detail").and_then(Value::as_object);
    let code = detail.and_then(|detail| text(detail, "errorcode")).unwrap_or_default();
    Some((code, text(fault, "faultstring").map(str::to_owned), true))
}

fn message(body: &Map<String, Value>) -> Option<Shape<'_>> {
    let texts = ["message", "error_description", "error_message", "detail", "title"];
    let message = texts.into_iter().find_map(|name| text(body, name))?;
    Some(("", Some(message.to_owned()), false))
}

/// The error without the secrets of the request: some servers repeat a refused token.
pub(super) fn without(secrets: &[&str], mut error: OAuthError) -> OAuthError {
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        for place in [Some(&mut error.code), error.description.as_mut()]
            .into_iter()
            .flatten()
        {
            *place = cut(place, secret);
        }
    }
    error
}

/// Also a secret whose end was cut off by the longest text.
fn cut(place: &str, secret: &str) -> String {
    let text = place.replace(secret, "…");
    let beginning = secret.char_indices().nth(4).map_or(secret, |(at, _)| &secret[..at]);
    match text.rfind(beginning) {
        Some(at) if secret.starts_with(&text[at..]) => format!("{}…", &text[..at]),
        _ => text,
    }
}
