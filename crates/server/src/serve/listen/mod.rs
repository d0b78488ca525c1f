//! Accepts connections, and limits their number, their waiting times and the memory of their requests.

mod answers;
mod arriving;
mod beginning;
mod begun;
mod connection;
mod explained;
mod head;
mod pulse;
mod watched;

pub(crate) use explained::Explained;
pub use pulse::Patience;

use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::serve::dispatch::{WholeResponse, dispatch, no_room};
use crate::serve::hallpass::Hallpass;
use crate::serve::in_flight::{HeldKind, SourceNetworks};
use crate::web::routes::pages;
use answers::{NoRoom, Open, hold, is_repeatable};
use connection::{Attended, Protocols};
use http::{HeaderValue, Method, Request, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
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
use watched::Watched;

/// How long open requests may take when the server is told to end.
pub(crate) const DRAIN: Duration = Duration::from_secs(20);

/// The largest headers of a request, with its query, and the buffers of an HTTP/1 connection.
pub(crate) const HEADERS: usize = 16 * 1024;

/// The largest headers of an HTTP/2 request, of which a connection has sixteen.
const HEADERS_HTTP_2: usize = 8 * 1024;

/// The longest headers that h2 reads, so that headers above the limit can be refused with a text. This is the size of one frame
/// (RFC 9113 §4.2).
const READ_HTTP_2: u32 = 16 * 1024;

/// The most unread bytes that an HTTP/2 client may send, on all streams of a connection together.
const WINDOW: u32 = 65_535;

/// The limits of connections.
pub(crate) struct ListenBounds {
    /// The largest number of open connections. One more waits in the kernel until another is closed.
    pub(crate) connections: usize,
    /// The number of connections up to which one keeps its buffers for a moment after an answer, so that the next request is
    /// faster.
    pub(crate) lingering: usize,
    /// The waiting times of each connection.
    pub(crate) patience: Patience,
}

/// The number of connections that a busy proxy keeps. Their buffers take 13 MiB.
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
        // Not less than the default window, which a client uses before it has our settings: h2 gives no more window to a stream
        // whose body began then.
        .initial_stream_window_size(WINDOW)
        // The least that HTTP/2 knows (RFC 9113 §6.9.2); it holds what all streams may send.
        .initial_connection_window_size(WINDOW);
    http2
}

/// Accepts connections until it is told to stop.
pub(crate) async fn listen(
    listener: TcpListener,
    hallpass: Arc<Hallpass>,
    mut stopped: watch::Receiver<bool>,
    bounds: ListenBounds,
) {
    let ListenBounds {
        connections,
        lingering,
        patience,
    } = bounds;
    let places = Arc::new(Semaphore::new(connections));
    let pages = pages(hallpass.clone());
    let protocols = Arc::new(Protocols::new(http1(), http2(), lingering));
    // Each connection holds a receiver: by it the connection is told to end, and its end is noticed.
    let (ends, end) = watch::channel(false);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, address, place)) = accepted else {
            // Probably out of file descriptors: wait until others are closed.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let source = SourceNetworks::of(address.ip(), &hallpass.proxies);
        let Some(held) = hallpass.in_flight.take(source, HeldKind::Connections, 1) else {
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
            caller: Arc::new(ClientPeer {
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

/// The peer of a connection, and the server that answers it.
struct ClientPeer {
    hallpass: Arc<Hallpass>,
    pages: axum::Router,
    peer: Peer,
    source: SourceNetworks,
}

async fn serve(caller: Arc<ClientPeer>, open: Open, request: Request<Incoming>) -> Result<Response, Infallible> {
    let ClientPeer {
        hallpass,
        pages,
        peer,
        source,
    } = &*caller;
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let method = request.method().clone();
    let request = request.map(|body| open.arriving(body));
    let too_long = match request.version() {
        Version::HTTP_2 => explained::refuse_long_headers(&request, peer.0),
        _ => None,
    };
    let mut answer = match too_long {
        Some(refused) => refused,
        None => match head::hold(&request, || hallpass.share(*peer, request.headers())) {
            Ok(_held) => dispatch(hallpass, pages, request, *peer).await,
            Err(NoRoom) => no_room(hallpass),
        },
    };
    if method == Method::HEAD {
        leave_out_body(&mut answer);
    }
    let repeatable = is_repeatable(&method, &answer);
    let held = hold(&hallpass.in_flight, *source, answer.body(), repeatable).unwrap_or_else(|NoRoom| {
        answer = no_room(hallpass);
        None
    });
    if chunked {
        // The request may have had a Content-Length too, which hyper does not report. A proxy that used that length must not
        // find a second answer here (RFC 9112 §6.1).
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(answer.map(|bytes| Full::new(open.answered(bytes, held))))
}

/// Removes the body of an answer to HEAD (RFC 9110 §9.3.2). hyper does so on HTTP/1 only; on HTTP/2 such a body is a protocol
/// error (RFC 9113 §8.1.1). `Content-Length` stays that of GET.
fn leave_out_body(answer: &mut WholeResponse) {
    let body = std::mem::take(answer.body_mut());
    if !body.is_empty() {
        answer
            .headers_mut()
            .entry(header::CONTENT_LENGTH)
            .or_insert(body.len().into());
    }
}
