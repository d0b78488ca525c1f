//! What the pages of the sample app and of the sample site share: style, pictures, and the one host at which they are served.

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method, header};

use crate::http::respond;
use crate::web::{address, view};

/// Without `form-action`: browsers apply it also to the redirect after a form, and these lead to other sites.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
const STYLE: &[u8] = include_bytes!("../../assets/demo.css");

pub(super) async fn style() -> Response {
    respond::bytes(200, "text/css; charset=utf-8", STYLE).map(Body::new)
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match view::asset(&name) {
        Some((kind, bytes)) => respond::bytes(200, kind, bytes).map(Body::new),
        None => respond::empty(404).map(Body::new),
    }
}

pub(super) fn redirect(location: &str) -> Response {
    respond::see_other(location).map(Body::new)
}

/// Says why a form is refused that was not sent from a page at `own`. The page and the log name both addresses. `what`: the
/// app or the site.
pub(super) fn foreign(what: &str, own: &str, request: &Request) -> String {
    let (seen, path) = (address::shown_origin(request.headers()), request.uri().path());
    tracing::info!(origin = ?seen, own, path, "the sample {what} refused a form that was opened at another address");
    let from = match seen.as_str() {
        "null" | "" => "Your browser hides where the form was sent from".to_owned(),
        _ => format!("The form was sent from {seen}"),
    };
    format!("{from}, and this {what} is at {own}. Nothing was done: open the page at {own} and send it again.")
}

/// Serves a page only at the host of `url`, which has the cookie. At another name of this machine the session would be lost on
/// the way back. There, forms get `elsewhere`: foreign names are refused (DNS rebinding).
pub(super) async fn at_home(
    url: &str,
    request: Request,
    next: Next,
    elsewhere: impl FnOnce(&Request) -> Response,
) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = match (request.method(), host == url.strip_prefix("http://")) {
        (_, true) => next.run(request).await,
        (&Method::GET, false) => redirect(&format!("{url}{}", request.uri())),
        _ => elsewhere(&request),
    };
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
