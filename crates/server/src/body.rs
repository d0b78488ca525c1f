//! A request's body, read to its end: bounded in size and in time, so that nobody fills the memory or keeps a connection.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use std::error::Error;
use std::time::Duration;

/// The largest body that any endpoint or page takes.
pub const LARGEST: usize = 64 * 1024;
/// How long a client may take to send its headers, and then its body.
pub const SLOWEST: Duration = Duration::from_secs(15);

/// Why a body was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unread {
    /// It is larger than [`LARGEST`].
    #[error("the body is too large")]
    TooLarge,
    /// It did not arrive whole, or not within [`SLOWEST`].
    #[error("the body did not arrive whole")]
    Broken,
}

/// Reads a body.
///
/// # Errors
/// Where it is too large, or does not arrive whole in time.
pub async fn read<B>(body: B) -> Result<Bytes, Unread>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    read_within(SLOWEST, body).await
}

async fn read_within<B>(slowest: Duration, body: B) -> Result<Bytes, Unread>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match tokio::time::timeout(slowest, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        _ => Err(Unread::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// A body that never comes.
    struct Stalled;

    impl Body for Stalled {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_that_never_comes_is_not_waited_for() {
        let short = Duration::from_millis(1);
        let stalled = read_within(short, Stalled).await;
        assert_eq!(stalled, Err(Unread::Broken));
        let long: http_body_util::Full<Bytes> = http_body_util::Full::from(vec![b'a'; LARGEST + 1]);
        assert_eq!(read(long).await, Err(Unread::TooLarge));
    }
}
