//! The front page, and what every page needs: assets, and an answer for addresses that lead nowhere.

use super::Visit;
use crate::accounts::handover::endpoint;
use crate::http::respond;
use crate::http::respond::Response;
use crate::serve::hallpass::Hallpass;
use crate::web::view::{ErrorKind, Landing, asset};
use axum::body::Body;
use axum::extract::{FromRequest as _, State};
use http::{HeaderValue, Request, header};
use std::sync::Arc;

/// `GET /`.
pub(crate) async fn landing(visit: Visit) -> Result<Response, Response> {
    let visit = visit.with_navigation().await?;
    let metadata = visit.address("/.well-known/oauth-authorization-server");
    Ok(visit.render(200, |frame| Landing { metadata: &metadata }.render(frame)))
}

/// `GET /assets/…`. An asset's address holds the hash of its content, so it never changes.
pub(crate) async fn assets(
    State(hallpass): State<Arc<Hallpass>>,
    request: Request<Body>,
) -> Result<Response, Response> {
    let Some((content_type, content)) = asset(request.uri().path()) else {
        return Ok(not_found(Visit::from_request(request, &hallpass).await?).await);
    };
    let mut response = respond::bytes(200, content_type, content);
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// An address that leads nowhere.
pub(crate) async fn not_found(visit: Visit) -> Response {
    match endpoint::is_below(visit.parts.uri.path()) {
        true => endpoint::no_address(),
        false => visit.error(404, ErrorKind::NotFound),
    }
}

/// A page that exists, asked for by another method.
pub(crate) async fn method_not_allowed(visit: Visit) -> Response {
    match endpoint::is_below(visit.parts.uri.path()) {
        true => endpoint::no_method(),
        false => visit.error(405, ErrorKind::MethodNotAllowed),
    }
}
