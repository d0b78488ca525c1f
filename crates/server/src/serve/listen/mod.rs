//! Connections and what is answered on them: machines' endpoints by hand, pages behind a router.

mod answers;
mod arriving;
mod begun;
mod connection;
mod explained;
mod pulse;
mod watched;

pub(crate) use explained::Explained;
pub use pulse::Patience;

use crate::http::body;
use crate::http::body::Unread;
use crate::http::cors;
use crate::http::respond;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::Refusal;
use crate::oauth::endpoints::FormRequest;
use crate::oauth::endpoints::{identity, introspection, metadata, openapi, revocation, token};
use crate::serve::dispatch::{Endpoint, bare, locate, pages};
use crate::serve::hallpass::Hallpass;
use crate::serve::in_flight::{Kind, Source};
use crate::store::StoreError;
use crate::web::sign_in::authorize::authorize;
use answers::{NoRoom, Open, hold, is_repeatable};
use arriving::Arriving;
use axum::body::Body;
use connection::{Attended, Protocols};
use hallpass_dialect::{Dialect, Scheme};
use http::{HeaderValue, Method, Request, Uri, Version, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioExecutor;
use pulse::Pulse;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tower::ServiceExt as _;
use watched::Watched;

/// How long open requests may take when the server is told to end.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);

/// The largest headers of a request, with its query, and the buffers of an HTTP/1 connection.
pub(crate) const HEADERS: usize = 16 * 1024;

/// The largest headers of an HTTP/2 request, of which a connection has sixteen.
const HEADERS_HTTP_2: usize = 8 * 1024;

/// What h2 reads of them, so that what is longer can be refused with words. One frame has as much (RFC 9113 §4.2).
const READ_HTTP_2: u32 = 16 * 1024;

/// What an HTTP/2 connection may send that was not read, on all of its streams together.
const WINDOW: u32 = 65_535;

/// What connections may take.
pub(crate) struct Bounds {
    /// How many are open at most: one more waits with the system until another is closed.
    pub(crate) connections: usize,
    /// Up to how many of them keep their buffers for a moment after an answer, and are so a little faster.
    pub(crate) lingering: usize,
    /// How long each is waited for.
    pub(crate) patience: Patience,
}

/// As many as a busy proxy keeps: 13 MiB.
pub(crate) const LINGERING: usize = 512;

/// HTTP/1 as every listener speaks it, with little memory for each connection. hyper's own timeout for headers runs between
/// requests too, so it is off: see `pulse.rs`.
pub(crate) fn http1() -> http1::Builder {
    let mut http1 = http1::Builder::new();
    http1.header_read_timeout(None).max_buf_size(HEADERS);
    http1
}

/// HTTP/2, in the same way.
fn http2() -> http2::Builder<TokioExecutor> {
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .max_concurrent_streams(16)
        .max_header_list_size(READ_HTTP_2)
        // Not less than a client goes by before it has our settings: h2 gives a stream whose body began then no window any more.
        .initial_stream_window_size(WINDOW)
        // The least that HTTP/2 knows (RFC 9113 §6.9.2); it holds what all streams may send.
        .initial_connection_window_size(WINDOW);
    http2
}

/// Takes connections until it is told to stop.
pub(crate) async fn listen(
    listener: TcpListener,
    hallpass: Arc<Hallpass>,
    mut stopped: watch::Receiver<bool>,
    bounds: Bounds,
) {
    let Bounds {
        connections,
        lingering,
        patience,
    } = bounds;
    let places = Arc::new(Semaphore::new(connections));
    let pages = pages(hallpass.clone());
    let protocols = Arc::new(Protocols::new(http1(), http2(), lingering));
    // Each connection holds the other end: it is told to end, and seen to have ended.
    let (ends, end) = watch::channel(false);
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
        let source = Source::of(address.ip(), &hallpass.proxies);
        let Some(held) = hallpass.in_flight.take(source, Kind::Connections, 1) else {
            tracing::warn!(
                peer = %address.ip(),
                "refused a connection: its source has 256 open; if this is your proxy, name it in [server] trusted_proxies"
            );
            continue;
        };
        let _ = stream.set_nodelay(true);
        let pulse = Arc::new(Pulse::begin(patience, Instant::now()));
        let watched = Watched::new(stream, pulse.clone(), hallpass.in_flight.clone(), source);
        let attended = Attended {
            caller: Arc::new(Caller {
                hallpass: hallpass.clone(),
                pages: pages.clone(),
                peer: Peer(address.ip()),
                source,
            }),
            pulse,
            patience,
            protocols: protocols.clone(),
        };
        let end = end.clone();
        tokio::spawn(async move {
            let _places = (place, held);
            if let Err(error) = attended.attend(watched, end).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop((listener, end));
    ends.send_replace(true);
    let _ = tokio::time::timeout(DRAIN, ends.closed()).await;
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

/// Whom a connection's requests come from, and who answers them.
struct Caller {
    hallpass: Arc<Hallpass>,
    pages: axum::Router,
    peer: Peer,
    source: Source,
}

async fn serve(caller: Arc<Caller>, open: Open, request: Request<Incoming>) -> Result<Response, Infallible> {
    let Caller {
        hallpass,
        pages,
        peer,
        source,
    } = &*caller;
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let method = request.method().clone();
    let request = request.map(|body| open.arriving(body));
    let mut answer = answer(hallpass, pages, request, *peer).await;
    if method == Method::HEAD {
        leave_out_body(&mut answer);
    }
    let repeatable = is_repeatable(&method, &answer);
    let held = hold(&hallpass.in_flight, *source, answer.body(), repeatable).unwrap_or_else(|NoRoom| {
        answer = no_room(hallpass);
        None
    });
    if chunked {
        // It may have had a Content-Length too, which hyper does not tell: a proxy that went by that one must not
        // find a second answer here (RFC 9112 §6.1).
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer.map(|bytes| Full::new(open.answered(bytes, held))))
}

/// What is answered where the memory for requests is full.
fn no_room(hallpass: &Hallpass) -> Answer {
    let refused = hallpass.dialect.token_refusal(&Refusal::NoRoom.public(), Scheme::None);
    respond::rendered(refused).map(whole)
}

/// An answer whose body is whole.
type Answer = http::Response<Bytes>;

/// Leaves out the body of an answer to HEAD (RFC 9110 §9.3.2). hyper does so on HTTP/1 only; on HTTP/2 such a body is a protocol
/// error (RFC 9113 §8.1.1). `Content-Length` stays that of GET.
fn leave_out_body(answer: &mut Answer) {
    let body = std::mem::take(answer.body_mut());
    if !body.is_empty() {
        answer
            .headers_mut()
            .entry(header::CONTENT_LENGTH)
            .or_insert(body.len().into());
    }
}

async fn answer(hallpass: &Arc<Hallpass>, pages: &axum::Router, mut request: Request<Arriving>, peer: Peer) -> Answer {
    if request.version() == Version::HTTP_11 && request.headers().get_all(header::HOST).iter().count() != 1 {
        let refused = hallpass.dialect.token_refusal(&without_host().public(), Scheme::None);
        return respond::rendered(refused).map(whole);
    }
    if request.version() == Version::HTTP_2
        && let Some(refused) = explained::refuse_long_headers(&request, peer.0)
    {
        return refused;
    }
    let endpoint = find(hallpass, &mut request);
    let sharing = cors::sharing(hallpass, endpoint, request.headers()).await;
    if let Some(preflight) = sharing.preflight(request.method(), request.headers()) {
        return preflight.map(whole);
    }
    let mut answer = answer_of(hallpass, pages, endpoint, (request, peer)).await;
    sharing.mark(answer.headers_mut());
    answer
}

/// What an endpoint answers. Each request copies the state of this future, which is as large as its largest branch: those that
/// are large, or not hot, are boxed.
async fn answer_of(
    hallpass: &Arc<Hallpass>,
    pages: &axum::Router,
    endpoint: Endpoint,
    (mut request, peer): (Request<Arriving>, Peer),
) -> Answer {
    let full = |response: Response| response.map(whole);
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
            full(respond::rendered(hallpass.dialect.resource_refusal(&refusal.public())))
        }
        Endpoint::Metadata | Endpoint::OpenApi | Endpoint::Live | Endpoint::Ready => full(only_reads(method)),
        Endpoint::Authorize => full(Box::pin(authorize(hallpass, request.map(Body::new))).await),
        Endpoint::Page => {
            request.extensions_mut().insert(peer);
            match Box::pin(pages.clone().oneshot(request.map(Body::new))).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    // Every page is whole already: nothing is waited for, and nothing can fail.
                    let bytes = body.collect().await.map(|body| body.to_bytes());
                    Answer::from_parts(parts, bytes.unwrap_or_default())
                }
                Err(never) => match never {},
            }
        }
    }
}

