//! A small HTTP client for calls from server to server.
//!
//! It speaks HTTP/1.1, follows no redirects, reads no proxy from the environment, and keeps connections for the next
//! request. Sizes and times are capped. Plain `http` is for this machine only, unless the builder allows it. An error says
//! whether the request can have reached the server, because a caller may repeat only what did not count.
//!
//! A program that has an HTTP client of its own puts it in place of this one: see [`Transport`].

mod builder;
mod connect;
mod error;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderValue, USER_AGENT};
use http::uri::Scheme;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::capture_connection;

use connect::Connector;

pub use builder::{BuildError, HttpClientBuilder};
pub use error::HttpError;

/// A client with a pool of connections. A clone shares the pool.
#[derive(Clone)]
pub struct HttpClient {
    transport: Arc<dyn Transport>,
}

/// The answer to come.
pub type TransportFuture<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

/// Sends requests: the network, or what a program puts in its place, for instance to record them.
///
/// An implementation must not follow redirects, must verify certificates, and must bound the time and the size of an answer.
/// It sends a request at most once. If it cannot say whether the server acted on a request, the error is
/// [`HttpError::Unanswered`].
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer. An answer of any status is `Ok`.
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_>;
}

/// The network: hyper, with a pool of connections.
struct Network {
    pool: legacy::Client<Connector, Full<Bytes>>,
    limits: Limits,
    user_agent: HeaderValue,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    /// From the first byte of the name lookup to the last byte of the answer.
    total: Duration,
    body_bytes: usize,
}

impl HttpClient {
    /// A builder with the defaults: 5 s to connect, 20 s in all, answers of at most 256 KiB, the root certificates of this
    /// machine.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::default()
    }

    /// A client that sends its requests by `transport`.
    pub fn over(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// Sends `request` and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// See [`HttpError`]. A request is sent at most once.
    pub async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        check_target(request.uri())?;
        self.transport.send(request).await
    }
}

impl Transport for Network {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(self.send_in_time(request))
    }
}

impl Network {
    async fn send_in_time(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = request.map(Full::new);
        request
            .headers_mut()
            .entry(USER_AGENT)
            .or_insert_with(|| self.user_agent.clone());
        let connection = capture_connection(&mut request);
        match tokio::time::timeout(self.limits.total, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) if connection.connection_metadata().is_none() => Err(HttpError::not_sent(
                "the time for the request ended before a connection was there",
            )),
            Err(_) => Err(HttpError::unanswered("no complete answer came in time")),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, HttpError> {
        let answer = self
            .pool
            .request(request)
            .await
            .map_err(|error| HttpError::from_pool(&error))?;
        let (head, body) = answer.into_parts();
        let limit = self.limits.body_bytes;
        let body = Limited::new(body, limit)
            .collect()
            .await
            .map_err(|error| HttpError::from_body(&*error, limit))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

/// Credentials belong into a header, where no log prints them with the address.
fn check_target(target: &Uri) -> Result<(), HttpError> {
    let (Some(scheme), Some(authority)) = (target.scheme(), target.authority()) else {
        return Err(HttpError::Target("it is not an absolute URL"));
    };
    if *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS {
        return Err(HttpError::Target("its scheme is not https"));
    }
    if authority.as_str().contains('@') {
        return Err(HttpError::Target("it holds a user name or a password"));
    }
    Ok(())
}
