//! Connections and what is answered on them: machines' endpoints by hand, pages behind a router.

use crate::app::Hallpass;
use crate::body::{self, Unread};
use crate::cors;
use crate::dialect::{Scheme, standard};
use crate::oauth::{FormRequest, Refusal, identity, introspection, metadata, openapi, revocation, token};
use crate::pages::authorize::authorize;
use crate::respond::{self, Response};
use crate::router::{Endpoint, bare, locate, pages};
use crate::source::Peer;
use crate::store::StoreError;
use axum::body::Body;
use http::{HeaderValue, Method, Request, Uri, Version, header};
use http_body_util::{Either, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt as _;

/// How long open requests may take when the server is told to end.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);

/// What connections may take.
pub(crate) struct Bounds {
    /// How many are open at most: one more waits with the system until another is closed.
    pub(crate) connections: usize,
    /// One on which nothing happens for as long is closed.
    pub(crate) slowest: Duration,
}

/// Takes connections until it is told to stop.
pub(crate) async fn listen(
    listener: TcpListener,
    hallpass: Arc<Hallpass>,
    mut stopped: watch::Receiver<bool>,
    Bounds { connections, slowest }: Bounds,
) {
    let places = Arc::new(Semaphore::new(connections));
    let pages = pages(hallpass.clone());
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(slowest)
        .max_buf_size(body::LARGEST);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(16 * 1024);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, address, place)) = accepted else {
            // Out of file descriptors, most likely: others will be given back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let peer = Peer(address.ip());
        let (hallpass, pages) = (hallpass.clone(), pages.clone());
        let activity = Arc::new(Activity::default());
        let seen = activity.clone();
        let service = service_fn(move |request| {
            let (hallpass, pages, open) = (hallpass.clone(), pages.clone(), Open::begin(&activity));
            async move {
                let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
                let mut answer = answer(&hallpass, pages, request, peer).await;
                if chunked {
                    // It may have had a Content-Length too, which hyper does not tell: a proxy that went by that one must not
                    // find a second answer here (RFC 9112 §6.1).
                    let headers = answer.headers_mut();
                    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                drop(open);
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            let _place = place;
            let ended = tokio::select! {
                ended = connection => ended,
                () = seen.rest(slowest) => return,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    Ok((stream, address, place))
}

/// What happens on a connection. The timeout for headers begins only when HTTP/1 is recognised: who sends nothing, half an
/// HTTP/2 preface, or no stream after it would keep a descriptor for ever.
#[derive(Default)]
struct Activity {
    /// Requests that are being answered.
    open: AtomicUsize,
    /// How many began and ended.
    events: AtomicU64,
}

/// A request that is being answered.
struct Open(Arc<Activity>);

impl Activity {
    /// Comes back when no request was open, began or ended for as long as `span`.
    async fn rest(&self, span: Duration) {
        loop {
            let before = self.events.load(Ordering::SeqCst);
            tokio::time::sleep(span).await;
            if self.open.load(Ordering::SeqCst) == 0 && self.events.load(Ordering::SeqCst) == before {
                return;
            }
        }
    }
}

impl Open {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.open.fetch_add(1, Ordering::SeqCst);
        activity.events.fetch_add(1, Ordering::SeqCst);
        Self(activity.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.events.fetch_add(1, Ordering::SeqCst);
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

type Answer = http::Response<Either<Full<Bytes>, Body>>;

async fn answer(hallpass: &Arc<Hallpass>, pages: axum::Router, mut request: Request<Incoming>, peer: Peer) -> Answer {
    if request.version() == Version::HTTP_11 && request.headers().get_all(header::HOST).iter().count() != 1 {
        let refused = hallpass.dialect.token_refusal(&without_host(), Scheme::None);
        return refused.map(Either::Left);
    }
    let endpoint = find(hallpass, &mut request);
    let sharing = cors::sharing(hallpass, endpoint, request.headers()).await;
    if let Some(preflight) = sharing.preflight(request.method(), request.headers()) {
        return preflight.map(Either::Left);
    }
    let mut answer = answer_of(hallpass, pages, endpoint, (request, peer)).await;
    sharing.mark(answer.headers_mut());
    answer
}

/// What an endpoint answers. Each request copies the state of this future, which is as large as its largest branch: those that
/// are large, or not hot, are boxed.
async fn answer_of(
    hallpass: &Arc<Hallpass>,
    pages: axum::Router,
    endpoint: Endpoint,
    (mut request, peer): (Request<Incoming>, Peer),
) -> Answer {
    let full = |response: Response| response.map(Either::Left);
    let method = request.method();
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match endpoint {
        Endpoint::Token | Endpoint::Introspect | Endpoint::Revoke => {
            full(form_endpoint(hallpass, endpoint, request, peer).await)
        }
        Endpoint::Identity if reads || method == Method::POST => {
            full(Box::pin(identity::identity(hallpass, request.headers(), hallpass.now())).await)
        }
        Endpoint::Metadata if reads => full(metadata::metadata(hallpass)),
        Endpoint::OpenIdConfiguration => full(metadata::no_openid_configuration()),
        Endpoint::OpenApi if reads => full(openapi::openapi(hallpass)),
        Endpoint::Live if reads => full(respond::json(200, r#"{"status":"live"}"#)),
        Endpoint::Ready if reads => full(Box::pin(ready(hallpass)).await),
        // A protected resource: it refuses in the dialect's words.
        Endpoint::Identity => {
            let refusal = not_served(method, "GET, HEAD, POST");
            full(hallpass.dialect.resource_refusal(&refusal))
        }
        Endpoint::Metadata | Endpoint::OpenApi | Endpoint::Live | Endpoint::Ready => full(only_reads(method)),
        Endpoint::Authorize => full(Box::pin(authorize(hallpass, request.map(Body::new))).await),
        Endpoint::Page => {
            request.extensions_mut().insert(peer);
            match Box::pin(pages.oneshot(request.map(Body::new))).await {
                Ok(response) => response.map(Either::Right),
                Err(never) => match never {},
            }
        }
    }
}

/// RFC 9112 §3.2. Proxies disagree about which of two hosts counts, and about what none means.
fn without_host() -> Refusal {
    Refusal::Malformed("the request must have one Host header")
}

/// Finds the endpoint, and takes the path of the public address off. A trailing slash is taken off pages too.
fn find(hallpass: &Hallpass, request: &mut Request<Incoming>) -> Endpoint {
    let path = request.uri().path();
    let (found, below) = locate(hallpass, path);
    let wanted = if found == Endpoint::Page { bare(below) } else { below };
    if wanted != path {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let slash = if wanted.is_empty() { "/" } else { "" };
        // The authority stays: on HTTP/2 the host stands nowhere else.
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = format!("{slash}{wanted}{query}").parse().ok();
        if let Some(Ok(uri)) = parts.path_and_query.is_some().then(|| Uri::from_parts(parts)) {
            *request.uri_mut() = uri;
        }
    }
    found
}

async fn form_endpoint(hallpass: &Hallpass, endpoint: Endpoint, request: Request<Incoming>, peer: Peer) -> Response {
    let (parts, body) = request.into_parts();
    // Who asks before sending is told before sending (RFC 9110 §10.1.1); who has sent already is heard out, or the answer
    // would be lost with the connection.
    let asks = parts.headers.contains_key(header::EXPECT);
    let read = if parts.method == Method::POST && asks && body.size_hint().lower() > body::LARGEST as u64 {
        Err(Refusal::TooLarge)
    } else if parts.method == Method::POST {
        body::read(body).await.map_err(|unread| match unread {
            Unread::TooLarge => Refusal::TooLarge,
            Unread::Broken => Refusal::Malformed("the body did not arrive whole"),
        })
    } else {
        Err(not_served(&parts.method, "POST"))
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
            return match endpoint {
                Endpoint::Introspect => hallpass.dialect.introspection_refusal(&refusal, scheme),
                _ => hallpass.dialect.token_refusal(&refusal, scheme),
            };
        }
    };
    let request = FormRequest {
        peer,
        headers: &parts.headers,
        body: &body,
    };
    // Only now: a body that comes slowly gains no time.
    let now = hallpass.now();
    match endpoint {
        Endpoint::Introspect => Box::pin(introspection::introspect(hallpass, &request, now)).await,
        Endpoint::Revoke => Box::pin(revocation::revoke(hallpass, &request, now)).await,
        _ => token::token(hallpass, &request, now).await,
    }
}

/// Ready is who can read its database, and write it as far as is known; among several servers, whose memory and clock are
/// right as well.
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
    store.check_writing(hallpass.now()).await
}

fn not_served(method: &Method, allowed: &'static str) -> Refusal {
    const LONGEST: usize = 32;
    Refusal::MethodNotAllowed {
        sent: method.as_str().chars().take(LONGEST).collect(),
        allowed,
    }
}

/// Documents and health belong to no dialect.
fn only_reads(method: &Method) -> Response {
    let mut response = standard::token_refusal(&not_served(method, "GET, HEAD"), Scheme::None);
    let methods = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, methods);
    response
}
