//! The settings of an HTTP client.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::connect::Connector;
use super::{HttpClient, Limits, Network};

/// The longest head of an answer, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// Sets up an [`HttpClient`].
#[derive(Clone, Debug)]
pub struct HttpClientBuilder {
    connect: Duration,
    limits: Limits,
    plain_anywhere: bool,
    native_roots: bool,
    roots: Vec<CertificateDer<'static>>,
    user_agent: HeaderValue,
    idle_per_host: usize,
}

/// Why an HTTP client cannot be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A root certificate cannot be read.
    #[error("a root certificate cannot be read: {0}")]
    Certificate(String),
    /// The crypto library refuses the TLS settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Default for HttpClientBuilder {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            limits: Limits {
                total: Duration::from_secs(20),
                body_bytes: 256 * 1024,
            },
            plain_anywhere: false,
            native_roots: true,
            roots: Vec::new(),
            user_agent: HeaderValue::from_static(concat!("hallpass-client/", env!("CARGO_PKG_VERSION"))),
            idle_per_host: 8,
        }
    }
}

impl HttpClientBuilder {
    /// The time for the name lookup, the connection and the TLS handshake together.
    #[must_use]
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// The time for a request from its beginning to the last byte of its answer.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.limits.total = time;
        self
    }

    /// The longest body of an answer, in bytes.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.limits.body_bytes = bytes;
        self
    }

    /// Allows `http` to other machines: for a private network that encrypts by itself. Tokens and secrets travel readable.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_anywhere = true;
        self
    }

    /// Trusts only the roots of [`add_roots_pem`](Self::add_roots_pem), and not those of this machine.
    #[must_use]
    pub fn without_native_roots(mut self) -> Self {
        self.native_roots = false;
        self
    }

    /// Trusts the certificates of `pem` as roots.
    ///
    /// # Errors
    /// [`BuildError::Certificate`] if `pem` is not a sequence of certificates in PEM form, or is empty.
    pub fn add_roots_pem(mut self, pem: &[u8]) -> Result<Self, BuildError> {
        let before = self.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.roots
                .push(certificate.map_err(|error| BuildError::Certificate(error.to_string()))?);
        }
        if self.roots.len() == before {
            return Err(BuildError::Certificate("no certificate found".to_owned()));
        }
        Ok(self)
    }

    /// The header `User-Agent` of requests that bring none.
    #[must_use]
    pub fn user_agent(mut self, value: HeaderValue) -> Self {
        self.user_agent = value;
        self
    }

    /// How many idle connections are kept for each server. The default is 8; zero keeps none.
    #[must_use]
    pub fn idle_connections(mut self, count: usize) -> Self {
        self.idle_per_host = count;
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// See [`BuildError`]. A machine without root certificates is no error: then each call by `https` fails.
    pub fn build(self) -> Result<HttpClient, BuildError> {
        let tls = self.tls()?;
        let pool = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(self.idle_per_host)
            .http1_max_buf_size(LONGEST_HEAD)
            .build(Connector::new(tls, self.connect, self.plain_anywhere));
        Ok(HttpClient::over(Arc::new(Network {
            pool,
            limits: self.limits,
            user_agent: self.user_agent,
        })))
    }

    fn tls(&self) -> Result<ClientConfig, BuildError> {
        let mut roots = RootCertStore::empty();
        if self.native_roots {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        for root in &self.roots {
            let added = roots.add(root.clone());
            added.map_err(|error| BuildError::Certificate(error.to_string()))?;
        }
        // The provider is named: a program that links two would otherwise panic at the first handshake.
        let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(crypto)
            .with_safe_default_protocol_versions()
            .map_err(|error| BuildError::Tls(error.to_string()))?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}
