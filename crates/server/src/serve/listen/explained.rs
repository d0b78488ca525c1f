//! Texts for requests that hyper refuses before the router. hyper itself answers a request that it cannot parse, with only a
//! status, which is a blank page. This wrapper of the socket recognises such an answer, and sends one with a body instead.

use super::beginning::Beginning;
use super::{HEADERS, HEADERS_HTTP_2, head};
use crate::http::body::SLOWEST;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Bytes;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The headers of such an answer, as text and as pages have them.
const PROTECTED: [(HeaderName, &str); 6] = [
    (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The most headers that hyper reads of an HTTP/1 request.
const MOST_HEADERS: usize = 100;

/// The most bytes that are read and discarded after a last answer.
const MOST_THROWN_AWAY: u64 = 256 * 1024;

/// Refuses an HTTP/2 request whose headers, with its address, are too long. h2 refuses headers of twice that length without a
/// text, because only h2 can answer on its connection.
pub(super) fn refuse_long_headers<B>(request: &Request<B>, peer: IpAddr) -> Option<Response<Bytes>> {
    if head::length(request) <= HEADERS_HTTP_2 {
        return None;
    }
    log(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, peer);
    let mut response = Response::new(too_long(HEADERS_HTTP_2, "").into());
    *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    for (name, value) in PROTECTED {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(response)
}

fn too_long(limit: usize, more: &str) -> String {
    format!(
        "The address and the headers of this request are too long: this server takes {} KiB of them in all{more}.\n\
         Shorten the address, or delete the cookies of this site, and try again.\n",
        limit / 1024
    )
}

fn words(status: StatusCode) -> String {
    match status {
        StatusCode::BAD_REQUEST => {
            "This request is not valid HTTP. For HTTPS, use the address of the proxy in front of this server.\n"
                .to_owned()
        }
        _ => too_long(HEADERS, &format!(", in at most {MOST_HEADERS} headers")),
    }
}

fn log(status: StatusCode, peer: IpAddr) {
    if status == StatusCode::BAD_REQUEST {
        tracing::info!(%peer, "refused a request that is not valid HTTP");
    } else {
        tracing::info!(%peer, "refused a request: its address and headers are too long");
    }
}

/// A connection on which every refusal has a text.
pub(crate) struct Explained<S> {
    stream: S,
    peer: IpAddr,
    /// The beginning of the request that is being read: of the bytes since the last write.
    beginning: Beginning,
    last: Option<Box<Last>>,
}

/// The last answer of a connection, in place of hyper's.
struct Last {
    answer: Vec<u8>,
    sent: usize,
    thrown_away: u64,
    /// If a socket is closed while bytes arrive, it is reset, and the client may lose the answer. So arriving bytes are read
    /// and discarded until this moment, up to [`MOST_THROWN_AWAY`].
    lingers: Pin<Box<Sleep>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Explained<S> {
    pub(crate) fn new(stream: S, peer: IpAddr) -> Self {
        Self {
            stream,
            peer,
            beginning: Beginning::default(),
            last: None,
        }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// If these bytes are an answer of hyper's, keeps the answer to send in their place.
    fn replaces(&mut self, slices: &[IoSlice<'_>]) -> bool {
        // What is read from now on belongs to the next request.
        let beginning = std::mem::take(&mut self.beginning);
        let [bytes] = slices else { return false };
        let Some((status, answer)) = explain(bytes, beginning.is_head()) else {
            return false;
        };
        log(status, self.peer);
        self.end_with(answer);
        true
    }

    /// Makes this answer the last one. It is sent when the connection is flushed or shut down.
    pub(super) fn end_with(&mut self, answer: Vec<u8>) {
        let lingers = Box::pin(sleep(SLOWEST));
        self.last = Some(Box::new(Last {
            answer,
            sent: 0,
            thrown_away: 0,
            lingers,
        }));
    }

    fn poll_send_last(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(last) = &mut self.last else {
            return Poll::Ready(Ok(()));
        };
        while let Some(rest @ [_, ..]) = last.answer.get(last.sent..) {
            match ready!(Pin::new(&mut self.stream).poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => last.sent += sent,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads until the client has closed its side, or has sent too much.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(last) = &mut self.last else {
            return Poll::Ready(());
        };
        let mut bytes = [0; 4096];
        while last.thrown_away < MOST_THROWN_AWAY && last.lingers.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            last.thrown_away += buffer.filled().len() as u64;
        }
        Poll::Ready(())
    }
}

/// The answer to send in place of these bytes, if they are an answer without a text: a refusal that has only headers that hyper
/// sets. Every answer of ours has other headers.
fn explain(bytes: &[u8], is_head: bool) -> Option<(StatusCode, Vec<u8>)> {
    if !bytes.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    const EMPTY: &str = "content-length: 0";
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let (line, headers) = head.split_once("\r\n")?;
    let of_hyper = |header: &str| header == EMPTY || header.starts_with("date: ") || header.starts_with("connection: ");
    let status = StatusCode::from_bytes(line.as_bytes().get(9..12)?).ok()?;
    if !headers.split("\r\n").all(of_hyper) {
        return None;
    }
    let body = words(status);
    let mut answer = format!("{line}\r\ncontent-length: {}\r\n", body.len());
    let kept = headers.split("\r\n").filter(|header| header.starts_with("date: "));
    let added = PROTECTED.map(|(name, value)| format!("{name}: {value}"));
    for header in kept
        .chain(added.iter().map(String::as_str))
        .chain(["connection: close"])
    {
        answer.push_str(header);
        answer.push_str("\r\n");
    }
    answer.push_str("\r\n");
    if !is_head {
        answer.push_str(&body);
    }
    Some((status, answer.into_bytes()))
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.beginning.read(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(&[IoSlice::new(bytes)]) {
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_send_last(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(slices) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        ready!(self.poll_send_last(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_last(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send_last(context))?;
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        ready!(self.poll_linger(context));
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