fn whole(body: Full<Bytes>) -> Bytes {
    body.into_inner().unwrap_or_default()
}

/// RFC 9112 §3.2. Proxies disagree about which of two hosts counts, and about what none means.
fn without_host() -> Refusal {
    Refusal::Malformed("the request must have one Host header")
}

/// Finds the endpoint, and takes the path of the public address off. A trailing slash is taken off pages too.
fn find(hallpass: &Hallpass, request: &mut Request<Arriving>) -> Endpoint {
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

async fn form_endpoint(hallpass: &Hallpass, endpoint: Endpoint, request: Request<Arriving>, peer: Peer) -> Response {
    let (parts, body) = request.into_parts();
    // Who asks before sending is told before sending (RFC 9110 §10.1.1); who has sent already is heard out, or the answer
    // would be lost with the connection.
    let asks = parts.headers.contains_key(header::EXPECT);
    let read = if parts.method == Method::POST && asks && body.size_hint().lower() > body::LARGEST as u64 {
        Err(Refusal::TooLarge)
    } else if parts.method == Method::POST {
        body::read(body, Some(hallpass.share(peer, &parts.headers)))
            .await
            .map_err(|unread| match unread {
                Unread::TooLarge => Refusal::TooLarge,
                Unread::NoRoom => Refusal::NoRoom,
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
            return respond::rendered(match endpoint {
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
    store.check_writing()
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
    let refusal = not_served(method, "GET, HEAD").public();
    respond::rendered(Dialect::STANDARD.token_refusal(&refusal, Scheme::None))
}
