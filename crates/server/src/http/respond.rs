//! The few kinds of answers that the endpoints give, with their headers.

use hallpass_dialect::RenderedResponse;
use http::{HeaderValue, Response as HttpResponse, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;
use std::borrow::Cow;

/// An answer, complete in memory.
pub type Response = HttpResponse<Full<Bytes>>;

/// A JSON answer that no cache may keep (RFC 6749 §5.1).
#[must_use]
pub fn json(status: u16, body: impl Into<Bytes>) -> Response {
    let mut response = bytes(status, "application/json", body);
    no_store(&mut response);
    response
}

/// An answer with this status, content type and body.
#[must_use]
pub fn bytes(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = HttpResponse::new(Full::new(body.into()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// An answer as a dialect rendered it. The body is not copied.
#[must_use]
pub fn rendered(answer: RenderedResponse) -> Response {
    answer.map(|body| match body {
        Cow::Borrowed(text) => Full::new(Bytes::from_static(text.as_bytes())),
        Cow::Owned(text) => Full::new(Bytes::from(text)),
    })
}

/// An answer without a body.
#[must_use]
pub fn empty(status: u16) -> Response {
    let mut response = HttpResponse::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// A redirect that turns any method into GET (RFC 9700 §4.12: never 307).
#[must_use]
pub fn see_other(location: &str) -> Response {
    let mut response = empty(303);
    set(&mut response, header::LOCATION, location);
    no_store(&mut response);
    response
}

/// A redirect in answer to a GET (RFC 6749 §4.1.2.1 shows 302).
#[must_use]
pub fn found(location: &str) -> Response {
    let mut response = see_other(location);
    *response.status_mut() = StatusCode::FOUND;
    response
}

/// Marks the answer to a form that changed nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unchanged;

/// Marks an answer as [`Unchanged`]. Under memory pressure it may be dropped: if the form is sent again, nothing is lost.
#[must_use]
pub fn unchanged(mut response: Response) -> Response {
    response.extensions_mut().insert(Unchanged);
    response
}

/// Sets a header. Ignores a value that is not valid in a header.
pub fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Tells every cache not to keep the answer.
pub fn no_store(response: &mut Response) {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
