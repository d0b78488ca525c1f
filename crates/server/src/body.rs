//! A request's body, read to its end within bounds of size and time.

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;

/// The largest body that any endpoint or page takes.
const LARGEST: usize = 64 * 1024;
/// How long a client may take to send it.
const SLOWEST: Duration = Duration::from_secs(15);

/// Why there is no body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unread {
    /// It is larger than 64 KiB.
    TooLarge,
    /// It did not arrive whole, or not in time.
    Broken,
}

/// Reads a body.
///
/// # Errors
/// Where it is too large, breaks off or takes too long.
pub async fn read<B>(body: B) -> Result<Bytes, Unread>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        _ => Err(Unread::Broken),
    }
}
