//! A connection from its first byte to its last. Between requests only its socket is kept.
//!
//! hyper's buffers and states take some 25 KiB for each connection, with a request or without. So hyper gets the socket when
//! bytes of a request have arrived. It gives the socket back when no request follows, or when it waits for the rest of the
//! headers (decision 70). The bytes that hyper has read of that request come back with the socket.

use super::begun::{Begun, Next};
use super::explained::Explained;
use super::pulse::{Cut, Patience, Pulse};
use super::watched::Watched;
use super::{ClientPeer, DRAIN, answers::Open, no_room, serve};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How long hyper keeps a connection without a request if it has few connections. The next request can then use the same buffers.
const LINGER: Duration = Duration::from_secs(1);

/// The settings and counts that all connections share.
pub(super) struct Protocols {
    pub(super) http1: http1::Builder,
    pub(super) http2: http2::Builder<TokioExecutor>,
    /// The number of connections that hyper's HTTP/1 has.
    active: AtomicUsize,
    /// The number of connections up to which hyper may keep one without a request.
    lingering: usize,
}

/// Why a connection ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Early {
    #[error(transparent)]
    Socket(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

impl Protocols {
    pub(super) fn new(http1: http1::Builder, http2: http2::Builder<TokioExecutor>, lingering: usize) -> Self {
        Self {
            http1,
            http2,
            active: AtomicUsize::new(0),
            lingering,
        }
    }
}

/// Counts a connection as long as hyper has it.
struct Active<'p>(&'p Protocols);

impl<'p> Active<'p> {
    fn begin(protocols: &'p Protocols) -> Self {
        protocols.active.fetch_add(1, Ordering::Relaxed);
        Self(protocols)
    }

    fn may_linger(&self) -> bool {
        self.0.active.load(Ordering::Relaxed) <= self.0.lingering
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection: its caller, its pulse and its waiting times.
pub(super) struct Attended {
    pub(super) caller: Arc<ClientPeer>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) patience: Patience,
    pub(super) protocols: Arc<Protocols>,
}

impl Attended {
    /// Serves a connection until it ends, is cut, or the server stops.
    pub(super) async fn attend(&self, mut watched: Watched, mut end: watch::Receiver<bool>) -> Result<(), Early> {
        let mut begun = Begun::default();
        loop {
            let next = tokio::select! {
                // Checked first, so that a request that arrives at the moment of the timeout is answered.
                biased;
                next = begun.read(&mut watched) => next?,
                _ = self.pulse.cut() => return Ok(()),
                _ = end.wait_for(|end| *end), if begun.is_empty() => return Ok(()),
            };
            match next {
                Next::More => {}
                Next::Closed => return Ok(()),
                Next::NoRoom => break,
                // Boxed, because hyper's states are large, and a connection that waits for a request must be small.
                Next::Http2 => {
                    watched.replay(begun.take());
                    return Ok(Box::pin(self.http2(watched, end)).await?);
                }
                Next::Http1 => {
                    watched.replay(begun.take());
                    let Some((back, bytes)) = Box::pin(self.http1(watched, &mut end)).await? else {
                        return Ok(());
                    };
                    watched = back;
                    if !begun.put_back(&bytes, &watched) {
                        break;
                    }
                }
            }
        }
        Box::pin(self.refuse(watched, begun.is_head())).await;
        Ok(())
    }

    /// Serves requests. Returns the socket, with the bytes that were read of the next request, when hyper waits for the rest of
    /// it.
    async fn http1(
        &self,
        watched: Watched,
        end: &mut watch::Receiver<bool>,
    ) -> Result<Option<(Watched, Bytes)>, hyper::Error> {
        let active = Active::begin(&self.protocols);
        let explained = Explained::new(watched, self.caller.peer.0);
        let builder = &self.protocols.http1;
        let mut connection = builder.serve_connection(TokioIo::new(explained), self.service());
        let mut linger = pin!(sleep(LINGER));
        let served = poll_fn(|context| match connection.poll_without_shutdown(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if self.rests(&active, linger.as_mut(), context) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let longest = tokio::select! {
            biased;
            served = served => Err(served),
            cut = self.pulse.cut() => Ok(self.after(cut)),
            _ = end.wait_for(|end| *end) => Ok(Some(DRAIN)),
        };
        let longest = match longest {
            Ok(longest) => longest,
            Err(ended) => {
                let parts = connection.into_parts();
                let mut explained = parts.io.into_inner();
                let Some(ended) = ended else {
                    return Ok(Some((explained.into_inner(), parts.read_buf)));
                };
                // An error means that the socket is closed already.
                let _ = explained.shutdown().await;
                return ended.map(|()| None);
            }
        };
        let Some(longest) = longest else { return Ok(None) };
        Pin::new(&mut connection).graceful_shutdown();
        timeout(longest, connection).await.unwrap_or(Ok(()))?;
        Ok(None)
    }

    async fn http2(&self, watched: Watched, mut end: watch::Receiver<bool>) -> Result<(), hyper::Error> {
        let served = self
            .protocols
            .http2
            .serve_connection(TokioIo::new(watched), self.service());
        let mut connection = pin!(served);
        let longest = tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            cut = self.pulse.cut() => self.after(cut),
            _ = end.wait_for(|end| *end) => Some(DRAIN),
        };
        let Some(longest) = longest else { return Ok(()) };
        // HTTP/2 tells the client which of its requests are not answered.
        connection.as_mut().graceful_shutdown();
        timeout(longest, connection).await.unwrap_or(Ok(()))
    }

    /// How long the end of the connection may take.
    fn after(&self, cut: Cut) -> Option<Duration> {
        match cut {
            Cut::AtOnce => None,
            Cut::Idle => Some(self.patience.slowest),
        }
    }

    /// Whether hyper should give the socket back: it waits for the rest of a request, or it has waited long for the next one,
    /// or it has many connections.
    fn rests(&self, active: &Active<'_>, mut linger: Pin<&mut Sleep>, context: &mut Context<'_>) -> bool {
        let Some(rest) = self.pulse.rest() else { return false };
        if rest.begun || !active.may_linger() {
            return true;
        }
        // The timer is moved only when it fires, not at each request.
        while linger.as_mut().poll(context).is_ready() {
            let over = rest.since + LINGER;
            if over <= Instant::now() {
                return true;
            }
            linger.as_mut().reset(over);
        }
        false
    }

    /// The service that answers the requests of this connection.
    fn service(
        &self,
    ) -> impl HttpService<
        Incoming,
        ResBody = Full<Bytes>,
        Error = Infallible,
        Future: Future<Output = Result<crate::http::respond::Response, Infallible>> + Send + Unpin + 'static,
    > + Unpin
    + use<> {
        let (caller, pulse) = (self.caller.clone(), self.pulse.clone());
        service_fn(move |request| Box::pin(serve(caller.clone(), Open::begin(&pulse, &request), request)))
    }

    /// Answers that there is no memory for the headers of a request, and closes the connection.
    async fn refuse(&self, watched: Watched, is_head: bool) {
        let refusal = no_room(&self.caller.hallpass);
        let (head, body) = refusal.into_parts();
        let reason = head.status.canonical_reason().unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_u16()).into_bytes();
        for (name, value) in &head.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        let length = format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        bytes.extend_from_slice(length.as_bytes());
        if !is_head {
            bytes.extend_from_slice(&body);
        }
        let mut explained = Explained::new(watched, self.caller.peer.0);
        explained.end_with(bytes);
        // If the client has gone, nothing is lost.
        let _ = timeout(self.patience.slowest, explained.shutdown()).await;
    }
}
