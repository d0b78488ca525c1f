//! Wraps the socket of a connection. Notes when bytes arrive, when the client takes no more, and whether it speaks HTTP/2.

use super::pulse::Pulse;
use crate::serve::in_flight::{HeldAmount, HeldKind, InFlight, SourceNetworks};
use hyper::body::Bytes;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// The first bytes of an HTTP/2 connection (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The socket of a connection.
pub(super) struct Watched {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    in_flight: Arc<InFlight>,
    source: SourceNetworks,
    protocol: Protocol,
    /// Bytes that were read before and are to be read again.
    again: Bytes,
}

/// The protocol of the connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spoken {
    Unknown,
    Http1,
    Http2,
}

/// The protocol of the connection, as far as it is known, with its state.
enum Protocol {
    /// The number of bytes of HTTP/2's preface that have arrived.
    Unknown(usize),
    Http1,
    Http2 {
        frames: Frames,
        _place: HeldAmount,
    },
}

impl Watched {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>, in_flight: Arc<InFlight>, source: SourceNetworks) -> Self {
        Self {
            stream,
            pulse,
            in_flight,
            source,
            protocol: Protocol::Unknown(0),
            again: Bytes::new(),
        }
    }

    pub(super) fn spoken(&self) -> Spoken {
        match self.protocol {
            Protocol::Unknown(_) => Spoken::Unknown,
            Protocol::Http1 => Spoken::Http1,
            Protocol::Http2 { .. } => Spoken::Http2,
        }
    }

    /// Gives these bytes again to the next reader.
    pub(super) fn replay(&mut self, bytes: Bytes) {
        self.again = bytes;
    }

    /// Takes an amount for the source of the connection.
    pub(super) fn take(&self, kind: HeldKind, amount: usize) -> Option<HeldAmount> {
        self.in_flight.take(self.source, kind, amount)
    }

    /// Detects the protocol. For HTTP/2, takes one of the limited connections and follows the frames.
    fn learn(&mut self, bytes: &[u8]) -> io::Result<()> {
        let known = match &mut self.protocol {
            Protocol::Unknown(known) => *known,
            Protocol::Http1 => return Ok(()),
            Protocol::Http2 { frames, .. } => {
                frames.follow(bytes, &self.pulse);
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
            let Some(_place) = self.in_flight.take(self.source, HeldKind::Http2, 1) else {
                return Err(io::Error::new(
                    io::ErrorKind::ConnectionRefused,
                    "too many HTTP/2 connections",
                ));
            };
            self.pulse.is_http2();
            let mut frames = Frames::default();
            frames.follow(bytes.get(length..).unwrap_or_default(), &self.pulse);
            Protocol::Http2 { frames, _place }
        };
        Ok(())
    }

    fn wrote(&self, waiting: usize, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Pending => self.pulse.blocked(waiting, Instant::now()),
            Poll::Ready(Ok(bytes)) => self.pulse.took(*bytes),
            Poll::Ready(Err(_)) => {}
        }
    }
}

/// Finds the frames in the bytes of an HTTP/2 connection (RFC 9113 §4.1).
#[derive(Default)]
struct Frames {
    /// The first bytes of a frame: three for its length, one for its type, one for its flags.
    head: Vec<u8>,
    /// How many bytes of a frame are still to come.
    rest: usize,
    /// Headers have begun and are not complete.
    in_headers: bool,
    /// The headers are complete at the end of this frame.
    ends_headers: bool,
}

/// What a piece of the connection contained.
#[derive(Default, PartialEq, Eq, Debug)]
struct Seen {
    /// The number of frames that reset a stream.
    resets: u64,
    /// Whether headers became complete.
    ended_headers: bool,
}

impl Frames {
    /// The length of the stream's number, which is between the flags and the payload.
    const STREAM: usize = 4;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const CONTINUATION: u8 = 9;
    const END_HEADERS: u8 = 4;

    /// Reports to the pulse what these bytes contain.
    fn follow(&mut self, bytes: &[u8], pulse: &Pulse) {
        let seen = self.read(bytes);
        if seen.resets > 0 {
            pulse.taken_back(seen.resets);
        }
        if seen.ended_headers || self.in_headers {
            pulse.http2_headers(seen.ended_headers, self.in_headers, Instant::now());
        }
    }

    fn read(&mut self, mut bytes: &[u8]) -> Seen {
        let mut seen = Seen::default();
        while let [first, others @ ..] = bytes {
            if self.rest > 0 {
                let passed = self.rest.min(bytes.len());
                self.rest -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
                if self.rest == 0 && self.ends_headers {
                    seen.ended_headers = true;
                    (self.in_headers, self.ends_headers) = (false, false);
                }
                continue;
            }
            self.head.push(*first);
            bytes = others;
            if let [a, b, c, kind, flags] = *self.head {
                seen.resets += u64::from(kind == Self::RST_STREAM);
                if matches!(kind, Self::HEADERS | Self::CONTINUATION) {
                    self.in_headers = true;
                    self.ends_headers = flags & Self::END_HEADERS != 0;
                }
                self.rest = u32::from_be_bytes([0, a, b, c]) as usize + Self::STREAM;
                self.head.clear();
            }
        }
        seen
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.again.is_empty() {
            let length = self.again.len().min(buffer.remaining());
            buffer.put_slice(&self.again.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() {
            self.pulse.silent();
        }
        ready!(read)?;
        let bytes = buffer.filled().get(before..).unwrap_or_default();
        self.learn(bytes)?;
        self.pulse.heard(bytes, Instant::now());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(bytes.len(), &written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(slices.iter().map(|slice| slice.len()).sum(), &written);
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

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn resets_are_counted_however_their_bytes_come() {
        // Payloads of zeros and threes, which are no frames.
        let frames = [
            frame(4, 0, &[0; 300]),
            frame(3, 0, &[0, 0, 0, 8]),
            frame(0, 0, &[3; 100]),
            frame(3, 0, &[0, 0, 0, 3]),
            frame(6, 0, &[]),
        ]
        .concat();
        for size in [1, 2, 7, 1000] {
            let mut frames_seen = Frames::default();
            let resets: u64 = frames.chunks(size).map(|piece| frames_seen.read(piece).resets).sum();
            assert_eq!(resets, 2, "in pieces of {size}");
        }
    }

    /// RFC 9113 §4.3: a HEADERS frame and its CONTINUATION frames, of which the last one says so.
    #[test]
    fn headers_are_complete_at_the_end_of_their_last_frame() {
        let blocks = [
            frame(1, 4, &[4; 30]),
            frame(1, 0, &[9; 40]),
            frame(9, 0, &[1; 10]),
            frame(9, 4, &[]),
            frame(0, 4, &[1; 20]),
        ];
        let ends = [true, false, false, true, false];
        let mut frames = Frames::default();
        for (block, ends) in blocks.iter().zip(ends) {
            let is_headers = block[3] != 0;
            let (last, before) = block.split_last().unwrap();
            for byte in before {
                assert!(!frames.read(&[*byte]).ended_headers);
            }
            assert_eq!(frames.in_headers, is_headers);
            assert_eq!(frames.read(&[*last]).ended_headers, ends);
            assert_eq!(frames.in_headers, is_headers && !ends);
        }
        let mut frames = Frames::default();
        let seen = frames.read(&blocks.concat()[..blocks[0].len() + 20]);
        assert!(seen.ended_headers && frames.in_headers, "one ended, the next one begun");
    }
}
