//! A connection's socket, watched: when bytes come, when it takes no more, and whether HTTP/2 is spoken.

use super::pulse::Pulse;
use crate::in_flight::{Held, InFlight, Kind, Source};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What an HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The socket.
pub(super) struct Watched {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    in_flight: Arc<InFlight>,
    source: Source,
    protocol: Protocol,
}

/// What is spoken, as far as it is known.
enum Protocol {
    /// So many bytes of HTTP/2's preface came.
    Unknown(usize),
    Http1,
    Http2 {
        frames: Frames,
        _place: Held,
    },
}

impl Watched {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>, in_flight: Arc<InFlight>, source: Source) -> Self {
        Self {
            stream,
            pulse,
            in_flight,
            source,
            protocol: Protocol::Unknown(0),
        }
    }

    /// Takes a place for HTTP/2 where that is spoken, and counts the streams that are reset.
    fn learn(&mut self, bytes: &[u8]) -> io::Result<()> {
        let known = match &mut self.protocol {
            Protocol::Unknown(known) => *known,
            Protocol::Http1 => return Ok(()),
            Protocol::Http2 { frames, .. } => {
                let resets = frames.resets(bytes);
                if resets > 0 {
                    self.pulse.taken_back(resets);
                }
                return Ok(());
            }
        };
        let expected = PREFACE.get(known..).unwrap_or_default();
        let length = expected.len().min(bytes.len());
        self.protocol = if expected.get(..length) != bytes.get(..length) {
            Protocol::Http1
        } else if length < expected.len() {
            Protocol::Unknown(known + length)
        } else {
            let Some(_place) = self.in_flight.take(self.source, Kind::Http2, 1) else {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    "too many HTTP/2 connections",
                ));
            };
            self.pulse.is_http2();
            let mut frames = Frames::default();
            frames.resets(bytes.get(length..).unwrap_or_default());
            Protocol::Http2 { frames, _place }
        };
        Ok(())
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        if written.is_pending() {
            self.pulse.blocked(Instant::now());
        }
    }
}

/// Where the frames of HTTP/2 begin among its bytes (RFC 9113 §4.1).
#[derive(Default)]
struct Frames {
    /// A frame's first bytes: its length, in three of them, and its type.
    head: Vec<u8>,
    /// How many bytes of a frame are still to come.
    rest: usize,
}

impl Frames {
    /// Flags and stream, which come between the type and the payload.
    const FLAGS_AND_STREAM: usize = 5;
    const RST_STREAM: u8 = 3;

    /// How many frames that reset a stream begin in these bytes.
    fn resets(&mut self, mut bytes: &[u8]) -> u64 {
        let mut resets = 0;
        while let [first, others @ ..] = bytes {
            if self.rest > 0 {
                let passed = self.rest.min(bytes.len());
                self.rest -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            bytes = others;
            if let [a, b, c, kind] = *self.head {
                resets += u64::from(kind == Self::RST_STREAM);
                self.rest = u32::from_be_bytes([0, a, b, c]) as usize + Self::FLAGS_AND_STREAM;
                self.head.clear();
            }
        }
        resets
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        self.learn(bytes)?;
        self.pulse.heard(bytes, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when it has written everything.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if flushed.is_ready() {
            self.pulse.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resets_are_counted_however_their_bytes_come() {
        let frame = |kind: u8, payload: &[u8]| {
            let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
            [&length[1..], &[kind, 0, 0, 0, 0, 1], payload].concat()
        };
        // Payloads of zeros and threes, which are no frames.
        let frames = [
            frame(4, &[0; 300]),
            frame(3, &[0, 0, 0, 8]),
            frame(0, &[3; 100]),
            frame(3, &[0, 0, 0, 3]),
            frame(6, &[]),
        ]
        .concat();
        for size in [1, 2, 7, 1000] {
            let mut seen = Frames::default();
            let resets: u64 = frames.chunks(size).map(|piece| seen.resets(piece)).sum();
            assert_eq!(resets, 2, "in pieces of {size}");
        }
    }
}
