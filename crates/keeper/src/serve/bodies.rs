//! Reads the bodies of requests within a time, and gives the faults of the framework the shape of ours.

use std::time::Duration;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue};

use super::LONGEST_BODY;
use super::answers::{fault, too_long};

/// The time for the body of a request.
const PATIENCE: Duration = Duration::from_secs(15);

/// Hands a request on when its body is there.
pub(super) async fn read_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    // A declared length that is too long is refused at once.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|length| length > LONGEST_BODY) {
        return too_long();
    }
    let body = match tokio::time::timeout(PATIENCE, to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return too_long(),
        Err(_) => {
            let answer = fault(StatusCode::REQUEST_TIMEOUT, "body", "the body did not arrive in time");
            return ([(CONNECTION, HeaderValue::from_static("close"))], answer).into_response();
        }
    };
    shape_fault(next.run(Request::from_parts(head, Body::from(body))).await)
}

/// The framework answers some requests by itself, with a text or without a body.
fn shape_fault(answer: Response) -> Response {
    let status = answer.status();
    let is_fault = status.is_client_error() || status.is_server_error();
    let is_ours = answer
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == "application/json");
    if !is_fault || is_ours {
        return answer;
    }
    let (word, text) = match status {
        StatusCode::BAD_REQUEST => ("path", "the path cannot be read"),
        StatusCode::METHOD_NOT_ALLOWED => ("method", "this path does not take this method: see `Allow`"),
        _ => ("request", "the request cannot be answered"),
    };
    let mut shaped = fault(status, word, text).into_response();
    if let Some(methods) = answer.headers().get(ALLOW) {
        shaped.headers_mut().insert(ALLOW, methods.clone());
    }
    shaped
}
