//! The shapes of answers.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};
use std::time::Duration;

/// JSON that no cache keeps.
pub(super) struct Json(pub(super) StatusCode, pub(super) Value);

impl IntoResponse for Json {
    fn into_response(self) -> Response {
        text(self.0, "application/json", self.1.to_string())
    }
}

/// A text that no cache keeps, and that nothing takes for another type.
pub(super) fn text(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
    ];
    (status, headers, body).into_response()
}

/// A fault: a word for programs, a sentence for people.
pub(super) fn fault(status: StatusCode, error: &str, message: &str) -> Json {
    Json(status, json!({"error": error, "message": message}))
}

/// 405 with the methods that the path takes.
pub(super) fn not_allowed(methods: &'static str) -> Response {
    let text = format!("this path takes {methods}");
    let mut answer = fault(StatusCode::METHOD_NOT_ALLOWED, "method", &text).into_response();
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

pub(super) fn too_long() -> Response {
    fault(StatusCode::PAYLOAD_TOO_LARGE, "body", "the body is too long").into_response()
}

/// 503 with `Retry-After`, in whole seconds, rounded up.
pub(super) fn later(error: &str, reason: Option<&str>, wait: Duration) -> Response {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let mut body = json!({"error": error, "retry_after": u64::try_from(seconds).unwrap_or(u64::MAX)});
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    let mut answer = Json(StatusCode::SERVICE_UNAVAILABLE, body).into_response();
    if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
        answer.headers_mut().insert(RETRY_AFTER, value);
    }
    answer
}
