//! The front page, and what every page needs: assets, and an answer for addresses that lead nowhere.

use super::Visit;
use crate::app::Hallpass;
use crate::respond::{self, Response};
use crate::view::{ErrorKind, Landing, asset};
use axum::body::Body;
use axum::extract::State;
use http::{HeaderValue, Request, header};
use std::sync::Arc;

/// `GET /`.
pub async fn landing(State(hallpass): State<Arc<Hallpass>>, request: Request<Body>) -> Response {
    let metadata = format!("{}/.well-known/oauth-authorization-server", hallpass.base);
    match Visit::begin(&hallpass, request.into_parts().0).await {
        Ok(visit) => visit.render(200, |frame| Landing { metadata: &metadata }.render(frame)),
        Err(response) => response,
    }
}

/// `GET /assets/…`. An asset's address holds the hash of its content, so it never changes.
pub async fn assets(State(hallpass): State<Arc<Hallpass>>, request: Request<Body>) -> Response {
    let Some((content_type, content)) = asset(request.uri().path()) else {
        return not_found(State(hallpass), request).await;
    };
    let mut response = respond::bytes(200, content_type, content);
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// An address that leads nowhere.
pub async fn not_found(State(hallpass): State<Arc<Hallpass>>, request: Request<Body>) -> Response {
    error(&hallpass, request, 404, ErrorKind::NotFound).await
}

/// A page that exists, asked for by another method.
pub async fn method_not_allowed(State(hallpass): State<Arc<Hallpass>>, request: Request<Body>) -> Response {
    error(&hallpass, request, 405, ErrorKind::MethodNotAllowed).await
}

async fn error(hallpass: &Arc<Hallpass>, request: Request<Body>, status: u16, kind: ErrorKind<'_>) -> Response {
    match Visit::begin(hallpass, request.into_parts().0).await {
        Ok(visit) => visit.error(status, kind),
        Err(response) => response,
    }
}
