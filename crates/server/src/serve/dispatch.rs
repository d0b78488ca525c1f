//! From a request to its answer: the endpoints that machines call by a plain match, the pages behind a router.

use crate::http::body::{self, Unread};
use crate::http::cors;
use crate::http::endpoints::{Endpoint, EndpointRow, Methods, bare};
use crate::http::respond;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::endpoints::{
    FormRequest, feed, forward_auth, identity, introspection, metadata, openapi, revocation, token,
};
use crate::oauth::refusal::{Reason as _, Refusal, RequestReason, ServerReason};
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::web::sign_in::authorize::authorize;
use axum::Router;
use axum::body::Body;
use hallpass_dialect::{Dialect, Scheme};
use http::{HeaderValue, Method, Request, Uri, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use std::sync::Arc;
use tower::ServiceExt as _;

/// The body of a request as it arrives.
pub(super) trait RequestBody:
    hyper::body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static
{
}

impl<B: hyper::body::Body<Data = Bytes, Error: Into<axum::BoxError>> + Send + 'static> RequestBody for B {}

/// An answer whose body is whole.
pub(super) type WholeResponse = http::Response<Bytes>;

/// Answers a request: finds its endpoint, and says who may read the answer.
pub(super) async fn dispatch<B: RequestBody>(
    hallpass: &Arc<Hallpass>,
    pages: &Router,
    mut request: Request<B>,
    peer: Peer,
) -> WholeResponse {
    if request.version() == Version::HTTP_11 && request.headers().get_all(header::HOST).iter().count() != 1 {
        let refused = hallpass.dialect.token_refusal(&without_host().public(), Scheme::None);
        return respond::rendered(refused).map(whole);
    }
    let row = find(hallpass, &mut request);
    let sharing = cors::sharing(hallpass, row, request.headers()).await;
    if let Some(preflight) = sharing.preflight(request.method(), request.headers()) {
        return preflight.map(whole);
    }
    let mut answer = handle(hallpass, pages, row, (request, peer)).await;
    sharing.mark(answer.headers_mut());
    answer
}

/// The answer of an endpoint. Each request copies the state of this future, which is as large as its largest branch. So
/// branches that are large, or not hot, are boxed.
async fn handle<B: RequestBody>(
    hallpass: &Arc<Hallpass>,
    pages: &Router,
    row: &'static EndpointRow,
    (mut request, peer): (Request<B>, Peer),
) -> WholeResponse {
    let full = |response: Response| response.map(whole);
    let method = request.method();
    let served = row.methods.contain(method);
    match row.endpoint {
        Endpoint::Token | Endpoint::Introspect | Endpoint::Revoke => {
            full(form_endpoint(hallpass, row, request, peer).await)
        }
        Endpoint::OpenIdConfiguration => full(metadata::no_openid_configuration()),
        Endpoint::Authorize => full(Box::pin(authorize(hallpass, request.map(Body::new))).await),
        // A protected resource: it refuses in the dialect's words.
        Endpoint::Identity if !served => {
            let refusal = not_served(method, row.methods);
            full(respond::rendered(hallpass.dialect.resource_refusal(&refusal.public())))
        }
        Endpoint::ResourceFeed | Endpoint::Metadata | Endpoint::OpenApi | Endpoint::Live | Endpoint::Ready
            if !served =>
        {
            full(refuse_method(method, row.methods))
        }
        Endpoint::Identity => full(Box::pin(identity::identity(hallpass, request.headers(), hallpass.now())).await),
        Endpoint::ForwardAuth => match &hallpass.forward_auth {
            // The body, if there is one, is not read: nothing in it is asked about.
            Some(check) => {
                full(forward_auth::forward_auth(hallpass, check, (peer, request.headers()), hallpass.now()).await)
            }
            None => full(respond::json(404, FORWARD_AUTH_OFF)),
        },
        Endpoint::ResourceFeed => {
            let query = request.uri().query();
            let request = FormRequest {
                peer,
                headers: request.headers(),
                body: &[],
            };
            full(Box::pin(feed::feed(hallpass, &request, query, hallpass.now())).await)
        }
        Endpoint::Metadata => full(metadata::metadata(hallpass)),
        Endpoint::OpenApi => full(openapi::openapi(hallpass)),
        Endpoint::Live => full(respond::json(200, r#"{"status":"live"}"#)),
        Endpoint::Ready => full(Box::pin(ready(hallpass)).await),
        Endpoint::Page => {
            request.extensions_mut().insert(peer);
            match Box::pin(pages.clone().oneshot(request.map(Body::new))).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    // A page is complete in memory, so collecting it neither waits nor fails.
                    let bytes = body.collect().await.map(|body| body.to_bytes());
                    WholeResponse::from_parts(parts, bytes.unwrap_or_default())
                }
                Err(never) => match never {},
            }
        }
    }
}

const FORWARD_AUTH_OFF: &str =
    r#"{"error":"not_found","error_description":"This server has no [forward_auth] in its configuration"}"#;

fn whole(body: Full<Bytes>) -> Bytes {
    body.into_inner().unwrap_or_default()
}

/// The answer if the memory for requests is full.
pub(super) fn no_room(hallpass: &Hallpass) -> WholeResponse {
    let refused = hallpass
        .dialect
        .token_refusal(&ServerReason::NoRoom.public(), Scheme::None);
    respond::rendered(refused).map(whole)
}

/// RFC 9112 §3.2. Proxies disagree about which of two Host headers counts, and about the meaning of a missing one.
fn without_host() -> RequestReason {
    RequestReason::Malformed("the request must have one Host header")
}

/// Finds the endpoint, and removes the path of the public address from the request. For pages it also removes a trailing slash.
fn find<B>(hallpass: &Hallpass, request: &mut Request<B>) -> &'static EndpointRow {
    let path = request.uri().path();
    let (row, below) = hallpass.endpoints.find(path);
    let wanted = if row.endpoint == Endpoint::Page {
        bare(below)
    } else {
        below
    };
    if wanted != path {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let slash = if wanted.is_empty() { "/" } else { "" };
        // The authority must stay: on HTTP/2 nothing else names the host.
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = format!("{slash}{wanted}{query}").parse().ok();
        if let Some(Ok(uri)) = parts.path_and_query.is_some().then(|| Uri::from_parts(parts)) {
            *request.uri_mut() = uri;
        }
    }
    row
}

