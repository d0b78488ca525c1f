//! The service behind a guard.

use crate::access::Access;
use crate::guard::Guard;
use crate::refused::Refused;
use crate::verifier::Verifier;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Request, Response};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// A service behind a [`Guard`]: only callers that the guard admits reach it.
#[derive(Clone, Debug)]
pub struct GuardedService<S> {
    inner: S,
    guard: Guard,
}

/// In the extensions of a request: its token was verified, and by which verifier.
#[derive(Clone)]
pub(crate) struct Verified {
    verifier: Verifier,
    access: Arc<Access>,
}

impl<S> Layer<S> for Guard {
    type Service = GuardedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardedService {
            inner,
            guard: self.clone(),
        }
    }
}

impl<S, B, R> Service<Request<B>> for GuardedService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let guard = self.guard.clone();
        // The inner service that is ready, and not its copy, takes the request.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        Box::pin(async move {
            let before = Verified::by(request.extensions(), guard.verifier());
            let headers = authorization(request.headers());
            match admitted(&guard, before, &headers).await {
                Ok(verified) => {
                    verified.insert(request.extensions_mut());
                    inner.call(request).await
                }
                Err(refused) => {
                    let answer = guard.verifier().answer(&refused, guard.needed_scopes());
                    Ok(answer.map(|body| R::from(body.into_owned())))
                }
            }
        })
    }
}

/// A copy of the only header that is read: the request itself cannot be held while the server is asked.
fn authorization(headers: &HeaderMap) -> HeaderMap {
    let values = headers.get_all(AUTHORIZATION).iter().take(2);
    values.map(|value| (AUTHORIZATION, value.clone())).collect()
}

async fn admitted(guard: &Guard, before: Option<Verified>, headers: &HeaderMap) -> Result<Verified, Refused> {
    let verified = match before {
        Some(verified) => verified,
        None => Verified::verify(guard.verifier(), headers).await?,
    };
    guard.admit(&verified.access)?;
    Ok(verified)
}

impl Verified {
    /// What an outer guard of the same verifier found.
    pub(crate) fn by(extensions: &http::Extensions, verifier: &Verifier) -> Option<Self> {
        let found = extensions.get::<Self>();
        found.filter(|found| found.verifier.is(verifier)).cloned()
    }

    pub(crate) async fn verify(verifier: &Verifier, headers: &HeaderMap) -> Result<Self, Refused> {
        Ok(Self {
            access: verifier.verify_headers(headers).await?,
            verifier: verifier.clone(),
        })
    }

    pub(crate) fn insert(self, extensions: &mut http::Extensions) {
        extensions.insert(self.access.clone());
        extensions.insert(self);
    }

    #[cfg(feature = "axum")]
    pub(crate) fn access(&self) -> Arc<Access> {
        self.access.clone()
    }
}
