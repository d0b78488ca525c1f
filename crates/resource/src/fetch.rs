//! The HTTP client that asks the authorization server.

use http::{Request, Response};
use std::fmt;
use std::pin::Pin;

/// The answer to come.
pub type FetchFuture = Pin<Box<dyn Future<Output = Result<Response<Vec<u8>>, FetchError>> + Send>>;

/// Sends a request to the authorization server and reads the whole answer.
///
/// With the feature `fetch`, [`HttpClient`](crate::HttpClient) does it. An implementation must not follow redirects, must bound
/// the answer (2 MiB are enough), should keep connections, and must verify certificates. The verifier bounds the time.
pub trait Fetch: Send + Sync {
    /// Sends `request`. An answer of any status is `Ok`.
    fn fetch(&self, request: Request<Vec<u8>>) -> FetchFuture;
}

/// No answer came. The text says why, and is logged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchError(pub String);

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FetchError {}

#[cfg(feature = "fetch")]
impl Fetch for hallpass_client::http::HttpClient {
    fn fetch(&self, request: Request<Vec<u8>>) -> FetchFuture {
        let client = self.clone();
        Box::pin(async move {
            let sent = client.send(request.map(Into::into)).await;
            sent.map(|answer| answer.map(Into::into))
                .map_err(|error| FetchError(error.to_string()))
        })
    }
}