async fn form_endpoint<B: RequestBody>(
    hallpass: &Hallpass,
    row: &EndpointRow,
    request: Request<B>,
    peer: Peer,
) -> Response {
    let (parts, body) = request.into_parts();
    // A client that waits for 100 (Continue) gets the refusal before it sends the body (RFC 9110 §10.1.1). From any other client
    // the body is read first, or the answer would be lost with the connection.
    let asks = parts.headers.contains_key(header::EXPECT);
    let read = if row.methods.contain(&parts.method) && asks && body.size_hint().lower() > body::LARGEST as u64 {
        Err(Refusal::from(RequestReason::TooLarge))
    } else if row.methods.contain(&parts.method) {
        body::read(body, Some(hallpass.share(peer, &parts.headers)))
            .await
            .map_err(|unread| match unread {
                Unread::TooLarge => RequestReason::TooLarge.into(),
                Unread::NoRoom => ServerReason::NoRoom.into(),
                Unread::Broken => RequestReason::Malformed("the body did not arrive whole").into(),
            })
    } else {
        Err(not_served(&parts.method, row.methods).into())
    };
    let body = match read {
        Ok(body) => body,
        Err(refusal) => {
            let scheme = FormRequest {
                peer,
                headers: &parts.headers,
                body: &[],
            }
            .scheme();
            return respond::rendered(match row.endpoint {
                Endpoint::Introspect => hallpass.dialect.introspection_refusal(&refusal.public(), scheme),
                _ => hallpass.dialect.token_refusal(&refusal.public(), scheme),
            });
        }
    };
    let request = FormRequest {
        peer,
        headers: &parts.headers,
        body: &body,
    };
    // Read only now, so that a slow body does not extend a lifetime.
    let now = hallpass.now();
    match row.endpoint {
        Endpoint::Introspect => Box::pin(introspection::introspect(hallpass, &request, now)).await,
        Endpoint::Revoke => Box::pin(revocation::revoke(hallpass, &request, now)).await,
        _ => token::token(hallpass, &request, now).await,
    }
}

/// A server is ready if it can read its database and, as far as is known, write to it. On PostgreSQL its memory and its clock
/// must be right as well.
async fn ready(hallpass: &Hallpass) -> Response {
    match judge(hallpass).await {
        Ok(()) => respond::json(200, r#"{"status":"ready"}"#),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let mut response = respond::json(503, r#"{"status":"unavailable"}"#);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

async fn judge(hallpass: &Hallpass) -> Result<(), StoreError> {
    let store = &hallpass.store;
    hallpass.feed.ready().await.map_err(StoreError::Unavailable)?;
    store
        .organization_by_slug(&hallpass.config.defaults.organization)
        .await?;
    store.check_writing()
}

fn not_served(method: &Method, allowed: Methods) -> RequestReason {
    const LONGEST: usize = 32;
    RequestReason::MethodNotAllowed {
        sent: method.as_str().chars().take(LONGEST).collect(),
        allowed: allowed.allow(),
    }
}

/// The metadata, the OpenAPI document and health belong to no dialect, so the refusal is the standard one.
fn refuse_method(method: &Method, allowed: Methods) -> Response {
    let refusal = not_served(method, allowed).public();
    respond::rendered(Dialect::STANDARD.token_refusal(&refusal, Scheme::None))
}
