//! Connects: TCP, then TLS for `https`, within one time limit.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Connects to `http` and `https` addresses.
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<PlainGuard>,
    timeout: Duration,
}

/// Opens TCP connections and closes those that would carry plain `http` to another machine.
#[derive(Clone)]
struct PlainGuard {
    tcp: HttpConnector,
    plain_anywhere: bool,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig, timeout: Duration, plain_anywhere: bool) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared among the addresses of a name, so that a dead first address leaves time for the next.
        tcp.set_connect_timeout(Some(timeout));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(PlainGuard { tcp, plain_anywhere });
        Self { https, timeout }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.https.call(target));
        Box::pin(async move {
            match connecting.await {
                Ok(outcome) => outcome,
                Err(_) => Err("no connection in time".into()),
            }
        })
    }
}

impl Service<Uri> for PlainGuard {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    /// The address that was reached decides, not the name: `localhost` may lead elsewhere.
    fn call(&mut self, target: Uri) -> Self::Future {
        let guarded = target.scheme() != Some(&Scheme::HTTPS) && !self.plain_anywhere;
        let connecting = self.tcp.call(target);
        Box::pin(async move {
            let stream = connecting.await?;
            if guarded && !stream.inner().peer_addr()?.ip().to_canonical().is_loopback() {
                return Err("plain http leads to another machine: use https".into());
            }
            Ok(stream)
        })
    }
}
