//! The first bytes of a request, read before hyper gets the connection.

use super::HEADERS;
use super::beginning::Beginning;
use super::watched::{Spoken, Watched};
use crate::serve::in_flight::{HeldAmount, HeldKind};
use hyper::body::Bytes;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead as _, ReadBuf};

/// The most bytes of one read. Most requests fit in it with their bodies.
const PIECE: usize = 4 * 1024;
/// Up to this number of bytes nothing is counted: the connection itself takes as much.
const SMALL: usize = 1024;

/// The next step for the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Wait for more bytes.
    More,
    /// Give the bytes to hyper.
    Http1,
    Http2,
    /// The memory for requests is full.
    NoRoom,
    /// The client closed the connection.
    Closed,
}

/// The first bytes of a request. They count as memory for requests.
#[derive(Default)]
pub(super) struct Begun {
    bytes: Vec<u8>,
    held: Option<HeldAmount>,
    /// The number of bytes that hyper has seen.
    seen: usize,
    beginning: Beginning,
}

impl Begun {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether the method is HEAD, also if there was no memory for the bytes.
    pub(super) fn is_head(&self) -> bool {
        self.beginning.is_head()
    }

    /// Reads the bytes that have arrived. If this future is dropped, nothing is lost.
    pub(super) async fn read(&mut self, watched: &mut Watched) -> io::Result<Next> {
        poll_fn(|context| self.poll_read(watched, context)).await
    }

    fn poll_read(&mut self, watched: &mut Watched, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        let mut piece = [const { MaybeUninit::uninit() }; PIECE];
        let mut piece = ReadBuf::uninit(&mut piece);
        ready!(Pin::new(&mut *watched).poll_read(context, &mut piece))?;
        let piece = piece.filled();
        Poll::Ready(Ok(if piece.is_empty() {
            Next::Closed
        } else if self.add(piece, watched) {
            self.next(watched.spoken())
        } else {
            Next::NoRoom
        }))
    }

    /// Takes back bytes that hyper has seen and that are not a whole request. `false` if there is no memory for them.
    pub(super) fn put_back(&mut self, bytes: &[u8], watched: &Watched) -> bool {
        if !self.add(bytes, watched) {
            return false;
        }
        self.seen = self.bytes.len();
        true
    }

    /// The bytes, for hyper. From here on they are hyper's buffer, which has a limit, and then the head of a request, which counts.
    pub(super) fn take(&mut self) -> Bytes {
        let begun = std::mem::take(self);
        Bytes::from(begun.bytes)
    }

    fn add(&mut self, bytes: &[u8], watched: &Watched) -> bool {
        // Line breaks between requests belong to no request (RFC 9112 §2.2).
        let blank = if self.bytes.is_empty() {
            bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
        } else {
            0
        };
        let bytes = bytes.get(blank..).unwrap_or_default();
        self.beginning.read(bytes);
        let length = self.bytes.len() + bytes.len();
        let counted = if length <= SMALL { 0 } else { length };
        let more = counted - self.held.as_ref().map_or(0, HeldAmount::amount);
        let fits = more == 0
            || match &mut self.held {
                Some(held) => held.grow(more),
                none => {
                    *none = watched.take(HeldKind::Bytes, more);
                    none.is_some()
                }
            };
        if fits {
            self.bytes.reserve_exact(bytes.len());
            self.bytes.extend_from_slice(bytes);
        }
        fits
    }

    /// Whether hyper should see the bytes. It sees the first ones, which reveal most traffic that is not HTTP. It sees them
    /// again when the headers may be complete, are too large, or have doubled: not at each byte of a client that sends them one
    /// by one.
    fn next(&self, spoken: Spoken) -> Next {
        match spoken {
            Spoken::Http2 => Next::Http2,
            Spoken::Unknown => Next::More,
            Spoken::Http1 if self.bytes.is_empty() => Next::More,
            Spoken::Http1 => {
                let enough = self.bytes.len() >= HEADERS.min(2 * self.seen);
                match enough || ends(self.bytes.get(self.seen.saturating_sub(3)..).unwrap_or_default()) {
                    true => Next::Http1,
                    false => Next::More,
                }
            }
        }
    }
}

/// Whether there is an empty line, which ends the headers (RFC 9112 §2.1). hyper also accepts bare line feeds.
fn ends(bytes: &[u8]) -> bool {
    let contains = |end: &[u8]| bytes.windows(end.len()).any(|window| window == end);
    contains(b"\n\n") || contains(b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(bytes: &[u8], seen: usize) -> Begun {
        Begun {
            bytes: bytes.to_vec(),
            seen,
            ..Begun::default()
        }
    }

    #[test]
    fn hyper_sees_the_first_bytes_and_then_those_that_may_end_the_headers() {
        let next = |bytes: &[u8], seen| begun(bytes, seen).next(Spoken::Http1);
        assert_eq!(next(b"G", 0), Next::Http1);
        assert_eq!(next(b"", 0), Next::More);
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n";
        let cut = head.len() - 1;
        assert_eq!(next(head, cut), Next::More);
        for end in [&b"\r\n"[..], b"\n"] {
            let whole = [&head[..], end].concat();
            for seen in cut..whole.len() {
                assert_eq!(next(&whole, seen), Next::Http1, "{end:?} after {seen}");
            }
        }
    }

    #[test]
    fn hyper_sees_headers_that_have_doubled_or_are_too_large() {
        let next = |length, seen| begun(&vec![b'a'; length], seen).next(Spoken::Http1);
        assert_eq!(next(1999, 1000), Next::More);
        assert_eq!(next(2000, 1000), Next::Http1);
        assert_eq!(next(HEADERS - 1, HEADERS - 2), Next::More);
        assert_eq!(next(HEADERS, HEADERS - 1), Next::Http1);
    }
}
