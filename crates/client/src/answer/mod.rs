//! Reads the answer of a token endpoint, as servers really write it.
//!
//! The standard is RFC 6749 §5. Around it: numbers as texts, members that are missing, `null` or of another type, bodies that
//! are forms instead of JSON, content types that say nothing, and errors of several shapes, sometimes with status 200.

mod dates;
mod refused;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::provider::Provider;
use crate::tokens::{AccessToken, RefreshToken, TokenType, Tokens};

pub(crate) use dates::Moment;
#[cfg(feature = "keeper")]
pub(crate) use dates::is_believable;

/// No lifetime is longer than a hundred years: the sum of a moment and a lifetime stays far from the end of the numbers.
const LONGEST_LIFETIME_SECS: f64 = 100.0 * 365.25 * 86_400.0;

/// Reads tokens, or why there are none. `secrets` of the request are cut out of error texts.
pub(crate) fn read_tokens(
    answer: &Response<Bytes>,
    provider: &Provider,
    moment: Moment,
    secrets: &[&str],
) -> Result<Tokens, TokenError> {
    let body = read_object(answer, moment, secrets)?;
    let refresh = text(&body, "refresh_token").and_then(RefreshToken::new);
    let access = match (text(&body, "access_token").and_then(AccessToken::new), refresh.clone()) {
        (Some(access), _) => access,
        (None, None) => return Err(malformed(answer.status(), "there is no usable access_token")),
        (None, Some(refresh)) => {
            let status = answer.status().as_u16();
            return Err(TokenError::Incomplete { status, refresh });
        }
    };
    let seconds = |name: &str| body.get(name).and_then(lifetime);
    let end = |life: Option<Duration>| life.map(|life| moment.sent_at.saturating_add(in_millis(life)));
    // Apigee says "0" where there is no refresh token, and Keycloak where it does not end.
    let refresh_names = [
        "refresh_token_timeout",
        "refresh_token_expires_in",
        "refresh_expires_in",
    ];
    // A token that is over when it is given is none: a server that says so means that it does not say.
    let positive = |name| seconds(name).filter(|life| !life.is_zero());
    let said = refresh_names
        .into_iter()
        .find_map(seconds)
        .filter(|life| !life.is_zero());
    let refresh_life = said.or(provider.refresh_lifetime).filter(|_| refresh.is_some());
    Ok(Tokens {
        token_type: TokenType::from_word(text(&body, "token_type").unwrap_or_default()),
        expires_at: end(positive("expires_in").or(provider.access_lifetime)),
        refresh_expires_at: end(refresh_life),
        grant_expires_at: end(positive("authorization_expires_in")),
        scope: scope(body.get("scope"), &provider.scope_separator),
        extra: chosen(&body, &provider.extra),
        requested_at: moment.sent_at,
        clock_skew: moment.skew(answer.headers()),
        has_odd_date: moment.is_odd(answer.headers()),
        access,
        refresh,
    })
}

/// The JSON object of a good answer, or the error in it.
pub(crate) fn read_object(
    answer: &Response<Bytes>,
    moment: Moment,
    secrets: &[&str],
) -> Result<Map<String, Value>, TokenError> {
    let status = answer.status();
    let body = object(answer.body());
    let refusal = body.as_ref().and_then(refused::read);
    if let Some(unavailable) = unavailable(answer, refusal.as_ref(), moment) {
        return Err(unavailable);
    }
    match (body, refusal) {
        (_, Some(mut refusal)) if !status.is_success() || refusal.is_certain => {
            refusal.error.status = status.as_u16();
            Err(TokenError::Refused(refused::without(secrets, refusal.error)))
        }
        (Some(body), _) if status.is_success() => Ok(body),
        (None, _) if status.is_success() => Err(malformed(status, "the body is not a JSON object")),
        _ => Err(malformed(status, "it is neither tokens nor an OAuth error")),
    }
}

/// A server that is busy or broken. A refusal that names the grant or the client is one at any status but 429 and 503.
fn unavailable(answer: &Response<Bytes>, refusal: Option<&refused::Reading>, moment: Moment) -> Option<TokenError> {
    let status = answer.status();
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let code = refusal.map_or("", |refusal| refusal.error.code.as_str());
    let says_later = matches!(code, "temporarily_unavailable" | "server_error" | "slow_down");
    let broken = status.is_server_error() && matches!(code, "" | "server_error");
    let broken = broken || (status.is_server_error() && refusal.is_some_and(|refusal| !refusal.is_certain));
    let slow = status == StatusCode::REQUEST_TIMEOUT;
    (busy || says_later || broken || slow).then(|| TokenError::Unavailable {
        retry_after: moment.retry_after(answer.headers()),
        status: status.as_u16(),
        may_have_counted: slow || (!busy && (status.is_server_error() || code == "server_error")),
    })
}

fn malformed(status: StatusCode, reason: &'static str) -> TokenError {
    TokenError::Malformed {
        status: status.as_u16(),
        reason,
    }
}

/// The members of a body: JSON whatever the content type says, else a form, as a few servers answer.
///
/// A refresh token may have been spent for this answer: what is wrong in one member takes no other away. So a byte that is no
/// UTF-8 is replaced, which no token survives, and a member that cannot be read is missing.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('{') {
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
        let read = |(name, raw): (String, &RawValue)| Some((name, serde_json::from_str(raw.get()).ok()?));
        return Some(members.into_iter().filter_map(read).collect());
    }
    let is_form = text.contains("access_token=") || text.contains("error=");
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('<');
    (is_form && is_plain).then(|| {
        let pairs = form_urlencoded::parse(text.as_bytes());
        pairs
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect()
    })
}

/// A member that is a text and not empty.
fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Seconds: a number or a text with one, whole or not. A negative one is zero; anything else is no lifetime.
fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let bounded = seconds.clamp(0.0, LONGEST_LIFETIME_SECS);
    Duration::try_from_secs_f64(bounded).ok()
}

fn in_millis(life: Duration) -> i64 {
    i64::try_from(life.as_millis()).unwrap_or(i64::MAX)
}

/// Scopes as one text with spaces, from a text or a list.
fn scope(value: Option<&Value>, separator: &str) -> Option<String> {
    let scopes = match value? {
        Value::String(text) if separator.trim().is_empty() => text.clone(),
        Value::String(text) => text.replace(separator, " "),
        Value::Array(list) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            words.join(" ")
        }
        _ => return None,
    };
    let words: Vec<&str> = scopes.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn chosen(body: &Map<String, Value>, names: &[String]) -> Map<String, Value> {
    let chosen = names.iter().filter_map(|name| body.get_key_value(name));
    chosen.map(|(name, value)| (name.clone(), value.clone())).collect()
}
