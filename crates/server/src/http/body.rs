//! Reads the body of a request. Size, time and memory per source are limited, so that no client can fill the memory or hold
//! a connection.

use crate::serve::in_flight::{HeldAmount, HeldKind, InFlight, SourceNetworks};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use std::sync::Arc;
use std::time::Duration;

/// The largest body that any endpoint or page accepts, in bytes.
pub(crate) const LARGEST: usize = 64 * 1024;
/// How long a client may take to send its headers, and after that its body.
pub(crate) const SLOWEST: Duration = Duration::from_secs(15);
/// The most bytes that are reserved at the start for a body of an announced length. A client that announces more and sends
/// nothing must not hold more.
const FIRST: usize = 4 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// The body is larger than [`LARGEST`].
    #[error("the body is too large")]
    TooLarge,
    /// The body did not arrive whole, or took longer than [`SLOWEST`].
    #[error("the body did not arrive whole")]
    Broken,
    /// The server or the source already holds as much memory as allowed.
    #[error("the memory for requests in flight is full")]
    NoRoom,
}

/// The memory of all requests in flight, and the source that this body counts for.
#[derive(Clone, Debug)]
pub struct Share(pub Arc<InFlight>, pub SourceNetworks);

/// Reads a body. The memory that it takes counts as in flight as long as the returned bytes live. Without a share nothing
/// is counted: only the admin socket does so.
///
/// # Errors
/// If the body is too large, does not arrive whole in time, or finds no free memory.
pub(crate) async fn read<B: Body<Data = Bytes>>(body: B, share: Option<Share>) -> Result<Bytes, Unread> {
    read_at_most(LARGEST, body, share).await
}

/// The same with another limit, in bytes. Only callers that have authenticated get a larger one.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_at_most<B: Body<Data = Bytes>>(
    largest: usize,
    body: B,
    share: Option<Share>,
) -> Result<Bytes, Unread> {
    read_within(SLOWEST, largest, body, share).await
}

async fn read_within<B: Body<Data = Bytes>>(
    slowest: Duration,
    largest: usize,
    body: B,
    share: Option<Share>,
) -> Result<Bytes, Unread> {
    let whole = tokio::time::timeout(slowest, collect(largest, body, share)).await;
    whole.unwrap_or(Err(Unread::Broken))
}

async fn collect<B: Body<Data = Bytes>>(largest: usize, body: B, share: Option<Share>) -> Result<Bytes, Unread> {
    let mut body = std::pin::pin!(body);
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut read = Collected {
        largest,
        bytes: Vec::new(),
        held: None,
    };
    read.make_room(announced.min(FIRST), share.as_ref())?;
    while let Some(frame) = body.frame().await {
        // A frame without data is a trailer, which is ignored.
        if let Ok(piece) = frame.map_err(|_| Unread::Broken)?.into_data() {
            read.push(&piece, share.as_ref())?;
        }
    }
    Ok(Bytes::from_owner(read))
}

/// The bytes that have arrived. Each piece is copied, because a piece is a slice of the connection's read buffer: a piece
/// of one byte would keep 8 KiB in memory.
struct Collected {
    largest: usize,
    bytes: Vec<u8>,
    held: Option<HeldAmount>,
}

