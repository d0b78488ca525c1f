//! Answers: status, headers, and a body that is complete in memory.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, PRAGMA};
use http::{Response, StatusCode};
use std::borrow::Cow;

/// An answer.
pub type RenderedResponse = Response<Cow<'static, str>>;

/// JSON that no cache may keep (RFC 6749 §5.1).
pub(crate) fn json(status: u16, body: impl Into<Cow<'static, str>>) -> RenderedResponse {
    let mut answer = with_status(status, body.into());
    let media_type = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    no_store(answer)
}

/// No body.
pub(crate) fn empty(status: u16) -> RenderedResponse {
    with_status(status, Cow::Borrowed(""))
}

fn with_status(status: u16, body: Cow<'static, str>) -> RenderedResponse {
    let mut answer = Response::new(body);
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

/// Forbids every cache to keep the answer.
pub(crate) fn no_store(mut answer: RenderedResponse) -> RenderedResponse {
    let value = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(CACHE_CONTROL, value);
    answer
}

/// `Pragma: no-cache`, where an original and RFC 6749 §5.1 have it.
pub(crate) fn no_cache(mut answer: RenderedResponse) -> RenderedResponse {
    set(&mut answer, PRAGMA, "no-cache");
    answer
}

/// Sets a header; a value that cannot stand in a header is left out.
pub(crate) fn set(answer: &mut RenderedResponse, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
