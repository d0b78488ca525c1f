//! A request's body, read to its end: bounded in size and in time, so that nobody fills the memory or keeps a connection.

use crate::oauth::Refusal;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use std::error::Error;
use std::time::Duration;

/// The largest body that any endpoint or page takes.
pub const LARGEST: usize = 64 * 1024;
/// How long a client may take to send its headers, and then its body.
pub const SLOWEST: Duration = Duration::from_secs(15);

/// Reads a body.
///
/// # Errors
/// Where it is too large, or does not arrive whole in time.
pub async fn read<B>(body: B) -> Result<Bytes, Refusal>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match tokio::time::timeout(SLOWEST, Limited::new(body, LARGEST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::TooLarge),
        _ => Err(Refusal::Malformed("the body did not arrive whole".to_owned())),
    }
}