impl Collected {
    fn push(&mut self, piece: &[u8], share: Option<&Share>) -> Result<(), Unread> {
        let length = self.bytes.len() + piece.len();
        if length > self.largest {
            return Err(Unread::TooLarge);
        }
        if length > self.bytes.capacity() {
            let capacity = length.max(self.bytes.capacity() * 2).min(self.largest);
            self.make_room(capacity, share)?;
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn make_room(&mut self, capacity: usize, share: Option<&Share>) -> Result<(), Unread> {
        let more = capacity - self.bytes.capacity();
        if more == 0 {
            return Ok(());
        }
        if let Some(Share(in_flight, source)) = share {
            let fits = match &mut self.held {
                Some(held) => held.grow(more),
                none => {
                    *none = in_flight.take(*source, HeldKind::Bytes, more);
                    none.is_some()
                }
            };
            if !fits {
                return Err(Unread::NoRoom);
            }
        }
        self.bytes.reserve_exact(capacity - self.bytes.len());
        Ok(())
    }
}

impl AsRef<[u8]> for Collected {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::source::Proxies;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    /// A body that never arrives.
    struct Stalled;

    impl Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_never_arrives_times_out() {
        let short = Duration::from_millis(1);
        let stalled = read_within(short, LARGEST, Stalled, None).await;
        assert_eq!(stalled, Err(Unread::Broken));
        let whole = |size| Full::<Bytes>::from(vec![b'a'; size]);
        assert_eq!(read(whole(LARGEST + 1), None).await, Err(Unread::TooLarge));
        assert_eq!(read(whole(LARGEST), None).await.map(|body| body.len()), Ok(LARGEST));
    }

    /// A read buffer of 8 KiB with a piece of one byte.
    struct Buffer(Vec<u8>, Arc<AtomicUsize>);

    impl AsRef<[u8]> for Buffer {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Buffer {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn a_body_in_tiny_pieces_keeps_no_buffer_of_the_connection() {
        let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let pieces = (0..20_000).map(|_| {
            let now = alive.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            let buffer = Bytes::from_owner(Buffer(vec![b'a'; 8192], alive.clone()));
            Ok::<_, Infallible>(Frame::data(buffer.slice(..1)))
        });
        let body = read(StreamBody::new(futures_util::stream::iter(pieces)), None).await;
        assert_eq!(body.map(|body| body.len()), Ok(20_000));
        assert!(most.load(Ordering::SeqCst) <= 2, "{most:?} buffers at once");
    }

    fn share(in_flight: &Arc<InFlight>) -> Option<Share> {
        let source = SourceNetworks::of([192, 0, 2, 1].into(), &Proxies::new(Vec::new()));
        Some(Share(in_flight.clone(), source))
    }

    /// A body holds about as much memory as has arrived of it, as long as its bytes live.
    #[tokio::test]
    async fn a_body_holds_the_bytes_that_arrived_not_the_announced_length() {
        let in_flight = Arc::new(InFlight::default());
        let mut pieces = Vec::new();
        for size in [1_usize, 5000, 20_000, 20_000] {
            pieces.push(Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'a'; size]))));
            let arrived = pieces
                .iter()
                .flatten()
                .map(|frame| frame.data_ref().unwrap().len())
                .sum::<usize>();
            let some: Vec<_> = pieces
                .iter()
                .map(|piece| Ok::<_, Infallible>(Frame::data(piece.as_ref().unwrap().data_ref().unwrap().clone())))
                .collect();
            let body = read(StreamBody::new(futures_util::stream::iter(some)), share(&in_flight))
                .await
                .unwrap();
            let held = in_flight.held(HeldKind::Bytes);
            assert!((arrived..=2 * arrived).contains(&held), "{held} for {arrived}");
            drop(body);
            assert_eq!(in_flight.held(HeldKind::Bytes), 0);
        }
        let announced = http_body_util::combinators::BoxBody::new(Full::from(vec![b'a'; 100]));
        let body = read(announced, share(&in_flight)).await.unwrap();
        assert_eq!(in_flight.held(HeldKind::Bytes), 100);
        drop(body);
    }

    #[tokio::test]
    async fn a_body_that_finds_no_room_is_not_read() {
        let in_flight = Arc::new(InFlight::default());
        let Some(Share(_, source)) = share(&in_flight) else {
            return;
        };
        let all = in_flight.take(source, HeldKind::Bytes, 4 * 1024 * 1024).unwrap();
        let body = || Full::<Bytes>::from(vec![b'a'; 100]);
        assert_eq!(read(body(), share(&in_flight)).await, Err(Unread::NoRoom));
        assert_eq!(
            read(Full::<Bytes>::default(), share(&in_flight)).await,
            Ok(Bytes::new())
        );
        drop(all);
        assert!(read(body(), share(&in_flight)).await.is_ok());
    }
}
