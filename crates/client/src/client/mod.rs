//! The requests of a client to its authorization server.

mod authorize;
mod request;
mod standing;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crate::clock::Clock;
use crate::http::HttpClient;
use crate::provider::{Provider, ProviderError};

pub use standing::{AnyToken, Introspection};
pub use tokens::Narrowing;

/// A client at one authorization server. A clone shares everything.
#[derive(Clone)]
pub struct Client {
    provider: Arc<Provider>,
    http: HttpClient,
    clock: Arc<dyn Clock>,
    /// The clock of the server minus ours at the last answer, in milliseconds.
    skew: Arc<AtomicI64>,
}

impl Client {
    /// A client at `provider`.
    ///
    /// # Errors
    /// [`ProviderError`] if an endpoint is not an absolute URL or still has a variable. The token endpoint may be missing until
    /// it is used.
    pub fn new(provider: Provider, http: HttpClient, clock: Arc<dyn Clock>) -> Result<Self, ProviderError> {
        request::check(&provider)?;
        Ok(Self {
            provider: Arc::new(provider),
            http,
            clock,
            skew: Arc::default(),
        })
    }

    /// The same client, which reads and stores the distance of the clocks in `skew`.
    #[cfg(feature = "keeper")]
    pub(crate) fn with_skew(mut self, skew: Arc<AtomicI64>) -> Self {
        self.skew = skew;
        self
    }

    /// What the client knows about the server.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.provider.token_endpoint).finish()
    }
}
